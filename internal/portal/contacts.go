package portal

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/ui"
	"clientele/internal/web"
)

func contactsPath(a id.Account) string { return accountPath(a) + "/contacts" }

func (p *Portal) contacts(r *web.Request, by access.For[access.ManageContacts]) error {
	list, err := p.Accounts.Contacts(r.Context(), by)
	if err != nil {
		return err
	}
	a, err := account.Get(r.Context(), by)
	if err != nil {
		return err
	}
	page, err := accountPage(p, r, by, "Contacts")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, contactsPage(page, a, list, by.Closed()))
}

// A contactView is a contact as its form shows it.
type contactView struct {
	account   id.Account
	number    id.Contact // 0: a new one
	typed     account.TypedContact
	stamp     string            // the state of the contact that is changed
	meanwhile account.Meanwhile // what somebody else saved at the same time
	errors    map[string]string
	above     string
	closed    bool
}

func typedContact(r *web.Request) account.TypedContact {
	return account.TypedContact{
		Name: r.Value("name"), Company: r.Value("company"), Address: r.Value("address"), Phone: r.Value("phone"),
		Line1: r.Value("line1"), Line2: r.Value("line2"), City: r.Value("city"), Region: r.Value("region"), Postcode: r.Value("postcode"),
		Country: r.Value("country"), TaxNumber: r.Value("tax_number"), Kinds: r.Values("kinds"),
	}
}

func (p *Portal) showContact(r *web.Request, cause error, by access.For[access.ManageContacts], v contactView) error {
	title := "New contact"
	if v.number != 0 {
		title = v.typed.Name
	}
	v.account, v.closed = by.Account(), by.Closed()
	page, err := accountPage(p, r, by, title)
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, contactPage(page, title, v))
}

func (p *Portal) newContact(r *web.Request, by access.For[access.ManageContacts]) error {
	return p.showContact(r, nil, by, contactView{})
}

func (p *Portal) addContact(r *web.Request, by access.For[access.ManageContacts]) error {
	t := typedContact(r)
	c, err := t.Parse()
	if err == nil {
		_, err = p.Accounts.AddContact(r.Context(), by, c)
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.showContact(r, err, by, contactView{typed: t, errors: fields, above: above})
		})
	}
	r.Say(ui.Good, c.Name+" is a contact of this account now.")
	return r.Redirect(contactsPath(by.Account()))
}

func (p *Portal) contact(r *web.Request, by access.For[access.ManageContacts]) error {
	number, err := web.PathID[id.Contact](r, "contact")
	if err != nil {
		return err
	}
	c, err := p.Accounts.Contact(r.Context(), by, number)
	if err != nil {
		return err
	}
	return p.showContact(r, nil, by, contactView{number: number, typed: c.Typed(), stamp: c.Stamp()})
}

func (p *Portal) changeContact(r *web.Request, by access.For[access.ManageContacts]) error {
	number, err := web.PathID[id.Contact](r, "contact")
	if err != nil {
		return err
	}
	t := typedContact(r)
	c, err := t.Parse()
	if err == nil {
		err = p.Accounts.ChangeContact(r.Context(), by, number, c, r.Value("stamp"))
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.contactAgain(r, err, by, contactView{number: number, typed: t, stamp: r.Value("stamp"), errors: fields, above: above})
		})
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect(contactsPath(by.Account()))
}

// contactAgain shows the form once more. Where somebody else has saved something
// else meanwhile, that stands beside what was typed.
func (p *Portal) contactAgain(r *web.Request, cause error, by access.For[access.ManageContacts], v contactView) error {
	if e, ok := fault.Of(cause); ok && e.Reason == "changed-meanwhile" {
		now, err := p.Accounts.Contact(r.Context(), by, v.number)
		if err != nil {
			return err
		}
		v.stamp, v.meanwhile, v.above = now.Stamp(), v.typed.Since(now.Typed()), account.MeanwhileText
	}
	return p.showContact(r, cause, by, v)
}

func (p *Portal) removeContact(r *web.Request, by access.For[access.ManageContacts]) error {
	number, err := web.PathID[id.Contact](r, "contact")
	if err != nil {
		return err
	}
	if err := p.Accounts.RemoveContact(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "The contact is removed and receives no more mail.")
	return r.Redirect(contactsPath(by.Account()))
}

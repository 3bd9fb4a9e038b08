package backoffice

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountContacts mounts an account's Contacts tab.
func (b *Backoffice) mountContacts(m *web.Mux) {
	const base = "/staff/accounts/{account}/contacts"
	kinds := web.Repeats("kinds")
	web.Staff(m, "GET "+base, b.contacts)
	web.Staff(m, "GET "+base+"/new", b.newContact)
	web.Staff(m, "POST "+base, b.addContact, web.Audits("contact.added"), kinds)
	web.Staff(m, "GET "+base+"/{contact}", b.contact)
	web.Staff(m, "POST "+base+"/{contact}", b.changeContact, web.Audits("contact.changed"), kinds)
	web.Staff(m, "POST "+base+"/{contact}/remove", b.removeContact, web.Audits("contact.removed"))
}

// A contactsView is an account's contacts.
type contactsView struct {
	List      []account.Contact
	MayChange bool
}

func (b *Backoffice) contacts(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.Enter](b, r, by)
	if err != nil {
		return err
	}
	list, err := b.Accounts.ContactsForStaff(r.Context(), acc)
	if err != nil {
		return err
	}
	_, change := staff.Also[staff.ManageAccounts](by)
	return r.Render(http.StatusOK, contactsPage(newSheet(r, acc, "Contacts", "Contacts"), contactsView{list, change && !acc.Closed()}))
}

// A contactForm is a contact as somebody typed it.
type contactForm struct {
	account.TypedContact
	Number    id.Contact        // 0: a new one
	Seen      string            // the state of the contact that is changed
	Meanwhile account.Meanwhile // what somebody else saved at the same time
	Opened    string            // when the form was opened
	Done      []account.Change  // what others did since then
	Errors    map[string]string
	Above     string
}

// path is where the form goes, below the account's address.
func (f contactForm) path() string {
	if f.Number == 0 {
		return "/contacts"
	}
	return "/contacts/" + id.String(f.Number)
}

func (f contactForm) title() string {
	if f.Number == 0 {
		return "New contact"
	}
	return f.Name
}

// field is one line of the form.
func (f contactForm) field(name, label, value string) ui.FieldProps {
	return ui.FieldProps{Name: name, Label: label, Value: value, Hint: f.Meanwhile.Hint(name, ""), Error: f.Errors[name], MaxLength: 100, Autocomplete: "off"}
}

func showContact(r *web.Request, acc access.For[access.ManageContacts], f contactForm, cause error) error {
	if f.Errors, f.Above = problems(cause); isMeanwhile(cause) {
		f.Above = account.MeanwhileText
	}
	return r.RenderAgain(cause, contactPage(newSheet(r, acc, f.title(), "Contacts"), f))
}

func readContact(r *web.Request) account.TypedContact {
	return account.TypedContact{
		Name: r.Value("name"), Company: r.Value("company"), Address: r.Value("address"), Phone: r.Value("phone"),
		Line1: r.Value("line1"), Line2: r.Value("line2"), City: r.Value("city"), Region: r.Value("region"), Postcode: r.Value("postcode"),
		Country: r.Value("country"), TaxNumber: r.Value("tax_number"), Kinds: r.Values("kinds"),
	}
}

func (b *Backoffice) newContact(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageContacts](b, r, by)
	if err != nil {
		return err
	}
	return showContact(r, acc, contactForm{}, nil)
}

func (b *Backoffice) addContact(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageContacts](b, r, by)
	if err != nil {
		return err
	}
	f := contactForm{TypedContact: readContact(r)}
	c, err := f.Parse()
	if err == nil {
		_, err = b.Accounts.AddContact(r.Context(), acc, c)
	}
	if web.Mendable(err) {
		return showContact(r, acc, f, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, c.Name+" is a contact of "+acc.AccountName()+" now.")
	return r.Redirect(accountPath(acc.Account()) + "/contacts")
}

// theContact finds the contact in the path.
func (b *Backoffice) theContact(r *web.Request, by staff.For[staff.ManageAccounts]) (acc access.For[access.ManageContacts], c account.Contact, err error) {
	if acc, err = open[access.ManageContacts](b, r, by); err != nil {
		return acc, c, err
	}
	number, err := web.PathID[id.Contact](r, "contact")
	if err != nil {
		return acc, c, err
	}
	c, err = b.Accounts.Contact(r.Context(), acc, number)
	return acc, c, err
}

func (b *Backoffice) contact(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, c, err := b.theContact(r, by)
	if err != nil {
		return err
	}
	return showContact(r, acc, savedContact(r, c), nil)
}

func (b *Backoffice) changeContact(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, old, err := b.theContact(r, by)
	if err != nil {
		return err
	}
	f := contactForm{TypedContact: readContact(r), Number: old.ID, Seen: r.Value("seen"), Opened: r.Value("opened")}
	c, err := f.Parse()
	if err == nil {
		err = b.Accounts.ChangeContact(r.Context(), acc, old.ID, c, f.Seen)
	}
	if web.Mendable(err) {
		return b.contactAgain(r, acc, f, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The contact "+c.Name+" is saved.")
	return r.Redirect(accountPath(acc.Account()) + "/contacts")
}

// savedContact is the form of a contact as it is saved.
func savedContact(r *web.Request, c account.Contact) contactForm {
	return contactForm{TypedContact: c.Typed(), Number: c.ID, Seen: c.Stamp(), Opened: stamp(r.Now())}
}

// contactAgain shows the form once more. Where somebody else has saved something
// else meanwhile, that stands beside what was typed.
func (b *Backoffice) contactAgain(r *web.Request, acc access.For[access.ManageContacts], f contactForm, cause error) (err error) {
	if !isMeanwhile(cause) {
		return showContact(r, acc, f, cause)
	}
	now, err := b.Accounts.Contact(r.Context(), acc, f.Number)
	if err != nil {
		return err
	}
	if f.Done, err = meanwhile(b, r, acc, "contact", int64(f.Number), cause); err != nil {
		return err
	}
	f.Seen, f.Meanwhile = now.Stamp(), f.Since(now.Typed())
	return showContact(r, acc, f, cause)
}

func (b *Backoffice) removeContact(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, c, err := b.theContact(r, by)
	if err != nil {
		return err
	}
	err = b.Accounts.RemoveContact(r.Context(), acc, c.ID)
	if web.Mendable(err) {
		return showContact(r, acc, savedContact(r, c), err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, c.Name+" is no contact of "+acc.AccountName()+" any more, and receives no more mail.")
	return r.Redirect(accountPath(acc.Account()) + "/contacts")
}

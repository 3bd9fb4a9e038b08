package portal

import (
	"net/http"
	"strings"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountAccount mounts the account's own pages.
func (p *Portal) mountAccount(m *web.Mux) {
	const base = "/a/{account}"
	kinds := web.Repeats("kinds")
	web.Account(m, "GET "+base, p.overview, web.ByStaff)
	web.Account(m, "GET "+base+"/settings", p.settings, web.ByStaff)
	web.Account(m, "POST "+base+"/settings", p.changeSettings, web.Audits("account.changed"), kinds, web.ByStaff)
	web.Account(m, "POST "+base+"/settings/further", p.changeFurther, web.Audits("account.changed"), web.ByStaff)
	web.Account(m, "GET "+base+"/close", p.closePage, web.StepUp)
	web.Account(m, "POST "+base+"/close", p.closeAccount, web.StepUp, web.Audits("account.closed"))
	web.Account(m, "GET "+base+"/contacts", p.contacts, web.ByStaff)
	web.Account(m, "GET "+base+"/contacts/new", p.newContact, web.ByStaff)
	web.Account(m, "POST "+base+"/contacts", p.addContact, web.Audits("contact.added"), kinds, web.ByStaff)
	web.Account(m, "GET "+base+"/contacts/{contact}", p.contact, web.ByStaff)
	web.Account(m, "POST "+base+"/contacts/{contact}", p.changeContact, web.Audits("contact.changed"), kinds, web.ByStaff)
	web.Account(m, "POST "+base+"/contacts/{contact}/remove", p.removeContact, web.Audits("contact.removed"), web.ByStaff)
	web.Account(m, "GET "+base+"/activity", p.activity, web.ByStaff)
	web.Account(m, "POST "+base+"/activity/export", p.exportActivity, web.StepUp, web.Audits("log.exported"))
	web.Account(m, "GET "+base+"/emails", p.emails, web.ByStaff)
}

// An overviewView is what the first page of an account shows.
type overviewView struct {
	by     access.For[access.Enter]
	offers []access.Offer // ownership that is offered to the holder
	menu   []ui.NavItem
	r      *web.Request
}

func (p *Portal) overview(r *web.Request, by access.For[access.Enter]) error {
	v := overviewView{by: by, menu: menu(by)[1:], r: r}
	all, err := p.Memberships.Offers(r.Context(), by)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.ToID == by.Membership() && !by.Closed() {
			v.offers = append(v.offers, o)
		}
	}
	page, err := accountPage(p, r, by, "Overview")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, overviewPage(page, v))
}

// about says what a page of the menu is for.
func about(label string) string {
	return map[string]string{
		"People":   "See who may enter this account, invite people, and decide what each may do.",
		"Contacts": "Addresses that receive this account's mail and never sign in.",
		"Mail":     "What was mailed to this account.",
		"Activity": "Who did what in this account, and when.",
		"Settings": "Name, address, tax number, currency and language.",
	}[label]
}

func (p *Portal) settings(r *web.Request, by access.For[access.ManageProfile]) error {
	a, err := account.Get(r.Context(), by)
	if err != nil {
		return err
	}
	return p.showSettings(r, nil, by, settingsView{typed: typed(a.Details), held: a.Language, stamp: a.Stamp()})
}

// typed is the details as a form shows them.
func typed(d account.Details) account.Typed {
	return account.Typed{
		Name: d.Name, Company: d.Company, Address: d.Address.String(), Line1: d.Line1, Line2: d.Line2, City: d.City, Region: d.Region,
		Postcode: d.Postcode, Country: d.Country, Phone: d.Phone, TaxNumber: d.TaxNumber, Currency: d.Currency, Language: d.Language, Kinds: d.MailKinds.Keys(),
	}
}

func (p *Portal) showSettings(r *web.Request, cause error, by access.For[access.ManageProfile], v settingsView) error {
	v.number, v.owner, v.closed = by.Account(), by.Owner(), by.Closed()
	further, err := p.Accounts.Answers(r.Context(), by)
	if err != nil {
		return err
	}
	seen := v.further.Seen
	if v.further = further; seen != "" {
		v.further.Seen = seen
	}
	if v.texts == nil {
		v.texts = map[string]string{}
		for _, a := range further.List {
			v.texts[a.Input()] = a.Value
		}
	}
	v.offered = p.Settings.Current().Languages.Choices(v.typed.Language, v.held)
	page, err := accountPage(p, r, by, "Settings")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, settingsPage(page, v))
}

// A settingsView is what the settings page shows.
type settingsView struct {
	number       id.Account
	typed        account.Typed
	held         string            // the language that is saved
	offered      []locale.Choice   // languages
	stamp        string            // the state of the details that are changed
	meanwhile    account.Meanwhile // what somebody else saved at the same time
	errors       map[string]string
	above        string
	further      account.Answers   // the operator's own fields
	texts        map[string]string // what was typed into them; nil: what is saved
	furtherAbove string
	owner        bool
	closed       bool
}

func (p *Portal) changeSettings(r *web.Request, by access.For[access.ManageProfile]) error {
	t := account.Typed{
		Name: r.Value("name"), Company: r.Value("company"), Address: r.Value("address"), Line1: r.Value("line1"), Line2: r.Value("line2"),
		City: r.Value("city"), Region: r.Value("region"), Postcode: r.Value("postcode"), Country: r.Value("country"), Phone: r.Value("phone"),
		TaxNumber: r.Value("tax_number"), Currency: r.Value("currency"), Language: r.Value("language"), Kinds: r.Values("kinds"),
	}
	d, err := t.Parse()
	if err == nil {
		err = p.Accounts.Change(r.Context(), by, d, r.Value("stamp"))
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.settingsAgain(r, err, by, settingsView{typed: t, stamp: r.Value("stamp"), errors: fields, above: above})
		})
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect(accountPath(by.Account()) + "/settings")
}

// settingsAgain shows the form once more. Where somebody else has saved other
// details meanwhile, they stand beside what was typed.
func (p *Portal) settingsAgain(r *web.Request, cause error, by access.For[access.ManageProfile], v settingsView) error {
	now, err := account.Get(r.Context(), by)
	if err != nil {
		return err
	}
	v.held = now.Language
	if e, ok := fault.Of(cause); ok && e.Reason == "changed-meanwhile" {
		v.stamp, v.meanwhile, v.above = now.Stamp(), v.typed.Since(typed(now.Details)), account.MeanwhileText
	}
	return p.showSettings(r, cause, by, v)
}

// answered are what was typed into the operator's own fields.
func answered(r *web.Request, list []account.Answer) map[string]string {
	texts := map[string]string{}
	for _, a := range list {
		texts[a.Input()] = r.Value(a.Input())
	}
	return texts
}

func (p *Portal) changeFurther(r *web.Request, by access.For[access.ManageProfile]) error {
	now, err := p.Accounts.Answers(r.Context(), by)
	if err != nil {
		return err
	}
	t := account.TypedAnswers{Texts: answered(r, now.List), Seen: r.Value("seen")}
	if err := p.Accounts.Answer(r.Context(), by, t); err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			a, err2 := account.Get(r.Context(), by)
			if err2 != nil {
				return err2
			}
			v := settingsView{typed: typed(a.Details), held: a.Language, stamp: a.Stamp(), texts: t.Texts, errors: fields, furtherAbove: above}
			if e, ok := fault.Of(err); !ok || e.Reason != "changed-meanwhile" {
				v.further.Seen = t.Seen
			}
			return p.showSettings(r, err, by, v)
		})
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect(accountPath(by.Account()) + "/settings")
}

func (p *Portal) closePage(r *web.Request, by access.For[access.Own]) error {
	page, err := accountPage(p, r, by, "Close the account")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, closeAccountPage(page, by.Account(), by.AccountName(), ""))
}

func (p *Portal) closeAccount(r *web.Request, by access.For[access.Own]) error {
	if strings.TrimSpace(r.Value("number")) != id.String(by.Account()) {
		page, err := accountPage(p, r, by, "Close the account")
		if err != nil {
			return err
		}
		return r.Render(http.StatusUnprocessableEntity, closeAccountPage(page, by.Account(), by.AccountName(), "Type the account's number, "+id.String(by.Account())+", to confirm."))
	}
	if err := p.Accounts.Close(r.Context(), by); err != nil {
		return err
	}
	r.Say(ui.Good, by.AccountName()+" is closed. It can still be read.")
	return r.Redirect(accountPath(by.Account()))
}

func (p *Portal) activity(r *web.Request, by access.For[access.ViewActivity]) error {
	a, err := web.ReadActivity(r, p.Accounts.Log(by))
	if err != nil {
		return err
	}
	page, err := accountPage(p, r, by, "Activity")
	if err != nil {
		return err
	}
	a.Account = id.String(by.Account())
	return r.RenderAgain(a.Cause, activityPage(page, "Activity", "Who did what in this account. The log cannot be changed.", a))
}

func (p *Portal) exportActivity(r *web.Request, by access.For[access.ViewActivity]) error {
	return web.ExportActivity(r, p.Accounts.Log(by))
}

func (p *Portal) emails(r *web.Request, by access.For[access.ViewEmails]) error {
	list, err := p.Accounts.Emails(r.Context(), by, web.After[id.Mail](r, "before"))
	if err != nil {
		return err
	}
	more := ""
	if len(list) > mail.LogSize {
		list = list[:mail.LogSize]
		more = accountPath(by.Account()) + "/emails?before=" + id.String(list[len(list)-1].ID)
	}
	page, err := accountPage(p, r, by, "Mail")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, emailsPage(page, list, more, r.Now()))
}

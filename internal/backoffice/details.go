package backoffice

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/locale"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// A detailsForm is an account's details as somebody typed them.
type detailsForm struct {
	account.Typed
	Held      string // the language that is saved
	Languages locale.Allowed
	Seen      string            // the state of the details that were changed
	Meanwhile account.Meanwhile // what somebody else saved at the same time
	Opened    string            // when the form was opened
	Done      []account.Change  // what others did since then
	Errors    map[string]string
	Above     string
	Further   furtherView
}

func (b *Backoffice) details(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageProfile](b, r, by)
	if err != nil {
		return err
	}
	a, err := account.Get(r.Context(), acc)
	if err != nil {
		return err
	}
	f := detailsForm{Typed: typed(a.Details), Held: a.Language, Seen: a.Stamp(), Opened: stamp(r.Now()), Languages: b.Settings.Current().Languages}
	if f.Further, err = b.further(r, by, acc); err != nil {
		return err
	}
	return r.Render(http.StatusOK, detailsPage(newSheet(r, acc, "Details", "Summary"), f))
}

func (b *Backoffice) changeDetails(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageProfile](b, r, by)
	if err != nil {
		return err
	}
	f := detailsForm{Typed: readDetails(r), Seen: r.Value("seen"), Opened: r.Value("opened"), Languages: b.Settings.Current().Languages}
	d, err := f.Parse()
	if err == nil {
		err = b.Accounts.Change(r.Context(), acc, d, f.Seen)
	}
	if web.Mendable(err) {
		return b.detailsAgain(r, by, acc, f, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The details of "+d.Name+" are saved.")
	return r.Redirect(accountPath(acc.Account()))
}

// detailsAgain shows the form once more. Where somebody else has saved other
// details meanwhile, they stand beside what was typed, and saving once more
// is a decision.
func (b *Backoffice) detailsAgain(r *web.Request, by staff.For[staff.ManageAccounts], acc access.For[access.ManageProfile], f detailsForm, cause error) error {
	f.Errors, f.Above = problems(cause)
	now, err := account.Get(r.Context(), acc)
	if err != nil {
		return err
	}
	f.Held = now.Language
	if f.Done, err = meanwhile(b, r, acc, "account", int64(acc.Account()), cause); err != nil {
		return err
	}
	if f.Further, err = b.further(r, by, acc); err != nil {
		return err
	}
	if isMeanwhile(cause) {
		f.Seen, f.Meanwhile = now.Stamp(), f.Since(typed(now.Details))
		f.Above = account.MeanwhileText
	}
	return r.Render(web.Status(cause), detailsPage(newSheet(r, acc, "Details", "Summary"), f))
}

func readDetails(r *web.Request) account.Typed {
	return account.Typed{
		Name: r.Value("name"), Company: r.Value("company"), Address: r.Value("address"),
		Line1: r.Value("line1"), Line2: r.Value("line2"), City: r.Value("city"), Region: r.Value("region"),
		Postcode: r.Value("postcode"), Country: r.Value("country"), Phone: r.Value("phone"),
		TaxNumber: r.Value("tax_number"), Currency: r.Value("currency"), Language: r.Value("language"),
		Kinds: r.Values("kinds"),
	}
}

func typed(d account.Details) account.Typed {
	return account.Typed{
		Name: d.Name, Company: d.Company, Address: d.Address.String(), Line1: d.Line1, Line2: d.Line2, City: d.City,
		Region: d.Region, Postcode: d.Postcode, Country: d.Country, Phone: d.Phone, TaxNumber: d.TaxNumber,
		Currency: d.Currency, Language: d.Language, Kinds: d.MailKinds.Keys(),
	}
}

// field is one line of the form.
func (f detailsForm) field(name, label, hint string) ui.FieldProps {
	return ui.FieldProps{Name: name, Label: label, Value: f.Texts()[name], Hint: f.Meanwhile.Hint(name, hint), Error: f.Errors[name], MaxLength: 100, Autocomplete: "off"}
}

// required is a line that cannot stay empty.
func (f detailsForm) required(name, label, kind, hint string) ui.FieldProps {
	p := f.field(name, label, hint)
	p.Required, p.Type = true, kind
	if kind == "email" {
		p.MaxLength = 0
	}
	return p
}

// choice is a line that is chosen from a list.
func (f detailsForm) choice(name, label, hint string, from []locale.Choice, first ...ui.Option) ui.SelectProps {
	s := ui.SelectProps{Name: name, Label: label, Value: f.Texts()[name], Hint: f.Meanwhile.Hint(name, hint), Error: f.Errors[name], Options: first}
	for _, c := range from {
		s.Options = append(s.Options, ui.Option{Value: c.Key, Label: c.Name})
	}
	return s
}

// kindLabels says kinds of mail in words.
func kindLabels(k account.Kinds) (out []string) {
	for _, kind := range account.AllKinds {
		if k.Has(kind) {
			out = append(out, kind.Label)
		}
	}
	return out
}

package backoffice

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// A furtherView is the form of an account's group and of what it has in the
// operator's own fields.
type furtherView struct {
	account.Answers
	Texts  map[string]string // what was typed, by the fields' names
	Groups []staff.GroupUse
	Opened string
	Done   []account.Change
	Errors map[string]string
	Above  string
}

// further reads the form as it stands.
func (b *Backoffice) further(r *web.Request, by staff.For[staff.ManageAccounts], acc access.For[access.ManageProfile]) (f furtherView, err error) {
	if f.Answers, err = b.Accounts.Answers(r.Context(), acc); err != nil {
		return f, err
	}
	look, _ := staff.Also[staff.Look](by)
	f.Groups, err = b.Staff.Groups(r.Context(), look)
	f.Opened, f.Texts = stamp(r.Now()), map[string]string{}
	for _, a := range f.List {
		f.Texts[a.Input()] = a.Value
	}
	return f, err
}

// group is the choice of a group.
func (f furtherView) group() ui.SelectProps {
	s := ui.SelectProps{Name: "group", Label: "Group", Value: number(f.Group), Hint: "Its people do not see it.", Error: f.Errors["group"], Options: []ui.Option{{Label: "None"}}}
	for _, g := range f.Groups {
		s.Options = append(s.Options, ui.Option{Value: id.String(g.ID), Label: g.Name})
	}
	return s
}

func number(g db.Null[id.Group]) string {
	if !g.Valid {
		return ""
	}
	return id.String(g.V)
}

func (b *Backoffice) changeFurther(r *web.Request, by staff.For[staff.ManageAccounts]) error {
	acc, err := open[access.ManageProfile](b, r, by)
	if err != nil {
		return err
	}
	t := account.TypedAnswers{Texts: map[string]string{}, Seen: r.Value("seen")}
	if g := web.After[id.Group](r, "group"); g != 0 {
		t.Group = db.Some(g)
	}
	now, err := b.further(r, by, acc)
	if err != nil {
		return err
	}
	for _, a := range now.List {
		t.Texts[a.Input()] = r.Value(a.Input())
	}
	err = b.Accounts.Answer(r.Context(), acc, t)
	if web.Mendable(err) {
		return b.furtherAgain(r, acc, now, t, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect(accountPath(acc.Account()))
}

// furtherAgain shows the form once more, with what was typed; where somebody
// else has saved something meanwhile, with that beside it.
func (b *Backoffice) furtherAgain(r *web.Request, acc access.For[access.ManageProfile], f furtherView, t account.TypedAnswers, cause error) error {
	a, err := account.Get(r.Context(), acc)
	if err != nil {
		return err
	}
	if f.Done, err = meanwhile(b, r, acc, "account", int64(acc.Account()), cause); err != nil {
		return err
	}
	f.Errors, f.Above = problems(cause)
	f.Texts, f.Group, f.Opened = t.Texts, t.Group, r.Value("opened")
	if isMeanwhile(cause) {
		f.Above = meanwhileText
	} else {
		f.Seen = t.Seen
	}
	whole := detailsForm{Typed: typed(a.Details), Held: a.Language, Seen: a.Stamp(), Opened: stamp(r.Now()), Further: f, Languages: b.Settings.Current().Languages}
	status := web.Status(cause)
	if isMeanwhile(cause) {
		status = http.StatusConflict
	}
	return r.Render(status, detailsPage(newSheet(r, acc, "Details", "Summary"), whole))
}

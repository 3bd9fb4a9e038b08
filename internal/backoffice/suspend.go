package backoffice

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountStanding mounts what operators do about a login, and why somebody
// cannot open an account.
func (b *Backoffice) mountStanding(m *web.Mux) {
	const base = "/staff/users/{user}"
	web.Staff(m, "POST "+base+"/suspend", b.suspend, web.StepUp, web.Audits("user.suspended"))
	web.Staff(m, "POST "+base+"/restore", b.restore, web.StepUp, web.Audits("user.restored"))
	web.Staff(m, "POST "+base+"/sessions/{login}/end", b.endOneSession, web.Audits("session.ended"))
	web.Staff(m, "GET "+base+"/access", b.diagnosis)
}

func (b *Backoffice) suspend(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	err = b.Staff.SuspendUser(r.Context(), by, number, r.Value("reason"))
	if web.Mendable(err) {
		fields, above := web.FieldErrors(err)
		look, _ := staff.Also[staff.Look](by)
		v, err2 := b.viewUser(r, look, number)
		if err2 != nil {
			return err2
		}
		v.suspending = resetForm{Reason: r.Value("reason"), Problem: fields["reason"] + above}
		return r.RenderAgain(err, userPage(page(r, v.Name), v, r.Now()))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Suspended and signed out everywhere. The user was told by mail.")
	return r.Redirect(userPath(number))
}

func (b *Backoffice) restore(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	if err := b.Staff.RestoreUser(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "Restored. The user can sign in again, and was told by mail.")
	return r.Redirect(userPath(number))
}

func (b *Backoffice) endOneSession(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	session, err := web.PathID[id.Session](r, "login")
	if err != nil {
		return err
	}
	if err := b.Staff.EndUserSession(r.Context(), by, number, session); err != nil {
		return err
	}
	r.Say(ui.Good, "The session has ended. The browser is asked to sign in at its next click.")
	return r.Redirect(userPath(number))
}

// A diagnosisView is why a user can open an account, or not.
type diagnosisView struct {
	staff.Person
	access.Diagnosis
	Chosen string // the account's number, as it was typed
	Want   string
	Error  string
	Asked  bool
}

func (b *Backoffice) diagnosis(r *web.Request, by staff.For[staff.Look]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	v := diagnosisView{Chosen: r.Value("account"), Want: r.Value("want")}
	if v.Person, err = b.Staff.Person(r.Context(), by, number); err != nil {
		return err
	}
	if account := web.After[id.Account](r, "account"); account != 0 {
		if v.Diagnosis, err = b.Staff.Diagnose(r.Context(), by, number, account, v.Want); fault.Is(err, fault.NotFound) {
			v.Error = "There is no account with this number."
		} else if err != nil {
			return err
		} else {
			v.Asked = true
		}
	} else if v.Chosen != "" {
		v.Error = "Type an account's number, in digits."
	}
	status := http.StatusOK
	if v.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	return r.Render(status, diagnosisPage(page(r, "Access of "+v.Person.Name), v, r.Now()))
}

// accessPath is the diagnosis of a user's access to an account.
func accessPath(u id.User, a id.Account) string {
	return userPath(u) + "/access?account=" + id.String(a)
}

// verdict says in a sentence what the diagnosis comes to.
func (v diagnosisView) verdict() (ui.Kind, string) {
	best := ""
	for _, one := range v.Browsers {
		if v.Lets(one) {
			best = "now"
		}
	}
	switch {
	case best != "":
		return ui.Good, "Yes: they can do this now, in a session that is open."
	case !v.Inside():
		return ui.Bad, "No: they have no access to " + v.Diagnosis.Name + "."
	case !v.Wanted.Holds:
		return ui.Bad, "No: they can open " + v.Diagnosis.Name + ", but not do this there."
	case !v.Diagnosis.Gate.Holds:
		return ui.Bad, "No: they have access, and cannot show what " + v.Diagnosis.Name + " asks for."
	case len(v.Browsers) == 0:
		return ui.Warn, "Not now: they are signed in nowhere. Once they sign in, they can."
	}
	return ui.Warn, "Not now: they have access, and have to show more of who they are in each of their sessions."
}

// mend is where a condition is mended, and what the link says.
func (v diagnosisView) mend(c access.Condition) (label, href string) {
	at := v.Account
	if c.Other != 0 {
		at = c.Other
	}
	switch c.Cause {
	case access.CauseLogin:
		return "The user's page", userPath(v.ID)
	case access.CauseMember, access.CauseBegun, access.CauseEnded, access.CauseCarries, access.CausePermission:
		return "The account's users", accountPath(at) + "/users"
	case access.CauseLink, access.CausePartner:
		return "The account", accountPath(at)
	}
	return "", ""
}

// wants are what she may want to do.
func (v diagnosisView) wants() ui.SelectProps {
	s := ui.SelectProps{Name: "want", Label: "What they want to do", Value: v.Want, Options: []ui.Option{{Label: "Open the account at all"}}}
	for _, i := range access.All {
		s.Options = append(s.Options, ui.Option{Value: i.Key, Label: i.Label})
	}
	return s
}

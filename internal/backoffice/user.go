package backoffice

import (
	"net/url"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/user"
	"clientele/internal/web"
)

// mountUser mounts a user's page.
func (b *Backoffice) mountUser(m *web.Mux) {
	web.Staff(m, "GET /staff/users/{user}", b.user)
	b.mountFactors(m)
	b.mountStanding(m)
	b.mountMerge(m)
	web.Staff(m, "POST /staff/users/{user}/sessions/end", b.endSessions, web.Audits("user.sessions_ended"))
	web.Staff(m, "POST /staff/users/{user}/password-link", b.mailPasswordLink, web.Audits("user.recovery_sent"))
}

// A userView is a user's page, and where its lists go on.
type userView struct {
	staff.Person
	Reads        string // the language of mail, in words
	MoreReach    string
	MoreActivity string
	MayHelp      bool
	MayRecover   bool
	MayLook      bool // as the user, in one of the accounts
	MayRestore   bool
	Operator     id.Staff
	Reset        resetView
	suspending   resetForm // why the login is to be suspended, as it was typed
	Merge        mergeView
}

// A resetView is the removal of a lost second factor, with its form.
type resetView struct {
	auth.FactorReset
	form resetForm
}

func (b *Backoffice) user(r *web.Request, by staff.For[staff.Look]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	return b.showUser(r, by, number, nil, nil)
}

func (b *Backoffice) viewUser(r *web.Request, by staff.For[staff.Look], number id.User) (v userView, err error) {
	person, err := b.Staff.Person(r.Context(), by, number)
	if err != nil {
		return v, err
	}
	v = userView{Person: person, Operator: by.Staff(), Reset: resetView{FactorReset: person.Reset}, Reads: b.Settings.Current().Languages.Name(person.Language)}
	_, help := staff.Also[staff.Help](by)
	_, recover := staff.Also[staff.Recover](by)
	_, look := staff.Also[staff.ViewAs](by)
	v.MayLook = look && v.Status == user.Active
	v.MayHelp, v.MayRecover = help && v.Status == user.Active, recover && v.Status == user.Active
	if v.Merge.View, err = b.Merges.OfUser(r.Context(), by, number); err != nil {
		return v, err
	}
	v.MayRestore = help && v.Status == user.Suspended && v.Merge.Into.ID == 0
	return v, b.goOn(r, by, &v)
}

// goOn turns the page's lists to the part that the query asks for, and says
// where they go on.
func (b *Backoffice) goOn(r *web.Request, by staff.For[staff.Look], v *userView) (err error) {
	if last := web.After[id.Account](r, "after_account"); last != 0 {
		v.Reach, err = b.Staff.Reach(r.Context(), by, v.ID, access.Page{AfterName: r.Value("after_name"), AfterID: last, Limit: staff.PageSize})
		if err != nil {
			return err
		}
		if v.MoreThan = len(v.Reach) > staff.PageSize; v.MoreThan {
			v.Reach = v.Reach[:staff.PageSize]
		}
	}
	if last := before(r); last != 0 {
		if v.Activity, err = b.Staff.Activity(r.Context(), by, v.ID, last); err != nil {
			return err
		}
	}
	if v.MoreThan {
		last := v.Reach[len(v.Reach)-1]
		v.MoreReach = userPath(v.ID) + "?" + url.Values{"after_account": {id.String(last.ID)}, "after_name": {last.Name}}.Encode()
	}
	v.Activity, v.MoreActivity = olderEntries(r, v.Activity)
	return nil
}

func (b *Backoffice) mailPasswordLink(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	if err := b.Staff.MailPasswordLink(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "A mail with a link to set a new password is on its way. The link works once, for 30 minutes.")
	return r.Redirect(userPath(number))
}

func (b *Backoffice) endSessions(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	if err := b.Staff.EndSessions(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "The user is signed out everywhere.")
	return r.Redirect(userPath(number))
}

// why says through what a user can enter an account.
func why(a access.Reached) string {
	if a.Owner || a.Partner != "" {
		return a.Label()
	}
	return "Member: " + a.Label()
}

package portal

import (
	"net/http"
	"net/url"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/plain"
	"clientele/internal/ui"
	"clientele/internal/user"
	"clientele/internal/web"
)

// mountMe mounts what belongs to the person.
func (p *Portal) mountMe(m *web.Mux) {
	web.SignedIn(m, "GET /me", p.me)
	web.SignedIn(m, "POST /me", p.rename, web.Audits("user.renamed"))
	web.SignedIn(m, "GET /me/accounts", p.myAccounts, web.ByStaff)
	web.SignedIn(m, "POST /me/accounts/several", p.hideSeveral, web.Audits("user.hint_hidden"))
	web.SignedIn(m, "GET /me/accounts/new", p.newAccount)
	web.SignedIn(m, "POST /me/accounts/new", p.openAccount, web.Audits("account.opened"))
	p.mountSecurity(m)
	p.mountMerge(m)
	web.SignedIn(m, "GET /me/delete", p.deletePage, web.StepUp)
	web.SignedIn(m, "POST /me/delete", p.deleteMe, web.StepUp, web.Audits("user.deleted"))
	web.SignedIn(m, "GET /me/sessions", p.sessions)
	web.SignedIn(m, "POST /me/sessions/{session}/end", p.endSession, web.StepUp, web.Audits("session.ended"))
	web.SignedIn(m, "POST /me/sessions/end-others", p.endOthers, web.StepUp, web.Audits("session.others_ended"))
	web.SignedIn(m, "GET /me/activity", p.myActivity)
	web.SignedIn(m, "POST /me/activity/export", p.exportMyActivity, web.StepUp, web.Audits("log.exported"))
}

// A meForm is the person's own details as they were typed.
type meForm struct {
	Name, Language string
	Offered        []locale.Choice // languages
	Errors         map[string]string
}

func (p *Portal) me(r *web.Request) error {
	u, err := p.Auth.Me(r.Context(), r.Me())
	if err != nil {
		return err
	}
	return p.showMe(r, http.StatusOK, u, meForm{Name: u.Name, Language: u.Language})
}

func (p *Portal) showMe(r *web.Request, status int, u user.User, f meForm) error {
	page, err := p.mePage(r, "You")
	if err != nil {
		return err
	}
	f.Offered = p.Settings.Current().Languages.Choices(f.Language, u.Language)
	return r.Render(status, mePageBody(page, r, u, f))
}

func (p *Portal) rename(r *web.Request) error {
	var f fault.Form
	name, err := plain.Name(r.Value("name"))
	f.Take("name", err)
	language, err := user.ParseLanguage(r.Value("language"))
	f.Take("language", err)
	if err := f.Err(); err != nil {
		return mendable(err, func(fields map[string]string, _ string) error {
			u, err := p.Auth.Me(r.Context(), r.Me())
			if err != nil {
				return err
			}
			return p.showMe(r, http.StatusUnprocessableEntity, u, meForm{Name: r.Value("name"), Language: r.Value("language"), Errors: fields})
		})
	}
	if err := p.Auth.Rename(r.Context(), r.Me(), name, language); err != nil {
		return err
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect("/me")
}

// accountsPerPage is how many accounts one page of the list shows.
const accountsPerPage = 50

func (p *Portal) myAccounts(r *web.Request) error {
	ask := access.Page{Word: r.Value("q"), AfterName: r.Value("after_name"), AfterID: web.After[id.Account](r, "after"), Limit: accountsPerPage}
	list, err := p.Memberships.Reach(r.Context(), r.Me(), ask)
	if err != nil {
		return err
	}
	more := ""
	if len(list) > accountsPerPage {
		list = list[:accountsPerPage]
		last := list[len(list)-1]
		more = "/me/accounts?" + url.Values{"q": {ask.Word}, "after_name": {last.Name}, "after": {id.String(last.ID)}}.Encode()
	}
	page, err := p.mePage(r, "Your accounts")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, accountsPage(page, r, list, ask.Word, more))
}

// hideSeveral puts the notice away that tells of further logins.
func (p *Portal) hideSeveral(r *web.Request) error {
	if err := p.Auth.HideSeveral(r.Context(), r.Me()); err != nil {
		return err
	}
	return r.Redirect(r.Next("/me/accounts"))
}

func (p *Portal) newAccount(r *web.Request) error {
	f := account.Typed{Currency: locale.DefaultCurrency, Address: r.Me().Address().String()}
	return p.showNewAccount(r, nil, f, nil, "")
}

func (p *Portal) showNewAccount(r *web.Request, cause error, f account.Typed, fields map[string]string, above string) error {
	page, err := p.mePage(r, "Open an account")
	if err != nil {
		return err
	}
	required, err := p.Accounts.Required(r.Context())
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, newAccountPage(page, f, required, answered(r, required), fields, above))
}

func (p *Portal) openAccount(r *web.Request) error {
	f := account.Typed{
		Name: r.Value("name"), Company: r.Value("company"), Address: r.Value("address"), Country: r.Value("country"),
		Currency: r.Value("currency"), Language: r.Me().Language(),
	}
	for _, k := range account.AllKinds {
		f.Kinds = append(f.Kinds, k.Key)
	}
	required, err := p.Accounts.Required(r.Context())
	if err != nil {
		return err
	}
	d, err := f.Parse()
	if err == nil {
		var a id.Account
		if a, err = p.Accounts.Open(r.Context(), r.Me(), d, answered(r, required)); err == nil {
			r.Say(ui.Good, "Your account #"+id.String(a)+" is open. You are its owner.")
			return r.Redirect(accountPath(a))
		}
	}
	return mendable(err, func(fields map[string]string, above string) error {
		return p.showNewAccount(r, err, f, fields, above)
	})
}

func (p *Portal) sessions(r *web.Request) error {
	list, err := p.Auth.Sessions(r.Context(), r.Me())
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Where you are signed in")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, sessionsPage(page, list, r.Me(), p.Auth.Place, r.Now()))
}

func (p *Portal) endSession(r *web.Request) error {
	number, err := web.PathID[id.Session](r, "session")
	if err != nil {
		return err
	}
	if err := p.Auth.EndSession(r.Context(), r.Me(), number); err != nil {
		return err
	}
	if number == r.Me().Session() {
		r.EndSession()
		return r.Redirect("/signin")
	}
	r.Say(ui.Good, "That session has ended.")
	return r.Redirect("/me/sessions")
}

func (p *Portal) endOthers(r *web.Request) error {
	if err := p.Auth.EndOtherSessions(r.Context(), r.Me()); err != nil {
		return err
	}
	r.Say(ui.Good, "You are signed out everywhere but here.")
	return r.Redirect("/me/sessions")
}

func (p *Portal) myActivity(r *web.Request) error {
	a, err := web.ReadActivity(r, p.Auth.Log(r.Me()))
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Your activity")
	if err != nil {
		return err
	}
	return r.RenderAgain(a.Cause, activityPage(page, "Your activity", "What you did, and what was done to your login and your access.", a))
}

func (p *Portal) exportMyActivity(r *web.Request) error {
	return web.ExportActivity(r, p.Auth.Log(r.Me()))
}

func (p *Portal) deletePage(r *web.Request) error { return p.showDelete(r, nil) }

func (p *Portal) showDelete(r *web.Request, cause error) error {
	owned, err := p.Memberships.SoleOwned(r.Context(), r.Me())
	if err != nil {
		return err
	}
	var fields map[string]string
	above := ""
	if cause != nil {
		fields, above = web.FieldErrors(cause)
	}
	page, err := p.mePage(r, "Delete your login")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, deleteMePage(page, owned, fields["sure"], above))
}

func (p *Portal) deleteMe(r *web.Request) error {
	err := fault.Field("sure", "Tick the box to delete your login.")
	if r.Ticked("sure") {
		if err := p.Memberships.DeleteUser(r.Context(), p.Auth, r.Me()); err != nil {
			return mendable(err, func(map[string]string, string) error { return p.showDelete(r, err) })
		}
		r.EndSession()
		return finished(r, done{Title: "Your login is deleted", Text: "It is gone, with what belonged to you alone. The accounts that you were in keep their own records.", Link: "/signin", Label: "Go to the start page"})
	}
	return p.showDelete(r, err)
}

package backoffice

import (
	"net/http"

	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/setting"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountOwn mounts the page on which an operator keeps what signs her in.
func (b *Backoffice) mountOwn(m *web.Mux) {
	web.Staff(m, "GET /staff/me", b.mine)
	web.Staff(m, "POST /staff/me/password", b.changePassword, web.StepUp, web.Audits("staff.password_changed"))
	web.Staff(m, "POST /staff/me/app/begin", onOwnPage(b.beginApp), web.StepUp, web.Begins)
	web.Staff(m, "GET /staff/me/app", onOwnPage(b.newApp), web.StepUp)
	web.Staff(m, "POST /staff/me/app", onOwnPage(b.addApp), web.StepUp, web.Audits("staff.factor_added"))
	web.Staff(m, "POST /staff/me/apps/{app}/remove", b.removeApp, web.StepUp, web.Audits("staff.factor_removed"))
	web.Staff(m, "GET /staff/me/passkey", onOwnPage(b.newKey), web.StepUp)
	web.Staff(m, "POST /staff/me/passkey/begin", onOwnPage(b.beginKey), web.StepUp, web.Begins)
	web.Staff(m, "POST /staff/me/passkey", onOwnPage(b.addKey), web.StepUp, web.Audits("staff.factor_added"))
	web.Staff(m, "POST /staff/me/passkeys/{passkey}/remove", b.removeKey, web.StepUp, web.Audits("staff.factor_removed"))
	web.Staff(m, "POST /staff/me/codes", b.newCodes, web.StepUp, web.Audits("staff.recovery_codes_made"))
	web.Staff(m, "POST /staff/me/sessions/{session}/end", b.endOwnSession, web.StepUp, web.Audits("staff.session_ended"))
	web.Staff(m, "POST /staff/me/sessions/end-others", b.endOtherSessions, web.StepUp, web.Audits("staff.sessions_ended"))
}

// A place is where a factor is set up: at sign-in, where nothing else is open
// yet, or on the operator's own page.
type place struct {
	base string // its address
	next string // where to go afterwards
	bare bool
}

// onOwnPage is the place of an operator who is signed in.
func onOwnPage(h func(*web.Request, place) error) func(*web.Request, staff.For[staff.Look]) error {
	return func(r *web.Request, _ staff.For[staff.Look]) error {
		return h(r, place{base: "/staff/me", next: "/staff/me"})
	}
}

func (p place) page(r *web.Request, title string) ui.Page {
	if p.bare {
		return barePage(r, title)
	}
	return page(r, title)
}

// back is where Cancel leads.
func (p place) back() string {
	if p.bare {
		return withNext("/staff/signin/second-step", p.next)
	}
	return p.next
}

// form is a form of the place, which goes on where it is to.
func (p place) form(path string) ui.FormProps {
	return ui.FormProps{Action: p.base + path, Next: p.next, Class: "stack form-narrow"}
}

// A mineForm is the operator's own page as it was typed.
type mineForm struct {
	staff.Mine
	Me       staff.Identity
	Rules    *setting.Values
	Passkeys bool // this installation can use them
	Errors   map[string]string
	Above    string
}

func (b *Backoffice) mine(r *web.Request, _ staff.For[staff.Look]) error { return b.showMine(r, nil) }

func (b *Backoffice) showMine(r *web.Request, cause error) (err error) {
	f := mineForm{Me: r.Operator(), Rules: b.Settings.Current(), Passkeys: b.Staff.HasPasskeys()}
	if cause != nil {
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	if f.Mine, err = b.Staff.Mine(r.Context(), r.Operator()); err != nil {
		return err
	}
	p := page(r, "My sign-in")
	p.MinPassword = r.MinPassword()
	return r.RenderAgain(cause, minePage(p, f, r.Now()))
}

// renewed goes back to the operator's own page after a change: the session
// goes on under a new token.
func (b *Backoffice) renewed(r *web.Request, session string, err error, said string) error {
	if web.Mendable(err) {
		return b.showMine(r, err)
	}
	if err != nil {
		return err
	}
	b.startSession(r, session)
	r.Say(ui.Good, said+" Everywhere else you have been signed out.")
	return r.Redirect("/staff/me")
}

func (b *Backoffice) changePassword(r *web.Request, by staff.For[staff.Look]) error {
	session, err := b.Staff.ChangePassword(r.Context(), by.Identity, r.Value("old"), r.Value("password"))
	return b.renewed(r, session, err, "Your password is changed.")
}

func (b *Backoffice) beginApp(r *web.Request, p place) error {
	token, err := b.Staff.BeginApp(r.Context(), r.Operator())
	if err != nil {
		return err
	}
	r.KeepToken(web.CeremonyCookie, token)
	if p.bare {
		return r.Redirect(withNext(p.base+"/app", p.next))
	}
	return r.Redirect(p.base + "/app")
}

// An appForm is the set-up of an authenticator app.
type appForm struct {
	place
	Seed   auth.Seed
	QR     string // a picture, as a data URL
	Name   string
	Errors map[string]string
}

func (b *Backoffice) newApp(r *web.Request, p place) error { return b.showNewApp(r, p, nil) }

func (b *Backoffice) showNewApp(r *web.Request, p place, cause error) error {
	seed, err := b.Staff.NewSeed(r.Context(), r.Operator(), r.Token(web.CeremonyCookie))
	if err != nil {
		return err
	}
	f := appForm{place: p, Seed: seed, Name: "Authenticator app"}
	if f.QR, err = web.QR(seed.URL); err != nil {
		return err
	}
	if cause != nil {
		f.Name = r.Value("name")
		f.Errors, _ = web.FieldErrors(cause)
	}
	return r.RenderAgain(cause, newAppPage(p.page(r, "Add an authenticator app"), f))
}

func (b *Backoffice) addApp(r *web.Request, p place) error {
	a, err := b.Staff.AddApp(r.Context(), r.Operator(), r.Token(web.CeremonyCookie), r.Value("name"), r.Value("code"))
	if web.Mendable(err) {
		return b.showNewApp(r, p, err)
	}
	return b.added(r, p, a, err, "The app is added.")
}

// added shows the recovery codes that came with a first factor, or goes back.
func (b *Backoffice) added(r *web.Request, p place, a staff.Added, err error, said string) error {
	if err != nil {
		return err
	}
	r.DropToken(web.CeremonyCookie)
	if len(a.Codes) == 0 {
		return b.renewed(r, a.Session, nil, said)
	}
	b.startSession(r, a.Session)
	return r.Render(http.StatusOK, codesPage(p.page(r, "Your recovery codes"), a.Codes, said, p.next))
}

func (b *Backoffice) removeApp(r *web.Request, by staff.For[staff.Look]) error {
	number, err := web.PathID[id.Authenticator](r, "app")
	if err != nil {
		return err
	}
	session, err := b.Staff.RemoveApp(r.Context(), by.Identity, number)
	return b.renewed(r, session, err, "The app is removed.")
}

func (b *Backoffice) newKey(r *web.Request, p place) error { return b.showNewKey(r, p, nil) }

func (b *Backoffice) showNewKey(r *web.Request, p place, cause error) error {
	fields, above := web.FieldErrors(cause)
	return r.RenderAgain(cause, newKeyPage(p.page(r, "Add a passkey"), p, r.Value("name"), fields["name"], above))
}

func (b *Backoffice) beginKey(r *web.Request, _ place) error {
	c, err := b.Staff.BeginKey(r.Context(), r.Operator())
	return challenge(r, c, err)
}

func (b *Backoffice) addKey(r *web.Request, p place) error {
	a, err := b.Staff.AddKey(r.Context(), r.Operator(), r.Token(web.CeremonyCookie), r.Value("name"), r.Value("response"))
	if again(err) {
		return b.showNewKey(r, p, err)
	}
	return b.added(r, p, a, err, "The passkey is added.")
}

func (b *Backoffice) removeKey(r *web.Request, by staff.For[staff.Look]) error {
	number, err := web.PathID[id.Passkey](r, "passkey")
	if err != nil {
		return err
	}
	session, err := b.Staff.RemoveKey(r.Context(), by.Identity, number)
	return b.renewed(r, session, err, "The passkey is removed.")
}

func (b *Backoffice) newCodes(r *web.Request, by staff.For[staff.Look]) error {
	codes, err := b.Staff.NewCodes(r.Context(), by.Identity)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, codesPage(page(r, "Your recovery codes"), codes, "Your new recovery codes are made. The old ones work no more.", "/staff/me"))
}

func (b *Backoffice) endOwnSession(r *web.Request, by staff.For[staff.Look]) error {
	number, err := web.PathID[id.Session](r, "session")
	if err != nil {
		return err
	}
	if err := b.Staff.EndSession(r.Context(), by.Identity, number); err != nil {
		return err
	}
	r.Say(ui.Good, "That session is ended.")
	return r.Redirect("/staff/me")
}

func (b *Backoffice) endOtherSessions(r *web.Request, by staff.For[staff.Look]) error {
	if err := b.Staff.EndOthers(r.Context(), by.Identity); err != nil {
		return err
	}
	r.Say(ui.Good, "You are signed out everywhere else.")
	return r.Redirect("/staff/me")
}

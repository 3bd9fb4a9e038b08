package portal

import (
	"net/http"

	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/sso"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountSecurity mounts the person's own security page, and what she adds and
// removes there.
func (p *Portal) mountSecurity(m *web.Mux) {
	web.SignedIn(m, "GET /me/security", p.security)
	web.SignedIn(m, "POST /me/security", p.changePassword, web.Audits("user.password_changed"))
	web.SignedIn(m, "POST /me/security/apps/begin", p.beginApp, web.StepUp, web.Begins)
	web.SignedIn(m, "GET /me/security/apps/new", p.newApp, web.StepUp)
	web.SignedIn(m, "POST /me/security/apps", p.addApp, web.StepUp, web.Audits("factor.added"))
	web.SignedIn(m, "GET /me/security/apps/{app}", p.app, web.StepUp)
	web.SignedIn(m, "POST /me/security/apps/{app}/remove", p.removeApp, web.StepUp, web.Audits("factor.removed"))
	web.SignedIn(m, "GET /me/security/passkeys/new", p.newPasskey, web.StepUp)
	web.SignedIn(m, "POST /me/security/passkeys/begin", p.beginPasskey, web.StepUp, web.Begins)
	web.SignedIn(m, "POST /me/security/passkeys", p.addPasskey, web.StepUp, web.Audits("factor.added"))
	web.SignedIn(m, "GET /me/security/passkeys/{passkey}", p.passkey, web.StepUp)
	web.SignedIn(m, "POST /me/security/passkeys/{passkey}/rename", p.renamePasskey, web.StepUp, web.Audits("factor.renamed"))
	web.SignedIn(m, "POST /me/security/passkeys/{passkey}/remove", p.removePasskey, web.StepUp, web.Audits("factor.removed"))
	web.SignedIn(m, "GET /me/security/codes", p.codes, web.StepUp)
	web.SignedIn(m, "POST /me/security/codes", p.newCodes, web.StepUp, web.Audits("user.recovery_codes_made"))
	web.SignedIn(m, "POST /me/security/devices/{device}/forget", p.forgetDevice, web.Audits("device.forgotten"))
	web.SignedIn(m, "GET /me/address", p.address, web.StepUp)
	web.SignedIn(m, "POST /me/address", p.changeAddress, web.StepUp, web.Audits("user.address_asked"))
}

// A securityForm is the security page with what was typed on it.
type securityForm struct {
	auth.Security
	Me       auth.Identity
	Passkeys bool // this installation can use them
	Errors   map[string]string
	Above    string
	Where    func(network string) string

	Linked    []sso.Linked
	Providers []sso.Provider // that she has not linked yet
}

func (p *Portal) security(r *web.Request) error { return p.showSecurity(r, nil) }

func (p *Portal) showSecurity(r *web.Request, cause error) error {
	f := securityForm{Me: r.Me(), Passkeys: p.Auth.HasPasskeys(), Where: p.Auth.Place}
	if cause != nil {
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	var err error
	if f.Security, err = p.Auth.Security(r.Context(), r.Me(), r.Device()); err != nil {
		return err
	}
	if f.Linked, f.Providers, err = p.linkable(r); err != nil {
		return err
	}
	page, err := p.mePage(r, "Security")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, securityPage(page, f, r.Now()))
}

// renewed goes back to the security page after a change of what signs in: the
// session goes on under a new token.
func renewed(r *web.Request, in auth.SignedIn, said string) error {
	r.StartSession(in.Session, in.Device)
	r.Say(ui.Good, said+" Everywhere else you have been signed out.")
	return r.Redirect("/me/security")
}

func (p *Portal) changePassword(r *web.Request) error {
	in, err := p.Auth.ChangePassword(r.Context(), r.Me(), r.Value("old"), r.Value("password"))
	if web.Mendable(err) {
		return p.showSecurity(r, err)
	}
	if err != nil {
		return err
	}
	return renewed(r, in, "Your password is changed.")
}

func (p *Portal) beginApp(r *web.Request) error {
	token, err := p.Auth.BeginAuthenticator(r.Context(), r.Me())
	if err != nil {
		return err
	}
	r.KeepToken(web.CeremonyCookie, token)
	return r.Redirect("/me/security/apps/new")
}

// An appForm is the set-up of an authenticator app.
type appForm struct {
	Seed   auth.Seed
	QR     string // a picture, as a data URL
	Name   string
	Errors map[string]string
}

func (p *Portal) newApp(r *web.Request) error { return p.showNewApp(r, nil) }

func (p *Portal) showNewApp(r *web.Request, cause error) error {
	seed, err := p.Auth.NewSeed(r.Context(), r.Me(), r.Token(web.CeremonyCookie))
	if err != nil {
		return err
	}
	picture, err := web.QR(seed.URL)
	if err != nil {
		return err
	}
	f := appForm{Seed: seed, QR: picture, Name: r.Value("name")}
	if cause != nil {
		f.Errors, _ = web.FieldErrors(cause)
	} else if f.Name == "" {
		f.Name = "Authenticator app"
	}
	page, err := p.mePage(r, "Add an authenticator app")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, newAppPage(page, f))
}

func (p *Portal) addApp(r *web.Request) error {
	in, codes, err := p.Auth.AddAuthenticator(r.Context(), r.Me(), r.Token(web.CeremonyCookie), r.Value("name"), r.Value("code"))
	if web.Mendable(err) {
		return p.showNewApp(r, err)
	}
	if err != nil {
		return err
	}
	r.DropToken(web.CeremonyCookie)
	return p.added(r, in, codes, "The app is added.")
}

// added shows the recovery codes that came with a first factor, or goes back.
func (p *Portal) added(r *web.Request, in auth.SignedIn, codes []string, said string) error {
	if len(codes) == 0 {
		return renewed(r, in, said)
	}
	r.StartSession(in.Session, in.Device)
	return p.showCodes(r, codes, said+" Everywhere else you have been signed out.")
}

func (p *Portal) showCodes(r *web.Request, codes []string, said string) error {
	page, err := p.mePage(r, "Your recovery codes")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, codesPage(page, codes, said))
}

// find picks one of the person's own things by the number in the path.
func find[N id.Number, T any](r *web.Request, name string, list []T, number func(T) N) (one T, err error) {
	n, err := web.PathID[N](r, name)
	if err != nil {
		return one, err
	}
	for _, one := range list {
		if number(one) == n {
			return one, nil
		}
	}
	return one, errMissing
}

func (p *Portal) app(r *web.Request) error {
	s, err := p.Auth.Security(r.Context(), r.Me(), r.Device())
	if err != nil {
		return err
	}
	app, err := find(r, "app", s.Apps, func(a auth.Authenticator) id.Authenticator { return a.ID })
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Authenticator app")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, appPage(page, app, s.Factors, r.Now()))
}

func (p *Portal) removeApp(r *web.Request) error {
	number, err := web.PathID[id.Authenticator](r, "app")
	if err != nil {
		return err
	}
	in, err := p.Auth.RemoveAuthenticator(r.Context(), r.Me(), number)
	if err != nil {
		return err
	}
	return renewed(r, in, "The app is removed.")
}

func (p *Portal) newPasskey(r *web.Request) error { return p.showNewPasskey(r, nil) }

func (p *Portal) showNewPasskey(r *web.Request, cause error) error {
	var fields map[string]string
	above := ""
	if cause != nil {
		fields, above = web.FieldErrors(cause)
	}
	page, err := p.mePage(r, "Add a passkey")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, newPasskeyPage(page, r.Value("name"), fields["name"], above))
}

func (p *Portal) beginPasskey(r *web.Request) error {
	c, err := p.Auth.BeginPasskey(r.Context(), r.Me())
	return challenge(r, c, err)
}

func (p *Portal) addPasskey(r *web.Request) error {
	in, codes, err := p.Auth.AddPasskey(r.Context(), r.Me(), r.Token(web.CeremonyCookie), r.Value("name"), r.Value("response"))
	if again(err) {
		return p.showNewPasskey(r, err)
	}
	if err != nil {
		return err
	}
	r.DropToken(web.CeremonyCookie)
	return p.added(r, in, codes, "The passkey is added.")
}

func (p *Portal) passkey(r *web.Request) error { return p.showPasskey(r, nil) }

func (p *Portal) showPasskey(r *web.Request, cause error) error {
	s, err := p.Auth.Security(r.Context(), r.Me(), r.Device())
	if err != nil {
		return err
	}
	key, err := find(r, "passkey", s.Passkeys, func(k auth.Passkey) id.Passkey { return k.ID })
	if err != nil {
		return err
	}
	name, problem := key.Name, ""
	if cause != nil {
		fields, _ := web.FieldErrors(cause)
		name, problem = r.Value("name"), fields["name"]
	}
	page, err := p.mePage(r, "Passkey")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, passkeyPage(page, key, s.Factors, name, problem, r.Now()))
}

func (p *Portal) renamePasskey(r *web.Request) error {
	number, err := web.PathID[id.Passkey](r, "passkey")
	if err != nil {
		return err
	}
	err = p.Auth.RenamePasskey(r.Context(), r.Me(), number, r.Value("name"))
	if web.Mendable(err) {
		return p.showPasskey(r, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Saved.")
	return r.Redirect("/me/security")
}

func (p *Portal) removePasskey(r *web.Request) error {
	number, err := web.PathID[id.Passkey](r, "passkey")
	if err != nil {
		return err
	}
	in, err := p.Auth.RemovePasskey(r.Context(), r.Me(), number)
	if err != nil {
		return err
	}
	return renewed(r, in, "The passkey is removed.")
}

func (p *Portal) codes(r *web.Request) error {
	f, err := p.Auth.Factors(r.Context(), r.Me())
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Recovery codes")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, renewCodesPage(page, f))
}

func (p *Portal) newCodes(r *web.Request) error {
	codes, err := p.Auth.NewRecoveryCodes(r.Context(), r.Me())
	if err != nil {
		return err
	}
	return p.showCodes(r, codes, "Your new recovery codes are made. The old ones work no more.")
}

func (p *Portal) forgetDevice(r *web.Request) error {
	number, err := web.PathID[id.Device](r, "device")
	if err != nil {
		return err
	}
	if err := p.Auth.ForgetDevice(r.Context(), r.Me(), number); err != nil {
		return err
	}
	r.Say(ui.Good, "Forgotten. The next sign-in with that browser asks for everything.")
	return r.Redirect("/me/security")
}

func (p *Portal) address(r *web.Request) error { return p.showAddress(r, nil) }

func (p *Portal) showAddress(r *web.Request, cause error) error {
	problem := ""
	if cause != nil {
		fields, above := web.FieldErrors(cause)
		problem = fields["address"] + above
	}
	waiting, err := p.Auth.PendingAddress(r.Context(), r.Me())
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Your mail address")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, addressPage(page, r.Me(), waiting, r.Value("address"), problem))
}

func (p *Portal) changeAddress(r *web.Request) error {
	err := p.Auth.ChangeAddress(r.Context(), r.Me(), r.Value("address"))
	if web.Mendable(err) {
		return p.showAddress(r, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Info, "A link is on its way to the new address. Until it is followed, you sign in with the old one.")
	return r.Redirect("/me")
}

// shownBy says in words what a session has shown.
func shownBy(s auth.Session) string {
	words := map[auth.Way]string{auth.ByPassword: "with a password", auth.ByPasskey: "with a passkey"}
	said := "through another service"
	for _, w := range auth.ParseWays(s.Way) {
		if word, ok := words[w]; ok {
			said = word
		}
	}
	if s.SecondAt.Valid && said == words[auth.ByPassword] {
		said += " and a second factor"
	}
	return said
}

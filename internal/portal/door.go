package portal

import (
	"net/http"

	"clientele/internal/account"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/sso"
	"clientele/internal/ui"
	"clientele/internal/web"

	"github.com/a-h/templ"
)

// mountDoor mounts the ways in: sign-in, sign-up, recovery.
func (p *Portal) mountDoor(m *web.Mux) {
	web.Public(m, "GET /", p.start, web.ByStaff)
	web.Public(m, "GET /signin", p.signIn)
	web.Public(m, "POST /signin", p.doSignIn, web.Audits("user.signed_in"))
	web.Public(m, "POST /signout", p.doSignOut, web.Audits("user.signed_out"))
	p.mountSecondStep(m)
	p.mountMailedLinks(m)
	web.Public(m, "GET /recover", p.recover)
	web.Public(m, "POST /recover", p.doRecover, web.Audits("user.recovery_sent"))
	web.Public(m, "GET /recover/password", p.newPassword)
	web.Public(m, "POST /recover/password", p.doNewPassword, web.Audits("user.password_changed"))
	web.Public(m, "GET /recover/{token}", keepToken(web.RecoveryCookie, "/recover/password"))
	web.Public(m, "GET /signup", p.signUpPage)
	web.Public(m, "POST /signup", p.doSignUp, web.Audits("signup.requested"))
	web.Public(m, "GET /signup/confirm", p.confirmSignUp)
	web.Public(m, "POST /signup/confirm", p.doConfirmSignUp, web.Audits("user.signed_up"))
	web.Public(m, "GET /signup/{token}", keepToken(web.SignUpCookie, "/signup/confirm"))
}

// keepToken moves a mailed token from the address into a cookie and goes on
// to the page that uses it, so that no history, log or Referer keeps it.
// Nothing else happens: mail scanners open links too.
func keepToken(cookie, page string) func(*web.Request) error {
	return func(r *web.Request) error {
		r.NoReferrer()
		r.KeepToken(cookie, r.PathValue("token"))
		return r.Redirect(page)
	}
}

// start leads to where the person was last, or to the door.
func (p *Portal) start(r *web.Request) error {
	if !r.Me().SignedIn() {
		return r.Redirect("/signin")
	}
	return r.Redirect(p.home(r, ""))
}

// home is where somebody begins: a page of the account that she used last or
// of the only one that she has, its front page where none is named, or the
// list of them. A preference that no longer holds leads to the list.
func (p *Portal) home(r *web.Request, page string) string {
	last := r.Me().LastAccount()
	list, err := p.Memberships.Recent(r.Context(), r.Me(), switcherSize)
	if err == nil {
		list, err = p.withOpen(r, list, last)
	}
	if err != nil {
		return "/me/accounts"
	}
	for _, a := range list {
		if a.ID == last || len(list) == 1 {
			return accountPath(a.ID) + page
		}
	}
	return "/me/accounts"
}

// A signInForm is the sign-in form as it was typed.
type signInForm struct {
	Address, Next, Error string
	Invited              bool // a link to an invitation waits behind it
	Asked                bool // it stands in the place of a page that was asked for
	SignUp               bool
	Passkeys             bool
	Providers            []sso.Provider
}

// signInForm adds what this installation lets people sign in with. Providers
// that cannot be read are left out: this page stands in the place of others,
// and the password works without them.
func (p *Portal) signInForm(r *web.Request, f signInForm) signInForm {
	f.SignUp, f.Passkeys = p.Settings.Current().OpenSignUp, p.Auth.HasPasskeys()
	if list, err := p.Providers.Active(r.Context()); err == nil {
		f.Providers = list
	}
	return f
}

func (p *Portal) signInInPlace(r *web.Request, next string) templ.Component {
	return signInPage(barePage(r, "Sign in"), p.signInForm(r, signInForm{Next: next, Asked: next != "/"}))
}

func (p *Portal) signIn(r *web.Request) error {
	if r.Me().SignedIn() {
		return r.Redirect(r.Next("/"))
	}
	next := r.Next("/")
	return r.Render(http.StatusOK, signInPage(barePage(r, "Sign in"), p.signInForm(r, signInForm{Next: next, Invited: next == "/invitation"})))
}

func (p *Portal) doSignIn(r *web.Request) error {
	in, err := p.Auth.SignIn(r.Context(), auth.Credential{Address: r.Value("address"), Password: r.Value("password"), Device: r.Device()}, r.Info())
	if web.Mendable(err) {
		_, above := web.FieldErrors(err)
		form := p.signInForm(r, signInForm{Address: r.Value("address"), Next: r.Next("/"), Error: above})
		return r.RenderAgain(err, signInPage(barePage(r, "Sign in"), form))
	}
	if err != nil {
		return err
	}
	return p.entered(r, in, r.Next("/"))
}

func (p *Portal) doSignOut(r *web.Request) error {
	if r.Me().SignedIn() {
		if err := p.Auth.SignOut(r.Context(), r.Me()); err != nil {
			return err
		}
	}
	r.EndSession()
	return r.Redirect(web.SafeNext(r.Value("next"), "/signin"))
}

func (p *Portal) recover(r *web.Request) error {
	return r.Render(http.StatusOK, recoverPage(barePage(r, "Set a new password"), "", ""))
}

func (p *Portal) doRecover(r *web.Request) error {
	err := p.Auth.Recover(r.Context(), r.Value("address"), r.Info())
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return r.RenderAgain(err, recoverPage(barePage(r, "Set a new password"), r.Value("address"), fields["address"]+above))
		})
	}
	return r.Render(http.StatusOK, sentPage(barePage(r, "Look into your mail"), sent{
		Text: "If there is a login with this address, a link to set a new password is on its way to it. It works for 30 minutes.",
		Kept: !p.Outbox.Sends(), Again: "/recover",
	}))
}

func (p *Portal) newPassword(r *web.Request) error {
	r.NoReferrer()
	link, err := p.Auth.OpenLink(r.Context(), r.Token(web.RecoveryCookie))
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, newPasswordPage(barePage(r, "Set a new password"), link.Address.String(), ""))
}

func (p *Portal) doNewPassword(r *web.Request) error {
	r.NoReferrer()
	in, err := p.Auth.SetByLink(r.Context(), r.Token(web.RecoveryCookie), r.Value("password"), r.Info())
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			link, gone := p.Auth.OpenLink(r.Context(), r.Token(web.RecoveryCookie))
			if gone != nil {
				return gone
			}
			return r.RenderAgain(err, newPasswordPage(barePage(r, "Set a new password"), link.Address.String(), fields["password"]+above))
		})
	}
	r.DropToken(web.RecoveryCookie)
	r.Say(ui.Good, "Your new password is set. Everywhere else you have been signed out. Look through what else signs you in, and remove what you do not know.")
	return p.entered(r, in, "/me/security")
}

// A sent is the page that says that a mail is on its way.
type sent struct {
	Text  string
	Kept  bool // mail does not leave this installation
	Again string
}

func (p *Portal) signUpPage(r *web.Request) error {
	if r.Me().SignedIn() {
		return r.Redirect("/me/accounts/new")
	}
	if !p.Settings.Current().OpenSignUp {
		return signUpClosed(r)
	}
	form := account.TypedSignUp{WithAccount: true, Currency: locale.DefaultCurrency}
	return p.showSignUp(r, nil, form, nil)
}

func (p *Portal) showSignUp(r *web.Request, cause error, f account.TypedSignUp, errs map[string]string) error {
	required, err := p.Accounts.Required(r.Context())
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, signUpForm(barePage(r, "Sign up"), f, required, p.Settings.Current().Terms, errs))
}

// signUpClosed is what stands in place of sign-up where one has to be invited:
// also for a sign-up that waited when that was decided.
func signUpClosed(r *web.Request) error {
	return r.Render(http.StatusForbidden, closedPage(barePage(r, "Sign-up is by invitation")))
}

func (p *Portal) doSignUp(r *web.Request) error {
	if !p.Settings.Current().OpenSignUp {
		return signUpClosed(r)
	}
	required, err := p.Accounts.Required(r.Context())
	if err != nil {
		return err
	}
	form := account.TypedSignUp{
		Name: r.Value("name"), Address: r.Value("address"), Password: r.Value("password"), WithAccount: r.Value("kind") != "login",
		AccountName: r.Value("account_name"), Country: r.Value("country"), Currency: r.Value("currency"),
		Answers: answered(r, required), Terms: termsTicked(r),
	}
	browser, err := p.Accounts.SignUp(r.Context(), form, r.Info())
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			if above != "" {
				fields = map[string]string{"": above}
			}
			return p.showSignUp(r, err, form, fields)
		})
	}
	r.KeepLonger(web.BrowserCookie, browser)
	return r.Render(http.StatusOK, sentPage(barePage(r, "Look into your mail"), sent{
		Text: "A link is on its way to " + form.Address + ". Follow it to confirm that the address is yours; your login is ready right after that.",
		Kept: !p.Outbox.Sends(), Again: "/signup",
	}))
}

func (p *Portal) confirmSignUp(r *web.Request) error {
	r.NoReferrer()
	if !p.Settings.Current().OpenSignUp {
		return signUpClosed(r)
	}
	pending, err := p.Accounts.OpenSignUp(r.Context(), r.Token(web.SignUpCookie), r.Token(web.BrowserCookie))
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, confirmSignUpPage(barePage(r, "Confirm your address"), pending, ""))
}

func (p *Portal) doConfirmSignUp(r *web.Request) error {
	r.NoReferrer()
	if !p.Settings.Current().OpenSignUp {
		return signUpClosed(r)
	}
	token, browser := r.Token(web.SignUpCookie), r.Token(web.BrowserCookie)
	c, err := p.Accounts.ConfirmSignUp(r.Context(), token, browser, r.Value("password"), r.Info())
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			pending, gone := p.Accounts.OpenSignUp(r.Context(), token, browser)
			if gone != nil {
				return gone
			}
			return r.RenderAgain(err, confirmSignUpPage(barePage(r, "Confirm your address"), pending, fields["password"]+above))
		})
	}
	r.DropToken(web.SignUpCookie)
	r.DropToken(web.BrowserCookie)
	r.StartSession(c.Session, c.Device)
	if c.Account == 0 {
		r.Say(ui.Good, "Welcome. Your login is ready.")
		return r.Redirect("/me/accounts")
	}
	r.Say(ui.Good, "Welcome. Your login and your account #"+id.String(c.Account)+" are ready.")
	return r.Redirect(accountPath(c.Account))
}

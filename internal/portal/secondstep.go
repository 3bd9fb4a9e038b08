package portal

import (
	"net/http"
	"net/url"
	"slices"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/sso"
	"clientele/internal/ui"
	"clientele/internal/web"

	"github.com/a-h/templ"
)

// mountSecondStep mounts what comes after a password: the second step of a
// sign-in, passkeys, and the fresh proof within a session.
func (p *Portal) mountSecondStep(m *web.Mux) {
	web.Public(m, "POST /signin/passkey/begin", p.beginPasskeySignIn, web.Begins)
	web.Public(m, "POST /signin/passkey", p.passkeySignIn, web.Audits("user.signed_in"))
	web.Public(m, "GET /signin/second-factor", p.secondStep)
	web.Public(m, "POST /signin/second-factor", p.doSecondStep, web.Audits("user.signed_in"))
	web.Public(m, "POST /signin/second-factor/passkey/begin", p.beginPasskeySecond, web.Begins)
	web.Public(m, "POST /signin/second-factor/passkey", p.passkeySecond, web.Audits("user.signed_in"))
	web.Public(m, "POST /signin/second-factor/cancel", p.cancelSecondStep, web.Begins)
	web.SignedIn(m, "GET /confirm", p.confirm)
	web.SignedIn(m, "POST /confirm", p.doConfirm, web.Audits("session.confirmed"))
	web.SignedIn(m, "POST /confirm/passkey/begin", p.beginPasskeyConfirm, web.Begins)
	web.SignedIn(m, "POST /confirm/passkey", p.passkeyConfirm, web.Audits("session.confirmed"))
}

// entered goes on after a step that signs in: to the page that was asked for,
// or to the second step.
func (p *Portal) entered(r *web.Request, in auth.SignedIn, next string) error {
	if in.Pending != "" {
		r.KeepToken(web.PendingCookie, in.Pending)
		return r.Redirect(withNext("/signin/second-factor", next))
	}
	r.DropToken(web.PendingCookie)
	if r.Me().SignedIn() { // the session that was in this browser is over
		if err := p.Auth.SignOut(r.Context(), r.Me()); err != nil {
			return err
		}
	}
	r.StartSession(in.Session, in.Device)
	return r.Redirect(next)
}

func withNext(path, next string) string {
	if next == "/" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

// challenge answers a script with what it opens the browser's prompt with.
func challenge(r *web.Request, c auth.Challenge, err error) error {
	if err != nil {
		return err
	}
	r.KeepToken(web.CeremonyCookie, c.Token)
	return r.JSON(http.StatusOK, c.Options)
}

func (p *Portal) beginPasskeySignIn(r *web.Request) error {
	c, err := p.Auth.BeginPasskeySignIn(r.Context())
	return challenge(r, c, err)
}

func (p *Portal) passkeySignIn(r *web.Request) error {
	in, err := p.Auth.SignInWithPasskey(r.Context(), r.Token(web.CeremonyCookie), r.Value("response"), r.Device(), r.Info())
	if again(err) {
		_, above := web.FieldErrors(err)
		return r.RenderAgain(err, signInPage(barePage(r, "Sign in"), p.signInForm(r, signInForm{Next: r.Next("/"), Error: above})))
	}
	if err != nil {
		return err
	}
	return p.entered(r, in, r.Next("/"))
}

// again reports whether a form is shown once more with what is wrong: bad
// input, and a challenge that has got too old while the page was open.
func again(err error) bool { return web.Mendable(err) || fault.Is(err, fault.Gone) }

// A secondForm is the second step as it was typed.
type secondForm struct {
	Half      auth.Half
	Passkeys  bool // the browser may be asked for one
	Next      string
	CodeError string
	Above     string
}

func (p *Portal) secondStep(r *web.Request) error {
	return p.showSecondStep(r, nil, secondForm{})
}

func (p *Portal) showSecondStep(r *web.Request, cause error, f secondForm) error {
	half, err := p.Auth.Half(r.Context(), r.Token(web.PendingCookie), r.Info())
	if err != nil {
		return err
	}
	f.Half, f.Next, f.Passkeys = half, r.Next("/"), half.Passkeys > 0 && p.Auth.HasPasskeys()
	return r.RenderAgain(cause, secondStepPage(barePage(r, "Second step"), f))
}

func (p *Portal) step(r *web.Request) auth.SecondStep {
	return auth.SecondStep{Pending: r.Token(web.PendingCookie), Code: r.Value("code"), Trust: r.Ticked("trust"), Device: r.Device()}
}

func (p *Portal) doSecondStep(r *web.Request) error {
	in, err := p.Auth.FinishWithCode(r.Context(), p.step(r), r.Info())
	if web.Mendable(err) {
		fields, above := web.FieldErrors(err)
		return p.showSecondStep(r, err, secondForm{CodeError: fields["code"], Above: above})
	}
	if err != nil {
		return err
	}
	return p.entered(r, in, r.Next("/"))
}

func (p *Portal) beginPasskeySecond(r *web.Request) error {
	c, err := p.Auth.BeginPasskeySecond(r.Context(), r.Token(web.PendingCookie), r.Info())
	return challenge(r, c, err)
}

func (p *Portal) passkeySecond(r *web.Request) error {
	in, err := p.Auth.FinishWithPasskey(r.Context(), p.step(r), r.Token(web.CeremonyCookie), r.Value("response"), r.Info())
	if again(err) {
		_, above := web.FieldErrors(err)
		return p.showSecondStep(r, err, secondForm{Above: above})
	}
	if err != nil {
		return err
	}
	return p.entered(r, in, r.Next("/"))
}

func (p *Portal) cancelSecondStep(r *web.Request) error {
	if err := p.Auth.DropHalf(r.Context(), r.Token(web.PendingCookie)); err != nil {
		return err
	}
	r.DropToken(web.PendingCookie)
	return r.Redirect("/signin")
}

// A confirmForm asks who one is once more, or for what an account's gate
// misses.
type confirmForm struct {
	Me       auth.Identity
	Factors  auth.Factors
	Passkeys bool
	// Providers are those through which she can confirm who she is.
	Providers []sso.Provider
	Missing   string // of an account's gate; see access.Gate
	// NoPassword says that the account does not take a password.
	NoPassword bool
	Lead       string
	Next       string
	Errors     map[string]string
	Above      string
}

// needsSetUp reports whether there is nothing to show yet.
func (f confirmForm) needsSetUp() bool {
	return f.Missing == access.NeedsSecond && !f.Factors.Any() || f.NoPassword && !f.Passkeys && len(f.Providers) == 0
}

func (p *Portal) confirmForm(r *web.Request, next string) (f confirmForm, err error) {
	f = confirmForm{Me: r.Me(), Next: next, Lead: "This step is important enough to ask who you are once more."}
	if f.Factors, err = p.Auth.Factors(r.Context(), r.Me()); err != nil {
		return f, err
	}
	f.Passkeys = f.Factors.Passkeys > 0 && p.Auth.HasPasskeys()
	f.Providers, err = p.Providers.Confirming(r.Context(), r.Me(), f.Factors.Any())
	return f, err
}

// lacks narrows the form to what an account's gate misses.
func (f confirmForm) lacks(e *fault.Error) confirmForm {
	f.Missing, f.Lead = e.Reason, e.Text
	switch e.Reason {
	case access.NeedsSecond:
		f.Providers = slices.DeleteFunc(f.Providers, func(s sso.Provider) bool { return !s.SecondFactor })
	case access.NeedsWay:
		gate := access.Gate{Ways: e.Fields["ways"]}
		f.Providers = slices.DeleteFunc(f.Providers, func(s sso.Provider) bool { return !gate.Allows(auth.ByProvider(s.ID)) })
		f.Passkeys = f.Passkeys && gate.Allows(auth.ByPasskey)
		f.NoPassword = !gate.Allows(auth.ByPassword)
	}
	return f
}

func (p *Portal) confirmInPlace(r *web.Request, e *fault.Error, next string) (templ.Component, error) {
	f, err := p.confirmForm(r, next)
	if e.Reason != "" {
		f = f.lacks(e)
	}
	return confirmPage(barePage(r, "Confirm that it is you"), f), err
}

func (p *Portal) confirm(r *web.Request) error { return p.showConfirm(r, nil) }

func (p *Portal) showConfirm(r *web.Request, cause error) error {
	f, err := p.confirmForm(r, r.Next("/"))
	if err != nil {
		return err
	}
	if cause != nil {
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	return r.RenderAgain(cause, confirmPage(barePage(r, "Confirm that it is you"), f))
}

func (p *Portal) doConfirm(r *web.Request) error {
	in, err := p.Auth.Confirm(r.Context(), r.Me(), auth.Confirmation{Password: r.Value("password"), Code: r.Value("code"), Device: r.Device()})
	return p.goOn(r, in, err)
}

func (p *Portal) beginPasskeyConfirm(r *web.Request) error {
	c, err := p.Auth.BeginPasskeyConfirm(r.Context(), r.Me())
	return challenge(r, c, err)
}

func (p *Portal) passkeyConfirm(r *web.Request) error {
	token, err := p.Auth.ConfirmWithPasskey(r.Context(), r.Me(), r.Token(web.CeremonyCookie), r.Value("response"))
	return p.goOn(r, auth.SignedIn{Session: token}, err)
}

// goOn leads back to what asked for the fresh proof.
func (p *Portal) goOn(r *web.Request, in auth.SignedIn, err error) error {
	if again(err) {
		return p.showConfirm(r, err)
	}
	if err != nil {
		return err
	}
	return confirmed(r, in, r.Next("/"))
}

// confirmed goes on after a fresh proof, under the session's new token.
func confirmed(r *web.Request, in auth.SignedIn, next string) error {
	r.StartSession(in.Session, in.Device)
	if next != "/" {
		r.Say(ui.Good, "Thank you. For ten minutes you are not asked again.")
	}
	return r.Redirect(next)
}

package backoffice

import (
	"net/http"
	"net/url"

	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"

	"github.com/a-h/templ"
)

// mountSecondStep mounts what comes after an operator's password, what may
// take its place, and how somebody becomes an operator.
func (b *Backoffice) mountSecondStep(m *web.Mux) {
	web.Public(m, "POST /staff/signin/passkey/begin", b.beginPasskeySignIn, web.Begins)
	web.Public(m, "POST /staff/signin/passkey", b.passkeySignIn, web.Audits("staff.signed_in"))
	web.Public(m, "GET /staff/signin/second-step", b.secondStep)
	web.Public(m, "POST /staff/signin/second-step", b.doSecondStep, web.Audits("staff.signed_in"))
	web.Public(m, "POST /staff/signin/second-step/passkey/begin", b.beginPasskeySecond, web.Begins)
	web.Public(m, "POST /staff/signin/second-step/passkey", b.passkeySecond, web.Audits("staff.signed_in"))
	web.Public(m, "POST /staff/signin/cancel", b.cancelSignIn, web.Begins)

	web.Public(m, "POST /staff/signin/set-up/app/begin", b.halfwayOnly(b.beginApp), web.Begins)
	web.Public(m, "GET /staff/signin/set-up/app", b.halfwayOnly(b.newApp))
	web.Public(m, "POST /staff/signin/set-up/app", b.halfwayOnly(b.addApp), web.Audits("staff.factor_added"))
	web.Public(m, "GET /staff/signin/set-up/passkey", b.halfwayOnly(b.newKey))
	web.Public(m, "POST /staff/signin/set-up/passkey/begin", b.halfwayOnly(b.beginKey), web.Begins)
	web.Public(m, "POST /staff/signin/set-up/passkey", b.halfwayOnly(b.addKey), web.Audits("staff.factor_added"))

	web.Public(m, "GET /staff/welcome", b.welcome)
	web.Public(m, "POST /staff/welcome", b.join, web.Audits("staff.joined"))
	web.Public(m, "GET /staff/welcome/{token}", b.keepWelcome)
}

func withNext(path, next string) string {
	if next == "/staff" {
		return path
	}
	return path + "?next=" + url.QueryEscape(next)
}

// again reports whether a form is shown once more with what is wrong: bad
// input, and a challenge that has got too old while the page was open.
func again(err error) bool { return web.Mendable(err) || fault.Is(err, fault.Gone) }

// challenge answers a script with what it opens the browser's prompt with.
func challenge(r *web.Request, c auth.Challenge, err error) error {
	if err != nil {
		return err
	}
	r.KeepToken(web.CeremonyCookie, c.Token)
	return r.JSON(http.StatusOK, c.Options)
}

func (b *Backoffice) beginPasskeySignIn(r *web.Request) error {
	c, err := b.Staff.BeginPasskey(r.Context(), staff.Identity{})
	return challenge(r, c, err)
}

func (b *Backoffice) passkeySignIn(r *web.Request) error {
	session, err := b.Staff.SignInWithPasskey(r.Context(), r.Token(web.CeremonyCookie), r.Value("response"), r.Info())
	if again(err) {
		_, above := web.FieldErrors(err)
		return r.RenderAgain(err, b.signInForm(r, signInForm{Next: within(r.Value("next")), Problem: above}))
	}
	return b.entered(r, session, err)
}

// entered opens the staff area after the step that ends a sign-in.
func (b *Backoffice) entered(r *web.Request, session string, err error) error {
	if err != nil {
		return err
	}
	if r.Operator().SignedIn() { // the session that was in this browser is over
		if err := b.Staff.SignOut(r.Context(), r.Operator()); err != nil {
			return err
		}
	}
	b.startSession(r, session)
	return r.Redirect(within(r.Value("next")))
}

// startSession gives the browser the session of an operator who has shown all
// that she is asked for, and has it known again at her next sign-in. Where it
// cannot be marked for that, she comes in all the same.
func (b *Backoffice) startSession(r *web.Request, session string) {
	r.StartStaffSession(session)
	if mark, err := b.Staff.MarkOf(r.Context(), session); err == nil {
		r.KnowOperator(mark)
	}
}

// A secondForm is the second step as it was typed.
type secondForm struct {
	Me        staff.Identity
	Factors   auth.Factors
	Passkeys  bool // the browser may be asked for one
	Next      string
	CodeError string
	Above     string
}

// halfwayPage is what somebody sees who has shown her password: the second
// step, or, where she has no second factor yet, how to set one up.
func (b *Backoffice) halfwayPage(r *web.Request, next string) templ.Component {
	f := secondForm{Me: r.Operator(), Next: next}
	factors, err := b.Staff.Factors(r.Context(), r.Operator())
	if err != nil {
		return b.signInForm(r, signInForm{Next: next})
	}
	return b.halfwayForm(r, factors, f)
}

func (b *Backoffice) halfwayForm(r *web.Request, factors auth.Factors, f secondForm) templ.Component {
	f.Factors = factors
	if !factors.Any() {
		f.Passkeys = b.Staff.HasPasskeys()
		return setUpPage(barePage(r, "Set up a second factor"), f)
	}
	f.Passkeys = factors.Passkeys > 0 && b.Staff.HasPasskeys()
	return secondStepPage(barePage(r, "Second step"), f)
}

func (b *Backoffice) secondStep(r *web.Request) error {
	if r.Operator().SignedIn() {
		return r.Redirect(within(r.Value("next")))
	}
	return b.showSecondStep(r, nil)
}

func (b *Backoffice) showSecondStep(r *web.Request, cause error) error {
	if !r.Operator().Halfway() {
		return errNotHalfway
	}
	factors, err := b.Staff.Factors(r.Context(), r.Operator())
	if err != nil {
		return err
	}
	f := secondForm{Me: r.Operator(), Next: within(r.Value("next"))}
	if cause != nil {
		fields, above := web.FieldErrors(cause)
		f.CodeError, f.Above = fields["code"], above
	}
	return r.RenderAgain(cause, b.halfwayForm(r, factors, f))
}

var errNotHalfway = fault.New(fault.NotSignedIn, "sign-in-over", "This sign-in took too long or was ended. Sign in again.")

func (b *Backoffice) doSecondStep(r *web.Request) error {
	session, err := b.Staff.FinishWithCode(r.Context(), r.Operator(), r.Value("code"))
	if web.Mendable(err) {
		return b.showSecondStep(r, err)
	}
	return b.entered(r, session, err)
}

func (b *Backoffice) beginPasskeySecond(r *web.Request) error {
	if !r.Operator().Halfway() {
		return errNotHalfway
	}
	c, err := b.Staff.BeginPasskey(r.Context(), r.Operator())
	return challenge(r, c, err)
}

func (b *Backoffice) passkeySecond(r *web.Request) error {
	session, err := b.Staff.FinishWithPasskey(r.Context(), r.Operator(), r.Token(web.CeremonyCookie), r.Value("response"))
	if again(err) {
		return b.showSecondStep(r, err)
	}
	return b.entered(r, session, err)
}

func (b *Backoffice) cancelSignIn(r *web.Request) error {
	if err := b.Staff.Drop(r.Context(), r.Operator()); err != nil {
		return err
	}
	if r.Operator().Halfway() {
		r.EndStaffSession()
	}
	return r.Redirect("/staff/signin")
}

// halfwayOnly is for the pages that set up a first factor: for whoever has
// shown her password, and nobody else.
func (b *Backoffice) halfwayOnly(h func(*web.Request, place) error) func(*web.Request) error {
	return func(r *web.Request) error {
		if !r.Operator().Halfway() {
			return errNotHalfway
		}
		return h(r, place{base: "/staff/signin/set-up", next: within(r.Value("next")), bare: true})
	}
}

// keepWelcome takes the token of a link out of the address bar. Nothing of it
// is used up by opening it.
func (b *Backoffice) keepWelcome(r *web.Request) error {
	r.NoReferrer()
	r.KeepToken(web.WelcomeCookie, r.PathValue("token"))
	return r.Redirect("/staff/welcome")
}

// A welcomeForm is how somebody becomes an operator, as it was typed.
type welcomeForm struct {
	staff.Welcome
	Typed  staff.Newcomer
	Errors map[string]string
	Above  string
}

func (b *Backoffice) welcome(r *web.Request) error { return b.showWelcome(r, nil) }

func (b *Backoffice) showWelcome(r *web.Request, cause error) error {
	r.NoReferrer()
	w, err := b.Staff.OpenLink(r.Context(), r.Token(web.WelcomeCookie))
	if err != nil {
		return err
	}
	f := welcomeForm{Welcome: w, Typed: staff.Newcomer{Name: w.Name}}
	if cause != nil {
		f.Typed = staff.Newcomer{Name: r.Value("name"), Address: r.Value("address")}
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	page := barePage(r, "Welcome to the staff")
	page.MinPassword = r.MinPassword()
	return r.RenderAgain(cause, welcomePage(page, f))
}

func (b *Backoffice) join(r *web.Request) error {
	session, err := b.Staff.Join(r.Context(), r.Token(web.WelcomeCookie),
		staff.Newcomer{Name: r.Value("name"), Address: r.Value("address"), Password: r.Value("password")}, r.Info())
	if web.Mendable(err) {
		return b.showWelcome(r, err)
	}
	if err != nil {
		return err
	}
	r.DropToken(web.WelcomeCookie)
	r.StartStaffSession(session)
	r.Say(ui.Good, "Your password is set. One more step: a second factor.")
	return r.Redirect("/staff/signin/second-step")
}

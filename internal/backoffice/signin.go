package backoffice

import (
	"net/http"
	"strings"

	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"

	"github.com/a-h/templ"
)

// mountSignIn mounts the staff's own way in and out.
func (b *Backoffice) mountSignIn(m *web.Mux) {
	m.StaffSignInPage, m.StaffConfirmPage = b.signInInPlace, b.confirmInPlace
	web.Public(m, "GET /staff/signin", b.signIn)
	web.Public(m, "POST /staff/signin", b.doSignIn, web.Audits("staff.password_shown"))
	web.Staff(m, "POST /staff/signout", b.signOut, web.Audits("staff.signed_out"))
	web.Staff(m, "GET /staff/confirm", b.confirm)
	web.Staff(m, "POST /staff/confirm", b.doConfirm, web.Audits("staff.confirmed"))
	web.Staff(m, "POST /staff/confirm/passkey/begin", b.beginPasskeyConfirm, web.Begins)
	web.Staff(m, "POST /staff/confirm/passkey", b.passkeyConfirm, web.Audits("staff.confirmed"))
}

// barePage is the frame of sign-in.
func barePage(r *web.Request, title string) ui.Page {
	return ui.Page{Title: title, Brand: r.Look(), Area: ui.Bare, Staff: true, Flash: r.Flash()}
}

// within keeps a way back inside the staff area.
func within(next string) string {
	next = web.SafeNext(next, "/staff")
	if next != "/staff" && !strings.HasPrefix(next, "/staff/") && !strings.HasPrefix(next, "/staff?") {
		return "/staff"
	}
	return next
}

// wayBack is where a refused request came from. A form says so itself: its
// page's address is not in the Referer.
func wayBack(r *web.Request, next string) string {
	if r.Method != http.MethodGet {
		next = r.Value("next")
	}
	return within(next)
}

// A signInForm is the sign-in form as it was typed.
type signInForm struct {
	Address, Next, Problem string
	Nobody                 bool // there is no operator at all
	Passkeys               bool // this installation can use them
}

// signInInPlace is the sign-in form in the place of a page that asks for it:
// for somebody who is halfway, what comes next.
func (b *Backoffice) signInInPlace(r *web.Request, next string) templ.Component {
	if r.Operator().Halfway() {
		return b.halfwayPage(r, wayBack(r, next))
	}
	return b.signInForm(r, signInForm{Next: wayBack(r, next)})
}

func (b *Backoffice) signInForm(r *web.Request, f signInForm) templ.Component {
	somebody, err := b.Staff.Any(r.Context())
	f.Nobody, f.Passkeys = err == nil && !somebody, b.Staff.HasPasskeys()
	return signInPage(barePage(r, "Staff sign-in"), f)
}

func (b *Backoffice) signIn(r *web.Request) error {
	if r.Operator().SignedIn() {
		return r.Redirect(within(r.Value("next")))
	}
	return r.Render(http.StatusOK, b.signInForm(r, signInForm{Next: within(r.Value("next"))}))
}

func (b *Backoffice) doSignIn(r *web.Request) error {
	next := within(r.Value("next"))
	session, err := b.Staff.SignIn(r.Context(), auth.Credential{Address: r.Value("address"), Password: r.Value("password"), Device: r.KnownOperator()}, r.Info())
	if web.Mendable(err) {
		_, above := web.FieldErrors(err)
		return r.RenderAgain(err, b.signInForm(r, signInForm{Address: r.Value("address"), Next: next, Problem: above}))
	}
	if err != nil {
		return err
	}
	if r.Operator().SignedIn() { // the session that was in this browser is over
		if err := b.Staff.SignOut(r.Context(), r.Operator()); err != nil {
			return err
		}
	}
	r.StartStaffSession(session)
	return r.Redirect(withNext("/staff/signin/second-step", next))
}

func (b *Backoffice) signOut(r *web.Request, by staff.For[staff.Look]) error {
	if err := b.Staff.SignOut(r.Context(), by.Identity); err != nil {
		return err
	}
	r.EndStaffSession()
	r.Say(ui.Good, "You are signed out.")
	return r.Redirect("/staff/signin")
}

// A confirmForm asks who the operator is once more.
type confirmForm struct {
	Me       staff.Identity
	Factors  auth.Factors
	Passkeys bool // the browser may be asked for one
	Next     string
	Errors   map[string]string
	Above    string
}

func (b *Backoffice) confirmForm(r *web.Request, next string) (f confirmForm, err error) {
	f = confirmForm{Me: r.Operator(), Next: next}
	f.Factors, err = b.Staff.Factors(r.Context(), r.Operator())
	f.Passkeys = f.Factors.Passkeys > 0 && b.Staff.HasPasskeys()
	return f, err
}

// confirmInPlace asks for a fresh proof in the place of a step that needs it.
func (b *Backoffice) confirmInPlace(r *web.Request, _ *fault.Error, next string) (templ.Component, error) {
	f, err := b.confirmForm(r, wayBack(r, next))
	return confirmPage(barePage(r, "Confirm that it is you"), f), err
}

func (b *Backoffice) confirm(r *web.Request, _ staff.For[staff.Look]) error {
	return b.showConfirm(r, nil)
}

func (b *Backoffice) showConfirm(r *web.Request, cause error) error {
	f, err := b.confirmForm(r, within(r.Value("next")))
	if err != nil {
		return err
	}
	if cause != nil {
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	return r.RenderAgain(cause, confirmPage(barePage(r, "Confirm that it is you"), f))
}

func (b *Backoffice) doConfirm(r *web.Request, by staff.For[staff.Look]) error {
	session, err := b.Staff.Confirm(r.Context(), by.Identity, r.Value("password"), r.Value("code"))
	return b.confirmed(r, session, err)
}

func (b *Backoffice) beginPasskeyConfirm(r *web.Request, by staff.For[staff.Look]) error {
	c, err := b.Staff.BeginPasskey(r.Context(), by.Identity)
	return challenge(r, c, err)
}

func (b *Backoffice) passkeyConfirm(r *web.Request, by staff.For[staff.Look]) error {
	session, err := b.Staff.ConfirmWithPasskey(r.Context(), by.Identity, r.Token(web.CeremonyCookie), r.Value("response"))
	return b.confirmed(r, session, err)
}

// confirmed leads back to what asked for the fresh proof.
func (b *Backoffice) confirmed(r *web.Request, session string, err error) error {
	if again(err) {
		return b.showConfirm(r, err)
	}
	if err != nil {
		return err
	}
	next := within(r.Value("next"))
	r.StartStaffSession(session)
	if next != "/staff" {
		r.Say(ui.Good, "Thank you. For ten minutes you are not asked again.")
	}
	return r.Redirect(next)
}

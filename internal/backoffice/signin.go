package backoffice

import (
	"net/http"
	"strings"

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
	web.Public(m, "POST /staff/signin", b.doSignIn, web.Audits("staff.signed_in"))
	web.Staff(m, "POST /staff/signout", b.signOut, web.Audits("staff.signed_out"))
	web.Staff(m, "GET /staff/confirm", b.confirm)
	web.Staff(m, "POST /staff/confirm", b.doConfirm, web.Audits("staff.confirmed"))
}

// barePage is the frame of sign-in.
func barePage(r *web.Request, title string) ui.Page {
	return ui.Page{Title: title, Brand: ui.Brand{Name: r.Brand()}, Area: ui.Bare, Staff: true, Flash: r.Flash()}
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
}

// signInInPlace is the sign-in form in the place of a page that asks for it.
func (b *Backoffice) signInInPlace(r *web.Request, next string) templ.Component {
	return b.signInForm(r, signInForm{Next: wayBack(r, next)})
}

func (b *Backoffice) signInForm(r *web.Request, f signInForm) templ.Component {
	somebody, err := b.staff.Any(r.Context())
	f.Nobody = err == nil && !somebody
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
	session, err := b.staff.SignIn(r.Context(), r.Value("address"), r.Value("password"), r.Info())
	if web.Mendable(err) {
		_, above := web.FieldErrors(err)
		return r.RenderAgain(err, b.signInForm(r, signInForm{Address: r.Value("address"), Next: next, Problem: above}))
	}
	if err != nil {
		return err
	}
	r.StartStaffSession(session)
	return r.Redirect(next)
}

func (b *Backoffice) signOut(r *web.Request, by staff.For[staff.Look]) error {
	if err := b.staff.SignOut(r.Context(), by.Identity); err != nil {
		return err
	}
	r.EndStaffSession()
	r.Say(ui.Good, "You are signed out.")
	return r.Redirect("/staff/signin")
}

// confirmInPlace asks for the password in the place of a step that needs a
// fresh proof.
func (b *Backoffice) confirmInPlace(r *web.Request, _ *fault.Error, next string) (templ.Component, error) {
	return confirmPage(barePage(r, "Confirm that it is you"), r.Operator(), wayBack(r, next), ""), nil
}

func (b *Backoffice) confirm(r *web.Request, _ staff.For[staff.Look]) error {
	return r.Render(http.StatusOK, confirmPage(barePage(r, "Confirm that it is you"), r.Operator(), wayBack(r, r.Value("next")), ""))
}

func (b *Backoffice) doConfirm(r *web.Request, by staff.For[staff.Look]) error {
	next := within(r.Value("next"))
	session, err := b.staff.Confirm(r.Context(), by.Identity, r.Value("password"))
	if web.Mendable(err) {
		fields, above := web.FieldErrors(err)
		return r.RenderAgain(err, confirmPage(barePage(r, "Confirm that it is you"), r.Operator(), next, fields["password"]+above))
	}
	if err != nil {
		return err
	}
	r.StartStaffSession(session)
	if next != "/staff" {
		r.Say(ui.Good, "Thank you. For ten minutes you can now do what needs your password.")
	}
	return r.Redirect(next)
}

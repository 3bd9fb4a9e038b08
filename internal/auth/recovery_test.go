package auth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

// link asks for a new password and reads the mail.
func link(t *testing.T, w *apptest.World, address string) string {
	t.Helper()
	w.Browser().Post("/recover", form("address", address)).Must(200)
	return w.Mail.Next(t, address, "Set a new password").Link(t)
}

// TestT093_ALinkToSetAPasswordWorksOnceAndInTime follows links that are used,
// replaced, too old, or whose login has changed meanwhile.
func TestT093_ALinkToSetAPasswordWorksOnceAndInTime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		dead := func(what, path string) {
			t.Helper()
			b := w.Browser()
			if got := b.Get(path); got.Status != http.StatusGone {
				t.Errorf("%s: the page answers %d", what, got.Status)
			}
			users := w.Count("users WHERE credentials = 1")
			if got := b.PostOnly("/recover/password", form("password", "six white bicycles")); got.Status != http.StatusGone || w.Count("users WHERE credentials = 1") != users {
				t.Errorf("%s: the form answers %d", what, got.Status)
			}
			w.Exec("DELETE FROM throttles")
		}
		first := link(t, w, p.Address)
		second := link(t, w, p.Address)
		dead("replaced by a newer one", first)
		dead("with a letter changed", second[:len(second)-1]+map[bool]string{true: "B", false: "A"}[strings.HasSuffix(second, "A")])
		dead("by its hash", "/recover/"+auth.HashToken(second[len("/recover/"):]))
		dead("without a token", "/recover/x")

		w.Clock.Move(auth.LinkLife - time.Second)
		for range 3 { // looking uses nothing up
			w.Browser().Get(second).Must(200, p.Address)
			w.Browser().Once(w.Browser().Request(http.MethodHead, second, nil))
		}
		w.Clock.Move(time.Second)
		dead("too old", second)

		third := link(t, w, p.Address)
		page := w.Browser().Get(third).Must(200)
		page.Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
		dead("used", third)
		w.SignIn(p)

		for what, change := range map[string]string{
			"the password changed":  "credentials = credentials + 1",
			"the address changed":   "address = 'alice2@crowd.example'",
			"the user is suspended": "status = 'suspended'",
			"the user is gone":      "status = 'deleted'",
		} {
			path := link(t, w, p.Address)
			b := w.Browser()
			b.Get(path).Must(200)
			w.Exec("UPDATE users SET "+change+" WHERE id = $1", p.User)
			if got := b.PostOnly("/recover/password", form("password", "six white bicycles")); got.Status != http.StatusGone {
				t.Errorf("%s between the page and its form: %d", what, got.Status)
			}
			dead(what, path)
			w.Exec("UPDATE users SET address = $1, status = 'active' WHERE id = $2", p.Address, p.User)
			if what == "the address changed" {
				w.Browser().Get(path).Must(200) // it is the address that it was mailed to again
			}
		}
	})
}

// TestT093_ALinkOfOnePersonSetsNobodyElsesPassword sends the form with
// another's name in every place.
func TestT093_ALinkOfOnePersonSetsNobodyElsesPassword(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		mallory, alice := w.Person("Mallory", "mallory@crowd.example"), w.Person("Alice", "alice@crowd.example")
		b := w.Browser()
		b.Get(link(t, w, mallory.Address)).Must(200)
		fill := form("password", another, "address", alice.Address, "user", id.String(alice.User), "user_id", id.String(alice.User), "email", alice.Address)
		b.PostOnly("/recover/password?address="+url.QueryEscape(alice.Address), fill)
		if got := signIn(w.Browser(), alice.Address, apptest.Password); got.Status != http.StatusSeeOther {
			t.Errorf("Alice's password was changed: %d", got.Status)
		}
		if got := signIn(w.Browser(), mallory.Address, another); got.Status != http.StatusSeeOther {
			t.Errorf("Mallory's was not: %d", got.Status)
		}
		b.Get("/me").Must(200, "Mallory")
	})
}

// TestT095_ALinkProvesOnlyTheAddressThatItWasMailedTo confirms sign-ups and
// recoveries: each proves one address and no other.
func TestT095_ALinkProvesOnlyTheAddressThatItWasMailedTo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", p.User)
		path := link(t, w, p.Address)
		w.Exec("UPDATE users SET address = 'victim@crowd.example' WHERE id = $1", p.User)
		w.Browser().Get(path).Must(410)
		if w.Count("users WHERE verified_at IS NOT NULL") != 0 {
			t.Error("the link has proven an address that it was not mailed to")
		}
		w.Exec("UPDATE users SET address = $1 WHERE id = $2", p.Address, p.User)
		w.Browser().Get(path).Must(200).Submit("/recover/password", form("password", another)).Must(200)
		if w.Count("users WHERE verified_at IS NOT NULL AND address = $1", p.Address) != 1 {
			t.Error("the link has not proven its own address")
		}
		b := w.Browser()
		b.PostOnly("/signup", form("name", "Nia New", "address", "nia@crowd.example", "password", another, "kind", "login"))
		b.Get(w.Mail.Next(t, "nia@crowd.example", "Confirm your address").Link(t)).Must(200)
		b.Post("/signup/confirm?address=victim@crowd.example", form("address", "victim@crowd.example", "email", "victim@crowd.example")).Must(200)
		if w.Count("users WHERE address = 'victim@crowd.example'") != 0 || w.Count("users WHERE address = 'nia@crowd.example' AND verified_at IS NOT NULL") != 1 {
			t.Error("the confirmed address is not the one that the link was mailed to")
		}
		for _, cookie := range []string{web.InvitationCookie, web.SignUpCookie} { // a link of one kind opens no other
			b := w.Browser()
			recovery := link(t, w, p.Address)
			b.SetCookie(&http.Cookie{Name: cookie, Value: recovery[len("/recover/"):], Path: "/", Secure: true})
			b.Get("/signup/confirm").Must(410)
			b.Get("/invitation").Must(410)
			w.Exec("DELETE FROM throttles")
		}
	})
}

// signUp fills in the form in a browser and reads the mail's link.
func signUp(t *testing.T, w *apptest.World, b *apptest.Browser, address, password string) string {
	t.Helper()
	b.Post("/signup", form("name", "Nina New", "address", address, "password", password, "kind", "account", "account_name", "Nina & Co", "currency", "EUR")).Must(200, "Look into your mail")
	return w.Mail.Next(t, address, "Confirm your address").Link(t)
}

// TestT033_InAnotherBrowserTheSignUpTakesANewPassword has somebody type a
// stranger's address into the form: the stranger's click makes a login with
// the stranger's own password, and the squatter's opens nothing, ever.
func TestT033_InAnotherBrowserTheSignUpTakesANewPassword(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		mallory, nina := w.Browser(), w.Browser()
		path := signUp(t, w, mallory, "nina@crowd.example", "squatters own password")
		out := func(when string) {
			t.Helper()
			if got := signIn(w.Browser(), "nina@crowd.example", "squatters own password"); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: the squatter's password: %d", when, got.Status)
			}
			mallory.Get("/me").Must(401)
		}
		out("before the click")
		if got := mallory.PostOnly("/signup/confirm", nil); got.Status != http.StatusGone {
			t.Errorf("the squatter confirms without the link: %d", got.Status)
		}
		page := nina.Get(path).Must(200, "You signed up in another browser", "choose your password here")
		page.Submit("/signup/confirm", nil).Must(422, "at least 12 characters")
		if w.Count("users") != 0 {
			t.Error("a login was made without a password of hers")
		}
		page.Submit("/signup/confirm", form("password", another)).Must(200, "Nina & Co")
		nina.Get("/me").Must(200, "Nina New")
		out("after the click")
		if got := mallory.PostOnly("/signup/confirm", form("password", "squatters own password")); got.Status != http.StatusGone {
			t.Errorf("the squatter's form, sent again: %d", got.Status)
		}
		if got := signIn(w.Browser(), "nina@crowd.example", another); got.Status != http.StatusSeeOther {
			t.Errorf("her own password: %d", got.Status)
		}
		if n := w.Count("sessions WHERE ended_at IS NULL"); n != 2 {
			t.Errorf("%d sessions are open, want her two", n)
		}
	})
}

// TestT033_ASquattersSignUpGoesWithTheFirstProof has a squatter's sign-up wait
// while its victim makes her login in another way: by her own sign-up, and by
// recovery of a login that was never proven.
func TestT033_ASquattersSignUpGoesWithTheFirstProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		mallory, nina := w.Browser(), w.Browser()
		squat := signUp(t, w, mallory, "nina@crowd.example", "squatters own password")
		own := signUp(t, w, nina, "nina@crowd.example", another)
		nina.Get(own).Must(200).Submit("/signup/confirm", nil).Must(200, "Nina & Co")
		for _, b := range []*apptest.Browser{mallory, w.Browser()} {
			if got := b.Get(squat); got.Status != http.StatusGone {
				t.Errorf("the squatter's link: %d", got.Status)
			}
			if got := b.PostOnly("/signup/confirm", form("password", "squatters own password")); got.Status != http.StatusGone {
				t.Errorf("the squatter's form: %d", got.Status)
			}
		}
		if w.Count("users") != 1 || w.Count("accounts") != 1 {
			t.Error("the squatter's sign-up made something")
		}

		squatter := w.Person("Squatter", "vera@crowd.example")
		w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", squatter.User)
		if got := squatter.PostOnly("/me/accounts/new", form("name", "Squat & Co", "address", "vera@crowd.example", "currency", "EUR")); got.Status != http.StatusForbidden {
			t.Errorf("somebody unproven opens an account: %d", got.Status)
		}
		vera := w.Browser()
		vera.Get(link(t, w, "vera@crowd.example")).Must(200).Submit("/recover/password", form("password", another)).Must(200)
		squatter.Get("/me").Must(401)
		if got := signIn(w.Browser(), "vera@crowd.example", apptest.Password); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("the squatter's password: %d", got.Status)
		}
	})
}

// TestT006_ASignUpIsConfirmedByAClickAlone opens the link as mail scanners
// do.
func TestT006_ASignUpIsConfirmedByAClickAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		b := w.Browser()
		path := signUp(t, w, b, "nina@crowd.example", another)
		for range 5 {
			scanner := w.Browser()
			scanner.Get(path).Must(200)
			req := scanner.Request(http.MethodHead, path, nil)
			req.Header.Set("Sec-Purpose", "prefetch")
			scanner.Once(req)
		}
		if w.Count("users") != 0 || w.Count("signups WHERE ended_at IS NULL") != 1 {
			t.Error("looking has confirmed it")
		}
		b.Get(path).Must(200).Submit("/signup/confirm", nil).Must(200, "Nina & Co")
		w.Browser().Get(path).Must(410)
		if w.Count("users") != 1 {
			t.Error("the click has not confirmed it")
		}
	})
}

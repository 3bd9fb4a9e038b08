package auth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

// trusted is a browser that is not asked for the second step any more.
func trusted(t *testing.T, w *apptest.World, p *apptest.Person, seed string) *apptest.Browser {
	t.Helper()
	b := half(t, w, p)
	if page := b.PostOnly("/signin/second-factor", form("code", w.Code(seed), "trust", "yes")); page.Status != http.StatusSeeOther {
		t.Fatalf("the second step: %d", page.Status)
	}
	w.Clock.Move(30 * time.Second)
	return b
}

// asked reports whether a sign-in with the right password is asked for the
// second step, and signs out again where it is not.
func asked(t *testing.T, b *apptest.Browser, p *apptest.Person, password string) bool {
	t.Helper()
	page := signIn(b, p.Address, password)
	if page.Status != http.StatusSeeOther {
		t.Fatalf("signing in: %d", page.Status)
	}
	if page.Location == "/signin/second-factor" {
		return true
	}
	b.PostOnly("/signout", form())
	return false
}

// carries gives a new browser somebody's device cookie.
func carries(w *apptest.World, token string) *apptest.Browser {
	b := w.Browser()
	b.SetCookie(&http.Cookie{Name: device, Value: token, Path: "/", Secure: true})
	return b
}

// TestT105_ATrustedBrowserIsOnesOwn signs in on a trusted browser, and with
// its cookie in other hands.
func TestT105_ATrustedBrowserIsOnesOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, bob := w.Person("Alice", "alice@crowd.example"), w.Person("Bob", "bob@crowd.example")
		hers, his := w.Authenticator(alice), w.Authenticator(bob)
		b, other := trusted(t, w, alice, hers), trusted(t, w, bob, his)
		plain := known(t, w, alice, hers) // known, but not trusted
		token := b.Cookie(device)
		if asked(t, b, alice, apptest.Password) {
			t.Error("the trusted browser is asked")
		}
		for what, try := range map[string]*apptest.Browser{
			"a known browser": plain, "another's trusted browser": other, "no cookie": w.Browser(), "its hash": carries(w, auth.HashToken(token)),
			"an altered cookie": carries(w, "A"+token[1:]), "bob's cookie": carries(w, other.Cookie(device)),
		} {
			if !asked(t, try, alice, apptest.Password) {
				t.Errorf("%s is not asked", what)
			}
		}
		if !asked(t, carries(w, token), bob, apptest.Password) {
			t.Error("her browser lets him in without his second step")
		}
		thief := carries(w, token)
		thief.Get("/me").Must(401)
		again(w, token).Get("/me").Must(401)
		if got := signIn(thief, alice.Address, another).Status; got != http.StatusUnprocessableEntity {
			t.Errorf("her browser's cookie and a wrong password: %d", got)
		}
		if got := finish(thief, w.Code(hers)); got != http.StatusUnauthorized {
			t.Errorf("her browser's cookie and a code: %d", got)
		}
	}, kept)
}

// TestT105_TrustEnds lets the time pass, to the second, and forgets the
// browser.
func TestT105_TrustEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, mallory := w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
		seed := w.Authenticator(p)
		b := half(t, w, p)
		b.PostOnly("/signin/second-factor", form("code", w.Code(seed), "trust", "yes"))
		w.Clock.Move(auth.TrustLife - time.Second)
		if asked(t, b, p, apptest.Password) {
			t.Error("asked a second too early")
		}
		w.Clock.Move(time.Second)
		if !asked(t, b, p, apptest.Password) {
			t.Error("not asked after 30 days: use prolongs trust")
		}
		if got := finish(b, w.Code(seed)); got != http.StatusSeeOther {
			t.Fatalf("%d", got)
		}
		w.Clock.Move(time.Minute)
		if !asked(t, b, p, apptest.Password) {
			t.Error("a second step without the box ticked makes it trusted again")
		}

		b = trusted(t, w, p, seed)
		number := apptest.Query[id.Device](w, "SELECT id FROM devices WHERE token_hash = $1", auth.HashToken(b.Cookie(device)))[0]
		w.SignIn(mallory)
		mallory.Post("/me/security/devices/"+id.String(number)+"/forget", form()).Must(404)
		if asked(t, b, p, apptest.Password) {
			t.Error("somebody else has forgotten her browser")
		}
		w.SignIn(p)
		p.Post("/me/security/devices/"+id.String(number)+"/forget", form()).Must(200, "Forgotten")
		p.Post("/me/security/devices/"+id.String(number)+"/forget", form()).Must(404)
		if !asked(t, b, p, apptest.Password) {
			t.Error("a forgotten browser is not asked")
		}
	}, kept)
}

// ownStepUps are the routes that ask a signed-in person for a fresh proof, of
// what is hers alone.
func ownStepUps(t *testing.T, w *apptest.World) (out []web.Route) {
	t.Helper()
	for _, r := range w.Mux.Routes() {
		if r.Guard == "signed in" && r.StepUp {
			out = append(out, r)
		}
	}
	if len(out) < 15 {
		t.Errorf("%d routes ask for a fresh proof", len(out))
	}
	return out
}

// stepsUp holds a browser against every such route: each asks for a proof and
// changes nothing.
func stepsUp(t *testing.T, w *apptest.World, b *apptest.Browser, when string) {
	t.Helper()
	for _, r := range ownStepUps(t, w) {
		path := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(r.Pattern, "1")
		var fields url.Values
		if r.Unsafe() {
			fields = form()
		}
		if got, kind := problem(b, r.Method, path, fields); got != http.StatusForbidden || kind != "step-up-required" {
			t.Errorf("%s: %s %s: %d %s", when, r.Method, r.Pattern, got, kind)
		}
	}
}

// fresh reports whether a session counts as freshly proven.
func fresh(b *apptest.Browser) bool { return b.GetOnly("/me/security/codes").Status == http.StatusOK }

// TestT104_ATrustedBrowserIsNoFreshProof signs in without the second step and
// goes where a fresh proof is asked for: the password alone is none.
func TestT104_ATrustedBrowserIsNoFreshProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		key := w.Passkey(p)
		key.Register("Laptop")
		seed := w.Authenticator(p)
		b := trusted(t, w, p, seed)
		signIn(b, p.Address, apptest.Password)
		b.Get("/me").Must(200, "Alice")
		stepsUp(t, w, b, "in a trusted browser")
		for what, fields := range map[string]url.Values{
			"without a code": form("password", apptest.Password), "with a wrong code": form("password", apptest.Password, "code", wrongCode(t, w, seed)),
			"with a code alone": form("code", w.Code(seed)), "with a wrong password": form("password", another, "code", w.Code(seed)),
		} {
			if got := b.PostOnly("/confirm", fields).Status; got != http.StatusUnprocessableEntity {
				t.Errorf("confirming %s: %d", what, got)
			}
		}
		stepsUp(t, w, b, "after confirming in vain")
		elsewhere := known(t, w, p, seed)
		signIn(elsewhere, p.Address, apptest.Password)
		b.PostOnly("/confirm", form("password", apptest.Password, "code", w.Code(seed)))
		if !fresh(b) || !fresh(elsewhere) {
			t.Error("both steps, and nothing is opened")
		}
		w.Clock.Move(auth.Fresh)
		if !fresh(b) {
			t.Error("no more at the last moment")
		}
		w.Clock.Move(time.Microsecond)
		if fresh(b) {
			t.Error("still open after ten minutes")
		}
		// The proof of one session is none in another; a passkey is one by itself.
		if got := key.Confirm(b).Status; got != http.StatusSeeOther || !fresh(b) || fresh(elsewhere) {
			t.Errorf("with a passkey: %d, here %v, elsewhere %v", got, fresh(b), fresh(elsewhere))
		}
	}, kept)
}

// TestT104_NoOtherStepRenewsAProof changes the password, for which the old one
// alone is no proof of somebody with a factor, and adds and removes factors:
// none of it proves her for longer.
func TestT104_NoOtherStepRenewsAProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		b := trusted(t, w, p, seed)
		signIn(b, p.Address, apptest.Password)
		change := form("old", apptest.Password, "password", another)
		if got, kind := problem(b, http.MethodPost, "/me/security", change); got != http.StatusForbidden || kind != "step-up-required" {
			t.Errorf("a new password, with the old one alone: %d %s", got, kind)
		}
		b.Post("/me/security", change).Must(403, "Confirm that it is you").Submit("/confirm", form("password", apptest.Password, "code", w.Code(seed))).Must(200)
		w.Clock.Move(auth.Fresh - time.Minute)
		b.Post("/me/security", change).Must(200, "Your password is changed")
		w.Clock.Move(time.Minute + time.Microsecond)
		stepsUp(t, w, b, "after a change of the password")

		b.PostOnly("/confirm", form("password", another, "code", w.Code(seed)))
		w.Clock.Move(auth.Fresh - time.Minute)
		page := b.Post("/me/security/apps/begin", form()).Must(200)
		added := apptest.SeedOn(page)
		if got := b.PostOnly("/me/security/apps", form("code", w.Code(added), "name", "Other")).Status; got != http.StatusSeeOther {
			t.Fatalf("adding an app: %d", got)
		}
		w.Clock.Move(time.Minute)
		if !fresh(b) {
			t.Error("the proof has gone before its time")
		}
		w.Clock.Move(time.Microsecond)
		stepsUp(t, w, b, "after adding an app")

		b.PostOnly("/confirm", form("password", another, "code", w.Code(seed)))
		w.Clock.Move(auth.Fresh - time.Minute)
		app := apptest.Query[id.Authenticator](w, "SELECT MAX(id) FROM authenticators WHERE user_id = $1", p.User)[0]
		b.Post("/me/security/apps/"+id.String(app)+"/remove", form()).Must(200, "The app is removed")
		w.Clock.Move(time.Minute + time.Microsecond)
		stepsUp(t, w, b, "after removing an app")
	}, kept)
}

// TestT104_AChallengeConfirmsItsOwnSession answers a challenge of one session
// in another one of the same person, and in another's.
func TestT104_AChallengeConfirmsItsOwnSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, mallory := w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
		hers, his := w.Passkey(alice), w.Passkey(mallory)
		hers.Register("Hers")
		his.Register("His")
		second := w.Browser()
		hers.SignIn(second)
		w.Clock.Move(auth.Fresh + time.Second)
		response := hers.Shown(alice.PostOnly("/confirm/passkey/begin", form()))
		ceremony := alice.Cookie(web.CeremonyCookie)
		for what, b := range map[string]*apptest.Browser{"her other session": second, "his": mallory.Browser} {
			b.SetCookie(&http.Cookie{Name: web.CeremonyCookie, Value: ceremony, Path: "/", Secure: true})
			if got := b.PostOnly("/confirm/passkey", form("response", response)).Status; got != http.StatusGone || fresh(b) {
				t.Errorf("%s: %d", what, got)
			}
		}
		foreign := his.Shown(alice.PostOnly("/confirm/passkey/begin", form()))
		if got := alice.PostOnly("/confirm/passkey", form("response", foreign)).Status; got != http.StatusUnprocessableEntity || fresh(alice.Browser) {
			t.Errorf("his passkey in her session: %d", got)
		}
		if got := hers.Confirm(alice.Browser).Status; got != http.StatusSeeOther || !fresh(alice.Browser) {
			t.Errorf("her own: %d", got)
		}
	}, kept)
}

// TestT104_AConfirmationMeetsAPasswordChange has a session confirm with the
// old password while another one changes it: the session does not outlive it.
func TestT104_AConfirmationMeetsAPasswordChange(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		passwords := []string{apptest.Password, another}
		for round := range 6 {
			old, next := passwords[round%2], passwords[(round+1)%2]
			stolen := w.Browser()
			signIn(stolen, p.Address, old)
			apptest.Race(2, func(i int) {
				if i == 1 {
					p.PostOnly("/me/security", form("old", old, "password", next))
					return
				}
				for range round {
					stolen.GetOnly("/me")
				}
				stolen.PostOnly("/confirm", form("password", old))
			})
			if got := stolen.GetOnly("/me").Status; got != http.StatusUnauthorized {
				t.Errorf("round %d: the session outlives the change: %d", round, got)
			}
			p.Get("/me").Must(200)
			w.Exec("DELETE FROM throttles")
		}
	}, kept)
}

package sso_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"clientele/internal/apptest"
)

// TestT075_LinkingTakesAFreshSessionOfOnesOwn begins to link in every state
// of a session, and ends it in another.
func TestT075_LinkingTakesAFreshSessionOfOnesOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		to := "/me/security/providers/" + c.atA + "/link"
		none := func(what string) {
			t.Helper()
			if n := w.Count("identities"); n != 2 {
				t.Errorf("%s: there are %d linked sign-ins", what, n)
			}
		}
		intruder := func(f *fake) { f.claims = map[string]any{"sub": "intruder"} }
		c.link(t, c.alice, "").Must(http.StatusForbidden)
		none("a login without a subject")
		c.a.lie(intruder)
		w.Browser().Post(to, form()).Must(http.StatusUnauthorized)

		seed := w.Authenticator(c.mallory)
		half := w.Browser()
		half.Post("/signin", form("address", c.mallory.Address, "password", apptest.Password)).Must(http.StatusOK, "Second step")
		half.Post(to, form()).Must(http.StatusUnauthorized)
		q := c.a.code(half.Post("/signin/with/"+c.atA, form()))
		half.Get(back(c.atA, q)).Must(http.StatusForbidden) // what a sign-in began links nothing
		none("a half session")
		_ = seed

		q = c.a.code(c.alice.Post(to, form()))
		cookie := &http.Cookie{Name: "__Host-clientele-provider", Value: c.alice.Cookie("__Host-clientele-provider"), Path: "/", Secure: true}
		other := &apptest.Person{Browser: w.Browser(), User: c.alice.User}
		w.SignIn(other)
		for what, b := range map[string]*apptest.Browser{"nobody": w.Browser(), "somebody else": c.mallory.Browser, "another session of hers": other.Browser} {
			b.SetCookie(cookie)
			if page := b.Get(back(c.atA, q)); page.Status != http.StatusGone {
				t.Errorf("an answer that %s brings: %d", what, page.Status)
			}
			none(what)
		}
		c.alice.Post("/signout", form())
		c.alice.Get(back(c.atA, q)).Must(http.StatusGone)
		none("signed out")

		w.SignIn(c.alice)
		w.Clock.Move(8 * time.Minute)
		q = c.a.code(c.alice.Post(to, form()))
		w.Clock.Move(4 * time.Minute)
		c.alice.Get(back(c.atA, q)).Must(http.StatusOK, "That took longer than your password counts here")
		none("a session that has grown stale")
		c.alice.Post(to, form()).Must(http.StatusForbidden, "Confirm that it is you")

		w.SignIn(c.alice)
		q = c.a.code(c.alice.Post("/signin/with/"+c.atA, form()))
		c.alice.SetCookie(&http.Cookie{Name: cookie.Name, Value: "link" + c.alice.Cookie(cookie.Name)[len("signin"):], Path: "/", Secure: true})
		c.alice.Get(back(c.atA, q)).Must(http.StatusGone)
		none("an attempt to sign in that says it links")
		c.a.lie(intruder)
		c.alice.Get(back(c.atA, c.a.code(c.alice.Post(to, form())))).Must(http.StatusOK, "The sign-in is linked")
	})
}

// TestOnlyOnesOwnIsUnlinked tries to unlink what is somebody else's.
func TestOnlyOnesOwnIsUnlinked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		hers := c.alice.Get("/me/security").Find(`a[href^="/me/security/identities/"]`).AttrOr("href", "")
		c.mallory.Get(hers).Must(http.StatusNotFound)
		hers += "/unlink"
		c.mallory.Post(hers, form()).Must(http.StatusNotFound)
		w.Clock.Move(11 * time.Minute)
		c.alice.Post(hers, form()).Must(http.StatusForbidden, "Confirm that it is you")
		if n := w.Count("identities"); n != 2 {
			t.Errorf("there are %d linked sign-ins", n)
		}
	})
}

// TestT104_AProviderConfirmsWhoSignsInAnew has a provider answer a request for
// a new sign-in with one that is too old, with none, and with another login.
func TestT104_AProviderConfirmsWhoSignsInAnew(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		w.Clock.Move(11 * time.Minute)
		confirm := func(claims map[string]any) *apptest.Page {
			t.Helper()
			page := c.alice.Post("/confirm/with/"+c.atA, form("next", "/me/address"))
			c.a.lie(func(f *fake) { f.claims = claims })
			return c.alice.Get(back(c.atA, c.a.code(page)))
		}
		at := func(d time.Duration) int64 { return w.Clock.Now().Add(d).Unix() }
		for what, claims := range map[string]map[string]any{
			"an old sign-in":         {"auth_time": at(-time.Hour)},
			"one of a while ago":     {"auth_time": at(-61 * time.Second)},
			"no time":                {"auth_time": nil},
			"a time that is none":    {"auth_time": "now"},
			"a time before all time": {"auth_time": -1},
			"another login":          {"sub": "mallory"},
			"a login of nobody":      {"sub": "nobody"},
		} {
			if page := confirm(claims); page.URL.Path != "/confirm" {
				t.Errorf("%s leads to %s", what, page.URL.Path)
			}
			c.alice.Get("/me/address").Must(http.StatusForbidden)
		}
		confirm(map[string]any{"auth_time": at(-59 * time.Second)}).Must(http.StatusOK, "Your mail address")
		if w.Count("sessions WHERE user_id = $1 AND way = $2", c.alice.User, "password,provider:"+c.atA) != 1 {
			t.Error("the session does not say how she has confirmed who she is")
		}
		c.mallory.Post("/confirm/with/"+c.atB, form()).Must(http.StatusNotFound)

		// What is not hers: an answer for the confirmation of somebody else.
		w.Clock.Move(11 * time.Minute)
		q := c.a.code(c.mallory.Post("/confirm/with/"+c.atA, url.Values{}))
		c.alice.Get(back(c.atA, q)).Must(http.StatusGone)
		c.alice.Get("/me/address").Must(http.StatusForbidden)
	})
}

// TestT104_ASilentSignInIsNoFreshProof signs in through a provider that does
// not say that it has just seen her, and through one that does.
func TestT104_ASilentSignInIsNoFreshProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		for what, claims := range map[string]map[string]any{
			"an old session there": {"auth_time": w.Clock.Now().Add(-24 * time.Hour).Unix()},
			"no time":              {"auth_time": nil},
		} {
			b := w.Browser()
			c.a.lie(func(f *fake) { f.claims = claims })
			c.signIn(b).Must(http.StatusOK, "Alice")
			if got := b.Get("/me/address").Status; got != http.StatusForbidden {
				t.Errorf("%s opens what asks for a fresh proof: %d", what, got)
			}
		}
		c.a.honest()
		b := w.Browser()
		c.signIn(b).Must(http.StatusOK, "Alice")
		b.Get("/me/address").Must(http.StatusOK)
	})
}

// TestAnAccountThatAsksForAProvider opens for whoever has come through it, or
// confirms through it.
func TestAnAccountThatAsksForAProvider(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		a := w.Account(c.alice, "Harbour Bakery")
		w.Exec("UPDATE accounts SET ways = $1 WHERE id = $2", "provider:"+c.atA, a)
		page := c.alice.Get("/a/"+numberOf(a)).Must(http.StatusForbidden, "Another way to sign in, please", "Confirm with Acme")
		next := page.Submit("/confirm/with/"+c.atA, nil)
		if page = c.alice.Get(back(c.atA, c.a.code(next))).Must(http.StatusOK, "Harbour Bakery"); page.URL.Path != "/a/"+numberOf(a) {
			t.Errorf("she comes back to %s", page.URL.Path)
		}
		b := w.Browser()
		c.signIn(b)
		b.Get("/a/"+numberOf(a)).Must(http.StatusOK, "Harbour Bakery")
	})
}

package sso_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// now brings the world's clock to the provider's, which is the wall's.
func now(w *apptest.World) { w.Clock.Move(time.Since(w.Clock.Now()).Truncate(time.Second)) }

const (
	first  = "test-user@127.0.0.1"
	second = "test-user2"
)

// TestSigningInThroughAProvider goes the whole way with a real provider: a
// login that nobody knows, linking it, signing in, confirming, unlinking.
func TestSigningInThroughAProvider(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		now(w)
		issuer := apptest.NewIssuer(t, apptest.BaseURL)
		root := w.Operator("Root", "root@crew.example", "administrator")
		number := id.String(w.Provider(root, "Acme", issuer.URL, false))
		with := "/signin/with/" + number

		stranger := w.Browser()
		page := stranger.Get("/signin?next=/me").Must(http.StatusOK, "Continue with Acme").Submit(with, nil).Must(http.StatusOK, "On to Acme")
		sessions, users := w.Count("sessions"), w.Count("users")
		stranger.Get(issuer.Visit(page, first)).Must(http.StatusForbidden, "This login at Acme is not linked to anybody here")
		if stranger.Cookie("__Host-clientele-session") != "" || w.Count("sessions") != sessions || w.Count("users") != users || w.Count("identities") != 0 {
			t.Error("a login that nobody here knows has left something")
		}

		alice := w.Person("Alice", "alice@crowd.example")
		elsewhere := w.Browser()
		elsewhere.Post("/signin", form("address", alice.Address, "password", apptest.Password)).Must(http.StatusOK)
		page = alice.Get("/me/security").Must(http.StatusOK, "Link Acme").Submit("/me/security/providers/"+number+"/link", nil)
		before := alice.Cookie("__Host-clientele-session")
		alice.Get(issuer.Visit(page, first)).Must(http.StatusOK, "The sign-in is linked", "Acme", "test-user@zitadel.ch")
		if alice.Cookie("__Host-clientele-session") == before {
			t.Error("the session goes on under its old token")
		}
		elsewhere.Get("/me").Must(http.StatusUnauthorized)
		w.Mail.Next(t, alice.Address, "A sign-in was linked")

		b := w.Browser()
		page = b.Get("/me/sessions").Must(http.StatusUnauthorized, "Continue with Acme").Submit(with, nil)
		if page = b.Get(issuer.Visit(page, first)).Must(http.StatusOK); page.URL.Path != "/me/sessions" {
			t.Errorf("she comes back to %s", page.URL.Path)
		}
		b.Get("/me").Must(http.StatusOK, "Alice")
		if got := apptest.Query[string](w, "SELECT way FROM sessions ORDER BY id DESC LIMIT 1")[0]; got != "provider:"+number {
			t.Errorf("the session's way is %q", got)
		}

		w.Clock.Move(11 * time.Minute)
		alice.Get("/me/address").Must(http.StatusForbidden, "Confirm with Acme")
		page = alice.Get("/me/address").Submit("/confirm/with/"+number, nil)
		if address := page.Leaves(); !strings.Contains(address, "prompt=login") || !strings.Contains(address, "max_age=0") {
			t.Errorf("no new sign-in is asked for: %s", address)
		}
		w.Clock.Move(-11 * time.Minute)
		page = alice.Get("/confirm?next=/me/address").Submit("/confirm/with/"+number, nil)
		alice.Get(issuer.Visit(page, first)).Must(http.StatusOK, "Your mail address")

		identity := id.String(apptest.Query[id.Identity](w, "SELECT id FROM identities")[0])
		alice.Get("/me/security/identities/"+identity).Submit("/me/security/identities/"+identity+"/unlink", nil).Must(http.StatusOK, "The sign-in is unlinked")
		w.Mail.Next(t, alice.Address, "A sign-in was unlinked")
		page = stranger.Post(with, form())
		stranger.Get(issuer.Visit(page, first)).Must(http.StatusForbidden, "not linked to anybody here")
	})
}

// TestTheSecondStepAfterAProvider asks whoever has a second factor for it,
// unless the provider has asked for one itself.
func TestTheSecondStepAfterAProvider(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		now(w)
		issuer := apptest.NewIssuer(t, apptest.BaseURL)
		root := w.Operator("Root", "root@crew.example", "administrator")
		number := id.String(w.Provider(root, "Acme", issuer.URL, false))
		alice := w.Person("Alice", "alice@crowd.example")
		link := func() *apptest.Page {
			return alice.Get(issuer.Visit(alice.Post("/me/security/providers/"+number+"/link", form()), first))
		}
		link().Must(http.StatusOK, "The sign-in is linked")
		link().Must(http.StatusOK, "is linked to yours already")
		seed := w.Authenticator(alice)

		b := w.Browser()
		page := b.Get(issuer.Visit(b.Post("/signin/with/"+number, form("next", "/me")), first)).Must(http.StatusOK, "Second step")
		b.Get("/me").Must(http.StatusUnauthorized)
		b.Get(page.URL.RequestURI()).Submit("/signin/second-factor", form("code", w.Code(seed))).Must(http.StatusOK, "Alice")

		if alice.Get("/confirm").Must(http.StatusOK).Says("Confirm with Acme") {
			t.Error("a provider without a second factor is offered to somebody who has one")
		}
		page = alice.Post("/confirm/with/"+number, form())
		alice.Get(issuer.Visit(page, first)).Must(http.StatusOK, "This alone does not confirm who you are")

		root.Post("/staff/providers/"+number, form("name", "Acme", "issuer", issuer.URL, "client_id", "web", "second_factor", "yes")).Must(http.StatusOK, "Saved")
		b = w.Browser()
		b.Get(issuer.Visit(b.Post("/signin/with/"+number, form("next", "/me")), first)).Must(http.StatusOK, "Alice")
		if got := w.Count("sessions WHERE way = $1 AND second_at IS NOT NULL", "provider:"+number); got == 0 {
			t.Error("the provider's second factor does not count")
		}
		alice.Get("/confirm").Submit("/confirm/with/"+number, nil)
		page = alice.Post("/confirm/with/"+number, form("next", "/me/address"))
		alice.Get(issuer.Visit(page, first)).Must(http.StatusOK, "Your mail address")

		bob := w.Person("Bob", "bob@crowd.example")
		page = bob.Post("/me/security/providers/"+number+"/link", form())
		bob.Get(issuer.Visit(page, first)).Must(http.StatusOK, "is linked to somebody else")
		page = bob.Post("/me/security/providers/"+number+"/link", form())
		bob.Get(issuer.Visit(page, second)).Must(http.StatusOK, "The sign-in is linked")
		page = bob.Post("/confirm/with/"+number, form())
		bob.Get(issuer.Visit(page, first)).Must(http.StatusOK, "This is another login at Acme")
	})
}

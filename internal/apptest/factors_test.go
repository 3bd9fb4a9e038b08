package apptest_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
)

// TestFactorsSignIn uses the app and the passkey that the helpers add.
func TestFactorsSignIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		key := w.Passkey(p)
		if page := key.Register("Laptop"); page.Status != http.StatusSeeOther || w.Count("passkeys WHERE user_id = $1", p.User) != 1 {
			t.Fatalf("%d: %.300s", page.Status, page.Body)
		}
		b := w.Browser()
		b.Post("/signin", url.Values{"address": {p.Address}, "password": {apptest.Password}}).Must(200).Submit("/signin/second-factor", url.Values{"code": {w.Code(seed)}}).Must(200)
		b.Get("/me").Must(200, "Alice")
		b = w.Browser()
		if page := key.SignIn(b); page.Status != http.StatusSeeOther {
			t.Fatalf("%d: %.300s", page.Status, page.Body)
		}
		b.Get("/me").Must(200, "Alice")
		b = w.Browser()
		b.Post("/signin", url.Values{"address": {p.Address}, "password": {apptest.Password}}).Must(200)
		if page := key.Finish(b, nil); page.Status != http.StatusSeeOther {
			t.Fatalf("%d: %.300s", page.Status, page.Body)
		}
		w.Clock.Move(auth.Fresh + time.Second)
		b.Get("/me/security/codes").Must(403)
		if page := key.Confirm(b); page.Status != http.StatusSeeOther {
			t.Fatalf("%d: %.300s", page.Status, page.Body)
		}
		b.Get("/me/security/codes").Must(200)
		b.Post("/confirm", url.Values{"password": {apptest.Password}, "code": {w.Code(seed)}}).Must(200)
	}, func(c *config.Config) { c.SMTPURL = "" })
}

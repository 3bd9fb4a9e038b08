package app_test

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"

	"github.com/pquerna/otp/totp"
)

// TestT147_AFactorOutlivesItsKey adds an authenticator app, looks for its seed
// in a dump, and signs in with its codes after the key was replaced and the
// old one dropped.
func TestT147_AFactorOutlivesItsKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		page := nora.Post("/me/security/apps/begin", form()).Must(200)
		secret := strings.ToUpper(strings.Join(strings.Fields(page.Find("p.mono").First().Text()), ""))
		if len(secret) < 16 {
			t.Fatalf("the seed reads %q", secret)
		}
		code := func() string {
			w.Clock.Move(90 * time.Second)
			c, err := totp.GenerateCode(secret, w.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		nora.Post("/me/security/apps", form("name", "Phone", "code", code())).Must(200, "recovery codes")
		text := strings.ToUpper(dump(t, w))
		if strings.Contains(text, secret) || !strings.Contains(text, strings.ToUpper(keyOf(t, w).ID())+".") {
			t.Error("the dump has the seed, or is none")
		}
		signIn := func() {
			t.Helper()
			b := w.Browser()
			b.Post("/signin", form("address", nora.Address, "password", apptest.Password)).Must(200, "Code")
			b.Post("/signin/second-factor", form("code", code())).Must(200)
			b.Get("/me/security").Must(200, "Phone")
		}
		signIn()
		mustRun(t, w, "authenticators: 1 sealed anew", "key", "rotate")
		signIn()
		mustRun(t, w, "Dropped ", "key", "prune")
		signIn()
		w.Restart()
		signIn()
	})
}

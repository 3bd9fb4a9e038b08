package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
)

// TestT092_AMailboxAloneTakesNoOldFactorAway follows "this was not me" and the
// mailed link, with nothing but her mail: an app that replaced another one
// this week stays, since she has had a factor for longer.
func TestT092_AMailboxAloneTakesNoOldFactorAway(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		w.Clock.Move(30 * 24 * time.Hour)
		w.SignIn(p)
		second := w.Authenticator(p)
		old := apptest.Query[int64](w, "SELECT MIN(id) FROM authenticators")[0]
		w.Exec("DELETE FROM authenticators WHERE id = $1", old)
		b := w.Browser()
		raised := 0
		for range 2 { // one of the two notices is a month old
			if page := b.Get(w.Mail.Next(t, p.Address, "was added").Link(t)); page.Status == http.StatusOK {
				page.Submit("/alarm", nil).Must(200)
				raised++
			}
		}
		if raised != 1 {
			t.Fatalf("%d notices are heard", raised)
		}
		b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Second step")
		b.GetOnly("/me").Must(http.StatusUnauthorized)
		w.Clock.Move(30 * time.Second)
		if got := finish(b, w.Code(second)); got != http.StatusSeeOther {
			t.Errorf("her own code: %d", got)
		}
	})
}

// TestT089_ACodeCountsWhereAnAppsKeyIsLost signs in with a recovery code while
// the app's seed opens no more.
func TestT089_ACodeCountsWhereAnAppsKeyIsLost(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		page := p.Post("/me/security/codes", nil).Must(200)
		code := page.Find(".codes li").First().Text()
		w.Exec("UPDATE authenticators SET sealed = 'gone.AAAA'")
		b := w.Browser()
		signIn(b, p.Address, apptest.Password)
		if got := finish(b, "123456"); got != http.StatusUnprocessableEntity {
			t.Errorf("a code of the lost app: %d", got)
		}
		if got := finish(b, code); got != http.StatusSeeOther {
			t.Errorf("the recovery code: %d", got)
		}
	})
}

// TestACodeIsReadAsAppsShowIt types the first code with the space that
// apps show in it, and a name that is none with a sentence beside it.
func TestACodeIsReadAsAppsShowIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := apptest.SeedOn(p.Post("/me/security/apps/begin", nil).Must(200))
		code := w.Code(seed)
		page := p.Post("/me/security/apps", form("name", "see https://evil.example", "code", code))
		if got := page.FieldError("name"); got == "" || strings.Contains(got, "invalid") {
			t.Errorf("beside the name: %q", got)
		}
		p.Post("/me/security/apps", form("name", "My app", "code", code[:3]+" "+code[3:])).Must(200, "recovery codes")
	})
}

// TestT086_ANetworkThatIsStoppedStopsNobodyElse goes on guessing far beyond
// its own limit: that does not count against the person any more.
func TestT086_ANetworkThatIsStoppedStopsNobodyElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Person("Alice", "alice@crowd.example")
		crowd := w.Browser()
		for range 60 {
			signIn(crowd, "nobody@crowd.example", "wrong wrong wrong")
		}
		for range 20 {
			if got := signIn(crowd, "alice@crowd.example", "wrong wrong wrong").Status; got != http.StatusTooManyRequests {
				t.Fatalf("a stopped network is answered %d", got)
			}
		}
		b := w.Browser()
		b.Network = "198.51.100.7"
		if got := signIn(b, "alice@crowd.example", apptest.Password).Status; got != http.StatusSeeOther {
			t.Errorf("she herself, elsewhere: %d", got)
		}
	})
}

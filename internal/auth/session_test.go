package auth_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/staff"
)

const (
	session = "__Host-clientele-session"
	device  = "__Host-clientele-device"
)

// again is a browser that holds a session's token.
func again(w *apptest.World, token string) *apptest.Browser {
	b := w.Browser()
	b.SetCookie(&http.Cookie{Name: session, Value: token, Path: "/", Secure: true})
	return b
}

// TestT099_NobodyChoosesASession comes with sessions that somebody else has
// chosen: signing in, confirming and changing the password each give a new
// one, and the old one opens nothing.
func TestT099_NobodyChoosesASession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		mallory := w.Person("Mallory", "mallory@crowd.example")
		seen := map[string]bool{}
		b := w.Browser()
		fixed, _ := auth.NewToken()
		for _, planted := range []string{fixed, mallory.Cookie(session), "x", strings.Repeat("A", 5000)} {
			b.SetCookie(&http.Cookie{Name: session, Value: planted, Path: "/", Secure: true})
			if signIn(b, p.Address, apptest.Password).Status != http.StatusSeeOther {
				t.Fatal("she does not get in")
			}
			got := b.Cookie(session)
			if got == planted || seen[got] || len(got) < 43 {
				t.Errorf("planted %.20q, got %q", planted, got)
			}
			seen[got] = true
			b.Get("/me").Must(200, "Alice")
			again(w, planted).Get("/me").Must(401)
		}
		for what, step := range map[string]func() *apptest.Page{
			"confirming": func() *apptest.Page { return b.PostOnly("/confirm", form("password", apptest.Password)) },
			"changing the password": func() *apptest.Page {
				return b.PostOnly("/me/security", form("old", apptest.Password, "password", another))
			},
		} {
			old := b.Cookie(session)
			if page := step(); page.Status != http.StatusSeeOther && what == "confirming" {
				t.Errorf("%s: %d", what, page.Status)
			}
			if b.Cookie(session) == old {
				t.Errorf("%s: the token stays", what)
			}
			again(w, old).Get("/me").Must(401)
			b.Get("/me").Must(200, "Alice")
			w.Exec("UPDATE users SET password = (SELECT password FROM users WHERE id = $1) WHERE id = $2", mallory.User, p.User)
		}
		root := w.Operator("Root", "root@crowd.example", "administrator")
		old := root.Cookie("__Secure-clientele-staff")
		root.Post("/staff/confirm", form("password", apptest.Password)).Must(200)
		if root.Cookie("__Secure-clientele-staff") == old {
			t.Error("an operator's token stays when she confirms")
		}
	}, kept)
}

// TestT099_ASubdomainPlantsNothing sends cookies by the names that they have
// without TLS, as a sibling domain could set them: they count for nothing.
func TestT099_ASubdomainPlantsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, name := range []string{"clientele-session", "session", "__Secure-clientele-session", "__host-clientele-session", "__Host-clientele-session2"} {
			b := w.Browser()
			b.Header.Set("Cookie", name+"="+p.Cookie(session))
			if got := b.GetOnly("/me"); got.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, got.Status)
			}
		}
	}, kept)
}

// TestT100_ASessionsTokenIsRandomAndNotKept looks at the tokens that sign-ins
// give, and for them in the database and the pages.
func TestT100_ASessionsTokenIsRandomAndNotKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, other := w.Person("Alice", "alice@crowd.example"), w.Person("Bob", "bob@crowd.example")
		seen := map[string]bool{}
		for range 3 {
			b := w.Browser()
			signIn(b, p.Address, apptest.Password)
			for _, name := range []string{session, device} {
				token := b.Cookie(name)
				raw, err := base64.RawURLEncoding.DecodeString(token)
				if err != nil || len(raw) != 32 || seen[token] {
					t.Errorf("%s is %q: %d bytes, %v", name, token, len(raw), err)
				}
				seen[token] = true
				if n := w.Count("sessions WHERE token_hash = $1", token) + w.Count("devices WHERE token_hash = $1", token); n != 0 {
					t.Error("the token itself is kept")
				}
				if n := w.Count("sessions WHERE token_hash = $1", auth.HashToken(token)) + w.Count("devices WHERE token_hash = $1", auth.HashToken(token)); n != 1 {
					t.Errorf("%s is known %d times by its hash", name, n)
				}
			}
		}
		page := p.Get("/me/sessions").Must(200)
		for token := range seen {
			if strings.Contains(page.Body, token) || strings.Contains(page.Body, auth.HashToken(token)) {
				t.Error("the list of sessions shows a token")
			}
		}
		theirs := apptest.Query[id.Session](w, "SELECT id FROM sessions WHERE user_id = $1", p.User)
		for _, s := range theirs {
			other.Post("/me/sessions/"+id.String(s)+"/end", form()).Must(404)
			if again(w, id.String(s)).GetOnly("/me").Status != http.StatusUnauthorized {
				t.Error("a session's number opens it")
			}
		}
		if w.Count("sessions WHERE user_id = $1 AND ended_at IS NULL", p.User) != int64(len(theirs)) {
			t.Error("somebody else has ended a session")
		}
		p.Post("/me/sessions/"+id.String(theirs[len(theirs)-1])+"/end", form()).Must(200, "That session has ended")
	}, kept)
}

// TestT101_ASessionEndsInTime lets sessions rest and lets them be used: the
// one ends a week after its last use, the other a month after its beginning,
// to the second.
func TestT101_ASessionEndsInTime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Clock.Move(auth.SessionIdle - time.Second)
		p.Get("/me").Must(200)
		w.Clock.Move(auth.SessionIdle - time.Second)
		p.Get("/me").Must(200)
		w.Clock.Move(auth.SessionIdle)
		p.Get("/me").Must(401)

		w.SignIn(p)
		began := w.Clock.Now()
		for w.Clock.Now().Before(began.Add(auth.SessionLife - 24*time.Hour)) {
			w.Clock.Move(24 * time.Hour)
			p.Get("/me").Must(200)
		}
		w.Clock.Move(began.Add(auth.SessionLife).Sub(w.Clock.Now()) - time.Second)
		p.Get("/me").Must(200)
		p.Post("/confirm", form("password", apptest.Password)).Must(200) // prolongs nothing
		w.Clock.Move(time.Second)
		p.Get("/me").Must(401)

		root := w.Operator("Root", "root@crowd.example", "administrator")
		w.Clock.Move(staff.SessionIdle - time.Second)
		root.Get("/staff").Must(200)
		w.Clock.Move(staff.SessionIdle)
		root.Get("/staff").Must(401)
		root = w.Operator("Second", "second@crowd.example", "administrator")
		for range int(staff.SessionLife/(20*time.Minute)) - 1 {
			w.Clock.Move(20 * time.Minute)
			root.Get("/staff").Must(200)
		}
		w.Clock.Move(20*time.Minute - time.Second)
		root.Get("/staff").Must(200)
		w.Clock.Move(time.Second)
		root.Get("/staff").Must(401)
	}, kept)
}

// TestT101_SigningOutEndsTheSession signs out and comes back with the cookie.
func TestT101_SigningOutEndsTheSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		token := p.Cookie(session)
		page := p.PostOnly("/signout", nil)
		if page.Status != http.StatusSeeOther || !strings.Contains(page.Header.Get("Clear-Site-Data"), `"cache"`) || !strings.Contains(page.Header.Get("Clear-Site-Data"), `"storage"`) || p.Cookie(session) != "" {
			t.Errorf("%d, %q", page.Status, page.Header.Get("Clear-Site-Data"))
		}
		if got := again(w, token).GetOnly("/me"); got.Status != http.StatusUnauthorized || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the cookie, used again: %d", got.Status)
		}
		root := w.Operator("Root", "root@crowd.example", "administrator")
		b := w.Browser()
		b.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: root.Cookie("__Secure-clientele-staff"), Path: "/staff", Secure: true})
		if page := root.PostOnly("/staff/signout", nil); page.Status != http.StatusSeeOther || page.Header.Get("Clear-Site-Data") == "" {
			t.Errorf("staff: %d", page.Status)
		}
		b.Get("/staff").Must(401)
		p = w.Person("Bob", "bob@crowd.example")
		token = p.Cookie(session)
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.User)
		again(w, token).Get("/me").Must(401)
	}, kept)
}

// TestT091_AChangedPasswordEndsEverythingElse changes the password in one of
// three browsers, while a link for a new one is out: all others are out at
// once, and the link is void. Of the browsers that were known only the one
// that changed it still is, under a new token.
func TestT091_AChangedPasswordEndsEverythingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		attacker := w.Browser()
		signIn(attacker, p.Address, apptest.Password)
		here := w.Browser()
		signIn(here, p.Address, apptest.Password)
		old, known := here.Cookie(session), here.Cookie(device)
		w.Browser().Post("/recover", form("address", p.Address)).Must(200)
		link := w.Mail.Next(t, p.Address, "Set a new password").Link(t)

		here.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200, "Your password is changed")
		here.Get("/me").Must(200)
		again(w, old).Get("/me").Must(401)
		attacker.Get("/me").Must(401)
		p.Get("/me").Must(401)
		w.Browser().Get(link).Must(410)
		left := apptest.Query[string](w, "SELECT token_hash FROM devices WHERE user_id = $1 AND ended_at IS NULL", p.User)
		if len(left) != 1 || left[0] != auth.HashToken(here.Cookie(device)) || here.Cookie(device) == known {
			t.Errorf("%d browsers are still known; the token is new: %t", len(left), here.Cookie(device) != known)
		}
		w.Mail.Next(t, p.Address, "Your password was changed")
	})
}

// TestT071_RecoveryShutsOutWhoeverWasIn resets a password while somebody else
// is signed in with it, on a known browser: he is out at once, on every node,
// and his browser is a strange one.
func TestT071_RecoveryShutsOutWhoeverWasIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		attacker := w.Browser()
		signIn(attacker, p.Address, apptest.Password)
		attacker.Get("/me").Must(200)
		victim := w.Browser()
		victim.Post("/recover", form("address", p.Address)).Must(200)
		victim.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
		for what, b := range map[string]*apptest.Browser{"here": attacker, "on another node": attacker.On(w.Twin())} {
			if got := b.GetOnly("/me"); got.Status != http.StatusUnauthorized {
				t.Errorf("the attacker, %s: %d", what, got.Status)
			}
		}
		if got := signIn(attacker, p.Address, apptest.Password); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("the old password: %d", got.Status)
		}
		victim.Get("/me").Must(200, "Alice")
		w.Exec("DELETE FROM throttles")
		func() {
			defer w.Auth.Hasher().Fill()()
			refusals(30, func(i int) int { return guess(w, "198.51.100.1", p.Address) })
		}()
		if got := signIn(attacker, p.Address, another); got.Status != http.StatusTooManyRequests {
			t.Errorf("the attacker's browser is still a known one: %d", got.Status)
		}
		if got := signIn(victim, p.Address, another); got.Status != http.StatusSeeOther {
			t.Errorf("the victim's browser is none: %d", got.Status)
		}
		w.Mail.Next(t, p.Address, "Your password was changed")
	})
}

// TestT149_AClockThatJumpsRevivesNothing sets the clock back by an hour and
// forward by a year, and right again: what was over stays over.
func TestT149_AClockThatJumpsRevivesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		root := w.Operator("Root", "root@crowd.example", "administrator")
		b := w.Browser()
		b.PostOnly("/recover", form("address", p.Address))
		recovery := w.Mail.Next(t, p.Address, "Set a new password").Link(t)
		b.PostOnly("/signup", form("name", "Nia New", "address", "nia@crowd.example", "password", another, "kind", "login"))
		signup := w.Mail.Next(t, "nia@crowd.example", "Confirm your address").Link(t)
		a := w.Account(p, "Alice & Co")
		p.PostOnly("/a/"+id.String(a)+"/people/invitations", form("account", id.String(a), "address", "nina@crowd.example", "role", "support"))
		invitation := w.Mail.Next(t, "nina@crowd.example", "invites").Link(t)
		look := func(when string, open bool) {
			t.Helper()
			for what, try := range map[string]func() int{
				"session":    func() int { return again(w, p.Cookie(session)).GetOnly("/me").Status },
				"staff":      func() int { return root.GetOnly("/staff").Status },
				"recovery":   func() int { return w.Browser().Get(recovery).Status },
				"signup":     func() int { return w.Browser().Get(signup).Status },
				"invitation": func() int { return w.Browser().Get(invitation).Status },
			} {
				if got := try(); (got == http.StatusOK) != open {
					t.Errorf("%s: %s: %d", when, what, got)
				}
			}
		}
		look("in time", true)
		w.Clock.Move(-time.Hour)
		look("an hour before they were made", false)
		w.Clock.Move(time.Hour)
		look("in time again", true)
		w.Clock.Move(365 * 24 * time.Hour)
		look("a year later", false)
		w.Clock.Move(-365 * 24 * time.Hour)
		look("after the year was taken back", false)
	})
}

// TestT104_FreshIsTenMinutesAndNoMore asks an identity whether it is fresh,
// at the edges.
func TestT104_FreshIsTenMinutesAndNoMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		i, err := w.Auth.Identify(t.Context(), p.Cookie(session), auth.Request{})
		if err != nil {
			t.Fatal(err)
		}
		now := w.Clock.Now()
		for after, want := range map[time.Duration]bool{0: true, auth.Fresh: true, auth.Fresh + time.Microsecond: false, -time.Microsecond: false, 365 * 24 * time.Hour: false} {
			if i.FreshAt(now.Add(after)) != want {
				t.Errorf("%v after the proof: fresh is %v", after, !want)
			}
		}
		if (auth.Identity{}).FreshAt(time.Time{}) {
			t.Error("nobody is fresh")
		}
	}, kept)
}

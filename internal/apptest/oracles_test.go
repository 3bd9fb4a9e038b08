package apptest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
)

// finds fails unless the oracles complain of exactly this, and of nothing
// once it is mended.
func finds(t *testing.T, w *World, complaint string, breaks, mends func()) {
	t.Helper()
	breaks()
	found, err := w.oracles()
	if err != nil || len(found) == 0 || !strings.HasPrefix(found[0], complaint) {
		t.Errorf("the oracles see %q, %v; want %s", found, err, complaint)
	}
	mends()
	if found, err := w.oracles(); err != nil || len(found) > 0 {
		t.Fatalf("%s is mended, and the oracles still see %q, %v", complaint, found, err)
	}
}

// answering answers every request with the headers as they should be, but for
// what change does to them.
func answering(status int, change func(http.Header)) func() http.Handler {
	return func() http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			for name, value := range everywhere {
				rw.Header().Set(name, value+" ")
			}
			rw.Header().Set("Referrer-Policy", "no-referrer")
			rw.Header().Set("Cache-Control", "no-store")
			rw.Header().Set("Strict-Transport-Security", "includeSubDomains")
			change(rw.Header())
			rw.WriteHeader(status)
		})
	}
}

// TestOraclesSeeWhatIsWrong breaks what each oracle watches over.
func TestOraclesSeeWhatIsWrong(t *testing.T) {
	Each(t, func(t *testing.T, w *World) {
		alice, bob := w.Person("Alice", "alice@a.example"), w.Person("Bob", "bob@b.example")
		a, b := w.Account(alice, "Acorn"), w.Account(bob, "Birch")
		exec := func(statement string, args ...any) func() { return func() { w.Exec(statement, args...) } }
		finds(t, w, "O1:", exec("UPDATE users SET verified_at = NULL WHERE id = $1", alice.User), exec("UPDATE users SET verified_at = $2 WHERE id = $1", alice.User, w.Clock.Now()))

		w.Exec("INSERT INTO imports (id, name, version, runner, began_at) VALUES (1, 'w', '8', '', $1)", w.Clock.Now())
		w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", alice.User)
		w.Exec("UPDATE accounts SET import_id = 1 WHERE id = $1", a)
		if found, err := w.oracles(); err != nil || len(found) > 0 {
			t.Errorf("an account that came in has an owner who is yet to confirm, and the oracles see %q, %v", found, err)
		}
		finds(t, w, "O1:", exec("UPDATE users SET status = 'suspended' WHERE id = $1", alice.User), exec("UPDATE users SET status = 'active' WHERE id = $1", alice.User))
		w.Exec("UPDATE accounts SET import_id = NULL WHERE id = $1", a)
		w.Exec("UPDATE users SET verified_at = $2 WHERE id = $1", alice.User, w.Clock.Now())

		session := alice.Cookie("__Host-clientele-session")
		finds(t, w, "O2:", exec("UPDATE accounts SET company = $2 WHERE id = $1", a, "see"+session+"x"), exec("UPDATE accounts SET company = '' WHERE id = $1", a))
		finds(t, w, "O2:", exec("UPDATE accounts SET company = $2 WHERE id = $1", a, Password), exec("UPDATE accounts SET company = '' WHERE id = $1", a))
		finds(t, w, "O3:", func() { w.Logs.Write([]byte(`{"cookie":"` + session + `"}`)) }, func() { w.Logs.text.Reset() })

		forget := func() { w.seen.bad = nil }
		canary := Query[string](w, "SELECT phone FROM accounts WHERE id = $1", b)[0]
		finds(t, w, "O4:", func() {
			w.Exec("UPDATE accounts SET company = name, name = $2 WHERE id = $1", a, "I am "+canary)
			alice.Get("/a/" + id.String(a)).Must(200)
		}, func() { w.Exec("UPDATE accounts SET name = company, company = '' WHERE id = $1", a); forget() })

		m := w.Join(a, bob, Keys("people.manage", "people.view"))
		alice.Post("/a/"+id.String(a)+"/people/invitations", map[string][]string{"account": {id.String(a)}, "address": {"nina@x.example"}, "role": {"mail"}}).Must(200)
		w.Mail.Next(t, "nina@x.example", "invites")
		finds(t, w, "O4:", exec("UPDATE mails SET subject = subject || $1", canary), exec("UPDATE mails SET subject = 'x'"))
		finds(t, w, "O5:", exec("UPDATE invitations SET state = 'declined'"), exec("UPDATE invitations SET state = 'pending'"))
		finds(t, w, "O6:", func() {
			w.In(func(tx *db.Tx) error {
				by := audit.Actor{Kind: audit.User, ID: int64(bob.User), Via: audit.ViaMember, ViaID: int64(m), Request: "x", Network: "x"}
				return audit.Write(tx, by, audit.Record{Event: "invitation.changed", Account: a, Object: "invitation", ObjectID: 1, After: map[string]any{"permissions": access.Everything.Keys()}})
			})
		}, exec("UPDATE memberships SET permissions = 0 WHERE id = $1", m))

		for complaint, handler := range map[string]func() http.Handler{
			"O8: a breakdown": answering(500, func(http.Header) {}),
			"O9: X-Frame-Options": answering(200, func(h http.Header) {
				h.Set("X-Frame-Options", "ALLOW")
			}),
			"O9: Cache-Control":   answering(404, func(h http.Header) { h.Set("Cache-Control", "private") }),
			"O9: Referrer-Policy": answering(303, func(h http.Header) { h.Set("Referrer-Policy", "strict-origin") }),
			"O9: the cookie":      answering(200, func(h http.Header) { h.Set("Set-Cookie", "a=b; Secure; SameSite=Lax") }),
		} {
			finds(t, w, complaint, func() {
				other := NewBrowser(t, handler, BaseURL)
				other.seen = w.seen
				other.GetOnly("/i/some-token")
			}, forget)
		}
	})
}

// TestOraclesAreQuick keeps the price that every test pays small.
func TestOraclesAreQuick(t *testing.T) {
	w := New(t, db.SQLite)
	w.Account(w.Person("Alice", "alice@a.example"), "Acorn")
	best := time.Hour
	for range 5 {
		began := time.Now()
		if _, err := w.oracles(); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("the oracles take %s", best)
	if best > 100*time.Millisecond {
		t.Errorf("the oracles take %s", best)
	}
}

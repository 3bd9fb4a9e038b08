package access_test

import (
	"context"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/user"

	"pgregory.net/rapid"
)

// TestADiagnosisSaysWhatTheCheckDoes brings an agency and its customer into
// any state: the diagnosis says of her session that she can do something there
// exactly where the check lets her.
func TestADiagnosisSaysWhatTheCheckDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		now := w.Clock.Now()
		w.JoinAs(g.customer, access.Join{User: g.wes.User, Role: access.Role{BuiltIn: "support"}})
		link(w, g.customer, g.agency, apptest.Keys("services.view", "invoices.view"))
		token := g.wes.Cookie("__Host-clientele-session")
		times := []any{now.Add(-time.Hour), now, now.Add(time.Hour)}
		let, kept := 0, 0
		rapid.Check(t, func(r *rapid.T) {
			pick := func(name string, from ...any) any { return rapid.SampledFrom(from).Draw(r, name) }
			w.Exec("UPDATE users SET status = $2 WHERE id = $1", g.wes.User, pick("login", "active", "active", "active", "suspended"))
			ends := append([]any{nil, nil}, times...)
			for name, a := range map[string]any{"member": g.customer, "there": g.agency} {
				w.Exec("UPDATE memberships SET status = $3, starts_at = $4, ends_at = $5 WHERE account_id = $1 AND user_id = $2", a, g.wes.User,
					pick(name, "active", "active", "suspended", "ended"), times[rapid.IntRange(0, 2).Draw(r, name+" starts")], ends[rapid.IntRange(0, 4).Draw(r, name+" ends")])
			}
			w.Exec("UPDATE partner_links SET status = $1, permissions = $2, starts_at = $3, ends_at = $4", pick("link", "active", "active", "pending", "ended"),
				pick("carries", int64(apptest.Keys("services.view")), int64(apptest.Keys("invoices.view"))), times[rapid.IntRange(0, 2).Draw(r, "link starts")], ends[rapid.IntRange(0, 4).Draw(r, "link ends")])
			w.Exec("UPDATE accounts SET status = $2 WHERE id = $1", g.agency, pick("agency", "active", "active", "closed"))
			w.Exec("UPDATE accounts SET ways = $2, second_from = $3, session_hours = $4 WHERE id = $1", g.customer,
				pick("ways", "", "", "password", "passkey"), []any{nil, nil, now, now.Add(time.Hour)}[rapid.IntRange(0, 3).Draw(r, "second")], pick("hours", int64(0), int64(1), int64(8)))
			w.Exec("UPDATE sessions SET proved_at = $2, created_at = $2, way_times = '', second_at = $3 WHERE user_id = $1", g.wes.User, now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(r, "age"))*time.Hour),
				[]any{nil, now}[rapid.IntRange(0, 1).Draw(r, "shown")])
			want := pick("want", "", "services.view", "invoices.view", "tickets.view").(string)
			var said, lets bool
			w.In(func(tx *db.Tx) error {
				person, err := user.ByID(tx, g.wes.User)
				if err != nil {
					return err
				}
				d, err := access.Diagnose(tx, w.Settings.Current(), person, g.customer, want)
				if err == nil && len(d.Browsers) > 0 {
					said = d.Lets(d.Browsers[0])
				}
				return err
			})
			i, err := w.Auth.Identify(context.Background(), token, auth.Request{ID: "check", Network: "192.0.2.7"})
			if err != nil {
				r.Fatal(err)
			}
			check := checks[want]
			if want == "" {
				_, err = access.Check[access.Enter](context.Background(), w.Memberships, access.Person(i), g.customer)
			} else {
				_, _, err = check(context.Background(), w.Memberships, access.Person(i), g.customer)
			}
			lets = err == nil
			if _, known := fault.Of(err); err != nil && !known {
				r.Fatal(err)
			}
			if said != lets {
				r.Fatalf("the diagnosis says %t, and the check %t: %v", said, lets, err)
			}
			if lets {
				let++
			} else {
				kept++
			}
		})
		if let < 3 || kept < 3 {
			t.Errorf("she was let in %d times and kept out %d times: the cases are lopsided", let, kept)
		}
	})
}

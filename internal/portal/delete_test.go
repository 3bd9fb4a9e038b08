package portal_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
)

// deletes deletes a person's login, and does not follow where that leads.
func deletes(p *apptest.Person) *apptest.Page {
	return p.PostOnly("/me/delete", form("sure", "yes"))
}

// everyRow is every row of every table, as text, each behind its table's name.
func everyRow(w *apptest.World) (rows []string) {
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if w.Engine == db.Postgres {
		tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
	}
	for _, table := range apptest.Query[string](w, tables) {
		row := "t::text"
		if w.Engine == db.SQLite {
			row = `CONCAT_WS('|', "` + strings.Join(apptest.Query[string](w, "SELECT name FROM pragma_table_info($1)", table), `", "`) + `")`
		}
		rows = append(rows, apptest.Query[string](w, "SELECT '"+table+": ' || "+row+" FROM "+table+" t")...)
	}
	return rows
}

// rowsWith are the rows that hold a word, in whatever letters.
func rowsWith(w *apptest.World, word string) (found []string) {
	for _, row := range everyRow(w) {
		if strings.Contains(strings.ToLower(row), strings.ToLower(word)) {
			found = append(found, row)
		}
	}
	return found
}

// TestT146_TheLastOwnerStays deletes an owner where nobody else can own: each
// account is named, and nothing changes.
func TestT146_TheLastOwnerStays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, bob := w.Person("Alice Arden", "alice@arden.example"), w.Person("Bob Binder", "bob@binder.example")
		alone, shared, closed := w.Account(alice, "Amber Works"), w.Account(alice, "Basalt Works"), w.Account(alice, "Copper Works")
		w.JoinAs(shared, access.Join{User: bob.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		w.Exec("UPDATE accounts SET status = 'closed' WHERE id = $1", closed)
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", bob.User)
		before := strings.Join(everyRow(w), "\n")
		page := alice.Get("/me/delete").Must(200, "Amber Works", "Basalt Works")
		if page.Find("main").Text() == "" || strings.Contains(page.Find("main").Text(), "Copper Works") {
			t.Error("a closed account is in the way")
		}
		if page := alice.PostOnly("/me/delete", form()); page.Status != http.StatusUnprocessableEntity && page.Status != http.StatusConflict {
			t.Errorf("without the tick: %d", page.Status)
		}
		deletes(alice).Must(409, "Amber Works (#"+id.String(alone)+")", "Basalt Works (#"+id.String(shared)+")")
		if status, kind := memberProblem(t, alice.Browser, "POST", "/me/delete", form("sure", "yes")); status != 409 || kind != "last-owner" {
			t.Errorf("%d %s", status, kind)
		}
		for _, row := range everyRow(w) {
			if !strings.Contains(before, row) && !strings.HasPrefix(row, "throttles: ") && !strings.HasPrefix(row, "river_") && !strings.HasPrefix(row, "audit_keys: ") && !strings.HasPrefix(row, "audit_checkpoints: ") {
				t.Errorf("there is now %s", row)
			}
		}
		w.Exec("UPDATE users SET status = 'active', verified_at = NULL WHERE id = $1", bob.User)
		if said := deletes(alice).Must(409).Find("main").Text(); !strings.Contains(said, "Basalt Works") {
			t.Errorf("an owner who has not confirmed her address is enough: %s", said)
		}
		w.Exec("UPDATE users SET verified_at = $2 WHERE id = $1", bob.User, w.Clock.Now())
		deletes(alice).Must(409, "Amber Works")
		w.JoinAs(alone, access.Join{User: bob.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		w.Clock.Move(auth.Fresh + time.Microsecond)
		asked(t, "an old proof", alice.Browser, "POST", "/me/delete", form("sure", "yes"))
		w.SignIn(alice)
		alice.PostOnly("/me/delete", form()).Must(422, "Tick the box")
		deletes(alice).Must(200, "Your login is deleted")
	}, unmailed)
}

// TestT146_SheIsGoneEverywhere deletes somebody: her sessions end on every
// node, her memberships too, and where she acted stands a pseudonym with her
// number.
func TestT146_SheIsGoneEverywhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, zoe := w.Person("Alice Arden", "alice@arden.example"), w.Person("Zoe Zephyr", "zoe@zephyr.example")
		root := w.Operator("Root", "root@crowd.example", "administrator")
		a := w.Account(alice, "Amber Works")
		w.JoinAs(a, access.Join{User: zoe.User, Role: access.Role{BuiltIn: "full"}})
		memberSend(zoe, a, accountPath(a)+"/contacts", "name", "The books", "address", "books@arden.example", "kinds", "invoice").Must(303)
		other := &apptest.Person{Browser: w.Browser(), User: zoe.User}
		w.SignIn(other)
		key := w.Passkey(zoe)
		key.Register("Key")
		w.SignIn(other)
		twin := w.Twin()
		deletes(zoe).Must(200, "Your login is deleted")
		for what, b := range map[string]*apptest.Browser{"here": zoe.Browser, "elsewhere": other.Browser, "on another node": other.On(twin)} {
			for _, path := range []string{"/me", accountPath(a), "/me/delete"} {
				if page := b.GetOnly(path); page.Status != http.StatusUnauthorized {
					t.Errorf("%s: %s: %d", what, path, page.Status)
				}
			}
		}
		if page := key.SignIn(w.Browser()); page.Status != http.StatusUnprocessableEntity {
			t.Errorf("her passkey: %d", page.Status)
		}
		if n := w.Count("memberships WHERE user_id = $1 AND status <> 'ended'", zoe.User); n != 0 {
			t.Errorf("%d memberships", n)
		}
		if n := w.Count("audit_records WHERE actor_kind = 'user' AND actor_id = $1", zoe.User); n < 3 {
			t.Errorf("%d records keep her number", n)
		}
		pseudonym := "Deleted user " + id.String(zoe.User)
		alice.Get(accountPath(a)+"/activity").Must(200, pseudonym)
		for _, path := range []string{"/people", "/activity", "/contacts", ""} {
			if page := alice.Get(accountPath(a) + path).Must(200); strings.Contains(page.Body, "Zephyr") {
				t.Errorf("%s names her", path)
			}
		}
		if page := root.Get("/staff/users?q=zephyr").Must(200); page.Find(`a[href="/staff/users/`+id.String(zoe.User)+`"]`).Length() != 0 {
			t.Error("staff find her")
		}
	})
}

// lived gives a person a life with everything that a login can have.
func lived(t *testing.T, w *apptest.World, owner *apptest.Person, a id.Account) *apptest.Person {
	t.Helper()
	b := w.Browser()
	signUp(t, w, b, "Zoe Zephyr", "zoe@first.example", "")
	zoe := &apptest.Person{Browser: b, Name: "Zoe Zephyr", Address: "zoe@zephyr.example"}
	zoe.User = apptest.Query[id.User](w, "SELECT id FROM users WHERE address = 'zoe@first.example'")[0]
	b.Post("/me/address", form("address", zoe.Address)).Must(200)
	w.Browser().Get(w.Mail.Next(t, zoe.Address, "Confirm your new mail address").Link(t)).Must(200).Submit("/address", nil).Must(200)
	w.Authenticator(zoe)
	key := w.Passkey(zoe)
	key.Register("Zoe Zephyr's laptop")
	w.Exec("INSERT INTO providers (name, issuer, client_id, created_at) VALUES ('Hall', 'https://id.example', 'x', $1)", w.Clock.Now())
	w.Exec("INSERT INTO identities (user_id, provider_id, issuer, subject, label, created_at) VALUES ($1, 1, 'https://id.example', 'zephyr', $2, $3)", zoe.User, zoe.Address, w.Clock.Now())
	w.Browser().Post("/recover", form("address", zoe.Address)).Must(200)
	w.Browser().Post("/signup", form("name", "Zoe Zephyr", "address", zoe.Address, "password", "four green bicycles", "kind", "login")).Must(200)
	path := accountPath(a) + "/people/invitations"
	memberSend(owner, a, path, "address", zoe.Address, "role", "readonly").Must(303)
	zoe.Get(w.Mail.Next(t, zoe.Address, "invites you").Link(t)).Must(200).Submit("/invitation/accept", nil).Must(200)
	zoe.Get(accountPath(a)).Must(200)
	return zoe
}

// TestT146_NoTableHoldsHer looks through the whole database, on either engine,
// for the name and the addresses of somebody who has deleted herself. What is
// left is the mail that said good-bye, and that for a week.
func TestT146_NoTableHoldsHer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice Arden", "alice@arden.example")
		zoe := lived(t, w, alice, w.Account(alice, "Amber Works"))
		w.Quiet()
		if len(rowsWith(w, "zephyr")) < 8 {
			t.Fatalf("she has not lived: %q", rowsWith(w, "zephyr"))
		}
		deletes(zoe).Must(200)
		w.Mail.Next(t, zoe.Address, "Your login was deleted")
		w.Quiet()
		for _, word := range []string{"zephyr", "zoe@", "zoe "} {
			for _, row := range rowsWith(w, word) {
				if !strings.HasPrefix(row, "mails: ") || !strings.Contains(row, "login-deleted") {
					t.Errorf("%q is in %.300s", word, row)
				}
			}
		}
		for _, table := range []string{"sessions", "devices", "user_links", "passkeys", "authenticators", "recovery_codes", "identities", "pending_signins", "ceremonies", "alarms", "address_changes", "factor_resets"} {
			if n := w.Count(table+" WHERE user_id = $1", zoe.User); n != 0 {
				t.Errorf("%d rows of hers in %s", n, table)
			}
		}
		w.Clock.Move(7*24*time.Hour + time.Second)
		if err := w.Auth.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows := rowsWith(w, "zephyr"); len(rows) != 0 {
			t.Errorf("after a week: %q", rows)
		}
	})
}

// TestT040_WhoeverHasTheAddressNextInheritsNothing signs up with the address
// of somebody who is gone.
func TestT040_WhoeverHasTheAddressNextInheritsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice Arden", "alice@arden.example")
		a, b := w.Account(alice, "Amber Works"), w.Account(alice, "Basalt Works")
		zoe := lived(t, w, alice, a)
		device := zoe.Cookie("__Host-clientele-device")
		memberSend(alice, b, accountPath(b)+"/people/invitations", "address", zoe.Address, "role", "readonly").Must(303)
		zoe.Get(w.Mail.Next(t, zoe.Address, "invites you").Link(t)).Must(200)
		zoe.PostOnly("/invitation/decline", form("block", "yes")).Must(200)
		if w.Count("invitation_blocks") != 1 {
			t.Fatal("she blocks nobody")
		}
		recovery := w.Mail.Next(t, zoe.Address, "Set a new password").Link(t)
		undo := w.Mail.Next(t, "zoe@first.example", "Your mail address was changed").Link(t)
		deletes(zoe).Must(200)
		for _, link := range []string{recovery, undo} {
			w.Browser().Get(link).Must(410)
		}
		w.Exec("DELETE FROM throttles")
		next := w.Browser()
		next.SetCookie(&http.Cookie{Name: "__Host-clientele-device", Value: device, Path: "/", Secure: true})
		next.Post("/signup", form("name", "Zara New", "address", zoe.Address, "password", "four green bicycles", "kind", "login")).Must(200)
		next.Get(w.Mail.Next(t, zoe.Address, "Confirm your address").Link(t)).Must(200).Submit("/signup/confirm", nil).Must(200)
		next.Get("/me").Must(200, "Zara New", zoe.Address)
		for _, path := range []string{"/me/accounts", "/me/invitations", "/me/activity", "/me/security", "/me/sessions"} {
			if page := next.Get(path).Must(200); page.Says("Amber") || page.Says("Basalt") || page.Says("Zephyr") || page.Says("laptop") {
				t.Errorf("%s has something of her predecessor", path)
			}
		}
		next.Get(accountPath(a)).Must(404)
		memberSend(alice, b, accountPath(b)+"/people/invitations", "address", zoe.Address, "role", "readonly").Must(303)
		w.Mail.Next(t, zoe.Address, "invites you to Basalt Works") // her predecessor's block is lifted
		memberSend(alice, a, accountPath(a)+"/people/invitations", "address", zoe.Address, "role", "readonly").Must(303)
	})
}

// TestT146_WhatWaitsIsNotSent deletes a login while a mail to it waits in the
// queue: it has no recipient and no content any more, and does not wait.
func TestT146_WhatWaitsIsNotSent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		zoe := w.Person("Zoe Zephyr", "zoe@zephyr.example")
		w.Exec("INSERT INTO mails (user_id, kind, class, recipient, subject, text_body, html_body, sealed, state, created_at) VALUES ($1, 'waits', 'bulk', $2, 'Hello Zoe', 'Zoe', 'Zoe', 'x', 'queued', $3)",
			zoe.User, zoe.Address, w.Clock.Now())
		deletes(zoe).Must(200)
		if n := w.Count("mails WHERE kind = 'waits' AND state = 'failed' AND sealed = '' AND text_body = '' AND html_body = '' AND recipient <> $1", zoe.Address); n != 1 {
			t.Error("the mail still waits")
		}
		w.Mail.Next(t, zoe.Address, "Your login was deleted")
		w.Quiet()
		if len(w.Mail.All()) != 1 {
			t.Errorf("%d mails were sent", len(w.Mail.All()))
		}
	})
}

// TestT146_ATryUnderWayRevivesNothing deletes a login while mail to it is being
// tried in vain: when the server takes mail again it gets the good-bye alone.
func TestT146_ATryUnderWayRevivesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		zoe := w.Person("Zoe Zephyr", "zoe@zephyr.example")
		w.Mail.Down(true)
		w.Browser().Post("/recover", form("address", zoe.Address)).Must(200)
		zoe.Post("/me/address", form("address", "zoe@other.example")).Must(200)
		deletes(zoe).Must(200)
		inviteWait(t, "what was under way has failed", func() bool { return w.Count("mails WHERE kind = 'login-deleted' AND attempts >= 3") == 1 })
		w.Mail.Down(false)
		w.Mail.Next(t, zoe.Address, "Your login was deleted")
		w.Quiet()
		for _, mail := range w.Mail.All() {
			if !strings.Contains(mail.Subject(), "Your login was deleted") {
				t.Errorf("to %s went %q", mail.To, mail.Subject())
			}
		}
	})
}

// TestT048_TwoOwnersDeleteThemselvesAtOnce leaves one of them.
func TestT048_TwoOwnersDeleteThemselvesAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, bob := w.Person("Alice Arden", "alice@arden.example"), w.Person("Bob Binder", "bob@binder.example")
		for range 3 {
			a := w.Account(alice, "Amber Works")
			w.JoinAs(a, access.Join{User: bob.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		}
		var gone atomic.Int64
		apptest.Race(2, func(i int) {
			if deletes([]*apptest.Person{alice, bob}[i]).Status == http.StatusOK {
				gone.Add(1)
			}
		})
		if gone.Load() != 1 || w.Count("memberships WHERE owner AND status = 'active'") != 3 {
			t.Errorf("%d are gone", gone.Load())
		}
	}, unmailed)
}

// TestT146_SheGoesWhileSheIsMadeAnOwner deletes a login while it takes an
// ownership that is handed over: whoever is gone owns nothing, and the account
// has an owner, which the oracles look for.
func TestT146_SheGoesWhileSheIsMadeAnOwner(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice Arden", "alice@arden.example")
		for n := range 5 {
			a := w.Account(alice, "Amber Works")
			zoe := w.Person("Zoe Zephyr", "zoe"+id.String(id.User(n+1))+"@zephyr.example")
			w.JoinAs(a, access.Join{User: zoe.User, Role: access.Role{BuiltIn: "full"}})
			memberSend(alice, a, accountPath(a)+"/people/members/"+id.String(w.Membership(a, zoe))+"/ownership", "kind", "hand-over").Must(303)
			offer := id.String(apptest.Query[id.Offer](w, "SELECT MAX(id) FROM ownership_offers")[0])
			apptest.Race(2, func(i int) {
				if i == 0 {
					deletes(zoe)
					return
				}
				memberSend(zoe, a, accountPath(a)+"/people/offers/"+offer+"/take")
			})
			stays(t, w)
		}
	}, unmailed)
}

// stays fails if somebody who is gone is a member anywhere.
func stays(t *testing.T, w *apptest.World) {
	t.Helper()
	if n := w.Count("memberships m JOIN users u ON u.id = m.user_id WHERE u.status = 'deleted' AND m.status <> 'ended'"); n != 0 {
		t.Errorf("somebody who is gone has %d memberships", n)
	}
}

// TestT146_SheGoesWhileSheComes deletes a login while it accepts an invitation
// and opens an account: whoever is gone is nowhere, and every account has an
// owner.
func TestT146_SheGoesWhileSheComes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice Arden", "alice@arden.example")
		for n := range 5 {
			w.Exec("DELETE FROM throttles")
			a := w.Account(alice, "Amber Works")
			zoe := w.Person("Zoe Zephyr", "zoe"+id.String(id.User(n+1))+"@zephyr.example")
			memberSend(alice, a, accountPath(a)+"/people/invitations", "address", zoe.Address, "role", "readonly").Must(303)
			invitation := id.String(apptest.Query[id.Invitation](w, "SELECT MAX(id) FROM invitations")[0])
			apptest.Race(3, func(i int) {
				switch i {
				case 0:
					deletes(zoe)
				case 1:
					zoe.PostOnly("/me/invitations/"+invitation+"/accept", form())
				case 2:
					zoe.PostOnly("/me/accounts/new", form("name", "Zephyr Works", "address", zoe.Address, "currency", "EUR", "country", "DE"))
				}
			})
			stays(t, w)
		}
	}, unmailed)
}

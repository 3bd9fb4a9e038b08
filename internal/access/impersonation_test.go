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
	"clientele/internal/id"
	"clientele/internal/user"

	"pgregory.net/rapid"
)

// onAccounts is what each permission of operators gives on accounts, written
// down once more, apart from the code.
var onAccounts = map[access.StaffBit]access.Set{
	access.StaffLook:           apptest.Keys("services.view", "domains.view", "invoices.view", "quotes.view", "tickets.view", "emails.view", "people.view", "activity.view"),
	access.StaffManageAccounts: apptest.Keys("profile.manage", "contacts.manage"),
	access.StaffHelp:           access.Everything,
}

// TestT109_WhatAnOperatorHoldsIsWhatBothHold draws what the person holds, as a
// member or an owner, on single objects and through a partner, and what the
// operator's role gives: as somebody else an operator holds what both hold,
// never ownership, and nothing at all without the permission to look.
func TestT109_WhatAnOperatorHoldsIsWhatBothHold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		membership := w.Join(g.customer, g.adam, 0)
		there := w.Membership(g.agency, g.adam)
		link(w, g.customer, g.agency, 0)
		var grant int64
		w.In(func(tx *db.Tx) (err error) {
			grant, err = db.One[int64](tx, `INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1, $2, 'service', 7, 0, $3, $3) RETURNING id`,
				g.customer, membership, tx.Now)
			return err
		})
		sam := w.Operator("Sam Porter", "sam@northbeam.example", "")
		w.Exec("INSERT INTO staff_roles (id, name, permissions, created_at) VALUES (1, 'Drawn', 0, $1)", w.Clock.Now())
		w.Exec("UPDATE staff SET role_id = 1 WHERE id = $1", sam.Staff)
		number := impersonation(w, sam, g.adam, g.customer)
		who := access.Person(auth.Impersonated(user.User{ID: g.adam.User}, auth.Impersonator{Number: number, Staff: sam.Staff, Account: g.customer}, auth.Request{ID: "fixture", Network: "192.0.2.1"}))
		runs := 0
		rapid.Check(t, func(t *rapid.T) {
			if runs++; runs > 60 {
				return
			}
			draw := func(name string) access.Set {
				return access.Set(rapid.Int64Range(0, int64(access.Everything)).Draw(t, name))
			}
			own, partner, link, object := draw("own"), draw("partner"), draw("link"), draw("object")
			owner := rapid.Bool().Draw(t, "owner")
			role := access.StaffSet(rapid.Int64Range(0, 1<<13-1).Draw(t, "role"))
			if rapid.IntRange(0, 3).Draw(t, "looks") > 0 {
				role |= 1 << access.StaffViewAs
			}
			w.Exec("UPDATE memberships SET permissions = $2, owner = $3 WHERE id = $1", membership, own, owner)
			w.Exec("UPDATE memberships SET permissions = $2 WHERE id = $1", there, partner)
			w.Exec("UPDATE partner_links SET permissions = $1", link)
			w.Exec("UPDATE grants SET permissions = $2 WHERE id = $1", grant, object)
			w.Exec("UPDATE staff_roles SET permissions = $1", role)
			w.Exec("UPDATE impersonations SET ended_at = NULL, ended_why = ''") // the sweep ends what a role drawn before did not allow

			gives := access.Set(0)
			for bit, set := range onAccounts {
				if role.Closed().Has(bit) {
					gives |= set
				}
			}
			target := own | partner&link
			if owner {
				target = access.Everything
			}
			f, err := access.Check[access.Enter](context.Background(), w.Memberships, who, g.customer)
			if !role.Closed().Has(access.StaffViewAs) {
				if !fault.Is(err, fault.Denied) {
					t.Fatalf("without the permission to look: %v", err)
				}
				return
			}
			if err != nil || f.Held() != target&gives || f.Owner() {
				t.Fatalf("target %v, role %v gives %v: holds %v, owner %t, %v", target, role.Keys(), gives, f.Held(), f.Owner(), err)
			}
			if _, err := access.Check[access.Own](context.Background(), w.Memberships, who, g.customer); !fault.Is(err, fault.Denied) {
				t.Fatalf("owns: %v", err)
			}
			services := apptest.Keys("services.view")
			_, err = access.Check[access.ViewServices](context.Background(), w.Memberships, who, g.customer)
			if may := gives.Has(services) && (target | object).Has(services); (err == nil) != may {
				t.Fatalf("target %v and %v on one object, role gives %v: sees services: %v", target, object, gives, err)
			}
			if _, err := access.Check[access.Enter](context.Background(), w.Memberships, who, g.agency); !fault.Is(err, fault.Denied) {
				t.Fatalf("another account: %v", err)
			}
		})
	})
}

// impersonation has an operator look as somebody.
func impersonation(w *apptest.World, o *apptest.Operator, p *apptest.Person, a id.Account) (number id.Impersonation) {
	_, hash := auth.NewToken()
	w.In(func(tx *db.Tx) (err error) {
		number, err = db.One[id.Impersonation](tx, `
			INSERT INTO impersonations (staff_id, staff_session_id, user_id, account_id, token_hash, reason, origin, created_at, expires_at)
			SELECT staff_id, id, $2, $3, $4, 'She has asked by phone.', '/staff', $5, $6 FROM staff_sessions WHERE staff_id = $1 RETURNING id`,
			o.Staff, p.User, a, hash, tx.Now, tx.Now.Add(time.Hour))
		return err
	})
	return number
}

// TestT109_AnIdentityIsNoImpersonation: an identity of somebody else opens
// nothing without the row that it names, and nothing where the row names
// another operator, user or account.
func TestT109_AnIdentityIsNoImpersonation(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		sam, kim := w.Operator("Sam Porter", "sam@northbeam.example", "support"), w.Operator("Kim Lee", "kim@northbeam.example", "support")
		number := impersonation(w, sam, g.gina, g.agency)
		check := func(u id.User, by auth.Impersonator) error {
			_, err := access.Check[access.Enter](context.Background(), w.Memberships, access.Person(auth.Impersonated(user.User{ID: u}, by, auth.Request{})), g.agency)
			return err
		}
		if err := check(g.gina.User, auth.Impersonator{Number: number, Staff: sam.Staff, Account: g.agency}); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"nobody's number":    check(g.gina.User, auth.Impersonator{Number: number + 1, Staff: sam.Staff, Account: g.agency}),
			"another operator":   check(g.gina.User, auth.Impersonator{Number: number, Staff: kim.Staff, Account: g.agency}),
			"another user":       check(g.adam.User, auth.Impersonator{Number: number, Staff: sam.Staff, Account: g.agency}),
			"without a number":   check(g.gina.User, auth.Impersonator{Staff: sam.Staff, Account: g.agency}),
			"without an account": check(g.gina.User, auth.Impersonator{Number: number, Staff: sam.Staff}),
			"another account":    check(g.gina.User, auth.Impersonator{Number: number, Staff: sam.Staff, Account: g.customer}),
		} {
			if err == nil {
				t.Errorf("%s opens the account", what)
			}
		}
	})
}

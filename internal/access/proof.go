package access

import (
	"context"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// For is the proof that somebody may do P on one account. Only this package
// makes one; the zero value opens nothing. The blank field keeps a proof of
// one permission from being converted into that of another.
type For[P Permission] struct {
	_ P
	proof
}

type proof struct {
	m           *Memberships
	principal   Principal
	account     id.Account
	name        string
	status      string
	gate        Gate
	outside     bool // the gate is shut: nothing follows from this proof
	all         Set  // on the whole account
	owner       bool
	objects     []Object
	onlyObjects bool
	membership  id.Membership
	seenAt      time.Time
	onlyLooks   bool // an operator who looks as somebody else and does not act
	by          audit.Actor
}

// An Object is one service, domain or support department that somebody was
// given permissions on.
type Object struct {
	Kind string
	ID   int64
	set  Set
}

// Also makes the proof of another permission out of one that is held, where
// it is: for the optional parts of a page.
func Also[Q, P Permission](f For[P]) (For[Q], bool) {
	var q Q
	need := q.requires()
	if f.m == nil || need.owner && !f.owner || f.outside && !need.ungated {
		return For[Q]{}, false
	}
	if need.any == 0 || f.owner || f.all&need.any != 0 {
		p := f.proof
		p.onlyObjects = false
		return For[Q]{proof: p}, true
	}
	return For[Q]{}, false
}

// Account is the account that the proof is for.
func (p proof) Account() id.Account { return p.account }

// AccountName is what the account is called.
func (p proof) AccountName() string { return p.name }

// Closed reports whether the account is closed, and so read-only.
func (p proof) Closed() bool { return p.status == "closed" }

// Status is the account's: "active", "inactive" or "closed".
func (p proof) Status() string { return p.status }

// Held is what the principal may do on the whole account.
func (p proof) Held() Set { return p.all }

// Owner reports whether the principal may do what owners may.
func (p proof) Owner() bool { return p.owner }

// Membership is the principal's own membership; 0 for staff and partners.
func (p proof) Membership() id.Membership { return p.membership }

// User is the person; 0 for staff.
func (p proof) User() id.User { return p.principal.user }

// Staff is the operator; 0 for everybody else.
func (p proof) Staff() id.Staff { return p.principal.staff }

// Actor is who acts, for the audit record.
func (p proof) Actor() audit.Actor { return p.by }

// Objects are the single objects that the proof is bounded to; ok is false
// where it is for the whole account.
func (p proof) Objects() (list []Object, ok bool) { return p.objects, p.onlyObjects }

// scope is whose rows the holder's transactions may touch.
func (p proof) scope() db.Scope { return db.InAccount(p.account, p.principal.user) }

// Read runs fn in a reading transaction that sees this account and no other.
func (f For[P]) Read(ctx context.Context, fn func(tx *db.Tx) error) error {
	if f.m == nil {
		return fault.Missing()
	}
	return f.m.db.Read(ctx, f.scope(), fn)
}

// Peek is Read for a single query.
func (f For[P]) Peek(ctx context.Context, fn func(tx *db.Tx) error) error {
	if f.m == nil {
		return fault.Missing()
	}
	return f.m.db.Peek(ctx, f.scope(), fn)
}

// Write runs fn in a transaction on this account. All that changes an account
// goes through its row one after another, and the proof is made anew behind
// that lock: what was taken away a moment ago is gone. A closed account is
// not written to.
func (f For[P]) Write(ctx context.Context, fn func(tx *db.Tx, by For[P]) error) error {
	return f.WriteClosed(ctx, func(tx *db.Tx, by For[P]) error {
		if by.Closed() {
			return errClosed
		}
		return fn(tx, by)
	})
}

// WriteClosed is Write for the few things that may be done to a closed
// account too: leaving it, and opening it again.
func (f For[P]) WriteClosed(ctx context.Context, fn func(tx *db.Tx, by For[P]) error) error {
	if f.m == nil {
		return fault.Missing()
	}
	err := f.m.db.Write(ctx, f.scope(), func(tx *db.Tx) error {
		if err := Lock(tx, f.account); err != nil {
			return err
		}
		by, err := checkIn[P](tx, f.m, f.principal, f.account)
		if err != nil {
			return err
		}
		if by.onlyLooks {
			return errOnlyLooks
		}
		return fn(tx, by)
	})
	if fault.Is(err, fault.Denied) {
		f.m.noteDenied(ctx, f.principal, f.account, err)
	}
	return err
}

var errClosed = fault.New(fault.Conflict, "account-closed", "This account is closed and can only be read. The operator can open it again.")

// Lock takes an account's row, so that everything that changes the account
// happens one after another, and its outcome is that of some order.
func Lock(tx *db.Tx, account id.Account) error {
	n, err := db.Exec(tx, "UPDATE accounts SET version = version + 1 WHERE id = $1", account)
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// visitEvery bounds how often a visit is written down.
const visitEvery = time.Hour

// Visited notes that the member has been in the account, for the People page.
func (f For[P]) Visited(ctx context.Context) error {
	if f.m == nil || f.membership == 0 || f.principal.isOperator() || f.m.db.Now().Sub(f.seenAt) < visitEvery {
		return nil
	}
	return f.m.db.Write(ctx, f.scope(), func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE memberships SET seen_at = $3 WHERE account_id = $1 AND id = $2 AND status = 'active'", f.account, f.membership, tx.Now)
		return err
	})
}

package access

import (
	"cmp"
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/setting"
)

// An Impersonation is an operator who looks at one account as one of its
// people: for a stated reason, within a session of the staff area, and for an
// hour at most. It gives what that person may do there and the operator's own
// role gives on accounts, both; ownership it never gives.
type Impersonation struct {
	ID          id.Impersonation
	StaffID     id.Staff
	StaffName   string
	SessionID   id.Session // of the staff area
	UserID      id.User
	UserName    string
	AccountID   id.Account
	AccountName string
	Reason      string
	Origin      string // the page of the staff area that it leads back to
	CreatedAt   time.Time
	ExpiresAt   time.Time
	ActingAt    db.Null[time.Time]
	EndedAt     db.Null[time.Time]
	EndedWhy    string    // one of the words of its column, once it has ended
	SessionFrom time.Time // when the operator signed in
	SeenAt      time.Time // when the operator was last seen
	Version     int64     // of the settings
	StaffHolding

	StaffActive  bool
	SessionOpen  bool
	UserActive   bool
	UserIsStaff  bool // the user's address is an operator's
	StaffMayLook bool // the account allows it
}

// impersonationSQL reads impersonations, for the time in $1.
const impersonationSQL = `
	SELECT v.id, v.staff_id, s.name AS staff_name, v.staff_session_id AS session_id, v.user_id, u.name AS user_name, v.account_id, a.name AS account_name,
		v.reason, v.origin, v.created_at, v.expires_at, v.acting_at, v.ended_at, v.ended_why, x.created_at AS session_from, x.seen_at, ` + setting.VersionSQL + ` AS version, ` + StaffHoldingSQL + `,
		s.status = 'active' AS staff_active, x.ended_at IS NULL AND x.expires_at > $1 AND x.created_at <= $1 AS session_open,
		u.status = 'active' AS user_active, EXISTS (SELECT 1 FROM staff o WHERE o.address = u.address AND o.status = 'active') AS user_is_staff, a.staff_may_look
	FROM impersonations v JOIN staff s ON s.id = v.staff_id JOIN staff_sessions x ON x.id = v.staff_session_id AND x.staff_id = v.staff_id
	JOIN users u ON u.id = v.user_id JOIN accounts a ON a.id = v.account_id
	WHERE `

// Impersonations reads those for which a condition holds. Its parameters
// begin at $2.
func Impersonations(tx *db.Tx, where string, args ...any) ([]Impersonation, error) {
	return db.All[Impersonation](tx, impersonationSQL+where, append([]any{tx.Now}, args...)...)
}

// Acts reports whether it may change something.
func (i Impersonation) Acts() bool { return i.ActingAt.Valid }

// Over says why it opens nothing any more, in the words of the column
// ended_why; empty while it does. The rules say how long the operator's session
// lives, since it lives no longer than that.
func (i Impersonation) Over(now time.Time, rules *setting.Values) (why string) {
	may := i.Set()
	switch {
	case i.EndedAt.Valid:
		return cmp.Or(i.EndedWhy, "ended") // nothing that has ended opens anything, whatever was written down
	case !now.Before(i.ExpiresAt) || now.Before(i.CreatedAt):
		return "expired"
	case !i.StaffActive:
		return "staff"
	case !i.SessionOpen || now.Sub(i.SeenAt) >= rules.StaffSessionIdle || now.Sub(i.SessionFrom) >= rules.StaffSessionLife:
		return "session"
	case !may.Has(StaffViewAs) || i.Acts() && !may.Has(StaffActAs):
		return "role"
	case !i.UserActive || i.UserIsStaff:
		return "user"
	case !i.StaffMayLook:
		return "refused"
	}
	return ""
}

var (
	errElsewhere = fault.New(fault.Denied, "elsewhere", "You are looking at one account of this person. Other accounts stay shut.")
	errLookOver  = fault.New(fault.Denied, "impersonation-over", "You no longer look at this account as somebody else.")
	errOnlyLooks = fault.New(fault.Denied, "only-looking", "You are only looking, so nothing can be changed.")
)

// narrowed cuts what the user holds down to what the operator's role gives on
// accounts, now. The impersonation is read anew: nothing follows from one
// that is over, or that is not this operator's, this user's and this account's.
func (p proof) narrowed(tx *db.Tx) (proof, error) {
	list, err := Impersonations(tx, "v.id = $2 AND v.staff_id = $3 AND v.user_id = $4 AND v.account_id = $5",
		p.principal.behind.Number, p.principal.behind.Staff, p.principal.user, p.account)
	if err != nil {
		return p, err
	}
	if len(list) != 1 || list[0].Over(tx.Now, p.m.settings.Current()) != "" {
		return p, errLookOver
	}
	gives, _ := list[0].Set().onAccounts()
	p.owner, p.all, p.onlyLooks = false, p.all&gives, !list[0].Acts()
	for n := range p.objects {
		p.objects[n].set &= gives
	}
	return p, nil
}

// Enters reports whether a user can enter an account now, in whatever way.
func Enters(tx *db.Tx, account id.Account, u id.User) (bool, error) {
	_, err := holding(tx, nil, Principal{user: u}, account)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// StaffMayLook reads whether operators may look at the account as one of its
// people.
func StaffMayLook(tx *db.Tx, account id.Account) (bool, error) {
	may, err := db.One[bool](tx, "SELECT staff_may_look FROM accounts WHERE id = $1", account)
	if errors.Is(err, db.ErrNone) {
		return false, fault.Missing()
	}
	return may, err
}

// SetStaffLook says whether operators may look at the account as one of its
// people. Where it is forbidden, nobody does from the next request on.
func (m *Memberships) SetStaffLook(ctx context.Context, by For[Own], may bool) (err error) {
	defer fault.Wrap(&err, "access.SetStaffLook(%d)", by.Account())
	return by.Write(ctx, func(tx *db.Tx, by For[Own]) error {
		before, err := StaffMayLook(tx, by.Account())
		if err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE accounts SET staff_may_look = $2 WHERE id = $1", by.Account(), may); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{
			Event: "account.staff_look_changed", Account: by.Account(), Object: "account", ObjectID: int64(by.Account()),
			Before: map[string]string{"staff_may_look": allowed(before)}, After: map[string]string{"staff_may_look": allowed(may)},
		})
	})
}

func allowed(may bool) string {
	if may {
		return "allowed"
	}
	return "not allowed"
}

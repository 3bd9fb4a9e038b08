package access

import (
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
)

// An Import is the proof that the upgrade holds: it stands for the operator at
// the command line, who may write into every account. It is asked for once in
// each run, and every row that comes in is recorded in its name.
type Import struct{ number id.Import }

// ForImport makes the proof for a numbered import. It is for the command line
// and never for a request.
func ForImport(number id.Import) Import { return Import{number} }

// Number is the import's.
func (i Import) Number() id.Import { return i.number }

// Actor is who the activity log says has done it.
func (i Import) Actor() audit.Actor {
	return audit.Actor{Kind: audit.System, Via: audit.ViaImport, ViaID: int64(i.number)}
}

// Memberships is how an import writes memberships.
func (i Import) Memberships() db.Table[Imported] { return db.Table[Imported]{Name: "memberships"} }

// An Imported is a membership that comes in. Permissions are single ones, to
// the letter of what the other system gave: no role stands for them.
type Imported struct {
	ID          id.Membership
	AccountID   id.Account
	UserID      id.User
	Owner       bool
	Role        string // a built-in role's key, where one says the same
	Permissions Set
	Status      string
	RoleID      db.Null[id.Role]   `db:"later"` // given here only, as is an end
	EndsAt      db.Null[time.Time] `db:"later"`
	StartsAt    time.Time          `db:"once"`
	SeenAt      time.Time          `db:"once"` // the last visit there, or CreatedAt
	CreatedAt   time.Time          `db:"once"`
}

// Joined is the record of its coming in.
func (m Imported) Joined() audit.Record {
	return audit.Record{
		Event: "member.joined", Account: m.AccountID, Object: "membership", ObjectID: int64(m.ID), Subject: m.UserID, After: m.power(),
	}
}

// Changed is the record of its having changed.
func (m Imported) Changed(before Imported) audit.Record {
	return audit.Record{
		Event: "member.changed", Account: m.AccountID, Object: "membership", ObjectID: int64(m.ID), Subject: m.UserID,
		Before: before.power(), After: m.power(),
	}
}

func (m Imported) power() map[string]any {
	set := m.Permissions
	if m.Owner {
		set = Everything
	}
	out := describe(Role{BuiltIn: m.Role, Single: m.Permissions}, set, db.Null[time.Time]{})
	out["owner"] = m.Owner
	return out
}

// End ends a membership that the other system no longer has, with all that
// hangs on it. One that has ended already stays as it is.
func (m *Memberships) End(tx *db.Tx, by Import, account id.Account, member id.Membership) error {
	target, err := find(tx, account, member)
	if err != nil {
		return err
	}
	return m.end(tx, proof{m: m, account: account, by: by.Actor()}, target, "removed")
}

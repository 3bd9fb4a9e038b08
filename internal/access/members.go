package access

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// A Member is a user in an account.
type Member struct {
	ID          id.Membership
	UserID      id.User
	Name        string
	Address     mail.Address
	Language    string
	Owner       bool
	Role        string // a built-in role's key
	RoleID      db.Null[id.Role]
	RoleName    string
	Single      Set
	Permissions Set // all that she may do, owner or not
	OnObjects   Set // what she may do on one object or another; read for one member, not for lists
	Status      string
	StartsAt    time.Time
	EndsAt      db.Null[time.Time]
	SeenAt      time.Time
	CreatedAt   time.Time
}

// LastVisit is when the member was last in the account; zero if never.
func (m Member) LastVisit() time.Time {
	if m.SeenAt.Equal(m.CreatedAt) {
		return time.Time{}
	}
	return m.SeenAt
}

// Given is the role that the member was given.
func (m Member) Given() Role { return Role{BuiltIn: m.Role, Own: m.RoleID.V, Single: m.Single} }

// Label names what the member is: an owner, or her role.
func (m Member) Label() string {
	if m.Owner {
		return "Owner"
	}
	return m.Given().Label(m.RoleName)
}

// Runs reports whether her access has an end that has not come yet, has
// begun, and is not suspended.
func (m Member) Runs(now time.Time) bool {
	return m.Status == "active" && !m.StartsAt.After(now) && (!m.EndsAt.Valid || m.EndsAt.V.After(now))
}

const memberColumns = `
	SELECT m.id, m.user_id, u.name, u.address, u.language, m.owner, m.role, m.role_id, COALESCE(r.name, '') AS role_name, m.permissions AS single, `

var membersQuery = memberColumns + "CASE WHEN m.owner THEN " + everythingText + " ELSE " + roleSet + ` END AS permissions,
		m.status, m.starts_at, m.ends_at, m.seen_at, m.created_at
	FROM memberships m JOIN users u ON u.id = m.user_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	WHERE m.account_id = $1 AND m.status <> 'ended'`

// List reads an account's members, owners first.
func (m *Memberships) List(ctx context.Context, by For[ViewPeople]) (list []Member, err error) {
	defer fault.Wrap(&err, "access.List(%d)", by.account)
	err = by.Peek(ctx, func(tx *db.Tx) error {
		list, err = db.All[Member](tx, membersQuery+" ORDER BY m.owner DESC, m.id LIMIT 1000", by.account)
		return err
	})
	return list, err
}

// Get reads one member.
func (m *Memberships) Get(ctx context.Context, by For[ViewPeople], member id.Membership) (one Member, err error) {
	defer fault.Wrap(&err, "access.Get(%d, %d)", by.account, member)
	err = by.Read(ctx, func(tx *db.Tx) error {
		one, err = find(tx, by.account, member)
		return err
	})
	return one, err
}

func find(tx *db.Tx, account id.Account, member id.Membership) (Member, error) {
	one, err := db.One[Member](tx, membersQuery+" AND m.id = $2", account, member)
	if errors.Is(err, db.ErrNone) {
		return one, fault.Missing()
	}
	if err != nil {
		return one, err
	}
	one.Permissions = one.Permissions.Known()
	grants, err := db.All[source](tx, "SELECT kind, permissions FROM grants WHERE account_id = $1 AND membership_id = $2 AND ended_at IS NULL AND (ends_at IS NULL OR ends_at > $3)", account, member, tx.Now)
	for _, g := range grants {
		one.OnObjects |= g.Permissions & onObject[g.Kind]
	}
	return one, err
}

// MayGrant reports whether the holder may give the set to somebody: nobody
// grants more than he holds.
func (p proof) MayGrant(s Set) error {
	if !p.all.Has(s) {
		return fault.New(fault.Denied, "grant-exceeds-own", "You cannot give more than you hold. You do not have: "+(s&^p.all).Labels()+".")
	}
	return nil
}

// MayTouch reports whether the holder may change or remove the member: never
// himself, never an owner unless he is one, never somebody who holds more.
func (p proof) MayTouch(target Member) error {
	switch {
	case target.UserID == p.principal.user && p.principal.user != 0:
		return fault.New(fault.Denied, "own-membership", "You cannot change your own access. Another person who manages people can.")
	case target.Owner && !p.owner:
		return fault.New(fault.Denied, "target-owner", "Only owners may change an owner.")
	case !p.all.Has(target.Permissions | target.OnObjects):
		return fault.New(fault.Denied, "target-exceeds-own", target.Name+" may do more than you, so only an owner, or somebody who may do as much, can change this.")
	}
	return nil
}

// Change gives a member another role or other permissions, and an end or none.
func (m *Memberships) Change(ctx context.Context, by For[ManagePeople], member id.Membership, role Role, ends db.Null[time.Time]) (err error) {
	defer fault.Wrap(&err, "access.Change(%d, %d)", by.account, member)
	return by.Write(ctx, func(tx *db.Tx, by For[ManagePeople]) error {
		target, err := find(tx, by.account, member)
		if err != nil {
			return err
		}
		if err := by.MayTouch(target); err != nil {
			return err
		}
		if target.Owner {
			return fault.New(fault.Conflict, "owner", "An owner may do everything. End the ownership first, then choose a role.")
		}
		if err := aheadOf(tx.Now, ends); err != nil {
			return err
		}
		want, err := role.Permissions(tx, by.account)
		if err != nil {
			return err
		}
		if err := by.MayGrant(want); err != nil {
			return err
		}
		_, err = db.Exec(tx, "UPDATE memberships SET role = $3, role_id = $4, permissions = $5, ends_at = $6 WHERE account_id = $1 AND id = $2",
			by.account, member, role.BuiltIn, role.OwnRoleColumn(), role.Single, ends)
		if err != nil {
			return err
		}
		return audit.Write(tx, by.by, audit.Record{
			Event: "member.changed", Account: by.account, Object: "membership", ObjectID: int64(member), Subject: target.UserID,
			Before: describe(target.Given(), target.Permissions, target.EndsAt), After: describe(role, want, ends),
		})
	})
}

// aheadOf refuses an end of access that has passed.
func aheadOf(now time.Time, ends db.Null[time.Time]) error {
	if ends.Valid && !ends.V.After(now) {
		return fault.Field("ends", "Choose a day in the future.")
	}
	return nil
}

// describe is a membership's power as the activity log keeps it.
func describe(role Role, s Set, ends db.Null[time.Time]) map[string]any {
	out := map[string]any{"permissions": s.Keys()}
	if role.BuiltIn != "" {
		out["role"] = role.BuiltIn
	}
	if role.Own != 0 {
		out["role"] = int64(role.Own)
	}
	if ends.Valid {
		out["ends"] = ends.V
	}
	return out
}

// Remove ends somebody's access at once.
func (m *Memberships) Remove(ctx context.Context, by For[ManagePeople], member id.Membership) (err error) {
	defer fault.Wrap(&err, "access.Remove(%d, %d)", by.account, member)
	return by.Write(ctx, func(tx *db.Tx, by For[ManagePeople]) error {
		target, err := find(tx, by.account, member)
		if err != nil {
			return err
		}
		if err := by.MayTouch(target); err != nil {
			return err
		}
		if target.Owner {
			return fault.New(fault.Conflict, "owner", target.Name+" is an owner. End the ownership first; removing comes after that.")
		}
		if err := m.end(tx, by.proof, target, "removed"); err != nil {
			return err
		}
		_, err = m.outbox.Send(tx, m.removedMail(by.account, by.name, target))
		return err
	})
}

// Leave ends the holder's own access.
func (m *Memberships) Leave(ctx context.Context, by For[Depart]) (err error) {
	defer fault.Wrap(&err, "access.Leave(%d)", by.account)
	return by.WriteClosed(ctx, func(tx *db.Tx, by For[Depart]) error {
		if by.membership == 0 {
			return fault.New(fault.Conflict, "no-membership", "You are not a member of this account, so there is nothing to leave.")
		}
		self, err := find(tx, by.account, by.membership)
		if err != nil {
			return err
		}
		if self.Owner {
			if err := notLastOwner(tx, by.account, by.membership); err != nil {
				return err
			}
		}
		return m.end(tx, by.proof, self, "left")
	})
}

// end ends a membership for good, with all that hangs on it.
func (m *Memberships) end(tx *db.Tx, by proof, target Member, why string) error {
	_, err := db.Exec(tx, `
		UPDATE memberships SET status = 'ended', ended_at = $3, ended_why = $4, owner = FALSE WHERE account_id = $1 AND id = $2`,
		by.account, target.ID, tx.Now, why)
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE grants SET ended_at = $3 WHERE account_id = $1 AND membership_id = $2 AND ended_at IS NULL", by.account, target.ID, tx.Now); err != nil {
		return err
	}
	if err := withdrawOffers(tx, by.account, target.ID); err != nil {
		return err
	}
	for _, fn := range m.ended {
		if err := fn(tx, by.by, by.account, target.UserID, why == "removed"); err != nil {
			return err
		}
	}
	return audit.Write(tx, by.by, audit.Record{
		Event: "member." + why, Account: by.account, Object: "membership", ObjectID: int64(target.ID), Subject: target.UserID,
		Before: describe(target.Given(), target.Permissions, target.EndsAt),
	})
}

// A Join is a membership to be made.
type Join struct {
	User  id.User
	Owner bool
	Role  Role
	Ends  db.Null[time.Time]
}

// Add makes a membership. It asks no questions: its callers are the ways in
// (an accepted invitation, a new account, an operator), which have asked
// theirs in the same transaction and behind the account's lock.
func Add(tx *db.Tx, by audit.Actor, account id.Account, j Join) (id.Membership, error) {
	if err := notErased(tx, j.User); err != nil {
		return 0, err
	}
	member, err := db.One[id.Membership](tx, `
		INSERT INTO memberships (account_id, user_id, owner, role, role_id, permissions, starts_at, ends_at, seen_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $7) RETURNING id`,
		account, j.User, j.Owner, j.Role.BuiltIn, j.Role.OwnRoleColumn(), j.Role.Single, tx.Now, j.Ends)
	if db.Exists(err) {
		return 0, fault.New(fault.Conflict, "already-member", "This person is a member of the account already. Change the access on the People page instead.")
	}
	if err != nil {
		return 0, err
	}
	s, err := j.Role.Permissions(tx, account)
	if j.Owner {
		s, err = Everything, nil
	}
	if err != nil {
		return 0, err
	}
	after := describe(j.Role, s, j.Ends)
	after["owner"] = j.Owner
	return member, audit.Write(tx, by, audit.Record{
		Event: "member.joined", Account: account, Object: "membership", ObjectID: int64(member), Subject: j.User, After: after,
	})
}

// notErased takes the user's row, so that joining and being deleted happen one
// after the other.
func notErased(tx *db.Tx, u id.User) error {
	n, err := db.Exec(tx, "UPDATE users SET status = status WHERE id = $1 AND status <> 'deleted'", u)
	if err == nil && n == 0 {
		return fault.New(fault.NotSignedIn, "user-deleted", "This login was deleted.")
	}
	return err
}

// Attach makes a user a member at once, by an operator, and tells her.
func (m *Memberships) Attach(ctx context.Context, by For[ManagePeople], u id.User, role Role, ends db.Null[time.Time]) (err error) {
	defer fault.Wrap(&err, "access.Attach(%d, %d)", by.account, u)
	return by.Write(ctx, func(tx *db.Tx, by For[ManagePeople]) error {
		if by.Staff() == 0 {
			return fault.New(fault.Denied, "staff-only", "People join by invitation.")
		}
		person, err := user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		if err := aheadOf(tx.Now, ends); err != nil {
			return err
		}
		want, err := role.Permissions(tx, by.account)
		if err != nil {
			return err
		}
		if err := by.MayGrant(want); err != nil {
			return err
		}
		if _, err := Add(tx, by.by, by.account, Join{User: u, Role: role, Ends: ends}); err != nil {
			return err
		}
		_, err = m.outbox.Send(tx, m.attachedMail(by.account, by.name, person, want))
		return err
	})
}

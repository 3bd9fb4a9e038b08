package staff

import (
	"context"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// A Standing is what else a user's page tells of her: where she is signed in,
// what she is known by, and what she is a member of.
type Standing struct {
	Open         []auth.OpenSession
	Addresses    []AddressChange
	Links        []SignInLink
	Alarms       int64 // mailed "this was not me" links that work now
	Memberships  []Belonging
	SuspendedAt  db.Null[time.Time]
	SuspendedWhy string
}

// An AddressChange is a change of a user's address that waits to be confirmed,
// or can still be taken back.
type AddressChange struct {
	OldAddress mail.Address
	NewAddress mail.Address
	ExpiresAt  time.Time
	UndoUntil  db.Null[time.Time] // not empty: it is done, and the old address can take it back until then
}

// A SignInLink is a login at a provider through which a user signs in.
type SignInLink struct {
	Name      string
	Label     string
	Active    bool
	CreatedAt time.Time
	UsedAt    db.Null[time.Time]
}

// A Belonging is a membership of a user's, whatever its state.
type Belonging struct {
	ID            id.Membership
	AccountID     id.Account
	AccountName   string
	AccountStatus string
	Owner         bool
	Role          string
	RoleID        db.Null[id.Role]
	RoleName      string
	Single        access.Set
	Status        string
	StartsAt      time.Time
	EndsAt        db.Null[time.Time]
	EndedAt       db.Null[time.Time]
	EndedWhy      string
}

// Label names what she is, or was, there.
func (b Belonging) Label() string {
	if b.Owner {
		return "Owner"
	}
	return access.Role{BuiltIn: b.Role, Own: b.RoleID.V, Single: b.Single}.Label(b.RoleName)
}

// standing reads a Standing.
func standing(tx *db.Tx, rules *setting.Values, u id.User) (s Standing, err error) {
	if s.Open, err = auth.SessionsOf(tx, u, rules); err != nil {
		return s, err
	}
	s.Addresses, err = db.All[AddressChange](tx, `
		SELECT old_address, new_address, expires_at, CASE WHEN done_at IS NOT NULL THEN undo_until END AS undo_until FROM address_changes
		WHERE user_id = $1 AND (ended_at IS NULL AND expires_at > $2 OR done_at IS NOT NULL AND undone_at IS NULL AND undo_until > $2) ORDER BY id DESC LIMIT 20`, u, tx.Now)
	if err != nil {
		return s, err
	}
	s.Links, err = db.All[SignInLink](tx, `
		SELECT p.name, i.label, p.status = 'active' AS active, i.created_at, i.used_at FROM identities i JOIN providers p ON p.id = i.provider_id
		WHERE i.user_id = $1 ORDER BY p.name, i.id LIMIT 50`, u)
	if err != nil {
		return s, err
	}
	if s.Alarms, err = db.One[int64](tx, "SELECT COUNT(*) FROM alarms WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2", u, tx.Now); err != nil {
		return s, err
	}
	type row struct {
		SuspendedAt  db.Null[time.Time]
		SuspendedWhy string
	}
	why, err := db.One[row](tx, "SELECT suspended_at, suspended_why FROM users WHERE id = $1", u)
	if err != nil {
		return s, err
	}
	s.SuspendedAt, s.SuspendedWhy = why.SuspendedAt, why.SuspendedWhy
	s.Memberships, err = db.All[Belonging](tx, `
		SELECT m.id, m.account_id, a.name AS account_name, a.status AS account_status, m.owner, m.role, m.role_id, COALESCE(r.name, '') AS role_name,
			m.permissions AS single, m.status, m.starts_at, m.ends_at, m.ended_at, m.ended_why
		FROM memberships m JOIN accounts a ON a.id = m.account_id LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
		WHERE m.user_id = $1 AND (m.status <> 'active' OR m.starts_at > $2 OR m.ends_at IS NOT NULL)
		ORDER BY m.id DESC LIMIT $3`, u, tx.Now, PageSize)
	return s, err
}

// EndUserSession ends one of a user's sessions.
func (s *Staff) EndUserSession(ctx context.Context, by For[Help], u id.User, session id.Session) (err error) {
	defer fault.Wrap(&err, "staff.EndUserSession(%d, %d)", u, session)
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error {
		return auth.EndOne(tx, person.ID, session, by.Actor())
	})
}

// askWhy asks for the reason of a suspension.
const askWhy = "Say in a sentence why. Other operators and the log see it."

// errLastOwner keeps an open account from being left without anybody who can
// act as its owner.
func errLastOwner(person user.User, owned []access.Reached) error {
	return fault.New(fault.Conflict, "last-owner", person.Name+" is the last owner of "+access.Names(owned)+", so the login cannot be suspended. Find another owner or close the account first. To keep a stranger out of the login, sign it out everywhere and mail a link to set a new password.")
}

// SuspendUser keeps a user from signing in until she is restored: every session of
// hers ends at once, on every node. What she is a member of stays. She is told
// by mail.
func (s *Staff) SuspendUser(ctx context.Context, by For[Help], u id.User, reason string) (err error) {
	defer fault.Wrap(&err, "staff.SuspendUser(%d)", u)
	reason, err = auth.ParseReason(reason, askWhy)
	if err != nil {
		return err
	}
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error {
		owned, err := access.LockOwned(tx, u)
		if err == nil && len(owned) > 0 {
			err = errLastOwner(person, owned)
		}
		if err != nil {
			return err
		}
		n, err := db.Exec(tx, "UPDATE users SET status = 'suspended', suspended_at = $2, suspended_why = $3 WHERE id = $1 AND status = 'active'", u, tx.Now, reason)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "suspended", person.Name+" is suspended already.")
		}
		if err := auth.EndAll(tx, u, by.Actor()); err != nil {
			return err
		}
		if err := audit.Write(tx, by.Actor(), audit.Record{Event: "user.suspended", Object: "user", ObjectID: int64(u), Subject: u, After: map[string]string{"reason": reason}}); err != nil {
			return err
		}
		return s.auth.TellSuspended(tx, person, true)
	})
}

// RestoreUser lets a suspended user sign in again. Her sessions stay ended.
func (s *Staff) RestoreUser(ctx context.Context, by For[Help], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.RestoreUser(%d)", u)
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error {
		n, err := db.Exec(tx, "UPDATE users SET status = 'active', suspended_at = NULL, suspended_why = '' WHERE id = $1 AND status = 'suspended' AND merged_into IS NULL", u)
		if err != nil {
			return err
		}
		if n == 0 && person.Status == user.Suspended {
			return fault.New(fault.Conflict, "merged", "This login is part of another one, so it cannot be restored. Its person can take it out again, within seven days, by the mail that told of it.")
		}
		if n == 0 {
			return fault.New(fault.Conflict, "not-suspended", person.Name+" is not suspended.")
		}
		if err := audit.Write(tx, by.Actor(), audit.Record{Event: "user.restored", Object: "user", ObjectID: int64(u), Subject: u}); err != nil {
			return err
		}
		return s.auth.TellSuspended(tx, person, false)
	})
}

// Diagnose says why a user can do something on an account, or not.
func (s *Staff) Diagnose(ctx context.Context, by For[Look], u id.User, a id.Account, want string) (d access.Diagnosis, err error) {
	defer fault.Wrap(&err, "staff.Diagnose(%d, %d)", u, a)
	err = s.readUser(ctx, u, func(tx *db.Tx, person user.User) error {
		d, err = access.Diagnose(tx, s.settings.Current(), person, a, want)
		return err
	})
	return d, err
}

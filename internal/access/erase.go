package access

import (
	"context"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/user"
)

// WhenErased has fn run in the transaction that deletes a person, for what
// else knows her.
func (m *Memberships) WhenErased(fn func(tx *db.Tx, person user.User, by audit.Actor) error) {
	m.erased = append(m.erased, fn)
}

// SoleOwned lists the open accounts whose only owner the person is: before
// she goes somebody else has to own them, or they have to be closed.
func (m *Memberships) SoleOwned(ctx context.Context, i auth.Identity) (list []Reached, err error) {
	defer fault.Wrap(&err, "access.SoleOwned(%d)", i.User())
	err = m.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = SoleOwnedBy(tx, i.User())
		return err
	})
	return list, err
}

// SoleOwnedBy is SoleOwned for operators, who hold staff's permission to see
// people.
func SoleOwnedBy(tx *db.Tx, u id.User) ([]Reached, error) {
	return db.All[Reached](tx, `
		SELECT a.id, a.name, a.status, m.owner FROM memberships m JOIN accounts a ON a.id = m.account_id
		WHERE m.user_id = $1 AND m.owner AND m.status <> 'ended' AND a.status <> 'closed' AND NOT EXISTS (
			SELECT 1 FROM memberships o JOIN users w ON w.id = o.user_id
			WHERE o.account_id = m.account_id AND o.owner AND o.status = 'active' AND o.user_id <> $1 AND w.status = 'active' AND w.verified_at IS NOT NULL)
		ORDER BY a.name, a.id`, u)
}

// LockOwned is SoleOwnedBy behind the rows of all of the person's accounts, for
// who is about to keep her from acting as their owner.
func LockOwned(tx *db.Tx, u id.User) ([]Reached, error) {
	if _, err := lockMine(tx, u); err != nil {
		return nil, err
	}
	return SoleOwnedBy(tx, u)
}

// DeleteUser deletes the person: she leaves every account, and her login and
// data go. She cannot while she is an open account's last owner.
func (m *Memberships) DeleteUser(ctx context.Context, a *auth.Auth, i auth.Identity) (err error) {
	defer fault.Wrap(&err, "access.DeleteUser(%d)", i.User())
	return m.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		mine, err := lockMine(tx, i.User())
		if err != nil {
			return err
		}
		if err := stillOpen(tx, i.User()); err != nil {
			return err
		}
		left, err := SoleOwnedBy(tx, i.User())
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return lastOwnerOf(left)
		}
		for _, one := range mine {
			if err := m.leave(tx, proof{m: m, principal: Person(i), account: one.AccountID, by: i.Actor()}, one.ID); err != nil {
				return err
			}
		}
		if err := m.Forget(tx, i.User(), i.Actor()); err != nil {
			return err
		}
		if err := a.Erase(tx, i.User(), i.Actor()); err != nil {
			return err
		}
		return goneFrom(tx, i.User())
	})
}

// stillOpen makes sure, behind the lock of the person's own row, that her login
// was not closed since she was asked whether she is sure: brought into another
// one, it goes with that.
func stillOpen(tx *db.Tx, u id.User) error {
	n, err := db.Exec(tx, "UPDATE users SET status = status WHERE id = $1 AND status = 'active'", u)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "login-closed", "This login has just been closed, so it was not deleted. Sign in again to see where you are.")
	}
	return err
}

func (m *Memberships) leave(tx *db.Tx, by proof, number id.Membership) error {
	self, err := find(tx, by.account, number)
	if err != nil {
		return err
	}
	return m.end(tx, by, self, "left")
}

// Forget tells the other rooms that a person goes, or that a login goes with
// her that was deleted when it became part of hers.
func (m *Memberships) Forget(tx *db.Tx, u id.User, by audit.Actor) error {
	person, err := user.Ever(tx, u)
	for _, fn := range m.erased {
		if err == nil {
			err = fn(tx, person, by)
		}
	}
	return err
}

// EraseAgain deletes somebody whom an old copy of the database has brought
// back, without a word to her: she has had it. An account may be left without
// an owner by it.
func (m *Memberships) EraseAgain(tx *db.Tx, u id.User, by audit.Actor) error {
	mine, err := lockMine(tx, u)
	if err != nil {
		return err
	}
	for _, one := range mine {
		if err := m.leave(tx, proof{m: m, account: one.AccountID, by: by}, one.ID); err != nil {
			return err
		}
	}
	if err := m.Forget(tx, u, by); err != nil {
		return err
	}
	person, err := user.ByID(tx, u)
	if err != nil {
		return err
	}
	return auth.EraseQuietly(tx, person, by)
}

// goneFrom makes sure, behind the lock of the person's own row, that she has
// not joined an account while she was leaving the others.
func goneFrom(tx *db.Tx, u id.User) error {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM memberships WHERE user_id = $1 AND status <> 'ended'", u)
	if err == nil && n > 0 {
		return fault.New(fault.Conflict, "just-joined", "You have just joined an account. Look at your accounts, and try again.")
	}
	return err
}

type mine struct {
	ID        id.Membership
	AccountID id.Account
}

// lockMine takes the rows of all accounts that a person is in, in one order
// for everybody, and reads her memberships behind them.
func lockMine(tx *db.Tx, u id.User) (list []mine, err error) {
	const query = "SELECT id, account_id FROM memberships WHERE user_id = $1 AND status <> 'ended' ORDER BY account_id"
	if list, err = db.All[mine](tx, query, u); err != nil {
		return nil, err
	}
	for _, one := range list {
		if err := Lock(tx, one.AccountID); err != nil {
			return nil, err
		}
	}
	return db.All[mine](tx, query, u)
}

func lastOwnerOf(list []Reached) error {
	return fault.New(fault.Conflict, "last-owner", "You are the last owner of "+Names(list)+". Make somebody else an owner, or close the account, and come back.")
}

// Names are the names of accounts with their numbers, in one line.
func Names(list []Reached) string {
	var names []string
	for _, a := range list {
		names = append(names, a.Name+" (#"+id.String(a.ID)+")")
	}
	return strings.Join(names, ", ")
}

package staff

import (
	"context"
	"errors"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/user"
)

// StartFactorReset begins to remove a user's lost second factor: another
// operator has to agree, time passes, and the user is told and can stop it.
func (s *Staff) StartFactorReset(ctx context.Context, by For[Recover], u id.User, reason string) (err error) {
	defer fault.Wrap(&err, "staff.StartFactorReset(%d)", u)
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error {
		return s.auth.StartReset(tx, person, by.Staff(), by.Actor(), reason)
	})
}

// ApproveFactorReset is the second operator's word.
func (s *Staff) ApproveFactorReset(ctx context.Context, by For[Recover], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.ApproveFactorReset(%d)", u)
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error {
		return s.auth.ApproveReset(tx, person, by.Staff(), by.Actor())
	})
}

// WithdrawFactorReset gives a removal up.
func (s *Staff) WithdrawFactorReset(ctx context.Context, by For[Recover], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.WithdrawFactorReset(%d)", u)
	return s.reset(ctx, u, by.Actor(), s.auth.WithdrawReset)
}

// CompleteFactorReset removes the second factor, once the time has passed and
// two operators have said so.
func (s *Staff) CompleteFactorReset(ctx context.Context, by For[Recover], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.CompleteFactorReset(%d)", u)
	return s.reset(ctx, u, by.Actor(), s.auth.CompleteReset)
}

func (s *Staff) reset(ctx context.Context, u id.User, by audit.Actor, step func(*db.Tx, user.User, audit.Actor) error) error {
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error { return step(tx, person, by) })
}

// EndSessions signs a user out everywhere.
func (s *Staff) EndSessions(ctx context.Context, by For[Help], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.EndSessions(%d)", u)
	return s.onUser(ctx, u, func(tx *db.Tx, person user.User) error { return auth.EndAll(tx, person.ID, by.Actor()) })
}

// onUser runs fn on a user who is not deleted.
func (s *Staff) onUser(ctx context.Context, u id.User, fn func(tx *db.Tx, person user.User) error) error {
	return s.db.Write(ctx, db.Wide, withUser(u, fn))
}

// readUser is onUser for what only reads.
func (s *Staff) readUser(ctx context.Context, u id.User, fn func(tx *db.Tx, person user.User) error) error {
	return s.db.Read(ctx, db.Wide, withUser(u, fn))
}

func withUser(u id.User, fn func(tx *db.Tx, person user.User) error) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		person, err := user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		return fn(tx, person)
	}
}

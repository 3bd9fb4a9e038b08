package staff

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// SetUpLife is how long somebody who has shown her password may take to set up
// her first second factor.
const SetUpLife = 30 * time.Minute

// halfway starts a session in which a second factor is still to be shown.
func halfway(tx *db.Tx, who id.Staff, r auth.Request) (string, error) {
	f, err := auth.FactorsOf(tx, auth.Operator(who))
	if err != nil {
		return "", err
	}
	life := SetUpLife
	if f.Any() {
		life = auth.PendingLife
	}
	return start(tx, who, life, db.Null[time.Time]{}, r)
}

func start(tx *db.Tx, who id.Staff, life time.Duration, second db.Null[time.Time], r auth.Request) (string, error) {
	token, hash := auth.NewToken()
	_, err := db.Exec(tx, `
		INSERT INTO staff_sessions (staff_id, token_hash, created_at, seen_at, proved_at, second_at, expires_at, agent, network)
		VALUES ($1, $2, $3, $3, $3, $4, $5, $6, $7)`, who, hash, tx.Now, second, tx.Now.Add(life), r.Agent, r.Network)
	return token, err
}

// errHalf is the answer to a second step whose first one counts no more.
var errHalf = fault.New(fault.NotSignedIn, "sign-in-over", "This sign-in took too long or was ended. Sign in again.")

// enter turns a sign-in whose second step is done into a session that opens
// the staff area: under a new token, and with its whole life before it.
func enter(tx *db.Tx, i Identity) (string, error) {
	token, hash := auth.NewToken()
	n, err := db.Exec(tx, `
		UPDATE staff_sessions SET token_hash = $2, second_at = $3, proved_at = $3, seen_at = $3, expires_at = $4
		WHERE id = $1 AND second_at IS NULL AND ended_at IS NULL AND expires_at > $3`, i.session, hash, tx.Now, tx.Now.Add(SessionLife))
	if err == nil && n == 0 {
		err = errHalf
	}
	if err != nil {
		return "", err
	}
	return token, signedIn(tx, i.staff, i.request)
}

// signedIn notes that an operator has come in.
func signedIn(tx *db.Tx, who id.Staff, r auth.Request) error {
	n, err := db.Exec(tx, "UPDATE staff SET signed_in_at = $2 WHERE id = $1 AND status = 'active'", who, tx.Now)
	if err == nil && n == 0 {
		err = errHalf
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, acting(who, r), record("staff.signed_in", who))
}

// Factors counts the operator's own second factors.
func (s *Staff) Factors(ctx context.Context, i Identity) (f auth.Factors, err error) {
	defer fault.Wrap(&err, "staff.Factors(%d)", i.staff)
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		f, err = auth.FactorsOf(tx, auth.Operator(i.staff))
		return err
	})
	return f, err
}

// HasPasskeys reports whether this installation can use passkeys.
func (s *Staff) HasPasskeys() bool { return s.auth.HasPasskeys() }

// FinishWithCode ends a sign-in with a code of an app, or a recovery code.
func (s *Staff) FinishWithCode(ctx context.Context, i Identity, code string) (token string, err error) {
	defer fault.Wrap(&err, "staff.FinishWithCode(%d)", i.staff)
	if !i.half {
		return "", errHalf
	}
	var refused error
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := keep(tx, i.staff); err != nil {
			return err
		}
		if refused, err = s.tryCode(tx, i, code); refused != nil || err != nil {
			return err
		}
		token, err = enter(tx, i)
		return err
	})
	return token, errors.Join(err, refused)
}

// tryCode accepts a code once, within the brakes. A recovery code signs her
// out everywhere else. refused is for her; what was counted stays counted.
func (s *Staff) tryCode(tx *db.Tx, i Identity, code string) (refused, err error) {
	recovery, refused, err := s.auth.TryCode(tx, i.staff, code, i.request)
	if err == nil && refused == nil && recovery {
		err = changed(tx, i.staff, i.session)
	}
	return refused, err
}

// keep keeps an operator as she is until the transaction ends, and refuses one
// who may not sign in.
func keep(tx *db.Tx, who id.Staff) error {
	n, err := db.Exec(tx, "UPDATE staff SET credentials = credentials WHERE id = $1 AND status = 'active'", who)
	if err == nil && n == 0 {
		err = errHalf
	}
	return err
}

// changed does what every change of what proves an operator brings: every
// other session and everything that was under way is over, wherever it is.
func changed(tx *db.Tx, who id.Staff, keep id.Session) error {
	if _, err := db.Exec(tx, "UPDATE staff SET credentials = credentials + 1 WHERE id = $1", who); err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE staff_sessions SET ended_at = $3 WHERE staff_id = $1 AND id <> $2 AND ended_at IS NULL", who, keep, tx.Now); err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE ceremonies SET ended_at = $2 WHERE staff_id = $1 AND ended_at IS NULL", who, tx.Now); err != nil {
		return err
	}
	_, err := db.Exec(tx, "UPDATE staff_links SET ended_at = $2 WHERE staff_id = $1 AND ended_at IS NULL", who, tx.Now)
	return err
}

// BeginPasskey opens the prompt in which a passkey is shown: any operator's at
// sign-in, and her own to finish it or to confirm within a session.
func (s *Staff) BeginPasskey(ctx context.Context, i Identity) (auth.Challenge, error) {
	return s.auth.BeginOperatorKey(ctx, i.staff, i.session)
}

// SignInWithPasskey signs an operator in by her passkey, which is both factors
// in one.
func (s *Staff) SignInWithPasskey(ctx context.Context, ceremony, response string, r auth.Request) (token string, err error) {
	defer fault.Wrap(&err, "staff.SignInWithPasskey")
	err = s.auth.ShowOperatorKey(ctx, 0, 0, ceremony, response, r, func(tx *db.Tx, who id.Staff) error {
		if err := signedIn(tx, who, r); err != nil {
			return err
		}
		token, err = start(tx, who, SessionLife, db.Some(tx.Now), r)
		return err
	})
	return token, err
}

// FinishWithPasskey ends a sign-in with a passkey as its second step.
func (s *Staff) FinishWithPasskey(ctx context.Context, i Identity, ceremony, response string) (token string, err error) {
	defer fault.Wrap(&err, "staff.FinishWithPasskey(%d)", i.staff)
	if !i.half {
		return "", errHalf
	}
	err = s.auth.ShowOperatorKey(ctx, i.staff, i.session, ceremony, response, i.request, func(tx *db.Tx, _ id.Staff) error {
		token, err = enter(tx, i)
		return err
	})
	return token, err
}

// ConfirmWithPasskey shows a passkey once more within a session.
func (s *Staff) ConfirmWithPasskey(ctx context.Context, i Identity, ceremony, response string) (token string, err error) {
	defer fault.Wrap(&err, "staff.ConfirmWithPasskey(%d)", i.staff)
	err = s.auth.ShowOperatorKey(ctx, i.staff, i.session, ceremony, response, i.request, func(tx *db.Tx, _ id.Staff) error {
		token, err = confirmed(tx, i)
		return err
	})
	return token, err
}

// Drop ends a sign-in that waits for its second step.
func (s *Staff) Drop(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "staff.Drop(%d)", i.staff)
	if !i.half {
		return nil
	}
	return s.expire(ctx, i.session)
}

package auth

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// ResetDelay is how long a lost second factor stays before operators can
// remove it: time for the person to stop what she has not asked for.
const ResetDelay = 72 * time.Hour

// A TwoWords is what takes two operators' words and time before it is done:
// the first one's reason, the second one's agreement, and a delay in which
// those whom it concerns can stop it.
type TwoWords struct {
	Reason     string
	StartedBy  id.Staff
	Starter    string
	ApprovedBy db.Null[id.Staff]
	Approver   db.Null[string]
	CreatedAt  time.Time
	ReadyAt    time.Time
}

// TwoWordsColumns are what a query selects to read a TwoWords from a row r,
// with its operators s and p.
const TwoWordsColumns = "r.reason, r.started_by, s.name AS starter, r.approved_by, p.name AS approver, r.created_at, r.ready_at"

// Ready reports whether it may be done now.
func (w TwoWords) Ready(now time.Time) bool { return w.ApprovedBy.Valid && !now.Before(w.ReadyAt) }

// MayAgree makes sure that the second word is another operator's.
func (w TwoWords) MayAgree(by id.Staff) error {
	if w.StartedBy == by {
		return fault.New(fault.Denied, "two-persons", "You began this, so somebody else has to agree to it.")
	}
	return nil
}

// MayComplete makes sure that both words are there and the time has passed.
func (w TwoWords) MayComplete(now time.Time) error {
	switch {
	case !w.ApprovedBy.Valid:
		return fault.New(fault.Conflict, "two-persons", "A second person has to agree first.")
	case !w.Ready(now):
		return fault.New(fault.Conflict, "too-early", "This can be done after "+locale.Exact(w.ReadyAt)+". Until then it can be stopped.")
	}
	return nil
}

// ParseReason reads why an operator does what others have to be able to
// understand later.
func ParseReason(typed, ask string) (string, error) {
	reason, err := plain.Text(typed, 500)
	if err != nil || len(reason) < 10 {
		return "", fault.Field("reason", ask)
	}
	return reason, nil
}

// A FactorReset is the removal of a lost second factor, under way.
type FactorReset struct {
	ID   id.FactorReset
	User id.User
	Name string // of the user
	TwoWords
}

const resetColumns = `
	SELECT r.id, r.user_id AS "user", u.name, ` + TwoWordsColumns + `
	FROM factor_resets r JOIN users u ON u.id = r.user_id JOIN staff s ON s.id = r.started_by LEFT JOIN staff p ON p.id = r.approved_by
	WHERE r.state = 'open' AND r.credentials = u.credentials AND u.status <> 'deleted'`

// OpenReset reads the removal that is under way for a user, if there is one.
// Every change of what proves her ends it: she has her factor after all.
func OpenReset(tx *db.Tx, u id.User) (r FactorReset, err error) {
	r, err = db.One[FactorReset](tx, resetColumns+" AND r.user_id = $1", u)
	if errors.Is(err, db.ErrNone) {
		return FactorReset{}, nil
	}
	return r, err
}

// FactorsOf counts a user's second factors, for operators.

var errNoReset = fault.New(fault.Conflict, "no-reset", "Nothing is under way for this user any more. Reload the page.")

// StartReset begins the removal of a user's second factor. by is the operator
// who asks; another one has to agree.
func (a *Auth) StartReset(tx *db.Tx, u user.User, staff id.Staff, by audit.Actor, reason string) error {
	reason, err := ParseReason(reason, "Say in a sentence how you made sure that it is this user. Other operators read it, and the log keeps it.")
	if err != nil {
		return err
	}
	f, err := factorsOf(tx, u.ID)
	if err != nil {
		return err
	}
	if !f.Any() {
		return fault.New(fault.Conflict, "no-factor", "This user has no second factor.")
	}
	if _, err := db.Exec(tx, "UPDATE factor_resets SET state = 'withdrawn', closed_at = $2 WHERE user_id = $1 AND state = 'open' AND credentials <> $3", u.ID, tx.Now, u.Credentials); err != nil {
		return err
	}
	token, hash := NewToken()
	number, err := db.One[id.FactorReset](tx, `
		INSERT INTO factor_resets (user_id, reason, started_by, stop_hash, credentials, created_at, ready_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`, u.ID, reason, staff, hash, u.Credentials, tx.Now, tx.Now.Add(ResetDelay))
	if db.Exists(err) {
		return fault.New(fault.Conflict, "reset-open", "A removal is under way for this user already.")
	}
	if err != nil {
		return err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "factor_reset.started", Object: "factor_reset", ObjectID: int64(number), Subject: u.ID, After: map[string]string{"reason": reason}}); err != nil {
		return err
	}
	return a.send(tx, u.ID, mail.Message{
		Kind: "factor-reset", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language, Subject: locale.T("Your second factor is going to be removed"),
		Lines: []locale.Text{
			locale.T("You, or somebody who says to be you, has told {brand} that the second factor of your login is lost. After {time} it can be removed, if a second person at {brand} agrees.",
				"brand", a.settings.Brand(), "time", tx.Now.Add(ResetDelay)),
		},
		Action:  mail.Action{Label: locale.T("Stop this: I have not asked for it"), URL: a.baseURL + "/factor-reset/" + token},
		Closing: []locale.Text{locale.T("If it was you, wait until then. Signing in with your second factor and removing it yourself is possible at any time.")},
	})
}

// ApproveReset is the second operator's word.
func (a *Auth) ApproveReset(tx *db.Tx, u user.User, staff id.Staff, by audit.Actor) error {
	r, err := OpenReset(tx, u.ID)
	if err != nil {
		return err
	}
	if r.ID == 0 {
		return errNoReset
	}
	if err := r.MayAgree(staff); err != nil {
		return err
	}
	n, err := db.Exec(tx, "UPDATE factor_resets SET approved_by = $2, approved_at = $3 WHERE id = $1 AND state = 'open' AND approved_by IS NULL", r.ID, staff, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return errNoReset
	}
	if err := audit.Write(tx, by, audit.Record{Event: "factor_reset.approved", Object: "factor_reset", ObjectID: int64(r.ID), Subject: u.ID}); err != nil {
		return err
	}
	return a.tellBy(tx, u, locale.T("A second person has agreed that the second factor of your login at {brand} is removed. That can be done after {time}.", "brand", a.settings.Brand(), "time", r.ReadyAt))
}

func (a *Auth) tellBy(tx *db.Tx, u user.User, line locale.Text) error {
	return a.tell(tx, u.ID, notice{kind: "factor-reset", subject: locale.T("About your second factor"), line: line}, Request{Agent: "the staff of " + a.settings.Brand()})
}

// WithdrawReset ends a removal by an operator.
func (a *Auth) WithdrawReset(tx *db.Tx, u user.User, by audit.Actor) error {
	r, err := OpenReset(tx, u.ID)
	if err == nil && r.ID == 0 {
		err = errNoReset
	}
	if err != nil {
		return err
	}
	if err := closeReset(tx, r.ID, "withdrawn"); err != nil {
		return err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "factor_reset.withdrawn", Object: "factor_reset", ObjectID: int64(r.ID), Subject: u.ID}); err != nil {
		return err
	}
	return a.tellBy(tx, u, locale.T("The second factor of your login at {brand} stays: its removal was given up.", "brand", a.settings.Brand()))
}

func closeReset(tx *db.Tx, r id.FactorReset, state string) error {
	n, err := db.Exec(tx, "UPDATE factor_resets SET state = $2, closed_at = $3 WHERE id = $1 AND state = 'open'", r, state, tx.Now)
	if err == nil && n == 0 {
		return errNoReset
	}
	return err
}

// CompleteReset removes the second factor of a user, once the time has passed
// and two operators have said so.
func (a *Auth) CompleteReset(tx *db.Tx, u user.User, by audit.Actor) error {
	r, err := OpenReset(tx, u.ID)
	if err != nil {
		return err
	}
	if r.ID == 0 {
		return errNoReset
	}
	if err := r.MayComplete(tx.Now); err != nil {
		return err
	}
	if err := hold(tx, u.ID, u.Credentials, errNoReset); err != nil {
		return err
	}
	if err := closeReset(tx, r.ID, "done"); err != nil {
		return err
	}
	for _, table := range []string{"passkeys", "authenticators", "recovery_codes"} {
		if _, err := db.Exec(tx, "DELETE FROM "+table+" WHERE user_id = $1", u.ID); err != nil {
			return err
		}
	}
	if err := noteFactors(tx, u.ID); err != nil {
		return err
	}
	if err := a.changed(tx, u.ID, 0); err != nil {
		return err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "factor_reset.done", Object: "factor_reset", ObjectID: int64(r.ID), Subject: u.ID}); err != nil {
		return err
	}
	return a.tellBy(tx, u, locale.T("The second factor of your login at {brand} was removed. Sign in with your password, and set up a new one.", "brand", a.settings.Brand()))
}

var errStop = fault.New(fault.Gone, "factor-reset", "This link has been used, or what it stops is over already. If your second factor is gone and you did not want that, tell the operator at once.")

func findStop(tx *db.Tx, token string) (FactorReset, error) {
	r, err := db.One[FactorReset](tx, resetColumns+" AND r.stop_hash = $1", HashToken(token))
	if errors.Is(err, db.ErrNone) {
		return r, errStop
	}
	return r, err
}

// OpenStop finds what a mailed link stops, and stops nothing.
func (a *Auth) OpenStop(ctx context.Context, token string) (err error) {
	defer fault.Wrap(&err, "auth.OpenStop")
	return a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := findStop(tx, token)
		return err
	})
}

// StopReset ends a removal by the person whose factor it is.
func (a *Auth) StopReset(ctx context.Context, token string, r Request) (err error) {
	defer fault.Wrap(&err, "auth.StopReset")
	return a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		found, err := findStop(tx, token)
		if err != nil {
			return err
		}
		if err := closeReset(tx, found.ID, "stopped"); err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(found.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		return audit.Write(tx, by, audit.Record{Event: "factor_reset.stopped", Object: "factor_reset", ObjectID: int64(found.ID), Subject: found.User})
	})
}

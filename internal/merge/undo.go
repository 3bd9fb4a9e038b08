package merge

import (
	"context"
	"errors"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// A Done is a login that was brought into another and can be taken out again.
type Done struct {
	ID        id.Merge
	KeepID    id.User
	OtherID   id.User
	Name      string
	Address   mail.Address
	Language  string
	DoneAt    time.Time
	UndoUntil time.Time
}

const doneColumns = `
	SELECT m.id, m.keep_id, m.other_id, u.name, u.address, u.language, m.done_at, m.undo_until FROM merges m JOIN users u ON u.id = m.other_id
	WHERE m.state = 'done' AND m.undo_until > $2 AND m.done_at <= $2`

// Mine lists the logins that were brought into the person's own and can be
// taken out again, the last first.
func (v *Merges) Mine(ctx context.Context, i auth.Identity) (list []Done, err error) {
	defer fault.Wrap(&err, "merge.Mine(%d)", i.User())
	err = v.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = db.All[Done](tx, doneColumns+" AND m.keep_id = $1 ORDER BY m.id DESC", i.User(), tx.Now)
		return err
	})
	return list, err
}

// errLater keeps undoing in order: what came later may rest on what came first.
var errLater = fault.New(fault.Conflict, "merge-later", "Another login was brought in after this one. Take that one out first.")

// Undo takes a login out of the person's own again. It comes back with the
// password and the factors that it had, and both with what they had before, as
// far as nobody has taken it since.
func (v *Merges) Undo(ctx context.Context, i auth.Identity, number id.Merge) (err error) {
	defer fault.Wrap(&err, "merge.Undo(%d, %d)", i.User(), number)
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := db.All[Done](tx, doneColumns+" AND m.keep_id = $1 ORDER BY m.id DESC", i.User(), tx.Now)
		if err != nil {
			return err
		}
		for n, d := range list {
			switch {
			case d.ID != number:
				continue
			case n > 0:
				return errLater
			}
			if err := v.undo(tx, d, i.Actor()); err != nil {
				return err
			}
			return v.tellUndone(tx, d)
		}
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM merges WHERE id = $1 AND keep_id = $2 AND done_at IS NOT NULL", number, i.User())
		if err == nil && n == 0 {
			return fault.Missing()
		}
		return errors.Join(err, errNoMerge)
	})
}

// undo takes a login out of another one.
func (v *Merges) undo(tx *db.Tx, d Done, by audit.Actor) error {
	parts, err := db.All[access.Part](tx, "SELECT account_id, kind, row_id, before, after FROM merge_parts WHERE merge_id = $1 ORDER BY account_id, id", d.ID)
	if err != nil {
		return err
	}
	if err := v.memberships.LockParted(tx, d.KeepID, d.OtherID, parts); err != nil {
		return err
	}
	n, err := db.Exec(tx, "UPDATE merges SET state = 'undone', closed_at = $2 WHERE id = $1 AND state = 'done'", d.ID, tx.Now)
	if err == nil && n == 0 {
		err = errNoMerge
	}
	if err != nil {
		return err
	}
	if err := v.auth.Reopen(tx, d.OtherID); err != nil {
		return err
	}
	if err := v.memberships.Part(tx, by, d.KeepID, d.OtherID, parts); err != nil {
		return err
	}
	for _, table := range []string{"formers", "merge_parts"} {
		if _, err := db.Exec(tx, "DELETE FROM "+table+" WHERE merge_id = $1", d.ID); err != nil {
			return err
		}
	}
	event, subject := "user.unmerged", d.OtherID
	if id.User(by.ID) == d.OtherID {
		event, subject = "user.released", d.KeepID
	}
	return audit.Write(tx, by, audit.Record{Event: event, Object: "user", ObjectID: int64(d.OtherID), Subject: subject})
}

// tellUndone tells the login that is back.
func (v *Merges) tellUndone(tx *db.Tx, d Done) error {
	_, err := v.outbox.Send(tx, mail.Message{
		Kind: "unmerged", Class: mail.Urgent, To: d.Address, User: d.OtherID, Language: d.Language, Subject: locale.T("Your login is on its own again"),
		Lines: []locale.Text{locale.T("Your login at {brand} with this address was taken out of the one that it had been brought into. It signs you in as before, and opens what it did, as far as nobody has changed that since.",
			"brand", v.settings.Brand())},
		Action: mail.Action{Label: locale.T("Sign in"), URL: v.baseURL + "/signin"},
	})
	return err
}

// release takes a login out of the one that it was brought into, where somebody
// with its mailbox says that it was not she.
func (v *Merges) release(tx *db.Tx, u id.User, by audit.Actor) error {
	list, err := db.All[Done](tx, doneColumns+" AND m.other_id = $1", u, tx.Now)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := v.undo(tx, d, by); err != nil {
			return err
		}
	}
	_, err = db.Exec(tx, "UPDATE merges SET state = 'stopped', closed_at = $2 WHERE state = 'asked' AND (keep_id = $1 OR other_id = $1)", u, tx.Now)
	return err
}

// forget deletes, with a login, those that were brought into it, and what staff
// have written about it. The other rooms forget all that ever became part of
// it: she was each of them.
func (v *Merges) forget(tx *db.Tx, person user.User, by audit.Actor) error {
	list, err := db.All[Done](tx, doneColumns+" AND m.keep_id = $1", person.ID, tx.Now)
	if err != nil {
		return err
	}
	former, err := db.All[id.User](tx, "SELECT former_id FROM formers WHERE user_id = $1 ORDER BY former_id", person.ID)
	if err != nil {
		return err
	}
	for _, u := range former {
		if err := v.memberships.Forget(tx, u, by); err != nil {
			return err
		}
	}
	for _, d := range list {
		if err := finish(tx, d, by); err != nil {
			return err
		}
	}
	_, err = db.Exec(tx, `
		UPDATE merges SET reason = '', state = CASE WHEN state = 'asked' THEN 'stopped' ELSE state END, closed_at = COALESCE(closed_at, $2)
		WHERE keep_id = $1 OR other_id = $1`, person.ID, tx.Now)
	return err
}

// finish makes it final: the login that was brought in is deleted, with what
// proved it. Its number goes on naming, in records, who it became.
func finish(tx *db.Tx, d Done, by audit.Actor) error {
	n, err := db.Exec(tx, "UPDATE merges SET state = 'final', reason = '', closed_at = $2 WHERE id = $1 AND state = 'done'", d.ID, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	person, err := user.Ever(tx, d.OtherID)
	if err != nil {
		return err
	}
	if person.Status != user.Deleted { // a restore may have deleted it before
		err = auth.EraseQuietly(tx, person, by)
	}
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE users SET name = $2 WHERE id = $1", d.OtherID, "User "+id.String(d.OtherID)+", now user "+id.String(d.KeepID)); err != nil {
		return err
	}
	_, err = db.Exec(tx, "DELETE FROM merge_parts WHERE merge_id = $1", d.ID)
	return err
}

// Sweep makes final what can be undone no more, and ends what nobody has
// agreed to in time.
func (v *Merges) Sweep(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "merge.Sweep")
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if _, err := db.Exec(tx, "UPDATE merges SET state = 'expired', closed_at = $1 WHERE state = 'asked' AND expires_at <= $1", tx.Now); err != nil {
			return err
		}
		list, err := db.All[Done](tx, `
			SELECT m.id, m.keep_id, m.other_id, u.name, u.address, u.language, m.done_at, m.undo_until FROM merges m JOIN users u ON u.id = m.other_id
			WHERE m.state = 'done' AND m.undo_until <= $1 ORDER BY m.id LIMIT 100`, tx.Now)
		for _, d := range list {
			if err := finish(tx, d, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}); err != nil {
				return err
			}
		}
		return err
	})
}

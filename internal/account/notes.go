package account

import (
	"context"
	"errors"
	"maps"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// noteLength is how long a note may be.
const noteLength = 10_000

// A TypedNote is a note as somebody typed it. Seen is the stamp of the text
// that she had before her eyes.
type TypedNote struct {
	Text   string
	Sticky bool
	Seen   string
}

// Stamp tells one state of a note from another.
func (n Note) Stamp() string {
	return auth.HashToken(n.Text + "\x00" + yes(n.Sticky))[:16]
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

const noteColumns = "SELECT id, account_id, text, sticky, author, created_at, changed_at FROM account_notes WHERE account_id = $1"

// Note reads one note, for staff.
func (as *Accounts) Note(ctx context.Context, by access.For[access.ManageProfile], number id.Note) (n Note, err error) {
	defer fault.Wrap(&err, "account.Note(%d, %d)", by.Account(), number)
	if err := staffOnly(by); err != nil {
		return n, err
	}
	err = by.Peek(ctx, func(tx *db.Tx) error {
		n, err = findNote(tx, by.Account(), number)
		return err
	})
	return n, err
}

func findNote(tx *db.Tx, a id.Account, number id.Note) (Note, error) {
	n, err := db.One[Note](tx, noteColumns+" AND id = $2", a, number)
	if errors.Is(err, db.ErrNone) {
		return n, fault.Missing()
	}
	return n, err
}

// staffOnly keeps everybody else away from what only staff see.
func staffOnly(by interface{ Staff() id.Staff }) error {
	if by.Staff() == 0 {
		return fault.New(fault.Denied, "staff-only", "Only the operator can see this.")
	}
	return nil
}

// AddNote writes a note, in the operator's name.
func (as *Accounts) AddNote(ctx context.Context, by access.For[access.ManageProfile], t TypedNote) (err error) {
	defer fault.Wrap(&err, "account.AddNote(%d)", by.Account())
	return as.noting(ctx, by, &t, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		number, err := db.One[id.Note](tx, `
			INSERT INTO account_notes (account_id, text, sticky, author, created_at, changed_at)
			SELECT $1, $2, $3, name, $5, $5 FROM staff WHERE id = $4 RETURNING id`, by.Account(), t.Text, t.Sticky, by.Staff(), tx.Now)
		if err != nil {
			return err
		}
		return noteRecord(tx, by, "note.added", number, nil, nil)
	})
}

// ChangeNote changes a note. Where somebody else has changed it meanwhile, the
// operator is told instead of overwriting it.
func (as *Accounts) ChangeNote(ctx context.Context, by access.For[access.ManageProfile], number id.Note, t TypedNote) (err error) {
	defer fault.Wrap(&err, "account.ChangeNote(%d, %d)", by.Account(), number)
	return as.noting(ctx, by, &t, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		old, err := findNote(tx, by.Account(), number)
		if err != nil {
			return err
		}
		if t.Seen != "" && t.Seen != old.Stamp() {
			return errMeanwhile
		}
		if _, err := db.Exec(tx, "UPDATE account_notes SET text = $3, sticky = $4, changed_at = $5 WHERE account_id = $1 AND id = $2", by.Account(), number, t.Text, t.Sticky, tx.Now); err != nil {
			return err
		}
		before, after := old.changes(t)
		return noteRecord(tx, by, "note.changed", number, before, after)
	})
}

// RemoveNote removes a note for good.
func (as *Accounts) RemoveNote(ctx context.Context, by access.For[access.ManageProfile], number id.Note) (err error) {
	defer fault.Wrap(&err, "account.RemoveNote(%d, %d)", by.Account(), number)
	if err := staffOnly(by); err != nil {
		return err
	}
	return by.WriteClosed(ctx, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		if _, err := findNote(tx, by.Account(), number); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "DELETE FROM account_notes WHERE account_id = $1 AND id = $2", by.Account(), number); err != nil {
			return err
		}
		return noteRecord(tx, by, "note.removed", number, nil, nil)
	})
}

// noting reads what was typed, and writes it behind the account's lock. Staff
// note down what they have to about closed accounts too.
func (as *Accounts) noting(ctx context.Context, by access.For[access.ManageProfile], t *TypedNote, fn func(tx *db.Tx, by access.For[access.ManageProfile]) error) error {
	if err := staffOnly(by); err != nil {
		return err
	}
	text, err := plain.Text(t.Text, noteLength)
	if err == nil && text == "" {
		err = fault.New(fault.Invalid, "empty", "Write something.")
	}
	var f fault.Form
	if f.Take("text", err); f.Err() != nil {
		return f.Err()
	}
	t.Text = text
	return by.WriteClosed(ctx, fn)
}

// noteRecord writes into the log what happened to a note. It names the account
// in what it says and not as the account that it belongs to: the account's
// people read their log, and notes are none of theirs.
func noteRecord(tx *db.Tx, by access.For[access.ManageProfile], event string, number id.Note, before, after map[string]string) error {
	said := map[string]string{"account": id.String(by.Account())}
	maps.Copy(said, after)
	r := audit.Record{Event: event, Object: "note", ObjectID: int64(number), After: said}
	if len(before) > 0 {
		r.Before = before
	}
	return audit.Write(tx, by.Actor(), r)
}

// changes is what differs. What a note says is not kept: who removes one is
// told that it is gone for good.
func (n Note) changes(t TypedNote) (before, after map[string]string) {
	before, after = differing([]string{"sticky"}, []string{yes(n.Sticky)}, []string{yes(t.Sticky)})
	if n.Text != t.Text {
		after["text"] = "changed"
	}
	return before, after
}

// errMeanwhile is the answer to a form whose object somebody else has changed.
var errMeanwhile = fault.New(fault.Conflict, "changed-meanwhile", "Somebody else changed this while you were editing. Look at it again and repeat your change.")

// A Change is something that was saved of an account, and by whom.
type Change struct {
	At   time.Time
	Who  string
	What string // "changed the account's details: city (empty) → “Kiel”"
}

// Meanwhiles tells staff what was done to the account ("account"), or to one of
// its notes or contacts, since a form was opened, and by whom. The caller has
// read what the number is of by the same proof.
func (as *Accounts) Meanwhiles(ctx context.Context, by holder, object string, number int64, opened time.Time) (list []Change, err error) {
	defer fault.Wrap(&err, "account.Meanwhiles(%d, %s, %d)", by.Account(), object, number)
	if err := staffOnly(by); err != nil {
		return nil, err
	}
	err = as.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		entries, err := audit.Since(tx, object, number, opened)
		list = nil
		for _, e := range entries {
			list = append(list, Change{e.At, e.Actor(), e.Words()})
		}
		return err
	})
	return list, err
}

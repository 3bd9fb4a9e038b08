// Package merge brings the logins of one person together. After an upgrade she
// may have several: she signs in to the one that she keeps and shows the other
// completely, or staff ask for it and she agrees with both. Memberships, grants
// and history move to the one that she keeps, the other is closed, and nothing
// is widened. For seven days it can be undone; then the other login is deleted.
package merge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
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

// How long both sides can agree to what staff have asked for, and how long what
// was done can be undone.
const (
	AskLife  = 7 * 24 * time.Hour
	UndoLife = 7 * 24 * time.Hour
)

// Merges brings logins together, and apart again.
type Merges struct {
	db          *db.DB
	auth        *auth.Auth
	memberships *access.Memberships
	outbox      *mail.Outbox
	baseURL     string
	settings    *setting.Settings
}

// New makes Merges. A login that is taken back from a stranger is taken out of
// the one that it was brought into, and one that is deleted takes along those
// that were brought into it.
func New(d *db.DB, a *auth.Auth, m *access.Memberships, o *mail.Outbox, baseURL string, set *setting.Settings) *Merges {
	v := &Merges{db: d, auth: a, memberships: m, outbox: o, baseURL: baseURL, settings: set}
	a.WhenLocked(v.release)
	m.WhenErased(v.forget)
	return v
}

// A Plan is what bringing one login into another would do.
type Plan struct {
	Keep, Other user.User
	Joinings    []access.Joining
	Invitations int64 // open ones to the other's address, which stay with it
	Digest      string
	Problem     string // why it cannot be done yet; empty where it can
	Half        bool   // it tells of one of the two logins only
}

// half is what somebody may read of a plan who has shown one of the two logins
// only. Who gives hers away reads what she gives, and to whom. Who would get it
// reads nothing of what the other one opens, not even where both of them are in.
func (p Plan) half(mine id.User) Plan {
	h := Plan{Keep: p.Keep, Other: p.Other, Digest: shown(p, mine), Half: true}
	if mine == p.Keep.ID {
		return h
	}
	h.Invitations = p.Invitations
	for _, j := range p.Joinings {
		h.Joinings = append(h.Joinings, access.Joining{Account: j.Account, Name: j.Name, Gate: j.Gate, Theirs: j.Theirs})
	}
	return h
}

// shown tells whether what one of the two logins was in when its person agreed
// is what it is in now.
func shown(p Plan, mine id.User) string {
	var b strings.Builder
	for _, j := range p.Joinings {
		m := j.Theirs
		if mine == p.Keep.ID {
			m = j.Mine
		}
		if m.ID != 0 {
			fmt.Fprintf(&b, "\n%d %s", j.Account, line(m))
		}
	}
	return sum(fmt.Sprintf("%d of %d %d%s", mine, p.Keep.ID, p.Other.ID, b.String()))
}

var (
	errBusy    = fault.New(fault.Conflict, "merge-busy", "One of these two logins cannot sign in any more, or has just been brought together with another one. Nothing was changed.")
	errMoved   = fault.New(fault.Conflict, "merge-moved", "What moves has just changed. Look at it once more, and confirm that.")
	errNoMerge = fault.New(fault.Gone, "merge", "This was withdrawn, stopped or done already, or is too old.")
)

// problem says why two logins cannot be brought together now. They are told to
// somebody who has shown both.
func problem(tx *db.Tx, keep, other user.User) (string, error) {
	type row struct{ Kept, Moved int64 }
	bare, err := loses(tx, keep, other)
	if err != nil {
		return "", err
	}
	r, err := db.One[row](tx, `
		SELECT (SELECT COUNT(*) FROM merges WHERE keep_id = $1 AND state = 'done') AS kept,
			(SELECT COUNT(*) FROM address_changes WHERE user_id = $1 AND done_at IS NOT NULL AND undone_at IS NULL AND undo_until > $2) AS moved`, other.ID, tx.Now)
	switch {
	case err != nil:
		return "", err
	case keep.ID == other.ID:
		return "This is one and the same login.", nil
	case keep.Status != user.Active || other.Status != user.Active:
		return "One of the two logins cannot sign in.", nil
	case !keep.VerifiedAt.Valid:
		return "The address " + keep.Address.String() + " is not confirmed yet. Set a new password for it by mail, which confirms it, and come back.", nil
	case !other.VerifiedAt.Valid:
		return "The address " + other.Address.String() + " is not confirmed yet. Set a new password for it by mail, which confirms it, and come back.", nil
	case r.Kept > 0:
		return "Another login was brought into " + other.Address.String() + " less than seven days ago. Wait until that is final, or keep that login.", nil
	case bare:
		return "The login " + other.Address.String() + " has a second factor, and " + keep.Address.String() + " has none: a password alone would open then what it takes both to open now. Set one up for the login that you keep, under Security, and come back.", nil
	case r.Moved > 0:
		return "The address of the login " + other.Address.String() + " was changed less than seven days ago, and the old address can still take it back. Wait until then, or keep that login.", nil
	}
	return "", nil
}

// loses reports whether what a second factor guards would be guarded by a
// password alone.
func loses(tx *db.Tx, keep, other user.User) (bool, error) {
	theirs, err := auth.FactorsOf(tx, auth.Person(other.ID))
	if err != nil || !theirs.Any() {
		return false, err
	}
	mine, err := auth.FactorsOf(tx, auth.Person(keep.ID))
	return !mine.Any(), err
}

// plan works out what would happen. The transaction sees everything.
func plan(tx *db.Tx, keepID, otherID id.User) (p Plan, err error) {
	if p.Keep, err = user.ByID(tx, keepID); err == nil {
		p.Other, err = user.ByID(tx, otherID)
	}
	if errors.Is(err, db.ErrNone) {
		return p, errBusy
	}
	if err != nil {
		return p, err
	}
	if p.Problem, err = problem(tx, p.Keep, p.Other); err != nil {
		return p, err
	}
	if p.Joinings, err = access.Joinings(tx, keepID, otherID); err != nil {
		return p, err
	}
	for _, j := range p.Joinings {
		if p.Problem == "" && j.Blocked != "" {
			p.Problem = j.Name + ": " + j.Blocked
		}
	}
	p.Invitations, err = db.One[int64](tx, "SELECT COUNT(*) FROM invitations WHERE address = $1 AND state = 'pending' AND expires_at > $2", p.Other.Address, tx.Now)
	p.Digest = digest(p)
	return p, err
}

// digest tells whether what was shown is what is confirmed.
func digest(p Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d", p.Keep.ID, p.Other.ID)
	for _, j := range p.Joinings {
		fmt.Fprintf(&b, "\n%d %d %d %s", j.Account, j.Theirs.ID, j.Mine.ID, line(j.After))
	}
	return sum(b.String())
}

// line is all that a membership gives, in one line.
func line(m access.Member) string {
	return fmt.Sprintf("%d %t %s %d %d %s %s", m.ID, m.Owner, m.Role, m.RoleID.V, m.Permissions, m.Status, ends(m))
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func ends(m access.Member) string {
	if !m.EndsAt.Valid {
		return ""
	}
	return m.EndsAt.V.UTC().Format(time.RFC3339Nano)
}

// Plan reads what would happen with the login that was shown in a session.
func (v *Merges) Plan(ctx context.Context, i auth.Identity, token string) (p Plan, err error) {
	defer fault.Wrap(&err, "merge.Plan(%d)", i.User())
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := v.auth.LookAnother(tx, i, token)
		if err != nil {
			return err
		}
		p, err = plan(tx, i.User(), o.User)
		return err
	})
	return p, err
}

// Confirm brings the login that was shown in a session into the one of the
// session, if it is what she was shown that happens.
func (v *Merges) Confirm(ctx context.Context, i auth.Identity, token, digest string) (in auth.SignedIn, err error) {
	defer fault.Wrap(&err, "merge.Confirm(%d)", i.User())
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := v.auth.LookAnother(tx, i, token)
		if err != nil {
			return err
		}
		locked, err := v.memberships.LockJoined(tx, i.User(), o.User)
		if err != nil {
			return err
		}
		if err := v.auth.TakeAnother(tx, i, token); err != nil {
			return err
		}
		number, err := db.One[id.Merge](tx, `
			INSERT INTO merges (keep_id, other_id, state, created_at, expires_at, done_at) VALUES ($1, $2, 'done', $3, $3, $3) RETURNING id`, i.User(), o.User, tx.Now)
		if db.Exists(err) {
			err = errBusy
		}
		if err != nil {
			return err
		}
		in, err = v.join(tx, i, number, i.User(), o.User, locked, digest)
		return err
	})
	return in, err
}

// join does it, behind the locks. Both logins have been shown by now.
func (v *Merges) join(tx *db.Tx, i auth.Identity, number id.Merge, keep, other id.User, locked []id.Account, shown string) (in auth.SignedIn, err error) {
	p, err := plan(tx, keep, other)
	switch {
	case err != nil:
		return in, err
	case p.Problem != "":
		return in, fault.New(fault.Conflict, "merge-problem", p.Problem)
	case p.Digest != shown:
		return in, errMoved
	}
	by := audit.Actor{Kind: audit.User, ID: int64(keep), Via: audit.ViaSelf, Request: i.Request().ID, Network: i.Request().Network}
	parts, err := v.memberships.Join(tx, by, keep, other, locked)
	if err != nil {
		return in, err
	}
	for _, part := range parts {
		if _, err := db.Exec(tx, "INSERT INTO merge_parts (merge_id, account_id, kind, row_id, before, after) VALUES ($1, $2, $3, $4, $5, $6)",
			number, part.AccountID, part.Kind, part.RowID, part.Before, part.After); err != nil {
			return in, err
		}
	}
	if err := v.auth.CloseInto(tx, other, keep); err != nil {
		return in, err
	}
	if err := v.takeOver(tx, number, keep, other); err != nil {
		return in, err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "user.merged", Object: "user", ObjectID: int64(other), Subject: other}); err != nil {
		return in, err
	}
	return v.auth.Grow(tx, i, p.Keep, p.Other)
}

// takeOver notes that it is done, and whose history is hers from now on. What
// was asked for with the closed login is over.
func (v *Merges) takeOver(tx *db.Tx, number id.Merge, keep, other id.User) error {
	for _, s := range []struct {
		statement string
		args      []any
	}{
		{"UPDATE merges SET state = 'stopped', closed_at = $3 WHERE state = 'asked' AND id <> $4 AND (keep_id IN ($1, $2) OR other_id IN ($1, $2))", []any{keep, other, tx.Now, number}},
		{"UPDATE merges SET state = 'done', done_at = $2, closed_at = $2, undo_until = $3, keep_hash = NULL, other_hash = NULL WHERE id = $1", []any{number, tx.Now, tx.Now.Add(UndoLife)}},
		{"INSERT INTO formers (user_id, former_id, merge_id) SELECT $1, former_id, $3 FROM formers WHERE user_id = $2", []any{keep, other, number}},
		{"INSERT INTO formers (user_id, former_id, merge_id) VALUES ($1, $2, $3)", []any{keep, other, number}},
	} {
		if _, err := db.Exec(tx, s.statement, s.args...); err != nil {
			return err
		}
	}
	return nil
}

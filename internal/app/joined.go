package app

import (
	"fmt"

	"clientele/internal/db"
	"clientele/internal/id"
)

// A login that was brought into another one after the backup, or taken out
// again, is neither gone nor back: what it could do is somebody else's since.

// succeeded holds for a membership which ended in favour of another one that,
// where it went on, was still there at the end. A restore that does not repeat
// the merge does not end it either.
func succeeded(more string) string {
	return ` o.ended_why = 'merged' AND EXISTS (SELECT 1 FROM old_memberships w WHERE w.account_id = memberships.account_id AND w.status <> 'ended'` + more + `
		AND (w.user_id = memberships.user_id OR w.user_id IN (SELECT g.keep_id FROM old_merges g WHERE g.other_id = memberships.user_id AND g.state IN ('done', 'final'))))`
}

// unmerge takes out again who was taken out since, the last first, and makes
// final what became final.
func (e *ending) unmerge(tx *db.Tx) error {
	const since = "SELECT m.id FROM merges m JOIN old_merges o ON o.id = m.id AND o.created_at = m.created_at WHERE m.state = 'done' AND o.state = $1 ORDER BY m.id DESC"
	undone, err := db.All[id.Merge](tx, since, "undone")
	if err != nil {
		return err
	}
	for _, m := range undone {
		if err := e.app.Merges.UndoAgain(tx, m, bySystem); err != nil {
			return err
		}
	}
	e.did(int64(len(undone)), "%d logins that were taken out of others are on their own again.")
	final, err := db.All[id.Merge](tx, since, "final")
	for _, m := range final {
		if err == nil {
			err = e.app.Merges.FinishAgain(tx, m, bySystem)
		}
	}
	return err
}

// rejoin sees to the people who are deleted because their login became part of
// another one for good: it gives the other one what they had, and returns those
// who are to be deleted without that.
func (e *ending) rejoin(tx *db.Tx, deleted []id.User) (rest []id.User, err error) {
	into, err := finals(tx)
	if err != nil {
		return nil, err
	}
	joined := 0
	for _, other := range deleted {
		keep := into.end(other)
		gone, err := db.One[bool](tx, "SELECT EXISTS (SELECT 1 FROM old_users WHERE id = $1 AND status = 'deleted')", keep)
		if err != nil {
			return nil, err
		}
		if keep == other || gone {
			rest = append(rest, other)
			continue
		}
		there, err := db.One[bool](tx, "SELECT EXISTS (SELECT 1 FROM users u JOIN old_users o ON o.id = u.id AND o.created_at = u.created_at WHERE u.id = $1 AND u.status <> 'deleted')", keep)
		if err != nil {
			return nil, err
		}
		if !there {
			if err := e.orphan(tx, other, keep); err != nil {
				return nil, err
			}
			continue
		}
		if err := e.join(tx, keep, other); err != nil {
			return nil, err
		}
		joined++
	}
	e.did(int64(joined), "%d logins that had become part of others are part of them again.")
	return rest, nil
}

// finally is which login another one has become part of for good.
type finally map[id.User]id.User

func finals(tx *db.Tx) (finally, error) {
	type row struct{ OtherID, KeepID id.User }
	list, err := db.All[row](tx, "SELECT other_id, keep_id FROM old_merges WHERE state = 'final'")
	into := finally{}
	for _, r := range list {
		into[r.OtherID] = r.KeepID
	}
	return into, err
}

// end follows a login to the one that it is now.
func (f finally) end(u id.User) id.User {
	for range f {
		keep, ok := f[u]
		if !ok {
			break
		}
		u = keep
	}
	return u
}

// join moves what a login could do to the one that it became part of, row by
// row as it was where it went on, and closes it.
func (e *ending) join(tx *db.Tx, keep, other id.User) error {
	// Where the other has no access any more, nothing of it comes back this way.
	still := " AND EXISTS (SELECT 1 FROM old_memberships w WHERE w.account_id = memberships.account_id AND w.user_id = $1 AND w.status <> 'ended')"
	owner := "owner AND EXISTS (SELECT 1 FROM old_memberships w WHERE w.account_id = memberships.account_id AND w.user_id = $1 AND w.status <> 'ended' AND w.owner)"
	if e.restore.BringBack {
		still, owner = "", "owner"
	}
	const end = "UPDATE memberships SET status = 'ended', owner = FALSE, ended_at = $2, ended_why = 'merged' WHERE status <> 'ended' AND user_id = $1"
	for _, s := range []struct {
		statement string
		args      []any
	}{
		// The kept login's own, where the one that was brought in took its place.
		{end + ` AND EXISTS (SELECT 1 FROM old_memberships o WHERE o.id = memberships.id AND o.created_at = memberships.created_at AND o.ended_why = 'merged')
			AND EXISTS (SELECT 1 FROM memberships v JOIN old_memberships o ON o.id = v.id AND o.created_at = v.created_at
				WHERE v.account_id = memberships.account_id AND v.user_id = $3 AND v.status <> 'ended' AND o.status <> 'ended')`, []any{keep, tx.Now, other}},
		{"UPDATE memberships SET user_id = $1, owner = " + owner + ` WHERE status <> 'ended' AND user_id = $2
			AND NOT EXISTS (SELECT 1 FROM memberships k WHERE k.account_id = memberships.account_id AND k.user_id = $1 AND k.status <> 'ended')` + still, []any{keep, other}},
		{end, []any{other, tx.Now}},
	} {
		if _, err := db.Exec(tx, s.statement, s.args...); err != nil {
			return err
		}
	}
	return e.app.Merges.JoinAgain(tx, keep, other, bySystem)
}

// orphan keeps a login whose person is not in the backup with the one that she
// kept: she would have none. It opens nothing before an operator has looked.
func (e *ending) orphan(tx *db.Tx, other, keep id.User) error {
	why := "This login had become part of user " + id.String(keep) + ", who came after the backup that was restored."
	if _, err := db.Exec(tx, "UPDATE users SET status = 'suspended', suspended_at = $2, suspended_why = $3 WHERE id = $1 AND status = 'active'", other, tx.Now, why); err != nil {
		return err
	}
	e.out.Look = append(e.out.Look, fmt.Sprintf("User %s had become part of user %s, who is not in the backup, and is suspended: make sure who asks for it, and let them sign in again in the staff area.", id.String(other), id.String(keep)))
	return nil
}

// apart lists the logins that had been brought into others since, and could
// still have been taken out: they are as in the backup.
func (e *ending) apart(tx *db.Tx) error {
	type row struct{ ID, Heir id.User }
	list, err := db.All[row](tx, `SELECT u.id, o.merged_into AS heir FROM users u JOIN old_users o ON o.id = u.id AND o.created_at = u.created_at
		WHERE o.status = 'suspended' AND o.merged_into IS NOT NULL AND u.merged_into IS NULL AND u.status <> 'deleted' ORDER BY u.id LIMIT 50`)
	for _, r := range list {
		e.out.Look = append(e.out.Look, fmt.Sprintf("User %s had been brought into user %s since, which could still be undone, and is a login of its own again. If it was one person, they bring the two together once more.", id.String(r.ID), id.String(r.Heir)))
	}
	return err
}

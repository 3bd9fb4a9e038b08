package merge

import (
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
)

// What follows is for a restore: an old copy of the database has brought back
// two logins as they were, and what became of them since is known from
// elsewhere.

// UndoAgain takes a login out again that the copy has inside of another one.
func (v *Merges) UndoAgain(tx *db.Tx, number id.Merge, by audit.Actor) error {
	d, err := inCopy(tx, number)
	if err == nil {
		err = v.undo(tx, d, by)
	}
	return err
}

// FinishAgain makes final again what the copy would still let be undone.
func (v *Merges) FinishAgain(tx *db.Tx, number id.Merge, by audit.Actor) error {
	d, err := inCopy(tx, number)
	if err == nil {
		err = finish(tx, d, by)
	}
	return err
}

func inCopy(tx *db.Tx, number id.Merge) (Done, error) {
	return db.One[Done](tx, `
		SELECT m.id, m.keep_id, m.other_id, u.name, u.address, m.done_at, m.undo_until FROM merges m JOIN users u ON u.id = m.other_id
		WHERE m.id = $1 AND m.state = 'done'`, number)
}

// JoinAgain closes a login for good that became part of another one after the
// copy was made. The caller has given the other what this one could do.
func (v *Merges) JoinAgain(tx *db.Tx, keep, other id.User, by audit.Actor) error {
	// It was active when it was brought in, whatever it was in the copy.
	if _, err := db.Exec(tx, "UPDATE users SET status = 'active' WHERE id = $1 AND status = 'suspended' AND merged_into IS NULL", other); err != nil {
		return err
	}
	if err := v.auth.CloseInto(tx, other, keep); err != nil {
		return err
	}
	number, err := db.One[id.Merge](tx, "INSERT INTO merges (keep_id, other_id, state, created_at, expires_at, done_at) VALUES ($1, $2, 'done', $3, $3, $3) RETURNING id", keep, other, tx.Now)
	if err != nil {
		return err
	}
	if err := v.takeOver(tx, number, keep, other); err != nil {
		return err
	}
	return v.FinishAgain(tx, number, by)
}

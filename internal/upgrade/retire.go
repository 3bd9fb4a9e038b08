package upgrade

import (
	"errors"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/user"
)

// removeLogin deletes a login that has gone there, if nobody has used it here.
func (b *batch) removeLogin(k known) error {
	if k.Mark == joined {
		b.count("Logins", Counted{Gone: 1})
		return b.forget(k.Kind, k.SourceID)
	}
	now, there, _, err := row(b, db.Table[user.Imported]{Name: "users"}, k)
	if err != nil || !there {
		return errors.Join(err, b.forget(k.Kind, k.SourceID))
	}
	why, err := b.standing(k)
	if err != nil {
		return err
	}
	b.tellOfLogin(k, now, why)
	if why == unused && !b.DryRun {
		err = b.erase(now.ID)
	}
	if err != nil || why == holding {
		return err
	}
	return b.forget(k.Kind, k.SourceID)
}

// tellOfLogin says what becomes of a login that has gone there.
func (b *batch) tellOfLogin(k known, now user.Imported, why standing) {
	table := loginTables[k.Kind]
	switch {
	case why == erased:
		return
	case why == unused:
		b.count("Logins", Counted{Gone: 1})
		b.say(Changed, table, k.SourceID, loginGone, now.Name)
		return
	case why == holding:
		b.say(NeedsPerson, table, k.SourceID, loginHolds, now.Name)
	case b.isMarked(aside(now.ID)):
		b.say(NeedsPerson, table, k.SourceID, loginMoved, now.Name)
	default:
		b.say(NeedsPerson, table, k.SourceID, loginStays, now.Name)
	}
	b.count("Logins", Counted{Kept: 1})
}

// A standing is why a login stays that nothing there stands behind any more.
type standing int

const (
	unused  standing = iota // it does not
	erased                  // it is gone already
	used                    // it was changed here, is in use, or has access that was given here
	holding                 // it has access that came from there, and was kept
)

// standing finds out whether a login has to stay. Its access that has gone
// there is taken away by then, or would be.
func (b *batch) standing(k known) (standing, error) {
	type login struct {
		Status      string
		Credentials int64
		Open        bool
	}
	list, err := db.All[login](b.tx, `
		SELECT status, credentials, EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id AND s.ended_at IS NULL) AS open FROM users u WHERE id = $1`, k.TargetID)
	switch {
	case err != nil:
		return used, err
	case len(list) == 0 || list[0].Status == "deleted":
		return erased, nil
	case list[0].Status != "active" || list[0].Credentials != k.Credentials || k.MergedFrom != 0:
		return used, nil
	}
	why, err := b.entering(id.User(k.TargetID))
	if why == unused && list[0].Open {
		why = used
	}
	return why, err
}

// entering looks at the open accounts that a login has access to.
func (b *batch) entering(u id.User) (standing, error) {
	type member struct {
		ID        id.Membership
		AccountID id.Account
		Closed    bool
		Brought   bool
	}
	list, err := db.All[member](b.tx, `
		SELECT m.id, m.account_id, a.status = 'closed' AS closed,
			EXISTS (SELECT 1 FROM import_rows r WHERE r.import_id = $2 AND r.kind IN `+placeKinds+` AND r.target_id = m.id) AS brought
		FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 AND m.status <> 'ended'`, u, b.run.number)
	why := unused
	for _, m := range list {
		switch {
		case b.isMarked(ended(m.ID)) || b.closed(m.AccountID, m.Closed):
		case !m.Brought || b.isMarked(ours(m.ID)):
			return used, err
		default:
			why = holding
		}
	}
	return why, err
}

// closed reports whether an account is closed, or would be.
func (b *batch) closed(a id.Account, now bool) bool {
	return b.isMarked(closing(a)) || now && !b.isMarked(opening(a))
}

// retire deletes a login that has no more of its own there.
func (b *batch) retire(k known) error {
	if b.DryRun {
		return nil
	}
	why, err := b.standing(k)
	if err != nil || why == holding {
		return err
	}
	if why == unused {
		err = b.erase(id.User(k.TargetID))
	}
	return errors.Join(err, b.forget(k.Kind, k.SourceID))
}

// erase deletes a login that has no access to an open account.
func (b *batch) erase(u id.User) error {
	numbers, err := db.All[int64](b.tx, "SELECT id FROM memberships WHERE user_id = $1 AND status <> 'ended' ORDER BY id", u)
	if err != nil {
		return err
	}
	list, err := b.by().Memberships().Find(b.tx, numbers)
	if err != nil {
		return err
	}
	for _, m := range list {
		if err := b.Memberships.End(b.tx, b.by(), m.AccountID, m.ID); err != nil {
			return err
		}
		// Where nobody has changed it here, she is let in again if she comes back.
		_, err := db.Exec(b.tx, "DELETE FROM import_rows WHERE import_id = $1 AND kind IN "+placeKinds+" AND target_id = $2 AND written = $3", b.run.number, m.ID, db.Fingerprint(m))
		if err != nil {
			return err
		}
	}
	person, err := user.ByID(b.tx, u)
	if err != nil {
		return err
	}
	return auth.EraseQuietly(b.tx, person, b.by().Actor())
}

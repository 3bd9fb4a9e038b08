package access

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// A Part is one row that bringing a login into another has changed in an
// account, with what it was and what it is: undoing it goes by that.
type Part struct {
	AccountID id.Account
	Kind      string
	RowID     int64
	Before    string
	After     string
}

// The kinds of parts.
const (
	partStays      = "stays"      // the membership that stays
	partEnded      = "ended"      // the one that has ended in its favour
	partGrant      = "grant"      // a grant that has ended, and what it has become
	partInvitation = "invitation" // an open invitation that the other login has sent
)

// A power is what a membership is, as a part keeps it.
type power struct {
	User   id.User
	Owner  bool
	Role   string
	RoleID id.Role
	Single Set
	Set    Set // all that it amounted to
	Status string
	Ends   db.Null[time.Time]
}

func powerOf(m Member) power {
	return power{m.UserID, m.Owner, m.Role, m.RoleID.V, m.Single, m.Permissions, m.Status, m.EndsAt}
}

// same reports whether a membership was not changed.
func (p power) same(q power) bool {
	return p.Owner == q.Owner && p.Role == q.Role && p.RoleID == q.RoleID && p.Single == q.Single && p.Status == q.Status && sameTime(p.Ends, q.Ends)
}

func sameTime(a, b db.Null[time.Time]) bool {
	return a.Valid == b.Valid && (!a.Valid || a.V.Equal(b.V))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// errJustJoined is the answer where one of the two has joined an account while
// the rows of the others were being taken.
var errJustJoined = fault.New(fault.Conflict, "just-joined", "One of the two logins has just joined an account. Look at what moves, and try again.")

// LockJoined takes the rows of all accounts that the login is in which is
// brought into another, and then those of both logins, in one order for
// everybody.
func (m *Memberships) LockJoined(tx *db.Tx, keep, other id.User) ([]id.Account, error) {
	list, err := lockMine(tx, other)
	if err != nil {
		return nil, err
	}
	for _, u := range []id.User{min(keep, other), max(keep, other)} {
		if _, err := db.Exec(tx, "UPDATE users SET status = status WHERE id = $1", u); err != nil {
			return nil, err
		}
	}
	var accounts []id.Account
	for _, one := range list {
		accounts = append(accounts, one.AccountID)
	}
	return accounts, nil
}

// Join moves all that a login may do to another one of the same person, behind
// the lock on the accounts and on both logins. It returns what it has changed.
func (m *Memberships) Join(tx *db.Tx, by audit.Actor, keep, other id.User, locked []id.Account) (parts []Part, err error) {
	list, err := Joinings(tx, keep, other)
	if err != nil {
		return nil, err
	}
	for _, j := range list {
		if !slices.Contains(locked, j.Account) {
			return nil, errJustJoined
		}
		if j.Blocked != "" {
			return nil, fault.New(fault.Conflict, "merge-blocked", j.Name+": "+j.Blocked)
		}
		more, err := m.joinOne(tx, by, keep, other, j)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

func (m *Memberships) joinOne(tx *db.Tx, by audit.Actor, keep, other id.User, j Joining) (parts []Part, err error) {
	after := j.After
	after.UserID = keep
	before := j.Theirs
	if after.ID == j.Mine.ID {
		before = j.Mine
	}
	if j.Mine.ID != 0 {
		loser := j.Mine
		if after.ID == j.Mine.ID {
			loser = j.Theirs
		}
		if parts, err = m.giveWay(tx, by, j.Account, loser, after); err != nil {
			return nil, err
		}
	}
	if err := withdrawOffers(tx, j.Account, j.Theirs.ID); err != nil {
		return nil, err
	}
	if err := setPower(tx, j.Account, after.ID, powerOf(after)); err != nil {
		return nil, err
	}
	parts = append(parts, Part{j.Account, partStays, int64(after.ID), text(powerOf(before)), text(powerOf(after))})
	if after.ID == j.Theirs.ID {
		more, err := repoint(tx, j.Account, other, keep)
		if err != nil {
			return nil, err
		}
		parts = append(parts, more...)
	}
	was := describe(j.Theirs.Given(), j.Theirs.Permissions, j.Theirs.EndsAt)
	is := describe(after.Given(), after.Permissions, after.EndsAt)
	was["owner"], was["user"], is["owner"], is["user"] = j.Theirs.Owner, other, after.Owner, keep
	return parts, audit.Write(tx, by, audit.Record{
		Event: "member.merged", Account: j.Account, Object: "membership", ObjectID: int64(after.ID), Subject: other, Before: was, After: is,
	})
}

// setPower writes what a membership is from now on.
func setPower(tx *db.Tx, account id.Account, member id.Membership, p power) error {
	_, err := db.Exec(tx, `
		UPDATE memberships SET user_id = $3, owner = $4, role = $5, role_id = $6, permissions = $7, status = $8, ends_at = $9,
			ended_at = CASE WHEN $8 = 'ended' THEN ended_at ELSE NULL END, ended_why = CASE WHEN $8 = 'ended' THEN ended_why ELSE '' END
		WHERE account_id = $1 AND id = $2`,
		account, member, p.User, p.Owner, p.Role, db.SomeUnlessZero(p.RoleID), p.Single, p.Status, p.Ends)
	return err
}

// giveWay ends the membership that another one takes the place of. What it
// gives on single objects goes on there, for as long as both last.
func (m *Memberships) giveWay(tx *db.Tx, by audit.Actor, account id.Account, loser, stays Member) (parts []Part, err error) {
	parts = []Part{{account, partEnded, int64(loser.ID), text(powerOf(loser)), ""}}
	type grant struct {
		ID          int64
		Kind        string
		ObjectID    int64
		Permissions Set
		StartsAt    time.Time
		EndsAt      db.Null[time.Time]
	}
	list, err := db.All[grant](tx, `
		UPDATE grants SET ended_at = $3 WHERE account_id = $1 AND membership_id = $2 AND ended_at IS NULL
		RETURNING id, kind, object_id, permissions, starts_at, ends_at`, account, loser.ID, tx.Now)
	if err != nil {
		return nil, err
	}
	for _, g := range list {
		from, until := later(g.StartsAt, loser.StartsAt), earlier(g.EndsAt, loser.EndsAt)
		copied := int64(0)
		if loser.Status == "active" && !stays.Owner && (!until.Valid || until.V.After(tx.Now)) {
			copied, err = db.One[int64](tx, `
				INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, ends_at, created_at)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`, account, stays.ID, g.Kind, g.ObjectID, g.Permissions, from, until, tx.Now)
			if err != nil {
				return nil, err
			}
		}
		parts = append(parts, Part{account, partGrant, g.ID, text(tx.Now), text(copied)})
	}
	_, err = db.Exec(tx, "UPDATE memberships SET status = 'ended', ended_at = $3, ended_why = 'merged', owner = FALSE WHERE account_id = $1 AND id = $2", account, loser.ID, tx.Now)
	if err != nil {
		return nil, err
	}
	if err := withdrawOffers(tx, account, loser.ID); err != nil {
		return nil, err
	}
	for _, fn := range m.ended {
		if err := fn(tx, by, account, loser.UserID, false); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b db.Null[time.Time]) db.Null[time.Time] {
	if !a.Valid || b.Valid && b.V.Before(a.V) {
		return b
	}
	return a
}

// repoint has the open invitations that a login has sent be the other one's,
// which has exactly its membership now: they go on offering what they did.
func repoint(tx *db.Tx, account id.Account, from, to id.User) (parts []Part, err error) {
	list, err := db.All[int64](tx, "UPDATE invitations SET invited_by_user = $3 WHERE account_id = $1 AND invited_by_user = $2 AND state = 'pending' RETURNING id", account, from, to)
	for _, number := range list {
		parts = append(parts, Part{account, partInvitation, number, "", ""})
	}
	return parts, err
}

// A parting is what undoing does in one account.
type parting struct {
	account     id.Account
	stays       Part
	ended       Part // number 0 where there was none
	grants      []Part
	invitations []Part
}

func partingsOf(parts []Part) (list []parting) {
	for _, p := range parts {
		i := slices.IndexFunc(list, func(x parting) bool { return x.account == p.AccountID })
		if i < 0 {
			list, i = append(list, parting{account: p.AccountID}), len(list)
		}
		switch p.Kind {
		case partStays:
			list[i].stays = p
		case partEnded:
			list[i].ended = p
		case partGrant:
			list[i].grants = append(list[i].grants, p)
		case partInvitation:
			list[i].invitations = append(list[i].invitations, p)
		}
	}
	slices.SortFunc(list, func(a, b parting) int { return int(a.account - b.account) })
	return list
}

// LockParted takes the rows of the accounts that undoing is about, and then
// those of both logins.
func (m *Memberships) LockParted(tx *db.Tx, keep, other id.User, parts []Part) error {
	for _, p := range partingsOf(parts) {
		if err := Lock(tx, p.account); err != nil {
			return err
		}
	}
	for _, u := range []id.User{min(keep, other), max(keep, other)} {
		if _, err := db.Exec(tx, "UPDATE users SET status = status WHERE id = $1", u); err != nil {
			return err
		}
	}
	return nil
}

// Part gives each of the two logins back what it had before they were brought
// together, as far as nobody has taken it since: what was narrowed stays
// narrowed, what was ended stays ended, and what was given since is not given
// to the login that is taken out.
func (m *Memberships) Part(tx *db.Tx, by audit.Actor, keep, other id.User, parts []Part) error {
	for _, p := range partingsOf(parts) {
		if err := m.partOne(tx, by, keep, other, p); err != nil {
			return err
		}
	}
	return nil
}

func (m *Memberships) partOne(tx *db.Tx, by audit.Actor, keep, other id.User, p parting) error {
	var before, after, gone power
	if err := errors.Join(json.Unmarshal([]byte(p.stays.Before), &before), json.Unmarshal([]byte(p.stays.After), &after)); err != nil {
		return err
	}
	now, err := find(tx, p.account, id.Membership(p.stays.RowID))
	if fault.Is(err, fault.NotFound) || err == nil && now.UserID != keep {
		return nil // it was ended since: nothing comes back
	}
	if err != nil {
		return err
	}
	is := powerOf(now)
	untouched := is.same(after)
	back := is // what somebody has changed since stays with the login that she sees there
	switch {
	case untouched:
		back = before
	case before.User == other:
		back = before.cut(before.Set&is.Set, before.Owner && is.Owner, is)
	}
	if is.Owner && !back.Owner {
		if err := notLastOwner(tx, p.account, now.ID); errors.Is(err, errLastOwner) {
			return nil // somebody must own the account, and she was made to since
		} else if err != nil {
			return err
		}
	}
	back.User = before.User
	if err := setPower(tx, p.account, now.ID, back); err != nil {
		return err
	}
	if err := withdrawOffers(tx, p.account, now.ID); err != nil {
		return err
	}
	if p.ended.RowID != 0 {
		if err := json.Unmarshal([]byte(p.ended.Before), &gone); err != nil {
			return err
		}
		if !untouched {
			gone = gone.cut(gone.Set&^(after.Set&^is.Set), gone.Owner && is.Owner, is)
		}
		if err := revive(tx, p, gone, untouched); err != nil {
			return err
		}
	}
	for _, i := range p.invitations {
		if _, err := db.Exec(tx, "UPDATE invitations SET invited_by_user = $3 WHERE account_id = $1 AND id = $2 AND invited_by_user = $4 AND state = 'pending'", p.account, i.RowID, other, keep); err != nil {
			return err
		}
	}
	return audit.Write(tx, by, audit.Record{
		Event: "member.unmerged", Account: p.account, Object: "membership", ObjectID: int64(now.ID), Subject: other,
		Before: map[string]any{"user": keep}, After: map[string]any{"user": other},
	})
}

// cut is a power without what was taken since: at most a set, owner only where
// that is left, and no longer and no more awake than the membership is now.
func (p power) cut(s Set, owner bool, is power) power {
	p.Ends = earlier(p.Ends, is.Ends)
	if is.Status == "suspended" {
		p.Status = is.Status
	}
	if p.Owner && owner || !p.Owner && s == p.Set {
		return p
	}
	p.Owner, p.Role, p.RoleID, p.Single, p.Set = false, "", 0, s, s
	if s == 0 {
		p.Role = "mail"
	}
	return p
}

// revive brings the membership back that had given way, with what it gave on
// single objects.
func revive(tx *db.Tx, p parting, gone power, untouched bool) error {
	var had power
	if err := json.Unmarshal([]byte(p.ended.Before), &had); err != nil {
		return err
	}
	if had.Set != 0 && gone.Set == 0 {
		return endCopies(tx, p) // all of it was taken since
	}
	if err := setPower(tx, p.account, id.Membership(p.ended.RowID), gone); err != nil {
		return err
	}
	for _, g := range p.grants {
		var at time.Time
		var copied int64
		if err := errors.Join(json.Unmarshal([]byte(g.Before), &at), json.Unmarshal([]byte(g.After), &copied)); err != nil {
			return err
		}
		_, err := db.Exec(tx, `
			UPDATE grants SET ended_at = NULL WHERE account_id = $1 AND id = $2 AND ended_at = $3 AND ($4 = 0 AND $5 = 1 OR EXISTS (
				SELECT 1 FROM grants c WHERE c.account_id = grants.account_id AND c.id = $4 AND c.ended_at IS NULL AND c.permissions = grants.permissions))`,
			p.account, g.RowID, at, copied, number(untouched))
		if err != nil {
			return err
		}
	}
	return endCopies(tx, p)
}

// endCopies ends what the membership that stays has had of the other's on
// single objects.
func endCopies(tx *db.Tx, p parting) error {
	for _, g := range p.grants {
		var copied int64
		if err := json.Unmarshal([]byte(g.After), &copied); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE grants SET ended_at = $3 WHERE account_id = $1 AND id = $2 AND ended_at IS NULL", p.account, copied, tx.Now); err != nil {
			return err
		}
	}
	return nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

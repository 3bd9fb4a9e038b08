package access

import (
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
)

// A Joining is what becomes of one account where a login is brought into
// another one of the same person.
type Joining struct {
	Account id.Account
	Name    string
	Status  string
	Gate
	Theirs Member // the membership of the login that is brought in
	Mine   Member // the kept login's own; number 0 where it has none
	After  Member // what the kept login is there afterwards
	// Lost is what one of the two could do and the kept login will not, or not
	// for as long, since one membership cannot say it.
	Lost Set
	// Blocked says why the logins cannot be brought together yet.
	Blocked string
}

// join decides what becomes of two memberships in one account: one of them
// stays, as it is, or with single permissions that say what both said. It
// never gives what neither gave at that time. Where one membership cannot say
// what two did, it says less.
func join(mine, theirs Member, now time.Time) (j Joining) {
	j.Theirs, j.Mine = theirs, mine
	if mine.ID == 0 {
		j.After = theirs
		return j
	}
	switch {
	case blocks(mine, theirs), blocks(theirs, mine):
		j.Blocked = "One of the two logins owns it and is suspended there. Ask whoever suspended it to settle that first."
	case stronger(mine, theirs, now):
		j.After = mine
	case stronger(theirs, mine, now):
		j.After = theirs
	case !mine.Runs(now):
		j.After = mine // and neither do theirs
		if mine.Status == "suspended" {
			j.After = theirs
		}
	case sayable(mine) && sayable(theirs) && sameEnd(mine, theirs):
		j.After = mine
		j.After.Role, j.After.RoleName, j.After.Single = "", "", mine.Permissions|theirs.Permissions
		j.After.Permissions = j.After.Single
	default:
		j.After = longer(mine, theirs)
	}
	j.Lost = lost(theirs, j.After, now) | lost(mine, j.After, now)
	return j
}

// lost is what a membership gives, or was about to, that another one in its
// place does not.
func lost(was, is Member, now time.Time) Set {
	switch {
	case was.ID == is.ID, was.Status == "suspended", was.EndsAt.Valid && !was.EndsAt.V.After(now):
		return 0
	case !covers(is, was), is.Status == "suspended":
		return was.Permissions
	}
	return was.Permissions &^ is.Permissions
}

// blocks reports whether the one is a suspended owner and the other is not:
// ending it could leave the account without one, and keeping it would lift the
// suspension or widen it.
func blocks(one, other Member) bool {
	return one.Owner && one.Status == "suspended" && !(other.Owner && other.Status == "active")
}

// stronger reports whether the one gives all that the other does, for as long,
// so that it stays as it is. What is suspended, has run out or has not begun
// gives nothing now, and the other of the two stays: neither lifts the other's
// suspension.
func stronger(one, other Member, now time.Time) bool {
	if runs := one.Runs(now); !runs || !other.Runs(now) {
		return runs
	}
	if one.Owner || other.Owner {
		return one.Owner
	}
	return covers(one, other) && one.Permissions.Has(other.Permissions)
}

// covers reports whether the one lasts at least as long as the other.
func covers(one, other Member) bool {
	return !one.EndsAt.Valid || other.EndsAt.Valid && !one.EndsAt.V.Before(other.EndsAt.V)
}

func sameEnd(one, other Member) bool { return covers(one, other) && covers(other, one) }

// sayable reports whether single permissions say what the membership gives,
// now and later: a role of the account's own may change.
func sayable(m Member) bool { return !m.RoleID.Valid }

// longer is the one that lasts longer; of two that last as long the one that
// gives more, and the first where neither does.
func longer(one, other Member) Member {
	switch {
	case !covers(one, other):
		return other
	case !covers(other, one):
		return one
	case other.Permissions.Count() > one.Permissions.Count():
		return other
	}
	return one
}

// held is a membership with its account.
type heldRow struct {
	Member
	AccountID     id.Account
	AccountName   string
	AccountStatus string
	Gate
}

var heldQuery = strings.Replace(memberColumns, "SELECT ", "SELECT m.account_id, a.name AS account_name, a.status AS account_status, "+gateColumns+", ", 1) +
	"CASE WHEN m.owner THEN " + everythingText + " ELSE " + roleSet + ` END AS permissions,
		m.status, m.starts_at, m.ends_at, m.seen_at, m.created_at
	FROM memberships m JOIN users u ON u.id = m.user_id JOIN accounts a ON a.id = m.account_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	WHERE m.user_id = $1 AND m.status <> 'ended' ORDER BY m.account_id`

// Joinings lists what would become of each account that a login is in, were it
// brought into another one.
func Joinings(tx *db.Tx, keep, other id.User) (list []Joining, err error) {
	theirs, err := db.All[heldRow](tx, heldQuery, other)
	if err != nil {
		return nil, err
	}
	mine, err := db.All[heldRow](tx, heldQuery, keep)
	if err != nil {
		return nil, err
	}
	own := map[id.Account]Member{}
	for _, m := range mine {
		m.Permissions = m.Permissions.Known()
		own[m.AccountID] = m.Member
	}
	for _, t := range theirs {
		t.Permissions = t.Permissions.Known()
		j := join(own[t.AccountID], t.Member, tx.Now)
		j.Account, j.Name, j.Status, j.Gate = t.AccountID, t.AccountName, t.AccountStatus, t.Gate
		list = append(list, j)
	}
	return list, nil
}

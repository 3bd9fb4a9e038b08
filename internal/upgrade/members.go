package upgrade

import (
	"fmt"
	"slices"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
)

// bringMembers brings in memberships.
func (b *batch) bringMembers(kind string, list []place, want []wanted[access.Imported]) error {
	table := ""
	if len(list) > 0 {
		table = list[0].table
	}
	s := b.members(kind, table)
	if !b.again {
		err := bring(b, s, want)
		b.foreseeOwners(want)
		return err
	}
	sources := make([]int64, len(want))
	for i, w := range want {
		sources[i] = w.source
	}
	were, err := b.before(kind, sources)
	if err != nil {
		return err
	}
	s.anew, s.adopted = map[int64]bool{}, map[int64]known{}
	if err := b.replace(s, want, were); err != nil {
		return err
	}
	if want, err = b.notYet(s, want, were); err != nil {
		return err
	}
	if err := bring(b, s, want); err != nil {
		return err
	}
	b.foreseeOwners(want)
	return nil
}

// members is where memberships stand.
func (b *batch) members(kind, source string) shelf[access.Imported] {
	return shelf[access.Imported]{
		kind: kind, what: "Access", source: source, table: b.by().Memberships(), added: access.Imported.Joined,
		changed: func(was, is access.Imported) record { return is.Changed(was) },
		due:     func(w *wanted[access.Imported], was access.Imported) bool { return b.stillOwns(kind, source, w, was) },
	}
}

// replace takes places from those to whom they belong no longer, so that the
// others can be let in.
func (b *batch) replace(s shelf[access.Imported], want []wanted[access.Imported], were map[int64]known) error {
	for _, w := range want {
		was, ok := were[w.source]
		if s.anew[w.source] = b.hasGivenUp(s.kind, w.source); s.anew[w.source] {
			continue
		}
		if !ok || was.Written == db.Fingerprint(w.row) {
			continue
		}
		now, there, untouched, err := row(b, s.table, was)
		if err != nil {
			return err
		}
		if !there || !untouched || now.UserID == w.row.UserID && now.AccountID == w.row.AccountID {
			continue
		}
		s.anew[w.source] = true
		b.count(s.what, Counted{New: -1, Changed: 1})
		if err := b.vacate(was, now); err != nil {
			return err
		}
	}
	return nil
}

// notReplaced takes back that a row was about to be counted as replaced.
func (b *batch) notReplaced(s shelf[access.Imported], source int64) {
	if s.anew[source] && !b.hasGivenUp(s.kind, source) {
		b.count(s.what, Counted{New: 1, Changed: -1})
	}
}

// notYet leaves out whom somebody here has let in since. Where the other
// system gave the same access by another row before, this row takes over what
// is remembered of that one.
func (b *batch) notYet(s shelf[access.Imported], want []wanted[access.Imported], were map[int64]known) (rest []wanted[access.Imported], err error) {
	erased, there, err := b.membersOf(want)
	if err != nil {
		return nil, err
	}
	held, fresh := map[int64]bool{}, map[at]bool{} // by a row that gives the same place as before, and by a new one
	for _, w := range want {
		if was, ok := were[w.source]; ok && !s.anew[w.source] && there[atOf(w)] == was.TargetID {
			held[was.TargetID] = true
		}
	}
	for _, w := range want {
		_, ok := were[w.source]
		ok = ok && !s.anew[w.source]
		member := there[atOf(w)]
		if !ok && slices.Contains(erased, w.row.UserID) {
			b.leaveOut(s, w, Skipped, erasedHere)
			continue
		}
		if !ok && member == 0 && fresh[atOf(w)] && w.row.UserID != 0 && w.row.AccountID != 0 {
			b.leaveOut(s, w, Changed, samePlace)
			continue
		}
		if ok || member == 0 {
			fresh[atOf(w)] = fresh[atOf(w)] || !ok
			rest = append(rest, w)
			continue
		}
		if !held[member] {
			if ok, err = adopt(b, s, placeKinds, w.source, member); err != nil {
				return nil, err
			}
		}
		if !ok {
			b.count(s.what, Counted{Kept: 1})
			b.leaveOut(s, w, NeedsPerson, memberHere)
			continue
		}
		held[member] = true
		b.notReplaced(s, w.source)
		s.anew[w.source] = false
		rest = append(rest, w)
	}
	return rest, nil
}

// leaveOut has a row give no place.
func (b *batch) leaveOut(s shelf[access.Imported], w wanted[access.Imported], k Kind, reason string) {
	b.see(s.kind, w.source)
	b.notReplaced(s, w.source)
	b.say(k, s.source, w.source, reason, w.who)
}

// at is a login's place in an account.
type at struct {
	AccountID id.Account
	UserID    id.User
}

func atOf(w wanted[access.Imported]) at { return at{w.row.AccountID, w.row.UserID} }

// membersOf finds which of those who are to get a place have deleted their
// login, and the memberships that the others have.
func (b *batch) membersOf(want []wanted[access.Imported]) (erased []id.User, there map[at]int64, err error) {
	people := make([]id.User, len(want))
	for i, w := range want {
		people[i] = w.row.UserID
	}
	type member struct {
		ID int64
		at
	}
	if erased, err = db.In[id.User](b.tx, "SELECT id FROM users WHERE status = 'deleted' AND id", people); err != nil {
		return nil, nil, err
	}
	list, err := db.In[member](b.tx, "SELECT id, account_id, user_id FROM memberships WHERE status <> 'ended' AND user_id", people)
	there = map[at]int64{}
	for _, m := range list {
		if !b.isMarked(ended(id.Membership(m.ID))) {
			there[m.at] = m.ID
		}
	}
	return erased, there, err
}

// placeKinds are the kinds of what becomes a membership, for SQL.
const placeKinds = "('" + clientOwners + "', '" + contactMember + "', '" + links + "', '" + leaving + "')"

// askedKinds are those of what becomes an invitation.
const askedKinds = "('" + clientOffers + "', '" + contactOffers + "', '" + linkOffers + "', '" + invites + "')"

// adopt takes over what is remembered of another row there that gave the same
// place before.
func adopt[T any](b *batch, s shelf[T], kinds string, source, target int64) (bool, error) {
	list, err := db.All[known](b.tx, "SELECT "+knownColumns+" FROM import_rows WHERE import_id = $1 AND kind IN "+kinds+" AND target_id = $2", b.run.number, target)
	if err != nil || len(list) == 0 {
		return false, err
	}
	k := list[0]
	if b.DryRun && kinds == placeKinds && b.isMarked(leaves(id.Membership(target))) {
		k.Kind, k.SourceID = leaving, target // as a run would remember it
	}
	if b.hasGivenUp(k.Kind, k.SourceID) || b.seen[k.Kind].has(k.SourceID) {
		return false, nil // another row has it by now
	}
	b.marks[gaveUp(k.Kind, k.SourceID)] = true
	if !b.DryRun {
		if _, err := db.Exec(b.tx, "UPDATE import_rows SET kind = $4, source_id = $5 WHERE import_id = $1 AND kind = $2 AND source_id = $3", b.run.number, k.Kind, k.SourceID, s.kind, source); err != nil {
			return false, err
		}
	}
	k.Kind, k.SourceID = s.kind, source
	s.adopted[source] = k
	return true, nil
}

// gaveUp marks a row whose place another row has taken over: it is remembered
// no more, also where a dry run cannot forget it.
func gaveUp(kind string, source int64) string { return fmt.Sprintf("gave up %s %d", kind, source) }

func (b *batch) hasGivenUp(kind string, source int64) bool { return b.isMarked(gaveUp(kind, source)) }

package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
)

// An account has an owner at every moment. Whoever becomes one does so in the
// step in which she is read; whoever is none any more stays one until all have
// become what they are there, and only stops where another is left.

// What the report says of owners who stay.
const (
	lastOwner   = "has no access there any more, and is the last owner here: she stays until there is another"
	onlyOwner   = "does not own the account there any more, and is its only owner here: nothing was taken away until there is another"
	formerOwner = "was owned by somebody who has no access there any more, and is the only owner here: the ownership stays until there is another"
)

// leaving is the kind of a place that an owner no longer has there, since it
// belongs to another login: her membership's number here.
const leaving = "leaving"

// A demotion is an owner who is a member without ownership now.
type demotion struct {
	kind, table string
	member      wanted[access.Imported]
}

// leaves marks a membership that an owner leaves once there is another, and
// ended and demoted one that the run has taken away, or would have.
func leaves(m id.Membership) string  { return "leaves " + id.String(m) }
func ended(m id.Membership) string   { return "ended " + id.String(m) }
func demoted(m id.Membership) string { return "demoted " + id.String(m) }

// gains are whom a dry run would have made owners, by account. There is no user
// yet of the number that it foresees for a new one.
type gains map[id.Account][]id.User

func (g gains) add(m access.Imported) { g[m.AccountID] = append(g[m.AccountID], m.UserID) }

// vacate takes a place from a login to which it no longer belongs.
func (b *batch) vacate(was known, now access.Imported) error {
	if now.Owner {
		b.marks[leaves(now.ID)] = true
		k := known{Kind: leaving, SourceID: int64(now.ID), TargetID: int64(now.ID), Written: was.Written}
		if b.DryRun {
			b.left = append(b.left, k)
			return nil
		}
		if err := b.forget(was.Kind, was.SourceID); err != nil {
			return err
		}
		return b.remember(k)
	}
	b.marks[ended(now.ID)] = true
	if b.DryRun {
		return nil
	}
	if err := b.Memberships.End(b.tx, b.by(), now.AccountID, now.ID); err != nil {
		return err
	}
	return b.forget(was.Kind, was.SourceID)
}

// stillOwns reports whether a membership may change now: that of an owner who
// is none any more waits.
func (b *batch) stillOwns(kind, table string, w *wanted[access.Imported], was access.Imported) bool {
	if w.row.Owner && !was.Owner {
		b.gained.add(w.row)
	}
	if was.Owner && !w.row.Owner {
		b.demotions = append(b.demotions, demotion{kind, table, *w})
		return false
	}
	return true
}

// foreseeOwners takes down who would own what after a dry run.
func (b *batch) foreseeOwners(want []wanted[access.Imported]) {
	for _, w := range want {
		if !b.DryRun || !w.fresh || !w.row.Owner {
			continue
		}
		b.run.owning.add(w.client)
		if w.row.AccountID != 0 {
			b.gained.add(w.row)
		}
	}
}

// sweepOwners ends what former owners had, and demotes those who are members
// still.
func (r *run) sweepOwners(ctx context.Context) error {
	if err := r.sweepLeaving(ctx); err != nil {
		return err
	}
	for part := range slices.Chunk(r.demotions, perStep) {
		err := r.step(ctx, func(b *batch) error {
			for _, d := range part {
				if err := b.demote(d); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) sweepLeaving(ctx context.Context) error {
	if r.DryRun {
		return r.step(ctx, (*batch).foreseeLeaving)
	}
	return r.sweepKind(ctx, leaving, (*batch).leave)
}

// foreseeLeaving does what sweepKind would do, had the run remembered what it
// only keeps in mind.
func (b *batch) foreseeLeaving() error {
	list, err := db.All[known](b.tx, "SELECT "+knownColumns+" FROM import_rows WHERE import_id = $1 AND kind = $2", b.run.number, leaving)
	if err != nil {
		return err
	}
	list = append(list, b.run.left...)
	slices.SortFunc(list, func(a, b known) int { return cmp.Compare(a.SourceID, b.SourceID) })
	for _, k := range list {
		if b.hasGivenUp(leaving, k.SourceID) {
			continue
		}
		if err := b.leave(k); err != nil {
			return err
		}
	}
	return nil
}

// leave ends the access of a former owner, once there is another.
func (b *batch) leave(k known) error {
	now, there, untouched, err := row(b, b.by().Memberships(), k)
	if err != nil {
		return err
	}
	if !there || now.Status == "ended" {
		return b.forget(k.Kind, k.SourceID)
	}
	client, others, err := b.owners(now)
	if err != nil || client == 0 {
		return err
	}
	k.SourceID = client // for the report
	switch {
	case now.Owner && !others:
		b.say(NeedsPerson, "tblclients", client, formerOwner, memberOf(now))
		return nil
	case untouched:
		return b.end(now, known{Kind: leaving, SourceID: k.TargetID})
	}
	b.marks[ours(now.ID)] = true
	b.gone("Access", "tblclients", k, false, "", memberOf(now))
	return b.forget(leaving, k.TargetID)
}

// end ends a membership, and forgets what it was there.
func (b *batch) end(m access.Imported, k known) error {
	if b.marks[ended(m.ID)] = true; b.DryRun {
		return nil
	}
	if err := b.Memberships.End(b.tx, b.by(), m.AccountID, m.ID); err != nil {
		return err
	}
	return b.forget(k.Kind, k.SourceID)
}

func (b *batch) demote(d demotion) error {
	s, w := b.members(d.kind, d.table), d.member
	now, there, untouched, err := row(b, s.table, known{TargetID: w.placed, Written: w.known.Written})
	if err != nil {
		return err
	}
	keep := ""
	if !there || !untouched {
		keep = keptOurs
	} else if _, others, err := b.owners(now); err != nil {
		return err
	} else if !others {
		keep = onlyOwner
	}
	if keep != "" {
		b.count(s.what, Counted{Kept: 1})
		b.say(NeedsPerson, s.source, w.source, keep, w.who)
		return nil
	}
	b.count(s.what, Counted{Changed: 1})
	b.marks[demoted(now.ID)] = true
	return rewrite(b, s, &w, now)
}

// owners finds the client of an account, none if she has gone, and whether the
// account has owners besides a membership, who can sign in.
func (b *batch) owners(m access.Imported) (client int64, others bool, err error) {
	of, err := db.All[int64](b.tx, "SELECT source_id FROM import_rows WHERE import_id = $1 AND kind = $2 AND target_id = $3", b.run.number, clients, m.AccountID)
	if err != nil || len(of) == 0 || !b.survey.clients.has(of[0]) {
		return 0, false, err
	}
	list, err := db.All[id.Membership](b.tx, `
		SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.owner AND m.status = 'active' AND u.status = 'active' AND m.id <> $2`, m.AccountID, m.ID)
	if err != nil {
		return 0, false, err
	}
	others = slices.ContainsFunc(list, func(other id.Membership) bool {
		return !b.isMarked(ended(other)) && !b.isMarked(demoted(other))
	})
	if b.DryRun && !others {
		others, err = b.wouldGain(m.AccountID)
	}
	return of[0], others, err
}

// wouldGain reports whether an account would have got an owner by the run.
func (b *batch) wouldGain(a id.Account) (bool, error) {
	list := b.run.gained[a]
	others, err := db.In[id.User](b.tx, "SELECT id FROM users WHERE status <> 'active' AND id", list)
	return slices.ContainsFunc(list, func(u id.User) bool { return !slices.Contains(others, u) }), err
}

func memberOf(m access.Imported) string {
	return fmt.Sprintf("user %d in account %d", m.UserID, m.AccountID)
}

package access_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"

	"pgregory.net/rapid"
)

// A joinWorld is one person with two logins and somebody else, in accounts of
// which one is a partner of another.
type joinWorld struct {
	*apptest.World
	t           *testing.T
	keep, other *apptest.Person
	mate        *apptest.Person
	boss        *apptest.Person
	accounts    []id.Account
	start       time.Time
}

func newJoinWorld(t *testing.T, w *apptest.World) *joinWorld {
	j := &joinWorld{World: w, t: t, start: w.Clock.Now()}
	j.boss, j.keep, j.other, j.mate = w.Person("Boss", "boss@join.example"), w.Person("Keep", "keep@join.example"), w.Person("Other", "other@join.example"), w.Person("Mate", "mate@join.example")
	for n := range 3 {
		a := w.Account(j.boss, fmt.Sprintf("Account %d", n))
		j.accounts = append(j.accounts, a)
		for r, set := range []access.Set{apptest.Keys("services.view", "domains.view"), apptest.Keys("services.view", "tickets.view", "people.view")} {
			w.Exec("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, $2, $3, $4)", a, fmt.Sprintf("Role %d", r), set, j.start)
		}
	}
	w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)",
		j.accounts[2], j.accounts[0], apptest.Keys("services.view", "domains.view", "invoices.view"), j.start)
	return j
}

// clear takes away what the iteration before has left.
func (j *joinWorld) clear() {
	j.Exec("DELETE FROM grants")
	j.Exec("DELETE FROM memberships WHERE user_id <> $1", j.boss.User)
	j.Exec("UPDATE roles SET permissions = $1 WHERE name = 'Role 0'", apptest.Keys("emails.view", "services.view"))
}

var joinSets = []access.Set{
	apptest.Keys("services.view"), apptest.Keys("domains.view", "people.view"), apptest.Keys("services.view", "domains.view"), apptest.Keys("invoices.view", "people.view", "services.view"),
}

// member draws a membership, or none.
func (j *joinWorld) member(rt *rapid.T, label string, a id.Account, p *apptest.Person) {
	if rapid.IntRange(0, 3).Draw(rt, label+" is a member") == 0 {
		return
	}
	owner := rapid.IntRange(0, 5).Draw(rt, label+" owns") == 0
	role, set, own := "", access.Set(0), db.Null[int64]{}
	switch rapid.IntRange(0, 3).Draw(rt, label+" role") {
	case 0:
		role = rapid.SampledFrom([]string{"billing", "support", "readonly", "mail", "full"}).Draw(rt, label+" built in")
	case 1:
		own = db.Some(apptest.Query[int64](j.World, "SELECT id FROM roles WHERE account_id = $1 ORDER BY id", a)[rapid.IntRange(0, 1).Draw(rt, label+" own")])
	default:
		set = rapid.SampledFrom(joinSets).Draw(rt, label+" set")
	}
	if owner {
		role, set, own = "full", 0, db.Null[int64]{}
	}
	status := rapid.SampledFrom([]string{"active", "active", "active", "suspended"}).Draw(rt, label+" status")
	starts := j.start.Add(time.Duration(rapid.SampledFrom([]int{-48, -48, -48, -48, 36}).Draw(rt, label+" starts")) * time.Hour)
	ends := j.until(rt, label+" ends")
	if owner {
		ends = db.Null[time.Time]{}
	}
	j.In(func(tx *db.Tx) error {
		m, err := db.One[id.Membership](tx, `
			INSERT INTO memberships (account_id, user_id, owner, role, role_id, permissions, status, starts_at, ends_at, seen_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING id`, a, p.User, owner, role, own, set, status, starts, ends, j.start.Add(-72*time.Hour))
		for n := range rapid.IntRange(0, 2).Draw(rt, label+" grants") {
			l := fmt.Sprintf("%s grant %d", label, n)
			if err == nil {
				_, err = db.Exec(tx, "INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, ends_at, created_at) VALUES ($1, $2, 'service', $3, $4, $5, $6, $7)",
					a, m, rapid.IntRange(1, 2).Draw(rt, l+" of"), apptest.Keys(rapid.SampledFrom([]string{"services.view", "services.manage"}).Draw(rt, l)),
					j.start.Add(time.Duration(rapid.SampledFrom([]int{-1, 24}).Draw(rt, l+" starts"))*time.Hour), j.until(rt, l+" ends"), j.start)
			}
		}
		return err
	})
}

func (j *joinWorld) until(rt *rapid.T, label string) db.Null[time.Time] {
	hours := rapid.SampledFrom([]int{0, 0, 0, 0, 0, 12, 60, 120, -1}).Draw(rt, label)
	return db.Null[time.Time]{V: j.start.Add(time.Duration(hours) * time.Hour), Valid: hours != 0}
}

// allowed is all that somebody may do: by moment, state of the world, account,
// permission and object.
func (j *joinWorld) allowed(p *apptest.Person) map[string]bool {
	out := map[string]bool{}
	by := principal(j.t, j.World, p)
	for _, changed := range []string{"", "a role is narrowed", "suspensions are lifted"} {
		undo := j.change(changed)
		for _, hours := range []int{0, 13, 37, 61, 121} {
			j.Clock.Move(time.Duration(hours) * time.Hour)
			for _, a := range j.accounts {
				at := fmt.Sprintf("%s after %d h in %d: ", changed, hours, a)
				if f, err := access.Check[access.Enter](context.Background(), j.Memberships, by, a); err == nil {
					out[at+"enter"] = true
					out[at+"own"] = f.Owner()
					for _, key := range f.Held().Keys() {
						out[at+key] = true
					}
				}
				for _, key := range []string{"services.view", "services.manage"} { // what grants in this world are of
					objects, bounded, err := checks[key](context.Background(), j.Memberships, by, a)
					for n := range 2 {
						on := func(o access.Object) bool { return o.ID == int64(n+1) }
						out[fmt.Sprintf("%s%s on service %d", at, key, n+1)] = err == nil && (!bounded || slices.ContainsFunc(objects, on))
					}
				}
			}
			j.Clock.Move(-time.Duration(hours) * time.Hour)
		}
		undo()
	}
	maps.DeleteFunc(out, func(_ string, yes bool) bool { return !yes })
	return out
}

// change does what an account's owners may do later, and takes it back.
func (j *joinWorld) change(what string) (undo func()) {
	switch what {
	case "a role is narrowed":
		was := apptest.Query[int64](j.World, "SELECT permissions FROM roles WHERE name = 'Role 0' ORDER BY id")
		j.Exec("UPDATE roles SET permissions = 0 WHERE name = 'Role 0'")
		return func() { j.Exec("UPDATE roles SET permissions = $1 WHERE name = 'Role 0'", was[0]) }
	case "suspensions are lifted":
		list := apptest.Query[int64](j.World, "SELECT id FROM memberships WHERE status = 'suspended'")
		j.Exec("UPDATE memberships SET status = 'active' WHERE status = 'suspended'")
		return func() {
			for _, m := range list {
				j.Exec("UPDATE memberships SET status = 'suspended' WHERE id = $1", m)
			}
		}
	}
	return func() {}
}

// joined brings the one login into the other, and returns how to undo it; false
// where it cannot be done.
func (j *joinWorld) joined() (undo func(), ok bool) {
	by := audit.Actor{Kind: audit.User, ID: int64(j.keep.User), Via: audit.ViaSelf, Request: "join", Network: "192.0.2.7"}
	var parts []access.Part
	err := j.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
		locked, err := j.Memberships.LockJoined(tx, j.keep.User, j.other.User)
		if err != nil {
			return err
		}
		parts, err = j.Memberships.Join(tx, by, j.keep.User, j.other.User, locked)
		return err
	})
	return func() {
		j.In(func(tx *db.Tx) error {
			if err := j.Memberships.LockParted(tx, j.keep.User, j.other.User, parts); err != nil {
				return err
			}
			return j.Memberships.Part(tx, by, j.keep.User, j.other.User, parts)
		})
	}, err == nil
}

// Nothing is widened: whatever memberships, roles, grants and ends the two
// logins have had, the one that is left may do nothing, on no account and no
// object and at no time, that neither could; nobody else is touched; and
// undoing gives each what it had.
func TestAMergeWidensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		j := newJoinWorld(t, w)
		many := 40
		if w.Engine == db.Postgres {
			many = 6
		}
		done := 0
		for seed := range many {
			rapid.Custom(func(rt *rapid.T) bool {
				j.clear()
				for n, a := range j.accounts {
					for _, p := range []*apptest.Person{j.keep, j.other, j.mate} {
						j.member(rt, fmt.Sprintf("%s in %d", p.Name, n), a, p)
					}
				}
				return true
			}).Example(seed)
			mine, theirs, mates := j.allowed(j.keep), j.allowed(j.other), j.allowed(j.mate)
			undo, ok := j.joined()
			if !ok {
				continue
			}
			done++
			for what := range j.allowed(j.keep) {
				if !mine[what] && !theirs[what] {
					t.Fatalf("%d: widened: %s", seed, what)
				}
			}
			if left := j.allowed(j.other); len(left) > 0 {
				t.Fatalf("%d: the other login still may: %v", seed, left)
			}
			if !maps.Equal(j.allowed(j.mate), mates) {
				t.Fatalf("%d: somebody else is touched", seed)
			}
			undo()
			if is := j.allowed(j.keep); !maps.Equal(is, mine) {
				t.Fatalf("%d: undone, the kept login may do something else:\n%v\n%v", seed, is, mine)
			}
			if is := j.allowed(j.other); !maps.Equal(is, theirs) {
				t.Fatalf("%d: undone, the other login may do something else:\n%v\n%v", seed, is, theirs)
			}
		}
		if done < many/2 {
			t.Errorf("only %d of %d could be done", done, many)
		}
		j.clear()
	})
}

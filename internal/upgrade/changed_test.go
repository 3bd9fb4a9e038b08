package upgrade_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/upgrade"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// While the other system lives, people change their access, their accounts and
// themselves here too. Each dry run says what its real run does all the same,
// no run leaves an account without an owner, and one that is repeated does
// nothing.
func TestT142_RunsGoOnWherePeopleChangeThingsHere(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		for _, shape := range both {
			t.Run(string(e)+" "+shape, func(t *testing.T) {
				t.Parallel()
				w := apptest.New(t, e)
				n := 0
				rapid.Check(t, func(rt *rapid.T) {
					if n++; n > 40 || e == db.Postgres && n > 10 {
						return
					}
					wipe(w)
					liveOn(t, rt, w, shape)
				})
			})
		}
	}
}

func liveOn(t *testing.T, rt *rapid.T, w *apptest.World, shape string) {
	m := draw(rt, shape)
	var done []string
	for range 3 {
		first := merged(t, rt, w, m, done)
		had := insides(w)
		again := merged(t, rt, w, m, done)
		for _, c := range again.head.Rows {
			if c.New+c.Changed+c.Gone > 0 {
				rt.Fatalf("a run after the last one does something: %+v\nchanged here: %q\n%s\nbefore:\n%s\nafter:\n%s", c, done, cmp.Diff(first.csv, again.csv), strings.Join(had, "\n"), strings.Join(insides(w), "\n"))
			}
		}
		for range rapid.IntRange(0, 4).Draw(rt, "edits") {
			done = append(done, edit(rt, w))
		}
		if list := unowned(w); len(list) > 0 {
			rt.Fatalf("the test itself leaves nobody to own %v: %q", list, done)
		}
		done = append(done, "a run")
		m = alter(rt, m)
	}
	merged(t, rt, w, m, done)
}

// merged does a dry run and a real one in an installation that is in use.
func merged(t *testing.T, rt *rapid.T, w *apptest.World, m *memory, done []string) outcome {
	had := insides(w)
	dry := try(t, w, m.copy(), upgrade.Options{DryRun: true, Merge: true})
	out := try(t, w, m.copy(), upgrade.Options{Merge: true})
	wrong := ""
	switch {
	case dry.err != nil || out.err != nil:
		wrong = fmt.Sprintf("the dry run ends with %v, the real one with %v", dry.err, out.err)
	case dry.csv != out.csv:
		wrong = "the dry run reports otherwise:\n" + cmp.Diff(dry.csv, out.csv)
	case cmp.Diff(dry.head, out.head) != "":
		wrong = "the dry run counts otherwise:\n" + cmp.Diff(dry.head, out.head)
	case len(unowned(w)) > 0:
		wrong = fmt.Sprintf("nobody owns the accounts %v:\n%s", unowned(w), out.csv)
	}
	if wrong != "" {
		rt.Fatalf("%s\nbefore:\n%s\nafter:\n%s\nchanged here: %q", wrong, strings.Join(had, "\n"), strings.Join(insides(w), "\n"), done)
	}
	return out
}

// edit changes something here as a page would, and says what.
func edit(rt *rapid.T, w *apptest.World) string {
	switch rapid.IntRange(0, 2).Draw(rt, "what is edited") {
	case 0:
		return editAccount(rt, w)
	case 1:
		return editUser(rt, w)
	}
	return editMember(rt, w)
}

// some draws one of the numbers that a query finds.
func some(rt *rapid.T, w *apptest.World, query string) (int64, bool) {
	list := apptest.Query[int64](w, query)
	if len(list) == 0 {
		return 0, false
	}
	slices.Sort(list)
	return rapid.SampledFrom(list).Draw(rt, "which one"), true
}

func editAccount(rt *rapid.T, w *apptest.World) string {
	a, ok := some(rt, w, "SELECT id FROM accounts WHERE status <> 'closed'")
	if !ok {
		return "nothing"
	}
	if rapid.IntRange(0, 3).Draw(rt, "close") == 0 {
		w.Exec("UPDATE accounts SET status = 'closed', closed_at = $2 WHERE id = $1", a, w.Clock.Now())
		return fmt.Sprintf("account %d is closed", a)
	}
	w.Exec("UPDATE accounts SET city = city || 'x' WHERE id = $1", a)
	return fmt.Sprintf("account %d moves", a)
}

// soleOwned are the accounts that only one of their members owns.
const soleOwned = `
	SELECT m.account_id FROM memberships m JOIN users u ON u.id = m.user_id JOIN accounts a ON a.id = m.account_id
	WHERE m.owner AND m.status = 'active' AND u.status = 'active' AND a.status <> 'closed' GROUP BY m.account_id HAVING COUNT(*) = 1`

func editMember(rt *rapid.T, w *apptest.World) string {
	kind := rapid.IntRange(0, 6).Draw(rt, "edit of a membership")
	if kind == 6 {
		return newcomer(rt, w)
	}
	of := "NOT owner"
	if kind >= 4 {
		of = "(NOT owner OR account_id NOT IN (" + soleOwned + "))"
	}
	m, ok := some(rt, w, "SELECT id FROM memberships WHERE status = 'active' AND "+of)
	if !ok {
		return "nothing"
	}
	what := []string{
		"permissions = 64", "ends_at = '2099-01-02 03:04:05'", "status = 'suspended'", "owner = TRUE, role = 'full', permissions = 0, ends_at = NULL",
		"owner = FALSE", "owner = FALSE, status = 'ended', ended_at = '2026-01-02 03:04:05'",
	}[kind]
	w.Exec("UPDATE memberships SET "+what+" WHERE id = $1", m)
	return fmt.Sprintf("membership %d: %s", m, what)
}

// newcomer lets somebody in who has come otherwise, or was let in before.
func newcomer(rt *rapid.T, w *apptest.World) string {
	a, ok := some(rt, w, "SELECT id FROM accounts WHERE status <> 'closed'")
	if !ok {
		return "nothing"
	}
	u, ok := some(rt, w, fmt.Sprintf("SELECT id FROM users u WHERE status = 'active' AND id NOT IN (SELECT user_id FROM memberships WHERE status <> 'ended' AND account_id = %d)", a))
	if !ok || rapid.Bool().Draw(rt, "new") {
		address := rapid.SampledFrom([]string{"dan@example.com", "cleo@example.com", "new@example.org"}).Draw(rt, "newcomer")
		if w.Count("users WHERE address = $1", address) > 0 {
			return "nothing"
		}
		w.Exec("INSERT INTO users (address, name, created_at, verified_at) VALUES ($1, 'Newcomer', $2, $2)", address, w.Clock.Now())
		u = apptest.Query[int64](w, "SELECT id FROM users WHERE address = $1", address)[0]
	}
	w.Exec("INSERT INTO memberships (account_id, user_id, permissions, starts_at, seen_at, created_at) VALUES ($1, $2, 64, $3, $3, $3)", a, u, w.Clock.Now())
	return fmt.Sprintf("user %d is let in to account %d", u, a)
}

func editUser(rt *rapid.T, w *apptest.World) string {
	u, ok := some(rt, w, "SELECT id FROM users WHERE status = 'active' AND address NOT LIKE '%.invalid'")
	if !ok {
		return "nothing"
	}
	switch kind := rapid.IntRange(0, 4).Draw(rt, "edit of a user"); kind {
	case 0:
		w.Exec("UPDATE users SET name = name || 'x' WHERE id = $1", u)
		return fmt.Sprintf("user %d has another name", u)
	case 1:
		w.Exec("UPDATE users SET address = 'here' || id || credentials || '@example.net', credentials = credentials + 1 WHERE id = $1", u)
		return fmt.Sprintf("user %d has another address", u)
	case 2:
		if w.Count(fmt.Sprintf("memberships WHERE user_id = %d AND owner AND account_id IN (%s)", u, soleOwned)) > 0 {
			return "nothing"
		}
		w.In(func(tx *db.Tx) error {
			return w.Memberships.EraseAgain(tx, id.User(u), audit.Actor{Kind: audit.System, Via: access.ForImport(0).Actor().Via})
		})
		return fmt.Sprintf("user %d is deleted", u)
	default:
		w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", u)
		return fmt.Sprintf("user %d has another password", u)
	}
}

package upgrade_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/upgrade"
)

// Rows with very long texts are worked on a few at a time: memory does not
// grow with what somebody has written into them.
func TestVeryLongTextsComeInAFewAtATime(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	there := newMemory("7.10")
	there.put("tblclients", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "status", "Active")
	long := strings.Repeat("n", 200_000)
	for n := range 300 {
		there.put("tblnotes", int64(n+1), "userid", 1, "note", long)
	}
	before, most := int64(0), int64(0)
	out := try(t, w, there, upgrade.Options{Progress: func(done, _ int64, what string) {
		if what == "Notes" {
			most = max(most, done-before)
		}
		before = done
	}})
	if out.err != nil || out.counts("Notes") != "300 0 0 0 0" {
		t.Errorf("%v, notes %s", out.err, out.counts("Notes"))
	}
	if most == 0 || most > 50 {
		t.Errorf("%d notes of 100 kB at once", most)
	}
	if n := apptest.Query[int64](w, "SELECT MIN(LENGTH(text)) FROM account_notes"); n[0] != 100_000 {
		t.Errorf("a note has %d characters", n[0])
	}
}

// The first look at everybody, which reads everything before anything comes
// in, tells how far it is.
func TestTheFirstLookTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	there := newMemory("7.10")
	for n := range 2500 {
		there.put("tblclients", int64(n+1), "firstname", "Ada", "lastname", "Ames", "email", fmt.Sprintf("ada%d@example.com", n), "status", "Active")
	}
	var told []string
	out := try(t, w, there, upgrade.Options{DryRun: true, Progress: func(done, total int64, what string) {
		if len(told) < 2 {
			told = append(told, fmt.Sprint(what, " ", done, " of ", total))
		}
	}})
	if want := []string{"Looking through tblclients 1000 of 2500", "Looking through tblclients 2000 of 2500"}; out.err != nil || !slices.Equal(told, want) {
		t.Errorf("told %q, %v", told, out.err)
	}
}

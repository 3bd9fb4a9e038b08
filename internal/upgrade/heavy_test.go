package upgrade_test

import (
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

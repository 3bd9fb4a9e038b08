package upgrade_test

import (
	"testing"

	"clientele/internal/apptest"
)

// A table that is left out of a dump, or that the user may not read, is told
// of, and a later run without it takes nothing back.
func TestAMissingTableIsToldOfAndIsNotEmpty(t *testing.T) {
	optional := []string{"tblnotes", "tbladmins", "tblcustomfieldsvalues", "tblcustomfields", "tblcurrencies", "tblclientgroups", "tblauthn_account_links"}
	eachTown(t, func(t *testing.T, s *stage) {
		tables := optional
		if s.there.HasUsers() {
			tables = append(tables, "tbluser_invites")
		}
		whole := s.bring()
		for _, table := range tables {
			if whole.says(t, table, 0, "is not there") {
				t.Errorf("the report misses %s, which is there", table)
			}
		}
		before := dump(s.World, "runner", "began_at", "done_at", "throttles")
		for _, table := range tables {
			s.there.Exec("ALTER TABLE " + table + " RENAME TO hidden_" + table)
			same(t, s.bring(dryRun), s.bring())
			if !equal(t, before, dump(s.World, "runner", "began_at", "done_at", "throttles")) {
				t.Errorf("without %s the run has changed something", table)
			}
			s.there.Exec("ALTER TABLE hidden_" + table + " RENAME TO " + table)
		}
		for _, table := range tables {
			s.there.Exec("DROP TABLE " + table)
		}
		out := s.bring()
		for _, table := range tables {
			out.must(t, table, 0, "is not there, or cannot be read")
		}
		if n := apptest.Query[int64](s.World, "SELECT COUNT(*) FROM account_notes WHERE author = 'Grace Hopper'"); n[0] != 6 {
			t.Errorf("%d notes have their author", n[0])
		}
	})
}

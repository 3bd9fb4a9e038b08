package upgrade_test

import (
	"strings"
	"testing"

	"clientele/internal/upgrade"
)

// A run takes nothing back where most logins or most of the access have gone
// at once, until somebody says that it is right.
func TestT142_MostOfWhatHasGoneIsNotTakenBackUnasked(t *testing.T) {
	for name, c := range map[string]struct{ shape, people, away, what string }{
		"Sub-Accounts": {"7.10", `INSERT INTO tblcontacts (id, userid, firstname, lastname, email, subaccount, password, permissions)
			SELECT seq, 1, 'Sub', seq, CONCAT('sub', seq, '@example.com'), 1, '` + carried("b") + `', 'tickets' FROM seq_2_to_21`, "DELETE FROM tblcontacts WHERE id > 9", "12 of the 20 Sub-Accounts"},
		"users": {"8.13", `INSERT INTO tblusers (id, first_name, last_name, email, password) SELECT seq, 'User', seq, CONCAT('sub', seq, '@example.com'), '` + carried("b") + `' FROM seq_2_to_21;
			INSERT INTO tblusers_clients (id, auth_user_id, client_id, permissions) SELECT seq, seq, 1, 'tickets' FROM seq_2_to_21`, "DELETE FROM tblusers WHERE id > 9; DELETE FROM tblusers_clients WHERE id > 9", "12 of the 21 users"},
		"access": {"8.13", `INSERT INTO tblusers (id, first_name, last_name, email, password) SELECT seq, 'User', seq, CONCAT('sub', seq, '@example.com'), '` + carried("b") + `' FROM seq_2_to_21;
			INSERT INTO tblusers_clients (id, auth_user_id, client_id, permissions) SELECT seq, seq, 1, 'tickets' FROM seq_2_to_21`, "DELETE FROM tblusers_clients WHERE id > 9", "12 of the 21 rows of access"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, c.shape, func(t *testing.T, s *stage) {
				s.login(1, "ada@example.com", bcrypted(hers))
				s.there.Exec(c.people)
				s.bring()
				const members = "memberships WHERE status = 'active'"
				before := s.Count(members)
				s.there.Exec(c.away)
				for _, dry := range []bool{true, false} {
					out := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{DryRun: dry})
					if out.err == nil || !strings.Contains(out.err.Error(), c.what) || !strings.Contains(out.err.Error(), "--gone") {
						t.Errorf("dry %v: %v", dry, out.err)
					}
				}
				if n := s.Count(members); n != before {
					t.Errorf("%d of %d are left", n, before)
				}
				gone := func(o *upgrade.Options) { o.Gone = true }
				same(t, s.bring(gone, dryRun), s.bring(gone))
				if n := s.Count(members); n != before-12 {
					t.Errorf("%d of %d are left, and 12 have gone", n, before)
				}
			})
		})
	}
}

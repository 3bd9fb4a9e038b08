package upgrade_test

import (
	"fmt"
	"testing"

	"clientele/internal/upgrade"
)

// TestADeletedLoginLeavesItsNumber has one in an installation that is empty
// otherwise.
func TestADeletedLoginLeavesItsNumber(t *testing.T) {
	eachShape(t, func(t *testing.T, s *stage) {
		p := s.Person("Test", "test@example.org")
		p.PostOnly("/me/delete", form("sure", "yes"))
		for n := 1; n <= int(p.User); n++ {
			s.login(n, fmt.Sprintf("old%d@example.com", n), bcrypted(hers))
		}
		same(t, s.bring(dryRun), s.bring())
		s.enters(fmt.Sprintf("old%d@example.com", p.User), hers).Get(accountPath(int64(p.User))).Must(200)
	})
}

// TestT142_PeopleSignUpDuringARun has somebody new come in the middle of one,
// and somebody whose address is still to be read.
func TestT142_PeopleSignUpDuringARun(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.there.Exec(`INSERT INTO tblcontacts (id, userid, firstname, lastname, email, subaccount, password, permissions)
			SELECT seq, 1, 'Sub', seq, CONCAT('sub', seq, '@example.com'), 1, '` + carried("b") + `', 'tickets' FROM seq_1_to_1200`)
		n := 0
		out := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{Progress: func(_, _ int64, what string) {
			if what == "Contacts" {
				if n++; n == 2 {
					s.Person("New", "new@example.org")
					s.Person("Sub", "sub1100@example.com")
				}
			}
		}})
		if out.err != nil {
			t.Fatal(out.err)
		}
		out.must(t, "tblcontacts", 1100, "belongs to a login here already")
		if n := s.Count("users"); n != 1+1200-1+2 {
			t.Errorf("there are %d logins", n)
		}
		out = s.bring(merge)
		for _, c := range out.head.Rows {
			if c.New+c.Changed+c.Gone > 0 {
				t.Errorf("a run after it does something: %+v", c)
			}
		}
	})
}

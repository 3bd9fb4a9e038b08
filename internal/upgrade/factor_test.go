package upgrade_test

import (
	"slices"
	"testing"

	"clientele/internal/upgrade"
)

// A second factor that stays behind is told of by the report and by mail, also
// where it was that of another login with the same address.
func TestT143_ALostSecondFactorIsToldOfWhoeverHadIt(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				s.login(1, "ada@example.com", bcrypted(hers))
				s.login(2, "ada@example.com", bcrypted(theirs))
				s.login(3, "ben@example.com", bcrypted(hers))
				s.login(4, "ben@example.com", bcrypted(theirs))
				column := map[string]string{"tblclients": "authmodule", "tblusers": "second_factor"}[s.loginTable()]
				s.there.Exec("UPDATE " + s.loginTable() + " SET " + column + " = 'totp' WHERE id = 2")
				dry := s.bring(dryRun)
				out := s.bring()
				same(t, dry, out)
				out.must(t, s.loginTable(), 2, "had a second factor")
				if out.says(t, s.loginTable(), 1, "had a second factor") {
					t.Error("the report says it of the login that had none")
				}
				again := s.bring()
				same(t, outcome{csv: out.csv}, outcome{csv: again.csv})
				w, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, upgrade.WelcomeFactors, false)
				if err != nil || w != (upgrade.Welcome{Factors: 1}) {
					t.Errorf("%+v, %v", w, err)
				}
				if list := arrived(s); !slices.Equal(list, []string{"ada@example.com: Set up your second factor at Northbeam Hosting again"}) {
					t.Errorf("mailed: %q", list)
				}
			})
		})
	}
}

// A login that begins anew, since the one here is somebody's own, lacks its
// second factor too.
func TestT143_ALoginThatBeginsAnewLacksItsSecondFactor(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.bring()
		s.recovers("ada@example.com", fresh)
		s.there.Exec("UPDATE tblclients SET email = 'new@example.com', authmodule = 'totp' WHERE id = 1")
		out := s.bring(merge)
		out.must(t, "tblclients", 1, "a new login has its access now")
		out.must(t, "tblclients", 1, "had a second factor")
	})
}

package upgrade_test

import (
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/whmcstest"
)

// The oldest release of either generation comes in as a whole too, as its dry
// run says, and misses no table of another release.
func TestTheOldestReleasesComeInWhole(t *testing.T) {
	t.Parallel()
	for shape, logins := range map[string]string{"7.0": "10 0 0 0 0", "8.3": "7 0 0 0 0"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			s := &stage{apptest.New(t, db.SQLite), t, whmcstest.NewDatabase(t, shape)}
			town(s)
			google(s)
			dry := s.bring(dryRun)
			out := s.bring()
			same(t, dry, out)
			if out.counts("Accounts") != "7 0 0 0 0" || out.counts("Logins") != logins || out.counts("Notes") == "none" || out.counts("Linked sign-ins") != "1 0 0 0 0" {
				t.Errorf("it counts %+v", out.head.Rows)
			}
			for _, l := range out.lines(t) {
				if l.id == 0 {
					t.Errorf("the report says of %s as a whole that it %s", l.table, l.reason)
				}
			}
			if !strings.HasPrefix(out.head.Source, "WHMCS "+shape[:1]) {
				t.Errorf("it is taken for %s", out.head.Source)
			}
			if again := s.bring(); again.csv != out.csv {
				t.Error("the second run reports otherwise")
			}
			s.nobodyMailed()
		})
	}
}

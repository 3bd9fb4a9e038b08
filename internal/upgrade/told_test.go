package upgrade_test

import (
	"fmt"
	"slices"
	"testing"

	"clientele/internal/upgrade"
)

// TestT142_WhatANewFactorAsksForIsToldOnce has people switch their second
// factor on and off there between two runs.
func TestT142_WhatANewFactorAsksForIsToldOnce(t *testing.T) {
	eachShape(t, func(t *testing.T, s *stage) {
		for n, who := range []string{"ada", "ben", "cleo", "dan"} {
			s.login(n+1, who+"@example.com", bcrypted(hers))
		}
		s.there.Exec("UPDATE tblclients SET password = 'none' WHERE id = 4")
		column := "authmodule"
		if s.there.HasUsers() {
			column = "second_factor"
			s.there.Exec("UPDATE tblusers SET password = 'none' WHERE id = 4")
		}
		factor := func(on string, number int) {
			s.there.Exec(fmt.Sprintf("UPDATE %s SET %s = '%s' WHERE id = %d", s.loginTable(), column, on, number))
		}
		factor("totp", 2)
		factor("totp", 3)
		s.bring()
		factor("totp", 1)
		factor("", 2)
		s.bothWays(t).must(t, s.loginTable(), 1, "had a second factor")
		const mail = ": Set up your second factor at Northbeam Hosting again"
		welcome := func(only string, want ...string) {
			t.Helper()
			if _, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, only, false); err != nil {
				t.Fatal(err)
			}
			if got := arrived(s); !slices.Equal(got, want) {
				t.Errorf("these were mailed: %q, want %q", got, want)
			}
		}
		welcome(upgrade.WelcomeFactors, "ada@example.com"+mail, "cleo@example.com"+mail)
		welcome("", "ada@example.com"+mail, "cleo@example.com"+mail, "dan@example.com: Set a new password for Northbeam Hosting")
		s.bring()
		factor("totp", 4)
		s.bring()
		s.bring()
		welcome("", "ada@example.com"+mail, "cleo@example.com"+mail, "dan@example.com: Set a new password for Northbeam Hosting", "dan@example.com"+mail)
	})
}

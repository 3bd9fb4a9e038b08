package auth_test

import (
	"strings"
	"testing"

	"clientele/internal/apptest"
)

// TestT145_WrongPasswordsAreRecordedBoundedAndWithoutThem guesses far more
// often than anybody who has forgotten hers.
func TestT145_WrongPasswordsAreRecordedBoundedAndWithoutThem(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for range 120 {
			w.Browser().PostOnly("/signin", map[string][]string{"address": {p.Address}, "password": {"a guess that nobody may read"}})
		}
		n := w.Count("audit_records WHERE event = 'user.signed_in' AND outcome = 'denied' AND subject_id = $1 AND request <> ''", p.User)
		if n < 3 || n > 60 {
			t.Errorf("%d of 120 wrong passwords are recorded", n)
		}
		// Of an address that is nobody's there is nothing to record.
		before := w.Count("audit_records")
		w.Browser().PostOnly("/signin", map[string][]string{"address": {"nobody@crowd.example"}, "password": {"a guess that nobody may read"}})
		if w.Count("audit_records") != before {
			t.Error("a guess at nobody is recorded")
		}
		for _, text := range apptest.Query[string](w, "SELECT before || after || request || network FROM audit_records") {
			if strings.Contains(text, "guess") || strings.Contains(text, p.Address) {
				t.Errorf("the log holds %q", text)
			}
		}
	})
}

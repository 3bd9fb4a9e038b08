package auth_test

import (
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
)

// TestNothingStandsInTheSweepsWay finds the rows that refer to what is swept:
// one that stays would keep it, and fail the sweep every hour from then on.
func TestNothingStandsInTheSweepsWay(t *testing.T) {
	w := apptest.New(t, db.SQLite)
	type reference struct{ Relation, Refers string }
	references := apptest.Query[reference](w, `SELECT m.name AS relation, f."table" AS refers FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`)
	if len(references) == 0 {
		t.Fatal("no references were read")
	}
	all := strings.Join(auth.Sweeps(), "\n")
	for _, r := range references {
		if strings.Contains(all, "DELETE FROM "+r.Refers+" ") && !strings.Contains(all, "NOT EXISTS (SELECT 1 FROM "+r.Relation+" ") {
			t.Errorf("%s refers to %s, which the sweep deletes: let it go first, or stay", r.Relation, r.Refers)
		}
	}
}

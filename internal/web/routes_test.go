package web_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/web"
)

// TestT153_GoldenRoutes prints every way in with its guard, its step-up, its
// audit event and what bounds it, so that a new hole is one changed line.
func TestT153_GoldenRoutes(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	var b strings.Builder
	for _, r := range w.Mux.Routes() {
		b.WriteString(r.String() + "\n")
	}
	const golden = "../../testdata/routes.txt"
	if os.Getenv("CLIENTELE_UPDATE_GOLDENS") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() == string(want) {
		return
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")
	for _, line := range old {
		if !slices.Contains(now, line) {
			t.Errorf("gone: %s", line)
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			t.Errorf("new:  %s", line)
		}
	}
	t.Errorf("the routes differ from %s; see that each is guarded as it should be, then run make generate", golden)
}

func TestT153_EveryRouteIsGuardedRecordedAndBounded(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	known := map[string]bool{}
	for _, r := range w.Mux.Routes() {
		known[name(r)] = true
		switch r.Guard {
		case "public", "signed in":
			if r.Needs != "" {
				t.Errorf("%s needs %s and nobody checks it", name(r), r.Needs)
			}
		case "account", "staff":
			if r.Needs == "" {
				t.Errorf("%s needs no permission", name(r))
			}
		default:
			t.Errorf("%s has the guard %q", name(r), r.Guard)
		}
		if r.Unsafe() != (r.Audits != "" || r.Begins) {
			t.Errorf("%s records %q; what changes something is recorded, and nothing else", name(r), r.Audits)
		}
		if said := (audit.Entry{Event: r.Audits, Outcome: "done"}).Words(); r.Audits != "" && strings.Contains(said, r.Audits) {
			t.Errorf("%s records %s, for which there are no words", name(r), r.Audits)
		}
		if r.Unsafe() != (r.Rate != "") {
			t.Errorf("%s is bounded by %q; what changes something is bounded, and nothing else", name(r), r.Rate)
		}
		if r.StepUp && r.Guard == "public" {
			t.Errorf("%s asks visitors for their password once more", name(r))
		}
		switch {
		case strings.HasPrefix(r.Pattern, "/a/"):
			if r.Guard != "account" {
				t.Errorf("%s is on an account and not guarded so", name(r))
			}
		case strings.HasPrefix(r.Pattern, "/staff") && !isStaffDoor(r):
			if r.Guard != "staff" {
				t.Errorf("%s is in the staff area and not guarded so", name(r))
			}
		case strings.HasPrefix(r.Pattern, "/me"):
			if r.Guard != "signed in" {
				t.Errorf("%s is hers alone and not guarded so", name(r))
			}
		}
	}
	for route := range uses {
		if !known[route] {
			t.Errorf("uses, in stage_test.go, has %s, which is no route any more", route)
		}
	}
}

// isStaffDoor reports whether a route is there for who wants to get into the
// staff area.
func isStaffDoor(r web.Route) bool {
	return strings.HasPrefix(r.Pattern, "/staff/signin") || strings.HasPrefix(r.Pattern, "/staff/welcome")
}

// TestT153_EveryRouteIsInTheMatrices fails where a new route has no samples.
func TestT153_EveryRouteIsInTheMatrices(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	s := newStage(t, w)
	for _, r := range w.Mux.Routes() {
		s.path(t, r)
		useOf(t, r)
		if r.Guard == "account" {
			holds(t, r, 0)
		}
	}
}

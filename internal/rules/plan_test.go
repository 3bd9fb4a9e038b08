package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// plan is the order of the packages under internal, from the cellar to the
// roof. A package imports only what stands before it. A new package is written
// in here once, above everything that will import it.
var plan = slices.Concat(
	// Foundation: knows nothing of the trade.
	[]string{"id", "money", "fault", "plain", "locale", "config", "seal", "password", "geo", "db", "backup", "audit", "job", "mail", "setting"},
	// People: who you are and what you may do.
	[]string{"user", "auth", "access", "account", "invite", "staff", "sso", "merge", "system"},
	// Trade: what an account owns, owes and asks.
	[]string{"webhook", "catalog", "provision", "gateway", "service", "domain", "order", "billing", "ticket", "whmcs"},
	// Doors: how people and programs come in.
	[]string{"ui", "web", "portal", "backoffice", "api"},
	// Roof: builds everything, runs it, and fills it from elsewhere.
	[]string{"upgrade", "app", "cli"},
)

// uiMay is all that ui knows: it draws what it is given.
var uiMay = []string{"id", "money", "fault", "locale"}

// testOnly are the places of tests and measurements. They may import
// everything, and only tests may import them.
var testOnly = []string{"rules", "apptest", "whmcstest", "browsertest", "bench"}

const module = "clientele"

// place names the room that a folder of the module belongs to: folders below a
// package belong to the package.
func place(dir string) string {
	first, rest, _ := strings.Cut(dir, "/")
	if first != "internal" {
		return first
	}
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// rank is a place's height in the plan; commands stand above everything.
func rank(place string) int {
	if place == "cmd" {
		return len(plan)
	}
	return slices.Index(plan, place)
}

// floors complains of imports that go up the plan.
func floors(all []source) (bad []string) {
	for _, s := range all {
		here := place(path.Dir(s.path))
		if slices.Contains(testOnly, here) {
			continue
		}
		if rank(here) < 0 {
			bad = append(bad, fmt.Sprintf("%s: package %s has no place in the plan; give it one in internal/rules/plan_test.go, before everything that will import it", s.path, here))
			continue
		}
		if s.isTest() {
			continue
		}
		for _, dir := range s.ownImports() {
			if why := mayNot(here, place(dir)); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", s.path, dir, why))
			}
		}
	}
	return bad
}

// mayNot says why one place may not import another, or nothing.
func mayNot(here, other string) string {
	switch {
	case here == other:
		return ""
	case slices.Contains(testOnly, other):
		return "only tests may"
	case here == "ui" && !slices.Contains(uiMay, other):
		return "ui draws what it is given, and knows only " + strings.Join(uiMay, ", ")
	case rank(other) > rank(here):
		return fmt.Sprintf("%s comes after %s in the plan", other, here)
	}
	return ""
}

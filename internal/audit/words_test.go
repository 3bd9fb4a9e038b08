package audit_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
)

// writers are the packages that write records.
var writers = []string{"auth", "access", "account", "invite", "staff", "sso", "user"}

var (
	literal = regexp.MustCompile(`"((?:user|session|account|contact|member|ownership|invitation|access|staff|identity|provider)\.[a-z_-]*)"`)
	joined  = regexp.MustCompile(`Event:\s+"([a-z]+\.)" \+`)
)

// endings are what follows the events that are put together in the code.
var endings = map[string][]string{
	"access.":    {"permission", "only-owners", "grant-exceeds-own", "own-membership", "target-owner", "target-exceeds-own", "email-unverified", "staff-only"},
	"member.":    {"removed", "left"},
	"ownership.": {"declined", "withdrawn"},
}

// events lists every event that the sources write.
func events(t *testing.T) (all []string) {
	for _, writer := range writers {
		files, err := filepath.Glob("../" + writer + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("no sources of %s: %v", writer, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range joined.FindAllStringSubmatch(string(text), -1) {
				if endings[m[1]] == nil {
					t.Errorf("%s writes %s…: say here what can follow", file, m[1])
				}
				for _, end := range endings[m[1]] {
					all = append(all, m[1]+end)
				}
			}
			for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
				if !strings.HasSuffix(m[1], ".") && !isPermission(m[1]) {
					all = append(all, m[1])
				}
			}
		}
	}
	for _, i := range access.StaffPermissions {
		all = slices.DeleteFunc(all, func(event string) bool { return event == i.Key }) // a permission that is called like one
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isPermission reports whether a name is a permission of operators, which look
// like events and are none.
func isPermission(name string) bool {
	return slices.ContainsFunc(access.StaffPermissions, func(i access.StaffInfo) bool { return i.Key == name })
}

func TestEveryEventHasWords(t *testing.T) {
	all := events(t)
	if len(all) < 30 {
		t.Fatalf("found %d events: looking in the wrong place?", len(all))
	}
	for _, event := range all {
		for _, outcome := range []string{"done", "denied"} {
			said := audit.Entry{Event: event, Outcome: outcome, ActorKind: audit.User}.Words()
			if strings.Contains(said, event) || said == "" {
				t.Errorf("%s (%s) has no words: %s", event, outcome, said)
			}
		}
	}
}

func TestWords(t *testing.T) {
	nora, ben := db.Some[int64](1), db.Some[int64](2)
	by := func(event, before, after string) audit.Entry {
		return audit.Entry{
			Event: event, Outcome: "done", ActorKind: audit.User, ActorID: nora, ActorName: "Nora Baker",
			SubjectID: ben, SubjectName: "Ben Ito", Before: before, After: after,
		}
	}
	self := by("ownership.ended", "", "")
	self.SubjectID = nora
	denied := by("user.signed_in", "", "")
	denied.Outcome, denied.ActorKind = "denied", audit.Visitor
	for want, e := range map[string]audit.Entry{
		"removed Ben Ito from the account":                                              by("member.removed", "", ""),
		"stepped back as an owner":                                                      self,
		"tried to sign in as Ben Ito with a wrong password":                             denied,
		"changed what Ben Ito may do: Billing → Technical":                              by("member.changed", `{"role":"billing","permissions":["invoices.view"]}`, `{"role":"technical","permissions":[]}`),
		"changed what Ben Ito may do: may now see services; may no longer pay invoices": by("member.changed", `{"permissions":["invoices.pay"]}`, `{"permissions":["services.view"]}`),
		"changed what Ben Ito may do: access until 31 January 2027":                     by("member.changed", `{"permissions":[]}`, `{"permissions":[],"ends":"2027-01-31T00:00:00Z"}`),
		"changed what Ben Ito may do: access without an end":                            by("member.changed", `{"permissions":[],"ends":"2027-01-31T00:00:00Z"}`, `{"permissions":[]}`),
		"sent an invitation: may answer tickets, manage payment methods":                by("invitation.sent", "", `{"role":"","permissions":["tickets.reply","payment_methods.manage"]}`),
		"gave Ben Ito access: Full access":                                              by("member.joined", "", `{"role":"full","owner":false,"permissions":["a.b"]}`),
		"gave Ben Ito access as an owner":                                               by("member.joined", "", `{"role":"full","owner":true}`),
		"changed the account's details: city (empty) → “Hamburg”, tax number “1” → “2”": by("account.changed", `{"tax_number":"1","city":""}`, `{"tax_number":"2","city":"Hamburg"}`),
		"changed the account's status: active → inactive":                               by("account.status_changed", `{"status":"active"}`, `{"status":"inactive"}`),
		"offered ownership to Ben Ito, to hand it over":                                 by("ownership.offered", "", `{"hand_over":true}`),
		"declined an invitation":                                                        by("invitation.declined", "", `{"blocked":false}`),
		"did \"moon.landed\"":                                                           by("moon.landed", "", ""),
	} {
		if got := e.Words(); got != want {
			t.Errorf("%s: %q, want %q", e.Event, got, want)
		}
	}
}

func TestActor(t *testing.T) {
	for want, e := range map[string]audit.Entry{
		"Nora Baker":                       {ActorKind: audit.User, ActorName: "Nora Baker"},
		"Nora Baker, through account 1040": {ActorKind: audit.User, ActorName: "Nora Baker", Via: audit.ViaPartner, ViaID: db.Some[int64](1040)},
		"User 12":                          {ActorKind: audit.User, ActorID: db.Some[int64](12)},
		"Staff: Sam":                       {ActorKind: audit.Staff, ActorName: "Sam"},
		"Staff: number 3":                  {ActorKind: audit.Staff, ActorID: db.Some[int64](3)},
		"Sam (staff) as Alice Example":     {ActorKind: audit.Staff, ActorName: "Sam", BehalfID: db.Some[int64](7), BehalfName: "Alice Example"},
		"Number 3 (staff) as user 7":       {ActorKind: audit.Staff, ActorID: db.Some[int64](3), BehalfID: db.Some[int64](7)},
		"System":                           {ActorKind: audit.System},
		"The upgrade":                      {ActorKind: audit.System, Via: audit.ViaImport},
		"Somebody not signed in":           {ActorKind: audit.Visitor},
	} {
		if got := e.Actor(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLogKnowsRolesAndPermissions keeps the log's words in step with access,
// which stands above this package and cannot be asked.
func TestLogKnowsRolesAndPermissions(t *testing.T) {
	for _, r := range access.BuiltIns {
		e := audit.Entry{Event: "invitation.sent", Outcome: "done", After: `{"role":"` + r.Key + `"}`}
		if got, want := e.Words(), "sent an invitation: "+r.Label; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, i := range access.All {
		e := audit.Entry{Event: "invitation.sent", Outcome: "done", After: `{"permissions":["` + i.Key + `"]}`}
		if got := e.Words(); strings.ContainsAny(got, "._") || strings.HasSuffix(got, "may  ") {
			t.Errorf("%s: %q", i.Key, got)
		}
	}
}

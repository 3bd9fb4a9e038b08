package whmcs

import (
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/whmcstest"

	"pgregory.net/rapid"
)

// table is the column WHMCS of the design's list of permissions, written out
// again: what each of the thirteen keys grants.
var table = map[string][]string{
	"profile": {"profile.manage"}, "contacts": {"contacts.manage"},
	"products": {"services.view"}, "manageproducts": {"services.manage"}, "productsso": {"services.signin"},
	"domains": {"domains.view"}, "managedomains": {"domains.manage"},
	"invoices": {"invoices.view", "invoices.pay"}, "quotes": {"quotes.view", "quotes.accept"}, "tickets": {"tickets.view", "tickets.reply"},
	"affiliates": {"affiliates.manage"}, "emails": {"emails.view"}, "orders": {"orders.place"},
}

// documented is what the table gives for the keys whose bits are set.
func documented(bits int) access.Set {
	var ours []string
	for i, key := range whmcstest.Keys {
		if bits>>i&1 == 1 {
			ours = append(ours, table[key]...)
		}
	}
	set, err := access.ParseSet(ours)
	if err != nil {
		panic(err)
	}
	return set
}

// Every subset of WHMCS's permissions becomes exactly what is documented.
func TestT141_EverySubsetOfPermissionsMapsExactly(t *testing.T) {
	if len(whmcstest.Keys) != 13 || len(table) != 13 {
		t.Fatalf("%d keys, %d in the table", len(whmcstest.Keys), len(table))
	}
	for bits := range whmcstest.Subsets {
		if got, unknown := Permissions(whmcstest.Subset(bits)); got != documented(bits) || unknown != nil {
			t.Fatalf("%q grants %v, want %v; unknown %q", whmcstest.Subset(bits), got, documented(bits), unknown)
		}
	}
}

// Keys that are unknown grant nothing and are told, however the list is written.
func TestT141_UnknownPermissionsGrantNothingAndAreTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.IntRange(0, whmcstest.Subsets-1).Draw(t, "bits")
		strange := rapid.SliceOfDistinct(rapid.StringMatching(`[a-zA-Z.*-]{1,12}`), rapid.ID[string]).Draw(t, "strange")
		strange = slices.DeleteFunc(strange, func(s string) bool { return slices.Contains(whmcstest.Keys, s) })
		list := append(strings.Split(whmcstest.Subset(bits), ","), strange...)
		list = append(list, "", " ", list[0])
		got, unknown := Permissions(strings.Join(rapid.Permutation(list).Draw(t, "list"), ", "))
		slices.Sort(strange)
		slices.Sort(unknown)
		if got != documented(bits) || !slices.Equal(unknown, strange) {
			t.Fatalf("%q grants %v and does not know %q", list, got, unknown)
		}
	})
	for _, list := range []string{"*", "all", "PROFILE", "owner", "services.view", "profile contacts", "profile;contacts", "profile\x00"} {
		if got, unknown := Permissions(list); got != 0 || len(unknown) != 1 {
			t.Errorf("%q grants %v, unknown %q", list, got, unknown)
		}
	}
}

package access

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"clientele/internal/fault"

	"pgregory.net/rapid"
)

// TestT150_GoldenPermissionBits keeps the place of every permission for ever:
// a database of any age means the same by its bits.
func TestT150_GoldenPermissionBits(t *testing.T) {
	var b strings.Builder
	infos := slices.Clone(All)
	slices.SortFunc(infos, func(x, y Info) int { return int(x.bit) - int(y.bit) })
	for _, i := range infos {
		fmt.Fprintf(&b, "%2d  %-24s whmcs:%-16s needs:%s\n", i.bit, i.Key, i.WHMCS, i.needs)
	}
	for _, r := range BuiltIns {
		fmt.Fprintf(&b, "role %-10s %s\n", r.Key, r.Set)
	}
	for _, i := range StaffPermissions {
		fmt.Fprintf(&b, "staff %2d  %-16s needs:%-48s on accounts:%s\n", i.Bit, i.Key, strings.Join(i.needs.Keys(), " "), i.on)
	}
	for _, r := range StaffRoles {
		fmt.Fprintf(&b, "staff role %-14s %s\n", r.Key, strings.Join(r.Set.Keys(), " "))
	}
	const golden = "../../testdata/permissions.txt"
	if os.Getenv("CLIENTELE_UPDATE_GOLDENS") != "" {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the permissions differ from %s; a place is never moved or used again:\n%s", golden, b.String())
	}
}

func TestEveryPermissionIsListedOnce(t *testing.T) {
	if len(All) != 21 {
		t.Errorf("%d permissions, want 21", len(All))
	}
	bits, keys := map[bit]bool{}, map[string]bool{}
	for _, i := range All {
		if bits[i.bit] || keys[i.Key] || i.Label == "" || i.Allows == "" || i.Area == "" {
			t.Errorf("%+v stands twice or says nothing", i)
		}
		bits[i.bit], keys[i.Key] = true, true
	}
	for _, r := range BuiltIns {
		if r.Set != r.Set.Closed() {
			t.Errorf("the role %s lacks what its permissions need", r.Key)
		}
	}
}

func TestT150_UnknownBitsGrantNothing(t *testing.T) {
	s := Set(1)<<40 | Set(1)<<21
	if s.Known() != 0 || len(s.Keys()) != 0 || s.Count() != 0 {
		t.Errorf("unknown bits amount to %v", s.Keys())
	}
}

func anySet(t *rapid.T, label string) Set {
	return Set(rapid.Int64Range(0, int64(Everything)).Draw(t, label)) & Everything
}

func TestClosedSetsAreClosedAndKeepWhatTheyHad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySet(t, "set")
		c := s.Closed()
		if !c.Has(s) || c.Closed() != c {
			t.Fatalf("Closed(%v) = %v", s, c)
		}
		back, err := ParseSet(s.Keys())
		if err != nil || back != s {
			t.Fatalf("ParseSet(%v) = %v, %v", s.Keys(), back, err)
		}
	})
}

// A WHMCS key is reported only where all that it grants is held.
func TestT141_WHMCSKeysNeverOverstate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySet(t, "set")
		for _, key := range s.WHMCS() {
			if !s.Has(FromWHMCS(key)) || FromWHMCS(key) == 0 {
				t.Fatalf("%v reports %s", s, key)
			}
		}
	})
	var all Set
	for _, key := range whmcsKeys {
		all |= FromWHMCS(key)
	}
	if got := all.WHMCS(); !slices.Equal(got, whmcsKeys) {
		t.Errorf("all thirteen keys come back as %v", got)
	}
	if FromWHMCS("") != 0 || FromWHMCS("nope") != 0 {
		t.Error("an unknown key grants something")
	}
}

func TestT016_UnknownOrCompositeRolesAreRefused(t *testing.T) {
	for _, choice := range []string{"nope", "", "admin,member", `["admin"]`, "ADMIN ", "FULL", "full ", "0", "role-", "role-0", "role--1", "role-1x", "owner", strings.Repeat("a", 10_000), "full\x00"} {
		if role, err := ParseRole(choice, nil); !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseRole(%.20q) = %+v, %v", choice, role, err)
		}
	}
	for _, keys := range [][]string{nil, {""}, {"*"}, {"all"}, {"owner"}, {"services.view,invoices.pay"}, {"services.view", "nope"}} {
		if role, err := ParseRole("choose", keys); !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseRole(choose, %q) = %+v, %v", keys, role, err)
		}
	}
	role, err := ParseRole("choose", []string{"services.manage"})
	if err != nil || role.Single != set(servicesManage, servicesView) {
		t.Errorf("needs are not added: %+v, %v", role, err)
	}
}

// Nobody grants more than he holds.
func TestT013_T042_AGrantIsASubsetOfWhatItsGrantorHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actor, target, want := anySet(t, "actor"), anySet(t, "target"), anySet(t, "want")
		p := proof{all: actor, principal: Principal{user: 1}}
		if allowed := p.MayGrant(want) == nil; allowed != (want&^actor == 0) {
			t.Fatalf("%v may grant %v: %v", actor, want, allowed)
		}
		m := Member{UserID: 2, Permissions: target, Owner: rapid.Bool().Draw(t, "owner")}
		allowed := p.MayTouch(m) == nil
		if allowed != (target&^actor == 0 && !m.Owner) {
			t.Fatalf("%v may touch %v (owner %v): %v", actor, target, m.Owner, allowed)
		}
		if p.MayTouch(Member{UserID: 1}) == nil {
			t.Fatal("one may change oneself")
		}
	})
}

// Adding a grant never takes away, removing one never gives.
func TestT056_UnionsOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anySet(t, "a"), anySet(t, "b")
		if !(a | b).Has(a) || !a.Has(a&b) {
			t.Fatal("a union took something away")
		}
	})
}

func TestTheZeroProofOpensNothing(t *testing.T) {
	var zero For[ManagePeople]
	if _, ok := Also[ViewPeople](zero); ok {
		t.Error("a zero proof makes another")
	}
	if err := zero.Read(t.Context(), nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("Read: %v", err)
	}
	if err := zero.Write(t.Context(), nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("Write: %v", err)
	}
}

package access

import (
	"math/rand/v2"
	"testing"
)

// Nobody gives more than he holds, and nobody touches who may do more: ten
// thousand times over, among them sets of few and of many permissions.
func TestT042_TenThousandGrants(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 1))
	draw := func() Set {
		s := Set(r.Int64()) & Everything
		for range r.IntN(4) {
			if next := Set(r.Int64()); r.IntN(2) == 0 {
				s |= next & Everything
			} else {
				s &= next
			}
		}
		return s
	}
	given, touched := 0, 0
	for range 10_000 {
		actor, target, want := draw(), draw(), draw()
		if r.IntN(3) == 0 {
			want &= actor
		}
		if r.IntN(3) == 0 {
			target &= actor
		}
		p := proof{all: actor, principal: Principal{user: 1}}
		inside := true
		for _, i := range All {
			inside = inside && (!want.Has(i.Set()) || actor.Has(i.Set()))
		}
		if (p.MayGrant(want) == nil) != inside {
			t.Fatalf("who holds %v gives %v: %v", actor, want, p.MayGrant(want))
		}
		one := draw()
		one &= draw()
		one &= draw()
		m := Member{UserID: 2, Permissions: target, OnObjects: one & onObject["service"], Owner: r.IntN(10) == 0}
		below := (target|m.OnObjects)&^actor == 0 && !m.Owner
		if (p.MayTouch(m) == nil) != below {
			t.Fatalf("who holds %v touches %v and %v (owner: %t): %v", actor, target, m.OnObjects, m.Owner, p.MayTouch(m))
		}
		if inside {
			given++
		}
		if below {
			touched++
		}
		if m.UserID = 1; p.MayTouch(m) == nil {
			t.Fatalf("who holds %v touches herself", actor)
		}
	}
	if given < 1000 || given > 9000 || touched < 1000 || touched > 9000 {
		t.Errorf("%d were given and %d touched: the cases are lopsided", given, touched)
	}
}

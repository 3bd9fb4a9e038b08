package portal_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// second makes a further owner of alice's account.
func (c *memberCast) second() *apptest.Person {
	olga := c.Person("Olga Owner", "olga@owner.example")
	c.JoinAs(c.a, access.Join{User: olga.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
	return olga
}

// offer has an owner offer ownership, and finds the offer.
func (c *memberCast) offer(t *testing.T, from, to *apptest.Person, kind string) string {
	t.Helper()
	memberSend(from, c.a, c.memberAt(c.a, to)+"/ownership", "kind", kind).Must(303)
	newest := apptest.Query[id.Offer](c.World, "SELECT id FROM ownership_offers ORDER BY id DESC")[0]
	return accountPath(c.a) + "/people/offers/" + id.String(newest)
}

// owners are the accounts' owners in force, by name.
func (c *memberCast) owners() string {
	names := apptest.Query[string](c.World, "SELECT u.name FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 AND m.owner AND m.status = 'active' ORDER BY u.name", c.a)
	return strings.Join(names, ", ")
}

func TestT048_TheLastOwnerStays(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		root := c.Operator("Robin Root", "robin@northbeam.example", "administrator")
		at, staffAt := c.memberAt(c.a, c.alice), "/staff/accounts/"+id.String(c.a)+"/users/"+id.String(c.Membership(c.a, c.alice))
		fay := c.Person("Fay Full", "fay@full.example")
		c.JoinAs(c.a, access.Join{User: fay.User, Role: access.Role{BuiltIn: "full"}})
		account := form("account", id.String(c.a))
		refused := func(case_ string) {
			t.Helper()
			memberRefused(t, c.alice, c.a, accountPath(c.a)+"/leave", nil, 409, "last-owner")
			memberRefused(t, c.alice, c.a, at+"/ownership/end", nil, 409, "last-owner")
			root.Post(staffAt+"/owner/end", account).Must(409, "This is the only owner.")
			root.Post(staffAt+"/remove", account).Must(409)
			if c.owners() == "" {
				t.Errorf("%s: nobody owns the account", case_)
			}
		}
		refused("alone")
		memberRefused(t, c.alice, c.a, at+"/remove", nil, 403, "own-membership")
		memberRefused(t, c.alice, c.a, at, form("role", "mail"), 403, "own-membership")
		memberRefused(t, fay, c.a, at+"/remove", nil, 403, "target-owner")
		memberRefused(t, fay, c.a, at, form("role", "mail"), 403, "target-owner")
		root.Post(staffAt, url.Values{"account": {id.String(c.a)}, "role": {"mail"}}).Must(409)
		c.alice.Get(accountPath(c.a)+"/leave").Submit(accountPath(c.a)+"/leave", nil).Must(409, "This is the only owner. Make another person an owner first.")

		// An owner who cannot act is none.
		olga := c.second()
		m := c.Membership(c.a, olga)
		c.Exec("UPDATE memberships SET status = 'suspended' WHERE id = $1", m)
		refused("the other is suspended")
		c.Exec("UPDATE memberships SET status = 'active', starts_at = $2 WHERE id = $1", m, c.Clock.Now().Add(time.Hour))
		refused("the other has not begun")
		c.Exec("UPDATE memberships SET starts_at = created_at WHERE id = $1", m)
		for _, set := range []string{"status = 'suspended'", "status = 'deleted'", "verified_at = NULL"} {
			c.Exec("UPDATE users SET "+set+" WHERE id = $1", olga.User)
			refused("the other's login has " + set)
			c.Exec("UPDATE users SET status = 'active', verified_at = created_at WHERE id = $1", olga.User)
		}
		memberSend(c.alice, c.a, accountPath(c.a)+"/people/invitations", "address", "nina@x.example", "role", "full").Must(303)
		c.offer(t, c.alice, fay, "share")
		c.Exec("UPDATE memberships SET owner = FALSE WHERE id = $1", m)
		refused("another is invited, and ownership is offered")

		c.Exec("UPDATE memberships SET owner = TRUE WHERE id = $1", m)
		memberSend(c.alice, c.a, accountPath(c.a)+"/leave").Must(303)
		c.alice.Get(accountPath(c.a)).Must(404)
		if got := c.owners(); got != "Olga Owner" {
			t.Errorf("the owners are %s", got)
		}
	})
}

func TestT049_OfTwoOwnersWhoEndEachOtherOneWins(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.second()
		people := []*apptest.Person{c.alice, olga}
		targets := []string{c.memberAt(c.a, olga), c.memberAt(c.a, c.alice)}
		var mu sync.Mutex
		answers := map[int]int{}
		apptest.Race(100, func(i int) {
			page := memberSend(people[i%2], c.a, targets[i%2]+"/ownership/end")
			mu.Lock()
			defer mu.Unlock()
			answers[page.Status]++
		})
		if answers[303] != 1 || answers[403]+answers[409] != 99 {
			t.Errorf("the answers are %v", answers)
		}
		if got := c.owners(); got != c.alice.Name && got != olga.Name {
			t.Errorf("the owners are %q", got)
		}
		if n := c.Count("audit_records WHERE event = 'ownership.ended'"); n != 1 {
			t.Errorf("%d records of it", n)
		}
	})
}

func TestT048_OfTwoOwnersWhoLeaveAtOnceOneStays(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		people := []*apptest.Person{c.alice, c.second()}
		for range 5 {
			var mu sync.Mutex
			var answers []int
			apptest.Race(2, func(i int) {
				page := memberSend(people[i], c.a, accountPath(c.a)+"/leave")
				mu.Lock()
				defer mu.Unlock()
				answers = append(answers, page.Status)
			})
			slices.Sort(answers)
			if !slices.Equal(answers, []int{303, 409}) {
				t.Fatalf("the answers are %v", answers)
			}
			for _, p := range people {
				if !c.Member(c.a, p) {
					c.JoinAs(c.a, access.Join{User: p.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
				}
			}
		}
	})
}

func TestT049_OwnershipIsOfferedAndTaken(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.second()
		at := c.memberAt(c.a, c.carol) + "/ownership"
		c.alice.Get(at).Must(200, "Make Carol Clerk an owner").Submit(at, form("kind", "hand-over")).Must(200, "The offer is on its way", "Ownership is offered to Carol Clerk")
		c.Mail.Next(t, c.carol.Address, "Will you be an owner of "+memberNameA)
		for _, p := range []*apptest.Person{c.alice, olga} {
			if text := c.Mail.Next(t, p.Address, "Ownership of "+memberNameA+" was offered").Text(); !strings.Contains(text, "Carol Clerk (carol@clerk.example)") {
				t.Errorf("the notice does not say to whom: %s", text)
			}
		}
		if got := c.owners(); got != "Alice Arden, Olga Owner" {
			t.Fatalf("an offer alone made the owners %s", got)
		}
		c.carol.Get(accountPath(c.a) + "/people").Must(403)
		page := c.carol.Get(accountPath(c.a)).Must(200, "Alice Arden offers you the ownership of this account")
		offer := accountPath(c.a) + "/people/offers/" + id.String(apptest.Query[id.Offer](c.World, "SELECT id FROM ownership_offers")[0])
		for _, p := range []*apptest.Person{c.bob, c.alice, c.cassidy} {
			memberRefused(t, p, c.a, offer+"/take", nil, 404, "not-found")
		}
		page.Submit(offer+"/take", nil).Must(200, "You are an owner of this account now.")
		if got := c.owners(); got != "Carol Clerk, Olga Owner" || c.power(c.a, c.alice) != "full active" {
			t.Errorf("the owners are %s, and alice has %s", got, c.power(c.a, c.alice))
		}
		c.Mail.Next(t, olga.Address, "has a new owner")
		c.Mail.Next(t, c.carol.Address, "has a new owner")
		if state := apptest.Query[string](c.World, "SELECT state FROM ownership_offers"); !slices.Equal(state, []string{"accepted"}) {
			t.Errorf("the offer is %v", state)
		}
		memberRefused(t, c.carol, c.a, offer+"/take", nil, 410, "offer")
		c.alice.Get(at).Must(403)
	})
}

func TestT049_OnlyOwnersOffer(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		fay := c.Person("Fay Full", "fay@full.example")
		c.JoinAs(c.a, access.Join{User: fay.User, Role: access.Role{BuiltIn: "full"}})
		at := c.memberAt(c.a, c.carol) + "/ownership"
		for _, p := range []*apptest.Person{fay, c.bob, c.carol} {
			memberRefused(t, p, c.a, at, form("kind", "share"), 403, "only-owners")
			p.Get(at).Must(403)
		}
		memberRefused(t, c.mallory, c.a, at, form("kind", "share"), 404, "not-found")
		// Only to somebody who is here to stay.
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "full", "ends", "2026-12-31").Must(303)
		memberRefused(t, c.alice, c.a, at, form("kind", "share"), 409, "not-active")
		memberRefused(t, c.alice, c.a, c.memberAt(c.a, c.alice)+"/ownership", form("kind", "share"), 409, "owner")
		if c.Count("ownership_offers") != 0 {
			t.Error("a refused offer stands")
		}
	})
}

func TestT049_OwnershipTakesAFreshSignIn(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.second()
		offer := c.offer(t, c.alice, c.carol, "share")
		c.Clock.Move(11 * time.Minute)
		at := c.memberAt(c.a, olga)
		for _, try := range []struct {
			p     *apptest.Person
			where string
		}{{c.alice, at + "/ownership/end"}, {c.alice, c.memberAt(c.a, c.bob) + "/ownership"}, {c.carol, offer + "/take"}} {
			memberRefused(t, try.p, c.a, try.where, nil, 403, "step-up-required")
		}
		c.alice.Get(at+"/ownership").Must(403, "Confirm that it is you")
		if got := c.owners(); got != "Alice Arden, Olga Owner" {
			t.Errorf("the owners are %s", got)
		}
		c.carol.Post("/confirm", form("password", apptest.Password)).Must(200)
		memberSend(c.carol, c.a, offer+"/take").Must(303)
	})
}

func TestT049_AnOfferEndsWithWhatItStoodOn(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.second()
		gone := func(case_, offer string, status int, kind string) {
			t.Helper()
			memberRefused(t, c.carol, c.a, offer+"/take", nil, status, kind)
			if strings.Contains(c.owners(), "Carol") {
				t.Fatalf("%s: she is an owner", case_)
			}
		}
		offer := c.offer(t, c.alice, c.carol, "share")
		memberSend(olga, c.a, offer+"/decline").Must(303)
		gone("withdrawn by an owner", offer, 410, "offer")

		offer = c.offer(t, c.alice, c.carol, "share")
		c.carol.Get(accountPath(c.a)).Submit(offer+"/decline", nil).Must(200, "The offer has ended.")
		gone("declined", offer, 410, "offer")

		offer = c.offer(t, c.alice, c.carol, "share")
		c.offer(t, c.alice, c.carol, "hand-over")
		gone("replaced", offer, 410, "offer")

		offer = c.offer(t, c.alice, c.carol, "share")
		c.Clock.Move(access.OfferLife - time.Second)
		c.SignIn(c.carol)
		c.carol.Get(accountPath(c.a)).Must(200, "offers you the ownership")
		c.Clock.Move(time.Second)
		gone("three days have passed", offer, 410, "offer")
		c.carol.Get(accountPath(c.a)).Must(200)

		for _, p := range []*apptest.Person{c.alice, c.carol} {
			c.SignIn(c.alice)
			c.SignIn(c.carol)
			offer = c.offer(t, c.alice, c.carol, "share")
			p.Post("/me/security", form("old", apptest.Password, "password", "four green kettles")).Must(200, "Your password is changed.")
			gone("the password of "+p.Name+" has changed", offer, 410, "offer")
		}
		c.SignIn(c.alice)
		offer = c.offer(t, c.alice, c.carol, "share")
		memberSend(olga, c.a, c.memberAt(c.a, c.alice)+"/ownership/end").Must(403) // olga's sign-in is old
		c.SignIn(olga)
		memberSend(olga, c.a, c.memberAt(c.a, c.alice)+"/ownership/end").Must(303)
		gone("who offered is no owner", offer, 410, "offer")

		offer = c.offer(t, olga, c.carol, "share")
		memberSend(olga, c.a, c.memberAt(c.a, c.carol)+"/remove").Must(303)
		gone("she is removed", offer, 404, "not-found")
		c.Join(c.a, c.carol, apptest.Keys("services.view"))
		gone("she has come back", offer, 404, "not-found")
	})
}

// An offer to somebody whose access was given an end meanwhile is told so.
func TestT049_WhoseAccessEndsTakesNothing(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		offer := c.offer(t, c.alice, c.carol, "share")
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "full", "ends", "2026-12-31").Must(303)
		memberRefused(t, c.carol, c.a, offer+"/take", nil, 409, "not-active")
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "full").Must(303)
		memberSend(c.carol, c.a, offer+"/take").Must(303)
		if got := c.owners(); got != "Alice Arden, Carol Clerk" {
			t.Errorf("the owners are %s", got)
		}
	})
}

func TestT049_AnOfferIsTakenOrWithdrawnNeverBoth(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		for range 5 {
			offer := c.offer(t, c.alice, c.carol, "share")
			answers := [4]int{}
			apptest.Race(4, func(i int) {
				who, what := c.carol, "/take"
				if i%2 == 1 {
					who, what = c.alice, "/decline"
				}
				answers[i] = memberSend(who, c.a, offer+what).Status
			})
			won := 0
			for _, status := range answers {
				switch status {
				case 303:
					won++
				case 410:
				default:
					t.Errorf("an answer is %d", status)
				}
			}
			taken := answers[0] == 303 || answers[2] == 303
			if won != 1 || taken != strings.Contains(c.owners(), "Carol") {
				t.Errorf("the answers are %v, and the owners are %s", answers, c.owners())
			}
			c.Exec("UPDATE memberships SET owner = FALSE WHERE id = $1", c.Membership(c.a, c.carol))
		}
	})
}

func TestT050_NobodyBecomesAnOwnerOnTheSide(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		root := c.Operator("Robin Root", "robin@northbeam.example", "administrator")
		people, staff := accountPath(c.a)+"/people", "/staff/accounts/"+id.String(c.a)+"/users"
		smuggled := func(pairs ...string) url.Values {
			return form(append(pairs, "account", id.String(c.a), "owner", "true", "is_owner", "1", "is_staff", "1", "user_id", id.String(c.mallory.User))...)
		}
		for _, role := range []string{"owner", "Owner", "full,owner", "admin"} {
			memberRefused(t, c.alice, c.a, people+"/invitations", form("address", "nina@x.example", "role", role), 422, "invalid")
			memberRefused(t, c.alice, c.a, c.memberAt(c.a, c.carol), form("role", role), 422, "invalid")
			root.Post(staff+"/attach", url.Values{"account": {id.String(c.a)}, "address": {c.mallory.Address}, "role": {role}}).Must(422)
			root.Post(staff+"/invite", url.Values{"account": {id.String(c.a)}, "address": {"nina@x.example"}, "role": {role}}).Must(422)
		}
		memberRefused(t, c.alice, c.a, people+"/invitations", form("address", "nina@x.example", "role", "choose", "permissions", "owner"), 422, "invalid")

		c.alice.PostOnly(people+"/invitations", smuggled("address", "nina@x.example", "role", "full")).Must(303)
		nina := c.Browser()
		nina.Get(c.Mail.Next(t, "nina@x.example", "invites").Link(t)).Must(200).
			Submit("/invitation/join", smuggled("name", "Nina New", "password", apptest.Password)).Must(200, "You are in")
		c.alice.PostOnly(c.memberAt(c.a, c.carol), smuggled("role", "full")).Must(303)
		root.Post(staff+"/attach", smuggled("address", c.mallory.Address, "role", "full")).Must(200)
		if got := c.owners(); got != "Alice Arden" {
			t.Errorf("the owners are %s", got)
		}
		if n := c.Count("memberships WHERE account_id = $1 AND status = 'active'", c.a); n != 6 {
			t.Errorf("%d members, want the four, the invited and the attached", n)
		}
		// Full access is everything but what only owners may.
		for _, b := range []*apptest.Browser{nina, c.carol.Browser, c.mallory.Browser} {
			b.Get(people).Must(200)
			b.Get(c.memberAt(c.a, c.bob)+"/ownership").Must(403, "Only owners of "+memberNameA)
			b.Get(accountPath(c.a)+"/close").Must(403, "Only owners of "+memberNameA)
		}
	})
}

// Nobody becomes an owner without the owners, also where an operator would do
// it: the short way is for accounts that nobody but a stand-in owns.
func TestT050_AnOperatorMakesAnOwnerOnlyWhereNobodyOwns(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		users := "/staff/accounts/" + id.String(c.a) + "/users/"
		carol, alice := users+id.String(c.Membership(c.a, c.carol)), users+id.String(c.Membership(c.a, c.alice))
		account := form("account", id.String(c.a))
		for _, role := range []string{"support", "readonly"} {
			o := c.Operator("Sam "+role, role+"@northbeam.example", role)
			o.Post(carol+"/owner", account).Must(403)
			o.Post(alice+"/owner/end", account).Must(403)
		}
		root := c.Operator("Robin Root", "robin@northbeam.example", "administrator")
		if page := root.Get(carol).Must(200, "The owners are gone?"); page.Find(`form[action$="/owner"]`).Length() > 0 {
			t.Error("what is refused is offered")
		}
		root.Post(carol+"/owner", account).Must(409, "nobody becomes one without them")
		if got := c.owners(); got != "Alice Arden" {
			t.Fatalf("the owners are %s", got)
		}
		c.Exec("UPDATE users SET address = 'client-1@whmcs.invalid' WHERE id = $1", c.alice.User)
		c.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", c.carol.User)
		root.Post(carol+"/owner", account).Must(409, "is not confirmed yet")
		c.Exec("UPDATE users SET verified_at = created_at WHERE id = $1", c.carol.User)
		root.Get(carol).Must(200, "Only a stand-in owns").Submit(carol+"/owner", nil).Must(200, "Carol Clerk is an owner")
		c.Mail.Next(t, c.carol.Address, "has a new owner")
		root.Post(alice+"/owner/end", account).Must(200, "Alice Arden is no longer an owner")
		if got := c.owners(); got != "Carol Clerk" {
			t.Errorf("the owners are %s", got)
		}
		c.carol.Get(accountPath(c.a)+"/activity").Must(200, "Staff: Robin Root", "made Carol Clerk an owner", "ended the ownership of Alice Arden")
		c.Clock.Move(11 * time.Minute)
		root.Post(alice+"/owner", account).Must(403, "Confirm that it is you")
	})
}

package portal_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

// A memberCast is two accounts that have nothing to do with each other, and
// their people: alice owns the one, mallory the other. bob manages people in
// alice's account, carol sees its invoices, cassidy is in both.
type memberCast struct {
	*apptest.World
	a, b                                id.Account
	alice, bob, carol, cassidy, mallory *apptest.Person
}

// The names of the two accounts stand in nothing else: where one of them is
// found, it came from that account.
const (
	memberNameA = "Amber Works"
	memberNameB = "Basalt Works"
)

// memberEach runs a test on both engines, each with a cast of its own.
func memberEach(t *testing.T, test func(t *testing.T, c *memberCast)) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, w *apptest.World) { test(t, newMemberCast(w)) })
}

func newMemberCast(w *apptest.World) *memberCast {
	c := &memberCast{
		World: w,
		alice: w.Person("Alice Arden", "alice@arden.example"), bob: w.Person("Bob Binder", "bob@binder.example"),
		carol: w.Person("Carol Clerk", "carol@clerk.example"), cassidy: w.Person("Cassidy Both", "cassidy@both.example"),
		mallory: w.Person("Mallory Mason", "mallory@mason.example"),
	}
	c.a, c.b = w.Account(c.alice, memberNameA), w.Account(c.mallory, memberNameB)
	w.Join(c.a, c.bob, apptest.Keys("people.view", "people.manage", "services.view"))
	w.Join(c.a, c.carol, apptest.Keys("invoices.view"))
	w.Join(c.a, c.cassidy, apptest.Keys("services.view"))
	w.Join(c.b, c.cassidy, apptest.Keys("services.view"))
	return c
}

// memberAt is a member's page.
func (c *memberCast) memberAt(a id.Account, p *apptest.Person) string {
	return accountPath(a) + "/people/members/" + id.String(c.Membership(a, p))
}

// memberSend sends a form of an account, with nothing in it but what is
// named, and does not follow where it leads.
func memberSend(p *apptest.Person, a id.Account, where string, pairs ...string) *apptest.Page {
	values := form(pairs...)
	values.Set("account", id.String(a))
	return p.PostOnly(where, values)
}

// memberProblem sends a request as a program would, and reads the problem
// that it is answered with.
func memberProblem(t *testing.T, p *apptest.Browser, method, where string, values url.Values) (status int, kind string) {
	t.Helper()
	req := p.Request(method, where, values)
	req.Header.Set("Accept", "application/json")
	page := p.Once(req)
	var problem struct {
		Type   string
		Status int
	}
	if page.Header.Get("Content-Type") != "application/problem+json" {
		return page.Status, ""
	}
	if err := json.Unmarshal([]byte(page.Body), &problem); err != nil || problem.Status != page.Status {
		t.Fatalf("%s %s answers %d with %q: %v", method, where, page.Status, page.Body, err)
	}
	return page.Status, path.Base(problem.Type)
}

// memberRefused holds a form to a refusal by its status and, where the answer
// is a problem and not the form once more, its reason.
func memberRefused(t *testing.T, p *apptest.Person, a id.Account, where string, values url.Values, status int, kind string) {
	t.Helper()
	if values == nil {
		values = url.Values{}
	}
	values.Set("account", id.String(a))
	got, reason := memberProblem(t, p.Browser, http.MethodPost, where, values)
	if got != status || reason != "" && reason != kind {
		t.Errorf("%s: POST %s %v answers %d %s, want %d %s", p.Name, where, values, got, reason, status, kind)
	}
}

// power is what a person was given last in an account, as it is stored.
func (c *memberCast) power(a id.Account, p *apptest.Person) string {
	found := apptest.Query[struct {
		Owner       bool
		Role        string
		Permissions access.Set
		Status      string
	}](c.World, "SELECT owner, role, permissions, status FROM memberships WHERE account_id = $1 AND user_id = $2 ORDER BY id DESC", a, p.User)
	if len(found) == 0 {
		return "none"
	}
	m := found[0]
	text := strings.Join(strings.Fields(m.Role+" "+m.Permissions.String()+" "+m.Status), " ")
	if m.Owner {
		text = "owner " + text
	}
	return text
}

// roleOf makes a role of an account's own.
func (c *memberCast) roleOf(a id.Account, name string, s access.Set) string {
	c.Exec("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, $2, $3, $4)", a, name, s, c.Clock.Now())
	return "role-" + id.String(apptest.Query[id.Role](c.World, "SELECT id FROM roles WHERE account_id = $1 AND name = $2", a, name)[0])
}

// A memberChoice is one way to fill in the choice of a role, and what it
// amounts to.
type memberChoice struct {
	form url.Values
	set  access.Set
}

// memberChoices are every built-in role and every single permission.
func memberChoices() []memberChoice {
	var out []memberChoice
	for _, b := range access.BuiltIns {
		out = append(out, memberChoice{form("role", b.Key), b.Set})
	}
	for _, i := range access.All {
		out = append(out, memberChoice{form("role", "choose", "permissions", i.Key), i.Set().Closed()})
	}
	return out
}

func TestT041_NobodyRaisesHimself(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		before := c.power(c.a, c.carol) + c.power(c.a, c.bob)
		carol, bob := c.memberAt(c.a, c.carol), c.memberAt(c.a, c.bob)
		for _, choice := range memberChoices() {
			memberRefused(t, c.carol, c.a, carol, choice.form, 403, "permission")
			memberRefused(t, c.bob, c.a, bob, choice.form, 403, "own-membership")
		}
		memberRefused(t, c.bob, c.a, bob+"/remove", nil, 403, "own-membership")
		memberRefused(t, c.carol, c.a, carol+"/ownership", nil, 403, "only-owners")
		memberRefused(t, c.bob, c.a, bob+"/ownership", form("kind", "share"), 403, "only-owners")
		if after := c.power(c.a, c.carol) + c.power(c.a, c.bob); after != before {
			t.Errorf("what they may do is %s, was %s", after, before)
		}
		page := c.bob.Get(bob).Must(200, "This is you")
		if page.Find("form[action='"+bob+"']").Length() > 0 {
			t.Error("the page offers him to change himself")
		}
	})
}

func TestT042_WhoChangesAMemberGivesNoMoreThanHeHolds(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		held := apptest.Keys("people.view", "people.manage", "services.view")
		path := c.memberAt(c.a, c.cassidy)
		choices := append(memberChoices(),
			memberChoice{form("role", c.roleOf(c.a, "Helpers", apptest.Keys("services.view"))), apptest.Keys("services.view")},
			memberChoice{form("role", c.roleOf(c.a, "Buyers", apptest.Keys("services.view", "orders.place"))), apptest.Keys("services.view", "orders.place")})
		given := 0
		for _, choice := range choices {
			before := c.power(c.a, c.cassidy)
			choice.form.Set("account", id.String(c.a))
			page := c.bob.PostOnly(path, choice.form)
			after := c.power(c.a, c.cassidy)
			switch {
			case held.Has(choice.set) && page.Status != 303:
				t.Errorf("bob holds all of %v and is answered %d", choice.form, page.Status)
			case held.Has(choice.set):
				given++
			case page.Status != 403 || after != before || !page.Says("You cannot give more than you hold."):
				t.Errorf("bob holds less than %v, is answered %d, and she has %s", choice.form, page.Status, after)
			}
		}
		if given != 5 { // Mail only, Helpers, and the three permissions that he holds
			t.Errorf("bob could give %d of the choices", given)
		}
	})
}

func TestT043_NobodyTouchesWhoMayDoMore(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.Person("Olga Owner", "olga@owner.example")
		c.JoinAs(c.a, access.Join{User: olga.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		fay := c.Person("Fay Full", "fay@full.example")
		c.JoinAs(c.a, access.Join{User: fay.User, Role: access.Role{BuiltIn: "full"}})
		equal := c.Person("Eve Equal", "eve@equal.example")
		c.Join(c.a, equal, apptest.Keys("people.view", "people.manage", "services.view"))

		for _, target := range []*apptest.Person{c.carol, fay} {
			at := c.memberAt(c.a, target)
			memberRefused(t, c.bob, c.a, at, form("role", "mail"), 403, "target-exceeds-own")
			memberRefused(t, c.bob, c.a, at+"/remove", nil, 403, "target-exceeds-own")
			if c.bob.Get(at).Must(200).Find("form[action^='"+at+"']").Length() > 0 {
				t.Errorf("bob is offered to change %s", target.Name)
			}
		}
		for _, actor := range []*apptest.Person{c.bob, fay} {
			at := c.memberAt(c.a, olga)
			memberRefused(t, actor, c.a, at, form("role", "mail"), 403, "target-owner")
			memberRefused(t, actor, c.a, at+"/remove", nil, 403, "target-owner")
			memberRefused(t, actor, c.a, at+"/ownership/end", nil, 403, "only-owners")
		}
		at := c.memberAt(c.a, olga)
		memberRefused(t, c.alice, c.a, at, form("role", "mail"), 409, "owner")
		memberRefused(t, c.alice, c.a, at+"/remove", nil, 409, "owner")
		memberSend(c.bob, c.a, c.memberAt(c.a, equal), "role", "mail").Must(303)
		memberSend(fay, c.a, c.memberAt(c.a, c.carol)+"/remove").Must(303)
		for p, want := range map[*apptest.Person]string{olga: "owner full active", fay: "full active", c.carol: "invoices.view ended", equal: "mail active"} {
			if got := c.power(c.a, p); got != want {
				t.Errorf("%s has %q, want %q", p.Name, got, want)
			}
		}
	})
}

// What somebody may do on one object counts when others touch her.
func TestT043_WhatSheMayDoOnOneObjectCountsToo(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		c.grant(c.a, c.cassidy, "service", 7, apptest.Keys("services.view", "services.manage"))
		at := c.memberAt(c.a, c.cassidy)
		memberRefused(t, c.bob, c.a, at, form("role", "mail"), 403, "target-exceeds-own")
		memberRefused(t, c.bob, c.a, at+"/remove", nil, 403, "target-exceeds-own")
		c.Exec("UPDATE grants SET ends_at = $1", c.Clock.Now().Add(time.Minute))
		c.Clock.Move(time.Minute)
		memberSend(c.bob, c.a, at, "role", "mail").Must(303)
	})
}

// grant gives somebody permissions on one object.
func (c *memberCast) grant(a id.Account, p *apptest.Person, kind string, object int64, s access.Set) {
	c.Exec("INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6)",
		a, c.Membership(a, p), kind, object, s, c.Clock.Now())
}

func TestT044_NoWayRoundGivesMore(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		people := accountPath(c.a) + "/people"
		memberSend(c.alice, c.a, people+"/invitations", "address", "nina@x.example", "role", "billing").Must(303)
		wide := people + "/invitations/" + id.String(apptest.Query[id.Invitation](c.World, "SELECT id FROM invitations")[0])
		memberSend(c.bob, c.a, people+"/invitations", "address", "nico@x.example", "role", "choose", "permissions", "services.view").Must(303)
		own := people + "/invitations/" + id.String(apptest.Query[id.Invitation](c.World, "SELECT id FROM invitations WHERE address = 'nico@x.example'")[0])
		buyers, foreign := c.roleOf(c.a, "Buyers", apptest.Keys("orders.place")), c.roleOf(c.b, "Helpers", apptest.Keys("services.view"))

		// An invitation that offers more than bob holds is none of his, and his
		// own does not come to offer more.
		memberRefused(t, c.bob, c.a, wide, form("role", "mail"), 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, wide+"/resend", nil, 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, wide+"/withdraw", nil, 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, own, form("role", "full"), 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, own, form("role", buyers), 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, people+"/invitations", form("address", "nora@x.example", "role", buyers), 403, "grant-exceeds-own")
		memberRefused(t, c.bob, c.a, c.memberAt(c.a, c.cassidy), form("role", buyers), 403, "grant-exceeds-own")
		// A role of another account is no role here, whoever asks.
		memberRefused(t, c.alice, c.a, c.memberAt(c.a, c.cassidy), form("role", foreign), 422, "invalid")
		memberRefused(t, c.alice, c.a, people+"/invitations", form("address", "nora@x.example", "role", foreign), 422, "invalid")
		// Nor can he let himself in a second time.
		memberRefused(t, c.bob, c.a, people+"/invitations", form("address", "BOB@binder.example", "role", "choose", "permissions", "services.view"), 422, "invalid")
		if n := c.Count("invitations WHERE state = 'pending'"); n != 2 {
			t.Errorf("%d open invitations, want the first two", n)
		}
	})
}

func TestT045_ARoleBelongsToOneAccountAndStaysWhileInUse(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		helpers := c.roleOf(c.a, "Helpers", apptest.Keys("services.view"))
		c.roleOf(c.b, "Helpers", apptest.Keys("invoices.view")) // the same name in another account is another role
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", helpers).Must(303)
		c.alice.Get(accountPath(c.a)+"/people").Must(200, "Helpers")
		for _, statement := range []string{
			"DELETE FROM roles WHERE account_id = $1",
			"UPDATE roles SET account_id = $1 + 1 WHERE account_id = $1",
		} {
			if err := c.try(statement, c.a); err == nil {
				t.Errorf("%s: a role in use went away", statement)
			}
		}
		if err := c.try("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, 'Helpers', 0, $2)", c.a, c.Clock.Now()); err == nil {
			t.Error("two roles of one account have one name")
		}
		// What the role gains and loses, its holders have at the next click.
		c.carol.Get(accountPath(c.a) + "/activity").Must(403)
		c.Exec("UPDATE roles SET permissions = $2 WHERE account_id = $1", c.a, apptest.Keys("activity.view"))
		c.carol.Get(accountPath(c.a) + "/activity").Must(200)
		c.Exec("UPDATE roles SET permissions = 0 WHERE account_id = $1", c.a)
		c.carol.Get(accountPath(c.a) + "/activity").Must(403)
	})
}

// An own role is called by its name wherever the person stands.
func TestT045_HerRoleIsNamedToHer(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", c.roleOf(c.a, "Night watch", apptest.Keys("services.view"))).Must(303)
		c.carol.Get("/me/accounts").Must(200, memberNameA, "Night watch")
		if !c.carol.Get(accountPath(c.a)).Must(200).Says("Night watch") {
			t.Error("the header does not name her role")
		}
	})
}

func TestT046_RemovalIsImmediateEverywhere(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		second := &apptest.Person{Browser: c.Browser(), User: c.carol.User, Name: "Carol elsewhere", Address: c.carol.Address}
		c.SignIn(second)
		open := c.carol.Get(accountPath(c.a) + "/leave").Must(200)
		home := second.Get(accountPath(c.a)).Must(200, memberNameA)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol)+"/remove").Must(303)

		for _, b := range []*apptest.Person{c.carol, second} {
			page := b.Get(accountPath(c.a)).Must(404)
			if page.Header.Get("X-Account") != "" || strings.Contains(page.Body, memberNameA) {
				t.Errorf("%s learns of the account: %s", b.Name, page.Body)
			}
			b.Get("/me").Must(200)
			if b.Get("/me/accounts").Must(200, "No accounts yet").Says(memberNameA) {
				t.Errorf("%s still lists the account", b.Name)
			}
		}
		open.Submit(accountPath(c.a)+"/leave", nil).Must(404)
		// A page that the browser has kept is asked for anew, and is gone.
		req := second.Request(http.MethodGet, accountPath(c.a), nil)
		req.Header.Set("If-None-Match", "*")
		req.Header.Set("If-Modified-Since", home.Header.Get("Date"))
		second.Once(req).Must(404)
		if home.Header.Get("Cache-Control") != "no-store" || home.Header.Get("Etag") != "" {
			t.Errorf("the page may be kept: %v", home.Header)
		}
		c.Mail.Next(t, c.carol.Address, "Your access to "+memberNameA+" has ended")
	})
}

// memberStates are the ways in which a membership gives nothing, by what is
// set in its row; $2 is the time of the test.
var memberStates = map[string]string{
	"suspended": "status = 'suspended', seen_at = $2",
	"ended":     "status = 'ended', ended_at = $2, ended_why = 'removed', owner = FALSE",
	"expired":   "ends_at = $2, owner = FALSE",
	"not begun": "starts_at = $2",
}

func TestT047_AMembershipThatIsNotActiveOpensNothing(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.Person("Olga Owner", "olga@owner.example")
		m := c.JoinAs(c.a, access.Join{User: olga.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		routes := 0
		for name, set := range memberStates {
			at := c.Clock.Now()
			if name == "not begun" {
				at = at.Add(time.Second)
			}
			c.Exec("UPDATE memberships SET "+set+" WHERE id = $1", m, at)
			for _, route := range c.Mux.Routes() {
				if route.Guard != "account" {
					continue
				}
				routes++
				where := strings.NewReplacer("{account}", id.String(c.a), "{member}", id.String(c.Membership(c.a, c.alice)), "{invitation}", "1", "{offer}", "1", "{contact}", "1").Replace(route.Pattern)
				status, _ := memberProblem(t, olga.Browser, route.Method, where, form("account", id.String(c.a)))
				if status != 404 {
					t.Errorf("%s: %s %s answers %d", name, route.Method, where, status)
				}
			}
			if olga.Get("/me/accounts").Must(200).Says(memberNameA) || olga.Get("/me").Says(memberNameA) {
				t.Errorf("%s: the account is listed", name)
			}
			c.Exec("UPDATE memberships SET status = 'active', owner = TRUE, ends_at = NULL, ended_at = NULL, ended_why = '', starts_at = created_at WHERE id = $1", m)
			olga.Get(accountPath(c.a)).Must(200)
		}
		if routes < 4*20 {
			t.Errorf("%d routes were tried: looking in the wrong place?", routes)
		}
	})
}

func TestT047_AnInvitationIsNoMembership(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		people := accountPath(c.b) + "/people"
		invite := func() string {
			memberSend(c.mallory, c.b, people+"/invitations", "address", c.carol.Address, "role", "full").Must(303)
			return "/me/invitations/" + id.String(apptest.Query[id.Invitation](c.World, "SELECT id FROM invitations ORDER BY id DESC")[0])
		}
		closed := func(state string) {
			t.Helper()
			c.carol.Get(accountPath(c.b)).Must(404)
			memberRefused(t, c.carol, c.b, people+"/invitations", form("address", "x@x.example", "role", "full"), 404, "not-found")
			if c.carol.Get("/me/accounts").Must(200).Says(memberNameB) {
				t.Errorf("%s: the account is listed", state)
			}
		}
		mine := invite()
		closed("pending")
		c.carol.PostOnly(mine+"/decline", nil).Must(303)
		closed("declined")
		mine = invite()
		memberSend(c.mallory, c.b, people+"/invitations/"+path.Base(mine)+"/withdraw").Must(303)
		c.carol.PostOnly(mine+"/accept", nil).Must(410)
		closed("withdrawn")
		mine = invite()
		c.Clock.Move(7 * 24 * time.Hour)
		c.SignIn(c.carol)
		c.carol.PostOnly(mine+"/accept", nil).Must(410)
		closed("expired")
	})
}

// try runs a statement that the database may refuse.
func (c *memberCast) try(statement string, args ...any) error {
	return c.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
		_, err := db.Exec(tx, statement, args...)
		return err
	})
}

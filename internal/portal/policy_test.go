package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/web"

	"github.com/PuerkitoBio/goquery"
	"pgregory.net/rapid"
)

// A gateCast is an account with rules and one without, and people who are in
// both: alice owns the first, carol has full access, and nora owns the other.
type gateCast struct {
	*apptest.World
	a, b               id.Account
	alice, carol, nora *apptest.Person
}

func gateEach(t *testing.T, test func(t *testing.T, c *gateCast), settings ...apptest.Setting) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := &gateCast{World: w, alice: w.Person("Alice Arden", "alice@arden.example"), carol: w.Person("Carol Clerk", "carol@clerk.example"), nora: w.Person("Nora Nest", "nora@nest.example")}
		c.a, c.b = w.Account(c.alice, "Amber Works"), w.Account(c.nora, "Basalt Works")
		for _, a := range []id.Account{c.a, c.b} {
			c.JoinAs(a, access.Join{User: c.carol.User, Role: access.Role{BuiltIn: "full"}})
		}
		test(t, c)
	}, settings...)
}

func unmailed(c *config.Config) { c.SMTPURL = "" }

// asks sets an account's rules as they are stored.
func (c *gateCast) asks(a id.Account, g access.Gate) {
	c.Exec("UPDATE accounts SET ways = $2, second_from = $3, session_hours = $4 WHERE id = $1", a, g.Ways, g.SecondFrom, g.SessionHours)
}

// secondNow is the rule that asks for a second factor at once.
func (c *gateCast) secondNow() access.Gate { return access.Gate{SecondFrom: db.Some(c.Clock.Now())} }

// asked fails unless an account is shut for the reason that a step up opens.
func asked(t *testing.T, what string, b *apptest.Browser, method, path string, values url.Values) {
	t.Helper()
	if status, kind := memberProblem(t, b, method, path, values); status != http.StatusForbidden || !strings.HasSuffix(kind, "step-up-required") {
		t.Errorf("%s: %s %s answers %d %s", what, method, path, status, kind)
	}
}

var gatePlaceholder = regexp.MustCompile(`\{[a-z_]+\}`)

// gateRoutes are the routes of an account, but those by which one leaves it.
func gateRoutes(w *apptest.World) (out []web.Route) {
	for _, r := range w.Mux.Routes() {
		if r.Guard == "account" && r.Needs != "Depart" {
			out = append(out, r)
		}
	}
	return out
}

func gatePath(r web.Route, a id.Account) string {
	return gatePlaceholder.ReplaceAllString(strings.Replace(r.Pattern, "{account}", id.String(a), 1), "1")
}

// policyForm is the form of the rules, for one account.
func (c *gateCast) policyForm(pairs ...string) url.Values {
	v := form(append([]string{"account", id.String(c.a)}, pairs...)...)
	for name, value := range map[string]string{"grace_days": "0", "session_hours": "0"} {
		if !v.Has(name) {
			v.Set(name, value)
		}
	}
	return v
}

func (c *gateCast) policyPath() string { return accountPath(c.a) + "/people/policy" }

// TestT035_AShutGateShutsEveryRoute uses every route of an account that asks
// for a second factor, as a member and as an owner who have shown none: only
// leaving goes. The other account is open.
func TestT035_AShutGateShutsEveryRoute(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		c.asks(c.a, c.secondNow())
		done := c.Count("audit_records WHERE outcome = 'done'")
		if len(gateRoutes(c.World)) < 25 {
			t.Fatalf("%d routes", len(gateRoutes(c.World)))
		}
		for _, r := range gateRoutes(c.World) {
			var values url.Values
			if r.Unsafe() {
				values = form("account", id.String(c.a))
			}
			for _, p := range []*apptest.Person{c.alice, c.carol} {
				asked(t, p.Name, p.Browser, r.Method, gatePath(r, c.a), values)
				if page := p.Once(p.Request(r.Method, gatePath(r, c.a), values)); page.Status != http.StatusForbidden || !page.Says("second factor") || strings.Contains(page.Body, "canary") {
					t.Errorf("%s: %s %s answers %d", p.Name, r.Method, r.Pattern, page.Status)
				}
			}
		}
		if c.Count("audit_records WHERE outcome = 'done'") != done {
			t.Error("something was done")
		}
		c.carol.Get(accountPath(c.b)).Must(200)
		c.carol.Get(accountPath(c.b) + "/people").Must(200)
		c.carol.Get(accountPath(c.a) + "/leave").Must(200)
		memberSend(c.carol, c.a, accountPath(c.a)+"/leave").Must(303)
		if c.Member(c.a, c.carol) {
			t.Error("she cannot leave")
		}
	}, unmailed)
}

// TestT035_WhatTheSessionHasShownOpensIt shows a second factor in one session:
// that one is let in, at the next click and on every node, and no other. A
// browser that is not asked for it any more has not shown it.
func TestT035_WhatTheSessionHasShownOpensIt(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		twin := c.Twin()
		c.carol.Get(accountPath(c.a)).Must(200)
		c.carol.On(twin).Get(accountPath(c.a)).Must(200)
		c.asks(c.a, c.secondNow())
		asked(t, "the next click", c.carol.Browser, "GET", accountPath(c.a), nil)
		asked(t, "on another node", c.carol.On(twin), "GET", accountPath(c.a), nil)
		seed := c.Authenticator(c.carol)
		c.carol.Get(accountPath(c.a)).Must(200)
		c.carol.On(twin).Get(accountPath(c.a)).Must(200)

		b := c.Browser()
		b.Post("/signin", form("address", c.carol.Address, "password", apptest.Password)).Must(200).Submit("/signin/second-factor", form("code", c.Code(seed), "trust", "yes")).Must(200)
		b.Get(accountPath(c.a)).Must(200)
		b.Post("/signout", form())
		b.PostOnly("/signin", form("address", c.carol.Address, "password", apptest.Password)).Must(303)
		b.Get("/me").Must(200, "Carol")
		asked(t, "a browser that is trusted", b, "GET", accountPath(c.a), nil)
		b.Get(accountPath(c.b)).Must(200)
		c.Clock.Move(time.Minute)
		b.Post("/confirm", form("password", apptest.Password, "code", c.Code(seed))).Must(200)
		b.Get(accountPath(c.a)).Must(200)
	}, unmailed)
}

// TestT035_AnAgeIsRenewedByAnAllowedWayOnly has an account take passwords that
// are an hour old at most: a passkey shown since does not make one younger.
func TestT035_AnAgeIsRenewedByAnAllowedWayOnly(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		key := c.Passkey(c.carol)
		key.Register("Carol's laptop")
		c.asks(c.a, access.Gate{Ways: "password", SessionHours: 1})
		path := "/a/" + id.String(c.a)
		c.carol.Get(path).Must(http.StatusOK)
		c.Clock.Move(2 * time.Hour)
		asked(t, "an old password", c.carol.Browser, "GET", path, nil)
		if got := key.Confirm(c.carol.Browser).Status; got != http.StatusSeeOther {
			t.Fatalf("the passkey: %d", got)
		}
		asked(t, "a new passkey", c.carol.Browser, "GET", path, nil)
		c.carol.Get("/a/" + id.String(c.b)).Must(http.StatusOK)
	})
}

// TestT035_AnInvitationAsksFirst invites people into an account that asks for
// a second factor: whoever has a login shows one before she joins, and a
// newcomer before anything opens.
func TestT035_AnInvitationAsksFirst(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		nina := c.Person("Nina Ek", "nina@x.example")
		path := accountPath(c.a) + "/people/invitations"
		links := map[string]string{}
		for _, address := range []string{nina.Address, "new@x.example"} {
			memberSend(c.carol, c.a, path, "address", address, "role", "readonly").Must(303)
			links[address] = c.Mail.Next(t, address, "invites you").Link(t)
		}
		c.asks(c.a, c.secondNow())
		number := id.String(apptest.Query[id.Invitation](c.World, "SELECT id FROM invitations WHERE address = $1", nina.Address)[0])
		nina.Get(links[nina.Address]).Must(200)
		asked(t, "by the link", nina.Browser, "POST", "/invitation/accept", form())
		asked(t, "from the list", nina.Browser, "POST", "/me/invitations/"+number+"/accept", form())
		if c.Member(c.a, nina) || c.Count("invitations WHERE state = 'pending'") != 2 {
			t.Error("she has joined")
		}
		c.Authenticator(nina)
		nina.PostOnly("/invitation/accept", form()).Must(303)
		nina.Get(accountPath(c.a)).Must(200)
		// What somebody without a second factor offered, while it was not asked
		// for, is as good as it was.
		nina.Get(accountPath(c.a) + "/people").Must(200)

		b := c.Browser()
		b.Get(links["new@x.example"]).Must(200)
		b.PostOnly("/invitation/join", form("name", "Neil New", "password", "four green bicycles"))
		for _, r := range gateRoutes(c.World) {
			if !r.Unsafe() {
				if page := b.Get(gatePath(r, c.a)); page.Status < 400 {
					t.Errorf("a newcomer opens %s: %d", r.Pattern, page.Status)
				}
			}
		}
	})
}

// TestT035_TheGraceEndsToTheMoment sets the rule with a week of grace, and
// saves the page again in between: the day stands.
func TestT035_TheGraceEndsToTheMoment(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		seed := c.Authenticator(c.alice)
		from := c.Clock.Now().AddDate(0, 0, 7)
		c.alice.PostOnly(c.policyPath(), c.policyForm("second", "yes", "grace_days", "7", "ways", "password", "ways", "passkey")).Must(303)
		c.Clock.Move(24 * time.Hour)
		c.alice.PostOnly("/confirm", form("password", apptest.Password, "code", c.Code(seed))).Must(303)
		c.alice.Get(c.policyPath()).Must(200).Submit(c.policyPath(), form("session_hours", "168")).Must(200)
		c.Clock.Move(from.Sub(c.Clock.Now()) - time.Microsecond)
		c.SignIn(c.carol)
		c.carol.Get(accountPath(c.a)).Must(200)
		c.Clock.Move(time.Microsecond)
		asked(t, "when it is over", c.carol.Browser, "GET", accountPath(c.a), nil)
	}, unmailed)
}

// fresh gives a person a fresh session.
func fresh(c *gateCast, p *apptest.Person) *apptest.Person {
	c.SignIn(p)
	return p
}

// TestT035_TheWayInCounts allows one way after another, and comes in each.
func TestT035_TheWayInCounts(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		c.Exec("INSERT INTO providers (name, issuer, client_id, created_at) VALUES ('Hall', 'https://id.example', 'x', $1), ('Gate', 'https://two.example', 'x', $1)", c.Clock.Now())
		came := func(way string) *apptest.Browser {
			p := &apptest.Person{Browser: c.Browser(), User: c.carol.User}
			c.SignIn(p)
			c.Exec("UPDATE sessions SET way = $1 WHERE id = (SELECT MAX(id) FROM sessions)", way)
			return p.Browser
		}
		ways := []string{"password", "passkey", "provider:1", "provider:2", "provider:12", "password,passkey", "password,provider:1"}
		for _, allowed := range []string{"password", "passkey", "provider:1", "passkey,provider:2", "provider:99", "provider:1,provider:99"} {
			c.asks(c.a, access.Gate{Ways: allowed})
			for _, way := range ways {
				open := slices.ContainsFunc(strings.Split(way, ","), func(w string) bool { return slices.Contains(strings.Split(allowed, ","), w) })
				b := came(way)
				if page := b.Get(accountPath(c.a)); page.Status != map[bool]int{true: 200, false: 403}[open] {
					t.Errorf("allowed %s, came by %s: %d", allowed, way, page.Status)
				}
				b.Get(accountPath(c.b)).Must(200)
			}
		}
	}, unmailed)
}

// TestT035_AProofGetsTooOldToTheMoment asks for one every hour.
func TestT035_AProofGetsTooOldToTheMoment(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		c.asks(c.a, access.Gate{SessionHours: 1})
		c.Clock.Move(time.Hour - time.Microsecond)
		c.carol.Get(accountPath(c.a)).Must(200)
		c.Clock.Move(time.Microsecond)
		asked(t, "after an hour", c.carol.Browser, "GET", accountPath(c.a), nil)
		c.carol.Get(accountPath(c.b)).Must(200)
		c.carol.Post("/confirm", form("password", apptest.Password)).Must(200)
		c.carol.Get(accountPath(c.a)).Must(200)
		c.Clock.Move(time.Hour)
		asked(t, "an hour after confirming", c.carol.Browser, "GET", accountPath(c.a), nil)
	}, unmailed)
}

// TestT035_NobodyLocksHerselfOut sets rules that the owner does not meet, and
// finds an owner before a gate that somebody else has shut.
func TestT035_NobodyLocksHerselfOut(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		for what, values := range map[string]url.Values{
			"a second factor that she has not shown": c.policyForm("second", "yes", "grace_days", "30", "ways", "password", "ways", "passkey"),
			"a way that she has not come":            c.policyForm("ways", "passkey"),
			"no way at all":                          c.policyForm(),
			"a way that there is not":                c.policyForm("ways", "password", "ways", "provider:99"),
			"a way in another spelling":              c.policyForm("ways", "PASSWORD"),
			"two in one":                             c.policyForm("ways", "password,passkey"),
			"a period of her own":                    c.policyForm("ways", "password", "grace_days", "4"),
			"a length of her own":                    c.policyForm("ways", "password", "session_hours", "-1"),
			"no number":                              c.policyForm("ways", "password", "session_hours", "x"),
		} {
			if page := c.alice.PostOnly(c.policyPath(), values); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", what, page.Status)
			}
		}
		if c.Count("audit_records WHERE event = 'account.policy_changed'")+c.Count("accounts WHERE ways <> '' OR second_from IS NOT NULL OR session_hours <> 0") != 0 {
			t.Error("rules were set")
		}
		c.asks(c.a, access.Gate{Ways: "provider:99"})
		asked(t, "without a second factor", c.alice.Browser, "GET", c.policyPath(), nil)
		c.Authenticator(c.alice)
		asked(t, "what is no owner's alone", c.alice.Browser, "GET", accountPath(c.a)+"/people", nil)
		c.Authenticator(c.carol)
		asked(t, "a member with a second factor", c.carol.Browser, "GET", c.policyPath(), nil)
		c.alice.Get(c.policyPath()).Must(200).Submit(c.policyPath(), url.Values{"ways": {"password", "passkey"}}).Must(200, "The rules are set")
		c.alice.Get(accountPath(c.a) + "/people").Must(200)
		c.carol.Get(accountPath(c.a)).Must(200)
	}, unmailed)
}

// TestT035_OneWayTwiceIsOneWay ticks one way twice: it does not count for the
// other.
func TestT035_OneWayTwiceIsOneWay(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		c.alice.PostOnly(c.policyPath(), c.policyForm("ways", "password", "ways", "password"))
		if n := c.Count("accounts WHERE id = $1 AND ways = 'password'", c.a); n != 1 {
			t.Errorf("the stored ways are %q", apptest.Query[string](c.World, "SELECT ways FROM accounts WHERE id = $1", c.a)[0])
		}
	}, unmailed)
}

// TestT035_OnlyOwnersSetTheRules tries as a member with full access, as a
// stranger, and with an old proof.
func TestT035_OnlyOwnersSetTheRules(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		values := c.policyForm("ways", "password", "session_hours", "1")
		memberRefused(t, c.carol, c.a, c.policyPath(), values, 403, "only-owners")
		memberRefused(t, c.nora, c.a, c.policyPath(), values, 404, "not-found")
		c.carol.Get(c.policyPath()).Must(403)
		c.nora.Get(c.policyPath()).Must(404)
		c.Clock.Move(auth.Fresh + time.Microsecond)
		asked(t, "an old proof", c.alice.Browser, "POST", c.policyPath(), values)
		if c.Count("accounts WHERE session_hours <> 0") != 0 {
			t.Error("rules were set")
		}
		c.SignIn(c.alice)
		c.alice.PostOnly(c.policyPath(), values).Must(303)
		record := apptest.Query[struct{ Before, After string }](c.World, "SELECT before, after FROM audit_records WHERE event = 'account.policy_changed' AND account_id = $1 AND outcome = 'done'", c.a)
		if len(record) != 1 || !strings.Contains(record[0].Before, `"session_hours":"0"`) || !strings.Contains(record[0].After, `"session_hours":"1"`) || !strings.Contains(record[0].Before, `"ways":"all"`) || !strings.Contains(record[0].After, `"ways":"password"`) {
			t.Errorf("recorded: %v", record)
		}
	}, unmailed)
}

// TestT035_WhoeverIsKeptOutIsTold mails members without a second factor, and
// owners, and nobody else.
func TestT035_WhoeverIsKeptOutIsTold(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		c.Authenticator(c.alice)
		dora := c.Person("Dora Door", "dora@door.example")
		c.Join(c.a, dora, apptest.Keys("services.view"))
		c.Authenticator(dora)
		values := c.policyForm("second", "yes", "grace_days", "7", "ways", "password", "ways", "passkey")
		c.alice.PostOnly(c.policyPath(), values).Must(303)
		c.Mail.Next(t, c.carol.Address, "will ask for a second factor")
		c.Mail.Next(t, c.alice.Address, "The sign-in rules of Amber Works were changed")
		c.Quiet()
		if n := c.Count("mails WHERE kind IN ('policy-second-factor', 'owner-notice')"); n != 2 {
			t.Errorf("%d mails", n)
		}
		list := c.carol.Get("/me/accounts").Must(200)
		if strings.Contains(list.Body, "Asks for a second factor") {
			t.Error("a padlock before the day")
		}
		c.Clock.Move(7 * 24 * time.Hour)
		for _, path := range []string{"/me/accounts", "/me"} {
			list = fresh(c, c.carol).Get(path).Must(200)
			if n := strings.Count(list.Body, "Asks for a second factor"); n == 0 {
				t.Errorf("%s: no padlock", path)
			}
			list.Find(`a[href="` + accountPath(c.b) + `"]`).Each(func(_ int, s *goquery.Selection) {
				if strings.Contains(s.Text(), "Asks for") {
					t.Errorf("%s: a padlock on the open one", path)
				}
			})
		}
	})
}

// TestT035_EveryWayInPassesTheGate comes through a partner's link, with a grant
// on a single object, and to take an offered ownership.
func TestT035_EveryWayInPassesTheGate(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		mallory, oscar := c.Person("Mallory Mason", "mallory@mason.example"), c.Person("Oscar Object", "oscar@object.example")
		partner := c.Account(mallory, "Partner Works")
		c.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)", c.a, partner, access.Everything, c.Clock.Now())
		m := c.Join(c.a, oscar, 0)
		c.Exec("INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1, $2, 'service', 7, $3, $4, $4)", c.a, m, apptest.Keys("services.view"), c.Clock.Now())
		member := accountPath(c.a) + "/people/members/" + id.String(c.Membership(c.a, c.carol))
		memberSend(c.alice, c.a, member+"/ownership", "kind", "share").Must(303)
		offer := id.String(apptest.Query[id.Offer](c.World, "SELECT id FROM ownership_offers")[0])
		for _, p := range []*apptest.Person{mallory, oscar, c.carol} {
			p.Get(accountPath(c.a)).Must(200)
		}
		c.asks(partner, access.Gate{Ways: "provider:99"}) // not the account that she enters
		mallory.Get(accountPath(c.a)).Must(200)
		asked(t, "the partner's own", mallory.Browser, "GET", accountPath(partner), nil)
		c.asks(c.a, c.secondNow())
		for _, p := range []*apptest.Person{mallory, oscar, c.carol} {
			asked(t, p.Name, p.Browser, "GET", accountPath(c.a), nil)
		}
		asked(t, "taking the offer", c.carol.Browser, "POST", accountPath(c.a)+"/people/offers/"+offer+"/take", form("account", id.String(c.a)))
		if c.Count("memberships WHERE account_id = $1 AND owner", c.a) != 1 {
			t.Error("she is an owner")
		}
		c.asks(partner, access.Gate{})
		c.Authenticator(mallory)
		mallory.Get(accountPath(c.a)).Must(200)
	}, unmailed)
}

// TestT035_ARuleNeverOpensAnything opens every page without rules and with
// each of several, as everybody: what was shut stays shut.
func TestT035_ARuleNeverOpensAnything(t *testing.T) {
	gateEach(t, func(t *testing.T, c *gateCast) {
		dora := c.Person("Dora Door", "dora@door.example")
		c.Join(c.a, dora, apptest.Keys("invoices.view"))
		c.Authenticator(dora)
		people := []*apptest.Person{c.alice, c.carol, c.nora, dora}
		gates := []access.Gate{{}, {Ways: "password"}, {Ways: "passkey"}, c.secondNow(), {SessionHours: 1}, {Ways: "provider:99", SessionHours: 1, SecondFrom: c.secondNow().SecondFrom}}
		open := map[string]bool{}
		for n, g := range gates {
			c.asks(c.a, g)
			for _, p := range people {
				for _, r := range gateRoutes(c.World) {
					key := p.Name + " " + gatePath(r, c.a)
					if r.Unsafe() {
						continue
					}
					status := p.GetOnly(gatePath(r, c.a)).Status
					if n == 0 {
						open[key] = status < 400
					} else if status < 400 && !open[key] {
						t.Errorf("%+v opens %s: %d", g, key, status)
					}
				}
			}
		}
	}, unmailed)
}

// TestT035_TheGateAsksAsItsModel holds the gate against one that is written
// down in another way: every rule by itself, and all of them together.
func TestT035_TheGateAsksAsItsModel(t *testing.T) {
	ways := []auth.Way{auth.ByPassword, auth.ByPasskey, "provider:1", "provider:12"}
	start := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return start.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, name)) * time.Hour)
		}
		some := rapid.SliceOfDistinct(rapid.SampledFrom(ways), rapid.ID[auth.Way])
		allowed, shown := some.Draw(t, "allowed"), some.Draw(t, "shown")
		g := access.Gate{SessionHours: int64(rapid.IntRange(0, 3).Draw(t, "hours"))}
		for _, w := range allowed {
			g.Ways += "," + string(w)
		}
		g.Ways = strings.TrimPrefix(g.Ways, ",")
		if rapid.Bool().Draw(t, "second") {
			g.SecondFrom = db.Some(at("from"))
		}
		p := auth.Proof{Ways: shown, At: at("proved"), Times: map[auth.Way]time.Time{}}
		for _, w := range shown {
			if rapid.Bool().Draw(t, "timed") {
				p.Times[w] = at("way")
			}
		}
		if rapid.Bool().Draw(t, "shown second") {
			p.SecondAt = db.Some(at("shown at"))
		}
		now := at("now")
		wayOK := len(allowed) == 0
		for _, w := range shown {
			wayOK = wayOK || slices.Contains(allowed, w)
		}
		young := func(t time.Time) bool {
			return g.SessionHours == 0 || now.Sub(t) < time.Duration(g.SessionHours)*time.Hour
		}
		secondOK := !g.SecondFrom.Valid || g.SecondFrom.V.After(now) || p.SecondAt.Valid && young(p.SecondAt.V)
		freshOK := len(allowed) == 0 && young(p.At)
		for _, w := range shown {
			when, ok := p.Times[w]
			if !ok {
				when = p.At
			}
			freshOK = freshOK || slices.Contains(allowed, w) && young(when)
		}
		if got := g.Asks(p, now); (got == "") != (wayOK && secondOK && freshOK) {
			t.Fatalf("%+v of %+v at %v: %q", g, p, now, got)
		}
		if got := (access.Gate{}).Asks(p, now); got != "" {
			t.Fatalf("no rules ask for %q", got)
		}
	})
}

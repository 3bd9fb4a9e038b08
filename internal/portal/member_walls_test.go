package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

func TestT052_ReceivingMailIsNoAccess(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		contacts, settings := accountPath(c.a)+"/contacts", accountPath(c.a)+"/settings"
		c.alice.Get(contacts+"/new").Submit(contacts, form("name", "The books", "address", c.mallory.Address, "kinds", "invoice")).Must(200, "The books is a contact")
		c.alice.Get(settings).Submit(settings, form("address", c.mallory.Address)).Must(200, "Saved.")
		for _, where := range []string{accountPath(c.a), contacts, settings, accountPath(c.a) + "/emails"} {
			c.mallory.Get(where).Must(404)
		}
		if c.mallory.Get("/me/accounts").Must(200).Says(memberNameA) || c.mallory.Get("/me/invitations").Must(200).Says(memberNameA) {
			t.Error("whose address receives the mail is led to the account")
		}
	})
}

func TestT055_WhatHasEndedIsNotRevived(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		people := accountPath(c.a) + "/people"
		c.grant(c.a, c.cassidy, "service", 7, apptest.Keys("services.manage"))
		memberSend(c.alice, c.a, c.memberAt(c.a, c.cassidy), "role", "full").Must(303)
		offer := c.offer(t, c.alice, c.cassidy, "share")
		memberSend(c.cassidy, c.a, people+"/invitations", "address", "nina@x.example", "role", "full").Must(303)
		link := c.Mail.Next(t, "nina@x.example", "invites").Link(t)
		before := c.Membership(c.a, c.cassidy)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.cassidy)+"/remove").Must(303)
		c.Browser().Get(link).Must(410) // who was removed has no open invitations
		c.cassidy.Get(accountPath(c.a)).Must(404)

		memberSend(c.alice, c.a, people+"/invitations", "address", c.cassidy.Address, "role", "choose", "permissions", "invoices.view").Must(303)
		c.cassidy.Get(c.Mail.Next(t, c.cassidy.Address, "invites").Link(t)).Must(200).Submit("/invitation/accept", nil).Must(200, "You are in")
		if got := c.power(c.a, c.cassidy); got != "invoices.view active" || c.Membership(c.a, c.cassidy) == before {
			t.Errorf("she has come back with %q", got)
		}
		c.cassidy.Get(accountPath(c.a)).Must(200, "You may here: See invoices.")
		c.cassidy.Get(people).Must(403)
		memberRefused(t, c.cassidy, c.a, offer+"/take", nil, 404, "not-found")
		if n := c.Count("grants WHERE ended_at IS NULL"); n != 0 {
			t.Errorf("%d grants of the old membership live on", n)
		}
		c.Browser().Get(link).Must(410)
		if n := c.Count("memberships WHERE id = $1 AND status = 'ended'", before); n != 1 {
			t.Error("the old membership has been opened again")
		}
	})
}

func TestT057_ThreeStatesThatDoNotMix(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		m := c.Membership(c.a, c.bob)
		for n := range 8 {
			person, membership, closed := n&1 != 0, n&2 != 0, n&4 != 0
			set := func(table string, number any, on bool, status string) {
				if !on {
					status = "active"
				}
				c.Exec("UPDATE "+table+" SET status = $2 WHERE id = $1", number, status)
			}
			set("users", c.bob.User, person, "suspended")
			set("memberships", m, membership, "suspended")
			set("accounts", c.a, closed, "closed")
			read, change := 200, 303
			switch {
			case person:
				read, change = 401, 401
			case membership:
				read, change = 404, 404
			case closed:
				read, change = 200, 409
			}
			page := c.bob.Get(accountPath(c.a) + "/people")
			sent := memberSend(c.bob, c.a, accountPath(c.a)+"/people/invitations", "address", "nina"+id.String(id.User(n+1))+"@x.example", "role", "mail")
			if page.Status != read || sent.Status != change {
				t.Errorf("person suspended %t, membership suspended %t, account closed %t: reading answers %d and changing %d, want %d and %d",
					person, membership, closed, page.Status, sent.Status, read, change)
			}
			// Each touches its own: his other account, and the account's other people.
			want := map[bool]int{false: 200, true: 401}[person]
			if got := c.bob.Get("/me").Status; got != want {
				t.Errorf("person suspended %t: his own page answers %d", person, got)
			}
			c.alice.Get(accountPath(c.a)).Must(200)
		}
		for table, number := range map[string]any{"users": c.bob.User, "memberships": m, "accounts": c.a} {
			c.Exec("UPDATE "+table+" SET status = 'active' WHERE id = $1", number)
		}
		c.bob.Get(accountPath(c.a) + "/people").Must(200)
	})
}

func TestT059_TheAccountComesFromThePathAlone(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		both := c.Person("Boss Ofboth", "boss@both.example")
		for _, a := range []id.Account{c.a, c.b} {
			c.JoinAs(a, access.Join{User: both.User, Role: access.Role{BuiltIn: "full"}})
		}
		b := id.String(c.b)
		send := func(where string, values url.Values) *apptest.Page {
			req := both.Request(http.MethodPost, where, values)
			for _, name := range []string{"X-Account", "X-Account-Id", "X-Tenant", "X-Original-Url", "X-Rewrite-Url"} {
				req.Header.Set(name, b)
			}
			for _, name := range []string{"account", "account_id", "current_account"} {
				req.AddCookie(&http.Cookie{Name: name, Value: b})
			}
			return both.Once(req)
		}
		contacts := accountPath(c.a) + "/contacts"
		before := c.Count("audit_records WHERE account_id = $1", c.b)
		page := send(contacts+"?account="+b+"&account_id="+b, form("account", id.String(c.a), "account_id", b, "accountId", b, "account[id]", b, "name", "Plain contact", "address", "x@x.example"))
		page.Must(303)
		if page.Header.Get("X-Account") != id.String(c.a) {
			t.Errorf("the answer is of account %s", page.Header.Get("X-Account"))
		}
		owners := apptest.Query[id.Account](c.World, "SELECT account_id FROM contacts")
		logged := apptest.Query[id.Account](c.World, "SELECT account_id FROM audit_records WHERE event = 'contact.added'")
		if !slices.Equal(owners, []id.Account{c.a}) || !slices.Equal(logged, []id.Account{c.a}) {
			t.Errorf("the contact is of %v and logged in %v", owners, logged)
		}
		for _, values := range []url.Values{form("account", b), {"account": {id.String(c.a), b}}, {"account": {b, id.String(c.a)}}, form("account", ""), {}, form("account", "0"+id.String(c.a)), form("account", " "+id.String(c.a))} {
			values.Set("name", "Second")
			values.Set("address", "y@x.example")
			if page := send(contacts, values); page.Status != 409 && page.Status != 422 {
				t.Errorf("a form with account %q is answered %d", values["account"], page.Status)
			}
		}
		if n := c.Count("contacts"); n != 1 {
			t.Errorf("%d contacts", n)
		}
		if after := c.Count("audit_records WHERE account_id = $1", c.b); after != before {
			t.Errorf("%d records in the other account", after-before)
		}
		// A page shows its path's account, whatever else is asked for.
		shown := both.Get(contacts+"?account="+b+"&account_id="+b).Must(200, memberNameA)
		if shown.Find("main").Text() == "" || strings.Contains(shown.Find("main").Text(), memberNameB) {
			t.Error("the query chose the account")
		}
		for _, spelling := range []string{"0" + id.String(c.a), "+" + id.String(c.a), id.String(c.a) + ".0", "%20" + id.String(c.a), "９", id.String(c.a) + "%00", "-1", "0", "99999999999999999999"} {
			if page := both.Get("/a/" + spelling); page.Status != 404 {
				t.Errorf("/a/%s answers %d", spelling, page.Status)
			}
		}
	})
}

// Somebody who may do everything in both accounts still finds nothing of the
// one under the other's address.
func TestT060_WhatIsNestedBelongsToItsAccount(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		both := c.Person("Boss Ofboth", "boss@both.example")
		for _, a := range []id.Account{c.a, c.b} {
			c.JoinAs(a, access.Join{User: both.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		}
		people := accountPath(c.b) + "/people"
		memberSend(both, c.b, people+"/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		memberSend(both, c.b, accountPath(c.b)+"/contacts", "name", "Their contact", "address", "x@x.example").Must(303)
		memberSend(both, c.b, people+"/members/"+id.String(c.Membership(c.b, c.cassidy))+"/ownership", "kind", "share").Must(303)
		theirs := map[string]string{
			"{member}": id.String(c.Membership(c.b, c.cassidy)), "{invitation}": first(c, "invitations"), "{contact}": first(c, "contacts"), "{offer}": first(c, "ownership_offers"),
		}
		records := func() int64 { return c.Count("audit_records WHERE outcome = 'done' AND account_id IS NOT NULL") }
		before, tried := records(), 0
		for _, route := range c.Mux.Routes() {
			for name, number := range theirs {
				if !strings.Contains(route.Pattern, name) || route.Guard != "account" {
					continue
				}
				tried++
				where := strings.NewReplacer("{account}", id.String(c.a), name, number).Replace(route.Pattern)
				values := form("account", id.String(c.a), "role", "full", "name", "Mine now", "address", "z@x.example", "kind", "share")
				status, kind := memberProblem(t, both.Browser, route.Method, where, values)
				if status != 404 || kind != "not-found" {
					t.Errorf("%s %s answers %d %s", route.Method, where, status, kind)
				}
				real, _ := memberProblem(t, both.Browser, http.MethodGet, strings.Replace(where, accountPath(c.a), accountPath(c.b), 1), nil)
				if route.Method == http.MethodGet && real != 200 {
					t.Errorf("in its own account %s answers %d", where, real)
				}
			}
		}
		if tried < 12 {
			t.Errorf("%d routes were tried: looking in the wrong place?", tried)
		}
		if after := records(); after != before {
			t.Errorf("%d things were done", after-before)
		}
	})
}

// first is the number of the only row of a table.
func first(c *memberCast, table string) string {
	return id.String(apptest.Query[id.Mail](c.World, "SELECT id FROM "+table)[0])
}

func TestT062_AStaleTabActsOnItsOwnAccount(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		second := c.Account(c.alice, "Cobalt Works")
		contacts := accountPath(c.a) + "/contacts"
		tab := c.alice.Get(contacts + "/new").Must(200)
		header := c.alice.Get(accountPath(second)).Must(200, "Cobalt Works")
		if header.Header.Get("X-Account") != id.String(second) || tab.Header.Get("X-Account") != id.String(c.a) {
			t.Error("the answers do not name their accounts")
		}
		if a, b := tab.Find(".chip .chip-name").Text(), header.Find(".chip .chip-name").Text(); !strings.Contains(a, memberNameA) || !strings.Contains(b, "Cobalt Works") {
			t.Errorf("the headers are %q and %q", a, b)
		}
		if a, b := colourOf(tab), colourOf(header); a == "" || a == b {
			t.Errorf("the accounts are coloured %q and %q", a, b)
		}
		// The first tab still means its own account.
		tab.Submit(contacts, form("name", "From the first tab", "address", "x@x.example")).Must(200)
		if got := apptest.Query[id.Account](c.World, "SELECT account_id FROM contacts"); !slices.Equal(got, []id.Account{c.a}) {
			t.Errorf("the contact is of %v", got)
		}
		// And its form does not act on another account that it is sent to.
		values := apptest.FormValues(tab.Find("form[action='" + contacts + "']"))
		values.Set("name", "Astray")
		values.Set("address", "y@x.example")
		c.alice.PostOnly(accountPath(second)+"/contacts", values).Must(409, "This form belongs to another account")
		for _, route := range c.Mux.Routes() {
			if route.Guard == "account" && route.Unsafe() {
				where := strings.NewReplacer("{account}", id.String(second), "{member}", "1", "{invitation}", "1", "{offer}", "1", "{contact}", "1").Replace(route.Pattern)
				if status, kind := memberProblem(t, c.alice.Browser, http.MethodPost, where, form("account", id.String(c.a), "number", id.String(second))); status != 409 || kind != "account-mismatch" {
					t.Errorf("POST %s answers %d %s", where, status, kind)
				}
			}
		}
		if n := c.Count("contacts WHERE account_id = $1", second); n != 0 {
			t.Errorf("%d contacts went astray", n)
		}
	})
}

// colourOf is the colour of the account that the header names.
func colourOf(p *apptest.Page) string {
	return p.Find(".chip .tile").AttrOr("class", "")
}

func TestT063_ListsStayInsideWhateverIsAskedFor(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		for _, p := range []*apptest.Person{c.alice, c.mallory} {
			a := map[*apptest.Person]id.Account{c.alice: c.a, c.mallory: c.b}[p]
			memberSend(p, a, accountPath(a)+"/contacts", "name", "Contact of "+p.Name, "address", "c@x.example").Must(303)
			memberSend(p, a, accountPath(a)+"/people/invitations", "address", strings.ToLower(strings.Fields(p.Name)[0])+".guest@x.example", "role", "mail").Must(303)
		}
		of := func(p *apptest.Page) string { return p.Find("main").Text() }
		// Of the account: nothing of the other, from whatever place in the list.
		highest := id.String(id.Mail(c.Count("audit_records") + 1000))
		for _, list := range []string{"/people", "/contacts", "/activity", "/emails", "/activity?before=" + highest, "/emails?before=" + highest, "/activity?before=1&account=" + id.String(c.b), "/people?sort=id&order=desc&limit=1000000&q=%25"} {
			text := of(c.alice.Get(accountPath(c.a) + list).Must(200))
			for _, strange := range []string{memberNameB, "Mallory", "mallory", c.mallory.Address} {
				if strings.Contains(text, strange) {
					t.Errorf("%s shows %s", list, strange)
				}
			}
		}
		if text := of(c.alice.Get(accountPath(c.a) + "/people")); !strings.Contains(text, "alice.guest@x.example") || !strings.Contains(text, "Cassidy Both") {
			t.Errorf("the account's own are missing: %s", text)
		}
		// Of the person: her accounts alone, and what is typed means itself.
		c.Account(c.mallory, "100% Wool_len")
		mine := c.Account(c.alice, "50% Off_line")
		for word, want := range map[string]bool{
			"": true, "%": true, "_": true, "50%": true, "f_l": true, "off": true, "OFF_": true, id.String(mine): true, "#" + id.String(mine): true,
			"%%": false, "5_%": false, "%off": false, `\`: false, "wool": false, "basalt": false, id.String(c.b): false, "' OR 1=1 --": false,
		} {
			text := of(c.alice.Get("/me/accounts?q=" + url.QueryEscape(word)).Must(200))
			if strings.Contains(text, "50% Off_line") != want {
				t.Errorf("the search for %q finds it: %t", word, !want)
			}
			if strings.Contains(text, "Wool") || strings.Contains(text, memberNameB) {
				t.Errorf("the search for %q finds another's account: %s", word, text)
			}
		}
		for _, query := range []string{"after=1&after_name=", "after=" + id.String(c.b) + "&after_name=A", "after=0&after_name=%00", "after=-1", "after_name=~", "after=999999999999999999"} {
			if page := c.alice.Get("/me/accounts?" + query); page.Status >= 500 || strings.Contains(of(page), memberNameB) {
				t.Errorf("%s is answered %d: %s", query, page.Status, of(page))
			}
		}
		if text := of(c.alice.Get("/me/activity").Must(200)); strings.Contains(text, "Mallory") {
			t.Errorf("her own log shows another's: %s", text)
		}
	})
}

// Mail about an account has nothing of another account in it, says whom it is
// about, and leaves with the person.
func TestT065_MailIsOfOneAccount(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		olga := c.second()
		people := accountPath(c.a) + "/people"
		c.offer(t, c.alice, c.cassidy, "share")
		memberSend(c.alice, c.a, people+"/invitations", "address", c.mallory.Address, "role", "readonly").Must(303)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.cassidy)+"/remove").Must(303)
		memberSend(c.alice, c.a, c.memberAt(c.a, olga)+"/ownership/end").Must(303)
		memberSend(c.alice, c.a, c.memberAt(c.a, olga)+"/remove").Must(303)
		c.Quiet()
		sent := c.Mail.To(olga.Address)
		c.offer(t, c.alice, c.carol, "share") // all owners are told; she is none any more
		memberSend(c.alice, c.a, accountPath(c.a)+"/close", "number", id.String(c.a)).Must(303)
		c.Quiet()
		if c.Mail.To(olga.Address) != sent {
			t.Error("mail about the account goes on reaching her who was removed")
		}
		if c.Mail.To(c.mallory.Address) != 1 {
			t.Errorf("%d mails to the invited", c.Mail.To(c.mallory.Address))
		}
		for _, m := range c.Mail.All() {
			if text := m.Text() + m.Envelope.HTML + m.Subject(); !strings.Contains(text, memberNameA) || strings.Contains(text, memberNameB) || m.RCPTs != 1 {
				t.Errorf("the mail %q to %s (%d recipients) says: %s", m.Subject(), m.To, m.RCPTs, m.Text())
			}
		}
		if n := c.Count("mails WHERE COALESCE(account_id, about_id, 0) <> $1", c.a); n != 0 {
			t.Errorf("%d mails do not say which account they are about", n)
		}
		// Whoever may read the account's mail does not read what its people got.
		if page := c.alice.Get(accountPath(c.a) + "/emails").Must(200); page.Says(c.cassidy.Address) || page.Says("Your access to") {
			t.Error("the account's mail shows what one of its people got in person")
		}
	})
}

// An invitation whose mail waits while its ground is taken away is dead when
// the mail arrives.
func TestT065_MailThatWaitsOpensNothingThatEnded(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		c.Mail.Down(true)
		memberSend(c.bob, c.a, accountPath(c.a)+"/people/invitations", "address", "nina@x.example", "role", "choose", "permissions", "services.view").Must(303)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.bob)+"/remove").Must(303)
		c.Mail.Down(false)
		nina := c.Browser()
		nina.Get(c.Mail.Next(t, "nina@x.example", "invites").Link(t)).Must(410)
		nina.Post("/invitation/join", form("name", "Nina New", "password", apptest.Password)).Must(410)
		if n := c.Count("users WHERE address = 'nina@x.example'"); n != 0 {
			t.Error("a user was made of it")
		}
	})
}

// Another account's number and one that there never was are answered alike,
// to the letter.
func TestT067_ForeignAndMissingReadTheSame(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		memberSend(c.mallory, c.b, accountPath(c.b)+"/people/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		memberSend(c.mallory, c.b, accountPath(c.b)+"/contacts", "name", "Their contact", "address", "x@x.example").Must(303)
		memberSend(c.mallory, c.b, c.memberAt(c.b, c.cassidy)+"/ownership", "kind", "share").Must(303)
		theirs := map[string]string{
			"{member}": id.String(c.Membership(c.b, c.cassidy)), "{invitation}": first(c, "invitations"), "{contact}": first(c, "contacts"), "{offer}": first(c, "ownership_offers"),
		}
		const missing = "987654321"
		answer := func(method, pattern string, a, number string) string {
			where := strings.Replace(pattern, "{account}", a, 1)
			for name := range theirs {
				where = strings.Replace(where, name, number, 1)
			}
			page := c.alice.Once(c.alice.Request(method, where, form("account", a, "name", "A name", "address", "z@x.example", "role", "mail")))
			page.Header.Del("X-Request-Id")
			return fmt.Sprintln(page.Status, page.Header, page.Body) // maps print in order
		}
		pairs := 0
		for _, route := range c.Mux.Routes() {
			if route.Guard != "account" {
				continue
			}
			number := missing
			for name, n := range theirs {
				if strings.Contains(route.Pattern, name) {
					number = n
				}
			}
			// The account is another's; and the thing is another's, in one's own account.
			if answer(route.Method, route.Pattern, id.String(c.b), number) != answer(route.Method, route.Pattern, missing, missing) {
				t.Errorf("%s %s tells another's account from none", route.Method, route.Pattern)
			}
			pairs++
			if number != missing {
				pairs++
				if answer(route.Method, route.Pattern, id.String(c.a), number) != answer(route.Method, route.Pattern, id.String(c.a), missing) {
					t.Errorf("%s %s tells another's number from none", route.Method, route.Pattern)
				}
			}
		}
		if pairs < 30 {
			t.Errorf("%d pairs: looking in the wrong place?", pairs)
		}
		// What is taken in another account is free in one's own, and no answer
		// names what is there.
		memberSend(c.alice, c.a, accountPath(c.a)+"/people/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		memberSend(c.alice, c.a, accountPath(c.a)+"/contacts", "name", "Their contact", "address", "x@x.example").Must(303)
		c.alice.Post("/me/accounts/new", form("name", memberNameB, "address", c.mallory.Address, "currency", "EUR")).Must(200, "You are its owner")
	})
}

func TestT067_SecretsAreRandomAndLong(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		for n := range 3 {
			memberSend(c.alice, c.a, accountPath(c.a)+"/people/invitations", "address", "nina"+id.String(id.User(n+1))+"@x.example", "role", "mail").Must(303)
		}
		var secrets []string
		for n := range 3 {
			secrets = append(secrets, c.Mail.Next(t, "nina"+id.String(id.User(n+1))+"@x.example", "invites").Token(t))
			b := c.Browser()
			b.Post("/signin", form("address", c.carol.Address, "password", apptest.Password)).Must(200)
			secrets = append(secrets, b.Cookie("__Host-clientele-session"), b.Cookie("__Host-clientele-device"))
		}
		for i, s := range secrets {
			// 43 letters of 64 hold 256 bits; two of them that share a beginning
			// were counted and not drawn.
			if len(s) < 43 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Errorf("%q is no secret", s)
			}
			for _, other := range secrets[:i] {
				if s[:8] == other[:8] || s[len(s)-8:] == other[len(other)-8:] {
					t.Errorf("%q and %q are alike", s, other)
				}
			}
		}
	})
}

func TestT154_WhatOneNodeTakesAwayIsGoneOnTheOther(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		twin := c.Twin()
		there := &apptest.Person{Browser: c.carol.On(twin), User: c.carol.User, Name: c.carol.Name, Address: c.carol.Address}
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "choose", "permissions", "people.view").Must(303)
		there.Get(accountPath(c.a) + "/people").Must(200)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "mail").Must(303)
		there.Get(accountPath(c.a) + "/people").Must(403)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol)+"/remove").Must(303)
		there.Get(accountPath(c.a)).Must(404)
		memberSend(there, c.a, accountPath(c.a)+"/leave").Must(404)
		// The other way round, and for the session itself.
		alice := &apptest.Person{Browser: c.alice.On(twin), User: c.alice.User, Name: c.alice.Name, Address: c.alice.Address}
		bob := c.memberAt(c.a, c.bob)
		c.bob.Get(accountPath(c.a)).Must(200)
		memberSend(alice, c.a, bob+"/remove").Must(303)
		c.bob.Get(accountPath(c.a)).Must(404)
		there.Post("/signout", nil)
		other := c.Browser()
		for _, cookie := range c.carol.Cookies() {
			other.SetCookie(cookie)
		}
		other.Get("/me").Must(401)
		// Both nodes count refusals together.
		for n := range 40 {
			who := []*apptest.Person{c.cassidy, {Browser: c.cassidy.On(twin)}}[n%2]
			who.Get(accountPath(c.a) + "/people").Must(403)
		}
		if n := c.Count("audit_records WHERE outcome = 'denied' AND actor_id = $1", c.cassidy.User); n != 30 {
			t.Errorf("%d refusals were recorded, want 30", n)
		}
	})
}

// Removing on one node races with the removed acting on the other: whatever
// she did was done before.
func TestT046_NothingHappensAfterTheRemoval(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		twin := c.Twin()
		memberSend(c.alice, c.a, c.memberAt(c.a, c.carol), "role", "choose", "permissions", "contacts.manage").Must(303)
		path := c.memberAt(c.a, c.carol)
		there := &apptest.Person{Browser: c.carol.On(twin), User: c.carol.User, Name: c.carol.Name}
		answers := [12]int{}
		apptest.Race(12, func(i int) {
			if i == 4 {
				answers[i] = memberSend(c.alice, c.a, path+"/remove").Status
				return
			}
			answers[i] = memberSend(there, c.a, accountPath(c.a)+"/contacts", "name", "By the removed", "address", "x@x.example").Status
		})
		added := 0
		for i, status := range answers {
			switch {
			case status == 303 && i != 4:
				added++
			case status != 303 && status != 404:
				t.Errorf("an answer is %d", status)
			}
		}
		if n := c.Count("contacts"); n != int64(added) {
			t.Errorf("%d contacts, and %d were accepted", n, added)
		}
		type line struct {
			Event string
			Actor db.Null[int64]
		}
		log := apptest.Query[line](c.World, "SELECT event, actor_id AS actor FROM audit_records WHERE account_id = $1 AND outcome = 'done' ORDER BY id", c.a)
		end := slices.IndexFunc(log, func(l line) bool { return l.Event == "member.removed" })
		for _, l := range log[end:] {
			if l.Event == "contact.added" {
				t.Error("she acted after her removal")
			}
		}
		c.Clock.Move(time.Second)
		memberSend(there, c.a, accountPath(c.a)+"/contacts", "name", "By the removed", "address", "x@x.example").Must(404)
	})
}

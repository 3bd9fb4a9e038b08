package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele/internal/account"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// close closes alice's account as she would.
func (c *memberCast) close(t *testing.T) {
	t.Helper()
	path := accountPath(c.a) + "/close"
	c.alice.Get(path).Must(200, "Close "+memberNameA).Submit(path, form("number", id.String(c.a))).Must(200, memberNameA+" is closed. It can still be read.")
}

func TestClosingIsAnOwnersWithAFreshSignInAndTheNumber(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		path := accountPath(c.a) + "/close"
		for _, p := range []*apptest.Person{c.bob, c.carol} {
			memberRefused(t, p, c.a, path, form("number", id.String(c.a)), 403, "only-owners")
		}
		for _, number := range []string{"", id.String(c.b), "yes"} {
			page := c.alice.Get(path).Must(200).Submit(path, form("number", number))
			page.Must(422)
			if !strings.Contains(page.FieldError("number"), "Type the account's number, "+id.String(c.a)) {
				t.Errorf("beside the number stands %q", page.FieldError("number"))
			}
		}
		c.Clock.Move(11 * time.Minute)
		c.alice.Get(path).Must(403, "Confirm that it is you")
		memberRefused(t, c.alice, c.a, path, form("number", id.String(c.a)), 403, "step-up-required")
		if n := c.Count("accounts WHERE status = 'closed'"); n != 0 {
			t.Fatal("the account is closed")
		}
		c.alice.Get(path).Submit("/confirm", form("password", apptest.Password)).Must(200, "Close "+memberNameA)
		c.close(t)
		type line struct {
			Event, Before, After string
			ActorID              db.Null[int64]
		}
		got := apptest.Query[line](c.World, "SELECT event, before, after, actor_id FROM audit_records WHERE event = 'account.closed'")
		if want := []line{{"account.closed", `{"status":"active"}`, `{"status":"closed"}`, db.Some(int64(c.alice.User))}}; !slices.Equal(got, want) {
			t.Errorf("the log has %+v", got)
		}
	})
}

func TestAClosedAccountIsReadAndNotChanged(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		people := accountPath(c.a) + "/people"
		memberSend(c.alice, c.a, people+"/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		memberSend(c.alice, c.a, accountPath(c.a)+"/contacts", "name", "A contact", "address", "x@x.example").Must(303)
		offer := c.offer(t, c.alice, c.carol, "share")
		link := c.Mail.Next(t, "nina@x.example", "invites").Link(t)
		numbers := strings.NewReplacer("{account}", id.String(c.a), "{member}", id.String(c.Membership(c.a, c.bob)), "{invitation}", first(c, "invitations"), "{contact}", first(c, "contacts"), "{offer}", first(c, "ownership_offers"))
		c.close(t)

		tried := 0
		for _, route := range c.Mux.Routes() {
			if route.Guard != "account" {
				continue
			}
			tried++
			where := numbers.Replace(route.Pattern)
			if !route.Unsafe() {
				if page := c.alice.Get(where); page.Status != 200 && page.Status != 409 {
					t.Errorf("GET %s answers %d", where, page.Status)
				}
				continue
			}
			values := form("account", id.String(c.a), "name", "Changed", "address", "z@x.example", "role", "mail", "currency", "EUR", "language", "en", "kinds", "domain", "number", id.String(c.a), "kind", "share",
				"ways", "password", "grace_days", "7", "session_hours", "8")
			if strings.HasSuffix(where, "/activity/export") {
				continue // reading, which a closed account still lets its people do
			}
			want := "account-closed"
			if strings.HasSuffix(where, "/leave") {
				want = "last-owner" // leaving is the one thing that is still possible, though not for her
			}
			if status, kind := memberProblem(t, c.alice.Browser, http.MethodPost, where, values); status != 409 || kind != want && kind != "" {
				t.Errorf("POST %s answers %d %s, want 409 %s", where, status, kind, want)
			}
		}
		if tried < 20 {
			t.Errorf("%d routes: looking in the wrong place?", tried)
		}
		memberRefused(t, c.carol, c.a, offer+"/take", nil, 409, "account-closed")
		nina := c.Browser()
		nina.Get(link)
		nina.Post("/invitation/join", form("name", "Nina New", "password", apptest.Password)).Must(409)
		if n := c.Count("users WHERE address = 'nina@x.example'"); n != 0 {
			t.Error("somebody has joined it")
		}
		if got := c.power(c.a, c.bob); got != "services.view people.view people.manage active" {
			t.Errorf("bob has %q", got)
		}

		// It is shown as closed wherever it stands, and still read.
		for _, p := range []*apptest.Person{c.alice, c.bob, c.cassidy} {
			page := p.Get(accountPath(c.a)).Must(200, "This account is closed.")
			if !strings.Contains(page.Find(".zone-list a[href='"+accountPath(c.a)+"']").Text(), "closed") {
				t.Errorf("%s: the switcher does not say that it is closed", p.Name)
			}
			p.Get("/me/accounts").Must(200, memberNameA)
			if !strings.Contains(p.Get("/me/accounts").Find("main tr:contains('"+memberNameA+"')").Text(), "closed") {
				t.Errorf("%s: the list does not say that it is closed", p.Name)
			}
		}
		if page := c.alice.Get(people).Must(200, "Bob Binder"); page.Find("main form[method=post]").Length() > 0 || page.Says("Invite somebody") {
			t.Error("the page offers what cannot be done")
		}
		c.Mail.Next(t, c.alice.Address, memberNameA+" was closed")
		memberSend(c.carol, c.a, accountPath(c.a)+"/leave").Must(303)
		c.carol.Get(accountPath(c.a)).Must(404)
	})
}

func TestStaffOpenAClosedAccountAgain(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		c.close(t)
		path := "/staff/accounts/" + id.String(c.a) + "/reopen"
		account := form("account", id.String(c.a))
		for _, role := range []string{"support", "readonly"} {
			c.Operator("Sam "+role, role+"@northbeam.example", role).Post(path, account).Must(403)
		}
		root := c.Operator("Robin Root", "robin@northbeam.example", "administrator")
		c.Clock.Move(11 * time.Minute)
		root.Post(path, account).Must(403, "Confirm that it is you")
		root = c.Operator("Robin Again", "robin2@northbeam.example", "administrator")
		root.Post(path, account).Must(200, "is open again")
		root.Post(path, account).Must(409)
		c.alice.Get(accountPath(c.a)).Must(200)
		memberSend(c.alice, c.a, accountPath(c.a)+"/people/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		c.alice.Get(accountPath(c.a)+"/activity").Must(200, "Staff: Robin Again", "opened the account again", "closed the account")
		if closed := apptest.Query[db.Null[time.Time]](c.World, "SELECT closed_at FROM accounts WHERE id = $1", c.a); closed[0].Valid {
			t.Error("the account still has a day on which it was closed")
		}
	})
}

// Closing and inviting at once: nobody is invited to a closed account.
func TestClosingAndInvitingAtOnce(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		var mu sync.Mutex
		answers := map[int]int{}
		apptest.Race(8, func(i int) {
			status := 0
			if i == 3 {
				status = memberSend(c.alice, c.a, accountPath(c.a)+"/close", "number", id.String(c.a)).Status
			} else {
				status = memberSend(c.bob, c.a, accountPath(c.a)+"/people/invitations", "address", "nina"+id.String(id.User(i+1))+"@x.example", "role", "mail").Status
			}
			mu.Lock()
			defer mu.Unlock()
			answers[status]++
		})
		if answers[303]+answers[409] != 8 {
			t.Errorf("the answers are %v", answers)
		}
		events := apptest.Query[string](c.World, "SELECT event FROM audit_records WHERE account_id = $1 AND outcome = 'done' ORDER BY id", c.a)
		if events[len(events)-1] != "account.closed" || c.Count("invitations") != int64(answers[303]-1) {
			t.Errorf("the log has %v, and there are %d invitations", events, c.Count("invitations"))
		}
	})
}

// domainMail are the recipients of domain mail as they are stored.
func (c *memberCast) domainMail(t *testing.T) (out []string) {
	t.Helper()
	c.In(func(tx *db.Tx) error {
		list, err := account.Recipients(tx, c.a, account.AllKinds[4])
		for _, a := range list {
			out = append(out, a.String())
		}
		return err
	})
	slices.Sort(out)
	return out
}

func TestSomebodyAlwaysReceivesMailAboutDomains(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		contacts, settings := accountPath(c.a)+"/contacts", accountPath(c.a)+"/settings"
		own := func(kinds ...string) *apptest.Page {
			return c.alice.Get(settings).Must(200).Submit(settings, url.Values{"kinds": kinds})
		}
		none := own("general", "invoice").Must(422, "Somebody must receive mail about domains.")
		if none.Find("[name=kinds][value=domain][checked]").Length() != 0 {
			t.Error("the form has lost what was chosen")
		}
		c.alice.Get(contacts+"/new").Submit(contacts, url.Values{"name": {"Domains"}, "address": {"domains@arden.example"}, "kinds": {"domain", "support"}}).Must(200)
		contact := contacts + "/" + first(c, "contacts")
		own("general").Must(200, "Saved.")
		if got := c.domainMail(t); !slices.Equal(got, []string{"domains@arden.example"}) {
			t.Errorf("domain mail goes to %v", got)
		}
		c.alice.Get(contact).Submit(contact, url.Values{"kinds": {"support"}}).Must(422, "Somebody must receive mail about domains.")
		memberSend(c.alice, c.a, contact+"/remove").Must(409, "Somebody must receive mail about domains.")
		c.alice.Get(contact).Submit(contact, url.Values{"address": {"new@arden.example"}}).Must(200, "Saved.")
		own("general", "domain").Must(200)
		memberSend(c.alice, c.a, contact+"/remove").Must(303)
		own("general").Must(422)
		if got := c.domainMail(t); !slices.Equal(got, []string{"alice@arden.example"}) {
			t.Errorf("domain mail goes to %v", got)
		}
	})
}

func TestTwoRecipientsOfDomainMailDoNotGoAtOnce(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		contacts, settings := accountPath(c.a)+"/contacts", accountPath(c.a)+"/settings"
		for range 4 {
			c.Exec("DELETE FROM contacts")
			c.Exec("UPDATE accounts SET mail_kinds = 63")
			for _, name := range []string{"One", "Two"} {
				memberSend(c.alice, c.a, contacts, "name", name, "address", strings.ToLower(name)+"@arden.example", "kinds", "domain").Must(303)
			}
			numbers := apptest.Query[id.Contact](c.World, "SELECT id FROM contacts")
			values := apptest.FormValues(c.alice.Get(settings).Find("form[action='" + settings + "']"))
			values["kinds"] = []string{"general"}
			apptest.Race(3, func(i int) {
				if i == 2 {
					c.alice.PostOnly(settings, values)
					return
				}
				memberSend(c.alice, c.a, contacts+"/"+id.String(numbers[i])+"/remove")
			})
			if got := c.domainMail(t); len(got) != 1 {
				t.Errorf("domain mail goes to %v, want one that remains", got)
			}
		}
	})
}

func TestContactsSayWhatIsWrong(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		contacts := accountPath(c.a) + "/contacts"
		page := c.alice.Get(contacts+"/new").Submit(contacts, url.Values{"name": {""}, "address": {"one@x.example, two@x.example"}, "company": {"a\nb"}, "kinds": {"domain"}}).Must(422)
		for _, field := range []string{"name", "address", "company"} {
			if page.FieldError(field) == "" {
				t.Errorf("nothing stands beside %s", field)
			}
		}
		if page.Find("[name=kinds][value=domain][checked]").Length() != 1 {
			t.Error("the form has lost what was chosen")
		}
		memberRefused(t, c.alice, c.a, contacts, url.Values{"name": {"N"}, "address": {"x@x.example"}, "kinds": {"everything"}}, 422, "invalid")
		if c.Count("contacts") != 0 {
			t.Error("a refused form has left a contact")
		}
		for _, p := range []*apptest.Person{c.bob, c.carol} {
			p.Get(contacts).Must(403, "You may not do this in "+memberNameA, "Alice Arden")
			memberSend(p, c.a, contacts, "name", "N", "address", "x@x.example").Must(403)
		}
	})
}

func TestActivityTellsWhoThroughWhatAndToWhom(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		root := c.Operator("Robin Root", "robin@northbeam.example", "administrator")
		settings := accountPath(c.a) + "/settings"
		c.alice.Get(settings).Submit(settings, form("city", "Galway")).Must(200)
		memberSend(c.alice, c.a, c.memberAt(c.a, c.cassidy), "role", "choose", "permissions", "invoices.view").Must(303)
		memberSend(c.bob, c.a, accountPath(c.a)+"/people/invitations", "address", "nina@x.example", "role", "mail").Must(303)
		root.Post("/staff/accounts/"+id.String(c.a)+"/users/"+id.String(c.Membership(c.a, c.carol))+"/remove", form("account", id.String(c.a))).Must(200)
		memberSend(c.cassidy, c.a, accountPath(c.a)+"/leave").Must(303)

		rows := map[string]string{}
		page := c.alice.Get(accountPath(c.a)+"/activity").Must(200, "The log cannot be changed.")
		for _, row := range page.Find("main tbody tr").EachIter() {
			cells := row.Find("td").Map(func(_ int, s *goquery.Selection) string { return strings.Join(strings.Fields(s.Text()), " ") })
			if len(cells) != 3 || cells[1] == "" {
				t.Fatalf("a row has the cells %q", cells)
			}
			what, _, _ := strings.Cut(cells[0], " Details of record")
			rows[what] = cells[2]
		}
		for _, want := range []string{
			"Alice Arden changed the account's details: city (empty) → “Galway”",
			"Alice Arden changed what Cassidy Both may do: may now see invoices; may no longer see services",
			"Bob Binder sent an invitation: Mail only",
			"Staff: Robin Root removed Carol Clerk from the account",
			"Cassidy Both left the account",
		} {
			from, ok := rows[want]
			if !ok {
				t.Errorf("the log does not say %q; it says %q", want, rows)
			} else if operator := strings.HasPrefix(want, "Staff"); operator != (from == "not known") || !operator && from != "192.0.2.10" {
				t.Errorf("%q came from %q", want, from)
			}
		}
		type line struct{ Event, Kind, Via, Own string }
		got := apptest.Query[line](c.World, `
			SELECT r.event, r.actor_kind AS kind, r.via, CASE WHEN r.via_id IS NULL THEN '' WHEN m.user_id = r.actor_id THEN 'own' ELSE 'strange' END AS own
			FROM audit_records r LEFT JOIN memberships m ON m.id = r.via_id AND m.account_id = r.account_id
			WHERE r.account_id = $1 AND r.actor_kind <> 'system' ORDER BY r.id`, c.a)
		want := []line{
			{"account.changed", "user", "membership", "own"},
			{"member.changed", "user", "membership", "own"},
			{"invitation.sent", "user", "membership", "own"},
			{"member.removed", "staff", "staff", ""},
			{"member.left", "user", "membership", "own"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log has %+v", got)
		}
		// She reads in her own log what was done to her, and on which account.
		c.cassidy.Get("/me/activity").Must(200, "Alice Arden", "changed what Cassidy Both may do", "#"+id.String(c.a))
		c.carol.Get("/me/activity").Must(200, "Staff: Robin Root")
		c.bob.Get(accountPath(c.a) + "/activity").Must(403)
	})
}

// A log of more than one page is read to its first entry.
func TestActivityGoesBackToTheBeginning(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		for n := range 120 {
			c.Exec("INSERT INTO audit_records (at, event, actor_kind, actor_id, via, account_id, object_kind, object_id, request, network) VALUES ($1, 'contact.removed', 'user', $2, 'membership', $3, 'contact', $4, 'r', 'n')",
				c.Clock.Now(), c.alice.User, c.a, n+1)
		}
		pages, rows := 0, 0
		where := accountPath(c.a) + "/activity"
		for where != "" && pages < 10 {
			page := c.alice.Get(where).Must(200)
			pages, rows = pages+1, rows+page.Find("main tbody tr").Length()
			where = page.Find("main a[href*='before=']").AttrOr("href", "")
		}
		if all := c.Count("audit_records WHERE account_id = $1", c.a); int64(rows) != all || pages != 3 {
			t.Errorf("%d pages show %d entries of %d", pages, rows, all)
		}
	})
}

func TestALoginWithoutAnAccountIsWhole(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		b := c.Browser()
		signUp(t, c.World, b, "Zoe Zero", "zoe@zero.example", "").Must(200, "Welcome. Your login is ready.", "No accounts yet")
		for _, where := range []string{"/", "/me", "/me/accounts", "/me/security", "/me/sessions", "/me/activity", "/me/invitations", "/me/accounts/new"} {
			if page := b.Get(where).Must(200); page.Says(memberNameA) || page.Says(memberNameB) {
				t.Errorf("%s shows an account", where)
			}
		}
		b.Get("/me").Must(200, "You are in no account yet.")
		b.Get(accountPath(c.a)).Must(404)
		// She is invited, and opens one of her own, with the same login.
		memberSend(c.alice, c.a, accountPath(c.a)+"/people/invitations", "address", "zoe@zero.example", "role", "readonly").Must(303)
		invitation := "/me/invitations/" + first(c, "invitations")
		b.Get("/me/invitations").Must(200, memberNameA, "Alice Arden").Submit(invitation+"/accept", nil).Must(200, "You are in")
		b.Get("/me/accounts/new").Submit("/me/accounts/new", form("name", "Zero Works")).Must(200, "Zero Works", "You are its owner.")
		b.Get("/me/accounts").Must(200, "Zero Works", "Owner", memberNameA, "Read only")
		if n := c.Count("users WHERE address = 'zoe@zero.example'"); n != 1 {
			t.Errorf("she has %d logins", n)
		}
	})
}

// Whoever has left her last account signs in to her list, and not to where
// she was.
func TestWhoHasLostHerLastAccountStaysAPerson(t *testing.T) {
	memberEach(t, func(t *testing.T, c *memberCast) {
		c.carol.Get(accountPath(c.a)).Must(200)
		if home := c.carol.Get("/").Must(200); home.URL.Path != accountPath(c.a) {
			t.Errorf("she begins at %s", home.URL.Path)
		}
		memberSend(c.carol, c.a, accountPath(c.a)+"/leave").Must(303)
		c.carol.Get("/").Must(200, "No accounts yet")
		fresh := c.Browser()
		page := fresh.Post("/signin", form("address", c.carol.Address, "password", apptest.Password)).Must(200, "No accounts yet")
		if page.URL.Path != "/me/accounts" {
			t.Errorf("sign-in leads to %s", page.URL.Path)
		}
		fresh.Post("/signin", form("address", c.carol.Address, "password", apptest.Password, "next", accountPath(c.a))).Must(404)
	})
}

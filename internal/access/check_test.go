package access_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"

	"pgregory.net/rapid"
)

// principal is a person as her session shows her.
func principal(t *testing.T, w *apptest.World, p *apptest.Person) access.Principal {
	t.Helper()
	i, err := w.Auth.Identify(context.Background(), p.Cookie("__Host-clientele-session"), auth.Request{ID: "check", Network: "192.0.2.7"})
	if err != nil || !i.SignedIn() {
		t.Fatalf("%s is not signed in: %v", p.Name, err)
	}
	return access.Person(i)
}

// enter asks whether a person is let into an account, and what she holds
// there.
func enter(t *testing.T, w *apptest.World, p *apptest.Person, a id.Account) (held access.Set, in bool) {
	t.Helper()
	f, err := access.Check[access.Enter](context.Background(), w.Memberships, principal(t, w, p), a)
	if err != nil && !fault.Is(err, fault.NotFound) {
		t.Fatalf("%s in %d: %v", p.Name, a, err)
	}
	return f.Held(), err == nil
}

// checks are the checks of every permission, by its key.
var checks = map[string]func(context.Context, *access.Memberships, access.Principal, id.Account) (objects []access.Object, bounded bool, err error){
	"profile.manage": check[access.ManageProfile], "contacts.manage": check[access.ManageContacts],
	"services.view": check[access.ViewServices], "services.manage": check[access.ManageServices], "services.signin": check[access.SignInToServices],
	"domains.view": check[access.ViewDomains], "domains.manage": check[access.ManageDomains],
	"invoices.view": check[access.ViewInvoices], "invoices.pay": check[access.PayInvoices], "payment_methods.manage": check[access.ManagePaymentMethods],
	"quotes.view": check[access.ViewQuotes], "quotes.accept": check[access.AcceptQuotes],
	"tickets.view": check[access.ViewTickets], "tickets.reply": check[access.ReplyTickets],
	"affiliates.manage": check[access.ManageAffiliates], "emails.view": check[access.ViewEmails], "orders.place": check[access.PlaceOrders],
	"people.view": check[access.ViewPeople], "people.manage": check[access.ManagePeople],
	"activity.view": check[access.ViewActivity], "developer.manage": check[access.ManageDeveloper],
}

func check[P access.Permission](ctx context.Context, m *access.Memberships, by access.Principal, a id.Account) ([]access.Object, bool, error) {
	f, err := access.Check[P](ctx, m, by, a)
	list, bounded := f.Objects()
	return list, bounded, err
}

// opens are the permissions that a check grants, by key: for the whole
// account, and for single objects.
func opens(t *testing.T, w *apptest.World, p *apptest.Person, a id.Account) (whole access.Set, single map[string][]access.Object) {
	t.Helper()
	by := principal(t, w, p)
	single = map[string][]access.Object{}
	for key, check := range checks {
		list, bounded, err := check(context.Background(), w.Memberships, by, a)
		switch {
		case err == nil && bounded:
			single[key] = list
		case err == nil:
			whole |= apptest.Keys(key)
		case !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound):
			t.Fatalf("%s: %v", key, err)
		}
	}
	return whole, single
}

// link lets the members of one account act on another.
func link(w *apptest.World, a, partner id.Account, s access.Set) (number int64) {
	w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)", a, partner, s, w.Clock.Now())
	return apptest.Query[int64](w, "SELECT MAX(id) FROM partner_links")[0]
}

// An agency is a customer's account, an agency's that works for it, and their
// people.
type agency struct {
	*apptest.World
	customer, agency, stranger   id.Account
	cora, gina, wes, adam, mallo *apptest.Person
}

func newAgency(w *apptest.World) *agency {
	g := &agency{
		World: w, cora: w.Person("Cora Customer", "cora@customer.example"), gina: w.Person("Gina Agency", "gina@agency.example"),
		wes: w.Person("Wes Worker", "wes@agency.example"), adam: w.Person("Adam Accounts", "adam@agency.example"), mallo: w.Person("Mallory Mason", "mallory@mason.example"),
	}
	g.customer, g.agency, g.stranger = w.Account(g.cora, "Customer"), w.Account(g.gina, "Agency"), w.Account(g.mallo, "Stranger")
	w.Join(g.agency, g.wes, apptest.Keys("services.view", "services.manage", "people.view"))
	w.Join(g.agency, g.adam, apptest.Keys("invoices.view"))
	return g
}

func (g *agency) holds(t *testing.T, p *apptest.Person, a id.Account, want string) {
	t.Helper()
	held, in := enter(t, g.World, p, a)
	got := held.String()
	if !in {
		got = "nothing"
	}
	if got != want {
		t.Errorf("%s holds %q in %d, want %q", p.Name, got, a, want)
	}
}

func TestEveryPermissionIsChecked(t *testing.T) {
	for _, i := range access.All {
		if checks[i.Key] == nil {
			t.Errorf("%s is not among the checks of these tests", i.Key)
		}
	}
}

func TestT053_APartnerActsWithinTheLinkAndWithinHisOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		g.holds(t, g.wes, g.customer, "nothing")
		link(w, g.customer, g.agency, apptest.Keys("services.view", "services.manage", "domains.view"))
		g.holds(t, g.wes, g.customer, "services.view services.manage")
		g.holds(t, g.gina, g.customer, "services.view services.manage domains.view")
		g.holds(t, g.adam, g.customer, "nothing") // what he may do for the agency is not in the link
		g.holds(t, g.mallo, g.customer, "nothing")
		g.holds(t, g.cora, g.agency, "nothing") // a link goes one way
		g.holds(t, g.wes, g.stranger, "nothing")

		whole, single := opens(t, w, g.wes, g.customer)
		if whole != apptest.Keys("services.view", "services.manage") || len(single) > 0 {
			t.Errorf("the checks open %v and %v", whole, single)
		}
		if whole, _ := opens(t, w, g.adam, g.customer); whole != 0 {
			t.Errorf("the checks open %v to somebody without the permission on the agency's side", whole)
		}
		g.adam.Get("/a/" + id.String(g.customer)).Must(404)
		if g.adam.Get("/me/accounts").Must(200, "Agency").Says("Customer") {
			t.Error("an account that he cannot enter is listed")
		}
		g.wes.Get("/a/"+id.String(g.customer)).Must(200, "Customer")
		g.wes.Get("/me/accounts").Must(200, "Customer", "Through Agency")
		g.wes.Get("/a/"+id.String(g.customer)+"/people").Must(403, "You have: See services, manage services", "Cora Customer")
	})
}

// An agency's own role counts like any other.
func TestT053_ARoleOfTheAgencyCounts(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		w.Exec("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, 'Crew', $2, $3)", g.agency, apptest.Keys("domains.view", "orders.place"), w.Clock.Now())
		w.Exec("UPDATE memberships SET role_id = (SELECT MAX(id) FROM roles), permissions = 0 WHERE id = $1", w.Membership(g.agency, g.adam))
		link(w, g.customer, g.agency, apptest.Keys("domains.view", "services.view"))
		g.holds(t, g.adam, g.customer, "domains.view")
		g.adam.Get("/me/accounts").Must(200, "Customer", "Through Agency")
	})
}

func TestT053_ALinkNeverMakesAnOwner(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		link(w, g.customer, g.agency, access.Everything|1<<40)
		g.holds(t, g.gina, g.customer, access.Everything.String())
		_, err := access.Check[access.Own](context.Background(), w.Memberships, principal(t, w, g.gina), g.customer)
		if e, ok := fault.Of(err); !ok || e.Reason != "only-owners" {
			t.Errorf("an owner of the agency may own the customer: %v", err)
		}
		base := "/a/" + id.String(g.customer)
		g.gina.Get(base+"/close").Must(403, "Only owners of Customer")
		g.gina.Get(base + "/people/members/" + id.String(w.Membership(g.customer, g.cora)) + "/ownership").Must(403)
		row := g.gina.Get("/me/accounts").Must(200).Find("tr:contains('Customer')").Text()
		if strings.Contains(row, "Owner") || !strings.Contains(row, "Through Agency") {
			t.Errorf("she is listed as %q", row)
		}
		g.gina.Get(base+"/leave").Must(200, "You enter this account through a partner")
		g.gina.Post(base+"/leave", map[string][]string{"account": {id.String(g.customer)}}).Must(409)
	})
}

func TestT053_ALinkHoldsToTheSecondWithoutAnyJob(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		n := link(w, g.customer, g.agency, apptest.Keys("services.view"))
		w.Exec("UPDATE partner_links SET starts_at = $2, ends_at = $3 WHERE id = $1", n, w.Clock.Now().Add(time.Minute), w.Clock.Now().Add(2*time.Minute))
		for _, step := range []struct {
			move time.Duration
			want string
		}{
			{0, "nothing"},
			{time.Minute - time.Second, "nothing"},
			{time.Second, "services.view"},
			{time.Minute - time.Microsecond, "services.view"},
			{time.Microsecond, "nothing"},
			{time.Hour, "nothing"},
		} {
			w.Clock.Move(step.move)
			g.holds(t, g.wes, g.customer, step.want)
			listed := g.wes.Get("/me/accounts").Must(200).Says("Customer")
			if listed != (step.want != "nothing") {
				t.Errorf("after %s the list says %t", step.move, listed)
			}
		}
	})
}

func TestT053_ALinkEndsAtOnceFromBothSides(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		link(w, g.customer, g.agency, apptest.Keys("services.view"))
		m := w.Membership(g.agency, g.wes)
		customer := "/a/" + id.String(g.customer)
		for name, statement := range map[string]string{
			"the customer ends it":           "UPDATE partner_links SET status = 'ended'",
			"the customer has not agreed":    "UPDATE partner_links SET status = 'pending'",
			"the link carries nothing":       "UPDATE partner_links SET permissions = 0",
			"the agency is closed":           "UPDATE accounts SET status = 'closed' WHERE name = 'Agency'",
			"he is suspended at the agency":  "UPDATE memberships SET status = 'suspended' WHERE name = 'Wes'",
			"his time at the agency is over": "UPDATE memberships SET ends_at = starts_at WHERE name = 'Wes'",
			"he may do nothing for it":       "UPDATE memberships SET permissions = 0 WHERE name = 'Wes'",
			"he may do other things for it":  "UPDATE memberships SET permissions = 128 WHERE name = 'Wes'",
		} {
			statement = strings.ReplaceAll(statement, "name = 'Wes'", "id = "+id.String(m))
			g.wes.Get(customer).Must(200)
			w.Exec(statement)
			g.wes.Get(customer).Must(404)
			if g.wes.Get("/me/accounts").Must(200).Says("Customer") {
				t.Errorf("%s: the account is listed", name)
			}
			w.Exec("UPDATE partner_links SET status = 'active', permissions = $1", apptest.Keys("services.view"))
			w.Exec("UPDATE accounts SET status = 'active'")
			w.Exec("UPDATE memberships SET status = 'active', ends_at = NULL, permissions = $2 WHERE id = $1", m, apptest.Keys("services.view"))
		}
		// Bits that no release knows open nothing, even where both sides have them.
		w.Exec("UPDATE partner_links SET permissions = $1", int64(1)<<40)
		w.Exec("UPDATE memberships SET permissions = $2 WHERE id = $1", m, int64(1)<<40)
		g.wes.Get(customer).Must(404)
		w.Exec("UPDATE partner_links SET permissions = $1", apptest.Keys("services.view"))
		w.Exec("UPDATE memberships SET permissions = $2 WHERE id = $1", m, apptest.Keys("services.view"))

		// Removed from the agency, he is out of its customers' accounts at once.
		g.wes.Get(customer).Must(200)
		path := "/a/" + id.String(g.agency) + "/people/members/" + id.String(m)
		g.gina.Post(path+"/remove", map[string][]string{"account": {id.String(g.agency)}}).Must(200)
		g.wes.Get(customer).Must(404)
	})
}

func TestT053_LinksDoNotChain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		all := access.Everything
		link(w, g.customer, g.agency, all)
		link(w, g.agency, g.stranger, all)
		g.holds(t, g.mallo, g.agency, all.String())
		g.holds(t, g.mallo, g.customer, "nothing")
		g.mallo.Get("/a/" + id.String(g.customer)).Must(404)
		if g.mallo.Get("/me/accounts").Must(200, "Agency").Says("Customer") {
			t.Error("the partner's partner sees the customer")
		}
		// Not even round a ring.
		link(w, g.stranger, g.customer, all)
		g.holds(t, g.mallo, g.customer, "nothing")
		g.holds(t, g.cora, g.stranger, all.String())
		g.holds(t, g.cora, g.agency, "nothing")
	})
}

func TestT054_ALinkIsForItsOwnAccountAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		link(w, g.customer, g.agency, apptest.Keys("services.view", "contacts.manage", "activity.view"))
		g.wes.Get("/a/" + id.String(g.stranger)).Must(404)
		customer := "/a/" + id.String(g.customer)
		form := func(name string) map[string][]string {
			return map[string][]string{"account": {id.String(g.customer)}, "name": {name}, "address": {"new@customer.example"}}
		}
		g.gina.Post(customer+"/contacts", form("New contact")).Must(200, "New contact")
		g.wes.Post(customer+"/contacts", form("Another")).Must(403)
		type line struct {
			Event, Outcome, ActorKind, Via string
			ActorID, ViaID                 db.Null[int64]
		}
		got := apptest.Query[line](w, "SELECT event, outcome, actor_kind, via, actor_id, via_id FROM audit_records WHERE account_id = $1 AND via <> 'system' ORDER BY id", g.customer)
		want := []line{
			{"contact.added", "done", "user", "partner", db.Some(int64(g.gina.User)), db.Some(int64(g.agency))},
			{"access.permission", "denied", "user", "partner", db.Some(int64(g.wes.User)), db.Some(int64(g.agency))},
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log has %+v, want %+v", got, want)
		}
		g.cora.Get(customer+"/activity").Must(200, "Gina Agency", "through account "+id.String(g.agency), "added a contact")
		if strings.Contains(g.mallo.Get("/a/"+id.String(g.stranger)+"/activity").Must(200).Body, "Gina") {
			t.Error("another account's log tells of it")
		}
	})
}

// Whoever manages people through a link does so within the link, and not on
// herself.
func TestT053_APartnerWhoManagesPeople(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		link(w, g.customer, g.agency, apptest.Keys("people.view", "people.manage", "services.view"))
		people := "/a/" + id.String(g.customer) + "/people"
		send := func(path string, pairs ...string) *apptest.Page {
			values := map[string][]string{"account": {id.String(g.customer)}}
			for i := 0; i < len(pairs); i += 2 {
				values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
			}
			return g.gina.PostOnly(path, values)
		}
		send(people+"/invitations", "address", "new@x.example", "role", "choose", "permissions", "services.view").Must(303)
		send(people+"/invitations", "address", "new2@x.example", "role", "full").Must(403)
		send(people+"/invitations", "address", g.gina.Address, "role", "choose", "permissions", "services.view").Must(422)
		send(people + "/members/" + id.String(w.Membership(g.customer, g.cora)) + "/remove").Must(403)
		// She was a member once and her time has run out: the link lets her in,
		// and she does not bring herself back.
		m := w.Join(g.customer, g.gina, apptest.Keys("services.view"))
		w.Exec("UPDATE memberships SET ends_at = $2 WHERE id = $1", m, w.Clock.Now())
		send(people+"/members/"+id.String(m), "role", "choose", "permissions", "services.view").Must(403)
		send(people + "/members/" + id.String(m) + "/remove").Must(403)
	})
}

func TestT060_AGrantOnOneObjectOpensThatObjectAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Bakery")
		dana := w.Person("Dana Field", "dana@field.example")
		m := w.Join(a, dana, apptest.Keys("tickets.view"))
		give := func(kind string, object int64, s access.Set) int64 {
			w.Exec("INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6)", a, m, kind, object, s, w.Clock.Now())
			return apptest.Query[int64](w, "SELECT MAX(id) FROM grants")[0]
		}
		give("service", 7, apptest.Keys("services.view", "services.manage"))
		give("service", 8, apptest.Keys("services.view"))
		give("domain", 7, access.Everything)

		whole, single := opens(t, w, dana, a)
		if whole != apptest.Keys("tickets.view") {
			t.Errorf("for the whole account the grants open %v", whole)
		}
		numbers := map[string][]string{}
		for key, list := range single {
			for _, o := range list {
				numbers[key] = append(numbers[key], o.Kind+" "+id.String(id.Account(o.ID)))
			}
			slices.Sort(numbers[key])
		}
		want := map[string][]string{
			"services.view": {"service 7", "service 8"}, "services.manage": {"service 7"},
			"domains.view": {"domain 7"}, "domains.manage": {"domain 7"},
		}
		for _, i := range access.All {
			if !slices.Equal(numbers[i.Key], want[i.Key]) {
				t.Errorf("%s opens %v, want %v", i.Key, numbers[i.Key], want[i.Key])
			}
		}
		dana.Get("/a/" + id.String(a) + "/settings").Must(403)
		dana.Get("/a/" + id.String(a) + "/people").Must(403)

		// A grant of its own time ends by itself.
		last := give("department", 3, apptest.Keys("tickets.reply"))
		w.Exec("UPDATE grants SET starts_at = $2, ends_at = $3 WHERE id = $1", last, w.Clock.Now().Add(time.Minute), w.Clock.Now().Add(2*time.Minute))
		for _, want := range []int{0, 1, 0} {
			if _, single := opens(t, w, dana, a); len(single["tickets.reply"]) != want {
				t.Errorf("%d departments at %s, want %d", len(single["tickets.reply"]), w.Clock.Now(), want)
			}
			w.Clock.Move(time.Minute)
		}
	})
}

// Grants add up: one more never takes away, one less never gives.
func TestT056_GrantsAddUp(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		w.Join(g.customer, g.wes, 0)
		here, there := w.Membership(g.customer, g.wes), w.Membership(g.agency, g.wes)
		by := principal(t, w, g.wes)
		m := w.Memberships
		held := func(t *rapid.T) access.Set {
			f, err := access.Check[access.Enter](context.Background(), m, by, g.customer)
			if err != nil {
				t.Fatal(err)
			}
			return f.Held()
		}
		set := func(t *rapid.T, name string) access.Set {
			return access.Set(rapid.Int64Range(0, int64(access.Everything)).Draw(t, name))
		}
		changes := map[string]func(s access.Set){
			"own":    func(s access.Set) { w.Exec("UPDATE memberships SET permissions = $2 WHERE id = $1", here, s) },
			"agency": func(s access.Set) { w.Exec("UPDATE memberships SET permissions = $2 WHERE id = $1", there, s) },
			"link":   func(s access.Set) { w.Exec("UPDATE partner_links SET permissions = $1", s) },
		}
		link(w, g.customer, g.agency, 0)
		names := []string{"own", "agency", "link"}
		runs := 0
		rapid.Check(t, func(t *rapid.T) {
			if runs++; runs > 30 {
				return
			}
			now := map[string]access.Set{}
			for _, name := range names {
				now[name] = set(t, name)
				changes[name](now[name])
			}
			before := held(t)
			if before != now["own"]|now["link"]&now["agency"] {
				t.Fatalf("%v holds %v", now, before)
			}
			where := rapid.SampledFrom(names).Draw(t, "where")
			changes[where](now[where] | set(t, "more"))
			more := held(t)
			changes[where](now[where] & set(t, "less"))
			less := held(t)
			if !more.Has(before) || !before.Has(less) {
				t.Fatalf("%v, with more %v, with less %v", before, more, less)
			}
		})
	})
}

// A refusal carries nothing that opens anything, and a proof does not outlive
// what it proved.
func TestT046_AProofDoesNotOutliveWhatItProved(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		g := newAgency(w)
		by := principal(t, w, g.adam)
		f, err := access.Check[access.ManagePeople](context.Background(), w.Memberships, by, g.agency)
		if !fault.Is(err, fault.Denied) {
			t.Fatalf("Check: %v", err)
		}
		never := func(*db.Tx) error { return errors.New("it ran") }
		if err := f.Read(context.Background(), never); !fault.Is(err, fault.NotFound) {
			t.Errorf("Read: %v", err)
		}
		if _, ok := access.Also[access.ViewInvoices](f); ok {
			t.Error("a refused proof makes another")
		}
		f, err = access.Check[access.ManagePeople](context.Background(), w.Memberships, principal(t, w, g.gina), g.agency)
		if err != nil {
			t.Fatal(err)
		}
		w.Exec("UPDATE memberships SET status = 'suspended' WHERE id = $1", w.Membership(g.agency, g.gina))
		err = f.Write(context.Background(), func(*db.Tx, access.For[access.ManagePeople]) error { return errors.New("it ran") })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("Write: %v", err)
		}
		w.Exec("UPDATE memberships SET status = 'active' WHERE id = $1", w.Membership(g.agency, g.gina))
		w.Exec("UPDATE accounts SET status = 'closed' WHERE id = $1", g.agency)
		err = f.Write(context.Background(), func(*db.Tx, access.For[access.ManagePeople]) error { return errors.New("it ran") })
		if e, ok := fault.Of(err); !ok || e.Reason != "account-closed" {
			t.Errorf("Write to a closed account: %v", err)
		}
	})
}

func TestT145_RefusalsAreRecordedAndBounded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Bakery")
		bob, ben := w.Person("Bob Binder", "bob@binder.example"), w.Person("Ben Okafor", "ben@okafor.example")
		w.Join(a, bob, apptest.Keys("people.view", "people.manage"))
		w.Join(a, ben, apptest.Keys("invoices.view"))
		base := "/a/" + id.String(a)
		people := base + "/people/members/"
		send := func(p *apptest.Person, path string, pairs ...string) int {
			values := map[string][]string{"account": {id.String(a)}, "password": {"my secret of secrets"}}
			for i := 0; i < len(pairs); i += 2 {
				values[pairs[i]] = []string{pairs[i+1]}
			}
			return p.PostOnly(path, values).Status
		}
		mine := func(p *apptest.Person) string { return people + id.String(w.Membership(a, p)) }
		for _, refused := range []struct {
			want   string
			status int
		}{
			{"access.permission", ben.Get(base + "/people").Status},
			{"access.permission", send(ben, mine(bob), "role", "mail")},
			{"access.only-owners", send(bob, mine(ben)+"/ownership", "kind", "share")},
			{"access.own-membership", send(bob, mine(bob), "role", "mail")},
			{"access.target-exceeds-own", send(bob, mine(ben), "role", "mail")},
			{"access.target-owner", send(bob, mine(nora)+"/remove")},
			{"access.grant-exceeds-own", send(bob, base+"/people/invitations", "address", "new@x.example", "role", "full")},
		} {
			if refused.status != 403 {
				t.Errorf("%s: the answer is %d", refused.want, refused.status)
			}
		}
		events := apptest.Query[string](w, "SELECT event FROM audit_records WHERE outcome = 'denied' AND account_id = $1 ORDER BY id", a)
		want := []string{"access.permission", "access.permission", "access.only-owners", "access.own-membership", "access.target-exceeds-own", "access.target-owner", "access.grant-exceeds-own"}
		if !slices.Equal(events, want) {
			t.Errorf("the log has %v, want %v", events, want)
		}
		who := apptest.Query[string](w, "SELECT DISTINCT actor_kind || ' ' || via || ' ' || CASE WHEN via_id IS NULL THEN 'unknown' ELSE 'known' END || ' ' || before || after FROM audit_records WHERE outcome = 'denied' AND account_id = $1", a)
		if !slices.Equal(who, []string{"user membership known "}) {
			t.Errorf("the refusals were recorded as %q", who)
		}
		page := nora.Get(base+"/activity").Must(200, "Bob Binder", "Ben Okafor", "Refused")
		if strings.Contains(page.Body, "secrets") {
			i := strings.Index(page.Body, "secrets")
			t.Errorf("the log shows what was typed: %.200s", page.Body[max(0, i-80):])
		}

		// One who is refused all the time fills no log.
		denied := func() int64 { return w.Count("audit_records WHERE outcome = 'denied' AND actor_id = $1", ben.User) }
		for range 50 {
			ben.Get(base + "/people").Must(403)
		}
		if n := denied(); n != 30 {
			t.Errorf("%d refusals were recorded within a minute, want 30", n)
		}
		w.Clock.Move(time.Minute)
		ben.Get(base + "/people").Must(403)
		if n := denied(); n != 31 {
			t.Errorf("%d refusals after a minute, want 31", n)
		}
	})
}

func TestT145_RefusalsOfOperatorsAreRecorded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Bakery")
		reader := w.Operator("Rita Reader", "rita@northbeam.example", "readonly")
		helper := w.Operator("Sam Support", "sam@northbeam.example", "support")
		base := "/staff/accounts/" + id.String(a)
		reader.Get(base + "/users/invite").Must(403)
		helper.Post(base+"/users/"+id.String(w.Membership(a, nora))+"/owner/end", map[string][]string{"account": {id.String(a)}}).Must(403)
		type line struct {
			Event, Via string
			ActorID    db.Null[int64]
		}
		got := apptest.Query[line](w, "SELECT event, via, actor_id FROM audit_records WHERE outcome = 'denied' AND actor_kind = 'staff' ORDER BY id")
		want := []line{
			{"staff.permission", "staff", db.Some(int64(reader.Staff))},
			{"staff.permission", "staff", db.Some(int64(helper.Staff))},
		}
		if !slices.Equal(got, want) {
			t.Errorf("the log has %+v, want %+v", got, want)
		}
		nora.Get("/a/"+id.String(a)+"/activity").Must(200, "Staff: Sam Support")
	})
}

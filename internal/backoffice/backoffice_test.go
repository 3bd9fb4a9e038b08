package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/id"
)

// A desk is a bakery with its owner, a designer who works for it, and an
// administrator.
type desk struct {
	*apptest.World
	root   *apptest.Operator
	nora   *apptest.Person
	ada    *apptest.Person
	bakery id.Account
	base   string
}

func newDesk(w *apptest.World) *desk {
	d := &desk{World: w}
	d.root = w.Operator("Robin Okafor", "robin@northbeam.example", "administrator")
	d.nora = w.Person("Nora Baker", "nora@bakery.example")
	d.ada = w.Person("Ada Lindqvist", "ada@lindqvist.example")
	d.bakery = w.Account(d.nora, "Harbour Bakery")
	d.base = "/staff/accounts/" + id.String(d.bakery)
	return d
}

// join makes the designer a technical member of the bakery.
func (d *desk) join() (path string) {
	m := d.JoinAs(d.bakery, access.Join{User: d.ada.User, Role: access.Role{BuiltIn: "technical"}})
	return d.base + "/users/" + id.String(m)
}

// kept is an installation without a mail server.
func kept(c *config.Config) { c.SMTPURL = "" }

func TestStaffDoor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		b := w.Browser()
		b.Get("/staff/signin").Must(200, "There is no staff member yet", "clientele staff add")
		b.Get("/staff").Must(401, "Staff sign-in")
		root := w.Operator("Robin Okafor", "robin@northbeam.example", "administrator")
		if p := b.Get("/staff/signin").Must(200); p.Says("clientele staff add") {
			t.Error("the page still asks for the first staff member")
		}
		p := b.Get("/staff/users?q=ada").Must(401).Submit("/staff/signin", url.Values{"address": {root.Address}, "password": {"wrong"}})
		p.Must(422, "The address or the password is not right.")
		if got := p.Find("[name=address]").AttrOr("value", ""); got != root.Address {
			t.Errorf("the typed address is %q after a mistake", got)
		}
		p = p.Submit("/staff/signin", url.Values{"password": {apptest.Password}}).Must(200, "Set up a second factor")
		b.Get("/staff").Must(401, "Set up a second factor")
		p = p.Submit("/staff/signin/set-up/app/begin", nil).Must(200)
		p = p.Submit("/staff/signin/set-up/app", url.Values{"code": {w.Code(apptest.SeedOn(p))}}).Must(200, "they are not shown again")
		if got := p.Find("main a.button").AttrOr("href", ""); got != "/staff/users?q=ada" {
			t.Errorf("sign-in leads to %s", got)
		}
		p = b.Get("/staff/users?q=ada").Must(200, "No user found")
		b.Get("/staff/signin").Must(200, "Dashboard")
		p.Submit("/staff/signout", nil).Must(200, "You are signed out.")
		b.Get("/staff").Must(401)
	})
}

// TestT086_StrangersStopNoOperatorWhoIsIn guesses an operator's password at the
// door until it is shut: in her own session she goes on confirming.
func TestT086_StrangersStopNoOperatorWhoIsIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Root", "root@crew.example", "administrator")
		crowd := w.Browser()
		for range 12 {
			crowd.PostOnly("/staff/signin", url.Values{"address": {root.Address}, "password": {"wrong wrong wrong"}})
		}
		crowd.PostOnly("/staff/signin", url.Values{"address": {root.Address}, "password": {"wrong wrong wrong"}}).Must(429)
		root.PostOnly("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(303)
		for range 12 {
			root.PostOnly("/staff/confirm", url.Values{"password": {"wrong wrong wrong"}})
		}
		root.PostOnly("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(429)
	})
}

func TestStaffWaysBackStayInside(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Robin Okafor", "robin@northbeam.example", "administrator")
		seed := w.StaffApp(root)
		for _, next := range []string{"//evil.example", "https://evil.example/staff", "/a/1", "/staffing", "/staff/../a/1", "/staff\\evil"} {
			b := w.Browser()
			p := b.PostOnly("/staff/signin", url.Values{"address": {root.Address}, "password": {apptest.Password}, "next": {next}})
			if p.Status != 303 || p.Location != "/staff/signin/second-step" {
				t.Errorf("next=%s leads to %d %s", next, p.Status, p.Location)
			}
			w.Clock.Move(30 * time.Second)
			if p = b.PostOnly("/staff/signin/second-step", url.Values{"code": {w.Code(seed)}, "next": {next}}); p.Status != 303 || p.Location != "/staff" {
				t.Errorf("next=%s leads to %d %s", next, p.Status, p.Location)
			}
		}
	})
}

func TestStaffStepUpLeadsBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		member := d.join()
		w.Exec("UPDATE memberships SET owner = TRUE WHERE user_id = $1 AND account_id = $2", d.ada.User, d.bakery)
		page := d.root.Get(member).Must(200, "End the ownership of Ada Lindqvist", "end the ownership first")
		w.Clock.Move(11 * time.Minute)
		p := page.Submit(member+"/owner/end", nil).Must(403, "Confirm that it is you")
		p.Submit("/staff/confirm", url.Values{"password": {"wrong"}}).Must(422, "The password is not right.")
		p = p.Submit("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(200, "Ada Lindqvist in Harbour Bakery")
		if w.Count("audit_records WHERE event = 'staff.confirmed'") != 1 {
			t.Error("the confirmation is not recorded once")
		}
		p.Submit(member+"/owner/end", nil).Must(200, "is no longer an owner")
		w.Mail.Next(t, d.ada.Address, "no longer an owner")
	})
}

func TestLastOwnerStays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/users/" + id.String(w.Membership(d.bakery, d.nora))
		d.root.Get(path).Must(200).Submit(path+"/owner/end", nil).Must(409, "This is the only owner.", "Nora Baker in Harbour Bakery")
	})
}

func TestStaffSeesOnlyWhatTheRoleAllows(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		member := d.join()
		reader := w.Operator("Rea Only", "rea@northbeam.example", "readonly")
		helper := w.Operator("Sam Support", "sam@northbeam.example", "support")
		people := reader.Get(d.base+"/users").Must(200, "Ada Lindqvist")
		for _, a := range people.Find("main a").EachIter() {
			if href := a.AttrOr("href", ""); strings.Contains(href, "/invite") || strings.Contains(href, "/attach") || href == member {
				t.Errorf("a reader is led to %s", href)
			}
		}
		for _, path := range []string{member, d.base + "/users/invite", d.base + "/users/attach", d.base + "/details", d.base + "/contacts/new", "/staff/mails"} {
			reader.Get(path).Must(403)
			helper.Get(path).Must(200)
		}
		if p := reader.Get(d.base); p.Find(`a[href$="/details"], a[href="/staff/mails"]`).Length() > 0 {
			t.Error("a reader's menus lead to what is not open to her")
		}
		form := url.Values{"account": {id.String(d.bakery)}}
		helper.Post(member+"/owner", form).Must(403)
		if p := helper.Get(member).Must(200); p.Says("Make an owner") {
			t.Error("support is offered to make owners")
		}
		owner := d.base + "/users/" + id.String(w.Membership(d.bakery, d.nora))
		helper.Post(owner+"/remove", form).Must(403, "Only owners may change an owner.")
	})
}

func TestCustomersFindNoStaffArea(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		for _, path := range []string{"/staff", d.base, "/staff/users/" + id.String(d.ada.User), "/staff/mails"} {
			d.nora.Get(path).Must(404)
			w.Browser().Get(path).Must(401)
		}
	})
}

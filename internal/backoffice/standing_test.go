package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// TestSuspendedIsOutEverywhere suspends a user: her sessions end at once on
// every node, the door says what it says to everybody, and she comes back.
func TestSuspendedIsOutEverywhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		twin := w.Twin()
		b := d.nora.On(twin)
		b.Get("/me").Must(200)
		path := "/staff/users/" + id.String(d.nora.User)
		w.JoinAs(d.bakery, access.Join{User: d.ada.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		p := d.root.Get(path).Must(200, "Suspend the login")
		if p := p.Submit(path+"/suspend", url.Values{"reason": {"bad"}}).Must(422); p.FieldError("reason") == "" {
			t.Error("a reason of one word is taken")
		}
		p = p.Submit(path+"/suspend", url.Values{"reason": {"Her mailbox was taken over by somebody."}}).Must(200, "This login is suspended", "Her mailbox was taken over")
		w.Mail.Next(t, d.nora.Address, "is suspended")
		b.Get("/me").Must(401)
		d.nora.Get("/me").Must(401)
		wrong := w.Browser().PostOnly("/signin", url.Values{"address": {d.nora.Address}, "password": {"wrong wrong wrong"}})
		right := w.Browser().PostOnly("/signin", url.Values{"address": {d.nora.Address}, "password": {apptest.Password}})
		if wrong.Status != right.Status || strings.Contains(right.Body, "suspended") {
			t.Errorf("a wrong password: %d; the right one: %d", wrong.Status, right.Status)
		}
		d.root.Get("/staff").Must(200, "1 person is suspended")
		d.root.Get("/staff/waiting/suspended").Must(200, "Nora Baker", "Her mailbox was taken over")
		d.root.PostOnly(path+"/suspend", url.Values{"reason": {"Her mailbox was taken over by somebody."}}).Must(409)
		p.Submit(path+"/restore", nil).Must(200, "Restored", "restored the login")
		w.Mail.Next(t, d.nora.Address, "again")
		d.nora.Get("/me").Must(401)
		if got := w.Browser().PostOnly("/signin", url.Values{"address": {d.nora.Address}, "password": {apptest.Password}}).Status; got != 303 {
			t.Errorf("after she is restored: %d", got)
		}
		d.root.PostOnly(path+"/restore", nil).Must(409)
	})
}

// TestT048_StaffDoNotSuspendTheLastOwner is refused while an open account has
// nobody else who can act as its owner, also where two are suspended at once.
func TestT048_StaffDoNotSuspendTheLastOwner(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := func(p *apptest.Person) string { return "/staff/users/" + id.String(p.User) }
		why := url.Values{"reason": {"Her mailbox was taken over by somebody."}}
		p := d.root.Get(path(d.nora)).Must(200, "last owner", "Harbour Bakery")
		if p.Find(`form[action$="/suspend"]`).Length() > 0 {
			t.Error("what is refused is offered")
		}
		d.root.Post(path(d.nora)+"/suspend", why).Must(409, "is the last owner of Harbour Bakery", "sign it out everywhere")
		d.nora.Get("/me").Must(200)
		w.JoinAs(d.bakery, access.Join{User: d.ada.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		apptest.Race(2, func(n int) { d.root.Browser.PostOnly(path([]*apptest.Person{d.nora, d.ada}[n])+"/suspend", why) })
		if n := w.Count("users WHERE status = 'suspended'"); n != 1 {
			t.Errorf("of two owners who are suspended at once %d are", n)
		}
	})
}

// TestOneSessionEnds ends one browser's session and leaves the other; one of
// somebody else's is not there.
func TestOneSessionEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := "/staff/users/" + id.String(d.nora.User)
		session := func(p *apptest.Person) string {
			return id.String(id.Session(apptest.Query[int64](w, "SELECT MAX(id) FROM sessions WHERE user_id = $1", p.User)[0]))
		}
		d.root.PostOnly(path+"/sessions/"+session(d.ada)+"/end", nil).Must(404)
		d.ada.Get("/me").Must(200)
		d.root.Get(path).Submit(path+"/sessions/"+session(d.nora)+"/end", nil).Must(200, "The session has ended")
		d.nora.Get("/me").Must(401)
		look := w.Operator("Reed", "reed@northbeam.example", "readonly")
		look.Get("/staff/users/"+id.String(d.ada.User)).Must(200, "Sessions")
		look.PostOnly("/staff/users/"+id.String(d.ada.User)+"/sessions/"+session(d.ada)+"/end", nil).Must(403)
	})
}

// TestWhyShePutsNoFootIn reads the diagnosis of what can be wrong, one thing
// after the other.
func TestWhyShePutsNoFootIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		why := func(query string, say ...string) {
			t.Helper()
			d.root.Get("/staff/users/"+id.String(d.ada.User)+"/access?account="+query).Must(200, say...)
		}
		here := id.String(d.bakery)
		d.root.Get("/staff/users/"+id.String(d.ada.User)+"/access").Must(200, "See why")
		d.root.Get("/staff/users/"+id.String(d.ada.User)+"/access?account=99999").Must(422, "There is no account with this number.")
		d.root.Get("/staff/users/"+id.String(d.ada.User)+"/access?account=bakery").Must(422, "in digits")
		why(here, "No: they have no access", "no member of the account and never was", "attach them")
		d.join()
		why(here, "Yes: they can do this now")
		why(here+"&want=invoices.view", "but not do this there", "Give them a role")
		w.Exec("UPDATE memberships SET ends_at = $2 WHERE user_id = $1", d.ada.User, w.Clock.Now().Add(time.Hour))
		why(here, "runs until")
		w.Clock.Move(time.Hour)
		d.SignInOperator(d.root)
		why(here, "No: they have no access", "ran out on")
		w.Exec("UPDATE memberships SET ends_at = NULL, status = 'suspended' WHERE user_id = $1 AND owner = FALSE", d.ada.User)
		why(here, "Their membership is suspended")
		w.Exec("UPDATE memberships SET status = 'active'")
		w.Exec("UPDATE accounts SET second_from = $2 WHERE id = $1", d.bakery, w.Clock.Now())
		why(here, "cannot show what Harbour Bakery asks for", "this person has none")
		w.Exec("UPDATE sessions SET proved_at = $1", w.Clock.Now())
		w.Authenticator(d.ada)
		w.Exec("UPDATE sessions SET second_at = NULL")
		why(here, "The account asks for a second factor", "confirm with it")
		w.Exec("UPDATE accounts SET second_from = NULL, status = 'closed' WHERE id = $1", d.bakery)
		why(here, "The account is closed")
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", d.ada.User)
		why(here, "The login is suspended")
	})
}

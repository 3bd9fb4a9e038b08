package backoffice_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/user"
)

const lookCookie = "__Host-clientele-look"

// A shoulder is what is needed to look over one: Alice, who owns an account
// and works in another, and Sam of the staff.
type shoulder struct {
	*apptest.World
	alice, bob *apptest.Person
	sam, root  *apptest.Operator
	harbour    id.Account // Alice's own, with Bob as a technical member
	mill       id.Account // Bob's, with Alice as a member
	front      string     // Harbour's first page
}

func newShoulder(w *apptest.World) *shoulder {
	s := &shoulder{World: w}
	s.alice, s.bob = w.Person("Alice Example", "alice@harbour.example"), w.Person("Bob Miller", "bob@mill.example")
	s.sam, s.root = w.Operator("Sam Porter", "sam@northbeam.example", "support"), w.Operator("Robin Okafor", "robin@northbeam.example", "administrator")
	s.harbour, s.mill = w.Account(s.alice, "Harbour Bakery"), w.Account(s.bob, "Old Mill")
	w.JoinAs(s.harbour, access.Join{User: s.bob.User, Role: access.Role{BuiltIn: "technical"}})
	w.JoinAs(s.mill, access.Join{User: s.alice.User, Role: access.Role{BuiltIn: "full"}})
	olga := w.Person("Olga Owner", "olga@harbour.example")
	w.Exec("UPDATE memberships SET owner = TRUE WHERE id = $1", w.JoinAs(s.harbour, access.Join{User: olga.User, Role: access.Role{BuiltIn: "full"}}))
	s.front = "/a/" + id.String(s.harbour)
	return s
}

func beginPath(u id.User, a id.Account) string {
	return "/staff/users/" + id.String(u) + "/impersonate/" + id.String(a)
}

// ask sends the form with which an operator begins to look.
func (s *shoulder) ask(o *apptest.Operator, u id.User, a id.Account) *apptest.Page {
	return o.PostOnly(beginPath(u, a), url.Values{"account": {id.String(a)}, "reason": {"She asked why she sees no invoices."}, "from": {"/staff/users/" + id.String(u)}})
}

// look has an operator look as somebody.
func (s *shoulder) look(o *apptest.Operator, u id.User, a id.Account) {
	s.ask(o, u, a).Must(http.StatusSeeOther)
}

// act has Sam act as Alice in her bakery.
func (s *shoulder) act() {
	s.look(s.sam, s.alice.User, s.harbour)
	s.sam.PostOnly("/staff/impersonation/act", nil).Must(http.StatusSeeOther)
}

func (s *shoulder) running() int64 { return s.Count("impersonations WHERE ended_at IS NULL") }

// settings is the form of the account's details, as it stands on its page.
func (s *shoulder) settings(b *apptest.Browser) url.Values {
	return apptest.FormValues(b.Get(s.front + "/settings").Must(200).Find(`form[action="` + s.front + `/settings"]`))
}

func TestStaffLooksAndActsAsACustomer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		from := "/staff/accounts/" + id.String(s.harbour) + "/users"
		people := s.sam.Get(from).Must(200, "Alice Example")
		link := people.Find(`a[href^="`+beginPath(s.alice.User, s.harbour)+`"]`).AttrOr("href", "")
		p := s.sam.Get(link).Must(200, "Look as Alice Example", "Nothing can be changed.")
		begin := beginPath(s.alice.User, s.harbour)
		p.Submit(begin, url.Values{"reason": {"hm"}}).Must(422, "Say in a sentence why you look.")
		p = p.Submit(begin, url.Values{"reason": {"She asked why she sees no invoices."}})
		p.Must(200, "Harbour Bakery", "Sam Porter, you are looking as Alice Example in Harbour Bakery until 13:00 UTC.", "Nothing can be changed.")
		if p.URL.Path != s.front {
			t.Errorf("it begins on %s", p.URL)
		}
		form := s.settings(s.sam.Browser)
		form.Set("company", "Harbour Ltd")
		s.sam.Post(s.front+"/settings", form).Must(403, "You are only looking")
		p = s.sam.Get(s.front + "/people").Must(200)
		p = p.Submit("/staff/impersonation/act", nil).Must(200, "you are acting as Alice Example", "stands in the log under your name")
		if p.URL.Path != s.front+"/people" {
			t.Errorf("acting goes on at %s", p.URL)
		}
		s.sam.Post(s.front+"/settings", form).Must(200, "Saved.")
		p = p.Submit("/staff/impersonation/end", nil).Must(200, "You no longer look as somebody else.")
		if p.URL.Path != from {
			t.Errorf("ending leads to %s, not to where it began", p.URL)
		}
		s.sam.Get(s.front).Must(401)
		if s.running() != 0 || s.sam.Cookie(lookCookie) != "" {
			t.Error("it is not over")
		}
	})
}

func TestT109_NobodyLooksAsStaffOrHerselfOrWhoIsShutOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		twin := func(o *apptest.Operator) (id.User, id.Account) {
			p := w.Person(o.Name, o.Address)
			return p.User, w.Account(p, o.Name+"'s own")
		}
		sam, samsOwn := twin(s.sam)
		root, rootsOwn := twin(s.root)
		stranger := w.Person("Stan Stranger", "stan@else.example")
		gone := w.Person("Gina Gone", "gina@else.example")
		w.Join(s.harbour, gone, access.Everything)
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", gone.User)
		reader := w.Operator("Rea Only", "rea@northbeam.example", "readonly")
		for _, c := range []struct {
			what string
			by   *apptest.Browser
			user id.User
			in   id.Account
			want int
		}{
			{"oneself", s.sam.Browser, sam, samsOwn, 403},
			{"staff with more power", s.sam.Browser, root, rootsOwn, 403},
			{"staff with less power", s.root.Browser, sam, samsOwn, 403},
			{"a suspended user", s.sam.Browser, gone.User, s.harbour, 403},
			{"a user without access", s.sam.Browser, stranger.User, s.harbour, 404},
			{"a user who does not exist", s.sam.Browser, 999999, s.harbour, 404},
			{"an account that does not exist", s.sam.Browser, s.alice.User, 999999, 404},
			{"without the role", reader.Browser, s.alice.User, s.harbour, 403},
			{"a customer", s.bob.Browser, s.alice.User, s.harbour, 404},
			{"a visitor", w.Browser(), s.alice.User, s.harbour, 401},
		} {
			form := url.Values{"account": {id.String(c.in)}, "reason": {"A reason that is long enough."}}
			if p := c.by.PostOnly(beginPath(c.user, c.in), form); p.Status != c.want || c.by.Cookie(lookCookie) != "" {
				t.Errorf("looking as %s: %d, want %d", c.what, p.Status, c.want)
			}
		}
		if n := w.Count("impersonations"); n != 0 {
			t.Errorf("%d began", n)
		}
	})
}

// TestT109_OwnersKeepWhatIsTheirsAlone: Alice is an owner, Robin may do
// everything, and as Alice Robin does not own the account.
func TestT109_OwnersKeepWhatIsTheirsAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.root, s.alice.User, s.harbour)
		s.root.PostOnly("/staff/impersonation/act", nil).Must(303)
		for _, path := range []string{"/people/policy", "/close", "/people/members/" + id.String(w.Membership(s.harbour, s.bob)) + "/ownership"} {
			s.root.Get(s.front+path).Must(403, "Only the person can do this.")
		}
		s.root.Post(s.front+"/close", url.Values{"account": {id.String(s.harbour)}, "number": {id.String(s.harbour)}}).Must(403)
		if w.Count("accounts WHERE status = 'closed'") != 0 {
			t.Error("the account is closed")
		}
	})
}

func TestT110_ItDoesNotNestAndGivesNoStaffPowers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.sam, s.alice.User, s.harbour)
		s.ask(s.sam, s.bob.User, s.harbour).Must(409, "You look as Alice Example already")
		s.ask(s.sam, s.alice.User, s.mill).Must(409)
		if s.running() != 1 {
			t.Fatalf("%d run", s.running())
		}
		// What Sam's browser holds of it opens nothing in the staff area, and
		// the staff's cookie nothing outside.
		only := w.Browser()
		only.SetCookie(&http.Cookie{Name: lookCookie, Value: s.sam.Cookie(lookCookie), Path: "/", Secure: true})
		only.Get("/staff").Must(401)
		only.PostOnly("/staff/impersonation/act", nil).Must(401)
		only.Get(s.front).Must(200)
		staffOnly := w.Browser()
		staffOnly.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: s.sam.Cookie("__Secure-clientele-staff"), Path: "/", Secure: true})
		staffOnly.Get(s.front).Must(401)
		staffOnly.Get("/me").Must(401)
		s.sam.PostOnly("/staff/impersonation/end", nil).Must(303)
		only.Get(s.front).Must(403, "You no longer look as somebody else.")
		s.look(s.sam, s.bob.User, s.harbour)
	})
}

// TestT110_TwoTabsStartOne: of many attempts at once, one begins.
func TestT110_OneOfManyAttemptsBegins(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		token := s.sam.Cookie("__Secure-clientele-staff")
		statuses := make(chan int)
		for n := range 6 {
			go func() {
				b := w.Browser()
				b.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: token, Path: "/staff", Secure: true})
				u := []id.User{s.alice.User, s.bob.User}[n%2]
				statuses <- b.PostOnly(beginPath(u, s.harbour), url.Values{"account": {id.String(s.harbour)}, "reason": {"A reason that is long enough."}}).Status
			}()
		}
		got := map[int]int{}
		for range 6 {
			got[<-statuses]++
		}
		if got[303] != 1 || got[409] != 5 || s.running() != 1 {
			t.Errorf("answers %v, %d run", got, s.running())
		}
	})
}

// TestT110_TheBrowsersOwnSessionIsAsBefore: whoever is signed in as a customer
// in the same browser looks as somebody else meanwhile, and is herself again
// afterwards.
func TestT110_TheBrowsersOwnSessionIsAsBefore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		private := w.Person("Sam at home", "sam@home.example")
		own := w.Account(private, "Sam's garden")
		s.sam.SetCookie(&http.Cookie{Name: "__Host-clientele-session", Value: private.Cookie("__Host-clientele-session"), Path: "/", Secure: true})
		s.sam.Get("/a/"+id.String(own)).Must(200, "Sam's garden")
		seen := apptest.Query[time.Time](w, "SELECT seen_at FROM sessions WHERE user_id = $1", private.User)
		s.act()
		w.Clock.Move(9 * time.Minute)
		s.sam.Get(s.front).Must(200, "Harbour Bakery")
		s.sam.Get("/a/"+id.String(own)).Must(403, "You are looking at one account")
		s.sam.PostOnly("/signout", nil).Must(403)
		s.sam.Post("/a/"+id.String(own)+"/contacts", url.Values{"account": {id.String(own)}, "name": {"Eve"}, "address": {"eve@evil.example"}, "kinds": {"invoice"}}).Must(403)
		if now := apptest.Query[time.Time](w, "SELECT seen_at FROM sessions WHERE user_id = $1", private.User); !now[0].Equal(seen[0]) {
			t.Error("the customer's session was used meanwhile")
		}
		s.sam.PostOnly("/staff/impersonation/end", nil).Must(303)
		s.sam.Get("/a/"+id.String(own)).Must(200, "Sam's garden")
		if p := s.sam.Get("/me").Must(200, "Sam at home"); p.Find("section.look").Length() != 0 {
			t.Error("the banner stays")
		}
		s.sam.Get(s.front).Must(404)
	})
}

// TestT111_OtherAccountsStayShut: Alice is in the mill too, and Sam looks at
// the bakery: neither page nor list nor search shows the mill.
func TestT111_OtherAccountsStayShut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.act()
		for _, path := range []string{"", "/people", "/settings", "/activity"} {
			s.sam.Get("/a/"+id.String(s.mill)+path).Must(403, "Other accounts stay shut")
		}
		s.sam.Get("/a/999999").Must(403)
		for _, path := range []string{"/me/accounts", "/me/accounts?q=mill", "/me/accounts?q=" + id.String(s.mill), s.front, "/"} {
			if p := s.sam.Get(path).Must(200); strings.Contains(p.Find("body").Text(), "Old Mill") {
				t.Errorf("%s shows another account", path)
			}
		}
		for _, path := range []string{"/me", "/me/activity", "/me/security", "/me/sessions", "/me/invitations", "/me/delete", "/i/" + strings.Repeat("a", 43), "/recover"} {
			s.sam.Get(path).Must(403, "Only the person can do this.")
		}
	})
}

func TestT112_EveryRecordNamesTheOperatorAndTheUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.act()
		form := s.settings(s.sam.Browser)
		form.Set("company", "Harbour Ltd")
		s.sam.Post(s.front+"/settings", form).Must(200, "Saved.")
		s.sam.Post(s.front+"/people/members/"+id.String(w.Membership(s.harbour, s.bob))+"/remove", url.Values{"account": {id.String(s.harbour)}}).Must(200)
		s.sam.Post(s.front+"/people/invitations", url.Values{"account": {id.String(s.harbour)}, "address": {"eve@evil.example"}, "role": {"full"}}).Must(403)
		s.sam.PostOnly("/staff/impersonation/end", nil).Must(303)
		number := apptest.Query[int64](w, "SELECT id FROM impersonations")[0]
		type record struct {
			Event, Outcome, ActorKind, Via  string
			ActorID, ViaID, BehalfID, SubID int64
		}
		records := apptest.Query[record](w, `SELECT event, outcome, actor_kind, via, actor_id, COALESCE(via_id, 0) AS via_id, COALESCE(behalf_id, 0) AS behalf_id, COALESCE(subject_id, 0) AS sub_id
			FROM audit_records WHERE account_id = $1 AND actor_kind <> 'system' ORDER BY id`, s.harbour)
		var events []string
		for _, r := range records {
			events = append(events, r.Event+" "+r.Outcome)
			if r.ActorKind != "staff" || r.ActorID != int64(s.sam.Staff) {
				t.Errorf("%s was done by %s %d, not by Sam", r.Event, r.ActorKind, r.ActorID)
			}
			own := strings.HasPrefix(r.Event, "impersonation.") && r.Outcome == "done"
			if own && r.SubID != int64(s.alice.User) || !own && (r.BehalfID != int64(s.alice.User) || r.Via != "impersonation" || r.ViaID != number) {
				t.Errorf("%s does not name Alice: %+v", r.Event, r)
			}
		}
		want := "impersonation.started done, impersonation.acting done, account.changed done, member.removed done, impersonation.forbidden denied, impersonation.ended done"
		if got := strings.Join(events, ", "); got != want {
			t.Errorf("records: %s\nwant %s", got, want)
		}
		for _, path := range []string{s.front + "/activity", "/me/activity"} {
			s.alice.Get(path).Must(200, "Sam Porter (staff) as Alice Example", "changed the account's details", "began to look at the account as Alice Example", "She asked why she sees no invoices.", "stopped looking at the account as Alice Example")
		}
		mail := w.Mail.Next(t, s.bob.Address, "")
		if !strings.Contains(mail.Text(), "Sam Porter of Northbeam Hosting did this on behalf of Alice Example.") || !strings.Contains(mail.Envelope.HTML, "Sam Porter of Northbeam Hosting did this on behalf of Alice Example.") {
			t.Errorf("the mail does not name who caused it:\n%s", mail.Text())
		}
	})
}

func TestT112_TheUserIsToldByMailWhereTheInstallationDoesSo(t *testing.T) {
	for _, tell := range []string{"on", "off"} {
		t.Run(tell, func(t *testing.T) { toldByMail(t, tell) })
	}
}

func toldByMail(t *testing.T, tell string) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		if tell == "on" {
			root := w.Operator("Root", "root@northbeam.example", "administrator")
			root.Post("/staff/settings/notices", url.Values{"tell_impersonation": {"on"}}).Must(200)
		}
		s.act()
		if tell == "off" {
			if n := w.Count("mails WHERE kind = 'impersonation'"); n != 0 {
				t.Errorf("%d mails", n)
			}
			return
		}
		mail := w.Mail.Next(t, s.alice.Address, "looks at")
		for _, words := range []string{"Sam Porter of Northbeam Hosting looks at Harbour Bakery as you see it", "She asked why she sees no invoices.", "2 March 2026, 13:00 UTC"} {
			if !strings.Contains(mail.Text(), words) {
				t.Errorf("the mail does not say %q:\n%s", words, mail.Text())
			}
		}
		w.Mail.Next(t, s.alice.Address, "acts in")
	})
}

// TestT112_AnHourIsAllThereIs: using it does not lengthen it, and the time is
// counted from the start, not from acting.
func TestT112_AnHourIsAllThereIs(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.sam, s.alice.User, s.harbour)
		for range 5 {
			w.Clock.Move(10 * time.Minute)
			s.sam.Get(s.front).Must(200, "until 13:00 UTC")
		}
		s.sam.PostOnly("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(303)
		s.sam.PostOnly("/staff/impersonation/act", nil).Must(303)
		w.Clock.Move(10*time.Minute - time.Microsecond)
		s.sam.Get(s.front).Must(200)
		w.Clock.Move(time.Microsecond)
		s.sam.Get(s.front).Must(403, "The hour is over.")
		s.sam.Get(s.front).Must(401)
		w.Clock.Move(-30 * time.Minute)
		s.sam.Get(s.front).Must(401)
		if w.Count("impersonations WHERE ended_why = 'expired'") != 1 || w.Count("audit_records WHERE event = 'impersonation.ended'") != 1 {
			t.Error("its end is not written down once")
		}
	})
}

func TestT113_ItBeginsOnlyAsItShould(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		path := beginPath(s.alice.User, s.harbour)
		form := url.Values{"account": {id.String(s.harbour)}, "reason": {"A reason that is long enough."}}
		without := func(field, value string) url.Values {
			v := url.Values{}
			for name, all := range form {
				v[name] = all
			}
			v.Set(field, value)
			return v
		}
		s.sam.Get(path + "?" + form.Encode()).Must(200) // the form, and nothing more
		cross := s.sam.Request(http.MethodPost, path, form)
		cross.Header.Set("Sec-Fetch-Site", "cross-site")
		s.sam.Once(cross).Must(403)
		for _, reason := range []string{"", "   ", "too short", strings.Repeat("x", 501), "a line\x1b[31m that is red"} {
			s.sam.PostOnly(path, without("reason", reason)).Must(422)
		}
		s.sam.PostOnly(path, without("account", id.String(s.mill))).Must(409)
		w.Browser().PostOnly(path, form).Must(401)
		s.alice.PostOnly(path, form).Must(404)
		w.Clock.Move(11 * time.Minute)
		s.sam.PostOnly(path, form).Must(403, "Confirm that it is you")
		s.sam.Get(path).Must(403, "Confirm that it is you")
		s.sam.PostOnly("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(303)
		w.SignIn(s.alice)
		s.alice.Get(s.front+"/people/policy").Must(200).Submit(s.front+"/people/staff-look", url.Values{"may": nil}).Must(200, "Nobody of the staff looks")
		s.sam.Get(path).Must(200, "does not allow staff to look at it")
		s.sam.PostOnly(path, form).Must(403, "does not allow staff to look at it")
		if n := w.Count("impersonations"); n != 0 {
			t.Fatalf("%d began", n)
		}
		if n := w.Count("audit_records WHERE event = 'impersonation.started' AND outcome = 'denied' AND account_id = $1", s.harbour); n != 1 {
			t.Errorf("the refusal is recorded %d times", n)
		}
		s.alice.Get(s.front+"/people/policy").Must(200).Submit(s.front+"/people/staff-look", url.Values{"may": {"yes"}}).Must(200, "Staff may look at")
		s.sam.PostOnly(path, form).Must(303)
		s.sam.PostOnly("/staff/impersonation/act", nil).Must(303)
		if n := w.Count("audit_records WHERE event = 'account.staff_look_changed'"); n != 2 {
			t.Errorf("the switch is recorded %d times", n)
		}
	})
}

// TestT113_WhatIsTakenAwayIsGoneWithTheNextRequest ends an impersonation from
// every side, while the operator acts; the next request on another node is
// refused, and changes nothing.
func TestT113_WhatIsTakenAwayIsGoneWithTheNextRequest(t *testing.T) {
	ends := map[string]func(s *shoulder){
		"the operator is suspended":    func(s *shoulder) { s.Exec("UPDATE staff SET status = 'suspended' WHERE id = $1", s.sam.Staff) },
		"the role does not allow it":   func(s *shoulder) { s.Exec("UPDATE staff SET role = 'readonly' WHERE id = $1", s.sam.Staff) },
		"the role allows only looking": func(s *shoulder) { s.Exec("UPDATE staff SET role = 'billing' WHERE id = $1", s.sam.Staff) },
		"the staff session was ended": func(s *shoulder) {
			s.Exec("UPDATE staff_sessions SET ended_at = $2 WHERE staff_id = $1", s.sam.Staff, s.Clock.Now())
		},
		"the operator signs out":       func(s *shoulder) { signOutElsewhere(s) },
		"the staff session stood idle": func(s *shoulder) { s.Clock.Move(staff.SessionIdle) },
		"the hour is over":             func(s *shoulder) { s.Exec("UPDATE impersonations SET expires_at = $1", s.Clock.Now()) },
		"the clock is set back":        func(s *shoulder) { s.Clock.Move(-time.Minute) },
		"the user is suspended":        func(s *shoulder) { s.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", s.alice.User) },
		"the membership ends": func(s *shoulder) {
			s.Exec("UPDATE memberships SET status = 'ended' WHERE user_id = $1 AND account_id = $2", s.alice.User, s.harbour)
		},
		"the membership runs out": func(s *shoulder) {
			s.Exec("UPDATE memberships SET owner = FALSE, role = 'full', ends_at = $3 WHERE user_id = $1 AND account_id = $2", s.alice.User, s.harbour, s.Clock.Now())
		},
		"the account refuses": func(s *shoulder) {
			s.alice.Get(s.front+"/people/policy").Submit(s.front+"/people/staff-look", url.Values{"may": nil}).Must(200)
		},
		"an administrator ends it": func(s *shoulder) {
			s.root.Get("/staff/impersonations").Must(200, "Sam Porter").Submit("/staff/impersonations/"+id.String(apptest.Query[id.Impersonation](s.World, "SELECT id FROM impersonations")[0])+"/end", nil).Must(200)
		},
		"the user is an operator now": func(s *shoulder) { s.Operator("Alice Example", s.alice.Address, "readonly") },
	}
	for what, end := range ends {
		t.Run(what, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, w *apptest.World) {
				s := newShoulder(w)
				twin := w.Twin()
				s.act()
				form := s.settings(s.sam.Browser)
				form.Set("company", "Stolen Ltd")
				end(s)
				s.sam.On(twin).Post(s.front+"/settings", form).Must(403, "You no longer look as somebody else.")
				s.sam.Get(s.front).Must(401)
				if n := w.Count("accounts WHERE company = 'Stolen Ltd'"); n != 0 {
					t.Error("the account was changed afterwards")
				}
				if s.running() != 0 || w.Count("audit_records WHERE event = 'impersonation.ended'") != 1 {
					t.Error("its end is not written down once")
				}
			}, kept)
		})
	}
}

// TestT113_WhatEndedWithoutAWordOpensNothing: that it ended counts, not what
// was written down about it.
func TestT113_WhatEndedWithoutAWordOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.sam, s.alice.User, s.harbour)
		s.Exec("UPDATE impersonations SET ended_at = $1, ended_why = ''", s.Clock.Now())
		s.sam.Get(s.front).Must(403, "You no longer look as somebody else.")
	})
}

// signOutElsewhere ends Sam's staff session and leaves his browser what it has.
func signOutElsewhere(s *shoulder) {
	b := s.Browser()
	b.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: s.sam.Cookie("__Secure-clientele-staff"), Path: "/staff", Secure: true})
	b.PostOnly("/staff/signout", nil).Must(303)
}

// TestT113_AnothersTokenIsNotOnesOwn: with Sam's token in Kim's browser, Kim's
// session neither acts nor ends what is Sam's, and it dies with Sam's session.
func TestT113_AnothersTokenIsNotOnesOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		kim := w.Operator("Kim Lee", "kim@northbeam.example", "support")
		s.look(s.sam, s.alice.User, s.harbour)
		token := s.sam.Cookie(lookCookie)
		kim.SetCookie(&http.Cookie{Name: lookCookie, Value: token, Path: "/", Secure: true})
		kim.PostOnly("/staff/impersonation/act", nil).Must(409)
		kim.PostOnly("/staff/impersonation/end", nil).Must(303)
		if s.running() != 1 || w.Count("impersonations WHERE acting_at IS NOT NULL") != 0 {
			t.Error("Kim has acted on, or ended, what is Sam's")
		}
		if p := kim.Get("/staff/impersonations").Must(200); p.Says("Alice Example") {
			t.Error("Kim sees what Sam looks at")
		}
		kim.PostOnly("/staff/impersonations/1/end", nil).Must(403)
		kim.SetCookie(&http.Cookie{Name: lookCookie, Value: token, Path: "/", Secure: true})
		s.sam.PostOnly("/staff/signout", nil).Must(303)
		kim.Get(s.front).Must(403, "Your staff session is over.")
		kim.SetCookie(&http.Cookie{Name: lookCookie, Value: token, Path: "/", Secure: true})
		kim.Get(s.front).Must(403, "Your staff session is over.")
		kim.SetCookie(&http.Cookie{Name: lookCookie, Value: strings.Repeat("x", 43), Path: "/", Secure: true})
		kim.Get(s.front).Must(403, "You no longer look as somebody else.")
	})
}

// TestT113_SweepWritesDownWhatIsOver without anybody's request.
func TestT113_SweepWritesDownWhatIsOver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.sam, s.alice.User, s.harbour)
		sweep := func() {
			if err := w.App.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		sweep()
		if s.running() != 1 {
			t.Fatal("it was ended early")
		}
		w.Clock.Move(time.Hour)
		sweep()
		sweep()
		if s.running() != 0 || w.Count("audit_records WHERE event = 'impersonation.ended' AND subject_id = $1", s.alice.User) != 1 {
			t.Error("its end is not written down once")
		}
		s.sam.Get(s.front).Must(403, "You no longer look as somebody else. The hour is over.")
	})
}

// TestT113_SweepKeepsWhoLookedAndDeletesTheSession sweeps long after an
// operator has looked: the old session goes, with its network and browser, and
// all else that is old; who looked as whom, and why, stays.
func TestT113_SweepKeepsWhoLookedAndDeletesTheSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.root, s.bob.User, s.mill)
		s.root.PostOnly("/staff/impersonation/end", nil).Must(http.StatusSeeOther)
		s.look(s.sam, s.alice.User, s.harbour) // nobody ends it, and no sweep runs for long
		w.Clock.Move(200 * 24 * time.Hour)
		for range 2 {
			if err := w.App.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.Count("staff_sessions"); n != 0 {
			t.Errorf("%d old sessions of operators are left", n)
		}
		if n := w.Count("sessions"); n != 0 {
			t.Errorf("%d old sessions of people are left", n)
		}
		if n := w.Count("impersonations WHERE ended_at IS NOT NULL AND reason = 'She asked why she sees no invoices.' AND (staff_id = $1 AND user_id = $2 AND account_id = $3 OR staff_id = $4)",
			s.sam.Staff, s.alice.User, s.harbour, s.root.Staff); n != 2 {
			t.Errorf("of two looks, %d are known in full", n)
		}
		w.SignInOperator(s.sam)
		s.look(s.sam, s.alice.User, s.harbour)
		s.sam.Get(s.front).Must(200)
	})
}

// TestT113_AProofDoesNotOutliveWhatItCameFrom: what was proven a moment ago is
// proven anew behind the account's lock.
func TestT113_AProofDoesNotOutliveWhatItCameFrom(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.act()
		by := proofOf(t, s)
		write := func() error {
			return by.Write(t.Context(), func(*db.Tx, access.For[access.ManageProfile]) error { return nil })
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		w.Exec("UPDATE impersonations SET acting_at = NULL")
		if err := write(); err == nil || !strings.Contains(fmt.Sprint(err), "only looking") {
			t.Errorf("who only looks writes: %v", err)
		}
		w.Exec("UPDATE impersonations SET acting_at = created_at")
		w.Exec("UPDATE accounts SET staff_may_look = FALSE")
		if err := write(); err == nil {
			t.Error("a proof outlives the account's refusal")
		}
	})
}

// proofOf is the proof that Sam's running impersonation of Alice amounts to.
func proofOf(t *testing.T, s *shoulder) access.For[access.ManageProfile] {
	t.Helper()
	number := apptest.Query[id.Impersonation](s.World, "SELECT id FROM impersonations WHERE ended_at IS NULL")[0]
	who := auth.Impersonated(user.User{ID: s.alice.User}, auth.Impersonator{Number: number, Staff: s.sam.Staff, Account: s.harbour}, auth.Request{ID: "fixture", Network: "192.0.2.1"})
	by, err := access.Check[access.ManageProfile](t.Context(), s.App.Memberships, access.Person(who), s.harbour)
	if err != nil {
		t.Fatal(err)
	}
	return by
}

package auth_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
)

const (
	oldAddress = "alice@crowd.example"
	newAddress = "alice@meadow.example"
)

// asks has somebody ask for a new address, and returns the link that was
// mailed to it.
func asks(t *testing.T, w *apptest.World, p *apptest.Person, to string) (link string) {
	t.Helper()
	p.Post("/me/address", form("address", to)).Must(200, "A link is on its way to the new address")
	return w.Mail.Next(t, to, "Confirm your new mail address").Link(t)
}

// confirms follows the link in a browser of its own.
func confirms(w *apptest.World, link string) *apptest.Page {
	return w.Browser().Get(link).Must(200, "Use this address?").Submit("/address", nil)
}

// undoLink is the link that takes a change back.
func undoLink(t *testing.T, w *apptest.World, old string) string {
	t.Helper()
	return w.Mail.Next(t, old, "Your mail address was changed").Link(t)
}

// addressOf is a person's address as it is stored.
func addressOf(w *apptest.World, p *apptest.Person) string {
	return apptest.Query[string](w, "SELECT address FROM users WHERE id = $1", p.User)[0]
}

// TestT096_ANewAddressAsksForAFreshProof asks without one.
func TestT096_ANewAddressAsksForAFreshProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		w.Clock.Move(auth.Fresh + time.Microsecond)
		req := p.Request(http.MethodPost, "/me/address", form("address", newAddress))
		req.Header.Set("Accept", "application/json")
		if page := p.Once(req); page.Status != http.StatusForbidden || !strings.Contains(page.Body, "/problems/step-up-required") {
			t.Errorf("%d: %s", page.Status, page.Body)
		}
		p.Get("/me/address").Must(403)
		if w.Count("address_changes")+w.Count("mails") != 0 {
			t.Error("something was begun")
		}
		p.Post("/confirm", form("password", apptest.Password)).Must(200)
		p.Post("/me/address", form("address", newAddress)).Must(200)
		if w.Count("address_changes") != 1 {
			t.Error("nothing was begun")
		}
	}, kept)
}

// TestT096_TheNewAddressCountsOnceItIsConfirmed goes the whole way: the old
// one is the login until the link is followed, in whatever browser, which is
// not signed in by it. The session that asked goes on and all others end.
func TestT096_TheNewAddressCountsOnceItIsConfirmed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		root := w.Operator("Root", "root@crowd.example", "administrator")
		w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", p.User)
		other := w.Browser()
		link := asks(t, w, p, newAddress)
		w.Mail.Next(t, oldAddress, "A new mail address was asked for")
		if page := signIn(other, oldAddress, apptest.Password); page.Status != http.StatusSeeOther {
			t.Errorf("the old address, before: %d", page.Status)
		}
		if page := signIn(w.Browser(), newAddress, apptest.Password); page.Status != http.StatusUnprocessableEntity {
			t.Errorf("the new address, before: %d", page.Status)
		}
		stranger := w.Browser()
		stranger.Get(link).Must(200, newAddress).Submit("/address", nil).Must(200, "Your address is changed")
		if stranger.Cookie(session) != "" || stranger.GetOnly("/me").Status != http.StatusUnauthorized {
			t.Error("the link has signed somebody in")
		}
		p.Get("/me").Must(200, newAddress, "Confirmed")
		other.Get("/me").Must(401)
		other.On(w.Twin()).Get("/me").Must(401)
		if page := signIn(w.Browser(), newAddress, apptest.Password); page.Status != http.StatusSeeOther {
			t.Errorf("the new address, after: %d", page.Status)
		}
		if page := signIn(w.Browser(), oldAddress, apptest.Password); page.Status != http.StatusUnprocessableEntity {
			t.Errorf("the old address, after: %d", page.Status)
		}
		if !root.Get("/staff/users?q=meadow").Must(200).Says(newAddress) || root.Get("/staff/users?q=alice@crowd").Must(200).Says("Alice") {
			t.Error("staff do not find her by her new address alone")
		}
		w.Mail.Next(t, newAddress, "Your mail address was changed")
		undoLink(t, w, oldAddress)
		if n := w.Count("audit_records WHERE event = 'user.address_changed' AND outcome = 'done' AND object_id = $1", p.User); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// TestT096_TheOldAddressTakesItBack follows the undo link at its last moment:
// the login has its old address, is locked, and is rid of what was added
// since. A moment later it is too late.
func TestT096_TheOldAddressTakesItBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		late := w.Person("Bob", "bob@crowd.example")
		confirms(w, asks(t, w, p, newAddress)).Must(200)
		confirms(w, asks(t, w, late, "bob@meadow.example")).Must(200)
		undo, tooLate := undoLink(t, w, oldAddress), undoLink(t, w, "bob@crowd.example")
		w.Authenticator(p) // the thief settles in
		w.Clock.Move(auth.UndoLife - time.Microsecond)
		w.SignIn(p)
		b := w.Browser()
		page := b.Get(undo).Must(200, "Take the change back?")
		b.Get("/address/undo").Must(200)
		if addressOf(w, p) != newAddress {
			t.Fatal("opening the link has changed something")
		}
		page.Submit("/address/undo", nil).Must(200, "The login is yours again")
		p.Get("/me").Must(401)
		if addressOf(w, p) != oldAddress || w.Count("authenticators WHERE user_id = $1", p.User) != 0 {
			t.Errorf("it is %s, with %d factors", addressOf(w, p), w.Count("authenticators"))
		}
		for _, address := range []string{oldAddress, newAddress} {
			if got := signIn(w.Browser(), address, apptest.Password); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", address, got.Status)
			}
		}
		w.Browser().Get(undo).Must(410)
		b.Get(w.Mail.Next(t, oldAddress, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200)
		b.Get("/me").Must(200, oldAddress)
		w.Clock.Move(time.Microsecond)
		w.Browser().Get(tooLate).Must(410)
		if addressOf(w, late) != "bob@meadow.example" {
			t.Error("too late, and yet it was taken back")
		}
	})
}

// TestT096_AChainOfChangesIsTakenBackToItsStart changes the address twice, as
// a thief would to hide the first.
func TestT096_AChainOfChangesIsTakenBackToItsStart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		confirms(w, asks(t, w, p, newAddress)).Must(200)
		first := undoLink(t, w, oldAddress)
		w.Clock.Move(time.Minute)
		confirms(w, asks(t, w, p, "third@meadow.example")).Must(200)
		w.Mail.Next(t, newAddress, "Your mail address was changed") // of the first change
		second := undoLink(t, w, newAddress)
		w.Browser().Get(first).Must(200).Submit("/address/undo", nil).Must(200)
		if addressOf(w, p) != oldAddress {
			t.Errorf("it is %s", addressOf(w, p))
		}
		w.Browser().Get(second).Must(410) // the thief has no way back
		if addressOf(w, p) != oldAddress {
			t.Errorf("it is %s again", addressOf(w, p))
		}
	})
}

// TestT096_SheMayGoBackHerself changes the address and, a day later, changes
// her mind: the address that she had is kept for her, and not from her.
func TestT096_SheMayGoBackHerself(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		confirms(w, asks(t, w, p, newAddress)).Must(200)
		w.Clock.Move(24 * time.Hour)
		w.SignIn(p)
		confirms(w, asks(t, w, p, oldAddress)).Must(200)
		if addressOf(w, p) != oldAddress {
			t.Errorf("it is %s", addressOf(w, p))
		}
	})
}

// TestT096_TwoWantOneAddress has two people confirm the same new address at
// the same time: one has it then, and the other is told.
func TestT096_TwoWantOneAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		people := []*apptest.Person{w.Person("Alice", oldAddress), w.Person("Bob", "bob@crowd.example")}
		var browsers []*apptest.Browser
		for _, p := range people {
			b := w.Browser()
			b.Get(asks(t, w, p, newAddress)).Must(200)
			browsers = append(browsers, b)
		}
		var won, lost atomic.Int64
		apptest.Race(2, func(i int) {
			switch page := browsers[i].PostOnly("/address", form()); page.Status {
			case http.StatusOK:
				won.Add(1)
			case http.StatusConflict:
				if page.Says("There is a login with this address already") {
					lost.Add(1)
				}
			}
		})
		if won.Load() != 1 || lost.Load() != 1 || w.Count("users WHERE address = $1", newAddress) != 1 {
			t.Errorf("%d won, %d lost", won.Load(), lost.Load())
		}
		for _, p := range people {
			p.Get("/me").Must(200, addressOf(w, p))
		}
	})
}

// TestT096_ATakenAddressTellsNothing asks for addresses that are free, taken
// and kept for somebody: the answer is the same, and their owners are told.
func TestT096_ATakenAddressTellsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, bob := w.Person("Alice", oldAddress), w.Person("Bob", "bob@crowd.example")
		confirms(w, asks(t, w, bob, "bob@meadow.example")).Must(200)
		seen := map[string]string{}
		for _, address := range []string{"nobody@crowd.example", "bob@meadow.example", "bob@crowd.example"} {
			page := p.PostOnly("/me/address", form("address", address))
			next := p.Get("/me/address").Must(200)
			seen[address] = answer(page, address) + answer(next, address)
			if seen[address] != seen["nobody@crowd.example"] {
				t.Errorf("%s: %s\nwant\n%s", address, seen[address], seen["nobody@crowd.example"])
			}
		}
		for _, address := range []string{"bob@meadow.example", "bob@crowd.example"} {
			if mail := w.Mail.Next(t, address, "You have a login at"); strings.Contains(mail.Text(), oldAddress) || strings.Contains(mail.Text(), "Alice") {
				t.Errorf("the mail says who asked: %s", mail.Text())
			}
		}
		w.Quiet()
		if n := w.Count("mails WHERE kind = 'address-confirm' AND recipient LIKE 'bob@%'"); n != 1 {
			t.Errorf("%d links went to taken addresses", n-1)
		}
	})
}

// TestT096_AnAddressIsOneInEverySpelling types the new address in ways that
// mean the same, the own one, and ones that are none.
func TestT096_AnAddressIsOneInEverySpelling(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		for _, typed := range []string{"ALICE@Crowd.Example", " alice@crowd.example ", "", "alice", "a@b@crowd.example", "alice@crowd.example, eve@evil.example", "alice@crowd.example\r\nBcc: eve@evil.example", "ａlice@crowd.example", strings.Repeat("x", 300) + "@crowd.example"} {
			if page := p.PostOnly("/me/address", form("address", typed)); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", typed, page.Status)
			}
		}
		if n := w.Count("address_changes") + w.Count("mails"); n != 0 {
			t.Errorf("%d traces", n)
		}
		w.Exec("DELETE FROM throttles")
		p.Post("/me/address", form("address", "Alice@MEADOW.example")).Must(200)
		confirms(w, w.Mail.Next(t, newAddress, "Confirm your new mail address").Link(t)).Must(200)
		if addressOf(w, p) != newAddress {
			t.Errorf("it is %q", addressOf(w, p))
		}
	})
}

// TestT096_NobodyIsBombedByIt asks for more addresses than one may.
func TestT096_NobodyIsBombedByIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		for n := range 8 {
			want := map[bool]int{true: http.StatusSeeOther, false: http.StatusTooManyRequests}[n < 5]
			if page := p.PostOnly("/me/address", form("address", "victim@meadow.example")); page.Status != want || want == 429 && page.Header.Get("Retry-After") == "" {
				t.Errorf("%d: %d, want %d", n, page.Status, want)
			}
		}
		if n := w.Count("mails WHERE recipient = 'victim@meadow.example'"); n != 5 {
			t.Errorf("%d mails", n)
		}
		if n := w.Count("address_changes WHERE ended_at IS NULL"); n != 1 {
			t.Errorf("%d changes wait", n)
		}
	}, kept)
}

// TestT093_ALinkToANewAddressDies opens it again and again, which changes
// nothing; it works once, and not after a newer one, a day, a new password,
// or signing out everywhere.
func TestT093_ALinkToANewAddressDies(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		older := asks(t, w, p, newAddress)
		link := asks(t, w, p, newAddress)
		w.Browser().Get(older).Must(410)
		for range 3 {
			b := w.Browser()
			b.Once(b.Request(http.MethodHead, link, nil))
			b.Get(link).Must(200)
			b.Get("/address").Must(200)
		}
		if addressOf(w, p) != oldAddress {
			t.Fatal("opening it has changed the address")
		}
		w.Clock.Move(auth.AddressLinkLife - time.Microsecond)
		page := w.Browser().Get(link).Must(200)
		w.Clock.Move(time.Microsecond)
		page.Submit("/address", nil).Must(410)
		w.Browser().Get(link).Must(410)

		for what, over := range map[string]func(){
			"a new password": func() {
				p.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
				w.Exec("UPDATE users SET password = (SELECT password FROM users WHERE id <> $1 LIMIT 1) WHERE id = $1", p.User)
			},
			"signing out everywhere": func() { p.Post("/me/sessions/end-others", form()).Must(200) },
			"suspension":             func() { w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.User) },
		} {
			w.Exec("DELETE FROM throttles")
			w.Exec("UPDATE users SET status = 'active' WHERE id = $1", p.User)
			w.Person("Somebody", strings.ReplaceAll(what, " ", "-")+"@crowd.example")
			w.SignIn(p)
			link := asks(t, w, p, newAddress)
			b := w.Browser()
			page := b.Get(link).Must(200)
			over()
			page.Submit("/address", nil).Must(410)
			b.Get(link).Must(410)
			if addressOf(w, p) != oldAddress {
				t.Errorf("after %s the link works", what)
			}
		}
	})
}

// TestT095_ALinkProvesTheAddressThatItWasMailedTo follows links as somebody
// else, and puts each token where another belongs.
func TestT095_ALinkProvesTheAddressThatItWasMailedTo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, mallory := w.Person("Alice", oldAddress), w.Person("Mallory", "mallory@crowd.example")
		link := asks(t, w, p, newAddress)
		alarm := w.Mail.Next(t, oldAddress, "A new mail address was asked for").Link(t)
		token := func(link string) string { return link[strings.LastIndex(link, "/")+1:] }
		for _, path := range []string{"/alarm/", "/address/undo/", "/recover/", "/signup/", "/i/", "/factor-reset/"} {
			w.Browser().Get(path + token(link)).Must(410)
		}
		w.Browser().Get("/address/" + token(alarm)).Must(410)
		mallory.Get(link).Must(200).Submit("/address", nil).Must(200, "Your address is changed")
		if addressOf(w, p) != newAddress || addressOf(w, mallory) != "mallory@crowd.example" {
			t.Errorf("%s and %s", addressOf(w, p), addressOf(w, mallory))
		}
		mallory.Get("/me").Must(200, "Mallory")
		w.Browser().Get(link).Must(410)
		undo := undoLink(t, w, oldAddress)
		for _, path := range []string{"/alarm/", "/address/", "/recover/"} {
			w.Browser().Get(path + token(undo)).Must(410)
		}
	})
}

// TestT096_TheOldAddressIsKept tries to get hold of an address that can still
// be taken back: by signing up, by an invitation, and by changing to it. When
// its week is over it is anybody's.
func TestT096_TheOldAddressIsKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, mallory, owner := w.Person("Alice", oldAddress), w.Person("Mallory", "mallory@crowd.example"), w.Person("Nora", "nora@crowd.example")
		a := w.Account(owner, "Harbour Bakery")
		change := asks(t, w, mallory, newAddress) // before Alice has it
		confirms(w, change).Must(200)
		confirms(w, asks(t, w, p, "third@meadow.example")).Must(200)

		b := w.Browser()
		b.Post("/signup", form("name", "Eve", "address", oldAddress, "password", another, "kind", "login")).Must(200)
		page := b.Get(w.Mail.Next(t, oldAddress, "Confirm your address").Link(t)).Must(200)
		page.Submit("/signup/confirm", nil).Must(409)
		invite := "/a/" + id.String(a) + "/people/invitations"
		owner.Get(invite+"/new").Submit(invite, form("address", oldAddress, "role", "support")).Must(200)
		i := w.Browser()
		i.Get(w.Mail.Next(t, oldAddress, "invites you").Link(t)).Must(200).Submit("/invitation/join", form("name", "Eve", "password", another)).Must(409)
		if n := w.Count("users WHERE address = $1", oldAddress); n != 0 {
			t.Error("somebody has the address")
		}
		w.Clock.Move(auth.UndoLife)
		b = w.Browser()
		b.Post("/signup", form("name", "Eve", "address", oldAddress, "password", another, "kind", "login")).Must(200)
		b.Get(w.Mail.Next(t, oldAddress, "Confirm your address").Link(t)).Must(200).Submit("/signup/confirm", nil).Must(200)
	})
}

// TestT097_InvitationsGoByTheAddressOfTheMoment changes the address while
// invitations to the old and the new one wait.
func TestT097_InvitationsGoByTheAddressOfTheMoment(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, owner := w.Person("Alice", oldAddress), w.Person("Nora", "nora@crowd.example")
		first, second, third := w.Account(owner, "Amber"), w.Account(owner, "Basalt"), w.Account(owner, "Copper")
		w.Join(third, p, apptest.Keys("services.view"))
		sent := map[id.Account]string{}
		for a, address := range map[id.Account]string{first: oldAddress, second: newAddress} {
			path := "/a/" + id.String(a) + "/people/invitations"
			owner.Get(path+"/new").Submit(path, form("address", address, "role", "support")).Must(200)
			sent[a] = w.Mail.Next(t, address, "invites you").Link(t)
		}
		numbers := map[id.Account]string{}
		for a := range sent {
			numbers[a] = id.String(apptest.Query[id.Invitation](w, "SELECT id FROM invitations WHERE account_id = $1", a)[0])
		}
		if page := p.PostOnly("/me/invitations/"+numbers[second]+"/accept", form()); page.Status != http.StatusNotFound {
			t.Errorf("an invitation to the new address, before: %d", page.Status)
		}
		confirms(w, asks(t, w, p, newAddress)).Must(200)
		if page := p.PostOnly("/me/invitations/"+numbers[first]+"/accept", form()); page.Status != http.StatusNotFound {
			t.Errorf("an invitation to the old address, after: %d", page.Status)
		}
		p.Get(sent[first]).Must(200)
		if page := p.PostOnly("/invitation/accept", form()); page.Status != http.StatusForbidden {
			t.Errorf("the link to the old address, after: %d", page.Status)
		}
		if list := p.Get("/me/invitations").Must(200); list.Says("Amber") || !list.Says("Basalt") {
			t.Error("her list goes by another address")
		}
		if page := p.PostOnly("/me/invitations/"+numbers[second]+"/accept", form()); page.Status != http.StatusSeeOther {
			t.Errorf("an invitation to the new address, after: %d", page.Status)
		}
		p.Get("/a/" + id.String(second)).Must(200)
		p.Get("/a/" + id.String(third)).Must(200)
		p.Get("/a/" + id.String(first)).Must(404)
		if w.Count("memberships WHERE user_id = $1 AND status = 'active'", p.User) != 2 {
			t.Error("her memberships are not what they were")
		}
	})
}

// TestT096_TheNoticeTakesAPendingChangeDown raises the alarm that the old
// address was mailed: the link to the new one works no more.
func TestT096_TheNoticeTakesAPendingChangeDown(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", oldAddress)
		link := asks(t, w, p, newAddress)
		w.Browser().Get(w.Mail.Next(t, oldAddress, "A new mail address was asked for").Link(t)).Must(200).Submit("/alarm", nil).Must(200, "Everybody is locked out")
		w.Browser().Get(link).Must(410)
		p.Get("/me").Must(401)
		if addressOf(w, p) != oldAddress {
			t.Errorf("it is %s", addressOf(w, p))
		}
	})
}

// TestT096_WhatWasHersOnceIsNotHersForEver confirms an address that she had
// long ago, while it is kept for somebody who has had it since.
func TestT096_WhatWasHersOnceIsNotHersForEver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, bob := w.Person("Alice", oldAddress), w.Person("Bob", "bob@crowd.example")
		confirms(w, asks(t, w, p, newAddress)).Must(200)
		w.Clock.Move(auth.UndoLife)
		w.SignIn(p)
		w.SignIn(bob)
		back := asks(t, w, p, oldAddress)
		confirms(w, asks(t, w, bob, oldAddress)).Must(200)
		w.Mail.Next(t, oldAddress, "Your mail address was changed") // of Alice's change
		w.Clock.Move(time.Minute)
		confirms(w, asks(t, w, bob, "bob@meadow.example")).Must(200)
		w.Mail.Next(t, oldAddress, "Your mail address was changed") // of Bob's first change
		undo := undoLink(t, w, oldAddress)
		confirms(w, back).Must(409)
		w.Browser().Get(undo).Must(200).Submit("/address/undo", nil).Must(200)
		if addressOf(w, bob) != oldAddress || addressOf(w, p) != newAddress {
			t.Errorf("%s and %s", addressOf(w, p), addressOf(w, bob))
		}
	})
}

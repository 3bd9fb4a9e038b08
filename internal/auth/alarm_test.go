package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

// A scene is a person with two factors, and everything around her that is to
// end when what proves her changes.
type scene struct {
	*apptest.World
	t       *testing.T
	p       *apptest.Person
	seed    string
	key     *apptest.Passkey
	codes   []string
	new     string           // an address that she asks for
	other   *apptest.Browser // another session of hers
	trusted *apptest.Browser // a browser that is not asked for the second step
	waiting *apptest.Browser // a sign-in that waits for its second step
	reset   string           // an open link to set a password
	address string           // an open link to use a new address
	old     string           // the token of her own session
}

func newScene(t *testing.T, w *apptest.World, name string) *scene {
	t.Helper()
	w.Exec("DELETE FROM throttles")
	s := &scene{World: w, t: t, p: w.Person("Alice", name+"@crowd.example"), new: name + "-new@crowd.example"}
	s.key = w.Passkey(s.p)
	s.key.Register("Laptop")
	s.seed = w.Authenticator(s.p)
	s.codes = newCodes(t, s.p)
	s.other, s.trusted, s.waiting = known(t, w, s.p, s.seed), trusted(t, w, s.p, s.seed), half(t, w, s.p)
	s.other.Post("/me/security/apps/begin", form()).Must(200)
	s.other.Post("/me/address", form("address", s.new)).Must(200, "A link is on its way")
	s.address, s.reset = w.Mail.Next(t, s.new, "Confirm your new mail address").Link(t), link(t, w, s.p.Address)
	w.Browser().Get(s.address).Must(200)
	w.Browser().Get(s.reset).Must(200)
	s.old = s.p.Cookie(session)
	return s
}

// own is one of her factors.
func (s *scene) own(table string) string {
	return id.String(apptest.Query[id.Passkey](s.World, "SELECT id FROM "+table+" WHERE user_id = $1", s.p.User)[0])
}

// A happening changes what proves a person.
type happening struct {
	do      func(s *scene)
	subject string // of the notice
	here    bool   // her own session goes on
	void    bool   // nothing signs her in before she has set a password
	bare    bool   // no factor is left
}

var happenings = map[string]happening{
	"password": {func(s *scene) {
		s.p.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200, "Your password is changed")
		s.Exec("UPDATE users SET password = (SELECT password FROM users WHERE address = 'bob@crowd.example') WHERE id = $1", s.p.User)
	}, "Your password was changed", true, false, false},
	"reset": {func(s *scene) {
		s.Browser().Get(s.reset).Must(200)
		b := s.Browser()
		b.Get(s.reset).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Second step")
		s.Exec("UPDATE users SET password = (SELECT password FROM users WHERE address = 'bob@crowd.example') WHERE id = $1", s.p.User)
	}, "Your password was changed", false, false, false},
	"app-added":   {func(s *scene) { s.Authenticator(s.p) }, "A way to sign in was added", true, false, false},
	"app-removed": {func(s *scene) { s.p.Post("/me/security/apps/"+s.own("authenticators")+"/remove", form()).Must(200) }, "A way to sign in was removed", true, false, false},
	"key-added": {func(s *scene) {
		if page := s.Passkey(s.p).Register("Phone"); page.Status != http.StatusSeeOther {
			s.t.Fatalf("adding a passkey: %d", page.Status)
		}
	}, "A way to sign in was added", true, false, false},
	"key-removed": {func(s *scene) { s.p.Post("/me/security/passkeys/"+s.own("passkeys")+"/remove", form()).Must(200) }, "A way to sign in was removed", true, false, false},
	"code":        {func(s *scene) { finish(half(s.t, s.World, s.p), s.codes[0]) }, "A recovery code was used", false, false, false},
	"code-confirm": {func(s *scene) {
		s.p.Post("/confirm", form("password", apptest.Password, "code", s.codes[0])).Must(200)
	}, "A recovery code was used", true, false, false},
	"address": {func(s *scene) {
		s.p.Post("/me/address", form("address", "b-"+s.new)).Must(200)
		s.p.Get(s.Mail.Next(s.t, "b-"+s.new, "Confirm").Link(s.t)).Must(200).Submit("/address", nil).Must(200, "Your address is changed")
		s.p.Address = "b-" + s.new
	}, "Your mail address was changed", true, false, false},
	"alarm": {func(s *scene) {
		b := s.Browser()
		b.Get(s.Mail.Next(s.t, s.p.Address, "A way to sign in was added").Link(s.t)).Must(200).Submit("/alarm", nil).Must(200, "Everybody is locked out")
	}, "Set a new password", false, true, true},
	"staff": {func(s *scene) {
		one, two := s.Operator("One", "one@op.example", "support"), s.Operator("Two", "two@op.example", "support")
		one.Post(factorReset(s.p, ""), form("reason", "She called from her number.")).Must(200, "Begun")
		two.Post(factorReset(s.p, "/approve"), form()).Must(200)
		s.Exec("UPDATE factor_resets SET ready_at = $1", s.Clock.Now())
		two.Post(factorReset(s.p, "/complete"), form()).Must(200)
	}, "About your second factor", false, false, true},
}

// TestT091_EveryChangeOfWhatProvesHerEndsTheRest lets each of them happen:
// every other session is out, her own goes on under a new token, browsers are
// asked again, and nothing that was under way goes on. T-071, T-073 and T-105
// want the same of theirs.
func TestT091_EveryChangeOfWhatProvesHerEndsTheRest(t *testing.T) {
	for name, h := range happenings {
		t.Run(name, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, w *apptest.World) {
				w.Person("Bob", "bob@crowd.example")
				s := newScene(t, w, name)
				h.do(s)
				s.isOver(h)
			})
		})
	}
}

func (s *scene) isOver(h happening) {
	s.t.Helper()
	for what, b := range map[string]*apptest.Browser{"another session": s.other, "the browser that is trusted": s.trusted, "a copy of her session": again(s.World, s.old)} {
		if got := b.GetOnly("/me").Status; got != http.StatusUnauthorized {
			s.t.Errorf("%s: %d", what, got)
		}
	}
	if got := s.p.GetOnly("/me").Status; (got == http.StatusOK) != h.here {
		s.t.Errorf("her own session: %d", got)
	}
	if got := finish(s.waiting, s.Code(s.seed)); got != http.StatusUnauthorized {
		s.t.Errorf("the sign-in that waits: %d", got)
	}
	for what, path := range map[string]string{"the link to set a password": s.reset, "the link to the new address": s.address} {
		if got := s.Browser().Get(path).Status; got != http.StatusGone {
			s.t.Errorf("%s: %d", what, got)
		}
	}
	if n := s.Count("ceremonies WHERE user_id = $1 AND ended_at IS NULL", s.p.User); n != 0 {
		s.t.Errorf("%d ceremonies go on", n)
	}
	if n := s.Count("devices WHERE user_id = $1 AND ended_at IS NULL AND trusted_until IS NOT NULL", s.p.User); n != 0 {
		s.t.Errorf("%d browsers are still trusted", n)
	}
	if n := s.Count("devices WHERE user_id = $1 AND ended_at IS NULL", s.p.User); n > 1 {
		s.t.Errorf("%d browsers are still known", n)
	}
	s.isAsked(h)
	notice := s.Mail.Next(s.t, s.p.Address, h.subject)
	if h.void {
		return // a link to set a password, and no notice
	}
	for _, fact := range []string{"2026", "192.0.2.10", "Firefox on Linux", "This was not me"} {
		if h.subject != "About your second factor" && !strings.Contains(notice.Text(), fact) {
			s.t.Errorf("the notice does not say %q: %s", fact, notice.Text())
		}
	}
	if path := notice.Link(s.t); !strings.HasPrefix(path, "/alarm/") {
		s.t.Errorf("the notice's link is %s", path)
	}
}

func (s *scene) isAsked(h happening) {
	s.t.Helper()
	switch {
	case h.void:
		if got := signIn(s.trusted, s.p.Address, apptest.Password).Status; got != http.StatusUnprocessableEntity {
			s.t.Errorf("the old password: %d", got)
		}
	case asked(s.t, s.trusted, s.p, apptest.Password) == h.bare:
		s.t.Errorf("the browser that was trusted is asked: %v", h.bare)
	}
}

// TestT073_APendingAddressDiesWithLaterSteps asks for an address, and then
// for another, and signs out everywhere else.
func TestT073_APendingAddressDiesWithLaterSteps(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		ask := func(address string) string {
			p.Post("/me/address", form("address", address)).Must(200)
			return w.Mail.Next(t, address, "Confirm your new mail address").Link(t)
		}
		first := ask("first@crowd.example")
		b := w.Browser()
		b.Get(first).Must(200)
		second := ask("second@crowd.example")
		if got := b.PostOnly("/address", nil).Status; got != http.StatusGone {
			t.Errorf("the first address, after a second was asked for: %d", got)
		}
		b.Get(second).Must(200)
		p.Post("/me/sessions/end-others", form()).Must(200)
		if got := b.PostOnly("/address", nil).Status; got != http.StatusGone {
			t.Errorf("after signing out everywhere else: %d", got)
		}
		third := ask("third@crowd.example")
		w.Clock.Move(auth.AddressLinkLife)
		w.Browser().Get(third).Must(410)
		w.SignIn(p)
		fourth := ask("fourth@crowd.example")
		w.Clock.Move(auth.AddressLinkLife - time.Second)
		b.Get(fourth).Must(200)
		b.Get("/me").Must(401)
		if w.Count("users WHERE address = 'alice@crowd.example'") != 1 {
			t.Error("looking at the link has changed the address")
		}
		if got := b.PostOnly("/address", nil).Status; got != http.StatusOK {
			t.Errorf("in time: %d", got)
		}
		b.Get("/me").Must(401) // it proves an address and signs nobody in
		if got := b.PostOnly("/address", nil).Status; got != http.StatusGone {
			t.Errorf("twice: %d", got)
		}
	})
}

// TestT108_TheLinkLocksEverybodyOut follows the link of a notice as a mail
// scanner does, and as she does: once, and within seven days.
func TestT108_TheLinkLocksEverybodyOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		p.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		first := w.Mail.Next(t, p.Address, "Your password was changed").Link(t)
		w.Authenticator(p)
		second := w.Mail.Next(t, p.Address, "A way to sign in was added").Link(t)
		for range 3 {
			scanner := w.Browser()
			scanner.Once(scanner.Request(http.MethodHead, first, nil))
			scanner.Get(first).Must(200, "This was not you?", p.Address)
		}
		p.Get("/me").Must(200)
		b := w.Browser()
		b.Get(first).Must(200).Submit("/alarm", nil).Must(200, "Everybody is locked out")
		p.Get("/me").Must(401)
		for _, password := range []string{another, apptest.Password, ""} {
			if got := signIn(w.Browser(), p.Address, password).Status; got != http.StatusUnprocessableEntity {
				t.Errorf("the password %q: %d", password, got)
			}
		}
		for what, path := range map[string]string{"the link, again": first, "the link of the next notice": second} {
			w.Browser().Get(path).Must(410)
			again := w.Browser()
			again.SetCookie(&http.Cookie{Name: web.AlarmCookie, Value: path[len("/alarm/"):], Path: "/", Secure: true})
			if got := again.PostOnly("/alarm", nil).Status; got != http.StatusGone {
				t.Errorf("%s: %d", what, got)
			}
		}
		if n := w.Count("audit_records WHERE event = 'user.alarm_raised' AND object_id = $1", p.User); n != 1 {
			t.Errorf("%d records", n)
		}
		back := w.Browser()
		back.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", "six white bicycles")).Must(200, "Your new password is set")
		back.Get("/me").Must(200)

		last := w.Mail.Next(t, p.Address, "Your password was changed").Link(t)
		w.Clock.Move(auth.AlarmLife - time.Second)
		w.Browser().Get(last).Must(200)
		w.Clock.Move(time.Second)
		w.Browser().Get(last).Must(410)
	})
}

// TestT108_AnAlarmIsRaisedOnce follows one link twenty times at once.
func TestT108_AnAlarmIsRaisedOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		p.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		path := w.Mail.Next(t, p.Address, "Your password was changed").Link(t)
		statuses := make([]int, 20)
		apptest.Race(20, func(i int) {
			b := w.Browser()
			b.GetOnly(path)
			statuses[i] = b.PostOnly("/alarm", nil).Status
		})
		raised := 0
		for _, got := range statuses {
			if got == http.StatusOK {
				raised++
			}
		}
		if raised != 1 || w.Count("mails WHERE kind = 'password-link'") != 1 {
			t.Errorf("raised %d times: %v", raised, statuses)
		}
	})
}

// TestT108_TheLastNoticeUndoesWhatTheIntruderDidBefore has an intruder with
// the password add a passkey, then an app, then change the password. She
// follows the link of the mail on top: nothing of his is left.
func TestT108_TheLastNoticeUndoesWhatTheIntruderDidBefore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		own := w.Passkey(p)
		own.Register("Her own")
		w.Mail.Next(t, p.Address, "A way to sign in was added")
		w.Clock.Move(auth.AlarmLife + time.Hour)
		w.SignIn(p)
		intruder := &apptest.Person{Browser: again(w, p.Cookie(session)), User: p.User, Name: p.Name, Address: p.Address}
		his := w.Passkey(intruder)
		if got := his.Register("His").Status; got != http.StatusSeeOther {
			t.Fatalf("his passkey: %d", got)
		}
		w.Clock.Move(time.Minute)
		w.Authenticator(intruder)
		w.Clock.Move(24 * time.Hour)
		his.SignIn(intruder.Browser)
		intruder.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		last := w.Mail.Next(t, p.Address, "Your password was changed").Link(t)
		w.Browser().Get(last).Must(200).Submit("/alarm", nil).Must(200)
		for what, b := range map[string]*apptest.Browser{"in his browser": intruder.Browser, "in another one": w.Browser()} {
			if got := his.SignIn(b).Status; got != http.StatusUnprocessableEntity {
				t.Errorf("his passkey, %s: %d", what, got)
			}
		}
		if w.Count("authenticators") != 0 || w.Count("passkeys WHERE name = 'Her own'") != 1 {
			t.Error("something of his is left, or hers is gone")
		}
		b := w.Browser()
		b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", "six white bicycles")).Must(200, "Second step")
		if got := own.Finish(b, nil).Status; got != http.StatusSeeOther {
			t.Errorf("her own passkey: %d", got)
		}
	})
}

// steal has an intruder in her session take her login to his address, in two
// hops, and returns the links that she has by then: that of a notice from
// before, and that which takes the change back.
func steal(t *testing.T, w *apptest.World, p *apptest.Person) (alarm, undo string, intruder *apptest.Browser) {
	t.Helper()
	intruder = again(w, p.Cookie(session))
	thief := &apptest.Person{Browser: intruder, User: p.User, Name: p.Name, Address: p.Address}
	w.Authenticator(thief)
	alarm = w.Mail.Next(t, p.Address, "A way to sign in was added").Link(t)
	for _, address := range []string{"mallory@evil.example", "mallory2@evil.example"} {
		w.Clock.Move(time.Minute)
		intruder.Post("/me/address", form("address", address)).Must(200)
		intruder.Get(w.Mail.Next(t, address, "Confirm").Link(t)).Must(200).Submit("/address", nil).Must(200)
		if undo == "" {
			w.Mail.Next(t, p.Address, "A new mail address was asked for")
			undo = w.Mail.Next(t, p.Address, "Your mail address was changed").Link(t)
		}
	}
	intruder.Get("/me").Must(200, "mallory2@evil.example")
	return alarm, undo, intruder
}

// TestT108_AStolenAddressComesBack takes a changed address back by either of
// her links, after the intruder has tried to use the links that he was mailed.
func TestT108_AStolenAddressComesBack(t *testing.T) {
	for _, way := range []string{"alarm", "undo"} {
		t.Run(way, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, w *apptest.World) {
				p := w.Person("Alice", "alice@crowd.example")
				alarm, undo, intruder := steal(t, w, p)
				back := undo
				if way == "alarm" {
					back = alarm
				}
				if got := w.Browser().Get(undo).Must(200).URL.Path; got != "/address/undo" || w.Count("users WHERE address = $1", p.Address) != 0 {
					t.Errorf("looking at the link: %s", got)
				}
				// Nobody else gets her address meanwhile.
				w.Browser().Post("/signup", form("name", "Eve", "address", p.Address, "password", another, "kind", "login"))
				action := strings.TrimSuffix(back, back[strings.LastIndex(back, "/"):])
				b := w.Browser()
				b.Get(back).Must(200).Submit(action, nil).Must(200)
				if w.Count("users WHERE address = $1 AND id = $2", p.Address, p.User) != 1 || w.Count("authenticators") != 0 {
					t.Error("the login has not come back as it was")
				}
				intruder.Get("/me").Must(401)
				for _, dead := range []string{alarm, undo} {
					w.Browser().Get(dead).Must(410)
				}
				for _, sent := range w.Mail.All() { // nothing that he was mailed works any more
					if strings.HasSuffix(sent.To, "@evil.example") && len(linksIn(sent)) == 1 {
						if got := w.Browser().Get(sent.Link(t)).Status; got != http.StatusGone {
							t.Errorf("his mail %q: %d", sent.Subject(), got)
						}
					}
				}
				mine := w.Browser()
				mine.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
				mine.Get("/me").Must(200, p.Address)
			})
		})
	}
}

func linksIn(m *apptest.Mail) []string {
	return strings.Split(m.Text(), apptest.BaseURL)[1:]
}

// TestT108_TheIntrudersOwnAlarmTakesNothingFromHer has the intruder follow the
// link of a notice that went to his address: her way back stays open.
func TestT108_TheIntrudersOwnAlarmTakesNothingFromHer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		_, undo, intruder := steal(t, w, p)
		w.Clock.Move(time.Minute)
		intruder.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		his := w.Mail.Next(t, "mallory2@evil.example", "Your password was changed").Link(t)
		w.Browser().Get(his).Must(200).Submit("/alarm", nil).Must(200)
		intruder.Get("/me").Must(401)
		w.Browser().Get(undo).Must(200).Submit("/address/undo", nil).Must(200, "The login is yours again")
		if w.Count("users WHERE address = $1 AND id = $2", p.Address, p.User) != 1 {
			t.Error("the address has not come back")
		}
		w.Browser().Get(w.Mail.Next(t, "mallory2@evil.example", "Set a new password").Link(t)).Must(410)
	})
}

// TestT108_AStrangeBrowserIsToldOf signs in with browsers of all kinds: only
// one that is new beside others is mailed, with its facts.
func TestT108_AStrangeBrowserIsToldOf(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Exec("DELETE FROM sessions")
		told := func() int64 { return w.Count("mails WHERE kind = 'new-device'") }
		b := w.Browser()
		signIn(b, p.Address, apptest.Password)
		if told() != 0 {
			t.Error("the first sign-in ever is told of")
		}
		b.PostOnly("/signout", form())
		signIn(b, p.Address, apptest.Password)
		if told() != 0 {
			t.Error("a browser that she knows is told of")
		}
		signIn(w.Browser(), p.Address, another)
		if told() != 0 {
			t.Error("a sign-in that failed is told of")
		}
		strange := w.Browser()
		strange.Network = "198.51.100.77"
		signIn(strange, p.Address, apptest.Password)
		mail := w.Mail.Next(t, p.Address, "A new sign-in")
		if told() != 1 || !strings.Contains(mail.Text(), "198.51.100.77") || !strings.HasPrefix(mail.Link(t), "/alarm/") {
			t.Errorf("told %d times: %s", told(), mail.Text())
		}
		// Whoever is in cannot make it quiet: what he changes is told of as ever.
		strange.Post("/me", form("name", "Alice", "language", "en"))
		strange.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		w.Mail.Next(t, p.Address, "Your password was changed")
		w.Browser().Get(mail.Link(t)).Must(200).Submit("/alarm", nil).Must(200)
		strange.Get("/me").Must(401)
		seeded := w.Person("Seeded", "seeded@crowd.example")
		seed := w.Authenticator(seeded)
		half(t, w, seeded)
		if w.Count("mails WHERE kind = 'new-device' AND user_id = $1", seeded.User) != 0 {
			t.Error("half a sign-in is told of as a whole one")
		}
		known(t, w, seeded, seed)
		w.Mail.Next(t, seeded.Address, "A new sign-in")
	})
}

// squatted is somebody who has typed another's address, which she has not
// proven, and has left there all that signs in.
func squatted(t *testing.T, w *apptest.World, address string) (p *apptest.Person, key *apptest.Passkey, codes []string) {
	t.Helper()
	p = w.Person("Mallory", address)
	key = w.Passkey(p)
	key.Register("His")
	seed := w.Authenticator(p)
	codes = newCodes(t, p)
	trusted(t, w, p, seed)
	w.Exec("INSERT INTO providers (name, issuer, client_id, created_at) VALUES ('Elsewhere', $1, 'us', $2)", "https://"+address, w.Clock.Now())
	w.Exec("INSERT INTO identities (user_id, provider_id, issuer, subject, created_at) SELECT $1, id, issuer, 'mallory', $2 FROM providers WHERE issuer = $3", p.User, w.Clock.Now(), "https://"+address)
	p.Post("/me/address", form("address", "his-"+address)).Must(200)
	w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", p.User)
	return p, key, codes
}

// isHers makes sure that nothing of the squatter's is left of a login.
func isHers(t *testing.T, w *apptest.World, p *apptest.Person, key *apptest.Passkey, later string) {
	t.Helper()
	for _, table := range []string{"passkeys", "authenticators", "recovery_codes", "identities"} {
		if n := w.Count(table+" WHERE user_id = $1", p.User); n != 0 {
			t.Errorf("%d %s are left", n, table)
		}
	}
	for _, table := range []string{"address_changes", "pending_signins", "ceremonies", "user_links"} {
		if n := w.Count(table+" WHERE user_id = $1 AND ended_at IS NULL", p.User); n != 0 {
			t.Errorf("%d %s are still open", n, table)
		}
	}
	if n := w.Count("sessions WHERE user_id = $1 AND ended_at IS NULL", p.User); n != 1 {
		t.Errorf("%d sessions, want hers", n)
	}
	if n := w.Count("devices WHERE user_id = $1 AND ended_at IS NULL AND trusted_until IS NOT NULL", p.User); n != 0 {
		t.Errorf("%d browsers are trusted", n)
	}
	p.Get("/me").Must(401)
	if got := key.SignIn(w.Browser()).Status; got != http.StatusUnprocessableEntity {
		t.Errorf("his passkey: %d", got)
	}
	if got := signIn(w.Browser(), p.Address, apptest.Password).Status; got != http.StatusUnprocessableEntity {
		t.Errorf("his password: %d", got)
	}
	w.Browser().Get(later).Must(410)
	if page := signIn(w.Browser(), p.Address, another); page.Location != "/" {
		t.Errorf("her password: %d %q", page.Status, page.Location)
	}
}

// TestT072_RecoveryLeavesNothingOfASquatters has the owner of an address take
// the login that somebody else has made with it: by recovery, and by an
// invitation.
func TestT072_RecoveryLeavesNothingOfASquatters(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, key, _ := squatted(t, w, "nina@crowd.example")
		later := w.Mail.Next(t, "his-nina@crowd.example", "Confirm").Link(t)
		nina := w.Browser()
		nina.Get(link(t, w, p.Address)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
		isHers(t, w, p, key, later)

		p, key, codes := squatted(t, w, "vera@crowd.example")
		later = w.Mail.Next(t, "his-vera@crowd.example", "Confirm").Link(t)
		alice := w.Person("Alice", "alice@crowd.example")
		a := id.String(w.Account(alice, "Acorn"))
		alice.Post("/a/"+a+"/people/invitations", form("account", a, "address", p.Address, "role", "support")).Must(200)
		waiting := half(t, w, p)
		vera := w.Browser()
		vera.Get(w.Mail.Next(t, p.Address, "invites").Link(t)).Must(200)
		vera.Post("/invitation/join", form("name", "Vera", "password", another)).Must(200)
		vera.Get("/me").Must(200, "Vera")
		if got := finish(waiting, codes[0]); got != http.StatusUnauthorized {
			t.Errorf("his sign-in that waits: %d", got)
		}
		isHers(t, w, p, key, later)
	})
}

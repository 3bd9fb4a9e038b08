package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/password"
)

// Whoever makes a login on the way in has the invited address, and only the
// link's holder who has no login gets a session.
func TestT032_TheInvitedAddressIsTheNewLogins(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		b := s.Browser()
		s.invite("fran@x.example").follow(b)
		joined := b.PostOnly("/invitation/join", form("name", "Fran Fresh", "password", apptest.Password, "email", "other@x.example", "address", "other@x.example", "user", "1")).Must(303)
		type row struct {
			Address  string
			Verified bool
		}
		got := apptest.Query[row](s.World, "SELECT address, verified_at IS NOT NULL AS verified FROM users WHERE id <> $1", s.alice.User)
		if len(got) != 1 || got[0] != (row{"fran@x.example", true}) {
			t.Errorf("the new logins are %+v", got)
		}
		sessions := 0
		for _, c := range (&http.Response{Header: joined.Header}).Cookies() {
			if c.Name == "__Host-clientele-session" && c.Value != "" {
				sessions++
			}
		}
		if n := s.Count("sessions WHERE user_id <> $1", s.alice.User); sessions != 1 || n != 1 {
			t.Errorf("the answer sets %d sessions, and there are %d", sessions, n)
		}
		b.Get("/me").Must(200, "fran@x.example", "Confirmed")

		nina, stranger := s.nina(), s.Browser()
		s.invite("nina@x.example").follow(stranger)
		before, password := s.traces(), s.password(nina.User)
		stranger.Get("/me").Must(401)
		refused := inviteJoin(stranger, "Eve Other").Must(409, "There is a login with this address already")
		if len(refused.Header.Values("Set-Cookie")) > 0 {
			t.Error("holding the link of somebody with a login sets a cookie")
		}
		stranger.Get("/me").Must(401)
		s.untouched(before, "holding the link of somebody who has a login")
		if s.password(nina.User) != password {
			t.Error("her password was changed")
		}
	})
}

// password is the hash of a user's password.
func (s *inviteStage) password(u id.User) string {
	return apptest.Query[string](s.World, "SELECT password FROM users WHERE id = $1", u)[0]
}

// squat leaves behind everything that somebody can who has typed another's
// address before its owner came.
func (s *inviteStage) squat(address, squatters string) (b *apptest.Browser, links []string) {
	s.t.Helper()
	squatter := s.Person("Mallory Quist", address)
	s.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", squatter.User)
	s.In(func(tx *db.Tx) error {
		hash, err := password.New(password.Rules{}).Hash(tx.Context(), squatters)
		if err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE users SET password = $2 WHERE id = $1", squatter.User, hash); err != nil {
			return err
		}
		device, hash := auth.NewToken()
		squatter.SetCookie(&http.Cookie{Name: "__Host-clientele-device", Value: device, Path: "/", Secure: true})
		if _, err := db.Exec(tx, "INSERT INTO devices (user_id, token_hash, created_at, seen_at) VALUES ($1, $2, $3, $3)", squatter.User, hash, tx.Now); err != nil {
			return err
		}
		token, hash := auth.NewToken()
		links = append(links, "/recover/"+token)
		_, err = db.Exec(tx, "INSERT INTO user_links (user_id, purpose, address, token_hash, credentials, created_at, expires_at) VALUES ($1, 'password', $2, $3, 1, $4, $5)",
			squatter.User, address, hash, tx.Now, tx.Now.Add(auth.LinkLife))
		return err
	})
	return squatter.Browser, links
}

// Who types an address first has nothing of it once its mailbox's owner
// comes: neither the password, nor a session, a known browser, a link or a
// waiting sign-up.
func TestT033_APreHijackedAddressIsItsOwners(t *testing.T) {
	const squatters = "eight angry orange tractors"
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		waiting := s.Browser()
		waiting.Post("/signup", form("name", "Mallory Quist", "address", "nina@x.example", "password", squatters, "kind", "login")).Must(200, "Look into your mail")
		confirm := s.Mail.Next(t, "nina@x.example", "Confirm your address").Link(t)
		squatter, links := s.squat("nina@x.example", squatters)
		squatter.Get("/me").Must(200, "Mallory Quist")

		nina := s.Browser()
		s.invite("nina@x.example").follow(nina).Must(200, "I am new here")
		inviteJoin(nina, "Nina Ek").Must(303)
		nina.Get("/me").Must(200, "Nina Ek", "Confirmed")
		if n := s.Count("users WHERE address = 'nina@x.example'"); n != 1 {
			t.Errorf("%d logins have the address", n)
		}
		squatter.Get("/me").Must(401)
		for _, b := range []*apptest.Browser{squatter, s.Browser()} {
			b.PostOnly("/signin", form("address", "nina@x.example", "password", squatters)).Must(422)
		}
		for _, link := range append(links, confirm) {
			waiting.Get(link).Must(410)
		}
		waiting.PostOnly("/signup/confirm", form("password", squatters)).Must(410)
		if n := s.Count("devices WHERE ended_at IS NULL AND token_hash <> $1", auth.HashToken(nina.Cookie("__Host-clientele-device"))); n != 0 {
			t.Errorf("%d browsers are known beside hers", n)
		}
		for _, left := range []string{"user_links WHERE ended_at IS NULL", "signups WHERE ended_at IS NULL"} {
			if n := s.Count(left); n != 0 {
				t.Errorf("%d are left of %s", n, left)
			}
		}
		if n := s.Count("sessions x JOIN users u ON u.id = x.user_id WHERE u.address = 'nina@x.example' AND x.ended_at IS NULL"); n != 1 {
			t.Errorf("%d sessions are open, want nina's alone", n)
		}
		s.Browser().PostOnly("/signin", form("address", "nina@x.example", "password", apptest.Password)).Must(303)

		// The same by way of the sign-up that somebody else has typed.
		eve := s.Browser()
		eve.Post("/signup", form("name", "Eve Other", "address", "otto@x.example", "password", squatters, "kind", "login")).Must(200)
		otto := s.Browser()
		page := otto.Get(s.Mail.Next(t, "otto@x.example", "Confirm your address").Link(t)).Must(200, "You signed up in another browser")
		page.Submit("/signup/confirm", form("password", apptest.Password)).Must(200)
		eve.PostOnly("/signin", form("address", "otto@x.example", "password", squatters)).Must(422)
		eve.Get("/me").Must(401)
	})
}

// An invitation belongs to an address, and a deleted user leaves nothing
// behind that whoever has her address later comes into.
func TestT040_ALaterOwnerOfAnAddressInheritsNothing(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		_, m := s.mallory()
		old := s.nina()
		s.JoinAs(s.a, access.Join{User: old.User, Role: access.Role{BuiltIn: "full"}})
		s.Join(m, old, apptest.Keys("services.view"))
		s.Exec("UPDATE users SET status = 'deleted' WHERE id = $1", old.User)
		old.Get("/me").Must(401)
		old.PostOnly("/signin", form("address", "nina@x.example", "password", apptest.Password)).Must(422)

		sent := s.invite("nina@x.example", "role", "choose", "permissions", "services.view")
		later := s.Browser()
		sent.follow(later)
		inviteJoin(later, "Nina Later").Must(303)
		number := apptest.Query[id.User](s.World, "SELECT id FROM users WHERE address = 'nina@x.example' AND status = 'active'")[0]
		if number == old.User {
			t.Error("the deleted user has come back")
		}
		later.Get("/me").Must(200, "Nina Later")
		later.Get(accountPath(m)).Must(404)
		later.Get(accountPath(s.a) + "/people").Must(403)
		if p := later.Get("/me/accounts").Must(200, "Acorn Paper"); p.Says("Midnight Media") {
			t.Error("an account of the deleted user is listed")
		}
		for _, path := range []string{"/me/activity", "/me/sessions"} {
			if p := later.Get(path); strings.Contains(p.Body, "Nina Ek") {
				t.Errorf("%s shows the deleted user", path)
			}
		}
		if got := apptest.Query[access.Set](s.World, "SELECT permissions FROM memberships WHERE account_id = $1 AND user_id = $2", s.a, number); len(got) != 1 || got[0] != apptest.Keys("services.view") {
			t.Errorf("she holds %v", got)
		}

		// An invitation outlives the login, and is still for the address alone.
		another := s.Person("Olga Brandt", "olga@x.example")
		open := s.invite("olga@x.example")
		s.Exec("UPDATE users SET status = 'deleted' WHERE id = $1", another.User)
		open.follow(later)
		inviteAccept(later).Must(403)
		fresh := s.Browser()
		open.follow(fresh)
		inviteJoin(fresh, "Olga Later").Must(303)
		if n := s.Count("memberships WHERE user_id = $1", another.User); n != 0 {
			t.Error("the deleted user has joined")
		}
	})
}

// Where sign-up is by invitation, no way leads in but an invitation.
func TestT034_WithoutSignUpOnlyAnInvitationLeadsIn(t *testing.T) {
	closed := func(c *config.Config) { c.SignUp = "invitation" }
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		before := s.traces()
		b := s.Browser()
		fill := form("name", "Eve Other", "address", "eve@x.example", "password", apptest.Password, "kind", "account", "account_name", "Eve's", "currency", "EUR")
		b.Get("/signup").Must(403, "Sign-up is by invitation")
		b.PostOnly("/signup", fill).Must(403)
		b.Get("/signup/" + strings.Repeat("A", 43)).Must(403)
		b.GetOnly("/signup/confirm").Must(403)
		b.PostOnly("/signup/confirm", form("password", apptest.Password)).Must(403)
		inviteJoin(b, "Eve Other").Must(410)
		b.PostOnly("/me/accounts/new", form("name", "Eve's", "address", "eve@x.example", "currency", "EUR")).Must(401)
		for _, path := range []string{"/setup", "/install", "/register", "/staff/setup", "/staff/signup", "/staff/new", "/api/v1/users"} {
			for _, method := range []string{"GET", "POST"} {
				if p := b.Once(b.Request(method, path, fill)); p.Status != 404 {
					t.Errorf("%s %s answers %d", method, path, p.Status)
				}
			}
		}
		if p := b.Get("/signin").Must(200); strings.Contains(p.Body, `href="/signup"`) {
			t.Error("the sign-in page leads to sign-up")
		}
		s.untouched(before, "signing up without an invitation")
		if s.Count("signups") != 0 || s.Count("mails") != 0 {
			t.Error("a sign-up waits")
		}
		s.invite("fran@x.example").follow(b)
		inviteJoin(b, "Fran Fresh").Must(303)
		b.Get(accountPath(s.a)).Must(200)
	}, closed)
}

// A sign-up that waited when sign-up was switched off makes no login.
func TestT034_ASignUpThatWaitedIsNotConfirmedAfterTheSwitch(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		b := s.Browser()
		b.Post("/signup", form("name", "Eve Other", "address", "eve@x.example", "password", apptest.Password, "kind", "login")).Must(200)
		link := s.Mail.Next(t, "eve@x.example", "Confirm your address").Link(t)
		s.Restart(func(c *config.Config) { c.SignUp = "invitation" })
		b.Get(link).Must(403)
		b.PostOnly("/signup/confirm", form()).Must(403)
		if n := s.Count("users"); n != 1 {
			t.Errorf("%d users", n)
		}
	})
}

package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"
)

// Whoever is signed in with another address than the invited one is told so,
// can switch, and joins nothing.
func TestT001_OnlyTheInvitedAddressAccepts(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.nina()
		mallory, _ := s.mallory()
		sent := s.invite("nina@x.example")
		before := s.traces()
		page := sent.follow(mallory.Browser).Must(200, "This invitation is for somebody else", "You are signed in as Mallory Quist")
		if page.Find(`form[action="/invitation/accept"]`).Length() > 0 {
			t.Error("the page offers to accept")
		}
		refused := inviteAccept(mallory.Browser).Must(403, "This invitation is for somebody else", "Switch user")
		if status, kind := inviteProblem(t, mallory.Browser, "/invitation/accept", form()); status != 403 || kind != "invite-address-mismatch" {
			t.Errorf("the refusal is %d %s", status, kind)
		}
		if s.state(sent.number) != "pending" || s.members("nina@x.example") != 0 {
			t.Error("the refusal changed something")
		}
		s.untouched(before, "accepting what was sent to somebody else")

		refused.Submit("/signout", nil).Must(200, "I have a login here")
		page = mallory.Get("/signin?next=/invitation").Must(200).Submit("/signin", form("address", "Nina@X.example", "password", apptest.Password))
		page.Must(200, "You are signed in as Nina Ek", "Join Acorn Paper")
		joined := inviteAccept(mallory.Browser).Must(303)
		if joined.Location != accountPath(s.a) {
			t.Errorf("accepting leads to %s", joined.Location)
		}
		if s.members("nina@x.example") != 1 || s.Count("memberships WHERE account_id = $1", s.a) != 2 {
			t.Error("there is not exactly one new membership")
		}
		for event, object := range map[string]int64{"invitation.accepted": int64(sent.number), "invitation.sent": int64(sent.number)} {
			if n := s.recorded(event, object); n != 1 {
				t.Errorf("%d records of %s", n, event)
			}
		}
	})
}

// An address that matches and was never proven opens nothing by itself. The
// mailed link proves it, and proves no other.
func TestT002_MatchingTextIsNoProofOfTheMailbox(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		squatter, other := s.nina(), s.Person("Olga Unproven", "olga@x.example")
		s.Exec("UPDATE users SET verified_at = NULL WHERE id IN ($1, $2)", squatter.User, other.User)
		sent := s.invite("nina@x.example")
		before := s.traces()
		if p := squatter.Get("/me/invitations").Must(200, "Confirm your address first"); p.Says("Acorn Paper") {
			t.Error("an unproven address sees its invitations")
		}
		for _, what := range []string{"accept", "decline"} {
			status, kind := inviteProblem(t, squatter.Browser, "/me/invitations/"+id.String(sent.number)+"/"+what, form())
			if status != 403 || kind != "email-unverified" {
				t.Errorf("%s without the link: %d %s", what, status, kind)
			}
		}
		sent.follow(other.Browser)
		inviteAccept(other.Browser).Must(403)
		s.untouched(before, "answering without a proven address")
		if s.Count("users WHERE verified_at IS NULL") != 2 {
			t.Error("an address counts as proven")
		}

		sent.follow(squatter.Browser).Must(200, "Join Acorn Paper")
		inviteAccept(squatter.Browser).Must(303)
		if s.members("nina@x.example") != 1 {
			t.Error("the link does not let her in")
		}
		if got := apptest.Query[id.User](s.World, "SELECT id FROM users WHERE verified_at IS NULL"); len(got) != 1 || got[0] != other.User {
			t.Errorf("unproven are %v, want only %d", got, other.User)
		}
	})
}

// Nothing but the very token opens an invitation: neither what looks like it
// nor what the database holds of it.
func TestT003_AnAlteredTokenOpensNothing(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		sent, second := s.invite("nina@x.example"), s.invite("otto@x.example")
		token := sent.token()
		if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 || token == second.token() {
			t.Errorf("the token %q is not 256 random bits: %d, %v", token, len(raw), err)
		}
		sum := sha256.Sum256([]byte(token))
		hash := hex.EncodeToString(sum[:])
		if got := apptest.Query[string](s.World, "SELECT token_hash FROM invitations WHERE id = $1", sent.number)[0]; got != hash {
			t.Errorf("the database holds %q of the token", got)
		}
		flip := func(at int) string {
			c := byte('A')
			if token[at] == 'A' {
				c = 'B'
			}
			return token[:at] + string(c) + token[at+1:]
		}
		before := s.traces()
		for _, forged := range []string{
			flip(0), flip(len(token) / 2), flip(len(token) - 1), token[1:], token[:len(token)-1], token + "A", token + "=", strings.ToUpper(token),
			strings.ToLower(token), hash, hex.EncodeToString([]byte(token)), base64.RawURLEncoding.EncodeToString([]byte(token)), id.String(sent.number), "0", "null",
			"%" + token, "' OR '1'='1", "*", strings.Repeat("A", 43), strings.Repeat("A", 5000),
			base64.RawURLEncoding.EncodeToString([]byte(`{"invitation":1,"role":"full","address":"nina@x.example"}`)),
			"eyJhbGciOiJub25lIn0.eyJpbnZpdGF0aW9uIjoxLCJyb2xlIjoib3duZXIifQ.",
		} {
			b := s.tab(nina.Browser)
			if p := b.GetOnly("/i/" + url.PathEscape(forged)); p.Status != 303 {
				t.Errorf("/i/%.50s answers %d", forged, p.Status)
			}
			for what, status := range map[string]int{
				"the page": b.GetOnly("/invitation").Status, "accept": inviteAccept(b).Status,
				"decline": b.PostOnly("/invitation/decline", form()).Status,
				"join":    b.PostOnly("/invitation/join", form("name", "Eve", "password", "x")).Status,
			} {
				if status != 410 {
					t.Errorf("%s with %.50q answers %d", what, forged, status)
				}
			}
		}
		s.untouched(before, "forged tokens")
		if s.state(sent.number) != "pending" {
			t.Error("a forged token consumed the invitation")
		}
	})
}

// Whatever was true when the page was loaded, only what is true in the
// accepting transaction counts: for somebody who has a login and for somebody
// who makes one.
func TestT007_EveryConditionIsCheckedAgainOnSubmit(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		for n, c := range []struct {
			name    string
			between func(first *apptest.Browser, sent inviteSent, press func(*apptest.Browser) *apptest.Page)
			want    int
			members int64
		}{
			{"somebody else was quicker", func(first *apptest.Browser, _ inviteSent, press func(*apptest.Browser) *apptest.Page) {
				press(first).Must(303)
			}, 410, 1},
			{"withdrawn", func(_ *apptest.Browser, sent inviteSent, _ func(*apptest.Browser) *apptest.Page) {
				s.alice.PostOnly(sent.path+"/withdraw", s.own()).Must(303)
			}, 410, 0},
			{"expired", func(*apptest.Browser, inviteSent, func(*apptest.Browser) *apptest.Page) {
				s.later(invite.Life, s.alice)
			}, 410, 0},
			{"closed", func(*apptest.Browser, inviteSent, func(*apptest.Browser) *apptest.Page) {
				s.alice.PostOnly(accountPath(s.a)+"/close", s.own("number", id.String(s.a))).Must(303)
			}, 409, 0},
		} {
			for _, known := range []bool{true, false} {
				address := "nina" + id.String(id.User(n+1)) + map[bool]string{true: "@known.example", false: "@new.example"}[known]
				first, second := s.Browser(), s.Browser()
				press := func(b *apptest.Browser) *apptest.Page { return inviteJoin(b, "Nina Ek") }
				var nina *apptest.Person
				if known {
					nina, press = s.Person("Nina Ek", address), inviteAccept
					first, second = nina.Browser, s.tab(nina.Browser)
				}
				sent := s.invite(address)
				sent.follow(first).Must(200, "Join Acorn Paper")
				sent.follow(second).Must(200, "Join Acorn Paper")
				c.between(first, sent, press)
				if known && n == 2 {
					s.SignIn(nina)
					second = s.tab(nina.Browser)
				}
				users := s.Count("users")
				if p := press(second); p.Status != c.want {
					t.Errorf("%s (with a login: %v): the second submit answers %d, want %d", c.name, known, p.Status, c.want)
				}
				if got := s.members(address); got != c.members || s.Count("users") != users {
					t.Errorf("%s (with a login: %v): %d members, want %d; %d users, were %d", c.name, known, got, c.members, s.Count("users"), users)
				}
				if c.want == 409 {
					root := s.Operator("Robin Root", "for-"+address, "administrator")
					root.PostOnly("/staff/accounts/"+id.String(s.a)+"/reopen", s.own()).Must(303)
				}
			}
		}
	})
}

// The link works until its last second and not in the one after, and nothing
// else brings it back.
func TestT009_AnExpiredInvitationIsDead(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		inTime, late, never := s.invite("nina@x.example"), s.invite("late@x.example"), s.invite("never@x.example")
		s.later(invite.Life-time.Second, nina, s.alice)
		inTime.follow(nina.Browser).Must(200)
		inviteAccept(nina.Browser).Must(303)
		b := s.Browser()
		late.follow(b).Must(200, "Join Acorn Paper")

		s.later(time.Second)
		before := s.traces()
		inviteJoin(b, "Late Comer").Must(410)
		never.follow(s.Browser()).Must(410, "is too old")
		asked := s.Browser().Post("/recover", form("address", "late@x.example")).Must(200, "If there is a login with this address")
		known := s.Browser().Post("/recover", form("address", "nina@x.example")).Must(200)
		if asked.Body != known.Body {
			t.Error("the answer tells who has a login")
		}
		s.Quiet()
		if n := s.Mail.To("late@x.example"); n != 1 {
			t.Errorf("late has %d mails, want only the invitation", n)
		}
		before.done++ // the link that was mailed to nina
		s.untouched(before, "an expired invitation")
	})
}

// However many submits arrive at once, one of them joins.
func TestT011_OneAcceptOfManyWins(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		mallory, _ := s.mallory()
		sent := s.invite("nina@x.example")
		sent.follow(nina.Browser).Must(200)
		sent.follow(mallory.Browser).Must(200)
		tabs := make([]*apptest.Browser, 50)
		for i := range tabs {
			tabs[i] = s.tab(nina.Browser)
			if i%10 == 9 {
				tabs[i] = s.tab(mallory.Browser)
			}
		}
		statuses := make([]int, len(tabs))
		apptest.Race(len(tabs), func(i int) { statuses[i] = inviteAccept(tabs[i]).Status })
		count := map[int]int{}
		for i, status := range statuses {
			if i%10 != 9 {
				count[status]++
			} else if status != 403 && status != 410 {
				t.Errorf("somebody else's accept answers %d", status)
			}
		}
		if count[303] != 1 || count[410] != 44 {
			t.Errorf("the answers are %v, want one 303 and 44 times 410", count)
		}
		if n := s.Count("memberships WHERE account_id = $1 AND user_id = $2", s.a, nina.User); n != 1 {
			t.Errorf("%d memberships", n)
		}
		if n := s.recorded("invitation.accepted", int64(sent.number)); n != 1 {
			t.Errorf("%d records", n)
		}
	})
}

// What joins is cut down to what the one who invited may still give then.
func TestT014_AnInviterGivesOnlyWhatHeMayStillGive(t *testing.T) {
	offer := []string{"role", "choose", "permissions", "services.manage", "permissions", "domains.view"}
	whole := apptest.Keys("people.manage", "people.view", "services.view", "services.manage", "domains.view")
	change := func(s *inviteStage, path string, keys ...string) {
		fill := s.own("role", "choose")
		fill["permissions"] = keys
		s.alice.PostOnly(path, fill).Must(303)
	}
	cases := []struct {
		name    string
		between func(s *inviteStage, bob *apptest.Person, path string)
		want    access.Set
		status  int
	}{
		{"nothing happened", func(*inviteStage, *apptest.Person, string) {}, apptest.Keys("services.view", "services.manage", "domains.view"), 303},
		{"he lost one of them", func(s *inviteStage, _ *apptest.Person, path string) {
			change(s, path, "people.manage", "services.manage")
		}, apptest.Keys("services.view", "services.manage"), 303},
		{"he lost what another one needs", func(s *inviteStage, bob *apptest.Person, _ string) {
			s.Exec("UPDATE memberships SET permissions = $3 WHERE account_id = $1 AND user_id = $2", s.a, bob.User, apptest.Keys("people.manage", "people.view", "services.manage", "domains.view"))
		}, apptest.Keys("services.manage", "domains.view"), 303},
		{"he lost them and got them back", func(s *inviteStage, _ *apptest.Person, path string) {
			change(s, path, "people.manage")
			change(s, path, "people.manage", "services.manage", "domains.view")
		}, apptest.Keys("services.view", "services.manage", "domains.view"), 303},
		{"he no longer manages people", func(s *inviteStage, _ *apptest.Person, path string) {
			change(s, path, "services.manage", "domains.view")
		}, 0, 303},
		{"he is suspended", func(s *inviteStage, bob *apptest.Person, _ string) {
			s.Exec("UPDATE memberships SET status = 'suspended' WHERE account_id = $1 AND user_id = $2", s.a, bob.User)
		}, 0, 303},
		{"his login is suspended", func(s *inviteStage, bob *apptest.Person, _ string) {
			s.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", bob.User)
		}, 0, 303},
		{"he was removed", func(s *inviteStage, _ *apptest.Person, path string) {
			s.alice.PostOnly(path+"/remove", s.own()).Must(303)
		}, 0, 410},
		{"he left by himself", func(s *inviteStage, bob *apptest.Person, _ string) {
			bob.PostOnly(accountPath(s.a)+"/leave", s.own()).Must(303)
		}, apptest.Keys("services.view", "services.manage", "domains.view"), 303},
	}
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		for n, c := range cases {
			number := id.String(id.User(n + 1))
			address := "nina" + number + "@x.example"
			nina, bob := s.Person("Nina Ek", address), s.Person("Bob Castle", "bob"+number+"@acorn.example")
			m := s.Join(s.a, bob, whole)
			sent := s.inviteBy(bob, address, offer...)
			c.between(s, bob, accountPath(s.a)+"/people/members/"+id.String(m))
			words := c.want.Labels()
			if c.want == 0 {
				words = "Mail only: Sees nothing"
			}
			if page := sent.follow(nina.Browser); c.status == 303 && !page.Says(words) {
				t.Errorf("%s: the page does not say what will be given", c.name)
			}
			if p := inviteAccept(nina.Browser); p.Status != c.status {
				t.Errorf("%s: accepting answers %d, want %d", c.name, p.Status, c.status)
				continue
			}
			if c.status == 410 && (s.state(sent.number) != "withdrawn" || s.members(address) != 0) {
				t.Errorf("%s: the invitation is %s", c.name, s.state(sent.number))
			}
			if c.status == 303 && s.holds(address) != c.want {
				t.Errorf("%s: nina holds %v, want %v", c.name, s.holds(address), c.want)
			}
		}
	})
}

// What joins whom to what with which power stands in the invitation and
// nowhere in the request.
func TestT015_NothingIsSmuggledInAtAccept(t *testing.T) {
	smuggled := []string{
		"role", "full", "permissions", "people.manage", "owner", "1", "is_owner", "true", "account", "2", "account_id", "2", "is_staff", "1",
		"user_id", "1", "user", "1", "address", "other@x.example", "email", "other@x.example", "invitation", "1", "token", "x", "ends", "2099-01-01",
		"verified", "1", "status", "active", "membership_id", "1",
	}
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		mallory, m := s.mallory()
		want := apptest.Keys("services.view")
		query := "?" + form(smuggled...).Encode()
		for n, press := range []func(b *apptest.Browser) *apptest.Page{
			func(b *apptest.Browser) *apptest.Page { return b.PostOnly("/invitation/accept", form(smuggled...)) },
			func(b *apptest.Browser) *apptest.Page { return b.PostOnly("/invitation/accept"+query, form()) },
			func(b *apptest.Browser) *apptest.Page {
				req := b.Request("POST", "/invitation/accept", form())
				for name, value := range map[string]string{"X-Account": id.String(m), "X-Role": "owner", "X-User": id.String(mallory.User), "X-HTTP-Method-Override": "PUT"} {
					req.Header.Set(name, value)
				}
				return b.Once(req)
			},
		} {
			address := "nina" + id.String(id.User(n+1)) + "@x.example"
			nina := s.Person("Nina Ek", address)
			s.invite(address, "role", "choose", "permissions", "services.view").follow(nina.Browser)
			if p := press(nina.Browser).Must(303); p.Location != accountPath(s.a) {
				t.Errorf("%d: it leads to %s", n, p.Location)
			}
			if got := s.holds(address); got != want {
				t.Errorf("%d: she holds %v", n, got)
			}
		}
		sent := s.invite("json@x.example", "role", "choose", "permissions", "services.view")
		json := s.Person("Jason Ek", "json@x.example")
		sent.follow(json.Browser)
		before := s.traces()
		req := json.Request("POST", "/invitation/accept", form("x", `{"role":"owner","account_id":2}`))
		req.Header.Set("Content-Type", "application/json")
		json.Once(req).Must(400)
		req = json.Request("POST", "/invitation/accept", form("role", "full", "role", "readonly"))
		json.Once(req).Must(422)
		s.untouched(before, "a request that is no form of ours")

		newcomer := s.Browser()
		s.invite("fresh@x.example", "role", "choose", "permissions", "services.view").follow(newcomer)
		newcomer.PostOnly("/invitation/join"+query, form(append(smuggled, "name", "Fran Fresh", "password", apptest.Password)...)).Must(303)
		if got := s.holds("fresh@x.example"); got != want {
			t.Errorf("the newcomer holds %v", got)
		}
		sending := []string{"is_owner", "true", "is_staff", "1", "state", "accepted", "invited_by_user", id.String(mallory.User), "muted", "1", "expires_at", "2099-01-01", "role", "mail"}
		s.send(s.alice, "sent@x.example", sending...).Must(303)
		if n := s.Count("invitations WHERE address = 'sent@x.example' AND account_id = $1 AND invited_by_user = $2 AND state = 'pending' AND NOT muted AND role = 'mail'", s.a, s.alice.User); n != 1 {
			t.Error("something was smuggled in when it was sent")
		}
		if s.Count("memberships WHERE owner") != 2 || s.Count("memberships WHERE account_id = $1", m) != 1 || s.Count("users WHERE address = 'other@x.example'") != 0 || s.Count("staff") != 0 {
			t.Error("something was smuggled in")
		}
	})
}

// Accepting never changes a membership that is there already.
func TestT030_AMembershipIsNeverChangedByAccepting(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		for _, status := range []string{"active", "suspended"} {
			sent := s.invite("nina@x.example", "role", "full")
			ends := db.Some(s.Clock.Now().Add(30 * 24 * time.Hour))
			m := s.JoinAs(s.a, access.Join{User: nina.User, Role: access.Role{BuiltIn: "readonly"}, Ends: ends})
			s.Exec("UPDATE memberships SET status = $2 WHERE id = $1", m, status)
			before := s.traces()
			sent.follow(nina.Browser)
			inviteAccept(nina.Browser).Must(409, "a member of the account already")
			nina.PostOnly("/me/invitations/"+id.String(sent.number)+"/accept", form()).Must(409)
			s.untouched(before, "accepting as a member who is "+status)
			if n := s.Count("memberships WHERE id = $1 AND role = 'readonly' AND NOT owner AND status = $2 AND ends_at = $3", m, status, ends); n != 1 {
				t.Errorf("the membership that was %s has changed", status)
			}
			nina.PostOnly("/me/invitations/"+id.String(sent.number)+"/decline", form()).Must(303)
			s.Exec("UPDATE memberships SET status = 'ended' WHERE id = $1", m)
		}
	})
}

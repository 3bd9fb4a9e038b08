package portal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// inviteRow is how the open invitation to an address looks in the account's
// list, without what differs from one to the next.
func (s *inviteStage) inviteRow(address string) string {
	s.t.Helper()
	rows := s.alice.Get(accountPath(s.a) + "/people").Must(200).Find("tr").FilterFunction(func(_ int, e *goquery.Selection) bool {
		return strings.Contains(e.Text(), address) && !strings.Contains(e.Text(), "Declined")
	})
	if rows.Length() != 1 {
		s.t.Fatalf("%s stands in %d rows", address, rows.Length())
	}
	html, _ := rows.Html()
	return inviteBlank(html, address, strings.Split(address, "@")[0])
}

// Who says no is left alone: the link is dead, the inviter knows, and an
// account that was blocked neither reaches her again nor learns of it.
func TestT031_ANoIsANo(t *testing.T) {
	for name, setting := range map[string]apptest.Setting{"mail leaves": func(*config.Config) {}, "mail is kept": func(c *config.Config) { c.SMTPURL = "" }} {
		t.Run(name, func(t *testing.T) {
			inviteEach(t, func(t *testing.T, s *inviteStage) {
				nina, leaves := s.nina(), name == "mail leaves"
				decline := func(address string, pairs ...string) id.Invitation {
					s.send(s.alice, address).Must(303)
					number := apptest.Query[id.Invitation](s.World, "SELECT MAX(id) FROM invitations")[0]
					if p := s.Person("Somebody", address); !leaves {
						p.PostOnly("/me/invitations/"+id.String(number)+"/decline", form(pairs...)).Must(303)
						return number
					}
					b, sent := s.Browser(), s.sent(address)
					sent.follow(b).Must(200, "No, thank you")
					b.PostOnly("/invitation/decline", form(pairs...)).Must(200, "Declined")
					sent.follow(b).Must(410)
					inviteJoin(b, "Nina Ek").Must(410)
					return number
				}
				declined := decline("once@x.example")
				s.alice.Get(accountPath(s.a)+"/people").Must(200, "once@x.example", "Declined")
				for _, action := range []string{"/resend", "/withdraw", ""} {
					s.alice.PostOnly(s.path()+"/"+id.String(declined)+action, s.own("role", "full")).Must(409)
				}
				s.send(s.alice, "once@x.example").Must(303)
				if n := s.Count("mails WHERE recipient = 'once@x.example'"); n != 2 {
					t.Errorf("%d mails, want one for each invitation", n)
				}

				decline("never@x.example", "block", "1")
				if leaves {
					s.Quiet()
				}
				mails := s.Count("mails")
				blocked, open := s.send(s.alice, "never@x.example"), s.send(s.alice, "nora@x.example")
				if blocked.Status != open.Status || blocked.Location != open.Location {
					t.Errorf("inviting somebody who blocks answers %d %s", blocked.Status, blocked.Location)
				}
				if leaves {
					s.Quiet()
				}
				if n := s.Count("mails WHERE recipient = 'never@x.example'"); n != 1 || s.Count("mails") != mails+1 {
					t.Errorf("somebody who blocks has %d mails", n)
				}
				number := apptest.Query[string](s.World, "SELECT id FROM invitations WHERE address = 'never@x.example' AND state = 'pending'")[0]
				if got, want := s.inviteRow("never@x.example"), s.inviteRow("nora@x.example"); got != want {
					t.Errorf("somebody who blocks stands in the list as\n%s\nand everybody else as\n%s", got, want)
				}
				s.alice.PostOnly(s.path()+"/"+number+"/resend", s.own()).Must(303)
				if n := s.Count("mails WHERE recipient = 'never@x.example'"); n != 1 {
					t.Error("sending again reaches somebody who blocks")
				}
				never := apptest.Query[id.User](s.World, "SELECT id FROM users WHERE address = 'never@x.example'")[0]
				b := &apptest.Person{Browser: s.Browser(), User: never}
				s.SignIn(b)
				if p := b.Get("/me/invitations").Must(200); p.Says("Acorn Paper") {
					t.Error("a blocked account asks again")
				}
				s.limitless()
				mallory, m := s.mallory()
				mallory.PostOnly(invitePath(m), form("account", id.String(m), "address", "never@x.example", "role", "readonly")).Must(303)
				b.Get("/me/invitations").Must(200, "Midnight Media")

				s.Join(s.a, nina, apptest.Keys("services.view"))
				nina.PostOnly(accountPath(s.a)+"/leave", s.own()).Must(303)
				nina.Get(accountPath(s.a)).Must(404)
				s.alice.PostOnly(accountPath(s.a)+"/leave", s.own()).Must(409, "only owner")
			}, setting)
		})
	}
}

// A mailbox cannot be filled by invitations, whoever sends them and however,
// and mail about one's own login does not wait behind them.
func TestT022_NobodysMailboxIsFilledWithInvitations(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		limited := func(p *apptest.Page, what string) {
			t.Helper()
			if p.Status != 429 || p.Header.Get("Retry-After") == "" {
				t.Errorf("%s answers %d, try again after %q", what, p.Status, p.Header.Get("Retry-After"))
			}
		}
		for n := range 6 {
			number := id.String(id.User(n + 1))
			other := s.Person("Owner "+number, "owner"+number+"@m.example")
			a := s.Account(other, "Account "+number)
			p := other.PostOnly(invitePath(a), form("account", id.String(a), "address", "victim@x.example", "role", "mail"))
			if n < 3 {
				p.Must(303)
				continue
			}
			limited(p, "another account")
			if p.FieldError("address") == "" {
				t.Error("the refusal stands beside no field")
			}
		}
		again := s.invite("again@x.example")
		for n := range 5 {
			p := s.alice.PostOnly(again.path+"/resend", s.own())
			if n < 2 {
				p.Must(303)
				continue
			}
			limited(p, "sending again")
		}
		for n := range 6 { // withdrawing makes no room
			p := s.send(s.alice, "yoyo@x.example", "role", "mail")
			if n >= 3 {
				limited(p, "inviting after withdrawing")
				continue
			}
			p.Must(303)
			s.alice.PostOnly(s.sent("yoyo@x.example").path+"/withdraw", s.own()).Must(303)
		}
		for address, want := range map[string]int64{"victim@x.example": 3, "again@x.example": 3, "yoyo@x.example": 3} {
			if n := s.Count("mails WHERE recipient = $1", address); n != want {
				t.Errorf("%s has %d mails", address, n)
			}
		}
	})
}

// Three a day means three in any 24 hours, however they are spread.
func TestT022_ThreeInvitationsInAnyDay(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		var arrived []time.Time
		for _, wait := range []time.Duration{0, 23 * time.Hour, 30 * time.Minute, 31 * time.Minute, 10 * time.Hour, 13 * time.Hour, time.Hour, time.Hour, time.Hour, 24 * time.Hour} {
			s.later(wait, s.alice)
			if s.send(s.alice, "victim@x.example", "role", "mail").Status == 303 {
				arrived = append(arrived, s.Clock.Now())
				s.alice.PostOnly(s.sent("victim@x.example").path+"/withdraw", s.own()).Must(303)
			}
		}
		for n := 3; n < len(arrived); n++ {
			if d := arrived[n].Sub(arrived[n-3]); d < 24*time.Hour {
				t.Errorf("four mails arrived within %s", d)
			}
		}
		if len(arrived) < 6 {
			t.Errorf("only %d of them arrived in four days", len(arrived))
		}
	})
}

// However many invitations wait for the mail server, a link for a password
// overtakes them.
func TestT022_MailAboutOnesLoginOvertakesInvitations(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		s.Mail.Hold(true)
		for n := range 40 {
			s.send(s.alice, fmt.Sprintf("u%d@x.example", n), "role", "mail").Must(303)
		}
		nina.Post("/recover", form("address", "nina@x.example")).Must(200)
		s.Mail.Hold(false)
		s.Mail.Next(t, "nina@x.example", "Set a new password")
		s.Quiet()
		// Eight invitations were on their way already; then it is its turn.
		place := slices.IndexFunc(s.Mail.All(), func(m *apptest.Mail) bool { return m.To == "nina@x.example" })
		if place > 20 {
			t.Errorf("%d invitations left first", place)
		}
	})
}

func TestT022_InvitingIsLimitedPerPersonAccountDomainAndInstallation(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		sent := 0
		send := func(by *apptest.Person) *apptest.Page {
			sent++
			return s.send(by, fmt.Sprintf("u%d@d%d.example", sent, sent%7), "role", "mail")
		}
		times := func(n int, by *apptest.Person) {
			t.Helper()
			for range n {
				send(by).Must(303)
			}
		}
		refused := func(p *apptest.Page, what string) {
			t.Helper()
			if p.Status != 429 || p.Header.Get("Retry-After") == "" || p.FieldError("address") == "" {
				t.Errorf("%s: %d, try again after %q, %q", what, p.Status, p.Header.Get("Retry-After"), p.FieldError("address"))
			}
		}
		olga, nina := s.Person("Olga Brandt", "olga@acorn.example"), s.nina()
		s.JoinAs(s.a, access.Join{User: olga.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		times(50, s.alice)
		refused(send(s.alice), "more than one person sends in an hour")
		nina.Post("/recover", form("address", "nina@x.example")).Must(200)
		began := time.Now()
		s.Mail.Next(t, "nina@x.example", "Set a new password")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a link for a password waits %s behind invitations", took)
		}
		times(50, olga)
		s.later(time.Hour, s.alice, olga)
		refused(send(s.alice), "more than one account sends in a day")
		s.later(24*time.Hour, s.alice)
		times(1, s.alice)
		full := func(key string, hits int) {
			s.Exec("DELETE FROM throttles WHERE name = $1", auth.HashToken(key))
			s.Exec("INSERT INTO throttles (name, began_at, ends_at, hits) VALUES ($1, $2, $3, $4)", auth.HashToken(key), s.Clock.Now(), s.Clock.Now().Add(time.Minute), hits)
		}
		full("invite.domain:d.example", 200)
		refused(s.send(s.alice, "new@d.example"), "more than one domain gets in a day")
		s.send(s.alice, "new@d0.example").Must(303)
		full("invite.install", 5000)
		refused(s.send(s.alice, "new@d1.example"), "more than an installation sends in an hour")
	})
}

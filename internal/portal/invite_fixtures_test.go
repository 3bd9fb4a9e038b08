package portal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// An inviteStage is an account with its owner, alice, who invites.
type inviteStage struct {
	*apptest.World
	t     *testing.T
	alice *apptest.Person
	a     id.Account
	root  *apptest.Operator // who sets languages; nil until then
}

// inviteEach runs a test on both engines, each on a stage of its own.
func inviteEach(t *testing.T, test func(t *testing.T, s *inviteStage), settings ...apptest.Setting) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice Moreau", "alice@acorn.example")
		test(t, &inviteStage{World: w, t: t, alice: alice, a: w.Account(alice, "Acorn Paper")})
	}, settings...)
}

// bob manages people and sees services, and holds nothing else.
func (s *inviteStage) bob() *apptest.Person {
	s.t.Helper()
	bob := s.Person("Bob Castle", "bob@acorn.example")
	s.Join(s.a, bob, apptest.Keys("people.manage", "people.view", "services.view"))
	return bob
}

// nina has a login and no account.
func (s *inviteStage) nina() *apptest.Person {
	s.t.Helper()
	return s.Person("Nina Ek", "nina@x.example")
}

// mallory owns an account of her own, which has nothing to do with alice's.
func (s *inviteStage) mallory() (*apptest.Person, id.Account) {
	s.t.Helper()
	mallory := s.Person("Mallory Quist", "mallory@m.example")
	return mallory, s.Account(mallory, "Midnight Media")
}

// path is where the account's invitations are.
func (s *inviteStage) path() string { return invitePath(s.a) }

func invitePath(a id.Account) string { return accountPath(a) + "/people/invitations" }

// send sends the form that invites somebody, and does not follow where it
// leads. Without a choice of a role it is Read only.
func (s *inviteStage) send(by *apptest.Person, address string, pairs ...string) *apptest.Page {
	s.t.Helper()
	return by.PostOnly(s.path(), s.form(address, pairs...))
}

func (s *inviteStage) form(address string, pairs ...string) url.Values {
	if len(pairs) == 0 {
		pairs = []string{"role", "readonly"}
	}
	return form(append([]string{"account", id.String(s.a), "address", address}, pairs...)...)
}

// own is a form that says no more than which account it belongs to.
func (s *inviteStage) own(pairs ...string) url.Values {
	return form(append([]string{"account", id.String(s.a)}, pairs...)...)
}

// An inviteSent is an invitation whose mail has arrived.
type inviteSent struct {
	number id.Invitation
	path   string // its address in the account
	link   string // what was mailed, as a path
	mail   *apptest.Mail
}

// invite has alice invite an address, and reads the mail.
func (s *inviteStage) invite(address string, pairs ...string) inviteSent {
	s.t.Helper()
	return s.inviteBy(s.alice, address, pairs...)
}

func (s *inviteStage) inviteBy(by *apptest.Person, address string, pairs ...string) inviteSent {
	s.t.Helper()
	s.send(by, address, pairs...).Must(303)
	return s.sent(address)
}

// sent is the newest invitation to an address, with its unread mail.
func (s *inviteStage) sent(address string) inviteSent {
	s.t.Helper()
	mail := s.Mail.Next(s.t, address, "invites you to")
	number := apptest.Query[id.Invitation](s.World, "SELECT id FROM invitations WHERE account_id = $1 AND address = $2 ORDER BY id DESC", s.a, address)[0]
	return inviteSent{number: number, path: s.path() + "/" + id.String(number), link: mail.Link(s.t), mail: mail}
}

func (i inviteSent) token() string { return strings.TrimPrefix(i.link, "/i/") }

// state is where an invitation stands.
func (s *inviteStage) state(number id.Invitation) string {
	s.t.Helper()
	return apptest.Query[string](s.World, "SELECT state FROM invitations WHERE id = $1", number)[0]
}

// row is all of an invitation, to see whether anything about it has changed.
func (s *inviteStage) row(number id.Invitation) string {
	s.t.Helper()
	return apptest.Query[string](s.World, `
		SELECT i.state || ' ' || i.token_hash || ' ' || i.role || ' ' || COALESCE(i.role_id, 0) || ' ' || i.permissions || ' ' || i.sends || ' ' ||
			CAST(i.expires_at AS TEXT) || ' ' || COALESCE(i.accepted_by, 0) || ' ' || COALESCE(i.membership_id, 0) FROM invitations i WHERE i.id = $1`, number)[0]
}

// inviteTraces counts what an invitation could have left behind.
type inviteTraces struct{ invitations, members, users, sessions, done int64 }

func (s *inviteStage) traces() inviteTraces {
	s.t.Helper()
	return inviteTraces{
		s.Count("invitations"), s.Count("memberships WHERE status = 'active'"), s.Count("users"),
		s.Count("sessions WHERE ended_at IS NULL"), s.Count("audit_records WHERE outcome = 'done'"),
	}
}

// untouched fails if anything was done since.
func (s *inviteStage) untouched(before inviteTraces, what string) {
	s.t.Helper()
	if after := s.traces(); after != before {
		s.t.Errorf("%s: there was %+v, and now there is %+v", what, before, after)
	}
}

// members counts the active memberships of whoever has an address.
func (s *inviteStage) members(address string) int64 {
	s.t.Helper()
	return s.Count("memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 AND m.status = 'active' AND u.address = $2", s.a, address)
}

// recorded counts an event's records on an object.
func (s *inviteStage) recorded(event string, object int64) int64 {
	s.t.Helper()
	return s.Count("audit_records WHERE outcome = 'done' AND event = $1 AND object_id = $2", event, object)
}

// holds is what whoever has an address may do in the account.
func (s *inviteStage) holds(address string) access.Set {
	s.t.Helper()
	type row struct {
		Role        string
		Owner       bool
		Permissions access.Set
	}
	found := apptest.Query[row](s.World, `
		SELECT m.role, m.owner, m.permissions | COALESCE(r.permissions, 0) AS permissions FROM memberships m JOIN users u ON u.id = m.user_id
		LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
		WHERE m.account_id = $1 AND m.status = 'active' AND u.address = $2`, s.a, address)
	if len(found) != 1 {
		s.t.Fatalf("%s has %d memberships", address, len(found))
	}
	if found[0].Owner {
		s.t.Fatalf("%s is an owner", address)
	}
	b, _ := access.RoleByKey(found[0].Role)
	return b.Set | found[0].Permissions
}

// limitless forgets what has been counted against every limit.
func (s *inviteStage) limitless() { s.Exec("DELETE FROM throttles") }

// later moves the clock, and gives people fresh sessions, as idle ones end.
func (s *inviteStage) later(d time.Duration, people ...*apptest.Person) {
	s.t.Helper()
	s.Clock.Move(d)
	for _, p := range people {
		s.SignIn(p)
	}
}

// tab is another browser with the cookies of this one.
func (s *inviteStage) tab(b *apptest.Browser) *apptest.Browser {
	other := s.Browser()
	for _, c := range b.Cookies() {
		other.SetCookie(&http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
	}
	return other
}

// follow opens a mailed link as far as the page that asks.
func (i inviteSent) follow(b *apptest.Browser) *apptest.Page { return b.Get(i.link) }

// inviteAccept presses the one button.
func inviteAccept(b *apptest.Browser) *apptest.Page { return b.PostOnly("/invitation/accept", form()) }

// inviteJoin makes a login on the way in.
func inviteJoin(b *apptest.Browser, name string) *apptest.Page {
	return b.PostOnly("/invitation/join", form("name", name, "password", apptest.Password))
}

// inviteProblem sends a request as a program would, and reads what kind of
// problem the answer names.
func inviteProblem(t *testing.T, b *apptest.Browser, path string, fill url.Values) (status int, kind string) {
	t.Helper()
	req := b.Request("POST", path, fill)
	req.Header.Set("Accept", "application/json")
	page := b.Once(req)
	var problem struct{ Type string }
	if page.Status >= 400 {
		if err := json.Unmarshal([]byte(page.Body), &problem); err != nil {
			t.Fatalf("%s answers %d with no problem document: %v", path, page.Status, err)
		}
	}
	return page.Status, problem.Type[strings.LastIndex(problem.Type, "/")+1:]
}

// inviteWait waits for what happens behind the scenes, in real time.
func inviteWait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain: " + what)
		}
	}
}

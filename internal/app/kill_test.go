package app_test

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

// A deed is something that somebody does once. Where it got no answer, she
// does not know whether it was done, and tries again.
type deed struct {
	name string
	do   func(n *node) int // the status; lost without an answer
	done bool
}

// finished are the statuses after which nobody tries again: it was done, now
// or by a try that got no answer.
var finished = []int{http.StatusSeeOther, http.StatusConflict, http.StatusGone, http.StatusNotFound}

// A hosting is a world with much to do: an owner who invites, guests who
// accept, and visitors who confirm their addresses.
type hosting struct {
	*apptest.World
	t       *testing.T
	bakery  id.Account
	deeds   []*deed
	invited []string
}

const guests, strangers, visitors = 24, 40, 12

func newHosting(t *testing.T, e db.Engine) *hosting {
	h := &hosting{World: apptest.New(t, e), t: t}
	asOfNow(h.World)
	nora := h.Person("Nora Baker", "nora@bakery.example")
	h.bakery = h.Account(nora, "Harbour Bakery")
	streams := [][]*deed{h.accepts(nora), h.invites(), h.signUps()}
	for i := range strangers {
		for _, s := range streams {
			if i < len(s) {
				h.deeds = append(h.deeds, s[i])
			}
		}
	}
	h.Quiet()
	rest(t, h.World)
	return h
}

// accepts are guests who have been invited and say yes.
func (h *hosting) accepts(nora *apptest.Person) (list []*deed) {
	for i := range guests {
		guest := h.Person(fmt.Sprintf("Guest %d", i), fmt.Sprintf("guest%d@guests.example", i))
		invite(nora.Browser, h.bakery, guest.Address).Must(http.StatusSeeOther)
		number := apptest.Query[int64](h.World, "SELECT id FROM invitations WHERE address = $1", guest.Address)[0]
		path := fmt.Sprintf("/me/invitations/%d/accept", number)
		list = append(list, &deed{name: guest.Name + " accepts", do: func(n *node) int {
			return n.post(guest.Browser, path, form())
		}})
		h.invited = append(h.invited, guest.Address)
	}
	return list
}

// invites are what an owner sends out.
func (h *hosting) invites() (list []*deed) {
	yuki := h.Person("Yuki Tan", "yuki@yoga.example")
	yoga := h.Account(yuki, "Still Water Yoga")
	for i := range strangers {
		address := fmt.Sprintf("stranger%d@strangers.example", i)
		list = append(list, &deed{name: "Yuki invites " + address, do: func(n *node) int {
			return n.post(yuki.Browser, invitations(yoga), invitation(yoga, address))
		}})
		h.invited = append(h.invited, address)
	}
	return list
}

// signUps are visitors who have the mailed link and confirm their address.
func (h *hosting) signUps() (list []*deed) {
	for i := range visitors {
		b := h.Browser()
		b.Network = fmt.Sprintf("192.0.2.%d", 100+i)
		address := fmt.Sprintf("visitor%d@visitors.example", i)
		b.Post("/signup", form("name", fmt.Sprintf("Visitor %d", i), "address", address, "password", apptest.Password,
			"kind", "account", "account_name", fmt.Sprintf("Company %d", i), "currency", "EUR")).Must(200, "Look into your mail")
		b.Get(h.Mail.Next(h.t, address, "Confirm your address").Link(h.t)).Must(200)
		list = append(list, &deed{name: address + " confirms", do: func(n *node) int {
			return n.post(b, "/signup/confirm", form())
		}})
	}
	return list
}

// work has eight people do the deeds that are not done, and kills the node
// after so many of them, while the others are under way. It answers how many
// got no answer.
func (h *hosting) work(n *node, killAfter int) (unanswered int64) {
	queue := make(chan *deed, len(h.deeds))
	for _, d := range h.deeds {
		if !d.done {
			queue <- d
		}
	}
	close(queue)
	var counted, lostOnes atomic.Int64
	var people sync.WaitGroup
	for range 8 {
		people.Go(func() {
			for d := range queue {
				status := d.do(n)
				if status == lost {
					lostOnes.Add(1)
					return
				}
				if d.done = slices.Contains(finished, status); !d.done {
					h.t.Errorf("%s: %d", d.name, status)
				}
				if counted.Add(1) == int64(killAfter) {
					n.kill()
				}
			}
		})
	}
	people.Wait()
	return lostOnes.Load()
}

// nothingHalf makes sure that whatever happened has happened in full.
func (h *hosting) nothingHalf() {
	h.t.Helper()
	for what, query := range map[string]string{
		"open accounts without an owner": `accounts a WHERE a.status <> 'closed' AND NOT EXISTS (SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
			WHERE m.account_id = a.id AND m.owner AND m.status = 'active' AND u.status = 'active' AND u.verified_at IS NOT NULL)`,
		"accepted invitations without their membership": `invitations i WHERE i.state = 'accepted' AND NOT EXISTS (SELECT 1 FROM memberships m
			WHERE m.account_id = i.account_id AND m.id = i.membership_id AND m.user_id = i.accepted_by AND m.status = 'active')`,
		"memberships that nobody accepted": `memberships m WHERE NOT m.owner AND NOT EXISTS (SELECT 1 FROM invitations i
			WHERE i.account_id = m.account_id AND i.membership_id = m.id AND i.state = 'accepted')`,
		"memberships without their record": `memberships m WHERE (SELECT COUNT(*) FROM audit_records r
			WHERE r.account_id = m.account_id AND r.event = 'member.joined' AND r.object_id = m.id) <> 1`,
		"people twice in an account":       "(SELECT account_id, user_id FROM memberships WHERE status <> 'ended' GROUP BY account_id, user_id HAVING COUNT(*) > 1) x",
		"invitations without their mail":   "invitations i WHERE NOT EXISTS (SELECT 1 FROM mails l WHERE l.id = i.mail_id AND l.recipient = i.address)",
		"waiting mails without their text": "mails WHERE state = 'queued' AND sealed = ''",
		"waiting mails without a job": `mails l WHERE l.state = 'queued' AND NOT EXISTS (SELECT 1 FROM river_job j
			WHERE j.kind = 'mail.deliver' AND j.state NOT IN ('completed', 'cancelled', 'discarded') AND j.args = ` + h.args() + `)`,
		"used sign-ups without their user": `signups s WHERE s.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users u
			JOIN memberships m ON m.user_id = u.id AND m.owner WHERE u.address = s.address)`,
		"users without a sign-up's account": `users u WHERE u.address LIKE 'visitor%' AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id AND m.owner)`,
	} {
		if n := h.Count(query); n != 0 {
			h.t.Errorf("there are %d %s", n, what)
		}
	}
}

// args is what the job that delivers mail l was given, as SQL.
func (h *hosting) args() string {
	if h.Engine == db.Postgres {
		return "jsonb_build_object('mail', l.id)"
	}
	return "CAST(json_object('mail', l.id) AS BLOB)"
}

// TestAKillLosesNothing kills the product with kill -9 again and again while
// people invite, accept and sign up.
func TestAKillLosesNothing(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			h := newHosting(t, e)
			unanswered := int64(0)
			for _, after := range []int{5, 11, 17, 9} {
				n := startNode(t, h.World, h.Mail.URL())
				unanswered += h.work(n, after)
				n.kill()
				h.nothingHalf()
				pass(h.World)
			}
			t.Logf("%d requests got no answer", unanswered)
			n := startNode(t, h.World, h.Mail.URL())
			if h.work(n, -1) != 0 {
				t.Errorf("the last node did not answer: %s", n.log)
			}
			eventually(t, "all mail has left", func() bool { return h.Count("mails WHERE state <> 'sent'") == 0 })
			h.nothingHalf()
			h.complete()
		})
	}
}

// complete makes sure that everything was done in the end.
func (h *hosting) complete() {
	h.t.Helper()
	for what, c := range map[string]struct {
		query string
		want  int64
	}{
		"guests in the bakery": {"memberships WHERE account_id = " + id.String(h.bakery) + " AND NOT owner", guests},
		"invitations":          {"invitations", guests + strangers},
		"accounts":             {"accounts", 2 + visitors},
		"users":                {"users", 2 + guests + visitors},
	} {
		if n := h.Count(c.query); n != c.want {
			h.t.Errorf("there are %d %s, want %d", n, what, c.want)
		}
	}
	for _, address := range h.invited {
		if h.Mail.To(address) == 0 {
			h.t.Errorf("the invitation to %s never came", address)
		}
	}
}

// TestAMailInTheMiddleOfAKillLeavesLater kills the product while a mail server
// has it wait in the middle of a conversation.
func TestAMailInTheMiddleOfAKillLeavesLater(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			silent, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer silent.Close()
			w := apptest.New(t, e)
			asOfNow(w)
			nora := w.Person("Nora Baker", "nora@bakery.example")
			a := w.Account(nora, "Harbour Bakery")
			rest(t, w)

			n := startNode(t, w, "smtp://"+silent.Addr().String()+"?tls=none")
			if status := n.post(nora.Browser, invitations(a), invitation(a, "ben@bakery.example")); status != http.StatusSeeOther {
				t.Fatalf("inviting answers %d", status)
			}
			conn, err := silent.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			n.kill()
			if got := w.Count("river_job WHERE kind = 'mail.deliver' AND state = 'running'"); got != 1 {
				t.Fatalf("%d jobs are under way", got)
			}

			pass(w)
			startNode(t, w, w.Mail.URL())
			eventually(t, "the mail has left", func() bool { return w.Count("mails WHERE state = 'sent'") == 1 })
			w.Mail.Next(t, "ben@bakery.example", "invites you")
		})
	}
}

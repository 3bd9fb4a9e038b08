package app_test

import (
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
)

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// invitations is where a form posts to that invites somebody, and invitation
// what it sends.
func invitations(a id.Account) string { return "/a/" + id.String(a) + "/people/invitations" }

func invitation(a id.Account, address string) url.Values {
	return form("account", id.String(a), "address", address, "role", "billing")
}

func invite(b *apptest.Browser, a id.Account, address string) *apptest.Page {
	return b.PostOnly(invitations(a), invitation(a, address))
}

// TestAnInvitationStandsWhileTheMailServerIsDown invites while nothing listens
// where the mail server should be, and again after it has come.
func TestAnInvitationStandsWhileTheMailServerIsDown(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			way := newGate(t, "tcp", "")
			w := apptest.New(t, e, func(c *config.Config) {
				way.to, c.SMTPURL = strings.TrimSuffix(strings.TrimPrefix(c.SMTPURL, "smtp://"), "?tls=none"), "smtp://"+way.address+"?tls=none"
			})
			nora := w.Person("Nora Baker", "nora@bakery.example")
			a := w.Account(nora, "Harbour Bakery")
			people := "/a/" + id.String(a) + "/people"

			invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
			eventually(t, "the page says that the mail is delayed", func() bool {
				page := nora.Get(people).Must(200, "ben@bakery.example")
				return page.Says("Mail is delayed") && page.Says("It leaves by itself as soon as it does")
			})
			w.Restart()
			nora.Get(people).Must(200, "Mail is delayed")

			way.open()
			link := w.Mail.Next(t, "ben@bakery.example", "invites you").Link(t)
			w.Browser().Get(link).Must(200, "Join Harbour Bakery")
			w.Quiet()
			if nora.Get(people).Must(200, "ben@bakery.example").Says("Mail is delayed") {
				t.Error("the page still says that the mail is delayed")
			}
			if n := w.Mail.To("ben@bakery.example"); n != 1 {
				t.Errorf("the invitation came %d times", n)
			}
		})
	}
}

// TestMailWaitsForTheKeyThatSealedIt has a message that another key sealed, as
// a node with a key file of its own would do it.
func TestMailWaitsForTheKeyThatSealedIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Harbour Bakery")
		w.Mail.Down(true)
		invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
		whole := apptest.Query[string](w, "SELECT sealed FROM mails WHERE recipient = 'ben@bakery.example'")[0]
		w.Exec("UPDATE mails SET sealed = 'ffffffff' || SUBSTR(sealed, 9) WHERE recipient = 'ben@bakery.example'")
		eventually(t, "the log says why the mail waits", func() bool {
			return w.Count("mails WHERE state = 'queued' AND problem LIKE '%sealed with another secret key%'") == 1
		})
		w.Mail.Down(false)
		w.Exec("UPDATE mails SET sealed = $1 WHERE recipient = 'ben@bakery.example'", whole)
		w.Mail.Next(t, "ben@bakery.example", "invites you")
	})
}

// TestMailThatNeverLeftIsSaidToHaveFailed lets the last of all tries fail.
func TestMailThatNeverLeftIsSaidToHaveFailed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Harbour Bakery")
		w.Mail.Down(true)
		invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
		w.Exec("UPDATE river_job SET max_attempts = 2")
		eventually(t, "the mail has failed", func() bool { return w.Count("mails WHERE state = 'failed' AND problem <> '' AND sealed = ''") == 1 })
		nora.Get("/a/"+id.String(a)+"/people").Must(200, "ben@bakery.example", "Mail was refused")
	})
}

// A gate is a port that leads to a server elsewhere, while it is open.
type gate struct {
	t           *testing.T
	address     string
	network, to string
	mu          sync.Mutex
	listener    net.Listener
	passing     []net.Conn
}

// newGate makes a gate that is shut.
func newGate(t *testing.T, network, to string) *gate {
	t.Helper()
	g := &gate{t: t, address: "127.0.0.1:0", network: network, to: to}
	t.Cleanup(g.shut)
	g.open()
	g.address = g.listener.Addr().String()
	g.shut()
	return g
}

func (g *gate) open() {
	g.t.Helper()
	listener, err := net.Listen("tcp", g.address)
	if err != nil {
		g.t.Fatal(err)
	}
	g.listener = listener
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(g.network, g.to)
			if err != nil {
				in.Close()
				continue
			}
			g.mu.Lock()
			g.passing = append(g.passing, in, out)
			g.mu.Unlock()
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
}

// shut lets nobody in, and cuts off who is.
func (g *gate) shut() {
	if g.listener != nil {
		g.listener.Close()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.passing {
		c.Close()
	}
	g.passing = nil
}

// TestASecondNodeWorksEachJobOnce has two nodes work one queue.
func TestASecondNodeWorksEachJobOnce(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.Postgres)
	nora := w.Person("Nora Baker", "nora@bakery.example")
	a := w.Account(nora, "Harbour Bakery")
	twin := w.Twin()
	apptest.Race(2, func(node int) {
		b := nora.Browser
		if node == 1 {
			b = b.On(twin)
		}
		for i := range 20 {
			invite(b, a, fmt.Sprintf("guest%d.%d@bakery.example", node, i)).Must(http.StatusSeeOther)
		}
	})
	w.Quiet()
	for node := range 2 {
		for i := range 20 {
			address := fmt.Sprintf("guest%d.%d@bakery.example", node, i)
			if n := w.Mail.To(address); n != 1 {
				t.Errorf("%s got %d mails", address, n)
			}
		}
	}
	eventually(t, "all jobs are done", func() bool { return w.Count("river_job WHERE state <> 'completed'") == 0 })
	if n := w.Count("river_job WHERE attempt <> 1"); n != 0 {
		t.Errorf("%d jobs took more than one try", n)
	}
}

// unfit is what no page may show of what went wrong inside.
var unfit = []string{"goroutine", "panic", "SQLSTATE", "pgx", ".go:", "driver", "sql:", "EOF", "database is", "disk"}

// mustBeFit fails for an answer that is neither the page nor the page that
// says to wait.
func mustBeFit(t *testing.T, p *apptest.Page) {
	t.Helper()
	text := p.Find("body").Text()
	for _, word := range unfit {
		if strings.Contains(text, word) {
			t.Errorf("%s shows %q", p.URL.Path, word)
		}
	}
	switch p.Status {
	case http.StatusOK, http.StatusSeeOther:
	case http.StatusServiceUnavailable:
		if p.Header.Get("Retry-After") == "" || !p.Says("Please wait a moment") {
			t.Errorf("%s does not say when to try again: %s", p.URL.Path, text)
		}
	default:
		t.Errorf("%s answers %d: %s", p.URL.Path, p.Status, text)
	}
}

// A crowd is four people who work without a pause: they look at the People
// page and invite.
type crowd struct {
	t        *testing.T
	stop     chan struct{}
	working  sync.WaitGroup
	mu       sync.Mutex
	statuses map[int]int
	invited  []string // whom the answer said to be invited
}

func gather(t *testing.T, w *apptest.World, nora *apptest.Person, a id.Account) *crowd {
	c := &crowd{t: t, stop: make(chan struct{}), statuses: map[int]int{}}
	for n := range 4 {
		b := nora.On(w)
		c.working.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-c.stop:
					return
				default:
				}
				c.note(b.Get("/a/"+id.String(a)+"/people"), "")
				if i%2 == 0 && i < 16 {
					address := fmt.Sprintf("guest%d.%d@bakery.example", n, i)
					c.note(invite(b, a, address), address)
				}
			}
		})
	}
	return c
}

func (c *crowd) note(p *apptest.Page, invited string) {
	mustBeFit(c.t, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[p.Status]++
	if invited != "" && p.Status == http.StatusSeeOther {
		c.invited = append(c.invited, invited)
	}
}

// saw tells how many answers with a status there have been so far.
func (c *crowd) saw(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[status]
}

// disperse ends the work, and makes sure that all is well again: every page
// comes, and whoever was invited by the answer has the mail.
func (c *crowd) disperse(w *apptest.World, nora *apptest.Person, a id.Account) {
	c.t.Helper()
	close(c.stop)
	c.working.Wait()
	// A connection that was cut may be found out only when it is used.
	eventually(c.t, "every page comes again", func() bool {
		for range 20 {
			if p := nora.Get("/a/" + id.String(a) + "/people"); p.Status != http.StatusOK {
				mustBeFit(c.t, p)
				return false
			}
		}
		return true
	})
	if c.statuses[http.StatusOK] == 0 || c.statuses[http.StatusServiceUnavailable] == 0 {
		c.t.Errorf("the answers were %v: nothing was tried", c.statuses)
	}
	// A job whose worker never heard that it was given it is taken up as those
	// of a dead node are.
	pass(w)
	w.Restart()
	for _, address := range c.invited {
		w.Mail.Next(c.t, address, "invites you")
	}
	if n := w.Count("invitations WHERE mail_id IS NULL"); n != 0 {
		c.t.Errorf("%d invitations are without their mail", n)
	}
	if strings.Contains(w.Logs.String(), `"msg":"panic"`) {
		c.t.Error("something panicked")
	}
}

// TestThePagesComeBackWithCutSessions has PostgreSQL end all sessions again
// and again while people work.
func TestThePagesComeBackWithCutSessions(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.Postgres)
	server, err := sql.Open("pgx", w.Config.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	nora := w.Person("Nora Baker", "nora@bakery.example")
	a := w.Account(nora, "Harbour Bakery")
	c := gather(t, w, nora, a)
	for range 30 {
		before := c.saw(http.StatusOK)
		eventually(t, "pages come", func() bool { return c.saw(http.StatusOK) > before })
		if _, err := server.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"); err != nil {
			t.Fatal(err)
		}
	}
	c.disperse(w, nora, a)
}

// TestThePagesComeBackWithTheDatabase takes PostgreSQL away while people work,
// and gives it back.
func TestThePagesComeBackWithTheDatabase(t *testing.T) {
	t.Parallel()
	way := newGate(t, "unix", "")
	w := apptest.New(t, db.Postgres, func(c *config.Config) {
		u, err := url.Parse(c.DatabaseURL)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		way.to = filepath.Join(q.Get("host"), ".s.PGSQL.5432")
		way.open()
		q.Del("host")
		q.Set("sslmode", "disable")
		u.Host, u.RawQuery = way.address, q.Encode()
		c.DatabaseURL = u.String()
	})
	nora := w.Person("Nora Baker", "nora@bakery.example")
	a := w.Account(nora, "Harbour Bakery")
	c := gather(t, w, nora, a)
	for round := range 3 {
		eventually(t, "pages come", func() bool { return c.saw(http.StatusOK) > 8*(round+1) })
		way.shut()
		before := c.saw(http.StatusServiceUnavailable)
		eventually(t, "pages say to wait", func() bool { return c.saw(http.StatusServiceUnavailable) > before+8 })
		w.Browser().Get("/healthz").Must(200)
		w.Browser().Get("/readyz").Must(503, "the database does not answer")
		way.open()
		eventually(t, "the server is ready again", func() bool { return w.Browser().Get("/readyz").Status == 200 })
	}
	c.disperse(w, nora, a)
}

// TestAFullDiskIsSaidAndSurvived lets SQLite's file grow no more, and then
// again.
func TestAFullDiskIsSaidAndSurvived(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	nora := w.Person("Nora Baker", "nora@bakery.example")
	a := w.Account(nora, "Harbour Bakery")
	pragma := func(text string) {
		if _, err := w.DB.Pool().Exec("PRAGMA " + text); err != nil {
			t.Fatal(err)
		}
	}
	pragma("max_page_count = 1") // as small as it is now
	full := 0
	for i := range 40 {
		p := invite(nora.Browser, a, fmt.Sprintf("guest%d@bakery.example", i))
		mustBeFit(t, p)
		if p.Status == http.StatusServiceUnavailable {
			full++
		}
	}
	if full == 0 {
		t.Fatal("the disk did not fill up")
	}
	nora.Get("/a/"+id.String(a)+"/people").Must(200, "Nora Baker")
	w.Browser().Get("/healthz").Must(200)
	pragma("max_page_count = 1000000")
	invite(nora.Browser, a, "late@bakery.example").Must(http.StatusSeeOther)
	w.Mail.Next(t, "late@bakery.example", "invites you")
	w.Quiet()
	if sent, mailed := w.Count("invitations"), int64(len(w.Mail.All())); sent != mailed {
		t.Errorf("%d invitations and %d mails", sent, mailed)
	}
}

package apptest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// A MailServer is a real SMTP server that keeps what it is given.
type MailServer struct {
	mu      sync.Mutex
	arrived *sync.Cond
	mails   []*Mail
	down    bool
	held    bool
	refuse  string // an address that it never takes
	server  *smtp.Server
	address string
}

// A Mail is one message as the server got it.
type Mail struct {
	From, To string
	Raw      []byte
	Envelope *enmime.Envelope
	RCPTs    int
	read     bool
}

func newMailServer(t testing.TB) *MailServer {
	t.Helper()
	m := &MailServer{}
	m.arrived = sync.NewCond(&m.mu)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = listener.Addr().String()
	m.server = smtp.NewServer(m)
	m.server.Domain, m.server.AllowInsecureAuth = "mail.test", true
	m.server.ErrorLog = quietLog{}
	go m.server.Serve(listener)
	t.Cleanup(func() { m.Hold(false); m.server.Close() })
	return m
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

// URL is the server as the settings name it.
func (m *MailServer) URL() string { return "smtp://" + m.address + "?tls=none" }

// Down makes the server refuse every conversation for now, or take them again.
func (m *MailServer) Down(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// Hold makes the server keep everybody waiting who brings a mail, or lets them
// go on.
func (m *MailServer) Hold(held bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held = held
	m.arrived.Broadcast()
}

// Refuse makes the server refuse an address for good.
func (m *MailServer) Refuse(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = address
}

// NewSession begins a conversation.
func (m *MailServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, &smtp.SMTPError{Code: 421, Message: "down for now"}
	}
	return &conversation{server: m}, nil
}

type conversation struct {
	server *MailServer
	from   string
	to     []string
}

func (c *conversation) Mail(from string, _ *smtp.MailOptions) error { c.from = from; return nil }
func (c *conversation) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == c.server.refuse {
		return &smtp.SMTPError{Code: 550, Message: "no such mailbox"}
	}
	c.to = append(c.to, to)
	return nil
}
func (c *conversation) Reset()        { c.from, c.to = "", nil }
func (c *conversation) Logout() error { return nil }

func (c *conversation) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	envelope, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil || len(c.to) == 0 {
		return errors.Join(err, errors.New("no recipient"))
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	for c.server.held {
		c.server.arrived.Wait()
	}
	c.server.mails = append(c.server.mails, &Mail{From: c.from, To: c.to[0], RCPTs: len(c.to), Raw: raw, Envelope: envelope})
	c.server.arrived.Broadcast()
	return nil
}

// Next waits for the next unread mail to an address whose subject contains
// the word, and marks it read.
func (m *MailServer) Next(t testing.TB, to, word string) *Mail {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	stop := time.AfterFunc(20*time.Second, m.arrived.Broadcast)
	defer stop.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		for _, mail := range m.mails {
			if !mail.read && mail.To == to && strings.Contains(mail.Envelope.GetHeader("Subject"), word) {
				mail.read = true
				return mail
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no mail to %s about %q; got %s", to, word, m.list())
		}
		m.arrived.Wait()
	}
}

func (m *MailServer) list() string {
	var out []string
	for _, mail := range m.mails {
		out = append(out, mail.To+": "+mail.Envelope.GetHeader("Subject"))
	}
	return strings.Join(out, "; ")
}

// All is every mail that has arrived.
func (m *MailServer) All() []*Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]*Mail(nil), m.mails...)
}

// To counts the mails that have arrived for an address.
func (m *MailServer) To(address string) int {
	n := 0
	for _, mail := range m.All() {
		if mail.To == address {
			n++
		}
	}
	return n
}

var links = regexp.MustCompile(`https?://[^\s"<>]+`)

// Link is the one link in the mail's text, as a path.
func (m *Mail) Link(t testing.TB) string {
	t.Helper()
	found := links.FindAllString(m.Envelope.Text, -1)
	if len(found) != 1 {
		t.Fatalf("the mail %q has %d links: %v", m.Subject(), len(found), found)
	}
	rest, ok := strings.CutPrefix(found[0], BaseURL)
	if !ok && !strings.Contains(found[0], "://localhost") && !strings.Contains(found[0], "://127.") {
		t.Fatalf("the link %s leads elsewhere", found[0])
	}
	if !ok {
		_, rest, _ = strings.Cut(found[0][len("http://"):], "/")
		rest = "/" + rest
	}
	return rest
}

// Subject is the mail's subject.
func (m *Mail) Subject() string { return m.Envelope.GetHeader("Subject") }

// Text is the mail's text part.
func (m *Mail) Text() string { return m.Envelope.Text }

// Token is the secret at the end of the mail's link.
func (m *Mail) Token(t testing.TB) string {
	t.Helper()
	link := m.Link(t)
	return link[strings.LastIndex(link, "/")+1:]
}

// Quiet waits until nothing waits in the queue any more.
func (w *World) Quiet() {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for w.Count("mails WHERE state = 'queued'") > 0 {
		if time.Now().After(deadline) {
			w.t.Fatal("mail is still waiting")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/db"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// A site is a world that browsers reach over a socket.
type site struct {
	*apptest.World
	t    testing.TB // what runs now: the test, or a step of it
	life testing.TB // as long as the site stands
	base string     // its address, without a final slash
}

// each runs a test on both databases, each on a site of its own.
func each(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	browser(t)
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			test(t, newSite(t, e))
		})
	}
}

// onOne runs a test on one database, where none has a part in what is tested.
func onOne(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	test(t, newSite(t, db.SQLite))
}

// newSite listens first: the address is in every link that the world writes.
func newSite(t *testing.T, e db.Engine, settings ...apptest.Setting) *site {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, life: t, base: fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)}
	settings = append([]apptest.Setting{func(c *config.Config) { c.BaseURL = s.base }}, settings...)
	s.World = apptest.New(t, e, settings...)
	server := &http.Server{Handler: s.Handler()}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return s
}

// visitor opens a browser that has never been here.
func (s *site) visitor() *tab {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(browser(s.t), chromedp.WithNewBrowserContext())
	s.life.Cleanup(cancel)
	return s.newTab(ctx)
}

// as opens a browser in which a person is signed in already.
func (s *site) as(p *apptest.Person) *tab {
	s.t.Helper()
	return s.signedIn("clientele-session", p.Cookie("__Host-clientele-session"), "/")
}

// asStaff opens a browser in which an operator is signed in already.
func (s *site) asStaff(o *apptest.Operator) *tab {
	s.t.Helper()
	return s.signedIn("clientele-staff", o.Cookie("__Secure-clientele-staff"), "/staff")
}

func (s *site) signedIn(name, token, path string) *tab {
	s.t.Helper()
	b := s.visitor()
	_, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{
		Name: name, Value: token, URL: s.base + path, Path: path, HTTPOnly: new(true), SameSite: network.CookieSameSiteLax,
	})
	b.must(err)
	return b
}

// setUpApp sets up the first second factor of an operator who has shown her
// password, and is in then.
func (s *site) setUpApp(b *tab) (seed string) {
	b.t.Helper()
	b.press("Set up an authenticator app").click("I cannot scan it")
	seed = strings.ToUpper(strings.ReplaceAll(b.names("main .mono")[0], " ", ""))
	b.write("Code", s.Code(seed)).press("Add the app").sees("not shown again").press("I have kept them")
	return seed
}

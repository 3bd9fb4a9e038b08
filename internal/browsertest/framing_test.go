package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"clientele/internal/id"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestT125_PagesCannotBeFramed (T-125) puts the pages on which a click gives
// something away into a frame of a neighbour's page: one that cookies go along
// to, since a port is no part of a site.
func TestT125_PagesCannotBeFramed(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner, guest := s.Person("Nora Baker", nora), s.Person("Dana Field", dana)
		bakery := s.Account(owner, "Harbour Bakery")
		base := "/a/" + id.String(bakery)
		b := s.as(owner)
		b.open(base+"/people/invitations/new").write("Mail address", dana).tick("Full access").press("Send the invitation")
		victim := s.as(guest)
		victim.open(s.Mail.Next(t, dana, "invites you").Link(t)).sees("Join Harbour Bakery")
		neighbour := serveFrames(t)
		for _, trap := range []struct {
			b    *tab
			path string
		}{
			{victim, "/invitation"},
			{victim, "/me"},
			{victim, "/me/security"},
			{b, base},
			{b, base + "/people"},
			{b, base + "/close"},
			{b, base + "/people/policy"},
			{b, base + "/leave"},
			{s.asStaff(s.Operator("Sam Porter", "sam@northbeam.example", "administrator")), "/staff"},
			{s.visitor(), "/signin"},
		} {
			trap.b.excused = func(p string) bool { return strings.Contains(p, "frame-ancestors 'none'") }
			if url := trap.b.framed(neighbour, s.base+trap.path); url != "" {
				t.Errorf("%s is shown in a frame: %s", trap.path, url)
			}
			trap.b.open(trap.path).is(200)
		}
		if s.Member(bakery, guest) {
			t.Error("a click through a frame has joined her")
		}
		if victim.framed(neighbour, neighbour+"/inside") == "" {
			t.Error("this test would not notice a page that is shown in a frame")
		}
	})
}

// framed opens a page of the neighbour's that frames another page, clicks into
// the middle of the frame, and says what the frame has come to show.
func (b *tab) framed(neighbour, address string) string {
	b.t.Helper()
	b.open(neighbour + "/?" + address)
	b.touch(found{X: 400, Y: 300})
	tree, err := chromedp.Call(b.ctx, page.GetFrameTree, cdp.Empty{})
	b.must(err)
	if n := len(tree.FrameTree.ChildFrames); n != 1 {
		b.t.Fatalf("the neighbour's page has %d frames", n)
	}
	if url := tree.FrameTree.ChildFrames[0].Frame.URL; !strings.HasPrefix(url, "chrome-error:") {
		return url
	}
	return ""
}

// serveFrames is the neighbour's server: what stands in the query, in a frame.
func serveFrames(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			fmt.Fprintf(w, `<title>Win a prize</title><link rel="icon" href="data:,"><iframe src="%s" width="800" height="600"></iframe>`, r.URL.RawQuery)
		}
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
}

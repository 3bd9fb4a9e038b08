package browsertest

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// payloads are names that are scripts, should a page forget to escape them in
// text, an attribute, an address, a script or a style. There is no pwned, so
// that each complains when it runs.
var payloads = []string{
	`<script>pwned(1)</script>`, `"><script>pwned(2)</script>`, `'><script>pwned(3)</script>`, `</title><script>pwned(4)</script>`,
	`<img src=x onerror=pwned(5)>`, `"><img src=x onerror=pwned(6)>`, `<svg onload=pwned(7)>`, `<svg><script>pwned(8)</script></svg>`,
	`<body onload=pwned(9)>`, `<iframe src="javascript:pwned(10)">`, `<iframe srcdoc="<script>parent.pwned(11)</script>">`,
	`<details open ontoggle=pwned(12)>`, `<input autofocus onfocus=pwned(13)>`, `" autofocus onfocus="pwned(14)`, `' onmouseover='pwned(15)`,
	`<a href="javascript:pwned(16)">x</a>`, `javascript:pwned(17)`, `<math><mtext><img src=x onerror=pwned(18)>`,
	`</textarea><script>pwned(19)</script>`, `</select><img src=x onerror=pwned(20)>`, `</script><script>pwned(21)</script>`,
	`<div hx-get="/me" hx-trigger="load" hx-on:load="pwned(22)">`, `" hx-on::load="pwned(23)" x="`, `<style>@import "//evil.example"</style>`,
	`<link rel=stylesheet href=//evil.example>`, `<base href="//evil.example/">`, `<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<form action=//evil.example><button>Save</button></form>`, `{{constructor.constructor('pwned(29)')()}}`, "`${pwned(30)}`", `<!--`, `&lt;script&gt;pwned(32)&lt;/script&gt;`,
}

// everything is all of them in one name. What is escaped stays text whatever
// it says; what is not betrays itself with the first.
var everything = "Ada " + strings.Join(payloads, " ") + " Field"

// smuggled finds what a payload would have made of a page.
const smuggled = `() => [...document.querySelectorAll(
	"script:not([src^='/assets/']), style, base, meta[http-equiv], link:not([href^='/assets/']), iframe, math, body [onload], [onerror], [onfocus], [ontoggle], [onmouseover], "
	+ "[hx-on\\:load], [hx-on\\:\\:load], [hx-get='/me'], a[href^='javascript'], form[action*=evil]")].map(e => e.outerHTML.slice(0, 200))`

// TestNoNameIsAScript (T-119) writes payloads into every text that people can
// set, straight into the database, and opens every page that leads anywhere, as
// an owner, as somebody without the permission, as a visitor and as staff.
func TestNoNameIsAScript(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		x := newSmuggler(s)
		for _, who := range []struct {
			b      *tab
			starts []string
		}{
			{s.as(x.owner), []string{x.base, x.base + "/close", x.base + "/leave", x.base + "/people/invitations/new", "/me", "/me/accounts/new", "/me/invitations"}},
			{s.as(x.member), []string{x.base, x.base + "/people"}},
			{s.visitor(), []string{x.invitation, x.signUp, "/invitation", "/signup/confirm"}},
			{s.asStaff(x.staff), []string{"/staff", "/staff/search?q=script", "/staff/mails"}},
		} {
			who.b.crawl(who.starts, who.b.isClean)
		}
		x.mails()
	})
}

// A smuggler is an account in which everything that has a name has a bad one.
type smuggler struct {
	*site
	owner, member      *apptest.Person
	staff              *apptest.Operator
	base               string
	invitation, signUp string
}

func newSmuggler(s *site) *smuggler {
	x := &smuggler{site: s, owner: s.Person("Nora Baker", nora), member: s.Person("Ben Okafor", ben)}
	x.staff = s.Operator("Sam Porter", "sam@northbeam.example", "administrator")
	a := s.Account(x.owner, "Harbour Bakery")
	x.base = "/a/" + id.String(a)
	s.Join(a, x.member, apptest.Keys("services.view"))
	now := s.Clock.Now()
	for i, p := range payloads {
		other := s.Person("Somebody", fmt.Sprintf("p%d@example.com", i))
		s.JoinAs(a, access.Join{User: other.User, Role: access.Role{BuiltIn: "mail"}})
		s.Exec("UPDATE users SET name = $1 WHERE id = $2", p, other.User)
		s.Exec("UPDATE accounts SET name = $1 WHERE id = $2", p, s.Account(x.owner, "Shop"))
	}
	b := s.as(x.owner)
	b.open(x.base+"/contacts/new").write("Name", payloads[6]).write("Mail address", "night@example.com").press("Save").sees(payloads[6] + " is a contact")
	b.open(x.base+"/people/invitations/new").write("Mail address", dana).tick("Technical").press("Send the invitation").sees(dana)
	x.invitation = s.Mail.Next(s.t, dana, "invites you").Link(s.t)
	v := s.visitor().open("/signup").write("Your name", "Yuki Tan").write("Mail address", yuki).write("Password", apptest.Password).write("Account name", "Yoga").press("Sign up").sees("Look into")
	x.signUp = s.Mail.Next(s.t, yuki, "Confirm your address").Link(v.t)
	s.Quiet()
	s.Exec("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, $2, 4, $3)", a, everything, now)
	for _, column := range []string{
		"accounts.name", "accounts.company", "accounts.line1", "accounts.line2", "accounts.city", "accounts.region", "accounts.postcode", "accounts.phone", "accounts.tax_number",
		"contacts.name", "contacts.company", "contacts.phone", "mails.subject", "mails.text_body", "mails.problem",
		"sessions.agent", "sessions.network", "signups.name", "signups.account_name", "staff.name",
	} {
		table, field, _ := strings.Cut(column, ".")
		where := ""
		if table == "accounts" {
			where = " WHERE id = " + id.String(a)
		}
		s.Exec("UPDATE "+table+" SET "+field+" = $1"+where, everything)
	}
	s.Exec("UPDATE users SET name = $1 WHERE id IN ($2, $3)", everything, x.owner.User, x.member.User)
	return x
}

var numbers = regexp.MustCompile(`/\d+|\?.*`)

// isClean makes sure that no name has become a part of the page.
func (b *tab) isClean() {
	b.t.Helper()
	if found := eval[[]string](b, smuggled); len(found) > 0 {
		b.t.Errorf("on %s a name became %q", b.path(), found)
	}
}

// crawl opens the pages, and one of every kind that they lead to, and looks at
// each.
func (b *tab) crawl(queue []string, look func()) {
	b.t.Helper()
	seen := map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		kind := numbers.ReplaceAllString(path, "/…")
		if seen[kind] {
			continue
		}
		seen[kind] = true
		b.open(path)
		look()
		queue = append(queue, eval[[]string](b, `() => [...document.querySelectorAll("a[href^='/']:not([href^='/assets/'])")].map(a => a.getAttribute("href"))`)...)
	}
	if len(seen) < 3 {
		b.t.Errorf("there were only %d kinds of pages", len(seen))
	}
}

// mails opens the HTML parts of mails where no policy guards them.
func (x *smuggler) mails() {
	x.t.Helper()
	b := x.as(x.owner)
	b.open(x.base+"/people/invitations/new").write("Mail address", "late@example.com").tick("Technical").press("Send the invitation")
	html := x.Mail.Next(x.t, "late@example.com", "invites you").Envelope.HTML
	b.open(serveHTML(x.t, html))
	if found := eval[[]string](b, strings.Replace(smuggled, "style, ", "", 1)); len(found) > 0 {
		x.t.Errorf("in a mail a name became %q", found)
	}
	b.sees("pwned(1)")

	control := x.visitor()
	runs := func(problem string) bool { return strings.Contains(problem, "pwned is not defined") }
	control.excused = runs
	control.open(serveHTML(x.t, html+payloads[0]))
	control.waits("for this test to notice a payload that runs", func() bool { return slices.ContainsFunc(control.takeProblems(), runs) })
}

// serveHTML serves one page without any policy.
func serveHTML(t testing.TB, html string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/" {
			fmt.Fprint(w, html)
		}
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return fmt.Sprintf("http://localhost:%d/", listener.Addr().(*net.TCPAddr).Port)
}

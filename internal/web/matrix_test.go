package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/web"
)

// A forgery is a request that a page of another site, or a program that has
// been led astray, can have a browser send.
type forgery struct {
	name   string
	method string // POST where it is empty
	header []string
	body   string // form, text, json or multipart; the route's form where it is empty
	query  string
	want   []int
}

var refused = []int{http.StatusForbidden}

// forgeries are every way to use a route from elsewhere.
var forgeries = []forgery{
	{name: "a form of another site", header: []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
	{name: "a form of a sibling", header: []string{"Sec-Fetch-Site", "same-site", "Origin", "https://shop.clientele.test"}},
	{name: "a sibling that hides its origin", header: []string{"Sec-Fetch-Site", "same-site"}},
	{name: "a sibling's sandboxed frame", header: []string{"Sec-Fetch-Site", "same-site", "Origin", "null"}},
	{name: "a picture or a beacon", header: []string{"Sec-Fetch-Site", "cross-site"}},
	{name: "a sandboxed frame", header: []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}},
	{name: "an old browser's null origin", header: []string{"Origin", "null"}},
	{name: "an old browser's foreign origin", header: []string{"Origin", "https://evil.example"}},
	{name: "no word of where it comes from", header: nil},
	{name: "typed into the address bar", header: []string{"Sec-Fetch-Site", "none"}},
	{name: "our name within another", header: []string{"Origin", "https://clientele.test.evil.example"}},
	{name: "our name without TLS", header: []string{"Origin", "http://clientele.test"}},
	{name: "our name at another port", header: []string{"Origin", "https://clientele.test:8443"}},
	{name: "same-origin against its origin", header: []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://evil.example"}},
	{name: "only a Referer of ours", header: []string{"Referer", apptest.BaseURL + "/me"}},
	{name: "JSON as plain text from elsewhere", body: "text/plain", header: []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}},
	{name: "another method by its header, from elsewhere", header: []string{"Sec-Fetch-Site", "cross-site", "X-HTTP-Method-Override", "GET", "X-Method-Override", "GET"}},
	{name: "another method by its field, from elsewhere", query: "_method=GET", header: []string{"Sec-Fetch-Site", "cross-site"}},
	{name: "htmx from elsewhere", header: []string{"HX-Request", "true", "Sec-Fetch-Site", "cross-site"}},
	{name: "plain text", body: "text/plain", header: ours, want: []int{http.StatusBadRequest}},
	{name: "JSON", body: "application/json", header: ours, want: []int{http.StatusBadRequest}},
	{name: "a multipart form", body: "multipart/form-data; boundary=x", header: ours, want: []int{http.StatusBadRequest}},
	{name: "no content type", body: "none", header: ours, want: []int{http.StatusBadRequest}},
	{name: "GET", method: http.MethodGet, query: "form"},
	{name: "HEAD", method: http.MethodHead, query: "form"},
	{name: "GET that says it is a POST", method: http.MethodGet, query: "form", header: []string{"X-HTTP-Method-Override", "POST", "X-HTTP-Method", "POST", "X-Method-Override", "POST"}},
	{name: "GET with _method", method: http.MethodGet, query: "_method=POST"},
	{name: "PUT", method: http.MethodPut, header: ours, want: []int{http.StatusMethodNotAllowed}},
	{name: "PATCH", method: http.MethodPatch, header: ours, want: []int{http.StatusMethodNotAllowed}},
	{name: "DELETE", method: http.MethodDelete, header: ours, want: []int{http.StatusMethodNotAllowed}},
}

var ours = []string{"Sec-Fetch-Site", "same-origin", "Origin", apptest.BaseURL}

// TestT117_NothingChangesFromElsewhere sends every route that changes
// something in every way in which other sites can, by somebody who may use
// it: nothing changes. Sent from a page of ours the same request works, and
// records the one event that the route names.
func TestT117_NothingChangesFromElsewhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for w, r := range each(t, w, unsafe(w)) {
			s := newStage(t, w)
			s.ready(t, r)
			b := s.browser(t, r)
			before := stateOf(w)
			for _, f := range forgeries {
				want := f.want
				if f.method == http.MethodGet || f.method == http.MethodHead {
					want = wantOnRead(w, s.path(t, r))
				} else if want == nil {
					want = refused
				}
				if p := b.Once(f.request(t, s, r, b)); want != nil && !slices.Contains(want, p.Status) || p.Status >= 500 {
					t.Errorf("%s, %s: %d, want %d", name(r), f.name, p.Status, want)
				}
			}
			if tables := before.differs(stateOf(w)); len(tables) > 0 {
				t.Errorf("%s from elsewhere changed %v", name(r), tables)
			}
			events := recorded(w, r)
			if p := b.Once(s.request(t, r, b)); p.Status >= 400 {
				t.Errorf("%s from our own page: %d: %.300s", name(r), p.Status, p.Find("main").Text())
			}
			if n := recorded(w, r) - events; n != records(r) {
				t.Errorf("%s recorded %q %d times", name(r), r.Audits, n)
			}
		}
	}, kept)
}

// wantOnRead is what reading the address of a form may answer: any page where
// there is one, else that there is none.
func wantOnRead(w *apptest.World, path string) []int {
	for _, r := range w.Mux.Routes() {
		page := regexp.MustCompile("^" + placeholder.ReplaceAllString(r.Pattern, "[^/]+") + "$")
		if !r.Unsafe() && page.MatchString(path) {
			return nil
		}
	}
	return []int{http.StatusMethodNotAllowed}
}

func (f forgery) request(t *testing.T, s *stage, r web.Route, b *apptest.Browser) *http.Request {
	t.Helper()
	form, path, method := s.form(t, r), s.path(t, r), r.Method
	if f.method != "" {
		method = f.method
	}
	switch {
	case f.query == "form":
		path += "?" + form.Encode()
	case f.query != "":
		path += "?" + f.query
	}
	if f.query != "form" && strings.HasPrefix(f.query, "_method") {
		form.Set("_method", strings.TrimPrefix(f.query, "_method="))
	}
	if method == http.MethodGet || method == http.MethodHead {
		form = nil
	}
	req := b.Request(method, path, form)
	for _, header := range []string{"Sec-Fetch-Site", "Origin"} {
		req.Header.Del(header)
	}
	for i := 0; i < len(f.header); i += 2 {
		req.Header.Set(f.header[i], f.header[i+1])
	}
	switch f.body {
	case "":
	case "none":
		form.Set("padding", "x")
		req = withBody(req, form.Encode(), "")
	default:
		req = withBody(req, jsonOf(form), f.body)
	}
	return req
}

func withBody(req *http.Request, body, kind string) *http.Request {
	again, err := http.NewRequest(req.Method, req.URL.String(), strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	again.Header = req.Header
	again.Header.Del("Content-Type")
	if kind != "" {
		again.Header.Set("Content-Type", kind)
	}
	return again
}

func jsonOf(form url.Values) string {
	var parts []string
	for _, field := range slices.Sorted(maps.Keys(form)) {
		parts = append(parts, fmt.Sprintf("%q:%q", field, form.Get(field)))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// odd are spellings that are no number of ours.
var odd = []string{"999999999", "0", "-1", "+1", "1.0", "1e3", "01", "0x1", "１", "9223372036854775808", "999999999999999999999999", "null", "%00", "1%20", "1%2f2", "%ff"}

// ofNoAccount are the numbers in the staff area that belong to no account.
var ofNoAccount = []string{"user", "mail", "impersonation", "group", "field", "session", "login", "operator", "role", "app", "passkey"}

// TestT058_ForeignNumbersAreAsIfTheyWereNot opens every route on an account,
// on oneself and of staff with the numbers of things that are another's, and
// on another's account: each answer is that of a number that does not exist,
// to the letter.
func TestT058_ForeignNumbersAreAsIfTheyWereNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		a, b := newStage(t, w), newStage(t, w)
		a.owner.Get("/a/" + a.ids["account"]).Must(200)
		before := stateOf(w)
		for _, r := range w.Mux.Routes() {
			if r.Guard == "public" || len(placeholders(r)) == 0 {
				continue
			}
			who := a.owner.Browser
			if r.Guard != "account" {
				who = a.cast(t, r)
			}
			w.Exec("DELETE FROM throttles")
			missing := a.ask(t, r, who, a.samples(r), placeholders(r)[len(placeholders(r))-1], "999999999")
			if missing.Status != http.StatusNotFound {
				t.Errorf("%s for a number that does not exist: %d: %.300s", name(r), missing.Status, missing.Find("main").Text())
			}
			for _, place := range placeholders(r) {
				if place == "account" && r.Guard == "account" {
					foreign := a.ask(t, r, who, b.ids, "account", b.ids["account"])
					mixed := a.ask(t, r, who, a.ids, "account", b.ids["account"])
					none := a.ask(t, r, who, a.ids, "account", "999999999")
					same(t, r, "another's account", foreign, none)
					same(t, r, "own things below another's account", mixed, none)
				}
				if place == "account" || r.Guard == "staff" && slices.Contains(ofNoAccount, place) {
					continue
				}
				for kind, value := range b.samples(r) {
					if value != a.samples(r)[place] && place != "provider" { // providers are everybody's
						same(t, r, "another's "+kind, a.ask(t, r, who, a.samples(r), place, value), missing)
					}
				}
				for _, value := range odd {
					same(t, r, "the spelling "+value, a.ask(t, r, who, a.samples(r), place, value), missing)
				}
			}
		}
		w.Exec("DELETE FROM throttles")
		if tables := before.differs(stateOf(w)); len(tables) > 0 {
			t.Errorf("foreign numbers changed %v", tables)
		}
	}, kept)
}

// ask sends a route with one of its numbers replaced.
func (s *stage) ask(t *testing.T, r web.Route, b *apptest.Browser, samples map[string]string, place, value string) *apptest.Page {
	t.Helper()
	samples = maps.Clone(samples)
	samples[place] = value
	var form url.Values
	if r.Unsafe() {
		form = s.form(t, r)
		if samples["account"] != "" && form.Has("account") {
			form.Set("account", samples["account"])
		}
	}
	return b.Once(b.Request(r.Method, fill(t, r, samples), form))
}

// same fails unless two answers are alike but for the number of the request.
func same(t *testing.T, r web.Route, what string, got, want *apptest.Page) {
	t.Helper()
	if g, w := fingerprint(got), fingerprint(want); g != w {
		t.Errorf("%s, %s, differs from what does not exist:\n%.600s\nwant\n%.600s", name(r), what, g, w)
	}
}

// fingerprint is all that an answer tells, without the number of the request.
func fingerprint(p *apptest.Page) string {
	header := p.Header.Clone()
	number := header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	body := p.Body
	if number != "" {
		body = strings.ReplaceAll(body, number, "")
	}
	return fmt.Sprint(p.Status, " ", header, "\n", body)
}

// permissionOf is the key of each permission that a route can need.
var permissionOf = map[string]string{
	"ManageProfile": "profile.manage", "ManageContacts": "contacts.manage", "ViewServices": "services.view", "ManageServices": "services.manage",
	"SignInToServices": "services.signin", "ViewDomains": "domains.view", "ManageDomains": "domains.manage", "ViewInvoices": "invoices.view",
	"PayInvoices": "invoices.pay", "ManagePaymentMethods": "payment_methods.manage", "ViewQuotes": "quotes.view", "AcceptQuotes": "quotes.accept",
	"ViewTickets": "tickets.view", "ReplyTickets": "tickets.reply", "ManageAffiliates": "affiliates.manage", "ViewEmails": "emails.view",
	"PlaceOrders": "orders.place", "ViewPeople": "people.view", "ManagePeople": "people.manage", "ViewActivity": "activity.view", "ManageDeveloper": "developer.manage",
}

// holds reports whether a member with the permissions, who is no owner, may
// use a route.
func holds(t *testing.T, r web.Route, s access.Set) bool {
	t.Helper()
	switch r.Needs {
	case "Enter", "Depart":
		return true
	case "Own":
		return false
	}
	key, ok := permissionOf[r.Needs]
	if !ok {
		t.Fatalf("%s needs %s, which permissionOf, in internal/web/matrix_test.go, does not know.", name(r), r.Needs)
	}
	return s.Has(apptest.Keys(key))
}

// TestT058_EachPermissionOpensItsOwnRoutesAndNoOther walks every route of an
// account as members who each hold one permission, one who holds none, an
// owner, an outsider and a visitor. A form is sent for another account than
// its path's, so that nothing happens where it is let in.
func TestT058_EachPermissionOpensItsOwnRoutesAndNoOther(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		walk := func(who string, b *apptest.Browser, want func(r web.Route) []int) {
			for _, r := range guarded(w, "account") {
				req := b.Request(r.Method, s.path(t, r), url.Values{"account": {"999999999"}})
				if !r.Unsafe() {
					req = b.Request(r.Method, s.path(t, r), nil)
				}
				if p := b.Once(req); !slices.Contains(want(r), p.Status) {
					t.Errorf("%s as %s: %d, want %d", name(r), who, p.Status, want(r))
				}
			}
		}
		in := func(r web.Route) []int {
			if r.Unsafe() {
				return []int{http.StatusConflict}
			}
			return []int{http.StatusOK}
		}
		always := func(status int) func(web.Route) []int {
			return func(web.Route) []int { return []int{status} }
		}
		walk("a visitor", w.Browser(), always(http.StatusUnauthorized))
		walk("an outsider", s.stranger.Browser, always(http.StatusNotFound))
		walk("the owner", s.owner.Browser, in)
		for n := range len(access.All) + 1 {
			who, set := "a member without permissions", access.Set(0)
			if n > 0 {
				who, set = "a member with "+access.All[n-1].Key, access.All[n-1].Set().Closed()
			}
			member := w.Person("Mira Member", fmt.Sprintf("mira%d@stage.example", n))
			w.Join(s.account, member, set)
			walk(who, member.Browser, func(r web.Route) []int {
				if holds(t, r, set) {
					return in(r)
				}
				return []int{http.StatusForbidden}
			})
		}
	})
}

// roleMay is what each role of operators may do, written down once more,
// apart from the code.
var roleMay = map[string][]string{
	"administrator": {"Look", "Help", "ManageAccounts", "Own", "Recover", "ViewAs", "ActAs", "SeeLooks", "ReadMail", "OpenMail", "ReadLog", "ManageStaff", "Configure", "SeeSystem", "ManageSystem"},
	"support":       {"Look", "Help", "ManageAccounts", "Recover", "ViewAs", "ActAs", "SeeLooks", "ReadMail", "OpenMail"},
	"billing":       {"Look", "ManageAccounts", "ViewAs", "SeeLooks", "ReadMail"},
	"readonly":      {"Look", "ReadLog", "SeeSystem"},
}

// mayStaff reports whether an operator with the role may use a route.
func mayStaff(t *testing.T, r web.Route, role string) bool {
	t.Helper()
	if !slices.Contains(roleMay["administrator"], r.Needs) {
		t.Fatalf("%s needs %s, which roleMay, in internal/web/matrix_test.go, does not know.", name(r), r.Needs)
	}
	return slices.Contains(roleMay[role], r.Needs)
}

// ofOneSession is the route that goes on with what the operator's own session
// has begun.
const ofOneSession = "POST /staff/impersonation/act"

// TestT114_TheStaffAreaIsOpenToEachRoleAsFarAsItGoes uses every route of the
// staff area as a visitor, a customer, and an operator of each role.
func TestT114_TheStaffAreaIsOpenToEachRoleAsFarAsItGoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for w, r := range each(t, w, guarded(w, "staff")) {
			s := newStage(t, w)
			s.ready(t, r)
			before := stateOf(w)
			try := func(who string, b *apptest.Browser, want int) {
				if p := b.Once(s.request(t, r, b)); p.Status != want && (want != http.StatusOK || p.Status != http.StatusSeeOther) {
					t.Errorf("%s as %s: %d, want %d: %.200s", name(r), who, p.Status, want, p.Find("main").Text())
				}
			}
			try("a visitor", w.Browser(), http.StatusUnauthorized)
			try("a customer", s.owner.Browser, http.StatusNotFound)
			gone := w.Operator("Gone", "gone@"+s.ids["account"]+".example", "administrator")
			w.Exec("UPDATE staff SET status = 'suspended' WHERE id = $1", gone.Staff)
			try("a suspended operator", gone.Browser, http.StatusUnauthorized)
			unknown := w.Operator("Unknown", "unknown@"+s.ids["account"]+".example", "emperor")
			try("an operator with an unknown role", unknown.Browser, http.StatusForbidden)
			for _, table := range before.differs(stateOf(w)) {
				if table != "staff" && table != "staff_sessions" && table != "throttles" && table != "audit_records" {
					t.Errorf("%s without permission changed %s", name(r), table)
				}
			}
			done := false
			for _, role := range []string{"readonly", "billing", "support", "administrator"} {
				operator := s.crew
				if useOf(t, r).as == "crew" {
					w.Exec("UPDATE staff SET role = $2 WHERE id = $1", s.crew.Staff, role)
				} else {
					operator = w.Operator("Op", role+"@"+s.ids["account"]+".example", role)
				}
				want := http.StatusForbidden
				switch may := mayStaff(t, r, role); {
				case may && name(r) == ofOneSession:
					want = http.StatusConflict // these look as nobody
				case may:
					want = http.StatusOK
					if done && r.Unsafe() {
						continue // it has been done already
					}
					done = true
				}
				try("an operator: "+role, operator.Browser, want)
			}
		}
	}, kept)
}

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/id"
	"clientele/internal/web"

	"github.com/PuerkitoBio/goquery"
)

// TestT062_AFormActsOnTheAccountOfItsPage sends each form of an account to
// another account's address, and with no account at all: a stale tab acts on
// nothing.
func TestT062_AFormActsOnTheAccountOfItsPage(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for w, r := range each(t, w, unsafe(w)) {
			if !strings.Contains(r.Pattern, "{account}") {
				continue
			}
			s := newStage(t, w)
			s.ready(t, r)
			b := s.browser(t, r)
			before := stateOf(w)
			for _, account := range []string{"", "1", "999999999", s.ids["account"] + "0", "0" + s.ids["account"], " " + s.ids["account"]} {
				if account == s.ids["account"] {
					continue
				}
				form := s.form(t, r)
				form.Set("account", account)
				if account == "" {
					form.Del("account")
				}
				req := b.Request(r.Method, s.path(t, r), form)
				req.Header.Set("X-Account", s.ids["account"])
				req.URL.RawQuery = "account=" + s.ids["account"]
				page := b.Once(asJSON(req))
				if page.Status != http.StatusConflict || !strings.Contains(page.Body, "/problems/account-mismatch") {
					t.Errorf("%s for account %q: %d %.200s", name(r), account, page.Status, page.Body)
				}
			}
			w.Exec("DELETE FROM throttles")
			if tables := before.differs(stateOf(w)); len(tables) > 0 {
				t.Errorf("%s for another account changed %v", name(r), tables)
			}
		}
	}, kept)
}

// TestT062_EveryPageNamesItsAccount works in two tabs on two accounts: each
// page, its header and each of its forms names the account of its address.
func TestT062_EveryPageNamesItsAccount(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		other := w.Account(s.owner, "Second & Sons")
		for _, r := range guarded(w, "account") {
			if r.Unsafe() {
				continue
			}
			s.owner.Get("/a/" + numberOf(other)).Must(200) // the other tab
			p := s.owner.Get(s.path(t, r)).Must(200)
			if p.Header.Get("X-Account") != s.ids["account"] || !strings.Contains(p.Find("header .chip").Text(), "Stage & Co") || !strings.Contains(p.Find("header .chip").Text(), s.ids["account"]) {
				t.Errorf("%s: X-Account %s, header %q", name(r), p.Header.Get("X-Account"), p.Find("header .chip").Text())
			}
			p.Find("form[method=post]").Each(func(_ int, f *goquery.Selection) {
				action := f.AttrOr("action", "")
				if !strings.HasPrefix(action, "/a/") {
					return
				}
				if got := f.Find("input[name=account]").AttrOr("value", ""); got != s.ids["account"] || !strings.HasPrefix(action+"/", "/a/"+got+"/") {
					t.Errorf("%s: the form to %s carries account %q", name(r), action, got)
				}
			})
		}
		stale := s.owner.Get("/a/" + s.ids["account"] + "/settings").Must(200)
		s.owner.Get("/a/" + numberOf(other) + "/settings").Must(200)
		stale.Submit("/a/"+s.ids["account"]+"/settings", url.Values{"city": {"Stagetown"}}).Must(200, "Saved")
		if w.Count("accounts WHERE city = 'Stagetown' AND id = $1", s.account) != 1 || w.Count("accounts WHERE city = 'Stagetown'") != 1 {
			t.Error("the older tab did not act on its own account")
		}
	}, kept)
}

func numberOf[N id.Number](n N) string { return id.String(n) }

// TestT059_TheAccountComesFromThePathAlone names other accounts everywhere
// else in the request.
func TestT059_TheAccountComesFromThePathAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		a, b := newStage(t, w), newStage(t, w)
		path := "/a/" + a.ids["account"] + "/contacts"
		form := url.Values{"account": {a.ids["account"]}, "name": {"Carl"}, "address": {"carl@stage.example"}, "kinds": {"general"}}
		for _, field := range []string{"account_id", "accountId", "Account", "tenant", "id", "contact[account]", "account_number"} {
			form.Set(field, b.ids["account"])
		}
		req := a.owner.Request(http.MethodPost, path+"?account="+b.ids["account"]+"&account_id="+b.ids["account"], form)
		for _, header := range []string{"X-Account", "X-Account-Id", "X-Tenant", "X-Original-URL", "X-Rewrite-URL"} {
			req.Header.Set(header, "/a/"+b.ids["account"])
		}
		req.Header.Add("Cookie", "account="+b.ids["account"]+"; __Host-clientele-account="+b.ids["account"])
		if p := a.owner.Once(req); p.Status != http.StatusSeeOther || p.Header.Get("X-Account") != a.ids["account"] {
			t.Errorf("%d, X-Account %s", p.Status, p.Header.Get("X-Account"))
		}
		if w.Count("contacts WHERE name = 'Carl' AND account_id = $1", a.account) != 1 || w.Count("contacts WHERE name = 'Carl'") != 1 ||
			w.Count("audit_records WHERE event = 'contact.added' AND account_id = $1", a.account) != 1 {
			t.Error("another account than the path's was acted on")
		}
	}, kept)
}

// TestT114_TwoDoors has one person be a customer and an operator, with one
// address and one password: each door opens its own side.
func TestT114_TwoDoors(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		customer := w.Person("Sam", "sam@stage.example")
		operator := w.Operator("Sam", "sam@stage.example", "administrator")
		account := w.Account(w.Person("Olive", "olive@stage.example"), "Olive & Co")
		form := url.Values{"address": {"sam@stage.example"}, "password": {apptest.Password}}

		b := w.Browser()
		b.Post("/signin", form).Must(200)
		b.Get("/me").Must(200)
		for _, path := range []string{"/staff", "/staff/accounts/" + numberOf(account), "/admin", "/administrator"} {
			b.Get(path).Must(404)
		}
		if b.Cookie("__Secure-clientele-staff") != "" {
			t.Error("the customers' door gives a cookie of the staff's")
		}
		w.Exec("UPDATE staff SET password = ''")
		if p := w.Browser().PostOnly("/staff/signin", form); p.Status == http.StatusSeeOther {
			t.Error("the customer's password opens the staff's door")
		}
		w.Exec("UPDATE staff SET password = (SELECT password FROM users WHERE id = $1)", customer.User)
		w.Exec("UPDATE users SET password = '' WHERE id = $1", customer.User)

		s := w.Browser()
		s.Post("/staff/signin", form).Must(200, "Set up a second factor")
		if s.Cookie("__Host-clientele-session") != "" {
			t.Error("the staff's door gives a cookie of the customers'")
		}
		if p := w.Browser().PostOnly("/signin", form); p.Status == http.StatusSeeOther {
			t.Error("the operator's password opens the customers' door")
		}
		for _, r := range w.Mux.Routes() {
			if r.Guard == "public" || r.Guard == "staff" || r.Unsafe() {
				continue
			}
			path := placeholder.ReplaceAllString(r.Pattern, numberOf(account))
			for _, as := range []*apptest.Browser{s, operator.Browser, with(w, "__Host-clientele-session", operator.Cookie("__Secure-clientele-staff")), sends(w, operator.Cookie("__Secure-clientele-staff"))} {
				if p := as.GetOnly(path); p.Status != http.StatusUnauthorized {
					t.Errorf("%s with the staff's cookie: %d", name(r), p.Status)
				}
			}
		}
		for _, r := range guarded(w, "staff") {
			path := placeholder.ReplaceAllString(r.Pattern, numberOf(account))
			as := with(w, "__Secure-clientele-staff", customer.Cookie("__Host-clientele-session"))
			if p := as.Once(as.Request(r.Method, path, nil)); p.Status != http.StatusUnauthorized {
				t.Errorf("%s with a customer's session for the staff's: %d", name(r), p.Status)
			}
		}
	}, kept)
}

// with is a browser that holds a cookie's value under another name.
func with(w *apptest.World, cookie, value string) *apptest.Browser {
	b := w.Browser()
	b.SetCookie(&http.Cookie{Name: cookie, Value: value, Path: "/", Secure: true})
	return b
}

// sends is a browser that sends the staff's cookie outside the staff area.
func sends(w *apptest.World, value string) *apptest.Browser {
	b := w.Browser()
	b.Header.Set("Cookie", "__Secure-clientele-staff="+value)
	return b
}

// TestT115_NobodyNamesHisOwnRole says in every way that a request can that it
// is made by staff, or by an owner.
func TestT115_NobodyNamesHisOwnRole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@stage.example")
		claims := url.Values{"role": {"administrator"}, "is_staff": {"1"}, "staff": {"1"}, "admin": {"true"}, "realm": {"staff"}, "user_id": {"1"}, "owner": {"1"}, "permissions": {"people.manage"}, "status": {"active"}, "verified_at": {"2020-01-01"}}
		claim := func(method, path string, form url.Values) *apptest.Page {
			all := url.Values{}
			for _, v := range []url.Values{claims, form} {
				for k := range v {
					all[k] = v[k]
				}
			}
			if method == http.MethodGet {
				path, all = path+"?"+claims.Encode(), nil
			}
			req := p.Request(method, path, all)
			for _, header := range []string{"X-Role", "X-Staff", "X-User", "X-User-Id", "X-Forwarded-User", "Remote-User", "X-Admin", "X-Realm", "X-Real-User", "Authorization"} {
				req.Header.Set(header, "administrator")
			}
			req.Header.Set("Authorization", "Basic YWRtaW46YWRtaW4=")
			return p.Once(req)
		}
		for _, r := range guarded(w, "staff") {
			if got := claim(r.Method, placeholder.ReplaceAllString(r.Pattern, "1"), nil); got.Status != http.StatusNotFound {
				t.Errorf("%s: %d", name(r), got.Status)
			}
		}
		for _, path := range []string{
			"/api", "/api/", "/api/v1/accounts", "/api/v1/admin", "/api/internal", "/api/debug/pprof", "/includes/api.php", "/admin", "/staff/..", "/STAFF", "/Staff/accounts", "/%73taff%2faccounts",
			"/debug/pprof/", "/debug/vars", "/metrics", "/setup", "/install", "/.git/config", "/.env", "/server-status", "/actuator", "/graphql", "/me/../staff", "/staff;/accounts", "/staff%00", "/me/staff",
		} {
			if got := claim(http.MethodGet, path, nil); got.Status != http.StatusNotFound && (got.Status < 300 || got.Status >= 400 || strings.HasPrefix(got.Location, "/staff") && p.GetOnly(got.Location).Status != http.StatusNotFound) {
				t.Errorf("%s: %d %s", path, got.Status, got.Location)
			}
		}
		if got := claim(http.MethodPost, "/me", url.Values{"name": {"Alice"}, "language": {"en"}}); got.Status != http.StatusSeeOther {
			t.Errorf("renaming: %d", got.Status)
		}
		if got := claim(http.MethodPost, "/signup", url.Values{"name": {"Mal"}, "address": {"mal@stage.example"}, "password": {"four green bicycles"}, "kind": {"login"}}); got.Status != http.StatusOK {
			t.Errorf("signing up: %d", got.Status)
		}
		if w.Count("staff") != 0 || w.Count("staff_sessions") != 0 || w.Count("memberships") != 0 {
			t.Error("somebody has become what she claims to be")
		}
	}, kept)
}

// TestT034_WithoutAnInvitationNobodySignsUp closes the sign-up: neither its
// form nor a link that was mailed before makes a login; an invitation does.
func TestT034_WithoutAnInvitationNobodySignsUp(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		users := w.Count("users")
		b := s.holding(w.Browser(), web.SignUpCookie, s.tokens[web.SignUpCookie])
		form := url.Values{"name": {"Nia New"}, "address": {"nia@stage.example"}, "password": {"four green bicycles"}, "kind": {"login"}}
		for _, p := range []*apptest.Page{
			b.GetOnly("/signup"), b.PostOnly("/signup", form), b.GetOnly("/signup/confirm"), b.PostOnly("/signup/confirm", form),
		} {
			if p.Status != http.StatusForbidden {
				t.Errorf("%s: %d", p.URL, p.Status)
			}
		}
		for _, path := range []string{"/setup", "/register", "/api/v1/users", "/api/v1/signup", "/scim/v2/Users", "/oauth/register"} {
			if p := b.PostOnly(path, form); p.Status != http.StatusNotFound {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		if w.Count("users") != users || w.Count("signups") != 1 || w.Count("mails WHERE kind = 'signup'") != 0 {
			t.Error("somebody signed up")
		}
		b.Get("/signin").Must(200)
		if b.Get("/signin").Find(`a[href="/signup"]`).Length() > 0 {
			t.Error("sign-in leads to the sign-up")
		}
		nina := s.holding(w.Browser(), web.InvitationCookie, s.tokens["newcomer"])
		nina.Post("/invitation/join", url.Values{"name": {"Nina New"}, "password": {"four green bicycles"}}).Must(200, "You are in")
		if w.Count("users") != users+1 {
			t.Error("the invited could not make a login")
		}
	}, kept, func(c *config.Config) { c.SignUp = "invitation" })
}

package portal_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/id"
)

// oldScripts are WHMCS's scripts with the place that each leads to for
// somebody who is signed in; {a} is the account that she used last.
var oldScripts = map[string]string{
	"/login.php": "{a}", "/dologin.php": "{a}", "/logout.php": "{a}", "/pwreset.php": "/recover", "/register.php": "/me/accounts/new",
	"/clientarea.php":                        "{a}",
	"/clientarea.php?action=details":         "{a}/settings",
	"/clientarea.php?action=details&id=12":   "{a}/settings",
	"/clientarea.php?action=contacts":        "{a}/contacts",
	"/clientarea.php?action=addcontact":      "{a}/contacts",
	"/clientarea.php?action=emails":          "{a}/emails",
	"/clientarea.php?action=changepw":        "/me/security",
	"/clientarea.php?action=security":        "/me/security",
	"/clientarea.php?action=home":            "{a}",
	"/clientarea.php?action=invoices&page=2": "{a}",
	"/clientarea.php?action=":                "{a}",
	"/index.php":                             "{a}",
	"/index.php/":                            "{a}",
	"/index.php?rp=":                         "{a}",
	"/index.php?rp=/":                        "{a}",
	"/index.php?rp=account":                  "{a}",
	"/index.php?rp=/clientarea.php":          "{a}",
	"/index.php?rp=/pwreset.php":             "{a}",
	"/index.php?rp=/account/paymentmethods":  "{a}",
	"/index.php/account/paymentmethods":      "{a}",
	"/index.php?rp=/accounts":                "{a}",
	"/index.php?m=an_addon":                  "{a}",
	"/index.php?rp=%2Faccount%2Fusers":       "{a}/people",
	"/index.php/account/users?rp=/login":     "{a}/people",
}

// oldRouted are the pages that WHMCS has in three forms.
var oldRouted = map[string]string{
	"/login":          "{a}",
	"/password/reset": "/recover", "/password/reset/": "/recover", "/password/reset/begin": "/recover", "/password/reset/redeem/0123456789abcdef": "/recover",
	"/account": "{a}/settings", "/account/contacts": "{a}/contacts", "/account/contacts/": "{a}/contacts", "/account/contacts/new": "{a}/contacts",
	"/account/users": "{a}/people", "/account/users/permissions/12": "{a}/people", "/account/users/invite": "{a}/people",
	"/account/security": "/me/security", "/user/password": "/me/security", "/user/security": "/me/security",
	"/user/profile": "/me", "/user/accounts": "/me/accounts", "/invite/0123456789abcdef": "/me/invitations",
}

// oldAddresses are all of them, the routed ones in their three forms.
func oldAddresses() map[string]string {
	all := maps.Clone(oldScripts)
	for page, to := range oldRouted {
		all[page], all["/index.php"+page], all["/index.php?rp="+page] = to, to, to
	}
	return all
}

// follow goes where an address leads, a redirect at a time, by a method, and
// sees that each one may be forgotten.
func follow(t *testing.T, b *apptest.Browser, method, address string) *apptest.Page {
	t.Helper()
	at := address
	for range 5 {
		page := b.Once(b.Request(method, at, nil))
		if page.Status < 300 || page.Status >= 400 {
			return page
		}
		if page.Status != http.StatusSeeOther || page.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(page.Location, "/") {
			t.Errorf("%s %s, at %s: %d to %q, %s", method, address, at, page.Status, page.Location, page.Header.Get("Cache-Control"))
		}
		at = page.Location
	}
	t.Fatalf("%s leads in circles", address)
	return nil
}

func TestOldAddressesLeadToTheirNewPlaces(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		studio := w.Account(ada, "Lindqvist Design")
		w.Account(ada, "Lindqvist Shop")
		ada.Get(accountPath(studio)).Must(200)
		for address, want := range oldAddresses() {
			want = strings.ReplaceAll(want, "{a}", accountPath(studio))
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				if got := follow(t, ada.Browser, method, address); got.Status != http.StatusOK || got.URL.RequestURI() != want {
					t.Errorf("%s %s leads to %s, %d, want %s", method, address, got.URL.RequestURI(), got.Status, want)
				}
			}
		}
	}, kept)
}

// TestUnknownFriendlyAddressesAreNotOurs leaves what may be a page of ours one
// day, or is somebody's mistake, as it is.
func TestUnknownFriendlyAddressesAreNotOurs(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		for _, address := range []string{
			"/account/paymentmethods", "/account/usersx", "/accounts", "/user", "/user/verify/0123456789abcdef", "/login/", "/password", "/store",
			"/cart.php", "/viewinvoice.php?id=1", "/whmcs/clientarea.php", "/clientarea.php/", "/clientarea", "/index.html", "/INDEX.PHP", "/admin/index.php",
		} {
			ada.GetOnly(address).Must(404)
		}
	}, kept)
}

// TestAnOldAddressSurvivesTheSignIn opens them as a visitor: where an account
// is meant, the sign-in stands in their place and leads on to what was asked
// for.
func TestAnOldAddressSurvivesTheSignIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		studio := w.Account(ada, "Lindqvist Design")
		for address, want := range oldAddresses() {
			w.Exec("DELETE FROM throttles")
			b := w.Browser()
			page := follow(t, b, http.MethodGet, address)
			if slices.Contains([]string{"/recover", "/me/accounts/new"}, want) || page.URL.Path == "/signin" {
				page.Must(200)
				continue
			}
			want = strings.ReplaceAll(want, "{a}", accountPath(studio))
			page.Must(http.StatusUnauthorized)
			if got := page.Submit("/signin", form("address", ada.Address, "password", apptest.Password)).Must(200); got.URL.RequestURI() != want {
				t.Errorf("%s leads to %s after the sign-in, want %s", address, got.URL.RequestURI(), want)
			}
		}
		asked := w.Browser().GetOnly("/clientarea.php?action=details&id=12").Must(http.StatusUnauthorized)
		if next := asked.Find("form [name=next]").AttrOr("value", ""); next != "/clientarea.php?action=details&id=12" {
			t.Errorf("the sign-in leads on to %q", next)
		}
	}, kept)
}

// TestVisitorsFindTheDoor opens the old addresses of the ways in.
func TestVisitorsFindTheDoor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for address, want := range map[string]string{
			"/login.php": "/signin", "/dologin.php": "/signin", "/login": "/signin", "/index.php?rp=/login": "/signin", "/index.php/login": "/signin",
			"/register.php": "/signup", "/pwreset.php": "/recover", "/password/reset": "/recover", "/logout.php": "/", "/index.php": "/",
		} {
			if got := w.Browser().GetOnly(address); got.Location != want {
				t.Errorf("%s leads to %q, want %q", address, got.Location, want)
			}
		}
	}, kept)
}

// TestAnOldAddressOpensTheAccountUsedLast holds for the account in which
// somebody was last, as long as she may enter it.
func TestAnOldAddressOpensTheAccountUsedLast(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada, nora := w.Person("Ada Lindqvist", "ada@lindqvist.example"), w.Person("Nora Baker", "nora@bakery.example")
		leads := func(when, want string) {
			t.Helper()
			for address, page := range map[string]string{"/clientarea.php": "", "/clientarea.php?action=emails": "/emails", "/index.php?rp=/account/users": "/people"} {
				if want == "/me/accounts" {
					page = ""
				}
				if got := follow(t, ada.Browser, http.MethodGet, address); got.URL.Path != want+page {
					t.Errorf("%s, %s leads to %s, want %s", when, address, got.URL.Path, want+page)
				}
			}
		}
		leads("without an account", "/me/accounts")
		studio := w.Account(ada, "Lindqvist Design")
		leads("with one account", accountPath(studio))
		w.Exec("UPDATE users SET last_account = NULL WHERE id = $1", ada.User)
		bakery := w.Account(nora, "Harbour Bakery")
		member := w.JoinAs(bakery, access.Join{User: ada.User, Role: access.Role{BuiltIn: "full"}})
		leads("before she used one of two", "/me/accounts")
		ada.Get(accountPath(bakery)).Must(200)
		leads("in the bakery", accountPath(bakery))
		ada.Get(accountPath(studio)).Must(200)
		leads("in the studio", accountPath(studio))
		ada.Get(accountPath(bakery)).Must(200)
		w.Account(ada, "Lindqvist Shop")
		href := accountPath(bakery) + "/people/members/" + id.String(member)
		nora.Get(href).Submit(href+"/remove", nil).Must(200)
		leads("after she has lost the bakery", "/me/accounts")
	}, kept)
}

// TestTheAccountUsedLastIsFoundAmongMany holds for somebody who has come into
// more accounts since than the switcher lists, and for one who comes through a
// partner.
func TestTheAccountUsedLastIsFoundAmongMany(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada, nora := w.Person("Ada Lindqvist", "ada@lindqvist.example"), w.Person("Nora Baker", "nora@bakery.example")
		first := w.Account(ada, "Lindqvist Design")
		for range 12 {
			w.Account(ada, "Shop")
		}
		bakery := w.Account(nora, "Harbour Bakery")
		w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)",
			bakery, first, access.Everything, w.Clock.Now())
		for _, a := range []id.Account{first, bakery} {
			w.Exec("UPDATE users SET last_account = $2 WHERE id = $1", ada.User, a)
			for _, address := range []string{"/", "/clientarea.php"} {
				if got := ada.GetOnly(address); got.Location != accountPath(a) {
					t.Errorf("%s leads to %s, want %s", address, got.Location, accountPath(a))
				}
			}
		}
	}, kept)
}

// TestAnOldAddressOpensNothingMore leads somebody to pages that she may not
// use: each answers for itself, and says whom to ask.
func TestAnOldAddressOpensNothingMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora, dana := w.Person("Nora Baker", "nora@bakery.example"), w.Person("Dana Field", "dana@field.example")
		bakery := w.Account(nora, "Harbour Bakery")
		w.Join(bakery, dana, apptest.Keys("services.view"))
		dana.Get("/clientarea.php").Must(200, "Harbour Bakery")
		for _, address := range []string{"/clientarea.php?action=details", "/clientarea.php?action=contacts", "/clientarea.php?action=emails", "/account", "/account/users/invite", "/index.php?rp=/account/contacts"} {
			dana.Get(address).Must(403, "You may not do this in Harbour Bakery", "Nora Baker")
		}
	}, kept)
}

// TestFollowingALinkSignsNobodyOut holds for the old address of the sign-out
// too, whoever put a picture of it into a page.
func TestFollowingALinkSignsNobodyOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			page := ada.Once(ada.Request(method, "/logout.php", nil)).Must(http.StatusSeeOther)
			if page.Location != "/" || len(page.Header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s leads to %q with %v", method, page.Location, page.Header.Values("Set-Cookie"))
			}
		}
		for _, address := range []string{"/logout.php", "/dologin.php", "/clientarea.php?action=details", "/index.php?rp=/account/users"} {
			ada.PostOnly(address, form("username", "x")).Must(http.StatusMethodNotAllowed)
		}
		ada.Get("/me").Must(200, "Ada Lindqvist")
		if w.Count("sessions WHERE ended_at IS NOT NULL") != 0 {
			t.Error("a session has ended")
		}
	}, kept)
}

// wicked are values that lead elsewhere where an old address is believed.
var wicked = []string{
	"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example", "https:evil.example", "javascript:alert(1)", "@evil.example", ".evil.example",
	"/login//evil.example", "/login\r\nLocation: https://evil.example", "/invite/\r\nSet-Cookie: a=b", "/account/users/../../..//evil.example", "/account/users//evil.example", "/invite///evil.example",
	"details\r\nX-Evil: 1", "details//evil.example", "details?x=evil.example", "details&evil", "/password/reset/https://evil.example", "{account}/evil", "/a/{account}", "/../evil.example", "%2f%2fevil.example",
	strings.Repeat("x", 10_000), "/account/users/" + strings.Repeat("evil/", 2_000), "/ｅvil", "\u202eevil", "' OR 1=1 --evil",
}

// TestNothingOfAnOldAddressIsTakenAlong writes wicked values into every part
// of an old address: it leads to one of our own places, or is refused.
func TestNothingOfAnOldAddressIsTakenAlong(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		home := accountPath(w.Account(ada, "Lindqvist Design"))
		places := []string{"/", "/signin", "/recover", "/me/invitations", "/account/users", home}
		look := func(address string, b *apptest.Browser) {
			t.Helper()
			page := b.GetOnly(address)
			if page.Status == http.StatusSeeOther && !slices.Contains(places, page.Location) || page.Status == http.StatusMovedPermanently || page.Status >= 500 {
				t.Errorf("%.80s: %d to %.80q", address, page.Status, page.Location)
			}
			if next := page.Find("form [name=next]").AttrOr("value", "/"); !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
				t.Errorf("%.80s: the sign-in leads on to %.80q", address, next)
			}
			if page.Header.Get("X-Evil") != "" || len(page.Header.Values("Set-Cookie")) > 0 || strings.Contains(page.Location, "evil") || page.Status == http.StatusSeeOther && strings.Contains(page.Body, "evil") {
				t.Errorf("%.80s: %v %.200s", address, page.Header, page.Body)
			}
		}
		for _, b := range []*apptest.Browser{ada.Browser, w.Browser()} {
			for _, value := range wicked {
				text := url.QueryEscape(value)
				for _, query := range []string{"?rp=" + text, "?action=" + text, "?id=" + text, "?rp=/login&goto=" + text, "?rp=/invite/" + text, "?action=" + text + "&rp=" + text} {
					look("/index.php"+query, b)
					look("/clientarea.php"+query, b)
					look("/login.php"+query, b)
				}
				for _, path := range []string{"/index.php/", "/invite/", "/password/reset/", "/account/users/"} {
					look(path+url.PathEscape(value), b)
				}
			}
		}
	}, kept)
}

// TestAnOldAddressIsReadOnceAndStrictly refuses what two programs would read
// differently, as everywhere.
func TestAnOldAddressIsReadOnceAndStrictly(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada := w.Person("Ada Lindqvist", "ada@lindqvist.example")
		for address, want := range map[string]int{
			"/index.php?rp=/login&rp=//evil.example": 422, "/index.php?rp=/login&rp=/login": 422, "/clientarea.php?action=details&action=emails": 422,
			"/index.php?rp=%ff%fe": 422, "/index.php?rp=/login%00": 422, "/clientarea.php?action=details;id=1": 400, "/index.php?rp=%zz": 400,
		} {
			if page := ada.GetOnly(address); page.Status != want || page.Location != "" {
				t.Errorf("%s: %d to %q, want %d", address, page.Status, page.Location, want)
			}
		}
	}, kept)
}

// kept keeps mail in its log, so that nothing happens between requests.
func kept(c *config.Config) { c.SMTPURL = "" }

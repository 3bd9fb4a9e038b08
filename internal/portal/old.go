package portal

import (
	"strings"

	"clientele/internal/web"
)

// lastAccount stands, in an address of ours, for the account that the person
// used last.
const lastAccount = "/a/{account}"

// An oldPage is an address of WHMCS's and what stands in its place.
type oldPage struct {
	was string // all that lies below it belongs to it where it ends in a slash
	now string // begins with lastAccount where it is a page of an account
}

// oldPages are the addresses that people have in bookmarks and old mails. The
// pages that WHMCS routes stand here in their friendly form; their other two
// forms, behind index.php, are read from it. A new room gets its lines here
// and needs nothing else.
var oldPages = []oldPage{
	{"/login.php", "/signin"},
	{"/dologin.php", "/signin"},
	{"/login", "/signin"},
	{"/logout.php", "/"}, // following a link signs nobody out
	{"/register.php", "/signup"},
	{"/pwreset.php", "/recover"},
	{"/password/reset/", "/recover"},
	{"/invite/", "/me/invitations"},

	{"/user/profile", "/me"},
	{"/user/accounts", "/me/accounts"},
	{"/user/password", "/me/security"},
	{"/user/security", "/me/security"},
	{"/account/security", "/me/security"},

	{"/account", lastAccount + "/settings"},
	{"/account/contacts/", lastAccount + "/contacts"},
	{"/account/users/", lastAccount + "/people"},

	{"/clientarea.php", lastAccount},
	{"/clientarea.php?action=details", lastAccount + "/settings"},
	{"/clientarea.php?action=contacts", lastAccount + "/contacts"},
	{"/clientarea.php?action=addcontact", lastAccount + "/contacts"},
	{"/clientarea.php?action=emails", lastAccount + "/emails"},
	{"/clientarea.php?action=changepw", "/me/security"},
	{"/clientarea.php?action=security", "/me/security"},
}

// mountOld mounts the addresses of WHMCS. What leads to an account asks who
// comes; the rest leads on, and nothing that stands in an old address is
// taken along.
func (p *Portal) mountOld(m *web.Mux) {
	web.Public(m, "GET /index.php", oldIndex)
	web.Public(m, "GET /index.php/{page...}", oldIndex)
	for _, o := range oldPages {
		switch {
		case strings.Contains(o.was, "?"):
			continue // the script that it belongs to finds it
		case strings.HasPrefix(o.now, lastAccount):
			web.SignedIn(m, "GET "+o.path(), p.leadOn(o))
		default:
			web.Public(m, "GET "+o.path(), p.leadOn(o))
		}
		if o.path() != o.was {
			web.Public(m, "GET "+o.path()+"/{below...}", leadUp(o))
		}
	}
}

func (o oldPage) path() string { return strings.TrimSuffix(o.was, "/") }

// covers reports whether a path in WHMCS's friendly form is the page or lies
// below it.
func (o oldPage) covers(path string) bool {
	return strings.TrimRight(path, "/") == o.path() || o.path() != o.was && strings.HasPrefix(path, o.was)
}

// door is where somebody is sent of whom nothing is known yet: a page of an
// account is found at its friendly address, behind the question who comes.
func (o oldPage) door() string {
	if strings.HasPrefix(o.now, lastAccount) {
		return o.path()
	}
	return o.now
}

// leadOn leads from an old page to the new one. A script's action may have a
// line of its own; one that has none leads where the script does.
func (p *Portal) leadOn(o oldPage) func(*web.Request) error {
	return func(r *web.Request) error {
		to := o.now
		for _, one := range oldPages {
			if one.was == o.was+"?action="+r.Value("action") {
				to = one.now
			}
		}
		if page, ok := strings.CutPrefix(to, lastAccount); ok {
			to = p.home(r, page)
		}
		return r.Redirect(to)
	}
}

// leadUp leads from what lies below an old page to the page. There may be a
// token in the address.
func leadUp(o oldPage) func(*web.Request) error {
	return func(r *web.Request) error {
		r.NoReferrer()
		return r.Redirect(o.door())
	}
}

// oldIndex leads on from the forms in which index.php stands before a routed
// page: /index.php/login and /index.php?rp=/login.
func oldIndex(r *web.Request) error {
	r.NoReferrer()
	path := r.Value("rp")
	if page := r.PathValue("page"); page != "" {
		path = "/" + page
	}
	for _, o := range oldPages {
		if o.covers(path) && !strings.Contains(o.was, ".php") {
			return r.Redirect(o.door())
		}
	}
	return r.Redirect("/")
}

package backoffice

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// page is the frame of the staff area: its menu has what the operator may
// open and nothing else.
func page(r *web.Request, title string) ui.Page {
	nav := []ui.NavItem{
		{Label: "Dashboard", Href: "/staff", Icon: "home"},
		{Label: "Accounts", Href: "/staff/accounts", Icon: "accounts"},
		{Label: "Users", Href: "/staff/users", Icon: "people"},
	}
	if _, err := staff.Check[staff.SeeLooks](r.Operator()); err == nil {
		nav = append(nav, ui.NavItem{Label: "Impersonations", Href: "/staff/impersonations", Icon: "eye"})
	}
	if readsMail(r) {
		nav = append(nav, ui.NavItem{Label: "Mail log", Href: "/staff/mails", Icon: "mail"})
	}
	if _, err := staff.Check[staff.ReadLog](r.Operator()); err == nil {
		nav = append(nav, ui.NavItem{Label: "Activity", Href: "/staff/activity", Icon: "activity"})
	}
	if _, err := staff.Check[staff.Configure](r.Operator()); err == nil {
		nav = append(nav, ui.NavItem{Label: "Sign-in providers", Href: "/staff/providers", Icon: "key"},
			ui.NavItem{Label: "Account groups", Href: "/staff/groups", Icon: "accounts"},
			ui.NavItem{Label: "Account fields", Href: "/staff/fields", Icon: "list"},
			ui.NavItem{Label: "Settings", Href: settingsPath, Icon: "settings"})
	}
	if _, err := staff.Check[staff.ManageStaff](r.Operator()); err == nil {
		nav = append(nav, ui.NavItem{Label: "Staff", Href: "/staff/people", Icon: "shield"})
	}
	if _, err := staff.Check[staff.SeeSystem](r.Operator()); err == nil {
		nav = append(nav, ui.NavItem{Label: "System", Href: "/staff/system", Icon: "server"})
	}
	for i, item := range nav {
		nav[i].Current = r.URL.Path == item.Href || i > 0 && strings.HasPrefix(r.URL.Path, item.Href+"/") ||
			item.Label == "Staff" && strings.HasPrefix(r.URL.Path, "/staff/roles")
	}
	return ui.Page{
		Title: title, Brand: r.Look(), Area: ui.Staff, Staff: true, Find: "/staff/search",
		Nav: nav, Flash: r.Flash(), Person: &ui.PersonHead{
			Name: r.Operator().Name(), Address: r.Operator().Address().String(), SignOut: "/staff/signout", Home: "/staff", Own: "/staff/me",
		},
	}
}

// readsMail reports whether the operator may open the mail log.
func readsMail(r *web.Request) bool {
	_, err := staff.Check[staff.ReadMail](r.Operator())
	return err == nil
}

// A sheet is a page of one account: its frame and tabs, and what its forms
// and dates need.
type sheet struct {
	ui.Page
	Tabs   []ui.NavItem
	Name   string
	Number string
	Acc    id.Account
	Base   string // the address of the account's pages
	Now    time.Time
	Closed bool
}

func newSheet[P access.Permission](r *web.Request, acc access.For[P], title, tab string) sheet {
	s := sheet{
		Page: page(r, title+" · "+acc.AccountName()), Tabs: tabs(acc, tab), Name: acc.AccountName(),
		Number: id.String(acc.Account()), Acc: acc.Account(), Base: accountPath(acc.Account()), Now: r.Now(), Closed: acc.Closed(),
	}
	s.Account = &ui.AccountHead{
		Number: s.Number, Name: s.Name, Href: s.Base, Status: capital(acc.Status()), Colour: ui.ColourOf(int64(acc.Account())),
	}
	if s.Closed {
		s.Account.Notice = "This account is closed. It can be read, and nothing in it can be changed."
	}
	return s
}

// form is a form of the account, which carries its number.
func (s sheet) form(path string) ui.FormProps {
	return ui.FormProps{Action: s.Base + path, Account: s.Number}
}

// careful is a form that may ask for the password first; here is the page
// that it stands on, to come back to.
func (s sheet) careful(path, here string) ui.FormProps {
	f := s.form(path)
	f.Next = s.Base + here
	return f
}

// capital writes a state as a word of its own: "active" as "Active".
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// count says how many there are: "1 account", "3 accounts".
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a number with its thousands apart.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// oneOf is a value of the address that is one of several, and nothing where it
// is none of them.
func oneOf(r *web.Request, name string, options []ui.Option) string {
	if slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == r.Value(name) }) {
		return r.Value(name)
	}
	return ""
}

// filters are the tabs that narrow a list by one value of its address. They
// keep the rest of it, and begin at the first page.
func filters(r *web.Request, name string, options []ui.Option) (out []ui.NavItem) {
	for _, o := range options {
		out = append(out, ui.NavItem{Label: o.Label, Href: narrowed(r, name, o.Value), Current: o.Value == oneOf(r, name, options)})
	}
	return out
}

// narrowed is the page's own address with one value of what narrows its list
// set anew, or taken away.
func narrowed(r *web.Request, name, value string) string {
	q := url.Values{}
	for _, keep := range []string{"q", "state", "status", "group"} {
		if v := r.Value(keep); v != "" && keep != name {
			q.Set(keep, v)
		}
	}
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + q.Encode()
}

// groupPath is the list of a group's accounts.
func groupPath(g id.Group) string { return "/staff/accounts?group=" + id.String(g) }

func groupValue(g id.Group) string {
	if g == 0 {
		return ""
	}
	return id.String(g)
}

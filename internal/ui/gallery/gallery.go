// Package gallery holds pages of every sort, made of the components of package
// ui, for its tests and for looking at. Nothing else imports it.
package gallery

import (
	"time"

	"github.com/a-h/templ"

	"clientele/internal/ui"
)

// Pages are the gallery's pages, by name.
func Pages() map[string]templ.Component {
	return map[string]templ.Component{
		"people": people(), "invite": invite(), "empty": empty(), "me": me(),
		"signin": signIn(), "join": join(), "users": users(), "accounts": accounts(),
		"settings": settings(), "staff-signin": staffSignIn(),
	}
}

var (
	brand = ui.Brand{Name: "Northwind Hosting"}
	now   = time.Date(2026, 3, 14, 10, 30, 0, 0, time.UTC)
)

// ago is a moment so long before now; a negative one is in the future.
func ago(d time.Duration) time.Time { return now.Add(-d) }

const day = 24 * time.Hour

func designer() *ui.PersonHead {
	return &ui.PersonHead{
		Name: "Ada Lindqvist", Address: "ada@lindqvist.design", SignOut: "/signout", Home: "/me", NewAccount: "/me/accounts/new",
		Accounts: []ui.SwitchItem{
			{Number: "1040", Name: "Lindqvist Design", Href: "/a/1040", Role: "Owner", Colour: ui.ColourOf(1040)},
			{Number: "1042", Name: "Harbour Bakery", Href: "/a/1042", Role: "Technical", Colour: ui.ColourOf(1042), Current: true},
			{Number: "1047", Name: "Still Water Yoga Studio and Retreat Centre", Href: "/a/1047", Role: "Full access", Colour: ui.ColourOf(1047)},
			{Number: "988", Name: "Old Mill Ceramics", Href: "/a/988", Role: "Owner", Status: "Closed", Colour: ui.ColourOf(988)},
		},
	}
}

func bakery() *ui.AccountHead {
	return &ui.AccountHead{
		Number: "1042", Name: "Harbour Bakery", Href: "/a/1042",
		Status: "Active", Role: "Technical", Colour: ui.ColourOf(1042),
	}
}

// accountPage is a page of the bakery's account.
func accountPage(title, current string) ui.Page {
	nav := []ui.NavItem{
		{Label: "Overview", Href: "/a/1042", Icon: "home"},
		{Label: "People", Href: "/a/1042/people", Icon: "people", Count: 4},
		{Label: "Contacts", Href: "/a/1042/contacts", Icon: "contacts"},
		{Label: "Emails", Href: "/a/1042/emails", Icon: "mail"},
		{Label: "Activity", Href: "/a/1042/activity", Icon: "activity"},
		{Label: "Settings", Href: "/a/1042/settings", Icon: "settings"},
	}
	for i := range nav {
		nav[i].Current = nav[i].Label == current
	}
	return ui.Page{
		Title: title + " · Harbour Bakery", Brand: brand, Area: ui.Account,
		Nav: nav, Account: bakery(), Person: designer(),
	}
}

func peoplePage() ui.Page {
	p := accountPage("People", "People")
	p.Flash = &ui.Flash{Kind: ui.Good, Text: "Invitation sent to jonas@stillwater.yoga."}
	return p
}

func closedPage() ui.Page {
	p := accountPage("Contacts", "Contacts")
	p.Account.Name, p.Account.Number, p.Account.Colour = "Still Water Yoga Studio and Retreat Centre", "1047", ui.ColourOf(1047)
	p.Account.Status = "Closed"
	p.Account.Notice = "This account is closed. You can read everything, and change nothing."
	return p
}

func mePage() ui.Page {
	p := ui.Page{Title: "Ada Lindqvist", Brand: brand, Area: ui.Me, Person: designer(), Nav: []ui.NavItem{
		{Label: "Overview", Href: "/me", Icon: "home", Current: true},
		{Label: "Accounts", Href: "/me/accounts", Icon: "accounts", Count: 4},
		{Label: "Invitations", Href: "/me/invitations", Icon: "mail", Count: 1},
		{Label: "Security", Href: "/me/security", Icon: "shield"},
		{Label: "Sessions", Href: "/me/sessions", Icon: "lock"},
		{Label: "Activity", Href: "/me/activity", Icon: "activity"},
	}}
	for i := range p.Person.Accounts {
		p.Person.Accounts[i].Current = false
	}
	return p
}

func staffPage(title string) ui.Page {
	return ui.Page{
		Title: title, Brand: brand, Area: ui.Staff, Staff: true, Find: "/staff/search",
		Person: &ui.PersonHead{Name: "Robin Okafor", Address: "robin@northwind.example", SignOut: "/staff/signout", Home: "/staff"},
		Nav: []ui.NavItem{
			{Label: "Dashboard", Href: "/staff", Icon: "home"},
			{Label: "Accounts", Href: "/staff/accounts", Icon: "accounts", Current: true},
			{Label: "Users", Href: "/staff/users", Icon: "people"},
			{Label: "Mail log", Href: "/staff/mail", Icon: "mail"},
			{Label: "Activity", Href: "/staff/activity", Icon: "activity"},
			{Label: "Settings", Href: "/staff/settings", Icon: "settings"},
		},
	}
}

func usersPage() ui.Page {
	p := staffPage("Users · Harbour Bakery")
	p.Account = bakery()
	return p
}

// member is somebody in the bakery's account.
type member struct {
	name, address, role string
	kind                ui.Kind
	access              string
	seen                time.Time
}

var members = []member{
	{"Hanna Brandt", "hanna@harbourbakery.example", "Owner", ui.Info, "Everything", ago(12 * time.Minute)},
	{"Ada Lindqvist", "ada@lindqvist.design", "Technical", ui.Plain, "Services and domains", ago(0)},
	{"Tomás de la Cruz y Villanueva", "bookkeeping.harbourbakery@cruz-villanueva-accountants.example", "Billing", ui.Plain, "Invoices and payments, until 30 April", ago(19 * day)},
	{"Mei Sato", "mei@harbourbakery.example", "Own choice", ui.Plain, "4 permissions", time.Time{}},
}

// client is an account in the staff's list.
type client struct {
	number        int64
	label         string
	name, contact string
	status        string
	users         string
	balance       string
	since         time.Time
}

var clients = []client{
	{1042, "1042", "Harbour Bakery", "Hanna Brandt", "Active", "4", "€ 0.00", ago(830 * day)},
	{1047, "1047", "Still Water Yoga Studio and Retreat Centre", "Jonas Weber", "Active", "2", "€ 49.00", ago(212 * day)},
	{1040, "1040", "Lindqvist Design", "Ada Lindqvist", "Active", "1", "€ 1,204.50", ago(1400 * day)},
	{1051, "1051", "Kite & Anchor Surf School", "Noor Haddad", "Suspended", "3", "€ 318.00", ago(40 * day)},
	{988, "988", "Old Mill Ceramics", "Ada Lindqvist", "Closed", "1", "€ 0.00", ago(2900 * day)},
}

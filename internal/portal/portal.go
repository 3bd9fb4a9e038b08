// Package portal is the client area: what visitors, people and the members of
// an account see. Each page's code and its template lie side by side.
package portal

import (
	"slices"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"
	"clientele/internal/merge"
	"clientele/internal/setting"
	"clientele/internal/sso"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// Rooms are what the client area shows and steers.
type Rooms struct {
	Auth        *auth.Auth
	Memberships *access.Memberships
	Accounts    *account.Accounts
	Invites     *invite.Invites
	Owners      *staff.Owners
	Providers   *sso.Providers
	Merges      *merge.Merges
	Outbox      *mail.Outbox
	Settings    *setting.Settings
}

// Portal is the client area.
type Portal struct{ Rooms }

// New makes the client area.
func New(r Rooms) *Portal { return &Portal{r} }

// Mount mounts the pages.
func (p *Portal) Mount(m *web.Mux) {
	m.SignInPage, m.ConfirmPage = p.signInInPlace, p.confirmInPlace
	p.mountDoor(m)
	p.mountProviders(m)
	p.mountInvitation(m)
	p.mountMe(m)
	p.mountPeople(m)
	p.mountPolicy(m)
	p.mountAccount(m)
	p.mountOld(m)
	p.mountTerms(m)
}

// switcherSize is how many accounts the switcher lists without a search.
const switcherSize = 8

// barePage is the frame of sign-in and its like.
func barePage(r *web.Request, title string) ui.Page {
	return ui.Page{Title: title, Brand: r.Look(), Area: ui.Bare, Flash: r.Flash(), MinPassword: r.MinPassword()}
}

// mePage is the frame of what belongs to the person.
func (p *Portal) mePage(r *web.Request, title string) (ui.Page, error) {
	head, err := p.person(r, 0)
	nav := []ui.NavItem{
		{Label: "You", Href: "/me", Icon: "people"},
		{Label: "Accounts", Href: "/me/accounts", Icon: "accounts"},
		{Label: "Invitations", Href: "/me/invitations", Icon: "mail"},
		{Label: "Security", Href: "/me/security", Icon: "lock"},
		{Label: "Sessions", Href: "/me/sessions", Icon: "shield"},
		{Label: "Activity", Href: "/me/activity", Icon: "activity"},
	}
	return ui.Page{Title: title, Brand: r.Look(), Area: ui.Me, Nav: current(nav, r.URL.Path), Person: head, Flash: r.Flash(), MinPassword: r.MinPassword()}, err
}

// accountPage is the frame of an account's pages: its menu has what the
// holder may open and nothing else.
func accountPage[P access.Permission](p *Portal, r *web.Request, by access.For[P], title string) (ui.Page, error) {
	head, err := p.person(r, by.Account())
	return ui.Page{
		Title: title + " · " + by.AccountName(), Brand: r.Look(), Area: ui.Account,
		Nav: current(menu(by), r.URL.Path), Person: head, Flash: r.Flash(),
		Account: accountHead(by, head),
	}, err
}

func accountHead[P access.Permission](by access.For[P], head *ui.PersonHead) *ui.AccountHead {
	a := &ui.AccountHead{
		Number: id.String(by.Account()), Name: by.AccountName(), Href: accountPath(by.Account()),
		Status: by.Status(), Colour: ui.ColourOf(int64(by.Account())),
	}
	for _, item := range head.Accounts {
		if item.Current {
			a.Role = item.Role
		}
	}
	if by.Closed() {
		a.Notice = "This account is closed. It can be read, and nothing in it can be changed. The operator can open it again."
	}
	return a
}

// menu lists the pages of an account that the holder may open.
func menu[P access.Permission](by access.For[P]) []ui.NavItem {
	base := accountPath(by.Account())
	nav := []ui.NavItem{{Label: "Overview", Href: base, Icon: "home"}}
	if _, ok := access.Also[access.ViewPeople](by); ok {
		nav = append(nav, ui.NavItem{Label: "People", Href: base + "/people", Icon: "people"})
	}
	if _, ok := access.Also[access.ManageContacts](by); ok {
		nav = append(nav, ui.NavItem{Label: "Contacts", Href: base + "/contacts", Icon: "contacts"})
	}
	if _, ok := access.Also[access.ViewEmails](by); ok {
		nav = append(nav, ui.NavItem{Label: "Mail", Href: base + "/emails", Icon: "mail"})
	}
	if _, ok := access.Also[access.ViewActivity](by); ok {
		nav = append(nav, ui.NavItem{Label: "Activity", Href: base + "/activity", Icon: "activity"})
	}
	if _, ok := access.Also[access.ManageProfile](by); ok {
		nav = append(nav, ui.NavItem{Label: "Settings", Href: base + "/settings", Icon: "settings"})
	}
	return nav
}

// current marks the page that is open: the longest address that the path
// begins with.
func current(nav []ui.NavItem, path string) []ui.NavItem {
	best := -1
	for i, item := range nav {
		under := path == item.Href || len(path) > len(item.Href) && path[:len(item.Href)+1] == item.Href+"/"
		if under && (best < 0 || len(item.Href) > len(nav[best].Href)) {
			best = i
		}
	}
	if best >= 0 {
		nav[best].Current = true
	}
	return nav
}

// person is who is signed in, with the accounts that the switcher lists.
func (p *Portal) person(r *web.Request, open id.Account) (*ui.PersonHead, error) {
	me := r.Me()
	head := &ui.PersonHead{Name: me.Name(), Address: me.Address().String(), SignOut: "/signout", Home: "/me", NewAccount: "/me/accounts/new"}
	list, err := p.Memberships.Recent(r.Context(), me, switcherSize)
	if err != nil {
		return head, err
	}
	if len(list) > switcherSize {
		list, head.More = list[:switcherSize], true
	}
	if list, err = p.withOpen(r, list, open); err != nil {
		return head, err
	}
	for _, a := range list {
		head.Accounts = append(head.Accounts, switchItem(a, open, locked(r, a)))
	}
	return head, nil
}

// withOpen puts the account that is open before those that were used last,
// where it is not among them: one may have been in many within minutes, or
// come through a partner.
func (p *Portal) withOpen(r *web.Request, list []access.Reached, open id.Account) ([]access.Reached, error) {
	isOpen := func(a access.Reached) bool { return a.ID == open }
	if open == 0 || slices.ContainsFunc(list, isOpen) {
		return list, nil
	}
	found, err := p.Memberships.Reach(r.Context(), r.Me(), access.Page{Word: id.String(open), Limit: accountsPerPage})
	if i := slices.IndexFunc(found, isOpen); i >= 0 {
		list = slices.Insert(list, 0, found[i])
	}
	return list, err
}

// locked says what an account asks for before it opens, in this session.
func locked(r *web.Request, a access.Reached) string {
	if r.Looks() {
		return ""
	}
	switch a.Asks(r.Me().Proof(), r.Now()) {
	case access.NeedsSecond:
		return "Asks for a second factor"
	case access.NeedsWay:
		return "Asks for another way to sign in"
	case access.NeedsFresh:
		return "Asks who you are once more"
	}
	return ""
}

func switchItem(a access.Reached, open id.Account, locked string) ui.SwitchItem {
	return ui.SwitchItem{
		Number: id.String(a.ID), Name: a.Name, Href: accountPath(a.ID), Role: a.Label(), Status: a.Status,
		Colour: ui.ColourOf(int64(a.ID)), Current: a.ID == open, Locked: locked,
	}
}

func accountPath(a id.Account) string { return "/a/" + id.String(a) }

// errMissing is the answer to what is not the person's.
var errMissing = fault.Missing()

// mendable shows a form once more with what is wrong with it, where the
// person can mend it; every other error goes up.
func mendable(err error, again func(fields map[string]string, above string) error) error {
	if !web.Mendable(err) {
		return err
	}
	return again(web.FieldErrors(err))
}

package backoffice

import (
	"net/http"
	"strings"

	"clientele/internal/account"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/user"
	"clientele/internal/web"
)

// mountDesk mounts the dashboard and the ways to find somebody.
func (b *Backoffice) mountDesk(m *web.Mux) {
	web.Staff(m, "GET /staff", b.dashboard)
	web.Staff(m, "GET /staff/search", b.search)
	web.Staff(m, "GET /staff/accounts", b.accountList)
	web.Staff(m, "GET /staff/users", b.userList)
	web.Staff(m, "GET /staff/waiting/{list}", b.waiting)
}

// A dashboard is what the first page shows.
type dashboard struct {
	staff.Outline
	Keeps     bool // mail does not leave this installation
	ReadsMail bool
	Waits     []staff.Waiting
}

func (b *Backoffice) dashboard(r *web.Request, by staff.For[staff.Look]) error {
	outline, err := b.Staff.Outline(r.Context(), by)
	if err != nil {
		return err
	}
	waits, err := b.Staff.Waits(r.Context(), by)
	if err != nil {
		return err
	}
	d := dashboard{Outline: outline, Keeps: !b.Outbox.Sends(), ReadsMail: readsMail(r), Waits: waits}
	return r.Render(http.StatusOK, dashboardPage(page(r, "Dashboard"), d))
}

// A listing is a page of a list, which may be of what was looked for.
type listing[T any] struct {
	List    []T
	Word    string
	Problem string // why it cannot be looked for
	Next    string
}

// accountsView is the list of accounts, and what it is narrowed to.
type accountsView struct {
	listing[account.Account]
	account.Narrow
	GroupName string
	NoGroup   bool // the group is not there
	Tabs      []ui.NavItem
	Without   string // the same list of all groups
}

// accountStatuses are the tabs of the list of accounts.
var accountStatuses = []ui.Option{{Label: "All"}, {Value: "active", Label: "Active"}, {Value: "inactive", Label: "Inactive"}, {Value: "closed", Label: "Closed"}}

// narrow reads what the list of accounts is narrowed to.
func (b *Backoffice) narrow(r *web.Request, by staff.For[staff.Look], v *accountsView) error {
	v.Status, v.Tabs = oneOf(r, "status", accountStatuses), filters(r, "status", accountStatuses)
	if r.Value("group") == "" {
		return nil
	}
	v.Without = narrowed(r, "group", "")
	number, err := id.Parse[id.Group](r.Value("group"))
	if err != nil {
		v.NoGroup = true
		return nil
	}
	g, err := b.Staff.Group(r.Context(), by, number)
	if e, ok := fault.Of(err); ok && e.Code == fault.NotFound {
		v.NoGroup = true
		return nil
	}
	v.Group, v.GroupName = g.ID, g.Name
	return err
}

// word is what was typed into a search.
func word(r *web.Request) string { return strings.TrimSpace(r.Value("q")) }

// needle is what was typed into a search as it is looked for, and the sentence
// where it cannot be.
func needle(r *web.Request) (n plain.Needle, problem string) {
	if word(r) == "" {
		return n, ""
	}
	n, err := plain.ParseNeedle(word(r))
	if e, ok := fault.Of(err); ok {
		problem = e.Text
	}
	return n, problem
}

// statusFor is that of a page that says what was wrong with a search.
func statusFor(problem string) int {
	if problem != "" {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

func (b *Backoffice) accountList(r *web.Request, by staff.For[staff.Look]) (err error) {
	n, problem := needle(r)
	l := accountsView{listing: listing[account.Account]{Word: word(r), Problem: problem}}
	if err := b.narrow(r, by, &l); err != nil {
		return err
	}
	if l.NoGroup {
		return r.Render(http.StatusNotFound, accountsPage(page(r, "Accounts"), l, r.Now()))
	}
	more := false
	if problem == "" {
		if l.List, more, err = b.Staff.Accounts(r.Context(), by, n, l.Narrow, web.After[id.Account](r, "after_account")); err != nil {
			return err
		}
	}
	if more {
		l.Next = narrowed(r, "after_account", id.String(l.List[len(l.List)-1].ID))
	}
	return r.Render(statusFor(problem), accountsPage(page(r, "Accounts"), l, r.Now()))
}

func (b *Backoffice) userList(r *web.Request, by staff.For[staff.Look]) (err error) {
	n, problem := needle(r)
	l := listing[user.User]{Word: word(r), Problem: problem}
	more := false
	if problem == "" {
		if l.List, more, err = b.Staff.Users(r.Context(), by, n, web.After[id.User](r, "after_user")); err != nil {
			return err
		}
	}
	if more {
		l.Next = narrowed(r, "after_user", id.String(l.List[len(l.List)-1].ID))
	}
	return r.Render(statusFor(problem), usersPage(page(r, "Users"), l, r.Now()))
}

// second is the line that tells accounts of one name apart.
func second(a account.Account) string {
	if a.Company != "" && a.Company != a.Name {
		return a.Company
	}
	return a.City
}

func userStatus(u user.User) string { return capital(string(u.Status)) }

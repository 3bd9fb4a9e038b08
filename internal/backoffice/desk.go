package backoffice

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"clientele/internal/account"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/user"
	"clientele/internal/web"
)

// mountDesk mounts the dashboard and the ways to find somebody.
func (b *Backoffice) mountDesk(m *web.Mux) {
	web.Staff(m, "GET /staff", b.dashboard)
	web.Staff(m, "GET /staff/search", b.search)
	web.Staff(m, "GET /staff/accounts", b.accountList)
	web.Staff(m, "GET /staff/users", b.userList)
}

// A dashboard is what the first page shows.
type dashboard struct {
	staff.Outline
	Keeps     bool // mail does not leave this installation
	ReadsMail bool
	Resets    []auth.FactorReset // lost second factors that wait for somebody
	Now       time.Time
}

func (b *Backoffice) dashboard(r *web.Request, by staff.For[staff.Look]) error {
	outline, err := b.staff.Outline(r.Context(), by)
	if err != nil {
		return err
	}
	resets, err := b.staff.FactorResets(r.Context(), by)
	if err != nil {
		return err
	}
	d := dashboard{Outline: outline, Keeps: !b.outbox.Sends(), ReadsMail: readsMail(r), Resets: resets, Now: r.Now()}
	return r.Render(http.StatusOK, dashboardPage(page(r, "Dashboard"), d))
}

// A finding is a list of what was searched for, and where it goes on.
type finding struct {
	staff.Found
	Word         string
	NextAccounts string
	NextUsers    string
}

// word is what was typed into a search.
func word(r *web.Request) string { return strings.TrimSpace(r.Value("q")) }

// find keeps the search word and says where each list goes on.
func find(r *web.Request, f staff.Found) finding {
	out := finding{Found: f, Word: word(r)}
	if f.MoreAccounts {
		out.NextAccounts = further(r, "after_account", id.String(f.Accounts[len(f.Accounts)-1].ID))
	}
	if f.MoreUsers {
		out.NextUsers = further(r, "after_user", id.String(f.Users[len(f.Users)-1].ID))
	}
	return out
}

// further is the page's own address with one value of its query set anew.
func further(r *web.Request, name, value string) string {
	q := url.Values{}
	for _, keep := range []string{"q", "state", "after_account", "after_user"} {
		if v := r.Value(keep); v != "" {
			q.Set(keep, v)
		}
	}
	q.Set(name, value)
	return r.URL.Path + "?" + q.Encode()
}

func (b *Backoffice) search(r *web.Request, by staff.For[staff.Look]) error {
	var found staff.Found
	if word(r) != "" {
		var err error
		found, err = b.staff.Search(r.Context(), by, word(r), web.After[id.Account](r, "after_account"), web.After[id.User](r, "after_user"))
		if err != nil {
			return err
		}
	}
	p := page(r, "Search")
	if word(r) != "" {
		p.Title = "Search for “" + word(r) + "”"
	}
	return r.Render(http.StatusOK, searchPage(p, find(r, found), r.Now()))
}

func (b *Backoffice) accountList(r *web.Request, by staff.For[staff.Look]) error {
	found, err := b.staff.Accounts(r.Context(), by, word(r), web.After[id.Account](r, "after_account"))
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, accountsPage(page(r, "Accounts"), find(r, found), r.Now()))
}

func (b *Backoffice) userList(r *web.Request, by staff.For[staff.Look]) error {
	found, err := b.staff.Users(r.Context(), by, word(r), web.After[id.User](r, "after_user"))
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, usersPage(page(r, "Users"), find(r, found), r.Now()))
}

// second is the line that tells accounts of one name apart.
func second(a account.Account) string {
	if a.Company != "" && a.Company != a.Name {
		return a.Company
	}
	return a.City
}

func userStatus(u user.User) string { return capital(string(u.Status)) }

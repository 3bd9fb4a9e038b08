package backoffice

import (
	"net/http"
	"net/url"
	"strings"

	"clientele/internal/account"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/plain"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/user"
	"clientele/internal/web"
)

// sources are the kinds of things that the search finds, in the order in which
// it shows them: one line each.
var sources = []staff.Source{
	staff.NewSource[staff.Look]("Accounts", "/staff/accounts", account.Find, accountHit),
	staff.NewSource[staff.Look]("Users", "/staff/users", user.Find, userHit),
	staff.NewSource[staff.Look]("Contacts", "", account.FindContacts, contactHit),
	staff.NewSource[staff.Look]("Invitations", "", invite.Find, invitationHit),
}

func accountHit(a account.Account) staff.Hit {
	return staff.Hit{
		Name: a.Name, Number: id.String(a.ID), Detail: detail(second(a), a.Address.Shown()), Status: unusual(a.Status), Path: accountPath(a.ID),
	}
}

func userHit(u user.User) staff.Hit {
	return staff.Hit{Name: u.Name, Number: id.String(u.ID), Detail: detail(u.Address.Shown()), Status: unusual(string(u.Status)), Path: userPath(u.ID)}
}

func contactHit(c account.FoundContact) staff.Hit {
	return staff.Hit{
		Name: c.Name, Detail: detail(c.Company, c.Address.String(), "of "+c.AccountName), Status: unusual(c.Status), Path: accountPath(c.AccountID) + "/contacts",
	}
}

func invitationHit(f invite.Found) staff.Hit {
	h := staff.Hit{Name: f.Address.String(), Detail: detail("to " + f.AccountName), Path: accountPath(f.AccountID) + "/users"}
	if f.Expired {
		h.Status = "Expired"
	}
	return h
}

// detail lists what there is to say.
func detail(words ...string) (out []string) {
	for _, w := range words {
		if w != "" {
			out = append(out, w)
		}
	}
	return out
}

// unusual is a status worth telling.
func unusual(status string) string {
	if status == "active" {
		return ""
	}
	return capital(status)
}

const (
	boxHits  = 6 // of each kind, below the box
	pageHits = staff.PageSize
)

// A search is what the page of results shows.
type search struct {
	Word    string
	Problem string // why it cannot be looked for
	Needle  plain.Needle
	Groups  []staff.Group
}

// search answers the box in the bar: the whole page, or while one types what
// is shown below the box.
func (b *Backoffice) search(r *web.Request, by staff.For[staff.Look]) (err error) {
	s, limit, box := search{Word: word(r)}, pageHits, r.Value("box") != ""
	if box {
		limit = boxHits
	}
	if s.Needle, s.Problem = needle(r); !s.Needle.IsZero() {
		if s.Groups, err = b.Staff.Search(r.Context(), by, sources, s.Needle, limit); err != nil {
			return err
		}
	}
	if box {
		return r.Render(http.StatusOK, searchBox(s))
	}
	p := page(r, "Search")
	if p.FindWord = s.Word; s.Word != "" && s.Problem == "" {
		p.Title = "Search for “" + s.Word + "”"
	}
	return r.Render(statusFor(s.Problem), searchPage(p, s))
}

// all is the page that lists everything that a group has more of.
func (s search) all(g staff.Group) string {
	if !g.More || g.List == "" {
		return ""
	}
	return g.List + "?" + url.Values{"q": {s.Word}}.Encode()
}

// list is a group as the box and the page show it.
func (s search) list(g staff.Group) ui.HitList {
	l := ui.HitList{Heading: g.Heading}
	for _, h := range g.Hits {
		hit := ui.Hit{Name: s.pieces(s.Needle.Mark(h.Name)), Status: h.Status, Href: h.Path}
		if h.Number != "" {
			hit.Number = s.pieces(s.Needle.MarkNumber(h.Number))
		}
		hit.Detail = s.pieces(s.Needle.Mark(strings.Join(h.Detail, " · ")))
		l.Hits = append(l.Hits, hit)
	}
	return l
}

func (s search) pieces(in []plain.Piece) (out []ui.Piece) {
	for _, p := range in {
		out = append(out, ui.Piece{Text: p.Text, Hit: p.Hit})
	}
	return out
}

// outcome says for a screen reader, and below the box, what was found.
func (s search) outcome() string {
	n, more := int64(0), false
	for _, g := range s.Groups {
		n, more = n+int64(len(g.Hits)), more || g.More
	}
	switch {
	case s.Problem != "":
		return s.Problem
	case s.Word == "":
		return ""
	case n == 0:
		return "Nothing found. Try a shorter part."
	case more:
		return "The best are shown. Enter shows more."
	}
	return count(n, "result", "results")
}

package backoffice_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// found lists what a search shows: each hit's name and the page that it leads to.
func found(b *apptest.Browser, word string) (hits []string) {
	b.Get("/staff/search?" + url.Values{"q": {word}}.Encode()).Must(200).Find(".hits .hit").Each(func(_ int, a *goquery.Selection) {
		hits = append(hits, strings.TrimSpace(a.Find(".hit-name").Text())+" "+a.AttrOr("href", ""))
	})
	return hits
}

func TestSearchFindsByAnyPart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.nora.Post("/a/"+id.String(d.bakery)+"/contacts", url.Values{"account": {id.String(d.bakery)}, "name": {"Zoë Çelik"}, "company": {"Quay Street Books"}, "address": {"zoe@quay.example"}, "kinds": {"invoice"}}).Must(200)
		d.root.Get(d.base+"/users/invite").Submit(d.base+"/users/invite", url.Values{"address": {"newcomer@elsewhere.example"}, "role": {"technical"}}).Must(200)
		account, nora := "Harbour Bakery "+d.base, "Nora Baker /staff/users/"+id.String(d.nora.User)
		contact, invitation := "Zoë Çelik "+d.base+"/contacts", "newcomer@elsewhere.example "+d.base+"/users"
		for word, want := range map[string][]string{
			"@bakery.ex": {account, nora}, "RA@BAK": {account, nora}, "bakery harb": {account}, "ha": {account}, "ar": nil, "no": {account, nora},
			"zoe c": {contact}, "celik": {contact}, "QUAY": {contact}, "e@quay": {contact}, "comer@else": {invitation}, "zz%": nil, `q"_\`: nil, "b%k": nil, "bak_ry": nil,
		} {
			if got := found(d.root.Browser, word); !slices.Equal(got, want) {
				t.Errorf("%q finds %q, want %q", word, got, want)
			}
		}
		if got := found(d.root.Browser, "#"+id.String(d.bakery)); !slices.Contains(got, account) {
			t.Errorf("its number finds %q", got)
		}
		p := d.root.Get("/staff/search?q=bak&box=yes").Must(200, "Accounts", "Users")
		if p.Find("html h1").Length() != 0 || p.Find("[role=option] mark").First().Text() != "Bak" || p.Find("[role=status]").Text() != "2 results" {
			t.Errorf("below the box stands %s", p.Body)
		}
		w.Exec("UPDATE accounts SET status = 'closed', closed_at = $2 WHERE id = $1", d.bakery, w.Clock.Now())
		if p := d.root.Get("/staff/search?q=harbour").Must(200, "Harbour Bakery"); p.Find(".hits .badge").Text() != "Closed" {
			t.Error("a closed account is not shown as such")
		}
		w.Exec("UPDATE invitations SET state = 'withdrawn'")
		if got := found(d.root.Browser, "comer@else"); got != nil {
			t.Errorf("a withdrawn invitation is found: %q", got)
		}
		w.Exec("UPDATE invitations SET state = 'pending'")
	})
}

// TestSearchPutsTheBestFirst looks for a number that others begin with, and
// for a word that stands at the beginning of one name and inside of another.
func TestSearchPutsTheBestFirst(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		w.Exec("INSERT INTO accounts (id, name, address, currency, search, created_at) VALUES (70123, 'Longer', '', 'EUR', 'longer', $1), (701, 'Exact', '', 'EUR', 'exact', $1), (44, 'Inside', '', 'EUR', 'x701y', $1), (45, 'Begins', '', 'EUR', 'a 7019', $1)", w.Clock.Now())
		want := []string{"Exact /staff/accounts/701", "Longer /staff/accounts/70123", "Begins /staff/accounts/45", "Inside /staff/accounts/44"}
		for range 2 {
			if got := found(d.root.Browser, "701"); !slices.Equal(got, want) {
				t.Errorf("701 finds %q, want %q", got, want)
			}
		}
		w.Exec("DELETE FROM accounts WHERE id IN (44, 45, 701, 70123)") // nobody owns them
	})
}

func TestSearchSaysWhyNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		for word, says := range map[string]string{
			"x": "at least two letters", "%": "at least two letters", "_%_%": "at least two letters", `""''`: "at least two letters", "#": "at least two letters",
			strings.Repeat("bakery ", 9): "Use at most 8 words", strings.Repeat("x", 10_000): "too long to search for",
		} {
			q := "?" + url.Values{"q": {word}}.Encode()
			for _, path := range []string{"/staff/search", "/staff/accounts", "/staff/users"} {
				d.root.GetOnly(path+q).Must(422, says)
			}
			d.root.Get("/staff/search"+q+"&box=yes").Must(200, says)
		}
		for _, word := range []string{"%00", "a%00b", "%ff%fe"} {
			d.root.GetOnly("/staff/search?q="+word).Must(422, "unreadable")
		}
		d.root.Get("/staff/search?q="+id.String(d.bakery)).Must(200, "Harbour Bakery") // one digit is a number
		d.root.Get("/staff/search").Must(200, "Nothing searched for yet")
	})
}

// TestSearchFindsWhatMayBeOpened searches as somebody who only reads: she finds
// what she may open, contacts too, and a customer nothing.
func TestSearchFindsWhatMayBeOpened(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.nora.Post("/a/"+id.String(d.bakery)+"/contacts", url.Values{"account": {id.String(d.bakery)}, "name": {"Zoe Quay"}, "address": {"zoe@quay.example"}, "kinds": {"invoice"}}).Must(200)
		if len(found(d.root.Browser, "quay")) != 1 {
			t.Fatal("the administrator does not find the contact")
		}
		reader := w.Operator("Remy Reed", "remy@northbeam.example", "readonly")
		if got := found(reader.Browser, "quay"); len(got) != 1 || !strings.HasSuffix(got[0], d.base+"/contacts") {
			t.Errorf("who may open every Contacts tab finds %q", got)
		}
		reader.Get(d.base+"/contacts").Must(200, "Zoe Quay")
		if got := found(reader.Browser, "harbour"); len(got) != 1 {
			t.Errorf("and accounts: %q", got)
		}
		d.nora.GetOnly("/staff/search?q=quay").Must(404)
	})
}

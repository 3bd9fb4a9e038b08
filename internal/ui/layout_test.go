package ui_test

import (
	"testing"

	"clientele/internal/ui"
	"clientele/internal/ui/gallery"
)

func TestAccountPagesNameTheAccount(t *testing.T) {
	doc := part(t, gallery.Pages()["people"])
	wants(t, doc, "body.area-account.colour-10", "header .chip .tile.colour-10")
	for selector, want := range map[string]string{
		"title": "People · Harbour Bakery · Northwind Hosting", "header .chip-name": "Harbour Bakery",
		"header .chip-facts .num": "1042", `.nav [aria-current="page"] .truncate`: "People",
		`.flash[role="status"]`: "Invitation sent to jonas@stillwater.yoga.",
	} {
		if got := doc.Find(selector).Text(); got != want {
			t.Errorf("%s says %q, want %q", selector, got, want)
		}
	}
}

func TestSwitcherHasTwoZones(t *testing.T) {
	doc := part(t, gallery.Pages()["people"])
	wants(t, doc,
		`details.switcher form[method=get][action="/me/accounts"] input[name=q]`,
		`details.switcher a[href="/a/1042"][aria-current]`, `details.switcher a[href="/a/988"] .badge.is-bad`,
		`.zone-me a[href="/me"]`, `.zone-me a[href="/me/security"]`, `.zone-me a[href="/me/sessions"]`,
		`.zone-me a[href="/me/invitations"]`, `.zone-me a[href="/me/activity"]`,
		`.zone-me form[method=post][action="/signout"] button`)
}

func TestTheStaffSideLooksDifferent(t *testing.T) {
	doc := part(t, gallery.Pages()["users"])
	wants(t, doc, "body.is-staff", "header .realm", `.strip a[href="/a/1042"]`, `header form[action="/staff/search"]`)
	if doc.Find(".switcher, a[href^='/me']").Length() > 0 {
		t.Error("the staff side leads to a client's pages")
	}
}

func TestVisitorsSeeNoMenus(t *testing.T) {
	doc := part(t, ui.Layout(ui.Page{Title: "Sign in", Brand: ui.Brand{Name: "N"}}))
	if doc.Find("details, nav, form").Length() > 0 {
		t.Error("a visitor has a menu")
	}
	wants(t, doc, "body.area-bare", `html[lang=en]`)
}

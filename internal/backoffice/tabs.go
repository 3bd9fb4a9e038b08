package backoffice

import (
	"clientele/internal/access"
	"clientele/internal/ui"
)

// A tab is one page of an account: what it is called, where it is below the
// account's address, and whom it is shown to. A room that has something of an
// account's adds one line to accountTabs.
type tab struct {
	Label string
	Path  string
	Open  func(acc access.For[access.Enter]) bool
}

// accountTabs are the tabs of an account, in their order.
var accountTabs = []tab{
	{"Summary", "", may[access.Enter]},
	{"Users", "/users", may[access.ViewPeople]},
	{"Contacts", "/contacts", may[access.Enter]},
	{"Emails", "/emails", may[access.ViewEmails]},
	{"Activity", "/activity", may[access.ViewActivity]},
	{"Notes", "/notes", may[access.Enter]},
}

// may reports whether the operator may do P on the account.
func may[P access.Permission](acc access.For[access.Enter]) bool {
	_, ok := access.Also[P](acc)
	return ok
}

// tabs lists the account's pages that the operator may open.
func tabs[P access.Permission](acc access.For[P], current string) (list []ui.NavItem) {
	enter, ok := access.Also[access.Enter](acc)
	for _, t := range accountTabs {
		if ok && t.Open(enter) {
			list = append(list, ui.NavItem{Label: t.Label, Href: accountPath(acc.Account()) + t.Path, Current: t.Label == current})
		}
	}
	return list
}

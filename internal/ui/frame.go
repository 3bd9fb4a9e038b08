package ui

import (
	"strings"
	"unicode"
)

// meLinks are the person's own pages, in the switcher.
var meLinks = []NavItem{
	{Label: "You", Href: "/me", Icon: "people"},
	{Label: "Invitations", Href: "/me/invitations", Icon: "mail"},
	{Label: "Security", Href: "/me/security", Icon: "lock"},
	{Label: "Sessions", Href: "/me/sessions", Icon: "shield"},
	{Label: "Activity", Href: "/me/activity", Icon: "activity"},
}

func (p Page) lang() string {
	if p.Lang == "" {
		return "en"
	}
	return p.Lang
}

func (p Page) fullTitle() string {
	switch {
	case p.Title == "":
		return p.Brand.Name
	case p.Brand.Name == "":
		return p.Title
	}
	return p.Title + " · " + p.Brand.Name
}

// bodyClass lets the style sheet know the area and the account's colour.
func (p Page) bodyClass() string {
	classes := []string{"area-" + p.areaName()}
	if p.Staff {
		classes = append(classes, "is-staff")
	}
	if p.Account != nil {
		classes = append(classes, colourClass(p.Account.Colour))
	}
	return strings.Join(classes, " ")
}

func (p Page) areaName() string {
	switch p.Area {
	case Me:
		return "me"
	case Account:
		return "account"
	case Staff:
		return "staff"
	}
	return "bare"
}

// areaLabel names the navigation for screen readers.
func (p Page) areaLabel() string {
	if p.Account != nil {
		return p.Account.Name
	}
	if p.Staff {
		return "Staff area"
	}
	return "Your pages"
}

// home is where the brand's sign leads.
func (p Page) home() string {
	switch {
	case p.Person != nil && p.Person.Home != "":
		return p.Person.Home
	case p.Staff:
		return "/staff"
	}
	return "/"
}

// allAccounts leads to the list of one's accounts.
func allAccounts(person *PersonHead) string {
	if person.More {
		return "All my accounts"
	}
	return "My accounts"
}

// currentLabel is what the narrow screen's menu button says.
func currentLabel(items []NavItem) string {
	for _, item := range items {
		if item.Current {
			return item.Label
		}
	}
	return "Menu"
}

// asks reports whether the page says whom to ask, or leads to the terms. That
// is for customers.
func (p Page) asks() bool { return !p.Staff && (p.Brand.Support != "" || p.Brand.Terms) }

// brandLetter stands for the installation in its sign.
func brandLetter(name string) string {
	for _, r := range name {
		return string(unicode.ToUpper(r))
	}
	return "C"
}

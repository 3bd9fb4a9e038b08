package ui

// Brand is how an installation calls itself and looks.
type Brand struct {
	Name    string
	Logo    string // address of the logo; its letter stands for it where empty
	Style   string // address of the style sheet with its accent, if it has one
	Support string // address of whom people ask, if there is one
	Terms   bool   // there are terms to read
}

// Area is a part of the product; it decides the frame around a page.
type Area int

// The areas of the product.
const (
	Bare    Area = iota // sign-in and the like: a narrow card in the middle
	Me                  // what belongs to the person
	Account             // what belongs to one account
	Staff               // the operators' side
)

// Kind says how something stands; it is always shown as a word and a colour.
// The zero Kind is plain: it says neither good nor bad.
type Kind string

// The kinds of badges, notices and flashes.
const (
	Plain Kind = ""
	Good  Kind = "good"
	Info  Kind = "info"
	Warn  Kind = "warn"
	Bad   Kind = "bad"
)

// Page is what the frame around every page needs.
type Page struct {
	Title   string       // names its object: "People · Harbour Bakery"
	Brand   Brand        // shown in the bar, the title and the footer
	Area    Area         // decides the frame
	Nav     []NavItem    // the area's navigation: only what the person may open
	Account *AccountHead // the account, on account pages
	Person  *PersonHead  // who is signed in; nil for visitors
	Flash   *Flash       // message after a redirect
	Staff   bool         // the staff look, so that nobody confuses the two sides
	Lang    string       // language of the page, "en" when empty
	Find    string       // action of the search field in the bar; none when empty

	FindWord string // what was looked for with it, on the page of results

	MinPassword int // characters that a new password needs, on pages that ask for one
}

// NavItem is one link of a navigation or a tab strip.
type NavItem struct {
	Label, Href, Icon string
	Current           bool
	Count             int // shown behind the label when above zero
}

// AccountHead names the account on every one of its pages.
type AccountHead struct {
	Number, Name, Href, Status, Role string
	Colour                           int    // 0 to 11, see ColourOf
	Notice                           string // a sentence shown above every page, as for a closed account
}

// PersonHead is who is signed in and where she may go.
type PersonHead struct {
	Name, Address string
	Accounts      []SwitchItem
	More          bool   // there are more accounts than listed
	SignOut       string // address that the sign-out form posts to
	Home          string // where her own pages begin
	Own           string // where an operator keeps what signs her in
	NewAccount    string // where she opens a further account; no link when empty
}

// SwitchItem is one account in the switcher.
type SwitchItem struct {
	Number, Name, Href, Role, Status string
	Colour                           int
	Current                          bool
	Locked                           string // what the account asks for before it opens; empty where it is open
}

// Flash is a message shown once, on the page after a redirect.
type Flash struct {
	Kind Kind
	Text string
}

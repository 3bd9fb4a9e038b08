// Package account is the billable party: its details, its contacts, its
// state, and how it comes to be and ends.
package account

import (
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// An Account is the billable party.
type Account struct {
	ID        id.Account
	Details   `json:"details"`
	Status    string // "active", "inactive" or "closed"
	ClosedAt  db.Null[time.Time]
	CreatedAt time.Time
}

// Details are what the account says of itself. They stand on its invoices.
type Details struct {
	Name      string
	Company   string
	Address   mail.Address // where the account's own mail goes
	MailKinds Kinds
	Line1     string
	Line2     string
	City      string
	Region    string
	Postcode  string
	Country   string // ISO 3166-1 alpha-2
	Phone     string
	TaxNumber string
	Currency  string // ISO 4217; does not change once there are invoices
	Language  string
}

// Kinds is a set of kinds of mail.
type Kinds int64

// A Kind is one kind of mail that an account gets.
type Kind struct {
	Key    string
	Label  string
	Allows string
	Set    Kinds
}

// DomainMail must always reach somebody: registries demand it.
const DomainMail Kinds = 1 << 4

// AllKinds lists the six kinds of mail.
var AllKinds = []Kind{
	{"general", "General", "Announcements and everything about the account itself.", 1 << 0},
	{"invoice", "Invoices", "Invoices, reminders and receipts.", 1 << 1},
	{"support", "Support", "Answers to support tickets.", 1 << 2},
	{"product", "Services", "Welcome mail, suspensions and changes of services.", 1 << 3},
	{"domain", "Domains", "Registrations, transfers and renewals of domains.", DomainMail},
	{"affiliate", "Affiliate", "Commissions and payouts.", 1 << 5},
}

// Everything is every kind of mail.
const Everything Kinds = 63

// Has reports whether the kind is in the set.
func (k Kinds) Has(kind Kind) bool { return k&kind.Set != 0 }

// Keys lists the keys of the kinds in the set.
func (k Kinds) Keys() []string {
	out := []string{}
	for _, kind := range AllKinds {
		if k.Has(kind) {
			out = append(out, kind.Key)
		}
	}
	return out
}

// ParseKinds reads kinds of mail as a form sends them.
func ParseKinds(keys []string) (Kinds, error) {
	var k Kinds
next:
	for _, key := range keys {
		for _, kind := range AllKinds {
			if kind.Key == key {
				k |= kind.Set
				continue next
			}
		}
		return 0, &fault.Error{Code: fault.Invalid, Reason: "kind", Text: "Choose from the list of kinds of mail."}
	}
	return k, nil
}

// Typed are details as somebody typed them.
type Typed struct {
	Name, Company, Address                               string
	Line1, Line2, City, Region, Postcode, Country, Phone string
	TaxNumber, Currency, Language                        string
	Kinds                                                []string
}

// Parse reads the details; what is wrong stands beside each field.
func (t Typed) Parse() (d Details, err error) {
	var f fault.Form
	d.Name, err = plain.Name(t.Name)
	f.Take("name", err)
	d.Address, err = mail.ParseAddress(t.Address)
	f.Take("address", err)
	for field, line := range map[string]struct {
		from string
		to   *string
	}{
		"company": {t.Company, &d.Company}, "line1": {t.Line1, &d.Line1}, "line2": {t.Line2, &d.Line2}, "city": {t.City, &d.City},
		"region": {t.Region, &d.Region}, "postcode": {t.Postcode, &d.Postcode}, "phone": {t.Phone, &d.Phone}, "tax_number": {t.TaxNumber, &d.TaxNumber},
	} {
		*line.to, err = plain.Line(line.from, plain.NameLength)
		f.Take(field, err)
	}
	if d.Company != "" {
		_, err = plain.Name(d.Company)
		f.Take("company", err)
	}
	if d.Country = t.Country; d.Country != "" && !locale.IsCountry(d.Country) {
		f.Add("country", "Choose a country from the list.")
	}
	if d.Currency = t.Currency; !locale.IsCurrency(d.Currency) {
		f.Add("currency", "Choose a currency from the list.")
	}
	if d.Language = t.Language; !locale.IsLanguage(d.Language) {
		f.Add("language", "Choose a language from the list.")
	}
	d.MailKinds, err = ParseKinds(t.Kinds)
	f.Take("kinds", err)
	return d, f.Err()
}

// search is the text in which staff and the switcher look for the account.
func (d Details) search() string {
	return plain.Fold(d.Name, d.Company, d.Address.String(), d.City)
}

const columns = `a.id, a.name, a.company, a.address, a.mail_kinds, a.line1, a.line2, a.city, a.region, a.postcode, a.country,
	a.phone, a.tax_number, a.currency, a.language, a.status, a.closed_at, a.created_at`

func byID(tx *db.Tx, a id.Account) (Account, error) {
	return db.One[Account](tx, "SELECT "+columns+" FROM accounts a WHERE a.id = $1", a)
}

package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// A Contact is an address of the account that receives mail and never signs
// in.
type Contact struct {
	ID        id.Contact
	Name      string
	Company   string
	Address   mail.Address // one that came from another system may have none, and gets no mail
	Phone     string
	MailKinds Kinds
	Postal
	TaxNumber string
	CreatedAt time.Time
}

// A Postal is where somebody is found by post.
type Postal struct {
	Line1    string
	Line2    string
	City     string
	Region   string
	Postcode string
	Country  string // ISO 3166-1 alpha-2
}

// Postal is where the account is found by post.
func (d Details) Postal() Postal {
	return Postal{d.Line1, d.Line2, d.City, d.Region, d.Postcode, d.Country}
}

// Lines are the lines of the address as it stands on an envelope.
func (p Postal) Lines() (lines []string) {
	town := strings.TrimSpace(p.Postcode + " " + p.City)
	for _, line := range []string{p.Line1, p.Line2, town, p.Region, locale.CountryName(p.Country)} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TypedContact is a contact as somebody typed it.
type TypedContact struct {
	Name, Company, Address, Phone                 string
	Line1, Line2, City, Region, Postcode, Country string
	TaxNumber                                     string
	Kinds                                         []string
}

// Texts are the typed fields by their names.
func (t TypedContact) Texts() map[string]string {
	return map[string]string{
		"name": t.Name, "company": t.Company, "address": t.Address, "phone": t.Phone,
		"line1": t.Line1, "line2": t.Line2, "city": t.City, "region": t.Region, "postcode": t.Postcode, "country": t.Country, "tax_number": t.TaxNumber,
	}
}

// Typed is the contact as a form shows it.
func (c Contact) Typed() TypedContact {
	return TypedContact{
		Name: c.Name, Company: c.Company, Address: c.Address.String(), Phone: c.Phone,
		Line1: c.Line1, Line2: c.Line2, City: c.City, Region: c.Region, Postcode: c.Postcode, Country: c.Country,
		TaxNumber: c.TaxNumber, Kinds: c.MailKinds.Keys(),
	}
}

// Parse reads a contact; what is wrong stands beside each field.
func (t TypedContact) Parse() (c Contact, err error) {
	var f fault.Form
	c.Name, err = plain.Name(t.Name)
	f.Take("name", err)
	if c.Company, err = plain.Line(t.Company, plain.NameLength); !f.Take("company", err) && c.Company != "" {
		_, err = plain.Name(c.Company)
		f.Take("company", err)
	}
	c.Address, err = mail.ParseAddress(t.Address)
	f.Take("address", err)
	for field, line := range map[string]struct {
		from string
		to   *string
	}{
		"phone": {t.Phone, &c.Phone}, "line1": {t.Line1, &c.Line1}, "line2": {t.Line2, &c.Line2}, "city": {t.City, &c.City},
		"region": {t.Region, &c.Region}, "postcode": {t.Postcode, &c.Postcode}, "tax_number": {t.TaxNumber, &c.TaxNumber},
	} {
		*line.to, err = plain.Line(line.from, plain.NameLength)
		f.Take(field, err)
	}
	if c.Country = t.Country; c.Country != "" && !locale.IsCountry(c.Country) {
		f.Add("country", "Choose a country from the list.")
	}
	c.MailKinds, err = ParseKinds(t.Kinds)
	f.Take("kinds", err)
	return c, f.Err()
}

// maxContacts bounds how many contacts one account keeps.
const maxContacts = 500

const contactColumns = "SELECT id, name, company, address, phone, mail_kinds, line1, line2, city, region, postcode, country, tax_number, created_at FROM contacts WHERE account_id = $1"

// Contacts lists the account's contacts.
func (as *Accounts) Contacts(ctx context.Context, by access.For[access.ManageContacts]) (list []Contact, err error) {
	defer fault.Wrap(&err, "account.Contacts(%d)", by.Account())
	err = by.Peek(ctx, func(tx *db.Tx) error {
		list, err = db.All[Contact](tx, contactColumns+" ORDER BY name, id", by.Account())
		return err
	})
	return list, err
}

// Contact reads one contact.
func (as *Accounts) Contact(ctx context.Context, by access.For[access.ManageContacts], contact id.Contact) (c Contact, err error) {
	defer fault.Wrap(&err, "account.Contact(%d, %d)", by.Account(), contact)
	err = by.Peek(ctx, func(tx *db.Tx) error {
		c, err = findContact(tx, by.Account(), contact)
		return err
	})
	return c, err
}

func findContact(tx *db.Tx, account id.Account, contact id.Contact) (Contact, error) {
	c, err := db.One[Contact](tx, contactColumns+" AND id = $2", account, contact)
	if errors.Is(err, db.ErrNone) {
		return c, fault.Missing()
	}
	return c, err
}

// AddContact adds a contact.
func (as *Accounts) AddContact(ctx context.Context, by access.For[access.ManageContacts], c Contact) (number id.Contact, err error) {
	defer fault.Wrap(&err, "account.AddContact(%d)", by.Account())
	err = by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageContacts]) error {
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM contacts WHERE account_id = $1", by.Account())
		if err != nil {
			return err
		}
		if n >= maxContacts {
			return fault.Field("name", "An account can have at most 500 contacts. Remove one first.")
		}
		number, err = db.One[id.Contact](tx, `
			INSERT INTO contacts (account_id, name, company, address, phone, mail_kinds, line1, line2, city, region, postcode, country, tax_number, search, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`,
			by.Account(), c.Name, c.Company, c.Address, c.Phone, c.MailKinds, c.Line1, c.Line2, c.City, c.Region, c.Postcode, c.Country, c.TaxNumber,
			contactText(c.Name, c.Company, c.Address), tx.Now)
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), contactRecord("contact.added", by.Account(), number, nil, c.known()))
	})
	return number, err
}

// ChangeContact changes a contact. seen is the state of it that the person had
// before her eyes; if somebody else has changed it since, she is told instead
// of overwriting it.
func (as *Accounts) ChangeContact(ctx context.Context, by access.For[access.ManageContacts], contact id.Contact, c Contact, seen string) (err error) {
	defer fault.Wrap(&err, "account.ChangeContact(%d, %d)", by.Account(), contact)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageContacts]) error {
		old, err := findContact(tx, by.Account(), contact)
		if err != nil {
			return err
		}
		if seen != "" && seen != old.Stamp() {
			return errMeanwhile
		}
		if old.DomainMail() && c.MailKinds&DomainMail == 0 {
			if err := otherDomainRecipient(tx, by.Account(), contact); err != nil {
				return asField(err, "kinds")
			}
		}
		_, err = db.Exec(tx, `
			UPDATE contacts SET name = $3, company = $4, address = $5, phone = $6, mail_kinds = $7, line1 = $8, line2 = $9, city = $10, region = $11,
				postcode = $12, country = $13, tax_number = $14, search = $15
			WHERE account_id = $1 AND id = $2`,
			by.Account(), contact, c.Name, c.Company, c.Address, c.Phone, c.MailKinds, c.Line1, c.Line2, c.City, c.Region, c.Postcode, c.Country, c.TaxNumber,
			contactText(c.Name, c.Company, c.Address))
		if err != nil {
			return err
		}
		before, after := differing(contactNames, old.values(), c.values())
		return audit.Write(tx, by.Actor(), contactRecord("contact.changed", by.Account(), contact, before, after))
	})
}

// RemoveContact removes a contact.
func (as *Accounts) RemoveContact(ctx context.Context, by access.For[access.ManageContacts], contact id.Contact) (err error) {
	defer fault.Wrap(&err, "account.RemoveContact(%d, %d)", by.Account(), contact)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageContacts]) error {
		old, err := findContact(tx, by.Account(), contact)
		if err != nil {
			return err
		}
		if old.DomainMail() {
			if err := otherDomainRecipient(tx, by.Account(), contact); err != nil {
				return err
			}
		}
		if _, err := db.Exec(tx, "DELETE FROM contacts WHERE account_id = $1 AND id = $2", by.Account(), contact); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), contactRecord("contact.removed", by.Account(), contact, old.known(), nil))
	})
}

// DomainMail reports whether mail about domains reaches somebody there.
func (c Contact) DomainMail() bool { return c.MailKinds&DomainMail != 0 && !c.Address.IsZero() }

// Stamp tells one state of a contact from another.
func (c Contact) Stamp() string {
	return auth.HashToken(strings.Join(c.values(), "\x00"))[:16]
}

// values lists what can be changed of a contact in the order of contactNames.
func (c Contact) values() []string {
	return []string{
		c.Name, c.Company, c.Address.String(), strings.Join(c.MailKinds.Keys(), " "), c.Line1, c.Line2, c.City, c.Region,
		c.Postcode, c.Country, c.Phone, c.TaxNumber,
	}
}

var contactNames = []string{"name", "company", "address", "mail", "line1", "line2", "city", "region", "postcode", "country", "phone", "tax_number"}

// known is what the log keeps of a contact that is added or removed: where
// mail goes, and which.
func (c Contact) known() any {
	return map[string]any{"address": c.Address.String(), "mail": c.MailKinds.Keys()}
}

func contactRecord(event string, account id.Account, contact id.Contact, before, after any) audit.Record {
	return audit.Record{Event: event, Account: account, Object: "contact", ObjectID: int64(contact), Before: before, After: after}
}

// otherDomainRecipient makes sure that domain mail reaches somebody besides
// this contact; 0 stands for the account's own address.
func otherDomainRecipient(tx *db.Tx, account id.Account, contact id.Contact) error {
	n, err := db.One[int64](tx, `
		SELECT (SELECT COUNT(*) FROM contacts WHERE account_id = $1 AND id <> $2 AND mail_kinds & $3 <> 0 AND address <> '')
			+ (SELECT COUNT(*) FROM accounts WHERE id = $1 AND $2 <> 0 AND mail_kinds & $3 <> 0 AND address <> '')`, account, contact, DomainMail)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "domain-mail", "Somebody must receive mail about domains. Let another contact, or the account itself, receive it first.")
	}
	return err
}

// asField turns a refusal into one beside a field.
func asField(err error, field string) error {
	if e, ok := fault.Of(err); ok {
		return fault.Field(field, e.Text)
	}
	return err
}

// Recipients lists the addresses that get one kind of the account's mail. An
// account, or a contact, that came without an address gets none.
func Recipients(tx *db.Tx, account id.Account, kind Kind) ([]mail.Address, error) {
	return db.All[mail.Address](tx, `
		SELECT address FROM accounts WHERE id = $1 AND mail_kinds & $2 <> 0 AND address <> ''
		UNION SELECT address FROM contacts WHERE account_id = $1 AND mail_kinds & $2 <> 0 AND address <> ''`, account, kind.Set)
}

// ContactsForStaff lists the account's contacts for operators, whether or not
// they may change them: staff who see an account see all of it.
func (as *Accounts) ContactsForStaff(ctx context.Context, by access.For[access.Enter]) (list []Contact, err error) {
	defer fault.Wrap(&err, "account.ContactsForStaff(%d)", by.Account())
	if err := staffOnly(by); err != nil {
		return nil, err
	}
	err = by.Peek(ctx, func(tx *db.Tx) error {
		list, err = db.All[Contact](tx, contactColumns+" ORDER BY name, id", by.Account())
		return err
	})
	return list, err
}

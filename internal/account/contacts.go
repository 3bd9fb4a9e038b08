package account

import (
	"context"
	"errors"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// A Contact is an address of the account that receives mail and never signs
// in.
type Contact struct {
	ID        id.Contact
	Name      string
	Company   string
	Address   mail.Address
	Phone     string
	MailKinds Kinds
	CreatedAt time.Time
}

// TypedContact is a contact as somebody typed it.
type TypedContact struct {
	Name, Company, Address, Phone string
	Kinds                         []string
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
	c.Phone, err = plain.Line(t.Phone, plain.NameLength)
	f.Take("phone", err)
	c.MailKinds, err = ParseKinds(t.Kinds)
	f.Take("kinds", err)
	return c, f.Err()
}

// maxContacts bounds how many contacts one account keeps.
const maxContacts = 500

const contactColumns = "SELECT id, name, company, address, phone, mail_kinds, created_at FROM contacts WHERE account_id = $1"

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
			INSERT INTO contacts (account_id, name, company, address, phone, mail_kinds, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			by.Account(), c.Name, c.Company, c.Address, c.Phone, c.MailKinds, tx.Now)
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), contactRecord("contact.added", by.Account(), number, nil, c.MailKinds.Keys()))
	})
	return number, err
}

// ChangeContact changes a contact.
func (as *Accounts) ChangeContact(ctx context.Context, by access.For[access.ManageContacts], contact id.Contact, c Contact) (err error) {
	defer fault.Wrap(&err, "account.ChangeContact(%d, %d)", by.Account(), contact)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageContacts]) error {
		old, err := findContact(tx, by.Account(), contact)
		if err != nil {
			return err
		}
		if old.MailKinds&^c.MailKinds&domainMail != 0 {
			if err := otherDomainRecipient(tx, by.Account(), contact); err != nil {
				return asField(err, "kinds")
			}
		}
		_, err = db.Exec(tx, "UPDATE contacts SET name = $3, company = $4, address = $5, phone = $6, mail_kinds = $7 WHERE account_id = $1 AND id = $2",
			by.Account(), contact, c.Name, c.Company, c.Address, c.Phone, c.MailKinds)
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), contactRecord("contact.changed", by.Account(), contact, old.MailKinds.Keys(), c.MailKinds.Keys()))
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
		if old.MailKinds&domainMail != 0 {
			if err := otherDomainRecipient(tx, by.Account(), contact); err != nil {
				return err
			}
		}
		if _, err := db.Exec(tx, "DELETE FROM contacts WHERE account_id = $1 AND id = $2", by.Account(), contact); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), contactRecord("contact.removed", by.Account(), contact, old.MailKinds.Keys(), nil))
	})
}

func contactRecord(event string, account id.Account, contact id.Contact, before, after []string) audit.Record {
	r := audit.Record{Event: event, Account: account, Object: "contact", ObjectID: int64(contact)}
	if before != nil {
		r.Before = map[string]any{"mail": before}
	}
	if after != nil {
		r.After = map[string]any{"mail": after}
	}
	return r
}

// otherDomainRecipient makes sure that domain mail reaches somebody besides
// this contact; 0 stands for the account's own address.
func otherDomainRecipient(tx *db.Tx, account id.Account, contact id.Contact) error {
	n, err := db.One[int64](tx, `
		SELECT (SELECT COUNT(*) FROM contacts WHERE account_id = $1 AND id <> $2 AND mail_kinds & $3 <> 0)
			+ (SELECT COUNT(*) FROM accounts WHERE id = $1 AND $2 <> 0 AND mail_kinds & $3 <> 0)`, account, contact, domainMail)
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

// Recipients lists the addresses that get one kind of the account's mail.
func Recipients(tx *db.Tx, account id.Account, kind Kind) ([]mail.Address, error) {
	return db.All[mail.Address](tx, `
		SELECT address FROM accounts WHERE id = $1 AND mail_kinds & $2 <> 0
		UNION SELECT address FROM contacts WHERE account_id = $1 AND mail_kinds & $2 <> 0`, account, kind.Set)
}

package account

import (
	"strconv"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// An Imported is an account that comes in from another system, with what only
// staff see of it.
type Imported struct {
	ID id.Account
	Details
	Search    string
	Status    string
	ClosedAt  db.Null[time.Time]
	GroupID   db.Null[id.Group]
	Offers    bool               // has agreed to hear of offers
	ImportID  db.Null[id.Import] `db:"once"`
	CreatedAt time.Time          `db:"once"`
}

// Searchable fills in what the account is found by.
func (a Imported) Searchable() Imported {
	a.Search = a.search()
	return a
}

// Opened is the record of its coming in.
func (a Imported) Opened() audit.Record {
	return audit.Record{Event: "account.imported", Account: a.ID, Object: "account", ObjectID: int64(a.ID)}
}

// Changed is the record of its having changed.
func (a Imported) Changed(before Imported) audit.Record {
	was, is := changes(before.Details, a.Details)
	if before.Status != a.Status {
		was["status"], is["status"] = before.Status, a.Status
	}
	if before.GroupID != a.GroupID {
		was["group"], is["group"] = id.String(before.GroupID.V), id.String(a.GroupID.V)
	}
	if before.Offers != a.Offers {
		was["offers"], is["offers"] = strconv.FormatBool(before.Offers), strconv.FormatBool(a.Offers)
	}
	return audit.Record{Event: "account.changed", Account: a.ID, Object: "account", ObjectID: int64(a.ID), Before: was, After: is}
}

// An ImportedContact is a contact that comes in from another system. One
// without an address is kept and gets no mail.
type ImportedContact struct {
	ID        id.Contact
	AccountID id.Account
	Name      string
	Company   string
	Address   mail.Address
	Phone     string
	MailKinds Kinds
	Line1     string
	Line2     string
	City      string
	Region    string
	Postcode  string
	Country   string
	TaxNumber string
	Search    string
	CreatedAt time.Time `db:"once"`
}

// Searchable fills in what the contact is found by.
func (c ImportedContact) Searchable() ImportedContact {
	c.Search = contactText(c.Name, c.Company, c.Address)
	return c
}

// Added is the record of its coming in.
func (c ImportedContact) Added() audit.Record {
	return contactRecord("contact.added", c.AccountID, c.ID, nil, c.MailKinds.Keys())
}

// Changed is the record of its having changed.
func (c ImportedContact) Changed(before ImportedContact) audit.Record {
	return contactRecord("contact.changed", c.AccountID, c.ID, before.MailKinds.Keys(), c.MailKinds.Keys())
}

// Removed is the record of its having gone.
func (c ImportedContact) Removed() audit.Record {
	return contactRecord("contact.removed", c.AccountID, c.ID, c.MailKinds.Keys(), nil)
}

// A Group is what staff sort accounts into.
type Group struct {
	ID        id.Group
	Name      string
	Colour    string    // #rrggbb, or empty
	CreatedAt time.Time `db:"once"`
}

// A Field is what the operator has added to what accounts say of themselves.
type Field struct {
	ID          id.Field
	Name        string
	Kind        string // "text", "lines", "link", "choice", "tick" or "secret"
	Description string
	Options     string // of a choice, one in each line
	Pattern     string // a regular expression that values match
	StaffOnly   bool
	Required    bool
	Position    int64
	CreatedAt   time.Time `db:"once"`
}

// A Value is what an account has in a field.
type Value struct {
	ID        int64
	AccountID id.Account
	FieldID   id.Field
	Value     string
}

// Set is the record of a value's coming in, or having changed.
func (v Value) Set() audit.Record {
	return audit.Record{
		Event: "account.changed", Account: v.AccountID, Object: "field", ObjectID: int64(v.FieldID), After: map[string]string{"field": "the other system's"},
	}
}

// A Note is what staff have noted down about an account.
type Note struct {
	ID        id.Note
	AccountID id.Account
	Text      string
	Sticky    bool
	Author    string
	CreatedAt time.Time
	ChangedAt time.Time
}

// Written is the record of a note's coming in, having changed or gone.
func (n Note) Written() audit.Record {
	return audit.Record{
		Event: "account.changed", Account: n.AccountID, Object: "note", ObjectID: int64(n.ID), After: map[string]string{"note": "the other system's"},
	}
}

// Imports are the tables of this room as an import writes them.
type Imports struct {
	Accounts db.Table[Imported]
	Contacts db.Table[ImportedContact]
	Groups   db.Table[Group]
	Fields   db.Table[Field]
	Values   db.Table[Value]
	Notes    db.Table[Note]
}

// ForImport hands the tables to the holder of an import's proof.
func ForImport(access.Import) Imports {
	return Imports{
		db.Table[Imported]{Name: "accounts"},
		db.Table[ImportedContact]{Name: "contacts"},
		db.Table[Group]{Name: "account_groups"},
		db.Table[Field]{Name: "account_fields"},
		db.Table[Value]{Name: "account_values"},
		db.Table[Note]{Name: "account_notes"},
	}
}

// NameFor is the name of an account whose owner never gave it one: the
// company's, the person's, or the part of an address that people know.
func NameFor(fallback string, names ...string) string {
	for _, name := range names {
		if _, err := plain.Name(name); err == nil {
			return name
		}
	}
	return fallback
}

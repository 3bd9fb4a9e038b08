package account

import (
	"slices"
	"strings"

	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// The indexes by which staff find accounts and their contacts.
var (
	accountIndex = db.Index{Table: "accounts", Text: "search", Numbered: true}
	contactIndex = db.Index{Table: "contacts", Text: "search"}
)

// contactText is what a contact is found by.
func contactText(name, company string, address mail.Address) string {
	return plain.Fold(name, company, address.String())
}

// Find finds the accounts that fit best, closed ones too. The caller holds
// staff's permission.
func Find(tx *db.Tx, n plain.Needle, limit int) ([]Account, error) {
	numbers, err := accountIndex.Best(tx, n, limit)
	return found(tx, numbers, err)
}

// Statuses are what an account can be.
var Statuses = []string{"active", "inactive", "closed"}

// A Narrow is which accounts a list is narrowed to; the zero value is all.
type Narrow struct {
	Status string // one of Statuses
	Group  id.Group
}

// condition is the narrowing in SQL, of accounts named by name. It holds a word
// of ours and a number, and nothing that was typed.
func (n Narrow) condition(name string) string {
	parts := []string{"TRUE"}
	if slices.Contains(Statuses, n.Status) {
		parts = append(parts, name+".status = '"+n.Status+"'")
	}
	if n.Group != 0 {
		parts = append(parts, name+".group_id = "+id.String(n.Group))
	}
	return strings.Join(parts, " AND ")
}

// List reads accounts by number from behind the given one on: those that fit,
// or all where nothing is looked for. The caller holds staff's permission.
func List(tx *db.Tx, n plain.Needle, to Narrow, after id.Account, limit int) ([]Account, error) {
	if n.IsZero() {
		return db.All[Account](tx, "SELECT "+columns+" FROM accounts a WHERE a.id > $1 AND "+to.condition("a")+" ORDER BY a.id LIMIT $2", after, limit)
	}
	index := accountIndex
	index.Only = to.condition("t")
	numbers, err := index.Page(tx, n, int64(after), limit)
	return found(tx, numbers, err)
}

func found(tx *db.Tx, numbers []int64, err error) ([]Account, error) {
	if err != nil {
		return nil, err
	}
	return db.InOrder(tx, "SELECT "+columns+" FROM accounts a WHERE a.id", numbers, func(a Account) int64 { return int64(a.ID) })
}

// A FoundContact is a contact with the account that it is of.
type FoundContact struct {
	ID          id.Contact
	Name        string
	Company     string
	Address     mail.Address
	AccountID   id.Account
	AccountName string
	Status      string // the account's
}

// FindContacts finds the contacts that fit best. The caller holds staff's
// permission.
func FindContacts(tx *db.Tx, n plain.Needle, limit int) ([]FoundContact, error) {
	numbers, err := contactIndex.Best(tx, n, limit)
	if err != nil {
		return nil, err
	}
	return db.InOrder(tx, `SELECT c.id, c.name, c.company, c.address, c.account_id, a.name AS account_name, a.status
		FROM contacts c JOIN accounts a ON a.id = c.account_id WHERE c.id`, numbers, func(c FoundContact) int64 { return int64(c.ID) })
}

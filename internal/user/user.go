// Package user is the person: the only thing that signs in. She has zero or
// more accounts, and one address that is hers alone.
package user

import (
	"errors"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// A Status says whether a person may sign in.
type Status string

// The states of a user.
const (
	Active    Status = "active"
	Suspended Status = "suspended" // by staff; may come back
	Deleted   Status = "deleted"   // gone for good; the number remains
)

// A User is a person.
type User struct {
	ID          id.User
	Address     mail.Address
	VerifiedAt  db.Null[time.Time] // when she proved that the address is hers
	Name        string
	Language    string
	Status      Status
	Credentials int64 // goes up with every change of password, address or factor
	CreatedAt   time.Time
	SignedInAt  db.Null[time.Time]

	TermsVersion int64 // of the terms that she has accepted last; 0 is none
	TermsAt      db.Null[time.Time]
}

// Columns are what a query selects to read a User from the table users,
// named u.
const Columns = "u.id, u.address, u.verified_at, u.name, u.language, u.status, u.credentials, u.created_at, u.signed_in_at, u.terms_version, u.terms_at"

// ByID reads a user who is not deleted.
func ByID(tx *db.Tx, u id.User) (User, error) {
	return db.One[User](tx, "SELECT "+Columns+" FROM users u WHERE u.id = $1 AND u.status <> 'deleted'", u)
}

// Ever is ByID for what is left of somebody too who is deleted.
func Ever(tx *db.Tx, u id.User) (User, error) {
	return db.One[User](tx, "SELECT "+Columns+" FROM users u WHERE u.id = $1", u)
}

// ByAddress reads the user who has the address.
func ByAddress(tx *db.Tx, a mail.Address) (User, error) {
	return db.One[User](tx, "SELECT "+Columns+" FROM users u WHERE u.address = $1 AND u.status <> 'deleted'", a)
}

// New is what a user is made of.
type New struct {
	Address  mail.Address
	Verified bool // the mailbox has been proven to be hers
	Name     string
	Language string
	Password string // the hash of it
}

// errTaken is the answer to an address that a login has already.
var errTaken = fault.New(fault.Conflict, "address-taken", "There is a login with this address already. Sign in instead.")

// Taken reports whether an address belongs to a login, or has belonged to one
// that can still take it back.
func Taken(tx *db.Tx, a mail.Address) (bool, error) {
	n, err := db.One[int64](tx, `
		SELECT (SELECT COUNT(*) FROM users WHERE address = $1 AND status <> 'deleted')
			+ (SELECT COUNT(*) FROM address_changes WHERE old_address = $1 AND done_at IS NOT NULL AND undone_at IS NULL AND undo_until > $2)`, a, tx.Now)
	return n > 0, err
}

// Readdress gives a user another address. A taken one is a Conflict, unless
// it was hers a moment ago.
func Readdress(tx *db.Tx, u id.User, a mail.Address, verified bool) error {
	own, err := db.One[int64](tx, "SELECT COUNT(*) FROM address_changes WHERE user_id = $1 AND old_address = $2 AND done_at IS NOT NULL AND undone_at IS NULL AND undo_until > $3", u, a, tx.Now)
	if err != nil {
		return err
	}
	if taken, err := Taken(tx, a); err != nil || taken && own == 0 {
		return errors.Join(err, errTaken)
	}
	name, err := db.One[string](tx, "SELECT name FROM users WHERE id = $1", u)
	if err != nil {
		return err
	}
	n, err := db.Exec(tx, "UPDATE users SET address = $2, verified_at = $3, search = $4 WHERE id = $1 AND status <> 'deleted'",
		u, a, db.Null[time.Time]{V: tx.Now, Valid: verified}, plain.Fold(name, a.String()))
	if db.Exists(err) {
		return errTaken
	}
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// Create makes a user. A taken address is a Conflict.
func Create(tx *db.Tx, n New) (id.User, error) {
	if taken, err := Taken(tx, n.Address); err != nil || taken {
		return 0, errors.Join(err, errTaken)
	}
	verified := db.Null[time.Time]{V: tx.Now, Valid: n.Verified}
	u, err := db.One[id.User](tx, `
		INSERT INTO users (address, verified_at, name, language, password, search, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		n.Address, verified, n.Name, n.Language, n.Password, plain.Fold(n.Name, n.Address.String()), tx.Now)
	if db.Exists(err) {
		return 0, errTaken
	}
	return u, err
}

// Pseudonym is the address that stands in for a deleted user's.
func Pseudonym(u id.User) mail.Address {
	a, err := mail.ParseAddress("deleted-" + id.String(u) + "@deleted.invalid")
	if err != nil {
		panic(err)
	}
	return a
}

// Erase takes away what a user is known by. Her number stays.
func Erase(tx *db.Tx, u id.User) error {
	n, err := db.Exec(tx, `
		UPDATE users SET status = 'deleted', name = $2, address = $3, search = '', password = '', verified_at = NULL, language = $4,
			last_account = NULL, signed_in_at = NULL, suspended_at = NULL, suspended_why = '', terms_version = 0, terms_at = NULL, credentials = credentials + 1
		WHERE id = $1 AND status <> 'deleted'`, u, "Deleted user "+id.String(u), Pseudonym(u), locale.Default)
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// Rename changes what a person is called and the language that she is
// written to in.
func Rename(tx *db.Tx, u id.User, name, language string) error {
	_, err := db.Exec(tx, `
		UPDATE users SET name = $2, language = $3, search = $4 || ' ' || address WHERE id = $1 AND status <> 'deleted'`,
		u, name, language, plain.Fold(name))
	return err
}

// ParseLanguage reads the language that a person wants mail and pages in.
func ParseLanguage(s string) (string, error) {
	if !locale.IsLanguage(s) {
		return "", &fault.Error{Code: fault.Invalid, Reason: "language", Text: "Choose one of the languages in the list."}
	}
	return s, nil
}

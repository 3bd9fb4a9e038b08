package user

import (
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// An Imported is a user who comes in from another system.
type Imported struct {
	ID         id.User
	Address    mail.Address
	Name       string
	Language   string
	Search     string
	Password   string             `db:"once"` // what password.Import says to store, or nothing
	VerifiedAt db.Null[time.Time] `db:"once"`
	Several    bool               `db:"once"` // may have other logins from before
	ImportID   db.Null[id.Import] `db:"once"`
	CreatedAt  time.Time          `db:"once"`
	SignedInAt db.Null[time.Time] `db:"once"`
}

// Searchable fills in what the user is found by.
func (u Imported) Searchable() Imported {
	u.Search = plain.Fold(u.Name, u.Address.String())
	return u
}

// Record is the record of her coming in.
func (u Imported) Record() audit.Record {
	return audit.Record{Event: "user.imported", Object: "user", ObjectID: int64(u.ID), Subject: u.ID}
}

// Updated is the record of what was taken over later.
func (u Imported) Updated(was Imported) audit.Record {
	before, after := map[string]string{}, map[string]string{}
	for name, values := range map[string][2]string{
		"address": {was.Address.String(), u.Address.String()}, "name": {was.Name, u.Name}, "language": {was.Language, u.Language},
	} {
		if values[0] != values[1] {
			before[name], after[name] = values[0], values[1]
		}
	}
	return audit.Record{Event: "user.updated", Object: "user", ObjectID: int64(u.ID), Subject: u.ID, Before: before, After: after}
}

// StandIn is the address of an owner of whom none is known: somebody must own
// the account until its people are found. Nothing is ever sent to it.
func StandIn(who, of string) mail.Address {
	a, err := mail.ParseAddress(who + "@" + of + mail.Nowhere)
	if err != nil {
		panic(err)
	}
	return a
}

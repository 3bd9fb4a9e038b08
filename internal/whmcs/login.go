package whmcs

import (
	"context"
	"iter"

	"clientele/internal/access"
)

// A Login is what a first look at everybody who signs in takes: who it is, and
// nothing else.
type Login struct {
	ID       int64
	ClientID int64 // of a contact
	Name     string
	Email    string
	SignsIn  bool
	Domain   bool       // of a contact: gets mail about domains
	Grants   access.Set // of a Sub-Account
	Factor   string     // what the login asks for beside a password; empty is nothing
	UUID     string
}

// ClientLogins yields tblclients as logins, which they were before 8.0.
func (r *Reader) ClientLogins(ctx context.Context) iter.Seq2[Login, error] {
	return read(ctx, r, "tblclients", func(f *fields) Login {
		return Login{ID: f.row.ID, Name: f.fullName("firstname", "lastname"), Email: f.address("email"), SignsIn: true, Factor: f.line("authmodule"), UUID: f.line("uuid")}
	})
}

// ContactLogins yields tblcontacts as logins, which Sub-Accounts were before
// 8.0.
func (r *Reader) ContactLogins(ctx context.Context) iter.Seq2[Login, error] {
	return read(ctx, r, "tblcontacts", func(f *fields) Login {
		granted, _ := Permissions(f.raw("permissions"))
		return Login{
			Grants: granted, ID: f.row.ID, ClientID: f.number("userid"), Name: f.fullName("firstname", "lastname"), Email: f.address("email"),
			SignsIn: f.flag("subaccount") && len(f.value("password")) > 0, Domain: f.flag("domainemails"),
		}
	})
}

// UserLogins yields tblusers as logins.
func (r *Reader) UserLogins(ctx context.Context) iter.Seq2[Login, error] {
	return read(ctx, r, "tblusers", func(f *fields) Login {
		return Login{ID: f.row.ID, Name: f.fullName("first_name", "last_name"), Email: f.address("email"), SignsIn: true, Factor: f.line("second_factor")}
	})
}

func (f *fields) fullName(first, last string) string {
	return oneLine(f.name(first) + " " + f.name(last))
}

// A Pair is a row of tblusers_clients without what it gives.
type Pair struct {
	ID, UserID, ClientID int64
	Owner                bool
	Grants               access.Set
}

// Pairs yields tblusers_clients.
func (r *Reader) Pairs(ctx context.Context) iter.Seq2[Pair, error] {
	return read(ctx, r, "tblusers_clients", func(f *fields) Pair {
		granted, _ := Permissions(f.raw("permissions"))
		return Pair{Grants: granted, ID: f.row.ID, UserID: f.number("auth_user_id"), ClientID: f.number("client_id"), Owner: f.flag("owner")}
	})
}

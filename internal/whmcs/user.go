package whmcs

import (
	"context"
	"iter"
	"time"

	"clientele/internal/access"
)

// A User is a row of tblusers, since 8.0: a person who signs in. What could
// let somebody in without her password, tokens of all kinds, is not read.
type User struct {
	ID                  int64
	FirstName, LastName string
	Email               string
	Language            string
	Password            string // the hash
	SecondFactor        string // as a client's
	LastLogin           time.Time
	LastIP              string
	Verified            time.Time // when a mail to the address was answered; zero is never
	Created, Updated    time.Time
}

// Users yields tblusers.
func (r *Reader) Users(ctx context.Context) iter.Seq2[User, error] {
	return read(ctx, r, "tblusers", func(f *fields) User {
		return User{
			ID: f.row.ID, FirstName: f.name("first_name"), LastName: f.name("last_name"), Email: f.address("email"),
			Language: f.line("language"), Password: f.hash("password"),
			SecondFactor: f.line("second_factor"),
			LastLogin:    f.time("last_login"), LastIP: f.line("last_ip"),
			Verified: f.time("email_verified_at"), Created: f.time("created_at"), Updated: f.time("updated_at"),
		}
	})
}

// A UserClient is a row of tblusers_clients: what a user may do for a client.
type UserClient struct {
	ID, UserID, ClientID int64
	InviteID             int64 // how it came about; 0 is otherwise
	Owner                bool
	Permissions          access.Set // of one who is no owner
	Unknown              []string   // keys that grant nothing
	LastLogin            time.Time
	Created, Updated     time.Time
}

// UserClients yields tblusers_clients.
func (r *Reader) UserClients(ctx context.Context) iter.Seq2[UserClient, error] {
	return read(ctx, r, "tblusers_clients", func(f *fields) UserClient {
		u := UserClient{
			ID: f.row.ID, UserID: f.number("auth_user_id"), ClientID: f.number("client_id"), InviteID: f.number("invite_id"),
			Owner: f.flag("owner"), LastLogin: f.time("last_login"), Created: f.time("created_at"), Updated: f.time("updated_at"),
		}
		u.Permissions, u.Unknown = f.permissions("permissions")
		return u
	})
}

// An Invite is a row of tbluser_invites.
type Invite struct {
	ID, ClientID   int64
	Email          string
	InvitedBy      int64 // User.ID, or an administrator's
	InvitedByAdmin bool
	Permissions    access.Set
	Unknown        []string  // keys that grant nothing
	Accepted       time.Time // zero is not yet
	Deleted        time.Time // zero is not at all
	Created        time.Time
	Updated        time.Time // when it was sent last
}

// Pending tells whether the invitation waits to be accepted.
func (i Invite) Pending() bool { return i.Accepted.IsZero() && i.Deleted.IsZero() }

// Invites yields tbluser_invites.
func (r *Reader) Invites(ctx context.Context) iter.Seq2[Invite, error] {
	return read(ctx, r, "tbluser_invites", func(f *fields) Invite {
		i := Invite{
			ID: f.row.ID, ClientID: f.number("client_id"), Email: f.address("email"),
			InvitedBy: f.number("invited_by"), InvitedByAdmin: f.flag("invited_by_admin"),
			Accepted: f.time("accepted_at"), Deleted: f.time("deleted_at"), Created: f.time("created_at"), Updated: f.time("updated_at"),
		}
		i.Permissions, i.Unknown = f.permissions("permissions")
		return i
	})
}

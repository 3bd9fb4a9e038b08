package whmcs

import (
	"context"
	"iter"
	"time"
)

// A LinkedSignIn is a row of tblauthn_account_links: somebody whom another
// provider knows. Whose it is says UserID since 8.0; before, ContactID where it
// is not 0, and ClientID otherwise.
type LinkedSignIn struct {
	ID        int64
	Provider  string // facebook_signin, google_signin, twitter_oauth
	Subject   string // the provider's own name of the person
	UserID    int64
	ClientID  int64
	ContactID int64
	Created   time.Time
}

// LinkedSignIns yields tblauthn_account_links.
func (r *Reader) LinkedSignIns(ctx context.Context) iter.Seq2[LinkedSignIn, error] {
	return read(ctx, r, "tblauthn_account_links", func(f *fields) LinkedSignIn {
		return LinkedSignIn{
			ID: f.row.ID, Provider: f.line("provider"), Subject: f.hash("remote_user_id"),
			UserID: f.number("user_id"), ClientID: f.number("client_id"), ContactID: f.number("contact_id"), Created: f.time("created_at"),
		}
	})
}

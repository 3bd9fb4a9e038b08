package whmcs

import (
	"context"
	"iter"
	"time"

	"clientele/internal/access"
)

// A Contact is a row of tblcontacts: somebody of a client who gets mail and,
// as a Sub-Account, signs in too.
type Contact struct {
	ID, ClientID int64
	Address
	SubAccount  bool       // may sign in, if there is a password
	Password    string     // the hash
	Permissions access.Set // of a Sub-Account
	Unknown     []string   // keys that grant nothing
	Mail        Preferences
	Created     time.Time
	Updated     time.Time
}

// SignsIn tells whether the contact can sign in: before 8.0 that took a
// Sub-Account with a password.
func (c Contact) SignsIn() bool { return c.SubAccount && c.Password != "" }

// Contacts yields tblcontacts.
func (r *Reader) Contacts(ctx context.Context) iter.Seq2[Contact, error] {
	return read(ctx, r, "tblcontacts", func(f *fields) Contact {
		c := Contact{
			ID: f.row.ID, ClientID: f.number("userid"), Address: f.postal(),
			SubAccount: f.flag("subaccount"), Password: f.hash("password"),
			Mail: Preferences{
				General: f.flag("generalemails"), Invoice: f.flag("invoiceemails"), Support: f.flag("supportemails"),
				Product: f.flag("productemails"), Domain: f.flag("domainemails"), Affiliate: f.flag("affiliateemails"),
			},
			Created: f.time("created_at"), Updated: f.time("updated_at"),
		}
		c.Permissions, c.Unknown = f.permissions("permissions")
		return c
	})
}

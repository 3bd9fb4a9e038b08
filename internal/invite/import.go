package invite

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
)

// Waiting is how long an invitation that came in from another system can be
// sent: until then it waits, and nobody has its link.
const Waiting = 90 * 24 * time.Hour

// An Imported is an open invitation that comes in from another system. It is
// a new one: the other system's link does not open it, and nothing is mailed
// before somebody sends it.
type Imported struct {
	ID            id.Invitation
	AccountID     id.Account
	Address       mail.Address
	State         State
	Role          string // a built-in role's key, where one says the same
	Permissions   access.Set
	InvitedByUser db.Null[id.User] `db:"once"`
	TokenHash     string           `db:"once"`
	Sends         int64            `db:"once"`
	CreatedAt     time.Time        `db:"once"`
	SentAt        time.Time        `db:"once"`
	ExpiresAt     time.Time        `db:"once"`
}

// Unsent fills in what a new invitation has that was never sent.
func (i Imported) Unsent(now time.Time) Imported {
	_, i.TokenHash = auth.NewToken() // of a link that nobody has
	i.CreatedAt, i.SentAt, i.ExpiresAt = now, now, now.Add(Waiting)
	return i
}

// Record is the record of its coming in.
func (i Imported) Record() audit.Record {
	return audit.Record{
		Event: "invitation.imported", Account: i.AccountID, Object: "invitation", ObjectID: int64(i.ID),
		After: map[string]any{"permissions": i.Permissions.Keys(), "role": i.Role},
	}
}

// ForImport hands the table to the holder of an import's proof.
func ForImport(access.Import) db.Table[Imported] { return db.Table[Imported]{Name: "invitations"} }

// Unsent reports whether the invitation came in from another system and was
// never sent.
func (i Invitation) Unsent() bool { return i.Sends == 0 }

// SendImported mails an invitation that came in and was not sent yet, under a
// link of its own, and lets it be answered as long as any other. It reports
// whether it did: a mailbox gets only so many in a day, and one that has
// expired there is not sent by itself.
func (v *Invites) SendImported(tx *db.Tx, by access.Import, account id.Account, number id.Invitation) (bool, error) {
	i, err := find(tx, account, number)
	if err != nil || i.State != Pending || !i.Unsent() || !i.ExpiresAt.After(tx.Now) {
		return false, err
	}
	if wait, err := perRecipient.Take(tx, "invite.to:"+i.Address.String()); err != nil || wait > 0 {
		return false, err
	}
	token, hash := auth.NewToken()
	_, err = db.Exec(tx, "UPDATE invitations SET token_hash = $3, sent_at = $4, expires_at = $5, sends = 1 WHERE account_id = $1 AND id = $2",
		account, number, hash, tx.Now, tx.Now.Add(v.settings.Current().InvitationLife))
	if err != nil {
		return false, err
	}
	if err := v.mail(tx, account, number, token); err != nil {
		return false, err
	}
	return true, audit.Write(tx, by.Actor(), audit.Record{Event: "invitation.resent", Account: account, Object: "invitation", ObjectID: int64(number)})
}

// WithdrawImported takes back an invitation that the other system no longer
// has.
func (v *Invites) WithdrawImported(tx *db.Tx, by access.Import, account id.Account, number id.Invitation) error {
	if err := closeAs(tx, account, number, Withdrawn); err != nil {
		return err
	}
	return recordWithdrawn(tx, by.Actor(), account, number)
}

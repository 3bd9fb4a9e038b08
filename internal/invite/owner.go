package invite

import (
	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
)

// AsOwner invites an address to own an account whose owners are gone. It asks
// no questions: its caller has asked them, behind the account's lock. An open
// invitation of the address gives way to it.
func (v *Invites) AsOwner(tx *db.Tx, by audit.Actor, staff id.Staff, account id.Account, to mail.Address) error {
	open, err := db.All[id.Invitation](tx, "SELECT id FROM invitations WHERE account_id = $1 AND address = $2 AND state = 'pending'", account, to)
	if err != nil {
		return err
	}
	for _, number := range open {
		if err := closeAs(tx, account, number, Withdrawn); err != nil {
			return err
		}
		if err := recordWithdrawn(tx, by, account, number); err != nil {
			return err
		}
	}
	token, hash := auth.NewToken()
	number, err := db.One[id.Invitation](tx, `
		INSERT INTO invitations (account_id, address, token_hash, role, owner, invited_by_staff, created_at, sent_at, expires_at)
		VALUES ($1, $2, $3, 'full', TRUE, $4, $5, $5, $6) RETURNING id`, account, to, hash, staff, tx.Now, tx.Now.Add(Life))
	if err != nil {
		return err
	}
	if err := v.mail(tx, account, number, token); err != nil {
		return err
	}
	return audit.Write(tx, by, audit.Record{
		Event: "invitation.sent", Account: account, Object: "invitation", ObjectID: int64(number),
		After: map[string]any{"role": "full", "owner": true, "permissions": access.Everything.Keys()},
	})
}

// errOwner is the answer to whoever would change an invitation to own the
// account.
var errOwner = fault.New(fault.Denied, "only-owners", "This invitation is to own the account. Only owners and the operator can send it again or withdraw it, and nobody can change it.")

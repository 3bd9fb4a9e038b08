package invite

import (
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

var index = db.Index{Table: "invitations", Text: "address", Only: "t.state = 'pending'"}

// A Found is an invitation without an answer, with the account that invites.
type Found struct {
	ID          id.Invitation
	Address     mail.Address
	ExpiresAt   time.Time
	Expired     bool // it is too late to accept it
	AccountID   id.Account
	AccountName string
}

// Find finds the invitations without an answer that fit best, by the address
// that was invited. The caller holds staff's permission.
func Find(tx *db.Tx, n plain.Needle, limit int) ([]Found, error) {
	numbers, err := index.Best(tx, n, limit)
	if err != nil {
		return nil, err
	}
	list, err := db.InOrder(tx, `SELECT i.id, i.address, i.expires_at, i.account_id, a.name AS account_name
		FROM invitations i JOIN accounts a ON a.id = i.account_id WHERE i.id`, numbers, func(f Found) int64 { return int64(f.ID) })
	for i, f := range list {
		list[i].Expired = !tx.Now.Before(f.ExpiresAt)
	}
	return list, err
}

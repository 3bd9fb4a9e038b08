package auth

import (
	"encoding/json"
	"errors"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// CeremonyLife is how long a challenge waits for its answer.
const CeremonyLife = 10 * time.Minute

// A Ceremony is a step that a browser is in the middle of: a challenge was
// sent out, and its answer is awaited, once and in the same browser. What the
// answer is held against is kept sealed on this side.
type Ceremony struct {
	Kind    string
	Holder             // whose answer it will be, without a number where it will tell; and at which door
	Session id.Session // the session that began it; 0 before sign-in
	Pending int64      // the sign-in whose second step it is; 0 for none
	State   any        // what the answer is held against
}

var errCeremony = fault.New(fault.Gone, "ceremony", "This took too long, or was begun in another window. Please start it again.")

// Keep begins a ceremony and returns the token that ties the browser to it.
func (a *Auth) Keep(tx *db.Tx, c Ceremony) (token string, err error) {
	plain, err := json.Marshal(c.State)
	if err != nil {
		return "", err
	}
	token, hash := NewToken()
	_, err = db.Exec(tx, `
		INSERT INTO ceremonies (kind, token_hash, user_id, staff_id, session_id, pending_id, sealed, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		c.kind(), hash, db.SomeUnlessZero(c.User()), db.SomeUnlessZero(c.Staff()), db.SomeUnlessZero(c.Session), db.SomeUnlessZero(c.Pending),
		a.key.Seal(ceremonyPlace(hash), plain), tx.Now, tx.Now.Add(CeremonyLife))
	return token, err
}

// kind is what the ceremony is called in the database: one of the staff's door
// is never found at the other.
func (c Ceremony) kind() string { return c.in("{}") + c.Kind }

func ceremonyPlace(hash string) string { return "ceremonies/state/" + hash }

type ceremonyRow struct {
	ID        int64
	UserID    db.Null[id.User]
	StaffID   db.Null[id.Staff]
	SessionID db.Null[id.Session]
	PendingID db.Null[int64]
	Sealed    string
}

// Look reads what a ceremony is held against into state, and leaves it open.
func (a *Auth) Look(tx *db.Tx, token string, c *Ceremony) error {
	_, err := a.look(tx, token, c)
	return err
}

// Take ends a ceremony of the named kind and reads what its answer is held
// against into c.State. An answer is heard once: a second one, a late one and
// one of another session find nothing.
func (a *Auth) Take(tx *db.Tx, token string, c *Ceremony) error {
	row, err := a.look(tx, token, c)
	if err != nil {
		return err
	}
	n, err := db.Exec(tx, "UPDATE ceremonies SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", row.ID, tx.Now)
	if err == nil && n == 0 {
		err = errCeremony
	}
	return err
}

func (a *Auth) look(tx *db.Tx, token string, c *Ceremony) (ceremonyRow, error) {
	hash := HashToken(token)
	row, err := db.One[ceremonyRow](tx, `
		SELECT id, user_id, staff_id, session_id, pending_id, sealed FROM ceremonies
		WHERE token_hash = $1 AND kind = $2 AND ended_at IS NULL AND created_at <= $3 AND expires_at > $3`, hash, c.kind(), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return row, errCeremony
	}
	if err != nil {
		return row, err
	}
	if row.UserID.V != c.User() || row.StaffID.V != c.Staff() || row.SessionID.V != c.Session || row.PendingID.V != c.Pending {
		return row, errCeremony
	}
	plain, err := a.key.Open(ceremonyPlace(hash), row.Sealed)
	if err != nil {
		return row, err
	}
	return row, json.Unmarshal(plain, c.State)
}

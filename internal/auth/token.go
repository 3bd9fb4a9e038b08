// Package auth proves that it is you: passwords, sessions, recovery, and the
// brakes on those who guess. It knows nothing of accounts.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"clientele/internal/db"
)

// NewToken makes a secret that cannot be guessed (256 bits), and the hash by
// which the database knows it. The secret itself is never stored.
func NewToken() (token, hash string) {
	b := make([]byte, 32)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, HashToken(token)
}

// HashToken is what the database holds of a token.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// ForgetOld makes a mailed token that has got too old no token at all: once
// it was refused, a clock that is set back does not revive it. table is where
// its hash is kept. A token that is not too old stays as it is.
func ForgetOld(ctx context.Context, d *db.DB, table, token string) error {
	old := " WHERE token_hash = $1 AND expires_at <= $2"
	var n int64
	err := d.Read(ctx, db.Wide, func(tx *db.Tx) (err error) {
		n, err = db.One[int64](tx, "SELECT COUNT(*) FROM "+table+old, HashToken(token), tx.Now)
		return err
	})
	if err != nil || n == 0 {
		return err
	}
	_, nobodys := NewToken()
	return d.Write(ctx, db.Wide, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE "+table+" SET token_hash = $3"+old, HashToken(token), tx.Now, nobodys)
		return err
	})
}

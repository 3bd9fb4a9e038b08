package password

import (
	"crypto/subtle"
	"encoding/hex"

	"golang.org/x/crypto/scrypt"
)

// Dummy is the hash that stands in for a missing one.
func (h *Hasher) Dummy() string { return h.dummy }

// Work takes every processor until free is called.
func (h *Hasher) Work() (free func()) { return fill(h.slots) }

// MD5 is a password's hash as the oldest systems have it.
func MD5(password string) string { return hex.EncodeToString(sum16([]byte(password))) }

// Scrypt derives a key.
func Scrypt(password, salt string, n, r, p, length int) []byte {
	key, err := scrypt.Key([]byte(password), []byte(salt), n, r, p, length)
	if err != nil {
		panic(err)
	}
	return key
}

// Foreign is a hash of another system that was read.
type Foreign struct{ scheme }

// ReadForeign reads one.
func ReadForeign(hash string) (Foreign, error) {
	s, err := readForeign(hash)
	return Foreign{s}, err
}

// Readable reports whether a hash in the database is one at all.
func Readable(hash string) bool {
	_, err := readStored(hash)
	return err == nil
}

// Kind names the scheme.
func (f Foreign) Kind() string { return f.kind }

// Weak reports whether deriving is quick.
func (f Foreign) Weak() bool { return f.weak }

// Blank is the hash without its digest.
func (f Foreign) Blank() string { return f.blank() }

// Digest is the part of the hash that proves the password.
func (f Foreign) Digest() string { return f.digest }

// Derive is what the digest of typed would be.
func (f Foreign) Derive(typed string) []byte { return f.derive([]byte(typed)) }

// Opens reports whether typed is the password.
func (f Foreign) Opens(typed string) bool {
	return subtle.ConstantTimeCompare(f.derive([]byte(typed)), f.want) == 1
}

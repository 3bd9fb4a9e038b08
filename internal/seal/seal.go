// Package seal encrypts small secrets at rest, so that a copy of the database
// alone tells nothing. Each box is bound to the table, column and row that it
// was made for and opens nowhere else.
//
// The cipher is XChaCha20-Poly1305 (RFC 8439 with an extended nonce). A Key is
// a ring: the first key of its file seals, all of them open, so that one can
// be replaced while the product runs; see file.go for the file.
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Key seals and opens. Its zero value opens nothing and must not seal. A
// copy is the same key: what one learns of a rotation, all do.
type Key struct{ ring *ring }

// ErrOpen means that a box was not made by this key for this place.
var ErrOpen = errors.New("seal: the box does not open with this key")

// A single is one key of the ring.
type single struct {
	id     string
	secret []byte
	aead   cipher.AEAD
}

func newSingle(secret []byte) (single, error) {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return single{}, fmt.Errorf("seal: the secret key must be 32 bytes: %w", err)
	}
	sum := sha256.Sum256(append([]byte("clientele key id\x00"), secret...))
	return single{id: hex.EncodeToString(sum[:4]), secret: secret, aead: aead}, nil
}

// NewKey makes a key of one secret of 32 bytes, which is in no file.
func NewKey(secret []byte) (Key, error) {
	one, err := newSingle(secret)
	if err != nil {
		return Key{}, err
	}
	return Key{ring: &ring{held: held{keys: []single{one}}}}, nil
}

// ID names the key that seals without telling anything of it.
func (k Key) ID() string { return k.ring.current().id }

// IDs names all keys of the ring, first the one that seals.
func (k Key) IDs() (list []string) {
	if k.ring == nil {
		return nil
	}
	for _, one := range k.ring.all() {
		list = append(list, one.id)
	}
	return list
}

// BoxID tells the name of the key that a box was made with, and nothing where
// it is no box.
func BoxID(box string) string {
	name, _, _ := strings.Cut(box, ".")
	return name
}

// Seal encrypts plain for one place, named like "mails/body/42". The answer
// names its key, so that several keys can be in use while one is replaced. A
// key that was put first in the file since is used at once.
func (k Key) Seal(place string, plain []byte) string {
	k.ring.refresh("")
	one := k.ring.current()
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce)
	box := one.aead.Seal(nonce, nonce, plain, []byte(place))
	return one.id + "." + base64.RawURLEncoding.EncodeToString(box)
}

// Open decrypts a box that Seal made for the same place, with whichever key
// of the ring. For a key that it does not know it looks into the file again,
// if that has changed. It answers ErrOpen, whatever the reason.
func (k Key) Open(place, box string) ([]byte, error) {
	name, text, _ := strings.Cut(box, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if k.ring == nil || err != nil || len(raw) < chacha20poly1305.NonceSizeX {
		return nil, ErrOpen
	}
	one, ok := k.ring.find(name)
	if !ok {
		return nil, ErrOpen
	}
	plain, err := one.aead.Open(nil, raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:], []byte(place))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Reseal makes a box anew with the key that seals now. It answers ErrOpen for
// a box that does not open.
func (k Key) Reseal(place, box string) (string, error) {
	plain, err := k.Open(place, box)
	if err != nil {
		return "", err
	}
	return k.Seal(place, plain), nil
}

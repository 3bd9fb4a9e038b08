// Package seal encrypts small secrets at rest, so that a copy of the database
// alone tells nothing. Each box is bound to the table, column and row that it
// was made for and opens nowhere else.
//
// The cipher is XChaCha20-Poly1305 (RFC 8439 with an extended nonce).
package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Key seals and opens. Its zero value does neither.
type Key struct {
	id   string
	aead cipher.AEAD
}

// ErrOpen means that a box was not made by this key for this place.
var ErrOpen = errors.New("seal: the box does not open with this key")

// NewKey makes a key from 32 secret bytes.
func NewKey(secret []byte) (Key, error) {
	aead, err := chacha20poly1305.NewX(secret)
	if err != nil {
		return Key{}, fmt.Errorf("seal: the secret key must be 32 bytes: %w", err)
	}
	sum := sha256.Sum256(append([]byte("clientele key id\x00"), secret...))
	return Key{id: hex.EncodeToString(sum[:4]), aead: aead}, nil
}

// ID names the key without telling anything of it.
func (k Key) ID() string { return k.id }

// Seal encrypts plain for one place, named like "mails/body/42". The answer
// names its key, so that several keys can be in use while one is replaced.
func (k Key) Seal(place string, plain []byte) string {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce)
	box := k.aead.Seal(nonce, nonce, plain, []byte(place))
	return k.id + "." + base64.RawURLEncoding.EncodeToString(box)
}

// Open decrypts a box that Seal made for the same place.
func (k Key) Open(place, box string) ([]byte, error) {
	keyID, text, ok := strings.Cut(box, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil || keyID != k.id || len(raw) < chacha20poly1305.NonceSizeX {
		return nil, ErrOpen
	}
	plain, err := k.aead.Open(nil, raw[:chacha20poly1305.NonceSizeX], raw[chacha20poly1305.NonceSizeX:], []byte(place))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// LoadKey reads the key file, and makes it where there is none. The file is
// readable by its owner alone; whoever has it and the database can read what
// is sealed.
func LoadKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := makeKey(path); err != nil {
			return Key{}, err
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return Key{}, fmt.Errorf("the secret key file %s cannot be read: %w; make it yours, or name another in CLIENTELE_SECRET_KEY_FILE", path, reason(err))
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != chacha20poly1305.KeySize {
		return Key{}, fmt.Errorf("the secret key file %s is damaged: put it back from your backup", path)
	}
	return NewKey(secret)
}

// makeKey writes a new key under its final name in one step, so that a crash
// leaves no half file and two starts at once agree on one key.
func makeKey(path string) error {
	secret := make([]byte, chacha20poly1305.KeySize)
	rand.Read(secret)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return notWritten(path, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-key-*")
	if err != nil {
		return notWritten(path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(secret) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return notWritten(path, err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return notWritten(path, err)
	}
	return nil
}

func notWritten(path string, err error) error {
	return fmt.Errorf("the secret key file %s cannot be made: %w; make its folder writable, or name another in CLIENTELE_SECRET_KEY_FILE", path, reason(err))
}

// reason is what the operating system says, without the name that our own
// sentence has already.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

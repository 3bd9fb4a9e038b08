// Package password owns everything about passwords: what may be one, how they
// are hashed, and which hashes of other systems they are verified against.
//
// New hashes are argon2id (RFC 9106) over the password in Unicode's normal
// form NFC, kept as PHC strings. Hashes of other systems come in through
// Import and are verified until their owners sign in, when the caller replaces
// them: IsCurrent tells when.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The parameters of our own hashes are OWASP's.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// A Hasher hashes passwords, as many at a time as there are processors, so
// that a flood of sign-ins leaves the rest of the server answering.
type Hasher struct {
	slots   chan struct{} // held while computing
	waiting chan struct{} // the line
	crowd   chan struct{} // the part of the line that strangers may fill
	rules   func() Rules
	dummy   string
}

// New makes a hasher with rules that stay as they are.
func New(r Rules) *Hasher { return Following(func() Rules { return r }) }

// Following makes a hasher that asks for the rules whenever it needs them.
func Following(rules func() Rules) *Hasher {
	n := runtime.NumCPU()
	return &Hasher{
		slots:   make(chan struct{}, n),
		waiting: make(chan struct{}, linePerSlot*n),
		crowd:   make(chan struct{}, linePerSlot*n*3/4),
		rules:   rules,
		dummy:   encode(make([]byte, argonSalt), make([]byte, argonKey)),
	}
}

// Hash hashes a password that Check has let through.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return fresh([]byte(norm.NFC.String(password))), nil
}

// Verify reports whether the password belongs to the hash: one of ours, or one
// that Import gave back. It is tried as it was typed and, where that differs,
// in NFC, for other systems hash what they are given.
//
// Nothing ever matches a hash that is missing, broken, unknown or beyond the
// bounds of its scheme, and nothing matches an empty password. Every failure
// costs at least one argon2id of ours for each spelling, and exactly that if
// the hash is ours, a wrapped digest, or none: those cannot be told apart by
// time. A hash of another slow scheme takes its own time in addition, at most
// about a second for each spelling, until its owner has signed in once.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	if len(password) > maxBytes {
		return false, nil
	}
	stored, err := readStored(hash)
	usable := err == nil && password != ""
	if !usable {
		stored, _ = readStored(h.dummy)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	return h.opens(stored, password) && usable, nil
}

// opens tries a password in its spellings.
func (h *Hasher) opens(stored scheme, password string) bool {
	for _, typed := range spellings(password) {
		if subtle.ConstantTimeCompare(stored.derive(typed), stored.want) == 1 {
			return true
		}
		if !stored.ours {
			argon(typed, make([]byte, argonSalt))
		}
	}
	return false
}

// spellings are the bytes that a password may have been hashed as.
func spellings(password string) [][]byte {
	if nfc := norm.NFC.String(password); nfc != password {
		return [][]byte{[]byte(password), []byte(nfc)}
	}
	return [][]byte{[]byte(password)}
}

// IsCurrent reports whether a stored hash is of the scheme that Hash uses. Any
// other is replaced when its owner signs in.
func IsCurrent(hash string) bool {
	_, _, ok := decode(hash)
	return ok
}

// fresh hashes bytes with a new salt.
func fresh(typed []byte) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	return encode(salt, argon(typed, salt))
}

func argon(typed, salt []byte) []byte {
	return argon2.IDKey(typed, salt, argonTime, argonMemory, argonThreads, argonKey)
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonThreads, b64(salt), b64(key))
}

// decode reads a hash that encode made. Anything else, other parameters
// included, is no hash of ours.
func decode(hash string) (salt, key []byte, ok bool) {
	prefix := encode(nil, nil)
	prefix = prefix[:len(prefix)-1]
	if !strings.HasPrefix(hash, prefix) || len(hash) > maxHash {
		return nil, nil, false
	}
	a, b, found := strings.Cut(hash[len(prefix):], "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(a)
	key, err2 := base64.RawStdEncoding.DecodeString(b)
	return salt, key, found && err1 == nil && err2 == nil && len(salt) == argonSalt && len(key) == argonKey
}

package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"clientele/internal/fault"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Passwords are hashed with argon2id (RFC 9106) at OWASP's parameters and
// kept as PHC strings.
const (
	argonMemory  = 19 * 1024 // KiB
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// The bounds of a password. Everything between is welcome: no rule asks for
// kinds of characters.
const (
	MinPassword      = 12   // characters
	MaxPassword      = 256  // characters
	maxPasswordBytes = 1024 // checked before anything is computed
)

//go:embed common.txt
var commonText string

var common = func() map[string]bool {
	m := map[string]bool{}
	for _, line := range strings.Fields(commonText) {
		m[line] = true
	}
	return m
}()

// A Hasher hashes passwords, as many at a time as there are processors, so
// that a flood of sign-ins leaves the rest of the server answering.
type Hasher struct {
	slots   chan struct{}
	waiting chan struct{}
	brand   string
	dummy   string
}

// NewHasher makes a hasher. brand is the installation's name, which nobody
// may have as his password.
func NewHasher(brand string) *Hasher {
	n := runtime.NumCPU()
	h := &Hasher{slots: make(chan struct{}, n), waiting: make(chan struct{}, 64*n), brand: brand}
	h.dummy = encode(make([]byte, argonSalt), make([]byte, argonKey))
	return h
}

// Check reads a new password. own are things that everybody can guess of
// this person: her address, her name, her account's name.
func (h *Hasher) Check(password string, own ...string) error {
	low := strings.ToLower(norm.NFC.String(password))
	switch n := utf8.RuneCountInString(password); {
	case len(password) > maxPasswordBytes || n > MaxPassword:
		return tooLong
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return badPassword("This password has characters that cannot be typed. Choose another.")
	case n < MinPassword:
		return badPassword("Use at least " + strconv.Itoa(MinPassword) + " characters. Three or four random words make a good password.")
	case common[low] || isMonotone(low):
		return badPassword("This password is one of the first that guessers try. Choose another.")
	}
	bare := lettersAndDigits(low)
	for _, s := range append(own, h.brand) {
		for _, part := range append(strings.Split(s, "@"), s) {
			part = lettersAndDigits(strings.ToLower(norm.NFC.String(part)))
			if rest := strings.ReplaceAll(bare, part, ""); len(part) >= 4 && rest != bare && utf8.RuneCountInString(rest) < 8 {
				return badPassword("This password is mostly your name, your address or " + h.brand + ". Choose another.")
			}
		}
	}
	return nil
}

// lettersAndDigits is a text without its spaces and marks, so that a name is
// known in whichever way its words are joined.
func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// isMonotone tells passwords made of one to three characters, or of a run
// like 123456789012.
func isMonotone(s string) bool {
	seen := map[rune]bool{}
	steps, last, n := 0, rune(-1), 0
	for _, r := range s {
		seen[r] = true
		if d := r - last; d == 1 || d == -1 || d == 0 || d == -9 {
			steps++
		}
		last, n = r, n+1
	}
	return len(seen) <= 3 || steps >= n-2
}

var tooLong = badPassword("This password is too long. Use at most " + strconv.Itoa(MaxPassword) + " characters.")

func badPassword(text string) *fault.Error {
	return &fault.Error{Code: fault.Invalid, Reason: "password", Text: text}
}

// Hash hashes a password that Check has let through.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return encode(salt, derive(password, salt)), nil
}

// Verify reports whether the password belongs to the hash. It takes as long
// for a hash that is empty or broken, which nothing ever matches.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	if len(password) > maxPasswordBytes {
		return false, nil
	}
	salt, key, ok := decode(hash)
	if !ok {
		salt, key, _ = decode(h.dummy)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	same := subtle.ConstantTimeCompare(derive(password, salt), key) == 1
	return same && ok, nil
}

// enter waits for a free processor, but not in an endless line.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, &fault.Error{Code: fault.Busy, Reason: "signins", Text: "Very many people are signing in right now. Please try again in a moment.", Retry: 2 * time.Second}
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// derive normalises first (NFC), so that a password typed on another keyboard
// is the same password.
func derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, argonTime, argonMemory, argonThreads, argonKey)
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
	if !strings.HasPrefix(hash, prefix) {
		return nil, nil, false
	}
	a, b, found := strings.Cut(hash[len(prefix):], "$")
	salt, err1 := base64.RawStdEncoding.DecodeString(a)
	key, err2 := base64.RawStdEncoding.DecodeString(b)
	return salt, key, found && err1 == nil && err2 == nil && len(salt) == argonSalt && len(key) == argonKey
}

package password

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// maxHash is the longest stored hash that is read, in bytes.
const maxHash = 1024

// A scheme is a stored hash that was read, whose cost is within bounds.
type scheme struct {
	kind   string                    // as wrapped hashes name it: md5, bcrypt…
	hash   string                    // the whole, as it was stored
	digest string                    // the part of hash that proves the password
	want   []byte                    // what derive gives for the right password
	derive func(typed []byte) []byte // nothing at all if typed can match no hash
	weak   bool                      // so cheap that it may not rest in our database bare
	ours   bool                      // costs exactly one argon2id of ours
}

// Why a stored hash is none, in words for the report of an import.
var (
	errEmpty      = errors.New("there is no password hash")
	errUnknown    = errors.New("the password hash is of no known scheme")
	errBroken     = errors.New("the password hash is broken")
	errCostly     = errors.New("the password hash asks for more work than a sign-in may take")
	errNoPassword = errors.New("the password is empty")
	errLong       = errors.New("the password hash is longer than any real one")
)

// readers read the hashes of other systems by how these begin. Hashes that
// begin with hexadecimal digits are readDigest's.
var readers = []struct {
	prefix string
	read   func(hash string) (scheme, error)
}{
	{"$2a$", readBcrypt},
	{"$2b$", readBcrypt},
	{"$2y$", readBcrypt},
	{"$argon2id$", readArgon},
	{"$argon2i$", readArgon},
	{"$scrypt$", readScrypt},
	{"$pbkdf2$", readPBKDF2},
	{"$pbkdf2-sha256$", readPBKDF2},
	{"$pbkdf2-sha512$", readPBKDF2},
	{"pbkdf2_sha256$", readPBKDF2},
	{"$P$", readPhpass},
	{"$H$", readPhpass},
}

// readStored reads what may be in our database: a hash of ours, a wrapped one,
// or one of another system.
func readStored(hash string) (scheme, error) {
	if salt, key, ok := decode(hash); ok {
		return scheme{kind: "argon2id", hash: hash, want: key, ours: true, derive: func(typed []byte) []byte { return argon(typed, salt) }}, nil
	}
	if strings.HasPrefix(hash, wrapPrefix) {
		return readWrapped(hash)
	}
	return readForeign(hash)
}

// readForeign reads a hash of another system. Its errors say why it is none.
func readForeign(hash string) (scheme, error) {
	switch {
	case strings.Trim(hash, " \t\r\n") == "":
		return scheme{}, errEmpty
	case len(hash) > maxHash:
		return scheme{}, errLong
	}
	for _, r := range readers {
		if strings.HasPrefix(hash, r.prefix) {
			return r.read(hash)
		}
	}
	return readDigest(hash)
}

// blank is the hash without its proof, in the same form: all that is needed to
// derive the digest of a password anew.
func (s scheme) blank() string {
	zeros := strings.Repeat("A", len(s.digest))
	if rest, ok := strings.CutPrefix(s.hash, s.digest); ok {
		return zeros + rest
	}
	return strings.TrimSuffix(s.hash, s.digest) + zeros
}

// number reads a number of at most 18 digits, written as programs write it.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && len(s) <= 18 && strconv.Itoa(n) == s && n >= 0
}

// numbers reads parameters like "m=19456,t=2,p=1", which must have these names
// in this order.
func numbers(s string, names ...string) ([]int, bool) {
	parts := strings.Split(s, ",")
	if len(parts) != len(names) {
		return nil, false
	}
	out := make([]int, len(names))
	for i, part := range parts {
		value, named := strings.CutPrefix(part, names[i]+"=")
		n, ok := number(value)
		if !named || !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// unbase64 reads base64 without padding. passlib writes a dot for the plus.
func unbase64(s string, least, most int) ([]byte, bool) {
	b, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(s, ".", "+"))
	return b, err == nil && len(b) >= least && len(b) <= most
}

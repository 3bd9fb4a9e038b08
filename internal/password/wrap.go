package password

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"

	"clientele/internal/fault"
)

// A wrapped hash is our argon2id over the digest of a weaker scheme, so that
// no fast hash rests in the database:
//
//	$wrap$md5-salt$QUFB…$argon2id$v=19$m=19456,t=2,p=1$salt$key
//
// The part after the kind is, in base64, the weaker hash with A's in the place
// of its digest: its salt and parameters, and nothing that proves a password.
const wrapPrefix = "$wrap$"

// Import says what to store for a password hash that was found in another
// system's database. A strong one stays as it is, a weak one comes back
// wrapped: MD5, SHA-1, HMAC-SHA256 and phpass always, others below the bounds
// that readers state. What opens with the empty password, is empty, broken,
// unknown or too costly is a fault.Invalid whose text says so, for the report
// of the import; its owner sets a password by mail.
//
// Wrapping takes as long as hashing a password, some 20 ms of one processor,
// and waits for it in the line of those who sign in: callers with a hundred
// thousand of them keep as many calls under way as leaves processors to
// others, and come again after a fault.Busy.
func (h *Hasher) Import(ctx context.Context, found string) (stored string, err error) {
	found = strings.Trim(found, " \t\r\n")
	wraps, err := Inspect(found)
	if err != nil {
		return "", err
	}
	if !wraps {
		return found, nil
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	s, err := readForeign(found)
	return s.wrap(), err
}

// Inspect says, without the work of wrapping, what Import would: whether it
// wraps a hash, and why it takes one for none.
func Inspect(found string) (wraps bool, err error) {
	s, err := readForeign(strings.Trim(found, " \t\r\n"))
	if err == nil && s.weak && bytes.Equal(s.derive(nil), s.want) {
		err = errNoPassword
	}
	if err != nil {
		return false, fault.New(fault.Invalid, "password-hash", err.Error())
	}
	return s.weak, nil
}

// wrap hashes the digest.
func (s scheme) wrap() string {
	return wrapPrefix + s.kind + "$" + base64.RawStdEncoding.EncodeToString([]byte(s.blank())) + fresh(s.want)
}

// readWrapped reads what wrap writes.
func readWrapped(hash string) (scheme, error) {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(hash, wrapPrefix), "$")
	blank, outer, ok := strings.Cut(rest, "$")
	inner, err := base64.RawStdEncoding.DecodeString(blank)
	if !ok || err != nil || len(hash) > 2*maxHash {
		return scheme{}, errBroken
	}
	salt, key, ok := decode("$" + outer)
	s, err := readForeign(string(inner))
	if !ok || err != nil || s.kind != kind || !s.weak {
		return scheme{}, errBroken
	}
	digest := s.derive
	s.want, s.ours, s.derive = key, true, func(typed []byte) []byte { return argon(digest(typed), salt) }
	return s, nil
}

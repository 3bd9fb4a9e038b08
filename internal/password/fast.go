package password

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// readDigest reads the hashes that take no time to guess: 32 hexadecimal
// digits, md5(password); 32, a colon and a salt, md5(salt+password); 40,
// sha1(password); 64, a colon and a salt, HMAC-SHA256 of the password under
// the salt. Old shops and WHMCS have these.
func readDigest(stored string) (scheme, error) {
	digest, salt, salted := strings.Cut(stored, ":")
	want, err := hex.DecodeString(digest)
	if err != nil {
		return scheme{}, errUnknown
	}
	s := scheme{hash: stored, digest: digest, want: want, weak: true}
	switch {
	case salted && (salt == "" || len(salt) > mostSalt):
		return scheme{}, errBroken
	case len(want) == md5.Size && !salted:
		s.kind, s.derive = "md5", func(typed []byte) []byte { return sum16(typed) }
	case len(want) == md5.Size:
		s.kind, s.derive = "md5-salt", func(typed []byte) []byte { return sum16([]byte(salt), typed) }
	case len(want) == sha1.Size && !salted:
		s.kind, s.derive = "sha1", func(typed []byte) []byte { sum := sha1.Sum(typed); return sum[:] }
	case len(want) == sha256.Size && salted:
		s.kind, s.derive = "hmac-sha256", func(typed []byte) []byte {
			mac := hmac.New(sha256.New, []byte(salt))
			mac.Write(typed)
			return mac.Sum(nil)
		}
	default:
		return scheme{}, errUnknown
	}
	return s, nil
}

// sum16 is the MD5 of parts in a row.
func sum16(parts ...[]byte) []byte {
	h := md5.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// phpassAlphabet are the digits of phpass's numbers.
const phpassAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// mostPhpass bounds phpass: 2^18 rounds of MD5 are half a second for the
// longest password. phpBB has 2^11, WordPress 2^13.
const leastPhpass, mostPhpass = 7, 18

// readPhpass reads $P$ or $H$, one character for the logarithm of the rounds,
// eight of salt, and 22 of digest. All its rounds are MD5: it is always weak.
func readPhpass(stored string) (scheme, error) {
	if len(stored) != 34 || strings.Trim(stored[3:], phpassAlphabet) != "" {
		return scheme{}, errBroken
	}
	log, salt := strings.IndexByte(phpassAlphabet, stored[3]), []byte(stored[4:12])
	switch {
	case log < leastPhpass:
		return scheme{}, errBroken
	case log > mostPhpass:
		return scheme{}, errCostly
	}
	return scheme{kind: "phpass", hash: stored, digest: stored[12:], want: []byte(stored[12:]), weak: true, derive: func(typed []byte) []byte {
		sum := sum16(salt, typed)
		for range 1 << log {
			sum = sum16(sum, typed)
		}
		return phpassText(sum)
	}}, nil
}

// phpassText writes bytes in six bits each, the lowest first.
func phpassText(sum []byte) (text []byte) {
	value, width := uint(0), 0
	for _, b := range sum {
		value |= uint(b) << width
		for width += 8; width >= 6; width -= 6 {
			text = append(text, phpassAlphabet[value&63])
			value >>= 6
		}
	}
	if width > 0 {
		text = append(text, phpassAlphabet[value&63])
	}
	return text
}

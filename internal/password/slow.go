package password

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"math/bits"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// The bounds of other systems' hashes. The upper one keeps a sign-in below
// about a second and 256 MiB; what is beyond is never computed. What is below
// the lower one, where there is one, is cheap to guess and gets wrapped.
const (
	mostBcrypt = 14 // cost: 2^14 rounds, about a second. Any cost is kept bare: the least is still 16,000 times an MD5

	mostArgonMemory = 256 << 10 // KiB
	mostArgonWork   = 1 << 20   // KiB times passes, about a second
	leastArgonWork  = 32 << 10
	mostArgonLanes  = 16

	mostScryptMemory = 256 << 20 // bytes: 128 N r
	mostScryptWork   = 1 << 21   // N r p, about a second
	leastScryptWork  = 1 << 17   // as N=2^14, r=8, p=1, the advice of 2009

	mostPBKDF2  = 2_000_000 // rounds, about a second
	leastPBKDF2 = 100_000

	leastSalt, mostSalt = 4, 128 // bytes
	leastKey, mostKey   = 16, 64 // bytes
)

// bcryptAlphabet is what a salt and a digest of bcrypt are written in.
const bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// readBcrypt reads $2y$10$, 22 characters of salt and 31 of digest. bcrypt
// looks at 72 bytes of a password and stops at a NUL: one with more, or with
// one in it, matches nothing, for it would open as easily cut off.
func readBcrypt(stored string) (scheme, error) {
	if len(stored) != 60 || stored[6] != '$' || strings.Trim(stored[7:], bcryptAlphabet) != "" {
		return scheme{}, errBroken
	}
	cost, err := bcrypt.Cost([]byte(stored))
	switch {
	case err != nil:
		return scheme{}, errBroken
	case cost > mostBcrypt:
		return scheme{}, errCostly
	}
	return scheme{kind: "bcrypt", hash: stored, digest: stored[29:], want: []byte(stored), derive: func(typed []byte) []byte {
		if len(typed) > 72 || bytes.IndexByte(typed, 0) >= 0 || bcrypt.CompareHashAndPassword([]byte(stored), typed) != nil {
			return nil
		}
		return []byte(stored)
	}}, nil
}

// readArgon reads $argon2id$v=19$m=65536,t=4,p=1$salt$key, and argon2i.
func readArgon(stored string) (scheme, error) {
	f := strings.Split(stored, "$")
	if len(f) != 6 || f[2] != "v=19" {
		return scheme{}, errBroken
	}
	n, ok1 := numbers(f[3], "m", "t", "p")
	salt, ok2 := unbase64(f[4], leastSalt, mostSalt)
	key, ok3 := unbase64(f[5], leastKey, mostKey)
	if !ok1 || !ok2 || !ok3 || n[1] < 1 || n[2] < 1 || n[0] < 8*n[2] {
		return scheme{}, errBroken
	}
	memory, time, lanes := n[0], n[1], n[2]
	if memory > mostArgonMemory || time > mostArgonWork || memory*time > mostArgonWork || lanes > mostArgonLanes {
		return scheme{}, errCostly
	}
	derive := argon2.IDKey
	if f[1] == "argon2i" {
		derive = argon2.Key
	}
	return scheme{kind: f[1], hash: stored, digest: f[5], want: key, weak: memory*time < leastArgonWork, derive: func(typed []byte) []byte {
		return derive(typed, salt, uint32(time), uint32(memory), uint8(lanes), uint32(len(key)))
	}}, nil
}

// readScrypt reads passlib's $scrypt$ln=16,r=8,p=1$salt$key (RFC 7914).
func readScrypt(stored string) (scheme, error) {
	f := strings.Split(stored, "$")
	if len(f) != 5 {
		return scheme{}, errBroken
	}
	n, ok1 := numbers(f[2], "ln", "r", "p")
	salt, ok2 := unbase64(f[3], leastSalt, mostSalt)
	key, ok3 := unbase64(f[4], leastKey, mostKey)
	if !ok1 || !ok2 || !ok3 || n[0] < 1 || n[1] < 1 || n[2] < 1 {
		return scheme{}, errBroken
	}
	log, r, p := n[0], n[1], n[2]
	if max(log, bits.Len(uint(r)), bits.Len(uint(p))) > 21 || r<<log > mostScryptMemory/128 || r<<log > mostScryptWork/p {
		return scheme{}, errCostly
	}
	return scheme{kind: "scrypt", hash: stored, digest: f[4], want: key, weak: r<<log*p < leastScryptWork, derive: func(typed []byte) []byte {
		derived, _ := scrypt.Key(typed, salt, 1<<log, r, p, len(key))
		return derived
	}}, nil
}

// pbkdf2s are the forms of PBKDF2 (RFC 8018): passlib's and Django's.
var pbkdf2s = map[string]func() hash.Hash{"pbkdf2": sha1.New, "pbkdf2-sha256": sha256.New, "pbkdf2-sha512": sha512.New, "pbkdf2_sha256": sha256.New}

// readPBKDF2 reads passlib's $pbkdf2-sha256$29000$salt$key and Django's
// pbkdf2_sha256$260000$salt$key, whose salt is text and whose key is padded.
func readPBKDF2(stored string) (scheme, error) {
	stored = strings.TrimRight(stored, "=")
	f := strings.Split(strings.TrimPrefix(stored, "$"), "$")
	if len(f) != 4 {
		return scheme{}, errBroken
	}
	sum := pbkdf2s[f[0]]
	rounds, ok1 := number(f[1])
	salt, ok2 := []byte(f[2]), len(f[2]) <= mostSalt && f[2] != ""
	if f[0] != "pbkdf2_sha256" {
		salt, ok2 = unbase64(f[2], leastSalt, mostSalt)
	}
	key, ok3 := unbase64(f[3], leastKey, sum().Size())
	switch {
	case !ok1 || !ok2 || !ok3 || rounds == 0:
		return scheme{}, errBroken
	case rounds > mostPBKDF2:
		return scheme{}, errCostly
	}
	return scheme{kind: strings.ReplaceAll(f[0], "_", "-"), hash: stored, digest: f[3], want: key, weak: rounds < leastPBKDF2, derive: func(typed []byte) []byte {
		derived, _ := pbkdf2.Key(sum, string(typed), salt, rounds, len(key))
		return derived
	}}, nil
}

package upgrade_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/password"
	"clientele/internal/upgrade"
)

// An oldHash is a hash as WHMCS has it, and the password that it is of.
type oldHash struct {
	scheme, hash, password string
	weak                   bool
}

// oldHashes are one of each format that WHMCS has had.
func oldHashes() []oldHash {
	const word = "seven red trams"
	plain, salted := md5.Sum([]byte(word)), md5.Sum([]byte("xY9#q"+word))
	mac := hmac.New(sha256.New, []byte("pepper"))
	mac.Write([]byte(word))
	at72 := strings.Repeat("€", 24)
	return []oldHash{
		{"bcrypt 2y", bcrypted(word), word, false},
		{"bcrypt 2a", "$2a$" + strings.TrimPrefix(bcrypted(word), "$2y$"), word, false},
		{"bcrypt of 72 bytes", bcrypted(at72), at72, false},
		{"HMAC-SHA256", hex.EncodeToString(mac.Sum(nil)) + ":pepper", word, true},
		{"md5 with a salt", hex.EncodeToString(salted[:]) + ":xY9#q", word, true},
		{"md5", hex.EncodeToString(plain[:]), word, true},
	}
}

// login writes somebody who signs in: a client who owns herself, or a user who
// owns a client.
func (s *stage) login(n int, address, hash string) {
	s.t.Helper()
	s.there.Add("tblclients", "id", n, "firstname", "Old", "lastname", fmt.Sprint("Hash ", n), "email", address, "password", hash, "status", "Active")
	if s.there.HasUsers() {
		s.there.Add("tblusers", "id", n, "first_name", "Old", "last_name", fmt.Sprint("Hash ", n), "email", address, "password", hash)
		s.there.Add("tblusers_clients", "id", n, "auth_user_id", n, "client_id", n, "owner", 1)
	}
}

func (s *stage) stored(address string) string {
	s.t.Helper()
	return apptest.Query[string](s.World, "SELECT password FROM users WHERE address = $1", address)[0]
}

// loginTable is where the rows of those who sign in stand.
func (s *stage) loginTable() string {
	if s.there.HasUsers() {
		return "tblusers"
	}
	return "tblclients"
}

// TestT081_EveryOldPasswordOpensAndIsReplaced signs in with each format. None
// that is quick to try rests in the database meanwhile.
func TestT081_EveryOldPasswordOpensAndIsReplaced(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, replaced) })
	}
}

func replaced(t *testing.T, s *stage) {
	address := func(n int) string { return fmt.Sprintf("old%d@example.com", n) }
	all := oldHashes()
	for n, old := range all {
		s.login(n+1, address(n+1), old.hash)
	}
	out := s.bring()
	if strings.Contains(out.csv, "password") {
		t.Errorf("a password is reported: %s", out.csv)
	}
	rows := strings.ToLower(strings.Join(dump(s.World), "\n"))
	for n, old := range all {
		digest, _, _ := strings.Cut(old.hash, ":")
		if old.weak && (strings.Contains(rows, digest) || !strings.HasPrefix(s.stored(address(n+1)), "$wrap$")) {
			t.Errorf("%s: a fast hash rests in the database", old.scheme)
		}
	}
	for n, old := range all {
		s.Exec("DELETE FROM throttles")
		before := s.stored(address(n + 1))
		for _, wrong := range []string{old.password + "b", old.password[1:], old.hash, ""} {
			s.refused(address(n+1), wrong)
		}
		if s.stored(address(n+1)) != before {
			t.Errorf("%s: a wrong password has changed the row", old.scheme)
		}
		s.enters(address(n+1), old.password).Get(accountPath(int64(n + 1))).Must(200)
		if now := s.stored(address(n + 1)); !password.IsCurrent(now) || !strings.HasPrefix(now, "$argon2id$") {
			t.Errorf("%s: %.20s is stored now", old.scheme, now)
		}
		s.enters(address(n+1), old.password)
	}
	s.Quiet()
	before := dump(s.World, "imports")
	s.bring() // her hash is another now, and the one there is not
	if !equal(t, before, dump(s.World, "imports")) {
		t.Error("a run after the first sign-ins has changed something")
	}
}

// TestT077_BcryptLooksNoFurtherThanItSees has passwords of 72 bytes, and more
// typed than that.
func TestT077_BcryptLooksNoFurtherThanItSees(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		rights := []string{strings.Repeat("a", 72), strings.Repeat("€", 24), "a" + strings.Repeat("é", 35)}
		for n, right := range rights {
			s.login(n+1, fmt.Sprintf("old%d@example.com", n+1), bcrypted(right))
		}
		s.bring()
		for n, right := range rights {
			s.Exec("DELETE FROM throttles")
			address := fmt.Sprintf("old%d@example.com", n+1)
			for _, wrong := range []string{right + "b", right + "€", right + strings.Repeat("x", 100), right + "\x00", right + "\x00b", right[:len(right)-1]} {
				s.refused(address, wrong)
			}
			s.enters(address, right)
			if !password.IsCurrent(s.stored(address)) {
				t.Errorf("%q: %.20s is stored", right, s.stored(address))
			}
		}
	})
}

// bombs ask for more work than a sign-in may take.
func bombs() []string {
	const rest = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	return []string{
		"$2a$31$" + strings.Repeat("a", 53), "$2y$15$" + strings.Repeat("a", 53), "$argon2id$v=19$m=4194304,t=1,p=1" + rest, "$argon2id$v=19$m=8,t=2147483648,p=1" + rest, "$argon2i$v=19$m=65536,t=1,p=255" + rest,
		"$scrypt$ln=63,r=8,p=1" + rest, "$pbkdf2-sha256$999999999" + rest, "$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
	}
}

// huge stands for a hash of 10 MB, which the server makes: a statement with it
// would be too long.
const huge = "10 MB"

// nothings are no hashes, and no way in.
func nothings() []string {
	empty, hmacOfNothing := md5.Sum(nil), hmac.New(sha256.New, []byte("pepper")).Sum(nil)
	return []string{
		"", " ", "*", "!", "x", "NULL", "0", "seven red trams", "$2y$10$", "$2y$10$short", "$2x$10$" + strings.Repeat("a", 53), "$5$rounds=999999999$x$x", "$1$salt$AAAA", "$wrap$md5$AAAA$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA",
		hex.EncodeToString(empty[:]), hex.EncodeToString(hmacOfNothing) + ":pepper", strings.Repeat("g", 32), strings.Repeat("0", 31), strings.Repeat("0", 64), "{PLAIN}seven red trams",
		huge, strings.Repeat("a", 32) + ":" + strings.Repeat("s", 2000), "\x00\xff\xfe",
	}
}

// TestT080_ABombIsNeverComputed brings in hashes that would take all memory or
// all time. Each is left behind with its reason, and the run goes on.
func TestT080_ABombIsNeverComputed(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) { leftBehind(t, s, bombs(), "more work") })
		})
	}
}

// TestT082_ADegenerateHashOpensNothing brings in what is no hash of anything.
func TestT082_ADegenerateHashOpensNothing(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) { leftBehind(t, s, nothings(), "no password that can be carried over") })
		})
	}
}

func leftBehind(t *testing.T, s *stage, hashes []string, words string) {
	address := func(n int) string { return fmt.Sprintf("old%d@example.com", n) }
	for n, hash := range hashes {
		s.login(n+1, address(n+1), hash)
		if hash == huge {
			s.there.Exec(fmt.Sprintf("UPDATE %s SET password = CONCAT('$2y$10$', REPEAT('a', 10485760)) WHERE id = %d", s.loginTable(), n+1))
		}
	}
	s.login(500, "last@example.com", bcrypted("nine yellow ferries"))
	s.login(501, "empty@example.com", bcrypted("")) // which no look at it tells
	out := s.bring()
	for n, hash := range hashes {
		if stored := s.stored(address(n + 1)); stored != "" {
			t.Errorf("%.40q: %.40q is stored", hash, stored)
		}
		out.must(t, s.loginTable(), int64(n+1), words)
	}
	for n, hash := range hashes {
		if n%4 != 0 {
			continue // each sign-in that fails takes its time
		}
		s.Exec("DELETE FROM throttles")
		for _, typed := range []string{"", hash, "seven red trams"} {
			s.refused(address(n+1), typed)
		}
	}
	for _, typed := range []string{"", " ", "\x00"} {
		s.refused("empty@example.com", typed)
	}
	s.reaches(s.recovers(address(1), fresh), 1, 0, true)
	s.enters("last@example.com", "nine yellow ferries")
}

// What is remembered of a password hash, to tell a changed one, is of no use
// for guessing: it is keyed with what the database holds only sealed. Where
// nobody has changed it there, it stays.
func TestT081_WhatIsRememberedOfAHashIsKeyed(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		const found = "5f4dcc3b5aa765d61d8327deb882cf99" // md5("password")
		s.there.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", found, "status", "Active")
		s.bring()
		first := apptest.Query[int64](s.World, "SELECT secret FROM import_rows WHERE kind = 'client.login'")
		s.bring()
		if again := apptest.Query[int64](s.World, "SELECT secret FROM import_rows WHERE kind = 'client.login'"); !slices.Equal(first, again) {
			t.Errorf("it was %d, and is %d after a run that changes nothing", first, again)
		}
		other := apptest.New(t, s.Engine)
		if out := try(t, other, live(t, s.there.DSN()), upgrade.Options{}); out.err != nil {
			t.Fatal(out.err)
		}
		if elsewhere := apptest.Query[int64](other, "SELECT secret FROM import_rows WHERE kind = 'client.login'"); slices.Equal(first, elsewhere) {
			t.Error("two installations remember the same of a hash: anybody can work it out")
		}
		for _, sealed := range apptest.Query[string](s.World, "SELECT sealed FROM imports") {
			if _, err := s.Key.Open("imports/key/1", sealed); err != nil {
				t.Errorf("the key of the fingerprints is not sealed: %v", err)
			}
		}
	})
}

package password_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"clientele/internal/password"

	"pgregory.net/rapid"
)

// TestT081_ADigestIsItsPasswordsOnly makes hashes of random passwords under
// random salts, as WHMCS did, and reads them: each opens for its password, and
// what is left when the digest is taken out derives the same digest.
func TestT081_ADigestIsItsPasswordsOnly(t *testing.T) {
	t.Parallel()
	forms := map[string]func(salt, typed string) string{
		"md5": func(_, typed string) string { return password.MD5(typed) },
		"md5-salt": func(salt, typed string) string {
			sum := md5.Sum([]byte(salt + typed))
			return hex.EncodeToString(sum[:]) + ":" + salt
		},
		"hmac-sha256": func(salt, typed string) string {
			mac := hmac.New(sha256.New, []byte(salt))
			mac.Write([]byte(typed))
			return hex.EncodeToString(mac.Sum(nil)) + ":" + salt
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		salt := rapid.StringMatching(`[!-~]{1,32}`).Draw(t, "salt")
		typed, other := rapid.String().Draw(t, "typed"), rapid.String().Draw(t, "other")
		for kind, form := range forms {
			read, err := password.ReadForeign(form(salt, typed))
			if err != nil || read.Kind() != kind || !read.Weak() {
				t.Fatalf("%s is read as %s: %v", form(salt, typed), read.Kind(), err)
			}
			if !read.Opens(typed) || typed != other && read.Opens(other) {
				t.Errorf("%s of %q opens for %q or not for its password", kind, typed, other)
			}
			blank, err := password.ReadForeign(read.Blank())
			if err != nil || !bytes.Equal(blank.Derive(typed), read.Derive(typed)) || blank.Opens(typed) {
				t.Errorf("%s is no blank of %s: %v", read.Blank(), form(salt, typed), err)
			}
		}
	})
}

// FuzzVerifyParsing reads what may stand in a database: nothing panics, takes
// longer than its bounds, or opens for a password that it was not made of.
func FuzzVerifyParsing(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.hash)
	}
	for _, hash := range degenerate {
		if len(hash) < 2000 {
			f.Add(hash)
		}
	}
	f.Add("$wrap$md5$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, hash string) {
		password.Readable(hash)
		read, err := password.ReadForeign(hash)
		if err != nil {
			return
		}
		if len(hash) > 1024 {
			t.Errorf("%d bytes are read", len(hash))
		}
		if blank, err := password.ReadForeign(read.Blank()); err != nil || blank.Kind() != read.Kind() || blank.Weak() != read.Weak() {
			t.Errorf("%q is no blank of %q: %v", read.Blank(), hash, err)
		}
		if read.Weak() && (read.Opens("the password of none of them") || read.Opens(hash)) {
			t.Errorf("%q opens", hash)
		}
	})
}

// TestT068_WrongIsNotToldApartByTime tells by the time how many hashes a wrong
// password costs: as many against a hash of ours as against a missing one, a
// broken one and an MD5, imported and bare. The quickest of many says it; the
// machine's other work only adds, and a half of one is more than that leaves.
func TestT068_WrongIsNotToldApartByTime(t *testing.T) {
	h, ctx := password.New(password.Rules{}), context.Background()
	ours, err1 := h.Hash(ctx, phrase)
	wrapped, err2 := h.Import(ctx, md5Hash)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	stored := []string{ours, wrapped, md5Hash, "", "$2y$10$", bombs[0]}
	const share = 2
	for _, typed := range []string{"wrong but long enough", "wrong wi\u0075\u0308th an accent"} {
		least := make([]time.Duration, len(stored))
		told := func() bool { return slices.Max(least)-slices.Min(least) > slices.Max(least)/share }
		for round := 0; round < 5 || round < 100 && told(); round++ {
			for i, hash := range stored {
				began := time.Now()
				if ok, err := h.Verify(ctx, hash, typed); ok || err != nil {
					t.Fatal(hash, err)
				}
				if took := time.Since(began); least[i] == 0 || took < least[i] {
					least[i] = took
				}
			}
		}
		if told() {
			t.Errorf("with %q, the hashes take %v", typed, least)
		}
	}
}

// BenchmarkVerify measures the slowest that the bounds let through.
func BenchmarkVerify(b *testing.B) {
	for name, hash := range map[string]string{
		"ours":    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"bcrypt":  "$2y$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"argon":   "$argon2id$v=19$m=262144,t=4,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"scrypt":  "$scrypt$ln=18,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"pbkdf2":  "$pbkdf2-sha512$2000000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"phpass":  "$P$GIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
		"wrapped": "$wrap$md5$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	} {
		b.Run(name, func(b *testing.B) {
			h := password.New(password.Rules{})
			for b.Loop() {
				if _, err := h.Verify(context.Background(), hash, phrase); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package password_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"clientele/internal/fault"
	"clientele/internal/password"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

const md5Hash = "5f4dcc3b5aa765d61d8327deb882cf99" // of "password"

// vectors are hashes that other programs made, with the password of each:
// those of the schemes' own documents and tests where they have any, else made
// by Python's hashlib. weak are the ones that must not rest bare.
var vectors = []struct {
	name, hash, password string
	weak                 bool
}{
	{"bcrypt 2a, crypt_blowfish", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", false},
	{"bcrypt 2y, PHP", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "rasmuslerdorf", false},
	{"bcrypt 2b", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", false},
	{"argon2id", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password", false},
	{"argon2i", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password", false},
	{"argon2id, cheap", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password", true},
	{"scrypt, RFC 7914, cheap", "$scrypt$ln=10,r=8,p=1$TmFDbA$" + rfc7914("password", 1), "password", true},
	{"scrypt, RFC 7914, p=16", "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA", "password", false},
	{"scrypt, RFC 7914, N=16384", "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw", "pleaseletmein", false},
	{"PBKDF2-SHA1, cheap", "$pbkdf2$1000$c2l4dGVlbiBieXRlcyAgPg$ilce7wmzEI8cIJ96D0X4xe.GqfA", phrase, true},
	{"PBKDF2-SHA1", "$pbkdf2$100000$c2l4dGVlbiBieXRlcyAgPg$wH4hykFjmDZ.bXjZ5DGAfbMg9SQ", phrase, false},
	{"PBKDF2-SHA256, passlib", "$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44", "password", true},
	{"PBKDF2-SHA256", "$pbkdf2-sha256$100000$c2l4dGVlbiBieXRlcyAgPg$BBrPgdaficm73bSOKun2Qzo2ZmgwwrvPNcsinIHrx8k", phrase, false},
	{"PBKDF2-SHA512, cheap", "$pbkdf2-sha512$1000$c2l4dGVlbiBieXRlcyAgPg$6yZFO8KUwqtPFt4P3KdprE1Cweq9iZ4gH7z/GsXaq768Br32iGEO6tTMZGKlgghxjs9VCN6jIEk5JCyeLbft5Q", phrase, true},
	{"PBKDF2-SHA512", "$pbkdf2-sha512$100000$c2l4dGVlbiBieXRlcyAgPg$rMkbthXqw.pHjtl3Ug76aKWzIYuTUSYq6bOJ/DXguL2d4Q9bH9TWhJsYo5Nv123Jm6HUPJ6mIV475moThR4rKQ", phrase, false},
	{"Django, cheap", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs=", "not a password", true},
	{"Django", "pbkdf2_sha256$120000$kjVJaVz6qsnJ$kqUtskOGLRPIhaqmj5EqprbiIxWJxstfjnt71+i7oIs=", phrase, false},
	{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345", true},
	{"phpass, phpBB", "$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00", "test1", true},
	{"HMAC-SHA256", "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8:key", "The quick brown fox jumps over the lazy dog", true},
	{"salted MD5, RFC 1321", "900150983cd24fb0d6963f7d28e17f72:a", "bc", true},
	{"MD5", md5Hash, "password", true},
	{"MD5, capitals", strings.ToUpper(md5Hash), "password", true},
	{"SHA-1", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "password", true},
}

// rfc7914 is a scrypt key with N=1024, r=8 and the salt NaCl.
func rfc7914(typed string, p int) string {
	return base64.RawStdEncoding.EncodeToString(password.Scrypt(typed, "NaCl", 1<<10, 8, p, 64))
}

// TestT081_AnImportedHashOpensForItsPasswordOnly imports each scheme's hashes:
// the strong stay, the weak come back wrapped, and both open for the right
// password alone and are to be replaced.
func TestT081_AnImportedHashOpensForItsPasswordOnly(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	for _, v := range vectors {
		stored, err := h.Import(ctx, " "+v.hash+"\n")
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		if wrapped := strings.HasPrefix(stored, "$wrap$"); wrapped != v.weak || !wrapped && stored != v.hash {
			t.Errorf("%s is stored as %s", v.name, stored)
		}
		hashes := []string{stored}
		if v.weak {
			hashes = append(hashes, v.hash)
		}
		for _, hash := range hashes {
			for typed, want := range map[string]bool{v.password: true, v.password + "x": false} {
				if ok, err := h.Verify(ctx, hash, typed); ok != want || err != nil {
					t.Errorf("%s, as %.40s, with %q: %v %v", v.name, hash, typed, ok, err)
				}
			}
			if password.IsCurrent(hash) {
				t.Errorf("%s passes for one of ours", v.name)
			}
		}
	}
	ours, err := h.Hash(ctx, phrase)
	if kept, e := h.Import(ctx, ours); err != nil || e != nil || kept != ours || !password.IsCurrent(kept) {
		t.Errorf("our own hash %s is kept as %s: %v", ours, kept, e)
	}
}

// TestT081_AWrappedHashGivesNothingOfTheDigestAway looks for it.
func TestT081_AWrappedHashGivesNothingOfTheDigestAway(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	for _, v := range vectors {
		if !v.weak {
			continue
		}
		stored, err := h.Import(ctx, v.hash)
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		parts := strings.Split(stored, "$")
		blank, err := base64.RawStdEncoding.DecodeString(parts[3])
		if err != nil || strings.Count(string(blank), "A") < 16 {
			t.Errorf("%s is stored with %q: %v", v.name, blank, err)
		}
		read, err := password.ReadForeign(v.hash)
		if err != nil || strings.Contains(stored, read.Digest()) || strings.Contains(string(blank), read.Digest()) {
			t.Errorf("%s keeps its digest %q: %v", v.name, read.Digest(), err)
		}
	}
	again, err := h.Import(ctx, md5Hash)
	other, _ := h.Import(ctx, md5Hash)
	if err != nil || again == other {
		t.Errorf("the same hash is wrapped in the same words: %s", again)
	}
	if ok, _ := h.Verify(ctx, again, md5Hash); ok {
		t.Error("a wrapped hash opens with the digest in it")
	}
}

// TestT077_BcryptIsNotCutOff types what bcrypt would take for the same.
func TestT077_BcryptIsNotCutOff(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{})
	for _, long := range []string{strings.Repeat("a", 72), strings.Repeat("é", 36), strings.Repeat("a", 69) + "🚲"[:3]} {
		hash, err := bcrypt.GenerateFromPassword([]byte(long), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		for typed, want := range map[string]bool{long: true, long + "a": false, long[:71]: false, long + "\x00": false, long + strings.Repeat("x", 200): false} {
			if ok, err := h.Verify(context.Background(), string(hash), typed); ok != want || err != nil {
				t.Errorf("%d bytes for %d: %v %v", len(typed), len(long), ok, err)
			}
		}
	}
	// bcrypt writes a password and a NUL as often as there is room.
	cut, err := bcrypt.GenerateFromPassword([]byte("before"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for _, typed := range []string{"before\x00before", "before\x00", "before\x00after", "\x00before"} {
		if ok, _ := h.Verify(context.Background(), string(cut), typed); ok {
			t.Errorf("%q opens what %q closed", typed, "before")
		}
	}
}

// TestT083_AnOldHashKnowsBothSpellings verifies hashes of a password whose
// accents other systems hashed as they came.
func TestT083_AnOldHashKnowsBothSpellings(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	const typed = "drei grüne räder"
	for _, made := range []string{norm.NFC.String(typed), norm.NFD.String(typed)} {
		for _, v := range []string{password.MD5(made), bcryptOf(t, made)} {
			stored, err := h.Import(ctx, v)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := h.Verify(ctx, stored, made); !ok || err != nil {
				t.Errorf("%.12s of %q does not open as it was made: %v", v, made, err)
			}
			nfd, err := h.Verify(ctx, stored, norm.NFD.String(typed))
			if !nfd || err != nil {
				t.Errorf("%.12s of %q does not open with the accents apart: %v", v, made, err)
			}
		}
	}
}

func bcryptOf(t *testing.T, typed string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(typed), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// bombs ask for more than a sign-in may take.
var bombs = []string{
	"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2id$v=19$m=8,t=2147483648,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2id$v=19$m=262144,t=5,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2i$v=19$m=65536,t=1,p=255$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
	"$scrypt$ln=22,r=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$scrypt$ln=63,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$scrypt$ln=1,r=1,p=1073741824$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$scrypt$ln=16,r=999999999999,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$pbkdf2-sha256$999999999$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "pbkdf2_sha256$2000001$salt$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=",
	"$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0",
}

// degenerate are no hashes: missing, cut off, of unknown schemes, with
// parameters that make no sense, and wrappings of rubbish.
var degenerate = append([]string{
	"", " ", "\t\r\n", "$", "*", "!", "x", "0", "NULL", phrase, "$wrap$", "$wrap$md5", "$wrap$$$", strings.Repeat("A", 10<<20), strings.Repeat("a", 32) + ":" + strings.Repeat("s", 2000),
	"$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=19456,t=2,p=1$$", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
	"$argon2id$v=19$m=19456,t=2,p=1$$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$argon2id$v=19$m=19456,t=2,p=1$!!!!$????",
	"$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2d$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2id$v=19$m=0,t=0,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$m=-1,t=-1,p=-1$AA$AA", "$argon2id$v=19$m=18446744073709551615,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$argon2id$v=19$m=8,t=1,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$t=2,m=65536,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$argon2id$v=19$m=065536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	"$2y$10$", "$2y$10$CCCCCCCCCCCCCCCCCCCCC.", "$2y$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2y$-1$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyO:W",
	"$scrypt$ln=0,r=8,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$scrypt$ln=14,r=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$scrypt$ln=14,r=8,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$scrypt$ln=14$c29tZXNhbHQ$AAAA",
	"$pbkdf2-sha256$0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$pbkdf2-sha256$-5$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$pbkdf2-sha256$1000$c29tZXNhbHQ$", "$pbkdf2$1000$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "pbkdf2_sha256$1000$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc=", "pbkdf2_sha256$", "pbkdf2_md5$1000$salt$AAAA",
	"$P$", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L", "$P$.IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L!", "$5$rounds=999999999$x$x", "$6$salt$x", "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
	md5Hash + ":", md5Hash[:31], md5Hash + "0", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8:salt", strings.Repeat("0", 64), strings.Repeat("g", 32),
}, bombs...)

// TestT080_ABombIsNeverComputed imports hashes that would take all memory or
// all time: each is refused with the reason.
func TestT080_ABombIsNeverComputed(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{})
	began := time.Now()
	for _, hash := range bombs {
		_, err := h.Import(context.Background(), hash)
		if e, ok := fault.Of(err); !ok || e.Code != fault.Invalid || !strings.Contains(e.Text, "more work") {
			t.Errorf("%s: %v", hash, err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v: a parameter was believed", took)
	}
}

// TestT082_ADegenerateHashOpensNothing verifies all manner of passwords
// against hashes that are none, and takes no longer than for one that is.
func TestT082_ADegenerateHashOpensNothing(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	reasons := map[string]int{}
	for _, hash := range degenerate {
		_, err := h.Import(ctx, hash)
		e, ok := fault.Of(err)
		if !ok || e.Code != fault.Invalid || e.Text == "" {
			t.Errorf("%.60q is imported: %v", hash, err)
			continue
		}
		reasons[e.Text]++
		if ok, err := h.Verify(ctx, hash, phrase); ok || err != nil {
			t.Errorf("%.60q opens: %v", hash, err)
		}
		if ok, err := h.Verify(ctx, hash, hash); ok || err != nil {
			t.Errorf("%.60q opens with itself: %v", hash, err)
		}
	}
	if len(reasons) != 5 {
		t.Errorf("the reasons are %v", reasons)
	}
	if ok, _ := h.Verify(ctx, h.Dummy(), phrase); ok {
		t.Error("the hash that stands in for a missing one opens")
	}
}

// TestT082_AWrappingOfRubbishOpensNothing puts together what Import never
// writes.
func TestT082_AWrappingOfRubbishOpensNothing(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	stored, err := h.Import(ctx, md5Hash)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(stored, "$", 5)
	b64 := func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }
	strong := "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	for _, p := range [][3]string{{"sha1", parts[3], parts[4]}, {"", parts[3], parts[4]}, {"md5", "", parts[4]}, {"md5", "!", parts[4]}, {"md5", b64(bombs[0]), parts[4]}, {"bcrypt", b64(strong), parts[4]}, {"md5", parts[3], ""}, {"md5", parts[3], "x"}, {"md5", parts[3], md5Hash}, {"md5", b64(stored), parts[4]}} {
		if ok, err := h.Verify(ctx, "$wrap$"+p[0]+"$"+p[1]+"$"+p[2], "password"); ok || err != nil {
			t.Errorf("%q opens: %v", p, err)
		}
	}
	if _, err := h.Import(ctx, stored); !fault.Is(err, fault.Invalid) {
		t.Errorf("a wrapped hash is imported: %v", err)
	}
}

// TestT082_TheEmptyPasswordOpensNothing has hashes of it, which old systems
// keep for who never had one.
func TestT082_TheEmptyPasswordOpensNothing(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	for _, hash := range []string{password.MD5(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709", bcryptOf(t, "")} {
		if ok, err := h.Verify(ctx, hash, ""); ok || err != nil {
			t.Errorf("%s opens: %v", hash, err)
		}
	}
	if _, err := h.Import(ctx, password.MD5("")); err == nil || !strings.Contains(err.Error(), "the password is empty") {
		t.Errorf("it is imported: %v", err)
	}
}

package auth_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/password"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// bcrypted is a password's bcrypt hash, as PHP writes it.
func bcrypted(typed string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(typed), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
}

// An oldHash is a hash of another system, and the password that it is of.
type oldHash struct{ scheme, hash, password string }

// oldHashes are one of each scheme that hosting companies have.
func oldHashes() []oldHash {
	const word = "seven red trams"
	b64, salt := base64.RawStdEncoding.EncodeToString, []byte("0123456789abcdef")
	m, s := md5.Sum([]byte(word)), sha1.Sum([]byte(word))
	salted := md5.Sum([]byte("xY9#q" + word))
	mac := hmac.New(sha256.New, []byte("pepper"))
	mac.Write([]byte(word))
	scrypted, _ := scrypt.Key([]byte(word), salt, 1<<14, 8, 1, 32)
	rounds, _ := pbkdf2.Key(sha256.New, word, salt, 1000, 32)
	return []oldHash{
		{"md5", hex.EncodeToString(m[:]), word},
		{"md5 with a salt, as WHMCS 5 had", hex.EncodeToString(salted[:]) + ":xY9#q", word},
		{"sha1", strings.ToUpper(hex.EncodeToString(s[:])), word},
		{"HMAC-SHA256", hex.EncodeToString(mac.Sum(nil)) + ":pepper", word},
		{"phpass", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"},
		{"bcrypt, as WHMCS has", bcrypted(word), word},
		{"argon2id of PHP", "$argon2id$v=19$m=32768,t=1,p=1$" + b64(salt) + "$" + b64(argon2.IDKey([]byte(word), salt, 1, 32768, 1, 32)), word},
		{"argon2i", "$argon2i$v=19$m=16384,t=2,p=1$" + b64(salt) + "$" + b64(argon2.Key([]byte(word), salt, 2, 16384, 1, 32)), word},
		{"scrypt", "$scrypt$ln=14,r=8,p=1$" + b64(salt) + "$" + b64(scrypted), word},
		{"pbkdf2, weak", "$pbkdf2-sha256$1000$" + b64(salt) + "$" + b64(rounds), word},
	}
}

// imports stores a hash of another system as an import would.
func imports(t *testing.T, w *apptest.World, u id.User, hash string) (stored string) {
	t.Helper()
	stored, err := password.New(password.Rules{}).Import(context.Background(), hash)
	if err != nil {
		t.Fatalf("%q is not imported: %v", hash, err)
	}
	w.Exec("UPDATE users SET password = $1 WHERE id = $2", stored, u)
	return stored
}

// storedHash is what is stored of a user's password.
func storedHash(w *apptest.World, u id.User) string {
	return apptest.Query[string](w, "SELECT password FROM users WHERE id = $1", u)[0]
}

// TestT081_AnOldHashIsReplacedByTheFirstSignIn signs in with each scheme: a
// wrong password leaves the row as it is, and the right one replaces it.
func TestT081_AnOldHashIsReplacedByTheFirstSignIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, old := range oldHashes() {
			w.Exec("DELETE FROM throttles")
			stored := imports(t, w, p.User, old.hash)
			digest, _, _ := strings.Cut(old.hash, ":")
			if weak := len(old.hash) < 80 && !strings.HasPrefix(old.hash, "$2y$"); weak && (strings.Contains(strings.ToLower(stored), strings.ToLower(digest)) || !strings.Contains(stored, "argon2id")) {
				t.Errorf("%s: a fast hash rests in the database: %s", old.scheme, stored)
			}
			for _, wrong := range []string{"", old.hash, old.password + " "} {
				if page := signIn(w.Browser(), p.Address, wrong); page.Status != http.StatusUnprocessableEntity {
					t.Errorf("%s opens with %q: %d", old.scheme, wrong, page.Status)
				}
			}
			if storedHash(w, p.User) != stored {
				t.Errorf("%s: a wrong password has changed the row", old.scheme)
			}
			for range 2 {
				if page := signIn(w.Browser(), p.Address, old.password); page.Status != http.StatusSeeOther {
					t.Errorf("%s: the right password: %d", old.scheme, page.Status)
				}
			}
			if now := storedHash(w, p.User); !password.IsCurrent(now) {
				t.Errorf("%s: what is stored now is %.20s", old.scheme, now)
			}
			if page := signIn(w.Browser(), p.Address, apptest.Password); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: the new hash opens with another password: %d", old.scheme, page.Status)
			}
		}
	}, kept)
}

// TestT081_ManyAtOnceReplaceItOnce signs in twenty times at the same moment,
// in browsers that she has used before: all get in, and the hash is replaced
// once. A count beside every update of the row tells.
func TestT081_ManyAtOnceReplaceItOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		old := oldHashes()[0]
		imports(t, w, p.User, old.hash)
		countHashes(w)
		browsers := make([]*apptest.Browser, 20)
		for i := range browsers {
			token, hash := auth.NewToken()
			w.Exec("INSERT INTO devices (user_id, token_hash, created_at, seen_at) VALUES ($1, $2, $3, $3)", p.User, hash, w.Clock.Now())
			browsers[i] = w.Browser()
			browsers[i].SetCookie(&http.Cookie{Name: device, Value: token, Path: "/", Secure: true})
		}
		var in atomic.Int64
		apptest.Race(len(browsers), func(i int) {
			if page := signIn(browsers[i], p.Address, old.password); page.Status == http.StatusSeeOther {
				in.Add(1)
			}
		})
		if in.Load() != int64(len(browsers)) {
			t.Errorf("%d got in", in.Load())
		}
		if n := w.Count("hash_changes"); n != 1 || !password.IsCurrent(storedHash(w, p.User)) {
			t.Errorf("the hash was replaced %d times", n)
		}
	}, kept)
}

// countHashes has the database write a row whenever a stored hash changes.
func countHashes(w *apptest.World) {
	w.Exec("CREATE TABLE hash_changes (user_id BIGINT)")
	if w.Engine == "sqlite" {
		w.Exec("CREATE TRIGGER hash_changed AFTER UPDATE ON users WHEN OLD.password <> NEW.password BEGIN INSERT INTO hash_changes VALUES (NEW.id); END")
		return
	}
	w.Exec("CREATE FUNCTION hash_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO hash_changes VALUES (NEW.id); RETURN NEW; END'")
	w.Exec("CREATE TRIGGER hash_changed AFTER UPDATE ON users FOR EACH ROW WHEN (OLD.password <> NEW.password) EXECUTE FUNCTION hash_changed()")
}

// TestT081_ANewPasswordWinsOverAReHash sets a new password by mail while
// somebody signs in with the old one, whose hash is replaced by that: the new
// one stays, whoever came first.
func TestT081_ANewPasswordWinsOverAReHash(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, old := range oldHashes()[4:8] {
			w.Exec("DELETE FROM throttles")
			imports(t, w, p.User, old.hash)
			w.Browser().Post("/recover", form("address", p.Address)).Must(200)
			b := w.Browser()
			b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200)
			attackers := []*apptest.Browser{w.Browser(), w.Browser(), w.Browser()}
			apptest.Race(4, func(i int) {
				if i == 3 {
					b.Post("/recover/password", form("password", another)).Must(200)
					return
				}
				signIn(attackers[i], p.Address, old.password)
			})
			for _, a := range attackers {
				if a.Cookie(session) != "" && a.GetOnly("/me").Status == http.StatusOK {
					t.Errorf("%s: a session of the old password lives on", old.scheme)
				}
			}
			if page := signIn(w.Browser(), p.Address, old.password); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: the old password: %d", old.scheme, page.Status)
			}
			if page := signIn(w.Browser(), p.Address, another); page.Status != http.StatusSeeOther {
				t.Errorf("%s: the new password: %d", old.scheme, page.Status)
			}
		}
	})
}

// TestT077_BcryptLooksNoFurtherThanItSees signs in to hashes of bcrypt, which
// sees 72 bytes and nothing behind a NUL, with passwords that go on.
func TestT077_BcryptLooksNoFurtherThanItSees(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, right := range []string{strings.Repeat("a", 72), strings.Repeat("€", 24), "a" + strings.Repeat("é", 35), "short enough"} {
			w.Exec("DELETE FROM throttles")
			stored := imports(t, w, p.User, bcrypted(right))
			var longer []string
			if len(right) >= 71 {
				longer = []string{right + "b", right + "€", right + strings.Repeat("x", 100)}
			}
			longer = append(longer, right+"\x00", right+"\x00more", "\x00"+right, right[:len(right)-1])
			for _, wrong := range longer {
				if page := signIn(w.Browser(), p.Address, wrong); page.Status < 400 || page.Status >= 500 {
					t.Errorf("the hash of %q opens with %q: %d", right, wrong, page.Status)
				}
			}
			if storedHash(w, p.User) != stored {
				t.Errorf("%q: a wrong password has changed the row", right)
			}
			if page := signIn(w.Browser(), p.Address, right); page.Status != http.StatusSeeOther || !password.IsCurrent(storedHash(w, p.User)) {
				t.Errorf("%q: %d, and %.12s is stored", right, page.Status, storedHash(w, p.User))
			}
			if page := signIn(w.Browser(), p.Address, right+"b"); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q: the new hash opens with more: %d", right, page.Status)
			}
		}
	}, kept)
}

// bombs are hashes that ask for more work than there is.
func bombs() []string {
	const rest = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	out := []string{
		"$2a$31$" + strings.Repeat("a", 53), "$2y$15$" + strings.Repeat("a", 53), "$2y$99$" + strings.Repeat("a", 53), "$2y$-1$" + strings.Repeat("a", 53),
		"$scrypt$ln=30,r=8,p=1" + rest, "$scrypt$ln=14,r=8388608,p=1" + rest, "$scrypt$ln=14,r=8,p=1073741824" + rest, "$scrypt$ln=-1,r=8,p=1" + rest,
		"$pbkdf2-sha256$999999999" + rest, "$pbkdf2-sha256$-1" + rest, "$pbkdf2-sha256$99999999999999999999" + rest, "pbkdf2_sha256$2147483647" + rest,
		"$5$rounds=999999999$saltsalt$AAAA", "$6$rounds=999999999$saltsalt$AAAA", "$P$Zsaltsalt" + strings.Repeat("a", 22), "$H$zsaltsalt" + strings.Repeat("a", 22),
		strings.Repeat("a", 10<<20), "$argon2id$" + strings.Repeat("1", 10<<20),
	}
	for _, p := range []string{"m=4194304,t=1,p=1", "m=19456,t=2147483648,p=1", "m=19456,t=4294967297,p=1", "m=-1,t=2,p=1", "m=19456,t=-2,p=1", "m=19456,t=2,p=0", "m=19456,t=2,p=256", "m=19456,t=2,p=255", "m=18446744073709551616,t=2,p=1", "m=19456,t=0,p=1", "m=0,t=2,p=1"} {
		out = append(out, "$argon2id$v=19$"+p+rest, "$argon2i$v=19$"+p+rest)
	}
	return out
}

// TestT080_ABombIsNeverComputed imports hashes that ask for too much, and
// signs in where one is stored all the same: a test that computes one does
// not end.
func TestT080_ABombIsNeverComputed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		hasher := password.New(password.Rules{})
		for _, bomb := range bombs() {
			if stored, err := hasher.Import(t.Context(), bomb); err == nil || !fault.Is(err, fault.Invalid) {
				t.Errorf("%.60q is imported as %.60q: %v", bomb, stored, err)
			}
			w.Exec("DELETE FROM throttles")
			w.Exec("UPDATE users SET password = $1 WHERE id = $2", bomb, p.User)
			if page := signIn(w.Browser(), p.Address, apptest.Password); page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%.60q: %d", bomb, page.Status)
			}
			if storedHash(w, p.User) != bomb {
				t.Errorf("%.60q was replaced", bomb)
			}
		}
	}, kept)
}

// TestT082_ADegenerateHashOpensNothing stores what is no hash of anything, and
// signs in with all that could match it.
func TestT082_ADegenerateHashOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		empty := bcrypted("")
		for _, hash := range []string{
			" ", "*", "!", "x", "NULL", "0", "plain text as it was", "$", "$$$$$", "$1$saltsalt$AAAAAAAAAAAAAAAAAAAAAA", "{SSHA}AAAA", "{PLAIN}" + apptest.Password,
			"d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709", empty, ":", "0000:", "$2y$10$", "$P$", "$wrap$", "$wrap$md5$$argon2id$v=19$m=19456,t=2,p=1$$",
			"$wrap$md5$" + base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("A", 32))) + "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		} {
			w.Exec("DELETE FROM throttles")
			w.Exec("UPDATE users SET password = $1 WHERE id = $2", hash, p.User)
			for _, typed := range []string{"", strings.TrimPrefix(hash, "{PLAIN}")} {
				if page := signIn(w.Browser(), p.Address, typed); page.Status != http.StatusUnprocessableEntity {
					t.Errorf("%q opens with %q: %d", hash, typed, page.Status)
				}
			}
			if storedHash(w, p.User) != hash {
				t.Errorf("%q was replaced", hash)
			}
		}
		w.Exec("UPDATE users SET password = ''") // some of them are passwords, which the world would find
	}, kept)
}

// TestT068_NeitherAnOldHashNorAFactorTells signs in with a wrong password to
// logins of every kind: each answer is the same, to the letter.
func TestT068_NeitherAnOldHashNorAFactorTells(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		kinds := map[string]func(p *apptest.Person){
			"wrong":      func(*apptest.Person) {},
			"suspended":  func(p *apptest.Person) { w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.User) },
			"unverified": func(p *apptest.Person) { w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", p.User) },
			"app":        func(p *apptest.Person) { w.Authenticator(p) },
			"passkey":    func(p *apptest.Person) { w.Passkey(p).Register("Key") },
			"provider":   func(p *apptest.Person) { w.Exec("UPDATE users SET password = '' WHERE id = $1", p.User) },
		}
		for n, old := range oldHashes() {
			kinds[fmt.Sprint("old", n)] = func(p *apptest.Person) { imports(t, w, p.User, old.hash) }
		}
		want := answer(signIn(w.Browser(), "unknown@crowd.example", another), "unknown@crowd.example")
		for kind, change := range kinds {
			p := w.Person("Somebody", kind+"@crowd.example")
			change(p)
			page := signIn(w.Browser(), p.Address, another)
			if got := answer(page, p.Address); got != want || page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d %s\nwant\n%s", kind, page.Status, got, want)
			}
		}
	}, kept)
}

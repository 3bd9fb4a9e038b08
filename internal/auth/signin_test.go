package auth_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/id"
)

// kept keeps mail in its log: these tests read none.
func kept(c *config.Config) { c.SMTPURL = "" }

const another = "four green bicycles"

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// signIn types an address and a password, in a browser of its own where none
// is given.
func signIn(b *apptest.Browser, address, password string) *apptest.Page {
	return b.PostOnly("/signin", form("address", address, "password", password))
}

// crowd makes one user of each kind that cannot sign in with Password, and
// one who can, and names their addresses.
func crowd(w *apptest.World) map[string]string {
	for kind, change := range map[string]string{
		"wrong":     "name = name",
		"suspended": "status = 'suspended'",
		"deleted":   "status = 'deleted'",
		"without":   "password = ''",
		"broken":    "password = '$argon2id$v=19$m=19456,t=2,p=1$AAAA'",
		"foreign":   "password = '5f4dcc3b5aa765d61d8327deb882cf99'",
	} {
		w.Exec("UPDATE users SET "+change+" WHERE id = $1", w.Person("Somebody", kind+"@crowd.example").User)
	}
	out := map[string]string{"unknown": "unknown@crowd.example", "no address": "nobody"}
	for _, kind := range []string{"wrong", "suspended", "deleted", "without", "broken", "foreign"} {
		out[kind] = kind + "@crowd.example"
	}
	return out
}

// answer is all that somebody learns from an answer, whoever he asked about.
func answer(p *apptest.Page, address string) string {
	names := ""
	for _, c := range (&http.Response{Header: p.Header}).Cookies() {
		names += c.Name + " "
	}
	body := strings.ReplaceAll(p.Body, strings.ToLower(address), "ADDRESS")
	return strings.Join([]string{http.StatusText(p.Status), names, p.Header.Get("Location"), p.Header.Get("Retry-After"), body}, "\n")
}

// TestT068_AFailedSignInTellsNothingOfWhoHasALogin signs in as everybody who
// cannot: each gets the same answer, to the letter.
func TestT068_AFailedSignInTellsNothingOfWhoHasALogin(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		all := crowd(w)
		want := answer(signIn(w.Browser(), all["unknown"], another), all["unknown"])
		for kind, address := range all {
			password := apptest.Password
			if kind == "wrong" {
				password = another
			}
			p := signIn(w.Browser(), address, password)
			if got := answer(p, address); got != want || p.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %s\nwant\n%s", kind, got, want)
			}
		}
		root := w.Operator("Root", "root@crowd.example", "administrator")
		w.Exec("UPDATE staff SET status = 'suspended' WHERE id = $1", w.Operator("Gone", "gone@crowd.example", "support").Staff)
		staff := func(address, password string) string {
			return answer(w.Browser().PostOnly("/staff/signin", form("address", address, "password", password)), address)
		}
		want = staff("unknown@crowd.example", another)
		if staff(root.Address, another) != want || staff("gone@crowd.example", apptest.Password) != want || staff(all["wrong"], apptest.Password) != want {
			t.Error("the staff's door tells who is an operator")
		}
	}, kept)
}

// TestT068_EverySignInCostsTheSame fills the line in which passwords are
// hashed: whoever would be refused without a hash would show himself by
// getting another answer.
func TestT068_EverySignInCostsTheSame(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		all := crowd(w)
		all["right"] = w.Person("Right", "right@crowd.example").Address
		w.Operator("Root", "root@crowd.example", "administrator")
		defer w.Auth.Hasher().Fill()()
		for kind, address := range all {
			p := signIn(w.Browser(), address, apptest.Password)
			if p.Status != http.StatusServiceUnavailable || p.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d", kind, p.Status)
			}
		}
		for _, address := range []string{"root@crowd.example", "unknown@crowd.example", "nobody"} {
			if p := w.Browser().PostOnly("/staff/signin", form("address", address, "password", apptest.Password)); p.Status != http.StatusServiceUnavailable {
				t.Errorf("%s at the staff's door: %d", address, p.Status)
			}
		}
	}, kept)
}

// TestT069_RecoveryAndSignUpTellNothingOfWhoHasALogin asks for a new password
// and signs up, with addresses that have a login and with one that has none.
func TestT069_RecoveryAndSignUpTellNothingOfWhoHasALogin(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		all := crowd(w)
		delete(all, "no address")
		from := func(address string) *apptest.Browser {
			b := w.Browser()
			b.Network = "192.0.2." + id.String(id.Session(len(address))) // beyond the limit of one network
			return b
		}
		recover := func(address string) string {
			return answer(from(address).PostOnly("/recover", form("address", address)), address)
		}
		signUp := func(address string) string {
			return answer(from(address).PostOnly("/signup", form("name", "Nia New", "address", address, "password", another, "kind", "login")), address)
		}
		recovery, signup := recover("other@crowd.example"), signUp("other@crowd.example")
		for kind, address := range all {
			times := 1
			if kind == "wrong" || kind == "unknown" {
				times = 4 // beyond the limit of mails to one address too
			}
			for n := range times {
				if got := recover(address); got != recovery {
					t.Errorf("recovery %d of %s: %s\nwant\n%s", n, kind, got, recovery)
				}
				if got := signUp(address); got != signup {
					t.Errorf("sign-up %d of %s: %s\nwant\n%s", n, kind, got, signup)
				}
			}
		}
		if !strings.HasPrefix(recovery, "OK") || !strings.HasPrefix(signup, "OK") {
			t.Errorf("recovery: %.60s; sign-up: %.60s", recovery, signup)
		}
		mails := func(address, kind string) int64 {
			return w.Count("mails WHERE recipient = $1 AND kind = $2", address, kind)
		}
		for kind, want := range map[string][3]int64{"wrong": {3, 3, 0}, "without": {1, 1, 0}, "suspended": {0, 1, 0}, "unknown": {0, 0, 3}, "deleted": {0, 0, 1}} {
			if got := [3]int64{mails(all[kind], "password-link"), mails(all[kind], "signup-exists"), mails(all[kind], "signup")}; got != want {
				t.Errorf("%s: mails %v, want %v", kind, got, want)
			}
		}
		if w.Count("users WHERE name = 'Nia New'") != 0 {
			t.Error("signing up alone has made a user")
		}
		defer w.Auth.Hasher().Fill()()
		for kind, address := range all {
			if got := signUp(address); !strings.HasPrefix(got, http.StatusText(http.StatusServiceUnavailable)) {
				t.Errorf("the sign-up of %s costs no hash: %.100s", kind, got)
			}
		}
	}, kept)
}

// varied is a text of n characters that repeats no part of itself.
func varied(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune([]rune{'a', 'а', 'α', '🐀'}[i%4] + rune(i*i%23))
	}
	return b.String()
}

// TestT078_ALongPasswordIsRefusedBeforeItIsHashed types passwords at and
// beyond the limits. With the line of hashes full, what is refused before it
// gets another answer than what stands in it.
func TestT078_ALongPasswordIsRefusedBeforeItIsHashed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		longest := varied(256)
		widest := strings.Repeat("🚲", 255) + "🌳"
		for what, password := range map[string]string{"256 characters": longest, "1024 bytes": widest} {
			if err := w.Auth.Hasher().Check(password); err != nil && what == "256 characters" {
				t.Errorf("%s: %v", what, err)
			}
			hash, err := w.Auth.Hasher().Hash(context.Background(), password)
			if err != nil {
				t.Fatal(err)
			}
			w.Exec("UPDATE users SET password = $1 WHERE id = $2", hash, p.User)
			if got := signIn(w.Browser(), p.Address, password); got.Status != http.StatusSeeOther {
				t.Errorf("%s: %d", what, got.Status)
			}
			if got := signIn(w.Browser(), p.Address, password+"x"); got.Status == http.StatusSeeOther {
				t.Errorf("%s and one more: signs in", what)
			}
		}
		for what, password := range map[string]string{"257 characters": longest + "x", "1025 bytes": widest + "x", "60 kB": strings.Repeat("ab c", 15_000)} {
			if err := w.Auth.Hasher().Check(password); err == nil || !strings.Contains(err.Error(), "too long") {
				t.Errorf("%s as a new password: %v", what, err)
			}
		}
		defer w.Auth.Hasher().Fill()()
		for _, address := range []string{p.Address, "unknown@crowd.example"} {
			for bytes, want := range map[int]int{1024: http.StatusServiceUnavailable, 1025: http.StatusUnprocessableEntity, 60_000: http.StatusUnprocessableEntity, 70_000: http.StatusBadRequest} {
				if got := signIn(w.Browser(), address, strings.Repeat("x", bytes)); got.Status != want {
					t.Errorf("%s with %d bytes: %d, want %d", address, bytes, got.Status, want)
				}
			}
		}
		up := form("name", "Nia New", "address", "nia@crowd.example", "password", longest+"x", "kind", "login")
		if got := w.Browser().PostOnly("/signup", up); got.Status != http.StatusUnprocessableEntity || !got.Says("too long") {
			t.Errorf("signing up with 257 characters: %d", got.Status)
		}
	}, kept)
}

// TestT079_AFloodOfSignInsLeavesTheServerAnswering lets very many sign in at
// once: each gets in or is asked to come again, and nobody else waits.
func TestT079_AFloodOfSignInsLeavesTheServerAnswering(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		reader := w.Person("Reader", "reader@crowd.example")
		w.Person("Alice", "alice@crowd.example")
		var in, later, other atomic.Int64
		apptest.Race(30, func(i int) {
			b := w.Browser()
			b.Network = "198.51.100." + string(rune('1'+i%9))
			switch p := signIn(b, "alice@crowd.example", apptest.Password); {
			case p.Status == http.StatusSeeOther:
				in.Add(1)
			case p.Status == http.StatusServiceUnavailable && p.Header.Get("Retry-After") != "", p.Status == http.StatusTooManyRequests:
				later.Add(1)
			default:
				other.Add(1)
				t.Errorf("a sign-in answers %d", p.Status)
			}
			if i%4 == 0 {
				w.Browser().Get("/healthz").Must(200)
				reader.Get("/me").Must(200)
			}
		})
		if in.Load() == 0 {
			t.Error("nobody got in")
		}
		empty := w.Auth.Hasher().Fill()
		w.Person("Bob", "bob@crowd.example")
		p := signIn(w.Browser(), "bob@crowd.example", apptest.Password)
		if seconds := p.Header.Get("Retry-After"); p.Status != http.StatusServiceUnavailable || !regexp.MustCompile(`^[1-9]\d?$`).MatchString(seconds) || !p.Says("try again in a moment") {
			t.Errorf("with the line full: %d, Retry-After %q", p.Status, seconds)
		}
		w.Browser().Get("/healthz").Must(200)
		w.Browser().Get("/readyz").Must(200)
		reader.Get("/me").Must(200)
		empty()
		w.Clock.Move(auth.Fresh * 2)
		if p := signIn(w.Browser(), "alice@crowd.example", apptest.Password); p.Status != http.StatusSeeOther {
			t.Errorf("after the flood: %d", p.Status)
		}
	}, kept)
}

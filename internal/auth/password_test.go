package auth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/fault"

	"golang.org/x/text/unicode/norm"
)

// degenerate are hashes that are none of ours: missing, cut off, of other
// schemes, with parameters that would take all memory or none.
var degenerate = []string{
	"", " ", "$", "*", "!", "x", "NULL", apptest.Password, "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=19456,t=2,p=1$$",
	"$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$", "$argon2id$v=19$m=19456,t=2,p=1$$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA",
	"$argon2id$v=19$m=19456,t=2,p=1$!!!!$????", "$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$argon2id$v=19$m=4194304,t=2147483647,p=255$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=0,t=0,p=0$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$argon2id$v=19$m=-1,t=-1,p=-1$AA$AA", "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"$2a$31$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "$5$rounds=999999999$x$x", "5f4dcc3b5aa765d61d8327deb882cf99", strings.Repeat("A", 1<<20),
}

// TestT082_ADegenerateHashOpensNothing verifies all manner of passwords
// against hashes that are none, and takes no longer than for one that is.
func TestT082_ADegenerateHashOpensNothing(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher("")
	began := time.Now()
	for _, hash := range append(degenerate, h.Dummy()) {
		for _, password := range []string{"", apptest.Password, hash} {
			if ok, err := h.Verify(context.Background(), hash, password); ok || err != nil {
				t.Errorf("%.60q opens with %.60q: %v", hash, password, err)
			}
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v: a parameter was believed", took)
	}
}

// TestT082_WhoHasNoPasswordSetsOneByMail signs in to logins whose hash is
// degenerate, in vain, and gets in by the mailed link.
func TestT082_WhoHasNoPasswordSetsOneByMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, hash := range []string{"", apptest.Password, degenerate[8], w.Auth.Hasher().Dummy()} {
			w.Exec("UPDATE users SET password = $1 WHERE id = $2", hash, p.User)
			for _, password := range []string{"", apptest.Password, hash} {
				if got := signIn(w.Browser(), p.Address, password); got.Status != http.StatusUnprocessableEntity {
					t.Errorf("the hash %q opens with %q: %d", hash, password, got.Status)
				}
			}
		}
		b := w.Browser()
		b.Post("/recover", form("address", p.Address)).Must(200)
		b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
		if got := signIn(w.Browser(), p.Address, another); got.Status != http.StatusSeeOther {
			t.Errorf("the new password: %d", got.Status)
		}
	})
}

// TestT083_APasswordIsVerifiedExactly types a password in other spellings:
// only what is the same text opens, in whichever way its accents are put
// together.
func TestT083_APasswordIsVerifiedExactly(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher("")
	for _, password := range []string{"Drei Grüne Räder 🚲", "  with spaces around  ", "a\ttab within it", "ÅÄÖ and the rest of it", "密码密码密码密码密码密码密码密码密码"} {
		if err := h.Check(password); err != nil && !strings.HasPrefix(password, "密") {
			t.Errorf("%q is refused: %v", password, err)
		}
		hash, err := h.Hash(context.Background(), norm.NFC.String(password))
		if err != nil {
			t.Fatal(err)
		}
		opens := func(typed string) bool {
			ok, err := h.Verify(context.Background(), hash, typed)
			return ok && err == nil
		}
		if !opens(norm.NFC.String(password)) || !opens(norm.NFD.String(password)) {
			t.Errorf("%q does not open in both of its spellings", password)
		}
		for _, typed := range []string{strings.TrimSpace(password), password + " ", " " + password, strings.ToLower(password), strings.ToUpper(password), strings.ReplaceAll(password, "\t", " "), password[:len(password)-1], password + "\x00", norm.NFKC.String(password)} {
			if typed != password && norm.NFC.String(typed) != norm.NFC.String(password) && opens(typed) {
				t.Errorf("%q opens what %q closed", typed, password)
			}
		}
	}
	a, _ := h.Hash(context.Background(), apptest.Password)
	b, _ := h.Hash(context.Background(), apptest.Password)
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hashes are %s and %s", a, b)
	}
}

// TestT083_NoPasswordIsChangedOnItsWayIn sends one through the form, with
// everything in it that a form could lose.
func TestT083_NoPasswordIsChangedOnItsWayIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		const password = "  Ünï <b>&amp;</b> %41 + \t 🚲  "
		p.Post("/me/security", form("old", apptest.Password, "password", password)).Must(200, "Your password is changed")
		if got := signIn(w.Browser(), p.Address, password); got.Status != http.StatusSeeOther {
			t.Errorf("as it was typed: %d", got.Status)
		}
		for _, typed := range []string{strings.TrimSpace(password), strings.ReplaceAll(password, "%41", "A"), strings.ReplaceAll(password, "+", " "), strings.ToLower(password)} {
			if got := signIn(w.Browser(), p.Address, typed); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", typed, got.Status)
			}
		}
		page := p.Get("/me/security")
		for _, field := range page.Find("input[type=password]").EachIter() {
			if _, blocked := field.Attr("onpaste"); blocked || field.AttrOr("maxlength", "256") < "256" {
				t.Errorf("the field %s keeps passwords out", field.AttrOr("name", ""))
			}
		}
	}, kept)
}

// TestT084_WhatGuessersTryFirstIsRefused checks new passwords: the common
// ones and what everybody knows of the person are refused with the reason,
// and a long phrase of any kind is taken.
func TestT084_WhatGuessersTryFirstIsRefused(t *testing.T) {
	t.Parallel()
	h := auth.NewHasher("Northbeam Hosting")
	own := []string{"alice.example@bakery.example", "Alice Example", "Harbour Bakery"}
	refused := func(password, reason string) {
		t.Helper()
		err := h.Check(password, own...)
		if e, ok := fault.Of(err); !ok || e.Code != fault.Invalid || !strings.Contains(e.Text, reason) {
			t.Errorf("%q: %v, want %q", password, err, reason)
		}
	}
	if len(auth.Common()) < 90 {
		t.Errorf("the list has %d passwords", len(auth.Common()))
	}
	for _, word := range auth.Common() {
		reason := "the first that guessers try"
		if len(word) < auth.MinPassword {
			reason = "at least 12"
		}
		refused(word, reason)
		refused(strings.ToUpper(word), reason)
	}
	for _, password := range []string{"aaaaaaaaaaaa", "abababababab", "123456789012", "abcdefghijklm", "987654321098", "111111222222"} {
		refused(password, "guessers try")
	}
	for _, password := range []string{"", "short", "elevenchars", strings.Repeat("🚲", 11)} {
		refused(password, "at least 12")
	}
	for _, password := range []string{"northbeam hosting", "Northbeam Hosting1", "harbour bakery", "HarbourBakery", "Harbour Bakery 1", "alice example", "alice.example@bakery.example", "alice.example12", "bakery.example"} {
		refused(password, "mostly your name")
	}
	for _, password := range []string{"three blue bicycles", "alllowercase but rather long", "no digits no capitals", "correct horse battery stapler", "            x y z w  ", "alice example likes blue bicycles", "日本語のとても長い合言葉です"} {
		if err := h.Check(password, own...); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// TestT084_EveryFormThatSetsAPasswordRefusesBadOnes tries the same bad ones
// in each place where a password is chosen.
func TestT084_EveryFormThatSetsAPasswordRefusesBadOnes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice Example", "alice@crowd.example")
		b := w.Browser()
		b.Post("/recover", form("address", p.Address)).Must(200)
		recovery := b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200)
		for password, reason := range map[string]string{"password1234": "guessers try", "short": "at least 12", "Northbeam-Hosting": "mostly your name", "alice-example": "mostly your name"} {
			recovery.Submit("/recover/password", form("password", password)).Must(422, reason)
			p.Post("/me/security", form("old", apptest.Password, "password", password)).Must(422, reason)
			w.Browser().Post("/signup", form("name", "Alice Example", "address", "new@crowd.example", "password", password, "kind", "account", "account_name", "Some Account", "currency", "EUR")).Must(422, reason)
		}
		w.Browser().Post("/signup", form("name", "Nia", "address", "new@crowd.example", "password", "harbour-bakery", "kind", "account", "account_name", "Harbour Bakery", "currency", "EUR")).Must(422, "mostly your name")
		if got := signIn(w.Browser(), p.Address, apptest.Password); got.Status != http.StatusSeeOther {
			t.Errorf("the old password: %d", got.Status)
		}
	})
}

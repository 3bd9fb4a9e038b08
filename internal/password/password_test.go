package password_test

import (
	"context"
	"strings"
	"testing"

	"clientele/internal/password"

	"golang.org/x/text/unicode/norm"
)

// phrase is a good password.
const phrase = "three blue bicycles"

// TestT083_APasswordIsVerifiedExactly types a password in other spellings:
// only what is the same text opens, in whichever way its accents are put
// together.
func TestT083_APasswordIsVerifiedExactly(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{})
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
	a, _ := h.Hash(context.Background(), phrase)
	b, _ := h.Hash(context.Background(), phrase)
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hashes are %s and %s", a, b)
	}
}

// TestT078_ALongPasswordIsNotComputed takes 256 characters and 1,024 bytes,
// and not one more.
func TestT078_ALongPasswordIsNotComputed(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{})
	for _, long := range []string{strings.Repeat("b c ", 64), strings.Repeat("🚲🚂", 128)} {
		if err := h.Check(long); err != nil && !strings.Contains(err.Error(), "guessers") {
			t.Errorf("%d bytes are refused: %v", len(long), err)
		}
	}
	for _, long := range []string{strings.Repeat("b c ", 64) + "d", strings.Repeat("🚲", 257), strings.Repeat("x", 10<<20)} {
		if err := h.Check(long); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%d bytes: %v", len(long), err)
		}
	}
	defer h.Fill()()
	if ok, err := h.Verify(context.Background(), md5Hash, strings.Repeat("x", 1025)); ok || err != nil {
		t.Errorf("1,025 bytes waited for a processor: %v", err)
	}
}

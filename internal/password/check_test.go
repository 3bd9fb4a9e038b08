package password_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"clientele/internal/fault"
	"clientele/internal/password"

	"pgregory.net/rapid"
)

// TestT084_WhatGuessersTryFirstIsRefused checks new passwords: the common
// ones and what everybody knows of the person are refused with the reason,
// and a long phrase of any kind is taken.
func TestT084_WhatGuessersTryFirstIsRefused(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{Brand: "Northbeam Hosting"})
	own := []string{"alice.example@bakery.example", "Alice Example", "Harbour Bakery"}
	refused := func(password, reason string) {
		t.Helper()
		err := h.Check(password, own...)
		if e, ok := fault.Of(err); !ok || e.Code != fault.Invalid || !strings.Contains(e.Text, reason) {
			t.Errorf("%q: %v, want %q", password, err, reason)
		}
	}
	list, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(list)) {
		reason := "the first that guessers try"
		if len(word) < password.MinLength {
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

// TestT084_AListedPasswordIsKnownInItsForms dresses common passwords up as
// people do when a form asks for more.
func TestT084_AListedPasswordIsKnownInItsForms(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{MinLength: 8})
	listed := []string{"password", "sunshine", "liverpool", "football", "charlie", "qwertyuiop", "monkey", "correcthorsebatterystaple", "gfhjkmgfhjkm", "motherfucker"}
	tails := []string{"1!", "123", "!!!!", "2024", "12345678", "987654321", "...", "0000000", "1?2?"}
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(listed).Draw(t, "word")
		tail := rapid.SampledFrom(tails).Draw(t, "tail")
		dress := rapid.SampledFrom([]func(string) string{
			func(s string) string { return s + tail },
			func(s string) string { return strings.ToUpper(s[:1]) + s[1:] + tail },
			func(s string) string { return strings.NewReplacer("a", "@", "o", "0", "s", "$").Replace(s) + tail },
			func(s string) string { return strings.NewReplacer("i", "1", "e", "3", "t", "7").Replace(s) + tail },
			func(s string) string { return strings.NewReplacer("l", "1").Replace(s) + tail },
			func(s string) string { return s + s },
			func(s string) string { return strings.Join(strings.Split(s, ""), " ") },
			func(s string) string { return strings.Join(strings.Split(s, ""), "-") + tail },
		}).Draw(t, "dress")
		if p := dress(word); len(p) >= 8 && h.Check(p) == nil {
			t.Errorf("%q is taken", p)
		}
	})
}

// TestT084_AGoodPhraseIsHardlyEverRefused checks a hundred thousand phrases of
// random words, and as many random passwords.
func TestT084_AGoodPhraseIsHardlyEverRefused(t *testing.T) {
	t.Parallel()
	const many = 100_000
	random := rand.New(rand.NewPCG(84, 12))
	h := password.New(password.Rules{Brand: "Northbeam Hosting"})
	refused := 0
	for range many {
		for _, p := range []string{randomPhrase(random), randomPassword(random)} {
			if h.Check(p, "alice.example@bakery.example", "Harbour Bakery") != nil {
				refused++
			}
		}
	}
	if refused > many/2000 {
		t.Errorf("%d of %d were refused", refused, 2*many)
	}
}

// randomPhrase is three to five pronounceable words, some with a number after
// them.
func randomPhrase(random *rand.Rand) string {
	words := make([]string, 3+random.IntN(3))
	for i := range words {
		for range 2 + random.IntN(2) {
			words[i] += string("bdfgklmnprstvz"[random.IntN(14)]) + string("aeiou"[random.IntN(5)])
		}
	}
	phrase := strings.Join(words, []string{" ", "-", ""}[random.IntN(3)])
	if random.IntN(3) == 0 {
		phrase += string("0123456789"[random.IntN(10)])
	}
	return phrase
}

// randomPassword is what a password manager makes.
func randomPassword(random *rand.Rand) string {
	p := make([]byte, 12+random.IntN(12))
	for i := range p {
		p[i] = byte(33 + random.IntN(94))
	}
	return string(p)
}

// TestT084_TheLeastLengthIsAsked holds passwords against other lengths.
func TestT084_TheLeastLengthIsAsked(t *testing.T) {
	t.Parallel()
	for _, n := range []int{8, 12, 64} {
		h := password.New(password.Rules{MinLength: n})
		good := strings.Repeat("k7 x;qWz", 8)[:n]
		if err := h.Check(good[:n-1]); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "at least ") {
			t.Errorf("%d of %d characters: %v", n-1, n, err)
		}
		if err := h.Check(good); err != nil && n < 16 {
			t.Errorf("%d characters: %v", n, err)
		}
		if h.MinLength() != n {
			t.Errorf("the length is %d, not %d", h.MinLength(), n)
		}
	}
	if got := password.New(password.Rules{}).MinLength(); got != 12 {
		t.Errorf("by default it is %d", got)
	}
}

func BenchmarkCheck(b *testing.B) {
	h := password.New(password.Rules{Brand: "Northbeam Hosting"})
	for b.Loop() {
		if err := h.Check(phrase, "alice.example@bakery.example"); err != nil {
			b.Fatal(err)
		}
	}
}

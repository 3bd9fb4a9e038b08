package plain

import (
	"strings"
	"testing"
)

func TestNameTakesWhatPeopleAreCalled(t *testing.T) {
	for in, want := range map[string]string{
		"Ada Lovelace":       "Ada Lovelace",
		"  Zoë   O'Brien ":   "Zoë O'Brien",
		"Booking.com B.V.":   "Booking.com B.V.",
		"株式会社":               "株式会社",
		"e\u0301clair":       "éclair",
		"Smith & Sons <Ltd>": "Smith & Sons <Ltd>",
	} {
		if got, err := Name(in); err != nil || got != want {
			t.Errorf("Name(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestNameRefusesBreaksLinksAndTheInvisible(t *testing.T) {
	for _, in := range []string{
		"", "   ", "a\nb", "a\r\nBcc: x@y", "a\u2028b", "a\x00b", "Pay\u202Enow", "a\u200bb", "\xff\xfe",
		"Reset now https://evil.example", "www.evil.example", "<a href=//evil>", "<img src=//evil>", "[x](https://evil)",
		strings.Repeat("a", 101), "!!!",
	} {
		if got, err := Name(in); err == nil {
			t.Errorf("Name(%q) = %q, want a refusal", in, got)
		}
	}
}

func TestDefangLeavesNoLink(t *testing.T) {
	for _, in := range []string{"Reset https://evil.example/x", "<a href=//evil>", "[x](https://evil)", "a\r\nBcc: b@c.de", "Pay\u202Enow", "=?utf-8?q?a=0d=0ab?=", "tel:123", strings.Repeat("x.y", 400)} {
		got := Defang(in)
		if strings.Contains(got, "//") || strings.ContainsAny(got, "<>\r\n\u202e") || strings.Contains(got, "](") || strings.Contains(got, "=?") || strings.Contains(got, "l:1") || strings.Contains(got, "l.e") || len([]rune(got)) > NameLength+10 {
			t.Errorf("Defang(%q) = %q", in, got)
		}
	}
}

func TestFoldFindsWithoutAccents(t *testing.T) {
	if got := Fold("Zoë  Ångström"); got != "zoe angstrom" {
		t.Errorf("Fold = %q", got)
	}
	if got := Like("50%_a"); got != `%50\%\_a%` {
		t.Errorf("Like = %q", got)
	}
}

package upgrade

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestT122_ReportDoesNothingToATerminal(t *testing.T) {
	t.Parallel()
	text := asText(t, hostileReport(t), Head{Source: hostile[12], Rows: []Counted{{What: hostile[13], Gone: 1}}})
	if strings.Count(text, "tblclients -") != mostNamed || !strings.Contains(text, "and 14 more") {
		t.Errorf("the lines are not cut off at %d: %s", mostNamed, text)
	}
	harmless(t, strings.ReplaceAll(text, "\n", ""))
	for line := range strings.Lines(text) {
		if displayWidth(strings.TrimSuffix(line, "\n")) > textWidth {
			t.Errorf("a line is too wide: %q", line)
		}
	}
}

// harmless complains of everything that is not a character to look at.
func harmless(t interface{ Errorf(string, ...any) }, s string) {
	for _, r := range s {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			t.Errorf("%+q has %+q", s, r)
			return
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                       "",
		"Ada Lovelace":           "Ada Lovelace",
		"  a \t b\r\n c\u2028d ": "a b c d",
		"0123456789ab":           "0123456789ab",
		"0123456789abc":          "0123456789a…",
		"0123456789 abc":         "0123456789…",
		"株式会社例例":                 "株式会社例例",
		"株式会社例例例":                "株式会社例…",
		"\x1b[31mred":            "�[31mred",
		"pay\u202enow":           "pay�now",
		"a\u200bb":               "a�b",
		"क्\u200dष":              "क्\u200dष",
		"e" + strings.Repeat("\u0301", 500) + "f": "e" + strings.Repeat("\u0301", 6) + "f",
	} {
		if got := printable(in, 12); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPrintableIsOneNarrowLineOfAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, most := awkward.Draw(t, "text"), rapid.IntRange(1, 200).Draw(t, "most")
		got := printable(in, most)
		harmless(t, got)
		if !utf8.ValidString(got) || displayWidth(got) > most || strings.TrimSpace(got) != got {
			t.Fatalf("printable(%q, %d) = %q", in, most, got)
		}
	})
}

package whmcs

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"clientele/internal/plain"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"
)

// twice is text that was encoded once too often, as MySQL's latin1 does it.
func twice(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if r := charmap.Windows1252.DecodeByte(s[i]); r != utf8.RuneError {
			b.WriteRune(r)
		} else {
			b.WriteRune(rune(s[i]))
		}
	}
	return b.String()
}

func TestCleanLineMendsWhatIsBroken(t *testing.T) {
	for _, c := range []struct {
		raw, want string
		did       []string
	}{
		{"Ada Lovelace", "Ada Lovelace", nil},
		{"", "", nil},
		{"Zoë Müller", "Zoë Müller", nil},
		{"M\xfcller", "Müller", []string{NotUTF8}},
		{"\x80 100 \x93x\x94", "€ 100 “x”", []string{NotUTF8}},
		{"Zoë M\xfcller", "Zoë Müller", []string{NotUTF8}},
		{"a\x81b", "ab", []string{NotUTF8, Controls}},
		{"MÃ¼ller", "Müller", []string{DoubleUTF8}},
		{"Ã–sterreich", "Österreich", []string{DoubleUTF8}},
		{twice("Ágnes"), "Ágnes", []string{DoubleUTF8}},
		{twice(twice("Müller")), "Müller", []string{DoubleUTF8, DoubleUTF8}},
		{twice("Łódź"), "Łódź", []string{DoubleUTF8}},
		{twice("Иван"), "Иван", []string{DoubleUTF8}},
		{twice("山田"), "山田", []string{DoubleUTF8}},
		{twice("it’s"), "it’s", []string{DoubleUTF8}},
		{twice("🚀"), "🚀", []string{DoubleUTF8}},
		{"SÃO PAULO", "SÃO PAULO", nil},
		{"IRMÃ", "IRMÃ", nil},
		{"CAFÉ»", "CAFÉ»", nil},
		{"ESPAÑ–A", "ESPAÑ–A", nil},
		{"Ã¼ and ü", "Ã¼ and ü", nil},
		{"© 2020 Ä", "© 2020 Ä", nil},
		{"Smith &amp; Sons", "Smith & Sons", []string{Entities}},
		{"O&#039;Brien", "O'Brien", []string{Entities}},
		{"&amp;amp; &lt;b&gt; &#x20AC;", "&amp; <b> €", []string{Entities}},
		{"AT&T R&D &copy &notes; &sons; &#0;x", "AT&T R&D &copy &notes; &sons; x", []string{Entities, Controls}},
		{"a\x00b\x1b[0m", "ab[0m", []string{Controls}},
		{"a\u200bb\u202ec\ufeff", "abc", []string{Controls}},
		{"a \x00 b", "a b", []string{Controls}},
		{"  a \t b\r\nc  ", "a b c", []string{Spaces}},
		{"👩‍🚀 👍🏽 🇩🇪", "👩‍🚀 👍🏽 🇩🇪", nil},
		{strings.Repeat("x", 10_000), strings.Repeat("x", 100), []string{TooLong}},
		{strings.Repeat("é", 99) + " é", strings.Repeat("é", 99), []string{TooLong}},
	} {
		if got, did := cleanLine(c.raw, 100); got != c.want || !slices.Equal(did, c.did) {
			t.Errorf("%.60q is %.60q %q, want %.60q %q", c.raw, got, did, c.want, c.did)
		}
	}
}

// Whatever the bytes, what comes out is a line that our own forms would take,
// cleaning it again changes nothing but entities, and a change is told.
func TestCleanedLinesAreLines(t *testing.T) {
	text := rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.String(), twice),
		rapid.StringMatching(`(&(amp|lt|#[0-9]{1,7}|#x[0-9a-f]{1,6});|[a-zÃ¼\x00 ])*`),
	)
	rapid.Check(t, func(t *rapid.T) {
		raw := text.Draw(t, "raw")
		got, did := cleanLine(raw, 50)
		if _, err := plain.Line(got, 50); err != nil {
			t.Fatalf("%q is %q: %v", raw, got, err)
		}
		if (got != raw) != (len(did) > 0) {
			t.Fatalf("%q is %q, told is %q", raw, got, did)
		}
		several, _ := cleanText(raw, 50)
		if _, err := plain.Text(several, 50); err != nil {
			t.Fatalf("%q is %q: %v", raw, several, err)
		}
	})
}

// Text of one script that was encoded twice comes back as it was.
func TestDoubleEncodingIsUndone(t *testing.T) {
	for _, letters := range []string{"äöüßÄÖÜéèêçñåøæ", "ąęłńśźżčřšžő", "αβγδεζηθ", "абвгдежз", "山田太郎東京", "😀🚀👍"} {
		one := rapid.SampledFrom([]rune(letters))
		rapid.Check(t, func(t *rapid.T) {
			text := string(rapid.SliceOfN(one, 2, 20).Draw(t, "text"))
			if got, _ := cleanLine(twice(text), 100); got != text {
				t.Fatalf("%q came back as %q", text, got)
			}
			if got, did := cleanLine(text, 100); got != text || did != nil {
				t.Fatalf("%q was changed to %q: %q", text, got, did)
			}
		})
	}
}

func TestCleanTextKeepsItsLines(t *testing.T) {
	got, did := cleanText("\n one\r\ntwo\tthree\rfour\x00\n\n", 100)
	if got != "one\ntwo\tthree\nfour" || !slices.Equal(did, []string{Spaces, Controls}) {
		t.Errorf("%q, %q", got, did)
	}
}

func TestCleanTime(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want time.Time
		did  []string
	}{
		{"", time.Time{}, nil},
		{"0000-00-00", time.Time{}, []string{ZeroDate}},
		{"0000-00-00 00:00:00", time.Time{}, []string{ZeroDate}},
		{"0000-00-00 00:00:00.000000", time.Time{}, []string{ZeroDate}},
		{"2012-03-04", time.Date(2012, 3, 4, 0, 0, 0, 0, time.UTC), nil},
		{"2012-03-04 05:06:07", time.Date(2012, 3, 4, 5, 6, 7, 0, time.UTC), nil},
		{"2012-03-04 05:06:07.5", time.Date(2012, 3, 4, 5, 6, 7, 500_000_000, time.UTC), nil},
		{"2012-00-04", time.Time{}, []string{BadDate}},
		{"2012-02-30", time.Time{}, []string{BadDate}},
		{"yesterday", time.Time{}, []string{BadDate}},
	} {
		if got, did := cleanTime(c.raw); !got.Equal(c.want) || !slices.Equal(did, c.did) {
			t.Errorf("%q is %v, %q", c.raw, got, did)
		}
	}
}

func TestFieldsNeverFail(t *testing.T) {
	var notes []Note
	f := &fields{table: "t", note: func(n Note) { notes = append(notes, n) }, places: map[string]int{"a": 0, "b": 1}, row: Row{ID: 7, Values: [][]byte{[]byte("12x"), []byte(" 99999999999999999999 ")}}}
	if f.number("a") != 0 || f.number("b") != 0 || f.number("none") != 0 || f.flag("none") || !f.flag("a") || f.line("none") != "" || !f.time("none").IsZero() {
		t.Error("what is not there, or no number, is something")
	}
	if want := []Note{{"t", 7, "a", BadNumber}, {"t", 7, "b", BadNumber}}; !slices.Equal(notes, want) {
		t.Errorf("told is %v", notes)
	}
}

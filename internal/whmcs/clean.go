package whmcs

import (
	"html"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// A Note tells of one value that was changed while it was read, or that
// somebody should look at.
type Note struct {
	Table  string
	ID     int64 // the row's
	Column string
	What   string // a sentence's part, one of the constants, or one of them and what it is about
}

// What happens to values. A report can group its lines by these.
const (
	NotUTF8      = "bytes that are no UTF-8 were read as Windows-1252"
	DoubleUTF8   = "text that was encoded twice was decoded"
	Entities     = "HTML entities were decoded"
	Controls     = "characters that cannot be seen were removed"
	Spaces       = "spaces and line breaks were tidied"
	TooLong      = "too long; it was cut"
	LongAddress  = "too long for an e-mail address; it was left out"
	ZeroDate     = "a zero date was read as none"
	BadDate      = "not a date; it was left out"
	BadNumber    = "not a number; it was read as 0"
	BadSettings  = "not readable settings; they were read as the usual ones"
	UnknownGrant = "unknown permission, which grants nothing: "
)

// A scrub is the cleaning of one text: each step notes what it did.
type scrub struct {
	text string
	did  []string
}

func (s *scrub) step(what string, change func(string) string) {
	if after := change(s.text); after != s.text {
		s.text = after
		s.did = append(s.did, what)
	}
}

// cleanLine cleans a text of one line, of at most so many characters.
func cleanLine(raw string, most int) (string, []string) {
	s := &scrub{text: raw}
	if s.plain() {
		s.step(Spaces, oneLine)
	} else {
		s.decode()
		s.step(Spaces, oneLine)
		s.step(Controls, func(t string) string { return visible(t, "") })
		s.text = oneLine(s.text) // what was removed may have stood between spaces
	}
	s.step(TooLong, func(t string) string { return strings.TrimSpace(cut(t, most)) })
	return s.text, s.did
}

// cleanText cleans a text of several lines, of at most so many characters.
func cleanText(raw string, most int) (string, []string) {
	s := &scrub{text: raw}
	s.decode()
	s.step(Spaces, func(t string) string {
		return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(t))
	})
	s.step(Controls, func(t string) string { return visible(t, "\n\t") })
	s.text = strings.TrimSpace(s.text)
	s.step(TooLong, func(t string) string { return strings.TrimSpace(cut(t, most)) })
	return s.text, s.did
}

// plain tells the many texts that no step but the first would change.
func (s *scrub) plain() bool {
	for i := range len(s.text) {
		if c := s.text[i]; c < ' ' || c >= 0x7f || c == '&' {
			return false
		}
	}
	return true
}

func (s *scrub) decode() {
	s.step(NotUTF8, fromWindows)
	s.step(DoubleUTF8, once)
	s.step(DoubleUTF8, once) // it happened to some on two occasions
	s.step(Entities, entities)
}

// fromWindows reads each byte that is no UTF-8 as Windows-1252, and leaves
// what is UTF-8 beside it alone.
func fromWindows(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = charmap.Windows1252.DecodeByte(s[0])
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// once undoes an encoding too many: UTF-8 that was taken for Windows-1252 and
// made UTF-8 again, as "Ã¼" for "ü". It does so only where the whole text can
// be nothing else.
func once(s string) string {
	var bytes []byte
	for _, r := range s {
		b, ok := windowsByte(r)
		if !ok {
			return s
		}
		bytes = append(bytes, b)
	}
	if !utf8.Valid(bytes) || !unmistakable(string(bytes)) {
		return s
	}
	return string(bytes)
}

// windowsByte is a character as MySQL's latin1 has it: Windows-1252, whose
// five gaps hold the control characters of the same number.
func windowsByte(r rune) (byte, bool) {
	if r >= 0x80 && r < 0xa0 {
		return byte(r), charmap.Windows1252.DecodeByte(byte(r)) == utf8.RuneError
	}
	return charmap.Windows1252.EncodeRune(r)
}

// unmistakable tells whether a text that was decoded makes sense. One pair of
// characters can be what somebody meant ("É»"), so a lone one counts only if
// it stands for a Latin letter, a sign or an emoji: no word has "Ã", "Â", "Ä",
// "Å" or "â€" before such a second half.
func unmistakable(s string) bool {
	certain, letters := 0, 0
	for _, r := range s {
		switch {
		case r < 0xa0: // ASCII, and what a third encoding leaves
		case r < 0x180, r >= 0x2000 && r < 0x2c00, r >= 0x1f000:
			certain++
		case r >= 0x370: // words of these scripts have more than one letter
			letters++
		default:
			return false
		}
	}
	return certain > 0 || letters > 1
}

// entity matches what HTML writes for one character.
var entity = regexp.MustCompile(`&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)

// entities decodes each entity once: "&amp;amp;" is "&amp;".
func entities(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	return entity.ReplaceAllStringFunc(s, func(one string) string {
		if decoded := html.UnescapeString(one); decoded == ";" || !strings.HasSuffix(decoded, ";") {
			return decoded
		}
		return one // not an entity, or one without a semicolon before a word
	})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// visible removes what cannot be seen, save for the characters in keep and the
// joiners that Indic scripts and emoji need: the same as package plain refuses.
func visible(s, keep string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(keep, r) || r == '\u200c' || r == '\u200d':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), strings.ContainsRune("\u2028\u2029\u115f\u1160\u3164\uffa0\ufffd", r):
			return -1
		}
		return r
	}, s)
}

// cut keeps at most so many characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// cleanTime reads a date or a time as MySQL writes it. It has no zone: it is
// by the clock of the machine that ran WHMCS, and is answered as UTC.
func cleanTime(raw string) (time.Time, []string) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return time.Time{}, nil
	}
	if strings.Trim(raw, "0-:. ") == "" {
		return time.Time{}, []string{ZeroDate}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, raw); err == nil {
			return t, nil
		}
	}
	return time.Time{}, []string{BadDate}
}

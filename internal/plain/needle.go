package plain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Needle is what somebody looks for in folded texts. Each of its parts must
// stand somewhere in what is found. Its zero value finds nothing.
type Needle struct {
	parts  []string
	digits string // where what was typed is a number and nothing else
}

const (
	// needleLength is how much may be looked for, in characters.
	needleLength = 100
	// gram is how many characters the indexes keep together: what is shorter
	// is found at the beginning of words only.
	gram = 3
	// mostParts bounds the words that are looked for at once.
	mostParts = 8
)

// ParseNeedle reads what was typed into a search. What cannot be looked for
// answers a sentence for the person who typed it.
func ParseNeedle(typed string) (n Needle, err error) {
	if utf8.RuneCountInString(typed) > needleLength {
		return n, bad("This is too long to search for. Use at most " + strconv.Itoa(needleLength) + " characters.")
	}
	if err := wellFormed(typed, needleLength); err != nil {
		return n, err
	}
	text := strings.TrimSpace(strings.TrimPrefix(Fold(typed), "#"))
	if isDigits(text) {
		n.digits = text
	}
	words := strings.Fields(text)
	switch {
	case !strings.ContainsFunc(text, isWord):
		return Needle{}, bad("Type at least two letters, or a number.")
	case utf8.RuneCountInString(text) < 2 && n.digits == "":
		return Needle{}, bad("Type at least two letters: one stands in nearly everything.")
	case len(words) > mostParts:
		return Needle{}, bad("This is too much to search for. Use at most " + strconv.Itoa(mostParts) + " words.")
	}
	if n.parts = words; longest(words) < gram {
		n.parts = []string{text}
	}
	return n, nil
}

// isDigits tells the numbers that something could have.
func isDigits(s string) bool {
	return s != "" && len(s) <= 18 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

func longest(words []string) (n int) {
	for _, w := range words {
		n = max(n, utf8.RuneCountInString(w))
	}
	return n
}

// IsZero reports whether there is nothing to look for.
func (n Needle) IsZero() bool { return len(n.parts) == 0 }

// Parts are what must stand in what is found, each of them.
func (n Needle) Parts() []string { return n.parts }

// Inside reports whether the parts are looked for inside of words, too, and
// not at their beginnings only.
func (n Needle) Inside() bool { return longest(n.parts) >= gram }

// Number is the number that was typed, where it is one.
func (n Needle) Number() (int64, bool) {
	number, err := strconv.ParseInt(n.digits, 10, 64)
	return number, err == nil
}

// Grams are the pieces of a text, of three characters each, by which an index
// is asked for it: side by side, and the last three.
func Grams(text string) (out []string) {
	runes := []rune(text)
	for i := 0; i+gram <= len(runes); i += gram {
		out = append(out, string(runes[i:i+gram]))
	}
	if n := len(runes); n > gram && n%gram != 0 {
		out = append(out, string(runes[n-gram:]))
	}
	return out
}

// A Piece is a part of a text. Hit marks what was looked for.
type Piece struct {
	Text string
	Hit  bool
}

// Mark cuts a text, as it is written, where what was looked for stands in it.
func (n Needle) Mark(text string) (out []Piece) {
	folded, origin := foldedRunes(text)
	hit := make([]bool, len([]rune(text)))
	for _, part := range n.parts {
		want := []rune(part)
		for at := 0; at+len(want) <= len(folded); at++ {
			if string(folded[at:at+len(want)]) != part || !n.Inside() && at > 0 && folded[at-1] != ' ' {
				continue
			}
			for i := origin[at]; i <= origin[at+len(want)-1]; i++ {
				hit[i] = true
			}
		}
	}
	for i, r := range []rune(text) {
		if last := len(out) - 1; last >= 0 && out[last].Hit == hit[i] {
			out[last].Text += string(r)
			continue
		}
		out = append(out, Piece{string(r), hit[i]})
	}
	return out
}

// MarkNumber is Mark for a number, which is found from its beginning.
func (n Needle) MarkNumber(number string) []Piece {
	rest, ok := strings.CutPrefix(number, n.digits)
	if !ok || n.digits == "" {
		return []Piece{{Text: number}}
	}
	out := []Piece{{n.digits, true}}
	if rest != "" {
		out = append(out, Piece{Text: rest})
	}
	return out
}

// foldedRunes folds a text a character at a time, and tells for each that
// comes out which one it comes from.
func foldedRunes(text string) (folded []rune, origin []int) {
	for i, r := range []rune(text) {
		for _, f := range norm.NFKD.String(string(r)) {
			switch {
			case unicode.Is(unicode.Mn, f):
				continue
			case unicode.IsSpace(f):
				f = ' '
			}
			folded, origin = append(folded, unicode.ToLower(f)), append(origin, i)
		}
	}
	return folded, origin
}

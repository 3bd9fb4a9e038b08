// Package plain reads text that people type: names, notes, search words. What
// it lets through is one clean spelling that is safe to print in a page, a
// mail, a log line and a header.
package plain

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"clientele/internal/fault"

	"golang.org/x/text/unicode/norm"
)

// NameLength is the longest name of a person, a company or a thing, in
// characters.
const NameLength = 100

// Name reads the name of a person, a company or a thing: one line, no link,
// nothing invisible. It answers a sentence for the person who typed it.
func Name(s string) (string, error) {
	s, err := Line(s, NameLength)
	switch {
	case err != nil:
		return "", err
	case s == "":
		return "", bad("Enter a name.")
	case hasLink(s):
		return "", bad("A name cannot contain a link. Remove the web address.")
	case !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return "", bad("A name needs at least one letter or digit.")
	}
	return s, nil
}

// Line reads one line of text of at most limit characters; it may be empty.
func Line(s string, limit int) (string, error) {
	if err := wellFormed(s, limit); err != nil {
		return "", err
	}
	if strings.ContainsFunc(strings.TrimSpace(s), isBreak) {
		return "", bad("This must be one line. Remove the line break.")
	}
	s = norm.NFC.String(s)
	if strings.ContainsFunc(s, isInvisible) {
		return "", bad("This contains characters that cannot be seen. Type it again instead of pasting it.")
	}
	return strings.Join(strings.Fields(s), " "), nil
}

// Text reads several lines of at most limit characters in all.
func Text(s string, limit int) (string, error) {
	if err := wellFormed(s, limit); err != nil {
		return "", err
	}
	s = norm.NFC.String(strings.ReplaceAll(s, "\r\n", "\n"))
	if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && (isInvisible(r) || isBreak(r)) }) {
		return "", bad("This contains characters that cannot be seen. Type it again instead of pasting it.")
	}
	return strings.TrimSpace(s), nil
}

// Fold is text as it is searched: lower case, without accents, so that what
// is typed without them finds what is written with them.
func Fold(parts ...string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.Join(parts, " ")) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Like is a search word as a pattern of SQL's LIKE with '\' as its escape:
// what the person typed means itself, also where it is % or _.
func Like(word string) string { return Holding(Fold(word)) }

// Holding is Like for text that is folded already.
func Holding(folded string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(folded) + "%"
}

// Defang makes a name harmless in a mail: a mail program must not turn any
// part of it into a link, and a header must not break on it, nor be read as
// one that is written in code (RFC 2047). New names cannot hold a link; ones
// that were imported can.
func Defang(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case isBreak(r):
			b.WriteByte(' ')
		case isInvisible(r):
		default:
			b.WriteRune(r)
		}
	}
	s = strings.Join(strings.Fields(b.String()), " ")
	if utf8.RuneCountInString(s) > NameLength {
		s = string([]rune(s)[:NameLength-1]) + "…"
	}
	s = strings.NewReplacer("://", ": / / ", "//", "/ /", "](", "] (", "=?", "= ?", "<", "‹", ">", "›").Replace(s)
	return breakDomains(scheme.ReplaceAllString(s, "$1: $2"))
}

// scheme is what mail programs take for the beginning of a link without
// slashes, such as mailto: and tel:.
var scheme = regexp.MustCompile(`(\pL):(\S)`)

// breakDomains replaces the full stop inside words like evil.example by one
// that looks the same and that no mail program takes for a domain.
func breakDomains(s string) string {
	runes := []rune(s)
	for i := 1; i+1 < len(runes); i++ {
		if runes[i] == '.' && isWord(runes[i-1]) && isWord(runes[i+1]) {
			runes[i] = '․'
		}
	}
	return string(runes)
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func hasLink(s string) bool {
	low := strings.ToLower(s)
	for _, mark := range []string{"//", "www.", "](", "mailto:", "javascript:", `:\\`, "<a", "<img"} {
		if strings.Contains(low, mark) {
			return true
		}
	}
	return false
}

func wellFormed(s string, limit int) error {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return bad("This is not readable text. Type it again.")
	}
	if utf8.RuneCountInString(s) > limit {
		return bad("This is too long. Use at most " + strconv.Itoa(limit) + " characters.")
	}
	return nil
}

// isBreak tells the characters that some reader takes for the end of a line.
func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// isInvisible tells control and formatting characters: those that hide text,
// turn its direction or take no space. The joiners that Indic scripts and
// emoji need are let through.
func isInvisible(r rune) bool {
	if r == '\u200d' || r == '\u200c' || r == '\t' {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\ufffd'
}

func bad(text string) error { return &fault.Error{Code: fault.Invalid, Reason: "text", Text: text} }

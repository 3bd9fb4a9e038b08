package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// GuardCell puts an apostrophe before what a spreadsheet would calculate. Where
// the decimal sign is a comma, spreadsheets part cells at semicolons instead,
// and do not mind the quotes then: so each piece of a cell is looked at as if
// it were one.
func GuardCell(s string) string {
	return eachPiece(s, func(piece string, begins bool) string {
		if begins {
			return "'" + piece
		}
		return piece
	})
}

// BareCell undoes GuardCell: it takes an apostrophe away from what would begin
// a formula without it.
func BareCell(s string) string {
	return eachPiece(s, func(piece string, begins bool) string {
		if begins {
			return strings.TrimPrefix(piece, "'")
		}
		return piece
	})
}

// cellBreaks are what some spreadsheet takes for the end of a cell.
const cellBreaks = ";\t\r\n"

// eachPiece rewrites the pieces of a cell. It says of each whether it begins a
// formula, whatever apostrophes stand before it: so the answer is the same with
// and without a guard.
func eachPiece(s string, write func(piece string, begins bool) string) string {
	if !strings.ContainsFunc(s, isTelling) {
		return s
	}
	var b strings.Builder
	for first := true; ; first = false {
		end := strings.IndexAny(s, cellBreaks)
		if end < 0 {
			b.WriteString(write(s, beginsFormula(s)))
			return b.String()
		}
		piece := s[:end]
		begins := beginsFormula(piece) || first && s[end] != ';' && beginning(piece) == ""
		b.WriteString(write(piece, begins))
		b.WriteByte(s[end])
		s = s[end+1:]
	}
}

// formulaSigns are what a formula begins with, also as Chinese and Japanese
// write it.
const formulaSigns = "=+-@＝＋－＠﹦﹢﹣﹫−"

// isTelling is true of what makes a cell worth a closer look.
func isTelling(r rune) bool {
	return r >= utf8.RuneSelf || strings.IndexByte("=+-@"+cellBreaks, byte(r)) >= 0
}

func beginsFormula(piece string) bool {
	rest := beginning(piece)
	return rest != "" && strings.IndexAny(rest, formulaSigns) == 0
}

// beginning is a piece from its first character that counts: spreadsheets take
// away spaces, quotes and what cannot be seen.
func beginning(piece string) string {
	return strings.TrimLeftFunc(piece, func(r rune) bool {
		return r == '\'' || r == '"' || unicode.IsSpace(r) || !unicode.IsGraphic(r)
	})
}

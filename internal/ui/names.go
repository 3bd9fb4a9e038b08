package ui

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// colours is how many account colours the style sheet knows.
const colours = 12

// ColourOf gives the colour of the account with this number. It never changes,
// so that people learn to know an account by it; neighbours in number are far
// apart in hue.
func ColourOf(number int64) int {
	return int((number%colours + colours) % colours)
}

var colourText = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// isColour reports whether a text is a colour, as #rrggbb.
func isColour(s string) bool { return colourText.MatchString(s) }

// colourClass is the class that carries an account's colour.
func colourClass(c int) string {
	return "colour-" + strconv.Itoa(ColourOf(int64(c)))
}

// initials gives the letters that stand for a person: those of the first and
// the last name.
func initials(name string) string {
	words := wordsOf(name)
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	return firstLetters(words)
}

// accountInitials gives the letters that stand for an account: those of the
// first two words, for the last is often "Ltd".
func accountInitials(name string) string {
	words := wordsOf(name)
	return firstLetters(words[:min(len(words), 2)])
}

func wordsOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func firstLetters(words []string) string {
	letters := ""
	for _, w := range words {
		letters += firstLetter(w)
	}
	if letters == "" {
		return "?"
	}
	return letters
}

func firstLetter(word string) string {
	for _, r := range word {
		return string(unicode.ToUpper(r))
	}
	return ""
}

// splitAddress parts an address before its @, where a line may break.
func splitAddress(address string) (local, host string) {
	if i := strings.LastIndexByte(address, '@'); i > 0 {
		return address[:i], address[i:]
	}
	return address, ""
}

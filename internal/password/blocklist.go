package password

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/bits-and-blooms/bloom/v3"
)

//go:generate go run ./generate

// commonFilter is a Bloom filter over passwords that guessers try first; the
// command in generate makes it and says from what.
//
//go:embed common.bloom
var commonFilter []byte

// common is read at the first use, which takes less than a millisecond.
var common = sync.OnceValue(func() *bloom.BloomFilter {
	f := new(bloom.BloomFilter)
	if _, err := f.ReadFrom(bytes.NewReader(commonFilter)); err != nil {
		panic("password: the embedded filter is broken: " + err.Error())
	}
	return f
})

// shortestListed is the length of the shortest passwords in the filter, in
// characters.
const shortestListed = 6

// longestTail is how many digits and marks after a common password leave it a
// common one, whatever they are.
const longestTail = 4

func isListed(s string) bool {
	return utf8.RuneCountInString(s) >= shortestListed && common().TestString(s)
}

// isCommon tells whether a password, in lower case, is listed, be it with
// spaces and marks between its letters or with digits in their place.
func isCommon(low string) bool {
	bare := lettersAndDigits(low)
	return isListed(low) || isListed(bare) || isListed(plainLetters(low, 'i')) || isListed(plainLetters(low, 'l'))
}

// isOrnamented tells whether a password, in lower case, is a common one with
// a few digits and marks after it, with a run of any length like 123456789,
// or several times over.
func isOrnamented(low string) bool {
	if unit := repeated(low); unit != low && (utf8.RuneCountInString(unit) < shortestListed || isCommon(unit)) {
		return true
	}
	// A digit may be the last letter of the word, as in footba11.
	stem := strings.TrimRightFunc(low, func(r rune) bool { return !unicode.IsLetter(r) })
	for i := range low[len(stem):] {
		word, tail := low[:len(stem)+i], low[len(stem)+i:]
		if (utf8.RuneCountInString(tail) <= longestTail || isMonotone(tail)) && isCommon(word) {
			return true
		}
	}
	return false
}

// repeated is the shortest text that makes up s when it is written several
// times; s itself if there is none.
func repeated(s string) string {
	if i := strings.Index((s + s)[1:], s); i >= 0 {
		return s[:i+1]
	}
	return s
}

// plainLetters undoes the digits and marks that people put in the place of
// letters. A 1 is an i or an l.
func plainLetters(s string, one rune) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '1', '!', '|':
			return one
		case '0':
			return 'o'
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7', '+':
			return 't'
		case '8':
			return 'b'
		case '9':
			return 'g'
		}
		return r
	}, s)
}

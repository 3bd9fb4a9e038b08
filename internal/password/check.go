package password

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"clientele/internal/fault"

	"golang.org/x/text/unicode/norm"
)

// The bounds of a password. Everything between is welcome: no rule asks for
// kinds of characters.
const (
	MinLength = 12   // characters, unless the rules say another number
	MaxLength = 256  // characters
	maxBytes  = 1024 // checked before anything is computed
)

// Rules are what an installation asks of new passwords.
type Rules struct {
	Brand     string // its name, which nobody may have as his password
	MinLength int    // in characters; 0 is the default, 12
}

// MinLength is how many characters a new password has at least.
func (h *Hasher) MinLength() int {
	if n := h.rules().MinLength; n != 0 {
		return n
	}
	return MinLength
}

var (
	tooLong  = bad("This password is too long. Use at most " + strconv.Itoa(MaxLength) + " characters.")
	untyped  = bad("This password has characters that cannot be typed. Choose another.")
	guessed  = bad("This password is one of the first that guessers try. Choose another.")
	ornament = bad("This password is a common one with a little added, which guessers try too. Choose another.")
)

func bad(text string) *fault.Error {
	return &fault.Error{Code: fault.Invalid, Reason: "password", Text: text}
}

// Check reads a new password. own are things that everybody can guess of
// this person: her address, her name, her account's name. Its error is a
// fault.Invalid that says why the password is refused.
func (h *Hasher) Check(password string, own ...string) error {
	low := strings.ToLower(norm.NFC.String(password))
	switch n := utf8.RuneCountInString(password); {
	case len(password) > maxBytes || n > MaxLength:
		return tooLong
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return untyped
	case n < h.MinLength():
		return bad("Use at least " + strconv.Itoa(h.MinLength()) + " characters. Three or four random words make a good password.")
	case isCommon(low) || isMonotone(low):
		return guessed
	case isOrnamented(low):
		return ornament
	}
	return h.checkNames(low, own)
}

// checkNames refuses a password that has little more in it than a name.
func (h *Hasher) checkNames(low string, own []string) error {
	bare := lettersAndDigits(low)
	brand := h.rules().Brand
	for _, s := range append(own, brand) {
		for _, part := range append(strings.Split(s, "@"), s) {
			part = lettersAndDigits(strings.ToLower(norm.NFC.String(part)))
			if rest := strings.ReplaceAll(bare, part, ""); len(part) >= 4 && rest != bare && utf8.RuneCountInString(rest) < 8 {
				return bad("This password is mostly your name, your address or " + brand + ". Choose another.")
			}
		}
	}
	return nil
}

// lettersAndDigits is a text without its spaces and marks, so that a name is
// known in whichever way its words are joined.
func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// isMonotone tells passwords made of one to three characters, or of a run
// like 123456789012.
func isMonotone(s string) bool {
	seen := map[rune]bool{}
	steps, last, n := 0, rune(-1), 0
	for _, r := range s {
		seen[r] = true
		if d := r - last; d == 1 || d == -1 || d == 0 || d == -9 {
			steps++
		}
		last, n = r, n+1
	}
	return len(seen) <= 3 || steps >= n-2
}

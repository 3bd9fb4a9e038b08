package whmcs

import (
	"regexp"
	"strings"
)

// patternLength is as long as a pattern may be, as one that is typed here.
const patternLength = 500

// Delimiters that PHP's patterns are written between, as they are used: not
// those that begin a pattern which has none, such as ^ and [.
const delimiters = `/#~%!@|,;:&="'`

// closing are the delimiters that end with another one.
var closing = map[byte]byte{'(': ')', '{': '}', '<': '>'}

// unicodeClasses are what means more in PHP's patterns with the flag u than
// it does here.
var unicodeClasses = regexp.MustCompile(`\\[wWbB]|\[\[:`)

// Pattern reads a regular expression as WHMCS keeps it: PHP's, between
// delimiters and with flags behind them, or without either. It answers the
// same as Go has it, and false where there is no such: values would be refused
// that WHMCS takes.
func Pattern(kept string) (string, bool) {
	text, flags := undelimited(strings.TrimSpace(kept))
	if strings.Contains(flags, "u") && unicodeClasses.MatchString(text) {
		return "", false
	}
	if strings.Contains(flags, "A") {
		text = `\A(?:` + text + ")"
	}
	here := ""
	for _, flag := range flags {
		switch {
		case strings.ContainsRune("imsU", flag):
			if !strings.ContainsRune(here, flag) {
				here += string(flag)
			}
		case !strings.ContainsRune("uADSXn", flag): // these change nothing here, or are done
			return "", false
		}
	}
	if here != "" {
		text = "(?" + here + ")" + text
	}
	_, err := regexp.Compile(text)
	return text, err == nil && len(text) <= patternLength
}

// undelimited takes a pattern out of its delimiters. One that has none, or has
// behind them what are no flags, is a pattern as it stands.
func undelimited(kept string) (text, flags string) {
	if kept == "" {
		return "", ""
	}
	end, paired := closing[kept[0]]
	if !paired {
		if end = kept[0]; !strings.Contains(delimiters, string(rune(end))) {
			return kept, ""
		}
	}
	depth := 0
	for i := 1; i < len(kept); i++ {
		switch {
		case kept[i] == '\\':
			i++
		case paired && kept[i] == kept[0]:
			depth++
		case kept[i] == end && depth > 0:
			depth--
		case kept[i] == end:
			if flags = kept[i+1:]; notFlags.MatchString(flags) {
				return kept, ""
			}
			return kept[1:i], flags
		}
	}
	return kept, ""
}

// notFlags finds what no flag is.
var notFlags = regexp.MustCompile(`[^a-zA-Z]`)

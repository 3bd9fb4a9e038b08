package setting

import (
	"strconv"
	"strings"
	"time"

	"clientele/internal/fault"
)

// units are the words for spans of time, the longest first.
var units = []struct {
	one, many string
	span      time.Duration
}{{"day", "days", 24 * time.Hour}, {"hour", "hours", time.Hour}, {"minute", "minutes", time.Minute}}

var errSpan = fault.New(fault.Invalid, "span", "Write a number and a word, like “7 days”, “36 hours” or “90 minutes”.")

// ParseSpan reads a span of time as people write it: "7 days", "1 hour". Its
// bounds are the caller's.
func ParseSpan(typed string) (time.Duration, error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	digits := len(typed) - len(strings.TrimLeft(typed, "0123456789"))
	n, err := strconv.ParseInt(typed[:digits], 10, 32)
	if err != nil || n < 1 || n > 100_000 {
		return 0, errSpan
	}
	word := strings.TrimSpace(typed[digits:])
	for _, u := range units {
		if word == u.one || word == u.many {
			return time.Duration(n) * u.span, nil
		}
	}
	return 0, errSpan
}

// Span writes a span of whole minutes in the longest unit that fits, so that
// ParseSpan reads the same.
func Span(d time.Duration) string {
	for _, u := range units {
		if n := int64(d / u.span); n > 0 && d%u.span == 0 {
			if n == 1 {
				return "1 " + u.one
			}
			return strconv.FormatInt(n, 10) + " " + u.many
		}
	}
	return "0 minutes"
}

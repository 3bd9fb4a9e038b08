package mail

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestWhatServersSayIsOneLine keeps the several lines, and the odd bytes, of a
// mail server's answer.
func TestWhatServersSayIsOneLine(t *testing.T) {
	got := said("550-5.7.26 This mail is unauthenticated,\r\n550 5.7.26 see \x00 the \xff manual")
	if want := "550-5.7.26 This mail is unauthenticated, 550 5.7.26 see the manual"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if long := said(strings.Repeat("é", 2000)); !utf8.ValidString(long) || utf8.RuneCountInString(long) != 500 {
		t.Errorf("a long answer is cut to %d bytes", len(long))
	}
}

package whmcs

import (
	"regexp"
	"strings"
	"testing"
)

// A pattern takes here what it took there, and refuses what it refused.
func TestPatternsMeanWhatTheyMeantThere(t *testing.T) {
	for _, c := range []struct{ kept, takes, refuses string }{
		{`/^[0-9]{4}$/`, "1234", "12345"},
		{"  /^[0-9]{4}$/\n", "1234", "12345"},
		{`#^https?://[a-z.]+/$#i`, "HTTPS://Example.com/", "ftp://example.com/"},
		{`/^https?:\/\/[a-z.]+$/`, "https://example.com", "https:/example.com"},
		{`~^a.b$~s`, "a\nb", "a"},
		{`/^a.b$/`, "a-b", "a\nb"},
		{`/^b$/m`, "a\nb", "ab"},
		{`/^a$/D`, "a", "a\nb"},
		{`/b/A`, "bc", "ab"},
		{`/b|c/A`, "cb", "ab"},
		{`/^.{2}$/u`, "üü", "ü"},
		{`{^a{2}$}`, "aa", "aaa"},
		{`(^a(b)?$)i`, "AB", "abc"},
		{`/^a+?$/U`, "aa", "b"},
		{`%^\d+\%$%`, "5%", "5"},
		{`^[0-9]{4}$`, "1234", "12345"}, // without delimiters
		{`[0-9]+`, "a1", "a"},
		{`\d/\d`, "1/2", "12"},
		{`(a)|(b)`, "b", "c"},
		{`/srv/[a-z]+`, "/srv/www", "/srv/"},
		{`#[0-9]+`, "#5", "5"},
	} {
		re2, ok := Pattern(c.kept)
		if !ok {
			t.Errorf("%q is none", c.kept)
			continue
		}
		re := regexp.MustCompile(re2)
		if !re.MatchString(c.takes) || re.MatchString(c.refuses) {
			t.Errorf("%q became %q: it takes %q: %v, and %q: %v", c.kept, re2, c.takes, re.MatchString(c.takes), c.refuses, re.MatchString(c.refuses))
		}
	}
	if re2, ok := Pattern(""); re2 != "" || !ok {
		t.Errorf("no pattern became %q, %v", re2, ok)
	}
}

// A pattern that would refuse here what it took there is none.
func TestPatternsThatCannotBeReadAreNone(t *testing.T) {
	for _, kept := range []string{
		`/^(?!0)[0-9]+$/`, `/^(.)\1$/`, `/^[0-9]++$/`, `/^ a $/x`, `/a/e`, `/a/J`, `/a(/`, `a(`, `/^\w+$/u`, `/\bMüller\b/u`, `/[[:alpha:]]/u`,
		"/" + strings.Repeat("a", 600) + "/", `/a{1001}/`, `/a\Z/`,
	} {
		if re2, ok := Pattern(kept); ok {
			t.Errorf("%.40q became %.40q", kept, re2)
		}
	}
}

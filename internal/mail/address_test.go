package mail

import (
	"strings"
	"testing"
)

func TestT098_OneIdentityPerCanonicalAddress(t *testing.T) {
	for in, want := range map[string]string{
		"Nina@Example.ORG":           "nina@example.org",
		" nina@example.org ":         "nina@example.org",
		"nina+tag@example.org":       "nina+tag@example.org",
		"n.i.n.a@example.org":        "n.i.n.a@example.org",
		"nina@Bücher.example":        "nina@xn--bcher-kva.example",
		"nina@xn--bcher-kva.EXAMPLE": "nina@xn--bcher-kva.example",
		"o'hara@example.org":         "o'hara@example.org",
		"a@b.co":                     "a@b.co",
	} {
		got, err := ParseAddress(in)
		if err != nil || got.String() != want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

// hostile is input that some parser somewhere reads as an address.
var hostile = []string{
	"", "nina", "@example.org", "nina@", "nina@example", "nina@example.org,bob@example.org", "nina@example.org;bob@x.org",
	"nina@example.org bob@x.org", "nina@x.org\nbob@x.org", "nina@x.org\r\nBcc: eve@evil.example", "<nina@x.org>", "Nina <nina@x.org>",
	"nina@x.org>\r\nDATA", "\"nina\r\n\"@x.org", "\"a b\"@x.org", "nina@@x.org", "a@b@c.org", "nina@x.org\x00", "nina\u2028@x.org",
	"nina＠x.org", "ni\u212aa@x.org", "\u017fam@x.org", "n\u0131na@x.org", "nina@x\u3002org", "nina@ｘ.org", "nina@[127.0.0.1]", "nina@127.0.0.1",
	"nina@x..org", "nina@.x.org", "nina@x.org.", "nina@-x.org", ".nina@x.org", "nina.@x.org", "ni..na@x.org", "nina(comment)@x.org",
	"nina@x.org(comment)", "nina%40x.org@evil.example\n", "nina\t@x.org", "nina@x_y.org", strings.Repeat("a", 65) + "@x.org", "a@" + strings.Repeat("b", 64) + ".org",
	"=?utf-8?q?x?=@x.org\r", "nina\u200b@x.org", "nina@x\u200b.org", "nina@x.org\u202e",
}

func TestT024_T025_T026_WhatIsNotOneBareAddressIsRefused(t *testing.T) {
	for _, in := range hostile {
		if got, err := ParseAddress(in); err == nil {
			t.Errorf("ParseAddress(%q) = %q, want a refusal", in, got)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, in := range append(hostile, "nina@example.org", "nina@bücher.example") {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := ParseAddress(in)
		if err != nil {
			return
		}
		s := got.String()
		if strings.Count(s, "@") != 1 || len(s) > MaxAddress || strings.ContainsAny(s, " \t\r\n<>(),;:\\\"[]\x00") {
			t.Fatalf("ParseAddress(%q) = %q", in, s)
		}
		for _, c := range []byte(s) {
			if c <= ' ' || c > '~' || 'A' <= c && c <= 'Z' {
				t.Fatalf("ParseAddress(%q) = %q", in, s)
			}
		}
		again, err := ParseAddress(s)
		if err != nil || again != got {
			t.Fatalf("%q is not stable: %q, %v", s, again, err)
		}
	})
}

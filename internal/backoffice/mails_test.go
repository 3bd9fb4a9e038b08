package backoffice

import (
	"fmt"
	"testing"
)

func TestOnlyOurLinksAreLinks(t *testing.T) {
	const ours = "https://host.example"
	for line, want := range map[string]string{
		"see https://host.example/i/abc now":      "[{see  false} {https://host.example/i/abc true} { now false}]",
		"https://host.example.evil.example/i/abc": "[{https://host.example.evil.example/i/abc false}]",
		"https://evil.example/i/abc":              "[{https://evil.example/i/abc false}]",
		`<a href="https://host.example/x">`:       `[{<a href=" false} {https://host.example/x true} {"> false}]`,
		"nothing":                                 "[{nothing false}]",
	} {
		if got := fmt.Sprint(pieces(line, ours)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
	if got := fmt.Sprint(pieces("https://host.example/i/abc", "")); got != "[{https://host.example/i/abc false}]" {
		t.Errorf("a message that was not kept has a link: %s", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0 users", 1: "1 user", 999: "999 users", 1000: "1,000 users", 1234567: "1,234,567 users"} {
		if got := count(n, "user", "users"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

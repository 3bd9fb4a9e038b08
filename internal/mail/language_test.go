package mail

import (
	"context"
	"strings"
	"testing"

	"clientele/internal/locale"
)

// What the layout says itself, and the word about an operator who acted for
// somebody, are in the language of the message; names in them stay names.
func TestT023_ALetterIsWhollyInOneLanguage(t *testing.T) {
	support, err := ParseAddress("help@northbeam.example")
	if err != nil {
		t.Fatal(err)
	}
	now := Sending{Brand: "Northbeam", Support: support, Languages: locale.Allowed{"de": true}}
	ctx := OnBehalf(context.Background(), "Sam <b>{brand}</b> evil.example", "Northbeam", "Anna")
	for language, want := range map[string][]string{
		"de": {`lang="de"`, "Wenn der Knopf nicht geht, öffnen Sie diese Adresse: https://x.example/t", "Fragen? Schreiben Sie an help@northbeam.example", "von Northbeam hat das im Namen von Anna getan."},
		"fr": {`lang="en"`, "If the button does not work, open this address: https://x.example/t", "Questions? Write to help@northbeam.example", "of Northbeam did this on behalf of Anna."},
	} {
		m := Message{Language: language, Subject: locale.T("Sign in"), Action: Action{Label: locale.T("Sign in"), URL: "https://x.example/t"}}
		got, err := m.signed(ctx).render(ctx, now)
		if err != nil {
			t.Fatal(err)
		}
		for n, part := range want {
			if !strings.Contains(got.HTML, part) || n > 1 && !strings.Contains(got.Text, part) {
				t.Errorf("%s: %q is missing in\n%s\n%s", language, part, got.Text, got.HTML)
			}
		}
		if strings.Contains(got.Text, "evil.example") || strings.Contains(got.HTML, "<b>") || !strings.Contains(got.Text, "{brand}") {
			t.Errorf("%s: a name is more than one in\n%s", language, got.Text)
		}
	}
}

package locale

import (
	"testing"
	"time"
)

func TestATextIsWrittenInTheLanguageOfItsReader(t *testing.T) {
	at := time.Date(2026, time.March, 9, 12, 5, 0, 0, time.FixedZone("", 3600))
	until := T("The link works once, until {time}.", "time", at)
	list := List(Label("See services"), Label("Manage services"))
	for _, c := range []struct {
		what   string
		text   Text
		en, de string
	}{
		{"a sentence", T("Sign in"), "Sign in", "Anmelden"},
		{"a point in time", until, "The link works once, until 9 March 2026, 11:05 UTC.", "Der Link funktioniert einmal, bis zum 9. März 2026, 11:05 Uhr UTC."},
		{"several", Sentences(T("Sign in"), AsIs("x"), T("Reason")), "Sign in x Reason", "Anmelden x Grund"},
		{"a list", list, "See services, manage services", "Dienste ansehen, Dienste verwalten"},
		{"a text in a text", T("Hello {name},", "name", T("{brand} support", "brand", "X")), "Hello X support,", "Guten Tag X (Support),"},
		{"a number", T("{account}, number {number}", "account", "A", "number", int64(7)), "A, number 7", "A, Nummer 7"},
		{"what nobody has translated", T("A sentence of tomorrow"), "A sentence of tomorrow", "A sentence of tomorrow"},
		{"a name that is a sentence too", AsIs("Sign in"), "Sign in", "Sign in"},
		{"a name that looks like a place", T("{account}, number {number}", "account", "{number}", "number", "{account}"), "{number}, number {account}", "{number}, Nummer {account}"},
	} {
		if got := c.text.In(Words{}); got != c.en {
			t.Errorf("%s: %q, want %q", c.what, got, c.en)
		}
		if got := c.text.In(In("de")); got != c.de {
			t.Errorf("%s in German: %q, want %q", c.what, got, c.de)
		}
	}
	if !(Text{}).IsZero() || until.IsZero() || list.IsZero() {
		t.Error("what is nothing is told badly from what is something")
	}
}

func TestOnlyAllowedLanguagesAreUsed(t *testing.T) {
	german := Allowed{"de": true}
	for _, c := range []struct {
		allowed   Allowed
		has, want string
	}{{nil, "de", "en"}, {Allowed{"de": false}, "de", "en"}, {german, "de", "de"}, {german, "", "en"}, {german, "fr", "en"}, {Allowed{"fr": true}, "fr", "en"}} {
		if got := c.allowed.Words(c.has).Key(); got != c.want {
			t.Errorf("with %v, who has %q gets %q, want %q", c.allowed, c.has, got, c.want)
		}
	}
	if got := german.Choices("fr"); len(got) != 3 || got[1] != (Choice{"de", "Deutsch"}) || got[2].Name != "français (not translated yet: English is used)" {
		t.Errorf("to choose from there are %v", got)
	}
	if got := (Allowed{}).Choices("de"); len(got) != 2 || got[1].Name != "Deutsch (not used here: mail comes in English)" {
		t.Errorf("without German there are %v", got)
	}
}

package locale

import (
	"slices"
	"strings"
	"testing"
)

func TestCountriesAreTheOnesThatABillCanBeSentTo(t *testing.T) {
	list := Countries()
	if n := len(list); n < 240 || n > 255 {
		t.Errorf("%d countries, want about 249", n)
	}
	for _, key := range []string{"DE", "NL", "US", "GB", "JP", "BR", "XK"} {
		if !IsCountry(key) {
			t.Errorf("%s is a country", key)
		}
	}
	for _, key := range []string{"", "ZZ", "EU", "UK", "de", "DDR", "D", "SU", "AN"} {
		if IsCountry(key) {
			t.Errorf("%s is no country", key)
		}
	}
}

func TestEveryCurrencyIsOne(t *testing.T) {
	for _, c := range Currencies() {
		if !IsCurrency(c.Key) {
			t.Errorf("%s is not in ISO 4217", c.Key)
		}
	}
	for _, c := range strings.Fields("EUR BDT PKR LKR VES KWD XOF") {
		if !IsCurrency(c) {
			t.Errorf("%s is a currency", c)
		}
	}
	if list := Currencies(); list[0].Key != DefaultCurrency || len(list) < 150 || len(list) > 180 {
		t.Errorf("%d currencies, the first of them %s", len(list), list[0].Key)
	} else if rest := list[len(firstCurrencies):]; !slices.IsSortedFunc(rest, func(a, b Choice) int { return strings.Compare(a.Key, b.Key) }) {
		t.Errorf("the others stand in the order %v", rest)
	}
	if IsCurrency("XXX") || IsCurrency("eur") || IsCurrency("DEM") || IsCurrency("XAU") || IsCurrency("") {
		t.Error("what is no currency passes")
	}
}

func TestLanguagesOfWHMCSAreKept(t *testing.T) {
	for name, want := range map[string]string{"german": "de", "English": "en", " Portuguese-BR ": "pt-BR", "FARSI": "fa", "norwegian": "nb", "chinese": "zh"} {
		if key, ok := LanguageNamed(name); !ok || key != want || !IsLanguage(key) {
			t.Errorf("%q is %q, want %q", name, key, want)
		}
	}
	for _, name := range []string{"", "klingon", "de"} {
		if key, ok := LanguageNamed(name); ok {
			t.Errorf("%q is %q", name, key)
		}
	}
	for name, key := range named {
		if own := Allowed(nil).Name(key); own == key || strings.HasPrefix(own, " ") {
			t.Errorf("%s has no name of its own: %q", name, own)
		}
	}
	if got := Allowed(nil).Name("pt-BR"); got != "português (not translated yet: English is used)" {
		t.Errorf("pt-BR is %q", got)
	}
	if IsLanguage("") || IsLanguage("xx") || IsLanguage("DE") {
		t.Error("what is no language passes")
	}
}

func TestWhoHasALanguageCanKeepIt(t *testing.T) {
	keys := func(held ...string) (out []string) {
		for _, c := range Allowed(nil).Choices(held...) {
			out = append(out, c.Key)
		}
		return out
	}
	for _, one := range []struct{ held, want []string }{
		{nil, []string{"en"}},
		{[]string{"en", "", "xx"}, []string{"en"}},
		{[]string{"de", "de"}, []string{"en", "de"}},
	} {
		if got := keys(one.held...); !slices.Equal(got, one.want) {
			t.Errorf("with %v: %v, want %v", one.held, got, one.want)
		}
	}
}

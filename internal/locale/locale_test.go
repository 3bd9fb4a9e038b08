package locale

import "testing"

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
	if IsCurrency("XXX") || IsCurrency("eur") || IsCurrency("") {
		t.Error("what is no currency passes")
	}
}

// Package locale is what differs from country to country: languages,
// countries, currencies, and how dates are written.
package locale

import (
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Default is the language of whoever has not chosen one.
const Default = "en"

// Languages are the languages in which pages and mail exist, by key, with
// the name that the language has in itself.
var Languages = map[string]string{"en": "English"}

// A Choice is one entry of a list to choose from.
type Choice struct{ Key, Name string }

// currencies are the ones on offer when an account is opened: ISO 4217, those
// that most hosting companies charge in first.
var currencies = strings.Fields("EUR USD GBP AUD BRL CAD CHF CNY CZK DKK HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PHP PLN RON SEK SGD THB TRY UAH VND ZAR AED SAR BGN CLP COP PEN EGP KES NGN")

// DefaultCurrency is offered first.
const DefaultCurrency = "EUR"

// Currencies lists the currencies that an account can be kept in.
func Currencies() []Choice {
	out := make([]Choice, len(currencies))
	for i, c := range currencies {
		out[i] = Choice{c, c}
	}
	return out
}

// IsCurrency reports whether s is a currency of ISO 4217 on the list.
func IsCurrency(s string) bool {
	_, err := currency.ParseISO(s)
	return err == nil && slices.Contains(currencies, s)
}

// Countries lists the countries of ISO 3166-1 by their English names.
func Countries() []Choice {
	names := display.English.Regions()
	out := []Choice{}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			key := string([]rune{a, b})
			if IsCountry(key) {
				out = append(out, Choice{key, names.Name(language.MustParseRegion(key))})
			}
		}
	}
	slices.SortFunc(out, func(x, y Choice) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// notCountries parse as regions of their own but are none that a bill can be
// sent to.
var notCountries = map[string]bool{"AC": true, "AN": true, "BU": true, "CS": true, "DD": true, "FX": true, "NT": true, "SU": true, "TP": true, "YD": true, "YU": true, "ZR": true, "CP": true, "FQ": true, "PC": true, "CQ": true, "DG": true, "EA": true, "EU": true, "EZ": true, "IC": true, "QO": true, "TA": true, "UN": true, "XA": true, "XB": true, "ZZ": true}

// IsCountry reports whether s is the two-letter code of a country.
func IsCountry(s string) bool {
	if len(s) != 2 || notCountries[s] {
		return false
	}
	r, err := language.ParseRegion(s)
	return err == nil && r.IsCountry() && r.String() == s && r.Canonicalize() == r
}

// LanguageChoices lists the languages by key.
func LanguageChoices() []Choice {
	out := []Choice{}
	for _, key := range slices.Sorted(maps.Keys(Languages)) {
		out = append(out, Choice{key, Languages[key]})
	}
	return out
}

// Exact writes a point in time in full, for mails and for the text behind
// relative times.
func Exact(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

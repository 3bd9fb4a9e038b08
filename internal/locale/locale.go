// Package locale is what differs from country to country: languages,
// countries, currencies, and how dates are written.
package locale

import (
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Default is the language of whoever has not chosen one.
const Default = "en"

// A Choice is one entry of a list to choose from.
type Choice struct{ Key, Name string }

// firstCurrencies are the ones that most hosting companies charge in.
var firstCurrencies = strings.Fields("EUR USD GBP AUD BRL CAD CHF CNY CZK DKK HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PHP PLN RON SEK SGD THB TRY UAH VND ZAR AED SAR BGN CLP COP PEN EGP KES NGN")

// newCurrencies came into ISO 4217 after the table that the library has.
var newCurrencies = strings.Fields("MRU SLE STN VED VES XCG ZWG")

// DefaultCurrency is offered first.
const DefaultCurrency = "EUR"

// allCurrencies are the currencies of ISO 4217 that are in use: those that
// are charged in most come first.
var allCurrencies = sync.OnceValue(func() []string {
	rest := slices.Clone(newCurrencies)
	for list := currency.Query(); list.Next(); {
		rest = append(rest, list.Unit().String())
	}
	slices.Sort(rest)
	rest = slices.DeleteFunc(slices.Compact(rest), func(c string) bool { return slices.Contains(firstCurrencies, c) })
	return slices.Concat(firstCurrencies, rest)
})

// Currencies lists the currencies that an account can be kept in.
func Currencies() []Choice {
	out := []Choice{}
	for _, c := range allCurrencies() {
		out = append(out, Choice{c, c})
	}
	return out
}

// IsCurrency reports whether s is a currency of ISO 4217 on the list.
func IsCurrency(s string) bool { return slices.Contains(allCurrencies(), s) }

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

// CountryName is a country's English name; its code where it has none.
func CountryName(key string) string {
	if !IsCountry(key) {
		return key
	}
	return display.English.Regions().Name(language.MustParseRegion(key))
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

// Exact writes a point in time in full, for mails and for the text behind
// relative times.
func Exact(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

package locale

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Languages are the languages in which pages and mail exist, by key, with
// the name that the language has in itself.
var Languages = map[string]string{"en": "English"}

// named are the languages that WHMCS knows, by its names for them. A person
// or an account keeps the one that it came with, so that it takes effect once
// there are pages in it.
var named = map[string]string{
	"arabic": "ar", "azerbaijani": "az", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da",
	"dutch": "nl", "english": "en", "estonian": "et", "farsi": "fa", "french": "fr", "german": "de", "hebrew": "he",
	"hungarian": "hu", "italian": "it", "macedonian": "mk", "norwegian": "nb", "portuguese-br": "pt-BR", "portuguese-pt": "pt-PT",
	"romanian": "ro", "russian": "ru", "spanish": "es", "swedish": "sv", "turkish": "tr", "ukrainian": "uk",
}

// LanguageNamed is the key, in BCP 47, of a language that WHMCS has named.
func LanguageNamed(name string) (key string, ok bool) {
	key, ok = named[strings.ToLower(strings.TrimSpace(name))]
	return key, ok
}

// IsLanguage reports whether somebody can have the language: pages exist in
// it, or may exist one day.
func IsLanguage(key string) bool {
	return Languages[key] != "" || slices.Contains(slices.Collect(maps.Values(named)), key)
}

// LanguageName is the name that a language has in itself, and a word about it
// where pages do not exist in it.
func LanguageName(key string) string {
	switch {
	case Languages[key] != "":
		return Languages[key]
	case !IsLanguage(key):
		return key
	}
	return display.Self.Name(language.MustParse(key)) + " (not translated yet: English is used)"
}

// LanguageChoices lists the languages in which pages exist, and the ones that
// are held by whoever chooses, so that choosing nothing else keeps them.
func LanguageChoices(held ...string) []Choice {
	keys := slices.Sorted(maps.Keys(Languages))
	for _, key := range held {
		if IsLanguage(key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	out := []Choice{}
	for _, key := range keys {
		out = append(out, Choice{key, LanguageName(key)})
	}
	return out
}

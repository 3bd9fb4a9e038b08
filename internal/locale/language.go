package locale

import (
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// named are the languages that WHMCS knows, by its names for them. A person
// or an account keeps the one that it came with, so that it takes effect once
// there is mail in it and the operator allows it.
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

// IsLanguage reports whether somebody can have the language: mail exists in
// it, or may exist one day.
func IsLanguage(key string) bool {
	return slices.Contains(slices.Collect(maps.Values(named)), key)
}

// Name is the name that a language has in itself, and a word about it where
// mail does not come in it.
func (a Allowed) Name(key string) string {
	if !IsLanguage(key) {
		return key
	}
	name := display.Self.Name(language.MustParse(key))
	switch {
	case key == Default || a.Words(key).Key() == key:
		return name
	case In(key).Key() == key:
		return name + " (not used here: mail comes in English)"
	}
	return name + " (not translated yet: English is used)"
}

// Choices lists the languages in which mail comes, and the ones that are held
// by whoever chooses, so that choosing nothing else keeps them.
func (a Allowed) Choices(held ...string) []Choice {
	keys := []string{Default}
	for _, t := range tongues() {
		if a[t.key] {
			keys = append(keys, t.key)
		}
	}
	for _, key := range held {
		if IsLanguage(key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	out := []Choice{}
	for _, key := range keys {
		out = append(out, Choice{key, a.Name(key)})
	}
	return out
}

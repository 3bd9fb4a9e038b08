package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Text is what a mail says, before it is known in which language its reader
// reads: a sentence in English, which finds it in the other languages, and
// what stands in the places that it keeps open.
type Text struct {
	sentence string
	values   []any
	asIs     bool   // the sentence is the same in every language
	parts    []Text // several sentences, or the entries of a list
	list     bool
}

// T is a sentence with places in it: T("{name} invites you", "name", name).
// What fills them is a string, a number, a point in time or another Text. A
// test holds every sentence against the other languages, so it is a constant.
func T(sentence string, values ...any) Text { return Text{sentence: sentence, values: values} }

// AsIs is what stands in a mail the same in every language: a name, a number,
// and what operators alone read, which is English.
func AsIs(s string) Text { return Text{sentence: s, asIs: true} }

// At is a point in time by itself.
func At(t time.Time) Text { return Text{sentence: "{time}", values: []any{"time", t}} }

// Label is a word out of a table that pages show too, like what a permission
// is called. The test of the sentences knows the tables.
func Label(word string) Text { return Text{sentence: word} }

// Sentences are several, one after the other.
func Sentences(parts ...Text) Text { return Text{parts: parts} }

// List is several words with commas between them.
func List(parts ...Text) Text { return Text{parts: parts, list: true} }

// IsZero reports whether there is nothing.
func (t Text) IsZero() bool { return t.sentence == "" && len(t.parts) == 0 }

// In writes the text in a language. What fills a place is put there as it is,
// whatever it looks like: braces in a name are no place.
func (t Text) In(w Words) string {
	if len(t.parts) > 0 {
		var out []string
		for n, p := range t.parts {
			out = append(out, w.joined(p.In(w), t.list && n > 0))
		}
		if t.list {
			return strings.Join(out, ", ")
		}
		return strings.Join(out, " ")
	}
	if t.asIs {
		return t.sentence
	}
	var pairs []string
	for n := 0; n+1 < len(t.values); n += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(t.values[n])+"}", w.value(t.values[n+1]))
	}
	return strings.NewReplacer(pairs...).Replace(w.sentence(t.sentence))
}

// Words are one language's. The zero value is English.
type Words struct{ of *tongue }

// A tongue is a language beyond English in which mail can be written.
type tongue struct {
	key       string
	name      string // in English, for operators
	exact     func(time.Time) string
	sentences map[string]string // by the English ones
}

// Key is the language in BCP 47.
func (w Words) Key() string {
	if w.of == nil {
		return Default
	}
	return w.of.key
}

// Exact writes a point in time in full.
func (w Words) Exact(t time.Time) string {
	if w.of == nil {
		return Exact(t)
	}
	return w.of.exact(t)
}

func (w Words) sentence(english string) string {
	if w.of != nil {
		if own, ok := w.of.sentences[english]; ok {
			return own
		}
	}
	return english
}

// joined is an entry of a list as it stands behind another one. English has a
// small letter there.
func (w Words) joined(entry string, behind bool) string {
	if behind && w.of == nil && entry != "" {
		return strings.ToLower(entry[:1]) + entry[1:]
	}
	return entry
}

func (w Words) value(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Text:
		return v.In(w)
	case time.Time:
		return w.Exact(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v)
}

//go:embed messages
var files embed.FS

var germanMonths = strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")

func german(t time.Time) string {
	t = t.UTC()
	return t.Format("2. ") + germanMonths[t.Month()-1] + t.Format(" 2006, 15:04") + " Uhr UTC"
}

// tongues are the languages beyond English. One more is an entry here and a
// file of its sentences.
var tongues = sync.OnceValue(func() []*tongue {
	list := []*tongue{{key: "de", name: "German", exact: german}}
	for _, t := range list {
		text, err := files.ReadFile(path.Join("messages", t.key+".json"))
		if err == nil {
			err = json.Unmarshal(text, &t.sentences)
		}
		if err != nil {
			panic("locale: the sentences of " + t.key + " cannot be read: " + err.Error())
		}
	}
	return list
})

// A Tongue is a language beyond English in which mail can be written, for
// operators, who allow it, and for the test of its sentences.
type Tongue struct {
	Choice    // its name is English
	Sentences map[string]string
}

// Tongues lists the languages beyond English in which mail can be written.
func Tongues() (list []Tongue) {
	for _, t := range tongues() {
		list = append(list, Tongue{Choice{t.key, t.name}, t.sentences})
	}
	return list
}

// Allowed are the languages beyond English that the operator allows for mail.
type Allowed map[string]bool

// Words are the ones of whoever has chosen a language: English where mail does
// not exist in it, or where it is not allowed.
func (a Allowed) Words(key string) Words {
	if !a[key] {
		return Words{}
	}
	return In(key)
}

// In are a language's words; English ones where mail does not exist in it.
func In(key string) Words {
	for _, t := range tongues() {
		if t.key == key {
			return Words{t}
		}
	}
	return Words{}
}

package account

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A FieldKind is what a field of the operator's own asks for.
type FieldKind struct{ Key, Label string }

// FieldKinds lists the kinds of fields.
var FieldKinds = []FieldKind{
	{"text", "One line of text"},
	{"lines", "Several lines"},
	{"link", "A web address"},
	{"choice", "One of a list"},
	{"tick", "A box to tick"},
	{"secret", "A secret: staff see it when they ask for it, and nobody else"},
}

// How long what is typed into a field may be, and its pattern.
const (
	lineLength    = 500
	linesLength   = 5000
	patternLength = 500
)

// A TypedField is a field as somebody typed it.
type TypedField struct {
	Name, Kind, Description, Options, Pattern string
	StaffOnly, Required                       bool
}

// Parse reads a field; what is wrong stands beside each part of it.
func (t TypedField) Parse() (d Field, err error) {
	var f fault.Form
	d.StaffOnly, d.Required = t.StaffOnly, t.Required
	d.Name, err = plain.Name(t.Name)
	f.Take("name", err)
	d.Description, err = plain.Line(t.Description, lineLength)
	f.Take("description", err)
	if d.Kind = t.Kind; !slices.ContainsFunc(FieldKinds, func(k FieldKind) bool { return k.Key == t.Kind }) {
		f.Add("kind", "Choose one of the kinds.")
	}
	if t.Kind == "choice" {
		d.Options, err = parseOptions(t.Options)
		f.Take("options", err)
	}
	if takesPattern(t.Kind) {
		if d.Pattern = strings.TrimSpace(t.Pattern); len(d.Pattern) > patternLength {
			f.Add("pattern", "A pattern has at most 500 characters.")
		} else if _, err := regexp.Compile(d.Pattern); err != nil {
			f.Add("pattern", "This is no regular expression as RE2 has them: "+strings.TrimPrefix(err.Error(), "error parsing regexp: ")+".")
		}
	}
	return d, f.Err()
}

func takesPattern(kind string) bool { return kind == "text" || kind == "lines" || kind == "secret" }

func parseOptions(typed string) (string, error) {
	text, err := plain.Text(typed, linesLength)
	if err != nil {
		return "", err
	}
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	if len(out) == 0 {
		return "", fault.Field("options", "Write at least one choice, each on a line of its own.")
	}
	return strings.Join(out, "\n"), nil
}

// Choices are what one can choose from.
func (d Field) Choices() []string {
	if d.Options == "" {
		return nil
	}
	return strings.Split(d.Options, "\n")
}

// Input is the name of the field in forms.
func (d Field) Input() string { return "field-" + id.String(d.ID) }

// Read reads what was typed into the field. An empty value is what nobody has
// to give.
func (d Field) Read(typed string) (value string, err error) {
	switch d.Kind {
	case "tick":
		if typed != "" {
			return "yes", nil
		}
		return "", nil
	case "lines":
		value, err = plain.Text(typed, linesLength)
	default:
		value, err = plain.Line(typed, lineLength)
	}
	if err != nil || value == "" {
		return value, err
	}
	return value, d.fits(value)
}

// fits holds a value against the field's kind and pattern.
func (d Field) fits(value string) error {
	switch d.Kind {
	case "choice":
		if !slices.Contains(d.Choices(), value) {
			return &fault.Error{Code: fault.Invalid, Reason: "choice", Text: "Choose one of the list."}
		}
	case "link":
		if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return &fault.Error{Code: fault.Invalid, Reason: "link", Text: "Type a web address, beginning with https://."}
		}
	}
	if d.Pattern == "" || !takesPattern(d.Kind) {
		return nil
	}
	// A pattern that came in from another system may be none here: it binds
	// nobody until it is mended.
	if re, err := regexp.Compile(d.Pattern); err == nil && !re.MatchString(value) {
		return &fault.Error{Code: fault.Invalid, Reason: "pattern", Text: strings.TrimSpace("This does not have the form that is asked for. " + d.Description)}
	}
	return nil
}

// BadPattern reports whether the field has a pattern that is none here, as may
// come in from another system.
func (d Field) BadPattern() bool {
	_, err := regexp.Compile(d.Pattern)
	return err != nil
}

// Has reports whether a value is among the choices.
func (d Field) Has(value string) bool { return slices.Contains(d.Choices(), value) }

package ui

import (
	"context"
	"strconv"
	"strings"
)

// FieldProps describes one field.
type FieldProps struct {
	Name, Label, Type, Value, Hint, Error string
	Autocomplete, Placeholder, Inputmode  string
	Required, Autofocus, ReadOnly         bool
	Sometimes                             bool // needed with one of the form's choices, and so not called optional
	MaxLength                             int
	Rows                                  int // above zero: several lines
}

// SelectProps describes a choice of one from a list.
type SelectProps struct {
	Name, Label, Value, Hint, Error string
	Options                         []Option
}

// Option is one choice of a Select.
type Option struct{ Value, Label string }

// CheckProps describes one box or one radio button.
type CheckProps struct {
	Name, Value, Label, Hint string
	Error                    string
	Checked, Disabled        bool
	Required                 bool
	Needs                    string // values that this one needs ticked, separated by spaces
	Reveals                  string // id of the part of the form shown only while this one is chosen
}

// FormProps describes a form.
type FormProps struct {
	Action  string
	Account string // number of the account that the form belongs to
	Next    string // where to go afterwards
	Class   string
	Files   bool // it has a field for a file
}

// fieldIDs are the ids that tie a field to its label, hint and error.
type fieldIDs struct{ input, hint, err string }

func newFieldIDs(ctx context.Context, parts ...string) fieldIDs {
	id := uniqueID(ctx, parts...)
	return fieldIDs{id, id + "-hint", id + "-error"}
}

// describedBy lists the ids of what there is to read about the field.
func (f fieldIDs) describedBy(hint, err string) string {
	var ids []string
	if err != "" {
		ids = append(ids, f.err)
	}
	if hint != "" {
		ids = append(ids, f.hint)
	}
	return strings.Join(ids, " ")
}

func (f FieldProps) inputType() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// shownValue is what was typed before, save for secrets: those are typed again.
func (f FieldProps) shownValue() string {
	if f.Type == "password" {
		return ""
	}
	return f.Value
}

// verbatim reports whether the browser must not improve what is typed.
func (f FieldProps) verbatim() bool {
	return f.Type == "email" || f.Type == "password" || f.Autocomplete == "username"
}

func (f FieldProps) maxLength() string {
	return strconv.Itoa(f.MaxLength)
}

// A Hidden is what a form sends along without showing it.
type Hidden struct{ Name, Value string }

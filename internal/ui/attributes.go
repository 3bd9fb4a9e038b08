package ui

import "github.com/a-h/templ"

// noteAttributes tie a field to its hint and its error.
func noteAttributes(ids fieldIDs, hint, err string) templ.Attributes {
	a := templ.Attributes{}
	if by := ids.describedBy(hint, err); by != "" {
		a["aria-describedby"] = by
	}
	if err != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

// fieldAttributes are those that an input and a textarea have in common.
func fieldAttributes(f FieldProps, ids fieldIDs) templ.Attributes {
	a := noteAttributes(ids, f.Hint, f.Error)
	a["id"], a["name"] = ids.input, f.Name
	a["required"], a["autofocus"], a["readonly"] = f.Required, f.Autofocus, f.ReadOnly
	setIf(a, "autocomplete", f.Autocomplete)
	setIf(a, "placeholder", f.Placeholder)
	setIf(a, "inputmode", f.Inputmode)
	if f.MaxLength > 0 {
		a["maxlength"] = f.maxLength()
	}
	if f.verbatim() {
		a["autocapitalize"], a["spellcheck"] = "none", "false"
	}
	return a
}

// tickAttributes are those of a box beyond its name and value.
func tickAttributes(c CheckProps, ids fieldIDs) templ.Attributes {
	a := noteAttributes(ids, c.Hint, c.Error)
	a["required"] = c.Required
	setIf(a, "data-needs", c.Needs)
	setIf(a, "data-reveals", c.Reveals)
	return a
}

func setIf(a templ.Attributes, name, value string) {
	if value != "" {
		a[name] = value
	}
}

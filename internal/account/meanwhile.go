package account

import "strings"

// Texts are the typed details by the names of their fields.
func (t Typed) Texts() map[string]string {
	return map[string]string{
		"name": t.Name, "company": t.Company, "address": t.Address, "line1": t.Line1, "line2": t.Line2, "city": t.City,
		"region": t.Region, "postcode": t.Postcode, "country": t.Country, "phone": t.Phone, "tax_number": t.TaxNumber,
		"currency": t.Currency, "language": t.Language,
	}
}

// A Meanwhile is what somebody else has saved, by the names of the fields, while
// a form was being filled in with something else.
type Meanwhile map[string]string

// MeanwhileText stands above a form that shows what was saved meanwhile: saving
// it once more is a decision.
const MeanwhileText = "Somebody else changed these details while you were editing. What is saved now stands below each field that differs. Save once more to replace it."

// Since is what is saved in the fields where something else was typed.
func (t Typed) Since(saved Typed) Meanwhile {
	return since(t.Texts(), saved.Texts(), t.Kinds, saved.Kinds)
}

// Since is what is saved in the fields where something else was typed.
func (t TypedContact) Since(saved TypedContact) Meanwhile {
	return since(t.Texts(), saved.Texts(), t.Kinds, saved.Kinds)
}

func since(was, saved map[string]string, ticked, kept []string) Meanwhile {
	out := Meanwhile{}
	for name, now := range saved {
		if now != was[name] {
			out[name] = now
		}
	}
	is, _ := ParseKinds(kept)
	if before, err := ParseKinds(ticked); err != nil || before != is {
		out["kinds"] = is.String()
	}
	return out
}

// String says kinds of mail in words; it is empty for none.
func (k Kinds) String() string {
	var out []string
	for _, kind := range AllKinds {
		if k.Has(kind) {
			out = append(out, kind.Label)
		}
	}
	return strings.Join(out, ", ")
}

// Hint is what stands below a field: what was saved meanwhile, or else its own
// hint.
func (m Meanwhile) Hint(name, hint string) string {
	saved, ok := m[name]
	switch {
	case !ok:
		return hint
	case saved == "":
		return "Saved meanwhile: nothing."
	}
	return "Saved meanwhile: " + saved
}

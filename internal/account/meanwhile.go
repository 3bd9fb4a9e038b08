package account

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
	was, out := t.Texts(), Meanwhile{}
	for name, now := range saved.Texts() {
		if now != was[name] {
			out[name] = now
		}
	}
	return out
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

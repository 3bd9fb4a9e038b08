package web

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/fault"
)

// ReadRole reads the choice of a role and an end from a form. The choice comes
// back as it was typed also where something is wrong with it.
func (r *Request) ReadRole() (role access.Role, ends db.Null[time.Time], c RoleChoice, err error) {
	c = RoleChoice{Role: r.Value("role"), Keys: r.Values("permissions"), Ends: r.Value("ends")}
	role, err = access.ParseRole(c.Role, c.Keys)
	if c.Ends != "" {
		day, bad := time.Parse(time.DateOnly, c.Ends)
		if bad != nil || day.Year() > 9000 {
			err = Join(err, fault.Field("ends", "Write the day as year-month-day, like 2027-01-31."))
		}
		ends = db.Some(day.UTC())
	}
	return role, ends, c, err
}

// FieldErrors are the sentences that stand beside the fields of a form, and
// the one that stands above it.
func FieldErrors(err error) (fields map[string]string, above string) {
	e, ok := fault.Of(err)
	if !ok {
		return nil, ""
	}
	if len(e.Fields) > 0 {
		return e.Fields, ""
	}
	return nil, e.Text
}

// Mendable reports whether the person can mend the input and send the form
// again, so that it is shown once more with all that was typed.
func Mendable(err error) bool {
	e, ok := fault.Of(err)
	if !ok {
		return false
	}
	switch e.Code {
	case fault.Invalid, fault.TooMany:
		return true
	case fault.Conflict:
		return e.Reason != "account-closed" && e.Reason != "account-mismatch"
	case fault.Denied:
		return e.Reason == "grant-exceeds-own"
	}
	return false
}

// InField is an error beside a field; nil stays nil.
func InField(field string, err error) error {
	var f fault.Form
	f.Take(field, err)
	return f.Err()
}

// Join is several inputs' errors as those of one form.
func Join(errs ...error) error {
	var f fault.Form
	for _, err := range errs {
		e, ok := fault.Of(err)
		if err != nil && (!ok || len(e.Fields) == 0) {
			return err
		}
		if ok {
			for name, text := range e.Fields {
				f.Add(name, text)
			}
		}
	}
	return f.Err()
}

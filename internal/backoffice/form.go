package backoffice

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/mail"
	"clientele/internal/web"
)

// problems are the sentences beside the fields of a form, and the one above
// it, which there is whenever something is wrong.
func problems(cause error) (fields map[string]string, above string) {
	fields, above = web.FieldErrors(cause)
	if len(fields) > 0 {
		above = "Nothing was changed. Mend what is marked below."
	}
	return fields, above
}

// readAddress reads the field address.
func readAddress(r *web.Request) (mail.Address, error) {
	var f fault.Form
	address, err := mail.ParseAddress(r.Value("address"))
	f.Take("address", err)
	return address, f.Err()
}

// complete finishes the choice of a role with what there is to choose from.
func complete(r *web.Request, acc access.For[access.ManagePeople], c web.RoleChoice, fields map[string]string) (web.RoleChoice, error) {
	c.Held, c.Errors = acc.Held(), fields
	err := acc.Read(r.Context(), func(tx *db.Tx) (err error) {
		c.Own, err = access.OwnRoles(tx, acc)
		return err
	})
	return c, err
}

// chosen is the choice that a role and an end amount to.
func chosen(role access.Role, ends db.Null[time.Time]) web.RoleChoice {
	c := web.ChoiceOf(role)
	if ends.Valid {
		c.Ends = ends.V.UTC().Format(time.DateOnly)
	}
	return c
}

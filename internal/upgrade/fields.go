package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"clientele/internal/account"
	"clientele/internal/plain"
	"clientele/internal/whmcs"
)

// What the report says of fields.
const (
	staffSecret = "is a password field: what accounts have in it can be read by staff here, as it could there"
	lostPattern = "has a pattern that cannot be taken over: the field takes any text. Write one here, under Account fields, if it should not"
	noChoices   = "is a list with nothing to choose from: it asks for a line of text here"
)

var fieldKinds = map[string]string{"text": "text", "textarea": "lines", "link": "link", "dropdown": "choice", "tickbox": "tick", "password": "secret"}

// bringFields brings in the fields that clients have besides the usual ones.
func (r *run) bringFields(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).CustomFields, func(part []whmcs.CustomField) error {
		return r.step(ctx, func(b *batch) error {
			var want []wanted[account.Field]
			var sources []int64
			for _, f := range part {
				if f.Type == "client" {
					want, sources = append(want, b.wantedField(f)), append(sources, f.ID)
				}
			}
			if err := b.back(fields, sources); err != nil {
				return err
			}
			return bring(b, shelf[account.Field]{kind: fields, what: "Fields", source: "tblcustomfields", table: b.tables().Fields}, want)
		})
	})
}

func (b *batch) wantedField(f whmcs.CustomField) wanted[account.Field] {
	_, shown, ok := strings.Cut(f.Name, "|") // what staff call it, and what clients read
	if !ok {
		shown = f.Name
	}
	row := account.Field{
		Name: cmp.Or(strings.TrimSpace(shown), fmt.Sprint("Field ", f.ID)), Kind: cmp.Or(fieldKinds[f.FieldType], "text"), Description: f.Description,
		StaffOnly: f.AdminOnly, Required: f.Required, Position: f.Position, CreatedAt: b.tx.Now,
	}
	// A field that nobody can fill in, and everybody has to, would stop sign-up.
	if row.Pattern, ok = whmcs.Pattern(f.Pattern); !ok {
		row.Pattern = ""
		b.say(NeedsPerson, "tblcustomfields", f.ID, lostPattern, row.Name+": "+f.Pattern)
	}
	if row.Kind == "choice" {
		if row.Options = options(f.Options); row.Options == "" {
			row.Kind = "text"
			b.say(Changed, "tblcustomfields", f.ID, noChoices, row.Name)
		}
	}
	if row.Kind == "secret" {
		b.say(Changed, "tblcustomfields", f.ID, staffSecret, row.Name)
	}
	return wanted[account.Field]{source: f.ID, row: row, who: row.Name}
}

// optionLength is as long as one choice of a list may be.
const optionLength = 500

// options are the choices of a list, one in each line, as they are when one of
// them comes back from a form.
func options(kept string) string {
	var list []string
	for option := range strings.FieldsFuncSeq(kept, func(r rune) bool { return r == ',' || r == '\n' }) {
		option, err := plain.Line(option, optionLength)
		if err == nil && option != "" && !slices.Contains(list, option) {
			list = append(list, option)
		}
	}
	return strings.Join(list, "\n")
}

package account

import (
	"context"
	"net/url"
	"strings"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// A StaffView is what only staff see of an account.
type StaffView struct {
	Group  Group // the zero group where it is in none
	Offers bool
	Former []int64 // the client's numbers in former systems
	Fields []FieldValue
	Notes  []Note
}

// maxRows bounds each list of a StaffView.
const maxRows = 200

// ForStaff reads what only staff see of an account.
func ForStaff(ctx context.Context, by access.For[access.Enter]) (v StaffView, err error) {
	defer fault.Wrap(&err, "account.ForStaff(%d)", by.Account())
	if err := staffOnly(by); err != nil {
		return v, err
	}
	err = by.Read(ctx, func(tx *db.Tx) error {
		if err := v.standing(tx, by.Account()); err != nil {
			return err
		}
		if v.Fields, err = fieldsOf(tx, by.Account()); err != nil {
			return err
		}
		v.Notes, err = db.All[Note](tx, `
			SELECT id, account_id, text, sticky, author, created_at, changed_at FROM account_notes
			WHERE account_id = $1 ORDER BY sticky DESC, changed_at DESC, id DESC LIMIT $2`, by.Account(), maxRows)
		return err
	})
	return v, err
}

// standing reads where the account belongs and where it came from.
func (v *StaffView) standing(tx *db.Tx, a id.Account) (err error) {
	if v.Offers, err = db.One[bool](tx, "SELECT offers FROM accounts WHERE id = $1", a); err != nil {
		return err
	}
	groups, err := db.All[Group](tx, `
		SELECT g.id, g.name, g.colour, g.created_at FROM accounts a JOIN account_groups g ON g.id = a.group_id WHERE a.id = $1`, a)
	if err != nil {
		return err
	}
	if len(groups) > 0 {
		v.Group = groups[0]
	}
	v.Former, err = db.All[int64](tx, `
		SELECT r.source_id FROM accounts a JOIN import_rows r ON r.import_id = a.import_id AND r.kind = 'client' AND r.target_id = a.id
		WHERE a.id = $1 ORDER BY r.source_id LIMIT $2`, a, maxRows)
	return err
}

// A FieldValue is what an account has in a field of the operator's own.
type FieldValue struct {
	Name      string
	Kind      string // as in Field
	StaffOnly bool
	Value     string
}

func fieldsOf(tx *db.Tx, a id.Account) ([]FieldValue, error) {
	return db.All[FieldValue](tx, `
		SELECT f.name, f.kind, f.staff_only, v.value FROM account_values v JOIN account_fields f ON f.id = v.field_id
		WHERE v.account_id = $1 ORDER BY f.position, f.id LIMIT $2`, a, maxRows)
}

// Text is the value as pages show it: a tick in words.
func (f FieldValue) Text() string {
	if f.Kind != "tick" {
		return f.Value
	}
	switch strings.ToLower(strings.TrimSpace(f.Value)) {
	case "", "0", "no", "off", "false":
		return "No"
	}
	return "Yes"
}

// Link is where the value leads: somewhere on the web, or nowhere.
func (f FieldValue) Link() string {
	u, err := url.Parse(strings.TrimSpace(f.Value))
	if f.Kind != "link" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return u.String()
}

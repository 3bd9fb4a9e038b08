package account

import (
	"context"
	"strings"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// An Answer is a field of the operator's own with what an account has in it.
type Answer struct {
	Field
	Value string // empty for a secret: it is shown where somebody asks for it
	Given bool
}

// Text is the answer as pages show it where it cannot be changed.
func (a Answer) Text() string {
	if a.Kind == "secret" {
		return ""
	}
	return FieldValue{Kind: a.Kind, Value: a.Value}.Text()
}

// Answers are what an account has in the operator's own fields, as far as the
// reader may know them, and for staff the account's group.
type Answers struct {
	List  []Answer
	Group db.Null[id.Group]
	Seen  string // tells one state of them from another
}

// TypedAnswers are answers as somebody typed them.
type TypedAnswers struct {
	Texts map[string]string // by the fields' names in forms
	Group db.Null[id.Group] // for staff
	Seen  string
}

const fieldColumns = "f.id, f.name, f.kind, f.description, f.options, f.pattern, f.staff_only, f.required, f.position, f.created_at"

// AllFields lists the operator's own fields in their order.
func AllFields(tx *db.Tx) ([]Field, error) {
	return db.All[Field](tx, "SELECT "+fieldColumns+" FROM account_fields f ORDER BY f.position, f.id LIMIT 200")
}

// Answers reads what the account has in the operator's own fields.
func (as *Accounts) Answers(ctx context.Context, by access.For[access.ManageProfile]) (a Answers, err error) {
	defer fault.Wrap(&err, "account.Answers(%d)", by.Account())
	err = by.Read(ctx, func(tx *db.Tx) error {
		a, err = answers(tx, by.Account(), by.Staff() != 0)
		return err
	})
	for i := range a.List {
		if a.List[i].Kind == "secret" {
			a.List[i].Value = ""
		}
	}
	return a, err
}

// Required lists the fields that whoever opens an account has to fill in.
func (as *Accounts) Required(ctx context.Context) (list []Answer, err error) {
	defer fault.Wrap(&err, "account.Required")
	err = as.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = requiredFields(tx)
		return err
	})
	return list, err
}

func requiredFields(tx *db.Tx) ([]Answer, error) {
	return db.All[Answer](tx, "SELECT "+fieldColumns+", '' AS value, FALSE AS given FROM account_fields f WHERE f.required AND f.staff_only = FALSE ORDER BY f.position, f.id LIMIT 200")
}

// answers reads them with their secrets.
func answers(tx *db.Tx, account id.Account, staff bool) (a Answers, err error) {
	if staff {
		if a.Group, err = db.One[db.Null[id.Group]](tx, "SELECT group_id FROM accounts WHERE id = $1", account); err != nil {
			return a, err
		}
	}
	a.List, err = db.All[Answer](tx, "SELECT "+fieldColumns+`, COALESCE(v.value, '') AS value, COALESCE(v.value, '') <> '' AS given
		FROM account_fields f LEFT JOIN account_values v ON v.field_id = f.id AND v.account_id = $1
		WHERE f.staff_only = FALSE OR $2 ORDER BY f.position, f.id LIMIT 200`, account, staff)
	parts := []string{id.String(a.Group.V)}
	for _, one := range a.List {
		parts = append(parts, id.String(one.ID), one.Value)
	}
	a.Seen = auth.HashToken(strings.Join(parts, "\x00"))[:16]
	return a, err
}

// Answer changes what the account has in the operator's own fields, and its
// group where staff do it.
func (as *Accounts) Answer(ctx context.Context, by access.For[access.ManageProfile], t TypedAnswers) (err error) {
	defer fault.Wrap(&err, "account.Answer(%d)", by.Account())
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		now, err := answers(tx, by.Account(), by.Staff() != 0)
		if err != nil {
			return err
		}
		if t.Seen != "" && t.Seen != now.Seen {
			return errMeanwhile
		}
		values, err := t.read(now.List, by.Staff() != 0)
		if err != nil {
			return err
		}
		if by.Staff() != 0 {
			if err := setGroup(tx, by, now.Group, t.Group); err != nil {
				return err
			}
		}
		return saveValues(tx, by.Actor(), by.Account(), now.List, values)
	})
}

// read reads every field; what is wrong stands beside each.
func (t TypedAnswers) read(list []Answer, staff bool) ([]string, error) {
	var f fault.Form
	out := t.readInto(&f, list, staff)
	return out, f.Err()
}

// readInto is read as a part of a form. A value that stays as it is need not
// fit what the field asks for today.
func (t TypedAnswers) readInto(f *fault.Form, list []Answer, staff bool) []string {
	out := make([]string, len(list))
	for i, a := range list {
		typed := t.Texts[a.Input()]
		if a.Kind == "secret" && typed == "" || typed == a.Value {
			out[i] = a.Value
		} else {
			var err error
			out[i], err = a.Read(typed)
			f.Take(a.Input(), err)
		}
		if a.Required && out[i] == "" && (!staff || a.Value != "") {
			f.Add(a.Input(), "This is needed.")
		}
	}
	return out
}

func setGroup(tx *db.Tx, by access.For[access.ManageProfile], old, group db.Null[id.Group]) error {
	if old == group {
		return nil
	}
	name := func(g db.Null[id.Group]) (string, error) {
		if !g.Valid {
			return "", nil
		}
		list, err := db.All[string](tx, "SELECT name FROM account_groups WHERE id = $1", g.V)
		if err == nil && len(list) == 0 {
			err = fault.Field("group", "This group is no longer there. Choose another.")
		}
		return strings.Join(list, ""), err
	}
	after, err := name(group)
	if err != nil {
		return err
	}
	before, err := name(old)
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE accounts SET group_id = $2 WHERE id = $1", by.Account(), group); err != nil {
		return err
	}
	return audit.Write(tx, by.Actor(), sorted(by.Account(), map[string]string{"group": before}, map[string]string{"group": after}))
}

// sorted is the record of what only staff know of an account. It names the
// account as its object and not as the account that it belongs to, whose
// people read their log.
func sorted(account id.Account, before, after map[string]string) audit.Record {
	return audit.Record{Event: "account.sorted", Object: "account", ObjectID: int64(account), Before: before, After: after}
}

// saveValues writes what differs. What staff alone may know goes into another
// record than what the account's people see.
func saveValues(tx *db.Tx, by audit.Actor, account id.Account, list []Answer, values []string) error {
	own := [2]map[string]string{{}, {}}
	hidden := [2]map[string]string{{}, {}}
	for i, a := range list {
		if values[i] == a.Value {
			continue
		}
		_, err := db.Exec(tx, `INSERT INTO account_values (account_id, field_id, value) VALUES ($1, $2, $3)
			ON CONFLICT (account_id, field_id) DO UPDATE SET value = excluded.value`, account, a.ID, values[i])
		if err != nil {
			return err
		}
		to, before, after := own, a.Value, values[i]
		if a.StaffOnly {
			to = hidden
		}
		if a.Kind == "secret" {
			before, after = "", "(a secret)"
		}
		to[0][a.Name], to[1][a.Name] = before, after
	}
	var records []audit.Record
	if len(own[1]) > 0 {
		records = append(records, audit.Record{Event: "account.changed", Account: account, Object: "account", ObjectID: int64(account), Before: own[0], After: own[1]})
	}
	if len(hidden[1]) > 0 {
		records = append(records, sorted(account, hidden[0], hidden[1]))
	}
	if len(records) == 0 {
		return nil
	}
	return audit.WriteAll(tx, by, records)
}

package staff

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A GroupUse is a group with how many accounts are in it.
type GroupUse struct {
	account.Group
	Accounts int64
}

// Groups lists the groups that staff sort accounts into.
func (s *Staff) Groups(ctx context.Context, by For[Look]) (list []GroupUse, err error) {
	defer fault.Wrap(&err, "staff.Groups")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = db.All[GroupUse](tx, `
			SELECT g.id, g.name, g.colour, g.created_at, (SELECT COUNT(*) FROM accounts a WHERE a.group_id = g.id) AS accounts
			FROM account_groups g ORDER BY g.name, g.id LIMIT 500`)
		return err
	})
	return list, err
}

// Group reads one group.
func (s *Staff) Group(ctx context.Context, by For[Look], number id.Group) (g account.Group, err error) {
	defer fault.Wrap(&err, "staff.Group(%d)", number)
	err = s.db.Peek(ctx, db.Wide, func(tx *db.Tx) error {
		g, err = db.One[account.Group](tx, "SELECT id, name, colour, created_at FROM account_groups WHERE id = $1", number)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		return err
	})
	return g, err
}

var colour = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// ParseGroup reads a group as somebody typed it.
func ParseGroup(name, colourTyped string) (g account.Group, err error) {
	var f fault.Form
	g.Name, err = plain.Name(name)
	f.Take("name", err)
	if g.Colour = strings.ToLower(strings.TrimSpace(colourTyped)); g.Colour != "" && !colour.MatchString(g.Colour) {
		f.Add("colour", "Write a colour as # and six digits, like #336699, or nothing.")
	}
	return g, f.Err()
}

// SaveGroup makes a group, or changes the one whose number it has.
func (s *Staff) SaveGroup(ctx context.Context, by For[Configure], g account.Group) (err error) {
	defer fault.Wrap(&err, "staff.SaveGroup(%d)", g.ID)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		others, err := db.One[int64](tx, "SELECT COUNT(*) FROM account_groups WHERE LOWER(name) = LOWER($1) AND id <> $2", g.Name, g.ID)
		if err != nil {
			return err
		}
		if others > 0 {
			return fault.Field("name", "There is a group of this name already.")
		}
		event, number := "group.changed", g.ID
		if g.ID == 0 {
			event = "group.added"
			number, err = db.One[id.Group](tx, "INSERT INTO account_groups (name, colour, created_at) VALUES ($1, $2, $3) RETURNING id", g.Name, g.Colour, tx.Now)
		} else {
			err = mustBeThere(db.Exec(tx, "UPDATE account_groups SET name = $2, colour = $3 WHERE id = $1", g.ID, g.Name, g.Colour))
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: event, Object: "group", ObjectID: int64(number), After: map[string]string{"name": g.Name}})
	})
}

// mustBeThere answers Missing where a statement found no row.
func mustBeThere(n int64, err error) error {
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return err
}

// RemoveGroup removes a group. Its accounts are in none then.
func (s *Staff) RemoveGroup(ctx context.Context, by For[Configure], g id.Group) (err error) {
	defer fault.Wrap(&err, "staff.RemoveGroup(%d)", g)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE accounts SET group_id = NULL WHERE group_id = $1", g)
		if err != nil {
			return err
		}
		if err := mustBeThere(db.Exec(tx, "DELETE FROM account_groups WHERE id = $1", g)); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "group.removed", Object: "group", ObjectID: int64(g), Before: map[string]string{"accounts": strconv.FormatInt(n, 10)}})
	})
}

// A FieldUse is a field with how many accounts have something in it.
type FieldUse struct {
	account.Field
	Accounts int64
}

// Fields lists the fields that the operator has added to accounts.
func (s *Staff) Fields(ctx context.Context, by For[Look]) (list []FieldUse, err error) {
	defer fault.Wrap(&err, "staff.Fields")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		all, err := account.AllFields(tx)
		if err != nil {
			return err
		}
		list = nil
		for _, f := range all {
			n, err := db.One[int64](tx, "SELECT COUNT(*) FROM account_values WHERE field_id = $1 AND value <> ''", f.ID)
			if err != nil {
				return err
			}
			list = append(list, FieldUse{f, n})
		}
		return nil
	})
	return list, err
}

// maxFields bounds how many fields there are.
const maxFields = 100

// SaveField makes a field at the end of the others, or changes the one whose
// number it has. What a field is for does not change with what is in it
// already: its kind stays once accounts have something there.
func (s *Staff) SaveField(ctx context.Context, by For[Configure], f account.Field) (err error) {
	defer fault.Wrap(&err, "staff.SaveField(%d)", f.ID)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		event, number := "field.changed", f.ID
		if f.ID == 0 {
			event = "field.added"
			number, err = addField(tx, f)
		} else {
			err = changeField(tx, f)
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: event, Object: "field", ObjectID: int64(number), After: map[string]string{"name": f.Name, "kind": f.Kind}})
	})
}

func addField(tx *db.Tx, f account.Field) (id.Field, error) {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM account_fields")
	if err != nil {
		return 0, err
	}
	if n >= maxFields {
		return 0, fault.Field("name", "There are a hundred fields already. Remove one first.")
	}
	return db.One[id.Field](tx, `
		INSERT INTO account_fields (name, kind, description, options, pattern, staff_only, required, position, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT COALESCE(MAX(position), 0) + 1 FROM account_fields), $8) RETURNING id`,
		f.Name, f.Kind, f.Description, f.Options, f.Pattern, f.StaffOnly, f.Required, tx.Now)
}

func changeField(tx *db.Tx, f account.Field) error {
	kind, err := db.All[string](tx, "SELECT kind FROM account_fields WHERE id = $1", f.ID)
	if err != nil {
		return err
	}
	used, err := db.One[int64](tx, "SELECT COUNT(*) FROM account_values WHERE field_id = $1 AND value <> ''", f.ID)
	if err != nil {
		return err
	}
	if len(kind) > 0 && kind[0] != f.Kind && used > 0 {
		return fault.Field("kind", "Accounts have something in this field ("+strconv.FormatInt(used, 10)+"). Make a new field for another kind.")
	}
	return mustBeThere(db.Exec(tx, `
		UPDATE account_fields SET name = $2, kind = $3, description = $4, options = $5, pattern = $6, staff_only = $7, required = $8 WHERE id = $1`,
		f.ID, f.Name, f.Kind, f.Description, f.Options, f.Pattern, f.StaffOnly, f.Required))
}

// MoveField puts a field before the one that stands before it.
func (s *Staff) MoveField(ctx context.Context, by For[Configure], number id.Field) (err error) {
	defer fault.Wrap(&err, "staff.MoveField(%d)", number)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		all, err := account.AllFields(tx)
		if err != nil {
			return err
		}
		found := false
		for i, f := range all {
			if f.ID == number {
				found = true
				if i > 0 {
					all[i-1], all[i] = all[i], all[i-1]
				}
				break
			}
		}
		if !found {
			return fault.Missing()
		}
		for i, f := range all {
			if _, err := db.Exec(tx, "UPDATE account_fields SET position = $2 WHERE id = $1", f.ID, i+1); err != nil {
				return err
			}
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "field.changed", Object: "field", ObjectID: int64(number), After: map[string]string{"position": "up"}})
	})
}

// RemoveField removes a field with everything that accounts have in it.
func (s *Staff) RemoveField(ctx context.Context, by For[Configure], f id.Field) (err error) {
	defer fault.Wrap(&err, "staff.RemoveField(%d)", f)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "DELETE FROM account_values WHERE field_id = $1", f)
		if err != nil {
			return err
		}
		if err := mustBeThere(db.Exec(tx, "DELETE FROM account_fields WHERE id = $1", f)); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "field.removed", Object: "field", ObjectID: int64(f), Before: map[string]string{"accounts": strconv.FormatInt(n, 10)}})
	})
}

// Field reads one field.
func (s *Staff) Field(ctx context.Context, by For[Configure], number id.Field) (f FieldUse, err error) {
	defer fault.Wrap(&err, "staff.Field(%d)", number)
	look, _ := Also[Look](by)
	all, err := s.Fields(ctx, look)
	for _, f := range all {
		if f.ID == number {
			return f, nil
		}
	}
	if err == nil {
		err = fault.Missing()
	}
	return f, err
}

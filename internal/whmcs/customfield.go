package whmcs

import (
	"context"
	"iter"
)

// A CustomField is a row of tblcustomfields: a field that the operator added.
type CustomField struct {
	ID          int64
	Type        string // of what: client, product, addon, support
	RelatedID   int64  // which product, add-on or department; 0 for clients
	Name        string // in what staff see, sometimes "internal|shown"
	FieldType   string // text, link, password, dropdown, tickbox or textarea
	Description string
	Options     string // of a dropdown, with commas between them
	Pattern     string // a regular expression that values match
	AdminOnly   bool
	Required    bool
	OnOrder     bool // is asked for in the order form
	OnInvoice   bool
	Position    int64
}

// CustomFields yields tblcustomfields.
func (r *Reader) CustomFields(ctx context.Context) iter.Seq2[CustomField, error] {
	return read(ctx, r, "tblcustomfields", func(f *fields) CustomField {
		return CustomField{
			ID: f.row.ID, Type: f.line("type"), RelatedID: f.number("relid"), Name: f.line("fieldname"), FieldType: f.line("fieldtype"),
			Description: f.text("description"), Options: f.text("fieldoptions"), Pattern: f.text("regexpr"),
			AdminOnly: f.flag("adminonly"), Required: f.flag("required"), OnOrder: f.flag("showorder"), OnInvoice: f.flag("showinvoice"),
			Position: f.number("sortorder"),
		}
	})
}

// A CustomFieldValue is a row of tblcustomfieldsvalues: what one client,
// service or add-on has in a field.
type CustomFieldValue struct {
	ID, FieldID int64
	RelatedID   int64 // the client, service or add-on, by the field's type
	Value       string
}

// CustomFieldValues yields tblcustomfieldsvalues.
func (r *Reader) CustomFieldValues(ctx context.Context) iter.Seq2[CustomFieldValue, error] {
	return read(ctx, r, "tblcustomfieldsvalues", func(f *fields) CustomFieldValue {
		return CustomFieldValue{f.row.ID, f.number("fieldid"), f.number("relid"), f.text("value")}
	})
}

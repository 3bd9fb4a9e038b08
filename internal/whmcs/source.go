// Package whmcs reads the database of a WHMCS 7 or 8 and hands out its rows,
// typed and cleaned. It never writes there.
//
// A Source is where rows come from: a server that still runs (OpenLive) or a
// dump of it (OpenDump). Recognise tells which WHMCS it is, and a Reader turns
// rows into clients, contacts and users, and tells of every value that it had
// to change.
package whmcs

import (
	"context"
	"iter"
	"slices"
	"strings"
)

// A Source is a WHMCS database that can be read.
type Source interface {
	// Tables lists all tables there are, by name.
	Tables() []Table
	// Rows yields the rows of one of the tables that the upgrade needs, in the
	// order of their id; one without an id in the order in which it is kept.
	// A table that is not there has no rows. The first error ends the rows.
	Rows(ctx context.Context, table string) iter.Seq2[Row, error]
	// Close gives back what the source holds.
	Close() error
}

// A Table is one table of a source.
type Table struct {
	Name    string
	Columns []string // in the order of each row's values
	Rows    int64    // how many there are; counted only where the upgrade needs the table
}

// A Row is one row of a table.
type Row struct {
	ID     int64    // the column id, or the row's place where there is none
	Values [][]byte // as the database has them; nil is NULL. Good until the next row.
}

// needed are the tables that the upgrade reads. A dump keeps only these.
var needed = []string{
	"tblclients", "tblcontacts", "tblclientgroups", "tblcurrencies",
	"tblcustomfields", "tblcustomfieldsvalues", "tblauthn_account_links",
	"tblusers", "tblusers_clients", "tbluser_invites", "tblnotes", "tbladmins",
}

// wanted are the columns of them that are read. What stands in the others, as
// card numbers and secrets of all kinds do, is not fetched at all.
var wanted = map[string]string{
	"tblclients": "id uuid firstname lastname companyname email address1 address2 city state postcode country phonenumber tax_id status language currency groupid " +
		"taxexempt notes email_preferences marketing_emails_opt_in emailoptout email_verified created_at datecreated updated_at lastlogin ip password authmodule",
	"tblcontacts": "id userid firstname lastname companyname email address1 address2 city state postcode country phonenumber tax_id subaccount password permissions " +
		"generalemails invoiceemails supportemails productemails domainemails affiliateemails created_at updated_at",
	"tblclientgroups":        "id groupname groupcolour",
	"tblcurrencies":          "id code prefix suffix default",
	"tblcustomfields":        "id type relid fieldname fieldtype description fieldoptions regexpr adminonly required showorder showinvoice sortorder",
	"tblcustomfieldsvalues":  "id fieldid relid value",
	"tblauthn_account_links": "id provider remote_user_id user_id client_id contact_id created_at",
	"tblusers":               "id first_name last_name email language password second_factor last_login last_ip email_verified_at created_at updated_at",
	"tblusers_clients":       "id auth_user_id client_id invite_id owner permissions last_login created_at updated_at",
	"tbluser_invites":        "id client_id email invited_by invited_by_admin permissions accepted_at deleted_at created_at updated_at",
	"tblnotes":               "id userid adminid note sticky created modified",
	"tbladmins":              "id firstname lastname",
}

// isWanted reports whether a column of a needed table is read.
func isWanted(table, column string) bool {
	return slices.Contains(strings.Fields(wanted[table]), column)
}

func isNeeded(table string) bool { return slices.Contains(needed, table) }

// find looks a table up by its name.
func find(tables []Table, name string) (Table, bool) {
	i := slices.IndexFunc(tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return tables[i], true
}

package whmcs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Version says between which releases of WHMCS a database belongs, as far as
// its tables tell.
type Version struct {
	Oldest, Newest string // "7.0", "7.6"
	Users          bool   // people who sign in have a table of their own: 8.0 and later
}

func (v Version) String() string {
	if v.Oldest == v.Newest {
		return "WHMCS " + v.Oldest
	}
	return "WHMCS " + v.Oldest + " to " + v.Newest
}

// required are the columns that nothing can be done without.
var required = map[string][]string{
	"tblclients":  {"id", "firstname", "lastname", "companyname", "email", "status"},
	"tblcontacts": {"id", "userid", "firstname", "lastname", "email"},
}

// requiredBefore8 are those of releases in which clients and contacts sign in.
var requiredBefore8 = map[string][]string{
	"tblclients":  {"password"},
	"tblcontacts": {"subaccount", "password", "permissions"},
}

// requiredSince8 are those of releases in which users sign in.
var requiredSince8 = map[string][]string{
	"tblusers":         {"id", "first_name", "last_name", "email", "password"},
	"tblusers_clients": {"auth_user_id", "client_id", "owner", "permissions"},
}

// Recognise tells which WHMCS a source is the database of. Its error says in
// a sentence what is missing.
func Recognise(s Source) (Version, error) {
	tables := s.Tables()
	_, users := find(tables, "tblusers")
	then := requiredBefore8
	if users || hasUsers(tables) {
		then = requiredSince8
	}
	missing := lacks(tables, then)
	if len(tables) == 0 {
		return Version{}, errors.New("the database has no tables, or its user may see none: check the database's name, and grant SELECT on it")
	}
	if len(missing) > 0 {
		return Version{}, fmt.Errorf("this is no whole database of WHMCS 7 or 8, as it lacks %s: check that it is WHMCS's, that an update of WHMCS has not stopped halfway, and that the dump has all tables", strings.Join(missing, ", "))
	}
	return version(tables, users), nil
}

// Missing lists the tables that the upgrade reads, that this version has, and
// that are not there: left out of a dump, or not to be read by the user.
func Missing(s Source, v Version) (names []string) {
	for _, name := range needed {
		_, since8 := requiredSince8[name]
		switch since8 = since8 || name == "tbluser_invites"; {
		case since8 && !v.Users:
		case name == "tblauthn_account_links" && v.Oldest == "7.0": // which of those releases has it the other tables do not tell
		case !HasTable(s, name):
			names = append(names, name)
		}
	}
	return names
}

// HasTable reports whether a source has a table.
func HasTable(s Source, name string) bool {
	_, ok := find(s.Tables(), name)
	return ok
}

// hasUsers tells by other tables that people who sign in have one of their own,
// also where a dump was cut off before it: as clients they would come in with
// rights that they have lost.
func hasUsers(tables []Table) bool {
	_, links := find(tables, "tblusers_clients")
	_, invites := find(tables, "tbluser_invites")
	signIns, _ := find(tables, "tblauthn_account_links")
	return links || invites || slices.Contains(signIns.Columns, "user_id")
}

// lacks lists the tables and columns that are not there of those that are
// always required and those that are required then, in a fixed order.
func lacks(tables []Table, then map[string][]string) (missing []string) {
	for _, name := range needed {
		columns := slices.Concat(required[name], then[name])
		table, ok := find(tables, name)
		if !ok && len(columns) > 0 {
			missing = append(missing, "the table "+name)
			continue
		}
		for _, column := range columns {
			if !slices.Contains(table.Columns, column) {
				missing = append(missing, name+"."+column)
			}
		}
	}
	return missing
}

// version goes by what each release added.
func version(tables []Table, users bool) Version {
	clients, _ := find(tables, "tblclients")
	has := func(column string) bool { return slices.Contains(clients.Columns, column) }
	_, payMethods := find(tables, "tblpaymethods")
	switch {
	case users:
		return Version{"8.0", "8.x", true}
	case payMethods:
		return Version{"7.8", "7.10", false}
	case has("tax_id") || has("email_preferences") || has("marketing_emails_opt_in"):
		return Version{"7.7", "7.7", false}
	}
	return Version{"7.0", "7.6", false}
}

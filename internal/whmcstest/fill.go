package whmcstest

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// A Filler writes rows, many in one statement: as long as rows follow each
// other that name the same columns of the same table.
type Filler struct {
	exec func(string) error
	b    strings.Builder
	last string // how the statement begins that the next row may join
	err  error
}

// NewFiller fills the database of a pool; a row that cannot be written fails
// the test.
func NewFiller(t testing.TB, pool *sql.DB) *Filler {
	return &Filler{exec: func(statement string) error {
		t.Helper()
		Do(t, pool, statement)
		return nil
	}}
}

// FillerFor fills the database of a pool without a test: Err tells what went
// wrong.
func FillerFor(pool *sql.DB) *Filler {
	return &Filler{exec: func(statement string) error {
		_, err := pool.Exec(statement)
		return err
	}}
}

// Add writes a row of pairs: a column, and its value. A string is written byte
// for byte, nil is NULL, and all else is as fmt.Print writes it.
func (f *Filler) Add(table string, pairs ...any) {
	head, values := row(table, pairs)
	if head != f.last || f.b.Len() > 1<<20 {
		f.Flush()
		f.b.WriteString(head)
		f.last = head
	} else {
		f.b.WriteByte(',')
	}
	f.b.WriteString(values)
}

// Flush writes the rows that still wait for others.
func (f *Filler) Flush() {
	if f.b.Len() > 0 && f.err == nil {
		f.err = f.exec(f.b.String())
	}
	f.b.Reset()
	f.last = ""
}

// Err is the first error of writing.
func (f *Filler) Err() error { return f.err }

// row gives the two halves of the statement that inserts a row.
func row(table string, pairs []any) (head, tuple string) {
	var columns, values []string
	for i := 0; i < len(pairs); i += 2 {
		columns = append(columns, quote(pairs[i].(string)))
		switch v := pairs[i+1].(type) {
		case string:
			values = append(values, literal(v))
		case nil:
			values = append(values, "NULL")
		default:
			values = append(values, fmt.Sprint(v))
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES ", quote(table), strings.Join(columns, ",")), "(" + strings.Join(values, ",") + ")"
}

// literal writes bytes so that nothing on the way can change them.
func literal(s string) string {
	if s == "" {
		return "''"
	}
	return "x'" + strings.ToUpper(fmt.Sprintf("%x", s)) + "'"
}

func itoa(n int) string { return strconv.Itoa(n) }

// Keys are WHMCS's thirteen permissions.
var Keys = strings.Fields("profile contacts products manageproducts productsso domains managedomains invoices quotes tickets affiliates emails orders")

// Subset is the list of the keys whose bits are set, as WHMCS writes it.
func Subset(bits int) string {
	var list []string
	for i, key := range Keys {
		if bits>>i&1 == 1 {
			list = append(list, key)
		}
	}
	return strings.Join(list, ",")
}

// Subsets is how many subsets the keys have.
const Subsets = 1 << 13

// Fill writes people of every kind that real databases have, and the bad input
// among them. It is the same on every run.
func (s *Server) Fill(t testing.TB, database string, shape map[string]string) {
	t.Helper()
	f := NewFiller(t, s.Open(t, database))
	f.clients()
	f.badClients()
	if strings.Contains(shape["tblclients"], "email_preferences") {
		f.Add("tblclients", "id", 3000, "email_preferences", `{"general":"1","invoice":0,"support":true,"product":false,"domain":"0"}`, "tax_id", "DE123", "marketing_emails_opt_in", 1)
		f.Add("tblclients", "id", 3001, "email_preferences", `{"general":`, "tax_id", nil)
	}
	f.about()
	f.contacts()
	if _, ok := shape["tblusers"]; ok {
		f.users()
	}
	for i := range 50 {
		f.Add("tblactivitylog", "description", "don't; INSERT INTO `tblclients` VALUES (1)\\"+itoa(i))
	}
	f.Flush()
}

func (f *Filler) clients() {
	for i := 1; i <= 1200; i++ {
		f.Add("tblclients", "id", i, "uuid", fmt.Sprintf("%08x-uuid", i), "firstname", "Ada"+itoa(i), "lastname", "Bœrner", "companyname", "Company "+itoa(i%300),
			"email", fmt.Sprintf("ada%d@example.com", i), "address1", itoa(i)+" High St", "city", "M\xfcnchen", "state", "\xa3\xf3d\xbc", "country", "DE", "password", "$2y$10$"+strings.Repeat("a", 53),
			"currency", 1+i%2, "datecreated", "2012-03-04", "lastlogin", "0000-00-00 00:00:00", "ip", "192.0.2.1", "status", "Active", "groupid", i%3, "cardnum", "\x00\x01\xff'\\\"\n\r\x1a")
	}
}

// badClients writes one client for each kind of bad input, from 2000 on.
func (f *Filler) badClients() {
	bad := []struct{ column, value string }{
		{"firstname", "Smith &amp; Sons &#039;&lt;b&gt;"},
		{"firstname", "ZoÃ«"},
		{"firstname", "Zo\x00e\x07"},
		{"firstname", strings.Repeat("é", 10_000)},
		{"firstname", "👩‍🚀 Ada"},
		{"firstname", "  Ada \t Lovelace\r\n"},
		{"email", ""},
		{"email", "  ADA1@Example.COM "},
		{"email", strings.Repeat("a", 300) + "@example.com"},
		{"city", "M\xc3\xbcnchen"},
		{"lastname", "O'Br\\ien \"x\" `y`; -- /* */ #\n(,)"},
		{"datecreated", "0000-00-00"},
		{"lastlogin", "2012-00-10 01:02:03"},
		{"notes", "line 1\r\nline 2\x00\n"},
	}
	for i, b := range bad {
		f.Add("tblclients", "id", 2000+i, b.column, b.value, "status", "Closed")
	}
}

// about writes what clients refer to.
func (f *Filler) about() {
	f.Add("tblclientgroups", "groupname", "Gold &amp; more", "groupcolour", "#ffcc00")
	f.Add("tblcurrencies", "code", "EUR", "prefix", "€", "default", 1)
	f.Add("tblcurrencies", "code", "USD", "prefix", "$", "suffix", " USD")
	f.Add("tblcustomfields", "type", "client", "fieldname", "Birthday|When", "fieldtype", "text", "adminonly", "on", "fieldoptions", "a,b\nc", "regexpr", `/^\d+\\n$/`)
	f.Add("tblcustomfieldsvalues", "fieldid", 1, "relid", 1, "value", "1970-01-01")
	f.Add("tblauthn_account_links", "provider", "google_signin", "remote_user_id", "118", "client_id", 1)
}

// contacts writes one contact for each subset of the permissions, and one of
// nobody.
func (f *Filler) contacts() {
	for i := range Subsets {
		f.Add("tblcontacts", "id", i+1, "userid", 1+i%1300, "firstname", "Sub", "email", fmt.Sprintf("sub%d@example.com", i), "subaccount", i%2, "password", "5f4dcc3b5aa765d61d8327deb882cf99", "permissions", Subset(i), "generalemails", i%2, "invoiceemails", 1)
	}
	f.Add("tblcontacts", "id", 9000, "userid", 999_999, "subaccount", 1, "permissions", "profile, contacts,launchmissiles,, Orders")
}

// users writes the people of 8.0 and later.
func (f *Filler) users() {
	for i := 1; i <= 1200; i++ {
		f.Add("tblusers", "id", i, "first_name", "Zoë", "last_name", "N&#39;Dour", "email", fmt.Sprintf("ada%d@example.com", i), "password", "$2y$10$"+strings.Repeat("b", 53), "last_login", "0000-00-00 00:00:00", "email_verified_at", "2021-02-03 04:05:06", "created_at", nil, "reset_token", "secret")
	}
	for i := range Subsets {
		f.Add("tblusers_clients", "id", i+1, "auth_user_id", 1+i%1201, "client_id", 1+i/7, "owner", i%2, "permissions", Subset(i))
	}
	f.Add("tbluser_invites", "id", 7, "token", "secret", "email", "New@example.com", "client_id", 1, "invited_by", 1, "permissions", "tickets,flying", "created_at", "2021-02-03 04:05:06")
	f.Add("tbluser_invites", "id", 9, "email", "gone@example.com", "client_id", 1, "deleted_at", "2021-02-03 04:05:06")
	f.Add("tblauthn_account_links", "provider", "google_signin", "remote_user_id", "119", "user_id", 2)
}

package whmcs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The tables of each release, by the column lists of public importers. Each
// has a numbered id before them.
var tables70 = map[string]string{
	"tblclients":             "uuid firstname lastname companyname email address1 address2 city state postcode country phonenumber password authmodule authdata currency defaultgateway credit taxexempt latefeeoveride overideduenotices separateinvoices disableautocc datecreated notes billingcid securityqid securityqans groupid cardtype cardlastfour cardnum startdate expdate issuenumber bankname banktype bankcode bankacct gatewayid lastlogin ip host status language pwresetkey emailoptout overrideautoclose allow_sso email_verified created_at updated_at pwresetexpiry",
	"tblcontacts":            "userid firstname lastname companyname email address1 address2 city state postcode country phonenumber subaccount password permissions domainemails generalemails invoiceemails productemails supportemails affiliateemails pwresetkey created_at updated_at pwresetexpiry",
	"tblclientgroups":        "groupname groupcolour discountpercent susptermexempt separateinvoices",
	"tblcustomfields":        "type relid fieldname fieldtype description fieldoptions regexpr adminonly required showorder showinvoice sortorder created_at updated_at",
	"tblcustomfieldsvalues":  "fieldid relid value created_at updated_at",
	"tblcurrencies":          "code prefix suffix format rate default",
	"tblauthn_account_links": "provider remote_user_id client_id contact_id metadata created_at updated_at",
	"tblactivitylog":         "date description user userid ipaddr",
	"tblconfiguration":       "setting value created_at updated_at",
}

var added710 = map[string]string{
	"tblclients":    " tax_id email_preferences marketing_emails_opt_in",
	"tblcontacts":   " tax_id",
	"tblpaymethods": "userid description contact_id contact_type payment_id payment_type gateway_name order_preference created_at updated_at deleted_at",
}

var added83 = map[string]string{
	"tblusers":               "first_name last_name email password language second_factor second_factor_config remember_token reset_token security_question_id security_question_answer last_ip last_hostname last_login email_verification_token email_verification_token_expiry email_verified_at reset_token_expiry created_at updated_at",
	"tblusers_clients":       "auth_user_id client_id invite_id owner permissions last_login created_at updated_at",
	"tbluser_invites":        "token email client_id invited_by invited_by_admin permissions accepted_at created_at updated_at deleted_at",
	"tblauthn_account_links": " user_id",
	"tblactivitylog":         " user_id admin_id",
}

var added813 = map[string]string{
	"tbluser_validation": "requestor_id token status submitted_at reviewed_at created_at updated_at",
}

// shapes are the tables of four releases.
var shapes = func() map[string]map[string]string {
	all := map[string]map[string]string{"7.0": tables70}
	for _, next := range []struct {
		name, from string
		added      map[string]string
	}{{"7.10", "7.0", added710}, {"8.3", "7.10", added83}, {"8.13", "8.3", added813}} {
		shape := maps.Clone(all[next.from])
		for table, columns := range next.added {
			shape[table] += columns
		}
		all[next.name] = shape
	}
	return all
}()

// columnType is a column's type as WHMCS has it, or near enough. Two columns
// have old character sets, as databases have that grew up.
func columnType(name string) string {
	switch {
	case strings.HasSuffix(name, "_at"), strings.HasSuffix(name, "expiry"), name == "last_login", name == "lastlogin":
		return "datetime NULL DEFAULT NULL"
	case name == "datecreated":
		return "date NOT NULL DEFAULT '0000-00-00'"
	case strings.HasSuffix(name, "id") && !strings.HasSuffix(name, "uuid") && name != "gatewayid" && name != "tax_id" && name != "remote_user_id", name == "currency", name == "sortorder", name == "invited_by":
		return "int(10) NOT NULL DEFAULT 0"
	case slices.Contains([]string{"subaccount", "owner", "email_verified", "marketing_emails_opt_in", "default"}, name), strings.HasSuffix(name, "emails"):
		return "tinyint(1) NOT NULL DEFAULT 0"
	case name == "tax_id":
		return "varchar(128) CHARACTER SET utf8 DEFAULT NULL"
	case name == "city":
		return "text CHARACTER SET latin1 NOT NULL DEFAULT ''"
	case name == "state":
		return "text CHARACTER SET latin2 NOT NULL DEFAULT ''"
	case name == "cardnum", name == "bankacct":
		return "blob NULL"
	}
	return "mediumtext NOT NULL DEFAULT ''"
}

// build makes an empty database of a shape.
func (s *server) build(t testing.TB, database string, shape map[string]string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE DATABASE %s; USE %s;", quote(database), quote(database))
	for _, table := range slices.Sorted(maps.Keys(shape)) {
		fmt.Fprintf(&b, "CREATE TABLE %s (`id` int(10) NOT NULL AUTO_INCREMENT COMMENT 'its; number, (always)', ", quote(table))
		for column := range strings.FieldsSeq(shape[table]) {
			fmt.Fprintf(&b, "%s %s, ", quote(column), columnType(column))
		}
		b.WriteString("PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;")
	}
	b.WriteString("CREATE VIEW v AS SELECT id, ';' AS s FROM tblclients; CREATE TRIGGER tr BEFORE INSERT ON tblconfiguration FOR EACH ROW BEGIN SET NEW.value = 'it''s; `'; SET NEW.setting = 'x'; END;")
	b.WriteString("CREATE PROCEDURE p() BEGIN SELECT 'a;'; -- don't\n END;")
	do(t, s.open(t, ""), b.String())
}

// A filler writes rows of one table.
type filler struct {
	exec func(string)
	b    strings.Builder
	last string // how the statement begins that the next row may join
}

// add writes a row of pairs: a column and its value, which "NULL" and numbers
// are as they stand.
func (f *filler) add(table string, pairs ...any) {
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
	head := fmt.Sprintf("INSERT INTO %s (%s) VALUES ", quote(table), strings.Join(columns, ","))
	if head != f.last || f.b.Len() > 1<<20 {
		f.flush()
		f.b.WriteString(head)
		f.last = head
	} else {
		f.b.WriteByte(',')
	}
	f.b.WriteString("(" + strings.Join(values, ",") + ")")
}

func (f *filler) flush() {
	if f.b.Len() > 0 {
		f.exec(f.b.String())
		f.b.Reset()
		f.last = ""
	}
}

// keys are WHMCS's thirteen permissions.
var keys = strings.Fields("profile contacts products manageproducts productsso domains managedomains invoices quotes tickets affiliates emails orders")

// subset is the list of the keys whose bits are set.
func subset(bits int) string {
	var list []string
	for i, key := range keys {
		if bits>>i&1 == 1 {
			list = append(list, key)
		}
	}
	return strings.Join(list, ",")
}

const subsets = 1 << 13

// fill writes people of every kind that real databases have, and the bad input
// among them. It is the same on every run.
func (s *server) fill(t testing.TB, database string, shape map[string]string) {
	t.Helper()
	pool := s.open(t, database)
	f := &filler{exec: func(statement string) { do(t, pool, statement) }}
	for i := 1; i <= 1200; i++ {
		f.add("tblclients", "id", i, "uuid", fmt.Sprintf("%08x-uuid", i), "firstname", "Ada"+itoa(i), "lastname", "Bœrner", "companyname", "Company "+itoa(i%300),
			"email", fmt.Sprintf("ada%d@example.com", i), "address1", itoa(i)+" High St", "city", "M\xfcnchen", "state", "\xa3\xf3d\xbc", "country", "DE", "password", "$2y$10$"+strings.Repeat("a", 53),
			"currency", 1+i%2, "datecreated", "2012-03-04", "lastlogin", "0000-00-00 00:00:00", "ip", "192.0.2.1", "status", "Active", "groupid", i%3, "cardnum", "\x00\x01\xff'\\\"\n\r\x1a")
	}
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
		f.add("tblclients", "id", 2000+i, b.column, b.value, "status", "Closed")
	}
	if strings.Contains(shape["tblclients"], "email_preferences") {
		f.add("tblclients", "id", 3000, "email_preferences", `{"general":"1","invoice":0,"support":true,"product":false,"domain":"0"}`, "tax_id", "DE123", "marketing_emails_opt_in", 1)
		f.add("tblclients", "id", 3001, "email_preferences", `{"general":`, "tax_id", nil)
	}
	f.add("tblclientgroups", "groupname", "Gold &amp; more", "groupcolour", "#ffcc00")
	f.add("tblcurrencies", "code", "EUR", "prefix", "€", "default", 1)
	f.add("tblcurrencies", "code", "USD", "prefix", "$", "suffix", " USD")
	f.add("tblcustomfields", "type", "client", "fieldname", "Birthday|When", "fieldtype", "text", "adminonly", "on", "fieldoptions", "a,b\nc", "regexpr", `/^\d+\\n$/`)
	f.add("tblcustomfieldsvalues", "fieldid", 1, "relid", 1, "value", "1970-01-01")
	f.add("tblauthn_account_links", "provider", "google_signin", "remote_user_id", "118", "client_id", 1)
	for i := range subsets {
		f.add("tblcontacts", "id", i+1, "userid", 1+i%1300, "firstname", "Sub", "email", fmt.Sprintf("sub%d@example.com", i), "subaccount", i%2, "password", "5f4dcc3b5aa765d61d8327deb882cf99", "permissions", subset(i), "generalemails", i%2, "invoiceemails", 1)
	}
	f.add("tblcontacts", "id", 9000, "userid", 999_999, "subaccount", 1, "permissions", "profile, contacts,launchmissiles,, Orders")
	if _, ok := shape["tblusers"]; ok {
		f.fillUsers()
	}
	for i := range 50 {
		f.add("tblactivitylog", "description", "don't; INSERT INTO `tblclients` VALUES (1)\\"+itoa(i))
	}
	f.flush()
}

// fillUsers writes the people of 8.0 and later.
func (f *filler) fillUsers() {
	for i := 1; i <= 1200; i++ {
		f.add("tblusers", "id", i, "first_name", "Zoë", "last_name", "N&#39;Dour", "email", fmt.Sprintf("ada%d@example.com", i), "password", "$2y$10$"+strings.Repeat("b", 53), "last_login", "0000-00-00 00:00:00", "email_verified_at", "2021-02-03 04:05:06", "created_at", nil, "reset_token", "secret")
	}
	for i := range subsets {
		f.add("tblusers_clients", "id", i+1, "auth_user_id", 1+i%1201, "client_id", 1+i/7, "owner", i%2, "permissions", subset(i))
	}
	f.add("tbluser_invites", "id", 7, "token", "secret", "email", "New@example.com", "client_id", 1, "invited_by", 1, "permissions", "tickets,flying", "created_at", "2021-02-03 04:05:06")
	f.add("tbluser_invites", "id", 9, "email", "gone@example.com", "client_id", 1, "deleted_at", "2021-02-03 04:05:06")
	f.add("tblauthn_account_links", "provider", "google_signin", "remote_user_id", "119", "user_id", 2)
}

package whmcstest

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
	"tblnotes":               "userid adminid created modified note sticky",
	"tbladmins":              "uuid roleid username password passwordhash authmodule authdata firstname lastname email signature notes template language disabled loginattempts supportdepts ticketnotifications homewidgets password_reset_key password_reset_data password_reset_expiry hidden_widgets created_at updated_at",
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

// Shapes are the tables of four releases, "7.0", "7.10", "8.3" and "8.13":
// each table's columns, in order, with spaces between them and without the id.
var Shapes = func() map[string]map[string]string {
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

// numbers and ticks are columns that end as none of their kind do.
var (
	numbers = []string{"currency", "sortorder", "invited_by", "loginattempts"}
	ticks   = []string{"subaccount", "owner", "email_verified", "marketing_emails_opt_in", "default", "sticky", "disabled"}
)

// columnType is a column's type as WHMCS has it, or near enough. Two columns
// have old character sets, as databases have that grew up.
func columnType(name string) string {
	switch {
	case strings.HasSuffix(name, "_at"), strings.HasSuffix(name, "expiry"), name == "last_login", name == "lastlogin":
		return "datetime NULL DEFAULT NULL"
	case name == "created", name == "modified":
		return "datetime NOT NULL DEFAULT '0000-00-00 00:00:00'"
	case name == "datecreated":
		return "date NOT NULL DEFAULT '0000-00-00'"
	case strings.HasSuffix(name, "id") && !strings.HasSuffix(name, "uuid") && name != "gatewayid" && name != "tax_id" && name != "remote_user_id", slices.Contains(numbers, name):
		return "int(10) NOT NULL DEFAULT 0"
	case strings.HasSuffix(name, "emails"), slices.Contains(ticks, name):
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

// Build makes an empty database of a shape.
func (s *Server) Build(t testing.TB, database string, shape map[string]string) {
	t.Helper()
	if err := s.Make(database, shape); err != nil {
		t.Fatal(err)
	}
}

// Make makes an empty database of a shape. Beside the tables it gets a view, a
// trigger and a procedure that are hard to tell from statements in a dump; the
// trigger only touches the setting called trigger.
func (s *Server) Make(database string, shape map[string]string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE DATABASE %s; USE %s;", quote(database), quote(database))
	for _, table := range slices.Sorted(maps.Keys(shape)) {
		fmt.Fprintf(&b, "CREATE TABLE %s (`id` int(10) NOT NULL AUTO_INCREMENT COMMENT 'its; number, (always)', ", quote(table))
		for column := range strings.FieldsSeq(shape[table]) {
			fmt.Fprintf(&b, "%s %s, ", quote(column), columnType(column))
		}
		b.WriteString("PRIMARY KEY (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;")
	}
	b.WriteString("CREATE VIEW v AS SELECT id, ';' AS s FROM tblclients;")
	b.WriteString("CREATE TRIGGER tr BEFORE INSERT ON tblconfiguration FOR EACH ROW BEGIN IF NEW.setting = 'trigger' THEN SET NEW.value = 'it''s; `'; END IF; END;")
	b.WriteString("CREATE PROCEDURE p() BEGIN SELECT 'a;'; -- don't\n END;")
	pool, err := s.Pool("")
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(b.String()); err != nil {
		return fmt.Errorf("making the database %s: %w", database, err)
	}
	return nil
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

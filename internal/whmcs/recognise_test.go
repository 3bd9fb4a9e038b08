package whmcs

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"clientele/internal/whmcstest"

	"github.com/go-sql-driver/mysql"
)

// outline is a source of tables without rows.
type outline []Table

func (o outline) Tables() []Table { return o }

func (o outline) Rows(context.Context, string) iter.Seq2[Row, error] {
	return func(func(Row, error) bool) {}
}

func (o outline) Close() error { return nil }

// without is a release's outline without some tables or columns.
func without(release string, missing ...string) (o outline) {
	for _, table := range slices.Sorted(maps.Keys(whmcstest.Shapes[release])) {
		columns := slices.DeleteFunc(strings.Fields("id "+whmcstest.Shapes[release][table]), func(c string) bool { return slices.Contains(missing, table+"."+c) })
		if !slices.Contains(missing, table) {
			o = append(o, Table{Name: table, Columns: columns})
		}
	}
	return o
}

func TestRecogniseTellsReleasesApart(t *testing.T) {
	for want, o := range map[string]outline{
		"WHMCS 7.0 to 7.6":  without("7.0"),
		"WHMCS 7.7":         without("7.10", "tblpaymethods"),
		"WHMCS 7.8 to 7.10": without("7.10"),
		"WHMCS 8.0 to 8.x":  without("8.3"),
	} {
		if got, err := Recognise(o); err != nil || got.String() != want || got.Users != strings.HasPrefix(want, "WHMCS 8") {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
}

func TestRecogniseSaysWhatIsMissing(t *testing.T) {
	for want, o := range map[string]outline{
		"has no tables": nil,
		"lacks the table tblclients, the table tblcontacts:":                {{Name: "wp_posts"}},
		"lacks tblclients.email, the table tblcontacts:":                    without("7.10", "tblclients.email", "tblcontacts"),
		"lacks tblclients.password, tblcontacts.permissions:":               without("7.0", "tblclients.password", "tblcontacts.permissions"),
		"lacks the table tblusers_clients:":                                 without("8.3", "tblusers_clients"),
		"lacks the table tblusers:":                                         without("8.13", "tblusers"),
		"lacks tblusers.password, tblusers_clients.owner: check that it is": without("8.13", "tblusers.password", "tblusers_clients.owner"),
	} {
		if got, err := Recognise(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want %s", got, err, want)
		}
	}
}

func TestAddressesOfDatabases(t *testing.T) {
	for dsn, want := range map[string][4]string{
		"whmcs:s3:c@ret/x@tcp(db.example.com:3307)/whmcs":       {"whmcs", "s3:c@ret/x", "db.example.com:3307", "whmcs"},
		"whmcs:pw@tcp(10.0.0.1)/whmcs?tls=skip-verify":          {"whmcs", "pw", "10.0.0.1:3306", "whmcs"},
		"whmcs@unix(/run/mysqld/mysqld.sock)/whmcs":             {"whmcs", "", "/run/mysqld/mysqld.sock", "whmcs"},
		"mysql://whmcs:s%40cret%2F@db.example.com/whmcs":        {"whmcs", "s@cret/", "db.example.com:3306", "whmcs"},
		" mariadb://whmcs:pw@[2001:db8::1]:3307/whmcs?tls=true": {"whmcs", "pw", "[2001:db8::1]:3307", "whmcs"},
		"mysql://whmcs@/whmcs":                                  {"whmcs", "", "127.0.0.1:3306", "whmcs"},
		"whmcs:pw@tcp(h:1)/w?parseTime=true&multiStatements=true&allowAllFiles=true&interpolateParams=false&charset=latin1&character_set_results=latin1": {"whmcs", "pw", "h:1", "w"},
	} {
		c, err := parseDSN(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if got := [4]string{c.User, c.Passwd, c.Addr, c.DBName}; got != want {
			t.Errorf("%s is %q", dsn, got)
		}
		if c.ParseTime || c.MultiStatements || c.AllowAllFiles || !c.InterpolateParams || c.Params["character_set_results"] != "NULL" || strings.Contains(c.FormatDSN(), "latin1") {
			t.Errorf("%s is not tame: %s", dsn, c.FormatDSN())
		}
	}
}

// A wrong address is answered with how to mend it, and never with the password.
func TestWrongAddressesSayHowToMend(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                                   "user:password@tcp(host:3306)/whmcs",
		"whmcs:hunter2@db.example.com/whmcs": "write user:password@tcp",
		"postgres://whmcs:hunter2@h/whmcs":   "write user:password@tcp",
		"mysql://whmcs:hunter2@h:port/whmcs": "mysql://user:password@host/whmcs",
		"whmcs:hunter2@tcp(h:3306)":          "write user:password@tcp",
		"whmcs:hunter2@tcp(h:3306)/":         "$db_name",
		"mysql://whmcs:hunter2@h":            "$db_name",
		"tcp(h:3306)/whmcs":                  "$db_username",
		"mysql://h/whmcs":                    "$db_username",
		"w:hunter2@tcp(h:1)/w?tls=hunter2":   "write user:password@tcp",
		"w:hunter2@unix(/nowhere/s)/w":       "cannot be reached at /nowhere/s",
	} {
		_, err := OpenLive(t.Context(), dsn)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q gives %v, want %s", dsn, err, want)
		}
	}
}

func TestRefusalsAreSentences(t *testing.T) {
	c := &mysql.Config{User: "u", Addr: "h:3306", DBName: "w"}
	for want, err := range map[string]error{
		"refuses the user":            &mysql.MySQLError{Number: errBadPassword},
		"has no database \"w\"":       &mysql.MySQLError{Number: errNoDatabase},
		"GRANT SELECT ON `w`.*":       &mysql.MySQLError{Number: errNoDatabaseAccess},
		"too old to be held":          &mysql.MySQLError{Number: errUnknownWords},
		"answers: no (error 1)":       &mysql.MySQLError{Number: 1, Message: "no"},
		"host \"h\" cannot be found":  &net.OpError{Err: &net.DNSError{Name: "h"}},
		"cannot be reached at h:3306": &net.OpError{Err: errors.New("refused")},
		"does not answer as MySQL":    errors.New("EOF"),
	} {
		if got := refused(err, c); !strings.Contains(got.Error(), want) {
			t.Errorf("%v is said as %v", err, got)
		}
	}
	if got := dropped(&mysql.MySQLError{Number: errNoTableAccess}, "tblusers"); !strings.Contains(got.Error(), "may not read tblusers") {
		t.Error(got)
	}
	if got := dropped(&mysql.MySQLError{Number: 1927, Message: "killed"}, "tblusers"); !strings.Contains(got.Error(), "killed (error 1927); run this again") {
		t.Error(got)
	}
}

// A user who may only read is enough; one who may not, and a wrong password,
// are told.
func TestRightsOnTheServer(t *testing.T) {
	s := whmcstest.Shared(t)
	s.Build(t, "rights", whmcstest.Shapes["8.3"])
	whmcstest.Do(t, s.Open(t, ""), "CREATE USER reader@localhost IDENTIFIED BY 'right'; GRANT SELECT ON rights.* TO reader@localhost; CREATE USER nobody@localhost IDENTIFIED BY 'right'")
	at := strings.TrimPrefix(s.DSN(""), "root")
	src, err := OpenLive(t.Context(), "reader:right"+at+"rights")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Recognise(src); err != nil {
		t.Error(err)
	}
	src.Close()
	for dsn, want := range map[string]string{
		"reader:wrong" + at + "rights": "refuses the user",
		"nobody:right" + at + "rights": "GRANT SELECT",
		"root" + at + "nowhere":        "has no database",
	} {
		if _, err := OpenLive(t.Context(), dsn); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", dsn, err)
		}
	}
}

package cli_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/whmcstest"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestImportCommand runs the scripts in testdata/import on both engines, each
// with two databases of WHMCS: $WHMCS is 7.10 and $USERS is 8.13.
func TestImportCommand(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, testscript.Params{
				Dir:                 filepath.Join("testdata", "import"),
				RequireExplicitExec: true,
				Setup:               func(env *testscript.Env) error { return setUpImport(t, e, env) },
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"refuse": refuse, "sql": statement, "holds": holds, "there": there, "sameuntil": sameUntil, "private": isPrivate,
				},
			})
		})
	}
}

// password is that of the user who may only read the databases there.
const password = "s3cret"

func setUpImport(t *testing.T, e db.Engine, env *testscript.Env) error {
	env.Setenv("CLIENTELE_DATABASE_URL", "sqlite://data/clientele.db")
	if e == db.Postgres {
		env.Setenv("CLIENTELE_DATABASE_URL", apptest.EmptyDatabase(t, e))
	}
	old, late := whmcstest.NewDatabase(t, "7.10"), whmcstest.NewDatabase(t, "8.13")
	fillOld(old)
	fillLate(late)
	dsn := reader(old)
	env.Setenv("ROOT", old.DSN())
	env.Setenv("WHMCS", dsn)
	env.Setenv("USERS", reader(late))
	env.Setenv("WRONG", strings.Replace(dsn, password, password+"x", 1))
	env.Setenv("ELSEWHERE", dsn+"_not")
	return dumps(old.Dump(), env.WorkDir)
}

// reader lets a user read a database, as docs/upgrade.md has it, and gives the
// database's address for her.
func reader(d *whmcstest.Database) string {
	_, name, _ := strings.Cut(d.DSN(), ")/")
	user := "reads_" + name
	d.Exec("CREATE USER '" + user + "'@'localhost' IDENTIFIED BY '" + password + "'; GRANT SELECT ON `" + name + "`.* TO '" + user + "'@'localhost'")
	return strings.Replace(d.DSN(), "root@", user+":"+password+"@", 1)
}

// dumps puts a dump into a folder: whole, packed, and twice cut off.
func dumps(path, folder string) error {
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(whole); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	cut := bytes.Index(whole, []byte("INSERT INTO `tblcustomfieldsvalues`"))
	for name, text := range map[string][]byte{"dump.sql": whole, "dump.sql.gz": packed.Bytes(), "cut.sql": whole[:cut+60], "cut.sql.gz": packed.Bytes()[:packed.Len()-200]} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

const goodHash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

// fillOld fills a 7.10 with somebody of each kind: one to bring as she is, one
// without a password, one with a second factor, one without an address, a
// Sub-Account, a contact, and two who share an address.
func fillOld(d *whmcstest.Database) {
	d.Add("tblcurrencies", "code", "EUR", "default", 1)
	for _, c := range []struct {
		id                  int
		name, address, hash string
		factor              string
	}{
		{42, "Nora Baker", "nora@harbourbakery.example", goodHash, ""},
		{43, "Dana Field", "dana@fieldandform.example", "not a hash", ""},
		{44, "Yuki Tan", "yuki@stillwater.example", goodHash, "totp"},
		{45, "Nobody Known", "", goodHash, ""},
	} {
		first, last, _ := strings.Cut(c.name, " ")
		d.Add("tblclients", "id", c.id, "uuid", fmt.Sprint("uuid-", c.id), "firstname", first, "lastname", last, "companyname", "Company "+strconv.Itoa(c.id),
			"email", c.address, "password", c.hash, "authmodule", c.factor, "currency", 1, "country", "DE", "language", "english", "status", "Active", "datecreated", "2015-04-01")
	}
	d.Add("tblcontacts", "id", 5, "userid", 42, "firstname", "Ben", "lastname", "Okafor", "email", "ben@harbourbakery.example", "subaccount", 1, "password", "5f4dcc3b5aa765d61d8327deb882cf99", "permissions", "invoices,tickets")
	d.Add("tblcontacts", "id", 6, "userid", 42, "firstname", "Books", "email", "books@harbourbakery.example", "invoiceemails", 1)
	d.Add("tblcontacts", "id", 7, "userid", 44, "firstname", "Ben", "lastname", "Okafor", "email", "BEN@harbourbakery.example", "subaccount", 1, "password", "5f4dcc3b5aa765d61d8327deb882cf99", "permissions", "products")
	d.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "PIN", "fieldtype", "text")
	d.Add("tblcustomfieldsvalues", "fieldid", 1, "relid", 42, "value", "4711 0815 4711 0815 4711 0815")
	d.Add("tblcustomfieldsvalues", "fieldid", 1, "relid", 43, "value", "0815")
}

// fillLate fills an 8.13 with an owner and somebody whom she has invited.
func fillLate(d *whmcstest.Database) {
	d.Add("tblcurrencies", "code", "EUR", "default", 1)
	d.Add("tblclients", "id", 42, "uuid", "late-42", "firstname", "Lena", "lastname", "Late", "companyname", "Late & Co", "email", "lena@late.example", "currency", 1, "status", "Active")
	d.Add("tblusers", "id", 1, "first_name", "Lena", "last_name", "Late", "email", "lena@late.example", "password", goodHash, "email_verified_at", "2021-02-03 04:05:06")
	d.Add("tblusers_clients", "auth_user_id", 1, "client_id", 42, "owner", 1)
	d.Add("tbluser_invites", "email", "kim@late.example", "client_id", 42, "invited_by", 1, "permissions", "tickets", "created_at", "2021-02-03 04:05:06")
	d.Add("tbluser_invites", "email", "mo@late.example", "client_id", 42, "invited_by", 1, "permissions", "tickets", "created_at", "2199-02-03 04:05:06")
}

// holds makes sure how many rows there are, past every scope.
//
//	holds number 'table WHERE …'
func holds(ts *testscript.TestScript, _ bool, args []string) {
	url := strings.Replace(ts.Getenv("CLIENTELE_DATABASE_URL"), "sqlite://", "sqlite://"+ts.MkAbs(".")+"/", 1)
	d, err := db.Open(context.Background(), url, db.Options{})
	ts.Check(err)
	defer d.Close()
	err = d.Read(context.Background(), db.Wide, func(tx *db.Tx) error {
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM "+args[1])
		if err == nil && strconv.FormatInt(n, 10) != args[0] {
			err = fmt.Errorf("there are %d %s, want %s", n, args[1], args[0])
		}
		return err
	})
	ts.Check(err)
}

// there runs a statement in the database of $WHMCS, as its administrator.
func there(ts *testscript.TestScript, _ bool, args []string) {
	pool, err := sql.Open("mysql", ts.Getenv("ROOT"))
	ts.Check(err)
	defer pool.Close()
	_, err = pool.Exec(args[0])
	ts.Check(err)
}

// sameUntil makes sure that two outputs are the same up to a line that begins
// so, and that both have it.
//
//	sameuntil 'The whole report' one another
func sameUntil(ts *testscript.TestScript, _ bool, args []string) {
	one, ok := cutLine(ts.ReadFile(args[1]), args[0])
	other, also := cutLine(ts.ReadFile(args[2]), args[0])
	if !ok || !also || one != other {
		ts.Fatalf("%s says\n%s\n%s says\n%s", args[1], one, args[2], other)
	}
}

func cutLine(text, begins string) (string, bool) {
	before, _, ok := strings.Cut(text, "\n"+begins)
	return before, ok
}

// isPrivate makes sure that only their owner can read files.
func isPrivate(ts *testscript.TestScript, _ bool, args []string) {
	for _, path := range args {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if info.Mode().Perm() != 0o600 {
			ts.Fatalf("%s is %v", path, info.Mode())
		}
	}
}

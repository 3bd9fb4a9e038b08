package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/whmcstest"
)

// An installation is a database of ours that imports run into.
type installation struct {
	t      *testing.T
	url    string
	folder string
}

// command is an import in a process of its own.
func (i *installation) command(dsn string) *exec.Cmd {
	c := exec.Command("clientele", "import", "whmcs", "--dsn", dsn, "--database-url", i.url)
	c.Dir = i.folder
	return c
}

// run runs an import to its end.
func (i *installation) run(dsn string) {
	i.t.Helper()
	if said, err := i.command(dsn).CombinedOutput(); err != nil {
		i.t.Fatalf("%v: %s", err, said)
	}
}

// kill kills an import that has just begun its so-many-eth step, as kill -9
// does.
func (i *installation) kill(dsn string, step int) {
	i.t.Helper()
	c := i.command(dsn)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		i.t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for range step {
		if !lines.Scan() {
			i.t.Errorf("there is no step %d", step)
		}
	}
	time.Sleep(time.Duration(10*step) * time.Millisecond) // into the midst of its transaction
	_ = c.Process.Kill()
	if err := c.Wait(); err == nil {
		i.t.Errorf("the import was done before it was killed in step %d", step)
	}
}

// ask reads rows as text, past every scope.
func (i *installation) ask(query string) (rows []string) {
	i.t.Helper()
	d, err := db.Open(context.Background(), i.url, db.Options{})
	if err != nil {
		i.t.Fatal(err)
	}
	defer d.Close()
	err = d.Read(context.Background(), db.Wide, func(tx *db.Tx) error {
		rows, err = db.All[string](tx, query)
		return err
	})
	if err != nil {
		i.t.Fatalf("%s: %v", query, err)
	}
	return rows
}

// told are questions about all that an import writes. None of their answers
// hangs on when it was written, nor on the numbers that PostgreSQL had given to
// a step that was killed: it gives these to nobody else.
var told = map[string]string{
	"accounts": `SELECT id || ' ' || name || ' ' || address || ' ' || status || ' ' || currency || ' ' || mail_kinds || ' ' || search FROM accounts ORDER BY id`,
	"logins": `SELECT CASE WHEN id IN (SELECT source_id FROM import_rows WHERE kind = 'client.login') THEN id ELSE 0 END || ' ' || address || ' ' || name || ' ' ||
		CASE WHEN several THEN 1 ELSE 0 END || ' ' || credentials || ' ' || password FROM users ORDER BY address`,
	"access": `SELECT m.account_id || ' ' || u.address || ' ' || m.permissions || ' ' || m.status || ' ' || m.role || CASE WHEN m.owner THEN ' owner' ELSE '' END
		FROM memberships m JOIN users u ON u.id = m.user_id ORDER BY 1`,
	"contacts": `SELECT id || ' ' || account_id || ' ' || name || ' ' || address || ' ' || mail_kinds FROM contacts ORDER BY id`,
	"values":   `SELECT account_id || ' ' || value FROM account_values ORDER BY 1`,
	"notes":    `SELECT account_id || ' ' || text FROM account_notes ORDER BY 1`,
	"memory":   `SELECT kind || ' ' || source_id || ' ' || mark || ' ' || needs || ' ' || credentials FROM import_rows ORDER BY 1`,
	"records":  `SELECT event || ' ' || COALESCE(account_id, 0) || ' ' || COUNT(*) FROM audit_records GROUP BY event, account_id ORDER BY 1`,
	"ended":    `SELECT name FROM imports WHERE done_at IS NOT NULL`,
}

// TestAKilledImportGoesOn kills imports in their midst, again and again, until
// one comes to its end. What stands there then is what one in one go writes,
// and nobody is mailed.
func TestAKilledImportGoesOn(t *testing.T) {
	t.Parallel()
	there := whmcstest.NewDatabase(t, "7.10")
	crowd(t, there)
	for _, e := range apptest.Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			whole := &installation{t, apptest.EmptyDatabase(t, e), t.TempDir()}
			whole.run(there.DSN())
			cut := &installation{t, apptest.EmptyDatabase(t, e), t.TempDir()}
			for _, step := range []int{2, 3, 5, 6} {
				cut.kill(there.DSN(), step)
				if done := cut.ask("SELECT name FROM imports WHERE done_at IS NOT NULL"); len(done) > 0 {
					t.Errorf("an import that was killed in step %d says that it came to its end", step)
				}
			}
			if n := cut.ask("SELECT CAST(COUNT(*) AS TEXT) FROM accounts")[0]; n == "0" {
				t.Error("nothing was brought in before the last kill")
			}
			cut.run(there.DSN())
			for what, query := range told {
				same(t, what, cut.ask(query), whole.ask(query))
			}
			for _, none := range []string{"mails", "river_job"} {
				if n := cut.ask("SELECT CAST(COUNT(*) AS TEXT) FROM " + none)[0]; n != "0" {
					t.Errorf("there are %s %s", n, none)
				}
			}
		})
	}
}

// same makes sure that two answers are the same.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("there are no %s", what)
	}
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("the %s differ: %q, want %q", what, got[i], want[i])
			break
		}
	}
	t.Errorf("there are %d %s, want %d", len(got), what, len(want))
}

// crowded is how many clients there are.
const crowded = 2000

// crowd fills a WHMCS with clients, and every third with a Sub-Account, a
// contact, a note and a value; some share their addresses.
func crowd(t *testing.T, d *whmcstest.Database) {
	t.Helper()
	d.Add("tblcurrencies", "code", "EUR", "default", 1)
	d.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "PIN", "fieldtype", "text")
	_, name, _ := strings.Cut(d.DSN(), ")/")
	f := whmcstest.NewFiller(t, whmcstest.Shared(t).Open(t, name))
	for i := 1; i <= crowded; i++ {
		f.Add("tblclients", "id", i, "uuid", fmt.Sprint("uuid-", i), "firstname", "Ada", "lastname", "Number "+fmt.Sprint(i), "email", fmt.Sprintf("ada%d@crowd.example", i),
			"password", goodHash, "currency", 1, "status", "Active", "datecreated", "2015-04-01", "notes", strings.Repeat("n", i%2))
	}
	for i := 1; i <= crowded; i += 3 {
		f.Add("tblcontacts", "userid", i, "firstname", "Sub", "lastname", fmt.Sprint(i), "email", fmt.Sprintf("sub%d@crowd.example", i%900), "subaccount", 1, "password", goodHash, "permissions", "invoices,tickets", "created_at", "2016-01-02 03:04:05")
		f.Add("tblcontacts", "userid", i, "firstname", "Mail", "lastname", fmt.Sprint(i), "email", fmt.Sprintf("mail%d@crowd.example", i), "subaccount", 0, "password", "", "permissions", "", "created_at", "2016-01-02 03:04:05")
	}
	for i := 1; i <= crowded; i += 3 {
		f.Add("tblcustomfieldsvalues", "fieldid", 1, "relid", i, "value", fmt.Sprint("v", i))
	}
	f.Flush()
}

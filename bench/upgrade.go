package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clientele/internal/app"
	"clientele/internal/db"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"
	"clientele/internal/whmcstest"
)

// An upgraded is what the process that does the upgrade tells.
type upgraded struct {
	First, Again, Dry time.Duration
	Peak              string // of memory, in the first run
	Rows              int64  // that were read
}

// upgradeTables are the tables of the other system, and brought are ours.
var (
	upgradeTables = []string{"tblclients", "tblcontacts", "tblusers", "tblusers_clients", "tblcustomfieldsvalues", "tblnotes"}
	brought       = []string{"imports", "users", "accounts", "memberships", "contacts", "account_fields", "account_values", "account_notes", "import_rows", "audit_records"}
)

// benchUpgrade brings a WHMCS with so many clients, and half as many contacts
// again, in, in a process of its own, and compares the time with reading the
// same rows and writing the same rows bare.
func benchUpgrade(ctx context.Context, a *app.App, clients int, shape, folder, profile string, out io.Writer) error {
	server, err := whmcstest.Start(true)
	if err != nil {
		return err
	}
	defer server.Kill()
	if err := fillWHMCS(server, shape, clients); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, self, "-upgrade-from", server.DSN("whmcs"), "-database", a.Config.DatabaseURL, "-key", a.Config.KeyFile, "-cpuprofile", profile)
	child.Stderr = os.Stderr
	said, err := child.Output()
	if err != nil {
		return fmt.Errorf("the upgrade: %w", err)
	}
	var u upgraded
	if err := json.Unmarshal(said, &u); err != nil {
		return err
	}
	read, err := readBare(ctx, server)
	if err != nil {
		return err
	}
	wrote, rows, err := writeBare(ctx, a, folder)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, a WHMCS %s with %d clients and %d contacts: %d rows read, %d written\n\n", a.DB.Engine(), shape, clients, clients*3/2, u.Rows, rows)
	fmt.Fprintf(out, "the upgrade            %8.1f s, at most %s of memory\n", u.First.Seconds(), u.Peak)
	fmt.Fprintf(out, "reading the rows bare  %8.1f s\nwriting them bare      %8.1f s\n", read.Seconds(), wrote.Seconds())
	fmt.Fprintf(out, "ratio                  %8.2f   (goal: at most 2)\n\n", u.First.Seconds()/(read+wrote).Seconds())
	fmt.Fprintf(out, "a dry run before it    %8.1f s\na second run after it  %8.1f s\n", u.Dry.Seconds(), u.Again.Seconds())
	return nil
}

// fillWHMCS makes the other system's database.
func fillWHMCS(server *whmcstest.Server, shape string, clients int) error {
	if err := server.Make("whmcs", whmcstest.Shapes[shape]); err != nil {
		return err
	}
	pool, err := server.Pool("whmcs")
	if err != nil {
		return err
	}
	defer pool.Close()
	f := whmcstest.FillerFor(pool)
	hash := "$2y$10$" + strings.Repeat("a", 53)
	_, users := whmcstest.Shapes[shape]["tblusers"]
	f.Add("tblcurrencies", "id", 1, "code", "USD", "default", 1)
	f.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "Customer since", "fieldtype", "text")
	for i := 1; i <= clients; i++ {
		f.Add("tblclients", "id", i, "uuid", fmt.Sprintf("%032x", i), "firstname", "Ada", "lastname", fmt.Sprint("Number ", i), "companyname", fmt.Sprint("Company ", i), "email", fmt.Sprintf("ada%d@example.com", i),
			"address1", "12 High Street", "city", "Bath", "postcode", "BA1 1AA", "country", "GB", "phonenumber", "+44.1225000000", "currency", 1, "status", "Active", "language", "english",
			"datecreated", "2015-06-07", "created_at", "2015-06-07 08:09:10", "password", hash, "email_verified", 1)
	}
	for i := 1; i <= clients*3/2; i++ {
		f.Add("tblcontacts", "id", i, "userid", 1+i%clients, "firstname", "Ben", "lastname", fmt.Sprint("Contact ", i), "email", fmt.Sprintf("ben%d@example.com", i), "invoiceemails", 1,
			"subaccount", b(i%3 == 0), "password", strings.Repeat(hash, b(i%3 == 0)), "permissions", whmcstest.Subset(i%whmcstest.Subsets), "created_at", "2016-06-07 08:09:10")
	}
	for i := 1; i <= clients; i += 2 {
		f.Add("tblcustomfieldsvalues", "fieldid", 1, "relid", i, "value", "2015")
	}
	for i := 1; i <= clients; i += 4 {
		f.Add("tblnotes", "userid", i, "note", "Called about the invoice.", "created", "2017-01-02 03:04:05", "modified", "2017-01-02 03:04:05")
	}
	if users {
		fillUsers(f, clients, hash)
	}
	f.Flush()
	return f.Err()
}

func fillUsers(f *whmcstest.Filler, clients int, hash string) {
	for i := 1; i <= clients*3/2; i++ {
		f.Add("tblusers", "id", i, "first_name", "Ada", "last_name", fmt.Sprint("Number ", i), "email", fmt.Sprintf("user%d@example.com", i), "password", hash,
			"last_login", "2024-01-02 03:04:05", "email_verified_at", "2020-01-02 03:04:05", "created_at", "2020-01-02 03:04:05")
	}
	for i := 1; i <= clients*3/2; i++ {
		f.Add("tblusers_clients", "id", i, "auth_user_id", i, "client_id", 1+(i-1)%clients, "owner", b(i <= clients), "permissions", whmcstest.Subset(i%whmcstest.Subsets), "created_at", "2020-01-02 03:04:05")
	}
}

func b(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// bringIn is the process that does the upgrade: a dry run, the run, and the run
// again.
func bringIn(ctx context.Context, a *app.App, dsn string, out io.Writer) error {
	var u upgraded
	for _, one := range []struct {
		took *time.Duration
		dry  bool
	}{{&u.Dry, true}, {&u.First, false}, {&u.Again, false}} {
		resetPeak()
		began := time.Now()
		rows, err := bringOnce(ctx, a, dsn, one.dry)
		if err != nil {
			return err
		}
		if *one.took = time.Since(began); one.took == &u.First {
			u.Peak, u.Rows = peak(), rows
		}
	}
	return json.NewEncoder(out).Encode(u)
}

func bringOnce(ctx context.Context, a *app.App, dsn string, dry bool) (rows int64, err error) {
	src, err := whmcs.OpenLive(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	report, err := upgrade.NewReport("")
	if err != nil {
		return 0, err
	}
	defer report.Close()
	for _, t := range src.Tables() {
		if slices.Contains(upgradeTables, t.Name) {
			rows += t.Rows
		}
	}
	up := &upgrade.Upgrade{DB: a.DB, Auth: a.Auth, Memberships: a.Memberships, Invites: a.Invites, Outbox: a.Outbox, Key: a.Key}
	_, err = up.Run(ctx, src, upgrade.Options{DryRun: dry}, report)
	return rows, err
}

// readBare reads the same rows with nothing but the driver.
func readBare(ctx context.Context, server *whmcstest.Server) (time.Duration, error) {
	pool, err := server.Pool("whmcs")
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	began := time.Now()
	for _, table := range upgradeTables {
		rows, err := pool.QueryContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			continue // not of this release
		}
		if err := drain(rows); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

func drain(rows *sql.Rows) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, targets := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// writeBare writes the rows that the upgrade has left into an empty database
// of the same form, in transactions of 500 rows and statements of 100.
func writeBare(ctx context.Context, a *app.App, folder string) (took time.Duration, rows int64, err error) {
	from, err := openBare(a.Config.DatabaseURL)
	if err != nil {
		return 0, 0, err
	}
	defer from.Close()
	to, err := emptyLike(ctx, a, from, folder)
	if err != nil {
		return 0, 0, err
	}
	defer to.Close()
	for _, table := range brought {
		t, n, err := copyTable(ctx, a, from, to, table)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", table, err)
		}
		took, rows = took+t, rows+n
	}
	return took, rows, nil
}

// emptyLike is an empty database of the same form: a file of its own, or on
// PostgreSQL a schema of its own.
func emptyLike(ctx context.Context, a *app.App, from *sql.DB, folder string) (*sql.DB, error) {
	url, bare := "sqlite://"+filepath.Join(folder, "bare.db"), "sqlite://"+filepath.Join(folder, "bare.db")+"?_pragma=foreign_keys(1)"
	if a.DB.Engine() == db.Postgres {
		if _, err := from.ExecContext(ctx, "CREATE SCHEMA bare"); err != nil {
			return nil, err
		}
		join := "?"
		if strings.Contains(a.Config.DatabaseURL, "?") {
			join = "&"
		}
		url = a.Config.DatabaseURL + join + "search_path=bare"
		bare = url
	}
	empty, err := db.Open(ctx, url, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(empty.Migrate(ctx), empty.Close()); err != nil {
		return nil, err
	}
	return openBare(bare)
}

// copyTable copies a table, and tells how long the writing took.
func copyTable(ctx context.Context, a *app.App, from, to *sql.DB, table string) (took time.Duration, n int64, err error) {
	tx, err := from.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback()
	if a.DB.Engine() == db.Postgres {
		if _, err := tx.ExecContext(ctx, "SELECT set_config('clientele.wide', 'on', true)"); err != nil {
			return 0, 0, err
		}
	}
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, 0, err
	}
	into, err := newInserter(ctx, to, table, columns, a.DB.Engine() == db.Postgres)
	if err != nil {
		return 0, 0, err
	}
	var part [][]any
	for {
		more := rows.Next()
		if more {
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				return 0, 0, err
			}
			part = append(part, values)
		}
		if len(part) == 500 || !more && len(part) > 0 {
			began := time.Now()
			if err := into.write(ctx, part); err != nil {
				return 0, 0, err
			}
			took, n = took+time.Since(began), n+int64(len(part))
			part = part[:0]
		}
		if !more {
			return took, n, rows.Err()
		}
	}
}

// An inserter writes rows bare, by statements that stay prepared.
type inserter struct {
	to              *sql.DB
	walled          bool // row security asks for a scope
	hundred, single *sql.Stmt
}

const perStatement = 100

func newInserter(ctx context.Context, to *sql.DB, table string, columns []string, numbered bool) (i inserter, err error) {
	i.to, i.walled = to, numbered
	for _, one := range []struct {
		rows int
		into **sql.Stmt
	}{{perStatement, &i.hundred}, {1, &i.single}} {
		places := make([]string, one.rows)
		for row := range places {
			values := make([]string, len(columns))
			for c := range values {
				if values[c] = "?"; numbered {
					values[c] = fmt.Sprint("$", row*len(columns)+c+1)
				}
			}
			places[row] = "(" + strings.Join(values, ",") + ")"
		}
		if *one.into, err = to.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES "+strings.Join(places, ",")); err != nil {
			return i, err
		}
	}
	return i, nil
}

// write writes rows in one transaction.
func (i inserter) write(ctx context.Context, rows [][]any) error {
	tx, err := i.to.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if i.walled {
		if _, err := tx.ExecContext(ctx, "SELECT set_config('clientele.wide', 'on', true)"); err != nil {
			return err
		}
	}
	for len(rows) > 0 {
		n, stmt := perStatement, i.hundred
		if len(rows) < n {
			n, stmt = 1, i.single
		}
		if _, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, slices.Concat(rows[:n]...)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return tx.Commit()
}

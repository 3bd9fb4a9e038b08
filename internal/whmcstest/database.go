package whmcstest

import (
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"
)

// A Database is one test's own, and goes with the test.
type Database struct {
	t      testing.TB
	server *Server
	name   string
	shape  map[string]string
	pool   *sql.DB
}

var serial atomic.Int64

// NewDatabase makes an empty database on the shared server, of one of the
// Shapes: "7.0", "7.10", "8.3" or "8.13".
func NewDatabase(t testing.TB, shape string) *Database {
	t.Helper()
	return Shared(t).NewDatabase(t, shape)
}

// NewDatabase makes an empty database on a server that the test may kill, and
// that was started with accounts.
func (s *Server) NewDatabase(t testing.TB, shape string) *Database {
	t.Helper()
	tables, ok := Shapes[shape]
	if !ok {
		t.Fatalf("there is no shape %q", shape)
	}
	d := &Database{t: t, server: s, name: fmt.Sprintf("whmcs_%d", serial.Add(1)), shape: tables}
	s.Build(t, d.name, tables)
	d.pool = s.Open(t, d.name)
	d.pool.SetMaxOpenConns(1)
	t.Cleanup(func() { // whoever still reads does not hold it up, and a killed server has taken it along
		_, _ = d.pool.Exec("SET lock_wait_timeout = 1; DROP DATABASE " + d.name)
	})
	return d
}

// Add inserts a row at once: a column and its value by turns, as Filler.Add
// takes them.
func (d *Database) Add(table string, pairs ...any) {
	d.t.Helper()
	head, values := row(table, pairs)
	d.Exec(head + values)
}

// Exec runs statements, all on one connection.
func (d *Database) Exec(statement string) {
	d.t.Helper()
	Do(d.t, d.pool, statement)
}

// DSN is the address of the database.
func (d *Database) DSN() string { return d.server.DSN(d.name) }

// Dump has mariadb-dump write the database into a file, and gives its path.
func (d *Database) Dump(options ...string) string {
	d.t.Helper()
	return d.server.Dump(d.t, d.name, options...)
}

// Has is true where the release has the table.
func (d *Database) Has(table string) bool {
	_, ok := d.shape[table]
	return ok
}

// HasUsers is true where people who sign in have a table of their own: 8.0 and
// later.
func (d *Database) HasUsers() bool { return d.Has("tblusers") }

package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"clientele/internal/fault"
	"clientele/internal/id"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A Scope is whose rows a transaction may touch, as the second wall sees it.
// Its zero value touches no account-owned row at all.
type Scope struct {
	account id.Account
	user    id.User
	wide    bool
}

// Nothing is the scope of a transaction that touches no account's rows:
// sessions, throttling, the user's own record.
var Nothing = Scope{}

// Wide is the scope of work that goes across accounts: staff, jobs, mail,
// looking an invitation up by its token. Whoever uses it must bound the
// query himself.
var Wide = Scope{wide: true}

// InAccount is the scope of one account, for one of its people.
func InAccount(a id.Account, u id.User) Scope { return Scope{account: a, user: u} }

// AsUser is the scope of one person across her accounts.
func AsUser(u id.User) Scope { return Scope{user: u} }

// A Tx is a transaction. Now is the time at which it began, in UTC and whole
// microseconds: the only "now" that its rows know.
type Tx struct {
	Now time.Time

	db      *DB
	conn    *sql.Conn // a reading transaction on PostgreSQL
	reader  *reader   // a reading transaction on SQLite
	tx      *sql.Tx   // a writing transaction
	peeking bool      // on PostgreSQL: every query is a transaction of its own, in one round trip
	ctx     context.Context
	scope   Scope
	before  []closing
	after   []func()
	noted   []string // statements that the keeper does not know yet
}

// After has fn run once the transaction has committed, and not at all where
// it has not: the place for effects on the world outside the database.
func (tx *Tx) After(fn func()) { tx.after = append(tx.after, fn) }

// SQL hands out the standard library's transaction to the job library.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// Context is the context that the transaction began with.
func (tx *Tx) Context() context.Context { return tx.ctx }

var errBadConn = driver.ErrBadConn

// Read runs fn in a transaction that sees one state of the database and
// changes nothing.
func (d *DB) Read(ctx context.Context, scope Scope, fn func(*Tx) error) error {
	if d.engine == Postgres {
		return d.readPostgres(ctx, "begin read only", scope, fn)
	}
	return d.readSQLite(ctx, scope, false, fn)
}

// Snapshot is Read over every row, in which also several queries, however long
// they take, see the database as it was at one moment. Writers go on meanwhile.
func (d *DB) Snapshot(ctx context.Context, fn func(*Tx) error) error {
	if d.engine == Postgres {
		return d.readPostgres(ctx, "begin isolation level repeatable read read only", Wide, fn)
	}
	return d.readSQLite(ctx, Wide, false, fn)
}

// Peek is Read for a single query, which sees one state of the database also
// where it is not put into a transaction.
func (d *DB) Peek(ctx context.Context, scope Scope, fn func(*Tx) error) error {
	if d.engine == Postgres {
		return d.peekPostgres(ctx, scope, fn)
	}
	return d.readSQLite(ctx, scope, true, fn)
}

// attempts is how often a write is tried that PostgreSQL gave up for the sake
// of another one.
const attempts = 5

// Write runs fn in a transaction and commits what it did, or nothing of it.
// fn may run more than once, so its only effects are on the database and
// through After.
func (d *DB) Write(ctx context.Context, scope Scope, fn func(*Tx) error) error {
	for n := 1; ; n++ {
		err := d.writeOnce(ctx, scope, fn)
		if n == attempts || !isRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.IntN(5*n)+1) * time.Millisecond):
		}
	}
}

func (d *DB) writeOnce(ctx context.Context, scope Scope, fn func(*Tx) error) error {
	sqlTx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return unavailable(err)
	}
	defer sqlTx.Rollback()
	tx := &Tx{db: d, tx: sqlTx, Now: d.Now(), scope: scope, ctx: ctx}
	if d.engine == Postgres {
		if err := tx.applyScope(); err != nil {
			return unavailable(err)
		}
	}
	if err := fn(tx); err != nil {
		return unavailable(err) // libraries that bring their own SQL have not said so
	}
	if err := tx.close(); err != nil {
		return unavailable(err)
	}
	if err := sqlTx.Commit(); err != nil {
		return unavailable(err)
	}
	if len(tx.noted) > 0 {
		d.keeper.prepare(ctx, d.write, tx.noted)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// applyScope tells row-level security whose rows this transaction may touch.
func (tx *Tx) applyScope() error {
	if tx.conn != nil {
		return execSimple(tx.ctx, tx.conn, scopeSettings(tx.scope))
	}
	settings := scopeValues(tx.scope)
	_, err := tx.tx.ExecContext(tx.ctx,
		"SELECT set_config('clientele.account', $1, true), set_config('clientele.user_id', $2, true), set_config('clientele.wide', $3, true)",
		settings[0], settings[1], settings[2])
	return err
}

// Within runs fn with another scope, and then goes back to the one before. It
// is for the few places that must look beyond one account, each of which
// bounds its query itself.
func (tx *Tx) Within(s Scope, fn func() error) error {
	if tx.db.engine != Postgres || s == tx.scope {
		return fn()
	}
	before := tx.scope
	tx.scope = s
	if tx.peeking {
		defer func() { tx.scope = before }()
		return fn()
	}
	if err := tx.applyScope(); err != nil {
		return unavailable(err)
	}
	err := fn()
	tx.scope = before
	if err != nil {
		return err
	}
	return unavailable(tx.applyScope())
}

// ErrExists means that a row with the same unique key is there already.
// Constraint names the key on PostgreSQL and its columns on SQLite.
type ErrExists struct{ Constraint string }

func (e *ErrExists) Error() string { return "a row with the same key exists: " + e.Constraint }

// ErrReference means that a row refers to one that is not there, or is not of
// the same account.
var ErrReference = errors.New("a row refers to one that is not there")

// ErrNone means that a query that should find one row found none.
var ErrNone = errors.New("no such row")

// Exists reports whether err is a clash of unique keys.
func Exists(err error) bool {
	var e *ErrExists
	return errors.As(err, &e)
}

// translate turns the drivers' errors into the ones of this package.
func translate(err error) error {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNone
	case errors.As(err, &pg):
		switch pg.Code {
		case "23505":
			return &ErrExists{Constraint: pg.ConstraintName}
		case "23503":
			return fmt.Errorf("%w: %s", ErrReference, pg.ConstraintName)
		}
	case errors.As(err, &lite):
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return &ErrExists{Constraint: lite.Error()}
		case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return ErrReference
		}
	}
	return unavailable(err)
}

// unavailable marks the errors of a database that is not there, so that the
// visitor is asked to try again soon instead of being told of a defect.
func unavailable(err error) error {
	if _, told := fault.Of(err); err == nil || told || !isAway(err) {
		return err
	}
	return errors.Join(&fault.Error{Code: fault.Busy, Reason: "database-unavailable", Text: "The database does not answer right now. Nothing was changed; please try again in a moment.", Retry: 5 * time.Second}, err)
}

// isAway tells a database that cannot be reached, or cannot be written to,
// from one that was asked something wrong.
func isAway(err error) bool {
	var op *net.OpError
	var connect *pgconn.ConnectError
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &op), errors.As(err, &connect), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err):
		return true
	case errors.As(err, &pg):
		return slices.Contains([]string{"57", "53", "08"}, pg.Code[:2])
	case errors.As(err, &lite):
		// The low byte is the kind of error; the rest says more of it.
		return slices.Contains([]int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}, lite.Code()&0xff)
	}
	// A pool that was closed has no error of its own in the standard library.
	return strings.HasSuffix(err.Error(), "sql: database is closed")
}

func isRetryable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return false
}

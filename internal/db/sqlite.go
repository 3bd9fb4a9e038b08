package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	sqlite "modernc.org/sqlite" // the engine, registered as "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// pragmas stand in the DSN so that every connection of a pool has them: an
// Exec would reach one connection only.
//
//   - WAL with synchronous NORMAL loses nothing when the process is killed.
//   - Times are text in UTC, in a form that sorts as time does.
//   - Writers begin immediately: two of them queue instead of failing halfway.
const pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)" +
	"&_pragma=foreign_keys(1)&_time_format=sqlite&_texttotime=1&_timezone=UTC"

func openSQLite(ctx context.Context, path string, o Options) (*DB, error) {
	if path == "" {
		return nil, fmt.Errorf("CLIENTELE_DATABASE_URL is sqlite:// and names no file: use sqlite://./data/clientele.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w; create it, or choose another with CLIENTELE_DATABASE_URL", filepath.Dir(path), err)
	}
	if err := makeFile(path); err != nil {
		return nil, fileError(path, err)
	}
	file := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String()
	write, err := sql.Open("sqlite", file+"?"+pragmas+"&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", file+"?"+pragmas+"&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("db.Open: %w", err)
	}
	conns := max(4, 2*runtime.NumCPU())
	if o.MaxConns > 0 {
		conns = o.MaxConns
	}
	read.SetMaxOpenConns(conns)
	read.SetMaxIdleConns(conns)
	d := &DB{engine: SQLite, write: write, read: read, clock: o.Clock, readers: make(chan *reader, conns), keeper: &keeper{stmts: map[string]*sql.Stmt{}}}
	for range conns {
		d.readers <- &reader{}
	}
	if err := d.tryWriting(ctx); err != nil {
		d.Close()
		return nil, fileError(path, err)
	}
	_ = os.Chmod(path, 0o600) // where the file is another's, or its disk knows no modes, it stays as it is
	return d, nil
}

// makeFile makes a new file readable by its owner alone before the engine
// opens it: the files that the engine lays beside it are made like it.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func fileError(path string, err error) error {
	var lite *sqlite.Error
	var file *os.PathError
	switch {
	case errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("the file %s is no SQLite database: name another in CLIENTELE_DATABASE_URL", path)
	case errors.As(err, &file):
		err = file.Err
	}
	return fmt.Errorf("the database file %s cannot be written: %w; check that its folder is yours and not full, or choose another with CLIENTELE_DATABASE_URL", path, err)
}

// tryWriting makes a write that changes nothing, so that a read-only folder or
// a file that is no database is told at the start and not at the first visit.
func (d *DB) tryWriting(ctx context.Context) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE clientele_write_probe (n INTEGER)"); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "DROP TABLE clientele_write_probe")
	return err
}

// A reader is one connection of SQLite's read pool with its statements, which
// stay prepared: the driver would parse the text anew at every query.
type reader struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStmts bounds how many statements one reader keeps.
const maxStmts = 500

// prepared finds the statement, or prepares it.
func (r *reader) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := r.stmts[query]; ok {
		return s, nil
	}
	s, err := r.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(r.stmts) >= maxStmts {
		for old, stmt := range r.stmts {
			stmt.Close()
			delete(r.stmts, old)
			break
		}
	}
	r.stmts[query] = s
	return s, nil
}

func (r *reader) exec(ctx context.Context, statement string) error {
	s, err := r.prepared(ctx, statement)
	if err == nil {
		_, err = s.ExecContext(ctx)
	}
	return err
}

// drop gives the connection up; the next use opens another.
func (r *reader) drop() {
	for _, s := range r.stmts {
		s.Close() // or the file would stay open behind the connection
	}
	if r.conn != nil {
		r.conn.Close()
	}
	r.conn, r.stmts = nil, nil
}

// readSQLite runs fn on one of the readers, in a transaction unless it makes
// one query only, which is a transaction by itself.
func (d *DB) readSQLite(ctx context.Context, scope Scope, single bool, fn func(*Tx) error) (err error) {
	var r *reader
	select {
	case r = <-d.readers:
		defer func() { d.readers <- r }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.conn == nil {
		if r.conn, err = d.read.Conn(ctx); err != nil {
			return unavailable(err)
		}
		r.stmts = map[string]*sql.Stmt{}
	}
	tx := &Tx{db: d, reader: r, Now: d.Now(), scope: scope, ctx: ctx}
	if single {
		return fn(tx)
	}
	if err := r.exec(ctx, "BEGIN"); err != nil {
		r.drop()
		return unavailable(err)
	}
	defer func() {
		if r.exec(context.WithoutCancel(ctx), "COMMIT") != nil {
			r.drop()
		}
	}()
	return fn(tx)
}

// A keeper keeps the writer's statements prepared. The writer has a single
// connection, so a statement cannot be prepared while a transaction holds it:
// new ones are noted, and prepared once the transaction is over.
type keeper struct {
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

// find answers the prepared statement, or nil, in which case the transaction
// should note it.
func (k *keeper) find(query string) *sql.Stmt {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stmts[query]
}

// prepare prepares what a transaction has noted. That one cannot be prepared
// costs nothing but time.
func (k *keeper) prepare(ctx context.Context, pool *sql.DB, noted []string) {
	for _, query := range noted {
		if k.find(query) != nil {
			continue
		}
		s, err := pool.PrepareContext(ctx, query)
		if err != nil {
			return
		}
		k.mu.Lock()
		if k.stmts[query] != nil || len(k.stmts) >= maxStmts {
			s.Close()
		} else {
			k.stmts[query] = s
		}
		k.mu.Unlock()
	}
}

// closeReaders waits for the readers and closes their connections. Whoever
// still wants to read afterwards finds a closed pool.
func (d *DB) closeReaders() {
	var all []*reader
	for range cap(d.readers) {
		r := <-d.readers
		r.drop()
		all = append(all, r)
	}
	for _, r := range all {
		d.readers <- r
	}
}

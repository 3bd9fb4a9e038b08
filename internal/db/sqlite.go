package db

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite" // the engine, registered as "sqlite"
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
		return nil, fmt.Errorf("the database URL sqlite:// names no file: use sqlite://./data/clientele.db")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w; create it, or choose another with CLIENTELE_DATABASE_URL", filepath.Dir(path), err)
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
	// Every reader may need a second connection for a moment, to prepare a
	// statement; the gate keeps readers from waiting for each other's.
	read.SetMaxOpenConns(2 * conns)
	read.SetMaxIdleConns(2 * conns)
	d := &DB{engine: SQLite, write: write, read: read, clock: o.Clock, gate: make(chan struct{}, conns)}
	if err := d.tryWriting(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("the database file %s cannot be written: %w; check that its folder exists, is yours, and is not full", path, err)
	}
	os.Chmod(path, 0o600)
	return d, nil
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

package db

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"time"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// InUse reports whether another process works with a database, as a server
// does that runs.
func InUse(ctx context.Context, rawURL string) (bool, error) {
	if path, ok := strings.CutPrefix(rawURL, "sqlite://"); ok {
		return inUseSQLite(ctx, path)
	}
	d, err := Open(ctx, rawURL, Options{AllowBypass: true, MaxConns: 1})
	if err != nil {
		return false, err
	}
	defer d.Close()
	// The server sees a process off a moment after it has gone.
	for deadline := time.Now().Add(goneWithin); ; {
		var others int
		err := d.write.QueryRowContext(ctx, "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'clientele' AND pid <> pg_backend_pid()").Scan(&others)
		if err != nil || others == 0 || time.Now().After(deadline) {
			return others > 0, err
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

const goneWithin = 2 * time.Second

// inUseSQLite asks for the file for itself alone, which nobody gets while
// somebody else has it open.
func inUseSQLite(ctx context.Context, path string) (bool, error) {
	file := (&url.URL{Scheme: "file", Opaque: url.PathEscape(path)}).String()
	pool, err := sql.Open("sqlite", file+"?mode=rw&_pragma=locking_mode(EXCLUSIVE)&_pragma=busy_timeout(0)&_txlock=exclusive")
	if err != nil {
		return false, err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	tx, err := pool.BeginTx(ctx, nil)
	var lite *sqlite.Error
	switch {
	case err == nil:
		return false, tx.Rollback()
	case errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY:
		return true, nil
	case errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_CANTOPEN:
		return false, nil // there is none yet
	}
	return false, fileError(path, err)
}

package db

import (
	"context"
	"time"
)

// Facts are what an operator asks of a database.
type Facts struct {
	Version string        // the engine's own
	Size    int64         // in bytes
	Took    time.Duration // to answer a question that costs nothing
	Away    time.Duration // how far its clock is from ours; 0 on SQLite, which has none
}

// Facts reads them.
func (d *DB) Facts(ctx context.Context) (f Facts, err error) {
	began := time.Now()
	if err := d.Ping(ctx); err != nil {
		return f, err
	}
	f.Took = time.Since(began)
	query := "SELECT sqlite_version() AS version, (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size()) AS size"
	if d.engine == Postgres {
		query = "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size, clock_timestamp() AS clock"
	}
	type facts struct {
		Version string
		Size    int64
		Clock   Null[time.Time]
	}
	var row facts
	before := time.Now()
	err = d.Peek(ctx, Nothing, func(tx *Tx) (err error) {
		row, err = One[facts](tx, query)
		return err
	})
	after := time.Now()
	f.Version, f.Size = row.Version, row.Size
	switch theirs := row.Clock; {
	case theirs.Valid && theirs.V.After(after):
		f.Away = theirs.V.Sub(after)
	case theirs.Valid && theirs.V.Before(before):
		f.Away = theirs.V.Sub(before)
	}
	return f, err
}

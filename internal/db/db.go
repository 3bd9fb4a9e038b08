// Package db is the one handle for SQLite and PostgreSQL. One text of SQL runs
// on both; what differs between them is hidden here and nowhere else.
//
// Everything happens in a transaction. A transaction knows the time it began,
// so that all of its rows agree on "now", and the scope it runs in: on
// PostgreSQL the scope is what row-level security reads, the second wall
// behind the permission check.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele/internal/plain"
)

// An Engine is one of the two database engines.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// A DB is an open database. It is safe for use by many goroutines.
type DB struct {
	engine  Engine
	write   *sql.DB
	read    *sql.DB // on SQLite a pool of its own, so that readers never wait for the writer
	clock   func() time.Time
	readers chan *reader // on SQLite: the read pool's connections
	keeper  *keeper      // on SQLite: the writer's statements
}

// Options are what Open needs beside the URL.
type Options struct {
	// Clock tells the time; the wall clock where it is nil.
	Clock func() time.Time
	// AllowBypass opens a PostgreSQL database also as a role that row-level
	// security does not bind.
	AllowBypass bool
	// MaxConns bounds the pool; 0 takes the default.
	MaxConns int
}

// Open opens the database that the URL names: sqlite://PATH or postgres://….
// It does not migrate.
func Open(ctx context.Context, rawURL string, o Options) (*DB, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	switch scheme, rest, _ := strings.Cut(rawURL, "://"); scheme {
	case "sqlite":
		return openSQLite(ctx, rest, o)
	case "postgres", "postgresql":
		return openPostgres(ctx, rawURL, o)
	}
	return nil, fmt.Errorf("CLIENTELE_DATABASE_URL is %q, which is no database that we know: use sqlite://./data/clientele.db or postgres://user:password@host/name", plain.URL(rawURL))
}

// Engine tells which engine this is, for the few who must know: migrations
// and the job library.
func (d *DB) Engine() Engine { return d.engine }

// Pool hands out the writing pool to libraries that bring their own SQL, like
// the job library and the migrations.
func (d *DB) Pool() *sql.DB { return d.write }

// Now is the time by the database's clock, as transactions see it.
func (d *DB) Now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	err := d.Peek(ctx, Nothing, func(tx *Tx) error {
		_, err := One[int64](tx, "SELECT 1")
		return err
	})
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

// Close closes the database.
func (d *DB) Close() error {
	if d.read != d.write {
		d.closeReaders()
		return errors.Join(d.read.Close(), d.write.Close())
	}
	return d.write.Close()
}

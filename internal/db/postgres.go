package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"time"

	"clientele/internal/plain"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// connectTimeout bounds the wait for a server that does not answer at all: a
// visitor is told so instead of waiting as long as the network would.
const connectTimeout = 10 * time.Second

func openPostgres(ctx context.Context, rawURL string, o Options) (*DB, error) {
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return nil, fmt.Errorf("CLIENTELE_DATABASE_URL (%s) cannot be read: use postgres://user:password@host/name", plain.URL(rawURL))
	}
	config.RuntimeParams["timezone"] = "UTC"
	config.RuntimeParams["application_name"] = "clientele"
	// Our queries are short; compiling one would take longer than running it.
	config.RuntimeParams["jit"] = "off"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	pool := stdlib.OpenDB(*config)
	conns := 8 * runtime.NumCPU()
	if o.MaxConns > 0 {
		conns = o.MaxConns
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	d := &DB{engine: Postgres, write: pool, read: pool, clock: o.Clock}
	if err := d.checkRole(ctx, o.AllowBypass); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// checkRole refuses a role that row-level security does not bind: with it the
// second wall would be painted on.
func (d *DB) checkRole(ctx context.Context, allow bool) error {
	var name string
	var bypasses bool
	err := d.read.QueryRowContext(ctx, "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&name, &bypasses)
	if err != nil {
		return connectError(err)
	}
	if bypasses && !allow {
		return fmt.Errorf("the PostgreSQL role %q is a superuser or bypasses row security, which switches off the wall between accounts: create an ordinary role for Clientele, or set CLIENTELE_ALLOW_BYPASS=true", name)
	}
	return nil
}

func connectError(err error) error {
	var pg *pgconn.PgError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("PostgreSQL's host %q cannot be found: check the host in CLIENTELE_DATABASE_URL", dns.Name)
	case errors.As(err, &pg) && (pg.Code[:2] == "53" || pg.Code[:2] == "57"):
		return fmt.Errorf("PostgreSQL takes no connections right now: %s; try again in a moment", pg.Message)
	case errors.As(err, &pg):
		return fmt.Errorf("PostgreSQL refused the connection: %s; check user, password and database name in CLIENTELE_DATABASE_URL", pg.Message)
	case errors.As(err, &op):
		return fmt.Errorf("PostgreSQL cannot be reached at %s: check that it runs, and the host and port in CLIENTELE_DATABASE_URL", op.Addr)
	}
	return fmt.Errorf("PostgreSQL cannot be reached: %w; check CLIENTELE_DATABASE_URL", err)
}

// scopeValues is the scope as row-level security reads it: the account, the
// person, and whether everything may be seen.
func scopeValues(s Scope) [3]string {
	num := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	wide := ""
	if s.wide {
		wide = "on"
	}
	return [3]string{num(int64(s.account)), num(int64(s.user)), wide}
}

// scopeSettings is the scope as statements. The values are numbers and a word
// of ours, never input.
func scopeSettings(s Scope) string {
	v := scopeValues(s)
	return "set local clientele.account = '" + v[0] + "'; set local clientele.user_id = '" + v[1] + "'; set local clientele.wide = '" + v[2] + "'"
}

// execSimple sends several statements in one round trip.
func execSimple(ctx context.Context, conn *sql.Conn, text string) error {
	return conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().PgConn().Exec(ctx, text).ReadAll()
		return err
	})
}

// readPostgres runs fn in a read-only transaction that costs two round trips
// beside the queries of fn.
func (d *DB) readPostgres(ctx context.Context, begin string, scope Scope, fn func(*Tx) error) error {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer conn.Close()
	if err := execSimple(ctx, conn, begin+"; "+scopeSettings(scope)); err != nil {
		return unavailable(err)
	}
	err = fn(&Tx{db: d, conn: conn, Now: d.Now(), scope: scope, ctx: ctx})
	end := "commit"
	if err != nil {
		end = "rollback"
	}
	if ctx.Err() == nil {
		if e := execSimple(ctx, conn, end); e != nil && err == nil {
			err = unavailable(e)
		}
	}
	if ctx.Err() != nil {
		// A connection in the middle of a transaction must not go back to the pool.
		_ = conn.Raw(func(any) error { return errBadConn })
	}
	return err
}

// peekPostgres runs fn, each of whose queries is a transaction of its own that
// takes one round trip.
func (d *DB) peekPostgres(ctx context.Context, scope Scope, fn func(*Tx) error) error {
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return unavailable(err)
	}
	defer conn.Close()
	return fn(&Tx{db: d, conn: conn, peeking: true, Now: d.Now(), scope: scope, ctx: ctx})
}

// peek sends the begin, the scope, the query and the commit in one go.
func (tx *Tx) peek(query string, args []any, read func(rowSource) error) error {
	settings := scopeValues(tx.scope)
	var batch pgx.Batch
	batch.Queue("begin read only")
	batch.Queue("SELECT set_config('clientele.account', $1, true), set_config('clientele.user_id', $2, true), set_config('clientele.wide', $3, true)",
		settings[0], settings[1], settings[2])
	batch.Queue(query, args...).Query(func(rows pgx.Rows) error {
		if err := rows.Err(); err != nil {
			return err // rows that never came have no columns to be asked for
		}
		return read(pgxRows{rows})
	})
	batch.Queue("commit")
	return tx.conn.Raw(func(c any) error {
		conn := c.(*stdlib.Conn).Conn()
		err := conn.SendBatch(tx.ctx, &batch).Close()
		if conn.PgConn().IsClosed() {
			return errors.Join(err, errBadConn)
		}
		if err != nil && conn.PgConn().TxStatus() != 'I' {
			_, rollback := conn.Exec(context.WithoutCancel(tx.ctx), "rollback")
			err = errors.Join(err, rollback)
		}
		return err
	})
}

// pgxRows are the driver's own rows with the columns named.
type pgxRows struct{ pgx.Rows }

// Columns names the columns.
func (r pgxRows) Columns() ([]string, error) {
	fields := r.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names, nil
}

package whmcs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// page is how many rows are fetched at once, unless they have more bytes than
// heavy. They are held in memory, so that the server never waits for us in the
// middle of an answer.
const (
	page  = 500
	heavy = 8 << 20
)

// A live source reads a server, in one transaction of one connection.
type live struct {
	pool   *sql.DB
	conn   *sql.Conn
	tables []Table
	reads  map[string][]string // by table, how each column is asked for
}

// OpenLive opens the MySQL or MariaDB database at the address, which is
// user:password@tcp(host:3306)/whmcs or mysql://user:password@host/whmcs. All
// that is read from it is of one moment, that of opening, where its tables are
// InnoDB's. Its errors are sentences for the operator. When ctx ends, so does
// the source.
func OpenLive(ctx context.Context, dsn string) (Source, error) {
	config, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errors.New("the address of the database cannot be read: check what stands behind its question mark")
	}
	s := &live{pool: sql.OpenDB(connector), reads: map[string][]string{}}
	s.pool.SetMaxOpenConns(1)
	if err := s.begin(ctx); err != nil {
		s.Close()
		return nil, refused(err, config)
	}
	return s, nil
}

func (s *live) begin(ctx context.Context) (err error) {
	if s.conn, err = s.pool.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range []string{
		"SET SESSION time_zone = '+00:00'", // as in a dump
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := s.readColumns(ctx); err != nil {
		return err
	}
	return s.count(ctx)
}

// readColumns finds all tables with their columns.
func (s *live) readColumns(ctx context.Context) error {
	rows, err := s.conn.QueryContext(ctx, "SELECT table_name, column_name, COALESCE(character_set_name, '') FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, column, charset string
		if err := rows.Scan(&table, &column, &charset); err != nil {
			return err
		}
		if n := len(s.tables); n == 0 || s.tables[n-1].Name != table {
			s.tables = append(s.tables, Table{Name: table})
		}
		last := &s.tables[len(s.tables)-1]
		last.Columns = append(last.Columns, column)
		s.reads[table] = append(s.reads[table], asBytes(table, column, charset))
	}
	return rows.Err()
}

// asBytes asks for a column as the bytes that it holds, and for nothing of one
// that is not read. Only a character set that the cleaner does not know is
// converted by the server.
func asBytes(table, column, charset string) string {
	name := quote(column)
	switch {
	case !isWanted(table, column):
		return "NULL"
	case column == "password":
		name = fmt.Sprintf("LEFT(%s, %d)", name, hashLength+1)
	}
	if slices.Contains([]string{"", "binary", "ascii", "latin1", "utf8", "utf8mb3", "utf8mb4"}, charset) {
		return name
	}
	return "CONVERT(" + name + " USING utf8mb4)"
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (s *live) count(ctx context.Context) error {
	for i := range s.tables {
		t := &s.tables[i]
		if !isNeeded(t.Name) {
			continue
		}
		if err := s.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+quote(t.Name)).Scan(&t.Rows); err != nil {
			return err
		}
	}
	return nil
}

func (s *live) Tables() []Table { return s.tables }

// Rows fetches page after page, each by one query for the ids that follow.
func (s *live) Rows(ctx context.Context, name string) iter.Seq2[Row, error] {
	table, ok := find(s.tables, name)
	if !ok {
		return func(func(Row, error) bool) {}
	}
	selects := "SELECT " + strings.Join(s.reads[name], ", ") + " FROM " + quote(name)
	id := slices.Index(table.Columns, "id")
	if id < 0 {
		return s.unnumbered(ctx, name, selects)
	}
	return func(yield func(Row, error) bool) {
		for last, most := int64(math.MinInt64), page; ; {
			rows, cut, err := s.fetch(ctx, fmt.Sprint(selects, " WHERE `id` > ", last, " ORDER BY `id` LIMIT ", most), id)
			if err != nil {
				yield(Row{}, dropped(err, name))
				return
			}
			for _, row := range rows {
				if last = row.ID; !yield(row, nil) {
					return
				}
			}
			if len(rows) < most && !cut {
				return
			}
			most = min(page, 2*len(rows)) // no more than what may fit again
		}
	}
}

// fetch reads what a query finds, or cuts it where it gets heavy, and the ids
// in the column that has them.
func (s *live) fetch(ctx context.Context, query string, id int) (list []Row, cut bool, err error) {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for bytes := 0; rows.Next(); {
		values, err := scan(rows)
		if err != nil {
			return nil, false, err
		}
		for _, v := range values {
			bytes += len(v)
		}
		n, err := strconv.ParseInt(string(values[id]), 10, 64)
		if err != nil {
			return nil, false, fmt.Errorf("the id %.40q is no number", values[id])
		}
		if list = append(list, Row{n, values}); bytes >= heavy {
			return list, true, nil
		}
	}
	return list, false, rows.Err()
}

// unnumbered streams a table without ids, which cannot be read in pages.
func (s *live) unnumbered(ctx context.Context, name, query string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rows, err := s.conn.QueryContext(ctx, query)
		if err != nil {
			yield(Row{}, dropped(err, name))
			return
		}
		defer rows.Close()
		for n := int64(1); rows.Next(); n++ {
			values, err := scan(rows)
			if err != nil {
				yield(Row{}, dropped(err, name))
				return
			}
			if !yield(Row{n, values}, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, dropped(err, name))
		}
	}
}

// scan copies the values of a row. An empty text stays empty, and is not NULL.
func scan(rows *sql.Rows) ([][]byte, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, targets := make([][]byte, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	return values, rows.Scan(targets...)
}

// Close ends the transaction with the connection.
func (s *live) Close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	return s.pool.Close()
}

// The numbers of MySQL's errors that have an answer.
const (
	errNoDatabaseAccess = 1044
	errBadPassword      = 1045
	errNoDatabase       = 1049
	errNoTableAccess    = 1142
	errUnknownWords     = 1064
)

// refused says in a sentence why the database could not be opened.
func refused(err error, c *mysql.Config) error {
	var answer *mysql.MySQLError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &answer) && answer.Number == errBadPassword:
		return fmt.Errorf("the database server at %s refuses the user %q with this password, or from this machine: check the password, and that the user was made for the address that this machine comes from; of its own user WHMCS has both in configuration.php, as $db_username and $db_password", c.Addr, c.User)
	case errors.As(err, &answer) && answer.Number == errNoDatabase:
		return fmt.Errorf("the database server at %s has no database %q: configuration.php of WHMCS has its name as $db_name", c.Addr, c.DBName)
	case errors.As(err, &answer) && (answer.Number == errNoDatabaseAccess || answer.Number == errNoTableAccess):
		return fmt.Errorf("the user %q may not read the database %q: let an administrator of the server run GRANT SELECT ON %s.* TO this user", c.User, c.DBName, quote(c.DBName))
	case errors.As(err, &answer) && answer.Number == errUnknownWords:
		return fmt.Errorf("the database server at %s is too old to be held to reading, which it is since MySQL 5.6.5 and MariaDB 10.0: make a dump of the database, and name it with --dump", c.Addr)
	case errors.As(err, &answer):
		return fmt.Errorf("the database server at %s answers: %s (error %d)", c.Addr, answer.Message, answer.Number)
	case errors.As(err, &dns):
		return fmt.Errorf("the database server's host %q cannot be found: check the host in the address", dns.Name)
	case errors.As(err, &op):
		return fmt.Errorf("the database server cannot be reached at %s: %w; check that it runs and lets this machine in, and the host and port in the address", c.Addr, op.Err)
	}
	return fmt.Errorf("the database server at %s does not answer as MySQL or MariaDB does: %w", c.Addr, err)
}

// dropped says in a sentence why the reading ended.
func dropped(err error, table string) error {
	var answer *mysql.MySQLError
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &answer) && answer.Number == errNoTableAccess:
		return fmt.Errorf("the user of the database may not read %s: let an administrator of the server grant SELECT on it, then run this again", table)
	case errors.As(err, &answer):
		return fmt.Errorf("the database server answers, while %s was read: %s (error %d); run this again", table, answer.Message, answer.Number)
	}
	return fmt.Errorf("the connection to the database server was lost while %s was read; nothing was changed there: run this again (%w)", table, err)
}

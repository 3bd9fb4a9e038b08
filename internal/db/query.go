package db

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode"
)

// One reads the single row that the query finds into a T: a struct whose
// fields are named like the columns, or one plain value. It answers ErrNone
// where there is no row.
func One[T any](tx *Tx, query string, args ...any) (T, error) {
	var zero T
	all, err := All[T](tx, query, args...)
	if err != nil {
		return zero, err
	}
	if len(all) == 0 {
		return zero, ErrNone
	}
	return all[0], nil
}

// All reads every row that the query finds.
func All[T any](tx *Tx, query string, args ...any) (list []T, err error) {
	if tx.peeking {
		err = tx.peek(query, args, func(rows rowSource) (err error) {
			list, err = scanAll[T](rows)
			return err
		})
	} else {
		list, err = queryAll[T](tx, query, args)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (query %s)", translate(err), firstLine(query))
	}
	return list, nil
}

func queryAll[T any](tx *Tx, query string, args []any) ([]T, error) {
	rows, err := tx.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return scanAll[T](rows)
}

// A rowSource is the rows of a query, by either of the two ways to them.
type rowSource interface {
	Columns() ([]string, error)
	Next() bool
	Scan(targets ...any) error
	Err() error
}

func scanAll[T any](rows rowSource) ([]T, error) {
	fields, err := columnsOf[T](rows)
	if err != nil {
		return nil, err
	}
	var out []T
	targets := make([]any, max(1, len(fields)))
	for rows.Next() {
		var row T
		if fields == nil {
			targets[0] = &row
		} else {
			v := reflect.ValueOf(&row).Elem()
			for i, f := range fields {
				targets[i] = v.FieldByIndex(f).Addr().Interface()
			}
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// Exec runs a statement and tells how many rows it changed.
func Exec(tx *Tx, query string, args ...any) (int64, error) {
	if tx.tx == nil {
		return 0, errors.New("db: a reading transaction writes nothing: " + firstLine(query))
	}
	var res sql.Result
	var err error
	if stmt := tx.kept(query); stmt != nil {
		res, err = stmt.ExecContext(tx.ctx, args...)
	} else {
		res, err = tx.tx.ExecContext(tx.ctx, query, args...)
	}
	if err != nil {
		return 0, fmt.Errorf("%w (statement %s)", translate(err), firstLine(query))
	}
	return res.RowsAffected()
}

func (tx *Tx) query(query string, args ...any) (*sql.Rows, error) {
	if tx.conn != nil {
		return tx.conn.QueryContext(tx.ctx, query, args...)
	}
	if tx.reader != nil {
		stmt, err := tx.reader.prepared(tx.ctx, query)
		if err != nil {
			return nil, err
		}
		return stmt.QueryContext(tx.ctx, args...)
	}
	if stmt := tx.kept(query); stmt != nil {
		return stmt.QueryContext(tx.ctx, args...)
	}
	return tx.tx.QueryContext(tx.ctx, query, args...)
}

// kept is the writer's prepared statement, if there is one by now.
func (tx *Tx) kept(query string) *sql.Stmt {
	if tx.db.keeper == nil || tx.tx == nil {
		return nil
	}
	s := tx.db.keeper.find(query)
	if s == nil {
		tx.noted = append(tx.noted, query)
		return nil
	}
	return tx.tx.StmtContext(tx.ctx, s)
}

type columnKey struct {
	t       reflect.Type
	columns string
}

var columnCache sync.Map // columnKey to [][]int

// columnsOf finds the field for each column of rows; nil where T is one
// plain value.
func columnsOf[T any](rows rowSource) ([][]int, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct || isScalar(t) {
		return nil, nil
	}
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	key := columnKey{t, strings.Join(columns, ",")}
	if f, ok := columnCache.Load(key); ok {
		return f.([][]int), nil
	}
	byName := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous {
			byName[snake(f.Name)] = f.Index
		}
	}
	out := make([][]int, len(columns))
	for i, c := range columns {
		f, ok := byName[c]
		if !ok {
			return nil, fmt.Errorf("db: %s has no field for the column %s", t, c)
		}
		out[i] = f
	}
	columnCache.Store(key, out)
	return out, nil
}

// isScalar tells the structs that are one value, like time.Time and the
// sql.Null types.
func isScalar(t reflect.Type) bool {
	return t == timeType || reflect.PointerTo(t).Implements(scannerType)
}

// snake spells a Go name as a column: AccountID is account_id.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1]))) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func firstLine(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) > 120 {
		query = query[:120] + "…"
	}
	return query
}

package db

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Table moves whole rows, many at a time: it is how other systems' data come
// in. T is a struct whose exported fields are the columns, named as All reads
// them; the first is ID, the table's number. A field with the tag db:"once" is
// written when its row is made and never after.
type Table[T any] struct{ Name string }

// perStatement is how many rows one statement carries. Both engines take more
// parameters than the widest of our tables has in as many rows.
const perStatement = 100

// column is one field of a row.
type column struct {
	name  string
	path  []int
	once  bool
	later bool
}

var columnsOfType sync.Map // reflect.Type to []column

func columnsFor(t reflect.Type) []column {
	if known, ok := columnsOfType.Load(t); ok {
		return known.([]column)
	}
	var out []column
	for _, f := range reflect.VisibleFields(t) {
		if f.IsExported() && !f.Anonymous {
			tag := f.Tag.Get("db")
			out = append(out, column{snake(f.Name), f.Index, tag == "once", tag == "later"})
		}
	}
	columnsOfType.Store(t, out)
	return out
}

// lasting are the columns that are compared and updated: all but the number
// and those that are written once.
func lasting(all []column) []column {
	return slices.DeleteFunc(slices.Clone(all), func(c column) bool { return c.once || c.name == "id" })
}

func names(columns []column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.name
	}
	return strings.Join(out, ", ")
}

func values(row reflect.Value, columns []column, to []any) []any {
	for _, c := range columns {
		to = append(to, row.FieldByIndex(c.path).Interface())
	}
	return to
}

// Insert adds rows. Rows that bring no number of their own use Reserve first.
func (t Table[T]) Insert(tx *Tx, rows []T) error {
	columns := columnsFor(reflect.TypeFor[T]())
	for len(rows) > 0 {
		n := perStatement
		if len(rows) < n {
			n = 1 // statements of two sizes stay prepared, others would not
		}
		args := make([]any, 0, n*len(columns))
		for i := range n {
			args = values(reflect.ValueOf(&rows[i]).Elem(), columns, args)
		}
		if _, err := Exec(tx, "INSERT INTO "+t.Name+" ("+names(columns)+") VALUES "+tx.db.places(n, len(columns)), args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// places are the parameters of so many rows of so many columns. SQLite takes
// "$1" for a name, and looks every name up in the list of all: "?" has none.
func (d *DB) places(rows, columns int) string {
	b := make([]byte, 0, rows*columns*5)
	for i := range rows * columns {
		switch {
		case i%columns != 0:
			b = append(b, ',')
		case i > 0:
			b = append(b, "),("...)
		default:
			b = append(b, '(')
		}
		if d.engine == SQLite {
			b = append(b, '?')
			continue
		}
		b = strconv.AppendInt(append(b, '$'), int64(i+1), 10)
	}
	return string(append(b, ')'))
}

// Find reads the rows with these numbers, in any order. Those that are not
// there are left out.
func (t Table[T]) Find(tx *Tx, numbers []int64) ([]T, error) {
	return In[T](tx, "SELECT "+names(columnsFor(reflect.TypeFor[T]()))+" FROM "+t.Name+" WHERE id", numbers)
}

// Update writes all columns of a row that may change.
func (t Table[T]) Update(tx *Tx, row T) error {
	v := reflect.ValueOf(&row).Elem()
	columns := lasting(columnsFor(v.Type()))
	set := make([]string, len(columns))
	for i, c := range columns {
		set[i] = c.name + " = $" + strconv.Itoa(i+2)
	}
	args := values(v, columns, []any{v.FieldByName("ID").Interface()})
	_, err := Exec(tx, "UPDATE "+t.Name+" SET "+strings.Join(set, ", ")+" WHERE id = $1", args...)
	return err
}

// Delete removes a row.
func (t Table[T]) Delete(tx *Tx, number int64) error {
	_, err := Exec(tx, "DELETE FROM "+t.Name+" WHERE id = $1", number)
	return err
}

// Number is the number of a row.
func (t Table[T]) Number(row T) int64 { return reflect.ValueOf(&row).Elem().FieldByName("ID").Int() }

// WithNumber is the row under another number.
func (t Table[T]) WithNumber(row T, number int64) T {
	reflect.ValueOf(&row).Elem().FieldByName("ID").SetInt(number)
	return row
}

// Fingerprint is a number by which two states of a row are told apart: equal
// rows have the same, and others have not but by a chance of one in 2^64. It
// counts what may change, not what is written once, and of what came later only
// what is more than nothing: fingerprints are kept, and a new column changes
// none of them.
func Fingerprint[T any](row T) int64 {
	v := reflect.ValueOf(&row).Elem()
	text := make([]byte, 0, 512)
	for _, c := range columnsFor(v.Type()) {
		field := v.FieldByIndex(c.path)
		if !c.once && c.name != "id" && !(c.later && field.IsZero()) {
			text = appendValue(append(append(text, c.name...), '='), field)
		}
	}
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// appendValue adds a field as it is stored, so that what was written and what
// is read again look the same. Its length stands before it.
func appendValue(to []byte, v reflect.Value) []byte {
	var text string
	switch v.Kind() {
	case reflect.String:
		text = v.String()
	case reflect.Int64:
		text = strconv.FormatInt(v.Int(), 10)
	case reflect.Bool:
		text = strconv.FormatBool(v.Bool())
	default:
		text = storedText(v.Interface())
	}
	to = append(strconv.AppendInt(to, int64(len(text)), 10), ':')
	return append(to, text...)
}

func storedText(value any) string {
	if valuer, ok := value.(driver.Valuer); ok {
		value, _ = valuer.Value() // none of ours fails
	}
	if at, ok := value.(time.Time); ok {
		value = at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	}
	if value == nil {
		return "NULL"
	}
	return fmt.Sprint(value)
}

// In runs a query that ends before an IN for many values, a part of them at a
// time, and reads all rows that it finds. It can have no other arguments.
func In[T, V any](tx *Tx, query string, of []V) (list []T, err error) {
	for part := range slices.Chunk(of, perStatement) {
		args := make([]any, perStatement)
		for i := range args {
			args[i] = part[min(i, len(part)-1)] // one size of statement, which stays prepared
		}
		found, err := All[T](tx, query+" IN "+tx.db.places(1, perStatement), args...)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// InOrder is In for numbers, with the rows in the order of the numbers.
func InOrder[T any](tx *Tx, query string, numbers []int64, number func(T) int64) ([]T, error) {
	list, err := In[T](tx, query, numbers)
	place := make(map[int64]int, len(numbers))
	for i, n := range numbers {
		place[n] = i
	}
	slices.SortFunc(list, func(a, b T) int { return place[number(a)] - place[number(b)] })
	return list, err
}

// Reserve takes so many numbers of a table for rows that are about to be
// added, in rising order.
func Reserve(tx *Tx, table string, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	if tx.db.engine == Postgres {
		return All[int64](tx, "SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)", table, n)
	}
	last, err := Last(tx, table)
	out := make([]int64, n)
	for i := range out {
		out[i] = last + 1 + int64(i)
	}
	return out, err
}

// KeepFree has a table hand out only numbers above this one from now on, so
// that rows with numbers of their own up to it find theirs free.
func KeepFree(tx *Tx, table string, upTo int64) error {
	if tx.db.engine == Postgres {
		_, err := One[int64](tx, "SELECT CASE WHEN "+lastOfSequence+" < $2 THEN setval(pg_get_serial_sequence($1, 'id'), GREATEST($2, nextval(pg_get_serial_sequence($1, 'id')))) ELSE 0 END", table, upTo)
		return err
	}
	n, err := Exec(tx, "UPDATE sqlite_sequence SET seq = MAX(seq, $2) WHERE name = $1", table, upTo)
	if err == nil && n == 0 {
		_, err = Exec(tx, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", table, upTo)
	}
	return err
}

// lastOfSequence is the last number that PostgreSQL has handed out for a table.
const lastOfSequence = "COALESCE(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0)"

// Last is the last number that a table has handed out: the next that Reserve
// takes are those above it.
func Last(tx *Tx, table string) (int64, error) {
	if tx.db.engine == Postgres {
		return One[int64](tx, "SELECT "+lastOfSequence, table)
	}
	return One[int64](tx, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = $1", table)
}

// Analyze has PostgreSQL look at tables that have just been filled: it plans
// queries by how many rows it believes there are. SQLite needs none.
func (d *DB) Analyze(ctx context.Context, tables ...string) error {
	if d.engine != Postgres {
		return nil
	}
	_, err := d.write.ExecContext(ctx, "ANALYZE "+strings.Join(tables, ", "))
	return err
}

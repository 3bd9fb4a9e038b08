package whmcs

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/plain"
)

// How many characters texts may have. What is longer is cut.
const (
	nameLength    = plain.NameLength
	lineLength    = 1000
	textLength    = 100_000
	addressLength = 254  // of an e-mail address, by RFC 5321
	hashLength    = 1024 // in bytes, of what is kept as it is; no hash and no name at a provider is longer
)

// A Reader reads the rows of a source, typed and cleaned. Nothing in a row
// stops it: what cannot be read is left out and noted. A table that the source
// does not have has no rows, and a column that it does not have no values.
type Reader struct {
	src   Source
	note  func(Note)
	taken int64
}

// NewReader makes a Reader that tells note of each value it changes.
func NewReader(src Source, note func(Note)) *Reader { return &Reader{src: src, note: note} }

// Taken is how many bytes of text there were in all rows so far.
func (r *Reader) Taken() int64 { return r.taken }

// read yields a table's rows, each made from its fields.
func read[T any](ctx context.Context, r *Reader, table string, from func(*fields) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		t, _ := find(r.src.Tables(), table)
		f := &fields{table: table, note: r.note, places: map[string]int{}}
		for i, column := range t.Columns {
			f.places[column] = i
		}
		for row, err := range r.src.Rows(ctx, table) {
			var value T
			if f.row = row; err == nil {
				value = from(f)
				r.taken, f.taken = r.taken+f.taken, 0
			}
			if !yield(value, err) || err != nil {
				return
			}
		}
	}
}

// fields are the values of one row, by their column.
type fields struct {
	table  string
	places map[string]int
	row    Row
	note   func(Note)
	taken  int64 // bytes of the texts that were made of the row
}

// value is a column as it is; nil where it is NULL or not there.
func (f *fields) value(column string) []byte {
	if i, ok := f.places[column]; ok {
		return f.row.Values[i]
	}
	return nil
}

func (f *fields) tell(column string, what ...string) {
	for _, w := range what {
		f.note(Note{f.table, f.row.ID, column, w})
	}
}

// raw is a column byte by byte.
func (f *fields) raw(column string) string { return string(f.value(column)) }

// hash is a column byte by byte that other programs have made. What is too
// long to be one is cut, and still too long: it is none.
func (f *fields) hash(column string) string {
	value := f.value(column)
	value = value[:min(len(value), hashLength+1)]
	f.taken += int64(len(value))
	return string(value)
}

func (f *fields) line(column string) string { return f.upTo(column, lineLength) }

func (f *fields) name(column string) string { return f.upTo(column, nameLength) }

func (f *fields) upTo(column string, most int) string {
	s, did := cleanLine(f.raw(column), most)
	f.taken += int64(len(s))
	f.tell(column, did...)
	return s
}

func (f *fields) text(column string) string {
	s, did := cleanText(f.raw(column), textLength)
	f.taken += int64(len(s))
	f.tell(column, did...)
	return s
}

// address is an e-mail address as it is written. It is not cut, as it would be
// somebody else's then.
func (f *fields) address(column string) string {
	s := f.line(column)
	if len(s) > addressLength {
		f.tell(column, LongAddress)
		return ""
	}
	return s
}

func (f *fields) time(column string) time.Time {
	t, did := cleanTime(f.raw(column))
	f.tell(column, did...)
	return t
}

// number is a whole number; none is 0.
func (f *fields) number(column string) int64 {
	s := strings.TrimSpace(f.raw(column))
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f.tell(column, BadNumber)
		return 0
	}
	return n
}

// flag is a switch. WHMCS writes 1 in some tables and "on" in others.
func (f *fields) flag(column string) bool {
	switch strings.ToLower(strings.TrimSpace(f.raw(column))) {
	case "", "0", "off", "no", "false":
		return false
	}
	return true
}

// permissions are what the column's keys grant.
func (f *fields) permissions(column string) (access.Set, []string) {
	granted, unknown := Permissions(f.raw(column))
	for i, key := range unknown {
		unknown[i], _ = cleanLine(key, nameLength)
		f.tell(column, UnknownGrant+fmt.Sprintf("%q", unknown[i]))
	}
	return granted, unknown
}

package whmcs

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"

	"clientele/internal/whmcstest"
)

// One row of each table, in which one column has a value.
type oneColumn struct{ table, column string }

func (o oneColumn) Tables() (list []Table) {
	for name, columns := range whmcstest.Shapes["8.13"] {
		list = append(list, Table{Name: name, Columns: append([]string{"id"}, strings.Fields(columns)...), Rows: 1})
	}
	return list
}

func (o oneColumn) Rows(_ context.Context, table string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		t, _ := find(o.Tables(), table)
		row := Row{ID: 1, Values: make([][]byte, len(t.Columns))}
		for i, column := range t.Columns {
			if o == (oneColumn{table, column}) {
				row.Values[i] = []byte("7x")
			}
		}
		yield(row, nil)
	}
}

func (o oneColumn) Close() error { return nil }

// all is what a Reader makes of a source, and says of it.
func all(t *testing.T, s Source) []any {
	p := everything(t, s)
	var notes []Note
	r := NewReader(s, func(n Note) { notes = append(notes, n) })
	return []any{p, gather(t, r.StaffNotes(t.Context())), gather(t, r.Admins(t.Context())), notes}
}

// The columns that are fetched are those that a Reader looks at.
func TestTheColumnsThatAreReadAreFetchedAndNoOthers(t *testing.T) {
	nothing := all(t, oneColumn{})
	for _, table := range (oneColumn{}).Tables() {
		for _, column := range table.Columns {
			looked := !reflect.DeepEqual(nothing, all(t, oneColumn{table.Name, column}))
			if column == "emailoptout" || column == "id" {
				looked = isNeeded(table.Name) // by releases without its successor; and by every source
			}
			if looked != isWanted(table.Name, column) {
				t.Errorf("%s.%s: fetched %v, and read %v", table.Name, column, isWanted(table.Name, column), looked)
			}
		}
	}
}

// What is not read leaves the other system neither by a connection nor by the
// scratch file of a dump, and of a password no more than tells that it is none.
func TestWhatIsNotReadIsNotFetched(t *testing.T) {
	s := whmcstest.Shared(t)
	s.Build(t, "unread", whmcstest.Shapes["8.13"])
	whmcstest.Do(t, s.Open(t, "unread"), `INSERT INTO tblclients (firstname, cardnum, authdata, password) VALUES ('Ada', 'unread', 'unread', REPEAT('p', 5000000));
		INSERT INTO tblusers (first_name, second_factor_config, remember_token, password) VALUES ('Ada', 'unread', 'unread', REPEAT('p', 5000000))`)
	for _, src := range []Source{openLive(t, s, "unread"), openDump(t, s.Dump(t, "unread"))} {
		for table, rows := range rawRows(t, src) {
			for _, v := range rows[0].Values {
				if _, isLive := src.(*live); string(v) == "unread" || isLive && len(v) > hashLength+1 {
					t.Errorf("%T: %s has %.20q", src, table, v)
				}
			}
		}
		p := everything(t, src)
		if len(p.clients[0].Password) != hashLength+1 || len(p.users[0].Password) != hashLength+1 {
			t.Errorf("%T: passwords have %d and %d bytes", src, len(p.clients[0].Password), len(p.users[0].Password))
		}
	}
}

// Rows with long texts are fetched a few at a time, and all of them.
func TestLongRowsAreFetchedAFewAtATime(t *testing.T) {
	s := whmcstest.Shared(t)
	s.Build(t, "heavy", whmcstest.Shapes["7.0"])
	whmcstest.Do(t, s.Open(t, "heavy"), "INSERT INTO tblnotes (id, note) SELECT seq, REPEAT('n', IF(seq BETWEEN 5 AND 40, 2000000, 5)) FROM seq_1_to_700")
	src := openLive(t, s, "heavy").(*live)
	rows, cut, err := src.fetch(t.Context(), "SELECT "+strings.Join(src.reads["tblnotes"], ", ")+" FROM tblnotes ORDER BY id LIMIT 500", 0)
	if err != nil || !cut || len(rows) > 9 {
		t.Errorf("%d rows at once, cut %v, %v", len(rows), cut, err)
	}
	n := int64(0)
	for row, err := range src.Rows(t.Context(), "tblnotes") {
		if n++; err != nil || row.ID != n {
			t.Fatalf("after %d comes %d, %v", n-1, row.ID, err)
		}
	}
	if n != 700 {
		t.Errorf("%d rows", n)
	}
}

// A Reader counts the text that it hands out.
func TestAReaderCountsItsText(t *testing.T) {
	m := oneColumn{"tblnotes", "note"}
	r := NewReader(m, func(Note) {})
	for range 3 {
		gather(t, r.StaffNotes(t.Context()))
	}
	if got := fmt.Sprint(r.Taken()); got != "6" {
		t.Errorf("%s bytes", got)
	}
}

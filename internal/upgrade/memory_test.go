package upgrade_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"clientele/internal/whmcs"
	"clientele/internal/whmcstest"
)

// A memory is a WHMCS database in memory, for tests that need very many.
type memory struct {
	shape map[string]string
	rows  map[string]map[int64]map[string]string
	stop  int // after so many rows it cannot be read on; 0 is never
	read  int
}

func newMemory(shape string) *memory {
	return &memory{shape: whmcstest.Shapes[shape], rows: map[string]map[int64]map[string]string{}}
}

// put writes a row of pairs, each a column and its value.
func (m *memory) put(table string, number int64, pairs ...any) {
	if _, ok := m.shape[table]; !ok {
		panic("no table " + table)
	}
	row := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		row[pairs[i].(string)] = fmt.Sprint(pairs[i+1])
	}
	if m.rows[table] == nil {
		m.rows[table] = map[int64]map[string]string{}
	}
	m.rows[table][number] = row
}

// copy is another database with the same rows.
func (m *memory) copy() *memory {
	out := &memory{shape: m.shape, rows: map[string]map[int64]map[string]string{}}
	for table, rows := range m.rows {
		out.rows[table] = map[int64]map[string]string{}
		for number, row := range rows {
			out.rows[table][number] = row
		}
	}
	return out
}

func (m *memory) Tables() (list []whmcs.Table) {
	for name, columns := range m.shape {
		list = append(list, whmcs.Table{Name: name, Columns: append([]string{"id"}, strings.Fields(columns)...), Rows: int64(len(m.rows[name]))})
	}
	slices.SortFunc(list, func(a, b whmcs.Table) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

var errStopped = errors.New("the source was stopped by the test")

func (m *memory) Rows(_ context.Context, table string) iter.Seq2[whmcs.Row, error] {
	return func(yield func(whmcs.Row, error) bool) {
		var order []int64
		for number := range m.rows[table] {
			order = append(order, number)
		}
		slices.Sort(order)
		for _, number := range order {
			if m.read++; m.stop > 0 && m.read > m.stop {
				yield(whmcs.Row{}, errStopped)
				return
			}
			row := whmcs.Row{ID: number, Values: [][]byte{[]byte(fmt.Sprint(number))}}
			for column := range strings.FieldsSeq(m.shape[table]) {
				value, ok := m.rows[table][number][column]
				if !ok {
					row.Values = append(row.Values, nil)
					continue
				}
				row.Values = append(row.Values, []byte(value))
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (m *memory) Close() error { return nil }

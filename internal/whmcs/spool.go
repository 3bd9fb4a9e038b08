package whmcs

import (
	"bufio"
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

const (
	pile    = 8 << 20  // bytes of rows that are usually sorted in memory at once
	perRun  = 16 << 10 // bytes that are read ahead of each run
	perTick = 1000     // rows between two looks whether somebody still wants them
)

// A spool keeps rows in a scratch file, each table's sorted by id. Rows are
// gathered in memory, sorted and written as runs, which are merged when they
// are read; a dump that has its rows in order makes one run of each table.
//
// The file holds password hashes. It is readable by its owner alone, and has
// no name as soon as it is open, where the system allows that.
type spool struct {
	file  *os.File
	named bool
	size  int64
	most  int     // bytes that the pile may have
	table *dumped // whose rows are in the pile
	data  []byte
	rows  []piled
}

// A piled row is one in the pile: where it stands there.
type piled struct {
	id         int64
	begin, end int
}

// A run is a stretch of the file with rows of one table, in order.
type run struct {
	begin, end  int64
	first, last int64 // ids
}

func newSpool(folder string) (*spool, error) {
	file, err := os.CreateTemp(folder, "clientele-dump-*")
	if err != nil {
		return nil, fmt.Errorf("the rows of the dump have nowhere to go: %w; name a folder that can be written in TMPDIR", err)
	}
	return &spool{file: file, named: os.Remove(file.Name()) != nil, most: pile}, nil
}

func (s *spool) close() error {
	err := s.file.Close()
	if s.named {
		return cmp.Or(err, os.Remove(s.file.Name()))
	}
	return err
}

// add keeps a row.
func (s *spool) add(t *dumped, row Row) error {
	if s.table != t || len(s.data) > s.most {
		if err := s.flush(); err != nil {
			return err
		}
		s.table = t
	}
	begin := len(s.data)
	s.data = encode(s.data, row)
	s.rows = append(s.rows, piled{row.ID, begin, len(s.data)})
	return nil
}

// flush writes the pile as a run, or as the rest of the one before it.
func (s *spool) flush() error {
	if len(s.rows) == 0 {
		return nil
	}
	if err := s.write(); err != nil {
		return fmt.Errorf("the rows of the dump cannot be kept: %w; name a folder with more room in TMPDIR", err)
	}
	r := run{begin: s.size}
	s.size += int64(len(s.data))
	r.end, r.first, r.last = s.size, s.rows[0].id, s.rows[len(s.rows)-1].id
	s.table.join(r)
	s.data, s.rows = s.data[:0], s.rows[:0]
	return nil
}

// write sorts the pile and writes it at the end of the file.
func (s *spool) write() error {
	byID := func(a, b piled) int { return cmp.Compare(a.id, b.id) }
	if slices.IsSortedFunc(s.rows, byID) {
		_, err := s.file.WriteAt(s.data, s.size)
		return err
	}
	slices.SortStableFunc(s.rows, byID)
	w := bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), 1<<16)
	for _, row := range s.rows {
		if _, err := w.Write(s.data[row.begin:row.end]); err != nil {
			return err
		}
	}
	return w.Flush()
}

// join adds a run, to the one before it where it goes on from there.
func (t *dumped) join(r run) {
	if n := len(t.runs); n > 0 && t.runs[n-1].end == r.begin && t.runs[n-1].last <= r.first {
		t.runs[n-1].end, t.runs[n-1].last = r.end, r.last
		return
	}
	t.runs = append(t.runs, r)
}

// encode adds a row to b: its length, its id and its values, each with its
// length plus one; nothing but 0 is NULL.
func encode(b []byte, row Row) []byte {
	begin := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.AppendVarint(b, row.ID)
	for _, v := range row.Values {
		if v == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(v))+1)
		b = append(b, v...)
	}
	binary.LittleEndian.PutUint32(b[begin:], uint32(len(b)-begin-4))
	return b
}

// A reader of a run holds its next row.
type runReader struct {
	from  *bufio.Reader
	place int // among the runs, so that equal ids keep their order
	id    int64
	data  []byte // the encoded values
	whole []byte
}

// next reads the next row, or answers io.EOF.
func (r *runReader) next() error {
	var size [4]byte
	if _, err := io.ReadFull(r.from, size[:]); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint32(size[:]))
	r.whole = slices.Grow(r.whole[:0], n)[:n]
	if _, err := io.ReadFull(r.from, r.whole); err != nil {
		return fmt.Errorf("the scratch file cannot be read: %w", err)
	}
	id, used := binary.Varint(r.whole)
	r.id, r.data = id, r.whole[used:]
	return nil
}

// row takes the values apart, into the given ones.
func (r *runReader) row(values [][]byte) Row {
	data := r.data
	for i := range values {
		size, used := binary.Uvarint(data)
		data = data[used:]
		values[i] = nil
		if size > 0 {
			values[i], data = data[:size-1:size-1], data[size-1:]
		}
	}
	return Row{r.id, values}
}

// A merge is a heap of runs, the one with the lowest id first.
type merge []*runReader

func (m merge) Len() int      { return len(m) }
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m merge) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(m[i].id, m[j].id), m[i].place-m[j].place) < 0
}
func (m *merge) Push(x any) { *m = append(*m, x.(*runReader)) }
func (m *merge) Pop() any {
	old := *m
	*m = old[:len(old)-1]
	return old[len(old)-1]
}

// open begins to read all runs of a table.
func (s *spool) open(t *dumped) (merge, error) {
	var m merge
	for i, run := range t.runs {
		r := &runReader{from: bufio.NewReaderSize(io.NewSectionReader(s.file, run.begin, run.end-run.begin), perRun), place: i}
		if err := r.next(); err != nil {
			return nil, err
		}
		m = append(m, r)
	}
	heap.Init(&m)
	return m, nil
}

// read yields the rows of a table in the order of their id.
func (s *spool) read(ctx context.Context, t *dumped) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		values := make([][]byte, len(t.Columns))
		m, err := s.open(t)
		for n := 0; err == nil && len(m) > 0; n++ {
			if n%perTick == 0 {
				if err = ctx.Err(); err != nil {
					break
				}
			}
			if !yield(m[0].row(values), nil) {
				return
			}
			if err = m[0].next(); err == io.EOF {
				heap.Pop(&m)
				err = nil
			} else if err == nil {
				heap.Fix(&m, 0)
			}
		}
		if err != nil {
			yield(Row{}, err)
		}
	}
}

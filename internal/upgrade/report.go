package upgrade

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"clientele/internal/plain"
)

// A Kind says what a line asks of its reader.
type Kind string

const (
	NeedsPerson Kind = "needs a person"
	Skipped     Kind = "skipped"
	Changed     Kind = "changed"
)

// A Line tells of one row of the other system.
type Line struct {
	Kind   Kind
	Table  string // the row's, in the other database, such as tblclients
	ID     int64  // 0: the table as a whole
	Column string // empty: the row as a whole
	Reason string // one of a limited number of sentences; lines are grouped by it
	Detail string // who or what: any text, also one that means harm
}

// Counted is what became of the rows of one kind.
type Counted struct {
	What                           string
	New, Changed, Same, Kept, Gone int64 // Kept: changed in both places, ours was kept
}

// numbers are the columns of a table of Counted.
func (c Counted) numbers() []int64 { return []int64{c.New, c.Changed, c.Same, c.Kept, c.Gone} }

// A Head is what stands above the lines.
type Head struct {
	Source string // such as "WHMCS 7.8 to 7.10"
	Rows   []Counted
}

// isQuiet is true where no row is other than it was.
func (h Head) isQuiet() bool {
	return !slices.ContainsFunc(h.Rows, func(c Counted) bool { return c.New+c.Changed+c.Kept+c.Gone > 0 })
}

const (
	mostReasons = 200  // of one kind; what comes later stands under one heading
	mostShown   = 2000 // lines of one reason on the page
)

// A Report lists what an upgrade changes, skips and leaves to a person. It has
// no times and does not say whether the upgrade was a dry run: the same lines
// give the same bytes.
//
// There may be millions of lines. They are written to a scratch file, as the
// CSV that they become in the end; the page and the terminal show the first of
// each reason, and only where those stand is kept in memory. A report belongs
// to one goroutine.
type Report struct {
	spool    *spool
	rows     *csv.Writer
	sections []*reportSection
}

// NewReport begins a report. Its scratch file is made in a folder, or in the
// system's own if that is empty, and is gone with Close.
func NewReport(scratch string) (*Report, error) {
	s, err := newSpool(scratch)
	if err != nil {
		return nil, err
	}
	r := &Report{spool: s, rows: csv.NewWriter(s)}
	for _, k := range []Kind{NeedsPerson, Skipped, Changed} {
		r.sections = append(r.sections, &reportSection{Kind: k, byReason: map[string]*reasonGroup{}})
	}
	return r, r.writeRow(csvHead)
}

// Add appends lines; a report keeps their order. Bytes that are not UTF-8 are
// replaced, and every line break becomes the same one.
func (r *Report) Add(lines ...Line) error {
	for _, l := range lines {
		if err := r.add(l.tidied()); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) add(l Line) error {
	section := r.section(l.Kind)
	if section == nil {
		return fmt.Errorf("a report has no lines of kind %q", l.Kind)
	}
	from := r.spool.size
	if err := r.writeRow(l.cells()); err != nil {
		return err
	}
	section.count++
	section.group(l.Reason).add(from, r.spool.size)
	return nil
}

func (r *Report) writeRow(cells []string) error {
	if err := r.rows.Write(cells); err != nil {
		return err
	}
	r.rows.Flush()
	return r.rows.Error()
}

// Count says how many lines there are of a kind.
func (r *Report) Count(k Kind) int64 {
	if s := r.section(k); s != nil {
		return s.count
	}
	return 0
}

// Close lets go of the scratch file.
func (r *Report) Close() error { return r.spool.close() }

func (r *Report) section(k Kind) *reportSection {
	i := slices.IndexFunc(r.sections, func(s *reportSection) bool { return s.Kind == k })
	if i < 0 {
		return nil
	}
	return r.sections[i]
}

// lines reads the first lines of a group, as many as it remembers. An error is
// the last that it gives.
func (r *Report) lines(g *reasonGroup) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		if err := r.spool.out.Flush(); err != nil {
			yield(Line{}, err)
			return
		}
		rows := csv.NewReader(r.spool.read(g.first...))
		for {
			cells, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			line, err := readLine(cells, err)
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// tidied is a line in UTF-8 and with one kind of line break: CSV has no others.
func (l Line) tidied() Line {
	for _, s := range []*string{&l.Table, &l.Column, &l.Reason, &l.Detail} {
		*s = strings.ToValidUTF8(*s, "\uFFFD")
		*s = strings.ReplaceAll(*s, "\r\n", "\n")
		*s = strings.ReplaceAll(*s, "\r", "\n")
	}
	return l
}

// cells are a line's cells in the spool.
func (l Line) cells() []string {
	cells := []string{string(l.Kind), l.Table, strconv.FormatInt(l.ID, 10), l.Column, l.Reason, l.Detail}
	for i := range cells {
		cells[i] = plain.GuardCell(cells[i])
	}
	return cells
}

// readLine reads what cells wrote. It passes on the error of reading them.
func readLine(cells []string, err error) (Line, error) {
	if err != nil {
		return Line{}, err
	}
	for i := range cells {
		cells[i] = plain.BareCell(cells[i])
	}
	n, err := strconv.ParseInt(cells[2], 10, 64)
	return Line{Kind(cells[0]), cells[1], n, cells[3], cells[4], cells[5]}, err
}

// where names the row of a line, or its table where no row is meant.
func (l Line) where() string {
	if l.ID == 0 {
		return l.Table
	}
	return l.Table + " " + strconv.FormatInt(l.ID, 10)
}

// A reportSection has the lines of one kind.
type reportSection struct {
	Kind
	count    int64
	byReason map[string]*reasonGroup
	rest     reasonGroup // of the reasons after the first so many
}

func (s *reportSection) group(reason string) *reasonGroup {
	g := s.byReason[reason]
	switch {
	case g != nil:
		return g
	case len(s.byReason) >= mostReasons:
		s.rest.mixed = true
		return &s.rest
	}
	g = &reasonGroup{reason: reason}
	s.byReason[reason] = g
	return g
}

// groups are the reasons, those with most lines first and the rest at the end.
func (s *reportSection) groups() []*reasonGroup {
	all := slices.SortedFunc(maps.Values(s.byReason), func(a, b *reasonGroup) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.reason, b.reason))
	})
	if s.rest.mixed {
		all = append(all, &s.rest)
	}
	return all
}

// A reasonGroup knows where the first lines of one reason stand.
type reasonGroup struct {
	reason string
	mixed  bool // its lines have more reasons than one
	count  int64
	first  []reportSpan
}

// A reportSpan is a piece of the spool.
type reportSpan struct{ from, to int64 }

// add counts a line, and remembers where it stands if it is to be shown.
func (g *reasonGroup) add(from, to int64) {
	g.count++
	switch last := len(g.first) - 1; {
	case g.count > mostShown:
	case last >= 0 && g.first[last].to == from:
		g.first[last].to = to
	default:
		g.first = append(g.first, reportSpan{from, to})
	}
}

// title is the sentence above a group.
func (g *reasonGroup) title() string {
	switch {
	case g.mixed:
		return "Other reasons"
	case strings.TrimSpace(g.reason) == "":
		return "No reason is given"
	}
	return g.reason
}

// A spool is a file that is written at its end and read anywhere.
type spool struct {
	file *os.File
	out  *bufio.Writer
	size int64
	left bool // its name is still in the folder: some systems keep what is open
}

func newSpool(scratch string) (*spool, error) {
	f, err := os.CreateTemp(scratch, "clientele-report-*")
	if err != nil {
		return nil, err
	}
	return &spool{file: f, out: bufio.NewWriterSize(f, 1<<16), left: os.Remove(f.Name()) != nil}, nil
}

// Write appends to the spool.
func (s *spool) Write(p []byte) (int, error) {
	n, err := s.out.Write(p)
	s.size += int64(n)
	return n, err
}

// read gives pieces of the spool, one after another.
func (s *spool) read(pieces ...reportSpan) io.Reader {
	parts := make([]io.Reader, 0, len(pieces))
	for _, p := range pieces {
		parts = append(parts, io.NewSectionReader(s.file, p.from, p.to-p.from))
	}
	return io.MultiReader(parts...)
}

func (s *spool) close() error {
	err := s.file.Close()
	if s.left {
		err = errors.Join(err, os.Remove(s.file.Name()))
		s.left = false
	}
	return err
}

// thousands writes a number with its thousands apart.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

package whmcs

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// A Dump is a Source that was read from a file.
type Dump struct {
	tables []*dumped
	spool  *spool
	broken *BrokenDump
}

// DumpOptions say how a dump is read.
type DumpOptions struct {
	// Partial takes what is whole of a dump that is cut off or broken; Broken
	// tells of it.
	Partial bool
	// Progress is told now and then how many bytes of the file are read, and
	// how many there are.
	Progress func(read, size int64)
	// Scratch is the folder of the scratch file, the system's where it is empty.
	// The file needs about as much room as the tables that are needed have in
	// the unpacked dump.
	Scratch string
}

// BrokenDump says where a dump cannot be read on.
type BrokenDump struct {
	Table  string // whose rows were being read; empty before the first
	Rows   int64  // how many whole rows of it there are
	LastID int64  // the id of the last of them
	Offset int64  // bytes of the unpacked file before that place
	Cut    bool   // the file ends there, and goes on wrongly otherwise
	why    error
}

func (b *BrokenDump) Error() string {
	where := "before its first rows"
	switch {
	case b.Table != "" && !isNeeded(b.Table):
		where = "in or after " + b.Table + ", which is not needed"
	case b.Table != "" && b.Rows == 0:
		where = "in " + b.Table + " before its first whole row"
	case b.Table != "":
		where = fmt.Sprintf("in or after %s, of which there are %d whole rows, the last with the id %d", b.Table, b.Rows, b.LastID)
	}
	if b.Cut {
		return fmt.Sprintf("the dump is cut off %s (byte %d): make it anew, and see that the disk has room for it", where, b.Offset)
	}
	return fmt.Sprintf("the dump cannot be read on %s (byte %d): %v; make it anew with mysqldump or mariadb-dump", where, b.Offset, b.why)
}

func (b *BrokenDump) Unwrap() error { return b.why }

// OpenDump reads a file of mysqldump or mariadb-dump, plain or packed by gzip,
// once from its beginning to its end, and keeps the rows that are needed in a
// scratch file until Close. Its errors are sentences for the operator; a file
// that is cut off or broken is a *BrokenDump.
func OpenDump(ctx context.Context, path string, o DumpOptions) (*Dump, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the dump cannot be opened: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("the dump cannot be opened: %w", err)
	}
	text, err := unpack(&counter{r: file, size: info.Size(), progress: o.Progress})
	if err != nil {
		return nil, err
	}
	return readDump(ctx, text, o)
}

// readDump reads unpacked SQL.
func readDump(ctx context.Context, text io.Reader, o DumpOptions) (*Dump, error) {
	spool, err := newSpool(o.Scratch)
	if err != nil {
		return nil, err
	}
	p := &parser{tokenizer: newTokenizer(ctx, text), keep: spool.add}
	d := &Dump{spool: spool}
	if err := d.take(p, o.Partial); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// take reads everything into the spool.
func (d *Dump) take(p *parser, partial bool) error {
	err := p.all()
	if strange := err == nil || errors.Is(err, errEnds) || errors.Is(err, errSyntax); strange && len(p.tables) == 0 && !p.begun {
		return errors.New("the file makes no table: name one that mysqldump or mariadb-dump has written")
	}
	if err != nil {
		if err = p.place(err); !errors.As(err, &d.broken) || !partial {
			return err
		}
	}
	d.tables = p.tables
	slices.SortFunc(d.tables, func(a, b *dumped) int { return cmp.Compare(a.Name, b.Name) })
	return d.spool.flush()
}

// place adds to an error where the dump broke. What is not the dump's fault
// stays as it is.
func (p *parser) place(err error) error {
	var scratch *os.PathError
	if p.ctx.Err() != nil || errors.As(err, &scratch) {
		return err
	}
	b := &BrokenDump{Offset: p.offset(), Cut: errors.Is(err, errEnds), why: err}
	if p.at != nil {
		b.Table, b.Rows, b.LastID = p.at.Name, p.at.Rows, p.at.last
	}
	return b
}

// Tables lists the tables by name.
func (d *Dump) Tables() []Table {
	var list []Table
	for _, t := range d.tables {
		list = append(list, t.Table)
	}
	return list
}

// Rows yields the rows of a table that is needed.
func (d *Dump) Rows(ctx context.Context, table string) iter.Seq2[Row, error] {
	for _, t := range d.tables {
		if t.Name == table {
			return d.spool.read(ctx, t)
		}
	}
	return func(func(Row, error) bool) {}
}

// Broken says where the dump ended, if it was read in part; else nil.
func (d *Dump) Broken() *BrokenDump { return d.broken }

// Close removes the scratch file.
func (d *Dump) Close() error { return d.spool.close() }

// A counter tells of the progress through a file.
type counter struct {
	r          io.Reader
	read, size int64
	progress   func(read, size int64)
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.read += int64(n)
	if c.progress != nil {
		c.progress(c.read, c.size)
	}
	return n, err
}

// otherFiles are files that are no SQL text, by how they begin, and what to do.
var otherFiles = []struct{ magic, advice string }{
	{"PK\x03\x04", "is packed by zip: unpack it first"},
	{"BZh", "is packed by bzip2: unpack it first"},
	{"\xfd7zXZ\x00", "is packed by xz: unpack it first"},
	{"\x28\xb5\x2f\xfd", "is packed by zstd: unpack it first"},
	{"7z\xbc\xaf\x27\x1c", "is packed by 7-Zip: unpack it first"},
	{"\xff\xfe", "is UTF-16, as PowerShell's > writes it: make it anew with --result-file=NAME"},
	{"SQLite format 3", "is a database of SQLite: name one that mysqldump or mariadb-dump has written"},
}

// unpack reads plain text from a file, which its first bytes tell to be plain
// or packed by gzip.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, chunk)
	first, err := b.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the dump cannot be read: %w", err)
	}
	for _, other := range otherFiles {
		if bytes.HasPrefix(first, []byte(other.magic)) {
			return nil, errors.New("the dump " + other.advice)
		}
	}
	switch {
	case bytes.HasPrefix(first, []byte("\xef\xbb\xbf")):
		_, err = b.Discard(3)
		return b, err
	case !bytes.HasPrefix(first, []byte("\x1f\x8b")):
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, &BrokenDump{Cut: errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF), why: err}
	}
	return z, nil
}

package backup

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"clientele/internal/db"
)

// A File is an open backup, whose manifest was read and fits what is in it.
type File struct {
	Manifest
	Path string
	Size int64
	zip  *zip.ReadCloser
}

// errDamaged is the answer to everything that a whole file would not have.
func errDamaged(path string, why any) error {
	return fmt.Errorf("the backup %s is damaged, was cut off or was altered (%v): nothing of it was used; take another", path, why)
}

// maxManifest and maxLine bound what is read at once.
const (
	maxManifest = 16 << 20
	maxLine     = 256 << 20
)

// tableName is what tables may be called: names come from the file and stand
// in statements.
var tableName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Open opens a backup and reads its manifest.
func Open(path string) (_ *File, err error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("there is no backup %s that can be read: name a file that clientele backup has made", path)
	}
	z, err := zip.OpenReader(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("the backup %s cannot be read: permission denied; run this as the user who owns it", path)
	}
	if err != nil {
		return nil, errDamaged(path, err)
	}
	f := &File{Path: path, Size: info.Size(), zip: z}
	if err := f.readManifest(); err != nil {
		return nil, errors.Join(err, z.Close())
	}
	return f, nil
}

// Close closes the file.
func (f *File) Close() error { return f.zip.Close() }

func (f *File) readManifest() error {
	entry, err := f.zip.Open(manifestName)
	if err != nil {
		return errDamaged(f.Path, "it has no manifest")
	}
	defer entry.Close()
	text, err := io.ReadAll(io.LimitReader(entry, maxManifest))
	if err == nil {
		err = json.Unmarshal(text, &f.Manifest)
	}
	if err != nil {
		return errDamaged(f.Path, err)
	}
	if f.Format > format {
		return fmt.Errorf("the backup %s was written by a newer release, %s, in a form that this one does not know: restore it with that release or a later one", f.Path, f.Release)
	}
	return f.fits()
}

// fits refuses a manifest that no writer of ours makes.
func (f *File) fits() error {
	if f.Format < 1 || len(f.zip.File) != len(f.Tables)+1 {
		return errDamaged(f.Path, "its tables are not those of its manifest")
	}
	seen := map[string]bool{}
	for _, t := range f.Tables {
		if !tableName.MatchString(t.Name) || seen[t.Name] || len(t.Columns) == 0 {
			return errDamaged(f.Path, "its manifest is none of ours")
		}
		seen[t.Name] = true
		for _, c := range t.Columns {
			if !tableName.MatchString(c.Name) {
				return errDamaged(f.Path, "its manifest is none of ours")
			}
		}
	}
	return nil
}

// Check reads the whole file and holds it against its sums.
func (f *File) Check(ctx context.Context, progress Progress) error {
	var done int64
	total := f.Rows()
	for _, t := range f.Tables {
		err := f.each(ctx, t, func([]any) error {
			done++
			progress(done, total)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each hands over the rows of a table. That they are all, and as they were
// written, is known only when it answers without an error.
func (f *File) each(ctx context.Context, t Table, fn func(row []any) error) error {
	entry, err := f.zip.Open(pageName(t.Name))
	if err != nil {
		return errDamaged(f.Path, err)
	}
	defer entry.Close()
	sum := newHashing(io.Discard)
	lines := bufio.NewScanner(io.TeeReader(entry, sum))
	lines.Buffer(make([]byte, 1<<16), maxLine)
	rows := int64(0)
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		row, err := decode(t.Columns, lines.Bytes())
		if err != nil {
			return errDamaged(f.Path, fmt.Sprintf("%s, row %d: %v", t.Name, rows+1, err))
		}
		rows++
		if err := fn(row); err != nil {
			return err
		}
	}
	switch {
	case lines.Err() != nil:
		return errDamaged(f.Path, lines.Err())
	case rows != t.Rows || sum.hex() != t.Sum:
		return errDamaged(f.Path, t.Name+" is not as it was written")
	}
	return nil
}

// batch is how many rows are kept at once.
const batch = 500

// Load fills every table of the database with what the file has, and nothing
// else. The schema is the file's.
func (f *File) Load(tx *db.Tx, progress Progress) error {
	here, err := db.Relations(tx)
	if err != nil {
		return err
	}
	if err := f.sameTables(here); err != nil {
		return err
	}
	return db.Refill(tx, func() error {
		var done int64
		for _, t := range f.Tables {
			if err := f.load(tx, t, func(n int) { done += int64(n); progress(done, f.Rows()) }); err != nil {
				return err
			}
			if t.Last > 0 {
				if err := db.KeepFree(tx, t.Name, t.Last); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (f *File) load(tx *db.Tx, t Table, step func(n int)) error {
	var waiting [][]any
	flush := func() error {
		n := len(waiting)
		err := t.Add(tx, waiting)
		waiting = waiting[:0]
		step(n)
		return err
	}
	err := f.each(tx.Context(), t, func(row []any) error {
		if waiting = append(waiting, row); len(waiting) == batch {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// sameTables makes sure that the tables of the file are those of the database:
// column by column, in any order.
func (f *File) sameTables(here []db.Relation) error {
	columns := map[string]bool{}
	for _, r := range here {
		for _, c := range r.Columns {
			columns[r.Name+"."+c.Name+" "+c.Kind] = true
		}
	}
	n := 0
	for _, t := range f.Tables {
		for _, c := range t.Columns {
			if n++; !columns[t.Name+"."+c.Name+" "+c.Kind] {
				return fmt.Errorf("the backup %s has %s.%s, and schema %d of this release has none like it: restore it with the release that wrote it, %s", f.Path, t.Name, c.Name, f.Schema, f.Release)
			}
		}
	}
	if n != len(columns) {
		return fmt.Errorf("the backup %s does not have all columns of its schema, %d: restore it with the release that wrote it, %s", f.Path, f.Schema, f.Release)
	}
	return nil
}

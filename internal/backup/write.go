package backup

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"clientele/internal/db"
	"clientele/internal/seal"
)

// Write makes a backup of the database as it is at one moment, while others
// go on writing, and reads it again before it gets its name.
func Write(ctx context.Context, d *db.DB, k seal.Key, path, release string, progress Progress) (m Manifest, err error) {
	schema, _, err := d.Schema(ctx)
	if err != nil {
		return m, err
	}
	m = Manifest{Format: format, Release: release, Engine: d.Engine(), Schema: schema, At: d.Now()}
	err = inPlace(path, func(f *os.File) error {
		out := zip.NewWriter(f)
		if err := d.Snapshot(ctx, func(tx *db.Tx) error { return m.pages(tx, out, progress) }); err != nil {
			return err
		}
		m.Seal = k.Seal(sealPlace, m.digest())
		if err := m.write(out); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
		return check(ctx, f.Name())
	})
	return m, err
}

// pages writes the tables.
func (m *Manifest) pages(tx *db.Tx, out *zip.Writer, progress Progress) error {
	relations, err := db.Relations(tx)
	if err != nil {
		return err
	}
	var total, done int64
	for _, r := range relations {
		t := Table{Relation: r}
		if t.Rows, err = db.One[int64](tx, "SELECT COUNT(*) FROM "+r.Name); err != nil {
			return err
		}
		if t.Last, err = r.Last(tx); err != nil {
			return err
		}
		m.Tables, total = append(m.Tables, t), total+t.Rows
	}
	for i := range m.Tables {
		if err := m.Tables[i].page(tx, out, func() { done++; progress(done, total) }); err != nil {
			return err
		}
	}
	return nil
}

// page writes one table.
func (t *Table) page(tx *db.Tx, out *zip.Writer, step func()) error {
	entry, err := out.Create(pageName(t.Name))
	if err != nil {
		return err
	}
	sum := newHashing(entry)
	lines := bufio.NewWriterSize(sum, 1<<16)
	rows := int64(0)
	err = t.Each(tx, func(row []any) error {
		line, err := encode(row)
		if err != nil {
			return fmt.Errorf("backup: %s: %w", t.Name, err)
		}
		if _, err := lines.Write(line); err != nil {
			return err
		}
		rows++
		step()
		return tx.Context().Err()
	})
	if err != nil {
		return err
	}
	if rows != t.Rows {
		return fmt.Errorf("backup: %s had %d rows and gave %d: make the backup again", t.Name, t.Rows, rows)
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	t.Sum = sum.hex()
	return nil
}

func (m Manifest) write(out *zip.Writer) error {
	entry, err := out.Create(manifestName)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	_, err = entry.Write(append(text, '\n'))
	return err
}

// check reads a file that was just written.
func check(ctx context.Context, path string) error {
	f, err := Open(path)
	if err != nil {
		return fmt.Errorf("what was written cannot be read again: %w", err)
	}
	defer f.Close()
	return f.Check(ctx, func(int64, int64) {})
}

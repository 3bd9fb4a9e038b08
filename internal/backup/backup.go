// Package backup writes the whole database into one file while the product
// runs, and reads such files. A file is a zip with a page for each table, one
// row in each line, and a manifest at its end that counts and sums everything
// up and is sealed with the secret key: one that was cut off or altered is
// known. It names no engine's own forms, so what was written on SQLite can be
// read into PostgreSQL.
//
// The secret key itself is never in a file.
package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"clientele/internal/db"
	"clientele/internal/seal"
)

// format is the form of the files. A reader of an older one is kept; a newer
// one is refused.
const format = 1

// A Manifest says what is in a file.
type Manifest struct {
	Format  int       `json:"format"`
	Release string    `json:"release"` // that wrote it
	Engine  db.Engine `json:"engine"`
	Schema  int64     `json:"schema"`
	At      time.Time `json:"at"` // the moment that it shows
	Tables  []Table   `json:"tables"`
	Seal    string    `json:"seal"` // the digest of all the rest, sealed with the secret key
}

// A Table is one page of a file.
type Table struct {
	db.Relation
	Rows int64  `json:"rows"`
	Last int64  `json:"last"` // the highest number that was handed out
	Sum  string `json:"sha256"`
}

// Rows is how many rows there are in all tables.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Count is how many rows of one table there are.
func (m Manifest) Count(table string) int64 {
	if i := slices.IndexFunc(m.Tables, func(t Table) bool { return t.Name == table }); i >= 0 {
		return m.Tables[i].Rows
	}
	return 0
}

// Progress is told how many rows of all are done.
type Progress func(done, total int64)

const (
	manifestName = "manifest.json"
	sealPlace    = "backup/manifest/seal"
)

// digest is what the seal vouches for.
func (m Manifest) digest() []byte {
	m.Seal = ""
	text, _ := json.Marshal(m) // nothing in it can fail
	sum := sha256.Sum256(text)
	return []byte(hex.EncodeToString(sum[:]))
}

// OpensWith reports whether the secret key is the one of the database that
// the file was made of, and the manifest is as it was written.
func (m Manifest) OpensWith(k seal.Key) bool {
	plain, err := k.Open(sealPlace, m.Seal)
	return err == nil && string(plain) == string(m.digest())
}

// Name is what a backup of a moment is called. why is a word, or none.
func Name(why string, at time.Time) string {
	if why != "" {
		why += "-"
	}
	return "clientele-" + why + at.UTC().Format("2006-01-02-150405") + ".zip"
}

func pageName(table string) string { return "tables/" + table + ".ndjson" }

// ErrThere means that there is a file of that name already.
var ErrThere = errors.New("is there already, and nothing is overwritten: name another file")

// inPlace has write fill a file of another name, and puts it into its place
// once it is whole and on the disk: a file of the right name is a whole one.
func inPlace(path string, write func(f *os.File) error) (err error) {
	folder := filepath.Dir(path)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s %w", path, ErrThere)
	}
	clearParts(folder)
	f, err := os.CreateTemp(folder, partName) // only its owner can read it
	if err != nil {
		return notWritten(path, err)
	}
	defer func() {
		if e := os.Remove(f.Name()); e != nil && !errors.Is(e, os.ErrNotExist) && err == nil {
			err = notWritten(path, e)
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return notWritten(path, err)
	}
	if err := moveNew(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// partName is what a file is called until it is whole.
const partName = ".clientele-backup-*.part"

// clearParts removes what writers have left that were killed. A part that
// somebody writes on has not rested for a day.
func clearParts(folder string) {
	parts, _ := filepath.Glob(filepath.Join(folder, partName)) // the pattern is ours
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			os.Remove(part)
		}
	}
}

// moveNew gives a file its name, unless another has it by now. Where the disk
// knows no second names for a file, only the look before it tells.
func moveNew(from, to string) error {
	err := os.Link(from, to)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s %w", to, ErrThere)
	}
	if err == nil {
		return nil
	}
	if err := os.Rename(from, to); err != nil {
		return notWritten(to, err)
	}
	return nil
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return notWritten(path, err)
	}
	defer folder.Close()
	return folder.Sync()
}

func notWritten(path string, err error) error {
	if file, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("the backup %s cannot be written: %w; check that its folder is there, is yours and is not full, or name another. Nothing half done was left", path, file.Err)
	}
	return err
}

// hashing counts what goes through it and sums it up.
type hashing struct {
	to  io.Writer
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
}

func newHashing(to io.Writer) hashing { return hashing{to: to, sum: sha256.New()} }

// Write writes on.
func (h hashing) Write(b []byte) (int, error) {
	h.sum.Write(b) //nolint:errcheck // a hash takes everything
	return h.to.Write(b)
}

func (h hashing) hex() string { return hex.EncodeToString(h.sum.Sum(nil)) }

// Path is where a backup of now goes, in a folder or here.
func Path(folder string, now time.Time) string { return filepath.Join(folder, Name("", now)) }

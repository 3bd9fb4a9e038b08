package backup

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele/internal/db"

	"pgregory.net/rapid"
)

// TestARowComesBackAsItWas writes rows of every kind of value and reads them.
func TestARowComesBackAsItWas(t *testing.T) {
	columns := []db.Column{{Name: "a", Kind: "int"}, {Name: "b", Kind: "text"}, {Name: "c", Kind: "bool"}, {Name: "d", Kind: "time"}, {Name: "e", Kind: "bytes"}, {Name: "f", Kind: "float"}}
	rapid.Check(t, func(t *rapid.T) {
		row := []any{
			rapid.Int64().Draw(t, "int"), string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")), rapid.Bool().Draw(t, "bool"),
			time.UnixMicro(rapid.Int64Range(-1<<50, 1<<52).Draw(t, "time")).UTC(), rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes"), rapid.Float64Range(-1e300, 1e300).Draw(t, "float"),
		}
		if n := rapid.IntRange(-1, len(row)-1).Draw(t, "null"); n >= 0 {
			row[n] = nil
		}
		line, err := encode(row)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%q is not one line", line)
		}
		if got, err := decode(columns, line); err != nil || !reflect.DeepEqual(got, row) {
			t.Fatalf("%#v came back as %#v (%v)", row, got, err)
		}
	})
}

// whole is a small backup, as a file of ours.
func whole(t testing.TB) []byte {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "x.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Pool().Exec("CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL, at TIMESTAMP, yes BOOLEAN); INSERT INTO things (word, yes) VALUES ('one', 1), ('zwei', 0)"); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	out, m := zip.NewWriter(&text), Manifest{Format: format, Release: "test", Engine: db.SQLite, Schema: 1, At: time.Unix(1, 0).UTC(), Seal: "x"}
	err = d.Snapshot(t.Context(), func(tx *db.Tx) error { return m.pages(tx, out, func(int64, int64) {}) })
	if err != nil || m.write(out) != nil || out.Close() != nil {
		t.Fatal("no backup", err)
	}
	return text.Bytes()
}

// try opens a file and reads it to its end.
func try(t testing.TB, text []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "try.zip")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Check(t.Context(), func(int64, int64) {})
}

// TestWhatIsNotWholeIsRefused cuts a backup off at every length, and changes
// every byte of it in turn.
func TestWhatIsNotWholeIsRefused(t *testing.T) {
	file := whole(t)
	if err := try(t, file); err != nil {
		t.Fatal(err)
	}
	for n := range file {
		if try(t, file[:n]) == nil {
			t.Errorf("a backup of %d bytes that is cut off after %d is taken", len(file), n)
		}
	}
}

// TestRowsThatWereChangedAreRefused replaces a page by another that is a good
// page, but not the one that the manifest sums up.
func TestRowsThatWereChangedAreRefused(t *testing.T) {
	from, err := zip.NewReader(bytes.NewReader(whole(t)), int64(len(whole(t))))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	out := zip.NewWriter(&text)
	for _, entry := range from.File {
		if entry.Name == manifestName {
			if err := out.Copy(entry); err != nil {
				t.Fatal(err)
			}
			continue
		}
		w, err := out.Create(entry.Name)
		if err == nil {
			_, err = w.Write([]byte("[1,\"one\",null,true]\n[2,\"drei\",null,false]\n"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := try(t, text.Bytes()); err == nil || !strings.Contains(err.Error(), "was altered") {
		t.Errorf("changed rows answer %v", err)
	}
}

// TestNothingIsOverwritten writes where something is.
func TestNothingIsOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "here.zip")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := inPlace(path, func(f *os.File) error { _, err := f.WriteString("theirs"); return err })
	if text, _ := os.ReadFile(path); err == nil || string(text) != "mine" {
		t.Errorf("%v; there is %q now", err, text)
	}
}

// FuzzRead reads anything as a backup: it is refused or whole, and nothing
// else happens.
func FuzzRead(f *testing.F) {
	f.Add([]byte("PK"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := try(t, text); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

// FuzzRow reads anything as a row.
func FuzzRow(f *testing.F) {
	columns := []db.Column{{Name: "a", Kind: "int"}, {Name: "b", Kind: "text"}, {Name: "d", Kind: "time"}, {Name: "e", Kind: "bytes"}}
	f.Add([]byte(`[1,"two","2026-03-02T12:00:00Z",{"base64":"AA=="}]`))
	f.Fuzz(func(t *testing.T, line []byte) {
		row, err := decode(columns, line)
		if err == nil && len(row) != len(columns) {
			t.Errorf("%q is a row of %d", line, len(row))
		}
	})
}

package whmcstest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/whmcstest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	whmcstest.Stop()
	os.Exit(code)
}

// Databases of tests that run at once have their own rows, and each says what
// its release has.
func TestDatabasesDoNotMix(t *testing.T) {
	for shape, users := range map[string]bool{"7.0": false, "7.10": false, "8.3": true, "8.13": true} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			d := whmcstest.NewDatabase(t, shape)
			d.Add("tblclients", "id", 7, "firstname", "It's "+shape, "lastlogin", nil)
			d.Add("tblconfiguration", "setting", "Version", "value", shape)
			d.Exec("SET @note = 'of staff'; INSERT INTO tblnotes (userid, adminid, note) VALUES (7, 1, @note)")
			d.Add("tbladmins", "firstname", "Grace", "disabled", 1)
			if d.HasUsers() != users || d.Has("tblusers") != users || !d.Has("tblnotes") || d.Has("tbltickets") {
				t.Errorf("users %v at %s", d.HasUsers(), d.DSN())
			}
			text := read(t, d.Dump("--skip-extended-insert"))
			for _, want := range []string{"It\\'s " + shape + "'", ",'Version','" + shape + "',", "(1,7,1,'0000-00-00 00:00:00','0000-00-00 00:00:00','of staff',0)", "'Grace'"} {
				if strings.Count(text, want) != 1 {
					t.Errorf("the dump does not have %q once", want)
				}
			}
		})
	}
}

// What needs no test says what is wrong in an error.
func TestWithoutATest(t *testing.T) {
	s := whmcstest.Shared(t)
	if err := s.Make("alone", whmcstest.Shapes["8.3"]); err != nil {
		t.Fatal(err)
	}
	if err := s.Make("alone", whmcstest.Shapes["8.3"]); err == nil {
		t.Error("a database was made twice")
	}
	f := whmcstest.FillerFor(s.Open(t, "alone"))
	f.Add("tblusers", "email", "ada@example.com")
	f.Add("tblusers", "email", "joan@example.com")
	if f.Flush(); f.Err() != nil {
		t.Error(f.Err())
	}
	path := filepath.Join(t.TempDir(), "alone.sql")
	if err := s.DumpTo(path, "alone"); err != nil || !strings.Contains(read(t, path), "joan@example.com") {
		t.Errorf("the rows are not there: %v", err)
	}
	f.Add("tblusers", "e-mail", "ada@example.com")
	f.Flush()
	f.Add("tblusers", "email", "grace@example.com")
	if f.Flush(); f.Err() == nil || !strings.Contains(f.Err().Error(), "e-mail") {
		t.Errorf("a column that is not there gives %v", f.Err())
	}
	if err := s.DumpTo(path, "nowhere"); err == nil {
		t.Error("a database that is not there was written")
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

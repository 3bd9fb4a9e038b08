package upgrade_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"
	"clientele/internal/whmcstest"
)

// crowded writes enough clients for several pages of the reader.
func crowded(d *whmcstest.Database) {
	d.Exec(`INSERT INTO tblclients (id, firstname, lastname, email, password, status, created_at)
		SELECT seq, 'Client', seq, CONCAT('c', seq, '@example.com'), '` + carried("a") + `', 'Active', '2020-01-02 03:04:05' FROM seq_1_to_2600`)
	d.Exec(`INSERT INTO tblcontacts (id, userid, firstname, lastname, email, subaccount, password, permissions, created_at)
		SELECT seq, seq, 'Sub', seq, CONCAT('s', seq, '@example.com'), 1, '` + carried("b") + `', 'tickets', '2020-01-02 03:04:05' FROM seq_1_to_1200`)
	d.Exec("INSERT INTO tblnotes (id, userid, note, created, modified) SELECT seq, seq, 'called', '2020-01-02 03:04:05', '2020-01-02 03:04:05' FROM seq_1_to_300")
}

// TestT142_AServerThatIsGoneEndsTheRunAndNoMore ends the other system's server
// as a power cut does, in the middle of the clients.
func TestT142_AServerThatIsGoneEndsTheRunAndNoMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		server, err := whmcstest.Start(true)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		doomed := server.NewDatabase(t, "7.10")
		crowded(doomed)
		s := &stage{w, t, whmcstest.NewDatabase(t, "7.10")}
		crowded(s.there)
		calls := 0
		out := try(t, w, live(t, doomed.DSN()), upgrade.Options{Progress: func(_, _ int64, what string) {
			if what == "Accounts" {
				if calls++; calls == 2 {
					server.Kill()
				}
			}
		}})
		if out.err == nil || !strings.Contains(out.err.Error(), "the connection to the database server was lost while tblclients was read") || !strings.Contains(out.err.Error(), "run this again") {
			t.Fatalf("it ends with %v", out.err)
		}
		if n := s.Count("accounts"); n == 0 || n == 2600 {
			t.Errorf("%d accounts have come in before", n)
		}
		s.bring()
		if n := s.Count("accounts"); n != 2600 || s.Count("memberships") != 3800 || s.Count("account_notes") != 300 {
			t.Errorf("%d accounts, %d memberships", n, s.Count("memberships"))
		}
		s.nobodyMailed()
	})
}

// pieces cuts a dump off at some places.
func pieces(t *testing.T, path string) (cut []string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for n, table := range []string{"tblclients", "tblcontacts", "tblnotes"} {
		from := strings.Index(string(text), "INSERT INTO `"+table+"`")
		to := from + strings.Index(string(text)[from:], ";\n")
		name := filepath.Join(folder, fmt.Sprint(n, ".sql"))
		if err := os.WriteFile(name, text[:from+(to-from)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		cut = append(cut, name)
	}
	return cut
}

// TestT142_ACutOffDumpTakesNothingAway is refused as it is. Where its whole rows
// are asked for, they come in, and what is missing has not gone.
func TestT142_ACutOffDumpTakesNothingAway(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, partial) })
	}
}

func partial(t *testing.T, s *stage) {
	town(s)
	s.there.Add("tblclients", "id", 80, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", carried("a"), "status", "Active", "currency", 1)
	s.bring()
	before := dump(s.World, "imports")
	for _, path := range pieces(t, s.there.Dump("--skip-extended-insert")) {
		_, err := whmcs.OpenDump(t.Context(), path, whmcs.DumpOptions{Scratch: t.TempDir()})
		var broken *whmcs.BrokenDump
		if !errors.As(err, &broken) || !strings.Contains(err.Error(), "the dump is cut off") {
			t.Fatalf("%v", err)
		}
		src, err := whmcs.OpenDump(t.Context(), path, whmcs.DumpOptions{Scratch: t.TempDir(), Partial: true})
		if err != nil {
			t.Fatal(err)
		}
		out := try(t, s.World, src, upgrade.Options{Partial: true})
		src.Close()
		if out.err != nil && !strings.Contains(out.err.Error(), "no whole database") {
			t.Fatal(out.err)
		}
		for _, c := range out.head.Rows {
			if c.Gone > 0 {
				t.Errorf("%s: %d have gone", c.What, c.Gone)
			}
		}
		if !equal(t, before, dump(s.World, "imports")) {
			t.Errorf("%s has changed something", filepath.Base(path))
		}
	}
	s.nobodyMailed()
}

// TestT140_APartOfADumpBringsNoPasswordBack has an address that two share, and
// a dump that ends before the second: she is not alone with it for that.
func TestT140_APartOfADumpBringsNoPasswordBack(t *testing.T) {
	for shape, fill := range shapes {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				fill(s)
				s.there.Add("tblcurrencies", "id", 1, "code", "EUR")
				s.bring()
				before := dump(s.World, "imports")
				table, last := "tblcontacts", "(2,3,"
				if s.there.HasUsers() {
					table, last = "tblusers", "(20,"
				}
				text, err := os.ReadFile(s.there.Dump("--skip-extended-insert"))
				if err != nil {
					t.Fatal(err)
				}
				at := strings.Index(string(text), "INSERT INTO `"+table+"` VALUES "+last)
				if at < 0 {
					at = strings.Index(string(text), "INSERT INTO `"+table+"` VALUES\n"+last)
				}
				whole := string(text)[:at]
				if s.there.HasUsers() { // the table after it is whole
					from := strings.Index(string(text), "CREATE TABLE `tblusers_clients`")
					whole += ";\n" + string(text)[from:from+strings.Index(string(text)[from:], "UNLOCK TABLES")]
				}
				path := filepath.Join(t.TempDir(), "part.sql")
				if err := os.WriteFile(path, []byte(whole+"INSERT INTO `tbl"), 0o600); err != nil {
					t.Fatal(err)
				}
				src, err := whmcs.OpenDump(t.Context(), path, whmcs.DumpOptions{Scratch: t.TempDir(), Partial: true})
				if err != nil {
					t.Fatal(err)
				}
				defer src.Close()
				if out := try(t, s.World, src, upgrade.Options{Partial: true}); out.err != nil {
					t.Fatal(out.err)
				}
				if !equal(t, before, dump(s.World, "imports")) {
					t.Error("the part has changed something")
				}
				s.refused("ada@example.com", hers)
			})
		})
	}
}

// TestT142_AWholeDumpIsAsGoodAsTheServer brings the same in from both.
func TestT142_AWholeDumpIsAsGoodAsTheServer(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		first := s.bring()
		before := dump(s.World, "imports")
		src, err := whmcs.OpenDump(t.Context(), s.there.Dump(), whmcs.DumpOptions{Scratch: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		second := try(t, s.World, src, upgrade.Options{})
		if second.err != nil || second.csv != first.csv || !equal(t, before, dump(s.World, "imports")) {
			t.Errorf("the dump says something else: %v", second.err)
		}
	})
}

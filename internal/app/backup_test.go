package app_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele/internal/app"
	"clientele/internal/apptest"
	"clientele/internal/backup"
	"clientele/internal/db"
	"clientele/internal/id"
)

// A town has everything that a backup can bring back too much of.
type town struct {
	*apptest.World
	nora, ben, dana *apptest.Person
	root            *apptest.Operator
	account         id.Account
	links           []string // that were open when the backup was made
}

func newTown(w *apptest.World) *town {
	s := &town{World: w, nora: w.Person("Nora Baker", "nora@bakery.example"), ben: w.Person("Ben Okafor", "ben@bakery.example"), dana: w.Person("Dana Field", "dana@field.example")}
	s.root = w.Operator("Root", "root@northbeam.example", "administrator")
	s.account = w.Account(s.nora, "Harbour Bakery")
	w.Join(s.account, s.ben, apptest.Keys("people.view"))
	w.Join(s.account, s.dana, apptest.Keys("people.view"))
	return s
}

func (s *town) path(rest string) string { return "/a/" + id.String(s.account) + rest }

// invite sends an invitation and a link to set a password, and keeps both.
func (s *town) invite(t *testing.T) {
	t.Helper()
	s.nora.Post(s.path("/people/invitations"), url.Values{"account": {id.String(s.account)}, "address": {"new@comer.example"}, "role": {"billing"}}).Must(http.StatusOK)
	s.links = append(s.links, s.Mail.Next(t, "new@comer.example", "").Link(t))
	s.Browser().Post("/recover", url.Values{"address": {s.ben.Address}}).Must(http.StatusOK)
	s.links = append(s.links, s.Mail.Next(t, s.ben.Address, "").Link(t))
}

func (s *town) signIn(address, password string) *apptest.Page {
	return s.Browser().PostOnly("/signin", url.Values{"address": {address}, "password": {password}})
}

// counts is how many rows each table has.
func counts(w *apptest.World) map[string]int64 {
	out := map[string]int64{}
	w.In(func(tx *db.Tx) error {
		all, err := db.Relations(tx)
		for _, r := range all {
			n, e := db.One[int64](tx, "SELECT COUNT(*) FROM "+r.Name)
			if err = e; err != nil {
				break
			}
			out[r.Name] = n
		}
		return err
	})
	return out
}

// writing has people change things until it is stopped, as in a running town.
func (s *town) writing(t *testing.T) (stop func()) {
	done := make(chan struct{})
	var all sync.WaitGroup
	for _, p := range []*apptest.Person{s.nora, s.ben} {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					if page := p.PostOnly("/me", url.Values{"name": {p.Name}, "language": {"en"}}); page.Status != http.StatusSeeOther {
						t.Errorf("while the backup is made, a change answers %d", page.Status)
						return
					}
				}
			}
		})
	}
	return func() { close(done); all.Wait() }
}

// TestT148_ARestoredCopyDoesNotReviveWhatWasRevoked makes a backup while
// people write, takes things away, and replaces the database by the backup.
func TestT148_ARestoredCopyDoesNotReviveWhatWasRevoked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTown(w)
		s.invite(t)
		w.Mail.Down(true)
		s.Browser().Post("/recover", url.Values{"address": {s.nora.Address}}).Must(http.StatusOK)
		file := filepath.Join(t.TempDir(), "town.zip")
		stop := s.writing(t)
		mustRun(t, w, "It was read again and is whole", "backup", file)
		stop()

		// What happens until the restore.
		w.Mail.Down(false)
		s.nora.PostOnly(s.path("/people/members/"+id.String(w.Membership(s.account, s.ben))+"/remove"), url.Values{"account": {id.String(s.account)}}).Must(http.StatusSeeOther)
		s.dana.PostOnly("/me/delete", url.Values{"sure": {"yes"}}).Must(http.StatusOK)
		s.nora.PostOnly("/me/security", url.Values{"old": {apptest.Password}, "password": {"four green bicycles"}}).Must(http.StatusSeeOther)
		late := w.Person("Late Comer", "late@comer.example")

		w.Offline(func() {
			mustRefuse(t, w, "the database is not empty, and nothing is overwritten", "restore", file)
			said := mustRun(t, w, "Everybody signs in again", "restore", "--replace", "--yes", file)
			for _, want := range []string{
				"1 memberships ended are ended again", "1 people who had deleted their logins are deleted again", "1 passwords are the later ones",
				"messages that waited in the backup are held", "What was in the database before is in ",
			} {
				if !strings.Contains(said, want) {
					t.Errorf("the restore does not say %q:\n%s", want, said)
				}
			}
		})
		s.nothingIsRevived(t)
		nora := s.Browser()
		nora.Post("/signin", url.Values{"address": {s.nora.Address}, "password": {"four green bicycles"}}).Must(http.StatusOK)
		again := s.path("/people/invitations/" + id.String(apptest.Query[id.Invitation](w, "SELECT id FROM invitations")[0]) + "/resend")
		nora.Post(again, url.Values{"account": {id.String(s.account)}}).Must(http.StatusOK)
		if n := s.Count("invitations WHERE state = 'pending' AND expires_at > sent_at"); n != 1 {
			t.Error("an invitation cannot be sent again under a new link")
		}
		if page := s.signIn(s.nora.Address, apptest.Password); page.Status == http.StatusSeeOther {
			t.Error("the password from before the change works again")
		}
		if page := s.signIn(s.nora.Address, "four green bicycles"); page.Status != http.StatusSeeOther {
			t.Error("the password that was set last does not work")
		}
		if n := w.Count("users WHERE id = $1", late.User); n != 0 {
			t.Error("somebody from after the backup is there")
		}
		if fresh := w.Person("Fresh Face", "fresh@face.example"); fresh.User <= late.User {
			t.Errorf("the number %d of somebody else is handed out again", fresh.User)
		}
	})
}

// nothingIsRevived holds for every restore that knows what came later.
func (s *town) nothingIsRevived(t *testing.T) {
	t.Helper()
	for _, p := range []*apptest.Person{s.nora, s.ben, s.dana} {
		if page := p.GetOnly("/me"); page.Status == http.StatusOK {
			t.Errorf("the old cookie of %s works", p.Name)
		}
	}
	if page := s.root.GetOnly("/staff"); page.Status == http.StatusOK {
		t.Error("the old cookie of an operator works")
	}
	for _, link := range s.links {
		if page := s.Browser().Get(link); page.Find("form input[type=password]").Length() > 0 {
			t.Errorf("the link %s still opens a form: %s", link, page.Find("main").Text())
		}
	}
	if page := s.signIn(s.dana.Address, apptest.Password); page.Status == http.StatusSeeOther {
		t.Error("somebody who has deleted her login signs in")
	}
	if n := s.Count("users WHERE name LIKE '%Dana%' OR address LIKE 'dana%'"); n != 0 {
		t.Error("somebody who has deleted her login is there again")
	}
	if n := s.Count("invitations WHERE state = 'pending' AND expires_at > created_at"); n != 0 {
		t.Errorf("%d invitations from before are open", n)
	}
	if n := s.Count("mails WHERE state = 'queued'"); n != 0 {
		t.Errorf("%d messages that waited in the backup would be sent", n)
	}
	if ben := s.signIn(s.ben.Address, apptest.Password); ben.Status == http.StatusSeeOther {
		b := s.Browser()
		b.PostOnly("/signin", url.Values{"address": {s.ben.Address}, "password": {apptest.Password}})
		if page := b.GetOnly(s.path("")); page.Status != http.StatusNotFound {
			t.Errorf("a removed member opens the account: %d", page.Status)
		}
	} else {
		t.Error("the removed member cannot sign in to his own login")
	}
}

// TestT148_BackIntoAnEmptyDatabase restores where nothing is left of the
// database, into each engine: everything is there, and people sign in. Who had
// deleted her login stays deleted, by the list beside the key.
func TestT148_BackIntoAnEmptyDatabase(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTown(w)
		s.invite(t)
		w.Quiet()
		before := counts(w)
		file := filepath.Join(t.TempDir(), "town.zip")
		mustRun(t, w, "is whole", "backup", file)
		s.dana.PostOnly("/me/delete", url.Values{"sure": {"yes"}}).Must(http.StatusOK)
		for _, engine := range apptest.Engines {
			empty := apptest.EmptyDatabase(t, engine)
			said := mustRun(t, w, "Everybody signs in again", "restore", file, "--database-url", empty)
			if !strings.Contains(said, "1 people who had deleted their logins are deleted again") || !strings.Contains(said, "Members who were removed") {
				t.Errorf("the restore says:\n%s", said)
			}
			there := apptest.At(t, engine, empty, w.Config.KeyFile)
			after := counts(there)
			for table, n := range before {
				// Dana's own rows went with her, and her leaving was written down; the log is signed by the clock.
				if slices.Contains([]string{"sessions", "devices", "user_links", "audit_records", "audit_checkpoints", "signups"}, table) {
					continue
				}
				if after[table] != n {
					t.Errorf("%s: %d rows, and %d in the backup", table, after[table], n)
				}
			}
			if page := there.Browser().PostOnly("/signin", url.Values{"address": {s.nora.Address}, "password": {apptest.Password}}); page.Status != http.StatusSeeOther {
				t.Errorf("signing in answers %d", page.Status)
			}
			if n := there.Count("users WHERE address = $1 AND status <> 'deleted'", s.dana.Address); n != 0 {
				t.Error("somebody who has deleted her login is there again")
			}
			there.Person("Fresh Face", "fresh@face.example") // numbers go on
		}
	})
}

// TestT148_WhatWasTakenAwayIsTakenFromTheOtherDatabase restores beside the
// database that went on.
func TestT148_WhatWasTakenAwayIsTakenFromTheOtherDatabase(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTown(w)
		code := w.Authenticator(s.ben)
		file := filepath.Join(t.TempDir(), "town.zip")
		mustRun(t, w, "is whole", "backup", file)
		w.Exec("UPDATE memberships SET status = 'ended', ended_at = created_at, ended_why = 'removed' WHERE user_id = $1", s.ben.User)
		w.Exec("DELETE FROM authenticators WHERE user_id = $1", s.ben.User)
		w.Exec("UPDATE staff SET status = 'suspended'")
		since, empty := w.Config.DatabaseURL, apptest.EmptyDatabase(t, w.Engine)
		mustRun(t, w, "1 authenticator apps that were removed are removed again", "restore", file, "--since", since, "--database-url", empty)
		there := apptest.At(t, w.Engine, empty, w.Config.KeyFile)
		if there.Count("memberships WHERE user_id = $1 AND status <> 'ended'", s.ben.User) != 0 || there.Count("staff WHERE status = 'active'") != 0 || there.Count("authenticators") != 0 {
			t.Errorf("what was taken away is back (%s)", code)
		}

		// Where the removals are what went wrong, they are undone.
		back := apptest.EmptyDatabase(t, w.Engine)
		mustRun(t, w, "is back, as you asked", "restore", file, "--since", since, "--bring-back", "--database-url", back)
		if apptest.At(t, w.Engine, back, w.Config.KeyFile).Count("memberships WHERE user_id = $1 AND status = 'active'", s.ben.User) != 1 {
			t.Error("the member is not back")
		}
	})
}

// TestT148_EverythingWithATokenIsEnded finds the tables that hand out tokens
// in the schema: a restore has to end what is open in each.
func TestT148_EverythingWithATokenIsEnded(t *testing.T) {
	w := apptest.New(t, db.SQLite)
	ended, left := app.Opens()
	w.In(func(tx *db.Tx) error {
		all, err := db.Relations(tx)
		for _, r := range all {
			token := slices.ContainsFunc(r.Columns, func(c db.Column) bool { return strings.HasSuffix(c.Name, "_hash") })
			if token && !slices.Contains(ended, r.Name) && left[r.Name] == "" {
				t.Errorf("the table %s has tokens. Say in opens, in internal/app/ending.go, how a restore ends them, or in lasts why not", r.Name)
			}
		}
		return err
	})
}

// TestT148_WhatIsTakenAwayIsCompared has a restore look at every table and
// column, or a reason why not: whatever takes something away from somebody.
func TestT148_WhatIsTakenAwayIsCompared(t *testing.T) {
	w := apptest.New(t, db.SQLite)
	compared, others, left := app.Compared()
	ended, _ := app.Opens()
	known := map[string]bool{}
	w.In(func(tx *db.Tx) error {
		all, err := db.Relations(tx)
		for _, r := range all {
			for _, c := range r.Columns {
				known[r.Name], known[r.Name+"."+c.Name] = true, true
				if compared[r.Name] != nil && slices.Contains(compared[r.Name], c.Name) == slices.Contains(others[r.Name], c.Name) {
					t.Errorf("the column %s.%s: name it either in later, in internal/app/carry.go, and what is taken away by it in takings, or in beside, in lost.go", r.Name, c.Name)
				}
			}
			if compared[r.Name] == nil && left[r.Name] == "" && !slices.Contains(ended, r.Name) {
				t.Errorf("the table %s: say in takings, in internal/app/carry.go, how a restore takes away what was taken away in it, or in asCopied, in lost.go, why not", r.Name)
			}
		}
		return err
	})
	for table, columns := range others {
		for _, c := range columns {
			if !known[table+"."+c] {
				t.Errorf("beside names %s.%s, which is not there", table, c)
			}
		}
	}
	for table := range left {
		if !known[table] {
			t.Errorf("asCopied names %s, which is not there", table)
		}
	}
}

// TestABackupThatIsCutOffLeavesNothing stops a backup in the middle, and fills
// its disk.
func TestABackupThatIsCutOffLeavesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTown(w)
		folder := t.TempDir()
		rows := int64(0)
		stop := func(done, total int64) {
			if rows = done; done == total/2 {
				panic("cut off")
			}
		}
		func() {
			defer func() { recover() }()
			_, _ = backup.Write(t.Context(), w.DB, keyOf(t, w), filepath.Join(folder, "town.zip"), "test", stop)
		}()
		if rows == 0 {
			t.Fatal("the backup was not cut off")
		}
		for _, e := range left(t, folder) {
			if strings.HasSuffix(e, ".zip") {
				t.Errorf("%s was left", e)
			}
		}
		mustRefuse(t, w, "cannot be written: no such file or directory; check that its folder", "backup", filepath.Join(folder, "not", "there.zip"))
		if s.Count("users") != 3 {
			t.Error("something has changed")
		}
	})
}

func left(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

package app_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"clientele/internal/app"
	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/seal"
)

// command runs a command as an operator does beside the server of a world.
func command(w *apptest.World, args ...string) (code int, said string) {
	var out bytes.Buffer
	if !slices.Contains(args, "--database-url") {
		args = append(args, "--database-url", w.Config.DatabaseURL)
	}
	args = append(args, "--secret-key-file", w.Config.KeyFile)
	code = cli.Run(args, "test", strings.NewReader(""), &out, &out)
	return code, out.String()
}

// mustRun is a command that must go well and say something.
func mustRun(t *testing.T, w *apptest.World, says string, args ...string) string {
	t.Helper()
	code, said := command(w, args...)
	if code != 0 || !strings.Contains(said, says) {
		t.Fatalf("clientele %s: code %d, want %q in\n%s", strings.Join(args, " "), code, says, said)
	}
	return said
}

// mustRefuse is a command that must say in one line why not.
func mustRefuse(t *testing.T, w *apptest.World, says string, args ...string) {
	t.Helper()
	code, said := command(w, args...)
	if code != 1 || strings.Count(said, "\n") != 1 || !regexp.MustCompile(says).MatchString(said) {
		t.Fatalf("clientele %s: code %d, want one line like %q in\n%s", strings.Join(args, " "), code, says, said)
	}
}

func keyOf(t *testing.T, w *apptest.World) seal.Key {
	t.Helper()
	k, err := seal.ReadKey(w.Config.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const seed, clientSecret, challenge = "JBSWY3DPEHPK3PXPJBSWY3DP", "the-secret-of-the-client", "what-the-answer-is-held-against"

// A box is something sealed, where it stands, and what is in it.
type box struct{ query, place, plain string }

// strongroom puts one secret of every kind into the database, except mail.
func strongroom(t *testing.T, w *apptest.World, u id.User) []box {
	t.Helper()
	if err := w.Checkpoint(t.Context()); err != nil { // makes the key that signs the log
		t.Fatal(err)
	}
	k := keyOf(t, w)
	var app, provider int64
	w.In(func(tx *db.Tx) (err error) {
		if app, err = db.One[int64](tx, "INSERT INTO authenticators (user_id, name, sealed, last_step, created_at) VALUES ($1, 'Phone', 'x', 0, $2) RETURNING id", u, tx.Now); err != nil {
			return err
		}
		if provider, err = db.One[int64](tx, "INSERT INTO providers (name, issuer, client_id, sealed, created_at) VALUES ('Example', 'https://id.example', 'us', 'x', $1) RETURNING id", tx.Now); err != nil {
			return err
		}
		_, err = db.Exec(tx, "INSERT INTO ceremonies (kind, token_hash, sealed, created_at, expires_at) VALUES ('passkey', 'abc', $1, $2, $2)", k.Seal("ceremonies/state/abc", []byte(challenge)), tx.Now)
		return err
	})
	list := []box{
		{fmt.Sprintf("authenticators WHERE id = %d", app), fmt.Sprintf("authenticators/seed/%d", app), seed},
		{fmt.Sprintf("providers WHERE id = %d", provider), fmt.Sprintf("providers/secret/%d", provider), clientSecret},
	}
	for _, b := range list {
		table, where, _ := strings.Cut(b.query, " WHERE ")
		w.Exec("UPDATE "+table+" SET sealed = $1 WHERE "+where, k.Seal(b.place, []byte(b.plain)))
	}
	return append(list, box{"ceremonies WHERE token_hash = 'abc'", "ceremonies/state/abc", challenge})
}

// mustOpen opens boxes with the keys in the file.
func mustOpen(t *testing.T, w *apptest.World, boxes []box) {
	t.Helper()
	k := keyOf(t, w)
	for _, b := range boxes {
		sealed := apptest.Query[string](w, "SELECT sealed FROM "+b.query)[0]
		if plain, err := k.Open(b.place, sealed); err != nil || string(plain) != b.plain {
			t.Errorf("%s opens as %q, %v", b.place, plain, err)
		}
		if seal.BoxID(sealed) != k.ID() {
			t.Errorf("%s is sealed with %s, want %s", b.place, seal.BoxID(sealed), k.ID())
		}
	}
}

// dump is everything that stands in the database.
func dump(t *testing.T, w *apptest.World) string {
	t.Helper()
	if w.Engine == db.SQLite {
		copied := filepath.Join(t.TempDir(), "dump.db")
		if _, err := w.DB.Pool().Exec("VACUUM INTO '" + copied + "'"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(copied)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var all strings.Builder
	for _, table := range apptest.Query[string](w, "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'") {
		for _, row := range apptest.Query[string](w, "SELECT CAST(t AS TEXT) FROM "+table+" t") {
			all.WriteString(row + "\n")
		}
	}
	return all.String()
}

func TestT147_ADumpOfTheDatabaseAloneOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Harbour Bakery")
		boxes := strongroom(t, w, nora.User)
		w.Quiet()
		w.Mail.Down(true)
		invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
		text := dump(t, w)
		w.Mail.Down(false)
		link := w.Mail.Next(t, "ben@bakery.example", "invites you").Link(t)
		secrets := []string{seed, clientSecret, challenge, link[strings.LastIndex(link, "/")+1:]}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the dump has %s", secret)
			}
		}
		if !strings.Contains(text, "nora@bakery.example") || !strings.Contains(text, keyOf(t, w).ID()+".") {
			t.Fatal("the dump is none")
		}
		stranger, err := seal.LoadKey(filepath.Join(t.TempDir(), "another.key"))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range boxes {
			if _, err := stranger.Open(b.place, apptest.Query[string](w, "SELECT sealed FROM "+b.query)[0]); err == nil {
				t.Errorf("%s opens with another key", b.place)
			}
		}
	})
}

func TestT147_EverySealedColumnIsRotated(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		query := "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'sealed'"
		if w.Engine == db.Postgres {
			query = "SELECT CAST(table_name AS TEXT) FROM information_schema.columns WHERE column_name = 'sealed' AND table_schema = 'public'"
		}
		found := slices.Sorted(slices.Values(apptest.Query[string](w, query)))
		if known := slices.Sorted(slices.Values(app.SealedTables())); !slices.Equal(found, known) {
			t.Errorf("the schema has sealed columns in %v, and rotation knows %v: give each a line in sealedColumns", found, known)
		}
	})
}

// TestT147_T037_RotatingTheKeyIsNotNoticed rotates and prunes under a running
// server, with mail waiting, an invitation pending and a person signed in.
func TestT147_T037_RotatingTheKeyIsNotNoticed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Harbour Bakery")
		people := "/a/" + id.String(a) + "/people"
		invite(nora.Browser, a, "yuki@bakery.example").Must(http.StatusSeeOther)
		pending := w.Mail.Next(t, "yuki@bakery.example", "invites you").Link(t)
		boxes := strongroom(t, w, nora.User)
		w.Quiet()
		w.Mail.Down(true)
		invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
		old := keyOf(t, w).ID()

		mustRun(t, w, "mails: 1 sealed anew\n", "key", "rotate")
		fresh := keyOf(t, w)
		if fresh.ID() == old || !slices.Equal(fresh.IDs()[1:], []string{old}) {
			t.Fatalf("the keys are %v, the old one was %s", fresh.IDs(), old)
		}
		mustOpen(t, w, boxes)
		nora.Get(people).Must(200, "ben@bakery.example")
		w.Browser().Get(pending).Must(200, "Join Harbour Bakery")
		mustRun(t, w, "Dropped "+old+" ", "key", "prune")
		if left := mustRun(t, w, "", "key", "show"); left != fresh.ID()+"  seals and opens\n" {
			t.Errorf("what is left is %s", left)
		}
		mustRun(t, w, "there is none to drop", "key", "prune")

		w.Mail.Down(false)
		w.Browser().Get(w.Mail.Next(t, "ben@bakery.example", "invites you").Link(t)).Must(200, "Join Harbour Bakery")
		nora.Get(people).Must(200, "ben@bakery.example")
		invite(nora.Browser, a, "mia@bakery.example").Must(http.StatusSeeOther)
		w.Mail.Next(t, "mia@bakery.example", "invites you")
		w.Restart()
		nora.Get(people).Must(200, "mia@bakery.example")
		w.Browser().Get(pending).Must(200, "Join Harbour Bakery")
		mustRun(t, w, "Everything is sealed with the key", "key", "rotate")
		mustOpen(t, w, boxes)
	})
}

func TestT147_PruneKeepsAKeyThatIsNeeded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		boxes := strongroom(t, w, nora.User)
		if err := keyOf(t, w).Rotate(); err != nil {
			t.Fatal(err)
		}
		keys := keyOf(t, w).IDs()
		mustRefuse(t, w, `5 rows are still sealed with a key that would go \(audit_keys: 1, authenticators: 1, ceremonies: 1, installation: 1, providers: 1\): run clientele key rotate first`, "key", "prune")
		if left := keyOf(t, w).IDs(); !slices.Equal(left, keys) {
			t.Errorf("%v are left of %v", left, keys)
		}
		mustRun(t, w, "Going on with the rotation to the key "+keys[0], "key", "rotate")
		if left := keyOf(t, w).IDs(); !slices.Equal(left, keys) {
			t.Errorf("a rotation that went on has made of %v %v", keys, left)
		}
		mustRun(t, w, "Dropped "+keys[1]+" ", "key", "prune")
		mustOpen(t, w, boxes)
	})
}

// TestT147_ARowThatDoesNotOpenIsNamed has a box of a key that is gone: all
// others are sealed anew, and it stays as it is.
func TestT147_ARowThatDoesNotOpenIsNamed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		boxes := strongroom(t, w, nora.User)
		stranger, err := seal.LoadKey(filepath.Join(t.TempDir(), "another.key"))
		if err != nil {
			t.Fatal(err)
		}
		w.Exec("UPDATE authenticators SET sealed = $1", stranger.Seal(boxes[0].place, []byte(seed)))
		number := boxes[0].place[strings.LastIndex(boxes[0].place, "/")+1:]
		mustRefuseAtTheEnd := `but authenticators ` + number + ` opened with no key of`
		if code, said := command(w, "key", "rotate"); code != 1 || !strings.Contains(said, mustRefuseAtTheEnd) {
			t.Fatalf("code %d: %s", code, said)
		}
		mustOpen(t, w, boxes[1:])
		if sealed := apptest.Query[string](w, "SELECT sealed FROM authenticators")[0]; seal.BoxID(sealed) != stranger.ID() {
			t.Error("what did not open was changed")
		}
	})
}

// TestT147_AKilledRotationGoesOn kills the command as kill -9 does, in the
// middle of a long table.
func TestT147_AKilledRotationGoesOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		boxes := strongroom(t, w, nora.User)
		k := keyOf(t, w)
		const seeds = 4000
		w.In(func(tx *db.Tx) error {
			for n := range seeds {
				number := int64(1000 + n)
				if _, err := db.Exec(tx, "INSERT INTO authenticators (id, user_id, name, sealed, last_step, created_at) VALUES ($1, $2, 'Phone', $3, 0, $4)",
					number, nora.User, k.Seal(fmt.Sprintf("authenticators/seed/%d", number), []byte(seed)), tx.Now); err != nil {
					return err
				}
			}
			return nil
		})
		cut := exec.Command(os.Args[0], "key", "rotate", "--database-url", w.Config.DatabaseURL, "--secret-key-file", w.Config.KeyFile)
		cut.Env = append(os.Environ(), "CLIENTELE_TEST_NODE=1")
		out, err := cut.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cut.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "authenticators: "); {
		}
		_ = cut.Process.Kill()
		_ = cut.Wait()

		fresh := keyOf(t, w)
		left := w.Count("authenticators WHERE sealed LIKE $1", k.ID()+".%")
		if left == 0 || left > seeds || len(fresh.IDs()) != 2 {
			t.Fatalf("%d of %d are left, and the keys are %v: nothing was cut off", left, seeds, fresh.IDs())
		}
		mustRefuse(t, w, "rows are still sealed with a key that would go", "key", "prune")
		mustRun(t, w, "Going on with the rotation to the key "+fresh.ID(), "key", "rotate")
		if again := keyOf(t, w); !slices.Equal(again.IDs(), fresh.IDs()) {
			t.Errorf("the keys are %v, and were %v", again.IDs(), fresh.IDs())
		}
		mustRun(t, w, "Dropped "+k.ID(), "key", "prune")
		mustOpen(t, w, append(boxes, box{"authenticators WHERE id = 4999", "authenticators/seed/4999", seed}))
		if n := w.Count("authenticators WHERE sealed NOT LIKE $1", fresh.ID()+".%"); n != 0 {
			t.Errorf("%d are sealed with another key", n)
		}
	})
}

// begin starts the product once more on the data of a world, with a key.
func begin(w *apptest.World, keyFile string) error {
	c := w.Config
	c.KeyFile = keyFile
	a, err := app.New(context.Background(), c, slog.New(slog.NewTextHandler(io.Discard, nil)), app.Options{Clock: w.Clock.Now})
	if err != nil {
		return err
	}
	return a.DB.Close()
}

func mustNotBegin(t *testing.T, w *apptest.World, keyFile, says string) {
	t.Helper()
	err := begin(w, keyFile)
	if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), keyFile) || !strings.Contains(err.Error(), "put it back from your backup") {
		t.Fatalf("the start says %v, want %q", err, says)
	}
}

func TestT147_AnotherKeyIsRefusedAtTheStart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		right, wrong := w.Config.KeyFile, filepath.Join(t.TempDir(), "another.key")
		mustNotBegin(t, w, wrong, "is not there")
		if _, err := os.Stat(wrong); err == nil {
			t.Fatal("a refused start has made a key")
		}
		if _, err := seal.LoadKey(wrong); err != nil {
			t.Fatal(err)
		}
		mustNotBegin(t, w, wrong, "is not the one that sealed this database")
		w.Config.KeyFile = wrong
		for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"staff", "add", "--name", "Sam", "sam@example.com"}, {"demo"}, {"key", "rotate"}, {"key", "prune"}} {
			mustRefuse(t, w, "^clientele: the key in .*another.key is not the one that sealed this database: put it back from your backup, or name the right one in CLIENTELE_SECRET_KEY_FILE; if it is lost for good, clientele key lost ", args...)
		}
		mustRun(t, w, "", "migrate")
		w.Config.KeyFile = right
		if err := begin(w, right); err != nil {
			t.Fatal(err)
		}
	})
}

func TestT147_TwoFirstStartsAtOnceAgreeOnOneKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Exec("DELETE FROM installation")
		folder := t.TempDir()
		var began atomic.Int64
		apptest.Race(6, func(i int) {
			if begin(w, filepath.Join(folder, fmt.Sprintf("key%d", i%2))) == nil {
				began.Add(1)
			}
		})
		if n := began.Load(); n != 3 || w.Count("installation") != 1 {
			t.Errorf("%d of 6 starts with two keys went well, want the 3 with the key that was first", n)
		}
	})
}

// TestT147_ADatabaseFromBeforeTheCheckGoesByItsMail has no row to check the
// key with, and a message that waits.
func TestT147_ADatabaseFromBeforeTheCheckGoesByItsMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(nora, "Harbour Bakery")
		w.Mail.Down(true)
		invite(nora.Browser, a, "ben@bakery.example").Must(http.StatusSeeOther)
		w.Exec("DELETE FROM installation")
		wrong := filepath.Join(t.TempDir(), "another.key")
		mustNotBegin(t, w, wrong, "is not there")
		if _, err := seal.LoadKey(wrong); err != nil {
			t.Fatal(err)
		}
		mustNotBegin(t, w, wrong, "is not the one that sealed this database")
		if n := w.Count("installation"); n != 0 {
			t.Fatal("a refused start has written the check")
		}
		w.Restart()
		if n := w.Count("installation"); n != 1 {
			t.Fatal("the start has not written the check")
		}
		w.Mail.Down(false)
		w.Mail.Next(t, "ben@bakery.example", "invites you")
	})
}

func TestT147_ALostKeyIsGivenUpOnPurpose(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		boxes, lost := strongroom(t, w, nora.User), w.Config.KeyFile
		mustRefuse(t, w, "is the one that sealed this database: nothing is lost", "key", "lost", "--yes")
		key := func(path string) apptest.Setting { return func(c *config.Config) { c.SecretKeyFile = path } }
		w.Config.KeyFile = filepath.Join(t.TempDir(), "another.key")
		mustRefuse(t, w, `5 rows can never be opened again without the lost key \(audit_keys: 1, authenticators: 1, ceremonies: 1, installation: 1, providers: 1\): mail that waits will not leave, .* say clientele key lost --yes`, "key", "lost")
		mustNotBegin(t, w, w.Config.KeyFile, "is not there")
		mustRun(t, w, "is the one of this database from now on", "key", "lost", "--yes")
		w.Restart(key(w.Config.KeyFile))
		nora.Get("/me").Must(200)

		found, err := os.ReadFile(lost)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(w.Config.KeyFile, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(found); err != nil {
			t.Fatal(err)
		}
		file.Close()
		mustRun(t, w, "Everything is sealed", "key", "rotate")
		mustOpen(t, w, boxes)
	})
}

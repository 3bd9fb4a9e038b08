package backoffice_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/job"
)

// until asks for a page until it says something.
func until(t *testing.T, b *apptest.Browser, path, words string) *apptest.Page {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		page := b.Get(path).Must(http.StatusOK)
		if page.Says(words) {
			return page
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not say %q: %s", path, words, page.Find("main").Text())
		}
	}
}

// TestHealthSaysWhatNeedsSomebody looks at an installation that is well, and
// takes things away from it.
func TestHealthSaysWhatNeedsSomebody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Root", "root@northbeam.example", "administrator")
		page := until(t, root.Browser, "/staff/system", "They are worked, led by ")
		page.Must(http.StatusOK, "Database", "It answered in", "the newest that this release knows", "free of", "None has been sent yet", "seals with the key", "Running since")
		if page.Says("Does not work") {
			t.Errorf("an installation that is well is said not to be: %s", page.Find("table").Text())
		}
		if err := os.Rename(w.Config.KeyFile, w.Config.KeyFile+".gone"); err != nil {
			t.Fatal(err)
		}
		root.Get("/staff/system").Must(http.StatusOK, "Does not work", "Put it back from your copy before the next restart")
		if err := os.Rename(w.Config.KeyFile+".gone", w.Config.KeyFile); err != nil {
			t.Fatal(err)
		}
		billing := w.Operator("Bill", "bill@northbeam.example", "billing")
		billing.Get("/staff/system").Must(http.StatusForbidden)
		if billing.Get("/staff").Find(`nav a[href="/staff/system"]`).Length() != 0 {
			t.Error("the menu names a page that may not be opened")
		}
	})
}

// TestHealthAsksTheMailServerThatIsSet sets a mail server in Settings, one
// that works and then one that does not, and reads what health makes of it.
func TestHealthAsksTheMailServerThatIsSet(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root, alice := w.Operator("Root", "root@northbeam.example", "administrator"), w.Person("Alice", "alice@crowd.example")
		server, err := url.Parse(w.Mail.URL())
		if err != nil {
			t.Fatal(err)
		}
		sets := func(port string) {
			root.Get("/staff/settings/mail").Must(200).Submit("/staff/settings/mail", url.Values{"mail_host": {server.Hostname()}, "mail_port": {port}, "mail_security": {"none"}}).Must(200, "Saved")
		}
		root.Get("/staff/system").Must(200, "No mail server is set", "under Settings, Mail server")
		sets(server.Port())
		if p := root.Get("/staff/system").Must(200, "None has been sent yet"); p.Says("No mail server is set") {
			t.Error("health does not know the server")
		}
		w.Browser().Post("/recover", url.Values{"address": {alice.Address}}).Must(200)
		until(t, root.Browser, "/staff/system", "The mail server last took a message on")
		sets("1")
		w.Browser().Post("/recover", url.Values{"address": {alice.Address}}).Must(200)
		until(t, root.Browser, "/staff/system", "The last try failed")
	}, kept)
}

// TestEveryKindOfJobSaysWhatItDoes: the page of jobs names each in words.
func TestEveryKindOfJobSaysWhatItDoes(t *testing.T) {
	w := apptest.New(t, db.SQLite)
	list, err := w.Jobs.Overviews(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("%d kinds: %v", len(list), err)
	}
	for _, o := range list {
		if o.Words == o.Kind || o.Words == "" {
			t.Errorf("the job %s has no words", o.Kind)
		}
	}
}

type brokenArgs struct {
	Secret string `json:"secret"`
}

// Kind names the job.
func (brokenArgs) Kind() string { return "mail.deliver" }

// TestFailedJobsAreShownAndTriedAgain has a mail server fail, reads why, and
// has the job tried again. What the job was given is shown nowhere.
func TestFailedJobsAreShownAndTriedAgain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root, reader := w.Operator("Root", "root@northbeam.example", "administrator"), w.Operator("Rea", "rea@northbeam.example", "readonly")
		until(t, root.Browser, "/staff/system/jobs", "Delete what nobody needs any more")
		w.In(func(tx *db.Tx) error {
			return w.Jobs.Enqueue(tx, job.Urgent, false, brokenArgs{Secret: "told-to-nobody"})
		})
		for deadline := time.Now().Add(20 * time.Second); w.Count("river_job WHERE kind = 'mail.deliver' AND state = 'retryable' AND attempt > 0") == 0; {
			w.Exec("UPDATE river_job SET state = 'retryable', scheduled_at = '2199-01-01 00:00:00' WHERE kind = 'mail.deliver' AND state IN ('available', 'retryable') AND attempt > 0") // else it is tried all the time
			if time.Now().After(deadline) {
				t.Fatal("the job does not fail")
			}
		}
		kind := "/staff/system/jobs?kind=mail.deliver"
		page := until(t, root.Browser, kind, "no such row")
		if page.Says("told-to-nobody") || !page.Says("Send mail") {
			t.Errorf("the page says %s", page.Find("main").Text())
		}
		until(t, root.Browser, "/staff/system", "failed and wait for another try")
		until(t, root.Browser, "/staff", "1 job has failed")
		if support := w.Operator("Sue", "sue@northbeam.example", "support"); support.Get("/staff").Must(http.StatusOK).Says("job has failed") {
			t.Error("who may not see the system is told of its jobs")
		}
		if reader.Get(kind).Must(http.StatusOK).Find("main form").Length() != 0 {
			t.Error("who may not have jobs tried again is offered it")
		}
		reader.Post("/staff/system/jobs/retry", url.Values{"kind": {"mail.deliver"}}).Must(http.StatusForbidden)
		root.Post("/staff/system/jobs/retry", url.Values{"kind": {"mail.deliver"}}).Must(http.StatusOK, "being tried again now")
		root.Post("/staff/system/jobs/retry", url.Values{"job": {"999999"}}).Must(http.StatusConflict, "does not wait to be tried again")
		root.Get("/staff/system/jobs?kind=nothing").Must(http.StatusNotFound)
		if w.Count("audit_records WHERE event = 'system.jobs_retried' AND actor_id = $1", root.Staff) == 0 {
			t.Error("nothing was written down")
		}
	})
}

// TestBackupsFromThePage makes backups by the button, and keeps as many as the
// settings say.
func TestBackupsFromThePage(t *testing.T) {
	folder := t.TempDir()
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.HourlyAtStart = true
		w.Restart()
		root := w.Operator("Root", "root@northbeam.example", "administrator")
		dir := w.Config.BackupDir
		until(t, root.Browser, "/staff/system/backups", "Read again when written") // the daily one
		for range 3 {
			w.Clock.Move(time.Minute)
			root.Post("/staff/system/backups", url.Values{}).Must(http.StatusOK, "A backup is being made")
			until(t, root.Browser, "/staff/system/backups", w.Clock.Now().Format("2006-01-02-150405"))
		}
		if err := os.WriteFile(filepath.Join(dir, "clientele-mine.zip"), []byte("no zip"), 0o600); err != nil {
			t.Fatal(err)
		}
		root.Get("/staff/system/backups").Must(http.StatusOK, "Cannot be used", "clientele-mine.zip")
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 3 { // two that stay, and the one made by hand
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d files are kept: %v", len(entries), entries)
			}
		}
		reader := w.Operator("Rea", "rea@northbeam.example", "readonly")
		reader.Get("/staff/system/backups").Must(http.StatusOK)
		reader.Post("/staff/system/backups", url.Values{}).Must(http.StatusForbidden)
	}, func(c *config.Config) {
		c.BackupDir, c.BackupKeep = filepath.Join(folder, strings.ReplaceAll(c.DatabaseURL[:6], ":", "")), 2
	})
}

// TestAHeldMailIsSentAfterAll sends what a restore has held back.
func TestAHeldMailIsSentAfterAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root, nora := w.Operator("Root", "root@northbeam.example", "administrator"), w.Person("Nora Baker", "nora@bakery.example")
		w.Mail.Down(true)
		w.Browser().Post("/recover", url.Values{"address": {nora.Address}}).Must(http.StatusOK)
		w.Offline(func() {})
		w.Exec("UPDATE mails SET state = 'failed'")
		w.Mail.Down(false)
		number := apptest.Query[id.Mail](w, "SELECT id FROM mails")[0]
		page := root.Get("/staff/mails/"+id.String(number)).Must(http.StatusOK, "Send it after all")
		page.Submit("/staff/mails/"+id.String(number)+"/send", nil).Must(http.StatusOK, "is being sent now")
		w.Mail.Next(t, nora.Address, "")
		root.Post("/staff/mails/"+id.String(number)+"/send", url.Values{}).Must(http.StatusConflict, "is not held back")
	})
}

// stuck is a job of a kind, whatever it is given.
type stuck struct {
	kind string
	Mail int64 `json:"mail"`
}

// Kind names the job.
func (s stuck) Kind() string { return s.kind }

// TestTryingMailAgainTriesAllOfItAndNothingElse has more messages wait than one
// reading of the queue finds, beside a backup that waits after a failure.
func TestTryingMailAgainTriesAllOfItAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		const many = 1010
		sue := w.Operator("Sue", "sue@northbeam.example", "support")
		w.Quiet()
		w.Exec("INSERT INTO mails (kind, class, recipient, subject, text_body, html_body, state, problem, created_at) VALUES ('test', 'bulk', 'ada@lindqvist.example', 'Sent', '', '', 'sent', '', $1)", w.Clock.Now())
		number := apptest.Query[int64](w, "SELECT MAX(id) FROM mails")[0]
		w.In(func(tx *db.Tx) error {
			for range many {
				if err := w.Jobs.Enqueue(tx, job.Bulk, true, stuck{"mail.deliver", number}); err != nil {
					return err
				}
			}
			if err := w.Jobs.Enqueue(tx, job.Bulk, true, stuck{kind: "backup"}); err != nil {
				return err
			}
			_, err := db.Exec(tx, "UPDATE river_job SET state = 'retryable', attempt = 1, scheduled_at = '2199-01-01 00:00:00' WHERE state = 'available' AND kind IN ('mail.deliver', 'backup')")
			return err
		})
		sue.Post("/staff/mails/retry", url.Values{}).Must(http.StatusOK, "1,010 messages are being tried again now")
		if n := w.Count("river_job WHERE kind = 'mail.deliver' AND state = 'retryable'"); n != 0 {
			t.Errorf("%d messages still wait", n)
		}
		if n := w.Count("river_job WHERE kind = 'backup' AND state = 'retryable'"); n != 1 {
			t.Error("a failed backup was tried again by somebody who may not manage the system")
		}
		if n := w.Count("audit_records WHERE event = 'staff.retried_mail' AND after = $1", `{"messages":1010}`); n != 1 {
			t.Errorf("%d records say so", n)
		}
	})
}

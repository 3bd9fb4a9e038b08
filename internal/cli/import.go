package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/plain"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"

	"github.com/schollz/progressbar/v3"
)

type importCommands struct {
	Whmcs whmcsCommands `cmd:"" name:"whmcs" help:"Bring in a WHMCS 7 or 8: accounts, people, what they may do, contacts. See docs/upgrade.md."`
}

type whmcsCommands struct {
	Run     whmcsRun     `cmd:"" default:"withargs" help:"Bring in what there is, or what is new since the last run. Mails nobody."`
	Welcome whmcsWelcome `cmd:"" help:"Mail those who have to do something after the upgrade: set a password, set up a second factor, answer an invitation."`
}

// Help stands below the help of the command.
func (whmcsCommands) Help() string {
	return "For example:\n\n  clientele import whmcs --dsn 'reader:secret@tcp(localhost:3306)/whmcs' --dry-run\n  clientele import whmcs --dump whmcs.sql.gz\n\nclientele import whmcs run --help lists all that can be said."
}

type whmcsRun struct {
	DSN     string `name:"dsn" env:"CLIENTELE_WHMCS_DSN" help:"Address of WHMCS's database, as user:password@tcp(host:3306)/whmcs or mysql://user:password@host/whmcs. It is only read."`
	DSNFile string `name:"dsn-file" env:"CLIENTELE_WHMCS_DSN_FILE" help:"File with that address, to keep the password out of the process list."`
	Dump    string `name:"dump" help:"File written by mysqldump or mariadb-dump, plain or packed by gzip, in place of a database."`
	Partial bool   `name:"partial" help:"Take what is whole of a dump that is cut off."`
	DryRun  bool   `name:"dry-run" help:"Write nothing, and report what would happen."`
	Gone    bool   `name:"gone" help:"Believe it where most clients, logins or access have gone since the last run, and take them back here."`
	Merge   bool   `name:"merge" help:"Bring it into an installation that is in use. Nobody is joined to a login that is here already without her consent."`
	Name    string `name:"name" default:"whmcs" help:"Tells several WHMCS that come into one installation apart."`
	Report  string `name:"report" default:"whmcs-report" help:"Where the report goes: this and .html, and this and .csv."`
	Scratch string `name:"scratch" help:"Folder for scratch files, which need the room of the unpacked dump. The system's where none is given."`
}

// Run brings a WHMCS in.
func (c whmcsRun) Run(sh *shell) (err error) {
	p := newProgress(sh.errors)
	src, err := c.open(sh.ctx, sh, p)
	if err != nil {
		return err
	}
	defer src.Close()
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	report, err := upgrade.NewReport(c.Scratch)
	if err != nil {
		return err
	}
	defer report.Close()
	for _, path := range []string{c.Report + ".csv", c.Report + ".html"} {
		if err := writable(path); err != nil {
			return err
		}
	}
	fmt.Fprintf(sh.out, "From: %s\nInto: %s\n\n", c.from(), plain.URL(sh.settings.DatabaseURL))
	head, err := upgradeOf(a, sh.settings).Run(sh.ctx, src, upgrade.Options{
		Name: c.Name, DryRun: c.DryRun, Merge: c.Merge, Gone: c.Gone, Partial: isBroken(src), Progress: p.show,
	}, report)
	p.end()
	if err != nil && sh.ctx.Err() != nil {
		err = errStopped
	}
	if err != nil && len(head.Rows) > 0 {
		return errors.Join(err, c.write(sh, report, head, err))
	}
	if err != nil {
		return err // nothing has begun, so the report of the last run stays
	}
	return c.write(sh, report, head, nil)
}

// errStopped is the answer to Ctrl-C.
var errStopped = errors.New("stopped before the end. Nothing is half done: run it again, and it goes on where it was")

// from names the source, without its password.
func (c whmcsRun) from() string { return cmp.Or(c.Dump, whmcs.Place(c.DSN)) }

// open opens the source: a server or a dump.
func (c *whmcsRun) open(ctx context.Context, sh *shell, p *progress) (whmcs.Source, error) {
	if c.DSNFile != "" {
		text, err := os.ReadFile(c.DSNFile)
		if err != nil {
			return nil, fmt.Errorf("the file of --dsn-file cannot be read: %w", err)
		}
		if c.DSN = strings.TrimSpace(string(text)); c.DSN == "" {
			return nil, fmt.Errorf("the file of --dsn-file, %s, is empty", c.DSNFile)
		}
	}
	switch {
	case c.Dump != "" && c.DSN != "":
		return nil, errors.New("give either --dsn or --dump, not both: which of them is to be read?")
	case c.DSN != "":
		return whmcs.OpenLive(ctx, c.DSN)
	case c.Dump == "":
		return nil, errors.New("say where WHMCS's data are: --dsn 'user:password@tcp(host:3306)/whmcs' for its database, or --dump FILE for a dump of it")
	}
	d, err := whmcs.OpenDump(ctx, c.Dump, whmcs.DumpOptions{Partial: c.Partial, Scratch: c.Scratch, Progress: func(read, size int64) { p.show(read, size, "Reading the dump") }})
	p.end()
	if broken := (*whmcs.BrokenDump)(nil); errors.As(err, &broken) {
		return nil, fmt.Errorf("%w. To bring in what is whole, add --partial", err)
	}
	if err != nil {
		return nil, err
	}
	if b := d.Broken(); b != nil {
		fmt.Fprintf(sh.errors, "clientele: %s\nThe rows before that place are brought in. What is missing is taken for not read, not for gone.\n", oneLine(b))
	}
	return d, nil
}

func isBroken(src whmcs.Source) bool {
	d, ok := src.(*whmcs.Dump)
	return ok && d.Broken() != nil
}

func upgradeOf(a *app.App, s config.Settled) *upgrade.Upgrade {
	return &upgrade.Upgrade{
		DB: a.DB, Auth: a.Auth, Memberships: a.Memberships, Invites: a.Invites, Outbox: a.Outbox, Key: a.Key, BaseURL: s.Base.String(), Brand: a.Settings.Brand(),
	}
}

// write writes the report in its three forms. After an error it is of what was
// done until then.
func (c whmcsRun) write(sh *shell, report *upgrade.Report, head upgrade.Head, failed error) error {
	err := errors.Join(
		private(c.Report+".csv", report.WriteCSV),
		private(c.Report+".html", func(w io.Writer) error { return report.WriteHTML(w, head) }),
	)
	if err != nil || failed != nil {
		return err
	}
	if err := report.WriteText(sh.out, head); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "\nThe whole report is in %s.html and %s.csv. They hold names and addresses.\n", c.Report, c.Report)
	if c.DryRun {
		fmt.Fprintln(sh.out, "This was a dry run: nothing was written. Without --dry-run the same happens for good.")
		return nil
	}
	fmt.Fprintln(sh.out, "Nobody was mailed. When the switch is made, `clientele import whmcs welcome` mails those who have something to do.")
	return nil
}

// writable makes sure, before an hour of work, that a file can be written, and
// leaves what stands there.
func writable(path string) error {
	_, missing := os.Lstat(path)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w; name another place with --report", err)
	}
	err = f.Close()
	if missing != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// private writes a file that only its owner can read, in the place of what
// stood there, be it a link to elsewhere.
func private(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".whmcs-report-*") // only its owner can read it
	if err != nil {
		return fmt.Errorf("the report cannot be written: %w; name another place with --report", err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

type whmcsWelcome struct {
	Name   string `name:"name" default:"whmcs" help:"Which of several WHMCS."`
	Only   string `name:"only" enum:"passwords,factors,invitations," default:"" help:"Mail only these: passwords, factors or invitations."`
	DryRun bool   `name:"dry-run" help:"Mail nobody, and say how many would be."`
}

// Run mails those who have something to do.
func (c whmcsWelcome) Run(sh *shell) error {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	w, err := upgradeOf(a, sh.settings).Welcome(sh.ctx, c.Name, c.Only, c.DryRun)
	if err != nil && w.Sum()+w.Later == 0 {
		return err
	}
	does := "Mailed"
	if c.DryRun {
		does = "Would mail"
	}
	fmt.Fprintf(sh.out, "%s %d who set a password, %d whose second factor was left behind, and %d invitations.\n", does, w.Passwords, w.Factors, w.Invitations)
	if w.Later > 0 {
		fmt.Fprintf(sh.out, "%d more invitations wait, since a mailbox gets three in a day: run this again tomorrow.\n", w.Later)
	}
	if w.Sum() > 0 && !c.DryRun {
		if a.Outbox.Sends() {
			fmt.Fprintln(sh.out, "The mails leave while the server runs.")
		} else {
			fmt.Fprintln(sh.out, "There is no mail server in the settings, so the mails are kept in the staff area.")
		}
	}
	return err
}

// progress is a bar on a terminal, and elsewhere a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // of what is done now: one that is full draws nothing any more
	what     string
	last     int64
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && isTerminal(f)}
}

func (p *progress) show(done, total int64, what string) {
	if !p.terminal {
		p.line(done, total, what)
		return
	}
	if what != p.what {
		p.end()
		p.what = what
		p.bar = progressbar.NewOptions64(max(total, 1), progressbar.OptionSetWriter(p.out), progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetDescription(what))
	}
	p.bar.ChangeMax64(max(total, done, 1))
	_ = p.bar.Set64(done) // a bar that cannot be drawn stops nothing
}

// line writes a line for every tenth of the whole.
func (p *progress) line(done, total int64, what string) {
	if tenth := done * 10 / max(total, 1); tenth != p.last || what != p.what && done == 0 {
		p.last, p.what = tenth, what
		fmt.Fprintf(p.out, "%s: %d %% (%d of %d)\n", what, done*100/max(total, 1), done, total)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	p.bar, p.last, p.what = nil, 0, ""
}

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"clientele/internal/app"
	"clientele/internal/backup"
	"clientele/internal/plain"
)

type backupCommand struct {
	File string `arg:"" optional:"" help:"File to write. By default one that is named after the time, in CLIENTELE_BACKUP_DIR or here."`
}

// Run makes a backup.
func (c backupCommand) Run(sh *shell) error {
	path := c.File
	if path == "" {
		path = backup.Path(sh.settings.BackupDir, time.Now())
	}
	p := newProgress(sh.errors)
	m, err := app.Backup(sh.ctx, sh.settings, path, sh.version, p.of("Writing the backup"))
	p.end()
	if err != nil {
		return stopped(sh.ctx, err)
	}
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	fmt.Fprintf(sh.out, "The backup is in %s: %d accounts, %d people, %d rows in all, %s. It was read again and is whole.\n", path, m.Count("accounts"), m.Count("users"), m.Rows(), plain.Bytes(size))
	fmt.Fprintf(sh.out, "The secret key is NOT in it. Without the key of %s what is sealed in it can never be read: keep a copy of the key, in another place than the backups.\n", sh.settings.KeyFile)
	return nil
}

// big shows the progress of what takes long enough to be looked at: a line for
// a little database would only make a timer's mail longer.
func (p *progress) big(done, total int64, what string) {
	if total >= 10_000 {
		p.show(done, total, what)
	}
}

// of is big for one thing.
func (p *progress) of(what string) backup.Progress {
	return func(done, total int64) { p.big(done, total, what) }
}

// stopped is the answer to Ctrl-C.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped before the end. Nothing half done was left")
	}
	return err
}

type restoreCommand struct {
	File      string `arg:"" optional:"" help:"File that clientele backup has made."`
	Check     bool   `help:"Read the file to its end, say whether it is whole and what is in it, and change nothing."`
	Replace   bool   `help:"Replace what is in the database. A backup is made of it first, and what it has taken away since is taken away again."`
	Yes       bool   `help:"Replace without asking."`
	Since     string `placeholder:"URL" help:"The database that went on after the backup was made, where it is not the one that is filled: what it has taken away is taken away here too."`
	BringBack bool   `name:"bring-back" help:"Leave people's access as it is in the backup, although it was taken away since. Who has deleted her login stays deleted."`
	KeyLost   bool   `name:"key-lost" help:"Restore although the secret key of the backup is lost."`
	Copied    bool   `help:"Restore no file: the database was put back in another way, and what was open in it is to be ended."`
}

// Run restores.
func (c restoreCommand) Run(sh *shell) error {
	switch {
	case c.File == "" && !c.Copied:
		return errors.New("name the file to restore, or say --copied where the database was put back in another way")
	case c.File != "" && c.Copied:
		return errors.New("--copied is for a database that was put back in another way: name no file with it")
	case c.Copied && (c.Replace || c.KeyLost || c.Check):
		return errors.New("--copied goes with --since and --bring-back only")
	case c.Check:
		return c.check(sh)
	case c.Replace && !c.Yes:
		if err := confirm(sh); err != nil {
			return err
		}
	}
	p := newProgress(sh.errors)
	done, err := app.Restore{
		Config: sh.settings, Path: c.File, Release: sh.version, Replace: c.Replace, Since: c.Since, BringBack: c.BringBack, KeyLost: c.KeyLost,
		Log: sh.logger(), Progress: p.big,
	}.Run(sh.ctx)
	p.end()
	if done.Before != "" {
		fmt.Fprintf(sh.out, "What was in the database before is in %s.\n", done.Before)
	}
	if err != nil {
		return err
	}
	c.report(sh, done)
	return nil
}

// check says what is in a file.
func (c restoreCommand) check(sh *shell) error {
	f, err := backup.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	p := newProgress(sh.errors)
	err = f.Check(sh.ctx, p.of("Reading the backup"))
	p.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "%s is whole. It is of %s, schema %d, written by %s on %s, with %d accounts, %d people, %d rows in all.\n", c.File, f.At.Format(time.RFC1123), f.Schema, f.Release, f.Engine, f.Count("accounts"), f.Count("users"), f.Rows())
	return nil
}

// confirm asks before something goes.
func confirm(sh *shell) error {
	fmt.Fprintf(sh.errors, "Everything in %s is replaced by the backup, and everybody signs in again.\nType replace to go on: ", plain.URL(sh.settings.DatabaseURL))
	line, _ := bufio.NewReader(sh.in).ReadString('\n')
	fmt.Fprintln(sh.errors)
	if strings.TrimSpace(line) != "replace" {
		return errors.New("nothing was changed: type replace, or say --yes")
	}
	return nil
}

func (c restoreCommand) report(sh *shell, done app.Restored) {
	if c.Copied {
		fmt.Fprintln(sh.out, "What was open in the database is ended. Everybody signs in again.")
	} else {
		fmt.Fprintf(sh.out, "The backup of %s is restored: %d accounts, %d people, %d rows in all. Everybody signs in again.\n", done.Manifest.At.Format(time.RFC1123), done.Manifest.Count("accounts"), done.Manifest.Count("users"), done.Manifest.Rows())
	}
	list := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(sh.out, "\n%s\n", title)
		}
		for _, line := range lines {
			fmt.Fprintln(sh.out, "- "+line)
		}
	}
	list("Done, so that nothing comes back that was taken away:", done.Did)
	list("For you to look at:", done.Look)
	if c.KeyLost {
		fmt.Fprintln(sh.out, "\nThe key is lost: clientele key lost says what is lost with it, and goes on without.")
	}
}

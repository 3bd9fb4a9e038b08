// Package cli is the command line: it starts the server, and does what an
// operator does beside it.
package cli

import (
	"context"
	stderrors "errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/fault"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"
)

// A command line, as kong reads it.
type commands struct {
	config.Config
	ConfigFile settingsFile `name:"config" env:"CLIENTELE_CONFIG" help:"TOML file with settings, like base-url = \"https://…\"."`

	Serve   serveCommand   `cmd:"" help:"Migrate the database and serve."`
	Migrate migrateCommand `cmd:"" help:"Migrate the database and stop."`
	Demo    demoCommand    `cmd:"" help:"Fill an empty database with a story to try things on."`
	Import  importCommands `cmd:"" help:"Bring in the people and accounts of another system."`
	Staff   staffCommands  `cmd:"" help:"The operators of this installation."`
	Audit   auditCommands  `cmd:"" help:"The record of who did what."`
	Backup  backupCommand  `cmd:"" help:"Write the whole database into one file, also while the server runs."`
	Restore restoreCommand `cmd:"" help:"Fill a database from a backup. Everybody signs in again."`
	Key     keyCommands    `cmd:"" help:"The secret key that seals what must not be read in a copy of the database."`
	Routes  routesCommand  `cmd:"" help:"Print every route with its guard."`
	Config_ configCommand  `cmd:"" name:"config" help:"Print the settings as they are in force, without secrets."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// A shell is what a command works with.
type shell struct {
	ctx      context.Context
	settings config.Settled
	version  string
	in       io.Reader
	out      io.Writer
	errors   io.Writer
}

// Run runs one command and answers the exit code: 0 when all went well, 1
// after an error that stands in one line on errors, 2 for a wrong call.
func Run(args []string, version string, in io.Reader, out, errors io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c commands
	code := -1
	parser, err := kong.New(&c, kong.Name("clientele"), kong.Writers(out, errors), kong.Exit(func(n int) { code = n }),
		kong.Description("Clientele runs the client side of a hosting company."))
	if err != nil {
		fmt.Fprintln(errors, "clientele:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if code >= 0 {
		return code
	}
	if err != nil {
		return wrongCall(err, errors)
	}
	sh := &shell{ctx: ctx, version: version, in: in, out: out, errors: errors}
	if sh.settings, err = c.Settle(); err == nil || parsed.Command() == "version" {
		err = parsed.Run(sh)
	}
	if err != nil {
		fmt.Fprintln(errors, "clientele:", oneLine(err))
		return 1
	}
	return 0
}

// wrongCall says why a command line cannot be run.
func wrongCall(err error, errors io.Writer) int {
	if _, ok := stderrors.AsType[settingsError](err); ok {
		fmt.Fprintln(errors, "clientele:", oneLine(err))
		return 1
	}
	fmt.Fprintf(errors, "clientele: %s; see clientele --help\n", oneLine(err))
	return 2
}

// oneLine is an error as an operator reads it: on one line, since scripts and
// journals read it so, and in its own words where it is a fault that the
// operator can mend.
func oneLine(err error) string {
	text := err.Error()
	if e, ok := fault.Of(err); ok && e.Code != fault.Busy {
		words := slices.Sorted(maps.Values(e.Fields))
		text = strings.Join(append([]string{e.Text}, words...), " ")
	}
	return strings.Join(strings.Fields(text), " ")
}

// logger writes for people on a terminal, and JSON elsewhere.
func (sh *shell) logger() *slog.Logger {
	format := sh.settings.LogFormat
	if format == "auto" {
		format = "json"
		if f, ok := sh.errors.(*os.File); ok && isTerminal(f) {
			format = "text"
		}
	}
	if format == "text" {
		return slog.New(tint.NewTextHandler(sh.errors, &tint.Options{TimeFormat: time.TimeOnly}))
	}
	return slog.New(slog.NewJSONHandler(sh.errors, nil))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// open builds the product for a command that works beside the server.
func (sh *shell) open() (*app.App, error) {
	return app.New(sh.ctx, sh.settings, sh.logger(), app.Options{Release: sh.version})
}

type serveCommand struct{}

// Run serves until it is told to stop.
func (serveCommand) Run(sh *shell) (err error) {
	log := sh.logger()
	a, err := app.New(sh.ctx, sh.settings, log, app.Options{Release: sh.version})
	if err != nil {
		return err
	}
	defer func() {
		if e := a.Close(); err == nil {
			err = e
		}
	}()
	for _, w := range sh.settings.Warnings() {
		log.Warn(w)
	}
	return a.Serve(sh.ctx, sh.out)
}

type migrateCommand struct {
	GrantTo string `name:"grant-to" help:"PostgreSQL: let this role work with the tables, for a server that does not own them."`
}

// Run migrates.
func (c migrateCommand) Run(sh *shell) error {
	d, err := db.Open(sh.ctx, sh.settings.DatabaseURL, db.Options{Clock: time.Now, AllowBypass: true})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := app.Migrate(sh.ctx, d); err != nil {
		return err
	}
	current, _, err := d.Schema(sh.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "The database is at schema %d.\n", current)
	if c.GrantTo == "" {
		return nil
	}
	if err := d.GrantTo(sh.ctx, c.GrantTo); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "The role %s may work with it.\n", c.GrantTo)
	return nil
}

type routesCommand struct{}

// Run prints the routes, from an empty database of its own: what there is to
// see is the same on every installation.
func (routesCommand) Run(sh *shell) error {
	folder, err := os.MkdirTemp("", "clientele-routes-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	sh.settings.DatabaseURL = "sqlite://" + filepath.Join(folder, "empty.db")
	sh.settings.KeyFile, sh.settings.SMTPURL = filepath.Join(folder, "secret.key"), ""
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	for _, r := range a.Mux.Routes() {
		fmt.Fprintln(sh.out, r)
	}
	return nil
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(sh *shell) error {
	fmt.Fprintln(sh.out, "clientele", sh.version)
	return nil
}

type configCommand struct{}

// Run prints the settings.
func (configCommand) Run(sh *shell) error {
	for _, line := range sh.settings.Lines() {
		fmt.Fprintln(sh.out, line)
	}
	return nil
}

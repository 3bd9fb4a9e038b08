// Package app builds everything from the settings, starts it in order, and
// stops it in the reverse.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/backoffice"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/geo"
	"clientele/internal/invite"
	"clientele/internal/job"
	"clientele/internal/mail"
	"clientele/internal/merge"
	"clientele/internal/password"
	"clientele/internal/plain"
	"clientele/internal/portal"
	"clientele/internal/seal"
	"clientele/internal/setting"
	"clientele/internal/sso"
	"clientele/internal/staff"
	"clientele/internal/system"
	"clientele/internal/web"
)

// App is the whole product, built and ready to serve.
type App struct {
	Config      config.Settled
	Log         *slog.Logger
	DB          *db.DB
	Audit       *audit.Log
	Jobs        *job.Jobs
	Outbox      *mail.Outbox
	Auth        *auth.Auth
	Memberships *access.Memberships
	Accounts    *account.Accounts
	Invites     *invite.Invites
	Staff       *staff.Staff
	Looks       *staff.Impersonations
	Owners      *staff.Owners
	Settings    *setting.Settings
	Providers   *sso.Providers
	Merges      *merge.Merges
	Places      *geo.Places // nil where no file of places is set
	System      *system.System
	Mux         *web.Mux
	Key         seal.Key
	tombs       tombs
}

// Options are what tests set and the command line does not.
type Options struct {
	Clock   func() time.Time // the wall clock where it is nil
	Poll    time.Duration    // how often the queues are looked at
	Backoff func(failures int) time.Duration
	Later   bool   // hourly work begins an hour after the start
	Release string // of the program, as backups and the System page name it
}

// New opens the database, migrates it, and builds everything over it.
func New(ctx context.Context, c config.Settled, log *slog.Logger, o Options) (_ *App, err error) {
	places, err := geo.Open(c.GeoFile)
	if err != nil {
		return nil, err
	}
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{Clock: o.Clock, AllowBypass: c.AllowBypass})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := checkKeyFile(c.KeyFile); err != nil {
		return nil, err
	}
	if err := Migrate(ctx, d); err != nil {
		return nil, err
	}
	key, err := openKey(ctx, d, c.KeyFile)
	if err != nil {
		return nil, err
	}
	a := &App{Config: c, Log: log, DB: d, Audit: audit.New(d, key), Places: places, Key: key}
	if a.Settings, err = setting.Open(ctx, d, key, c); err != nil {
		return nil, err
	}
	a.Jobs = job.New(d, job.Options{Wall: time.Now, Log: log, Poll: o.Poll, Backoff: o.Backoff, Later: o.Later, Before: a.Settings.Refresh})
	a.build(key, o.Release)
	return a, a.Jobs.Build()
}

// Migrate brings the database to this release's schema.
func Migrate(ctx context.Context, d *db.DB) error {
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	if err := audit.ChainFormer(ctx, d); err != nil {
		return err
	}
	return job.Migrate(ctx, d)
}

// build wires the rooms of the house together, from the bottom up.
func (a *App) build(key seal.Key, release string) {
	base, set := a.Config.Base.String(), a.Settings
	a.Outbox = mail.NewOutbox(a.DB, a.Jobs, key, set.Sending, a.Config.Base.Hostname())
	a.Auth = auth.New(a.DB, password.Following(set.PasswordRules), a.Outbox, auth.Options{Key: key, Base: a.Config.Base, Settings: set, Place: a.Places.Of})
	a.Memberships = access.New(a.DB, a.Outbox, base, set)
	a.Accounts = account.New(a.DB, a.Auth, a.Outbox, base, set)
	a.Invites = invite.NewInvites(a.DB, a.Auth, a.Memberships, a.Outbox, base, set)
	a.Staff = staff.New(a.DB, a.Auth, set, a.Outbox, base)
	a.Looks = staff.NewImpersonations(a.DB, a.Memberships, a.Outbox, base, set)
	a.Owners = staff.NewOwners(a.DB, a.Memberships, a.Invites, a.Outbox, base, set)
	a.Providers = sso.New(a.DB, a.Auth, sso.Options{Key: key, Base: a.Config.Base, Settings: set, Log: a.Log})
	a.tombs = tombs{path: tombsBeside(a.Config.KeyFile), fail: func(err error) {
		a.Log.Error("a deleted login is not in the list that keeps it from coming back with a backup", "error", err)
	}}
	a.Memberships.WhenErased(a.tombs.add)
	a.Merges = merge.New(a.DB, a.Auth, a.Memberships, a.Outbox, base, set)
	a.System = system.New(a.DB, a.Jobs, set, key, a.Config, release)
	a.Staff.Attend(a.System.Waits())
	a.Mux = web.NewMux(web.Options{BaseURL: a.Config.Base, TrustedProxies: a.Config.Proxies, Settings: set, Log: a.Log, Key: key, Wall: time.Now},
		a.DB, a.Auth, a.Memberships, a.Staff, a.Looks)
	portal.New(portal.Rooms{
		Auth: a.Auth, Memberships: a.Memberships, Accounts: a.Accounts, Invites: a.Invites, Owners: a.Owners,
		Providers: a.Providers, Merges: a.Merges, Outbox: a.Outbox, Settings: set,
	}).Mount(a.Mux)
	backoffice.New(backoffice.Rooms{
		Staff: a.Staff, Looks: a.Looks, Owners: a.Owners, Memberships: a.Memberships, Accounts: a.Accounts, Invites: a.Invites,
		Providers: a.Providers, Merges: a.Merges, Outbox: a.Outbox, Log: a.Audit, Settings: set, System: a.System,
	}).Mount(a.Mux)
	a.mountProbes()
	a.mountSweep()
	a.mountCheckpoints()
}

// Handler is the whole product over HTTP.
func (a *App) Handler() http.Handler { return a.Mux }

// Start begins to work the queues.
func (a *App) Start(ctx context.Context) error { return a.Jobs.Start(ctx) }

// Close lets the work at hand finish for a moment, and closes the database.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(a.Jobs.Stop(ctx), a.DB.Close())
}

// server bounds what a client may send, and how slowly.
func (a *App) server() *http.Server {
	return &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
}

// Serve listens and answers until ctx ends, then lets the requests at hand
// finish. Where there is no operator yet, out gets the link by which the first
// one joins.
func (a *App) Serve(ctx context.Context, out io.Writer) error {
	listener, err := net.Listen("tcp", a.Config.Listen)
	if err != nil {
		return listenError(a.Config.Listen, err)
	}
	if err := a.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := a.inviteFirst(ctx, out); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := a.server()
	a.Log.Info("ready", "address", a.Config.Base.String(), "listening", listener.Addr().String(), "database", plain.URL(a.Config.DatabaseURL))
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	a.Log.Info("stopping")
	stop, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return server.Shutdown(stop)
}

// inviteFirst prints the link by which the first operator joins. The log says
// only that there is one: it goes to places where others read.
func (a *App) inviteFirst(ctx context.Context, out io.Writer) error {
	link, err := a.Staff.FirstLink(ctx)
	if err != nil || link == "" {
		return err
	}
	a.Log.Info("there is no operator yet: the first one joins by the link that was printed")
	_, err = fmt.Fprintf(out, "There is no operator yet. The first one joins by this link, once and within 24 hours:\n%s\n", link)
	return err
}

func listenError(address string, err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("something listens on %s already: stop it, or choose another port with CLIENTELE_LISTEN", address)
	}
	return fmt.Errorf("cannot listen on %s: %w; choose another address or port with CLIENTELE_LISTEN", address, err)
}

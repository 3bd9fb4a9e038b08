package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"clientele/internal/audit"
	"clientele/internal/backup"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/job"
	"clientele/internal/seal"
	"clientele/internal/setting"
)

// A Restore fills a database from a backup. What was open when the backup was
// made is ended, so that nothing works again that has been ended since.
type Restore struct {
	Config  config.Settled
	Path    string // of the backup; empty where the database was put back in another way
	Release string
	// Replace allows a database that is not empty. A backup is made of it
	// first, and what it has taken away since is taken away again.
	Replace bool
	// Since names the database that went on after the backup, where that is
	// not the one that is filled.
	Since string
	// BringBack leaves people's access as it is in the backup, although it was
	// taken away since.
	BringBack bool
	// KeyLost goes on without the secret key.
	KeyLost  bool
	Clock    func() time.Time // the wall clock where it is nil
	Log      *slog.Logger
	Progress func(done, total int64, what string)
}

// A Restored is what came of it.
type Restored struct {
	Manifest backup.Manifest
	Before   string   // the backup of what was replaced
	Did      []string // what was ended and taken over, one sentence each
	Look     []string // what somebody should look at
}

// restoring stands in the place of the key's check while a database is half
// filled: no start goes on with it.
const restoring = "restoring"

var errRestoring = errors.New("a restore into this database was cut off, and what is in it is not to be used: run clientele restore with the same file again")

// Run restores. Its error leaves the database as it was, save that one which
// was empty may be left half filled: nothing starts with that.
func (r Restore) Run(ctx context.Context) (out Restored, err error) {
	if err := r.unused(ctx); err != nil {
		return out, err
	}
	if r.Path == "" {
		return r.endOnly(ctx)
	}
	f, err := backup.Open(r.Path)
	if err != nil {
		return out, err
	}
	defer f.Close()
	out.Manifest = f.Manifest
	key, err := r.keyFor(f.Manifest)
	if err != nil {
		return out, err
	}
	if err := f.Check(ctx, r.progress("Reading the backup")); err != nil {
		return out, err
	}
	d, err := db.Open(ctx, r.Config.DatabaseURL, db.Options{Clock: r.Clock, AllowBypass: r.Config.AllowBypass})
	if err != nil {
		return out, err
	}
	defer d.Close()
	replaces, err := r.prepare(ctx, d, f)
	if err != nil {
		return out, err
	}
	if replaces {
		if out.Before, err = r.keep(ctx, d, key, f); err != nil {
			return out, err
		}
	}
	a, err := r.rooms(ctx, d, key)
	if err != nil {
		return out, err
	}
	return out, r.fill(ctx, d, f, a, replaces, &out)
}

func (r Restore) progress(what string) backup.Progress {
	return func(done, total int64) { r.Progress(done, total, what) }
}

// unused makes sure that no server works with the database.
func (r Restore) unused(ctx context.Context) error {
	used, err := db.InUse(ctx, r.Config.DatabaseURL)
	if err == nil && used {
		err = errors.New("a server or another command works with this database: stop it on every machine, and run this again")
	}
	return err
}

// keyFor reads the key that the backup's secrets are sealed with.
func (r Restore) keyFor(m backup.Manifest) (seal.Key, error) {
	k, err := seal.ReadKey(r.Config.KeyFile)
	switch {
	case r.KeyLost:
		return seal.NewKey(make([]byte, 32)) // it seals nothing that stays
	case errors.Is(err, fs.ErrNotExist):
		return k, fmt.Errorf("the secret key file %s is not there, and it sealed what is in this backup: put it back from your copy, which is kept apart from the backups, or name it in CLIENTELE_SECRET_KEY_FILE; if it is lost for good, say --key-lost", r.Config.KeyFile)
	case err == nil && !m.OpensWith(k):
		return k, fmt.Errorf("the key in %s is not the one of this backup, or the backup was altered: name the right key in CLIENTELE_SECRET_KEY_FILE; if it is lost for good and you trust the file, say --key-lost", r.Config.KeyFile)
	}
	return k, err
}

// prepare brings the database to the backup's schema, and tells whether there
// is something in it that goes.
func (r Restore) prepare(ctx context.Context, d *db.DB, f *backup.File) (replaces bool, err error) {
	current, newest, err := d.Schema(ctx)
	if err != nil {
		return false, err
	}
	if f.Schema > newest {
		return false, fmt.Errorf("the backup %s was made by a newer release, %s (schema %d; this release knows %d): restore it with that release or a later one", f.Path, f.Release, f.Schema, newest)
	}
	if current > newest {
		return false, fmt.Errorf("the database was made by a newer release (schema %d; this release knows %d): name another, empty database for this one", current, newest)
	}
	if current == 0 {
		if err := d.MigrateTo(ctx, f.Schema); err != nil {
			return false, err
		}
		return false, job.Migrate(ctx, d)
	}
	if replaces, err = inhabited(ctx, d); err != nil {
		return false, err
	}
	if replaces && !r.Replace {
		return false, errors.New("the database is not empty, and nothing is overwritten: name another that is empty in CLIENTELE_DATABASE_URL, or say --replace, and a backup of it is made first")
	}
	if f.Schema == newest {
		return replaces, Migrate(ctx, d)
	}
	if replaces || current != f.Schema {
		return false, fmt.Errorf("the backup is of schema %d and the database of %d: restore into one that is new, which you name in CLIENTELE_DATABASE_URL, and name this one with --since", f.Schema, current)
	}
	return false, nil
}

// inhabited reports whether there is anything in a database that somebody
// would miss.
func inhabited(ctx context.Context, d *db.DB) (is bool, err error) {
	err = d.Read(ctx, db.Wide, func(tx *db.Tx) error {
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM installation WHERE key_check = $1", restoring)
		if err != nil || n > 0 {
			return err
		}
		n, err = db.One[int64](tx, "SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM accounts) + (SELECT COUNT(*) FROM staff) + (SELECT COUNT(*) FROM audit_records)")
		is = n > 0
		return err
	})
	return is, err
}

// keep makes a backup of what is about to go.
func (r Restore) keep(ctx context.Context, d *db.DB, k seal.Key, f *backup.File) (string, error) {
	path := filepath.Join(filepath.Dir(f.Path), backup.Name("before-restore", d.Now()))
	_, err := backup.Write(ctx, d, k, path, r.Release, r.progress("Keeping what was there"))
	return path, err
}

// rooms builds what knows how people are deleted, without anything that runs.
func (r Restore) rooms(ctx context.Context, d *db.DB, k seal.Key) (_ *App, err error) {
	a := &App{Config: r.Config, Log: r.Log, DB: d, Audit: audit.New(d, k), Key: k}
	if a.Settings, err = setting.Open(ctx, d, k, r.Config); err != nil {
		return nil, err
	}
	a.Jobs = job.New(d, job.Options{Wall: d.Now, Log: r.Log})
	a.build(k, r.Release)
	return a, nil
}

// fill fills the database: in one transaction where the schema is this
// release's, and else in two, with the migrations between them.
func (r Restore) fill(ctx context.Context, d *db.DB, f *backup.File, a *App, replaces bool, out *Restored) error {
	load := func(tx *db.Tx) error {
		if err := f.Load(tx, r.progress("Filling the database")); err != nil {
			return err
		}
		_, err := db.Exec(tx, "DELETE FROM river_job")
		return err
	}
	current, newest, err := d.Schema(ctx)
	if err != nil {
		return err
	}
	e := &ending{app: a, restore: r, out: out, at: f.At}
	if current == newest {
		return d.Write(ctx, db.Wide, func(tx *db.Tx) error {
			out.Did, out.Look = nil, nil
			if replaces {
				if err := e.remember(tx); err != nil {
					return err
				}
			}
			if err := load(tx); err != nil {
				return err
			}
			return e.finish(tx)
		})
	}
	var check string
	err = d.Write(ctx, db.Wide, func(tx *db.Tx) (err error) {
		if err = load(tx); err != nil {
			return err
		}
		if check, err = db.One[string](tx, "SELECT key_check FROM installation WHERE id = 1"); err != nil {
			return err
		}
		_, err = db.Exec(tx, "UPDATE installation SET key_check = $1", restoring)
		return err
	})
	if err != nil {
		return err
	}
	if err := Migrate(ctx, d); err != nil {
		return err
	}
	return d.Write(ctx, db.Wide, func(tx *db.Tx) error {
		out.Did, out.Look = nil, nil
		if _, err := db.Exec(tx, "UPDATE installation SET key_check = $1", check); err != nil {
			return err
		}
		return e.finish(tx)
	})
}

// endOnly ends what is open in a database that was put back in another way.
func (r Restore) endOnly(ctx context.Context) (out Restored, err error) {
	if err := isThere(r.Config.DatabaseURL); err != nil {
		return out, err
	}
	d, err := db.Open(ctx, r.Config.DatabaseURL, db.Options{Clock: r.Clock, AllowBypass: r.Config.AllowBypass})
	if err != nil {
		return out, err
	}
	defer d.Close()
	if err := Migrate(ctx, d); err != nil {
		return out, err
	}
	key, err := keyOf(ctx, d, r.Config.KeyFile)
	if err != nil {
		return out, err
	}
	a, err := r.rooms(ctx, d, key)
	if err != nil {
		return out, err
	}
	e := &ending{app: a, restore: r, out: &out, at: d.Now()}
	return out, d.Write(ctx, db.Wide, func(tx *db.Tx) error {
		out.Did, out.Look = nil, nil
		if _, err := db.Exec(tx, "DELETE FROM river_job"); err != nil {
			return err
		}
		return e.finish(tx)
	})
}

// bySystem is who restores.
var bySystem = audit.Actor{Kind: audit.System, Via: audit.ViaSystem}

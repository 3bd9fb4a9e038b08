package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"clientele/internal/backup"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/seal"
)

// Backup writes the database that the settings name into one file, whether or
// not a server works with it. It migrates nothing, so that a new release can
// make the backup before its own upgrade.
func Backup(ctx context.Context, c config.Settled, path, release string, progress backup.Progress) (m backup.Manifest, err error) {
	if err := isThere(c.DatabaseURL); err != nil {
		return m, err
	}
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{AllowBypass: c.AllowBypass})
	if err != nil {
		return m, err
	}
	defer d.Close()
	current, newest, err := d.Schema(ctx)
	switch {
	case err != nil:
		return m, err
	case current == 0:
		return m, errNothingThere
	case current > newest:
		return m, fmt.Errorf("the database was made by a newer release (schema %d; this release knows %d): make the backup with that one", current, newest)
	}
	key, err := keyOf(ctx, d, c.KeyFile)
	if err != nil {
		return m, err
	}
	return backup.Write(ctx, d, key, path, release, progress)
}

var errNothingThere = errors.New("there is nothing in the database to make a backup of: check CLIENTELE_DATABASE_URL")

// isThere refuses a file that is not there, which opening would make.
func isThere(rawURL string) error {
	if path, ok := strings.CutPrefix(rawURL, "sqlite://"); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return errNothingThere
		}
	}
	return nil
}

// keyOf reads the secret key of a database, and makes none.
func keyOf(ctx context.Context, d *db.DB, path string) (seal.Key, error) {
	k, err := seal.ReadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, fmt.Errorf("the secret key file %s is not there: %s", path, wayBack)
	}
	if err != nil {
		return k, err
	}
	s, err := readSealed(ctx, d)
	if err == nil && s.any() && !s.opens(k) {
		err = wrongKey(path)
	}
	return k, err
}

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"clientele/internal/db"
	"clientele/internal/seal"
)

// A sealedColumn is where a room keeps secrets: in the column named sealed of
// a table that has an id. The place of each box is a word of the room's and
// the row's name, which is another column.
type sealedColumn struct{ table, name, place string }

// sealedColumns are all that the secret key seals in the database. A room
// that seals something new has one line here: rotation goes by it.
var sealedColumns = []sealedColumn{
	{"audit_keys", "id", "audit_keys/seed/"},
	{"authenticators", "id", "authenticators/seed/"},
	{"ceremonies", "token_hash", "ceremonies/state/"},
	{"imports", "id", "imports/key/"},
	{"mails", "id", "mails/sealed/"},
	{"providers", "id", "providers/secret/"},
	{"staff_authenticators", "id", "staff_authenticators/seed/"},
	{"settings", "id", "settings/mail_password/"},
}

// The check is something known, sealed when the database was first used: a
// key that does not open it is not the one of this database.
const (
	checkPlace = "installation/key_check/1"
	checkText  = "This is the key of this installation."
)

func opensCheck(k seal.Key, box string) bool {
	plain, err := k.Open(checkPlace, box)
	return err == nil && string(plain) == checkText
}

// checkKeyFile refuses a key file that is there and cannot be used, before
// anything is done to the database.
func checkKeyFile(path string) error {
	if _, err := seal.ReadKey(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openKey reads the secret key of a migrated database, and makes it where
// nothing was sealed yet. With any other key than the one that sealed this
// database it refuses, and says how to go on.
func openKey(ctx context.Context, d *db.DB, path string) (seal.Key, error) {
	s, err := readSealed(ctx, d)
	if err != nil {
		return seal.Key{}, err
	}
	if s.check == restoring {
		return seal.Key{}, errRestoring
	}
	if !s.any() {
		return firstKey(ctx, d, path)
	}
	k, err := seal.ReadKey(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return seal.Key{}, fmt.Errorf("the secret key file %s is not there, and it sealed what is in this database: %s", path, wayBack)
	case err != nil:
		return seal.Key{}, err
	case !s.opens(k):
		return seal.Key{}, wrongKey(path)
	case s.check == "":
		return k, writeCheck(ctx, d, k, path)
	}
	return k, nil
}

// wayBack is what to do where the key is not the right one.
const wayBack = "put it back from your backup, or name the right one in CLIENTELE_SECRET_KEY_FILE; if it is lost for good, clientele key lost says what is lost with it and goes on without"

func wrongKey(path string) error {
	return fmt.Errorf("the key in %s is not the one that sealed this database: %s", path, wayBack)
}

// firstKey reads or makes the key of a database in which nothing is sealed.
func firstKey(ctx context.Context, d *db.DB, path string) (seal.Key, error) {
	k, err := seal.LoadKey(path)
	if err != nil {
		return seal.Key{}, err
	}
	return k, writeCheck(ctx, d, k, path)
}

// writeCheck writes the check with a key. Where another start was quicker, its
// key must be the same.
func writeCheck(ctx context.Context, d *db.DB, k seal.Key, path string) error {
	var box string
	err := d.Write(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		if _, err = db.Exec(tx, `INSERT INTO installation (id, key_check, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING`,
			k.Seal(checkPlace, []byte(checkText)), tx.Now); err != nil {
			return err
		}
		box, err = db.One[string](tx, "SELECT key_check FROM installation WHERE id = 1")
		return err
	})
	if err == nil && !opensCheck(k, box) {
		return wrongKey(path)
	}
	return err
}

// replaceCheck writes the check anew with the key that seals now.
func replaceCheck(ctx context.Context, d *db.DB, k seal.Key) error {
	return d.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, `INSERT INTO installation (id, key_check, created_at) VALUES (1, $1, $2)
			ON CONFLICT (id) DO UPDATE SET key_check = excluded.key_check`, k.Seal(checkPlace, []byte(checkText)), tx.Now)
		return err
	})
}

// A sealedState is what tells which key a database was sealed with: the
// check, or the newest message that is sealed, in a database from before there
// was a check.
type sealedState struct {
	check  string
	mailID string
	mail   string
}

func readSealed(ctx context.Context, d *db.DB) (s sealedState, err error) {
	type box struct{ ID, Sealed string }
	err = d.Read(ctx, db.Wide, func(tx *db.Tx) error {
		s.check, err = db.One[string](tx, "SELECT key_check FROM installation WHERE id = 1")
		if !errors.Is(err, db.ErrNone) {
			return err
		}
		newest, err := db.One[box](tx, "SELECT CAST(id AS TEXT) AS id, sealed FROM mails WHERE sealed <> '' ORDER BY mails.id DESC LIMIT 1")
		if errors.Is(err, db.ErrNone) {
			return nil
		}
		s.mailID, s.mail = newest.ID, newest.Sealed
		return err
	})
	return s, err
}

// any reports whether anything was sealed so far.
func (s sealedState) any() bool { return s.check != "" || s.mail != "" }

// opens reports whether a key is the one of this database.
func (s sealedState) opens(k seal.Key) bool {
	if s.check != "" {
		return opensCheck(k, s.check)
	}
	_, err := k.Open("mails/sealed/"+s.mailID, s.mail)
	return err == nil
}

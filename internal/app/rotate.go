package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/seal"
)

// Keys is the secret key with everything that it has sealed, for the commands
// that care for it.
type Keys struct {
	DB   *db.DB
	Key  seal.Key
	Path string
	Say  func(line string) // tells the operator how far it is
}

// resealBatch is how many rows one transaction seals anew.
const resealBatch = 200

// Rotate makes a new key, and seals everything anew with it. A rotation that
// was cut off goes on where it was: what tells is the check, which is sealed
// anew last. Its error names what did not open, and was left as it was.
func (k *Keys) Rotate(ctx context.Context) error {
	s, err := readSealed(ctx, k.DB)
	if err != nil {
		return err
	}
	if seal.BoxID(s.check) != k.Key.ID() {
		k.Say("Going on with the rotation to the key " + k.Key.ID() + ".")
	} else {
		if err := k.Key.Rotate(); err != nil {
			return err
		}
		k.Say("The new key " + k.Key.ID() + " is the first in " + k.Path + " and seals from now on.")
	}
	var stuck []string
	for _, c := range sealedColumns {
		left, err := k.reseal(ctx, c)
		if err != nil {
			return err
		}
		stuck = append(stuck, left...)
	}
	if err := replaceCheck(ctx, k.DB, k.Key); err != nil {
		return err
	}
	if len(stuck) > 0 {
		return fmt.Errorf("everything else is sealed with the key %s, but %s opened with no key of %s: put the key that is missing into a line of its own below the others, and rotate again", k.Key.ID(), some(stuck), k.Path)
	}
	k.Say("Everything is sealed with the key " + k.Key.ID() + ".")
	return nil
}

// some names a few of many.
func some(list []string) string {
	const few = 5
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(list[:few], ", "), len(list)-few)
}

// A sealedRow is one box and where it stands.
type sealedRow struct {
	ID     int64
	Name   string
	Sealed string
}

// reseal seals the rows of one table anew, a bounded number at a time, and
// names those that do not open.
func (k *Keys) reseal(ctx context.Context, c sealedColumn) (stuck []string, err error) {
	done := 0
	for after := int64(0); ; {
		var rows []sealedRow
		var left []string
		err := k.DB.Write(ctx, db.Wide, func(tx *db.Tx) (err error) {
			if rows, err = c.after(tx, after, k.Key.ID()); err != nil {
				return err
			}
			left, err = c.reseal(tx, k.Key, rows)
			return err
		})
		if err != nil {
			return nil, err
		}
		stuck, done = append(stuck, left...), done+len(rows)-len(left)
		if len(rows) > 0 {
			after = rows[len(rows)-1].ID
			k.Say(fmt.Sprintf("%s: %d sealed anew", c.table, done))
		}
		if len(rows) < resealBatch {
			return stuck, nil
		}
	}
}

// after reads the next rows that another key than the named one has sealed.
func (c sealedColumn) after(tx *db.Tx, after int64, current string) ([]sealedRow, error) {
	return db.All[sealedRow](tx, fmt.Sprintf(`
		SELECT id, CAST(%s AS TEXT) AS name, sealed FROM %s
		WHERE id > $1 AND sealed <> '' AND sealed NOT LIKE $2 ORDER BY %[2]s.id LIMIT $3`, c.name, c.table),
		after, current+".%", resealBatch)
}

// reseal seals rows anew, except those that have changed meanwhile: what is
// written now is sealed with the key that is first by now.
func (c sealedColumn) reseal(tx *db.Tx, key seal.Key, rows []sealedRow) (stuck []string, err error) {
	for _, r := range rows {
		box, err := key.Reseal(c.place+r.Name, r.Sealed)
		if err != nil {
			stuck = append(stuck, fmt.Sprintf("%s %d", c.table, r.ID))
			continue
		}
		if _, err := db.Exec(tx, "UPDATE "+c.table+" SET sealed = $3 WHERE id = $1 AND sealed = $2", r.ID, r.Sealed, box); err != nil {
			return nil, err
		}
	}
	return stuck, nil
}

// Prune drops the keys that nothing needs any more from the file. While one
// of them still sealed something it refuses, and says what.
func (k *Keys) Prune(ctx context.Context) error {
	old := k.Key.IDs()[1:]
	if len(old) == 0 {
		k.Say("The only key in " + k.Path + " is " + k.Key.ID() + ": there is none to drop.")
		return nil
	}
	n, where, err := k.sealedWith(ctx, func(name string) bool { return slices.Contains(old, name) })
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%d rows are still sealed with a key that would go (%s): run clientele key rotate first", n, where)
	}
	if err := k.Key.Prune(old); err != nil {
		return err
	}
	k.Say("Dropped " + strings.Join(old, ", ") + " from " + k.Path + ". What is left is " + k.Key.ID() + ".")
	return nil
}

// sealedWith counts the rows that are sealed with keys of certain names, the
// check among them, and says in which tables they are.
func (k *Keys) sealedWith(ctx context.Context, which func(name string) bool) (total int64, where string, err error) {
	type use struct {
		Name string
		N    int64
	}
	counts := map[string]int64{}
	count := func(tx *db.Tx, table, query string) error {
		uses, err := db.All[use](tx, query)
		for _, u := range uses {
			if which(u.Name) {
				counts[table] += u.N
				total += u.N
			}
		}
		return err
	}
	err = k.DB.Read(ctx, db.Wide, func(tx *db.Tx) error {
		for _, c := range sealedColumns {
			if err := count(tx, c.table, "SELECT SUBSTR(sealed, 1, 8) AS name, COUNT(*) AS n FROM "+c.table+" WHERE sealed <> '' GROUP BY SUBSTR(sealed, 1, 8)"); err != nil {
				return err
			}
		}
		return count(tx, "installation", "SELECT SUBSTR(key_check, 1, 8) AS name, COUNT(*) AS n FROM installation GROUP BY SUBSTR(key_check, 1, 8)")
	})
	var words []string
	for _, table := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s: %d", table, counts[table]))
	}
	return total, strings.Join(words, ", "), err
}

// OpenKeys opens the secret key and the database for the commands that care
// for them, beside a server that may be running. Where lost is set, the key
// need not be the one that sealed the database, and may be none.
func OpenKeys(ctx context.Context, c config.Settled, lost bool) (*Keys, error) {
	d, err := db.Open(ctx, c.DatabaseURL, db.Options{AllowBypass: c.AllowBypass})
	if err != nil {
		return nil, err
	}
	k := &Keys{DB: d, Path: c.KeyFile, Say: func(string) {}}
	if err := k.open(ctx, lost); err != nil {
		d.Close()
		return nil, err
	}
	return k, nil
}

func (k *Keys) open(ctx context.Context, lost bool) (err error) {
	if err := checkKeyFile(k.Path); err != nil {
		return err
	}
	if err := Migrate(ctx, k.DB); err != nil {
		return err
	}
	if !lost {
		k.Key, err = openKey(ctx, k.DB, k.Path)
		return err
	}
	if k.Key, err = seal.ReadKey(k.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// GoOn takes the key in the file, or a new one where there is no file, for the
// one of the database from now on, after the one that sealed it is lost. Unless sure is set it only says what
// is lost. It refuses where the key is the right one.
func (k *Keys) GoOn(ctx context.Context, sure bool) error {
	s, err := readSealed(ctx, k.DB)
	if err != nil {
		return err
	}
	if s.opens(k.Key) {
		return fmt.Errorf("the key in %s is the one that sealed this database: nothing is lost", k.Path)
	}
	n, where, err := k.sealedWith(ctx, func(name string) bool { return !slices.Contains(k.Key.IDs(), name) })
	if err != nil {
		return err
	}
	if !sure {
		return fmt.Errorf("%d rows can never be opened again without the lost key (%s): mail that waits will not leave, authenticator apps no longer work, and the secrets of sign-in providers must be entered anew; if the key is gone for good, say clientele key lost --yes", n, where)
	}
	if k.Key, err = seal.LoadKey(k.Path); err != nil {
		return err
	}
	if err := replaceCheck(ctx, k.DB, k.Key); err != nil {
		return err
	}
	k.Say(fmt.Sprintf("The key %s in %s is the one of this database from now on. %d rows stay sealed with one that is lost (%s).", k.Key.ID(), k.Path, n, where))
	return nil
}

package app

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/user"
)

// tombs is the list of people who have deleted their logins, in a file beside
// the secret key: no restored database brings them back, also where nothing is
// left of the one that knew. A line is a number and two times, and tells
// nothing of anybody.
type tombs struct {
	path string
	fail func(error)
}

// tombsBeside is the list of an installation.
func tombsBeside(keyFile string) string { return filepath.Join(filepath.Dir(keyFile), "deleted.log") }

// add writes a line once the deletion is done.
func (t tombs) add(tx *db.Tx, person user.User, _ audit.Actor) error {
	line := fmt.Sprintf("%s user %s of %s\n", tx.Now.Format(time.RFC3339), id.String(person.ID), person.CreatedAt.UTC().Format(time.RFC3339Nano))
	tx.After(func() {
		if err := t.write(line); err != nil {
			t.fail(err)
		}
	})
	return nil
}

func (t tombs) write(line string) error {
	f, err := os.OpenFile(t.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Sync(), f.Close())
}

// find names the people of the list who are not deleted in this database.
func (t tombs) find(tx *db.Tx) (list []id.User, err error) {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the list of deleted logins %s cannot be read: %w; make it readable", t.path, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) != 5 || words[1] != "user" {
			continue // the end of a line that was being written when the power went
		}
		u, err := id.Parse[id.User](words[2])
		made, wrong := time.Parse(time.RFC3339Nano, words[4])
		if err != nil || wrong != nil {
			continue
		}
		found, err := db.All[id.User](tx, "SELECT id FROM users WHERE id = $1 AND created_at = $2 AND status <> 'deleted'", u, made)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, lines.Err()
}

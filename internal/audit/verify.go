package audit

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
)

// unsigned is how old a log gets without a checkpoint.
const unsigned = 2 * time.Hour

// Verify reads the whole log as it stands at one moment, and says where it is
// not what was written. reached is the name of a checkpoint that was noted
// elsewhere, and that the log must have come to; it may be empty. progress is
// told how many records were read so far.
func (l *Log) Verify(ctx context.Context, reached string, progress func(records int64)) (r Report, err error) {
	defer fault.Wrap(&err, "audit.Verify")
	err = l.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		heads, err := readHeads(tx)
		if err != nil {
			return err
		}
		keys, err := readKeys(tx)
		if err != nil {
			return err
		}
		c := newChecker(checkpoints(tx))
		if err := c.readAll(tx, progress); err != nil {
			return err
		}
		if err := c.finish(heads); err != nil {
			return err
		}
		if err := c.reach(tx, reached); err != nil {
			return err
		}
		c.vouch(l, keys, tx.Now)
		r = c.Report
		return nil
	})
	return r, err
}

// readAll reads the records, a bounded number at a time.
func (c *checker) readAll(tx *db.Tx, progress func(records int64)) error {
	for from := int64(math.MinInt64); ; { // somebody else may give numbers that the log does not
		list, err := db.All[stored](tx, "SELECT "+storedColumns+" FROM audit_records WHERE id >= $1 ORDER BY id LIMIT $2", from, batchSize)
		if err != nil {
			if list, err = c.readOneByOne(tx, from, err); err != nil {
				return err
			}
		}
		for _, r := range list {
			if err := c.record(r); err != nil {
				return err
			}
		}
		if len(list) == 0 {
			return nil
		}
		progress(c.Records)
		last := list[len(list)-1].ID
		if last == math.MaxInt64 {
			return nil
		}
		from = last + 1
	}
}

// readOneByOne finds the record for which a page cannot be read: one that
// holds what no record can.
func (c *checker) readOneByOne(tx *db.Tx, from int64, cause error) (list []stored, err error) {
	numbers, err := db.All[int64](tx, "SELECT id FROM audit_records WHERE id >= $1 ORDER BY id LIMIT $2", from, batchSize)
	if err != nil {
		return nil, cause
	}
	for _, n := range numbers {
		r, err := db.One[stored](tx, "SELECT "+storedColumns+" FROM audit_records WHERE id = $1", n)
		if err != nil {
			r = stored{ID: n}
			if r.link, err = db.One[link](tx, "SELECT lane, seq, previous, hash FROM audit_records WHERE id = $1", n); err != nil {
				r.Hash = "unreadable"
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// checkpoints reads them one after another, a bounded number at a time.
func checkpoints(tx *db.Tx) func() (Checkpoint, error) {
	var list []Checkpoint
	last := int64(-1)
	return func() (Checkpoint, error) {
		if len(list) == 0 {
			var err error
			if list, err = db.All[Checkpoint](tx, "SELECT "+checkpointColumns+" FROM audit_checkpoints WHERE id > $1 ORDER BY id LIMIT $2", last, batchSize); err != nil || len(list) == 0 {
				return Checkpoint{}, err
			}
		}
		next := list[0]
		list, last = list[1:], next.ID
		return next, nil
	}
}

// reach makes sure that a checkpoint that was noted elsewhere is one of the
// log's.
func (c *checker) reach(tx *db.Tx, name string) error {
	if name == "" {
		return nil
	}
	var number int64
	var hash string
	if _, err := fmt.Sscanf(name, "%d:%s", &number, &hash); err != nil {
		return fault.Field("reached", "A checkpoint is named like 12:hash, as this command and the server's log print it.")
	}
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM audit_checkpoints WHERE id = $1 AND hash = $2", number, hash)
	if err == nil && n == 0 {
		c.problem(0, "Checkpoint %d is not the one that was noted elsewhere, or is gone: the log was cut off, or written anew.", number)
	}
	return err
}

// vouch makes sure that the last checkpoint, which stands for all before it,
// was signed with a key that only this installation has. A log that is older
// than the hour after which the first one is due, and then some, has one.
func (c *checker) vouch(l *Log, keys []signingKey, now time.Time) {
	switch {
	case c.Checkpoints == 0 && len(keys) > 0:
		c.problem(0, "There is no checkpoint, though there is a key to sign them: they were deleted.")
		return
	case c.Checkpoints == 0 && c.Records > 0 && now.Sub(c.first) > unsigned:
		c.problem(0, "There is no checkpoint and no key to sign them, though the log begins on %s and the server signs every hour: they were deleted, or no server has worked with this database yet.", c.first.UTC().Format(time.RFC3339))
		return
	case c.Checkpoints == 0:
		c.Notes = append(c.Notes, "No checkpoint was signed yet; the server does it every hour.")
		return
	}
	ours := slices.ContainsFunc(keys, func(k signingKey) bool {
		_, err := k.open(l.key)
		return err == nil && k.Public == c.Last.Public
	})
	if !ours {
		c.problem(0, "The last checkpoint, %d, is not signed by this installation: its key %s does not open with the secret key file.", c.Last.ID, c.Last.Public)
	}
}

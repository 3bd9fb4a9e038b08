package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"

	"clientele/internal/db"
)

// lanes is how many chains the records are spread over. A transaction appends
// to one of them and holds it until it has committed; with one chain for all,
// every writer would wait for every other one. Lane 0 has the records from
// before there was a chain.
const lanes = 8

// A waiting record is one that its transaction has written, and that is put
// into the chain at the transaction's end.
type waiting struct {
	row
	scope db.Scope // whose rows could be written where it was
}

// A link is a record's place in the chain.
type link struct {
	Lane     int64
	Seq      int64
	Previous string // the hash of the record before it in its lane
	Hash     string
}

// A head is where a lane ends.
type head struct {
	Lane int64
	Seq  int64
	Hash string
}

// laneOf spreads transactions: what is of one account goes into one lane,
// where writers wait for one another anyway.
func laneOf(r row) int64 {
	of := r.AccountID.V
	if of == 0 {
		of = r.ActorID.V
	}
	if of == 0 {
		of = r.SubjectID.V
	}
	return 1 + of%lanes
}

// chain puts the records of a transaction into the chain and adds them to the
// log. It runs at the end, so that the lane is held for as short as can be,
// and so that nothing that holds a lane ever waits for another lock.
func chain(tx *db.Tx, list []waiting) error {
	lane := laneOf(list[0].row)
	end, err := db.One[head](tx, "UPDATE audit_heads SET seq = seq + $2 WHERE lane = $1 RETURNING lane, seq, hash", lane, len(list))
	if err != nil {
		return fmt.Errorf("audit: the end of the chain: %w", err)
	}
	end.Seq -= int64(len(list))
	rows := make([]row, len(list))
	for i, w := range list {
		rows[i] = w.follow(end)
		end.Seq, end.Hash = rows[i].Seq, rows[i].Hash
	}
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].scope == list[from].scope {
			to++
		}
		if err := tx.Within(list[from].scope, func() error { return table.Insert(tx, rows[from:to]) }); err != nil {
			return fmt.Errorf("audit.Write: %w", err)
		}
		from = to
	}
	_, err = db.Exec(tx, "UPDATE audit_heads SET hash = $2 WHERE lane = $1", lane, end.Hash)
	return err
}

// follow is the record as the next one of a lane.
func (r row) follow(end head) row {
	r.link = link{Lane: end.Lane, Seq: end.Seq + 1, Previous: end.Hash}
	r.Hash = r.sum()
	return r
}

// sum is the hash over everything that the record says, and over its place.
func (r row) sum() string { return digest(r.text()) }

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// timeForm is how times are hashed, and stand in an export.
const timeForm = "2006-01-02T15:04:05.000000Z"

// text is what the hash is over: the name of each field, the length of its
// value in bytes, and the value. A field without a value is left out, so that
// one that is added later changes no older hash.
func (r row) text() []byte {
	t := writer("clientele audit record 1\n")
	t.number("lane", r.Lane)
	t.number("seq", r.Seq)
	t.string("previous", r.Previous)
	t.string("at", r.At.UTC().Format(timeForm))
	t.string("event", r.Event)
	t.string("outcome", r.Outcome)
	t.string("actor_kind", r.ActorKind)
	t.null("actor_id", r.ActorID)
	t.string("via", r.Via)
	t.null("via_id", r.ViaID)
	t.null("behalf_id", r.BehalfID)
	t.null("account_id", r.AccountID)
	t.string("object_kind", r.ObjectKind)
	t.null("object_id", r.ObjectID)
	t.null("subject_id", r.SubjectID)
	t.string("before", r.Before)
	t.string("after", r.After)
	t.string("request", r.Request)
	t.string("network", r.Network)
	return t
}

// A writer writes fields one after another, so that no two lists of them read
// the same.
type writer []byte

func (w *writer) string(name, value string) {
	if value == "" {
		return
	}
	*w = append(append(*w, name...), ':')
	*w = append(strconv.AppendInt(*w, int64(len(value)), 10), ':')
	*w = append(append(*w, value...), '\n')
}

func (w *writer) number(name string, n int64) { w.string(name, strconv.FormatInt(n, 10)) }

func (w *writer) null(name string, n db.Null[int64]) {
	if n.Valid {
		w.number(name, n.V)
	}
}

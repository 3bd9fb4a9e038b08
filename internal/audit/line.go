package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"clientele/internal/db"
)

// A line is one record in an export for programs. It carries everything that
// the record's hash is over, so that it can be verified without a database.
type line struct {
	ID         int64    `json:"id"`
	Lane       int64    `json:"lane"`
	Seq        int64    `json:"seq"`
	Previous   string   `json:"previous"`
	Hash       string   `json:"hash"`
	At         string   `json:"at"`
	Event      string   `json:"event"`
	Outcome    string   `json:"outcome"`
	ActorKind  string   `json:"actor_kind"`
	ActorID    *int64   `json:"actor_id,omitempty"`
	Via        string   `json:"via"`
	ViaID      *int64   `json:"via_id,omitempty"`
	BehalfID   *int64   `json:"behalf_id,omitempty"`
	AccountID  *int64   `json:"account_id,omitempty"`
	ObjectKind string   `json:"object_kind,omitempty"`
	ObjectID   *int64   `json:"object_id,omitempty"`
	SubjectID  *int64   `json:"subject_id,omitempty"`
	Before     string   `json:"before,omitempty"`
	After      string   `json:"after,omitempty"`
	Request    string   `json:"request,omitempty"`
	Network    string   `json:"network,omitempty"`
	Withheld   []string `json:"withheld,omitempty"` // what its reader may not see; the hash is over it too
}

// A lastLine closes an export of the whole log.
type lastLine struct {
	Checkpoint checkpointLine `json:"checkpoint"`
}

type checkpointLine struct {
	ID        int64  `json:"id"`
	At        string `json:"at"`
	Heads     string `json:"heads"`
	Previous  string `json:"previous"`
	Hash      string `json:"hash"`
	Public    string `json:"public"`
	Signature string `json:"signature"`
}

func pointer(n db.Null[int64]) *int64 {
	if !n.Valid {
		return nil
	}
	return &n.V
}

func null(p *int64) db.Null[int64] {
	if p == nil {
		return db.Null[int64]{}
	}
	return db.Some(*p)
}

func lineOf(r stored) line {
	return line{
		ID: r.ID, Lane: r.Lane, Seq: r.Seq, Previous: r.Previous, Hash: r.Hash, At: r.At.UTC().Format(timeForm),
		Event: r.Event, Outcome: r.Outcome, ActorKind: r.ActorKind, ActorID: pointer(r.ActorID), Via: r.Via, ViaID: pointer(r.ViaID),
		BehalfID: pointer(r.BehalfID), AccountID: pointer(r.AccountID), ObjectKind: r.ObjectKind, ObjectID: pointer(r.ObjectID),
		SubjectID: pointer(r.SubjectID), Before: r.Before, After: r.After, Request: r.Request, Network: r.Network,
	}
}

func (l line) stored() (stored, error) {
	at, err := time.Parse(timeForm, l.At)
	return stored{ID: l.ID, row: row{
		link: link{Lane: l.Lane, Seq: l.Seq, Previous: l.Previous, Hash: l.Hash}, At: at,
		Event: l.Event, Outcome: l.Outcome, ActorKind: l.ActorKind, ActorID: null(l.ActorID), Via: l.Via, ViaID: null(l.ViaID),
		BehalfID: null(l.BehalfID), AccountID: null(l.AccountID), ObjectKind: l.ObjectKind, ObjectID: null(l.ObjectID),
		SubjectID: null(l.SubjectID), Before: l.Before, After: l.After, Request: l.Request, Network: l.Network,
	}}, err
}

func (c Checkpoint) line() lastLine {
	return lastLine{checkpointLine{c.ID, c.At.UTC().Format(timeForm), c.Heads, c.Previous, c.Hash, c.Public, c.Signature}}
}

func (l checkpointLine) checkpoint() (Checkpoint, error) {
	at, err := time.Parse(timeForm, l.At)
	return Checkpoint{l.ID, at, l.Heads, l.Previous, l.Hash, l.Public, l.Signature}, err
}

// A FileReport is what verifying an export has found.
type FileReport struct {
	Report
	Whole    bool  // it ends with a checkpoint, and was checked from end to end
	Withheld int64 // records of which a part was withheld, which cannot be checked
}

// longestLine bounds a line of an export.
const longestLine = 16 << 20

// VerifyFile verifies an export for programs without a database. One of the
// whole log ends with a checkpoint and is held against it; of any other, each
// line is checked by itself.
func VerifyFile(r io.Reader) (FileReport, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 1<<16), longestLine)
	v := fileCheck{whole: newChecker(func() (Checkpoint, error) { return Checkpoint{}, nil })}
	for in.Scan() {
		v.n++
		if err := v.line(in.Bytes()); err != nil {
			return v.FileReport, err
		}
	}
	if err := in.Err(); err != nil {
		return v.FileReport, fmt.Errorf("line %d of the export: %w", v.n+1, err)
	}
	return v.FileReport, v.close()
}

// A fileCheck is under way through an export. Whether it is one of the whole
// log shows at its end alone.
type fileCheck struct {
	FileReport
	n     int      // the line
	alone Report   // what is wrong with records by themselves
	whole *checker // and with all of them together
}

// line checks one line.
func (v *fileCheck) line(text []byte) error {
	if v.Whole {
		v.problem(0, "Line %d stands behind the checkpoint that ends the export.", v.n)
		return nil
	}
	if bytes.HasPrefix(text, []byte(`{"checkpoint":`)) {
		v.last(text)
		return nil
	}
	var l line
	err := strict(text, &l)
	r, err2 := l.stored()
	if err := errors.Join(err, err2); err != nil {
		v.problem(0, "Line %d is no line of an export: %v.", v.n, err)
		return nil
	}
	v.Records++
	switch {
	case len(l.Withheld) > 0:
		v.Withheld++
	case r.Hash == "":
		v.alone.problem(r.ID, "is not in the chain")
	case r.sum() != r.Hash:
		v.alone.problem(r.ID, "was changed after it was written (line %d)", v.n)
	}
	return v.whole.record(r)
}

// last reads the checkpoint that ends an export.
func (v *fileCheck) last(text []byte) {
	var l lastLine
	err := strict(text, &l)
	c, err2 := l.Checkpoint.checkpoint()
	if err := errors.Join(err, err2); err != nil {
		v.problem(0, "Line %d is no checkpoint: %v.", v.n, err)
		return
	}
	if wrong := c.check(); wrong != "" {
		v.problem(0, "The checkpoint at the end %s.", wrong)
	}
	v.Last, v.Checkpoints, v.Whole = c, 1, true
}

// close holds the whole against the checkpoint, where there is one.
func (v *fileCheck) close() error {
	if !v.Whole {
		v.take(v.alone)
		return nil
	}
	heads, err := v.Last.heads()
	if err != nil {
		v.problem(0, "The checkpoint at the end: %v.", err)
		return nil
	}
	err = v.whole.finish(heads)
	v.take(v.whole.Report)
	return err
}

// strict reads a line as it was written and in no other way.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	again, err := encode(into)
	if err == nil && !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), text) {
		err = errors.New("it is not written as an export writes it")
	}
	return err
}

// encode writes a line.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

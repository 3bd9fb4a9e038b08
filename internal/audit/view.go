package audit

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A View is the part of the log that one reader may see. The rooms make it,
// from the proof that she may.
type View struct {
	Reader Actor
	Own    Filter // what bounds it: an account, or a person
	Full   bool   // nothing of a record is held back: for staff
	Read   func(ctx context.Context, fn func(tx *db.Tx) error) error
	Write  func(ctx context.Context, fn func(tx *db.Tx) error) error
	Find   func(tx *db.Tx, word string) (People, error)      // whom a word may mean; nil where nobody can be chosen
	Sign   func(ctx context.Context) (c Checkpoint, e error) // of the whole log; nil for a part
}

// Everything is the whole log, for those who may see it. An export of all of
// it ends with a checkpoint.
func (l *Log) Everything(reader Actor) View {
	return View{
		Reader: reader, Full: true, Sign: l.Sign,
		Read:  func(ctx context.Context, fn func(tx *db.Tx) error) error { return l.db.Read(ctx, db.Wide, fn) },
		Write: func(ctx context.Context, fn func(tx *db.Tx) error) error { return l.db.Write(ctx, db.Wide, fn) },
	}
}

// A Page is a part of the log, the newest entry first, and the number before
// which it goes on; 0 at its end.
type Page struct {
	Entries []Entry
	Next    int64
}

// Page reads what was asked for from before an entry on; 0 begins at the
// newest. What cannot be asked for is told field by field.
func (v View) Page(ctx context.Context, a Asked, before int64) (p Page, err error) {
	defer fault.Wrap(&err, "audit.Page")
	err = v.Read(ctx, func(tx *db.Tx) error {
		f, err := v.filter(tx, a)
		if err != nil {
			return err
		}
		p.Entries, err = f.newest(tx, before, PageSize+1)
		return err
	})
	if len(p.Entries) > PageSize {
		p.Entries = p.Entries[:PageSize]
		p.Next = p.Entries[PageSize-1].ID
	}
	for i := range p.Entries {
		v.withhold(&p.Entries[i])
	}
	return p, err
}

// forStaff is what operators have said to each other in a record, by event: its
// account and its person know that it happened, and do not read that.
var forStaff = map[string][]string{
	"user.suspended":       {"reason"},
	"factor_reset.started": {"reason"},
	"merge.started":        {"reason", "other"},
}

// withhold takes away what the reader may not see: where an operator sat, the
// number of her request, and what she has said to her colleagues.
func (v View) withhold(e *Entry) (what []string) {
	if v.Full || e.ActorKind != Staff {
		return nil
	}
	if e.Request != "" {
		e.Request, what = "", append(what, "request")
	}
	if e.Network != "" {
		e.Network, what = "", append(what, "network")
	}
	if keys := forStaff[e.Event]; keys != nil && e.After != "" {
		e.After, what = leaveOut(e.After, keys), append(what, "after")
	}
	return what
}

// leaveOut is a record's text without some of its keys; nothing where none is
// left, or where it cannot be read.
func leaveOut(text string, keys []string) string {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &all) != nil {
		return ""
	}
	for _, key := range keys {
		delete(all, key)
	}
	if len(all) == 0 {
		return ""
	}
	left, _ := json.Marshal(all)
	return string(left)
}

// A Format is how an export is written.
type Format string

// The formats.
const (
	CSV    Format = "csv"    // for spreadsheets, in words
	NDJSON Format = "ndjson" // for programs, to be verified
)

// An Export is about to be written.
type Export struct {
	view   View
	filter Filter
	format Format
	until  int64      // the last record that there was
	end    Checkpoint // of the whole log
	heads  []head
}

// Export begins an export of what was asked for, and records it. The export
// ends where the log ends now.
func (v View) Export(ctx context.Context, a Asked, format Format) (e Export, err error) {
	defer fault.Wrap(&err, "audit.Export")
	if format != CSV && format != NDJSON {
		return e, fault.Field("format", "Choose CSV or NDJSON.")
	}
	e = Export{view: v, format: format}
	err = v.Write(ctx, func(tx *db.Tx) error {
		if e.filter, err = v.filter(tx, a); err != nil {
			return err
		}
		return Write(tx, v.Reader, Record{
			Event: "log.exported", Account: v.Own.Account, Object: "log", Subject: v.Own.Of,
			After: map[string]any{"format": format, "filter": a.words()},
		})
	})
	if err != nil {
		return e, err
	}
	if v.Sign != nil && !a.Any() && format == NDJSON {
		if e.end, err = v.Sign(ctx); err != nil {
			return e, err
		}
		if e.heads, err = e.end.heads(); err != nil {
			return e, err
		}
	}
	err = v.Read(ctx, func(tx *db.Tx) error {
		e.until, err = db.One[int64](tx, "SELECT COALESCE(MAX(id), 0) FROM audit_records")
		return err
	})
	return e, err
}

// Name is the export's file name.
func (e Export) Name() string {
	name := "activity"
	switch {
	case e.view.Own.Account != 0:
		name += "-" + id.String(e.view.Own.Account)
	case e.view.Own.Of != 0:
		name += "-user-" + id.String(e.view.Own.Of)
	}
	return name + "." + string(e.format)
}

// WriteTo writes the export, the oldest record first, holding no more than a
// page of it in memory. No transaction waits for the reader; before each page
// goes out, pace is called.
func (e Export) WriteTo(ctx context.Context, w io.Writer, pace func()) error {
	out := csv.NewWriter(w)
	if e.format == CSV {
		if err := out.Write(csvHead); err != nil {
			return err
		}
	}
	for after := int64(0); ; {
		list, err := e.page(ctx, after)
		if err != nil {
			return err
		}
		pace()
		for _, r := range list {
			if err := e.write(out, w, r); err != nil {
				return err
			}
			after = r.ID
		}
		if out.Flush(); out.Error() != nil {
			return out.Error()
		}
		if len(list) < batchSize {
			break
		}
	}
	if e.end.ID == 0 {
		return nil
	}
	return writeLine(w, e.end.line())
}

// page reads the next records of an export.
func (e Export) page(ctx context.Context, after int64) (list []full, err error) {
	err = e.view.Read(ctx, func(tx *db.Tx) error {
		s, err := e.filter.span(tx)
		if err != nil {
			return err
		}
		s.after = max(s.after, after)
		if s.before == 0 || s.before > e.until+1 {
			s.before = e.until + 1
		}
		q := &query{}
		list, err = db.All[full](tx, fullColumns+" WHERE r.id IN ("+e.filter.numbers(q, s, "ASC", batchSize)+") ORDER BY r.id", q.args...)
		return err
	})
	return list, err
}

func (e Export) write(out *csv.Writer, w io.Writer, r full) error {
	if e.end.ID != 0 && e.isLater(r.link) {
		return nil
	}
	withheld := e.view.withhold(&r.Entry)
	if e.format == CSV {
		return out.Write(r.cells())
	}
	l := lineOf(r.stored())
	l.Withheld = withheld
	return writeLine(w, l)
}

// isLater reports whether a record was written after the checkpoint that ends
// the export.
func (e Export) isLater(l link) bool {
	for _, h := range e.heads {
		if h.Lane == l.Lane {
			return l.Seq > h.Seq
		}
	}
	return false
}

func writeLine(w io.Writer, v any) error {
	b, err := encode(v)
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// full is an entry with its place in the chain.
type full struct {
	Entry
	link
}

// stored is the record as the table has it.
func (r full) stored() stored {
	return stored{ID: r.ID, row: row{
		link: r.link, At: r.At, Event: r.Event, Outcome: r.Outcome, ActorKind: string(r.ActorKind), ActorID: r.ActorID, Via: string(r.Via), ViaID: r.ViaID,
		BehalfID: r.BehalfID, AccountID: r.AccountID, ObjectKind: r.ObjectKind, ObjectID: r.ObjectID, SubjectID: r.SubjectID,
		Before: r.Before, After: r.After, Request: r.Request, Network: r.Network,
	}}
}

// fullColumns reads full.
var fullColumns = strings.Replace(columns, "SELECT ", "SELECT r.lane, r.seq, r.previous, r.hash, ", 1)

// csvHead is the first row of an export for spreadsheets.
var csvHead = []string{
	"record", "at", "who", "what", "outcome", "account", "event", "actor kind", "actor", "via", "via number", "acted as", "object", "object number",
	"about user", "before", "after", "request", "network", "hash",
}

// cells are the record's row in a spreadsheet.
func (r full) cells() []string {
	cells := []string{
		strconv.FormatInt(r.ID, 10), r.At.UTC().Format(timeForm), r.Actor(), r.Words(), r.Outcome, digits(r.AccountID), r.Event, string(r.ActorKind), digits(r.ActorID),
		string(r.Via), digits(r.ViaID), digits(r.BehalfID), r.ObjectKind, digits(r.ObjectID), digits(r.SubjectID), r.Before, r.After, r.Request, r.Network, r.Hash,
	}
	for i := range cells {
		cells[i] = plain.GuardCell(cells[i])
	}
	return cells
}

func digits(n db.Null[int64]) string {
	if !n.Valid {
		return ""
	}
	return fmt.Sprint(n.V)
}

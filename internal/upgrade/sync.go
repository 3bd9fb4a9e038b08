package upgrade

import (
	"cmp"
	"maps"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
)

// A known row of the other database is one that was brought in before.
type known struct {
	ImportID    id.Import
	Kind        string
	SourceID    int64
	TargetID    int64
	Written     int64
	Secret      int64
	Address     int64
	Credentials int64
	Mark        string
	Needs       string
	Needed      db.Null[string] // what Needs was when it was last found; not known of what came in with an early release
	MergedFrom  int64           // of a login that was brought into another here: what it was before; never written here
}

const (
	writtenColumns = "import_id, kind, source_id, target_id, written, secret, address, credentials, mark, needs, needed"
	knownColumns   = writtenColumns + ", merged_from"
)

var knownTable = db.Table[known]{Name: "import_rows"}

// known reads what became of rows of one kind.
func (r *run) known(tx *db.Tx, kind string, sources []int64) (map[int64]known, error) {
	out := map[int64]known{}
	if !r.again && r.DryRun {
		return out, nil
	}
	list, err := db.In[known](tx, "SELECT "+knownColumns+" FROM import_rows WHERE import_id = "+id.String(r.number)+" AND kind = '"+kind+"' AND source_id", sources)
	for _, k := range list {
		out[k.SourceID] = k
	}
	return out, err
}

// before reads what became of rows of one kind in runs before this one. A row
// whose place another has taken over by now begins anew.
func (b *batch) before(kind string, sources []int64) (map[int64]known, error) {
	if !b.again {
		return map[int64]known{}, nil
	}
	were, err := b.known(b.tx, kind, sources)
	maps.DeleteFunc(were, func(source int64, _ known) bool { return b.hasGivenUp(kind, source) })
	return were, err
}

// remember writes down which row here a row there became.
func (b *batch) remember(k known) error {
	if b.DryRun {
		return nil
	}
	k.ImportID = b.number
	_, err := db.Exec(b.tx, `
		INSERT INTO import_rows (`+writtenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (import_id, kind, source_id) DO UPDATE SET target_id = $4, written = $5, secret = $6, address = $7, credentials = $8, mark = $9, needs = $10, needed = $11,
			told_at = CASE WHEN $10 <> '' AND import_rows.needs <> $10 THEN NULL ELSE import_rows.told_at END`,
		k.ImportID, k.Kind, k.SourceID, k.TargetID, k.Written, k.Secret, k.Address, k.Credentials, k.Mark, k.Needs, k.Needed)
	return err
}

func (b *batch) forget(kind string, source int64) error {
	if b.DryRun {
		return nil
	}
	_, err := db.Exec(b.tx, "DELETE FROM import_rows WHERE import_id = $1 AND kind = $2 AND source_id = $3", b.number, kind, source)
	return err
}

// A record is a line of the audit log that is written with its step.
type record = audit.Record

func (b *batch) log(r record) { b.records = append(b.records, r) }

// write writes what was put off to the end of the step.
func (b *batch) write() error {
	if b.DryRun {
		return nil
	}
	if err := b.renewAll(); err != nil || len(b.records) == 0 {
		return err
	}
	return audit.WriteAll(b.tx, b.by().Actor(), b.records)
}

// A wanted row is one that should be here, as the other database has it.
type wanted[T any] struct {
	source int64
	number int64 // the number that it should have where that is free; 0 is any
	row    T
	known  known // further columns of what is remembered of it
	who    string
	at     int64 // the row for the report, where that is not source
	client int64 // of an invitation and of access: whose it is there
	secret int64 // of a login: a fingerprint of the hash that comes in
	needs  string
	placed int64 // the number that it has here; 0 where a dry run would make it
	fresh  bool  // it was not here before
	left   bool  // it was changed or removed here, so it stays as it is
}

// A shelf is where rows of one kind stand.
type shelf[T any] struct {
	kind    string // of what is remembered
	what    string // of what is counted
	source  string // the table there
	table   db.Table[T]
	added   func(T) record
	changed func(was, is T) record
	anew    map[int64]bool  // rows that begin anew, whatever is remembered
	adopted map[int64]known // what is remembered under another row there

	// due looks at a row that changed there and not here, and reports whether
	// it is brought up to date now. Whoever says no sees to it later.
	due func(w *wanted[T], was T) bool

	// wins looks at a row that changed there and here, and reports whether it is
	// brought up to date all the same.
	wins func(w *wanted[T], was T) bool
}

// Why a row stays as it is.
const (
	keptOurs = "changed here and there since it was brought in: what is here was kept"
	goneHere = "changed there, and removed here since it was brought in: it stays removed"
)

// bring brings rows of one kind to the state that is wanted: new ones are
// added, and changed ones changed unless somebody has changed them here.
func bring[T any](b *batch, s shelf[T], want []wanted[T]) error {
	sources := make([]int64, len(want))
	for i := range want {
		sources[i] = want[i].source
		b.see(s.kind, want[i].source)
	}
	were, err := b.before(s.kind, sources)
	if err != nil {
		return err
	}
	for source, k := range s.adopted {
		were[source] = k
	}
	var fresh, moved []*wanted[T]
	for i := range want {
		w := &want[i]
		was, ok := were[w.source]
		switch {
		case !ok || s.anew[w.source]:
			w.fresh = true
			fresh = append(fresh, w)
		case was.Written != db.Fingerprint(w.row) && !b.Partial: // a part does not tell all of a row: not its currency, not with whom it shares an address
			w.placed, w.known = was.TargetID, over(was, w.known)
			moved = append(moved, w)
		default:
			w.placed, w.known = was.TargetID, over(was, w.known)
			b.count(s.what, Counted{Same: 1})
		}
	}
	if err := change(b, s, moved, were); err != nil {
		return err
	}
	return add(b, s, fresh)
}

// over keeps what was remembered where nothing newer is said.
func over(was, is known) known {
	if is.Mark == "" {
		is.Mark = was.Mark
	}
	is.Secret, is.Credentials, is.Needs, is.Needed = was.Secret, was.Credentials, was.Needs, was.Needed
	is.Written, is.TargetID = was.Written, was.TargetID
	return is
}

// see takes down that a row is there. It counts from the next step on.
func (b *batch) see(kind string, source int64) { b.saw = append(b.saw, key{kind, source}) }

func (r *run) note(k key) {
	if r.seen[k.kind] == nil {
		r.seen[k.kind] = numbers{}
	}
	r.seen[k.kind].add(k.id)
}

// change writes the rows that changed there and not here.
func change[T any](b *batch, s shelf[T], moved []*wanted[T], were map[int64]known) error {
	targets := make([]int64, len(moved))
	for i, w := range moved {
		targets[i] = w.placed
	}
	rows, err := s.table.Find(b.tx, targets)
	if err != nil {
		return err
	}
	now := map[int64]T{}
	for _, row := range rows {
		now[s.table.Number(row)] = row
	}
	for _, w := range moved {
		row, there := now[w.placed]
		w.row = s.table.WithNumber(w.row, w.placed)
		untouched := there && db.Fingerprint(row) == were[w.source].Written
		switch {
		case !there:
			w.left = true
			b.count(s.what, Counted{Kept: 1})
			b.say(NeedsPerson, s.source, cmp.Or(w.at, w.source), goneHere, w.who)
		case !untouched && (s.wins == nil || !s.wins(w, row)):
			w.left = true
			b.count(s.what, Counted{Kept: 1})
			b.say(NeedsPerson, s.source, cmp.Or(w.at, w.source), keptOurs, w.who)
		case s.due == nil || s.due(w, row):
			b.count(s.what, Counted{Changed: 1})
			if err := rewrite(b, s, w, row); err != nil {
				return err
			}
		}
	}
	return nil
}

func rewrite[T any](b *batch, s shelf[T], w *wanted[T], was T) error {
	if b.DryRun {
		return nil
	}
	if err := s.table.Update(b.tx, w.row); err != nil {
		return err
	}
	if s.changed != nil {
		b.log(s.changed(was, w.row))
	}
	w.known.Kind, w.known.SourceID, w.known.TargetID, w.known.Written = s.kind, w.source, w.placed, db.Fingerprint(w.row)
	return b.remember(w.known)
}

// add writes the rows that are new.
func add[T any](b *batch, s shelf[T], fresh []*wanted[T]) error {
	if len(fresh) == 0 {
		return nil
	}
	b.count(s.what, Counted{New: int64(len(fresh))})
	if err := number(b, s, fresh); err != nil || b.DryRun {
		return err
	}
	rows, remembered := make([]T, len(fresh)), make([]known, len(fresh))
	for i, w := range fresh {
		w.row = s.table.WithNumber(w.row, w.placed)
		rows[i] = w.row
		w.known.ImportID, w.known.Kind, w.known.SourceID, w.known.TargetID, w.known.Written = b.run.number, s.kind, w.source, w.placed, db.Fingerprint(w.row)
		remembered[i] = w.known
		if s.added != nil {
			b.log(s.added(w.row))
		}
	}
	if err := s.table.Insert(b.tx, rows); err != nil {
		return err
	}
	return knownTable.Insert(b.tx, remembered)
}

// number gives new rows their numbers: those that they had, where these are
// free, and otherwise the next.
func number[T any](b *batch, s shelf[T], fresh []*wanted[T]) error {
	var want []int64
	for _, w := range fresh {
		if w.number != 0 {
			want = append(want, w.number)
		}
	}
	if len(want) == 0 {
		return reserve(b, s, fresh)
	}
	list, err := db.In[int64](b.tx, "SELECT id FROM "+s.table.Name+" WHERE id", want)
	if err != nil {
		return err
	}
	taken := map[int64]bool{}
	for _, n := range list {
		taken[n] = true
	}
	var others []*wanted[T]
	var highest int64
	for _, w := range fresh {
		if taken[w.number] || w.number <= 0 {
			others = append(others, w)
			continue
		}
		w.placed = w.number
		taken[w.placed] = true
		highest = max(highest, w.placed)
	}
	if b.DryRun {
		return foresee(b, s, others)
	}
	if err := db.KeepFree(b.tx, s.table.Name, highest); err != nil {
		return err
	}
	return reserve(b, s, others)
}

// reserve takes the next numbers of the table, of which nobody else is given
// any: people may sign up meanwhile.
func reserve[T any](b *batch, s shelf[T], fresh []*wanted[T]) error {
	if b.DryRun {
		return nil
	}
	list, err := db.Reserve(b.tx, s.table.Name, len(fresh))
	if err != nil {
		return err
	}
	for i, w := range fresh {
		w.placed = list[i]
	}
	return nil
}

// foresee gives new rows the numbers that a run would reserve for them.
func foresee[T any](b *batch, s shelf[T], fresh []*wanted[T]) error {
	for _, w := range fresh {
		next, ok := b.numbers[s.table.Name]
		if !ok {
			next, ok = b.next[s.table.Name]
		}
		if !ok {
			last, err := db.Last(b.tx, s.table.Name)
			if err != nil {
				return err
			}
			next = max(last, b.keptFree(s.table.Name)) + 1
		}
		w.placed = next
		b.numbers[s.table.Name] = next + 1
	}
	return nil
}

// keptFree is the highest number of a table that is kept for the rows that
// have it there.
func (r *run) keptFree(table string) int64 {
	switch table {
	case "accounts":
		return r.survey.maxClient
	case "users":
		return max(r.survey.maxUser, r.survey.maxClient)
	}
	return 0
}

package audit

import (
	"fmt"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
)

// A Filter chooses a part of the log. Its zero value is the whole of it.
type Filter struct {
	Account  id.Account
	Of       id.User   // what she did, what was done to her, and what was done as her
	Former   []id.User // the logins that became part of hers: their history is hers too
	By       Kind
	Users    []id.User  // of any of these
	Staff    []id.Staff // or done by any of these
	Events   []string
	Object   string
	ObjectID int64
	From, To time.Time // To is the first moment after
	Outcome  string    // "done" or "denied"
}

// A query is being written, with its arguments.
type query struct {
	args []any
}

func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *query) list(events []string) string {
	places := make([]string, len(events))
	for i, e := range events {
		places[i] = q.arg(e)
	}
	return strings.Join(places, ", ")
}

// person is what a user has to do with a record, one way after another: each
// has an index.
func (q *query) person(u id.User) []string {
	n := q.arg(u)
	return []string{"actor_kind = 'user' AND actor_id = " + n, "subject_id = " + n, "behalf_id = " + n}
}

// own is what a record has to do with the person whose history is asked for.
func (f Filter) own(q *query) (list []string) {
	for _, u := range append([]id.User{f.Of}, f.Former...) {
		list = append(list, q.person(u)...)
	}
	return list
}

// formers are the logins that became part of a person's.
func formers(tx *db.Tx, u id.User) ([]id.User, error) {
	return db.All[id.User](tx, "SELECT former_id FROM formers WHERE user_id = $1 ORDER BY former_id", u)
}

// branches are the ways in which a record may be one that is asked for. The
// newest of each are found by an index and then put together, which is quick
// however large the log is, and whatever the engine believes of it.
func (f Filter) branches(q *query) (list []string) {
	for _, u := range f.Users {
		list = append(list, q.person(u)...)
	}
	for _, s := range f.Staff {
		list = append(list, "actor_kind = 'staff' AND actor_id = "+q.arg(s))
	}
	if len(list) > 0 {
		return list
	}
	switch {
	case f.Of != 0:
		return f.own(q)
	case f.Account == 0 && f.Object == "":
		for _, e := range f.Events {
			list = append(list, "event = "+q.arg(e))
		}
	}
	if len(list) == 0 {
		list = []string{"TRUE"}
	}
	return list
}

// common is what holds for all branches. The words that partial indexes stand
// on are written out, and not given as arguments. Times are compared so that
// no engine takes their index for it: the span of numbers has used that, and
// every other index has the numbers in order.
func (f Filter) common(q *query) string {
	all := []string{"TRUE"}
	if f.Account != 0 {
		all = append(all, "account_id = "+q.arg(f.Account))
	}
	if f.Of != 0 && len(f.Users)+len(f.Staff) > 0 {
		all = append(all, "("+strings.Join(f.own(q), " OR ")+")")
	}
	switch f.By {
	case User, Staff, System, Visitor:
		all = append(all, "actor_kind = '"+string(f.By)+"'")
	}
	if len(f.Events) > 0 && (f.Account != 0 || f.Of != 0 || f.Object != "" || len(f.Users)+len(f.Staff) > 0) {
		all = append(all, "event IN ("+q.list(f.Events)+")")
	}
	if f.Object != "" {
		all = append(all, "object_kind = "+q.arg(f.Object))
	}
	if f.ObjectID != 0 {
		all = append(all, "object_id = "+q.arg(f.ObjectID))
	}
	if !f.From.IsZero() {
		all = append(all, "(at >= "+q.arg(f.From)+") IS TRUE")
	}
	if !f.To.IsZero() {
		all = append(all, "(at < "+q.arg(f.To)+") IS TRUE")
	}
	switch f.Outcome {
	case "done", "denied":
		all = append(all, "outcome = '"+f.Outcome+"'")
	}
	return strings.Join(all, " AND ")
}

// A span is a range of records: their numbers, without the ends.
type span struct{ after, before int64 }

// numbers is a query for the numbers of the records that are asked for.
func (f Filter) numbers(q *query, s span, order string, limit int) string {
	common := f.common(q)
	if s.after > 0 {
		common += " AND id > " + q.arg(s.after)
	}
	if s.before > 0 {
		common += " AND id < " + q.arg(s.before)
	}
	end := fmt.Sprintf(" ORDER BY id %s LIMIT %d", order, limit)
	var parts []string
	for i, b := range f.branches(q) {
		parts = append(parts, fmt.Sprintf("SELECT id FROM (SELECT id FROM audit_records WHERE %s AND %s%s) b%d", b, common, end, i))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "SELECT id FROM (" + strings.Join(parts, " UNION ") + ") u" + end
}

// newest reads entries from before a number, the newest first.
func (f Filter) newest(tx *db.Tx, before int64, limit int) ([]Entry, error) {
	s, err := f.span(tx)
	if err != nil {
		return nil, err
	}
	if before > 0 && (s.before == 0 || before < s.before) {
		s.before = before
	}
	q := &query{}
	return db.All[Entry](tx, columns+" WHERE r.id IN ("+f.numbers(q, s, "DESC", limit)+") ORDER BY r.id DESC", q.args...)
}

// span narrows the numbers down by the times that are asked for, in what goes
// across the whole log. Records are numbered when their transaction ends and
// carry the time at which it began, so the two orders differ a little; a day
// is far more than that, and than what clocks are put back by.
func (f Filter) span(tx *db.Tx) (s span, err error) {
	const slack = 24 * time.Hour
	if f.Account != 0 || f.Of != 0 {
		return s, nil
	}
	if !f.From.IsZero() {
		if s.after, err = edge(tx, "SELECT id - 1 FROM audit_records WHERE at >= $1 ORDER BY at, id LIMIT 1", f.From.Add(-slack)); err != nil {
			return s, err
		}
	}
	if !f.To.IsZero() {
		s.before, err = edge(tx, "SELECT id + 1 FROM audit_records WHERE at < $1 ORDER BY at DESC, id DESC LIMIT 1", f.To.Add(slack))
	}
	return s, err
}

// edge reads a number; 0 where there is no record there.
func edge(tx *db.Tx, text string, at time.Time) (int64, error) {
	list, err := db.All[int64](tx, text, at)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}

package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A Problem is a place at which the log is not what was written.
type Problem struct {
	Record int64 // 0 where it is about no single record
	Text   string
}

// String says it as a sentence.
func (p Problem) String() string {
	if p.Record == 0 {
		return p.Text
	}
	return "Record " + strconv.FormatInt(p.Record, 10) + " " + p.Text
}

// A Report is what verifying a log has found.
type Report struct {
	Records     int64
	Checkpoints int64
	Last        Checkpoint // number 0 where there is none
	Found       int64      // how many problems there are
	Problems    []Problem  // the first of them
	Notes       []string
}

// mostProblems bounds how many problems are told one by one.
const mostProblems = 20

func (r *Report) problem(record int64, format string, args ...any) {
	r.Found++
	if len(r.Problems) < mostProblems {
		r.Problems = append(r.Problems, Problem{record, fmt.Sprintf(format, args...)})
	}
}

// take adds the problems of another report.
func (r *Report) take(other Report) {
	r.Found += other.Found
	r.Problems = append(r.Problems, other.Problems[:min(len(other.Problems), mostProblems-len(r.Problems))]...)
}

// A checker reads records in the order of their numbers, which is their order
// in each lane, and holds them against the chain and the checkpoints. What it
// keeps does not grow with the log.
type checker struct {
	Report
	lanes map[int64]*lane
	more  func() (Checkpoint, error) // the next checkpoint, number 0 after the last
	ended bool                       // there are no more checkpoints
	first time.Time                  // the earliest time that a record has
}

// A lane is how far a checker has come in one.
type lane struct {
	head
	record int64    // the last record
	broken bool     // the last record was; what follows it is not held against it
	signed []signed // what checkpoints say of records that are still to come
	until  int64    // the furthest of them
}

// A signed place is one that a checkpoint names.
type signed struct {
	seq  int64
	hash string
	by   Checkpoint
}

func (s signed) name() string {
	return fmt.Sprintf("checkpoint %d of %s", s.by.ID, s.by.At.UTC().Format(time.RFC3339))
}

func newChecker(more func() (Checkpoint, error)) *checker {
	return &checker{lanes: map[int64]*lane{}, more: more}
}

func (c *checker) lane(n int64) *lane {
	if c.lanes[n] == nil {
		c.lanes[n] = &lane{head: head{Lane: n}}
	}
	return c.lanes[n]
}

// record takes the next record.
func (c *checker) record(r stored) error {
	c.Records++
	if c.Records == 1 || r.At.Before(c.first) {
		c.first = r.At
	}
	if r.ID <= 0 {
		c.problem(0, "Record %d has a number that is never given: something else than Clientele has added it.", r.ID)
		return nil
	}
	if r.Hash == "" {
		c.problem(r.ID, "is not in the chain: something else than Clientele has added it, or its hash was taken away")
		return nil
	}
	l := c.lane(r.Lane)
	for !c.ended && l.until <= r.Seq {
		if err := c.checkpoint(); err != nil {
			return err
		}
	}
	if c.place(l, r) {
		c.reached(l, r)
	}
	return nil
}

// place holds a record against itself and the one before it, and reports
// whether it stands where the lane goes on.
func (c *checker) place(l *lane, r stored) bool {
	before := *l
	l.record, l.broken = r.ID, false
	if r.sum() != r.Hash {
		c.problem(r.ID, "was changed after it was written")
		if r.Seq == before.Seq+1 {
			l.Seq, l.broken = r.Seq, true
		}
		return false
	}
	if !before.broken && r.Seq == before.Seq+1 && r.Previous != before.Hash {
		c.problem(r.ID, "does not follow from record %d: one of the two was replaced", before.record)
	}
	switch missing := r.Seq - before.Seq - 1; {
	case missing > 0:
		c.problem(r.ID, "has %d missing in front of it: they were deleted (lane %d, after %s)", missing, r.Lane, cmp.Or(named(before.record), "its beginning"))
	case missing < 0:
		c.problem(r.ID, "stands in the wrong place, behind record %d, which was written after it", before.record)
		*l = before
		return false
	}
	l.Seq, l.Hash = r.Seq, r.Hash
	return true
}

func named(record int64) string {
	if record == 0 {
		return ""
	}
	return "record " + strconv.FormatInt(record, 10)
}

// reached holds a record against the checkpoints that name its place.
func (c *checker) reached(l *lane, r stored) {
	for len(l.signed) > 0 && l.signed[0].seq <= r.Seq {
		s := l.signed[0]
		l.signed = l.signed[1:]
		if s.seq == r.Seq && s.hash != r.Hash {
			c.problem(r.ID, "is not the one that %s was signed over: it, or one before it in lane %d, was written anew", s.name(), r.Lane)
		}
	}
}

// checkpoint takes the next checkpoint.
func (c *checker) checkpoint() error {
	next, err := c.more()
	if err != nil {
		return err
	}
	if next.ID == 0 {
		c.ended = true
		return nil
	}
	c.Checkpoints++
	last := c.Last
	c.Last = next
	if wrong := next.check(); wrong != "" {
		c.problem(0, "Checkpoint %d %s.", next.ID, wrong)
	}
	if next.ID != last.ID+1 || next.Previous != last.Hash {
		c.problem(0, "Checkpoint %d does not follow from the one before it: one of them was deleted or replaced.", next.ID)
	}
	heads, err := next.heads()
	if err != nil {
		c.problem(0, "Checkpoint %d: %v.", next.ID, err)
	}
	for _, h := range heads {
		c.expect(next, h)
	}
	return nil
}

// expect notes what a checkpoint says of a lane.
func (c *checker) expect(by Checkpoint, h head) {
	l := c.lane(h.Lane)
	s := signed{h.Seq, h.Hash, by}
	switch {
	case h.Seq < l.until:
		c.problem(0, "Checkpoint %d names an earlier end of lane %d than the one before it.", by.ID, h.Lane)
	case h.Seq == 0:
	case h.Seq == l.until:
		if n := len(l.signed); n > 0 && l.signed[n-1].hash != h.Hash || n == 0 && l.Seq == h.Seq && !l.broken && l.Hash != h.Hash {
			c.problem(l.record, "is not the one that %s was signed over", s.name())
		}
	default:
		l.until = h.Seq
		l.signed = append(l.signed, s)
	}
}

// finish says what should have come after the last record: the rest of the
// checkpoints, and where each lane ends by the heads.
func (c *checker) finish(heads []head) error {
	for !c.ended {
		if err := c.checkpoint(); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(c.lanes)) {
		l := c.lanes[n]
		if len(l.signed) > 0 {
			s := l.signed[0]
			c.problem(l.record, "is the last of lane %d, and %s was signed over %d more: the log was cut off at its end", n, s.name(), l.signed[len(l.signed)-1].seq-l.Seq)
		}
		if !slices.ContainsFunc(heads, func(h head) bool { return h.Lane == n }) {
			c.problem(l.record, "is in lane %d, of which the end is not known", n)
		}
	}
	for _, h := range heads {
		c.end(h)
	}
	return nil
}

// end holds a lane against its head.
func (c *checker) end(h head) {
	l := c.lane(h.Lane)
	switch {
	case l.Seq < h.Seq && l.record == 0:
		c.problem(0, "Lane %d is empty and should have %d records: they were deleted.", h.Lane, h.Seq)
	case l.Seq < h.Seq:
		c.problem(l.record, "is the last of lane %d, and there were %d more behind it: the log was cut off at its end", h.Lane, h.Seq-l.Seq)
	case l.Seq > h.Seq, !l.broken && l.Hash != h.Hash:
		c.problem(l.record, "is the last of lane %d, and is not where the lane's end was noted", h.Lane)
	}
}

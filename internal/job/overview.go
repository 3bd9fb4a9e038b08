package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele/internal/db"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Described is implemented by jobs that say in words what they do, as operators
// read it: "Send mail".
type Described interface{ Words() string }

func (j *Jobs) register(of Args, add func()) {
	j.kinds = append(j.kinds, of)
	add()
}

// An Overview is how the jobs of one kind fare.
type Overview struct {
	Kind    string
	Words   string
	Every   time.Duration // 0 for work that comes when something calls for it
	Last    time.Time     // when one was last done; zero where none was in the last day
	Next    time.Time     // when the next is due; zero where none is known
	Waiting int64         // for their turn
	Running int64
	Failing int64 // failed, and to be tried again by themselves
	Failed  int64 // given up after all tries
	Refused int64 // given up because no try can succeed
}

// A Failure is a job that has failed. What it was given is not shown.
type Failure struct {
	ID      int64
	At      time.Time // the last try
	Again   time.Time // the next one; zero where there is none
	Tries   int
	Problem string
}

// Overviews tells how every kind of job fares.
func (j *Jobs) Overviews(ctx context.Context) (list []Overview, err error) {
	counts, err := j.counts(ctx)
	if err != nil {
		return nil, fmt.Errorf("job.Overviews: %w", err)
	}
	for _, of := range j.kinds {
		o := Overview{Kind: of.Kind(), Words: of.Kind(), Every: j.every[of.Kind()]}
		if d, ok := of.(Described); ok {
			o.Words = d.Words()
		}
		n := func(states ...rivertype.JobState) (sum int64) {
			for _, s := range states {
				sum += counts[o.Kind+" "+string(s)]
			}
			return sum
		}
		o.Waiting = n(rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStatePending)
		o.Running, o.Failing = n(rivertype.JobStateRunning), n(rivertype.JobStateRetryable)
		o.Failed, o.Refused = n(rivertype.JobStateDiscarded), n(rivertype.JobStateCancelled)
		if err := j.times(ctx, &o); err != nil {
			return nil, fmt.Errorf("job.Overviews: %w", err)
		}
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Overview) int { return cmp.Compare(a.Words, b.Words) })
	return list, nil
}

func (j *Jobs) counts(ctx context.Context) (map[string]int64, error) {
	type count struct {
		Kind, State string
		N           int64
	}
	out := map[string]int64{}
	err := j.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		all, err := db.All[count](tx, `
			SELECT kind, CASE WHEN state = 'available' AND attempt > 0 THEN 'retryable' ELSE CAST(state AS TEXT) END AS state, COUNT(*) AS n
			FROM river_job GROUP BY 1, 2`)
		for _, c := range all {
			out[c.Kind+" "+c.State] = c.N
		}
		return err
	})
	return out, err
}

// CountFailed counts the jobs that have failed: given up after all tries, or
// waiting for another.
func (j *Jobs) CountFailed(tx *db.Tx) (int64, error) {
	return db.One[int64](tx, "SELECT COUNT(*) FROM river_job WHERE state IN ('discarded', 'retryable') OR state = 'available' AND attempt > 0")
}

// times finds when one was last done and when the next is due.
func (j *Jobs) times(ctx context.Context, o *Overview) error {
	done, err := j.client.JobList(ctx, river.NewJobListParams().Kinds(o.Kind).States(rivertype.JobStateCompleted).
		OrderBy(river.JobListOrderByTime, river.SortOrderDesc).First(1))
	if err != nil {
		return err
	}
	began := time.Time{}
	for _, row := range done.Jobs {
		o.Last, began = *row.FinalizedAt, row.CreatedAt
	}
	waits, err := j.client.JobList(ctx, river.NewJobListParams().Kinds(o.Kind).
		States(rivertype.JobStateRetryable, rivertype.JobStateScheduled, rivertype.JobStateAvailable).OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc).First(1))
	if err != nil {
		return err
	}
	switch {
	case len(waits.Jobs) > 0:
		o.Next = waits.Jobs[0].ScheduledAt
	case o.Every > 0 && !began.IsZero():
		o.Next = began.Add(o.Every)
	}
	return nil
}

// failedStates are those of jobs that can be tried again. The next try of one
// may be so near that it waits for its turn already.
var failedStates = []rivertype.JobState{rivertype.JobStateRetryable, rivertype.JobStateDiscarded, rivertype.JobStateAvailable}

// failedOf finds the jobs of a kind that have failed.
func failedOf(kind string) *river.JobListParams {
	return river.NewJobListParams().Kinds(kind).States(failedStates...).Where("attempt > 0")
}

// Failures lists jobs of a kind that have failed, the newest first.
func (j *Jobs) Failures(ctx context.Context, kind string, limit int) (list []Failure, err error) {
	found, err := j.client.JobList(ctx, failedOf(kind).
		OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(limit))
	if err != nil {
		return nil, fmt.Errorf("job.Failures(%s): %w", kind, err)
	}
	for _, row := range found.Jobs {
		f := Failure{ID: row.ID, Tries: row.Attempt, At: row.CreatedAt}
		if n := len(row.Errors); n > 0 {
			f.At, f.Problem = row.Errors[n-1].At, plainly(row.Errors[n-1].Error)
		}
		if row.State != rivertype.JobStateDiscarded {
			f.Again = row.ScheduledAt
		}
		list = append(list, f)
	}
	return list, nil
}

// plainly is the first of what went wrong, as one line of bounded length.
func plainly(problem string) string {
	line, _, _ := strings.Cut(problem, "\n")
	runes := []rune(line)
	return string(runes[:min(len(runes), 300)])
}

// Retry has one failed job tried again at once, and tells of which kind it is.
func (j *Jobs) Retry(tx *db.Tx, number int64) (kind string, err error) {
	row, err := j.client.JobGetTx(tx.Context(), tx.SQL(), number)
	if errors.Is(err, river.ErrNotFound) {
		return "", db.ErrNone
	}
	if err != nil {
		return "", fmt.Errorf("job.Retry(%d): %w", number, err)
	}
	if !slices.Contains(failedStates, row.State) || row.Attempt == 0 {
		return row.Kind, db.ErrNone
	}
	_, err = j.client.JobRetryTx(tx.Context(), tx.SQL(), number)
	return row.Kind, err
}

// RetryAll has failed jobs of a kind tried again at once, the oldest first, up
// to a thousand, and tells how many.
func (j *Jobs) RetryAll(tx *db.Tx, kind string) (n int, err error) {
	found, err := j.client.JobListTx(tx.Context(), tx.SQL(), failedOf(kind).First(1000))
	if err != nil {
		return 0, fmt.Errorf("job.RetryAll(%s): %w", kind, err)
	}
	for _, row := range found.Jobs {
		if _, err := j.client.JobRetryTx(tx.Context(), tx.SQL(), row.ID); err != nil {
			return n, fmt.Errorf("job.RetryAll(%s): %w", kind, err)
		}
		n++
	}
	return n, nil
}

// A Pulse tells whether somebody works.
type Pulse struct {
	Leader string    // the process that hands out periodic work
	Until  time.Time // it says so again before then
	Oldest time.Time // since when the oldest job waits whose turn has come; zero where none does
	Now    time.Time // by the clock that these times are by
}

// Pulse feels it.
func (j *Jobs) Pulse(ctx context.Context) (p Pulse, err error) {
	p.Now = j.options.Wall()
	type leader struct {
		LeaderID  string
		ExpiresAt time.Time
	}
	err = j.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		all, err := db.All[leader](tx, "SELECT leader_id, expires_at FROM river_leader")
		for _, l := range all {
			p.Leader, p.Until = l.LeaderID, l.ExpiresAt
		}
		return err
	})
	if err != nil {
		return p, fmt.Errorf("job.Pulse: %w", err)
	}
	waits, err := j.client.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateAvailable).OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc).First(1))
	if err != nil {
		return p, fmt.Errorf("job.Pulse: %w", err)
	}
	for _, row := range waits.Jobs {
		p.Oldest = row.ScheduledAt
	}
	return p, nil
}

// Package job is work for later, on River: a job is enqueued in the
// transaction of the change that needs it, is worked at least once, and is
// tried again when it fails.
package job

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"clientele/internal/db"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Args are what a job is given. They are kept in the database in the clear,
// so they hold numbers and never secrets.
type Args = river.JobArgs

// A Queue is a line that jobs wait in. Jobs of one queue never wait behind
// another's.
type Queue string

// The queues.
const (
	Urgent Queue = "urgent" // what somebody is waiting for: invitations, security mail
	Bulk   Queue = "bulk"   // what may take its time
)

// ErrGiveUp is answered by a worker whose job can never succeed.
var ErrGiveUp = errors.New("the job cannot succeed and is not tried again")

// Options tune the work; what is not set is set for production.
type Options struct {
	Wall    func() time.Time // the wall clock, which River reckons by; required
	Log     *slog.Logger
	Poll    time.Duration                    // how often the queues are looked at
	Backoff func(failures int) time.Duration // how long to wait before the next try
	Before  func(context.Context) error      // runs before every job; may be nil
	Later   bool                             // what is done at intervals is first done after one, and not at the start
}

// Jobs enqueues and works.
type Jobs struct {
	client   *river.Client[*sql.Tx]
	workers  *river.Workers
	periodic []*river.PeriodicJob
	db       *db.DB
	options  Options
	kinds    []Args
	every    map[string]time.Duration
}

// New prepares the queues over an open database. Register the workers, then
// Build, then Start.
func New(d *db.DB, o Options) *Jobs {
	if o.Poll == 0 {
		o.Poll = 500 * time.Millisecond
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	return &Jobs{db: d, workers: river.NewWorkers(), options: o, every: map[string]time.Duration{}}
}

// backoff waits 10 s after the first failure, twice as long after each
// further one, and at most half an hour: a mail server that was down for a
// night has the mail within half an hour of coming back.
func backoff(failures int) time.Duration {
	return min(10*time.Second<<min(failures-1, 10), 30*time.Minute)
}

// maxAttempts lets a job be tried for about five days.
const maxAttempts = 240

// Timeout is how long one try may take. A job whose process was killed is
// taken up again after twice that.
const Timeout = time.Minute

type lastTry struct{}

// LastTry reports whether the job that a worker was given ctx for is not
// tried again if it fails now.
func LastTry(ctx context.Context) bool { return ctx.Value(lastTry{}) != nil }

type worker[A Args] struct {
	river.WorkerDefaults[A]
	work    func(context.Context, A) error
	jobs    *Jobs
	timeout time.Duration
}

func (w *worker[A]) Work(ctx context.Context, j *river.Job[A]) error {
	if j.Attempt >= j.MaxAttempts {
		ctx = context.WithValue(ctx, lastTry{}, true)
	}
	if before := w.jobs.options.Before; before != nil {
		if err := before(ctx); err != nil {
			return err
		}
	}
	err := w.work(ctx, j.Args)
	if errors.Is(err, ErrGiveUp) {
		return river.JobCancel(err)
	}
	return err
}

func (w *worker[A]) NextRetry(j *river.Job[A]) time.Time {
	return w.jobs.options.Wall().Add(w.jobs.options.Backoff(j.Attempt))
}

func (w *worker[A]) Timeout(*river.Job[A]) time.Duration { return w.timeout }

// Register says who works the jobs of one kind.
func Register[A Args](j *Jobs, work func(context.Context, A) error) {
	j.register(*new(A), func() { river.AddWorker(j.workers, &worker[A]{work: work, jobs: j, timeout: Timeout}) })
}

// RegisterLong is Register for jobs whose tries may take longer than others.
func RegisterLong[A Args](j *Jobs, timeout time.Duration, work func(context.Context, A) error) {
	j.register(*new(A), func() { river.AddWorker(j.workers, &worker[A]{work: work, jobs: j, timeout: timeout}) })
}

// Every has a job enqueued at intervals, by one of the nodes at a time, and
// once soon after the start unless Options.Later.
func (j *Jobs) Every(interval time.Duration, args Args) {
	j.every[args.Kind()] = interval
	j.periodic = append(j.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, &river.InsertOpts{Queue: string(Bulk)} },
		&river.PeriodicJobOpts{RunOnStart: !j.options.Later}))
}

// Build finishes the set-up, after which jobs can be enqueued.
func (j *Jobs) Build() (err error) {
	config := &river.Config{
		Workers: j.workers, PeriodicJobs: j.periodic, Logger: quiet(j.options.Log),
		MaxAttempts:          maxAttempts,
		JobTimeout:           Timeout,
		RescueStuckJobsAfter: 2 * Timeout,
		FetchCooldown:        min(100*time.Millisecond, j.options.Poll),
		FetchPollInterval:    j.options.Poll,
		Queues: map[string]river.QueueConfig{
			string(Urgent): {MaxWorkers: 8},
			string(Bulk):   {MaxWorkers: 2},
		},
		TestOnly: j.options.Poll < 100*time.Millisecond,
	}
	j.client, err = river.NewClient(driver(j.db), config)
	if err != nil {
		return fmt.Errorf("job.Build: %w", err)
	}
	return nil
}

// quiet keeps River's own talk out of the log unless something is wrong.
func quiet(log *slog.Logger) *slog.Logger {
	if log == nil {
		log = slog.Default()
	}
	return slog.New(atLeast{log.Handler(), slog.LevelWarn})
}

type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled drops what is less than a warning.
func (h atLeast) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle drops what was only interrupted, because the server stops.
func (h atLeast) Handle(ctx context.Context, r slog.Record) error {
	stopped := false
	r.Attrs(func(a slog.Attr) bool {
		stopped = stopped || strings.HasSuffix(a.Value.String(), context.Canceled.Error())
		return true
	})
	if stopped {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func driver(d *db.DB) riverdriver.Driver[*sql.Tx] {
	if d.Engine() == db.Postgres {
		return riverdatabasesql.New(d.Pool())
	}
	return riversqlite.New(d.Pool())
}

// Migrate brings the queue's own tables to this release's.
func Migrate(ctx context.Context, d *db.DB) error {
	m, err := rivermigrate.New(driver(d), &rivermigrate.Config{Logger: quiet(nil)})
	if err != nil {
		return fmt.Errorf("job.Migrate: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job.Migrate: %w", err)
	}
	return nil
}

// Enqueue adds a job to the transaction: it is worked if and only if the
// transaction commits. One that gives way is worked after all others that
// wait in its queue.
func (j *Jobs) Enqueue(tx *db.Tx, q Queue, givesWay bool, args Args) error {
	o := &river.InsertOpts{Queue: string(q), Priority: 1}
	if givesWay {
		o.Priority = 2
	}
	_, err := j.client.InsertTx(tx.Context(), tx.SQL(), args, o)
	if err != nil {
		return fmt.Errorf("job.Enqueue(%s): %w", args.Kind(), err)
	}
	return nil
}

// Start begins to work the queues, until Stop.
func (j *Jobs) Start(ctx context.Context) error {
	if err := j.takeUp(ctx); err != nil {
		return err
	}
	if err := j.client.Start(ctx); err != nil {
		return fmt.Errorf("job.Start: %w", err)
	}
	return nil
}

// takeUp returns what a killed process was working on to its queue at once
// where nobody else can be working on it: SQLite serves one process.
func (j *Jobs) takeUp(ctx context.Context) error {
	if j.db.Engine() != db.SQLite {
		return nil
	}
	return j.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE river_job SET state = 'available', scheduled_at = CURRENT_TIMESTAMP WHERE state = 'running'")
		return err
	})
}

// Stop lets the jobs at work finish, or gives them up when ctx ends; they are
// worked again at the next start.
func (j *Jobs) Stop(ctx context.Context) error {
	err := j.client.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return j.client.StopAndCancel(stop)
	}
	return err
}

// Hurry has every job of a kind that waits for its next try tried now, however
// many they are, and tells how many. Those whose next try is so near that they
// wait for their turn already are among them.
func (j *Jobs) Hurry(tx *db.Tx, kind string) (n int64, err error) {
	n, err = db.Exec(tx, `
		UPDATE river_job SET state = 'available', scheduled_at = CURRENT_TIMESTAMP
		WHERE kind = $1 AND (state = 'retryable' OR state = 'available' AND attempt > 0)`, kind)
	if err != nil {
		return 0, fmt.Errorf("job.Hurry(%s): %w", kind, err)
	}
	return n, nil
}

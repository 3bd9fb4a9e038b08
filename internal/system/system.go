// Package system is what an operator wants to know of the installation itself:
// whether it is well, what its jobs do, and which backups there are.
package system

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/job"
	"clientele/internal/seal"
	"clientele/internal/setting"
	"clientele/internal/staff"
)

// System keeps the checks, and knows what they look at.
type System struct {
	db       *db.DB
	jobs     *job.Jobs
	settings *setting.Settings
	key      seal.Key
	config   config.Settled
	release  string
	began    time.Time
	checks   []check
}

// New makes System, with the checks that every installation has, and registers
// the job that makes backups.
func New(d *db.DB, j *job.Jobs, set *setting.Settings, k seal.Key, c config.Settled, release string) *System {
	s := &System{db: d, jobs: j, settings: set, key: k, config: c, release: release, began: d.Now()}
	s.Watch("Database", s.database)
	s.Watch("Schema", s.schema)
	s.Watch("Disk", s.disk)
	s.Watch("Jobs", s.work)
	s.Watch("Failed jobs", s.failed)
	s.Watch("Mail", s.mail)
	s.Watch("Secret key", s.secretKey)
	s.Watch("Backups", s.backups)
	job.RegisterLong(j, backupTimeout, s.scheduled)
	if _, daily := c.Backups(); daily {
		j.Every(time.Hour, backupArgs{})
	}
	return s
}

// Waits is the line of what waits for somebody here.
func (s *System) Waits() staff.Line {
	return staff.Line{
		One: "job has failed", Many: "jobs have failed", Text: "The page says why. Those that are not given up are tried again by themselves.", Href: "/staff/system/jobs", Urgent: true, May: access.StaffSeeSystem,
		Count: func(tx *db.Tx, _ id.Staff) (int64, error) { return s.jobs.CountFailed(tx) },
	}
}

// A Fact is a line about the installation.
type Fact struct{ Label, Text string }

// Facts tells which program runs here.
func (s *System) Facts(by staff.For[staff.SeeSystem], now time.Time) []Fact {
	list := []Fact{{"Release", s.release}, {"Built with", runtime.Version() + ", " + runtime.GOOS + " on " + runtime.GOARCH}}
	if commit := commit(); commit != "" {
		list = append(list, Fact{"Commit", commit})
	}
	return append(list, Fact{"Running since", s.began.Format(time.RFC1123) + ", for " + lasting(now.Sub(s.began))})
}

func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	text, changed := "", false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			text = setting.Value
		case "vcs.modified":
			changed = setting.Value == "true"
		}
	}
	if text != "" && changed {
		text += ", with changes"
	}
	return text
}

// Jobs tells how every kind of job fares.
func (s *System) Jobs(ctx context.Context, by staff.For[staff.SeeSystem]) ([]job.Overview, error) {
	return s.jobs.Overviews(ctx)
}

// ShownFailures is how many failed jobs of a kind are listed.
const ShownFailures = 50

// Kind tells how one kind of job fares, and which of them have failed.
func (s *System) Kind(ctx context.Context, by staff.For[staff.SeeSystem], kind string) (o job.Overview, list []job.Failure, err error) {
	all, err := s.jobs.Overviews(ctx)
	if err != nil {
		return o, nil, err
	}
	for _, one := range all {
		if one.Kind == kind {
			list, err = s.jobs.Failures(ctx, kind, ShownFailures)
			return one, list, err
		}
	}
	return o, nil, fault.Missing()
}

// Retry has a failed job tried again now.
func (s *System) Retry(ctx context.Context, by staff.For[staff.ManageSystem], number int64) (kind string, err error) {
	defer fault.Wrap(&err, "system.Retry(%d)", number)
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if kind, err = s.jobs.Retry(tx, number); errors.Is(err, db.ErrNone) {
			return fault.New(fault.Conflict, "job-not-failed", "This job does not wait to be tried again: it was done meanwhile, or is being done now. Go back and reload the page.")
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "system.jobs_retried", Object: "job", ObjectID: number, After: map[string]string{"kind": kind}})
	})
	return kind, err
}

// RetryAll has all failed jobs of a kind tried again now.
func (s *System) RetryAll(ctx context.Context, by staff.For[staff.ManageSystem], kind string) (n int, err error) {
	defer fault.Wrap(&err, "system.RetryAll(%s)", kind)
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if n, err = s.jobs.RetryAll(tx, kind); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "system.jobs_retried", Object: "job", After: map[string]any{"kind": kind, "jobs": n}})
	})
	return n, err
}

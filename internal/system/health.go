package system

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"clientele/internal/db"
	"clientele/internal/plain"
	"clientele/internal/seal"
	"clientele/internal/staff"
)

// A State says whether somebody has to do something.
type State string

// The states of a check.
const (
	Good  State = "good"
	Needs State = "needs" // somebody, soon
	Bad   State = "bad"   // something does not work
)

// A Finding is what a check has found.
type Finding struct {
	Name  string
	State State
	Says  string // what is
	Do    string // what to do about it, where it is not good
}

// A check looks at one thing.
type check struct {
	name string
	look func(context.Context) Finding
}

// Watch adds a line to the health page. A room that can be in need of somebody
// has one.
func (s *System) Watch(name string, look func(context.Context) Finding) {
	s.checks = append(s.checks, check{name, look})
}

// checkTimeout bounds how long one check may take.
const checkTimeout = 3 * time.Second

// Health looks at everything.
func (s *System) Health(ctx context.Context, by staff.For[staff.SeeSystem]) (list []Finding) {
	for _, c := range s.checks {
		bounded, cancel := context.WithTimeout(ctx, checkTimeout)
		f := c.look(bounded)
		cancel()
		f.Name = c.name
		list = append(list, f)
	}
	return list
}

func good(format string, args ...any) Finding {
	return Finding{State: Good, Says: fmt.Sprintf(format, args...)}
}

// unknown is the finding of a check that could not look.
func unknown(err error) Finding {
	return Finding{State: Bad, Says: "It cannot be looked at: " + err.Error() + ".", Do: "See whether the database answers; the log has more."}
}

func (s *System) database(ctx context.Context) Finding {
	facts, err := s.db.Facts(ctx)
	if err != nil {
		return Finding{State: Bad, Says: "It does not answer.", Do: "Bring it back. No restart is needed afterwards."}
	}
	f := good("%s %s, %s. It answered in %s.", map[db.Engine]string{db.SQLite: "SQLite", db.Postgres: "PostgreSQL"}[s.db.Engine()], facts.Version, plain.Bytes(facts.Size), short(facts.Took))
	switch away := facts.Away.Abs(); {
	case facts.Took > 200*time.Millisecond:
		f.State, f.Do = Needs, "That is slow, and every page asks several times: look at the database's machine and the way to it."
	case away > 5*time.Second:
		f.State, f.Says = Needs, f.Says+" Its clock is "+short(away)+" away from this machine's."
		f.Do = "Let both machines keep time (NTP): links and sessions end by this machine's clock."
	}
	return f
}

func short(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return lasting(d)
}

// lasting is a length of time in words.
func lasting(d time.Duration) string {
	n, unit := int64(d/time.Second), "second"
	switch {
	case d >= 48*time.Hour:
		n, unit = int64(d/(24*time.Hour)), "day"
	case d >= 2*time.Hour:
		n, unit = int64(d/time.Hour), "hour"
	case d >= 2*time.Minute:
		n, unit = int64(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

func (s *System) schema(ctx context.Context) Finding {
	current, newest, err := s.db.Schema(ctx)
	switch {
	case err != nil:
		return unknown(err)
	case current > newest:
		return Finding{State: Needs, Says: fmt.Sprintf("%d, and this server knows %d: a newer release has migrated it.", current, newest), Do: "Start the newer release here too."}
	}
	return good("%d, the newest that this release knows.", current)
}

// How much of the disk must be free.
const (
	leastFree  = 1 << 30
	leastShare = 20 // one part of so many
)

func (s *System) disk(context.Context) Finding {
	folder := s.config.DataFolder()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return Finding{State: Needs, Says: "The data folder " + folder + " cannot be looked at: " + err.Error() + ".", Do: "See that it is there and belongs to the server's user."}
	}
	free, all := uint64(disk.Bavail)*uint64(disk.Bsize), uint64(disk.Blocks)*uint64(disk.Bsize)
	path, err := filepath.Abs(folder)
	if err != nil {
		path = folder
	}
	f := good("%s free of %s in %s.", plain.Bytes(int64(free)), plain.Bytes(int64(all)), path)
	if free < leastFree || free < all/leastShare {
		f.State, f.Do = Needs, "Make room: a full disk stops every change."
	}
	return f
}

// lateAfter is how long a job whose turn has come may wait.
const lateAfter = 5 * time.Minute

func (s *System) work(ctx context.Context) Finding {
	p, err := s.jobs.Pulse(ctx)
	switch {
	case err != nil:
		return unknown(err)
	case p.Leader == "" || p.Until.Before(p.Now):
		return Finding{State: Bad, Says: "No server works the queues.", Do: "Restart the server. If it stays so, its log says why."}
	case !p.Oldest.IsZero() && p.Now.Sub(p.Oldest) > lateAfter:
		return Finding{State: Needs, Says: "A job has waited for its turn for " + lasting(p.Now.Sub(p.Oldest)) + ".", Do: "There is more work than is done: see which on the Jobs page."}
	}
	return good("They are worked, led by %s.", p.Leader)
}

func (s *System) failed(ctx context.Context) Finding {
	list, err := s.jobs.Overviews(ctx)
	if err != nil {
		return unknown(err)
	}
	var again, up int64
	for _, o := range list {
		again, up = again+o.Failing, up+o.Failed
	}
	switch {
	case up > 0:
		return Finding{State: Needs, Says: fmt.Sprintf("%d were given up after all tries, and %d wait for another.", up, again), Do: "The Jobs page says why, and can try them again."}
	case again > 0:
		return Finding{State: Needs, Says: fmt.Sprintf("%d failed and wait for another try.", again), Do: "They are tried again by themselves. The Jobs page says why they failed."}
	}
	return good("None.")
}

func (s *System) mail(ctx context.Context) Finding {
	if !s.settings.Current().Sends() {
		return Finding{State: Needs, Says: "No mail server is set. Mail is kept in the mail log and reaches nobody.", Do: "Where there are customers, set one: under Settings, Mail server, or with the start, as CLIENTELE_SMTP_URL."}
	}
	type state struct {
		Sent, Oldest db.Null[time.Time]
		Problem      db.Null[string]
	}
	var m state
	err := s.db.Read(ctx, db.Wide, func(tx *db.Tx) (err error) {
		if m.Sent, err = first[time.Time](tx, "SELECT sent_at FROM mails WHERE state = 'sent' AND sent_at IS NOT NULL ORDER BY id DESC LIMIT 1"); err != nil {
			return err
		}
		if m.Oldest, err = first[time.Time](tx, "SELECT created_at FROM mails WHERE state = 'queued' ORDER BY id LIMIT 1"); err != nil {
			return err
		}
		m.Problem, err = first[string](tx, "SELECT problem FROM mails WHERE state = 'queued' AND problem <> '' ORDER BY id DESC LIMIT 1")
		return err
	})
	if err != nil {
		return unknown(err)
	}
	f := good("None has been sent yet.")
	if m.Sent.Valid {
		f.Says = "The mail server last took a message on " + m.Sent.V.Format(time.RFC1123) + "."
	}
	waits := time.Duration(0)
	if m.Oldest.Valid {
		waits = s.db.Now().Sub(m.Oldest.V)
	}
	if m.Problem.Valid || waits > lateAfter {
		f.State = Needs
		if waits > lateAfter {
			f.Says += " The oldest message has waited for " + lasting(waits) + "."
		}
		if m.Problem.Valid {
			f.Says += " The last try failed: " + m.Problem.V
		}
		f.Do = "Mend what the mail server says. Then everything leaves by itself, or at once from the mail log."
	}
	return f
}

// first reads the first value that a query finds.
func first[T any](tx *db.Tx, query string) (db.Null[T], error) {
	v, err := db.One[T](tx, query)
	if errors.Is(err, db.ErrNone) {
		return db.Null[T]{}, nil
	}
	return db.Null[T]{V: v, Valid: err == nil}, err
}

func (s *System) secretKey(context.Context) Finding {
	k, err := seal.ReadKey(s.config.KeyFile)
	if err != nil {
		return Finding{State: Bad, Says: err.Error() + ".", Do: "Put it back from your copy before the next restart, which would be refused."}
	}
	if k.ID() != s.key.ID() {
		return Finding{State: Bad, Says: "The key in " + s.config.KeyFile + " is not the one that this server uses.", Do: "Put the right one back from your copy before the next restart."}
	}
	return good("%s is there, and seals with the key %s. Have a copy of it, apart from the backups.", s.config.KeyFile, k.ID())
}

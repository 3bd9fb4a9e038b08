package system

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/backup"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/job"
	"clientele/internal/plain"
	"clientele/internal/staff"
)

// A Kept is a backup in the folder of the settings.
type Kept struct {
	Name    string
	At      time.Time // the moment that it shows
	Size    int64
	Rows    int64
	Release string
	Problem string // why it cannot be used; empty where its manifest is whole and ours
}

// Backups lists the backups that this server finds, the newest first.
func (s *System) Backups(ctx context.Context, by staff.For[staff.SeeSystem]) ([]Kept, error) {
	return s.kept()
}

// A Plan is where backups go, how often, and how many stay.
type Plan struct {
	Folder string
	Daily  bool
	Keep   int
}

// BackupPlan is how backups are made here.
func (s *System) BackupPlan() Plan {
	folder, daily := s.config.Backups()
	return Plan{folder, daily, s.config.BackupKeep}
}

func (s *System) kept() (list []Kept, err error) {
	folder := s.BackupPlan().Folder
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.New(fault.Conflict, "backup-folder", "The folder of backups, "+folder+", cannot be read. Give it to the server's user.")
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "clientele-") && strings.HasSuffix(e.Name(), ".zip") {
			list = append(list, s.look(e.Name()))
		}
	}
	slices.SortFunc(list, func(a, b Kept) int {
		if n := b.At.Compare(a.At); n != 0 {
			return n
		}
		return strings.Compare(b.Name, a.Name)
	})
	return list, nil
}

func (s *System) look(name string) Kept {
	f, err := backup.Open(filepath.Join(s.BackupPlan().Folder, name))
	if err != nil {
		return Kept{Name: name, Problem: "It is damaged, was cut off, or is not readable for this server."}
	}
	defer f.Close()
	k := Kept{Name: name, At: f.At, Size: f.Size, Rows: f.Rows(), Release: f.Release}
	if !f.OpensWith(s.key) {
		k.Problem = "It was sealed with another secret key, or was altered."
	}
	return k
}

// backupArgs is the job that makes a backup.
type backupArgs struct {
	Now bool `json:"now"` // also where the last one is not a day old
}

// Kind names the job in the queue.
func (backupArgs) Kind() string { return "backup" }

// Words says what it does.
func (backupArgs) Words() string { return "Make a backup, if one is due" }

// backupTimeout is how long one backup may take.
const backupTimeout = 6 * time.Hour

// backupEvery is how old the newest backup may be. A little less than a day, so
// that the hour does not wander.
const backupEvery = 24*time.Hour - 5*time.Minute

// AskBackup has a backup made soon.
func (s *System) AskBackup(ctx context.Context, by staff.For[staff.ManageSystem]) (err error) {
	defer fault.Wrap(&err, "system.AskBackup")
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := s.jobs.Enqueue(tx, job.Urgent, false, backupArgs{Now: true}); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "system.backup_asked", Object: "backup"})
	})
}

// scheduled makes a backup if one is due, and removes those beyond the number
// that stays.
func (s *System) scheduled(ctx context.Context, a backupArgs) error {
	plan := s.BackupPlan()
	list, err := s.kept()
	if err != nil {
		return err
	}
	now := s.db.Now()
	due := a.Now || !slices.ContainsFunc(list, func(k Kept) bool { return k.Problem == "" && now.Sub(k.At) < backupEvery })
	if !due {
		return nil
	}
	if err := os.MkdirAll(plan.Folder, 0o700); err != nil {
		return err
	}
	_, err = backup.Write(ctx, s.db, s.key, backup.Path(plan.Folder, now), s.release, func(int64, int64) {})
	if errors.Is(err, backup.ErrThere) {
		return nil // this very second's is there
	}
	if err != nil {
		return err
	}
	return s.prune()
}

// prune removes the oldest backups. Those that cannot be used, or that were
// named by hand, are left to somebody.
func (s *System) prune() error {
	list, err := s.kept()
	if err != nil {
		return err
	}
	plan, n := s.BackupPlan(), 0
	for _, k := range list {
		if k.Problem != "" || k.Name != backup.Name("", k.At) {
			continue
		}
		if n++; n > plan.Keep {
			err = errors.Join(err, os.Remove(filepath.Join(plan.Folder, k.Name)))
		}
	}
	return err
}

// backups is the check of them.
func (s *System) backups(context.Context) Finding {
	list, err := s.kept()
	if err != nil {
		return Finding{State: Bad, Says: err.Error(), Do: "Give the folder to the server's user."}
	}
	plan, age, newest := s.BackupPlan(), time.Duration(0), slices.IndexFunc(list, func(k Kept) bool { return k.Problem == "" })
	f := good("There is none in %s yet.", plan.Folder)
	if newest >= 0 {
		age = s.db.Now().Sub(list[newest].At)
		f = good("The newest is %s old, %s, in %s.", lasting(age), plain.Bytes(list[newest].Size), plan.Folder)
	}
	switch late := newest < 0 || age > 2*backupEvery; {
	case late && plan.Daily:
		f.State, f.Do = Bad, "One is due every day. The Jobs page says why it did not come."
	case !plan.Daily:
		f.State, f.Do = Needs, "Name a folder in CLIENTELE_BACKUP_DIR, best on another disk, and one is made there every day; or let a timer run clientele backup."
	}
	return f
}

package upgrade_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"

	"github.com/google/go-cmp/cmp"
)

// town writes a bit of everything. No hash of it is wrapped, which would be
// another in every installation.
func town(s *stage) {
	d := s.there
	d.Add("tblcurrencies", "id", 1, "code", "GBP", "default", 1)
	d.Add("tblclientgroups", "id", 1, "groupname", "Gold", "groupcolour", "#ffcc00")
	d.Add("tbladmins", "id", 1, "firstname", "Grace", "lastname", "Hopper", "username", "grace", "email", "grace@example.com")
	d.Add("tblcustomfields", "id", 3, "type", "client", "fieldname", "Birthday", "fieldtype", "text")
	d.Add("tblcustomfields", "id", 4, "type", "client", "fieldname", "PIN", "fieldtype", "password")
	for i := 1; i <= 6; i++ {
		d.Add("tblclients", "id", i*10, "firstname", "Client", "lastname", fmt.Sprint("No ", i), "email", fmt.Sprintf("c%d@example.com", i%5), "password", carried("a"), "currency", i%3, "groupid", 1, "status", "Active",
			"notes", strings.Repeat("late payer ", i%2), "lastlogin", "2021-02-03 04:05:06")
		d.Add("tblcontacts", "id", i, "userid", i*10, "firstname", "Contact", "lastname", fmt.Sprint(i), "email", fmt.Sprintf("s%d@example.com", i), "subaccount", i%2, "password", carried("b"), "permissions", "contacts,flying")
		d.Add("tblcustomfieldsvalues", "id", i, "fieldid", 3, "relid", i*10, "value", "1970-01-01")
		d.Add("tblnotes", "id", i, "userid", i*10, "adminid", 1, "note", "called", "created", "2020-01-02 03:04:05", "modified", "2020-01-02 03:04:05")
	}
	d.Add("tblclients", "id", 70, "firstname", "No", "lastname", "Address", "email", "", "status", "Odd")
	d.Add("tblcontacts", "id", 99, "userid", 999, "firstname", "Orphan", "email", "o@example.com")
	if !d.HasUsers() {
		return
	}
	for i := 1; i <= 6; i++ {
		d.Add("tblusers", "id", i, "first_name", "User", "last_name", fmt.Sprint(i), "email", fmt.Sprintf("u%d@example.com", i%5), "password", carried("c"), "second_factor", strings.Repeat("totp", i%2))
		d.Add("tblusers_clients", "id", i, "auth_user_id", i, "client_id", i*10, "owner", 1)
		d.Add("tblusers_clients", "id", 10+i, "auth_user_id", i, "client_id", 10+(i%6)*10, "permissions", "tickets,orders")
		d.Add("tbluser_invites", "id", i, "email", "new@example.com", "client_id", i*10, "invited_by", i, "permissions", "emails", "created_at", "2026-03-01 00:00:00")
	}
}

// google makes the provider known to which town's people have linked theirs.
func google(s *stage) {
	s.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", s.Clock.Now())
	s.there.Add("tblauthn_account_links", "id", 1, "provider", "google_signin", "remote_user_id", "118", "client_id", 20)
	if s.there.HasUsers() {
		s.there.Exec("UPDATE tblauthn_account_links SET user_id = 2, client_id = 0")
	}
}

var both = []string{"7.10", "8.13"}

// eachTown runs a test on both engines with a town of either generation.
func eachTown(t *testing.T, test func(t *testing.T, s *stage)) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				town(s)
				google(s)
				test(t, s)
			})
		})
	}
}

// TestT142_ADryRunWritesNothingAndSaysTheSame compares every row, every line
// and every count.
func TestT142_ADryRunWritesNothingAndSaysTheSame(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		before := dump(s.World)
		dry := s.bring(dryRun)
		if !equal(t, before, dump(s.World)) {
			t.Error("the dry run has written something")
		}
		real := s.bring()
		same(t, dry, real)
		if real.counts("Accounts") != "7 0 0 0 0" || equal(t, before, dump(s.World)) {
			t.Errorf("the real run has brought in %s accounts", real.counts("Accounts"))
		}
		after := dump(s.World)
		dryAgain := s.bring(dryRun)
		if !equal(t, after, dump(s.World)) {
			t.Error("a dry run after it has written something")
		}
		same(t, dryAgain, s.bring())
		s.nobodyMailed()
	})
}

// same compares what two runs say.
func same(t *testing.T, a, b outcome) {
	t.Helper()
	if d := cmp.Diff(a.csv, b.csv); d != "" {
		t.Errorf("the reports differ:\n%s", d)
	}
	if d := cmp.Diff(a.head, b.head); d != "" {
		t.Errorf("the counts differ:\n%s", d)
	}
}

// TestT142_ASecondRunChangesNothing repeats a run, later: only when it ran is
// another.
func TestT142_ASecondRunChangesNothing(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		first := s.bring()
		before := dump(s.World, "runner", "began_at", "done_at", "throttles")
		s.Clock.Move(time.Hour)
		second := s.bring()
		if !equal(t, before, dump(s.World, "runner", "began_at", "done_at", "throttles")) {
			t.Error("the second run has changed something")
		}
		if d := cmp.Diff(first.csv, second.csv); d != "" {
			t.Errorf("the second run reports otherwise:\n%s", d)
		}
		for _, c := range second.head.Rows {
			if c.New+c.Changed+c.Kept+c.Gone > 0 || c.Same == 0 {
				t.Errorf("the second run counts %+v", c)
			}
		}
		s.nobodyMailed()
	})
}

var errCut = errors.New("the run was cut off by the test")

// A cut is a source that ends with an error after so many rows.
type cut struct {
	whmcs.Source
	rows int
}

func (c *cut) Rows(ctx context.Context, table string) iter.Seq2[whmcs.Row, error] {
	return func(yield func(whmcs.Row, error) bool) {
		for row, err := range c.Source.Rows(ctx, table) {
			if c.rows--; c.rows < 0 {
				yield(whmcs.Row{}, errCut)
				return
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// TestT142_ARunCutOffAnywhereGoesOn ends the rows after every number of them,
// and each time runs on: to the state of a run that nobody has cut off. Every
// start adds to what the ones before it left.
func TestT142_ARunCutOffAnywhereGoesOn(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		s.bring()
		want := settled(s.World)
		cuts := 0
		for rows := 0; ; rows += 7 { // from another beginning every time
			w := apptest.New(t, s.Engine)
			other := &stage{w, t, s.there}
			w.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", w.Clock.Now())
			out := try(t, w, &cut{live(t, s.there.DSN()), rows}, upgrade.Options{})
			if out.err == nil {
				break
			}
			if !errors.Is(out.err, errCut) {
				t.Fatal(out.err)
			}
			cuts++
			other.bring()
			if !equal(t, want, settled(w)) {
				t.Fatalf("cut off after %d rows, it ends in another state", rows)
			}
			other.nobodyMailed()
		}
		if cuts < 10 {
			t.Errorf("it was cut off %d times", cuts)
		}
	})
}

// TestT142_ACancelledRunGoesOn takes the context away at each call of
// Progress, over and over in one installation.
func TestT142_ACancelledRunGoesOn(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		for calls := 1; ; calls++ {
			n := 0
			ctx, cancel := context.WithCancel(t.Context())
			o := upgrade.Options{Progress: func(int64, int64, string) {
				if n++; n == calls {
					cancel()
				}
			}}
			err := within(ctx, t, s, o)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		got := settled(s.World)
		w := apptest.New(t, s.Engine)
		w.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", w.Clock.Now())
		(&stage{w, t, s.there}).bring()
		if !equal(t, settled(w), got) {
			t.Error("it ends in another state")
		}
		s.nobodyMailed()
	})
}

func within(ctx context.Context, t *testing.T, s *stage, o upgrade.Options) error {
	report, err := upgrade.NewReport(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	_, err = upgradeOf(s.World).Run(ctx, live(t, s.there.DSN()), o, report)
	return err
}

// TestT142_AStepIsWholeOrNotAtAll has the database refuse a row in each table
// by turns, in the middle of a step, and then lets it go on.
func TestT142_AStepIsWholeOrNotAtAll(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		for _, table := range []string{
			"import_rows", "account_groups", "account_fields", "audit_records", "users", "accounts", "memberships", "contacts", "account_values", "account_notes", "invitations", "identities",
		} {
			if table == "invitations" && !s.there.HasUsers() {
				continue // there are none
			}
			giveBack := takenNumbers(s)
			deny(s, table)
			if out := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{}); out.err == nil {
				t.Errorf("%s: no row was refused", table)
			}
			allow(s, table)
			giveBack()
		}
		s.bring()
		w := apptest.New(t, s.Engine)
		w.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", w.Clock.Now())
		(&stage{w, t, s.there}).bring()
		unmarked := append(slices.Clone(chosen), "written") // which says what number a group has
		if !equal(t, dump(w, unmarked...), dump(s.World, unmarked...)) || !equal(t, numbered(w), numbered(s.World)) {
			t.Error("it ends in another state")
		}
		s.nobodyMailed()
	})
}

// takenNumbers gives back what a step that fails takes of the numbers of users:
// PostgreSQL gives such a number to nobody else, and all but the numbers is
// compared.
func takenNumbers(s *stage) (giveBack func()) {
	if s.Engine == db.SQLite {
		return func() {}
	}
	const sequence = "pg_get_serial_sequence('users', 'id')"
	last := apptest.Query[int64](s.World, "SELECT COALESCE(pg_sequence_last_value("+sequence+"::regclass), 1)")[0]
	return func() { s.Exec("SELECT setval("+sequence+", $1)", last) }
}

// deny refuses every new row of a table.
func deny(s *stage, table string) {
	if s.Engine == db.SQLite {
		s.Exec("CREATE TRIGGER denied BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'denied'); END")
		return
	}
	s.Exec("CREATE FUNCTION denied() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''denied''; END'")
	s.Exec("CREATE TRIGGER denied BEFORE INSERT ON " + table + " FOR EACH ROW EXECUTE FUNCTION denied()")
}

func allow(s *stage, table string) {
	if s.Engine == db.SQLite {
		s.Exec("DROP TRIGGER denied")
		return
	}
	s.Exec("DROP TRIGGER denied ON " + table)
	s.Exec("DROP FUNCTION denied")
}

// TestT142_TheNewerOfTwoRunsGoesOn starts a second run while a first is on its
// way: the first stops, and what is left behind is what one leaves.
func TestT142_TheNewerOfTwoRunsGoesOn(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		var second outcome
		begun := false
		older := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{Progress: func(_, _ int64, what string) {
			if !begun && what == "Contacts" {
				begun = true
				second = s.bring()
			}
		}})
		var e *fault.Error
		if !errors.As(older.err, &e) || e.Reason != "overtaken" || second.err != nil {
			t.Fatalf("the older ends with %v, the newer with %v", older.err, second.err)
		}
		w := apptest.New(t, s.Engine)
		w.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", w.Clock.Now())
		(&stage{w, t, s.there}).bring()
		if !equal(t, settled(w), settled(s.World)) {
			t.Error("they end in another state")
		}
	})
}

package upgrade_test

import (
	"bytes"
	"os"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"
	"clientele/internal/whmcstest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	whmcstest.Stop()
	os.Exit(code)
}

// A stage is an installation and a WHMCS that is brought into it.
type stage struct {
	*apptest.World
	t     testing.TB
	there *whmcstest.Database
}

// each runs a test on both engines, with an empty WHMCS of a shape.
func each(t *testing.T, shape string, test func(t *testing.T, s *stage)) {
	t.Helper()
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		test(t, &stage{w, t, whmcstest.NewDatabase(t, shape)})
	})
}

func upgradeOf(w *apptest.World) *upgrade.Upgrade {
	return &upgrade.Upgrade{
		DB: w.DB, Auth: w.Auth, Memberships: w.Memberships, Invites: w.Invites, Outbox: w.Outbox, Key: w.Key, BaseURL: apptest.BaseURL, Brand: "Northbeam Hosting",
	}
}

// outcome is what a run says: the report as CSV, and the counts.
type outcome struct {
	csv  string
	head upgrade.Head
	err  error
}

// try runs an upgrade from a source.
func try(t testing.TB, w *apptest.World, src whmcs.Source, o upgrade.Options) outcome {
	t.Helper()
	report, err := upgrade.NewReport(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	head, err := upgradeOf(w).Run(t.Context(), src, o, report)
	var text bytes.Buffer
	if e := report.WriteCSV(&text); e != nil {
		t.Fatal(e)
	}
	return outcome{text.String(), head, err}
}

// live opens the WHMCS as a server that runs.
func live(t testing.TB, dsn string) whmcs.Source {
	t.Helper()
	src, err := whmcs.OpenLive(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// bring runs an upgrade that goes well.
func (s *stage) bring(options ...func(*upgrade.Options)) outcome {
	s.t.Helper()
	var o upgrade.Options
	for _, set := range options {
		set(&o)
	}
	src := live(s.t, s.there.DSN())
	defer src.Close()
	out := try(s.t, s.World, src, o)
	if out.err != nil {
		s.t.Fatal(out.err)
	}
	return out
}

func dryRun(o *upgrade.Options) { o.DryRun = true }

func merge(o *upgrade.Options) { o.Merge = true }

// eachShape runs a test on both engines and both generations.
func eachShape(t *testing.T, test func(t *testing.T, s *stage)) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, test) })
	}
}

// bothWays does a dry run and a real one, which must say the same.
func (s *stage) bothWays(t *testing.T) outcome {
	t.Helper()
	dry := s.bring(dryRun, merge)
	out := s.bring(merge)
	same(t, dry, out)
	if list := unowned(s.World); len(list) > 0 {
		t.Errorf("nobody owns the accounts %v", list)
	}
	return out
}

// unowned are the open accounts that nobody owns.
func unowned(w *apptest.World) []int64 {
	return apptest.Query[int64](w, `
		SELECT a.id FROM accounts a WHERE a.status <> 'closed' AND NOT EXISTS (
			SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = a.id AND m.owner AND m.status = 'active' AND m.ends_at IS NULL AND u.status = 'active')`)
}

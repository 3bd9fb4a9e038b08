package app_test

import (
	"testing"
	"time"

	"clientele/internal/apptest"
)

func TestTheSweepDeletesWhatHasEndedAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora := w.Person("Nora Baker", "nora@bakery.example")
		nora.Post("/recover", map[string][]string{"address": {"nora@bakery.example"}}).Must(200)
		w.Mail.Next(t, nora.Address, "Set a new password")
		w.Browser().Get("/signup").Submit("/signup", map[string][]string{
			"name": {"Ben"}, "address": {"ben@bakery.example"}, "password": {apptest.Password}, "kind": {"login"},
		}).Must(200)
		rows := func() [4]int64 {
			return [4]int64{w.Count("sessions"), w.Count("user_links"), w.Count("signups"), min(1, w.Count("throttles"))}
		}
		sweep := func() {
			if err := w.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if sweep(); rows() != [4]int64{1, 1, 1, 1} {
			t.Errorf("something in use was deleted: %v", rows())
		}
		w.Clock.Move(25 * time.Hour)
		if sweep(); rows() != [4]int64{1, 1, 0, 0} {
			t.Errorf("after a day: %v", rows())
		}
		w.Clock.Move(200 * 24 * time.Hour)
		if sweep(); rows() != [4]int64{0, 0, 0, 0} {
			t.Errorf("after half a year: %v", rows())
		}
	})
}

// TestWhatIsDoneHourlyIsDoneAtTheStart: a server that runs for less than an
// hour at a time sweeps, too.
func TestWhatIsDoneHourlyIsDoneAtTheStart(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Browser().Get("/signup").Submit("/signup", map[string][]string{
			"name": {"Ben"}, "address": {"ben@bakery.example"}, "password": {apptest.Password}, "kind": {"login"},
		}).Must(200)
		w.Clock.Move(25 * time.Hour)
		w.Restart()
		if w.Count("signups") != 1 {
			t.Fatal("a world swept by itself")
		}
		w.HourlyAtStart = true
		w.Restart()
		eventually(t, "the sign-up that ended is deleted", func() bool { return w.Count("signups") == 0 })
		eventually(t, "the log is signed", func() bool { return w.Count("audit_checkpoints") > 0 })
	})
}

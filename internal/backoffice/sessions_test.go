package backoffice_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// sets has an operator set how long sessions last.
func sets(t *testing.T, o *apptest.Operator, pairs ...string) {
	t.Helper()
	typed := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		typed.Set(pairs[n], pairs[n+1])
	}
	o.Get("/staff/settings/security").Must(200).Submit("/staff/settings/security", typed).Must(200, "Saved")
}

// TestT101_StaffSeeWhichSessionsAreOpen by the times that are set: one that
// opens nothing any more is not listed, one that still does is, and signing
// out everywhere is offered whatever is listed.
func TestT101_StaffSeeWhichSessionsAreOpen(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := "/staff/users/" + id.String(d.nora.User)
		end := path + "/sessions/end"
		open := func(want bool) {
			t.Helper()
			p := d.root.Get(path).Must(200)
			if got := p.Find(`form[action^="`+path+`/sessions/"]:not([action="`+end+`"])`).Length() > 0; got != want {
				t.Errorf("a session of hers is listed: %t", got)
			}
			if p.Find(`form[action="`+end+`"]`).Length() != 1 {
				t.Error("signing her out everywhere is not offered")
			}
			asked := d.root.Get(path+"/access?account="+id.String(d.bakery)).Must(200, "What the account asks for")
			if got := !asked.Says("are signed in nowhere"); got != want {
				t.Errorf("the diagnosis finds a browser of hers: %t", got)
			}
		}
		sets(t, d.root, "session_idle", "15 minutes", "session_life", "1 hour")
		open(true)
		w.Clock.Move(15 * time.Minute)
		open(false)
		w.SignInOperator(d.root)
		sets(t, d.root, "session_idle", "30 days", "session_life", "30 days")
		w.Clock.Move(20 * 24 * time.Hour)
		w.SignInOperator(d.root)
		open(true)
		d.nora.Get("/me").Must(200)
		sets(t, d.root, "session_idle", "1 day", "session_life", "10 days")
		open(false)
	})
}

// TestT101_OperatorsSessionsAreCountedAsTheyLive by the times that are set, on
// an operator's own page and on those of who manages staff.
func TestT101_OperatorsSessionsAreCountedAsTheyLive(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		open := func(want string) {
			t.Helper()
			s.root.Get("/staff/people/"+id.String(s.sam.Staff)).Must(200, "Signed in now"+want)
		}
		sets(t, s.root, "staff_idle", "5 minutes")
		open("1 browser")
		w.Clock.Move(3 * time.Minute)
		s.root.Get("/staff").Must(200)
		w.Clock.Move(3 * time.Minute)
		open("0 browsers")
		w.SignInOperator(s.sam)
		if n := s.sam.Get("/staff/me").Must(200, "This one", "after 5 minutes without use, and 12 hours after").Find(`form[action^="/staff/me/sessions/"]`).Length(); n != 0 {
			t.Errorf("Sam's own page lists %d other sessions", n)
		}
	})
}

// TestT101_AnIdleOperatorActsForNobody: the time after which an operator is
// signed out for doing nothing is the one that is set, also while she acts as
// a customer, on every node; and what she is refused does not wake her
// session.
func TestT101_AnIdleOperatorActsForNobody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		twin := w.Twin()
		s.act()
		form := s.settings(s.sam.Browser)
		form.Set("company", "Stolen Ltd")
		sets(t, s.root, "staff_idle", "5 minutes")
		w.Clock.Move(5*time.Minute - time.Microsecond)
		s.sam.On(twin).Get(s.front).Must(200)
		w.Clock.Move(5 * time.Minute)
		s.sam.On(twin).Post(s.front+"/settings", form).Must(403, "Your staff session is over.")
		s.sam.Get("/staff").Must(401)
		if w.Count("accounts WHERE company = 'Stolen Ltd'") != 0 || s.running() != 0 {
			t.Error("somebody else at the desk has acted")
		}
	})
}

// TestT101_ActingDoesNotOutliveTheStaffSession: the time after which staff are
// signed out in any case counts from their sign-in, also while they act.
func TestT101_ActingDoesNotOutliveTheStaffSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		began := w.Clock.Now()
		sets(t, s.root, "staff_life", "1 hour")
		for range 3 {
			w.Clock.Move(15 * time.Minute)
			s.sam.Get("/staff").Must(200)
		}
		s.sam.PostOnly("/staff/confirm", url.Values{"password": {apptest.Password}}).Must(303)
		s.act()
		w.Clock.Move(began.Add(time.Hour).Sub(w.Clock.Now()) - time.Second)
		s.sam.Get(s.front).Must(200)
		w.Clock.Move(time.Second)
		s.sam.Get(s.front).Must(403, "Your staff session is over.")
		s.sam.Get("/staff").Must(401)
	})
}

// TestT113_SweepEndsWhatStoodIdle without anybody's request, and nobody who
// manages staff sees it run.
func TestT113_SweepEndsWhatStoodIdle(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.act()
		sets(t, s.root, "staff_idle", "5 minutes")
		w.Clock.Move(3 * time.Minute)
		s.root.Get("/staff/impersonations").Must(200, "Sam Porter")
		w.Clock.Move(3 * time.Minute)
		if p := s.root.Get("/staff/impersonations").Must(200); p.Says("Sam Porter") {
			t.Error("it seems to run")
		}
		if err := w.App.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.running() != 0 || w.Count("impersonations WHERE ended_why = 'session'") != 1 {
			t.Error("its end is not written down")
		}
	})
}

// TestStaffEndSessionsOfAUser signs somebody out everywhere, from the staff
// area (ASVS 7.4.5): who may help may do it, who may only look may not.
func TestStaffEndSessionsOfAUser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		nora, other := w.Person("Nora Baker", "nora@sessions.example"), w.Person("Olga Other", "olga@sessions.example")
		sam, rita := w.Operator("Sam", "sam@staff.example", "support"), w.Operator("Rita", "rita@staff.example", "readonly")
		path := "/staff/users/" + strconv.FormatInt(int64(nora.User), 10)
		rita.PostOnly(path+"/sessions/end", nil).Must(http.StatusForbidden)
		nora.Get("/me").Must(http.StatusOK)
		sam.Post(path+"/sessions/end", nil).Must(http.StatusOK)
		nora.GetOnly("/me").Must(http.StatusUnauthorized)
		other.Get("/me").Must(http.StatusOK)
		if n := w.Count("audit_records WHERE event = 'user.sessions_ended' AND subject_id = $1", nora.User); n != 1 {
			t.Errorf("%d records of it", n)
		}
	})
}

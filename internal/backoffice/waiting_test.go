package backoffice_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/db"
)

// TestWhatWaits has each list say what it is for, and the dashboard say kindly
// that nothing waits.
func TestWhatWaits(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.root.Get("/staff").Must(200, "1 new account")
		w.Exec("UPDATE accounts SET created_at = $1", w.Clock.Now().Add(-30*24*time.Hour))
		d.root.Get("/staff").Must(200, "Nothing waits")
		for _, list := range []string{"accounts", "invitations", "access", "suspended", "recoveries"} {
			d.root.Get("/staff/waiting/"+list).Must(200, "Nothing here")
		}
		d.root.Get("/staff/waiting/nothing").Must(404)
		d.join()
		w.Exec("UPDATE memberships SET ends_at = $2 WHERE user_id = $1", d.ada.User, w.Clock.Now().Add(14*24*time.Hour))
		studio := w.Account(d.ada, "Lindqvist Design")
		w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, ends_at, created_at) VALUES ($1, $2, $3, 'active', $4, $5, $4)",
			d.bakery, studio, access.Everything, w.Clock.Now(), w.Clock.Now().Add(time.Hour))
		d.root.Get(d.base+"/users/invite").Submit(d.base+"/users/invite", url.Values{"address": {"new@x.example"}, "role": {"technical"}}).Must(200)
		w.Exec(`INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, ends_at, created_at)
			SELECT account_id, id, 'domain', 7, 1, $2, $3, $2 FROM memberships WHERE user_id = $1 AND account_id = $4`, d.ada.User, w.Clock.Now(), w.Clock.Now().Add(time.Hour), d.bakery)
		w.Exec(`INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, ends_at, created_at)
			SELECT account_id, id, 'domain', 8, 1, $2, $3, $2 FROM memberships WHERE user_id = $1 AND account_id = $4`, d.ada.User, w.Clock.Now(), w.Clock.Now().Add(15*24*time.Hour), d.bakery)
		d.root.Get("/staff").Must(200, "3 accesses end soon", "1 new account")
		if d.root.Get("/staff/waiting/access").Must(200, "Ada Lindqvist", "Partner link to Lindqvist Design", "Access to domain 7").Says("domain 8") {
			t.Error("access that ends later is listed")
		}
		w.Clock.Move(3 * 24 * time.Hour)
		d.SignInOperator(d.root)
		d.root.Get("/staff").Must(200, "1 invitation has no answer")
		d.root.Get("/staff/waiting/invitations").Must(200, "new@x.example", "Harbour Bakery")
	})
}

// TestALongListOfWhatWaitsSaysHowLongItIs opens more accounts in a week than a
// list shows.
func TestALongListOfWhatWaitsSaysHowLongItIs(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		for n := range 200 {
			w.Account(d.nora, fmt.Sprintf("Shop %03d", n))
		}
		p := d.root.Get("/staff/waiting/accounts").Must(200, "These are the first 200 of 201", "Harbour Bakery")
		if n := p.Find("tbody tr").Length(); n != 200 {
			t.Errorf("%d rows", n)
		}
		w.Exec("UPDATE accounts SET created_at = $1 WHERE name = 'Shop 000'", w.Clock.Now().Add(-30*24*time.Hour))
		if d.root.Get("/staff/waiting/accounts").Must(200).Says("These are the first") {
			t.Error("a list that is whole is said not to be")
		}
	})
}

// TestMailThatFailedIsNotWarnedOfForEver has mail fail, and a restore hold some.
func TestMailThatFailedIsNotWarnedOfForEver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		mail := func(sealed string, age time.Duration) {
			w.Exec("INSERT INTO mails (kind, class, recipient, subject, text_body, html_body, sealed, state, problem, created_at, tried_at) VALUES ('x', 'bulk', 'x@x.example', 'X', '', '', $1, 'failed', 'no such mailbox', $2, $3)",
				sealed, w.Clock.Now().Add(-100*24*time.Hour), db.Null[time.Time]{V: w.Clock.Now().Add(-age), Valid: sealed == ""})
		}
		mail("", 8*24*time.Hour)
		mail("held", 0)
		if p := d.root.Get("/staff").Must(200); p.Says("failed within") || p.Says("is held") {
			t.Errorf("mail that failed long ago is warned of: %s", p.Find("main").Text())
		}
		mail("", 6*24*time.Hour)
		w.In(func(tx *db.Tx) error {
			return audit.Write(tx, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}, audit.Record{Event: "system.restored", Object: "backup"})
		})
		d.root.Get("/staff").Must(200, "1 message failed within the last seven days", "1 message is held since a backup was restored")
		w.Clock.Move(7 * 24 * time.Hour)
		d.SignInOperator(d.root)
		if p := d.root.Get("/staff").Must(200); p.Says("failed within") || p.Says("is held") {
			t.Errorf("after a week it is still warned of: %s", p.Find("main").Text())
		}
	})
}

package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/staff"
)

const gone = "Nora has died, and her heir has sent us the papers."

// refuses sends a form and expects a status.
func refuses(t *testing.T, o *apptest.Operator, a id.Account, path string, want int) {
	t.Helper()
	if got := o.PostOnly(path, url.Values{"account": {id.String(a)}, "reason": {gone}}).Status; got != want {
		t.Errorf("%s by %s: %d, want %d", path, o.Name, got, want)
	}
}

// TestT051_OwnersAreReplacedTogetherAndLate walks the procedure: no one alone,
// not a second before its time, everybody is told at every step, and every step
// stands in the account's log.
func TestT051_OwnersAreReplacedTogetherAndLate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.join()
		w.Exec("UPDATE accounts SET address = 'office@bakery.example' WHERE id = $1", d.bakery)
		second := w.Operator("Sam Second", "sam@northbeam.example", "support")
		path := d.base + "/owners"
		member := id.String(w.Membership(d.bakery, d.ada))
		for _, early := range []string{"/approve", "/withdraw", "/complete"} {
			refuses(t, d.root, d.bakery, path+early, 409)
		}
		form := d.root.Get(path).Must(200, "Lost owners", "Nora Baker")
		if p := form.Submit(path, url.Values{"member": {member}, "reason": {"gone"}}).Must(422); p.FieldError("reason") == "" {
			t.Error("a reason of one word is taken")
		}
		if p := form.Submit(path, url.Values{"reason": {gone}}).Must(422); p.FieldError("address") == "" {
			t.Error("nobody is to become an owner, and it is begun")
		}
		form.Submit(path, url.Values{"member": {member}, "reason": {gone}}).Must(200, "Begun", gone, "Somebody else has to agree")
		everybody := func(subject string, stops int) {
			t.Helper()
			for i, to := range []string{d.nora.Address, "office@bakery.example", d.ada.Address} {
				m := w.Mail.Next(t, to, subject)
				if has := strings.Contains(m.Text(), "/owner-recovery/"); has != (i < stops) {
					t.Errorf("%s to %s: has a link that stops it: %t", subject, to, has)
				}
			}
		}
		everybody("A new owner is being made", 2)
		if got := d.root.PostOnly(path, url.Values{"account": {id.String(d.bakery)}, "member": {member}, "reason": {gone}}).Status; got != 409 {
			t.Errorf("begun twice: %d", got)
		}
		refuses(t, d.root, d.bakery, path+"/approve", 403)
		refuses(t, second, d.bakery, path+"/complete", 409)
		second.Get("/staff").Must(200, "1 recovery waits for you")
		if d.root.Get("/staff").Says("waits for you") {
			t.Error("who has begun it is asked to agree")
		}
		second.Get("/staff/waiting/recoveries").Must(200, "Harbour Bakery", "somebody else than Robin Okafor has to agree")
		second.Get(path).Submit(path+"/approve", nil).Must(200, "You have agreed")
		everybody("A second person agrees", 2)
		w.Clock.Move(staff.OwnerDelay - time.Second)
		d.SignInOperator(d.root)
		d.SignInOperator(second)
		refuses(t, d.root, d.bakery, path+"/complete", 409)
		w.Clock.Move(time.Second)
		d.root.Get("/staff").Must(200, "1 recovery waits for you")
		d.root.Get(path).Submit(path+"/complete", nil).Must(200, "Everybody was told")
		everybody("About a new owner", 0)
		owners := w.Count("memberships WHERE account_id = $1 AND owner AND status = 'active'", d.bakery)
		if owners != 2 || w.Count("memberships WHERE account_id = $1 AND user_id = $2 AND owner", d.bakery, d.ada.User) != 1 {
			t.Errorf("%d owners: the new one is none, or the old one is gone", owners)
		}
		for _, event := range []string{"started", "approved", "done"} {
			if n := w.Count("audit_records WHERE event = $1 AND account_id = $2", "owner_recovery."+event, d.bakery); n != 1 {
				t.Errorf("%d records of %s", n, event)
			}
		}
		refuses(t, d.root, d.bakery, path+"/complete", 409)
	})
}

// TestT051_AnAddressIsInvitedToOwn names somebody who has no login: she owns
// the account once she has followed the link, and nobody below an owner can
// turn the invitation into something else.
func TestT051_AnAddressIsInvitedToOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		m := w.JoinAs(d.bakery, access.Join{User: d.ada.User, Role: access.Role{BuiltIn: "full"}})
		second := w.Operator("Sam Second", "sam@northbeam.example", "support")
		path := d.base + "/owners"
		d.root.Get(path).Submit(path, url.Values{"address": {"heir@bakery.example"}, "reason": {gone}}).Must(200, "heir@bakery.example")
		second.Get(path).Submit(path+"/approve", nil).Must(200)
		w.Clock.Move(staff.OwnerDelay)
		d.SignInOperator(second)
		second.Get(path).Submit(path+"/complete", nil).Must(200)
		number := id.String(id.Invitation(apptest.Query[int64](w, "SELECT id FROM invitations")[0]))
		w.Exec("UPDATE sessions SET seen_at = $1, expires_at = $2, proved_at = $1", w.Clock.Now(), w.Clock.Now().Add(time.Hour))
		for _, step := range []string{"", "/withdraw", "/resend"} {
			form := url.Values{"account": {id.String(d.bakery)}, "role": {"support"}}
			if got := d.ada.PostOnly("/a/"+id.String(d.bakery)+"/people/invitations/"+number+step, form).Status; got != 403 {
				t.Errorf("a member with full access, who is no owner: %q: %d", step, got)
			}
		}
		if m == 0 || w.Count("invitations WHERE state = 'pending' AND owner") != 1 {
			t.Fatal("the invitation is gone")
		}
		b := w.Browser()
		p := b.Get(w.Mail.Next(t, "heir@bakery.example", "invites you").Link(t)).Must(200, "Join Harbour Bakery")
		p.Submit("/invitation/join", url.Values{"name": {"Hedda Heir"}, "password": {"four green bicycles"}}).Must(200)
		if w.Count("memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 AND m.owner AND u.address = 'heir@bakery.example'", d.bakery) != 1 {
			t.Error("she owns nothing")
		}
	})
}

// TestT051_OwnersAndTheAccountsMailStopIt follows the links: looking stops
// nothing, the button does, once; a member who is no owner gets none.
func TestT051_OwnersAndTheAccountsMailStopIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.join()
		w.Exec("UPDATE accounts SET address = 'office@bakery.example' WHERE id = $1", d.bakery)
		path := d.base + "/owners"
		for _, both := range [][]string{{d.nora.Address, "office@bakery.example"}, {"office@bakery.example", d.nora.Address}} {
			d.root.Get(path).Submit(path, url.Values{"member": {id.String(w.Membership(d.bakery, d.ada))}, "reason": {gone}}).Must(200, "Begun")
			link := w.Mail.Next(t, both[0], "A new owner is being made").Link(t)
			w.Mail.Next(t, both[1], "A new owner is being made")
			w.Browser().Get(link).Must(200, "Can an owner still act?", "Ada Lindqvist")
			if w.Count("owner_recoveries WHERE state = 'open'") != 1 {
				t.Fatal("looking at the link has stopped it")
			}
			w.Browser().Get(link).Must(200).Submit("/owner-recovery", nil).Must(200, "Nobody becomes an owner")
			w.Browser().Get(link).Must(410)
			refuses(t, d.root, d.bakery, path+"/complete", 409)
			w.Mail.Next(t, d.ada.Address, "About a new owner")
		}
		if w.Count("audit_records WHERE event = 'owner_recovery.stopped' AND account_id = $1", d.bakery) != 2 {
			t.Error("stopping it is not recorded")
		}
		support := w.Operator("Bill", "bill@northbeam.example", "billing")
		support.Get(path).Must(403)
		if got := support.PostOnly(path, url.Values{"account": {id.String(d.bakery)}}).Status; got != 403 {
			t.Errorf("without the permission: %d", got)
		}
	})
}

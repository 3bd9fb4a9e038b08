package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

func TestStaffInvites(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		form := d.root.Get(d.base+"/users/invite").Must(200, "Invite somebody to Harbour Bakery")
		send := func(fill url.Values) *apptest.Page { return form.Submit(d.base+"/users/invite", fill) }

		p := send(url.Values{"address": {"one@x.example, two@x.example"}, "role": {"choose"}, "ends": {"2026-02-30"}}).Must(422)
		if p.FieldError("address") == "" || p.FieldError("ends") == "" || !p.Says("Choose at least one permission") {
			t.Errorf("not every mistake is named: %q, %q", p.FieldError("address"), p.FieldError("ends"))
		}
		if got := p.Find("[name=address]").AttrOr("value", ""); got != "one@x.example, two@x.example" {
			t.Errorf("typed address is gone: %q", got)
		}
		p = send(url.Values{"address": {"new@x.example"}, "role": {"choose"}, "permissions": {"services.manage", "made.up"}}).Must(422)
		if p.Find(`[value="services.manage"][checked]`).Length() != 1 {
			t.Error("the ticked box is clear after a mistake")
		}
		send(url.Values{"address": {d.nora.Address}, "role": {"full"}}).Must(422, "in the account already")
		send(url.Values{"address": {"new@x.example"}, "role": {"technical"}, "ends": {"2026-03-01"}}).Must(422, "Choose a day in the future.")
		if w.Count("invitations") != 0 {
			t.Fatal("a refused form has left an invitation")
		}

		p = send(url.Values{"address": {"new@x.example"}, "role": {"choose"}, "permissions": {"services.manage"}, "ends": {"2026-12-31"}})
		p.Must(200, "new@x.example is invited to Harbour Bakery.", "2 permissions", "by staff")
		if text := w.Mail.Next(t, "new@x.example", "").Text(); !strings.Contains(text, "Northbeam Hosting support") {
			t.Errorf("the mail does not name the operator: %s", text)
		}
		w.Mail.Next(t, d.nora.Address, "invited somebody")
		p = send(url.Values{"address": {"new@x.example"}, "role": {"full"}}).Must(409)
		if !strings.Contains(p.FieldError("address"), "open invitation already") {
			t.Errorf("beside the address: %q", p.FieldError("address"))
		}
	})
}

func TestStaffSteersAnInvitation(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		p := d.root.Get(d.base+"/users/invite").Submit(d.base+"/users/invite", url.Values{"address": {"new@x.example"}, "role": {"technical"}}).Must(200)
		number := apptest.Query[int64](w, "SELECT id FROM invitations")[0]
		path := d.base + "/invitations/" + id.String(id.Invitation(number))
		first := w.Mail.Next(t, "new@x.example", "").Link(t)

		p = p.Submit(path+"/resend", nil).Must(200, "is sent again")
		second := w.Mail.Next(t, "new@x.example", "").Link(t)
		if first == second {
			t.Error("the link is the same after sending again")
		}
		w.Browser().Get(first).Must(410)
		page := d.root.Get(path).Must(200, "Invitation to new@x.example")
		if page.Find(`[value="technical"][checked]`).Length() != 1 {
			t.Error("the offered role is not chosen in the form")
		}
		page.Submit(path, url.Values{"role": {"nope"}}).Must(422)
		page.Submit(path, url.Values{"role": {"billing"}, "ends": {"2026-06-30"}}).Must(200, "is changed", "Billing")
		if got := d.root.Get(path).Find("[name=ends]").AttrOr("value", ""); got != "2026-06-30" {
			t.Errorf("the end is %q", got)
		}
		p.Submit(path+"/resend", nil).Must(200)
		p.Submit(path+"/resend", nil).Must(429, "It can be invited again tomorrow.", "Invitation to new@x.example")
		page.Submit(path+"/withdraw", nil).Must(200, "is withdrawn", "No open invitations")
		d.root.Post(path+"/withdraw", url.Values{"account": {id.String(d.bakery)}}).Must(409, "no longer open")
		w.Browser().Get(second).Must(410)
	})
}

func TestStaffAttaches(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		form := d.root.Get(d.base+"/users/attach").Must(200, "is told by mail at once")
		attach := func(fill url.Values) *apptest.Page { return form.Submit(d.base+"/users/attach", fill) }
		p := attach(url.Values{"address": {"nobody@x.example"}, "role": {"technical"}}).Must(422)
		if !strings.Contains(p.FieldError("address"), "Invite it instead") {
			t.Errorf("beside the address: %q", p.FieldError("address"))
		}
		attach(url.Values{"address": {d.ada.Address}}).Must(422)
		attach(url.Values{"address": {d.ada.Address}, "role": {"technical"}, "ends": {"2020-12-31"}}).Must(422, "Choose a day in the future.")
		if w.Member(d.bakery, d.ada) {
			t.Fatal("a refused form has made a member")
		}
		attach(url.Values{"address": {d.ada.Address}, "role": {"technical"}}).Must(200, "Ada Lindqvist has access to Harbour Bakery now", "Technical")
		w.Mail.Next(t, d.ada.Address, "You now have access")
		attach(url.Values{"address": {d.ada.Address}, "role": {"full"}}).Must(409, "a member of the account already")
	})
}

func TestStaffChangesAndRemoves(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		member := d.join()
		page := d.root.Get(member).Must(200, "Ada Lindqvist in Harbour Bakery", "will lose access to Harbour Bakery at once")
		page.Submit(member, url.Values{"role": {""}}).Must(422)
		page.Submit(member, url.Values{"role": {"billing"}, "ends": {"2026-03-09"}}).Must(200, "What Ada Lindqvist may do in Harbour Bakery is changed.", "Billing", "in 7 days")
		w.Clock.Move(8 * 24 * time.Hour)
		d.root = w.Operator("Kim", "kim@northbeam.example", "administrator")
		d.root.Get(d.base+"/users").Must(200, "Access has ended")
		d.root.Get(member).Submit(member+"/remove", nil).Must(200, "Ada Lindqvist no longer has access")
		w.Mail.Next(t, d.ada.Address, "has ended")
		d.root.Get(member).Must(404)
		d.root.Get(d.base+"/activity").Must(200, "Staff: Kim removed Ada Lindqvist from the account", "Technical → Billing")
	})
}

func TestFormsCarryTheirAccount(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		member := d.join()
		other := w.Account(d.ada, "Lindqvist Design")
		for _, path := range []string{member, member + "/remove", d.base + "/status", d.base + "/details", d.base + "/users/attach"} {
			d.root.Post(path, url.Values{"account": {id.String(other)}}).Must(409)
			d.root.Post(path, url.Values{}).Must(409)
		}
		foreign := "/staff/accounts/" + id.String(other) + "/users/" + member[strings.LastIndex(member, "/")+1:]
		d.root.Get(foreign).Must(404)
		d.root.Post(foreign+"/remove", url.Values{"account": {id.String(other)}}).Must(404)
	})
}

package backoffice_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/staff"
)

// TestNotesAreStaffsAlone writes, changes and removes a note; nobody of the
// account sees a word of it anywhere.
func TestNotesAreStaffsAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/notes"
		p := d.root.Get(path).Must(200, "No notes yet")
		if p.Submit(path, url.Values{"text": {"  "}}).Must(422).FieldError("text") == "" {
			t.Error("an empty note is taken")
		}
		p.Submit(path, url.Values{"text": {"Pays late; call <b>Nora</b> first."}, "sticky": {"yes"}}).Must(200, "Pays late; call <b>Nora</b> first.", "Robin Okafor", "Sticky")
		d.root.Get(d.base).Must(200, "Pays late")
		note := path + "/" + id.String(id.Note(apptest.Query[int64](w, "SELECT id FROM account_notes")[0]))
		other := w.Operator("Sam Second", "sam@northbeam.example", "support")
		first, second := d.root.Get(note).Must(200), other.Get(note)
		first.Submit(note, url.Values{"text": {"Pays on time."}}).Must(200, "Pays on time.")
		p = second.Submit(note, url.Values{"text": {"Pays never."}}).Must(409, "Robin Okafor", "changed a note", "Pays on time.", "Pays never.")
		p.Submit(note, nil).Must(200, "Pays never.")

		look := w.Operator("Reed", "reed@northbeam.example", "readonly")
		if p := look.Get(path).Must(200, "Pays never."); p.Says("Save note") {
			t.Error("who only reads is offered to write")
		}
		look.PostOnly(path, url.Values{"account": {id.String(d.bakery)}, "text": {"hello"}}).Must(403)
		look.Get(note).Must(403)
		home := "/a/" + id.String(d.bakery)
		for _, page := range []string{"", "/settings", "/activity", "/people", "/contacts", "/emails"} {
			if p := d.nora.Get(home + page).Must(200); strings.Contains(p.Body, "Pays") || p.Says("note for staff") {
				t.Errorf("an owner reads of the note on %s", page)
			}
		}
		if p := d.nora.Get("/me/activity"); p.Says("note for staff") {
			t.Error("an owner reads of the note in her own activity")
		}
		yoga := w.Account(d.nora, "Yoga")
		other.Get("/staff/accounts/" + id.String(yoga) + "/notes/" + note[strings.LastIndex(note, "/")+1:]).Must(404)
		d.root.Get(note).Submit(note+"/remove", nil).Must(200, "No notes yet")
		for event, n := range map[string]int64{"note.added": 1, "note.changed": 2, "note.removed": 1} {
			if w.Count("audit_records WHERE event = $1 AND account_id IS NULL", event) != n {
				t.Errorf("%s is not recorded, or to the account's people", event)
			}
		}
	})
}

// TestStaffChangesContacts adds, changes and removes one; who only reads sees
// them all.
func TestStaffChangesContacts(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/contacts"
		form := d.root.Get(path+"/new").Must(200, "New contact")
		p := form.Submit(path, url.Values{"name": {"Bo Books"}, "address": {"none"}, "country": {"DE"}}).Must(422)
		if p.FieldError("address") == "" || p.Find("[name=name]").AttrOr("value", "") != "Bo Books" {
			t.Error("a mistake is not named, or what was typed is lost")
		}
		p.Submit(path, url.Values{"address": {"books@bakery.example"}, "kinds": {"invoice"}}).Must(200, "Bo Books is a contact", "books@bakery.example")
		contact := path + "/" + id.String(id.Contact(apptest.Query[int64](w, "SELECT id FROM contacts")[0]))
		d.root.Get(contact).Submit(contact, url.Values{"name": {"Bo Books Ltd"}}).Must(200, "Bo Books Ltd")
		look := w.Operator("Reed", "reed@northbeam.example", "readonly")
		if p := look.Get(path).Must(200, "Bo Books Ltd"); p.Find(`a[href$="/contacts/new"]`).Length() > 0 {
			t.Error("who only reads is offered to add")
		}
		look.Get(d.base).Must(200, "Contacts")
		look.Get(contact).Must(403)
		d.root.Get(contact).Submit(contact+"/remove", nil).Must(200, "No contacts")
	})
}

// TestGroupsAndFields makes a group and fields, and has staff and the
// account's people fill them in.
func TestGroupsAndFields(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		p := d.root.Get("/staff/groups").Must(200, "No groups yet")
		p = p.Submit("/staff/groups", url.Values{"name": {"Resellers"}, "colour": {"red"}}).Must(422)
		if p.FieldError("colour") == "" {
			t.Error("red is taken for a colour")
		}
		d.root.Post("/staff/groups", url.Values{"name": {"Resellers"}, "colour": {"#336699"}}).Must(200, "0 accounts")
		d.root.PostOnly("/staff/groups", url.Values{"name": {"resellers"}}).Must(422)
		group := id.String(id.Group(apptest.Query[int64](w, "SELECT id FROM account_groups")[0]))

		field := func(v url.Values) string {
			d.root.PostOnly("/staff/fields", v).Must(303)
			return "field-" + id.String(id.Field(apptest.Query[int64](w, "SELECT MAX(id) FROM account_fields")[0]))
		}
		if p := d.root.Get("/staff/fields/new").Submit("/staff/fields", url.Values{"name": {"Order"}, "kind": {"text"}, "pattern": {"(["}}).Must(422); p.FieldError("pattern") == "" {
			t.Error("a broken pattern is taken")
		}
		order := field(url.Values{"name": {"Order number"}, "kind": {"text"}, "pattern": {"^PO-[0-9]+$"}, "required": {"yes"}, "description": {"Like PO-17."}})
		risk := field(url.Values{"name": {"Risk"}, "kind": {"choice"}, "options": {"low\nhigh"}, "staff_only": {"yes"}})
		code := field(url.Values{"name": {"Phone code"}, "kind": {"secret"}})

		details := d.base + "/details"
		first, second := d.root.Get(details), d.root.Get(details)
		first.Submit(d.base+"/further", url.Values{"group": {group}, risk: {"high"}}).Must(200, "Resellers", "high")
		p = second.Submit(d.base+"/further", url.Values{risk: {"low"}}).Must(409, "Robin Okafor", "→ “Resellers”", "→ “high”")
		if got := p.Find(`[name="`+risk+`"] option[selected]`).AttrOr("value", ""); got != "low" {
			t.Errorf("what was chosen is lost: %q", got)
		}
		p.Submit(d.base+"/further", url.Values{"group": {group}}).Must(200, "low")
		if p := d.root.Get(details).Submit(d.base+"/further", url.Values{order: {"17"}}).Must(422); !strings.Contains(p.FieldError(order), "Like PO-17.") {
			t.Errorf("beside what does not fit: %q", p.FieldError(order))
		}

		settings := "/a/" + id.String(d.bakery) + "/settings"
		mine := d.nora.Get(settings).Must(200, "Order number", "Phone code")
		if mine.Says("Risk") || mine.Says("Resellers") {
			t.Error("an owner sees what is for staff alone")
		}
		if p := mine.Submit(settings+"/further", url.Values{order: {""}}).Must(422); p.FieldError(order) == "" {
			t.Error("what is needed may be left empty")
		}
		mine.Submit(settings+"/further", url.Values{order: {"PO-17"}, code: {"s3cret-word"}, risk: {"high"}}).Must(200, "Saved.")
		if p := d.nora.Get(settings); strings.Contains(p.Body, "s3cret-word") {
			t.Error("a secret is shown to the account's people")
		}
		if w.Count("account_values WHERE value = 'high'") != 0 || w.Count("account_values WHERE value = 's3cret-word'") != 1 {
			t.Error("an owner has changed what is for staff alone, or her own is lost")
		}
		if p := d.nora.Get("/a/"+id.String(d.bakery)+"/activity").Must(200, "Order number (empty) → “PO-17”"); strings.Contains(p.Body, "s3cret-word") || p.Says("Risk") || p.Says("Resellers") {
			t.Error("the account's log tells what it must not")
		}
		if p := d.nora.Get("/me/accounts/new").Must(200, "Order number"); p.Submit("/me/accounts/new", url.Values{"name": {"Second"}, "currency": {"EUR"}}).Must(422).FieldError(order) == "" {
			t.Error("an account is opened without what is needed")
		}
		d.nora.Get("/me/accounts/new").Submit("/me/accounts/new", url.Values{"name": {"Second"}, "currency": {"EUR"}, order: {"PO-18"}}).Must(200, "is open")

		list := d.root.Get("/staff/fields").Must(200, "2 accounts", "Staff alone")
		list.Submit("/staff/fields/"+risk[6:]+"/up", nil).Must(200)
		if names := d.root.Get("/staff/fields").Find("tbody tr td:first-child a").Text(); !strings.HasPrefix(names, "RiskOrder") {
			t.Errorf("the order is %s", names)
		}
		d.root.Get("/staff/fields/"+order[6:]).Must(200, "2 accounts have something in it").Submit("/staff/fields/"+order[6:]+"/remove", nil).Must(200, "with what 2 accounts had in it")
		d.root.Get("/staff/groups").Submit("/staff/groups/"+group+"/remove", nil).Must(200, "is removed")
		if w.Count("accounts WHERE group_id IS NOT NULL") != 0 {
			t.Error("an account is in a group that is gone")
		}
		look := w.Operator("Sam Second", "sam@northbeam.example", "support")
		look.Get("/staff/fields").Must(403)
		look.PostOnly("/staff/groups", url.Values{"name": {"X"}}).Must(403)
	})
}

// TestDetailsSayWhoWasFaster has two operators change one account at once: the
// second is told who has done what.
func TestDetailsSayWhoWasFaster(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		other := w.Operator("Sam Second", "sam@northbeam.example", "billing")
		path := d.base + "/details"
		first, second := d.root.Get(path), other.Get(path)
		first.Submit(path, url.Values{"city": {"Hamburg"}}).Must(200)
		p := second.Submit(path, url.Values{"city": {"Kiel"}}).Must(409, "Staff: Robin Okafor", "city (empty) → “Hamburg”", "Saved meanwhile: Hamburg")
		if p.Find("[name=city]").AttrOr("value", "") != "Kiel" {
			t.Error("what was typed is lost")
		}
		p.Submit(path, nil).Must(200, "Kiel")
	})
}

// TestAccountsAreNarrowedByStatusAndGroup narrows the list by both, keeps them
// while somebody searches and turns pages, and says so of a group that is not
// there. What is no status narrows nothing.
func TestAccountsAreNarrowedByStatusAndGroup(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.root.Post("/staff/groups", url.Values{"name": {"Resellers"}}).Must(200)
		group := apptest.Query[int64](w, "SELECT id FROM account_groups")[0]
		number := id.String(id.Group(group))
		mill := w.Account(w.Person("Mia Mill", "mia@mill.example"), "Old Mill")
		quay := w.Account(w.Person("Quinn Quay", "quinn@quay.example"), "Quay Boats")
		w.Exec("UPDATE accounts SET group_id = $1 WHERE id IN ($2, $3)", group, mill, quay)
		w.Exec("UPDATE accounts SET status = 'inactive' WHERE id IN ($1, $2)", quay, d.bakery)
		shut := w.Account(d.nora, "Shut Shop")
		w.Exec("UPDATE accounts SET status = 'closed', closed_at = $2 WHERE id = $1", shut, w.Clock.Now())
		for query, want := range map[string][]string{
			"":                                 {"Harbour Bakery", "Old Mill", "Quay Boats", "Shut Shop"},
			"?status=active":                   {"Old Mill"},
			"?status=inactive":                 {"Harbour Bakery", "Quay Boats"},
			"?group=" + number:                 {"Old Mill", "Quay Boats"},
			"?status=inactive&group=" + number: {"Quay Boats"},
			"?status=active&q=quay":            nil,
			"?status=inactive&q=quay":          {"Quay Boats"},
			"?q=mill&group=" + number:          {"Old Mill"},
			"?q=bakery&group=" + number:        nil,
			"?status=nothing":                  {"Harbour Bakery", "Old Mill", "Quay Boats", "Shut Shop"},
			"?status=closed":                   {"Shut Shop"},
			"?status=closed&group=" + number:   nil,
		} {
			p := d.root.Get("/staff/accounts" + query).Must(200)
			table := p.Find("#accounts table").Text()
			for _, name := range []string{"Harbour Bakery", "Old Mill", "Quay Boats", "Shut Shop"} {
				if got := strings.Contains(table, name); got != slices.Contains(want, name) {
					t.Errorf("%q shows %s: %v", query, name, got)
				}
			}
			if len(want) == 0 && !p.Says("No such account") {
				t.Errorf("%q does not say that nothing fits", query)
			}
		}
		p := d.root.Get("/staff/groups").Must(200)
		p = d.root.Get(p.Find(`main a[href*="group="]`).AttrOr("href", "")).Must(200, "In the group Resellers", "Old Mill")
		for name, want := range map[string]string{"group": number, "q": ""} {
			if got := p.Find(`main form[role="search"] input[name="`+name+`"]`).AttrOr("value", ""); got != want {
				t.Errorf("a search keeps %s as %q", name, got)
			}
		}
		for _, gone := range []string{"999", "1+OR+1", "0", "-1"} {
			p := d.root.Get("/staff/accounts?status=active&group="+gone).Must(404, "This group is not there")
			if p.Find("#accounts table").Length() > 0 {
				t.Errorf("of the group %s, accounts are shown", gone)
			}
			d.root.Get(p.Find(`#accounts a:contains("all groups")`).AttrOr("href", "")).Must(200, "Old Mill")
		}
		for n := range staff.PageSize {
			w.Exec("UPDATE accounts SET group_id = $1, status = 'inactive' WHERE id = $2", group, w.Account(d.nora, fmt.Sprintf("Stall %02d", n)))
		}
		p = d.root.Get("/staff/accounts?status=inactive&group="+number).Must(200, "Quay Boats", "Stall 48")
		p = d.root.Get(p.Find("a[rel=next]").AttrOr("href", "")).Must(200, "In the group Resellers", "Stall 49")
		if p.Says("Stall 48") || p.Says("Harbour Bakery") || p.Find("a[rel=next]").Length() > 0 {
			t.Error("the second page is not the rest")
		}
	})
}

package backoffice_test

import (
	"net/url"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// aContact adds a contact that gets the invoices, and tells its number.
func (d *desk) aContact(name, address string) string {
	home := "/a/" + id.String(d.bakery) + "/contacts"
	d.nora.Get(home+"/new").Submit(home, url.Values{"name": {name}, "address": {address}, "kinds": {"invoice"}}).Must(200)
	return id.String(id.Contact(apptest.Query[int64](d.World, "SELECT MAX(id) FROM contacts")[0]))
}

// A place is where a contact is changed, and the browser there.
type place struct {
	*apptest.Browser
	path string
}

// TestTheSecondToChangeAContactIsToldWhatTheFirstHasSaved opens one contact in
// two places at once, on either side: what was saved first is not lost, and
// saving once more is a decision.
func TestTheSecondToChangeAContactIsToldWhatTheFirstHasSaved(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		number := d.aContact("Bo Books", "books@bakery.example")
		ours, theirs := d.base+"/contacts/"+number, "/a/"+id.String(d.bakery)+"/contacts/"+number
		other := w.Operator("Sam Second", "sam@northbeam.example", "support")
		saved := func() string {
			return apptest.Query[string](w, "SELECT name || ' ' || address || ' ' || CAST(mail_kinds AS TEXT) FROM contacts")[0]
		}
		robin, sam, nora := place{d.root.Browser, ours}, place{other.Browser, ours}, place{d.nora.Browser, theirs}
		for _, c := range []struct {
			first, second place
			by            string // who is named to the second
		}{{robin, sam, "Robin Okafor"}, {nora, sam, "Nora Baker"}, {robin, nora, ""}, {nora, nora, ""}} {
			w.Exec("UPDATE contacts SET name = 'Bo Books', address = 'books@bakery.example', mail_kinds = 2")
			first, second := c.first.Get(c.first.path), c.second.Get(c.second.path)
			first.Submit(c.first.path, url.Values{"address": {"new@bakery.example"}, "kinds": {"support"}}).Must(200)
			was := saved()
			p := second.Submit(c.second.path, url.Values{"name": {"Bo B. Books"}}).Must(409, "Somebody else changed these details", "Saved meanwhile: new@bakery.example", "Saved meanwhile: Support", "Saved meanwhile: Bo Books", c.by)
			if saved() != was {
				t.Errorf("what was saved first is overwritten: %s", saved())
			}
			p.Submit(c.second.path, nil).Must(200)
			if !strings.HasPrefix(saved(), "Bo B. Books books@bakery.example") {
				t.Errorf("a decision is not kept: %s", saved())
			}
		}
	})
}

// TestWhatChangesOfAContactIsInTheLog redirects the invoices of an account to
// somebody else: its people, and staff, read from where to where.
func TestWhatChangesOfAContactIsInTheLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/contacts/" + d.aContact("Bo Books", "books@bakery.example")
		d.root.Get(path).Submit(path, url.Values{"address": {"evil@elsewhere.example"}, "city": {"Kiel"}}).Must(200)
		d.root.Get(path).Submit(path, url.Values{"kinds": {"support"}}).Must(200)
		d.root.Get(path).Submit(path+"/remove", nil).Must(200)
		for at, b := range map[string]*apptest.Browser{"/a/" + id.String(d.bakery) + "/activity": d.nora.Browser, d.base + "/activity": d.root.Browser} {
			b.Get(at).Must(200,
				"added a contact with the address books@bakery.example, who receives mail about: invoice",
				"changed a contact: address “books@bakery.example” → “evil@elsewhere.example”, city (empty) → “Kiel”",
				"changed a contact: kinds of mail “invoice” → “support”",
				"removed a contact with the address evil@elsewhere.example")
		}
	})
}

// TestWhatChangesOfANoteIsInTheLogOfStaff changes a note. The log says what
// kind of change it was, and not what the note says; and that to staff alone.
func TestWhatChangesOfANoteIsInTheLogOfStaff(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/notes"
		d.root.Get(path).Submit(path, url.Values{"text": {"Pays late."}}).Must(200)
		note := path + "/" + id.String(id.Note(apptest.Query[int64](w, "SELECT id FROM account_notes")[0]))
		d.root.Get(note).Submit(note, url.Values{"text": {"Pays never."}, "sticky": {"yes"}}).Must(200)
		p := d.root.Get("/staff/activity").Must(200, "changed a note for staff: what it says, sticky “no” → “yes”")
		if p.Says("Pays") {
			t.Error("the log has what a note says")
		}
		if d.nora.Get("/a/" + id.String(d.bakery) + "/activity").Must(200).Says("note for staff") {
			t.Error("the account's people read of a note")
		}
	})
}

package audit_test

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
	"pgregory.net/rapid"
)

// A desk is an account with some history, and its people.
type desk struct {
	*apptest.World
	account  id.Account
	nora     *apptest.Person // the owner
	ben      *apptest.Person // a member who may see contacts only
	robin    *apptest.Operator
	inside   string // the account's activity, to its people
	forStaff string // and to staff
}

func newDesk(t *testing.T, w *apptest.World) *desk {
	t.Helper()
	d := &desk{World: w, nora: w.Person("Nora Baker", "nora@bakery.example"), ben: w.Person("Ben Okafor", "ben@bakery.example")}
	d.account = w.Account(d.nora, "Harbour Bakery")
	w.Join(d.account, d.ben, apptest.Keys("contacts.manage"))
	d.inside = "/a/" + id.String(d.account) + "/activity"
	d.forStaff = "/staff/accounts/" + id.String(d.account) + "/activity"
	d.ben.Get("/a/" + id.String(d.account) + "/people").Must(403)
	w.Clock.Move(48 * time.Hour) // to the 4th of March
	d.nora.Post("/a/"+id.String(d.account)+"/contacts", url.Values{"account": {id.String(d.account)}, "name": {"Cora"}, "address": {"cora@bakery.example"}, "kinds": {"invoice"}}).Must(200)
	w.Clock.Move(48 * time.Hour) // to the 6th
	d.robin = w.Operator("Robin Root", "robin@northbeam.example", "administrator")
	d.robin.Post("/staff/accounts/"+id.String(d.account)+"/status", url.Values{"account": {id.String(d.account)}, "status": {"inactive"}}).Must(200)
	d.fresh()
	return d
}

// fresh has everybody confirmed who it is a moment ago, as exports ask for.
func (d *desk) fresh() {
	for _, table := range []string{"sessions", "staff_sessions"} {
		d.Exec("UPDATE "+table+" SET proved_at = $1", d.Clock.Now())
	}
}

// take exports what a page of the log shows.
func (d *desk) take(b *apptest.Browser, from, format string, more ...string) string {
	form := url.Values{"format": {format}}
	if strings.Contains(from, "accounts") || strings.HasPrefix(from, "/a/") {
		form.Set("account", id.String(d.account))
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	d.fresh()
	return b.PostOnly(from+"/export", form).Must(200).Body
}

func verifyFile(t interface {
	Helper()
	Fatal(...any)
}, text string,
) audit.FileReport {
	t.Helper()
	r, err := audit.VerifyFile(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestT144_AnExportOfTheWholeLogVerifiesOffline(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		text := d.take(d.robin.Browser, "/staff/activity", "ndjson")
		if r := verifyFile(t, text); !r.Whole || r.Found != 0 || r.Withheld != 0 || r.Records != int64(strings.Count(text, "\n"))-1 || r.Records < 8 {
			t.Fatalf("%+v of\n%s", r, text)
		}
		if signer := whole(t, w).Last.Public; verifyFile(t, text).Last.Public != signer {
			t.Error("the export is signed with another key than the log")
		}
		lines := strings.SplitAfter(text, "\n")
		lines = lines[:len(lines)-1]
		records := lines[:len(lines)-1]
		for n := range records {
			rest := strings.Join(slices.Delete(slices.Clone(lines), n, n+1), "")
			if verifyFile(t, rest).Found == 0 {
				t.Errorf("line %d can be taken out", n+1)
			}
		}
		if r := verifyFile(t, strings.Join(records, "")); r.Whole || r.Found != 0 {
			t.Errorf("without its checkpoint: %+v", r)
		}
		if verifyFile(t, text+records[0]).Found == 0 {
			t.Error("something stands behind the checkpoint")
		}
		end := strings.LastIndexByte(text, '"') - 1 // the signature's last letter, whose lowest bits nobody reads
		for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
			if other := text[:end] + string(letter) + text[end+1:]; other != text && verifyFile(t, other).Found == 0 {
				t.Errorf("the signature may end with %c as well as with %c", letter, text[end])
			}
		}
		rapid.Check(t, func(t *rapid.T) {
			at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			changed := []byte(text)
			if changed[at]++; changed[at] == '\n' || text[at] == '\n' || isNumber(text, at) {
				return
			}
			if verifyFile(t, string(changed)).Found == 0 {
				t.Fatalf("a changed byte is not found: %q", changed[max(0, at-60):min(len(changed), at+20)])
			}
		})
	})
}

// isNumber reports whether a place is in a record's number, which is the
// database's own and not in the chain: its lane and its place there are.
func isNumber(text string, at int) bool {
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	return strings.HasPrefix(text[begin:], `{"id":`) && at >= begin+len(`{"id":`) && at < begin+strings.IndexByte(text[begin:], ',')
}

func TestT144_APartOfTheLogVerifiesLineByLine(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		for from, b := range map[string]*apptest.Browser{
			d.forStaff: d.robin.Browser, "/staff/users/" + id.String(d.nora.User) + "/activity": d.robin.Browser, d.inside: d.nora.Browser, "/me/activity": d.nora.Browser,
		} {
			text := d.take(b, from, "ndjson")
			if r := verifyFile(t, text); r.Whole || r.Found != 0 || r.Records < 3 {
				t.Errorf("%s: %+v", from, r)
			}
			if r := verifyFile(t, strings.Replace(text, `"via":"`, `"via":"x`, 1)); r.Found == 0 {
				t.Errorf("%s: a change is not found", from)
			}
		}
		// An operator's network is hers: customers read that she acted.
		w.Exec("DELETE FROM throttles")
		text := d.take(d.nora.Browser, d.inside, "ndjson")
		at := strings.Index(text, `"event":"account.status_changed"`)
		line, _, _ := strings.Cut(text[at:], "\n")
		if !strings.Contains(line, `"withheld":["request","network"]`) || strings.Contains(line, `"network":"`) || verifyFile(t, text).Withheld == 0 {
			t.Errorf("a customer reads of an operator: %s", line)
		}
	})
}

func TestT121_AnExportForSpreadsheetsHoldsNoFormula(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		w.Exec("UPDATE users SET name = '=1+2' WHERE id = $1", d.nora.User)
		rows, err := csv.NewReader(strings.NewReader(d.take(d.nora.Browser, d.inside, "csv"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) < 5 || rows[0][0] != "record" {
			t.Fatalf("%v", rows)
		}
		found := false
		for _, row := range rows {
			found = found || row[2] == "'=1+2"
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("the cell %q is a formula", cell)
				}
			}
		}
		if !found {
			t.Error("the name is not in the export")
		}
	})
}

func TestAnExportIsRecordedAndStaysWithinOnesPermission(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		text := d.take(d.nora.Browser, d.inside, "ndjson", "group", "people", "person", "ben@")
		if strings.Contains(text, "contact.added") || !strings.Contains(text, "member.joined") {
			t.Errorf("the export is not what was asked for: %s", text)
		}
		want := `{"filter":{"group":"people","person":"chosen"},"format":"ndjson"}`
		if got := apptest.Query[string](w, "SELECT after FROM audit_records WHERE event = 'log.exported' AND account_id = $1", d.account); !slices.Equal(got, []string{want}) {
			t.Errorf("recorded: %v", got)
		}
		d.nora.Get(d.inside).Must(200, "exported activity")
		account := url.Values{"format": {"csv"}, "account": {id.String(d.account)}}
		if p := d.ben.PostOnly(d.inside+"/export", account); p.Status != 403 {
			t.Errorf("a member who may not see the activity takes it along: %d", p.Status)
		}
		reader := w.Operator("Rita Reader", "rita@northbeam.example", "billing")
		w.Exec("UPDATE staff SET role = 'support' WHERE id = $1", reader.Staff)
		for _, bad := range []url.Values{{}, {"format": {"xlsx"}}, {"format": {"csv"}, "from": {"yesterday"}}} {
			if p := d.nora.PostOnly("/me/activity/export", bad); p.Status != 422 || p.Header.Get("Content-Disposition") != "" {
				t.Errorf("%v: %d", bad, p.Status)
			}
		}
		if n := w.Count("audit_records WHERE event = 'log.exported'"); n != 1 {
			t.Errorf("%d exports are recorded, want 1", n)
		}
	})
}

func TestActivityIsFoundByPersonMatterObjectTimeAndOutcome(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		contact := apptest.Query[string](w, "SELECT CAST(id AS TEXT) FROM contacts")[0]
		const joined, added, status, refused = "gave Ben Okafor access", "added a contact", "changed the account's status", "was refused something that takes another permission"
		all := []string{joined, added, status, refused}
		for query, want := range map[string][]string{
			"":                                   all,
			"person=okafor":                      {joined, refused},
			"person=BEN%40":                      {joined, refused},
			"person=%23" + id.String(d.ben.User): {joined, refused},
			"by=staff":                           {status},
			"by=user":                            {added, refused},
			"group=people":                       {joined},
			"group=account":                      {added, status},
			"group=refused":                      {refused},
			"object=contact":                     {added},
			"object=impersonation":               {},
			"object=owner_recovery":              {},
			"group=impersonation":                {},
			"group=settings":                     {},
			"object=contact&number=" + contact:   {added},
			"object=contact&number=999999":       {},
			"from=2026-03-04":                    {added, status},
			"from=4+March+2026&to=2026-03-05":    {added},
			"to=2026-03-03":                      {joined, refused},
			"outcome=denied":                     {refused},
			"outcome=done&group=refused":         {},
			"person=okafor&outcome=denied":       {refused},
		} {
			for path, b := range map[string]*apptest.Browser{d.inside: d.nora.Browser, d.forStaff: d.robin.Browser, "/staff/activity": d.robin.Browser} {
				text := strings.Join(strings.Fields(b.Get(path+"?"+query).Must(200).Find("main table").Text()), " ")
				for _, phrase := range all {
					if strings.Contains(text, phrase) != slices.Contains(want, phrase) {
						t.Errorf("%s?%s: %q is there: %v", path, query, phrase, !slices.Contains(want, phrase))
					}
				}
			}
		}
		for query, field := range map[string]string{
			"from=yesterday": "from", "to=2026-02-30": "to", "from=2026-03-05&to=2026-03-04": "to", "person=nobody-at-all": "person",
			"group=x": "group", "by=x": "by", "object=x": "object", "number=x": "number", "outcome=x": "outcome",
		} {
			for path, b := range map[string]*apptest.Browser{d.inside: d.nora.Browser, "/staff/activity": d.robin.Browser} {
				p := b.Get(path + "?" + query).Must(422)
				if p.Find(".has-error [name="+field+"]").Length() != 1 {
					t.Errorf("%s?%s: nothing is said beside %s", path, query, field)
				}
			}
		}
		// Somebody of another account is nobody here, whether there is such a
		// person or not.
		w.Person("Zoe Stranger", "zoe@elsewhere.example")
		d.nora.Get(d.inside+"?person=zoe").Must(422, "Nobody fits")
		d.robin.Get("/staff/activity?person=zoe").Must(200)
	})
}

func TestActivityGoesOnWithWhatWasAskedFor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		for range 2*audit.PageSize + 7 {
			if err := write(w, d.account, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, from := range []string{d.inside, "/staff/activity"} {
			b := d.nora.Browser
			if from == "/staff/activity" {
				b = d.robin.Browser
			}
			var seen []string
			for path := from + "?object=contact&group=account"; path != ""; {
				p := b.Get(path).Must(200)
				p.Find("tbody tr .entry .fact:last-child .num").Each(func(_ int, n *goquery.Selection) { seen = append(seen, n.Text()) })
				path = p.Find("a[rel=next]").AttrOr("href", "")
			}
			want := apptest.Query[string](w, "SELECT CAST(id AS TEXT) FROM audit_records WHERE object_kind = 'contact' AND account_id = $1 ORDER BY audit_records.id DESC", d.account)
			if !slices.Equal(seen, want) {
				t.Errorf("%s: %d entries, want %d", from, len(seen), len(want))
			}
		}
	})
}

// TestT144_TheUserActedAsReadsIt has an operator act as somebody: she finds it
// in her own activity, and nobody else's own has it.
func TestT144_TheUserActedAsReadsIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		w.In(func(tx *db.Tx) error {
			by := audit.Actor{Kind: audit.Staff, ID: int64(d.robin.Staff), Via: audit.ViaStaff, Behalf: d.nora.User, Request: "r", Network: "198.51.100.77"}
			return audit.Write(tx, by, audit.Record{Event: "contact.removed", Account: d.account, Object: "contact", ObjectID: 1})
		})
		for _, path := range []string{"/me/activity", d.inside} {
			if p := d.nora.Get(path).Must(200, "Robin Root (staff) as Nora Baker", "removed a contact"); strings.Contains(p.Body, "198.51.100.77") {
				t.Errorf("%s shows where an operator sat", path)
			}
		}
		d.robin.Get("/staff/activity").Must(200, "Robin Root (staff) as Nora Baker", "198.51.100.77")
		if strings.Contains(d.ben.Get("/me/activity").Must(200).Body, "removed a contact") {
			t.Error("somebody else reads it as her own")
		}
	})
}

// TestT104_AnExportAsksForAFreshProof takes the log along from every place that
// has it, long after signing in. Whoever confirms comes back to what she was
// looking at, and takes it from there.
func TestT104_AnExportAsksForAFreshProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		w.Clock.Move(auth.Fresh + time.Microsecond)
		for path, b := range map[string]*apptest.Browser{
			"/me/activity": d.nora.Browser, d.inside: d.nora.Browser, d.forStaff: d.robin.Browser, "/staff/activity": d.robin.Browser,
			"/staff/users/" + id.String(d.nora.User) + "/activity": d.robin.Browser,
		} {
			w.Exec("UPDATE sessions SET proved_at = $1", w.Clock.Now().Add(-time.Hour))
			w.Exec("UPDATE staff_sessions SET proved_at = $1", w.Clock.Now().Add(-time.Hour))
			at, export := path+"?outcome=done", url.Values{"format": {"csv"}}
			records := w.Count("audit_records WHERE event = 'log.exported'")
			p := b.Get(at).Must(200).Submit(path+"/export", export).Must(403, "Confirm that it is you")
			if w.Count("audit_records WHERE event = 'log.exported'") != records || strings.Contains(p.Body, "record,at,who") {
				t.Fatalf("%s: without a fresh proof the log is taken along", path)
			}
			confirm := "/confirm"
			if strings.HasPrefix(path, "/staff") {
				confirm = "/staff/confirm"
			}
			p = p.Submit(confirm, url.Values{"password": {apptest.Password}}).Must(200)
			if p.URL.RequestURI() != at {
				t.Errorf("whoever confirms comes to %s instead of %s", p.URL.RequestURI(), at)
			}
			if p = p.Submit(path+"/export", export).Must(200); !strings.Contains(p.Body, "record,at,who") {
				t.Errorf("%s: with a fresh proof the export is %.100s", path, p.Body)
			}
		}
	})
}

// TestAPersonIsFoundByTheNameThatTheLogShows has an operator and somebody of a
// partner act in an account. Whoever reads that account's log finds them by
// name; and nobody whom it does not show, nor by what it does not show.
func TestAPersonIsFoundByTheNameThatTheLogShows(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(t, w)
		jorg := w.Operator("Jörg Åberg", "joerg@northbeam.example", "administrator")
		w.Operator("Sam Silent", "sam@northbeam.example", "administrator")
		jorg.Post("/staff/accounts/"+id.String(d.account)+"/status", url.Values{"account": {id.String(d.account)}, "status": {"active"}}).Must(200)
		ada, eve := w.Person("Ada Söderlund", "ada@studio.example"), w.Person("Eve Silent", "eve@studio.example")
		studio := w.Account(ada, "Studio")
		w.Join(studio, eve, apptest.Keys("contacts.manage"))
		w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)", d.account, studio, access.Everything, w.Clock.Now())
		ada.Post("/a/"+id.String(d.account)+"/contacts", url.Values{"account": {id.String(d.account)}, "name": {"Carl"}, "address": {"carl@bakery.example"}, "kinds": {"invoice"}}).Must(200)
		places := map[string]*apptest.Browser{d.inside: d.nora.Browser, d.forStaff: d.robin.Browser, "/staff/activity": d.robin.Browser}
		finds := func(path, word, words string) {
			t.Helper()
			if !places[path].Get(path + "?" + url.Values{"person": {word}}.Encode()).Must(200).Says(words) {
				t.Errorf("%s: %q does not find what was done", path, word)
			}
		}
		nobody := func(path, word string) {
			t.Helper()
			places[path].Get(path+"?"+url.Values{"person": {word}}.Encode()).Must(422, "Nobody fits")
		}
		for path := range places {
			for _, word := range []string{"Jörg", "jorg", "ÅBERG"} {
				finds(path, word, "Staff: Jörg Åberg")
			}
			for _, word := range []string{"söder", "Soderlund", "#" + id.String(ada.User)} {
				finds(path, word, "Ada Söderlund, through account")
			}
			if path != d.inside {
				finds(path, "joerg@", "Staff: Jörg Åberg")
				finds(path, "ada@studio", "Ada Söderlund, through account")
			}
		}
		for _, word := range []string{"sam", "eve", "joerg@", "ada@studio", "northbeam.example", "#" + id.String(eve.User), "´"} {
			nobody(d.inside, word)
		}
		nobody(d.forStaff, "silent")
	})
}

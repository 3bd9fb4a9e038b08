package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/user"

	"github.com/PuerkitoBio/goquery"
)

// field adds a field of the operator's own, and what the bakery has in it.
func (d *desk) field(number int, name, kind, value string) {
	d.Exec("INSERT INTO account_fields (id, name, kind, position, created_at) VALUES ($1, $2, $3, $4, $5)", number, name, kind, 100-number, d.Clock.Now())
	d.Exec("INSERT INTO account_values (account_id, field_id, value) VALUES ($1, $2, $3)", d.bakery, number, value)
}

func (d *desk) note(text, author string, sticky bool, at time.Time) {
	d.Exec("INSERT INTO account_notes (account_id, text, author, sticky, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $5)", d.bakery, text, author, sticky, at)
}

// fact is what stands beside a label in a list of facts.
func fact(p *apptest.Page, label string) string {
	dt := p.Find("main dt").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.TrimSpace(s.Text()) == label })
	return strings.Join(strings.Fields(dt.Parent().Find("dd").Text()), " ")
}

func TestStaffSeeWhatAnAccountBrought(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		p := d.root.Get(d.base).Must(200)
		if got := fact(p, "Wants to hear of offers"); got != "No" {
			t.Errorf("wants to hear of offers: %q", got)
		}
		for _, part := range []string{"Group", "Further details", "All notes", "former system"} {
			if p.Says(part) {
				t.Errorf("there is a part %q with nothing in it", part)
			}
		}
		now := w.Clock.Now()
		w.Exec("INSERT INTO imports (id, name, version, runner, began_at) VALUES (1, 'whmcs', '8.13', '', $1)", now)
		w.Exec("INSERT INTO import_rows (import_id, kind, source_id, target_id) VALUES (1, 'client', 4242, $1)", d.bakery)
		w.Exec("INSERT INTO import_rows (import_id, kind, source_id, target_id) VALUES (1, 'login', 777, $1)", d.bakery)
		w.Exec("INSERT INTO account_groups (id, name, colour, created_at) VALUES (1, 'Resellers & friends', '#c0ffee', $1)", now)
		w.Exec("UPDATE accounts SET import_id = 1, group_id = 1, offers = TRUE, language = 'de' WHERE id = $1", d.bakery)
		d.field(1, "Shop", "link", "http://bakery.example/")
		d.field(2, "Trap", "link", "javascript:alert(1)")
		d.field(3, "Reseller", "tick", "")
		d.field(4, "PIN", "secret", "hunter 2 & more")
		d.field(5, "Opening", "lines", "Mon <i>8</i>\nTue 9")
		d.note("old", "Sam", false, now.Add(-48*time.Hour))
		d.note("new\nin two lines", "", false, now.Add(-time.Hour))
		d.note("stuck", "Rita", true, now.Add(-72*time.Hour))
		p = d.root.Get(d.base).Must(200, "Author not known")
		for label, want := range map[string]string{
			"Wants to hear of offers": "Yes", "Group": "Resellers & friends", "Came in": "from the former system as client 4242",
			"Language": "Deutsch (not used here: mail comes in English)", "Opening": "Mon <i>8</i> Tue 9", "PIN": "Showhunter 2 & more",
			"Reseller": "No", "Trap": "javascript:alert(1)", "Shop": "http://bakery.example/",
		} {
			if got := fact(p, label); got != want {
				t.Errorf("%s: %q, want %q", label, got, want)
			}
		}
		if p.Says("777") {
			t.Error("a login's number is shown as the client's")
		}
		if fill := p.Find("svg.swatch circle").AttrOr("fill", ""); fill != "#c0ffee" || p.Find("main [style]").Length() > 0 {
			t.Errorf("the group's colour is %q", fill)
		}
		if secret := p.Find("details:contains(hunter)"); secret.Length() != 1 || secret.Is("[open]") {
			t.Error("the secret stands open")
		}
		if rel := p.Find(`a[href="http://bakery.example/"]`).AttrOr("rel", ""); !strings.Contains(rel, "noopener") || p.Find(`a[href*="script"]`).Length() > 0 {
			t.Errorf("the links are not as they should be: rel=%q", rel)
		}
		text := p.Find("main").Text()
		if stuck, fresh, old := strings.Index(text, "stuck"), strings.Index(text, "in two lines"), strings.Index(text, "Sam"); stuck < 0 || stuck > fresh || fresh > old {
			t.Errorf("the notes stand in the order %d, %d, %d", stuck, fresh, old)
		}
		w.Exec("UPDATE account_groups SET colour = 'red;x'")
		if d.root.Get(d.base).Must(200).Find("svg.swatch").Length() != 0 {
			t.Error("what is no colour is drawn")
		}
		other := w.Account(d.ada, "Field & Form")
		if p := d.root.Get("/staff/accounts/" + id.String(other)).Must(200); p.Says("stuck") || p.Says("PIN") || p.Says("4242") {
			t.Error("another account has them too")
		}
		nora, err := w.Auth.Identify(t.Context(), d.nora.Cookie("__Host-clientele-session"), auth.Request{})
		if err != nil {
			t.Fatal(err)
		}
		mine, err := access.Check[access.Enter](t.Context(), w.Memberships, access.Person(nora), d.bakery)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := account.ForStaff(t.Context(), mine); !fault.Is(err, fault.Denied) || len(v.Notes) > 0 {
			t.Errorf("a customer reads staff's notes: %v", err)
		}
	})
}

func TestStaffKeepALanguageWithoutPages(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		w.Exec("UPDATE accounts SET language = 'uk' WHERE id = $1", d.bakery)
		path := d.base + "/details"
		p := d.root.Get(path).Must(200, "українська (not translated yet: English is used)")
		p = p.Submit(path, url.Values{"name": {""}, "language": {"en"}}).Must(422)
		if p.Find("select[name=language] option[value=uk]").Length() != 1 {
			t.Error("after a mistake it can no longer be chosen")
		}
		p.Submit(path, url.Values{"name": {"Bakery"}, "language": {"uk"}, "currency": {"BDT"}}).Must(200, "are saved", "українська", "BDT")
	})
}

func TestStaffSeeWhoHasNoAddress(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		w.Exec("UPDATE users SET address = $2, verified_at = NULL, password = '' WHERE id = $1", d.nora.User, user.StandIn("client-42", "whmcs"))
		w.Exec("UPDATE accounts SET address = '', import_id = NULL WHERE id = $1", d.bakery)
		w.Exec("INSERT INTO contacts (account_id, name, address, line1, city, country, created_at) VALUES ($1, 'Books', '', '1 Quay Street', 'Galway', 'IE', $2)", d.bakery, w.Clock.Now())
		member := d.base + "/users/" + id.String(d.Membership(d.bakery, d.nora))
		for _, path := range []string{d.base, d.base + "/users", member, "/staff/users", "/staff/search?q=nora", "/staff/users/" + id.String(d.nora.User)} {
			if p := d.root.Get(path).Must(200, "No address known"); p.Says("whmcs.invalid") {
				t.Errorf("%s shows the address that stands for nobody", path)
			}
		}
		if p := d.root.Get("/staff/users/" + id.String(d.nora.User)); p.Says("Mail the link") {
			t.Error("a link can be mailed to nobody")
		}
		d.root.Get("/staff/accounts").Must(200, "No address")
		if got := fact(d.root.Get(d.base), "Mail address"); got != "No address" {
			t.Errorf("the account's address is %q", got)
		}
		d.root.Get(d.base+"/contacts").Must(200, "No address", "1 Quay Street", "Galway", "Ireland")
		w.Exec("UPDATE users SET verified_at = $2 WHERE id = $1", d.nora.User, w.Clock.Now())
	})
}

func TestStaffSendAnInvitationThatCameIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		now := w.Clock.Now()
		w.Exec(`INSERT INTO invitations (account_id, address, token_hash, role, sends, created_at, sent_at, expires_at)
			VALUES ($1, 'new@x.example', 'h', 'billing', 0, $2, $2, $3)`, d.bakery, now, now.Add(90*24*time.Hour))
		path := d.base + "/invitations/" + id.String(apptest.Query[id.Invitation](w, "SELECT id FROM invitations")[0])
		p := d.root.Get(d.base+"/users").Must(200, "Not sent yet", "has no link yet", "never")
		if p.Says("Send again") {
			t.Error("it looks as if it had been sent")
		}
		d.root.Get(path).Must(200, "Not sent yet", "Somebody of the former system").Submit(path+"/resend", nil).Must(200, "The invitation to new@x.example is sent.", "Send again", "by staff")
		w.Mail.Next(t, "new@x.example", "invites you to Harbour Bakery")
		d.root.Get(path).Submit(path+"/resend", nil).Must(200, "is sent again")
	})
}

package backoffice_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"

	"github.com/PuerkitoBio/goquery"
)

func TestStaffFinds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		for q, want := range map[string]string{
			"harb": "Harbour Bakery", "BAKERY": "Harbour Bakery", "@bakery": "Nora Baker", "lindqv": "Ada Lindqvist",
			id.String(d.bakery): "Harbour Bakery", "#" + id.String(d.bakery): "Harbour Bakery", "zzz": "Nothing found",
		} {
			d.root.Get("/staff/search?q="+url.QueryEscape(q)).Must(200, want)
		}
		d.root.Get("/staff/search").Must(200, "Nothing searched for yet")
		d.root.Get("/staff/search?q=<script>").Must(200, "has “<script>” in a name")
		d.root.Get("/staff/accounts?q=harb").Must(200, "Harbour Bakery")
		d.root.Get("/staff/users?q=nobody").Must(200, "No user found")
	})
}

func TestListsGoOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		for n := range 60 {
			w.Account(d.ada, fmt.Sprintf("Shop %02d", n))
		}
		p := d.root.Get("/staff/accounts?q=shop").Must(200, "Shop 00", "Shop 49")
		next := p.Find("a[rel=next]").AttrOr("href", "")
		if p = d.root.Get(next).Must(200, "Shop 50", "Shop 59"); p.Says("Shop 49") || p.Find("a[rel=next]").Length() > 0 {
			t.Error("the second page is not the rest")
		}
		d.root.Get("/staff/search?q=shop").Must(200, "More accounts")
		p = d.root.Get("/staff/users/"+id.String(d.ada.User)).Must(200, "Shop 00", "More accounts")
		more := p.Find(`a.button[href*="after_name"]`).AttrOr("href", "")
		d.root.Get(more).Must(200, "Shop 59")
	})
}

func TestUserPageSaysWhereAndWhy(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.join()
		studio := w.Account(d.ada, "Lindqvist Design")
		yoga := w.Account(d.nora, "Still Water Yoga")
		w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)",
			yoga, studio, access.Everything, w.Clock.Now())
		path := "/staff/users/" + id.String(d.ada.User)
		p := d.root.Get(path).Must(200, "ada@lindqvist.example", "Member: Technical", "Owner", "Through Lindqvist Design", "in 1 browser")
		p.Submit(path+"/password-link", nil).Must(200, "is on its way", "mailed Ada Lindqvist a link to set a new password")
		w.Mail.Next(t, d.ada.Address, "new password")
		if strings.Contains(p.Body, "/recover/") {
			t.Error("the page shows a link")
		}
		d.root.Get("/staff/users/999999").Must(404)
		d.root.Get("/staff/users/x").Must(404)
	})
}

func TestMailLog(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		user := "/staff/users/" + id.String(d.ada.User)
		w.Mail.Down(true)
		d.root.Get(user).Submit(user+"/password-link", nil).Must(200)
		for w.Count("mails WHERE problem <> ''") == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		d.root.Get("/staff").Must(200, "1 message waits after a try that failed")
		p := d.root.Get("/staff/mails").Must(200, "Waiting to be tried again", "Set a new password")
		w.Mail.Down(false)
		p.Submit("/staff/mails/retry", nil).Must(200, "being tried") // again now, or at this moment
		w.Quiet()
		p = d.root.Get("/staff/mails?state=sent&q=ada").Must(200, "Sent")
		if strings.TrimSpace(p.Find(`.tabs [aria-current]`).Text()) != "Sent" {
			t.Error("the tab Sent is not the current one")
		}
		mail := p.Find("tbody a").AttrOr("href", "")
		p = d.root.Get(mail).Must(200, "[link removed]", "for the recipient alone")
		if strings.Contains(p.Body, "/recover/") {
			t.Error("the log shows a link that was sent")
		}
		d.root.Get("/staff/mails?state=failed").Must(200, "No such mail")
		d.root.Get("/staff/mails?q=nobody").Must(200, "No such mail")
		d.root.Get("/staff/mails/99999").Must(404)
	})
}

func TestMailIsFoundByItsSubjectWithoutItsAccents(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		w.In(func(tx *db.Tx) error {
			_, err := w.Outbox.Send(tx, mail.Message{Kind: "test", Class: mail.Bulk, To: apptest.Address("kim@backerei.example"), Subject: locale.AsIs("Bäckerei Östhaven was closed")})
			return err
		})
		for _, word := range []string{"bäckerei", "BÄCKEREI ö", "osthaven was", "kim@"} {
			d.root.Get("/staff/mails?"+url.Values{"q": {word}}.Encode()).Must(200, "Bäckerei Östhaven")
		}
	})
}

func TestKeptMailCanBeFollowed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.root.Get("/staff").Must(200, "Mail is not sent", "No mail server is set in the settings")
		user := "/staff/users/" + id.String(d.ada.User)
		d.root.Get(user).Submit(user+"/password-link", nil).Must(200)
		p := d.root.Get("/staff/mails").Must(200, "Kept in the mail log")
		mail := p.Find("tbody a").AttrOr("href", "")
		p = d.root.Get(mail).Must(200, "kept instead of sent", "[link removed]")
		if strings.Contains(p.Body, "/recover/") {
			t.Error("a link is shown to whoever only looks")
		}
		p = p.Submit(mail+"/open", nil).Must(200, "Its link works from here")
		link := p.Find(`main a[href*="/recover/"]`)
		if link.Length() != 1 || link.Text() != link.AttrOr("href", "") {
			t.Fatalf("%d links in the message", link.Length())
		}
		if w.Count("audit_records WHERE event = 'staff.opened_mail' AND subject_id = $1", d.ada.User) != 1 {
			t.Error("that it was opened is not recorded")
		}
		w.Browser().Get(strings.TrimPrefix(link.Text(), apptest.BaseURL)).Must(200, "new password")
	}, kept)
}

// TestT103_KeptMailOpensNoMoreThanTheRoleDoes keeps operators from becoming
// other operators, and from becoming customers whom they may not help, by mail
// that stands in the log because it is not sent.
func TestT103_KeptMailOpensNoMoreThanTheRoleDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		user := "/staff/users/" + id.String(d.ada.User)
		d.root.Get(user).Submit(user+"/password-link", nil).Must(200)
		d.root.Get("/staff/people/new").Submit("/staff/people", url.Values{"name": {"Ann Admin"}, "address": {"ann@northbeam.example"}, "role": {"administrator"}}).Must(200)
		mails := map[string]string{}
		d.root.Get("/staff/mails").Must(200).Find("tbody a").Each(func(_ int, a *goquery.Selection) { mails[a.Text()] = a.AttrOr("href", "") })
		helper := w.Operator("Sam Support", "sam@northbeam.example", "support")
		biller := w.Operator("Bea Books", "bea@northbeam.example", "billing")
		for subject, mail := range mails {
			forStaff := strings.Contains(subject, "staff")
			for _, c := range []struct {
				op   *apptest.Operator
				want bool
			}{{d.root, true}, {helper, !forStaff}, {biller, false}} {
				offered := c.op.Get(mail).Must(200).Find(`form[action="`+mail+`/open"]`).Length() > 0
				answer := c.op.Post(mail+"/open", nil)
				if offered != c.want || (answer.Status == 200) != c.want || !c.want && (answer.Status != 403 || strings.Contains(answer.Body, "/recover/") || strings.Contains(answer.Body, "/welcome/")) {
					t.Errorf("%s opens %q: offered %v, answer %d", c.op.Address, subject, offered, answer.Status)
				}
			}
		}
		if len(mails) < 2 {
			t.Fatalf("only %d messages", len(mails))
		}
		w.Clock.Move(11 * time.Minute)
		for _, mail := range mails {
			d.root.Post(mail+"/open", nil).Must(403, "Confirm that it is you")
		}
	}, kept)
}

func TestDetails(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		path := d.base + "/details"
		first, second := d.root.Get(path).Must(200, "Details of Harbour Bakery"), d.root.Get(path)
		p := first.Submit(path, url.Values{"name": {"see //evil"}, "address": {"none"}, "city": {"Hamburg"}}).Must(422)
		if p.FieldError("name") == "" || p.FieldError("address") == "" || p.Find("[name=city]").AttrOr("value", "") != "Hamburg" {
			t.Error("mistakes are not named, or what was typed is lost")
		}
		first.Submit(path, url.Values{"city": {"Hamburg"}}).Must(200, "are saved", "Hamburg", "city (empty) → “Hamburg”")
		p = second.Submit(path, url.Values{"city": {"Kiel"}}).Must(409, "Somebody else changed these details", "Saved meanwhile: Hamburg")
		p.Submit(path, nil).Must(200, "Kiel")
		first.Submit(path, url.Values{"kinds": {}}).Must(409)
		d.root.Get(path).Submit(path, url.Values{"kinds": {"general"}}).Must(422, "Somebody must receive mail about domains.")
	})
}

func TestStatusAndReopening(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		status := func(p *apptest.Page, s string) *apptest.Page {
			return p.Submit(d.base+"/status", url.Values{"status": {s}})
		}
		p := status(d.root.Get(d.base), "inactive").Must(200, "is marked as inactive", "Mark as active")
		status(p, "closed").Must(422)
		status(p, "inactive").Must(409)
		w.Exec("UPDATE accounts SET status = 'closed', closed_at = $1 WHERE id = $2", w.Clock.Now(), d.bakery)
		p = d.root.Get(d.base).Must(200, "This account is closed", "Open this account again")
		if p.Says("Change details") || p.Says("Mark as") {
			t.Error("a closed account can be changed")
		}
		d.root.Get(d.base + "/users").Must(200)
		p.Submit(d.base+"/reopen", nil).Must(200, "is open again", "opened the account again")
	})
}

// TestPagesAreWhole opens every page that a menu or a table of the staff area
// leads to, and looks at what all of them promise.
func TestPagesAreWhole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		d := newDesk(w)
		d.join()
		d.root.Get(d.base+"/users/invite").Submit(d.base+"/users/invite", url.Values{"address": {"new@x.example"}, "role": {"technical"}}).Must(200)
		seen := map[string]bool{"/staff": true}
		for queue := []string{"/staff"}; len(queue) > 0; queue = queue[1:] {
			p := d.root.Get(queue[0]).Must(200)
			whole(t, queue[0], p)
			p.Find("a[href]").Each(func(_ int, a *goquery.Selection) {
				href := a.AttrOr("href", "")
				if strings.HasPrefix(href, "/staff") && !seen[href] {
					seen[href] = true
					queue = append(queue, href)
				}
			})
		}
		if len(seen) < 20 {
			t.Errorf("only %d pages are led to", len(seen))
		}
	})
}

func whole(t *testing.T, path string, p *apptest.Page) {
	t.Helper()
	title := p.Find("title").Text()
	if p.Find("h1").Length() != 1 || !strings.HasSuffix(title, " · Northbeam Hosting") {
		t.Errorf("%s has %d h1 and the title %q", path, p.Find("h1").Length(), title)
	}
	account, inAccount := strings.CutPrefix(path, "/staff/accounts/")
	if inAccount && !strings.Contains(title, "Harbour Bakery") {
		t.Errorf("%s does not name its account: %q", path, title)
	}
	number, _, _ := strings.Cut(account, "/")
	p.Find("form[method=post]").Each(func(_ int, f *goquery.Selection) {
		action := f.AttrOr("action", "")
		if strings.HasPrefix(action, "/staff/accounts/") && f.Find("[name=account]").AttrOr("value", "") != number {
			t.Errorf("%s: the form to %s does not carry its account", path, action)
		}
	})
	ids := map[string]bool{}
	p.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		if name := s.AttrOr("id", ""); ids[name] {
			t.Errorf("%s: two elements are called %s", path, name)
		} else {
			ids[name] = true
		}
	})
}

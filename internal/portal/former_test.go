package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/user"

	"github.com/PuerkitoBio/goquery"
)

// chosen is what stands chosen in a select.
func chosen(p *apptest.Page, name string) (value, label string) {
	option := p.Find("select[name=" + name + "] option[selected]")
	return option.AttrOr("value", ""), strings.TrimSpace(option.Text())
}

// stored is one text of the database.
func stored(s *inviteStage, query string, args ...any) string {
	s.t.Helper()
	return apptest.Query[string](s.World, query, args...)[0]
}

const untranslated = " (not translated yet: English is used)"

func TestALanguageWithoutPagesIsKept(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.Exec("UPDATE users SET language = 'de' WHERE id = $1", s.alice.User)
		s.Exec("UPDATE accounts SET language = 'pt-BR' WHERE id = $1", s.a)
		p := s.alice.Get("/me").Must(200)
		if key, label := chosen(p, "language"); key != "de" || label != "Deutsch (not used here: mail comes in English)" {
			t.Errorf("on her page stands %q, %q", key, label)
		}
		if lang := p.Find("html").AttrOr("lang", ""); lang != "en" {
			t.Errorf("the page says that it is in %q", lang)
		}
		if key, _ := chosen(p.Submit("/me", form("name", "")).Must(422), "language"); key != "de" {
			t.Errorf("after a mistake stands %q", key)
		}
		p.Submit("/me", form("name", "Alice M")).Must(200, "Saved.")
		p.Submit("/me", form("language", "xx")).Must(422)
		if got := stored(s, "SELECT language FROM users WHERE id = $1", s.alice.User); got != "de" {
			t.Errorf("after she has saved her language is %q", got)
		}
		settings := accountPath(s.a) + "/settings"
		p = s.alice.Get(settings).Must(200)
		if key, label := chosen(p, "language"); key != "pt-BR" || label != "português"+untranslated {
			t.Errorf("in the settings stands %q, %q", key, label)
		}
		p = p.Submit(settings, form("language", "en", "address", "")).Must(422)
		if n := p.Find("select[name=language] option[value=pt-BR]").Length(); n != 1 {
			t.Error("after a mistake the language that is saved can no longer be chosen")
		}
		s.alice.Get(settings).Submit(settings, form("city", "Porto", "currency", "BDT")).Must(200, "Saved.")
		if got := stored(s, "SELECT language || currency FROM accounts WHERE id = $1", s.a); got != "pt-BRBDT" {
			t.Errorf("after saving the account has %q", got)
		}
		s.alice.Get("/me/accounts/new").Submit("/me/accounts/new", form("name", "Zweig")).Must(200)
		if got := stored(s, "SELECT language FROM accounts WHERE name = 'Zweig'"); got != "de" {
			t.Errorf("her new account has %q", got)
		}
		s.alice.Get("/me").Submit("/me", form("language", "en")).Must(200, "Saved.")
		if n := s.alice.Get("/me").Find("select[name=language] option").Length(); n != 1 {
			t.Errorf("she has %d languages to choose from", n)
		}
	})
}

func TestNobodyIsWrittenToWithoutAnAddress(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.Exec("UPDATE accounts SET address = '' WHERE id = $1", s.a)
		now := s.Clock.Now()
		s.Exec("INSERT INTO contacts (account_id, name, address, mail_kinds, created_at) VALUES ($1, 'Books', '', 63, $2)", s.a, now)
		s.Exec("INSERT INTO contacts (account_id, name, address, mail_kinds, created_at) VALUES ($1, 'Night', 'night@acorn.example', 1, $2)", s.a, now)
		contacts, settings := accountPath(s.a)+"/contacts", accountPath(s.a)+"/settings"
		p := s.alice.Get(contacts).Must(200, "Books", "No address", "night@acorn.example")
		if n := strings.Count(p.Find("table").Text(), "No address"); n != 2 {
			t.Errorf("%d have no address, want the account and a contact", n)
		}
		one := p.Find(`a[href^="`+contacts+`/"]:contains("Books")`).AttrOr("href", "")
		if p := s.alice.Get(one).Must(200).Submit(one, nil).Must(422); p.FieldError("address") == "" {
			t.Error("a contact is saved without an address")
		}
		if p := s.alice.Get(settings).Must(200).Submit(settings, nil).Must(422); p.FieldError("address") == "" {
			t.Error("the account is saved without an address")
		}
		// A contact that no mail reaches does not stand for the account's own.
		p = s.alice.Get(settings).Submit(settings, form("address", "acorn@acorn.example", "kinds", "general")).Must(422)
		if !strings.Contains(p.FieldError("kinds"), "Somebody must receive mail about domains") {
			t.Errorf("beside the kinds: %q", p.FieldError("kinds"))
		}
		s.alice.Post(one+"/remove", s.own()).Must(200, "is removed")
		s.Exec("INSERT INTO contacts (account_id, name, address, mail_kinds, created_at) VALUES ($1, 'Books', '', 63, $2)", s.a, now)

		s.alice.Post(accountPath(s.a)+"/close", s.own("number", id.String(s.a))).Must(200, "is closed")
		s.Mail.Next(t, "night@acorn.example", "was closed")
		s.Mail.Next(t, s.alice.Address, "was closed")
		if n := s.Count("mails WHERE recipient = ''"); n != 0 {
			t.Errorf("%d mails go to no address", n)
		}
		s.alice.Get(contacts).Must(200, "No address")
		s.alice.Get(settings).Must(200, "not given")
	})
}

func TestAnOwnerOfWhomNoAddressIsKnown(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		ghost := s.Person("Client 42", "ghost@acorn.example")
		m := s.JoinAs(s.a, access.Join{User: ghost.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		s.Exec("UPDATE users SET address = $2, verified_at = NULL, password = '' WHERE id = $1", ghost.User, user.StandIn("client-42", "whmcs"))
		people := accountPath(s.a) + "/people"
		for _, path := range []string{people, people + "/members/" + id.String(m), people + "/policy"} {
			p := s.alice.Get(path).Must(200, "Client 42", "No address known")
			if p.Says("whmcs.invalid") {
				t.Errorf("%s shows the address that stands for nobody", path)
			}
		}
	})
}

func TestContactsHaveAPostalAddress(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		contacts := accountPath(s.a) + "/contacts"
		fill := form("name", "Books", "address", "books@acorn.example", "line1", "1 Quay Street", "line2", "Floor 2", "postcode", "H91",
			"city", "Galway", "region", "Connacht", "country", "IE", "tax_number", "IE123", "kinds", "domain")
		page := s.alice.Get(contacts+"/new").Must(200, "Postal address")
		wrong := url.Values{"country": {"XX"}, "city": {"Gal\u202eway"}, "line1": {strings.Repeat("x", 101)}}
		for name, values := range fill {
			if wrong[name] == nil {
				wrong[name] = values
			}
		}
		p := page.Submit(contacts, wrong).Must(422)
		for _, name := range []string{"country", "city", "line1"} {
			if p.FieldError(name) == "" {
				t.Errorf("nothing stands beside %s", name)
			}
		}
		page.Submit(contacts, fill).Must(200, "Books is a contact")
		one := contacts + "/" + id.String(apptest.Query[id.Contact](s.World, "SELECT id FROM contacts")[0])
		p = s.alice.Get(one).Must(200)
		for _, name := range []string{"line1", "line2", "postcode", "city", "region", "tax_number"} {
			if got := p.Find("[name="+name+"]").AttrOr("value", ""); got != fill.Get(name) {
				t.Errorf("%s is %q", name, got)
			}
		}
		if key, _ := chosen(p, "country"); key != "IE" {
			t.Errorf("the country is %q", key)
		}
		p.Submit(one, form("city", "Salthill", "country", "")).Must(200, "Saved.")
		if got := stored(s, "SELECT line1 || '|' || city || '|' || country || '|' || tax_number FROM contacts"); got != "1 Quay Street|Salthill||IE123" {
			t.Errorf("saved is %q", got)
		}
		s.alice.Get(one).Submit(one, form("name", "Quay Books")).Must(200, "Saved.")
		s.Exec("UPDATE accounts SET status = 'closed' WHERE id = $1", s.a)
		s.alice.Get(one).Must(200, "1 Quay Street", "H91 Salthill", "IE123")
	})
}

func TestAnInvitationThatCameInIsNotSentYet(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		number := s.cameIn("nina@x.example")
		people := accountPath(s.a) + "/people"
		resend := s.path() + "/" + id.String(number) + "/resend"
		p := s.alice.Get(people).Must(200, "nina@x.example", "Not sent yet", "Has no link yet")
		if p.Says("Send again") || p.Says("by support") {
			t.Error("it looks as if it had been sent")
		}
		nina.Get("/me/invitations").Must(200, "Acorn Paper")
		s.alice.Get(s.path()+"/"+id.String(number)).Must(200, "It was not sent yet.")
		p.Submit(resend, nil).Must(200, "The invitation to nina@x.example is on its way.", "by Alice Moreau")
		if p := s.alice.Get(people); p.Says("Not sent yet") || !p.Says("Send again") {
			t.Error("it still looks as if it had not been sent")
		}
		if n := s.Count("invitations WHERE sends = 1 AND sent_at = $1 AND expires_at = $2", s.Clock.Now(), s.Clock.Now().Add(invite.Life)); n != 1 {
			t.Error("it has no life of its own")
		}
		if n := s.Count("audit_records WHERE event = 'invitation.sent' AND object_id = $1", number); n != 1 {
			t.Errorf("%d records of its sending", n)
		}
		s.Mail.Next(t, "nina@x.example", "Alice Moreau invites you to")
		s.alice.Get(people).Submit(resend, nil).Must(200, "Sent again with a new link.")
		nina.Get(s.Mail.Next(t, "nina@x.example", "invites you to").Link(t)).Must(200)
		inviteAccept(nina.Browser).Must(303)
	})
}

func TestAnInvitationThatCameInCanBeAcceptedUnsent(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		number := s.cameIn("nina@x.example")
		bob := s.bob()
		bob.PostOnly(s.path()+"/"+id.String(number)+"/resend", s.own()).Must(403)
		accept := "/me/invitations/" + id.String(number) + "/accept"
		nina.Get("/me/invitations").Submit(accept, nil).Must(200)
		if b, _ := access.RoleByKey("billing"); s.holds("nina@x.example") != b.Set {
			t.Errorf("she holds %v", s.holds("nina@x.example"))
		}
	})
}

// cameIn makes an invitation as it comes in from another system.
func (s *inviteStage) cameIn(address string) (number id.Invitation) {
	s.t.Helper()
	now := s.Clock.Now()
	i := invite.Imported{}.Unsent(now)
	s.Exec(`INSERT INTO invitations (account_id, address, token_hash, role, sends, created_at, sent_at, expires_at)
		VALUES ($1, $2, $3, 'billing', 0, $4, $4, $5)`, s.a, address, i.TokenHash, now, i.ExpiresAt)
	s.Clock.Move(time.Hour)
	return apptest.Query[id.Invitation](s.World, "SELECT MAX(id) FROM invitations")[0]
}

func TestCustomersSeeTheFieldsThatAreTheirs(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		settings := accountPath(s.a) + "/settings"
		if s.alice.Get(settings).Must(200).Says("Further details") {
			t.Error("there is a part for fields that do not exist")
		}
		mallory, theirs := s.mallory()
		for n, one := range []struct{ kind, staff, value string }{
			{"text", "FALSE", "A plain <b>value</b>"},
			{"link", "FALSE", "https://acorn.example/?a=1&b=2"},
			{"link", "FALSE", "javascript:alert(1)"},
			{"tick", "FALSE", "on"},
			{"secret", "FALSE", "hidden one"},
			{"text", "TRUE", "hidden two"},
			{"lines", "FALSE", "one\ntwo"},
		} {
			s.Exec("INSERT INTO account_fields (id, name, kind, staff_only, position, created_at) VALUES ($1, $2, $3, "+one.staff+", $1, $4)",
				n+1, "Field "+string(rune('A'+n)), one.kind, s.Clock.Now())
			s.Exec("INSERT INTO account_values (account_id, field_id, value) VALUES ($1, $2, $3)", s.a, n+1, one.value)
		}
		p := s.alice.Get(settings).Must(200, "Further details", "Field A", "Field D")
		for _, value := range []string{"A plain <b>value</b>", "https://acorn.example/?a=1&b=2", "javascript:alert(1)"} {
			if p.Find("main input").FilterFunction(func(_ int, in *goquery.Selection) bool { return in.AttrOr("value", "") == value }).Length() != 1 {
				t.Errorf("no field has %q", value)
			}
		}
		if strings.Contains(p.Body, "hidden one") || strings.Contains(p.Body, "hidden two") || p.Says("Field F") {
			t.Error("she sees what is for staff")
		}
		if p.Find(`a[href*="script"]`).Length() != 0 {
			t.Error("a script is a link")
		}
		if strings.Contains(mallory.Get(accountPath(theirs)+"/settings").Must(200, "Field A").Body, "A plain") {
			t.Error("another account shows the values, too")
		}
	})
}

func TestWhoMayHaveSeveralLoginsIsTold(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		const asked = "Did you use more than one login here before?"
		pages := []string{"/me/accounts", "/me", accountPath(s.a)}
		for _, path := range pages {
			if s.alice.Get(path).Must(200).Says(asked) {
				t.Errorf("%s asks somebody who has always been here", path)
			}
		}
		s.Exec("UPDATE users SET several = TRUE")
		for _, path := range pages {
			s.alice.Get(path).Must(200, asked, "go on with alice@acorn.example", "an owner of its account can invite this address")
		}
		nina := s.nina()
		s.alice.Get("/me").Submit("/me/accounts/several", nil).Must(200, "Your login. It is the same in every account.")
		for _, path := range pages {
			if s.alice.Get(path).Must(200).Says(asked) {
				t.Errorf("%s still asks", path)
			}
		}
		s.alice.Post("/me/accounts/several", nil).Must(200)
		if n := s.Count("audit_records WHERE event = 'user.hint_hidden'"); n != 1 {
			t.Errorf("%d records of it", n)
		}
		s.Exec("UPDATE users SET several = TRUE WHERE id = $1", nina.User)
		nina.Get("/me/accounts").Must(200, asked)
		nina.Get("/me/accounts").Submit("/me/accounts/several", form("next", "//evil.example")).Must(200, "Your accounts")
	})
}

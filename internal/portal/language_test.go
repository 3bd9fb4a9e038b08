package portal_test

import (
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// allow ticks the box for German on the settings page, or takes the tick away.
func (s *inviteStage) allow(german string) {
	s.t.Helper()
	if s.root == nil {
		s.root = s.Operator("Robin Root", "root@northbeam.example", "administrator")
	}
	s.SignInOperator(s.root)
	s.root.Get("/staff/settings").Must(200, "Languages of mail")
	s.root.Get("/staff/settings/languages").Must(200, "German", "pages are English").Submit("/staff/settings/languages", form("language_de", german)).Must(200, "Saved")
}

// german fails unless a mail is German, in both parts, with the same link.
func german(t *testing.T, m *apptest.Mail, says ...string) *apptest.Mail {
	t.Helper()
	if !strings.Contains(m.Envelope.HTML, `<html lang="de">`) || !strings.Contains(m.Envelope.HTML, m.Link(t)) {
		t.Errorf("the HTML part is\n%s", m.Envelope.HTML)
	}
	for _, word := range says {
		if !strings.Contains(m.Text(), word) {
			t.Errorf("it does not say %q:\n%s", word, m.Text())
		}
	}
	return m
}

// english fails unless a mail is English.
func english(t *testing.T, m *apptest.Mail) {
	t.Helper()
	if !strings.Contains(m.Envelope.HTML, `<html lang="en">`) {
		t.Errorf("the HTML part is\n%s", m.Envelope.HTML)
	}
}

// offered are the languages that a page has to choose from.
func offered(p *apptest.Page) string {
	var names []string
	p.Find("select[name=language] option").Each(func(_ int, o *goquery.Selection) { names = append(names, strings.TrimSpace(o.Text())) })
	return strings.Join(names, ", ")
}

func TestMailComesInTheLanguageOfItsReader(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		const address = "alice@acorn.example"
		recover := func() { s.Browser().PostOnly("/recover", form("address", address)).Must(200) }
		if got := offered(s.alice.Get("/me").Must(200, "Pages are English.")); got != "English" {
			t.Errorf("before anything is allowed there is %q to choose from", got)
		}
		s.allow("yes")
		if got := offered(s.alice.Get("/me")); got != "English, Deutsch" {
			t.Errorf("there is %q to choose from", got)
		}
		recover()
		english(t, s.Mail.Next(t, address, "Set a new password"))
		s.alice.Get("/me").Submit("/me", form("language", "de")).Must(200, "Saved.")

		s.Clock.Move(auth.LinkLife)
		recover()
		m := german(t, s.Mail.Next(t, address, "Setzen Sie ein neues Passwort für Northbeam Hosting"),
			"Jemand, hoffentlich Sie,", "Neues Passwort setzen:", "bis zum 2. März 2026, 13:00 Uhr UTC.")
		s.Browser().Get(m.Link(t)).Must(200)

		s.SignIn(s.alice)
		s.alice.PostOnly("/me/address", form("address", "alice@meadow.example")).Must(303)
		m = german(t, s.Mail.Next(t, address, "Eine neue E-Mail-Adresse ist gewünscht"), "Wann: 2. März 2026", "Womit: Firefox auf Linux", "Das war ich nicht:")
		s.Browser().Get(m.Link(t)).Must(200)
		german(t, s.Mail.Next(t, "alice@meadow.example", "Bestätigen Sie Ihre neue E-Mail-Adresse"), "Guten Tag Alice Moreau,\r\n\r\nmit dieser Adresse")
		s.nina()
		s.alice.PostOnly("/me/address", form("address", "nina@x.example")).Must(303)
		english(t, s.Mail.Next(t, "nina@x.example", "You have a login at Northbeam Hosting already"))

		s.allow("")
		if got := offered(s.alice.Get("/me")); got != "English, Deutsch (not used here: mail comes in English)" {
			t.Errorf("after it was taken away there is %q to choose from", got)
		}
		s.Clock.Move(auth.LinkLife)
		recover()
		english(t, s.Mail.Next(t, address, "Set a new password"))
	})
}

// TestT020_AnInvitationIsInTheAccountsLanguage holds the mails to an address
// without a login against those to people who have chosen a language.
func TestT020_AnInvitationIsInTheAccountsLanguage(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.allow("yes")
		s.nina()
		fritz := s.Person("Fritz Anders", "fritz@x.example")
		s.Exec("UPDATE users SET language = 'de' WHERE id = $1", fritz.User)
		english(t, s.invite("fritz@x.example").mail)
		settings := accountPath(s.a) + "/settings"
		s.alice.Get(settings).Submit(settings, form("language", "de")).Must(200, "Saved.")
		for _, address := range []string{"nobody@x.example", "nina@x.example"} {
			s.send(s.alice, address, "role", "billing", "ends", "2027-01-31").Must(303)
			m := german(t, s.Mail.Next(t, address, "Alice Moreau lädt Sie zu Acorn Paper ein"),
				"Eingeladen von: Alice Moreau", "Sie dürfen: Abrechnung: Bestellungen, Rechnungen, Zahlungen und Angebote.", "Der Zugriff endet: 31. Januar 2027, 00:00 Uhr UTC", "Antwort bis: 9. März 2026")
			s.Browser().Get(m.Link(t)).Must(200, "Acorn Paper")
		}
		sam := s.Operator("Sam Support", "sam@northbeam.example", "support")
		sam.PostOnly("/staff/accounts/"+id.String(s.a)+"/users/invite", s.form("new@x.example", "role", "choose", "permissions", "services.manage")).Must(303)
		german(t, s.Mail.Next(t, "new@x.example", "Northbeam Hosting (Support) lädt Sie zu Acorn Paper ein"), "Sie dürfen: Dienste ansehen, Dienste verwalten", "Wenn Sie Northbeam Hosting (Support) nicht kennen, tun Sie nichts.")
		english(t, s.Mail.Next(t, "alice@acorn.example", "Northbeam Hosting support invited somebody"))
	})
}

// Everybody who hears of one thing hears of it in their own language: the
// owners in theirs, the account's own address in the account's.
func TestEachReaderOfOneNoticeHasTheirOwnLanguage(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.allow("yes")
		greta := s.Person("Greta Lind", "greta@acorn.example")
		s.JoinAs(s.a, access.Join{User: greta.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		s.Exec("UPDATE users SET language = 'de' WHERE id = $1", greta.User)
		s.Exec("UPDATE accounts SET language = 'de', address = 'office@acorn.example' WHERE id = $1", s.a)
		s.alice.PostOnly(accountPath(s.a)+"/close", s.own("number", id.String(s.a))).Must(303)
		english(t, s.Mail.Next(t, "alice@acorn.example", "Acorn Paper was closed"))
		german(t, s.Mail.Next(t, "greta@acorn.example", "Acorn Paper wurde geschlossen"), "weil Acorn Paper Ihnen gehört")
		german(t, s.Mail.Next(t, "office@acorn.example", "Acorn Paper wurde geschlossen"), "seine Post der Art „Allgemein“")
	})
}

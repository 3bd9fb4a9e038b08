package portal_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/mail"

	"github.com/PuerkitoBio/goquery"
	"pgregory.net/rapid"
)

// inviteNames are names that mean more to some mail program than a name
// should. The forms refuse most of them; an import brings them all.
var inviteNames = []string{
	"<a href=//evil.example>Acorn</a>", "<a href=//evil>", "<img src=//evil>", "<img src=https://evil.example/x.png>", "Reset now https://evil.example", "[x](https://evil)",
	"www.evil.example", "evil.example/login", "Pay\u202Enow", "a\u2066b\u2069", strings.Repeat("x", 500), strings.Repeat("evil.example ", 60),
	"</td></table><form action=https://evil.example>", `"><script>alert(1)</script>`, "mailto:eve@evil.example", "javascript:alert(1)",
	"A\r\nBcc: eve@evil.example", "A\nBcc: eve@evil.example\n\nhello", "A\rSubject: x", "A\u2028Bcc: eve@evil.example", "A\u0085B", "A\x0bB", "=?utf-8?q?=0d=0aBcc:_eve@evil.example?=", "=?utf-8?q?=0d=0aBcc:_eve?=", "=?utf-8?b?aHR0cHM6Ly9ldmlsLmV4YW1wbGU=?=", "x=?utf-8?q?www=2eevil=2eexample?=",
	"A>\r\nDATA\r\n.\r\nRCPT TO:<eve@evil.example>", "{{.Token}}", "%s%n", "\u202emoc.live", "Acorn\u200b\u200bPaper", "ACORN PAPER<!--",
}

// inviteLinkLike is what mail programs make links of by themselves.
var inviteLinkLike = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://|www\.|(mailto|tel|javascript):\S|[a-z0-9-]+\.(example|com|org|net|test)\b)`)

// inviteHeaders are the names of a mail's headers, and its envelope.
func inviteHeaders(m *apptest.Mail) (names []string) {
	head, _, _ := bytes.Cut(m.Raw, []byte("\r\n\r\n"))
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A name in an invitation is a name: it makes no link, no picture, no header
// and no second recipient, in neither part of the mail.
func TestT023_T024_ANameInAMailIsPlainText(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		inviteNamesArePlain(t, s, func(address string) *apptest.Mail { return s.invite(address).mail })
	})
}

// TestT023_T024_ANameInAGermanMailIsPlainText is the same, in the other
// language.
func TestT023_T024_ANameInAGermanMailIsPlainText(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.allow("yes")
		s.Exec("UPDATE accounts SET language = 'de' WHERE id = $1", s.a)
		inviteNamesArePlain(t, s, func(address string) *apptest.Mail {
			s.send(s.alice, address).Must(303)
			return s.Mail.Next(t, address, "lädt Sie")
		})
	})
}

// inviteNamesArePlain sends invitations that name what is no name.
func inviteNamesArePlain(t *testing.T, s *inviteStage, invite func(address string) *apptest.Mail) {
	want := inviteHeaders(invite("first@x.example"))
	n := 0
	for _, name := range inviteNames {
		for _, place := range []string{"accounts", "users"} {
			s.limitless()
			n++
			address := fmt.Sprintf("n%d@x.example", n)
			s.Exec("UPDATE "+place+" SET name = $1 WHERE id = 1", name)
			m := invite(address)
			s.Exec("UPDATE " + place + " SET name = 'Acorn Paper' WHERE id = 1")
			what := fmt.Sprintf("%.40q in %s", name, place)
			if got := inviteHeaders(m); !slices.Equal(got, want) || m.RCPTs != 1 || m.To != address {
				t.Errorf("%s: the headers are %v, %d recipients, to %s", what, got, m.RCPTs, m.To)
			}
			inviteCheckHTML(t, what, m)
			body, _, _ := strings.Cut(strings.ReplaceAll(m.Text(), "\r\n", "\n"), "\n-- \n")
			for part, text := range map[string]string{"subject": m.Subject(), "text": strings.ReplaceAll(body, apptest.BaseURL+m.Link(t), "")} {
				if link := inviteLinkLike.FindString(text); link != "" {
					t.Errorf("%s: the %s has %q: %s", what, part, link, text)
				}
				if strings.ContainsAny(text, "\u202e\u2066\u2069\u200b\u2028\u0085\x0b\r<>") || part == "subject" && (strings.Contains(text, "\n") || len([]rune(text)) > 250) {
					t.Errorf("%s: the %s is %q", what, part, text)
				}
			}
		}
	}
}

// inviteCheckHTML fails unless the HTML part has our one link and our own
// elements, and its words are the text part's.
func inviteCheckHTML(t *testing.T, what string, m *apptest.Mail) {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.Envelope.HTML))
	if err != nil {
		t.Fatal(err)
	}
	doc.Find("body *").Each(func(_ int, e *goquery.Selection) {
		if !slices.Contains([]string{"div", "p", "table", "tbody", "tr", "td", "a"}, goquery.NodeName(e)) {
			t.Errorf("%s: the mail has a <%s>", what, goquery.NodeName(e))
		}
		for _, a := range e.Nodes[0].Attr {
			if !slices.Contains([]string{"style", "role", "href"}, a.Key) || a.Key == "href" && a.Val != apptest.BaseURL+m.Link(t) || strings.Contains(a.Val, "url(") {
				t.Errorf("%s: the mail has %s=%q", what, a.Key, a.Val)
			}
		}
	})
	if n := doc.Find("a").Length(); n != 1 {
		t.Errorf("%s: the mail has %d links", what, n)
	}
	text := strings.ReplaceAll(doc.Find("body").Text(), apptest.BaseURL+m.Link(t), "")
	if link := inviteLinkLike.FindString(text); link != "" {
		t.Errorf("%s: the HTML part has %q: %s", what, link, text)
	}
}

// TestT023_TheInvitationMail is the mail as people get it.
func TestT023_TheInvitationMail(t *testing.T) {
	const want = `Alice Moreau invites you to the account Acorn Paper at Northbeam Hosting.

Account: Acorn Paper
Invited by: Alice Moreau
You may: See services, manage services
Access ends: 31 January 2027, 00:00 UTC
Answer by: 9 March 2026, 12:00 UTC

See the invitation:
https://clientele.test/i/…

If you have a login at Northbeam Hosting, you use it for this account too. If not, you make one on the way: a name and a password.

If you do not know Alice Moreau, do nothing. The link stops working by itself.

-- 
Northbeam Hosting
`
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		sent := s.invite("nina@x.example", "role", "choose", "permissions", "services.manage", "ends", "2027-01-31")
		got := strings.ReplaceAll(strings.ReplaceAll(sent.mail.Text(), "\r\n", "\n"), sent.token(), "…")
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("the mail says\n%s\nwant\n%s", got, want)
		}
		if sent.mail.Subject() != "Alice Moreau invites you to Acorn Paper" {
			t.Errorf("the subject is %q", sent.mail.Subject())
		}
		if from := sent.mail.Envelope.GetHeader("From"); from != `"Northbeam Hosting" <no-reply@clientele.test>` || sent.mail.Envelope.GetHeader("Reply-To") != "" {
			t.Errorf("it is from %s", from)
		}
	})
}

// The forms that name a person or an account take names and nothing else.
func TestT023_T024_FormsTakeNoLinkAndNoLineBreakForAName(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		newcomer := s.Browser()
		s.invite("fran@x.example").follow(newcomer)
		settings := s.alice.Get(accountPath(s.a) + "/settings").Must(200)
		details := apptest.FormValues(settings.Find(`form[action="` + accountPath(s.a) + `/settings"]`))
		before, sends := s.traces(), s.Count("mails")
		for _, name := range []string{
			"<a href=//evil>", "<img src=//evil>", "Reset now https://evil", "[x](https://evil)", "www.evil.example", "mailto:eve@evil.example", "Pay\u202Enow", strings.Repeat("x", 500),
			"A\nB", "A\r\nBcc: eve@evil.example", "A\rB", "A\u2028B", "A\u0085B", "A\u200bB", "", " ", "!!!",
		} {
			for field, p := range map[string]*apptest.Page{
				"the newcomer's name": newcomer.PostOnly("/invitation/join", form("name", name, "password", apptest.Password)),
				"one's own name":      s.alice.PostOnly("/me", form("name", name, "language", "en")),
				"a new account's":     s.alice.PostOnly("/me/accounts/new", form("name", name, "address", "alice@acorn.example", "currency", "EUR")),
				"the account's": func() *apptest.Page {
					details.Set("name", name)
					return s.alice.PostOnly(accountPath(s.a)+"/settings", details)
				}(),
				"at sign-up": s.Browser().PostOnly("/signup", form("name", name, "address", "eve@x.example", "password", apptest.Password, "kind", "login")),
			} {
				if p.Status != 422 || p.FieldError("name") == "" {
					t.Errorf("%s %.30q: %d, %q", field, name, p.Status, p.FieldError("name"))
				}
			}
		}
		s.untouched(before, "names that are none")
		if s.Count("mails") != sends || s.Count("signups") != 0 {
			t.Error("a mail was sent")
		}
	})
}

// inviteNoAddress is what some program reads as an address, as two, or as an
// address and something more.
var inviteNoAddress = []string{
	"", " ", "nina", "@x.example", "nina@", "nina@x", "nina@.example", "nina@x..example", "nina@x.example.", "nina@-x.example", ".nina@x.example", "nina.@x.example", "ni..na@x.example",
	"nina@127.0.0.1", "nina@[127.0.0.1]", "nina@[IPv6:::1]", "nina@localhost",
	// two in one
	"nina@x.example,eve@evil.example", "nina@x.example, eve@evil.example", "nina@x.example;eve@evil.example", "nina@x.example eve@evil.example", "nina@x.example\teve@evil.example",
	"nina@x.example\neve@evil.example", "nina@x.example@evil.example", "nina@evil.example@x.example", "nina@x.example，eve@evil.example", "nina@x.example；eve@evil.example",
	"nina@x.example%0aeve@evil.example", "nina@x.example&eve@evil.example", "nina@x.example/eve@evil.example", "nina@x.example|eve@evil.example", "[nina@x.example,eve@evil.example]",
	`["nina@x.example","eve@evil.example"]`, `"nina@x.example"@evil.example`, "nina@x.example<eve@evil.example>", "Nina <nina@x.example>", "<nina@x.example>", "nina@x.example (Nina)", "(Nina)nina@x.example",
	"Nina <nina@x.example>, Eve <eve@evil.example>", "friends: nina@x.example, eve@evil.example;", "mailto:nina@x.example", "nina@x.example?bcc=eve@evil.example", "@evil.example:nina@x.example", "\"nina\"@x.example",
	// into SMTP and the headers
	"nina@x.example\r\nBcc: eve@evil.example", "nina@x.example\r\n\r\nhello", "nina@x.example\rBcc: eve@evil.example", "nina@x.example>\r\nDATA", "nina@x.example>\r\nRCPT TO:<eve@evil.example>",
	"\"nina\r\nBcc: eve\"@x.example", "nina@x.example\u2028Bcc: eve@evil.example", "nina\u2028@x.example", "nina@x.example\u0085", "ni\x0bna@x.example", "=?utf-8?q?nina=0d=0a?=@x.example\r",
	// what turns into another address
	"nina＠x.example", "ｎina@x.example", "ni\u212aa@x.example", "nina@\u212a.example", "\u017fam@x.example", "n\u0131na@x.example", "\u0130nes@x.example", "nina@x\u3002example", "nina@ｘ.example", "nina@x．example",
	"nina@e\u0301x.example", "nina@ﬁ.example", "nina@①.example", "nina\u200b@x.example", "nina@x\u200b.example", "nina@x.example\u202e", "nina@x\u00ad.example", "nína@x.example", "nina@x_y.example", "nina@xn--.example", "nina@xn--a.example",
	strings.Repeat("a", 65) + "@x.example", "a@" + strings.Repeat("b", 64) + ".example", "a@" + strings.Repeat("b.", 130) + "example", strings.Repeat("a", 20_000) + "@x.example",
}

// An address field takes one bare address. What is none, what is two and what
// would become another is refused beside the field, and nothing is mailed.
func TestT024_T025_T026_OnlyOneBareAddressIsInvited(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		sam := s.Operator("Sam Support", "sam@northbeam.example", "support")
		before := s.traces()
		for n, address := range inviteNoAddress {
			if p := s.send(s.alice, address); p.Status != 422 || p.FieldError("address") == "" {
				t.Errorf("inviting %.60q answers %d, %q", address, p.Status, p.FieldError("address"))
			}
			if n%10 == 0 {
				sam.PostOnly("/staff/accounts/"+id.String(s.a)+"/users/invite", s.form(address)).Must(422)
				s.Browser().PostOnly("/recover", form("address", address)).Must(422)
			}
		}
		s.send(s.alice, "nina@x.example\x00").Must(422)
		for _, twice := range [][]string{{"nina@x.example", "eve@evil.example"}, {"nina@x.example", ""}} {
			fill := s.form("")
			fill["address"] = twice
			s.alice.PostOnly(s.path(), fill).Must(422)
		}
		s.alice.PostOnly(s.path(), s.form("nina@x.example", "role", "readonly", "address[]", "eve@evil.example", "cc", "eve@evil.example", "bcc", "eve@evil.example", "reply_to", "eve@evil.example")).Must(303)
		sent := s.sent("nina@x.example")
		s.Quiet()
		if s.Count("mails") != 1 || len(s.Mail.All()) != 1 || sent.mail.RCPTs != 1 || strings.Contains(string(sent.mail.Raw), "evil.example") {
			t.Errorf("%d mails were sent", len(s.Mail.All()))
		}
		before.invitations, before.done = before.invitations+1, before.done+1
		s.untouched(before, "addresses that are none")
	})
}

// An address is stored in one spelling, and mail goes to that and not to what
// was typed.
func TestT026_T098_MailGoesToTheStoredAddress(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		for typed, stored := range map[string]string{
			"  Nina@X.Example ": "nina@x.example", "NINA+Tag@x.example": "nina+tag@x.example", "n.i.n.a@x.example": "n.i.n.a@x.example",
			"nina@Bücher.example": "nina@xn--bcher-kva.example", "o'hara@x.example": "o'hara@x.example", "nina@xn--STRAE-OQA.example": "nina@xn--strae-oqa.example",
		} {
			s.send(s.alice, typed).Must(303)
			sent := s.sent(stored)
			if sent.mail.To != stored || sent.mail.RCPTs != 1 || !strings.Contains(sent.mail.Envelope.GetHeader("To"), "<"+stored+">") {
				t.Errorf("%q was mailed to %s, %s", typed, sent.mail.To, sent.mail.Envelope.GetHeader("To"))
			}
		}
		for _, again := range []string{"nina@x.EXAMPLE", "nina+TAG@x.example", "nina@BÜCHER.example", "nina@XN--BCHER-KVA.example", "nina@straße.example"} {
			s.send(s.alice, again).Must(409)
		}
		if n := s.Count("invitations"); n != 6 {
			t.Errorf("%d invitations", n)
		}
		nina := s.Person("Nina Ek", "nina@xn--bcher-kva.example")
		nina.Get("/me/invitations").Must(200, "Acorn Paper")
		tagged := s.Person("Nina Tag", "nina+other@x.example")
		if p := tagged.Get("/me/invitations").Must(200); p.Says("Acorn Paper") {
			t.Error("a tag makes no difference")
		}
	})
}

// Whatever is typed: what is accepted is one address that every program reads
// alike, and one mail to it.
func TestT024_T025_WhateverIsTypedOneMailGoesToOneAddress(t *testing.T) {
	pieces := []string{
		"nina", "@", "x.example", "\r\n", "\n", "Bcc: ", ",", ";", " ", "<", ">", `"`, `\`, "(", ")", "\u2028", "%0a", "＠", "。", "\u212a", "\u017f", ".", "..", "+t", "bücher.example", "A", "-", "_", "xn--",
		"\t", "\u200b", "é", "e\u0301", "ß", "İ", "[", "]", ":", "/", "?", "&", "=", "|", "%", "!", "'", "example", "\x00", "\xff", "🥐",
	}
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		rapid.Check(t, func(rt *rapid.T) {
			typed := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 6).Draw(rt, "pieces"), "")
			if rapid.Bool().Draw(rt, "near") {
				typed = typed + "@" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 2).Draw(rt, "domain"), "") + "x.example"
			}
			s.limitless()
			before := apptest.Query[string](s.World, "SELECT address FROM invitations ORDER BY id")
			p := s.send(s.alice, typed)
			after := apptest.Query[string](s.World, "SELECT address FROM invitations ORDER BY id")
			_, err := mail.ParseAddress(typed)
			switch {
			case p.Status == 303 && len(after) == len(before)+1 && err == nil:
				if stored := after[len(after)-1]; strings.Count(stored, "@") != 1 || strings.ContainsFunc(stored, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("<>(),;:\\\"[]", r) }) {
					rt.Fatalf("%q was stored as %q", typed, stored)
				}
			case p.Status == 409 && slices.Equal(after, before) && err == nil, p.Status == 422 && slices.Equal(after, before):
			default:
				rt.Fatalf("%q answers %d with %d invitations", typed, p.Status, len(after)-len(before))
			}
		})
		s.Quiet()
		stored := apptest.Query[string](s.World, "SELECT address FROM invitations")
		if len(stored) != len(s.Mail.All()) {
			t.Errorf("%d invitations and %d mails", len(stored), len(s.Mail.All()))
		}
		for _, m := range s.Mail.All() {
			if m.RCPTs != 1 || !slices.Contains(stored, m.To) {
				t.Errorf("a mail went to %d recipients, %s", m.RCPTs, m.To)
			}
		}
	})
}

// What cannot be invited is said beside its field, and nothing is half done.
func TestInvite_WhatCannotBeInvitedIsSaidBesideItsField(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		s.Join(s.a, nina, apptest.Keys("services.view"))
		s.invite("open@x.example")
		before, mails := s.traces(), s.Count("mails")
		for _, c := range []struct {
			name, field, says string
			fill              []string
		}{
			{"no address", "address", "Enter a mail address.", []string{"address", "", "role", "readonly"}},
			{"an address that is none", "address", "It should look like name@example.com.", []string{"address", "nina", "role", "readonly"}},
			{"two addresses", "address", "Enter one address only", []string{"address", "a@x.example, b@x.example", "role", "readonly"}},
			{"oneself", "address", "This is your own address.", []string{"address", "Alice@ACORN.example", "role", "readonly"}},
			{"a member", "address", "This person is in the account already.", []string{"address", "nina@x.example", "role", "readonly"}},
			{"no role", "role", "Choose one of the roles, or single permissions.", []string{"address", "new@x.example"}},
			{"an unknown role", "role", "Choose one of the roles, or single permissions.", []string{"address", "new@x.example", "role", "king"}},
			{"no permission", "permissions", "Choose at least one permission", []string{"address", "new@x.example", "role", "choose"}},
			{"an unknown permission", "permissions", "is no permission. Choose from the list.", []string{"address", "new@x.example", "role", "choose", "permissions", "fly"}},
			{"an end that has passed", "ends", "Choose a day in the future.", []string{"address", "new@x.example", "role", "readonly", "ends", "2026-03-01"}},
			{"an end that is no day", "ends", "Write the day as year-month-day", []string{"address", "new@x.example", "role", "readonly", "ends", "soon"}},
		} {
			p := s.alice.PostOnly(s.path(), s.own(c.fill...))
			said := p.FieldError(c.field)
			if c.field == "permissions" {
				said = p.Find("#single-permissions").Text()
			}
			if p.Status != 422 || !strings.Contains(said, c.says) {
				t.Errorf("%s: %d, and beside %s %q", c.name, p.Status, c.field, said)
			}
			if got := p.Find("[name=address]").AttrOr("value", ""); got != s.own(c.fill...).Get("address") {
				t.Errorf("%s: the address that was typed is %q on the page", c.name, got)
			}
		}
		all := s.alice.PostOnly(s.path(), s.own("address", "x", "role", "y", "ends", "z")).Must(422)
		for _, field := range []string{"address", "role", "ends"} {
			if all.FieldError(field) == "" {
				t.Errorf("three mistakes at once: nothing stands beside %s", field)
			}
		}
		s.send(s.alice, "open@x.example").Must(409, "has an open invitation already")
		s.untouched(before, "bad input")
		if s.Count("mails") != mails {
			t.Error("bad input was mailed")
		}
	})
}

// The twentieth invitation to one person is refused beside the field, and the
// page says when it can be sent.
func TestInvite_TheTwentiethToOnePersonIsRefused(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		for n := range 20 {
			p := s.send(s.alice, "nina@x.example")
			if n < 3 {
				p.Must(303)
				s.alice.PostOnly(s.sent("nina@x.example").path+"/withdraw", s.own()).Must(303)
				continue
			}
			if p.Status != 429 || p.Header.Get("Retry-After") == "" || !strings.Contains(p.FieldError("address"), "It can be invited again tomorrow.") {
				t.Errorf("invitation %d: %d, %q", n+1, p.Status, p.FieldError("address"))
			}
		}
		if s.Count("invitations") != 3 || s.Mail.To("nina@x.example") != 3 {
			t.Errorf("%d invitations, %d mails", s.Count("invitations"), s.Mail.To("nina@x.example"))
		}
	})
}

// While the mail server is down the invitation stands and the page says so;
// the mail leaves by itself when the server is back.
func TestInvite_StandsWhileTheMailServerIsDown(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		s.Mail.Down(true)
		s.send(s.alice, "nina@x.example").Must(303)
		inviteWait(t, "the mail server refuses", func() bool { return s.Count("mails WHERE state = 'queued' AND problem <> ''") == 1 })
		s.alice.Get(accountPath(s.a)+"/people").Must(200, "nina@x.example", "Mail is delayed", "It leaves by itself")
		s.Mail.Down(false)
		sent := s.sent("nina@x.example")
		s.Quiet()
		if p := s.alice.Get(accountPath(s.a)+"/people").Must(200, "nina@x.example"); p.Says("Mail is delayed") {
			t.Error("the page still says that the mail waits")
		}
		if n := s.Mail.To("nina@x.example"); n != 1 {
			t.Errorf("%d mails arrived", n)
		}
		b := s.Browser()
		sent.follow(b).Must(200, "Join Acorn Paper")
		inviteJoin(b, "Nina Ek").Must(303)

		s.Mail.Refuse("gone@x.example")
		s.send(s.alice, "gone@x.example").Must(303)
		inviteWait(t, "the address is refused", func() bool { return s.Count("mails WHERE state = 'failed'") == 1 })
		s.alice.Get(accountPath(s.a)+"/people").Must(200, "Mail was refused", "withdraw this invitation and invite the right one")
	})
}

// Staff invite in the account's place: the mail says so, the owners are told,
// and they have the last word.
func TestT038_StaffInviteOnBehalfOfAnAccount(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		sam, reader := s.Operator("Sam Support", "sam@northbeam.example", "support"), s.Operator("Rita Reader", "rita@northbeam.example", "readonly")
		base := "/staff/accounts/" + id.String(s.a)
		sam.PostOnly(base+"/users/invite", s.form("nina@x.example", "role", "billing")).Must(303)
		m := s.Mail.Next(t, "nina@x.example", "Northbeam Hosting support invites you to Acorn Paper")
		if strings.Contains(m.Text()+m.Envelope.HTML, "Sam") || !strings.Contains(m.Text(), "Invited by: Northbeam Hosting support") {
			t.Errorf("the mail says\n%s", m.Text())
		}
		told := s.Mail.Next(t, "alice@acorn.example", "Northbeam Hosting support invited somebody to your account")
		if !strings.Contains(told.Text(), "nina@x.example") {
			t.Errorf("the owner is told\n%s", told.Text())
		}
		type row struct {
			ActorKind, Via, After string
			ActorID, AccountID    int64
		}
		got := apptest.Query[row](s.World, "SELECT actor_kind, via, after, actor_id, account_id FROM audit_records WHERE event = 'invitation.sent'")
		if len(got) != 1 || got[0].ActorKind != "staff" || got[0].Via != "staff" || got[0].ActorID != int64(sam.Staff) || got[0].AccountID != int64(s.a) || !strings.Contains(got[0].After, "invoices.pay") {
			t.Errorf("the records are %+v", got)
		}
		before := s.traces()
		reader.PostOnly(base+"/users/invite", s.form("more@x.example")).Must(403)
		reader.GetOnly(base + "/users/invite").Must(403)
		sam.PostOnly(base+"/users/invite", s.form("more@x.example", "role", "owner")).Must(422)
		sam.PostOnly(base+"/users/invite", form("account", "4711", "address", "more@x.example", "role", "mail")).Must(409)
		s.alice.PostOnly(base+"/users/invite", s.form("more@x.example")).Must(404)
		s.untouched(before, "what staff may not")

		nina := s.Browser()
		nina.SetCookie(&http.Cookie{Name: "__Host-clientele-invitation", Value: m.Token(t), Path: "/", Secure: true})
		nina.Get("/invitation").Must(200, "Northbeam Hosting support invites you")
		number := apptest.Query[id.Invitation](s.World, "SELECT id FROM invitations")[0]
		s.alice.Get(accountPath(s.a)+"/people").Must(200, "nina@x.example", "by support")
		s.alice.PostOnly(s.path()+"/"+id.String(number)+"/withdraw", s.own()).Must(303)
		inviteJoin(nina, "Nina Ek").Must(410)

		sam.PostOnly(base+"/users/invite", s.form("nina@x.example", "role", "billing")).Must(303)
		again := s.Mail.Next(t, "nina@x.example", "invites you")
		nina.Get(again.Link(t)).Must(200)
		inviteJoin(nina, "Nina Ek").Must(303)
	})
}

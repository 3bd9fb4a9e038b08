package upgrade_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele/internal/apptest"
)

// An oddity is a row that is wrong in one way. The client's number is its own.
type oddity struct {
	name   string
	write  func(s *stage, n int)
	table  string   // of which the report speaks; empty: it says nothing of it
	row    int64    // 0 is the client's number
	words  []string // each in a line about that row
	query  string   // one text, of the client $1
	expect string
}

// odd changes one value of a client who is otherwise well.
func odd(column string, value any) func(s *stage, n int) {
	return func(s *stage, n int) {
		pairs := []any{"id", n, "firstname", "Ada", "lastname", "Ames", "companyname", "", "email", fmt.Sprintf("odd%d@example.com", n), "password", carried("a"), "status", "Active", "currency", 1, "country", "DE", "datecreated", "2012-03-04"}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == column {
				pairs = append(pairs[:i], pairs[i+2:]...)
				break
			}
		}
		s.there.Add("tblclients", append(pairs, column, value)...)
		if s.there.HasUsers() {
			s.there.Add("tblusers", "id", n, "first_name", "Ada", "last_name", "Ames", "email", fmt.Sprintf("odd%d@example.com", n), "password", carried("a"))
			s.there.Add("tblusers_clients", "id", n, "auth_user_id", n, "client_id", n, "owner", 1)
		}
	}
}

// beside is a client who is well, with a row beside her.
func beside(table string, pairs func(n int) []any) func(s *stage, n int) {
	return func(s *stage, n int) {
		odd("city", "Bonn")(s, n)
		s.there.Add(table, pairs(n)...)
	}
}

// contact is a contact of the client with an address.
func contact(address string) func(n int) []any {
	return func(n int) []any {
		return []any{"id", n, "userid", n, "firstname", "Con", "lastname", "Tact", "email", address, "generalemails", 1}
	}
}

const (
	accountName = "SELECT name FROM accounts WHERE id = $1"
	contactName = "SELECT c.name || ' ' || c.address FROM contacts c WHERE c.account_id = $1"
)

// badNames are what clients are called in bad databases, and here.
var badNames = map[string]struct{ there, here, words string }{
	"entities":        {"Smith &amp; Sons &#039;", "Smith & Sons ' Ames", "HTML entities were decoded"},
	"encoded twice":   {"ZoÃ«", "Zoë Ames", "encoded twice was decoded"},
	"NUL":             {"Zo\x00e\x07", "Zoe Ames", "characters that cannot be seen were removed"},
	"an emoji":        {"👩‍🚀 Ada", "👩‍🚀 Ada Ames", ""},
	"spaces":          {"  Ada \t Maria\r\n", "Ada Maria Ames", "spaces and line breaks were tidied"},
	"10 kB":           {strings.Repeat("é", 10_000), "odd%d", "too long; it was cut"},
	"a link":          {"https://evil.example/", "odd%d", "a name that cannot be used"},
	"a tag":           {"<b>Ada</b>", "<b>Ada</b> Ames", ""},
	"a tag, encoded":  {"&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script> Ames", "HTML entities were decoded"},
	"quotes":          {"O'Br\\ien \"x\" `y`; --", "O'Br\\ien \"x\" `y`; -- Ames", ""},
	"right to left":   {"\u202eadA", "adA Ames", "characters that cannot be seen were removed"},
	"Latin-1 in UTF8": {"Zo\u00eb", "Zoë Ames", ""},
}

// oddities are those of both generations.
func oddities() (list []oddity) {
	for name, c := range badNames {
		o := oddity{name: "a name with " + name, write: odd("firstname", c.there), query: accountName, expect: c.here}
		if c.words != "" {
			o.table, o.words = "tblclients", []string{c.words}
		}
		list = append(list, o)
	}
	const city = "SELECT city FROM accounts WHERE id = $1"
	return append(
		list,
		oddity{name: "a zero date", write: odd("datecreated", "0000-00-00"), table: "tblclients", words: []string{"a zero date was read as none"}, query: accountName, expect: "Ada Ames"},
		oddity{name: "a broken date", write: odd("lastlogin", "2012-00-10 01:02:03"), table: "tblclients", words: []string{"not a date"}, query: accountName, expect: "Ada Ames"},
		oddity{name: "a column of Latin-1", write: odd("city", "M\xfcnchen"), table: "tblclients", words: []string{"city bytes that are no UTF-8"}, query: city, expect: "München"},
		oddity{name: "UTF-8 in a column of Latin-1", write: odd("city", "M\xc3\xbcnchen"), query: city, expect: "München"},
		oddity{name: "an unknown status", write: odd("status", "Fraud"), table: "tblclients", words: []string{"a status that is not known", "Fraud"}, query: "SELECT status FROM accounts WHERE id = $1", expect: "inactive"},
		oddity{name: "no status", write: odd("status", ""), table: "tblclients", words: []string{"a status that is not known"}, query: "SELECT status FROM accounts WHERE id = $1", expect: "inactive"},
		oddity{name: "an unknown currency", write: odd("currency", 77), table: "tblclients", words: []string{"a currency that is not known", "77"}, query: "SELECT currency FROM accounts WHERE id = $1", expect: "USD"},
		oddity{name: "a currency without a code", write: odd("currency", 9), table: "tblclients", words: []string{"a currency that is not known"}, query: "SELECT currency FROM accounts WHERE id = $1", expect: "USD"},
		oddity{name: "an unknown country", write: odd("country", "Atlantis"), table: "tblclients", words: []string{"a country that is not known", "Atlantis"}, query: "SELECT country FROM accounts WHERE id = $1", expect: ""},
		oddity{name: "a country in small letters", write: odd("country", "de"), query: "SELECT country FROM accounts WHERE id = $1", expect: "DE"},
		oddity{name: "an unknown language", write: odd("language", "klingon"), table: "tblclients", words: []string{"a language that is not known", "klingon"}, query: "SELECT language FROM accounts WHERE id = $1", expect: "en"},
		oddity{name: "preferences cut off", write: odd("email_preferences", `{"general":`), table: "tblclients", words: []string{"not readable settings"}, query: "SELECT CAST(mail_kinds AS TEXT) FROM accounts WHERE id = $1", expect: "63"},
		oddity{name: "preferences of another kind", write: odd("email_preferences", `[1,2]`), table: "tblclients", words: []string{"not readable settings"}, query: "SELECT CAST(mail_kinds AS TEXT) FROM accounts WHERE id = $1", expect: "63"},
		oddity{name: "mail about domains to nobody", write: odd("email_preferences", `{"general":0,"domain":0,"invoice":1,"support":0,"product":0,"affiliate":0}`), table: "tblclients", words: []string{"which registries demand"}, query: "SELECT CAST(mail_kinds AS TEXT) FROM accounts WHERE id = $1", expect: "18"},
		oddity{name: "an unknown group", write: odd("groupid", 77), query: "SELECT COALESCE(CAST(group_id AS TEXT), 'none') FROM accounts WHERE id = $1", expect: "none"},
		oddity{name: "a contact without an address", write: beside("tblcontacts", contact("")), table: "tblcontacts", words: []string{"the contact was kept, and gets no mail"}, query: contactName, expect: "Con Tact "},
		oddity{name: "a contact with half an address", write: beside("tblcontacts", contact("con@@example")), table: "tblcontacts", words: []string{"the contact was kept", "con@@example"}, query: contactName, expect: "Con Tact "},
		oddity{name: "a contact with an address of 300 letters", write: beside("tblcontacts", contact(strings.Repeat("a", 300)+"@example.com")), table: "tblcontacts", words: []string{"too long for an e-mail address", "the contact was kept"}, query: contactName, expect: "Con Tact "},
		oddity{name: "a value twice", write: func(s *stage, n int) {
			odd("city", "Bonn")(s, n)
			s.there.Add("tblcustomfieldsvalues", "id", n, "fieldid", 1, "relid", n, "value", "the first")
			s.there.Add("tblcustomfieldsvalues", "id", n+10_000, "fieldid", 1, "relid", n, "value", "the second")
		}, table: "tblcustomfieldsvalues", row: 10_000, words: []string{"left out"}, query: "SELECT value FROM account_values WHERE account_id = $1", expect: "the first"},
	)
}

// orphans are rows whose client, field or user is not there.
func orphans(s *stage, out outcome) {
	s.t.Helper()
	out.must(s.t, "tblcontacts", 30_001, "belongs to a client that is not there")
	out.must(s.t, "tblcustomfieldsvalues", 30_001, "belongs to a client or a field that is not there")
	out.must(s.t, "tblcustomfieldsvalues", 30_002, "belongs to a client or a field that is not there")
	out.must(s.t, "tblnotes", 30_001, "is about a client that is not there")
	if s.there.HasUsers() {
		out.must(s.t, "tblusers_clients", 30_001, "is not there: it was left out")
		out.must(s.t, "tblusers_clients", 30_002, "is not there: it was left out")
		out.must(s.t, "tbluser_invites", 30_001, "invites to a client that is not there")
	}
	if n := s.Count("contacts WHERE name LIKE 'Orphan%'") + s.Count("account_notes WHERE text LIKE 'orphan%'") + s.Count("account_values WHERE value LIKE 'orphan%'") + s.Count("invitations WHERE address LIKE 'orphan%'"); n > 0 {
		s.t.Errorf("%d orphans have come in", n)
	}
}

func writeOrphans(s *stage) {
	d := s.there
	d.Add("tblcontacts", "id", 30_001, "userid", 999_999, "firstname", "Orphan", "lastname", "One", "email", "orphan@example.com", "subaccount", 1, "password", carried("a"), "permissions", "profile")
	d.Add("tblcustomfieldsvalues", "id", 30_001, "fieldid", 1, "relid", 999_999, "value", "orphan of a client")
	d.Add("tblcustomfieldsvalues", "id", 30_002, "fieldid", 999, "relid", 1, "value", "orphan of a field")
	d.Add("tblnotes", "id", 30_001, "userid", 999_999, "note", "orphan")
	if d.HasUsers() {
		d.Add("tblusers_clients", "id", 30_001, "auth_user_id", 999_999, "client_id", 1, "permissions", "profile")
		d.Add("tblusers_clients", "id", 30_002, "auth_user_id", 1, "client_id", 999_999, "owner", 1)
		d.Add("tbluser_invites", "id", 30_001, "email", "orphan@example.com", "client_id", 999_999, "created_at", "2026-03-01 00:00:00")
	}
}

// TestBadInputStopsNothing brings in one of each kind of bad row.
func TestBadInputStopsNothing(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				s.there.Add("tblcurrencies", "id", 1, "code", "USD", "default", 1)
				s.there.Add("tblcurrencies", "id", 9, "code", "credits")
				s.there.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "Birthday", "fieldtype", "text")
				list := oddities()
				for n, o := range list {
					o.write(s, n+1)
				}
				writeOrphans(s)
				dry := s.bring(dryRun)
				out := s.bring()
				same(t, dry, out)
				for n, o := range list {
					checkOddity(s, out, int64(n+1), o)
				}
				orphans(s, out)
				s.nobodyMailed()
				pagesWork(s, int64(len(list)))
				if again := s.bring(); again.csv != out.csv {
					t.Error("the second run reports otherwise")
				}
			})
		})
	}
}

func checkOddity(s *stage, out outcome, n int64, o oddity) {
	s.t.Helper()
	want := o.expect
	if strings.Contains(want, "%d") {
		want = fmt.Sprintf(want, n)
	}
	if got := apptest.Query[string](s.World, o.query, n); len(got) != 1 || got[0] != want {
		s.t.Errorf("%s: %q, want %q", o.name, got, want)
	}
	for _, words := range o.words {
		if !out.says(s.t, o.table, n+o.row, words) {
			s.t.Errorf("%s: the report does not say %q of %s %d", o.name, words, o.table, n+o.row)
		}
	}
	for _, l := range out.lines(s.t) {
		if l.id == n && o.table == "" && l.column != "language" && l.table == "tblclients" && l.reason != "a zero date was read as none" && !strings.Contains(l.reason, "one person with several logins") {
			s.t.Errorf("%s: the report says %+v", o.name, l)
		}
	}
}

// pagesWork opens every account as staff do: names are text and nothing else.
func pagesWork(s *stage, last int64) {
	s.t.Helper()
	grace := s.Operator("Grace", "grace@northbeam.example", "administrator")
	for n := int64(1); n <= last; n++ {
		for _, page := range []string{"", "/users", "/contacts", "/activity"} {
			p := grace.Get(fmt.Sprintf("/staff/accounts/%d%s", n, page))
			if p.Status != 200 || p.Find("main script, main b").Length() > 0 && strings.Contains(p.Body, "<b>Ada") {
				s.t.Errorf("/staff/accounts/%d%s answers %d", n, page, p.Status)
			}
		}
	}
}

package upgrade_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

// form makes a form's values.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// carried is a hash of bcrypt that comes in as it is; nobody knows of what.
func carried(letter string) string { return "$2y$10$" + strings.Repeat(letter, 53) }

// bcrypted is a password's hash as WHMCS has it.
func bcrypted(typed string) string {
	hash, err := bcrypt.GenerateFromPassword([]byte(typed), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
}

// A told line is one of a report.
type told struct {
	kind, table    string
	id             int64
	column, reason string
	detail         string
}

// lines reads the report.
func (o outcome) lines(t testing.TB) (list []told) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(o.csv)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		n, err := strconv.ParseInt(strings.TrimPrefix(row[2], "'"), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, told{row[0], row[1], n, row[3], row[4], row[5]})
	}
	return list
}

// says reports whether a line about a row has the words, as its reason or its
// detail.
func (o outcome) says(t testing.TB, table string, id int64, words string) bool {
	t.Helper()
	return slices.ContainsFunc(o.lines(t), func(l told) bool {
		return l.table == table && l.id == id && strings.Contains(l.column+" "+l.reason+" "+l.detail, words)
	})
}

// must fails the test unless the report says it.
func (o outcome) must(t testing.TB, table string, id int64, words string) {
	t.Helper()
	if !o.says(t, table, id, words) {
		t.Errorf("the report does not say of %s %d that it %q:\n%s", table, id, words, o.csv)
	}
}

// counts is what the report counts of one thing, as "new changed same kept gone".
func (o outcome) counts(what string) string {
	for _, c := range o.head.Rows {
		if c.What == what {
			return fmt.Sprint(c.New, c.Changed, c.Same, c.Kept, c.Gone)
		}
	}
	return "none"
}

// dump is every row of every table that is ours, column by column. Columns
// that are named are left out.
func dump(w *apptest.World, without ...string) []string {
	type column struct{ Tbl, Name string }
	query := `SELECT m.name AS tbl, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`
	if w.Engine == db.Postgres {
		query = `SELECT table_name::text AS tbl, column_name::text AS name FROM information_schema.columns WHERE table_schema = 'public'`
	}
	columns := map[string][]string{}
	for _, c := range apptest.Query[column](w, query+" ORDER BY 1, 2") {
		ours := !slices.Contains([]string{"audit_keys", "audit_checkpoints", "audit_heads"}, c.Tbl) && !strings.HasPrefix(c.Tbl, "search_") && !strings.HasPrefix(c.Tbl, "river") && !strings.HasPrefix(c.Tbl, "goose")
		if ours && !slices.Contains(without, c.Tbl) && !slices.Contains(without, c.Name) && !slices.Contains(without, c.Tbl+"."+c.Name) {
			columns[c.Tbl] = append(columns[c.Tbl], "'"+c.Name+"=' || COALESCE(CAST("+c.Name+" AS TEXT), 'NULL')")
		}
	}
	var parts []string
	for table, list := range columns {
		parts = append(parts, "SELECT '"+table+": ' || "+strings.Join(list, " || '; ' || ")+" FROM "+table)
	}
	rows := apptest.Query[string](w, strings.Join(parts, " UNION ALL "))
	slices.Sort(rows)
	return rows
}

// equal compares two dumps, and shows where they part.
func equal(t testing.TB, before, after []string) bool {
	t.Helper()
	d := cmp.Diff(before, after)
	if d != "" {
		t.Logf("(- before, + after)\n%.3000s", d)
	}
	return d == ""
}

// chosen are the columns whose values an upgrade chooses by itself.
var chosen = []string{
	"id", "field_id", "group_id", "target_id", "object_id", "membership_id", "token_hash", "runner", "last_account", "installation",
	"audit_records.hash", "audit_records.previous", // times and numbers are in them
	"import_rows.secret", "import_rows.address", "imports.sealed", // keyed at random
}

// numbered is a dump of what has the number that it had there.
func numbered(w *apptest.World) []string {
	list := apptest.Query[string](w, "SELECT 'user ' || id || ' ' || address FROM users")
	list = append(list, apptest.Query[string](w, "SELECT 'account ' || id || ' ' || name FROM accounts")...)
	list = append(list, apptest.Query[string](w, "SELECT 'contact ' || id || ' ' || name FROM contacts")...)
	slices.Sort(list)
	return list
}

// settled is all that a run leaves behind, save what it chooses by itself.
func settled(w *apptest.World) []string { return append(dump(w, chosen...), numbered(w)...) }

// signIn types an address and a password.
func signIn(b *apptest.Browser, address, password string) *apptest.Page {
	return b.PostOnly("/signin", form("address", address, "password", password))
}

// enters signs somebody in who must get in.
func (s *stage) enters(address, password string) *apptest.Browser {
	s.t.Helper()
	b := s.Browser()
	if page := signIn(b, address, password); page.Status != http.StatusSeeOther {
		s.t.Fatalf("%s does not get in with %q: %d", address, password, page.Status)
	}
	return b
}

// refused tries to sign somebody in who must not get in.
func (s *stage) refused(address, password string) {
	s.t.Helper()
	if page := signIn(s.Browser(), address, password); page.Status < 400 || page.Status >= 500 {
		s.t.Errorf("%s gets in with %q: %d", address, password, page.Status)
	}
}

// recovers sets a new password by mail, and answers with the browser that she
// is signed in with then.
func (s *stage) recovers(address, password string) *apptest.Browser {
	s.t.Helper()
	s.Browser().Post("/recover", form("address", address)).Must(200)
	b := s.Browser()
	b.Get(s.Mail.Next(s.t, address, "Set a new password").Link(s.t)).Must(200)
	b.Post("/recover/password", form("password", password)).Must(200)
	return s.enters(address, password)
}

// held is what somebody may do in an account: a role's key counts as its set.
func (s *stage) held(address string, account int64) (set access.Set, owner, member bool) {
	s.t.Helper()
	type row struct {
		Owner       bool
		Role        string
		Permissions access.Set
	}
	rows := apptest.Query[row](s.World, `SELECT m.owner, m.role, m.permissions FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE u.address = $1 AND m.account_id = $2 AND m.status = 'active'`, address, account)
	if len(rows) == 0 {
		return 0, false, false
	}
	r, _ := access.RoleByKey(rows[0].Role)
	return rows[0].Permissions | r.Set, rows[0].Owner, true
}

// offered is what an unanswered invitation offers.
func (s *stage) offered(address string, account int64) (set access.Set, sends int64, there bool) {
	s.t.Helper()
	type row struct {
		Role        string
		Permissions access.Set
		Sends       int64
	}
	rows := apptest.Query[row](s.World, "SELECT role, permissions, sends FROM invitations WHERE address = $1 AND account_id = $2 AND state = 'pending'", address, account)
	if len(rows) != 1 {
		return 0, 0, false
	}
	r, _ := access.RoleByKey(rows[0].Role)
	return rows[0].Permissions | r.Set, rows[0].Sends, true
}

// whmcsSet is what WHMCS's keys grant, each on its own.
func whmcsSet(keys ...string) (set access.Set) {
	for _, key := range keys {
		set |= access.FromWHMCS(key)
	}
	return set
}

// nobodyMailed fails the test if a mail is there or on its way.
func (s *stage) nobodyMailed() {
	s.t.Helper()
	if n := s.Count("mails"); n > 0 || len(s.Mail.All()) > 0 {
		s.t.Errorf("%d mails are written, and %d have arrived", n, len(s.Mail.All()))
	}
}

func accountPath(n int64) string { return "/a/" + id.String(id.Account(n)) }

// pages are an account's pages, and what it takes to open each; the owner's
// have nothing.
var pages = map[string]access.Set{
	"/contacts": apptest.Keys("contacts.manage"), "/emails": apptest.Keys("emails.view"), "/settings": apptest.Keys("profile.manage"), "/activity": apptest.Keys("activity.view"),
	"/people": apptest.Keys("people.view"), "/people/invitations/new": apptest.Keys("people.manage"), "/people/policy": 0,
}

// reaches opens every page of an account, and complains of those that open
// otherwise than the set says.
func (s *stage) reaches(b *apptest.Browser, account int64, set access.Set, owner bool) {
	s.t.Helper()
	b.Get(accountPath(account)).Must(200)
	for path, needs := range pages {
		want := http.StatusForbidden
		if owner || needs != 0 && set.Has(needs) {
			want = http.StatusOK
		}
		if got := b.Get(accountPath(account) + path).Status; got != want {
			s.t.Errorf("%s%s answers %d, want %d for %v", accountPath(account), path, got, want, set)
		}
	}
}

// shutOut opens every page of an account as one who is no member.
func (s *stage) shutOut(b *apptest.Browser, account int64) {
	s.t.Helper()
	for path := range pages {
		if got := b.Get(accountPath(account) + path).Status; got != http.StatusNotFound {
			s.t.Errorf("%s%s answers %d to a stranger", accountPath(account), path, got)
		}
	}
	if got := b.Get(accountPath(account)).Status; got != http.StatusNotFound {
		s.t.Errorf("%s answers %d to a stranger", accountPath(account), got)
	}
}

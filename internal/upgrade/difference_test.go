package upgrade_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/upgrade"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// state is what an upgrade leaves behind, told without the numbers that it
// chose itself.
func state(w *apptest.World, there *memory) (lines []string) {
	type account struct {
		ID                                      int64
		Name, Address, Status, Currency, Search string
		MailKinds                               int64
	}
	for _, a := range apptest.Query[account](w, "SELECT id, name, address, status, currency, search, mail_kinds FROM accounts") {
		if _, ok := there.rows["tblclients"][a.ID]; !ok {
			if a.Status != "closed" {
				lines = append(lines, fmt.Sprintf("account %d stands open, and its client has gone", a.ID))
			}
			continue
		}
		lines = append(lines, fmt.Sprintf("account %+v", a))
	}
	type member struct {
		AccountID     int64
		Address, Name string
		Owner         bool
		Role          string
		Permissions   access.Set
		Password      string
		UserStatus    string
	}
	for _, m := range apptest.Query[member](w, `
		SELECT m.account_id, u.address, u.name, m.owner, m.role, m.permissions, u.password, u.status AS user_status
		FROM memberships m JOIN users u ON u.id = m.user_id JOIN accounts a ON a.id = m.account_id WHERE m.status = 'active' AND a.status <> 'closed'`) {
		lines = append(lines, fmt.Sprintf("member %+v", m))
	}
	type contact struct {
		AccountID     int64
		Name, Address string
		MailKinds     int64
	}
	for _, c := range apptest.Query[contact](w, "SELECT c.account_id, c.name, c.address, c.mail_kinds FROM contacts c JOIN accounts a ON a.id = c.account_id WHERE a.status <> 'closed'") {
		lines = append(lines, fmt.Sprintf("contact %+v", c))
	}
	type value struct {
		AccountID int64
		Value     string
	}
	for _, v := range apptest.Query[value](w, "SELECT v.account_id, f.name || '=' || v.value AS value FROM account_values v JOIN account_fields f ON f.id = v.field_id") {
		lines = append(lines, fmt.Sprintf("value %+v", v))
	}
	for _, n := range apptest.Query[value](w, "SELECT account_id, text AS value FROM account_notes") {
		lines = append(lines, fmt.Sprintf("note %+v", n))
	}
	type invitation struct {
		AccountID   int64
		Address     string
		Permissions access.Set
	}
	for _, i := range apptest.Query[invitation](w, "SELECT i.account_id, i.address, i.permissions FROM invitations i JOIN accounts a ON a.id = i.account_id WHERE i.state = 'pending' AND a.status <> 'closed'") {
		lines = append(lines, fmt.Sprintf("invitation %+v", i))
	}
	for _, u := range apptest.Query[string](w, `
		SELECT u.address || ' ' || u.name || ' ' || u.password || CASE WHEN u.verified_at IS NULL THEN '' ELSE ' verified' END FROM users u WHERE u.status = 'active'`) {
		lines = append(lines, "user "+u)
	}
	slices.Sort(lines)
	return lines
}

var (
	addresses = []string{"ada@example.com", "Ada@Example.com ", "ben@example.com", "cleo@example.com", "dan@example.com", "", "no address"}
	names     = []string{"Ada Ames", "Ben Bow", "Cleo Cob", "Dan Dee"}
	grants    = []string{"", "profile", "contacts,tickets", "invoices,flying", "orders,domains,managedomains"}
)

// draw makes a database of a shape, with few addresses so that many are
// shared.
func draw(t *rapid.T, shape string) *memory {
	m := newMemory(shape)
	m.put("tblclients", 9, "firstname", "Eve", "lastname", "End", "email", "eve@example.com", "currency", 1, "status", "Active")
	m.put("tblcurrencies", 1, "code", "USD", "default", 1)
	m.put("tblcustomfields", 1, "type", "client", "fieldname", "Birthday", "fieldtype", "text")
	m.put("tblcustomfields", 2, "type", "product", "fieldname", "Domain", "fieldtype", "text")
	for range rapid.IntRange(1, 12).Draw(t, "rows") {
		drawRow(t, m)
	}
	return m
}

// drawRow writes a row, or writes one anew.
func drawRow(t *rapid.T, m *memory) {
	number := rapid.Int64Range(1, 4).Draw(t, "number")
	address := rapid.SampledFrom(addresses).Draw(t, "address")
	name := strings.Fields(rapid.SampledFrom(names).Draw(t, "name"))
	hash := "$2y$10$" + strings.Repeat(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "hash"), 53)
	client := rapid.Int64Range(1, 4).Draw(t, "client")
	keys := rapid.SampledFrom(grants).Draw(t, "grants")
	switch kind := rapid.IntRange(0, 7).Draw(t, "table"); kind {
	case 0, 1:
		m.put("tblclients", number, "firstname", name[0], "lastname", name[1], "email", address, "password", hash, "currency", 1, "status", "Active", "notes", rapid.SampledFrom([]string{"", "late payer"}).Draw(t, "notes"))
	case 2, 3:
		m.put("tblcontacts", number, "userid", client, "firstname", name[0], "lastname", name[1], "email", address, "password", hash,
			"subaccount", rapid.IntRange(0, 1).Draw(t, "sub"), "permissions", keys, "domainemails", rapid.IntRange(0, 1).Draw(t, "domain"))
	case 4:
		m.put("tblcustomfieldsvalues", number, "fieldid", rapid.IntRange(1, 2).Draw(t, "field"), "relid", client, "value", name[0])
	case 5:
		m.put("tblnotes", number, "userid", client, "note", name[0], "created", "2020-01-02 03:04:05", "modified", "2020-01-02 03:04:05")
	default:
		drawUsers(t, m, number, client, address, name, hash, keys)
	}
}

func drawUsers(t *rapid.T, m *memory, number, client int64, address string, name []string, hash, keys string) {
	if _, ok := m.shape["tblusers"]; !ok {
		return
	}
	switch rapid.IntRange(0, 4).Draw(t, "users") {
	case 0, 1:
		m.put("tblusers", number, "first_name", name[0], "last_name", name[1], "email", address, "password", hash)
	case 2, 3:
		m.put("tblusers_clients", number, "auth_user_id", rapid.IntRange(1, 4).Draw(t, "user"), "client_id", client, "owner", rapid.IntRange(0, 1).Draw(t, "owner"), "permissions", keys)
	default:
		m.put("tbluser_invites", number, "email", address, "client_id", client, "permissions", keys)
	}
}

// alter changes some rows, and takes some away.
func alter(t *rapid.T, m *memory) *memory {
	m = m.copy()
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		drawRow(t, m)
	}
	for _, table := range []string{"tblclients", "tblcontacts", "tblcustomfieldsvalues", "tblnotes", "tblusers", "tblusers_clients", "tbluser_invites"} {
		if rapid.IntRange(0, 3).Draw(t, "away") == 0 {
			delete(m.rows[table], rapid.Int64Range(1, 4).Draw(t, "which"))
		}
	}
	return m
}

// An upgrade that is run while the other system lives, cut off anywhere, and
// run again for the difference leaves what a single run would have left; each
// dry run says what its real run does.
func TestT142_TheDifferenceLeadsToTheSameState(t *testing.T) {
	t.Parallel()
	for _, e := range apptest.Engines {
		for _, shape := range []string{"7.10", "8.13"} {
			t.Run(string(e)+" "+shape, func(t *testing.T) {
				t.Parallel()
				w := apptest.New(t, e)
				n := 0
				rapid.Check(t, func(rt *rapid.T) {
					if n++; e == db.Postgres && n > 25 {
						return
					}
					differ(t, rt, w, shape)
				})
			})
		}
	}
}

func differ(t *testing.T, rt *rapid.T, w *apptest.World, shape string) {
	first := draw(rt, shape)
	second := alter(rt, first)
	wipe(w)
	back := runs(t, rt, w, first)
	wantBack := state(w, first)
	wipe(w)
	once := runs(t, rt, w, second)
	want := state(w, second)
	wipe(w)
	cut := first.copy()
	cut.stop = rapid.IntRange(1, 120).Draw(rt, "stop")
	if out := try(t, w, cut, upgrade.Options{}); out.err != nil && out.err != errStopped {
		rt.Fatal(out.err)
	}
	runs(t, rt, w, first)
	runs(t, rt, w, second)
	if d := cmp.Diff(want, state(w, second)); d != "" {
		rt.Fatalf("the two ways lead to different states (- one run, + two):\n%s\n%s", d, strings.Join(insides(w), "\n"))
	}
	again := runs(t, rt, w, second)
	if once.csv != again.csv {
		rt.Fatalf("a run that changes nothing reports otherwise:\n%s", cmp.Diff(once.csv, again.csv))
	}
	for _, c := range again.head.Rows {
		if c.New+c.Changed+c.Gone > 0 {
			rt.Fatalf("a run after the last one does something: %+v", c)
		}
	}
	if again := runs(t, rt, w, first); again.head.Source != back.head.Source {
		rt.Fatal("it was another release")
	}
	if d := cmp.Diff(wantBack, state(w, first)); d != "" {
		rt.Fatalf("going back leads to another state (- one run, + three):\n%s\n%s", d, strings.Join(insides(w), "\n"))
	}
}

// insides is what the upgrade remembers, for looking into a failure.
func insides(w *apptest.World) (lines []string) {
	type row struct {
		Kind, Mark                               string
		SourceID, TargetID, Written, Credentials int64
	}
	for _, r := range apptest.Query[row](w, "SELECT kind, mark, source_id, target_id, written, credentials FROM import_rows ORDER BY kind, source_id") {
		lines = append(lines, fmt.Sprintf("%+v", r))
	}
	return append(lines, apptest.Query[string](w, `
		SELECT 'user ' || u.id || ' ' || u.status || ' ' || u.credentials || ' ' || u.address || COALESCE(' in ' || m.account_id || ' ' || m.status, '') FROM users u LEFT JOIN memberships m ON m.user_id = u.id`)...)
}

// runs does a dry run and a real one.
func runs(t *testing.T, rt *rapid.T, w *apptest.World, m *memory) outcome {
	dry := try(t, w, m.copy(), upgrade.Options{DryRun: true})
	out := try(t, w, m.copy(), upgrade.Options{})
	if dry.err != nil || out.err != nil {
		rt.Fatal(dry.err, out.err)
	}
	if dry.csv != out.csv {
		rt.Fatalf("the dry run reports otherwise:\n%s", cmp.Diff(dry.csv, out.csv))
	}
	if d := cmp.Diff(dry.head, out.head); d != "" {
		rt.Fatalf("the dry run counts otherwise:\n%s", d)
	}
	return out
}

// wipe empties the installation.
func wipe(w *apptest.World) {
	for _, table := range []string{
		"import_rows", "account_values", "account_notes", "account_fields", "invitations", "memberships", "contacts",
		"accounts", "account_groups", "sessions", "identities", "users", "imports",
	} {
		w.Exec("DELETE FROM " + table)
	}
}

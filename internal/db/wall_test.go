package db_test

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

// write runs a statement in a scope.
func write(w *apptest.World, s db.Scope, statement string, args ...any) (n int64, err error) {
	err = w.DB.Write(context.Background(), s, func(tx *db.Tx) error {
		n, err = db.Exec(tx, statement, args...)
		return err
	})
	return n, err
}

// count counts rows in a scope.
func count(t *testing.T, w *apptest.World, s db.Scope, rows string) (n int64) {
	t.Helper()
	err := w.DB.Read(context.Background(), s, func(tx *db.Tx) (err error) {
		n, err = db.One[int64](tx, "SELECT COUNT(*) FROM "+rows)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", rows, err)
	}
	return n
}

// fill adds a row to each table that belongs to accounts: for the account $1,
// another account $2, a membership $3 of the account and a text $4.
var fill = map[string]string{
	"accounts":             "INSERT INTO accounts (id, name, address, currency, status, created_at) VALUES ($1 + 100 + 0 * $2 + 0 * $3, $4, 'a@x.example', 'EUR', 'closed', CURRENT_TIMESTAMP)",
	"contacts":             "INSERT INTO contacts (account_id, name, address, created_at) VALUES ($1 + 0 * $2 + 0 * $3, $4, 'c@x.example', CURRENT_TIMESTAMP)",
	"roles":                "INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1 + 0 * $2 + 0 * $3, $4, 0, CURRENT_TIMESTAMP)",
	"memberships":          "INSERT INTO memberships (account_id, user_id, ended_why, status, starts_at, seen_at, created_at) VALUES ($1 + 0 * $2 + 0 * $3, 1, $4, 'ended', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"grants":               "INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1 + 0 * $2, $3, 'service', LENGTH($4), 0, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"partner_links":        "INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1 + 0 * $3, $2, LENGTH($4), 'ended', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"invitations":          "INSERT INTO invitations (account_id, address, token_hash, state, created_at, sent_at, expires_at) VALUES ($1 + 0 * $2 + 0 * $3, 'i@x.example', $4, 'expired', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"invitation_blocks":    "INSERT INTO invitation_blocks (account_id, address, created_at) VALUES ($1 + 0 * $2 + 0 * $3, $4, CURRENT_TIMESTAMP)",
	"ownership_offers":     "INSERT INTO ownership_offers (account_id, from_id, to_id, hand_over, from_credentials, to_credentials, state, created_at, expires_at) VALUES ($1 + 0 * $2, $3, $3, FALSE, LENGTH($4), 1, 'declined', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"mails":                "INSERT INTO mails (account_id, about_id, kind, class, recipient, subject, text_body, html_body, state, created_at) VALUES ($1 + 0 * $3, $2 + 0, 'x', 'bulk', 'm@x.example', $4, '', '', 'kept', CURRENT_TIMESTAMP)",
	"account_values":       "INSERT INTO account_values (account_id, field_id, value) VALUES ($1 + 0 * $2 + 0 * $3, CASE WHEN $4 LIKE 'first %' THEN 1 ELSE 2 END, $4)",
	"account_notes":        "INSERT INTO account_notes (account_id, text, created_at, changed_at) VALUES ($1 + 0 * $2 + 0 * $3, $4, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"impersonations":       "INSERT INTO impersonations (account_id, staff_id, staff_session_id, user_id, token_hash, reason, origin, created_at, expires_at, ended_at) VALUES ($1 + 0 * $2 + 0 * $3, 1, 1, 1, $4, '', '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"owner_recoveries":     "INSERT INTO owner_recoveries (account_id, address, reason, started_by, state, created_at, ready_at) VALUES ($1 + 0 * $2 + 0 * $3, 'o@x.example', $4, 1, 'done', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)",
	"owner_recovery_links": "INSERT INTO owner_recovery_links (account_id, recovery_id, token_hash, created_at) VALUES ($1 + 0 * $2 + 0 * $3, (SELECT MIN(id) FROM owner_recoveries WHERE account_id = $1), $4, CURRENT_TIMESTAMP)",
	"merge_parts":          "INSERT INTO merge_parts (merge_id, account_id, kind, row_id, before) VALUES ((SELECT MIN(id) FROM merges), $1 + 0 * $2 + 0 * $3, 'stays', 1, $4)",
	"audit_records":        "INSERT INTO audit_records (at, event, actor_kind, via, account_id, before) VALUES (CURRENT_TIMESTAMP, 'x.y', 'system', 'system', $1 + 0 * $2 + 0 * $3, $4)",
}

// owner is the column in which a table names the account that a row is of.
func owner(table string) string {
	if table == "accounts" {
		return "id"
	}
	return "account_id"
}

// A pair is two accounts with a row each in every table that belongs to
// accounts.
type pair struct {
	*apptest.World
	a, b         id.Account
	alice, bella *apptest.Person
}

func newPair(t *testing.T, w *apptest.World) *pair {
	p := &pair{World: w, alice: w.Person("Alice Arden", "alice@arden.example"), bella: w.Person("Bella Basalt", "bella@basalt.example")}
	p.a, p.b = w.Account(p.alice, "Amber"), w.Account(p.bella, "Basalt")
	for range 2 { // one for the first value of an account, one for a further
		w.Exec("INSERT INTO account_fields (name, kind, created_at) VALUES ('A field', 'text', $1)", w.Clock.Now())
	}
	w.Operator("Otto", "otto@staff.example", "administrator")
	w.Exec("INSERT INTO merges (keep_id, other_id, state, created_at, expires_at) VALUES ($1, $2, 'undone', $3, $3)", p.alice.User, p.bella.User, w.Clock.Now())
	for _, account := range []id.Account{p.a, p.b} {
		for _, table := range slices.Sorted(maps.Keys(fill)) { // what others refer to stands before them
			if err := p.insert(db.Wide, table, account, "first"); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
		}
	}
	return p
}

// insert adds a row of an account to a table.
func (p *pair) insert(s db.Scope, table string, of id.Account, text string) error {
	other, person := p.b, p.alice
	if of == p.b {
		other, person = p.a, p.bella
	}
	if table == "mails" {
		other = of
	}
	_, err := write(p.World, s, fill[table], of, other, p.Membership(of, person), text+" "+table+" "+id.String(of))
	return err
}

// owned are the tables that belong to accounts, as the catalogue has them.
func owned(w *apptest.World) []string {
	tables := map[string]bool{"accounts": true}
	for _, c := range columns(w) {
		if strings.HasSuffix(c.Name, "account_id") {
			tables[c.Tbl] = true
		}
	}
	return slices.Sorted(maps.Keys(tables))
}

func TestT066_EveryTableOfAccountsStandsBehindTheWall(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.Postgres)
	type wall struct {
		Name                 string
		Enabled, Forced      bool
		Policies, Whole      int64
		Commands, Roles, Bad string
	}
	walls := map[string]wall{}
	for _, one := range apptest.Query[wall](w, `
		SELECT c.relname::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, COUNT(p.oid) AS policies,
			COUNT(p.oid) FILTER (WHERE p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL AND p.polpermissive) AS whole,
			COALESCE(string_agg(p.polcmd::text, ''), '') AS commands, COALESCE(string_agg(p.polroles::text, ''), '') AS roles,
			COALESCE(string_agg(pg_get_expr(p.polqual, p.polrelid) || pg_get_expr(p.polwithcheck, p.polrelid), '') FILTER (WHERE
				pg_get_expr(p.polqual, p.polrelid) NOT LIKE '%clientele_account()%' OR pg_get_expr(p.polwithcheck, p.polrelid) NOT LIKE '%clientele_account()%'), '') AS bad
		FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
		WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1, 2, 3`) {
		walls[one.Name] = one
	}
	tables := owned(w)
	if len(tables) < 11 {
		t.Fatalf("only %v belong to accounts: looking in the wrong place?", tables)
	}
	for _, table := range tables {
		got, want := walls[table], wall{Name: table, Enabled: true, Forced: true, Policies: 1, Whole: 1, Commands: "*", Roles: "{0}"}
		if got != want {
			t.Errorf("%s has the wall %+v, want %+v", table, got, want)
		}
	}
	if got := apptest.Query[bool](w, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"); !slices.Equal(got, []bool{false}) {
		t.Error("the tests run as a role that the wall does not bind")
	}
}

func TestT066_WithoutAScopeThereIsNothing(t *testing.T) {
	t.Parallel()
	p := newPair(t, apptest.New(t, db.Postgres))
	for _, table := range owned(p.World) {
		if fill[table] == "" {
			t.Errorf("%s belongs to accounts: say in fill how a row of it is made", table)
			continue
		}
		if n := count(t, p.World, db.Wide, table); n < 2 {
			t.Errorf("%s has %d rows, want some of both accounts", table, n)
		}
		if n := count(t, p.World, db.Nothing, table); n != 0 {
			t.Errorf("%s shows %d rows without a scope", table, n)
		}
		if n, err := write(p.World, db.Nothing, "UPDATE "+table+" SET "+owner(table)+" = "+owner(table)); table != "audit_records" && (n != 0 || err != nil) {
			t.Errorf("%s: %d rows changed without a scope (%v)", table, n, err)
		}
		if err := p.insert(db.Nothing, table, p.a, "second"); !refusedByWall(err) {
			t.Errorf("%s: a row was added without a scope: %v", table, err)
		}
	}
	// On a bare connection too, before any setting and after one has gone with
	// its transaction: it reads as the empty text then, not as NULL.
	ctx := context.Background()
	conn, err := p.DB.Pool().Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	rows := func() (n int) {
		for _, table := range owned(p.World) {
			var one int
			if err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+table).Scan(&one); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			n += one
		}
		return n
	}
	for _, statement := range []string{
		"RESET ALL",
		"BEGIN; SELECT set_config('clientele.account', '" + id.String(p.a) + "', true), set_config('clientele.wide', 'on', true), set_config('clientele.user_id', '1', true); COMMIT",
		"BEGIN; SELECT set_config('clientele.account', '" + id.String(p.a) + "', true), set_config('clientele.wide', 'on', true), set_config('clientele.user_id', '1', true); ROLLBACK",
	} {
		for _, one := range strings.Split(statement, "; ") {
			if _, err := conn.ExecContext(ctx, one); err != nil {
				t.Fatal(err)
			}
		}
		if n := rows(); n != 0 {
			t.Errorf("after %s a bare connection sees %d rows", statement, n)
		}
	}
}

func refusedByWall(err error) bool {
	return err != nil && strings.Contains(err.Error(), "row-level security")
}

func TestT066_AnAccountsTransactionSeesAndWritesItsOwnRowsAlone(t *testing.T) {
	t.Parallel()
	p := newPair(t, apptest.New(t, db.Postgres))
	scope := db.InAccount(p.a, 0)
	for _, table := range owned(p.World) {
		column := owner(table)
		theirs := column + " <> " + id.String(p.a)
		if table == "partner_links" {
			theirs += " AND partner_id <> " + id.String(p.a) // both ends of a link see it
		}
		seen, strange := count(t, p.World, scope, table), count(t, p.World, scope, table+" WHERE "+theirs)
		if seen == 0 || strange != 0 {
			t.Errorf("%s shows %d rows, and %d of another account", table, seen, strange)
		}
		if err := p.insert(scope, table, p.b, "second"); !refusedByWall(err) {
			t.Errorf("%s: a row of another account was added: %v", table, err)
		}
		if n, err := write(p.World, scope, "UPDATE "+table+" SET "+column+" = "+column+" WHERE "+theirs); table != "audit_records" && n != 0 {
			t.Errorf("%s: %d rows of another account were changed (%v)", table, n, err)
		}
		if n, err := write(p.World, scope, "DELETE FROM "+table+" WHERE "+theirs); table != "audit_records" && n != 0 {
			t.Errorf("%s: %d rows of another account were deleted (%v)", table, n, err)
		}
		if table == "audit_records" || table == "accounts" {
			continue
		}
		if err := p.insert(scope, table, p.a, "third"); err != nil {
			t.Errorf("%s: the account's own row was refused: %v", table, err)
		}
		if n, err := write(p.World, scope, "UPDATE "+table+" SET account_id = "+id.String(p.b)+" WHERE account_id = "+id.String(p.a)); !refusedByWall(err) && !errors.Is(err, db.ErrReference) {
			t.Errorf("%s: %d rows were handed to another account (%v)", table, n, err)
		}
	}
	// Mail to another account is not sent by calling it one's own affair.
	if _, err := write(p.World, scope, fill["mails"], p.b, p.a, 0, "a mail"); !refusedByWall(err) {
		t.Errorf("a mail to another account was added: %v", err)
	}
	if _, err := write(p.World, scope, fill["mails"], p.a, p.b, 0, "a mail"); !refusedByWall(err) {
		t.Errorf("a mail about another account was added: %v", err)
	}
}

func TestT061_ARowRefersToNothingOfAnotherAccount(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		mine, theirs := p.Membership(p.a, p.alice), p.Membership(p.b, p.bella)
		theirRole := apptest.Query[id.Role](w, "SELECT id FROM roles WHERE account_id = $1", p.b)[0]
		now := w.Clock.Now()
		for name, one := range map[string]struct {
			statement string
			args      []any
		}{
			"a membership with their role":     {"UPDATE memberships SET role_id = $2 WHERE id = $1", []any{mine, theirRole}},
			"an invitation with their role":    {"INSERT INTO invitations (account_id, address, token_hash, role_id, created_at, sent_at, expires_at) VALUES ($1, 'x@x.example', 'h', $2, $3, $3, $3)", []any{p.a, theirRole, now}},
			"an invitation with their member":  {"UPDATE invitations SET membership_id = $2 WHERE account_id = $1", []any{p.a, theirs}},
			"a grant to their member":          {"INSERT INTO grants (account_id, membership_id, kind, object_id, permissions, starts_at, created_at) VALUES ($1, $2, 'service', 1, 1, $3, $3)", []any{p.a, theirs, now}},
			"ownership offered by their owner": {"INSERT INTO ownership_offers (account_id, from_id, to_id, hand_over, from_credentials, to_credentials, created_at, expires_at) VALUES ($1, $2, $3, FALSE, 1, 1, $4, $4)", []any{p.a, theirs, mine, now}},
			"ownership offered to their owner": {"INSERT INTO ownership_offers (account_id, from_id, to_id, hand_over, from_credentials, to_credentials, created_at, expires_at) VALUES ($1, $2, $3, FALSE, 1, 1, $4, $4)", []any{p.a, mine, theirs, now}},
			"a role that moves over":           {"UPDATE roles SET account_id = $2 WHERE id = (SELECT MIN(id) FROM roles WHERE account_id = $1)", []any{p.a, 987654}},
			"a contact of no account":          {"INSERT INTO contacts (account_id, name, address, created_at) VALUES ($1, 'n', 'c@x.example', $2)", []any{987654, now}},
			"a partner that is no account":     {"INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, 987654, 1, 'active', $2, $2)", []any{p.a, now}},
		} {
			if _, err := write(w, db.Wide, one.statement, one.args...); !errors.Is(err, db.ErrReference) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := write(w, db.Wide, "INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $1, 1, 'active', $2, $2)", p.a, now); err == nil {
			t.Error("an account is its own partner")
		}
	})
}

func TestT066_TheStartRefusesARoleThatTheWallDoesNotBind(t *testing.T) {
	t.Parallel()
	server, err := apptest.PostgresURL()
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(apptest.EmptyDatabase(t, db.Postgres))
	query := u.Query()
	query.Set("user", "clientele_super")
	u.RawQuery = query.Encode()
	ctx := context.Background()
	d, err := db.Open(ctx, u.String(), db.Options{})
	if err == nil {
		d.Close()
		t.Fatal("a superuser may serve")
	}
	for _, want := range []string{`"clientele_super"`, "row security", "CLIENTELE_ALLOW_BYPASS"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the refusal does not say %s: %v", want, err)
		}
	}
	// Unless it is wanted.
	if d, err = db.Open(ctx, u.String(), db.Options{AllowBypass: true}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if d, err = db.Open(ctx, server, db.Options{}); err != nil {
		t.Fatalf("an ordinary role is refused: %v", err)
	}
	d.Close()
}

// Whoever migrates may own the tables, and another role serve: it adds to the
// log, and cannot so much as try to change it.
func TestT144_TheServingRoleOnlyAddsToTheLog(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.Postgres)
	w.Account(w.Person("Alice Arden", "alice@arden.example"), "Amber")
	role := "t_serves_" + strconv.Itoa(os.Getpid())
	ctx := context.Background()
	super := as(t, w, "clientele_super", db.Options{AllowBypass: true})
	if _, err := super.Pool().Exec("CREATE ROLE " + role + " LOGIN"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, statement := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
			if _, err := super.Pool().Exec(statement); err != nil {
				t.Logf("%s: %v", statement, err)
			}
		}
	})
	if err := w.DB.GrantTo(ctx, role); err != nil {
		t.Fatal(err)
	}
	serves := as(t, w, role, db.Options{})
	try := func(statement string) error {
		return serves.Write(ctx, db.Wide, func(tx *db.Tx) error {
			_, err := db.Exec(tx, statement)
			return err
		})
	}
	for _, statement := range []string{"UPDATE audit_records SET event = 'x'", "DELETE FROM audit_records", "TRUNCATE audit_records"} {
		if err := try(statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if err := try("INSERT INTO audit_records (at, event, actor_kind, via) VALUES (CURRENT_TIMESTAMP, 'x.y', 'system', 'system')"); err != nil {
		t.Errorf("it cannot add to the log: %v", err)
	}
	if err := try("ALTER TABLE audit_records DISABLE TRIGGER ALL"); err == nil {
		t.Error("it can switch the triggers off")
	}
	if err := try("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY"); err == nil {
		t.Error("it can tear the wall down")
	}
	err := serves.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM accounts")
		if n != 0 {
			t.Errorf("without a scope it sees %d accounts", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// as opens a world's database as another role.
func as(t *testing.T, w *apptest.World, role string, o db.Options) *db.DB {
	t.Helper()
	u, _ := url.Parse(w.Config.DatabaseURL)
	query := u.Query()
	query.Set("user", role)
	u.RawQuery = query.Encode()
	d, err := db.Open(context.Background(), u.String(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestT144_TheLogIsOnlyAddedTo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Account(w.Person("Alice Arden", "alice@arden.example"), "Amber")
		log := func() []string {
			return apptest.Query[string](w, "SELECT id || event || outcome || via || before || after FROM audit_records ORDER BY id")
		}
		before := log()
		if len(before) < 3 {
			t.Fatalf("the log has %v", before)
		}
		statements := []string{
			"UPDATE audit_records SET event = 'x'", "UPDATE audit_records SET after = '' WHERE id = 1", "DELETE FROM audit_records", "DELETE FROM audit_records WHERE id = 2",
			"INSERT INTO audit_records (id, at, event, actor_kind, via) VALUES (1, CURRENT_TIMESTAMP, 'x', 'system', 'system') ON CONFLICT (id) DO UPDATE SET event = 'x'",
		}
		if w.Engine == db.SQLite {
			statements = append(statements,
				"INSERT OR REPLACE INTO audit_records (id, at, event, actor_kind, via) VALUES (1, CURRENT_TIMESTAMP, 'x', 'system', 'system')",
				"UPDATE OR REPLACE audit_records SET id = 1 WHERE id = 2")
		} else {
			statements = append(statements, "TRUNCATE audit_records", "UPDATE audit_records SET event = 'x' WHERE FALSE")
		}
		for _, statement := range statements {
			if _, err := write(w, db.Wide, statement); err == nil {
				t.Errorf("the database takes %s", statement)
			}
		}
		if after := log(); !slices.Equal(after, before) {
			t.Errorf("the log is %v, was %v", after, before)
		}
		if _, err := write(w, db.Wide, "INSERT INTO audit_records (at, event, actor_kind, via) VALUES (CURRENT_TIMESTAMP, 'x.y', 'system', 'system')"); err != nil {
			t.Errorf("a record is refused: %v", err)
		}
	})
}

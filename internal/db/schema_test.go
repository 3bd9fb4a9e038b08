package db_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
)

// ours leaves out the tables of the libraries: the migrations' and the
// queues', and the insides of the indexes of searches, which each engine has
// in its own way.
func ours(name string) string {
	return name + " NOT LIKE 'river%' AND " + name + " NOT LIKE 'goose%' AND " + name + " NOT LIKE 'sqlite%' AND " + name + " NOT LIKE 'search@_%' ESCAPE '@'"
}

// TestGoldenSchema shows the whole schema as it comes out of the migrations,
// on SQLite as it stands, and what PostgreSQL has besides: the wall between
// accounts.
func TestGoldenSchema(t *testing.T) {
	t.Parallel()
	lite, pg := apptest.New(t, db.SQLite), apptest.New(t, db.Postgres)
	var b strings.Builder
	for _, kind := range []string{"table", "index", "trigger"} {
		list := apptest.Query[string](lite, "SELECT sql || ';' FROM sqlite_master WHERE type = $1 AND sql IS NOT NULL AND "+ours("tbl_name")+" ORDER BY tbl_name, name", kind)
		fmt.Fprintf(&b, "-- SQLite: each %s, by name.\n\n%s\n\n", kind, strings.Join(list, "\n"+map[bool]string{true: "\n"}[kind == "table"]))
	}
	b.WriteString("-- PostgreSQL: the functions and triggers, and who sees which rows.\n\n")
	for _, query := range []string{
		"SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'clientele%' ORDER BY p.proname",
		"SELECT pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND " + ours("c.relname") + " ORDER BY c.relname, g.tgname",
		`SELECT 'POLICY ' || p.polname || ' ON ' || c.relname || CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN ' (enabled, forced)' ELSE ' (NOT IN FORCE)' END
			|| E'\n    USING ' || pg_get_expr(p.polqual, p.polrelid) || E'\n    WITH CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid)
			FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid ORDER BY c.relname, p.polname`,
	} {
		for _, text := range apptest.Query[string](pg, query) {
			b.WriteString(strings.TrimSpace(text) + ";\n")
		}
		b.WriteString("\n")
	}
	got := strings.TrimSpace(b.String()) + "\n"
	const golden = "../../testdata/schema.sql"
	if os.Getenv("CLIENTELE_UPDATE_GOLDENS") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema differs from %s; if that is meant, CLIENTELE_UPDATE_GOLDENS=1 writes it anew:\n%s", golden, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d is %q, was %q", i+1, a[i], strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""))
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(a), len(b))
}

// A column as both engines have it.
type column struct {
	Tbl, Name, Kind string
	Empty           bool // may be NULL
}

// kinds are the engines' words for one kind of value.
var kinds = map[string]string{
	"BLOB":    "bytea",
	"INTEGER": "number", "BIGINT": "number", "bigint": "number", "TEXT": "text", "text": "text",
	"TIMESTAMP": "time", "timestamp without time zone": "time", "BOOLEAN": "truth", "boolean": "truth",
}

func columns(w *apptest.World) map[string]column {
	query := `SELECT m.name AS tbl, c.name, c.type AS kind, c."notnull" = 0 AND c.pk = 0 AS empty
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND ` + ours("m.name")
	if w.Engine == db.Postgres {
		query = `SELECT table_name::text AS tbl, column_name::text AS name, data_type::text AS kind, is_nullable = 'YES' AS empty
			FROM information_schema.columns WHERE table_schema = 'public' AND ` + ours("table_name")
	}
	out := map[string]column{}
	for _, c := range apptest.Query[column](w, query) {
		if k := kinds[c.Kind]; k != "" {
			c.Kind = k
		}
		out[c.Tbl+"."+c.Name] = c
	}
	return out
}

// indexes are the named indexes, each with its table and whether it is unique.
func indexes(w *apptest.World) []string {
	query := `SELECT m.name || ' on ' || m.tbl_name || CASE WHEN i."unique" THEN ', unique' ELSE '' END || CASE WHEN i.partial THEN ', partial' ELSE '' END
		FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) i ON i.name = m.name WHERE m.type = 'index' AND m.sql IS NOT NULL AND ` + ours("m.tbl_name")
	if w.Engine == db.Postgres {
		query = `SELECT c.relname || ' on ' || t.relname || CASE WHEN i.indisunique THEN ', unique' ELSE '' END || CASE WHEN i.indpred IS NOT NULL THEN ', partial' ELSE '' END
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
			WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid) AND ` + ours("t.relname")
	}
	return slices.Sorted(slices.Values(apptest.Query[string](w, query)))
}

func TestBothEnginesHaveOneSchema(t *testing.T) {
	t.Parallel()
	lite, pg := apptest.New(t, db.SQLite), apptest.New(t, db.Postgres)
	a, b := columns(lite), columns(pg)
	if len(a) < 100 {
		t.Fatalf("SQLite has %d columns: looking in the wrong place?", len(a))
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if a[name] != b[name] {
			t.Errorf("%s is %+v on SQLite and %+v on PostgreSQL", name, a[name], b[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			t.Errorf("%s is on PostgreSQL alone", name)
		}
	}
	if x, y := indexes(lite), indexes(pg); !slices.Equal(x, y) || len(x) < 15 {
		t.Errorf("the indexes are %q on SQLite and %q on PostgreSQL", x, y)
	}
}

// A reference is one foreign key: from columns of a table to columns of another.
type reference struct{ Tbl, Columns, Target, To string }

func references(w *apptest.World) []reference {
	query := `SELECT m.name AS tbl, (SELECT group_concat(f."from", ' ') FROM pragma_foreign_key_list(m.name) f WHERE f.id = k.id) AS columns, k."table" AS target,
			(SELECT group_concat(f."to", ' ') FROM pragma_foreign_key_list(m.name) f WHERE f.id = k.id) AS "to"
		FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k ON k.seq = 0 WHERE m.type = 'table' AND ` + ours("m.name")
	if w.Engine == db.Postgres {
		names := func(keys, table string) string {
			return "(SELECT string_agg(a.attname, ' ' ORDER BY x.n) FROM unnest(k." + keys + ") WITH ORDINALITY x(c, n) JOIN pg_attribute a ON a.attrelid = k." + table + " AND a.attnum = x.c)"
		}
		query = "SELECT k.conrelid::regclass::text AS tbl, " + names("conkey", "conrelid") + ` AS columns, k.confrelid::regclass::text AS target, ` + names("confkey", "confrelid") + ` AS "to"
			FROM pg_constraint k WHERE k.contype = 'f' AND ` + ours("k.conrelid::regclass::text")
	}
	return apptest.Query[reference](w, query)
}

func TestT061_ReferencesBetweenAccountsTablesNameTheAccount(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		owned := map[string]bool{}
		for _, c := range columns(w) {
			owned[c.Tbl] = owned[c.Tbl] || c.Name == "account_id"
		}
		composite := 0
		for _, r := range references(w) {
			if !owned[r.Tbl] || !owned[r.Target] {
				continue
			}
			if strings.HasPrefix(r.Columns, "account_id ") && r.To == "account_id id" {
				composite++
				continue
			}
			t.Errorf("%s (%s) refers to %s (%s) without its account", r.Tbl, r.Columns, r.Target, r.To)
		}
		if composite < 6 {
			t.Errorf("%d references between tables of accounts: looking in the wrong place?", composite)
		}
		// A row without an account is nobody's: only mail to a person and the
		// log of what happened outside of accounts are that.
		for name, c := range columns(w) {
			if c.Name == "account_id" && c.Empty && c.Tbl != "mails" && c.Tbl != "audit_records" {
				t.Errorf("%s may be empty", name)
			}
		}
	})
}

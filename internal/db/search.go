package db

import (
	"database/sql/driver"
	"fmt"
	"math"
	"slices"
	"strings"

	"clientele/internal/plain"

	sqlite "modernc.org/sqlite"
)

// An Index finds the rows of a table by any part of one of its columns, which
// holds folded text. A migration makes it with the word {{search}}; triggers
// keep it in step with the table. See decision 0027.
type Index struct {
	Table    string
	Text     string // the column
	Only     string // a condition on the rows, named t, that may be found
	Numbered bool   // rows are found by their number, too
	Near     int    // how many rows are looked through before the index is asked; 0 for the usual
}

// near is how many rows are looked through, in their order, before the index is
// asked. What very many rows have is found among the first of them, where the
// index would have to compare lists as long as the table.
const near = 2000

// mostGrams is how many pieces of a part the index is asked for. More of them
// make no shorter list, since the rows are looked at themselves, but more lists
// to compare; the first ones tell the most, as of an address the name before
// its host.
const mostGrams = 6

// Best finds the numbers of the rows that fit best: the one with exactly that
// number, those whose number begins with it, those with words that begin with
// what is looked for, and those that have it anywhere; each of these by
// number.
func (x Index) Best(tx *Tx, n plain.Needle, limit int) (found []int64, err error) {
	for _, step := range []func(*Tx, plain.Needle, int64, int) ([]int64, error){x.byNumber, x.begins, x.holds} {
		more, err := step(tx, n, 0, limit+len(found))
		if err != nil {
			return nil, err
		}
		for _, id := range more {
			if !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
		if len(found) >= limit {
			return found[:limit], nil
		}
	}
	return found, nil
}

// Page finds the numbers of the rows that fit, in their own order, from behind
// the given one on.
func (x Index) Page(tx *Tx, n plain.Needle, after int64, limit int) (found []int64, err error) {
	text := x.holds
	if !n.Inside() {
		text = x.begins
	}
	for _, step := range []func(*Tx, plain.Needle, int64, int) ([]int64, error){x.byNumber, text} {
		more, err := step(tx, n, after, limit)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found[:min(limit, len(found))], nil
}

// byNumber finds the rows whose number is, or begins with, what was typed. Each
// length that a number can have is a range of the table's own key.
func (x Index) byNumber(tx *Tx, n plain.Needle, after int64, limit int) ([]int64, error) {
	low, ok := n.Number()
	if !ok || !x.Numbered {
		return nil, nil
	}
	var parts []string
	args := []any{limit, after}
	for high := low; ; low, high = low*10, high*10+9 {
		parts = append(parts, fmt.Sprintf("SELECT id FROM (SELECT t.id FROM %s t WHERE t.id BETWEEN $%d AND $%d AND t.id > $2%s ORDER BY t.id LIMIT $1) p%d",
			x.Table, len(args)+1, len(args)+2, x.only(), len(parts)))
		args = append(args, low, high)
		if high > (math.MaxInt64-9)/10 {
			break
		}
	}
	return All[int64](tx, strings.Join(parts, " UNION ALL ")+" ORDER BY id LIMIT $1", args...)
}

func (x Index) only() string {
	if x.Only == "" {
		return ""
	}
	return " AND (" + x.Only + ")"
}

// begins finds the rows in whose text words begin with the parts. The index
// holds each text behind a space, so that its first word begins like others.
func (x Index) begins(tx *Tx, n plain.Needle, after int64, limit int) ([]int64, error) {
	parts := make([]string, len(n.Parts()))
	for i, part := range n.Parts() {
		parts[i] = " " + part
	}
	return x.having(tx, parts, after, limit)
}

// holds finds the rows whose text has all parts, wherever they stand.
func (x Index) holds(tx *Tx, n plain.Needle, after int64, limit int) ([]int64, error) {
	if !n.Inside() {
		return nil, nil
	}
	return x.having(tx, n.Parts(), after, limit)
}

// having finds the rows that have the parts, in their order: it looks through
// the nearest, and asks the index for those behind them where that is not enough.
func (x Index) having(tx *Tx, parts []string, after int64, limit int) ([]int64, error) {
	grams := gramsOf(parts)
	if len(grams) == 0 {
		return nil, nil
	}
	most := x.Near
	if most == 0 {
		most = near
	}
	type edge struct{ Rows, Last int64 }
	to, err := One[edge](tx, "SELECT COUNT(*) AS rows, COALESCE(MAX(id), 0) AS last FROM (SELECT id FROM "+x.Table+" WHERE id > $1 ORDER BY id LIMIT $2) n", after, most)
	if err != nil {
		return nil, err
	}
	e := indexes[tx.db.engine]
	found, err := x.look(tx, e.near, parts, after, limit, to.Last)
	if err != nil || len(found) == limit || to.Rows < int64(most) {
		return found, err
	}
	more, err := x.look(tx, e.far, parts, to.Last, limit-len(found), e.match(grams))
	return append(found, more...), err
}

// look reads the rows behind a number that have the parts, in one way. What
// that is asked for further stands as $3.
func (x Index) look(tx *Tx, w way, parts []string, after int64, limit int, further any) ([]int64, error) {
	query := "SELECT t.id FROM " + w.from
	args := []any{after, limit, further}
	for _, part := range parts {
		args = append(args, plain.Holding(part))
		query += fmt.Sprintf(` AND {text} LIKE $%d ESCAPE '\'`, len(args))
	}
	query += x.only() + " ORDER BY " + w.id + " LIMIT $2"
	text := strings.ReplaceAll(indexes[tx.db.engine].text, "{column}", x.Text)
	return All[int64](tx, strings.NewReplacer("{text}", text, "{table}", x.Table).Replace(query), args...)
}

// A way is how rows are read, and what they are in order of.
type way struct{ from, id string }

// gramsOf are the pieces by which the index is asked for all of the parts.
func gramsOf(parts []string) (grams []string) {
	for _, part := range parts {
		of := plain.Grams(part)
		grams = append(grams, of[:min(len(of), mostGrams)]...)
	}
	slices.Sort(grams)
	return slices.Compact(grams)
}

// indexes are how the engines are asked for the rows behind $1: up to $3 those
// near by, one after the other, and those far away that have all of the grams
// in $3, SQLite's FTS5 by a query of its own and PostgreSQL's GIN by an array.
var indexes = map[Engine]struct {
	near, far way
	text      string
	match     func(grams []string) string
}{
	SQLite: {
		near: way{"{table} t WHERE t.id > $1 AND t.id <= $3", "t.id"},
		far:  way{"search_{table} s CROSS JOIN {table} t ON t.id = s.rowid WHERE search_{table} MATCH $3 AND s.rowid > $1", "s.rowid"},
		text: "' ' || t.{column}",
		match: func(grams []string) string {
			for i, g := range grams {
				grams[i] = `"` + strings.ReplaceAll(g, `"`, `""`) + `"`
			}
			return strings.Join(grams, " AND ")
		},
	},
	Postgres: {
		near:  way{"search_{table} s JOIN {table} t ON t.id = s.id WHERE s.id > $1 AND s.id <= $3", "s.id"},
		far:   way{"search_{table} s JOIN {table} t ON t.id = s.id WHERE clientele_grams(s.text) @> string_to_array($3, chr(31)) AND s.id > $1", "s.id"},
		text:  "s.text",
		match: func(grams []string) string { return strings.Join(grams, "\x1f") },
	},
}

// searchIndex is the migration's word {{search "table" "column"}}: the index
// over a column of folded text, and the triggers that keep it in step with the
// table, in the same transaction.
func searchIndex(e Engine) func(table, column string) string {
	return func(table, column string) string {
		return strings.NewReplacer("{table}", table, "{text}", column).Replace(searchDDL[e])
	}
}

// searchDDL makes an index. On both engines it knows the text behind a space.
//
//   - SQLite: FTS5, which leaves the text in the table and keeps no positions;
//     what is deleted leaves it at once instead of waiting for a merge.
//   - PostgreSQL: a table of its own, because row security would keep the
//     planner from using an index that compares grams. The list of rows that
//     wait to be sorted in is kept short: each search reads all of it.
var searchDDL = map[Engine]string{
	SQLite: `
CREATE VIRTUAL TABLE search_{table} USING fts5({text}, content='{table}', content_rowid='id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0);
INSERT INTO search_{table} (search_{table}, rank) VALUES ('secure-delete', 1);
INSERT INTO search_{table} (rowid, {text}) SELECT id, ' ' || {text} FROM {table};
-- +goose StatementBegin
CREATE TRIGGER search_{table}_insert AFTER INSERT ON {table}
BEGIN INSERT INTO search_{table} (rowid, {text}) VALUES (NEW.id, ' ' || NEW.{text}); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER search_{table}_update AFTER UPDATE OF {text} ON {table} WHEN OLD.{text} <> NEW.{text}
BEGIN
    INSERT INTO search_{table} (search_{table}, rowid, {text}) VALUES ('delete', OLD.id, ' ' || OLD.{text});
    INSERT INTO search_{table} (rowid, {text}) VALUES (NEW.id, ' ' || NEW.{text});
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER search_{table}_delete AFTER DELETE ON {table}
BEGIN INSERT INTO search_{table} (search_{table}, rowid, {text}) VALUES ('delete', OLD.id, ' ' || OLD.{text}); END;
-- +goose StatementEnd
`,
	Postgres: `
CREATE TABLE search_{table} (
    id    BIGINT PRIMARY KEY,
    text  TEXT COLLATE "C" NOT NULL
);
INSERT INTO search_{table} SELECT id, ' ' || {text} FROM {table};
CREATE INDEX search_{table}_grams ON search_{table} USING gin (clientele_grams(text)) WITH (gin_pending_list_limit = 256);
-- +goose StatementBegin
CREATE FUNCTION clientele_search_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_{table} SELECT id, ' ' || {text} FROM fresh;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE search_{table} SET text = ' ' || NEW.{text} WHERE id = NEW.id;
    ELSE
        DELETE FROM search_{table} WHERE id = OLD.id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER search_{table}_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION clientele_search_{table}();
CREATE TRIGGER search_{table}_update AFTER UPDATE OF {text} ON {table}
    FOR EACH ROW WHEN (OLD.{text} <> NEW.{text}) EXECUTE FUNCTION clientele_search_{table}();
CREATE TRIGGER search_{table}_delete AFTER DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION clientele_search_{table}();
`,
}

// searched are the tables that have an index, and the column that it is over.
var searched = []struct{ table, text string }{{"accounts", "search"}, {"users", "search"}, {"contacts", "search"}, {"invitations", "address"}}

// searchRefill makes the indexes anew, from what stands in their tables: for
// who fills those without their triggers.
func searchRefill(e Engine) (out []string) {
	for _, s := range searched {
		empty := "TRUNCATE search_" + s.table
		into := "INSERT INTO search_" + s.table
		if e == SQLite {
			empty = into + " (search_" + s.table + ") VALUES ('delete-all')"
			into += " (rowid, " + s.text + ")"
		}
		out = append(out, empty, into+" SELECT id, ' ' || "+s.text+" FROM "+s.table)
	}
	return out
}

// What migrations fold, SQLite folds as everything else here does.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("clientele_fold", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, _ := args[0].(string)
		return plain.Fold(text), nil
	})
}

package db

import (
	"fmt"
	"strings"
	"time"
)

// A Relation is a table as the database itself describes it: how whole tables
// are copied, from either engine into either.
type Relation struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// A Column of a Relation. Its kind is a word that both engines share: "int",
// "float", "text", "bool", "time" or "bytes".
type Column struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// kinds are what the engines call the types that migrations use.
var kinds = map[string]string{
	"bigint": "int", "integer": "int", "smallint": "int", "text": "text", "character varying": "text", "boolean": "bool",
	"timestamp": "time", "timestamp without time zone": "time", "blob": "bytes", "bytea": "bytes", "real": "float", "double precision": "float",
}

// Relations lists the tables of the migrations, by name. The tables of the job
// library and of the migrations' own book-keeping are not among them.
func Relations(tx *Tx) (list []Relation, err error) {
	type found struct{ Relation, Name, Type string }
	query := `SELECT m.name AS relation, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY m.name, c.cid`
	if tx.db.engine == Postgres {
		query = `SELECT c.table_name AS relation, c.column_name AS name, c.data_type AS type
			FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' ORDER BY c.table_name COLLATE "C", c.ordinal_position`
	}
	all, err := All[found](tx, query)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if strings.HasPrefix(f.Relation, "river_") || strings.HasPrefix(f.Relation, "goose_") || strings.HasPrefix(f.Relation, "search_") {
			continue
		}
		kind, ok := kinds[strings.ToLower(f.Type)]
		if !ok {
			return nil, fmt.Errorf("db.Relations: %s.%s is %s, a type that copies do not know: name it in kinds", f.Relation, f.Name, f.Type)
		}
		if n := len(list); n == 0 || list[n-1].Name != f.Relation {
			list = append(list, Relation{Name: f.Relation})
		}
		r := &list[len(list)-1]
		r.Columns = append(r.Columns, Column{f.Name, kind})
	}
	return list, nil
}

// names lists the columns for a statement.
func (r Relation) names() string {
	out := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}

// Each hands every row to fn, in the order of the first column. The slice is
// fn's for that one call.
func (r Relation) Each(tx *Tx, fn func(row []any) error) error {
	rows, err := tx.query("SELECT " + r.names() + " FROM " + r.Name + " ORDER BY 1")
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	row, targets := make([]any, len(r.Columns)), make([]any, len(r.Columns))
	for i := range row {
		targets[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return translate(err)
		}
		for i, c := range r.Columns {
			row[i] = c.plain(row[i])
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}

// plain is a value as both engines mean it: one has numbers for what the
// other calls true, and bytes for text.
func (c Column) plain(v any) any {
	switch was := v.(type) {
	case int64:
		if c.Kind == "bool" {
			return was != 0
		}
	case []byte:
		if c.Kind == "text" {
			return string(was)
		}
	case time.Time:
		return was.UTC()
	}
	return v
}

// Add adds rows, whose values are those of the columns.
func (r Relation) Add(tx *Tx, rows [][]any) error {
	for len(rows) > 0 {
		n := min(perStatement, len(rows))
		var args []any
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		_, err := tx.tx.ExecContext(tx.ctx, "INSERT INTO "+r.Name+" ("+r.names()+") VALUES "+tx.db.places(n, len(r.Columns)), args...)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, translate(err))
		}
		rows = rows[n:]
	}
	return nil
}

// Last is the highest number that a table has handed out so far, also where
// its row has gone since; 0 where it numbers nothing.
func (r Relation) Last(tx *Tx) (int64, error) {
	if r.Columns[0] != (Column{"id", "int"}) {
		return 0, nil
	}
	if tx.db.engine == Postgres {
		n, err := One[Null[int64]](tx, "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass)", r.Name)
		return n.V, err
	}
	return One[int64](tx, "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = $1", r.Name)
}

// run runs statements that no transaction needs prepared.
func (tx *Tx) run(statements ...string) error {
	for _, s := range statements {
		if _, err := tx.tx.ExecContext(tx.ctx, s); err != nil {
			return fmt.Errorf("%w (statement %s)", notOwner(translate(err)), firstLine(s))
		}
	}
	return nil
}

// Refill empties every table, also those that refuse it, and has fn fill them
// again. References between rows are checked when fn is done, and the tables
// refuse again what they refused. Numbers that were handed out are not handed
// out again. The database's role must own the tables.
func Refill(tx *Tx, fn func() error) error {
	all, err := Relations(tx)
	if err != nil {
		return err
	}
	var before, after []string
	if tx.db.engine == Postgres {
		before, after, err = refillPostgres(tx, all)
	} else {
		before, after, err = refillSQLite(tx, all)
	}
	if err != nil {
		return err
	}
	if err := tx.run(before...); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return err
	}
	return tx.run(append(after, searchRefill(tx.db.engine)...)...)
}

func refillPostgres(tx *Tx, all []Relation) (before, after []string, err error) {
	type reference struct{ Relation, Name string }
	references, err := All[reference](tx, `SELECT CAST(conrelid::regclass AS TEXT) AS relation, quote_ident(conname) AS name
		FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND NOT condeferrable`)
	if err != nil {
		return nil, nil, err
	}
	tables := make([]string, len(all))
	for i, r := range all {
		tables[i] = r.Name
		before = append(before, "ALTER TABLE "+r.Name+" DISABLE TRIGGER USER")
	}
	before = append(before, "TRUNCATE "+strings.Join(tables, ", "))
	after = []string{"SET CONSTRAINTS ALL IMMEDIATE"}
	for _, r := range references {
		if strings.HasPrefix(r.Relation, "river_") {
			continue
		}
		before = append(before, "ALTER TABLE "+r.Relation+" ALTER CONSTRAINT "+r.Name+" DEFERRABLE")
		after = append(after, "ALTER TABLE "+r.Relation+" ALTER CONSTRAINT "+r.Name+" NOT DEFERRABLE")
	}
	for _, t := range tables {
		after = append(after, "ALTER TABLE "+t+" ENABLE TRIGGER USER")
	}
	return append(before, "SET CONSTRAINTS ALL DEFERRED"), after, nil
}

func refillSQLite(tx *Tx, all []Relation) (before, after []string, err error) {
	type trigger struct{ Name, SQL string }
	triggers, err := All[trigger](tx, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
	if err != nil {
		return nil, nil, err
	}
	before = []string{"PRAGMA defer_foreign_keys = ON"}
	for _, t := range triggers {
		before, after = append(before, "DROP TRIGGER "+t.Name), append(after, t.SQL)
	}
	for _, r := range all {
		before = append(before, "DELETE FROM "+r.Name)
	}
	return before, after, nil
}

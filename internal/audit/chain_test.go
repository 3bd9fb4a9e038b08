package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/seal"

	"pgregory.net/rapid"
)

// write adds a record of an account.
func write(w *apptest.World, account id.Account, after any) error {
	return w.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
		by := audit.Actor{Kind: audit.User, ID: 7, Via: audit.ViaPartner, ViaID: 9, Behalf: 8, Request: "request", Network: "192.0.2.7"}
		return audit.Write(tx, by, audit.Record{
			Event: "contact.changed", Account: account, Object: "contact", ObjectID: 3, Subject: 5,
			Before: map[string]any{"mail": []string{}}, After: after,
		})
	})
}

// verify is what verifying finds.
func verify(t interface {
	Helper()
	Fatal(...any)
}, w *apptest.World,
) audit.Report {
	t.Helper()
	r, err := w.Audit.Verify(context.Background(), "", func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func whole(t *testing.T, w *apptest.World) audit.Report {
	t.Helper()
	r := verify(t, w)
	if r.Found != 0 {
		t.Fatalf("a log that nobody has touched: %v", r.Problems)
	}
	return r
}

// unguard takes the guards off the log's tables, as the owner of the database
// can.
func unguard(w *apptest.World) {
	if w.Engine == db.Postgres {
		for _, table := range []string{"audit_records", "audit_heads", "audit_checkpoints", "audit_keys"} {
			w.Exec("ALTER TABLE " + table + " DISABLE TRIGGER USER")
		}
		return
	}
	for _, name := range apptest.Query[string](w, "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'") {
		w.Exec("DROP TRIGGER " + name)
	}
}

// errUndo ends a transaction that is not to be kept.
var errUndo = errors.New("undo")

// sign makes a checkpoint.
func sign(t *testing.T, w *apptest.World) {
	t.Helper()
	if err := w.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// someLog is a log in several lanes with a checkpoint in its middle.
func someLog(t *testing.T, w *apptest.World) {
	t.Helper()
	sign(t, w)
	for n := range 40 {
		if err := write(w, id.Account(1040+n%5), map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
		if n == 30 {
			sign(t, w)
			w.Clock.Move(time.Hour)
		}
	}
}

func TestT144_AChangeOfAnyColumnIsFoundAndTheRecordNamed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		someLog(t, w)
		whole(t, w)
		unguard(w)
		for column, change := range map[string]string{
			"at": "'2026-03-02 12:00:01.000000'", "event": "event || 'x'", "outcome": "'denied'", "actor_kind": "'system'", "actor_id": "actor_id + 1", "via": "'self'",
			"via_id": "NULL", "behalf_id": "0", "account_id": "account_id + 8", "object_kind": "''", "object_id": "object_id + 1", "subject_id": "NULL",
			"before": "before || ' '", "after": "'{\"n\":18}'", "request": "'Request'", "network": "'192.0.2.8'",
			"lane": "lane % 8 + 1", "seq": "seq + 1", "previous": "'x' || SUBSTR(previous, 2)", "hash": "SUBSTR(hash, 1, 42) || '!'",
		} {
			for _, n := range []string{"17", "39"} { // one before the checkpoint and one after
				number := apptest.Query[int64](w, "SELECT id FROM audit_records WHERE after = $1", `{"n":`+n+`}`)[0]
				undo := apptest.Query[string](w, fmt.Sprintf("SELECT CAST(%s AS TEXT) FROM audit_records WHERE id = $1", column), number)[0]
				if w.Engine == db.Postgres && column == "at" {
					change = "at + INTERVAL '1 microsecond'"
				}
				w.Exec(fmt.Sprintf("UPDATE audit_records SET %s = %s WHERE id = $1", column, change), number)
				r := verify(t, w)
				if r.Found == 0 || r.Problems[0].Record != number || !strings.Contains(r.Problems[0].Text, "was changed after it was written") {
					t.Errorf("%s of record %d: %v", column, number, r.Problems)
				}
				kind := "TEXT"
				if strings.HasSuffix(column, "_id") || column == "lane" || column == "seq" {
					kind = "BIGINT"
				} else if column == "at" && w.Engine == db.Postgres {
					kind = "TIMESTAMP"
				}
				w.Exec(fmt.Sprintf("UPDATE audit_records SET %s = CAST($2 AS %s) WHERE id = $1", column, kind), number, undo)
			}
		}
		whole(t, w)
	})
}

// An attack changes the log as somebody can who has the database.
type attack struct {
	tx *db.Tx
	t  *testing.T
}

func (a attack) exec(statement string, args ...any) {
	a.t.Helper()
	if _, err := db.Exec(a.tx, statement, args...); err != nil {
		a.t.Fatal(err)
	}
}

// of is the number of one record of someLog.
func (a attack) of(n int) int64 {
	a.t.Helper()
	number, err := db.One[int64](a.tx, "SELECT id FROM audit_records WHERE after = $1", fmt.Sprintf(`{"n":%d}`, n))
	if err != nil {
		a.t.Fatal(err)
	}
	return number
}

func (a attack) rechain() {
	a.t.Helper()
	if err := audit.Rechain(a.tx); err != nil {
		a.t.Fatal(err)
	}
}

// attacks are ways to change the log, with what verifying says, and the record
// that it names; 0 where it can name none.
var attacks = map[string]struct {
	names int
	says  string
	do    func(a attack)
}{
	"a record deleted": {22, "has 1 missing in front of it", func(a attack) { a.exec("DELETE FROM audit_records WHERE id = $1", a.of(17)) }},
	"the tail of a lane deleted": {29, "cut off at its end", func(a attack) {
		a.exec("DELETE FROM audit_records WHERE id IN ($1, $2)", a.of(34), a.of(39))
	}},
	"everything deleted": {0, "they were deleted", func(a attack) { a.exec("DELETE FROM audit_records") }},
	"a record that nobody wrote": {-1, "is not in the chain", func(a attack) {
		a.exec("INSERT INTO audit_records (at, event, actor_kind, via) VALUES (CURRENT_TIMESTAMP, 'x.y', 'system', 'system')")
	}},
	"a record copied": {-1, "stands in the wrong place", func(a attack) {
		columns := "at, event, outcome, actor_kind, actor_id, via, via_id, behalf_id, account_id, object_kind, object_id, subject_id, before, after, request, network, lane, seq, previous, hash"
		a.exec("INSERT INTO audit_records ("+columns+") SELECT "+columns+" FROM audit_records WHERE id = $1", a.of(17))
	}},
	"a hash taken away": {17, "is not in the chain", func(a attack) { a.exec("UPDATE audit_records SET hash = '' WHERE id = $1", a.of(17)) }},
	"two swapped": {12, "has 1 missing in front of it", func(a attack) {
		one, other := a.of(12), a.of(17)
		a.exec("UPDATE audit_records SET id = -1 WHERE id = $1", one)
		a.exec("UPDATE audit_records SET id = $1 WHERE id = $2", one, other)
		a.exec("UPDATE audit_records SET id = $1 WHERE id = -1", other)
	}},
	"one changed and all chained anew": {27, "is not the one that checkpoint 2 of", func(a attack) {
		a.exec("UPDATE audit_records SET after = '{}' WHERE id = $1", a.of(17))
		a.rechain()
	}},
	"one deleted and all chained anew": {32, "is not the one that checkpoint 2 of", func(a attack) {
		a.exec("DELETE FROM audit_records WHERE id = $1", a.of(17))
		a.rechain()
	}},
	"the tail deleted and all chained anew": {20, "was signed over 2 more: the log was cut off", func(a attack) {
		a.exec("DELETE FROM audit_records WHERE id > $1", a.of(20))
		a.rechain()
	}},
	"the heads put back":      {39, "not where the lane's end was noted", func(a attack) { a.exec("UPDATE audit_heads SET seq = 0, hash = ''") }},
	"the checkpoints deleted": {0, "they were deleted", func(a attack) { a.exec("DELETE FROM audit_checkpoints") }},
	"a checkpoint changed": {0, "Checkpoint 1 was changed after it was signed", func(a attack) {
		a.exec("UPDATE audit_checkpoints SET at = '2026-03-02 11:00:00+00:00'")
	}},
	"checkpoints signed with another key": {0, "is not signed by this installation", func(a attack) {
		key, err := seal.NewKey([]byte(strings.Repeat("x", 32)))
		if err != nil {
			a.t.Fatal(err)
		}
		a.exec("DELETE FROM audit_checkpoints")
		a.exec("DELETE FROM audit_keys")
		a.exec("UPDATE audit_records SET after = '{}' WHERE id = $1", a.of(17))
		a.rechain()
		if err := audit.SignWith(a.tx, key); err != nil {
			a.t.Fatal(err)
		}
	}},
}

func TestT144_WhatWasTakenAwayAddedMovedOrChainedAnewIsFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		someLog(t, w)
		whole(t, w)
		unguard(w)
		tables := []string{"audit_records", "audit_heads", "audit_checkpoints", "audit_keys"}
		for _, table := range tables {
			w.Exec("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table)
		}
		for what, x := range attacks {
			named := int64(0)
			w.In(func(tx *db.Tx) error {
				a := attack{tx, t}
				if x.names > 0 {
					named = a.of(x.names)
				}
				x.do(a)
				return nil
			})
			if x.names < 0 {
				named = apptest.Query[int64](w, "SELECT MAX(id) FROM audit_records")[0]
			}
			r := verify(t, w)
			if !slices.ContainsFunc(r.Problems, func(p audit.Problem) bool { return p.Record == named && strings.Contains(p.Text, x.says) }) {
				t.Errorf("%s: found %v, want record %d %q", what, r.Problems, named, x.says)
			}
			for _, table := range tables {
				w.Exec("DELETE FROM " + table)
				w.Exec("INSERT INTO " + table + " SELECT * FROM kept_" + table)
			}
		}
		whole(t, w)
	})
}

// TestT144_ARecordInFrontOfTheFirstIsFound has somebody add records under
// numbers that come before all others: as they are, and chained.
func TestT144_ARecordInFrontOfTheFirstIsFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		someLog(t, w)
		unguard(w)
		const columns = "at, event, outcome, actor_kind, actor_id, via, via_id, behalf_id, account_id, object_kind, object_id, subject_id, before, after, request, network, lane, seq, previous, hash"
		for _, number := range []int64{-1, 0, math.MinInt64} {
			for what, insert := range map[string]string{
				"unchained": "INSERT INTO audit_records (id, at, event, actor_kind, via) VALUES ($1, CURRENT_TIMESTAMP, 'x.y', 'system', 'system')",
				"copied":    "INSERT INTO audit_records (id, " + columns + ") SELECT $1, " + columns + " FROM audit_records WHERE seq = 1 AND lane = 1",
			} {
				w.Exec(insert, number)
				if r := verify(t, w); r.Found != 1 || !strings.Contains(r.Problems[0].String(), fmt.Sprintf("Record %d has a number that is never given", number)) {
					t.Errorf("%d %s: %v", number, what, r.Problems)
				}
				w.Exec("DELETE FROM audit_records WHERE id = $1", number)
			}
		}
		whole(t, w)
	})
}

// TestT144_AnOldLogWithoutAnyCheckpointIsNotWhole has somebody write the log
// anew, and take away all that was signed and what signed it.
func TestT144_AnOldLogWithoutAnyCheckpointIsNotWhole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		someLog(t, w)
		unguard(w)
		w.In(func(tx *db.Tx) error {
			a := attack{tx, t}
			a.exec("DELETE FROM audit_checkpoints")
			a.exec("DELETE FROM audit_keys")
			a.exec("UPDATE audit_records SET after = '{}' WHERE id = $1", a.of(17))
			a.rechain()
			return nil
		})
		if r := whole(t, w); len(r.Notes) != 1 {
			t.Errorf("of a log that is an hour old: %v", r.Notes)
		}
		w.Clock.Move(time.Hour + time.Second)
		if r := verify(t, w); r.Found != 1 || !strings.Contains(r.Problems[0].Text, "There is no checkpoint and no key to sign them") {
			t.Errorf("of an old log: %v", r.Problems)
		}
	})
}

// TestT144_ALogCutOffWithItsCheckpointsMissesTheOneThatWasNoted has a
// checkpoint noted in another place, like the server's log.
func TestT144_ALogCutOffWithItsCheckpointsMissesTheOneThatWasNoted(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		someLog(t, w)
		sign(t, w)
		noted := whole(t, w).Last.Name()
		if !strings.Contains(w.Logs.String(), noted) {
			t.Errorf("the server's log does not name %s", noted)
		}
		reached := func(name string) audit.Report {
			r, err := w.Audit.Verify(t.Context(), name, func(int64) {})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := reached(noted); r.Found != 0 {
			t.Error(r.Problems)
		}
		unguard(w)
		w.In(func(tx *db.Tx) error {
			a := attack{tx, t}
			a.exec("DELETE FROM audit_records WHERE id > $1", a.of(30))
			a.exec("DELETE FROM audit_checkpoints WHERE id > 2")
			a.rechain()
			return nil
		})
		if r := reached(noted); r.Found != 1 || !strings.Contains(r.Problems[0].Text, "noted elsewhere") {
			t.Error(r.Problems)
		}
		if _, err := w.Audit.Verify(t.Context(), "nonsense", func(int64) {}); err == nil {
			t.Error("a name that is none is taken")
		}
	})
}

// TestT144_RecordsFromBeforeTheChainArePutIntoItOnce has two nodes start at
// once over a log that an older release has written.
func TestT144_RecordsFromBeforeTheChainArePutIntoItOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		const records = 2500
		sign(t, w)
		unguard(w)
		w.Exec("DELETE FROM audit_records")
		w.Exec("UPDATE audit_heads SET seq = 0, hash = ''")
		for range records / 100 {
			w.Exec("INSERT INTO audit_records (at, event, actor_kind, via, network) VALUES " +
				strings.TrimSuffix(strings.Repeat("('2026-01-02 03:04:05.678901+00:00', 'x.y', 'system', 'system', '192.0.2.1'),", 100), ","))
		}
		if r := verify(t, w); r.Found != records {
			t.Errorf("%d of %d are not in the chain", r.Found, records)
		}
		w.Exec("UPDATE audit_heads SET through = (SELECT MAX(id) FROM audit_records) WHERE lane = 0")
		apptest.Race(2, func(int) {
			if err := audit.ChainFormer(context.Background(), w.DB); err != nil {
				t.Error(err)
			}
		})
		if r := whole(t, w); r.Records != records {
			t.Errorf("%d records", r.Records)
		}
		if n := w.Count("audit_heads WHERE lane = 0 AND seq = $1 AND through = 0", records); n != 1 {
			t.Error("the end of the former records is not known")
		}
	})
}

// TestT144_AnySequenceOfWritesVerifies holds for transactions of any number of
// records, kept or not; and any single change is found.
func TestT144_AnySequenceOfWritesVerifies(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		rapid.Check(t, func(t *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(t, "transactions") {
				err := w.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
					for range rapid.IntRange(0, 4).Draw(t, "writes") {
						list := make([]audit.Record, rapid.SampledFrom([]int{1, 2, 101}).Draw(t, "records"))
						for i := range list {
							list[i] = audit.Record{Event: rapid.StringMatching(`[a-z]{1,5}\.[a-z]{1,5}`).Draw(t, "event"), Account: id.Account(rapid.Int64Range(0, 20).Draw(t, "account"))}
						}
						if err := audit.WriteAll(tx, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}, list); err != nil {
							return err
						}
					}
					if rapid.Bool().Draw(t, "given up") {
						return errUndo
					}
					return nil
				})
				if err != nil && !errors.Is(err, errUndo) {
					t.Fatal(err)
				}
			}
			if rapid.Bool().Draw(t, "signed") {
				if err := w.Checkpoint(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if r := verify(t, w); r.Found > 0 {
				t.Fatal(r.Problems)
			}
		})
	})
}

func TestT144_WritersAtOnceKeepTheChainWhole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin := w.Twin()
		const writers, each = 16, 12
		apptest.Race(writers, func(i int) {
			on := w
			if i%2 == 1 {
				on = twin
			}
			for n := range each {
				if err := write(on, id.Account(1040+(i+n)%11), i); err != nil {
					t.Error(err)
				}
				if n == each/2 {
					if err := on.Checkpoint(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
		if r := whole(t, w); r.Records < writers*each {
			t.Errorf("%d records", r.Records)
		}
		lanes := apptest.Query[int64](w, "SELECT COUNT(DISTINCT lane) FROM audit_records WHERE hash <> ''")[0]
		if lanes < 5 {
			t.Errorf("all went into %d lanes", lanes)
		}
	})
}

func TestT144_ATransactionThatIsGivenUpLeavesNoGap(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for n := range 6 {
			err := w.DB.Write(t.Context(), db.Wide, func(tx *db.Tx) error {
				if err := audit.Write(tx, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}, audit.Record{Event: "x.y", Account: 1040}); err != nil {
					return err
				}
				if n%2 == 1 {
					return errUndo
				}
				return nil
			})
			if (n%2 == 1) != errors.Is(err, errUndo) {
				t.Fatal(err)
			}
		}
		if n := w.Count("audit_records WHERE event = 'x.y'"); n != 3 {
			t.Errorf("%d records of three transactions", n)
		}
		whole(t, w)
	})
}

package web_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/web"
)

// betrays are words that only the inside of the program knows.
var betrays = []string{"panic", "goroutine", ".go:", "SELECT", "INSERT", "sql:", "sqlite", "SQLITE", "pgconn", "SQLSTATE", "postgres", "clientele/internal", "runtime.", "0x", "stack", "no such table", "connection refused", "errors."}

// tidy fails unless an answer says that something went wrong, in words for a
// person or in the form for programs, and nothing of the inside.
func tidy(t *testing.T, what string, p *apptest.Page, status int) {
	t.Helper()
	if p.Status != status {
		t.Errorf("%s: %d, want %d", what, p.Status, status)
	}
	for _, word := range betrays {
		if strings.Contains(p.Body, word) {
			t.Errorf("%s tells %q: %.300s", what, word, p.Body)
		}
	}
	number := p.Header.Get("X-Request-Id")
	if strings.HasPrefix(p.Header.Get("Content-Type"), "application/problem+json") {
		var problem struct {
			Type, Title, Detail, Request string
			Status                       int
		}
		if err := json.Unmarshal([]byte(p.Body), &problem); err != nil || problem.Status != status || problem.Request != number || !strings.HasPrefix(problem.Type, apptest.BaseURL+"/problems/") || problem.Title == "" {
			t.Errorf("%s: %v: %s", what, err, p.Body)
		}
	} else if status == http.StatusInternalServerError && !strings.Contains(p.Body, number) {
		t.Errorf("%s does not say its number %s: %.300s", what, number, p.Body)
	}
	if status == http.StatusServiceUnavailable && p.Header.Get("Retry-After") == "" {
		t.Errorf("%s does not say when to try again", what)
	}
}

// TestT127_ABreakdownTellsNothingAndChangesNothing breaks down in the middle
// of a change, and after it: what had been done is undone, the visitor gets a
// number and no more, and the log has the rest under that number.
func TestT127_ABreakdownTellsNothingAndChangesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Unwell()
		p := w.Person("Alice", "alice@stage.example")
		rename := func(fn func() error) func(*web.Request) error {
			return func(r *web.Request) error {
				return w.DB.Write(r.Context(), db.Nothing, func(tx *db.Tx) error {
					if _, err := db.Exec(tx, "UPDATE users SET name = 'half done' WHERE id = $1", p.User); err != nil {
						return err
					}
					return fn()
				})
			}
		}
		web.SignedIn(w.Mux, "GET /test/panic", rename(func() error { panic("the secret inside") }))
		web.SignedIn(w.Mux, "POST /test/panic", rename(func() error { return write(nil) }), web.Audits("test"))
		web.SignedIn(w.Mux, "GET /test/error", rename(func() error { return errors.New("the secret inside: SELECT * FROM users") }))
		web.SignedIn(w.Mux, "GET /test/reading", func(r *web.Request) error {
			return w.DB.Read(r.Context(), db.Wide, func(tx *db.Tx) error { panic("the secret inside") })
		})
		web.SignedIn(w.Mux, "GET /test/late", func(r *web.Request) error {
			if err := r.Plain(http.StatusOK, "begun"); err != nil {
				return err
			}
			panic("the secret inside")
		})
		for _, path := range []string{"/test/panic", "/test/error", "/test/reading"} {
			for _, accept := range []string{"text/html", "application/json", "application/problem+json"} {
				req := p.Request(http.MethodGet, path, nil)
				req.Header.Set("Accept", accept)
				page := p.Once(req)
				tidy(t, path+" as "+accept, page, http.StatusInternalServerError)
				if strings.Contains(page.Body, "secret inside") || !strings.Contains(w.Logs.String(), page.Header.Get("X-Request-Id")) {
					t.Errorf("%s: %s", path, page.Body)
				}
			}
		}
		tidy(t, "a form", p.PostOnly("/test/panic", nil), http.StatusInternalServerError)
		if page := p.GetOnly("/test/late"); page.Status != http.StatusOK || page.Body != "begun\n" {
			t.Errorf("an answer that had begun became %d %s", page.Status, page.Body)
		}
		if !strings.Contains(w.Logs.String(), "the secret inside") {
			t.Error("the log does not say what happened")
		}
		for range 50 { // whatever connection it is, nothing of the breakdown sticks to it
			p.Get("/me").Must(200, "Alice")
			if page := p.PostOnly("/me", url.Values{"name": {"Alice"}, "language": {"en"}}); page.Status != http.StatusSeeOther {
				t.Fatalf("after the breakdown: %d", page.Status)
			}
		}
		if w.Count("users WHERE name = 'half done'") != 0 {
			t.Error("half a change was left behind")
		}
	}, kept)
}

// TestT127_WithoutADatabaseNobodyGetsIn takes the database away: every route
// says that it is not there for the moment, and none opens.
func TestT127_WithoutADatabaseNobodyGetsIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Unwell()
		s := newStage(t, w)
		takeAway(t, w)
		for _, r := range w.Mux.Routes() {
			b := s.cast(t, r)
			// Who cannot be told apart from others is not let in; what needs no
			// database goes on.
			page := b.Once(s.request(t, r, b))
			if r.Guard == "public" && page.Status < 400 {
				continue
			}
			if r.Pattern == "/readyz" {
				if page.Status != http.StatusServiceUnavailable {
					t.Errorf("/readyz: %d", page.Status)
				}
				continue
			}
			tidy(t, name(r), page, http.StatusServiceUnavailable)
			tidy(t, name(r)+" as JSON", b.Once(asJSON(s.request(t, r, b))), http.StatusServiceUnavailable)
		}
		w.Browser().Get("/healthz").Must(http.StatusOK)
	}, kept)
}

// takeAway makes the database unreachable, as far as the engine allows: the
// server refuses and drops the connections, the file's are closed.
func takeAway(t *testing.T, w *apptest.World) {
	t.Helper()
	if w.Engine == db.SQLite {
		if err := w.DB.Close(); err != nil {
			t.Fatal(err)
		}
		return
	}
	name := apptest.Query[string](w, "SELECT current_database()::text")[0]
	server, err := apptest.PostgresURL()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	for _, statement := range []string{
		"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'",
	} {
		if _, err := admin.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestT127_AFullDiskIsSaidAndNothingIsHalfDone fills the disk under SQLite:
// reading goes on, what would change something is refused for now, and works
// once there is room again.
func TestT127_AFullDiskIsSaidAndNothingIsHalfDone(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite, kept)
	w.Unwell()
	s := newStage(t, w)
	pages := func(statement string) {
		t.Helper()
		if _, err := w.DB.Pool().ExecContext(context.Background(), statement); err != nil {
			t.Fatal(err)
		}
	}
	count := apptest.Query[int64](w, "PRAGMA page_count")[0]
	pages(fmt.Sprintf("PRAGMA max_page_count = %d", count))
	form := url.Values{"account": {s.ids["account"]}, "kinds": {"general"}, "address": {"carl@stage.example"}, "company": {strings.Repeat("c", 100)}, "phone": {strings.Repeat("1", 100)}}
	path, refused := "/a/"+s.ids["account"]+"/contacts", 0
	for n := range 200 {
		form.Set("name", fmt.Sprintf("Carl %d", n))
		contacts, records := w.Count("contacts"), w.Count("audit_records")
		page := s.owner.PostOnly(path, form)
		if page.Status == http.StatusSeeOther {
			continue
		}
		refused++
		tidy(t, "a full disk", page, http.StatusServiceUnavailable)
		if w.Count("contacts") != contacts || w.Count("audit_records") != records {
			t.Error("half of it was done")
		}
		if refused == 3 {
			break
		}
	}
	if refused == 0 {
		t.Error("the disk never filled up")
	}
	s.owner.Get(path).Must(200, "Carl 0")
	pages("PRAGMA max_page_count = 1000000")
	if page := s.owner.PostOnly(path, form); page.Status != http.StatusSeeOther {
		t.Errorf("with room again: %d", page.Status)
	}
}

// write panics where there is no map to write to.
func write(m map[string]int) error {
	m["x"] = 1
	return nil
}

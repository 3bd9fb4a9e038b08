// Package apptest is the whole product for tests: a database of its own on
// either engine, a real mail server that keeps what it gets, a clock that
// only the test moves, and clients that behave like browsers.
package apptest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele/internal/app"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/db"
)

// Engines are the databases that every test runs on.
var Engines = []db.Engine{db.SQLite, db.Postgres}

// BaseURL is where the product is found in tests.
const BaseURL = "https://clientele.test"

// A World is the product, running, with everything around it.
type World struct {
	*app.App
	Engine db.Engine
	Clock  *Clock
	Mail   *MailServer
	Logs   *Logs

	// HourlyAtStart has the next start do at once what is done every hour.
	// Else no world does it by itself, since it would come at any moment of a
	// test.
	HourlyAtStart bool

	settings config.Config
	seen     *witness
	ended    bool
	t        testing.TB
}

// A Setting changes the settings that a world starts with.
type Setting func(*config.Config)

// Each runs a test on both engines, each in a world of its own.
func Each(t *testing.T, test func(t *testing.T, w *World), settings ...Setting) {
	t.Helper()
	t.Parallel()
	for _, e := range Engines {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			test(t, New(t, e, settings...))
		})
	}
}

// New starts a world, which ends with the test.
func New(t testing.TB, e db.Engine, settings ...Setting) *World {
	t.Helper()
	w := &World{Engine: e, Clock: NewClock(), Mail: newMailServer(t), Logs: &Logs{}, seen: newWitness(), t: t}
	w.settings = config.Config{
		DatabaseURL: newDatabase(t, e), BaseURL: BaseURL, Brand: "Northbeam Hosting", SignUp: "open", Listen: "127.0.0.1:0",
		SMTPURL: w.Mail.URL(), SecretKeyFile: filepath.Join(t.TempDir(), "secret.key"),
	}
	for _, s := range settings {
		s(&w.settings)
	}
	w.seen.https = strings.HasPrefix(w.settings.BaseURL, "https:")
	w.start()
	t.Cleanup(w.End)
	return w
}

// End asks the oracles and stops the product, once; a world that has not ended
// does with its test.
func (w *World) End() {
	if w.ended {
		return
	}
	w.ended = true
	if !w.t.Failed() {
		w.Oracles()
	}
	w.stop()
}

func (w *World) start() {
	w.t.Helper()
	settled, err := w.settings.Settle()
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(w.Logs, nil))
	w.App, err = app.New(context.Background(), settled, log, app.Options{
		Clock: w.Clock.Now, Release: "test", Poll: 25 * time.Millisecond, Backoff: func(int) time.Duration { return 100 * time.Millisecond }, Later: !w.HourlyAtStart,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.App.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *World) stop() {
	if err := w.Close(); err != nil && !strings.Contains(err.Error(), "already closed") {
		w.t.Logf("closing: %v", err)
	}
}

// Restart stops the product and starts it again on the same data, with other
// settings where some are given.
func (w *World) Restart(settings ...Setting) {
	w.t.Helper()
	w.stop()
	for _, s := range settings {
		s(&w.settings)
	}
	w.start()
}

// Offline stops the product, does something to its data, and starts it again.
func (w *World) Offline(do func()) {
	w.t.Helper()
	w.stop()
	do()
	w.start()
}

// Twin is a second node on the same database.
func (w *World) Twin() *World {
	w.t.Helper()
	twin := &World{Engine: w.Engine, Clock: w.Clock, Mail: w.Mail, Logs: w.Logs, settings: w.settings, seen: w.seen, t: w.t}
	twin.start()
	w.t.Cleanup(func() { twin.stop() })
	return twin
}

// A Clock stands still until the test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at a noon of no significance.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)} }

// Now is the time by the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock, backwards too.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Logs keeps the log lines of a world.
type Logs struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to the log.
func (l *Logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is all that has been logged.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var _ io.Writer = (*Logs)(nil)

// Query reads rows straight from the database, past every scope, for looking
// at what a test has left behind.
func Query[T any](w *World, query string, args ...any) []T {
	w.t.Helper()
	var out []T
	err := w.DB.Read(context.Background(), db.Wide, func(tx *db.Tx) (err error) {
		out, err = db.All[T](tx, query, args...)
		return err
	})
	if err != nil {
		w.t.Fatalf("query: %v", err)
	}
	return out
}

// Count counts rows.
func (w *World) Count(query string, args ...any) int64 {
	w.t.Helper()
	return Query[int64](w, "SELECT COUNT(*) FROM "+query, args...)[0]
}

// Exec changes the database straight, for states that no page can make.
func (w *World) Exec(statement string, args ...any) {
	w.t.Helper()
	err := w.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
		_, err := db.Exec(tx, statement, args...)
		return err
	})
	if err != nil {
		w.t.Fatalf("exec: %v", err)
	}
}

// In runs fn in a writing transaction that sees everything.
func (w *World) In(fn func(tx *db.Tx) error) {
	w.t.Helper()
	if err := w.DB.Write(context.Background(), db.Wide, fn); err != nil {
		w.t.Fatal(err)
	}
}

// Race runs n functions at once and waits for them all.
func Race(n int, fn func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			fn(i)
		}()
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// request is what sign-in notes of a request that a fixture makes.
func request() auth.Request {
	return auth.Request{ID: "fixture", Network: "192.0.2.1", Agent: "fixture"}
}

// transport answers requests in this process, without a socket.
type transport struct{ handler func() http.Handler }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := newRecorder()
	t.handler().ServeHTTP(rec, req)
	res := rec.result(req)
	if res == nil {
		return nil, fmt.Errorf("no answer to %s %s", req.Method, req.URL)
	}
	return res, nil
}

// At starts the product on a database that a test has filled, with its key.
func At(t testing.TB, e db.Engine, databaseURL, keyFile string) *World {
	t.Helper()
	w := &World{Engine: e, Clock: NewClock(), Mail: newMailServer(t), Logs: &Logs{}, seen: newWitness(), t: t}
	w.settings = config.Config{
		DatabaseURL: databaseURL, BaseURL: BaseURL, Brand: "Northbeam Hosting", SignUp: "open", Listen: "127.0.0.1:0",
		SMTPURL: w.Mail.URL(), SecretKeyFile: keyFile,
	}
	w.seen.https = true
	w.start()
	t.Cleanup(w.stop)
	return w
}

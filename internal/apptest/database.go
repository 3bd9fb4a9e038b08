package apptest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"clientele/internal/app"
	"clientele/internal/db"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes and drops databases
)

var serial atomic.Int64

// newDatabase makes a migrated database for one test, as a copy of one that
// was migrated once in this process.
func newDatabase(t testing.TB, e db.Engine) string {
	t.Helper()
	if e == db.SQLite {
		return copySQLite(t)
	}
	return copyPostgres(t)
}

var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "clientele-template-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "template.db")
	if err := migrate("sqlite://" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func migrate(rawURL string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, rawURL, db.Options{})
	if err != nil {
		return err
	}
	if err := app.Migrate(ctx, d); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}

func copySQLite(t testing.TB) string {
	t.Helper()
	template, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "clientele.db")
	if err := os.WriteFile(path, template, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

// PostgresURL is the server that tests run on: tools/test-postgres starts it
// where it does not run yet.
var PostgresURL = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(here), "..", "..", "tools", "test-postgres")
	out, err := exec.Command(script).Output()
	if err != nil {
		return "", fmt.Errorf("PostgreSQL for tests does not start: %w; run `make test`, which installs what is missing", err)
	}
	return strings.TrimSpace(string(out)), nil
})

// Database is the URL of one database of the test server.
func Database(server, name string) string {
	u, _ := url.Parse(server)
	u.Path = "/" + name
	return u.String()
}

var postgresTemplate = sync.OnceValues(func() (string, error) {
	server, err := PostgresURL()
	if err != nil {
		return "", err
	}
	if err := clearLeft(server); err != nil {
		return "", err
	}
	name := fmt.Sprintf("t_template_%d", os.Getpid())
	if err := admin(server, "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return name, migrate(Database(server, name))
})

// leftover is a database of a test process, by its number.
var leftover = regexp.MustCompile(`^t_(?:template_)?(\d+)`)

// clearLeft drops some of what test processes that are gone have left: the
// template that ends with no test, and all that a killed one had.
func clearLeft(server string) error {
	pool, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer pool.Close()
	var names string
	if err := pool.QueryRow("SELECT COALESCE(string_agg(datname, ' '), '') FROM pg_database").Scan(&names); err != nil {
		return err
	}
	dropped := 0
	for _, name := range strings.Fields(names) {
		found := leftover.FindStringSubmatch(name)
		if found == nil || dropped == 4 {
			continue
		}
		if pid, err := strconv.Atoi(found[1]); err != nil || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		// Another process may be clearing the same one.
		_, _ = pool.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		dropped++
	}
	return nil
}

func admin(server string, statements ...string) error {
	pool, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, s := range statements {
		if _, err := pool.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func copyPostgres(t testing.TB) string {
	t.Helper()
	template, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	server, err := PostgresURL()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), serial.Add(1))
	if err := admin(server, "CREATE DATABASE "+name+" TEMPLATE "+template+" STRATEGY file_copy"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Logf("dropping %s: %v", name, err)
		}
	})
	return Database(server, name)
}

// EmptyDatabase makes a database without any table.
func EmptyDatabase(t testing.TB, e db.Engine) string {
	t.Helper()
	if e == db.SQLite {
		return "sqlite://" + filepath.Join(t.TempDir(), "empty.db")
	}
	server, err := PostgresURL()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), serial.Add(1))
	if err := admin(server, "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin(server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	return Database(server, name)
}

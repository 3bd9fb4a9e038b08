package whmcs

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A server is a MariaDB of the tests' own, in a folder of its own and on a
// socket in it.
type server struct {
	folder string
	cmd    *exec.Cmd
	over   chan struct{}
}

// program finds a program of MariaDB, also where Debian keeps servers.
func program(name string) (string, error) {
	for _, folder := range []string{"", "/usr/sbin", "/usr/local/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed; run `make test`, which installs what is missing", name)
}

// start starts a server. Without accounts it asks nobody who he is, which
// spares the making of its own tables.
func start(accounts bool) (s *server, err error) {
	daemon, err := program("mariadbd")
	if err != nil {
		return nil, err
	}
	s = &server{over: make(chan struct{})}
	if s.folder, err = os.MkdirTemp("", "clientele-mariadb-*"); err != nil {
		return nil, err
	}
	data := filepath.Join(s.folder, "data")
	args := []string{"--no-defaults", "--datadir=" + data}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	if accounts {
		install, err := program("mariadb-install-db")
		if err != nil {
			return s, err
		}
		if out, err := exec.Command(install, append(args, "--auth-root-authentication-method=normal", "--skip-test-db")...).CombinedOutput(); err != nil {
			return s, fmt.Errorf("%w: %s", err, out)
		}
	} else if err := os.Mkdir(data, 0o700); err != nil {
		return s, err
	} else {
		args = append(args, "--skip-grant-tables")
	}
	return s, s.run(daemon, args)
}

func (s *server) run(daemon string, args []string) error {
	s.cmd = exec.Command(daemon, append(args, "--skip-networking", "--socket="+s.socket(), "--pid-file="+filepath.Join(s.folder, "pid"),
		"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-buffer-pool-size=64M", "--character-set-server=utf8mb4", "--sql-mode=")...)
	log, err := os.Create(filepath.Join(s.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = s.cmd.Wait() // it is killed, which is no news
		close(s.over)
	}()
	for range 600 {
		if pool, err := sql.Open("mysql", s.dsn("")); err == nil {
			err = pool.Ping()
			pool.Close()
			if err == nil {
				return nil
			}
		}
		select {
		case <-s.over:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("MariaDB ended: %s", text)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("MariaDB does not answer within half a minute")
}

func (s *server) socket() string { return filepath.Join(s.folder, "s") }

func (s *server) dsn(database string) string { return "root@unix(" + s.socket() + ")/" + database }

func (s *server) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill() // one that has ended already is as good
		<-s.over
	}
	os.RemoveAll(s.folder)
}

var (
	started *server
	begin   = sync.OnceValues(func() (*server, error) {
		var err error
		started, err = start(true)
		return started, err
	})
)

// mariadb is the server that the tests share.
func mariadb(t testing.TB) *server {
	t.Helper()
	s, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) {
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil { // servers are killed here
		panic(err)
	}
	code := m.Run()
	if started != nil {
		started.kill()
	}
	os.Exit(code)
}

// open opens a database of the server for writing.
func (s *server) open(t testing.TB, database string) *sql.DB {
	t.Helper()
	pool, err := sql.Open("mysql", s.dsn(database)+"?multiStatements=true&maxAllowedPacket=67108864")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

func do(t testing.TB, pool *sql.DB, statement string) {
	t.Helper()
	if _, err := pool.Exec(statement); err != nil {
		t.Fatalf("%v in %.200s", err, statement)
	}
}

// dump has mariadb-dump write a database into a file.
func (s *server) dump(t testing.TB, database string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.sql")
	args := append([]string{"--no-defaults", "--socket=" + s.socket(), "--user=root", "--single-transaction", "--routines", "--triggers", "--result-file=" + path}, options...)
	if out, err := exec.Command("mariadb-dump", append(args, database)...).CombinedOutput(); err != nil {
		t.Fatalf("mariadb-dump: %v: %s", err, out)
	}
	return path
}

// literal writes bytes so that nothing on the way can change them.
func literal(s string) string {
	if s == "" {
		return "''"
	}
	return "x'" + strings.ToUpper(fmt.Sprintf("%x", s)) + "'"
}

func itoa(n int) string { return strconv.Itoa(n) }

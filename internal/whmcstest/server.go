// Package whmcstest is the other system of the upgrade, for tests: a MariaDB
// of their own, and in it databases as four releases of WHMCS have them, with
// people of every kind. It needs Debian's mariadb-server.
package whmcstest

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// A Server is a MariaDB of the tests' own, in a folder of its own and on a
// socket in it.
type Server struct {
	folder string
	cmd    *exec.Cmd
	over   chan struct{}
}

// Start starts a server; whoever starts it kills it. Without accounts it asks
// nobody who he is, which spares the making of its own tables: it begins
// sooner, but has no users, and no procedures, so that Make fails.
func Start(accounts bool) (*Server, error) {
	folder, err := os.MkdirTemp("", "clientele-mariadb-*")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, over: make(chan struct{})}
	args, err := s.prepare(accounts)
	if err == nil {
		err = s.run(args)
	}
	if err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
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

// prepare makes the folder of the server's data, and says with what arguments
// the server finds it.
func (s *Server) prepare(accounts bool) ([]string, error) {
	data := filepath.Join(s.folder, "data")
	args := []string{"--no-defaults", "--datadir=" + data}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	if !accounts {
		return append(args, "--skip-grant-tables"), os.Mkdir(data, 0o700)
	}
	install, err := program("mariadb-install-db")
	if err != nil {
		return nil, err
	}
	out, err := exec.Command(install, append(args, "--auth-root-authentication-method=normal", "--skip-test-db")...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return args, nil
}

// run starts the server and waits until it answers.
func (s *Server) run(args []string) error {
	daemon, err := program("mariadbd")
	if err != nil {
		return err
	}
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
	return s.wait(log.Name())
}

// wait asks until the server answers, or ends and leaves its reasons in the log.
func (s *Server) wait(log string) error {
	pool, err := s.Pool("")
	if err != nil {
		return err
	}
	defer pool.Close()
	for range 600 {
		if pool.Ping() == nil {
			return nil
		}
		select {
		case <-s.over:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("MariaDB ended: %s", text)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("MariaDB does not answer within half a minute")
}

func (s *Server) socket() string { return filepath.Join(s.folder, "s") }

// Kill ends the server as a power cut does, and takes its data away. A second
// time it does nothing.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill() // one that has ended already is as good
		<-s.over
	}
	os.RemoveAll(s.folder)
}

var (
	started *Server
	begin   = sync.OnceValues(func() (*Server, error) {
		var err error
		started, err = Start(true)
		return started, err
	})
)

// Shared is the server that all tests of a binary share. It starts with the
// first that asks; TestMain calls Stop after the last.
func Shared(t testing.TB) *Server {
	t.Helper()
	s, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Stop kills the shared server, if any test has asked for it. No test may run
// any more.
func Stop() {
	if started != nil {
		started.Kill()
	}
}

// DSN is the address of a database of the server, or of none. The user root
// needs no password.
func (s *Server) DSN(database string) string { return "root@unix(" + s.socket() + ")/" + database }

// Pool opens a database of the server, or none, for writing. Several
// statements may go at once.
func (s *Server) Pool(database string) (*sql.DB, error) {
	config, err := mysql.ParseDSN(s.DSN(database))
	if err != nil {
		return nil, err
	}
	config.MultiStatements = true
	config.Logger = &mysql.NopLogger{} // servers are killed here
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Open opens a database of the server, or none, for writing, until the test
// ends.
func (s *Server) Open(t testing.TB, database string) *sql.DB {
	t.Helper()
	pool, err := s.Pool(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// Do runs statements.
func Do(t testing.TB, pool *sql.DB, statement string) {
	t.Helper()
	if _, err := pool.Exec(statement); err != nil {
		t.Fatalf("%v in %.200s", err, statement)
	}
}

// Dump has mariadb-dump write a database into a file, and gives its path.
func (s *Server) Dump(t testing.TB, database string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dump.sql")
	if err := s.DumpTo(path, database, options...); err != nil {
		t.Fatal(err)
	}
	return path
}

// DumpTo has mariadb-dump write a database into the file at the path.
func (s *Server) DumpTo(path, database string, options ...string) error {
	args := append([]string{"--no-defaults", "--socket=" + s.socket(), "--user=root", "--single-transaction", "--routines", "--triggers", "--result-file=" + path}, options...)
	if out, err := exec.Command("mariadb-dump", append(args, database)...).CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb-dump: %w: %s", err, out)
	}
	return nil
}

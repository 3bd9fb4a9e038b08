package cli_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/db"
	"clientele/internal/whmcstest"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this program the command itself for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){
		"clientele": func() { os.Exit(cli.Run(os.Args[1:], "v1.2.3", os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// tidy takes MariaDB away after the last test.
type tidy struct{ *testing.M }

// Run runs the tests.
func (t tidy) Run() int {
	defer whmcstest.Stop()
	return t.M.Run()
}

// TestCommandLine runs the scripts in testdata. Those that say $POSTGRES work
// on an empty database of PostgreSQL, the others on SQLite.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return setUp(t, env) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"refuse": refuse, "sql": statement, "answers": answers,
		},
	})
}

// setUp gives a script what it cannot make by itself.
func setUp(t *testing.T, env *testscript.Env) error {
	database := apptest.EmptyDatabase(t, db.Postgres)
	env.Setenv("POSTGRES", database)
	env.Setenv("ROLE", "role_of_"+regexp.MustCompile(`t_\d+_\d+`).FindString(database))
	env.Setenv("POSTGRES_STRICT", strictPostgres(t))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { taken.Close() })
	env.Setenv("TAKEN", taken.Addr().String())
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Setenv("FREE", free.Addr().String())
	return free.Close()
}

// strictPostgres is a server that refuses every password.
func strictPostgres(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go refuseLogin(conn)
		}
	}()
	return listener.Addr().String()
}

func refuseLogin(conn net.Conn) {
	defer conn.Close()
	server := pgproto3.NewBackend(conn, conn)
	for {
		message, err := server.ReceiveStartupMessage()
		if err != nil {
			return
		}
		if _, ok := message.(*pgproto3.SSLRequest); ok {
			if _, err := conn.Write([]byte("N")); err != nil {
				return
			}
			continue
		}
		server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: `password authentication failed for user "clientele"`})
		_ = server.Flush()
		return
	}
}

// refuse runs a command that must fail with code 1 and one line that matches.
// Words like CLIENTELE_LISTEN=… before the command are its environment.
//
//	refuse 'regexp' [NAME=VALUE…] command…
func refuse(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: refuse regexp [NAME=VALUE...] command...")
	}
	want, words := regexp.MustCompile(args[0]), args[1:]
	call := []string{}
	for ; len(words) > 0 && strings.HasPrefix(words[0], "CLIENTELE_"); words = words[1:] {
		call = append(call, words[0])
	}
	call = append(append(call, "clientele"), words...)
	err := ts.Exec("env", call...)
	said := ts.ReadFile("stderr")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		ts.Fatalf("clientele %s: %v, want code 1\n%s", strings.Join(words, " "), err, said)
	}
	line, rest, _ := strings.Cut(said, "\n")
	if rest != "" || !strings.HasPrefix(line, "clientele: ") || !want.MatchString(line) {
		ts.Fatalf("clientele %s says\n%s\nwant one line like %s", strings.Join(words, " "), said, want)
	}
	if strings.Contains(said, "s3cret") {
		ts.Fatalf("the message shows a password: %s", said)
	}
}

// statement runs a statement past the product; with ! it must be refused.
//
//	sql URL statement
func statement(ts *testscript.TestScript, refused bool, args []string) {
	url := strings.Replace(args[0], "sqlite://", "sqlite://"+ts.MkAbs(".")+"/", 1)
	d, err := db.Open(context.Background(), url, db.Options{AllowBypass: true})
	ts.Check(err)
	defer d.Close()
	if _, err = d.Pool().Exec(args[1]); refused != (err != nil) {
		ts.Fatalf("%s: %v", args[1], err)
	}
}

// answers waits until an address answers with a status.
//
//	answers URL status
func answers(ts *testscript.TestScript, _ bool, args []string) {
	said := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err != nil {
			said = err.Error()
			continue
		}
		res.Body.Close()
		if said = res.Status; strings.HasPrefix(said, args[1]) {
			return
		}
	}
	ts.Fatalf("%s answers %s, want %s", args[0], said, args[1])
}

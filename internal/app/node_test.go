package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/db"
)

// TestMain makes this program the product itself where a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("CLIENTELE_TEST_NODE") != "" {
		os.Exit(cli.Run(os.Args[1:], "test", os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must come.
const patience = time.Minute

// eventually looks again and again until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !so() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// A node is the product as a process of its own, which can be killed. It
// works on the data of a world that does not work them itself.
type node struct {
	process *exec.Cmd
	address string
	client  http.Client
	log     *apptest.Logs
}

// asOfNow sets the world's clock by the wall clock, which nodes go by.
func asOfNow(w *apptest.World) { w.Clock.Move(time.Since(w.Clock.Now())) }

// rest stops the world's own work on its queues: nodes do it from here on.
func rest(t *testing.T, w *apptest.World) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.Jobs.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

// startNode starts a node and waits until it serves.
func startNode(t *testing.T, w *apptest.World, smtp string) *node {
	t.Helper()
	n := &node{log: &apptest.Logs{}, process: exec.Command(os.Args[0], "serve")}
	n.client.Transport = &http.Transport{MaxIdleConnsPerHost: 8}
	n.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	n.process.Env = append(os.Environ(), "CLIENTELE_TEST_NODE=1", "CLIENTELE_LISTEN=127.0.0.1:0", "CLIENTELE_TRUSTED_PROXIES=127.0.0.1",
		"CLIENTELE_DATABASE_URL="+w.Config.DatabaseURL, "CLIENTELE_SECRET_KEY_FILE="+w.Config.KeyFile,
		"CLIENTELE_BASE_URL="+apptest.BaseURL, "CLIENTELE_SMTP_URL="+smtp)
	stderr, err := n.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.kill)
	ready := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(n.log, lines.Text())
			var line struct{ Msg, Listening string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
				ready <- line.Listening
			}
		}
		close(ready)
	}()
	select {
	case n.address = <-ready:
	case <-time.After(patience):
	}
	if n.address == "" {
		t.Fatalf("the node does not serve: %s", n.log)
	}
	return n
}

// lost is the status of a request that got no answer.
const lost = 0

// post sends a form over the node's socket, as a page in the browser would,
// and tells the status.
func (n *node) post(b *apptest.Browser, path string, values url.Values) int {
	req := b.Request(http.MethodPost, path, values)
	req.Host, req.URL.Scheme, req.URL.Host = req.URL.Host, "http", n.address
	req.Header.Set("X-Forwarded-For", b.Network)
	for _, c := range b.Cookies() {
		req.AddCookie(c)
	}
	res, err := n.client.Do(req)
	if err != nil {
		return lost
	}
	defer res.Body.Close()
	return res.StatusCode
}

// kill ends the process as kill -9 does.
func (n *node) kill() {
	if n.process.ProcessState == nil {
		_ = n.process.Process.Kill()
		_ = n.process.Wait()
	}
}

// pass lets the time pass after which a dead node's work is taken up by
// others: on PostgreSQL that is two minutes, and its lease as the leader.
func pass(w *apptest.World) {
	if w.Engine == db.Postgres {
		w.Exec("UPDATE river_job SET attempted_at = attempted_at - INTERVAL '3 minutes' WHERE state = 'running'")
		w.Exec("UPDATE river_leader SET expires_at = elected_at")
	}
}

package app_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"clientele/internal/app"
	"clientele/internal/apptest"
	"clientele/internal/db"
)

// A wire is one connection to the server, within the test's own time.
type wire struct {
	net.Conn
	answer *bufio.Reader
}

// served hands the server connections that no network carries.
type served struct {
	conns chan net.Conn
	done  chan struct{}
}

func (s served) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}
func (s served) Close() error   { close(s.done); return nil }
func (s served) Addr() net.Addr { return &net.TCPAddr{} }

// overTheWire runs a test within time of its own against the server as it
// listens.
func overTheWire(t *testing.T, a *app.App, test func(t *testing.T, dial func() wire)) {
	synctest.Test(t, func(t *testing.T) {
		listener := served{conns: make(chan net.Conn), done: make(chan struct{})}
		server := a.Server()
		go server.Serve(listener)
		test(t, func() wire {
			here, there := net.Pipe()
			listener.conns <- there
			return wire{here, bufio.NewReader(here)}
		})
		server.Close()
		time.Sleep(time.Minute) // of this test's time, for the server to hang up everywhere
		synctest.Wait()
	})
}

// trickle writes one piece after another with a pause before each, until the
// server hangs up, and tells how long it bore with that.
func (w wire) trickle(pause time.Duration, piece string) time.Duration {
	began := time.Now()
	go io.Copy(io.Discard, w.answer)
	for time.Since(began) < time.Hour {
		time.Sleep(pause)
		if _, err := io.WriteString(w.Conn, piece); err != nil {
			break
		}
	}
	return time.Since(began)
}

// TestT126_AClientThatDawdlesIsCutOff sends a header, a body and nothing at
// all, as slowly as it goes.
func TestT126_AClientThatDawdlesIsCutOff(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	overTheWire(t, w.App, func(t *testing.T, dial func() wire) {
		c := dial()
		io.WriteString(c, "GET /signin HTTP/1.1\r\nHost: clientele.test\r\n")
		if took := c.trickle(time.Second, "X-Slow: 1\r\n"); took < 5*time.Second || took > 15*time.Second {
			t.Errorf("a slow header is borne with for %v", took)
		}
		c = dial()
		io.WriteString(c, "POST /signin HTTP/1.1\r\nHost: clientele.test\r\nOrigin: https://clientele.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50000\r\n\r\n")
		if took := c.trickle(time.Second, "a"); took < 15*time.Second || took > 45*time.Second {
			t.Errorf("a slow body is borne with for %v", took)
		}
		c = dial()
		began := time.Now()
		if _, err := c.answer.ReadByte(); err == nil || time.Since(began) > 15*time.Second {
			t.Errorf("silence is borne with for %v: %v", time.Since(began), err)
		}
	})
}

// TestT126_TooManyHeadersAreRefused sends a hundred thousand headers, and one
// that is as long.
func TestT126_TooManyHeadersAreRefused(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	overTheWire(t, w.App, func(t *testing.T, dial func() wire) {
		for what, write := range map[string]func(w io.Writer) error{
			"100 000 headers": func(w io.Writer) error {
				for i := range 100_000 {
					if _, err := fmt.Fprintf(w, "X-%d: 1\r\n", i); err != nil {
						return err
					}
				}
				return nil
			},
			"a header of a megabyte": func(w io.Writer) error {
				_, err := io.WriteString(w, "Cookie: "+strings.Repeat("a", 1<<20)+"\r\n")
				return err
			},
		} {
			c, cut := dial(), make(chan error)
			go func() {
				io.WriteString(c, "GET /signin HTTP/1.1\r\nHost: clientele.test\r\n")
				cut <- write(c)
			}()
			res, err := http.ReadResponse(c.answer, nil)
			if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%s: %v %v", what, res, err)
			}
			c.Close()
			if <-cut == nil {
				t.Errorf("%s: all of it was read", what)
			}
		}
		c := dial()
		go io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: clientele.test\r\nX-Long: "+strings.Repeat("a", 16<<10)+"\r\n\r\n")
		if res, err := http.ReadResponse(c.answer, nil); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("an honest request: %v %v", res, err)
		}
	})
}

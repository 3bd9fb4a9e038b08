package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"clientele/internal/app"
)

// floodOf is how many people sign in at once in the flood.
const floodOf = 500

// A flooded is what the flood's clients have seen.
type flooded struct {
	SignedIn  int // sign-ins that were answered with a session
	TurnedOff int // ones that were asked to come again: the line was full
	Other     map[string]int
	Probes    int
	P50, P99  time.Duration // of /healthz meanwhile
	Worst     time.Duration
}

// flood has 500 people sign in at once for a while, from a process of their
// own, while a monitor asks for /healthz. It prints sign-ins per second beside
// the bare hash, how the monitor was served, and the server's peak of memory.
func flood(ctx context.Context, a *app.App, d *dataset, long time.Duration, out io.Writer) error {
	base, err := serve(a.Handler())
	if err != nil {
		return err
	}
	bare, err := hashBare(ctx, a, d)
	if err != nil {
		return err
	}
	hashes, err := measure{parallel: runtime.NumCPU()}.rate(bare, 5*time.Second)
	if err != nil {
		return err
	}
	resetPeak()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.CommandContext(ctx, self, "-flood-from", base, "-flood-host", a.Config.Base.Host, "-flood", long.String(), "-accounts", strconv.Itoa(len(d.users)))
	child.Stderr = os.Stderr
	said, err := child.Output()
	if err != nil {
		return err
	}
	var f flooded
	if err := json.Unmarshal(said, &f); err != nil {
		return err
	}
	rate := float64(f.SignedIn) / long.Seconds()
	fmt.Fprintf(out, "\n%d people sign in at once for %s, from another process on the same %d cores\n", floodOf, long, runtime.NumCPU())
	fmt.Fprintf(out, "  sign-ins/s       %8.1f   the bare hash, alone: %.1f/s   ratio %.2f\n", rate, hashes, rate/hashes)
	fmt.Fprintf(out, "  asked to wait    %8d   other answers: %v\n", f.TurnedOff, f.Other)
	fmt.Fprintf(out, "  /healthz         p50 %s, p99 %s, worst %s of %d\n", f.P50.Round(10*time.Microsecond), f.P99.Round(10*time.Microsecond), f.Worst.Round(10*time.Microsecond), f.Probes)
	fmt.Fprintf(out, "  peak memory      %s\n", peak())
	return nil
}

// pour is the other process.
func pour(base, host string, long time.Duration, users int) error {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	f := flooded{Other: map[string]int{}}
	var mu sync.Mutex
	count := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		switch what {
		case "303 See Other":
			f.SignedIn++
		case "503 Service Unavailable":
			f.TurnedOff++
		default:
			f.Other[what]++
		}
	}
	crowd := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: floodOf, MaxConnsPerHost: floodOf},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var group sync.WaitGroup
	for range floodOf {
		group.Go(func() {
			for ctx.Err() == nil {
				if said, err := signInOverHTTP(ctx, crowd, base, host, users); err == nil {
					count(said)
				} else if ctx.Err() == nil {
					count(err.Error())
				}
			}
		})
	}
	took := probe(ctx, base)
	group.Wait()
	slices.Sort(took)
	if f.Probes = len(took); f.Probes > 0 {
		f.P50, f.P99, f.Worst = took[f.Probes/2], took[f.Probes*99/100], took[f.Probes-1]
	}
	return json.NewEncoder(os.Stdout).Encode(f)
}

// signInOverHTTP signs one of the people in, from a network of her own. Who
// is asked to come again waits for as long as she is told.
func signInOverHTTP(ctx context.Context, c *http.Client, base, host string, users int) (string, error) {
	form := url.Values{"address": {fmt.Sprintf("user%d@bench.example", 1+rand.IntN(users))}, "password": {password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Host = host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.IntN(250), rand.IntN(250), rand.IntN(250)))
	res, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	if wait, _ := strconv.Atoi(res.Header.Get("Retry-After")); wait > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(wait) * time.Second):
		}
	}
	return res.Status, err
}

// probe asks for /healthz a hundred times a second, as a monitor would, only
// more often.
func probe(ctx context.Context, base string) (took []time.Duration) {
	monitor := &http.Client{Timeout: 10 * time.Second}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		res, err := monitor.Get(base + "/healthz")
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		took = append(took, time.Since(began))
		<-tick.C
	}
	return took
}

// resetPeak forgets the peak of memory so far, where the system can.
func resetPeak() {
	runtime.GC()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// peak is the most memory that this process has held since.
func peak() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "not known on this system"
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "not known on this system"
}

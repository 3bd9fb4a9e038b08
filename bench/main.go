// Command bench measures Clientele against the smallest Go program that does
// the same database work, on the same data, in turn, within one run. Only the
// ratios mean anything: absolute figures drift with the machine.
//
//	go run ./bench                       # SQLite
//	go run ./bench -database postgres:///name?host=/socket&user=role
//	go run ./bench -flood 60s            # 500 sign-ins at once
//	go run ./bench -upgrade 100000       # a WHMCS with as many clients comes in
//	go run ./bench -search 1000000       # staff look for people among as many
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"clientele/internal/app"
	"clientele/internal/config"
	"clientele/internal/db"
)

// A size is how much data there is.
type size struct {
	users, accounts, perAccount int
}

func main() {
	database := flag.String("database", "", "database URL of an empty database; SQLite in a temporary folder if empty")
	seconds := flag.Float64("seconds", 2, "how long each side is measured, in each of three rounds")
	accounts := flag.Int("accounts", 10_000, "accounts, and users; five members an account")
	only := flag.String("only", "", "measure only what contains this word")
	profile := flag.String("cpuprofile", "", "write a CPU profile of the whole run to this file")
	flooding := flag.Duration("flood", 0, "measure only a flood of sign-ins, this long")
	from := flag.String("flood-from", "", "be the flood on the server at this address; the benchmark starts itself so")
	host := flag.String("flood-host", "", "the host that the flood asks for")
	clients := flag.Int("upgrade", 0, "measure only the upgrade, from a WHMCS with so many clients")
	shape := flag.String("upgrade-shape", "7.10", "its release: 7.0, 7.10, 8.3 or 8.13")
	dsn := flag.String("upgrade-from", "", "do the upgrade from the database at this address; the benchmark starts itself so")
	seek := flag.Int("search", 0, "measure only the staff area's search, among so many accounts and users")
	key := flag.String("key", "", "secret key file of the database; a new one if empty")
	flag.Parse()
	if *from != "" {
		if err := pour(*from, *host, *flooding, *accounts); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if *profile != "" && *clients == 0 {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if err := run(*database, time.Duration(*seconds*float64(time.Second)), *accounts, *only, *flooding, *seek, coming{*clients, *shape, *dsn, *key, *profile}, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A coming is an upgrade that is measured.
type coming struct {
	clients int
	shape   string
	dsn     string // of the process that does it
	key     string
	profile string
}

func run(database string, each time.Duration, accounts int, only string, flooding time.Duration, seek int, c coming, out io.Writer) error {
	folder, err := os.MkdirTemp("", "clientele-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if database == "" {
		database = "sqlite://" + filepath.Join(folder, "bench.db")
	}
	if c.key == "" {
		c.key = filepath.Join(folder, "secret.key")
	}
	settled, err := config.Config{
		DatabaseURL: database, BaseURL: "http://localhost:8080", Brand: "Bench", SignUp: "open", Listen: "127.0.0.1:0",
		SecretKeyFile: c.key, TrustedProxies: []string{"127.0.0.1"},
	}.Settle()
	if err != nil {
		return err
	}
	ctx := context.Background()
	a, err := app.New(ctx, settled, slog.New(slog.DiscardHandler), app.Options{})
	if err != nil {
		return err
	}
	defer a.DB.Close()
	switch {
	case c.dsn != "":
		return bringIn(ctx, a, c.dsn, out)
	case c.clients > 0:
		return benchUpgrade(ctx, a, c.clients, c.shape, folder, c.profile, out)
	}
	if seek > 0 {
		return benchSearch(ctx, a, seek, out)
	}
	began := time.Now()
	data, err := fill(ctx, a, size{users: accounts, accounts: accounts, perAccount: 5})
	if err != nil {
		return err
	}
	defer data.bare.Close()
	if a.DB.Engine() == db.Postgres {
		// Its autovacuum would do this within a minute of such a load.
		if _, err := data.bare.ExecContext(ctx, "ANALYZE"); err != nil {
			return err
		}
	}
	if flooding > 0 {
		return flood(ctx, a, data, flooding, out)
	}
	fmt.Fprintf(out, "%s, %d accounts, %d memberships, filled in %s; each side %s, median of three\n\n",
		a.DB.Engine(), accounts, data.memberships, time.Since(began).Round(time.Millisecond), each)
	fmt.Fprintf(out, "%-44s %12s %12s %8s   %s\n", "work", "ours/s", "bare/s", "ratio", "goal")
	for _, m := range measures {
		if !strings.Contains(m.name, only) {
			continue
		}
		if err := m.run(ctx, a, data, each, out); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

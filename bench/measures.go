package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"clientele/internal/access"
	"clientele/internal/app"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"

	"golang.org/x/crypto/argon2"
)

var measures = []measure{
	{name: "may she? (check, read included)", goal: "≤ 2", cpu: true, parallel: 1, ours: checkOurs, bare: pointRead},
	{name: "a page: People, 20 members", goal: "≥ 0.6", parallel: 16, ours: pageOurs, bare: pageBare},
	{name: "my accounts, of 10,000: first 50", goal: "≥ 0.8", parallel: 4, ours: reachOurs, bare: reachBare},
	{name: "an invitation sent", goal: "≥ 0.3", parallel: 4, ours: inviteOurs, bare: insertsBare},
	{name: "sign-in with a password", goal: "≥ 0.9", parallel: runtime.NumCPU(), ours: signInOurs, bare: hashBare},
}

// person signs a user in, as the doors do.
func person(ctx context.Context, a *app.App, token string) (auth.Identity, error) {
	return a.Auth.Identify(ctx, token, auth.Request{ID: "bench", Network: "127.0.0.1"})
}

func checkOurs(ctx context.Context, a *app.App, d *dataset) (op, error) {
	me, err := person(ctx, a, d.agencyToken)
	p := access.Person(me)
	return func(int, int) error {
		_, err := access.Check[access.ViewPeople](ctx, a.Memberships, p, d.accounts[rand.IntN(len(d.accounts))])
		return err
	}, err
}

func pointRead(ctx context.Context, a *app.App, d *dataset) (op, error) {
	conn, err := d.bare.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := wide(ctx, a, conn); err != nil {
		return nil, err
	}
	stmt, err := conn.PrepareContext(ctx, "SELECT role, permissions FROM memberships WHERE account_id = $1 AND user_id = $2 AND status <> 'ended'")
	return func(int, int) error {
		var role string
		var s int64
		return stmt.QueryRow(d.accounts[rand.IntN(len(d.accounts))], d.agency).Scan(&role, &s)
	}, err
}

// wide lets a bare PostgreSQL connection see all rows, as a program without a
// second wall would.
func wide(ctx context.Context, a *app.App, conn *sql.Conn) error {
	if a.DB.Engine() != "postgres" {
		return nil
	}
	_, err := conn.ExecContext(ctx, "SET clientele.wide = 'on'")
	return err
}

// serve puts a handler on a socket.
func serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = (&http.Server{Handler: h, ReadHeaderTimeout: time.Second}).Serve(l) }()
	return "http://" + l.Addr().String(), nil
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func get(address, host, cookie string) error {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Host = host
	req.Header.Set("Cookie", "clientele-session="+cookie)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || n < 1000) {
		err = fmt.Errorf("%s answers %d with %d bytes", address, res.StatusCode, n)
	}
	return err
}

func pageOurs(_ context.Context, a *app.App, d *dataset) (op, error) {
	base, err := serve(a.Handler())
	return func(int, int) error {
		return get(base+"/a/"+id.String(d.accounts[0])+"/people", a.Config.Base.Host, d.ownerToken)
	}, err
}

var barePage = template.Must(template.New("").Parse(`<!DOCTYPE html><title>{{.Account}}</title><h1>{{.Account}}</h1><p>{{.User}}</p><table>{{range .Members}}<tr><td>{{.Name}}<td>{{.Address}}<td>{{.Role}}<td>{{.Since}}{{end}}</table>`))

// pageBare is the same page in the smallest way: session, membership,
// account, twenty members, a template.
func pageBare(ctx context.Context, a *app.App, d *dataset) (op, error) {
	pool := d.bare
	if a.DB.Engine() == "postgres" {
		var err error
		if pool, err = openBare(a.Config.DatabaseURL + "&options=-c%20clientele.wide%3Don"); err != nil {
			return nil, err
		}
	}
	var err error
	prepare := func(text string) *sql.Stmt {
		s, e := pool.PrepareContext(ctx, text)
		if e != nil {
			err = e
		}
		return s
	}
	session := prepare("SELECT u.id, u.name FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1")
	membership := prepare("SELECT role FROM memberships WHERE account_id = $1 AND user_id = $2 AND status <> 'ended'")
	account := prepare("SELECT name FROM accounts WHERE id = $1")
	members := prepare("SELECT u.name, u.address, m.role, m.created_at FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY m.id")
	if err != nil {
		return nil, err
	}
	type member struct {
		Name, Address, Role string
		Since               time.Time
	}
	base, err := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var page struct {
			User, Account, Role string
			Members             []member
		}
		cookie, _ := r.Cookie("clientele-session")
		sum := sha256.Sum256([]byte(cookie.Value))
		var u int64
		if session.QueryRow(hex.EncodeToString(sum[:])).Scan(&u, &page.User) != nil ||
			membership.QueryRow(d.accounts[0], u).Scan(&page.Role) != nil || account.QueryRow(d.accounts[0]).Scan(&page.Account) != nil {
			http.NotFound(w, r)
			return
		}
		rows, err := members.Query(d.accounts[0])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var m member
			if rows.Scan(&m.Name, &m.Address, &m.Role, &m.Since) == nil {
				page.Members = append(page.Members, m)
			}
		}
		_ = barePage.Execute(w, page)
	}))
	return func(int, int) error { return get(base, "bare", d.ownerToken) }, err
}

func reachOurs(ctx context.Context, a *app.App, d *dataset) (op, error) {
	me, err := person(ctx, a, d.agencyToken)
	return func(int, int) error {
		list, err := a.Memberships.Reach(ctx, me, access.Page{Limit: 50})
		if err == nil && len(list) != 51 {
			err = fmt.Errorf("%d accounts", len(list))
		}
		return err
	}, err
}

func reachBare(ctx context.Context, a *app.App, d *dataset) (op, error) {
	const query = `SELECT a.id, a.name, m.role FROM memberships m JOIN accounts a ON a.id = m.account_id
		WHERE m.user_id = $1 AND m.status = 'active' ORDER BY a.name, a.id LIMIT 51`
	pool := d.bare
	if a.DB.Engine() == "postgres" {
		var err error
		if pool, err = openBare(a.Config.DatabaseURL + "&options=-c%20clientele.wide%3Don"); err != nil {
			return nil, err
		}
	}
	stmt, err := pool.PrepareContext(ctx, query)
	return func(int, int) error {
		rows, err := stmt.Query(d.agency)
		if err != nil {
			return err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			var a int64
			var name, role string
			if err := rows.Scan(&a, &name, &role); err != nil {
				return err
			}
			n++
		}
		if n != 51 {
			return fmt.Errorf("%d accounts", n)
		}
		return rows.Err()
	}, err
}

func inviteOurs(ctx context.Context, a *app.App, d *dataset) (op, error) {
	var serial atomic.Int64
	inviters := min(len(d.accounts)-1, 1000)
	for at := range inviters {
		d.identity(ctx, a, at)
	}
	// Another inviter, account and domain each time, below every limit.
	return func(worker, n int) error {
		at := (worker*251 + n*7) % inviters
		by, err := access.Check[access.ManagePeople](ctx, a.Memberships, access.Person(d.identity(ctx, a, at)), d.accounts[at])
		if err != nil {
			return err
		}
		address, err := mail.ParseAddress(fmt.Sprintf("guest%d@d%d-%d.example", serial.Add(1), worker, n/10))
		if err != nil {
			return err
		}
		_, err = a.Invites.Send(ctx, by, invite.New{Address: address, Role: access.Role{BuiltIn: "billing"}})
		return err
	}, nil
}

// insertsBare commits as many small rows as an invitation writes: the
// account's lock, the invitation, the mail, its job, the audit record and
// five counters.
func insertsBare(ctx context.Context, a *app.App, d *dataset) (op, error) {
	const rows = 9
	if _, err := d.bare.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS bench_rows (a BIGINT, b BIGINT, c TEXT, d TEXT)"); err != nil {
		return nil, err
	}
	return func(worker, n int) error {
		tx, err := d.bare.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		for i := range rows {
			if _, err := tx.Exec("INSERT INTO bench_rows (a, b, c, d) VALUES ($1, $2, $3, $4)", worker, i, "some text of a usual length", "and some more"); err != nil {
				return err
			}
		}
		return tx.Commit()
	}, nil
}

func signInOurs(ctx context.Context, a *app.App, d *dataset) (op, error) {
	return func(worker, n int) error {
		u := d.users[rand.IntN(len(d.users))]
		_, err := a.Auth.SignIn(ctx, auth.Credential{Address: fmt.Sprintf("user%d@bench.example", u), Password: d.password},
			auth.Request{ID: "bench", Network: fmt.Sprintf("10.%d.%d.%d", worker, n/250%250, n%250)})
		return err
	}, nil
}

func hashBare(context.Context, *app.App, *dataset) (op, error) {
	salt := make([]byte, 16)
	return func(int, int) error {
		argon2.IDKey([]byte(password), salt, 2, 19*1024, 1, 32)
		return nil
	}, nil
}

package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"

	"clientele/internal/app"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// A dataset is what was filled in, and a bare handle on the same database.
type dataset struct {
	bare        *sql.DB
	users       []id.User
	accounts    []id.Account
	memberships int
	agency      id.User // a member of every account
	owner       id.User // of accounts[0], which has 20 members
	password    string  // everybody's
	ownerToken  string  // her session
	agencyToken string
	identities  sync.Map // of the owners, by the account's place
}

const password = "five quiet red lanterns"

// fill writes users, accounts, memberships and sessions, in batches.
func fill(ctx context.Context, a *app.App, s size) (*dataset, error) {
	d := &dataset{password: password}
	hash, err := a.Auth.Hasher().Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	if d.bare, err = openBare(a.Config.DatabaseURL); err != nil {
		return nil, err
	}
	err = a.DB.Write(ctx, db.Wide, func(tx *db.Tx) error {
		for n := range s.users {
			d.users = append(d.users, id.User(n+1))
			d.accounts = append(d.accounts, id.Account(n+1))
		}
		d.agency = id.User(s.users)
		if err := d.people(tx, hash); err != nil {
			return err
		}
		return d.members(tx, s)
	})
	if err != nil {
		return nil, err
	}
	return d, a.DB.Write(ctx, db.Wide, func(tx *db.Tx) (err error) {
		d.owner = d.users[0]
		if d.ownerToken, err = auth.StartSession(tx, d.owner, auth.Request{}); err != nil {
			return err
		}
		d.agencyToken, err = auth.StartSession(tx, d.agency, auth.Request{})
		return err
	})
}

func (d *dataset) people(tx *db.Tx, hash string) error {
	for n := range d.users {
		address, err := mail.ParseAddress(fmt.Sprintf("user%d@bench.example", n+1))
		if err != nil {
			return err
		}
		if _, err := user.Create(tx, user.New{Address: address, Verified: true, Name: fmt.Sprintf("User %d", n+1), Language: "en", Password: hash}); err != nil {
			return err
		}
	}
	return batch(tx, len(d.accounts), 8, "INSERT INTO accounts (name, address, currency, country, language, status, search, created_at) VALUES ", func(n int) []any {
		name := fmt.Sprintf("Account %d", n+1)
		return []any{name, fmt.Sprintf("account%d@bench.example", n+1), "EUR", "DE", "en", "active", strings.ToLower(name), tx.Now}
	})
}

// members gives every account an owner, the agency, and three more; the first
// account has twenty members.
func (d *dataset) members(tx *db.Tx, s size) error {
	type pair struct{ account, user int }
	var pairs []pair
	for a := range s.accounts {
		seen := map[int]bool{}
		want := s.perAccount
		if a == 0 {
			want = 20
		}
		for k := 0; len(seen) < min(want, s.users); k++ {
			u := (a + k*7919) % s.users
			if k == 1 {
				u = s.users - 1
			}
			if !seen[u] {
				seen[u] = true
				pairs = append(pairs, pair{a, u})
			}
		}
	}
	d.memberships = len(pairs)
	first := map[int]bool{}
	return batch(tx, len(pairs), 7, "INSERT INTO memberships (account_id, user_id, owner, role, starts_at, seen_at, created_at) VALUES ", func(n int) []any {
		p := pairs[n]
		owner := !first[p.account]
		first[p.account] = true
		return []any{p.account + 1, p.user + 1, owner, "full", tx.Now, tx.Now, tx.Now}
	})
}

// batch inserts many rows with few statements.
func batch(tx *db.Tx, rows, columns int, insert string, row func(int) []any) error {
	const most = 500
	for at := 0; at < rows; at += most {
		n := min(most, rows-at)
		var text strings.Builder
		text.WriteString(insert)
		args := make([]any, 0, n*columns)
		for i := range n {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteByte('(')
			for c := range columns {
				if c > 0 {
					text.WriteByte(',')
				}
				fmt.Fprintf(&text, "$%d", i*columns+c+1)
			}
			text.WriteByte(')')
			args = append(args, row(at+i)...)
		}
		if _, err := db.Exec(tx, text.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// openBare opens the same database without any of ours around it.
func openBare(rawURL string) (*sql.DB, error) {
	if path, ok := strings.CutPrefix(rawURL, "sqlite://"); ok {
		path, more, _ := strings.Cut(path, "?")
		pool, err := sql.Open("sqlite", "file:"+path+"?"+more+"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_time_format=sqlite&_texttotime=1&_timezone=UTC")
		if err == nil {
			pool.SetMaxIdleConns(32)
		}
		return pool, err
	}
	pool, err := sql.Open("pgx", rawURL)
	if err == nil {
		pool.SetMaxIdleConns(32)
	}
	return pool, err
}

// identity signs in the owner of the account at a place, once.
func (d *dataset) identity(ctx context.Context, a *app.App, at int) auth.Identity {
	if i, ok := d.identities.Load(at); ok {
		return i.(auth.Identity)
	}
	var token string
	err := a.DB.Write(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		token, err = auth.StartSession(tx, d.users[at], auth.Request{})
		return err
	})
	if err != nil {
		return auth.Identity{}
	}
	i, err := person(ctx, a, token)
	if err == nil {
		d.identities.Store(at, i)
	}
	return i
}

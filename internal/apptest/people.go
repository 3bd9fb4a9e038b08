package apptest

import (
	"context"
	"sync"
	"time"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/password"
	"clientele/internal/user"
)

// Password is everybody's password in tests, where no other was chosen.
const Password = "three blue bicycles"

var passwordHash = sync.OnceValue(func() string {
	hash, err := password.New(password.Rules{}).Hash(context.Background(), Password)
	if err != nil {
		panic(err)
	}
	return hash
})

// A Person is a user with a browser in which she is signed in.
type Person struct {
	*Browser
	User    id.User
	Name    string
	Address string
}

// Address reads an address that a test knows to be one.
func Address(s string) mail.Address {
	a, err := mail.ParseAddress(s)
	if err != nil {
		panic(err)
	}
	return a
}

// Person makes a user who has proven her address, and signs her in.
func (w *World) Person(name, address string) *Person {
	w.t.Helper()
	p := &Person{Browser: w.Browser(), Name: name, Address: address}
	w.In(func(tx *db.Tx) (err error) {
		p.User, err = user.Create(tx, user.New{Address: Address(address), Verified: true, Name: name, Language: "en", Password: passwordHash()})
		return err
	})
	w.SignIn(p)
	return p
}

// SignIn gives a person's browser a fresh session.
func (w *World) SignIn(p *Person) {
	w.t.Helper()
	w.In(func(tx *db.Tx) error {
		token, err := auth.StartSession(tx, p.User, request())
		p.session("__Host-clientele-session", token, "/")
		return err
	})
}

// Account opens an account that a person owns.
func (w *World) Account(owner *Person, name string) id.Account {
	w.t.Helper()
	var a id.Account
	canary := w.seen.canary()
	w.In(func(tx *db.Tx) (err error) {
		by := audit.Actor{Kind: audit.System, Via: audit.ViaSystem}
		a, err = account.OpenFor(tx, by, owner.User, w.seen.caged(account.Details{
			Name: name, Address: Address(owner.Address), MailKinds: account.Everything, Currency: "EUR", Language: "en", Country: "DE",
		}, canary))
		return err
	})
	w.seen.belongs(canary, a)
	return a
}

// Join makes a person a member of an account, with single permissions.
func (w *World) Join(a id.Account, p *Person, s access.Set) id.Membership {
	w.t.Helper()
	return w.JoinAs(a, access.Join{User: p.User, Role: access.Role{Single: s}})
}

// JoinAs makes a membership.
func (w *World) JoinAs(a id.Account, j access.Join) id.Membership {
	w.t.Helper()
	var m id.Membership
	w.In(func(tx *db.Tx) (err error) {
		m, err = access.Add(tx, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}, a, j)
		return err
	})
	return m
}

// Keys is a set of permissions by their keys.
func Keys(keys ...string) access.Set {
	s, err := access.ParseSet(keys)
	if err != nil {
		panic(err)
	}
	return s
}

// Membership is a person's number in an account.
func (w *World) Membership(a id.Account, p *Person) id.Membership {
	w.t.Helper()
	found := Query[id.Membership](w, "SELECT id FROM memberships WHERE account_id = $1 AND user_id = $2 AND status <> 'ended'", a, p.User)
	if len(found) != 1 {
		w.t.Fatalf("%s has %d memberships in account %d", p.Name, len(found), a)
	}
	return found[0]
}

// Member reports whether a person is a member of an account.
func (w *World) Member(a id.Account, p *Person) bool {
	w.t.Helper()
	return w.Count("memberships WHERE account_id = $1 AND user_id = $2 AND status = 'active'", a, p.User) == 1
}

// An Operator is a staff member with a browser in which she is signed in.
type Operator struct {
	*Browser
	Staff   id.Staff
	Name    string
	Address string
}

// Operator makes a staff member and signs her in. She has no second factor:
// her session counts as one in which it was shown.
func (w *World) Operator(name, address, role string) *Operator {
	w.t.Helper()
	o := &Operator{Browser: w.Browser(), Name: name, Address: address}
	w.In(func(tx *db.Tx) (err error) {
		o.Staff, err = db.One[id.Staff](tx, "INSERT INTO staff (address, name, role, password, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
			Address(address), name, role, passwordHash(), tx.Now)
		return err
	})
	w.SignInOperator(o)
	return o
}

// SignInOperator gives an operator's browser a fresh session, in which her
// second factor counts as shown.
func (w *World) SignInOperator(o *Operator) {
	w.t.Helper()
	w.In(func(tx *db.Tx) error {
		token, hash := auth.NewToken()
		o.session("__Secure-clientele-staff", token, "/staff")
		_, err := db.Exec(tx, "INSERT INTO staff_sessions (staff_id, token_hash, created_at, seen_at, proved_at, second_at, expires_at) VALUES ($1, $2, $3, $3, $3, $3, $4)",
			o.Staff, hash, tx.Now, tx.Now.Add(12*time.Hour))
		return err
	})
}

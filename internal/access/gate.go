package access

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
)

// A Gate is what an account asks of everybody who enters it, beside access:
// a condition on how she has signed in, and not a permission. It is held
// against what the session has shown, at every request.
type Gate struct {
	Ways         string             // the allowed ways to sign in, with commas; empty: every way
	SecondFrom   db.Null[time.Time] // from when on a second factor is required
	SessionHours int64              // how long a proof counts; 0: as long as the session
}

// gateColumns reads a Gate from the table accounts, named a.
const gateColumns = "a.ways, a.second_from, a.session_hours"

// The reasons for which a gate stays shut.
const (
	NeedsSecond = "second-factor"
	NeedsWay    = "way"
	NeedsFresh  = "session-too-old"
)

// Asks is what is missing of a proof before the gate opens; empty where it is
// open.
func (g Gate) Asks(p auth.Proof, now time.Time) (missing string) {
	second := g.SecondFrom.Valid && !now.Before(g.SecondFrom.V)
	old := func(t time.Time) bool {
		return g.SessionHours > 0 && !now.Before(t.Add(time.Duration(g.SessionHours)*time.Hour))
	}
	switch {
	case g.Ways != "" && !slices.ContainsFunc(p.Ways, g.Allows):
		return NeedsWay
	case second && (!p.SecondAt.Valid || old(p.SecondAt.V)):
		return NeedsSecond
	case g.Ways == "" && old(p.At), g.Ways != "" && old(p.Newest(g.Allows)):
		return NeedsFresh
	}
	return ""
}

// Allows reports whether a way to sign in is among the allowed ones.
func (g Gate) Allows(w auth.Way) bool {
	return g.Ways == "" || slices.Contains(auth.ParseWays(g.Ways), w)
}

// fault says in words what is missing, and how to mend it.
func (g Gate) fault(name, missing string) error {
	switch missing {
	case NeedsSecond:
		return fault.New(fault.StepUp, NeedsSecond, name+" asks everybody for a second factor. Show yours to go on.")
	case NeedsWay:
		e := fault.New(fault.StepUp, NeedsWay, name+" allows only some ways to sign in, and you have used another one.")
		e.Fields = map[string]string{"ways": g.Ways}
		return e
	case NeedsFresh:
		return fault.New(fault.StepUp, NeedsFresh, name+" asks for a proof that it is you at least every "+hours(g.SessionHours)+".")
	}
	return nil
}

func hours(n int64) string {
	if n == 1 {
		return "hour"
	}
	return strconv.FormatInt(n, 10) + " hours"
}

// pass holds the account's gate against what the principal has shown. An
// owner who has shown a second factor reaches what only owners may do in
// whatever way she came: a way that is out of order must not lock out those
// who can change it. Operators have shown what their own realm asks for.
func (p proof) pass(need requirement, now time.Time) error {
	if p.principal.isOperator() {
		return nil
	}
	g := p.gate
	if need.owner && p.owner && p.principal.shown.SecondAt.Valid {
		g.Ways = ""
	}
	return g.fault(p.name, g.Asks(p.principal.shown, now))
}

// GateOf reads what an account asks for.
func GateOf(tx *db.Tx, account id.Account) (Gate, error) {
	return db.One[Gate](tx, "SELECT "+gateColumns+" FROM accounts a WHERE a.id = $1", account)
}

// MayEnter holds an account's gate against somebody who is about to join it.
func MayEnter(tx *db.Tx, account id.Account, p auth.Proof) error {
	type row struct {
		Gate
		Name string
	}
	g, err := db.One[row](tx, "SELECT "+gateColumns+", a.name FROM accounts a WHERE a.id = $1", account)
	if err != nil {
		return err
	}
	return g.fault(g.Name, g.Asks(p, tx.Now))
}

// A Policy is a gate as owners set it.
type Policy struct {
	Ways         []auth.Way // the allowed ones, at least one
	Second       bool
	GraceDays    int64 // from today; AsSet keeps the day that was set
	SessionHours int64
}

// AsSet is the grace period that keeps the day which was set before.
const AsSet = -1

// The grace periods and session lengths that owners choose from.
var (
	GraceDays    = []int64{0, 3, 7, 14, 30}
	SessionHours = []int64{0, 1, 4, 8, 12, 24, 168}
)

// A PolicyMember is a member without a second factor, as the policy's page
// lists her.
type PolicyMember struct {
	User    id.User
	Name    string
	Address mail.Address
	Owner   bool

	Language string
}

// PolicyPage is the policy with what one needs to know to change it.
type PolicyPage struct {
	Gate
	Members   []PolicyMember // owners first
	StaffLook bool           // whether operators may look at the account as one of its people
	Providers []Choice       // the providers that people can sign in through
}

// A Choice is a way to sign in, with its name.
type Choice struct {
	Way  auth.Way
	Name string
}

// AllWays lists the ways to sign in that this installation has.
func AllWays(tx *db.Tx) ([]Choice, error) {
	list := []Choice{{auth.ByPassword, "Password"}, {auth.ByPasskey, "Passkey"}}
	type row struct {
		ID   id.Provider
		Name string
	}
	found, err := db.All[row](tx, "SELECT id, name FROM providers WHERE status = 'active' ORDER BY name, id")
	for _, p := range found {
		list = append(list, Choice{auth.ByProvider(p.ID), p.Name})
	}
	return list, err
}

// without reads the members of an account ($1) who have no second factor.
const without = `
	SELECT u.id AS "user", u.name, u.address, m.owner, u.language
	FROM memberships m JOIN users u ON u.id = m.user_id
	WHERE m.account_id = $1 AND m.status = 'active' AND u.status = 'active' AND (m.ends_at IS NULL OR m.ends_at > $2)
		AND NOT EXISTS (SELECT 1 FROM authenticators f WHERE f.user_id = u.id) AND NOT EXISTS (SELECT 1 FROM passkeys k WHERE k.user_id = u.id)
	ORDER BY m.owner DESC, u.name, u.id`

// Policy reads the account's policy, with the members whom it would keep out.
func (m *Memberships) Policy(ctx context.Context, by For[Own]) (p PolicyPage, err error) {
	defer fault.Wrap(&err, "access.Policy(%d)", by.Account())
	err = by.Read(ctx, func(tx *db.Tx) error {
		if p.Gate, err = GateOf(tx, by.Account()); err != nil {
			return err
		}
		if p.Providers, err = AllWays(tx); err != nil {
			return err
		}
		if p.StaffLook, err = StaffMayLook(tx, by.Account()); err != nil {
			return err
		}
		p.Members, err = db.All[PolicyMember](tx, without, by.Account(), tx.Now)
		return err
	})
	return p, err
}

// SetPolicy changes what the account asks of everybody who enters it. The one
// who sets it must meet it herself, so that nobody locks herself out; members
// without a second factor are told by when they need one, and the owners that
// the policy was changed.
func (m *Memberships) SetPolicy(ctx context.Context, by For[Own], i auth.Identity, p Policy) (err error) {
	defer fault.Wrap(&err, "access.SetPolicy(%d)", by.Account())
	return by.Write(ctx, func(tx *db.Tx, by For[Own]) error {
		before, err := GateOf(tx, by.Account())
		if err != nil {
			return err
		}
		after, err := p.gate(tx, before)
		if err != nil {
			return err
		}
		if err := meets(after, i.Proof(), tx.Now); err != nil {
			return err
		}
		_, err = db.Exec(tx, "UPDATE accounts SET ways = $2, second_from = $3, session_hours = $4 WHERE id = $1", by.Account(), after.Ways, after.SecondFrom, after.SessionHours)
		if err != nil {
			return err
		}
		err = audit.Write(tx, by.Actor(), audit.Record{
			Event: "account.policy_changed", Account: by.Account(), Object: "account", ObjectID: int64(by.Account()), Before: before.words(), After: after.words(),
		})
		if err != nil {
			return err
		}
		return m.tellOfPolicy(tx, by, before, after)
	})
}

// gate reads what was typed. A date that was set before stands: switching
// anything else does not begin the grace anew.
func (p Policy) gate(tx *db.Tx, before Gate) (g Gate, err error) {
	var f fault.Form
	all, err := AllWays(tx)
	if err != nil {
		return g, err
	}
	var ways []string
	for _, w := range p.Ways {
		if !slices.ContainsFunc(all, func(c Choice) bool { return c.Way == w }) {
			f.Add("ways", "Choose among the ways in the list.")
		}
		if !slices.Contains(ways, string(w)) {
			ways = append(ways, string(w))
		}
	}
	if len(ways) == 0 {
		f.Add("ways", "Allow at least one way to sign in.")
	}
	if len(ways) < len(all) {
		g.Ways = strings.Join(ways, ",")
	}
	if !slices.Contains(SessionHours, p.SessionHours) {
		f.Add("session_hours", "Choose one of the lengths in the list.")
	}
	ahead := before.SecondFrom.Valid && before.SecondFrom.V.After(tx.Now)
	if !slices.Contains(GraceDays, p.GraceDays) && (p.GraceDays != AsSet || !ahead) {
		f.Add("grace_days", "Choose one of the periods in the list.")
	}
	g.SessionHours = p.SessionHours
	if p.Second {
		g.SecondFrom = before.SecondFrom
		if !before.SecondFrom.Valid || ahead && p.GraceDays != AsSet {
			g.SecondFrom = db.Some(tx.Now.AddDate(0, 0, int(p.GraceDays)))
		}
	}
	return g, f.Err()
}

// meets makes sure that whoever sets a policy is not the first to be locked
// out by it.
func meets(g Gate, p auth.Proof, now time.Time) error {
	if g.SecondFrom.Valid {
		g.SecondFrom = db.Some(now)
	}
	switch g.Asks(p, now) {
	case NeedsWay:
		return fault.Field("ways", "This would lock you out: you have not signed in in one of these ways. Sign in that way first, then set the policy.")
	case NeedsSecond:
		return fault.Field("second", "This would lock you out: you have not shown a second factor. Set one up on your own security page, or sign in with it, then set the policy.")
	}
	return nil
}

// words are what a record keeps of a gate.
func (g Gate) words() map[string]string {
	w := map[string]string{"ways": cmp.Or(g.Ways, "all"), "session_hours": strconv.FormatInt(g.SessionHours, 10), "second_factor": "no"}
	if g.SecondFrom.Valid {
		w["second_factor"] = "from " + g.SecondFrom.V.Format(time.DateOnly)
	}
	return w
}

// tellOfPolicy mails the owners, and those whom the second factor will keep
// out.
func (m *Memberships) tellOfPolicy(tx *db.Tx, by For[Own], before, after Gate) error {
	if before == after {
		return nil
	}
	var list []PolicyMember
	if after.SecondFrom.Valid && before.SecondFrom != after.SecondFrom {
		var err error
		if list, err = db.All[PolicyMember](tx, without, by.Account(), tx.Now); err != nil {
			return err
		}
	}
	var problems []error
	name := plainName(by.AccountName())
	for _, u := range list {
		_, err := m.outbox.Send(tx, mail.Message{
			Kind: "policy-second-factor", Class: mail.Urgent, To: u.Address, About: by.Account(), User: u.User, Language: u.Language,
			Subject: locale.T("{account} will ask for a second factor", "account", name),
			Lines: []locale.Text{locale.T("From {time} on everybody who enters {account} shows a second factor: a code of an app, or a passkey. You have none yet.",
				"time", after.SecondFrom.V, "account", name)},
			Action:  mail.Action{Label: locale.T("Set one up"), URL: m.baseURL + "/me/security"},
			Closing: []locale.Text{locale.T("Your access is not taken away. Without a second factor the account stays shut until you have one.")},
		})
		problems = append(problems, err)
	}
	return errors.Join(append(problems, m.tellOwners(tx, by.proof, locale.T("The sign-in rules of {account} were changed", "account", name),
		locale.T("The rules for signing in to {account} were changed on {time}. You find them under People.", "account", name, "time", tx.Now)))...)
}

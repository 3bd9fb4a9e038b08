package sso

import (
	"context"
	"errors"
	"strconv"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/staff"
)

// An Entry is a provider as operators see it, with whom it matters to.
type Entry struct {
	Provider
	Secret bool  // there is a client secret
	People int64 // who have linked a login there
	access.WayUse
}

// entry reads an Entry; $1 is the provider, or 0 for all.
const entry = "SELECT " + columns + `, p.sealed <> '' AS secret,
		(SELECT COUNT(DISTINCT i.user_id) FROM identities i WHERE i.provider_id = p.id) AS people
	FROM providers p WHERE p.id = $1 OR $1 = 0 ORDER BY p.name, p.id`

func entries(tx *db.Tx, number id.Provider) ([]Entry, error) {
	list, err := db.All[Entry](tx, entry, number)
	for i := range list {
		if err == nil {
			list[i].WayUse, err = access.UseOfWay(tx, list[i].Way())
		}
	}
	return list, err
}

// List lists all providers.
func (p *Providers) List(ctx context.Context, _ staff.For[staff.Configure]) (list []Entry, err error) {
	defer fault.Wrap(&err, "sso.List")
	err = p.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = entries(tx, 0)
		return err
	})
	return list, err
}

// Get reads one.
func (p *Providers) Get(ctx context.Context, _ staff.For[staff.Configure], number id.Provider) (e Entry, err error) {
	defer fault.Wrap(&err, "sso.Get(%d)", number)
	err = p.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := entries(tx, number)
		if err == nil && len(list) == 0 {
			err = fault.Missing()
		}
		if err == nil {
			e = list[0]
		}
		return err
	})
	return e, err
}

// check reads what was typed, and asks the provider for its configuration.
func (p *Providers) check(ctx context.Context, t Typed) (Typed, error) {
	t, err := t.read()
	if err != nil {
		return t, err
	}
	m, err := p.outside.discover(ctx, t.Issuer)
	var wrong *puzzle
	if errors.As(err, &wrong) {
		return t, fault.Field("issuer", wrong.text)
	}
	t.Issuer = m.IssuerURL
	return t, err
}

var errTwice = fault.Field("client_id", "This provider is here already, with the same client ID.")

// Add adds a provider. It is off until it is switched on: first the address
// that people come back to is registered there.
func (p *Providers) Add(ctx context.Context, by staff.For[staff.Configure], t Typed) (number id.Provider, err error) {
	defer fault.Wrap(&err, "sso.Add")
	if t, err = p.check(ctx, t); err != nil {
		return 0, err
	}
	err = p.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		number, err = db.One[id.Provider](tx, `
			INSERT INTO providers (name, issuer, client_id, second_factor, status, created_at) VALUES ($1, $2, $3, $4, 'off', $5)
			ON CONFLICT (issuer, client_id) DO NOTHING RETURNING id`, t.Name, t.Issuer, t.ClientID, t.SecondFactor, tx.Now)
		if errors.Is(err, db.ErrNone) {
			return errTwice
		}
		if err != nil {
			return err
		}
		if err := p.keepSecret(tx, number, t.Secret); err != nil {
			return err
		}
		return record(tx, by, "provider.added", number, nil, t.words())
	})
	return number, err
}

// keepSecret seals a client secret; an empty one leaves what there is.
func (p *Providers) keepSecret(tx *db.Tx, number id.Provider, secret string) error {
	if secret == "" {
		return nil
	}
	_, err := db.Exec(tx, "UPDATE providers SET sealed = $2 WHERE id = $1", number, p.key.Seal(secretPlace(number), []byte(secret)))
	return err
}

// words are what a record keeps of a provider.
func (t Typed) words() map[string]string {
	w := map[string]string{"name": t.Name, "issuer": t.Issuer, "client_id": t.ClientID, "second_factor": strconv.FormatBool(t.SecondFactor)}
	if t.Secret != "" {
		w["secret"] = "new"
	}
	return w
}

func (p Provider) typed() Typed {
	return Typed{Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, SecondFactor: p.SecondFactor}
}

func record(tx *db.Tx, by staff.For[staff.Configure], event string, number id.Provider, before, after any) error {
	return audit.Write(tx, by.Actor(), audit.Record{Event: event, Object: "provider", ObjectID: int64(number), Before: before, After: after})
}

// Change changes a provider. Its issuer stays while people are linked to it:
// at another they are not known.
func (p *Providers) Change(ctx context.Context, by staff.For[staff.Configure], number id.Provider, t Typed) (err error) {
	defer fault.Wrap(&err, "sso.Change(%d)", number)
	if t, err = p.check(ctx, t); err != nil {
		return err
	}
	return p.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		before, err := lock(tx, number)
		if err != nil {
			return err
		}
		if before.Issuer != t.Issuer && before.People > 0 {
			return fault.Field("issuer", people(before.People)+" linked at "+before.Issuer+", and would not be known at another address. Add the new one as a provider of its own.")
		}
		if before.Issuer != t.Issuer && t.Secret == "" {
			return fault.Field("secret", "Type the secret that belongs to the new issuer. The one that is kept is not sent anywhere else.")
		}
		n, err := db.Exec(tx, `
			UPDATE providers SET name = $2, issuer = $3, client_id = $4, second_factor = $5
			WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM providers x WHERE x.issuer = $3 AND x.client_id = $4 AND x.id <> $1)`,
			number, t.Name, t.Issuer, t.ClientID, t.SecondFactor)
		if err == nil && n == 0 || db.Exists(err) {
			return errTwice
		}
		if err != nil {
			return err
		}
		if err := p.keepSecret(tx, number, t.Secret); err != nil {
			return err
		}
		return record(tx, by, "provider.changed", number, before.typed().words(), t.words())
	})
}

// lock reads a provider that is about to change, and keeps others from it.
func lock(tx *db.Tx, number id.Provider) (e Entry, err error) {
	if _, err := db.Exec(tx, "UPDATE providers SET status = status WHERE id = $1", number); err != nil {
		return e, err
	}
	list, err := entries(tx, number)
	if err == nil && len(list) == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return e, err
	}
	return list[0], nil
}

// people says how many are linked, as the beginning of a sentence.
func people(n int64) string {
	if n == 1 {
		return "1 person is"
	}
	return strconv.FormatInt(n, 10) + " people are"
}

// Switch lets people sign in through a provider, or no more. What is linked
// stays linked, and whoever is signed in stays so.
func (p *Providers) Switch(ctx context.Context, by staff.For[staff.Configure], number id.Provider, on bool) (err error) {
	defer fault.Wrap(&err, "sso.Switch(%d)", number)
	status := "off"
	if on {
		status = active
	}
	return p.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		before, err := lock(tx, number)
		if err != nil {
			return err
		}
		if !on && before.Alone > 0 {
			return onlyWay(before)
		}
		if _, err = db.Exec(tx, "UPDATE providers SET status = $2 WHERE id = $1", number, status); err != nil {
			return err
		}
		return record(tx, by, "provider.switched", number, map[string]string{"status": before.Status}, map[string]string{"name": before.Name, "status": status})
	})
}

// onlyWay says that accounts would be shut without a provider.
func onlyWay(e Entry) error {
	return fault.New(fault.Conflict, "only-way", accounts(e.Alone)+" nothing but "+e.Name+" to sign in with, and would be shut. Their owners must allow another way first, under People.")
}

// Remove takes a provider away, with what is linked to it. Sessions that came
// in through it end. It answers Conflict while an account allows nothing else.
func (p *Providers) Remove(ctx context.Context, by staff.For[staff.Configure], number id.Provider) (err error) {
	defer fault.Wrap(&err, "sso.Remove(%d)", number)
	return p.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		e, err := lock(tx, number)
		if err != nil {
			return err
		}
		if e.Alone > 0 {
			return onlyWay(e)
		}
		if err := access.ForgetWay(tx, by.Actor(), e.Way()); err != nil {
			return err
		}
		like := "%," + string(e.Way()) + ",%"
		for _, statement := range []string{
			"UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND ',' || way || ',' LIKE $2",
			"UPDATE pending_signins SET ended_at = $1 WHERE ended_at IS NULL AND ',' || way || ',' LIKE $2",
		} {
			if _, err := db.Exec(tx, statement, tx.Now, like); err != nil {
				return err
			}
		}
		for _, statement := range []string{"DELETE FROM identities WHERE provider_id = $1", "DELETE FROM providers WHERE id = $1"} {
			if _, err := db.Exec(tx, statement, number); err != nil {
				return err
			}
		}
		return record(tx, by, "provider.removed", number, e.typed().words(), map[string]int64{"people": e.People, "accounts": e.Named})
	})
}

// accounts says how many allow something, as the beginning of a sentence.
func accounts(n int64) string {
	if n == 1 {
		return "1 account allows"
	}
	return strconv.FormatInt(n, 10) + " accounts allow"
}

package auth

import (
	"context"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// A Device is a browser that the person has signed in with, as she sees it.
type Device struct {
	ID           id.Device
	Agent        string
	Network      string
	CreatedAt    time.Time
	SeenAt       time.Time
	TrustedUntil db.Null[time.Time] // until when it is not asked for the second step
	This         bool
}

// Security is what signs a person in, on one page.
type Security struct {
	HasPassword bool
	Held
	Devices []Device
}

// Held are the second factors of a holder, one by one.
type Held struct {
	Factors  Factors
	Apps     []Authenticator
	Passkeys []Passkey
}

// HeldBy reads the second factors of a holder.
func HeldBy(tx *db.Tx, h Holder) (out Held, err error) {
	if out.Factors, err = FactorsOf(tx, h); err != nil {
		return out, err
	}
	if out.Apps, err = db.All[Authenticator](tx, h.in("SELECT id, name, created_at, used_at FROM {}authenticators WHERE {who} = $1 ORDER BY id"), h.number); err != nil {
		return out, err
	}
	out.Passkeys, err = db.All[Passkey](tx, h.in("SELECT id, name, created_at, used_at, cloned_at FROM {}passkeys WHERE {who} = $1 ORDER BY id"), h.number)
	return out, err
}

// Security reads what signs the person in.
func (a *Auth) Security(ctx context.Context, i Identity, device string) (s Security, err error) {
	defer fault.Wrap(&err, "auth.Security(%d)", i.user)
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		if s.HasPassword, err = db.One[bool](tx, "SELECT password <> '' FROM users WHERE id = $1", i.user); err != nil {
			return err
		}
		if s.Held, err = HeldBy(tx, Person(i.user)); err != nil {
			return err
		}
		s.Devices, err = db.All[Device](tx, `
			SELECT id, agent, network, created_at, seen_at, trusted_until, token_hash = $2 AS this FROM devices
			WHERE user_id = $1 AND ended_at IS NULL ORDER BY seen_at DESC, id DESC LIMIT 100`, i.user, HashToken(device))
		return err
	})
	return s, err
}

// Factors counts the person's second factors.
func (a *Auth) Factors(ctx context.Context, i Identity) (f Factors, err error) {
	defer fault.Wrap(&err, "auth.Factors(%d)", i.user)
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		f, err = factorsOf(tx, i.user)
		return err
	})
	return f, err
}

// ForgetDevice makes a browser one that the person has never used: the next
// sign-in with it asks for everything, and is mailed.
func (a *Auth) ForgetDevice(ctx context.Context, i Identity, number id.Device) (err error) {
	defer fault.Wrap(&err, "auth.ForgetDevice(%d, %d)", i.user, number)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE devices SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL", number, i.user, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "device.forgotten", Object: "device", ObjectID: int64(number), Subject: i.user})
	})
}

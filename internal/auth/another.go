package auth

import (
	"context"
	"errors"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
)

// The ceremonies in which a person shows, within her session, that another
// login is hers too: completely, as at the door, but no session comes of it.
const (
	anotherHalf          = "another-half"  // its first step is shown, and it has a second factor
	anotherShown         = "another-shown" // all of it is
	anotherPasskey       = "another-passkey"
	anotherPasskeySecond = "another-passkey-second"
)

// An Another is a login that somebody has shown to be hers too, within the
// session of the one that she is signed in with.
type Another struct {
	User        id.User
	Name        string
	Address     mail.Address
	Factors     Factors
	Credentials int64 // what they count, as when it was shown
	Mine        int64 // what those of her own login count
}

// A shownAnother is what is kept of it between the steps.
type shownAnother struct {
	User              id.User
	Credentials, Mine int64
	Way               string
}

// errItself is the answer to somebody who shows the login that she is signed
// in with.
var errItself = fault.New(fault.Invalid, "itself", "This is the login that you are signed in with. Sign in to the other one here.")

// ShowAnother shows another login by its password. Where it has a second
// factor, half is set: that is to be shown too, also in a browser that it is
// not asked for at the door. Attempts count as they do there, and whoever
// fails learns no more.
func (a *Auth) ShowAnother(ctx context.Context, i Identity, c Credential) (token string, half bool, err error) {
	defer fault.Wrap(&err, "auth.ShowAnother(%d)", i.user)
	err = a.byPassword(ctx, c, i.request, func(tx *db.Tx, u id.User) (err error) {
		token, half, err = a.Another(tx, i, u, Shown{Ways: []Way{ByPassword}}, c.Device)
		return err
	})
	return token, half, err
}

// Another notes that a person has shown another login in her session. Whoever
// calls it has seen the proof.
func (a *Auth) Another(tx *db.Tx, i Identity, u id.User, s Shown, device string) (token string, half bool, err error) {
	if u == i.user {
		return "", false, errItself
	}
	f, err := factorsOf(tx, u)
	if err != nil {
		return "", false, err
	}
	state := shownAnother{User: u, Way: joinWays(s.Ways)}
	if state.Credentials, err = credentialsOf(tx, u); err != nil {
		return "", false, err
	}
	if state.Mine, err = credentialsOf(tx, i.user); err != nil {
		return "", false, err
	}
	c := Ceremony{Kind: anotherShown, Holder: Person(i.user), Session: i.session, State: state}
	if half = f.Any() && !s.Second; half {
		c.Kind = anotherHalf
	} else if err := a.noteAnother(tx, i, u, s, device); err != nil {
		return "", false, err
	}
	token, err = a.Keep(tx, c)
	return token, half, err
}

// noteAnother records it, and tells of a browser that the other login was not
// used in before, as a sign-in does.
func (a *Auth) noteAnother(tx *db.Tx, i Identity, u id.User, s Shown, device string) error {
	err := audit.Write(tx, i.Actor(), audit.Record{Event: "merge.proven", Object: "user", ObjectID: int64(u), Subject: u, After: map[string]string{"by": joinWays(s.Ways)}})
	if err != nil {
		return err
	}
	d, err := deviceOf(tx, u, device)
	if err != nil || d.ID != 0 {
		return err
	}
	return a.tellOfDevice(tx, u, i.request)
}

func credentialsOf(tx *db.Tx, u id.User) (int64, error) {
	return db.One[int64](tx, "SELECT credentials FROM users WHERE id = $1", u)
}

// HalfAnother reads the other login whose second step is due.
func (a *Auth) HalfAnother(ctx context.Context, i Identity, token string) (o Another, err error) {
	defer fault.Wrap(&err, "auth.HalfAnother(%d)", i.user)
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		o, _, err = a.lookAnother(tx, i, anotherHalf, token)
		return err
	})
	return o, err
}

// lookAnother reads what was shown of another login, as long as neither's
// credentials have changed since.
func (a *Auth) lookAnother(tx *db.Tx, i Identity, kind, token string) (o Another, s shownAnother, err error) {
	if err := a.Look(tx, token, &Ceremony{Kind: kind, Holder: Person(i.user), Session: i.session, State: &s}); err != nil {
		return o, s, err
	}
	type row struct {
		User        id.User
		Name        string
		Address     mail.Address
		Credentials int64
	}
	u, err := db.One[row](tx, `
		SELECT u.id AS "user", u.name, u.address, u.credentials FROM users u, users i
		WHERE u.id = $1 AND u.credentials = $2 AND u.status = 'active' AND i.id = $3 AND i.credentials = $4 AND i.status = 'active'`, s.User, s.Credentials, i.user, s.Mine)
	if errors.Is(err, db.ErrNone) {
		return o, s, errCeremony
	}
	if err != nil {
		return o, s, err
	}
	o = Another{User: u.User, Name: u.Name, Address: u.Address, Credentials: u.Credentials, Mine: s.Mine}
	o.Factors, err = factorsOf(tx, u.User)
	return o, s, err
}

// ShowAnotherByCode shows the second factor of the other login by a code.
func (a *Auth) ShowAnotherByCode(ctx context.Context, i Identity, token, code, device string) (shown string, err error) {
	defer fault.Wrap(&err, "auth.ShowAnotherByCode(%d)", i.user)
	var refused error
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		o, s, err := a.lookAnother(tx, i, anotherHalf, token)
		if err != nil {
			return err
		}
		if err := hold(tx, o.User, o.Credentials, errCeremony); err != nil {
			return err
		}
		var used codeKind
		if used, refused, err = a.tryCode(tx, Person(o.User), code, device, i.request); refused != nil || err != nil {
			return err
		}
		if used == recoveryCode {
			if err := a.changed(tx, o.User, 0); err != nil {
				return err
			}
		}
		shown, err = a.wholeAnother(tx, i, token, o.User, ParseWays(s.Way), device)
		return err
	})
	return shown, errors.Join(err, codeField(refused))
}

// wholeAnother ends the wait for the second step, once.
func (a *Auth) wholeAnother(tx *db.Tx, i Identity, token string, u id.User, ways []Way, device string) (shown string, err error) {
	var s shownAnother
	if err := a.Take(tx, token, &Ceremony{Kind: anotherHalf, Holder: Person(i.user), Session: i.session, State: &s}); err != nil {
		return "", err
	}
	shown, _, err = a.Another(tx, i, u, Shown{Ways: ways, Second: true}, device)
	return shown, err
}

// BeginAnotherByPasskey opens the prompt for a passkey of another login.
func (a *Auth) BeginAnotherByPasskey(ctx context.Context, i Identity) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginAnotherByPasskey(%d)", i.user)
	return a.beginAny(ctx, Ceremony{Kind: anotherPasskey, Session: i.session})
}

// ShowAnotherByPasskey shows another login by its passkey, which is both
// factors in one.
func (a *Auth) ShowAnotherByPasskey(ctx context.Context, i Identity, token, response, device string) (shown string, err error) {
	defer fault.Wrap(&err, "auth.ShowAnotherByPasskey(%d)", i.user)
	err = a.assert(ctx, Ceremony{Kind: anotherPasskey, Session: i.session}, token, response, i.request, func(tx *db.Tx, h Holder) error {
		shown, _, err = a.Another(tx, i, h.User(), Shown{Ways: []Way{ByPasskey}, Second: true}, device)
		return err
	})
	return shown, err
}

// BeginAnotherSecond opens the prompt for a passkey as the second step.
func (a *Auth) BeginAnotherSecond(ctx context.Context, i Identity, half string) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginAnotherSecond(%d)", i.user)
	o, err := a.HalfAnother(ctx, i, half)
	if err != nil {
		return c, err
	}
	return a.beginOwn(ctx, Ceremony{Kind: anotherPasskeySecond, Holder: Person(o.User), Session: i.session})
}

// ShowAnotherSecond ends the second step with a passkey.
func (a *Auth) ShowAnotherSecond(ctx context.Context, i Identity, half, token, response, device string) (shown string, err error) {
	defer fault.Wrap(&err, "auth.ShowAnotherSecond(%d)", i.user)
	o, err := a.HalfAnother(ctx, i, half)
	if err != nil {
		return "", err
	}
	c := Ceremony{Kind: anotherPasskeySecond, Holder: Person(o.User), Session: i.session}
	err = a.assert(ctx, c, token, response, i.request, func(tx *db.Tx, _ Holder) error {
		_, s, err := a.lookAnother(tx, i, anotherHalf, half)
		if err != nil {
			return err
		}
		shown, err = a.wholeAnother(tx, i, half, o.User, append(ParseWays(s.Way), ByPasskey), device)
		return err
	})
	return shown, err
}

// LookAnother reads the other login that was shown completely.
func (a *Auth) LookAnother(tx *db.Tx, i Identity, token string) (Another, error) {
	o, _, err := a.lookAnother(tx, i, anotherShown, token)
	return o, err
}

// TakeAnother is LookAnother for the step that it was shown for: it counts
// once. The caller holds both logins' rows.
func (a *Auth) TakeAnother(tx *db.Tx, i Identity, token string) error {
	if _, err := a.LookAnother(tx, i, token); err != nil {
		return err
	}
	var s shownAnother
	return a.Take(tx, token, &Ceremony{Kind: anotherShown, Holder: Person(i.user), Session: i.session, State: &s})
}

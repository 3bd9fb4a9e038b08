package auth

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// Auth signs people in and keeps their sessions.
type Auth struct {
	db      *db.DB
	hasher  *Hasher
	outbox  *mail.Outbox
	baseURL string
	brand   string
}

// New makes Auth. Links in mail are built from baseURL alone.
func New(d *db.DB, h *Hasher, o *mail.Outbox, baseURL, brand string) *Auth {
	return &Auth{db: d, hasher: h, outbox: o, baseURL: baseURL, brand: brand}
}

// Hasher is the one pool that passwords are hashed in.
func (a *Auth) Hasher() *Hasher { return a.hasher }

// The brakes on guessing. Whoever guesses one person's password is slowed
// down together with everybody else who does, wherever they are; she herself
// is not, in a browser that she has signed in with before. Nobody is locked
// out for longer than the window.
var (
	perPerson  = Limit{Hits: 15, Per: 15 * time.Minute}
	perDevice  = Limit{Hits: 15, Per: 15 * time.Minute}
	perNetwork = Limit{Hits: 60, Per: 15 * time.Minute}
)

// Wrong is the one answer to every failed sign-in, so that it tells nothing
// of who has a login here.
var wrong = fault.New(fault.Invalid, "sign-in", "The address or the password is not right. If you have just signed up, confirm your address first: the link is in your mail.")

// A Credential is what somebody types to sign in.
type Credential struct {
	Address  string
	Password string
	Device   string // the token of a browser that she may have used before
}

// A SignedIn is the outcome of a sign-in: the tokens for the browser's
// cookies.
type SignedIn struct {
	User    id.User
	Session string
	Device  string
}

// SignIn proves a person by her password and starts a session.
func (a *Auth) SignIn(ctx context.Context, c Credential, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.SignIn")
	address, badAddress := mail.ParseAddress(c.Address)
	u, hash, known, err := a.before(ctx, address, badAddress == nil, c.Device, r)
	if err != nil {
		return in, err
	}
	ok, err := a.hasher.Verify(ctx, hash, c.Password)
	if err != nil {
		return in, err
	}
	if !ok || u == 0 {
		return in, a.noteFailure(ctx, u, r)
	}
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		if err := a.stillTrue(tx, u, hash); err != nil {
			return err
		}
		if err := forgive(tx, address, c.Device, known, r); err != nil {
			return err
		}
		in.User = u
		if in.Device, err = rememberDevice(tx, u, c.Device, known); err != nil {
			return err
		}
		in.Session, err = StartSession(tx, u, r)
		return err
	})
	return in, err
}

// before counts the attempt, and reads whom it is about.
func (a *Auth) before(ctx context.Context, address mail.Address, valid bool, device string, r Request) (u id.User, hash string, known bool, err error) {
	var wait time.Duration
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		wait, u, hash, known = 0, 0, "", false
		w, err := perNetwork.Take(tx, "signin.network:"+Network(r.Network))
		if err != nil || !valid {
			wait = w
			return err
		}
		type row struct {
			ID       id.User
			Password string
			Known    bool
		}
		found, err := db.One[row](tx, `
			SELECT u.id, u.password, EXISTS (SELECT 1 FROM devices d WHERE d.user_id = u.id AND d.token_hash = $2 AND d.ended_at IS NULL) AS known
			FROM users u WHERE u.address = $1 AND u.status = 'active'`, address, HashToken(device))
		if err != nil && !errors.Is(err, db.ErrNone) {
			return err
		}
		u, hash, known = found.ID, found.Password, found.Known
		key, limit := attemptKey(address, device, known)
		own, err := limit.Take(tx, key)
		if known {
			w = 0 // her own browser answers for itself alone
		}
		wait = max(w, own)
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("sign-in", "Too many attempts to sign in. Wait a while and try again; a password that you have forgotten can be set anew by mail.", wait)
	}
	return u, hash, known, err
}

func attemptKey(address mail.Address, device string, known bool) (string, Limit) {
	if known {
		return "signin.device:" + device, perDevice
	}
	return "signin.person:" + address.String(), perPerson
}

func forgive(tx *db.Tx, address mail.Address, device string, known bool, r Request) error {
	key, limit := attemptKey(address, device, known)
	return errors.Join(limit.Forgive(tx, key), perNetwork.Forgive(tx, "signin.network:"+Network(r.Network)))
}

// stillTrue makes sure, inside the transaction that signs in, that the
// password which was verified is still the password.
func (a *Auth) stillTrue(tx *db.Tx, u id.User, hash string) error {
	n, err := db.Exec(tx, "UPDATE users SET signed_in_at = $3 WHERE id = $1 AND password = $2 AND status = 'active'", u, hash, tx.Now)
	if err == nil && n == 0 {
		return wrong
	}
	return err
}

// noteFailure records a failed attempt on somebody who exists.
func (a *Auth) noteFailure(ctx context.Context, u id.User, r Request) error {
	if u == 0 {
		return wrong
	}
	err := a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return audit.Write(tx, r.Visitor(), audit.Record{Event: "user.signed_in", Object: "user", ObjectID: int64(u), Subject: u, Denied: true})
	})
	if err != nil {
		return err
	}
	return wrong
}

// rememberDevice gives a browser the token by which it is known as one that
// the person uses. The token alone signs nobody in.
func rememberDevice(tx *db.Tx, u id.User, device string, known bool) (string, error) {
	if known {
		_, err := db.Exec(tx, "UPDATE devices SET seen_at = $3 WHERE token_hash = $1 AND user_id = $2", HashToken(device), u, tx.Now)
		return device, err
	}
	token, hash := NewToken()
	_, err := db.Exec(tx, "INSERT INTO devices (user_id, token_hash, created_at, seen_at) VALUES ($1, $2, $3, $3)", u, hash, tx.Now)
	return token, err
}

// Confirm shows the password once more within a session, for what asks for a
// fresh proof. The session goes on under a new token.
func (a *Auth) Confirm(ctx context.Context, i Identity, password string) (token string, err error) {
	defer fault.Wrap(&err, "auth.Confirm(%d)", i.user)
	hash, err := a.countOwn(ctx, i)
	if err != nil {
		return "", err
	}
	ok, err := a.hasher.Verify(ctx, hash, password)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fault.Field("password", "The password is not right.")
	}
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := a.stillTrue(tx, i.user, hash); err != nil {
			return err
		}
		if err := perDevice.Forgive(tx, "confirm:"+id.String(i.user)); err != nil {
			return err
		}
		token, err = rotate(tx, i.session)
		if err != nil {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "session.confirmed", Object: "session", ObjectID: int64(i.session)})
	})
	return token, err
}

// rotate gives a session a new token and notes that a credential was shown.
func rotate(tx *db.Tx, s id.Session) (string, error) {
	token, hash := NewToken()
	n, err := db.Exec(tx, "UPDATE sessions SET token_hash = $2, proved_at = $3, seen_at = $3 WHERE id = $1 AND ended_at IS NULL", s, hash, tx.Now)
	if err == nil && n == 0 {
		err = fault.New(fault.NotSignedIn, "session-ended", "You have been signed out. Sign in again.")
	}
	return token, err
}

// countOwn counts an attempt at one's own password within a session, and
// reads the hash.
func (a *Auth) countOwn(ctx context.Context, i Identity) (hash string, err error) {
	var wait time.Duration
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if wait, err = perDevice.Take(tx, "confirm:"+id.String(i.user)); err != nil {
			return err
		}
		hash, err = db.One[string](tx, "SELECT password FROM users WHERE id = $1 AND status = $2", i.user, string(user.Active))
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("confirm", "Too many attempts. Wait a while and try again.", wait)
	}
	return hash, err
}

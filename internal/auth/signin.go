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
	"clientele/internal/password"
	"clientele/internal/user"
)

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

// A SignedIn is the outcome of a step that signs in: the tokens for the
// browser's cookies. Where a second step is due there is no session yet.
type SignedIn struct {
	User    id.User
	Session string
	Device  string
	Pending string // ties the browser to the second step
}

// SignIn proves a person by her password. It starts a session, or, where she
// has a second factor, the wait for it.
func (a *Auth) SignIn(ctx context.Context, c Credential, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.SignIn")
	err = a.byPassword(ctx, c, r, func(tx *db.Tx, u id.User) (err error) {
		in, err = a.Enter(tx, u, Shown{Ways: []Way{ByPassword}}, c.Device, r)
		return err
	})
	return in, err
}

// byPassword proves a person by her password, and runs then in the same
// transaction.
func (a *Auth) byPassword(ctx context.Context, c Credential, r Request, then func(tx *db.Tx, u id.User) error) error {
	address, badAddress := mail.ParseAddress(c.Address)
	u, hash, known, err := a.before(ctx, address, badAddress == nil && !address.IsNowhere(), c.Device, r)
	if err != nil {
		return err
	}
	for range 3 {
		var fresh string
		if fresh, err = a.proven(ctx, u, hash, c.Password, known); err != nil {
			return a.noteFailure(ctx, u, r, err)
		}
		err = a.db.Write(ctx, db.AsUser(u), func(tx *db.Tx) (err error) {
			if hash, err = a.stillTrue(tx, u, hash, fresh); err != nil {
				return err
			}
			if err := forgive(tx, address, c.Device, known, r); err != nil {
				return err
			}
			return then(tx, u)
		})
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return wrong
}

// proven verifies a password against a hash, and makes the hash that is to
// take its place where it is of an older kind. A password that is not right
// is wrong.
func (a *Auth) proven(ctx context.Context, u id.User, hash, typed string, known bool) (fresh string, err error) {
	verify := a.hasher.Verify
	if known {
		verify = a.hasher.VerifyKnown
	}
	ok, err := verify(ctx, hash, typed)
	if err != nil {
		return "", err
	}
	if !ok || u == 0 {
		return "", wrong
	}
	if password.IsCurrent(hash) {
		return hash, nil
	}
	return a.hasher.Hash(ctx, typed)
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
		if w > 0 && !known {
			wait = w // a network that is stopped does not slow its victims down as well
			return nil
		}
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

// errMoved says that the password's hash is another one than the one that was
// verified: it was changed, or written anew, in between.
var errMoved = errors.New("auth: the hash has changed in between")

// stillTrue makes sure, inside the transaction that signs in, that the hash
// which was verified is still the person's, and puts the fresh one in its
// place. Where it is not, it returns the one that is.
func (a *Auth) stillTrue(tx *db.Tx, u id.User, hash, fresh string) (now string, err error) {
	n, err := db.Exec(tx, "UPDATE users SET password = $3 WHERE id = $1 AND password = $2 AND status = 'active'", u, hash, fresh)
	if err != nil || n > 0 {
		return hash, err
	}
	now, err = db.One[string](tx, "SELECT password FROM users WHERE id = $1 AND status = 'active'", u)
	if errors.Is(err, db.ErrNone) {
		return "", wrong
	}
	return now, errors.Join(err, errMoved)
}

// noteFailure records a failed attempt on somebody who exists.
func (a *Auth) noteFailure(ctx context.Context, u id.User, r Request, cause error) error {
	if u == 0 || !errors.Is(cause, wrong) {
		return cause
	}
	return errors.Join(cause, a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return audit.Write(tx, r.Visitor(), audit.Record{Event: "user.signed_in", Object: "user", ObjectID: int64(u), Subject: u, Denied: true})
	}))
}

// A Confirmation is what a signed-in person shows once more: her password,
// and a code where she has an app for that.
type Confirmation struct{ Password, Code, Device string }

// Confirm shows who one is once more within a session, for what asks for a
// fresh proof. Whoever has a second factor shows it too. The session goes on
// under a new token.
//
// A recovery code signs her out everywhere else, as it does at the door.
func (a *Auth) Confirm(ctx context.Context, i Identity, c Confirmation) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.Confirm(%d)", i.user)
	hash, err := a.ownPassword(ctx, i, "password", c.Password)
	if err != nil {
		return in, err
	}
	var refused error
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		if _, err := a.stillTrue(tx, i.user, hash, hash); err != nil {
			return unchanged(err)
		}
		f, err := factorsOf(tx, i.user)
		if err != nil {
			return err
		}
		shown := Shown{Ways: []Way{ByPassword}, Second: f.Any()}
		if f.Any() {
			var used codeKind
			if used, refused, err = a.tryCode(tx, Person(i.user), c.Code, c.Device, i.request); refused != nil || err != nil {
				return err
			}
			if in.Device, err = a.recovered(tx, i, used); err != nil {
				return err
			}
		}
		in.User = i.user
		in.Session, err = a.confirmed(tx, i, shown)
		return err
	})
	return in, errors.Join(err, codeField(refused))
}

// recovered ends everything else where a recovery code was used within a
// session; this browser stays a known one.
func (a *Auth) recovered(tx *db.Tx, i Identity, used codeKind) (token string, err error) {
	if used != recoveryCode {
		return "", nil
	}
	if err := a.changed(tx, i.user, i.session); err != nil {
		return "", err
	}
	return rememberDevice(tx, i.user, device{}, i.request)
}

// codeField puts what is wrong with a code beside its field.
func codeField(err error) error {
	if e, ok := fault.Of(err); ok && e.Code == fault.Invalid {
		return fault.Field("code", e.Text)
	}
	return err
}

// unchanged is what becomes of a step whose password was changed while it ran.
func unchanged(err error) error {
	if errors.Is(err, errMoved) {
		return fault.Field("password", "The password has just been changed. Try again.")
	}
	return err
}

// confirmed notes a fresh proof in the session.
func (a *Auth) confirmed(tx *db.Tx, i Identity, s Shown) (token string, err error) {
	if err := perDevice.Forgive(tx, "confirm:"+id.String(i.user)); err != nil {
		return "", err
	}
	if token, err = rotate(tx, i, s, tx.Now); err != nil {
		return "", err
	}
	return token, audit.Write(tx, i.Actor(), audit.Record{Event: "session.confirmed", Object: "session", ObjectID: int64(i.session), After: map[string]string{"by": joinWays(s.Ways)}})
}

// ConfirmThrough notes a fresh proof that a provider has given of the person.
// Where she has a second factor, a provider that asks for none is not enough:
// it answers Conflict.
func (a *Auth) ConfirmThrough(tx *db.Tx, i Identity, s Shown) (token string, err error) {
	f, err := factorsOf(tx, i.user)
	if err != nil {
		return "", err
	}
	if f.Any() && !s.Second {
		return "", fault.New(fault.Conflict, "second-factor", "This alone does not confirm who you are, since you have a second factor. Use your password and that one, or a passkey.")
	}
	return a.confirmed(tx, i, s)
}

// rotate gives a session a new token and notes what was shown, and when she
// last proved who she is.
func rotate(tx *db.Tx, i Identity, s Shown, proved time.Time) (string, error) {
	token, hash := NewToken()
	ways := joinWays(append(append([]Way{}, i.proof.Ways...), s.Ways...))
	n, err := db.Exec(tx, `
		UPDATE sessions SET token_hash = $2, proved_at = $6, seen_at = $3, way = $4, second_at = CASE WHEN $5 THEN $3 ELSE second_at END, way_times = $7
		WHERE id = $1 AND ended_at IS NULL`, i.session, hash, tx.Now, ways, s.Second, proved, i.proof.shownAt(s, tx.Now))
	if err == nil && n == 0 {
		err = fault.New(fault.NotSignedIn, "session-ended", "You have been signed out. Sign in again.")
	}
	return token, err
}

// ownPassword verifies the person's own password within a session, and
// returns its hash; what is wrong with it stands beside the named field.
func (a *Auth) ownPassword(ctx context.Context, i Identity, field, typed string) (hash string, err error) {
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
	if err != nil {
		return "", err
	}
	ok, err := a.hasher.VerifyKnown(ctx, hash, typed)
	if err == nil && !ok {
		err = fault.Field(field, "The password is not right.")
	}
	return hash, err
}

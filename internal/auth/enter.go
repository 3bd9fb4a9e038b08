package auth

import (
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
)

// TrustLife is how long a browser that was told to is not asked for the
// second step at sign-in.
const TrustLife = 30 * 24 * time.Hour

// Enter lets a person in who has shown her first step: with a session, or,
// where she has a second factor and has not shown it, with the wait for it.
// Whoever calls it has seen the proof.
func (a *Auth) Enter(tx *db.Tx, u id.User, s Shown, device string, r Request) (in SignedIn, err error) {
	if err := holdUser(tx, u); err != nil {
		return in, err
	}
	f, err := factorsOf(tx, u)
	if err != nil {
		return in, err
	}
	d, err := deviceOf(tx, u, device)
	if err != nil {
		return in, err
	}
	if f.Any() && !s.Second && !d.Trusted {
		token, err := a.halfway(tx, u, s, r)
		return SignedIn{User: u, Pending: token}, err
	}
	proved := tx.Now
	if s.Stale || f.Any() && !s.Second {
		proved = tx.Now.Add(-2 * Fresh) // a remembered browser, or an old word of a provider, is no fresh proof
	}
	return a.admit(tx, u, s, d, proved, r)
}

// Admit lets somebody in whose login has just been made.
func (a *Auth) Admit(tx *db.Tx, u id.User, r Request) (in SignedIn, err error) {
	return a.admit(tx, u, Shown{Ways: []Way{ByPassword}}, device{}, tx.Now, r)
}

// admit starts the session, and tells her of a browser that she has not used
// before.
func (a *Auth) admit(tx *db.Tx, u id.User, s Shown, d device, proved time.Time, r Request) (in SignedIn, err error) {
	in = SignedIn{User: u, Device: d.token}
	if d.ID == 0 {
		if err := a.tellOfDevice(tx, u, r); err != nil {
			return in, err
		}
	}
	if in.Device, err = rememberDevice(tx, u, d, r); err != nil {
		return in, err
	}
	in.Session, err = startSession(tx, u, s, proved, a.settings.Current().SessionLife, r)
	return in, err
}

// tellOfDevice mails that somebody has signed in with a browser that is not
// known. Whoever signs in here for the first time knows that.
func (a *Auth) tellOfDevice(tx *db.Tx, u id.User, r Request) error {
	before, err := db.One[int64](tx, "SELECT COUNT(*) FROM sessions WHERE user_id = $1 AND ended_at IS NULL", u)
	if err == nil && before == 0 {
		before, err = db.One[int64](tx, "SELECT COUNT(*) FROM devices WHERE user_id = $1", u)
	}
	if err != nil || before == 0 {
		return err
	}
	return a.tell(tx, u, notice{
		kind: "new-device", subject: locale.T("A new sign-in to {brand}", "brand", a.settings.Brand()),
		line: locale.T("Somebody has signed in to your login at {brand} with a browser that you have not used here before.", "brand", a.settings.Brand()),
	}, r)
}

// A device is a browser that the person has signed in with before; the zero
// value is one that she has not.
type device struct {
	ID      id.Device
	Trusted bool
	token   string
}

func deviceOf(tx *db.Tx, u id.User, token string) (device, error) {
	if token == "" {
		return device{}, nil
	}
	d, err := db.One[device](tx, `
		SELECT id, COALESCE(trusted_until > $3, FALSE) AS trusted FROM devices
		WHERE user_id = $1 AND token_hash = $2 AND ended_at IS NULL`, u, HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return device{}, nil
	}
	d.token = token
	return d, err
}

// rememberDevice gives a browser the token by which it is known as one that
// the person uses. The token alone signs nobody in.
func rememberDevice(tx *db.Tx, u id.User, d device, r Request) (string, error) {
	if d.ID != 0 {
		_, err := db.Exec(tx, "UPDATE devices SET seen_at = $2, agent = $3, network = $4 WHERE id = $1", d.ID, tx.Now, r.Agent, r.Network)
		return d.token, err
	}
	token, hash := NewToken()
	_, err := db.Exec(tx, "INSERT INTO devices (user_id, token_hash, created_at, seen_at, agent, network) VALUES ($1, $2, $3, $3, $4, $5)", u, hash, tx.Now, r.Agent, r.Network)
	return token, err
}

// StartSession signs a user in with her password: whoever calls it has seen
// her proof.
func StartSession(tx *db.Tx, u id.User, r Request) (token string, err error) {
	return startSession(tx, u, Shown{Ways: []Way{ByPassword}}, tx.Now, SessionLife, r)
}

func startSession(tx *db.Tx, u id.User, s Shown, proved time.Time, life time.Duration, r Request) (token string, err error) {
	token, hash := NewToken()
	second := db.Null[time.Time]{V: tx.Now, Valid: s.Second}
	_, err = db.Exec(tx, `
		INSERT INTO sessions (user_id, token_hash, created_at, seen_at, proved_at, expires_at, agent, network, way, second_at, way_times)
		VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10)`,
		u, hash, tx.Now, proved, tx.Now.Add(life), r.Agent, r.Network, joinWays(s.Ways), second, Proof{}.shownAt(s, tx.Now))
	if err != nil {
		return "", err
	}
	if _, err = db.Exec(tx, "UPDATE users SET signed_in_at = $2 WHERE id = $1", u, tx.Now); err != nil {
		return "", err
	}
	by := audit.Actor{Kind: audit.User, ID: int64(u), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
	return token, audit.Write(tx, by, audit.Record{Event: "user.signed_in", Object: "user", ObjectID: int64(u), After: map[string]string{"by": joinWays(s.Ways)}})
}

// addressOf is where a person's own mail goes.
func readerOf(tx *db.Tx, u id.User) (reader, error) {
	return db.One[reader](tx, "SELECT address, language FROM users WHERE id = $1", u)
}

// A reader is where mail to a person goes, and in which language.
type reader struct {
	Address  mail.Address
	Language string
}

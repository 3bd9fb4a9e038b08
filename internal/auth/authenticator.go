package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/plain"
	"clientele/internal/seal"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// One-time codes are those of RFC 6238 with what every app knows: SHA-1, six
// digits, steps of 30 seconds. One step to either side is accepted, for clocks
// that are not exact.
const (
	codeStep  = 30 * time.Second
	codeSkew  = 1
	seedBytes = 20
)

// An Authenticator is an app of the person that makes one-time codes.
type Authenticator struct {
	ID        id.Authenticator
	Name      string
	CreatedAt time.Time
	UsedAt    db.Null[time.Time]
}

// A Seed is what an app is set up with.
type Seed struct {
	Secret string // to type, in groups of four
	URL    string // for the QR code
}

// maxFactors is how many apps, and how many passkeys, one person may have.
const maxFactors = 10

var errTooMany = fault.New(fault.Conflict, "too-many-factors", "You have ten of these already. Remove one that you no longer use.")

// BeginAuthenticator makes the seed of a new app and returns the token that
// ties the browser to it. Nothing changes until a code shows that the app has
// it.
func (a *Auth) BeginAuthenticator(ctx context.Context, i Identity) (token string, err error) {
	defer fault.Wrap(&err, "auth.BeginAuthenticator(%d)", i.user)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		token, err = a.BeginApp(tx, Person(i.user), i.session)
		return err
	})
	return token, err
}

const appAdd = "authenticator-add"

// BeginApp is BeginAuthenticator for any holder, in one of her sessions.
func (a *Auth) BeginApp(tx *db.Tx, h Holder, s id.Session) (token string, err error) {
	seed := make([]byte, seedBytes)
	rand.Read(seed)
	f, err := FactorsOf(tx, h)
	if err != nil {
		return "", err
	}
	if f.Apps >= maxFactors {
		return "", errTooMany
	}
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	return a.Keep(tx, Ceremony{Kind: appAdd, Holder: h, Session: s, State: secret})
}

// NewSeed reads the seed that waits for its first code.
func (a *Auth) NewSeed(ctx context.Context, i Identity, token string) (s Seed, err error) {
	defer fault.Wrap(&err, "auth.NewSeed(%d)", i.user)
	return a.AppSeed(ctx, Person(i.user), i.session, token, i.address.String())
}

// AppSeed is NewSeed for any holder; label is what the app calls her.
func (a *Auth) AppSeed(ctx context.Context, h Holder, session id.Session, token, label string) (s Seed, err error) {
	var secret string
	err = a.db.Read(ctx, h.scope(), func(tx *db.Tx) error {
		return a.Look(tx, token, &Ceremony{Kind: appAdd, Holder: h, Session: session, State: &secret})
	})
	label = url.PathEscape(a.settings.Brand() + ":" + label)
	query := url.Values{"secret": {secret}, "issuer": {a.settings.Brand()}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return Seed{Secret: grouped(strings.ToLower(secret), 4, " "), URL: "otpauth://totp/" + label + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")}, err
}

// grouped cuts a text into groups, to be read and typed.
func grouped(s string, n int, between string) string {
	var parts []string
	for ; len(s) > n; s = s[n:] {
		parts = append(parts, s[:n])
	}
	return strings.Join(append(parts, s), between)
}

// AddAuthenticator adds the app whose seed waits, once a code shows that it
// has it. With the first factor come recovery codes, shown this once.
func (a *Auth) AddAuthenticator(ctx context.Context, i Identity, token, name, code string) (in SignedIn, codes []string, err error) {
	defer fault.Wrap(&err, "auth.AddAuthenticator(%d)", i.user)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		number, err := a.KeepApp(tx, Person(i.user), i.session, token, name, code)
		if err != nil {
			return err
		}
		in, codes, err = a.factorAdded(tx, i, Shown{Second: true}, "authenticator", int64(number), locale.T("the authenticator app “{name}”", "name", plain.Defang(name)))
		return err
	})
	return in, codes, err
}

// KeepApp keeps the app of a holder whose seed waits, once a code shows that
// it has it.
func (a *Auth) KeepApp(tx *db.Tx, h Holder, s id.Session, token, name, code string) (number id.Authenticator, err error) {
	if name, err = namedFactor(name); err != nil {
		return 0, err
	}
	var secret string
	c := Ceremony{Kind: appAdd, Holder: h, Session: s, State: &secret}
	if err := a.Look(tx, token, &c); err != nil {
		return 0, err
	}
	step, ok := codeAt(secret, digits(code), tx.Now, 0)
	if !ok {
		return 0, fault.Field("code", "This code is not right. Check that the clock of your device is, and type the code that the app shows now.")
	}
	if err := a.Take(tx, token, &c); err != nil {
		return 0, err
	}
	number, err = db.One[id.Authenticator](tx, h.in(`
		INSERT INTO {}authenticators ({who}, name, sealed, last_step, created_at, used_at) VALUES ($1, $2, '', $3, $4, $4) RETURNING id`), h.number, name, step, tx.Now)
	if err != nil {
		return 0, err
	}
	_, err = db.Exec(tx, h.in("UPDATE {}authenticators SET sealed = $2 WHERE id = $1"), number, a.key.Seal(h.seedPlace(number), []byte(secret)))
	return number, err
}

// namedFactor reads what a person calls an app or a passkey; what is wrong
// with it stands beside the field.
func namedFactor(typed string) (string, error) {
	var f fault.Form
	name, err := plain.Name(typed)
	f.Take("name", err)
	return name, f.Err()
}

func (h Holder) seedPlace(n id.Authenticator) string {
	return h.in("{}authenticators/seed/") + id.String(n)
}

// codeAt finds the time step that a code belongs to, among those near now and
// after the last one that was accepted.
func codeAt(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	if len(code) != 6 {
		return 0, false
	}
	current := now.Unix() / int64(codeStep/time.Second)
	for step := current - codeSkew; step <= current+codeSkew; step++ {
		if step <= last || step < 0 {
			continue
		}
		ok, err := hotp.ValidateCustom(code, uint64(step), secret, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return step, true
		}
	}
	return 0, false
}

// digits reads a code as people type it.
func digits(code string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, code)
}

// acceptAppCode accepts a code of one of the holder's apps, once: a step that
// was accepted, and every one before it, is over.
func (a *Auth) acceptAppCode(tx *db.Tx, h Holder, code string) (bool, error) {
	type row struct {
		ID       id.Authenticator
		Sealed   string
		LastStep int64
	}
	apps, err := db.All[row](tx, h.in("SELECT id, sealed, last_step FROM {}authenticators WHERE {who} = $1 ORDER BY id"), h.number)
	if err != nil {
		return false, err
	}
	for _, app := range apps {
		secret, err := a.key.Open(h.seedPlace(app.ID), app.Sealed)
		if errors.Is(err, seal.ErrOpen) {
			continue // its key is lost: the app is, too, and what else she has still counts
		}
		if err != nil {
			return false, err
		}
		step, ok := codeAt(string(secret), digits(code), tx.Now, app.LastStep)
		if !ok {
			continue
		}
		n, err := db.Exec(tx, h.in("UPDATE {}authenticators SET last_step = $2, used_at = $3 WHERE id = $1 AND last_step < $2"), app.ID, step, tx.Now)
		return n == 1, err
	}
	return false, nil
}

// RemoveAuthenticator takes an app away. Recovery codes go with the last
// factor.
func (a *Auth) RemoveAuthenticator(ctx context.Context, i Identity, number id.Authenticator) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.RemoveAuthenticator(%d, %d)", i.user, number)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		name, err := DropApp(tx, Person(i.user), number)
		if err != nil {
			return err
		}
		in, err = a.factorRemoved(tx, i, "authenticator", int64(number), locale.T("the authenticator app “{name}”", "name", plain.Defang(name)))
		return err
	})
	return in, err
}

// DropApp takes an app of a holder away, and says what it was called.
func DropApp(tx *db.Tx, h Holder, number id.Authenticator) (name string, err error) {
	name, err = db.One[string](tx, h.in("DELETE FROM {}authenticators WHERE id = $1 AND {who} = $2 RETURNING name"), number, h.number)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing()
	}
	return name, err
}

// factorAdded does what every new factor brings: the others are signed out,
// she is told, and with the first one come recovery codes.
func (a *Auth) factorAdded(tx *db.Tx, i Identity, s Shown, object string, number int64, what locale.Text) (in SignedIn, codes []string, err error) {
	if err := noteFactors(tx, i.user); err != nil {
		return in, nil, err
	}
	f, err := factorsOf(tx, i.user)
	if err != nil {
		return in, nil, err
	}
	if f.Apps+f.Passkeys == 1 || f.Codes == 0 {
		if codes, err = MakeCodes(tx, Person(i.user)); err != nil {
			return in, nil, err
		}
	}
	in, err = a.change(tx, i, s, audit.Record{Event: "factor.added", Object: object, ObjectID: number}, notice{
		kind: "factor-added", subject: locale.T("A way to sign in was added"),
		line: locale.Sentences(locale.T("To your login at {brand} was added {what}.", "brand", a.settings.Brand(), "what", what), elsewhere),
	})
	return in, codes, err
}

// factorRemoved does what every factor that goes brings.
func (a *Auth) factorRemoved(tx *db.Tx, i Identity, object string, number int64, what locale.Text) (SignedIn, error) {
	if err := noteFactors(tx, i.user); err != nil {
		return SignedIn{}, err
	}
	f, err := factorsOf(tx, i.user)
	if err != nil {
		return SignedIn{}, err
	}
	if f.Passkeys == 0 {
		i.proof.Ways = slices.DeleteFunc(slices.Clone(i.proof.Ways), func(w Way) bool { return w == ByPasskey })
	}
	line := locale.Sentences(locale.T("From your login at {brand} was removed {what}.", "brand", a.settings.Brand(), "what", what), elsewhere)
	if !f.Any() {
		if _, err := db.Exec(tx, "DELETE FROM recovery_codes WHERE user_id = $1", i.user); err != nil {
			return SignedIn{}, err
		}
		if _, err := db.Exec(tx, "UPDATE sessions SET second_at = NULL WHERE user_id = $1", i.user); err != nil {
			return SignedIn{}, err
		}
		line = locale.Sentences(line, locale.T("Your password alone signs you in now."))
	}
	return a.change(tx, i, Shown{}, audit.Record{Event: "factor.removed", Object: object, ObjectID: number}, notice{
		kind: "factor-removed", subject: locale.T("A way to sign in was removed"), line: line,
	})
}

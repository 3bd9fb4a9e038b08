package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// relyingParty is this installation as authenticators know it: by its host,
// and with the user verified, so that a passkey is both factors in one. A
// base URL that authenticators cannot be bound to has none. The name that
// people read is the brand's at the moment, and put in when a key is made.
func relyingParty(base *url.URL) *webauthn.WebAuthn {
	w, err := webauthn.New(&webauthn.Config{
		RPID: base.Hostname(), RPDisplayName: base.Hostname(), RPOrigins: []string{base.Scheme + "://" + base.Host},
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		AttestationPreference: protocol.PreferNoAttestation,
	})
	if err != nil {
		return nil
	}
	return w
}

// HasPasskeys reports whether this installation can use passkeys.
func (a *Auth) HasPasskeys() bool { return a.passkeys != nil }

// A Passkey is a key of the person, as she sees it.
type Passkey struct {
	ID        id.Passkey
	Name      string
	CreatedAt time.Time
	UsedAt    db.Null[time.Time]
	ClonedAt  db.Null[time.Time]
}

// A keyring is a holder of passkeys as the library wants her.
type keyring struct {
	Holder
	handle  []byte
	address mail.Address
	name    string
	keys    []webauthn.Credential
}

func (h keyring) WebAuthnID() []byte                         { return h.handle }
func (h keyring) WebAuthnName() string                       { return h.address.String() + h.in("{door}") }
func (h keyring) WebAuthnDisplayName() string                { return h.name }
func (h keyring) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// passkeyFault is the one answer to every response of an authenticator that
// does not hold. What exactly was wrong with it helps nobody but attackers.
var passkeyFault = fault.New(fault.Invalid, "passkey", "This passkey was not accepted. Try again, or sign in in another way.")

var errNoPasskeys = fault.New(fault.Conflict, "no-passkeys", "Passkeys need a host name in this server's address. Ask the operator.")

var b64 = base64.RawURLEncoding

// keyringOf reads a holder with her keys; a handle is made up where she has
// none yet. It is random: an authenticator keeps it, and it tells nothing.
func keyringOf(tx *db.Tx, whose Holder) (h keyring, err error) {
	type row struct {
		Address mail.Address
		Name    string
	}
	who, err := db.One[row](tx, whose.in("SELECT address, name FROM {people} WHERE id = $1 AND status = 'active'"), whose.number)
	if err != nil {
		return h, err
	}
	h = keyring{Holder: whose, address: who.Address, name: who.Name}
	type key struct{ Handle, Record string }
	keys, err := db.All[key](tx, whose.in("SELECT handle, record FROM {}passkeys WHERE {who} = $1 ORDER BY id"), whose.number)
	if err != nil {
		return h, err
	}
	for _, k := range keys {
		var c webauthn.Credential
		if err := json.Unmarshal([]byte(k.Record), &c); err != nil {
			return h, err
		}
		h.keys = append(h.keys, c)
		if h.handle, err = b64.DecodeString(k.Handle); err != nil {
			return h, err
		}
	}
	if h.handle == nil {
		h.handle = make([]byte, 32)
		rand.Read(h.handle)
	}
	return h, nil
}

// A Challenge is what the browser's own prompt is opened with.
type Challenge struct {
	Options json.RawMessage // for navigator.credentials
	Token   string          // ties the browser to it
}

// begun is what the answer to a challenge is held against.
type begun struct {
	Session webauthn.SessionData
	Handle  []byte
}

func (a *Auth) challenge(tx *db.Tx, c Ceremony, options any) (out Challenge, err error) {
	if out.Options, err = json.Marshal(options); err != nil {
		return out, err
	}
	out.Token, err = a.Keep(tx, c)
	return out, err
}

// BeginPasskey opens the prompt that adds a passkey.
func (a *Auth) BeginPasskey(ctx context.Context, i Identity) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginPasskey(%d)", i.user)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		c, err = a.BeginKey(tx, Person(i.user), i.session)
		return err
	})
	return c, err
}

const passkeyAdd = "passkey-add"

// BeginKey is BeginPasskey for any holder, in one of her sessions.
func (a *Auth) BeginKey(tx *db.Tx, whose Holder, s id.Session) (c Challenge, err error) {
	if a.passkeys == nil {
		return c, errNoPasskeys
	}
	h, err := keyringOf(tx, whose)
	if err != nil {
		return c, err
	}
	if len(h.keys) >= maxFactors {
		return c, errTooMany
	}
	exclude := webauthn.Credentials(h.keys).CredentialDescriptors()
	options, session, err := a.passkeys.BeginRegistration(h, webauthn.WithExclusions(exclude))
	if err != nil {
		return c, err
	}
	return a.challenge(tx, Ceremony{Kind: passkeyAdd, Holder: whose, Session: s, State: begun{*session, h.handle}}, options.Response)
}

// AddPasskey adds the passkey that the prompt has made. Without a name it is
// called what its authenticator is.
func (a *Auth) AddPasskey(ctx context.Context, i Identity, token, name, response string) (in SignedIn, codes []string, err error) {
	defer fault.Wrap(&err, "auth.AddPasskey(%d)", i.user)
	err = a.MakeKey(ctx, Person(i.user), i.session, token, name, response, func(tx *db.Tx, number id.Passkey, name string) error {
		in, codes, err = a.factorAdded(tx, i, Shown{Ways: []Way{ByPasskey}, Second: true}, "passkey", int64(number), locale.T("the passkey “{name}”", "name", plain.Defang(name)))
		return err
	})
	return in, codes, err
}

// MakeKey keeps the passkey that a holder's prompt has made, and runs then in
// the same transaction. A refused answer uses its challenge up all the same.
func (a *Auth) MakeKey(ctx context.Context, whose Holder, s id.Session, token, name, response string, then func(tx *db.Tx, number id.Passkey, name string) error) error {
	if a.passkeys == nil {
		return errNoPasskeys
	}
	parsed, bad := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if bad != nil {
		return passkeyFault
	}
	var refused error
	err := a.db.Write(ctx, whose.scope(), func(tx *db.Tx) error {
		var b begun
		if err := a.Take(tx, token, &Ceremony{Kind: passkeyAdd, Holder: whose, Session: s, State: &b}); err != nil {
			return err
		}
		h, err := keyringOf(tx, whose)
		if err != nil {
			return err
		}
		h.handle = b.Handle
		made, bad := a.passkeys.CreateCredential(h, b.Session, parsed)
		if bad != nil {
			refused = passkeyFault
			return nil
		}
		number, called, err := keepKey(tx, h, made, name)
		if err != nil {
			return err
		}
		return then(tx, number, called)
	})
	return errors.Join(err, refused)
}

func keepKey(tx *db.Tx, h keyring, made *webauthn.Credential, name string) (number id.Passkey, called string, err error) {
	if name == "" {
		name = authenticatorName(made.Authenticator.AAGUID)
	}
	if name, err = namedFactor(name); err != nil {
		return 0, "", err
	}
	record, err := json.Marshal(made)
	if err != nil {
		return 0, "", err
	}
	number, err = db.One[id.Passkey](tx, h.in(`
		INSERT INTO {}passkeys ({who}, credential, handle, name, record, created_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`),
		h.number, b64.EncodeToString(made.ID), b64.EncodeToString(h.handle), name, string(record), tx.Now)
	if db.Exists(err) {
		err = passkeyFault
	}
	return number, name, err
}

// RemovePasskey takes a passkey away.
func (a *Auth) RemovePasskey(ctx context.Context, i Identity, number id.Passkey) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.RemovePasskey(%d, %d)", i.user, number)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		name, err := DropKey(tx, Person(i.user), number)
		if err != nil {
			return err
		}
		in, err = a.factorRemoved(tx, i, "passkey", int64(number), locale.T("the passkey “{name}”", "name", plain.Defang(name)))
		return err
	})
	return in, err
}

// DropKey takes a passkey of a holder away, and says what it was called.
func DropKey(tx *db.Tx, h Holder, number id.Passkey) (name string, err error) {
	name, err = db.One[string](tx, h.in("DELETE FROM {}passkeys WHERE id = $1 AND {who} = $2 RETURNING name"), number, h.number)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing()
	}
	return name, err
}

// RenamePasskey calls a passkey something else.
func (a *Auth) RenamePasskey(ctx context.Context, i Identity, number id.Passkey, name string) (err error) {
	defer fault.Wrap(&err, "auth.RenamePasskey(%d, %d)", i.user, number)
	if name, err = namedFactor(name); err != nil {
		return err
	}
	return a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2", number, i.user, name)
		if err == nil && n == 0 {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "factor.renamed", Object: "passkey", ObjectID: int64(number), Subject: i.user})
	})
}

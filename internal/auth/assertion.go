package auth

import (
	"context"
	"encoding/json"
	"errors"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// The ceremonies in which a passkey is shown.
const (
	passkeySignIn  = "passkey-signin"
	passkeySecond  = "passkey-second"
	passkeyConfirm = "passkey-confirm"
)

// BeginPasskeySignIn opens the prompt that signs in with a passkey. It asks
// for none in particular, so it tells nothing of who has one.
func (a *Auth) BeginPasskeySignIn(ctx context.Context) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginPasskeySignIn")
	return a.beginAny(ctx, Ceremony{Kind: passkeySignIn})
}

// beginAny opens the prompt for anybody's passkey at the ceremony's door.
func (a *Auth) beginAny(ctx context.Context, cer Ceremony) (c Challenge, err error) {
	if a.passkeys == nil {
		return c, errNoPasskeys
	}
	options, session, err := a.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return c, err
	}
	cer.State = begun{Session: *session}
	err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		c, err = a.challenge(tx, cer, options.Response)
		return err
	})
	return c, err
}

// SignInWithPasskey signs a person in by her passkey, which is both factors
// in one.
func (a *Auth) SignInWithPasskey(ctx context.Context, token, response, device string, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.SignInWithPasskey")
	err = a.assert(ctx, Ceremony{Kind: passkeySignIn}, token, response, r, func(tx *db.Tx, h Holder) error {
		in, err = a.Enter(tx, h.User(), Shown{Ways: []Way{ByPasskey}, Second: true}, device, r)
		return err
	})
	return in, err
}

// BeginPasskeySecond opens the prompt for the second step of a sign-in.
func (a *Auth) BeginPasskeySecond(ctx context.Context, pending string, r Request) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginPasskeySecond")
	h, err := a.Half(ctx, pending, r)
	if err != nil {
		return c, err
	}
	return a.beginOwn(ctx, Ceremony{Kind: passkeySecond, Holder: Person(h.User), Pending: h.ID})
}

// FinishWithPasskey ends a sign-in with a passkey as its second step.
func (a *Auth) FinishWithPasskey(ctx context.Context, s SecondStep, token, response string, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.FinishWithPasskey")
	h, err := a.Half(ctx, s.Pending, r)
	if err != nil {
		return in, err
	}
	c := Ceremony{Kind: passkeySecond, Holder: Person(h.User), Pending: h.ID}
	err = a.assert(ctx, c, token, response, r, func(tx *db.Tx, _ Holder) error {
		if h, err = takeHalf(tx, s.Pending, r); err != nil {
			return err
		}
		if err := endHalf(tx, h); err != nil {
			return err
		}
		in, err = a.finish(tx, h, append(ParseWays(h.Way), ByPasskey), s, r)
		return err
	})
	return in, err
}

// BeginPasskeyConfirm opens the prompt for a fresh proof within a session.
func (a *Auth) BeginPasskeyConfirm(ctx context.Context, i Identity) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginPasskeyConfirm(%d)", i.user)
	return a.beginOwn(ctx, Ceremony{Kind: passkeyConfirm, Holder: Person(i.user), Session: i.session})
}

// ConfirmWithPasskey shows a passkey once more within a session.
func (a *Auth) ConfirmWithPasskey(ctx context.Context, i Identity, token, response string) (session string, err error) {
	defer fault.Wrap(&err, "auth.ConfirmWithPasskey(%d)", i.user)
	c := Ceremony{Kind: passkeyConfirm, Holder: Person(i.user), Session: i.session}
	err = a.assert(ctx, c, token, response, i.request, func(tx *db.Tx, _ Holder) error {
		session, err = a.confirmed(tx, i, Shown{Ways: []Way{ByPasskey}, Second: true})
		return err
	})
	return session, err
}

// BeginOperatorKey opens the prompt in which an operator shows a passkey: any
// operator who signs in where s has no number, and else the one of a session,
// to finish her sign-in or for a fresh proof.
func (a *Auth) BeginOperatorKey(ctx context.Context, s id.Staff, session id.Session) (c Challenge, err error) {
	defer fault.Wrap(&err, "auth.BeginOperatorKey(%d)", s)
	if s == 0 {
		return a.beginAny(ctx, Ceremony{Kind: passkeySignIn, Holder: Operator(0)})
	}
	return a.beginOwn(ctx, Ceremony{Kind: passkeyConfirm, Holder: Operator(s), Session: session})
}

// ShowOperatorKey takes the answer to that prompt, and runs then in the same
// transaction for the operator who gave it.
func (a *Auth) ShowOperatorKey(ctx context.Context, s id.Staff, session id.Session, token, response string, r Request, then func(*db.Tx, id.Staff) error) (err error) {
	defer fault.Wrap(&err, "auth.ShowOperatorKey(%d)", s)
	c := Ceremony{Kind: passkeyConfirm, Holder: Operator(s), Session: session}
	if s == 0 {
		c.Kind = passkeySignIn
	}
	return a.assert(ctx, c, token, response, r, func(tx *db.Tx, h Holder) error { return then(tx, h.Staff()) })
}

// beginOwn opens the prompt for one of the holder's own passkeys.
func (a *Auth) beginOwn(ctx context.Context, cer Ceremony) (c Challenge, err error) {
	if a.passkeys == nil {
		return c, errNoPasskeys
	}
	err = a.db.Write(ctx, cer.scope(), func(tx *db.Tx) error {
		h, err := keyringOf(tx, cer.Holder)
		if err != nil {
			return err
		}
		if len(h.keys) == 0 {
			return fault.New(fault.Conflict, "no-passkey", "There is no passkey for this login.")
		}
		options, session, err := a.passkeys.BeginLogin(h, webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return err
		}
		cer.State = begun{Session: *session}
		c, err = a.challenge(tx, cer, options.Response)
		return err
	})
	return c, err
}

// assert takes the answer to a challenge and runs then in the same
// transaction if it holds. A refused answer uses the challenge up all the
// same.
func (a *Auth) assert(ctx context.Context, c Ceremony, token, response string, r Request, then func(*db.Tx, Holder) error) error {
	if a.passkeys == nil {
		return errNoPasskeys
	}
	parsed, bad := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if bad != nil {
		return passkeyFault
	}
	var refused error
	err := a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		var b begun
		c.State = &b
		if err := a.Take(tx, token, &c); err != nil {
			return err
		}
		h, key, err := a.validate(tx, c, b, parsed)
		if err != nil {
			refused = passkeyFault
			if errors.Is(err, errOurs) {
				return err
			}
			return nil
		}
		if key.Authenticator.CloneWarning {
			refused = passkeyFault
			return a.cloned(tx, h.Holder, key, r)
		}
		if err := usedPasskey(tx, h.Holder, key); err != nil {
			return err
		}
		return tx.Within(h.scope(), func() error { return then(tx, h.Holder) })
	})
	return errors.Join(err, refused)
}

// errOurs marks errors of the database among those of the library.
var errOurs = errors.New("auth: a passkey cannot be read")

// validate holds an answer against its challenge.
func (a *Auth) validate(tx *db.Tx, c Ceremony, b begun, parsed *protocol.ParsedCredentialAssertionData) (h keyring, key *webauthn.Credential, err error) {
	if c.number != 0 {
		if h, err = keyringOf(tx, c.Holder); err != nil {
			return h, nil, errors.Join(errOurs, err)
		}
		key, err = a.passkeys.ValidateLogin(h, b.Session, parsed)
		return h, key, err
	}
	_, key, err = a.passkeys.ValidatePasskeyLogin(func(raw, handle []byte) (webauthn.User, error) {
		number, err := db.One[int64](tx, c.in("SELECT {who} FROM {}passkeys WHERE credential = $1 AND handle = $2"), b64.EncodeToString(raw), b64.EncodeToString(handle))
		if err != nil {
			return nil, err
		}
		h, err = keyringOf(tx, Holder{operator: c.operator, number: number})
		return h, err
	}, b.Session, parsed)
	return h, key, err
}

func usedPasskey(tx *db.Tx, h Holder, key *webauthn.Credential) error {
	record, err := json.Marshal(key)
	if err != nil {
		return err
	}
	n, err := db.Exec(tx, h.in("UPDATE {}passkeys SET record = $3, used_at = $4 WHERE {who} = $1 AND credential = $2"), h.number, b64.EncodeToString(key.ID), string(record), tx.Now)
	if err == nil && n == 0 {
		return passkeyFault
	}
	return err
}

// cloned notes that a passkey's counter went back: there are two of it, and
// one of them is not hers. It is refused, and she is told.
func (a *Auth) cloned(tx *db.Tx, h Holder, key *webauthn.Credential, r Request) error {
	number, err := db.One[id.Passkey](tx, h.in("UPDATE {}passkeys SET cloned_at = $3 WHERE {who} = $1 AND credential = $2 RETURNING id"), h.number, b64.EncodeToString(key.ID), tx.Now)
	if err != nil {
		return err
	}
	refused := h.record("user.passkey_refused", "staff.passkey_refused")
	refused.Denied = true
	if !h.operator {
		refused.Object, refused.ObjectID = "passkey", int64(number)
	}
	if err := audit.Write(tx, r.Visitor(), refused); err != nil {
		return err
	}
	return a.inform(tx, h, notice{
		kind: "passkey-cloned", subject: locale.T("One of your passkeys may have been copied"),
		line: locale.T("A passkey of your login at {brand} counted backwards, as a copy of it would. It was refused. Remove it on your security page and add a new one.", "brand", a.settings.Brand()),
	}, r)
}

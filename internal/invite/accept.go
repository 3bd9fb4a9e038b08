package invite

import (
	"context"
	"errors"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/plain"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// An Opened is an invitation as the holder of its link sees it: who invites
// to what, and nothing else of the account.
type Opened struct {
	Invitation
	Gives   access.Role // what it offers, as far as the one who invited may still give it
	Offered access.Set  // the permissions that this amounts to
	Closed  bool        // the account is closed
}

// Open finds what a mailed link opens, and uses nothing up.
func (v *Invites) Open(ctx context.Context, token string) (o Opened, err error) {
	defer fault.Wrap(&err, "invite.Open")
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		o, err = byToken(tx, token)
		return err
	})
	if errors.Is(err, errGone) {
		err = errors.Join(err, auth.ForgetOld(ctx, v.db, "invitations", token))
	}
	return o, err
}

func byToken(tx *db.Tx, token string) (Opened, error) {
	if token == "" {
		return Opened{}, errGone
	}
	return opened(tx, " WHERE i.token_hash = $2", auth.HashToken(token))
}

// byNumber finds an invitation for the person whom it was sent to.
func byNumber(tx *db.Tx, number id.Invitation, i auth.Identity) (Opened, error) {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM invitations WHERE id = $1 AND address = $2", number, i.Address())
	if err != nil {
		return Opened{}, err
	}
	if n == 0 {
		return Opened{}, fault.Missing()
	}
	return opened(tx, " WHERE i.id = $2", number)
}

func opened(tx *db.Tx, where string, arg any) (Opened, error) {
	i, err := db.One[Invitation](tx, columns+where+" AND i.state = 'pending' AND i.expires_at > $1 AND i.sent_at <= $1", tx.Now, arg)
	if errors.Is(err, db.ErrNone) {
		return Opened{}, errGone
	}
	if err != nil {
		return Opened{}, err
	}
	return unfold(tx, i)
}

// unfold reads what an open invitation comes to today.
func unfold(tx *db.Tx, i Invitation) (o Opened, err error) {
	o.Invitation = i
	o.Gives, o.Offered, err = stillGiven(tx, i)
	if fault.Is(err, fault.Invalid) {
		return o, errGone // its role is no longer there
	}
	if err != nil {
		return o, err
	}
	status, err := db.One[string](tx, "SELECT status FROM accounts WHERE id = $1", i.AccountID)
	o.Closed = status == "closed"
	return o, err
}

// Mine lists the open invitations to a person's proven address.
func (v *Invites) Mine(ctx context.Context, i auth.Identity) (list []Opened, err error) {
	defer fault.Wrap(&err, "invite.Mine(%d)", i.User())
	if !i.Verified() {
		return nil, nil
	}
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		found, err := db.All[Invitation](tx, columns+" WHERE i.address = $1 AND i.state = 'pending' AND i.expires_at > $2 AND NOT i.muted ORDER BY i.id DESC LIMIT 100", i.Address(), tx.Now)
		if err != nil {
			return err
		}
		for _, one := range found {
			o, err := unfold(tx, one)
			if err != nil && !fault.Is(err, fault.Gone) {
				return err
			}
			if err == nil && !o.Closed {
				list = append(list, o)
			}
		}
		return nil
	})
	return list, err
}

// errMismatch is the answer to somebody who is signed in as another person
// than the one who was invited.
var errMismatch = fault.New(fault.Denied, "invite-address-mismatch", "This invitation was sent to another address than yours. Sign in with the login that has that address, or ask to be invited at yours.")

// errUnverified is the answer to somebody who has not proven her address.
var errUnverified = fault.New(fault.Denied, "email-unverified", "Confirm your mail address first: open the link in the invitation's mail.")

// Accept joins the signed-in person to the account, by the link. The link was
// mailed to the address, so it proves the address too.
func (v *Invites) Accept(ctx context.Context, i auth.Identity, token string) (a id.Account, err error) {
	defer fault.Wrap(&err, "invite.Accept(%d)", i.User())
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := locked(tx, func() (Opened, error) { return byToken(tx, token) })
		if err != nil {
			return err
		}
		if o.Address != i.Address() {
			return errMismatch
		}
		if err := access.MayEnter(tx, o.AccountID, i.Proof()); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE users SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL AND address = $3", i.User(), tx.Now, o.Address); err != nil {
			return err
		}
		a = o.AccountID
		return v.join(tx, o, i.User(), i.Actor())
	})
	return a, err
}

// AcceptMine joins the signed-in person to the account, from her list of
// invitations. Without the link her address must have been proven before.
func (v *Invites) AcceptMine(ctx context.Context, i auth.Identity, number id.Invitation) (a id.Account, err error) {
	defer fault.Wrap(&err, "invite.AcceptMine(%d, %d)", i.User(), number)
	if !i.Verified() {
		return 0, errUnverified
	}
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := locked(tx, func() (Opened, error) { return byNumber(tx, number, i) })
		if err != nil {
			return err
		}
		if err := access.MayEnter(tx, o.AccountID, i.Proof()); err != nil {
			return err
		}
		a = o.AccountID
		return v.join(tx, o, i.User(), i.Actor())
	})
	return a, err
}

// locked finds an invitation, takes its account's lock, and looks again: what
// was true before the lock may not be true behind it.
func locked(tx *db.Tx, find func() (Opened, error)) (Opened, error) {
	o, err := find()
	if err != nil {
		return o, err
	}
	if err := access.Lock(tx, o.AccountID); err != nil {
		return o, err
	}
	if o, err = find(); err != nil {
		return o, err
	}
	if o.Closed {
		return o, fault.New(fault.Conflict, "account-closed", "The account that invites you is closed. Ask the person who invited you.")
	}
	return o, nil
}

// join makes the membership that the invitation offers, as far as the one who
// invited may still give it.
func (v *Invites) join(tx *db.Tx, o Opened, u id.User, by audit.Actor) error {
	if err := closeAs(tx, o.AccountID, o.ID, Accepted); err != nil {
		return err
	}
	ends := o.AccessEndsAt
	if ends.Valid && !ends.V.After(tx.Now) {
		return errGone
	}
	if err := endLapsed(tx, o.AccountID, u); err != nil {
		return err
	}
	member, err := access.Add(tx, by, o.AccountID, access.Join{User: u, Owner: o.Owner, Role: o.Gives, Ends: ends})
	if err != nil {
		return err
	}
	_, err = db.Exec(tx, "UPDATE invitations SET accepted_by = $3, membership_id = $4 WHERE account_id = $1 AND id = $2", o.AccountID, o.ID, u, member)
	if err != nil {
		return err
	}
	return audit.Write(tx, by, audit.Record{Event: "invitation.accepted", Account: o.AccountID, Object: "invitation", ObjectID: int64(o.ID), Subject: u})
}

// endLapsed closes a membership whose time has run out, to make room for the
// new one: an ended membership is over for good and is not revived.
func endLapsed(tx *db.Tx, account id.Account, u id.User) error {
	_, err := db.Exec(tx, `
		UPDATE memberships SET status = 'ended', ended_at = $3, ended_why = 'expired'
		WHERE account_id = $1 AND user_id = $2 AND status <> 'ended' AND ends_at IS NOT NULL AND ends_at <= $3`, account, u, tx.Now)
	return err
}

// stillGiven is the role that the invitation offers, cut down to what the one
// who invited may still give. Whoever was removed has no open invitations.
func stillGiven(tx *db.Tx, i Invitation) (role access.Role, s access.Set, err error) {
	role = i.Given()
	offered, err := role.Permissions(tx, i.AccountID)
	if err != nil || !i.InviterID.Valid {
		return role, offered, err
	}
	s, err = access.StillGives(tx, i.AccountID, i.InviterID.V, offered)
	switch {
	case err != nil || s == offered:
	case s == 0:
		role = access.Role{BuiltIn: "mail"}
	default:
		role = access.Role{Single: s}
	}
	return role, s, err
}

// A Newcomer is somebody who makes her login on the way in.
type Newcomer struct {
	Name, Password string
	Terms          int64 // the version of the terms that was ticked; 0 is none
}

// errHasLogin asks somebody who has a login to use it.
var errHasLogin = fault.New(fault.Conflict, "has-login", "There is a login with this address already. Sign in with it to accept the invitation.")

// Join makes a login for the invited address, which the link proves, joins it
// to the account and signs it in. Somebody else's unproven claim to the
// address ends with it.
func (v *Invites) Join(ctx context.Context, token string, n Newcomer, r auth.Request) (a id.Account, in auth.SignedIn, err error) {
	defer fault.Wrap(&err, "invite.Join")
	o, err := v.Open(ctx, token)
	if err != nil {
		return 0, in, err
	}
	var f fault.Form
	name, err := plain.Name(n.Name)
	f.Take("name", err)
	f.Take("password", v.auth.Hasher().Check(n.Password, o.Address.String(), n.Name, o.AccountName))
	terms, err := v.settings.Current().MustAccept(n.Terms)
	f.Take("terms", err)
	if err := f.Err(); err != nil {
		return 0, in, err
	}
	hash, err := v.auth.Hasher().Hash(ctx, n.Password)
	if err != nil {
		return 0, in, err
	}
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := locked(tx, func() (Opened, error) { return byToken(tx, token) })
		if err != nil {
			return err
		}
		u, err := v.claim(tx, o, name, hash, r)
		if err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(u), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		if err := audit.Write(tx, by, audit.Record{Event: "user.signed_up", Object: "user", ObjectID: int64(u)}); err != nil {
			return err
		}
		if err := setting.Accept(tx, u, terms, by); err != nil {
			return err
		}
		a = o.AccountID
		if err := v.join(tx, o, u, by); err != nil {
			return err
		}
		in, err = v.auth.Admit(tx, u, r)
		return err
	})
	return a, in, err
}

// claim makes the user for a proven address. A sign-up that waits for the
// address is void, and so is everything that an unproven user of it has left:
// her password, sessions and links are not the newcomer's.
func (v *Invites) claim(tx *db.Tx, o Opened, name, hash string, r auth.Request) (id.User, error) {
	if _, err := db.Exec(tx, "UPDATE signups SET ended_at = $2 WHERE address = $1 AND ended_at IS NULL", o.Address, tx.Now); err != nil {
		return 0, err
	}
	found, err := user.ByAddress(tx, o.Address)
	switch {
	case err == nil && found.VerifiedAt.Valid, err == nil && found.Status != user.Active:
		return 0, errHasLogin
	case err == nil:
		return found.ID, v.auth.TakeOver(tx, found, name, hash, r)
	case !errors.Is(err, db.ErrNone):
		return 0, err
	}
	return user.Create(tx, user.New{Address: o.Address, Verified: true, Name: name, Language: locale.Default, Password: hash})
}

// Decline answers no, by the link; with block the account can invite this
// address no more.
func (v *Invites) Decline(ctx context.Context, token string, block bool, by audit.Actor) (err error) {
	defer fault.Wrap(&err, "invite.Decline")
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := locked(tx, func() (Opened, error) { return byToken(tx, token) })
		if err != nil {
			return err
		}
		return decline(tx, o, block, by)
	})
}

// DeclineMine answers no, from the person's list of invitations.
func (v *Invites) DeclineMine(ctx context.Context, i auth.Identity, number id.Invitation, block bool) (err error) {
	defer fault.Wrap(&err, "invite.DeclineMine(%d, %d)", i.User(), number)
	if !i.Verified() {
		return errUnverified
	}
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		o, err := locked(tx, func() (Opened, error) { return byNumber(tx, number, i) })
		if err != nil {
			return err
		}
		return decline(tx, o, block, i.Actor())
	})
}

func decline(tx *db.Tx, o Opened, block bool, by audit.Actor) error {
	if err := closeAs(tx, o.AccountID, o.ID, Declined); err != nil {
		return err
	}
	if block {
		_, err := db.Exec(tx, "INSERT INTO invitation_blocks (account_id, address, created_at) VALUES ($1, $2, $3) ON CONFLICT (account_id, address) DO NOTHING", o.AccountID, o.Address, tx.Now)
		if err != nil {
			return err
		}
	}
	return audit.Write(tx, by, audit.Record{Event: "invitation.declined", Account: o.AccountID, Object: "invitation", ObjectID: int64(o.ID), After: map[string]bool{"blocked": block}})
}

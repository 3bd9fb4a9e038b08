package auth

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// LinkLife is how long a mailed link to set a password opens.
const LinkLife = 30 * time.Minute

// The brakes on recovery mail: nobody's mailbox can be filled with it.
var (
	recoverPerson  = Limit{Hits: 3, Per: LinkLife} // so that one of the links always works, whoever asked for it
	recoverNetwork = Limit{Hits: 20, Per: time.Hour}
)

// Recover mails a link to set a new password, if the address has a login.
// The answer is the same if it has none.
func (a *Auth) Recover(ctx context.Context, typed string, r Request) (err error) {
	defer fault.Wrap(&err, "auth.Recover")
	address, err := mail.ParseAddress(typed)
	if err != nil {
		f := fault.Form{}
		f.Take("address", err)
		return f.Err()
	}
	var wait time.Duration
	err = a.db.Write(ctx, db.Wide, func(tx *db.Tx) (err error) {
		if wait, err = recoverNetwork.Take(tx, "recover.network:"+Network(r.Network)); err != nil || wait > 0 {
			return err
		}
		return a.mailLink(tx, address, r.Visitor())
	})
	if err == nil && wait > 0 {
		err = fault.Wait("recover", "Too many requests for new passwords. Try again later.", wait)
	}
	return err
}

// MailPasswordLink mails a link to set a new password to a user, at the
// request of staff, who never see the link.
func (a *Auth) MailPasswordLink(tx *db.Tx, u user.User, by audit.Actor) error {
	return a.sendLink(tx, u, by)
}

func (a *Auth) mailLink(tx *db.Tx, address mail.Address, by audit.Actor) error {
	u, err := user.ByAddress(tx, address)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if u.Status != user.Active {
		return a.mailFormer(tx, u)
	}
	wait, err := recoverPerson.Take(tx, "recover.person:"+address.String())
	if err != nil || wait > 0 {
		return err
	}
	return a.sendLink(tx, u, by)
}

func (a *Auth) sendLink(tx *db.Tx, u user.User, by audit.Actor) error {
	if _, err := db.Exec(tx, "UPDATE user_links SET ended_at = $2 WHERE user_id = $1 AND purpose = 'password' AND ended_at IS NULL", u.ID, tx.Now); err != nil {
		return err
	}
	token, hash := NewToken()
	_, err := db.Exec(tx, `
		INSERT INTO user_links (user_id, purpose, address, token_hash, credentials, created_at, expires_at)
		VALUES ($1, 'password', $2, $3, $4, $5, $6)`, u.ID, u.Address, hash, u.Credentials, tx.Now, tx.Now.Add(LinkLife))
	if err != nil {
		return err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "user.recovery_sent", Object: "user", ObjectID: int64(u.ID), Subject: u.ID}); err != nil {
		return err
	}
	_, err = a.outbox.Send(tx, mail.Message{
		Kind: "password-link", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language,
		Subject: locale.T("Set a new password for {brand}", "brand", a.settings.Brand()),
		Lines:   []locale.Text{locale.T("Somebody, hopefully you, asked to set a new password for your login at {brand}.", "brand", a.settings.Brand())},
		Action:  mail.Action{Label: locale.T("Set a new password"), URL: a.baseURL + "/recover/" + token},
		Closing: []locale.Text{locale.T("The link works once, until {time}.", "time", tx.Now.Add(LinkLife)), locale.T("If it was not you, do nothing: your password stays as it is.")},
	})
	return err
}

// errLink is the answer to every link that opens nothing any more.
var errLink = fault.New(fault.Gone, "link", "This link has been used, replaced by a newer one, or is too old. Ask for a new one.")

// A Link is a mailed link that has been opened but not used yet.
type Link struct {
	User    id.User
	Address mail.Address
	Name    string

	Credentials int64
}

// OpenLink finds what a mailed link opens, and uses nothing up.
func (a *Auth) OpenLink(ctx context.Context, token string) (l Link, err error) {
	defer fault.Wrap(&err, "auth.OpenLink")
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		l, err = findLink(tx, token)
		return err
	})
	if errors.Is(err, errLink) {
		err = errors.Join(err, ForgetOld(ctx, a.db, "user_links", token))
	}
	return l, err
}

func findLink(tx *db.Tx, token string) (Link, error) {
	l, err := db.One[Link](tx, `
		SELECT u.id AS "user", u.address, u.name, u.credentials FROM user_links l JOIN users u ON u.id = l.user_id
		WHERE l.token_hash = $1 AND l.purpose = 'password' AND l.ended_at IS NULL AND l.created_at <= $2 AND l.expires_at > $2
			AND l.credentials = u.credentials AND l.address = u.address AND u.status = 'active'`, HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return l, errLink
	}
	return l, err
}

// SetByLink sets the password of whoever the link was mailed to. It proves
// her address too, ends all of her sessions and starts one.
func (a *Auth) SetByLink(ctx context.Context, token, password string, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.SetByLink")
	l, err := a.OpenLink(ctx, token)
	if err != nil {
		return in, err
	}
	hash, err := a.newPassword(ctx, "password", password, l.Address.String(), l.Name)
	if err != nil {
		return in, err
	}
	err = a.db.Write(ctx, db.AsUser(l.User), func(tx *db.Tx) error {
		if _, err := findLink(tx, token); err != nil {
			return err
		}
		if err := hold(tx, l.User, l.Credentials, errLink); err != nil {
			return err
		}
		if err := proveAddress(tx, l.User); err != nil {
			return err
		}
		if err := a.replacePassword(tx, l.User, hash, r); err != nil {
			return err
		}
		in, err = a.Enter(tx, l.User, Shown{Ways: []Way{ByPassword}}, "", r)
		return err
	})
	return in, err
}

// proveAddress notes that whoever follows a mailed link has the address. If
// nobody had proven it before, whatever else signs in to this login was left
// there by somebody who may not have it, and goes.
func proveAddress(tx *db.Tx, u id.User) error {
	n, err := db.Exec(tx, "UPDATE users SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL", u, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	return forgetProofs(tx, u, time.Time{})
}

// newPassword checks and hashes a new password; what is wrong with it stands
// beside the named field.
func (a *Auth) newPassword(ctx context.Context, field, password string, own ...string) (string, error) {
	var f fault.Form
	if f.Take(field, a.hasher.Check(password, own...)) {
		return "", f.Err()
	}
	return a.hasher.Hash(ctx, password)
}

// replacePassword sets the password of somebody who is not signed in: every
// session and remembered browser of hers ends, and she is told.
func (a *Auth) replacePassword(tx *db.Tx, u id.User, hash string, r Request) error {
	if _, err := db.Exec(tx, "UPDATE users SET password = $2 WHERE id = $1", u, hash); err != nil {
		return err
	}
	if err := a.changed(tx, u, 0); err != nil {
		return err
	}
	by := audit.Actor{Kind: audit.User, ID: int64(u), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
	if err := audit.Write(tx, by, a.passwordRecord(u)); err != nil {
		return err
	}
	return a.tell(tx, u, a.passwordNotice(), r)
}

func (a *Auth) passwordRecord(u id.User) audit.Record {
	return audit.Record{Event: "user.password_changed", Object: "user", ObjectID: int64(u), Subject: u}
}

func (a *Auth) passwordNotice() notice {
	return notice{
		kind: "password-changed", subject: locale.T("Your password was changed"),
		line: locale.Sentences(locale.T("The password of your login at {brand} was changed.", "brand", a.settings.Brand()), elsewhere),
	}
}

// ChangePassword changes the person's own password; every other session of
// hers ends and this one goes on under a new token.
func (a *Auth) ChangePassword(ctx context.Context, i Identity, old, password string) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.ChangePassword(%d)", i.user)
	if err := a.freshWithFactor(ctx, i); err != nil {
		return in, err
	}
	current, err := a.ownPassword(ctx, i, "old", old)
	if err != nil {
		return in, err
	}
	hash, err := a.newPassword(ctx, "password", password, i.address.String(), i.name)
	if err != nil {
		return in, err
	}
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		if _, err := a.stillTrue(tx, i.user, current, hash); err != nil {
			return unchanged(err)
		}
		if err := perDevice.Forgive(tx, "confirm:"+id.String(i.user)); err != nil {
			return err
		}
		in, err = a.change(tx, i, Shown{}, a.passwordRecord(i.user), a.passwordNotice())
		return err
	})
	return in, err
}

// freshWithFactor asks whoever has a second factor for a fresh proof, which the
// password alone is not.
func (a *Auth) freshWithFactor(ctx context.Context, i Identity) error {
	return a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		f, err := factorsOf(tx, i.user)
		if err == nil && f.Any() && !i.FreshAt(tx.Now) {
			err = fault.New(fault.StepUp, "", "Your password alone is not enough for this: you have a second factor. Show who you are once more, then change the password.")
		}
		return err
	})
}

// TakeOver gives a user whose address nobody had proven to the person who has
// just proven it: with a new name and password, and without anything that was
// there before. The caller has seen the proof.
func (a *Auth) TakeOver(tx *db.Tx, u user.User, name, hash string, r Request) error {
	if u.VerifiedAt.Valid {
		return fault.New(fault.Conflict, "verified", "This login belongs to somebody already.")
	}
	if err := proveAddress(tx, u.ID); err != nil {
		return err
	}
	if err := a.replacePassword(tx, u.ID, hash, r); err != nil {
		return err
	}
	return user.Rename(tx, u.ID, name, u.Language)
}

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
	recoverPerson  = Limit{Hits: 3, Per: time.Hour}
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
	if errors.Is(err, db.ErrNone) || (err == nil && u.Status != user.Active) {
		return nil
	}
	if err != nil {
		return err
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
		Kind: "password-link", Class: mail.Urgent, To: u.Address, User: u.ID,
		Subject: "Set a new password for " + a.brand,
		Lines:   []string{"Somebody, hopefully you, asked to set a new password for your login at " + a.brand + "."},
		Action:  mail.Action{Label: "Set a new password", URL: a.baseURL + "/recover/" + token},
		Closing: []string{"The link works once, until " + locale.Exact(tx.Now.Add(LinkLife)) + ".", "If it was not you, do nothing: your password stays as it is."},
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
		SELECT u.id AS "user", u.address, u.name FROM user_links l JOIN users u ON u.id = l.user_id
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
		n, err := db.Exec(tx, "UPDATE user_links SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL", HashToken(token), tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return errLink
		}
		by := audit.Actor{Kind: audit.User, ID: int64(l.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		if err := a.replacePassword(tx, l.User, hash, 0, by); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE users SET verified_at = $2 WHERE id = $1 AND verified_at IS NULL", l.User, tx.Now); err != nil {
			return err
		}
		in.User = l.User
		if in.Device, err = rememberDevice(tx, l.User, "", false); err != nil {
			return err
		}
		in.Session, err = StartSession(tx, l.User, r)
		return err
	})
	return in, err
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

// replacePassword sets a password, ends every other session, every remembered
// browser and every open link, and tells the person.
func (a *Auth) replacePassword(tx *db.Tx, u id.User, hash string, keep id.Session, by audit.Actor) error {
	if _, err := db.Exec(tx, "UPDATE users SET password = $2, credentials = credentials + 1 WHERE id = $1", u, hash); err != nil {
		return err
	}
	if _, err := endSessions(tx, u, keep); err != nil {
		return err
	}
	for _, statement := range []string{
		"UPDATE devices SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
		"UPDATE user_links SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
	} {
		if _, err := db.Exec(tx, statement, u, tx.Now); err != nil {
			return err
		}
	}
	person, err := user.ByID(tx, u)
	if err != nil {
		return err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "user.password_changed", Object: "user", ObjectID: int64(u), Subject: u}); err != nil {
		return err
	}
	_, err = a.outbox.Send(tx, mail.Message{
		Kind: "password-changed", Class: mail.Urgent, To: person.Address, User: u,
		Subject: "Your password was changed",
		Lines:   []string{"The password of your login at " + a.brand + " was changed on " + locale.Exact(tx.Now) + ". You have been signed out everywhere else."},
		Action:  mail.Action{Label: "This was not me: set a new password", URL: a.baseURL + "/recover"},
		Closing: []string{"If it was you, there is nothing to do."},
	})
	return err
}

// ChangePassword changes the person's own password; every other session of
// hers ends and this one goes on under a new token.
func (a *Auth) ChangePassword(ctx context.Context, i Identity, old, password string) (token string, err error) {
	defer fault.Wrap(&err, "auth.ChangePassword(%d)", i.user)
	current, err := a.countOwn(ctx, i)
	if err != nil {
		return "", err
	}
	ok, err := a.hasher.Verify(ctx, current, old)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", fault.Field("old", "This is not your current password.")
	}
	hash, err := a.newPassword(ctx, "password", password, i.address.String(), i.name)
	if err != nil {
		return "", err
	}
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		if err := a.stillTrue(tx, i.user, current); err != nil {
			return err
		}
		if err := perDevice.Forgive(tx, "confirm:"+id.String(i.user)); err != nil {
			return err
		}
		if err := a.replacePassword(tx, i.user, hash, i.session, i.Actor()); err != nil {
			return err
		}
		token, err = rotate(tx, i.session)
		return err
	})
	return token, err
}

// TakeOver gives a user whose address nobody had proven to the person who has
// just proven it: with a new name and password, and without anything that was
// there before. The caller has seen the proof.
func (a *Auth) TakeOver(tx *db.Tx, u user.User, name, hash string, r Request) error {
	if u.VerifiedAt.Valid {
		return fault.New(fault.Conflict, "verified", "This login belongs to somebody already.")
	}
	by := audit.Actor{Kind: audit.User, ID: int64(u.ID), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
	if err := a.replacePassword(tx, u.ID, hash, 0, by); err != nil {
		return err
	}
	if err := user.Rename(tx, u.ID, name, u.Language); err != nil {
		return err
	}
	_, err := db.Exec(tx, "UPDATE users SET verified_at = $2 WHERE id = $1", u.ID, tx.Now)
	return err
}

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
	"clientele/internal/plain"
	"clientele/internal/user"
)

// How long the link to a new address can be confirmed, and how long the old
// one can take the change back.
const (
	AddressLinkLife = 24 * time.Hour
	UndoLife        = 7 * 24 * time.Hour
)

// addressMails bounds how many addresses one person can have us write to.
var addressMails = Limit{Hits: 5, Per: time.Hour}

// A PendingAddress is a change of address that waits to be confirmed.
type PendingAddress struct {
	New       mail.Address
	ExpiresAt time.Time
}

// PendingAddress reads the change that waits, if there is one.
func (a *Auth) PendingAddress(ctx context.Context, i Identity) (p PendingAddress, err error) {
	defer fault.Wrap(&err, "auth.PendingAddress(%d)", i.user)
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		p, err = db.One[PendingAddress](tx, `
			SELECT new_address AS "new", expires_at FROM address_changes WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT 1`, i.user, tx.Now)
		if errors.Is(err, db.ErrNone) {
			return nil
		}
		return err
	})
	return p, err
}

// ChangeAddress asks for a new address: a link goes to it, and a word to the
// old one, which stays the login until the link is followed. The answer is
// the same if somebody else has the new one; its owner is told.
func (a *Auth) ChangeAddress(ctx context.Context, i Identity, typed string) (err error) {
	defer fault.Wrap(&err, "auth.ChangeAddress(%d)", i.user)
	to, err := mail.ParseAddress(typed)
	if err != nil {
		f := fault.Form{}
		f.Take("address", err)
		return f.Err()
	}
	if to == i.address {
		return fault.Field("address", "This is your address already.")
	}
	var wait time.Duration
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		if wait, err = addressMails.Take(tx, "address:"+id.String(i.user)); err != nil || wait > 0 {
			return err
		}
		if err := a.dropAddressChange(tx, i.user); err != nil {
			return err
		}
		if err := audit.Write(tx, i.Actor(), audit.Record{Event: "user.address_asked", Object: "user", ObjectID: int64(i.user)}); err != nil {
			return err
		}
		return a.askNewAddress(tx, i, to)
	})
	if err == nil && wait > 0 {
		err = fault.Wait("address", "Too many changes of address within an hour. Try again later.", wait)
	}
	return err
}

func (a *Auth) dropAddressChange(tx *db.Tx, u id.User) error {
	_, err := db.Exec(tx, "UPDATE address_changes SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL", u, tx.Now)
	return err
}

func (a *Auth) askNewAddress(tx *db.Tx, i Identity, to mail.Address) error {
	token, hash := NewToken()
	_, undo := NewToken()
	_, err := db.Exec(tx, `
		INSERT INTO address_changes (user_id, session_id, old_address, new_address, token_hash, credentials, created_at, expires_at, undo_hash)
		SELECT id, $2, address, $3, $4, credentials, $5, $6, $7 FROM users WHERE id = $1`,
		i.user, i.session, to, hash, tx.Now, tx.Now.Add(AddressLinkLife), undo)
	if err != nil {
		return err
	}
	if err := a.tell(tx, i.user, notice{
		kind: "address-asked", subject: locale.T("A new mail address was asked for"),
		line: locale.T("Somebody, hopefully you, wants to change the mail address of your login at {brand}. Until the new address is confirmed, this one stays.", "brand", a.settings.Brand()),
	}, i.request); err != nil {
		return err
	}
	taken, err := takenFrom(tx, i.user, to)
	if err != nil {
		return err
	}
	if taken {
		return a.mailTaken(tx, to)
	}
	return a.send(tx, i.user, mail.Message{
		Kind: "address-confirm", Class: mail.Urgent, To: to, User: i.user, Language: i.language, Subject: locale.T("Confirm your new mail address"),
		Lines: []locale.Text{
			locale.T("Hello {name},", "name", plain.Defang(i.name)),
			locale.T("this address is to become the one that you sign in with at {brand}.", "brand", a.settings.Brand()),
		},
		Action:  mail.Action{Label: locale.T("Use this address"), URL: a.baseURL + "/address/" + token},
		Closing: []locale.Text{locale.T("The link works once, until {time}.", "time", tx.Now.Add(AddressLinkLife)), locale.T("If you have not asked for this, do nothing.")},
	})
}

// mailTaken tells whoever has an address that somebody else asked for it, in
// the language of the login that has it now.
func (a *Auth) mailTaken(tx *db.Tx, to mail.Address) error {
	holder, err := user.ByAddress(tx, to)
	if err != nil && !errors.Is(err, db.ErrNone) {
		return err
	}
	return a.send(tx, 0, mail.Message{
		Kind: "address-taken", Class: mail.Urgent, To: to, Language: holder.Language, Subject: locale.T("You have a login at {brand} already", "brand", a.settings.Brand()),
		Lines:   []locale.Text{locale.T("Somebody wants to use this address for another login at {brand}. It belongs to a login already, so nothing was changed.", "brand", a.settings.Brand())},
		Action:  mail.Action{Label: locale.T("Sign in"), URL: a.baseURL + "/signin"},
		Closing: []locale.Text{locale.T("If it was not you, there is nothing to do.")},
	})
}

// takenFrom reports whether a person cannot have an address. One that is kept
// for her own change of mind she can.
func takenFrom(tx *db.Tx, u id.User, a mail.Address) (bool, error) {
	taken, err := user.Taken(tx, a)
	if err != nil || !taken {
		return taken, err
	}
	kept, err := db.One[int64](tx, `
		SELECT COUNT(*) FROM address_changes
		WHERE user_id = $1 AND old_address = $2 AND done_at IS NOT NULL AND undone_at IS NULL AND undo_until > $3`, u, a, tx.Now)
	return kept == 0, err
}

var errAddress = fault.New(fault.Gone, "address", "This link has been used, replaced by a newer one, or is too old. Ask for the change again on your page “You”.")

// An AddressChange is a change that a mailed link confirms or takes back.
type AddressChange struct {
	ID        int64
	User      id.User
	SessionID id.Session
	Old, New  mail.Address
	Language  string // of the user

	Credentials int64 // of the user
}

func findAddressChange(tx *db.Tx, token string) (AddressChange, error) {
	c, err := db.One[AddressChange](tx, `
		SELECT c.id, u.id AS "user", c.session_id, c.old_address AS "old", c.new_address AS "new", u.language, u.credentials FROM address_changes c JOIN users u ON u.id = c.user_id
		WHERE c.token_hash = $1 AND c.ended_at IS NULL AND c.created_at <= $2 AND c.expires_at > $2
			AND c.credentials = u.credentials AND c.old_address = u.address AND u.status = 'active'`, HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return c, errAddress
	}
	return c, err
}

// OpenAddress finds what a mailed link confirms, and changes nothing.
func (a *Auth) OpenAddress(ctx context.Context, token string) (c AddressChange, err error) {
	defer fault.Wrap(&err, "auth.OpenAddress")
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		c, err = findAddressChange(tx, token)
		return err
	})
	return c, err
}

// ConfirmAddress makes the new address the login. The session that asked goes
// on, under a new token where it is the one that confirms; every other one
// ends, and nobody is signed in by it. Both addresses are told, and the old
// one can take it back.
func (a *Auth) ConfirmAddress(ctx context.Context, i Identity, token string) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.ConfirmAddress")
	r := i.request
	err = a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		c, err := findAddressChange(tx, token)
		if err != nil {
			return err
		}
		if err := hold(tx, c.User, c.Credentials, errAddress); err != nil {
			return err
		}
		if err := user.Readdress(tx, c.User, c.New, true); err != nil {
			return err
		}
		if err := a.changed(tx, c.User, c.SessionID); err != nil {
			return err
		}
		if in, err = renewWhoAsked(tx, i, c); err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(c.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		if err := audit.Write(tx, by, audit.Record{Event: "user.address_changed", Object: "user", ObjectID: int64(c.User)}); err != nil {
			return err
		}
		return a.tellOfAddress(tx, c, r)
	})
	return in, err
}

// renewWhoAsked gives the session that asked a new token where it is the one
// that confirms. The link in the mail is no fresh proof of her.
func renewWhoAsked(tx *db.Tx, i Identity, c AddressChange) (in SignedIn, err error) {
	if i.session != c.SessionID || i.user != c.User {
		return in, nil
	}
	in.User = i.user
	if in.Session, err = rotate(tx, i, Shown{}, i.provedAt); err != nil {
		return in, err
	}
	in.Device, err = rememberDevice(tx, i.user, device{}, i.request)
	return in, err
}

func (a *Auth) tellOfAddress(tx *db.Tx, c AddressChange, r Request) error {
	undo, hash := NewToken()
	until := tx.Now.Add(UndoLife)
	if _, err := db.Exec(tx, "UPDATE address_changes SET ended_at = $2, done_at = $2, undo_hash = $3, undo_until = $4 WHERE id = $1", c.ID, tx.Now, hash, until); err != nil {
		return err
	}
	if err := a.tell(tx, c.User, notice{
		kind: "address-changed", subject: locale.T("Your mail address was changed"),
		line: locale.T("You sign in at {brand} with this address now, in place of {address}.", "brand", a.settings.Brand(), "address", plain.Defang(c.Old.String())),
	}, r); err != nil {
		return err
	}
	return a.send(tx, c.User, mail.Message{
		Kind: "address-undo", Class: mail.Urgent, To: c.Old, User: c.User, Language: c.Language, Subject: locale.T("Your mail address was changed"),
		Lines: []locale.Text{locale.T("The login at {brand} that had this address has another one now.", "brand", a.settings.Brand())}, Facts: a.facts(tx.Now, r),
		Action: mail.Action{Label: locale.T("This was not me: take it back"), URL: a.baseURL + "/address/undo/" + undo},
		Closing: []locale.Text{
			locale.T("Until {time} the link gives the login back to this address, signs everybody out, and mails you a way to set a new password.", "time", until),
			locale.T("If it was you, there is nothing to do."),
		},
	})
}

var errUndo = fault.New(fault.Gone, "address-undo", "This link has been used or is too old. Ask the operator for help.")

func findUndo(tx *db.Tx, token string) (AddressChange, error) {
	c, err := db.One[AddressChange](tx, `
		SELECT c.id, u.id AS "user", c.session_id, c.old_address AS "old", c.new_address AS "new", u.language, u.credentials FROM address_changes c JOIN users u ON u.id = c.user_id
		WHERE c.undo_hash = $1 AND c.done_at <= $2 AND c.undo_until > $2 AND c.undone_at IS NULL AND u.status <> 'deleted'`, HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return c, errUndo
	}
	return c, err
}

// OpenUndo finds what a mailed link takes back, and changes nothing.
func (a *Auth) OpenUndo(ctx context.Context, token string) (c AddressChange, err error) {
	defer fault.Wrap(&err, "auth.OpenUndo")
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		c, err = findUndo(tx, token)
		return err
	})
	return c, err
}

// UndoAddress gives a login back to the address that it had, and locks it: every
// session ends, what was added since goes, the password works no more, and a
// link to set a new one is mailed.
func (a *Auth) UndoAddress(ctx context.Context, token string, r Request) (err error) {
	defer fault.Wrap(&err, "auth.UndoAddress")
	return a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		c, err := findUndo(tx, token)
		if err != nil {
			return err
		}
		if err := hold(tx, c.User, c.Credentials, errUndo); err != nil {
			return err
		}
		since, err := db.One[time.Time](tx, "SELECT created_at FROM address_changes WHERE id = $1", c.ID)
		if err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(c.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		if err := a.lockDown(tx, c.User, since, by); err != nil {
			return err
		}
		if err := audit.Write(tx, by, audit.Record{Event: "user.address_restored", Object: "user", ObjectID: int64(c.User)}); err != nil {
			return err
		}
		u, err := user.ByID(tx, c.User)
		if err != nil || u.Status != user.Active {
			return err
		}
		return a.sendLink(tx, u, by)
	})
}

// restoreAddress gives a login the address back that it had at a time.
func (a *Auth) restoreAddress(tx *db.Tx, u id.User, since time.Time) error {
	old, err := db.One[mail.Address](tx, `
		SELECT old_address FROM address_changes
		WHERE user_id = $1 AND done_at >= $2 AND undo_until > $3 AND undone_at IS NULL ORDER BY done_at, id LIMIT 1`, u, since, tx.Now)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE address_changes SET undone_at = $3 WHERE user_id = $1 AND done_at >= $2 AND undone_at IS NULL", u, since, tx.Now); err != nil {
		return err
	}
	return user.Readdress(tx, u, old, true)
}

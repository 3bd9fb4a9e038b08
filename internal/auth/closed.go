package auth

import (
	"errors"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// importedLogins are the rows of an upgrade that became a login.
const importedLogins = "(kind LIKE '%.login' OR kind = 'user')"

// CloseInto closes a login that becomes part of another one. What proves it
// stays with it and signs nobody in: it goes when the login does, and comes
// back with it. A later run of an upgrade finds the other one in its place.
func (a *Auth) CloseInto(tx *db.Tx, u, keep id.User) error {
	n, err := db.Exec(tx, "UPDATE users SET status = 'suspended', merged_into = $2 WHERE id = $1 AND status = 'active' AND merged_into IS NULL", u, keep)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "not-active", "This login cannot sign in any more.")
	}
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE import_rows SET target_id = $2, merged_from = $1, needs = '' WHERE target_id = $1 AND "+importedLogins, u, keep); err != nil {
		return err
	}
	return a.changed(tx, u, 0)
}

// Reopen lets a login sign in again that was closed into another: with the
// password and the factors that it had.
func (a *Auth) Reopen(tx *db.Tx, u id.User) error {
	n, err := db.Exec(tx, "UPDATE users SET status = 'active', merged_into = NULL WHERE id = $1 AND status = 'suspended' AND merged_into IS NOT NULL", u)
	if err == nil && n == 0 {
		err = fault.Missing()
	}
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE import_rows SET target_id = merged_from, merged_from = 0 WHERE merged_from = $1 AND "+importedLogins, u); err != nil {
		return err
	}
	return a.changed(tx, u, 0)
}

// Grow does what it brings for a login that another one becomes part of: it
// may open more from now on, so every session of it ends but the one that asked
// for it, which goes on under a new token. Both are told, and either mail takes
// the login back that it went to.
func (a *Auth) Grow(tx *db.Tx, i Identity, keep, other user.User) (in SignedIn, err error) {
	mine := i.user == keep.ID
	session := id.Session(0)
	if mine {
		session = i.session
	}
	if err := a.changed(tx, keep.ID, session); err != nil {
		return in, err
	}
	if mine {
		in.User = i.user
		if in.Session, err = rotate(tx, i, Shown{}, i.provedAt); err != nil {
			return in, err
		}
		if in.Device, err = rememberDevice(tx, i.user, device{}, i.request); err != nil {
			return in, err
		}
	}
	if err := a.tell(tx, keep.ID, notice{
		kind: "merged", subject: locale.T("Another login is part of yours now"),
		line: locale.T("The login {address} was brought into your login at {brand}: what it could open, yours opens now. For seven days you can take it out again, on your page “You”.",
			"address", plain.Defang(other.Address.String()), "brand", a.settings.Brand()),
	}, i.request); err != nil {
		return in, err
	}
	return in, a.tell(tx, other.ID, notice{
		kind: "merged-away", subject: locale.T("Your login is part of another one now"),
		line: locale.T("Your login at {brand} with this address was brought into the login {address}. That one opens now what this one did, and this one signs nobody in any more. After seven days it is deleted.",
			"brand", a.settings.Brand(), "address", plain.Defang(keep.Address.String())),
		undoes: locale.T("If it was not you, the link takes your login out of the other one again, with what it could open."),
	}, i.request)
}

// mailFormer tells somebody who wants a new password for a login that is part
// of another one where to sign in.
func (a *Auth) mailFormer(tx *db.Tx, u user.User) error {
	keep, err := db.One[mail.Address](tx, "SELECT k.address FROM users u JOIN users k ON k.id = u.merged_into WHERE u.id = $1 AND k.status <> 'deleted'", u.ID)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	wait, err := recoverPerson.Take(tx, "recover.person:"+u.Address.String())
	if err != nil || wait > 0 {
		return err
	}
	return a.send(tx, u.ID, mail.Message{
		Kind: "merged-login", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language, Subject: locale.T("Your login at {brand} is part of another one", "brand", a.settings.Brand()),
		Lines:   []locale.Text{locale.T("Somebody, hopefully you, asked for a new password for this address. Its login was brought into the login {address}: sign in with that one.", "address", plain.Defang(keep.String()))},
		Action:  mail.Action{Label: locale.T("Sign in"), URL: a.baseURL + "/signin"},
		Closing: []locale.Text{locale.T("If you have not brought them together, use the link “This was not me” in the mail that told you of it: it works for seven days.")},
	})
}

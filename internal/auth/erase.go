package auth

import (
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// goodbyeLife is how long the log keeps the address that the last mail of a
// deleted login went to.
const goodbyeLife = 7 * 24 * time.Hour

// Erase deletes a person: her name and address, what signed her in, and the
// mail that was hers alone. Her number remains, as a pseudonym in the records
// of accounts. The caller has ended her memberships in the same transaction.
func (a *Auth) Erase(tx *db.Tx, u id.User, by audit.Actor) error {
	person, err := user.ByID(tx, u)
	if err != nil {
		return err
	}
	if err := EraseQuietly(tx, person, by); err != nil {
		return err
	}
	_, err = a.outbox.Send(tx, mail.Message{
		Kind: mail.Goodbye, Class: mail.Urgent, To: person.Address, Language: person.Language, Subject: locale.T("Your login was deleted"),
		Lines:   []locale.Text{locale.T("Your login at {brand} and what belonged to you alone are deleted. The accounts that you were in keep their own records, where you are a number now.", "brand", a.settings.Brand())},
		Closing: []locale.Text{locale.T("If this was not you, answer to the operator at once: what is deleted cannot be brought back.")},
	})
	return err
}

// EraseQuietly is Erase without a word to the person, for a login that came in
// by the upgrade, has gone there again, and was never used here.
func EraseQuietly(tx *db.Tx, person user.User, by audit.Actor) error {
	u := person.ID
	if err := user.Erase(tx, u); err != nil {
		return err
	}
	if err := eraseAddresses(tx, person); err != nil {
		return err
	}
	for _, table := range []string{
		"sessions", "devices", "user_links", "passkeys", "authenticators", "recovery_codes", "identities",
		"pending_signins", "ceremonies", "alarms", "address_changes", "factor_resets",
	} {
		if _, err := db.Exec(tx, "DELETE FROM "+table+" WHERE user_id = $1", u); err != nil {
			return err
		}
	}
	if err := mail.Erase(tx, u, user.Pseudonym(u)); err != nil {
		return err
	}
	// She stays remembered as a number that came in, so that no later run of an
	// upgrade brings her back, and without what tells of her.
	if _, err := db.Exec(tx, "UPDATE import_rows SET written = 0, secret = 0, address = 0, needs = '', needed = NULL WHERE target_id = $1 AND (kind LIKE '%.login' OR kind = 'user')", u); err != nil {
		return err
	}
	return audit.Write(tx, by, audit.Record{Event: "user.deleted", Object: "user", ObjectID: int64(u)})
}

// eraseAddresses takes away what was kept under the addresses that she has
// had, and not under her number: how she signed up, and mail that went to an
// address before anybody knew whose it was. Whoever has had one of them after
// her keeps what is hers.
func eraseAddresses(tx *db.Tx, person user.User) error {
	type had struct {
		Address mail.Address
		Until   time.Time
	}
	list, err := db.All[had](tx, "SELECT old_address AS address, done_at AS until FROM address_changes WHERE user_id = $1 AND done_at IS NOT NULL", person.ID)
	if err != nil {
		return err
	}
	for _, h := range append(list, had{person.Address, tx.Now}) {
		if _, err := db.Exec(tx, "DELETE FROM signups WHERE address = $1 AND created_at <= $2", h.Address, h.Until); err != nil {
			return err
		}
		// As her own mail: mail.Erase takes the content of both.
		_, err := db.Exec(tx, `
			UPDATE mails SET user_id = $3 WHERE recipient = $1 AND created_at <= $2 AND user_id IS NULL AND account_id IS NULL AND kind <> $4`,
			h.Address, h.Until, person.ID, mail.Goodbye)
		if err != nil {
			return err
		}
	}
	return nil
}

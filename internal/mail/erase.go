package mail

import (
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
)

// Goodbye is the kind of the last mail of a login that was deleted.
const Goodbye = "login-deleted"

// Erase takes a person out of the log: her address, and what was written to
// her. That something was sent remains. What still waits is not sent.
func Erase(tx *db.Tx, u id.User, pseudonym Address) error {
	_, err := db.Exec(tx, `
		UPDATE mails SET recipient = $2, subject = 'Erased', search = 'erased', text_body = '', html_body = '', sealed = '',
			state = CASE WHEN state = 'queued' THEN 'failed' ELSE state END,
			problem = CASE WHEN state = 'queued' THEN 'the recipient has deleted her login' ELSE '' END
		WHERE user_id = $1`, u, pseudonym)
	return err
}

// EraseGoodbyes takes the addresses of deleted logins out of the log, some
// time after the last mail to them.
func EraseGoodbyes(tx *db.Tx, before time.Time) error {
	nobody, err := ParseAddress("deleted@deleted.invalid")
	if err != nil {
		return err
	}
	_, err = db.Exec(tx, "UPDATE mails SET recipient = $2, sealed = '' WHERE kind = $1 AND recipient <> $2 AND created_at < $3 AND state <> 'queued'", Goodbye, nobody, before)
	return err
}

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

// changed does what every change of what proves a person brings: every other
// session, every remembered browser and everything that was under way is
// over, wherever it is.
func (a *Auth) changed(tx *db.Tx, u id.User, keep id.Session) error {
	if _, err := db.Exec(tx, "UPDATE users SET credentials = credentials + 1 WHERE id = $1", u); err != nil {
		return err
	}
	if _, err := endSessions(tx, u, keep); err != nil {
		return err
	}
	return endUnderway(tx, u)
}

// Renew does what a change of her password or address brings that the other
// system made, when it is brought in: everything that she, or somebody in her
// name, has open here is over. It answers what her credentials count now.
func (a *Auth) Renew(tx *db.Tx, u id.User) (credentials int64, err error) {
	if err := a.changed(tx, u, 0); err != nil {
		return 0, err
	}
	return db.One[int64](tx, "SELECT credentials FROM users WHERE id = $1", u)
}

// endUnderway ends what a person, or somebody in her name, is in the middle
// of, and what her browsers are known by.
func endUnderway(tx *db.Tx, u id.User) error {
	for _, statement := range []string{
		"UPDATE devices SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
		"UPDATE user_links SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
		"UPDATE pending_signins SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
		"UPDATE ceremonies SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
		"UPDATE address_changes SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL",
	} {
		if _, err := db.Exec(tx, statement, u, tx.Now); err != nil {
			return err
		}
	}
	return nil
}

// change is changed within the person's own session, which goes on under a
// new token; the record is written and she is told. It is no fresh proof of
// her: neither the old password alone nor a new factor shows that it is she.
func (a *Auth) change(tx *db.Tx, i Identity, s Shown, r audit.Record, n notice) (in SignedIn, err error) {
	if err := a.changed(tx, i.user, i.session); err != nil {
		return in, err
	}
	in.User = i.user
	if in.Session, err = rotate(tx, i, s, i.provedAt); err != nil {
		return in, err
	}
	if in.Device, err = rememberDevice(tx, i.user, device{}, i.request); err != nil {
		return in, err
	}
	r.Subject = i.user
	if err := audit.Write(tx, i.Actor(), r); err != nil {
		return in, err
	}
	return in, a.tell(tx, i.user, n, i.request)
}

// Change is change for the rooms that keep ways to sign in of their own. line
// says what happened, in a whole sentence.
func (a *Auth) Change(tx *db.Tx, i Identity, r audit.Record, subject, line locale.Text) (SignedIn, error) {
	return a.change(tx, i, Shown{}, r, notice{kind: "sign-in-changed", subject: subject, line: locale.Sentences(line, elsewhere)})
}

// elsewhere ends what is said of most changes.
var elsewhere = locale.T("You have been signed out everywhere else.")

// A notice tells a person what happened to her login.
type notice struct {
	kind    string
	subject locale.Text
	line    locale.Text
	to      mail.Address // zero: her own
	undoes  locale.Text  // what the link undoes beside; a sentence
}

// AlarmLife is how long the link in a notice works.
const AlarmLife = 7 * 24 * time.Hour

// tell mails a notice. Nothing keeps it back, and its link ends every session
// and starts recovery.
func (a *Auth) tell(tx *db.Tx, u id.User, n notice, r Request) (err error) {
	who, err := readerOf(tx, u)
	if err != nil {
		return err
	}
	if n.to.IsZero() {
		n.to = who.Address
	}
	token, hash := NewToken()
	_, err = db.Exec(tx, "INSERT INTO alarms (user_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)", u, hash, tx.Now, tx.Now.Add(AlarmLife))
	if err != nil {
		return err
	}
	closing := []locale.Text{
		locale.T("The link signs you out everywhere and mails you a way to set a new password. It works for 7 days."),
		locale.T("If it was you, there is nothing to do."),
	}
	if !n.undoes.IsZero() {
		closing = append([]locale.Text{n.undoes}, closing...)
	}
	return a.send(tx, u, mail.Message{
		Kind: n.kind, Class: mail.Urgent, To: n.to, User: u, Language: who.Language, Subject: n.subject,
		Lines: []locale.Text{n.line}, Facts: a.facts(tx.Now, r),
		Action:  mail.Action{Label: locale.T("This was not me"), URL: a.baseURL + "/alarm/" + token},
		Closing: closing,
	})
}

// send mails what is about a person's login. A message that is not hers, since
// its address is not, is seen by nobody but the whole installation.
func (a *Auth) send(tx *db.Tx, u id.User, m mail.Message) error {
	scope := db.AsUser(u)
	if m.User == 0 {
		scope = db.Wide
	}
	return tx.Within(scope, func() error {
		_, err := a.outbox.Send(tx, m)
		return err
	})
}

// facts say when, with what and from where something was done.
func (a *Auth) facts(now time.Time, r Request) []mail.Fact {
	from := locale.AsIs(r.Network)
	if place := a.place(r.Network); place != "" {
		from = locale.T("{network} ({place})", "network", r.Network, "place", locale.Label(place))
	}
	list := []mail.Fact{{Label: locale.T("When"), Value: locale.At(now)}, {Label: locale.T("With"), Value: browser(r.Agent)}}
	if !from.IsZero() {
		list = append(list, mail.Fact{Label: locale.T("From"), Value: from})
	}
	return list
}

// errAlarm is the answer to an alarm that was raised before, or is too old.
var errAlarm = fault.New(fault.Gone, "alarm", "This link has been used or is too old. If somebody else is in your login, set a new password now: that signs everybody out.")

type alarm struct {
	ID        int64
	User      id.User
	CreatedAt time.Time
}

func findAlarm(tx *db.Tx, token string) (alarm, error) {
	l, err := db.One[alarm](tx, `
		SELECT l.id, u.id AS "user", l.created_at FROM alarms l JOIN users u ON u.id = l.user_id
		WHERE l.token_hash = $1 AND l.ended_at IS NULL AND l.created_at <= $2 AND l.expires_at > $2 AND u.status <> 'deleted'`, HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return l, errAlarm
	}
	return l, err
}

// OpenAlarm finds whose alarm a mailed link raises, and raises nothing.
func (a *Auth) OpenAlarm(ctx context.Context, token string) (who mail.Address, err error) {
	defer fault.Wrap(&err, "auth.OpenAlarm")
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		l, err := findAlarm(tx, token)
		if err != nil {
			return err
		}
		u, err := readerOf(tx, l.User)
		who = u.Address
		return err
	})
	return who, err
}

// RaiseAlarm is "this was not me": every session ends, what was added in the
// last days is taken away, an address that was changed since the notice comes
// back, the password works no more, and a link to set a new one is mailed.
func (a *Auth) RaiseAlarm(ctx context.Context, token string, r Request) (err error) {
	defer fault.Wrap(&err, "auth.RaiseAlarm")
	return a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		l, err := findAlarm(tx, token)
		if err != nil {
			return err
		}
		n, err := db.Exec(tx, "UPDATE alarms SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", l.ID, tx.Now)
		if err == nil && n == 0 {
			err = errAlarm
		}
		if err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(l.User), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		if err := a.lockDown(tx, l.User, l.CreatedAt, by); err != nil {
			return err
		}
		if err := audit.Write(tx, by, audit.Record{Event: "user.alarm_raised", Object: "user", ObjectID: int64(l.User)}); err != nil {
			return err
		}
		u, err := user.ByID(tx, l.User)
		if err != nil || u.Status != user.Active {
			return err
		}
		return a.sendLink(tx, u, by)
	})
}

// lockDown takes a login back from whoever has got into it at some time. What
// signs in goes as far back as notices work: whoever was in has caused several
// of them, and she follows the last one, not the first.
func (a *Auth) lockDown(tx *db.Tx, u id.User, since time.Time, by audit.Actor) error {
	for _, fn := range a.locked {
		if err := fn(tx, u, by); err != nil {
			return err
		}
	}
	if err := a.restoreAddress(tx, u, since); err != nil {
		return err
	}
	if earliest := tx.Now.Add(-AlarmLife); earliest.Before(since) {
		since = earliest
	}
	if err := takeBack(tx, u, since); err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE users SET password = '' WHERE id = $1", u); err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE alarms SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL", u, tx.Now); err != nil {
		return err
	}
	return a.changed(tx, u, 0)
}

// takeBack takes away what was added to a login at a time or after it. A login
// that had a second factor before keeps one: a new one could be added by
// showing the old one only, and a mailbox alone must not take the last away.
func takeBack(tx *db.Tx, u id.User, since time.Time) error {
	type row struct {
		Guarded bool // it has had a factor since before then
		Older   int64
	}
	had, err := db.One[row](tx, `
		SELECT COALESCE(second_since < $2, FALSE) AS guarded,
			(SELECT COUNT(*) FROM passkeys WHERE user_id = $1 AND created_at < $2) + (SELECT COUNT(*) FROM authenticators WHERE user_id = $1 AND created_at < $2) AS older
		FROM users WHERE id = $1`, u, since)
	if err != nil {
		return err
	}
	if had.Guarded && had.Older == 0 {
		_, err := db.Exec(tx, "DELETE FROM identities WHERE user_id = $1 AND created_at >= $2", u, since)
		return err
	}
	return forgetProofs(tx, u, since)
}

// noteFactors notes since when the person has a second factor without a gap.
func noteFactors(tx *db.Tx, u id.User) error {
	_, err := db.Exec(tx, `
		UPDATE users SET second_since = CASE
			WHEN EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1) OR EXISTS (SELECT 1 FROM authenticators WHERE user_id = $1) THEN COALESCE(second_since, $2)
			ELSE NULL END
		WHERE id = $1`, u, tx.Now)
	return err
}

// forgetProofs takes away what signs a person in beside her password, as far
// as it was added at a time or after it.
func forgetProofs(tx *db.Tx, u id.User, since time.Time) error {
	for _, table := range []string{"passkeys", "authenticators", "recovery_codes", "identities"} {
		if _, err := db.Exec(tx, "DELETE FROM "+table+" WHERE user_id = $1 AND created_at >= $2", u, since); err != nil {
			return err
		}
	}
	return noteFactors(tx, u)
}

package merge

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/staff"
	"clientele/internal/user"
)

// An Asked is two logins that staff have asked to bring together: nothing
// happens before the person has agreed, signed in to each.
type Asked struct {
	ID               id.Merge
	KeepID, OtherID  id.User
	Starter          string
	Reason           string
	CreatedAt        time.Time
	ExpiresAt        time.Time
	KeepCredentials  int64
	OtherCredentials int64
	KeepShown        string // what each login was in when its person agreed
	OtherShown       string
	Keep, Other      user.User
}

// AgreedKeep and AgreedOther report whether the person has agreed with the
// login: a change of what proves it since takes that back.
func (a Asked) AgreedKeep() bool { return a.KeepCredentials == a.Keep.Credentials }

// AgreedOther is AgreedKeep for the login that is brought in.
func (a Asked) AgreedOther() bool { return a.OtherCredentials == a.Other.Credentials }

const askedColumns = `
	SELECT m.id, m.keep_id, m.other_id, s.name AS starter, m.reason, m.created_at, m.expires_at, m.keep_credentials, m.other_credentials, m.keep_shown, m.other_shown
	FROM merges m JOIN staff s ON s.id = m.started_by
	WHERE m.state = 'asked' AND m.created_at <= $1 AND m.expires_at > $1`

// asked reads what is asked for; ErrNone where it is not.
func asked(tx *db.Tx, where string, arg any) (a Asked, err error) {
	type row struct {
		ID               id.Merge
		KeepID, OtherID  id.User
		Starter          string
		Reason           string
		CreatedAt        time.Time
		ExpiresAt        time.Time
		KeepCredentials  int64
		OtherCredentials int64
		KeepShown        string
		OtherShown       string
	}
	r, err := db.One[row](tx, askedColumns+where, tx.Now, arg)
	if err != nil {
		return a, err
	}
	a = Asked{
		ID: r.ID, KeepID: r.KeepID, OtherID: r.OtherID, Starter: r.Starter, Reason: r.Reason, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		KeepCredentials: r.KeepCredentials, OtherCredentials: r.OtherCredentials, KeepShown: r.KeepShown, OtherShown: r.OtherShown,
	}
	if a.Keep, err = user.ByID(tx, a.KeepID); err != nil {
		return a, err
	}
	a.Other, err = user.ByID(tx, a.OtherID)
	return a, err
}

// A View is what staff see of a user's logins.
type View struct {
	Asked  Asked // number 0 where nothing is asked for
	Into   user.User
	Until  time.Time // when that becomes final
	Brings []Done    // logins that were brought into this one and can be taken out
}

// OfUser reads what is under way for a user.
func (v *Merges) OfUser(ctx context.Context, by staff.For[staff.Look], u id.User) (w View, err error) {
	defer fault.Wrap(&err, "merge.OfUser(%d)", u)
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		if w.Asked, err = asked(tx, " AND (m.keep_id = $2 OR m.other_id = $2)", u); err != nil && !errors.Is(err, db.ErrNone) {
			return err
		}
		if w.Brings, err = db.All[Done](tx, doneColumns+" AND m.keep_id = $1 ORDER BY m.id DESC", u, tx.Now); err != nil {
			return err
		}
		into, err := db.All[Done](tx, doneColumns+" AND m.other_id = $1", u, tx.Now)
		if err != nil || len(into) == 0 {
			return err
		}
		w.Until = into[0].UndoUntil
		w.Into, err = user.ByID(tx, into[0].KeepID)
		return err
	})
	return w, err
}

// Ask asks a person to bring two logins together. Both get a mail; only she,
// signed in to each of them, can agree, and either mail stops it.
func (v *Merges) Ask(ctx context.Context, by staff.For[staff.Help], keep, other id.User, reason string) (err error) {
	defer fault.Wrap(&err, "merge.Ask(%d, %d)", keep, other)
	reason, bad := plain.Text(reason, 500)
	if bad != nil || len(reason) < 10 {
		return fault.Field("reason", "Say in a sentence why these are one person's logins. The log keeps it.")
	}
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		p, err := plan(tx, keep, other)
		if errors.Is(err, errBusy) {
			return fault.Field("other", "There is no user with this number.")
		}
		if err != nil {
			return err
		}
		if p.Problem != "" {
			return fault.Field("other", p.Problem)
		}
		a, err := v.note(tx, by, p, reason)
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "merge.started", Object: "merge", ObjectID: int64(a), Subject: keep, After: map[string]any{"other": other, "reason": reason}})
	})
}

var errAsked = fault.Field("other", "One of these two has been asked to bring logins together already. Withdraw that first.")

// note writes it down, and mails both.
func (v *Merges) note(tx *db.Tx, by staff.For[staff.Help], p Plan, reason string) (number id.Merge, err error) {
	if _, err := db.Exec(tx, "UPDATE merges SET state = 'expired', closed_at = $1 WHERE state = 'asked' AND expires_at <= $1", tx.Now); err != nil {
		return 0, err
	}
	open, err := db.One[int64](tx, "SELECT COUNT(*) FROM merges WHERE state = 'asked' AND (keep_id IN ($1, $2) OR other_id IN ($1, $2))", p.Keep.ID, p.Other.ID)
	if err != nil || open > 0 {
		return 0, errors.Join(err, errAsked)
	}
	keep, keepHash := auth.NewToken()
	other, otherHash := auth.NewToken()
	until := tx.Now.Add(AskLife)
	number, err = db.One[id.Merge](tx, `
		INSERT INTO merges (keep_id, other_id, state, started_by, reason, keep_hash, other_hash, created_at, expires_at)
		VALUES ($1, $2, 'asked', $3, $4, $5, $6, $7, $8) RETURNING id`, p.Keep.ID, p.Other.ID, by.Staff(), reason, keepHash, otherHash, tx.Now, until)
	if db.Exists(err) {
		return 0, errAsked
	}
	if err != nil {
		return 0, err
	}
	return number, errors.Join(v.mailAsked(tx, p.Keep, keep, until), v.mailAsked(tx, p.Other, other, until))
}

func (v *Merges) mailAsked(tx *db.Tx, to user.User, token string, until time.Time) error {
	_, err := v.outbox.Send(tx, mail.Message{
		Kind: "merge-asked", Class: mail.Urgent, To: to.Address, User: to.ID, Language: to.Language, Subject: locale.T("Bring your logins at {brand} together?", "brand", v.settings.Brand()),
		Lines: []locale.Text{
			locale.T("Hello {name},", "name", plain.Defang(to.Name)),
			locale.T("the support of {brand} has been told that you have another login here, and asks whether one of them should open everything. Nothing happens before you have agreed, signed in to each of the two.", "brand", v.settings.Brand()),
		},
		Action:  mail.Action{Label: locale.T("Look at it, or stop it"), URL: v.baseURL + "/together/" + token},
		Closing: []locale.Text{locale.T("You have until {time}.", "time", until), locale.T("If you have one login only, stop it: somebody may want to get at yours.")},
	})
	return err
}

// Withdraw gives up what staff have asked for.
func (v *Merges) Withdraw(ctx context.Context, by staff.For[staff.Help], u id.User) (err error) {
	defer fault.Wrap(&err, "merge.Withdraw(%d)", u)
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if _, err := user.ByID(tx, u); errors.Is(err, db.ErrNone) {
			return fault.Missing()
		} else if err != nil {
			return err
		}
		a, err := asked(tx, " AND (m.keep_id = $2 OR m.other_id = $2)", u)
		if errors.Is(err, db.ErrNone) {
			return errNoMerge
		}
		if err != nil {
			return err
		}
		return v.end(tx, a, "withdrawn", by.Actor())
	})
}

// end ends what was asked for, once.
func (v *Merges) end(tx *db.Tx, a Asked, state string, by audit.Actor) error {
	n, err := db.Exec(tx, "UPDATE merges SET state = $2, closed_at = $3 WHERE id = $1 AND state = 'asked'", a.ID, state, tx.Now)
	if err == nil && n == 0 {
		err = errNoMerge
	}
	if err != nil {
		return err
	}
	return audit.Write(tx, by, audit.Record{Event: "merge." + state, Object: "merge", ObjectID: int64(a.ID), Subject: a.KeepID})
}

// A Side is what was asked for, as the holder of one of the two links sees it.
type Side struct {
	Asked
	Mine user.User // the login whose mailbox the link was sent to
}

// Kept reports whether that login is the one that stays.
func (s Side) Kept() bool { return s.Mine.ID == s.KeepID }

// Agreed reports whether she has agreed with that login already.
func (s Side) Agreed() bool {
	if s.Kept() {
		return s.AgreedKeep()
	}
	return s.AgreedOther()
}

func side(tx *db.Tx, token string) (s Side, err error) {
	hash := auth.HashToken(token)
	s.Asked, err = asked(tx, " AND (m.keep_hash = $2 OR m.other_hash = $2)", hash)
	if errors.Is(err, db.ErrNone) {
		return s, errNoMerge
	}
	if err != nil {
		return s, err
	}
	kept, err := db.One[int64](tx, "SELECT COUNT(*) FROM merges WHERE id = $1 AND keep_hash = $2", s.ID, hash)
	if s.Mine = s.Other; kept > 0 {
		s.Mine = s.Keep
	}
	return s, err
}

// Open finds what a mailed link is about, and changes nothing.
func (v *Merges) Open(ctx context.Context, token string) (s Side, err error) {
	defer fault.Wrap(&err, "merge.Open")
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		s, err = side(tx, token)
		return err
	})
	return s, err
}

// Stop ends it, by either link alone.
func (v *Merges) Stop(ctx context.Context, token string, r auth.Request) (err error) {
	defer fault.Wrap(&err, "merge.Stop")
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		s, err := side(tx, token)
		if err != nil {
			return err
		}
		by := audit.Actor{Kind: audit.User, ID: int64(s.Mine.ID), Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
		return v.end(tx, s.Asked, "stopped", by)
	})
}

// errOtherLogin is the answer to a link that is followed by somebody who is
// signed in to another login than the one that it was sent to.
var errOtherLogin = fault.New(fault.Denied, "merge-login", "This link was sent to another login. Sign out, sign in to that one, and open the link again.")

// OtherAgreed reports whether she has agreed with the login that the link was
// not sent to.
func (s Side) OtherAgreed() bool {
	if s.Kept() {
		return s.AgreedOther()
	}
	return s.AgreedKeep()
}

// Look reads what would happen, for somebody who is signed in to the login
// that the link was sent to. Until the other one has agreed too, she reads of
// her own only: operators can be wrong about who has which login.
func (v *Merges) Look(ctx context.Context, i auth.Identity, token string) (s Side, p Plan, err error) {
	defer fault.Wrap(&err, "merge.Look(%d)", i.User())
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		if s, err = side(tx, token); err != nil {
			return err
		}
		if s.Mine.ID != i.User() {
			return errOtherLogin
		}
		if p, err = plan(tx, s.KeepID, s.OtherID); err == nil && !s.OtherAgreed() {
			p = p.half(s.Mine.ID)
		}
		return err
	})
	return s, p, err
}

// Agree says yes with the login that the link was sent to. The second of the
// two does it; done tells whether it was the second.
func (v *Merges) Agree(ctx context.Context, i auth.Identity, token, digest string) (in auth.SignedIn, done bool, err error) {
	defer fault.Wrap(&err, "merge.Agree(%d)", i.User())
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		s, err := side(tx, token)
		if err != nil {
			return err
		}
		locked, err := v.memberships.LockJoined(tx, s.KeepID, s.OtherID)
		if err != nil {
			return err
		}
		if s, err = side(tx, token); err != nil {
			return err
		}
		if s.Mine.ID != i.User() {
			return errOtherLogin
		}
		if s, err = agreed(tx, s, digest); err != nil {
			return err
		}
		if err := audit.Write(tx, i.Actor(), audit.Record{Event: "merge.confirmed", Object: "merge", ObjectID: int64(s.ID)}); err != nil {
			return err
		}
		if done = s.AgreedKeep() && s.AgreedOther(); !done {
			return nil
		}
		in, err = v.join(tx, i, s.ID, s.KeepID, s.OtherID, locked, digest)
		return err
	})
	return in, done, err
}

// agreed notes that she has agreed with one of the two, to what she was shown.
// What the other one has agreed to before holds only while that is in what it
// was in then.
func agreed(tx *db.Tx, s Side, seen string) (Side, error) {
	p, err := plan(tx, s.KeepID, s.OtherID)
	if err != nil {
		return s, err
	}
	keep, other := shown(p, s.KeepID), shown(p, s.OtherID)
	switch {
	case !s.OtherAgreed() && seen != shown(p, s.Mine.ID):
		return s, errMoved
	case s.Kept():
		s.KeepCredentials, s.KeepShown = s.Keep.Credentials, keep
		if s.OtherShown != other {
			s.OtherCredentials = 0
		}
	default:
		s.OtherCredentials, s.OtherShown = s.Other.Credentials, other
		if s.KeepShown != keep {
			s.KeepCredentials = 0
		}
	}
	n, err := db.Exec(tx, "UPDATE merges SET keep_credentials = $2, other_credentials = $3, keep_shown = $4, other_shown = $5 WHERE id = $1 AND state = 'asked'",
		s.ID, s.KeepCredentials, s.OtherCredentials, s.KeepShown, s.OtherShown)
	if err == nil && n == 0 {
		err = errNoMerge
	}
	return s, err
}

package staff

import (
	"context"
	"errors"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// ImpersonationLife is how long an operator looks as somebody else, at most.
const ImpersonationLife = time.Hour

// minReason is how many characters a reason has at least.
const minReason = 10

// Impersonations let operators look at an account as one of its people.
type Impersonations struct {
	db          *db.DB
	memberships *access.Memberships
	outbox      *mail.Outbox
	baseURL     string
	settings    *setting.Settings
}

// NewImpersonations makes Impersonations. Where the settings say so, people are
// mailed when an operator looks or acts as them.
func NewImpersonations(d *db.DB, m *access.Memberships, o *mail.Outbox, baseURL string, set *setting.Settings) *Impersonations {
	return &Impersonations{db: d, memberships: m, outbox: o, baseURL: baseURL, settings: set}
}

// A Subject is whom an operator is about to look as, and where.
type Subject struct {
	User    user.User
	Account string
	Refusal string                 // why it cannot be, in words; empty where it can
	Running []access.Impersonation // the one that this session has already
}

// Subject reads whom an operator asks to look as; nobody where the user does
// not reach the account.
func (v *Impersonations) Subject(ctx context.Context, by For[ViewAs], u id.User, a id.Account) (s Subject, err error) {
	defer fault.Wrap(&err, "staff.Subject(%d, %d)", u, a)
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		s, err = subject(tx, u, a)
		if err != nil {
			return err
		}
		s.Running, err = v.runningOf(tx, by.session)
		return err
	})
	return s, err
}

func subject(tx *db.Tx, u id.User, a id.Account) (s Subject, err error) {
	if s.User, err = user.ByID(tx, u); errors.Is(err, db.ErrNone) {
		return s, fault.Missing()
	}
	if err != nil {
		return s, err
	}
	in, err := access.Enters(tx, a, u)
	if err != nil {
		return s, err
	}
	if !in {
		return s, fault.Missing()
	}
	type row struct {
		Name         string
		StaffMayLook bool
		UserIsStaff  bool
	}
	r, err := db.One[row](tx, `
		SELECT a.name, a.staff_may_look, EXISTS (SELECT 1 FROM staff s WHERE s.address = $2 AND s.status = 'active') AS user_is_staff
		FROM accounts a WHERE a.id = $1`, a, s.User.Address)
	s.Account = r.Name
	switch {
	case s.User.Status != user.Active:
		s.Refusal = "This user cannot sign in, so nobody looks as this user."
	case r.UserIsStaff:
		s.Refusal = "This user has the address of somebody who works here. Nobody looks as staff, and nobody as oneself."
	case !r.StaffMayLook:
		s.Refusal = r.Name + " does not allow staff to look at it as one of its people. Its owners can, under People, in the sign-in rules."
	}
	return s, err
}

// running are those that have not been ended, whether or not they are over.
const running = "v.ended_at IS NULL"

// over says why an impersonation is over, by the settings in force.
func (v *Impersonations) over(i access.Impersonation, now time.Time) (why string) {
	return i.Over(now, v.settings.Current())
}

func (v *Impersonations) runningOf(tx *db.Tx, session id.Session) ([]access.Impersonation, error) {
	list, err := access.Impersonations(tx, running+" AND v.staff_session_id = $2", session)
	if err != nil || len(list) == 0 || v.over(list[0], tx.Now) != "" {
		return nil, err
	}
	return list, nil
}

// Start begins to look at an account as one of its people. A session has one
// at a time, and it does not nest. The user and the account's people read the
// reason.
func (v *Impersonations) Start(ctx context.Context, by For[ViewAs], u id.User, a id.Account, reason, origin string) (token string, err error) {
	defer fault.Wrap(&err, "staff.Start(%d, %d)", u, a)
	reason, bad := plain.Text(reason, 500)
	refusal := ""
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		s, err := subject(tx, u, a)
		if err != nil {
			return err
		}
		if refusal = s.Refusal; refusal != "" {
			return audit.Write(tx, by.Actor(), audit.Record{Event: "impersonation.started", Account: a, Object: "user", ObjectID: int64(u), Subject: u, Denied: true})
		}
		if bad != nil || len([]rune(reason)) < minReason {
			return fault.Field("reason", "Say in a sentence why you look. The user reads it, and the log keeps it.")
		}
		token, err = v.start(tx, by, s, a, reason, origin)
		return err
	})
	if err == nil && refusal != "" {
		err = fault.New(fault.Denied, "no-impersonation", refusal)
	}
	return token, err
}

func (v *Impersonations) start(tx *db.Tx, by For[ViewAs], s Subject, a id.Account, reason, origin string) (token string, err error) {
	before, err := access.Impersonations(tx, running+" AND v.staff_session_id = $2", by.session)
	if err != nil {
		return "", err
	}
	for _, i := range before {
		why := v.over(i, tx.Now)
		if why == "" {
			return "", errRunning
		}
		if err := finish(tx, system, i, why); err != nil {
			return "", err
		}
	}
	token, hash := auth.NewToken()
	number, err := db.One[id.Impersonation](tx, `
		INSERT INTO impersonations (staff_id, staff_session_id, user_id, account_id, token_hash, reason, origin, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`, by.staff, by.session, s.User.ID, a, hash, reason, origin, tx.Now, tx.Now.Add(ImpersonationLife))
	if db.Exists(err) {
		return "", errRunning
	}
	if err != nil {
		return "", err
	}
	err = audit.Write(tx, by.Actor(), audit.Record{
		Event: "impersonation.started", Account: a, Object: "impersonation", ObjectID: int64(number), Subject: s.User.ID, After: map[string]string{"reason": reason},
	})
	if err != nil {
		return "", err
	}
	i := access.Impersonation{ID: number, StaffName: by.Name(), UserID: s.User.ID, AccountID: a, AccountName: s.Account, Reason: reason, ExpiresAt: tx.Now.Add(ImpersonationLife)}
	return token, v.mail(tx, i)
}

var errRunning = fault.New(fault.Conflict, "impersonation-running", "You look as somebody already. End that first, under Impersonations.")

// system is the actor of what ends by itself.
var system = audit.Actor{Kind: audit.System, Via: audit.ViaSystem}

// Act lets the operator change things in the account as which she looks: the
// second step.
func (v *Impersonations) Act(ctx context.Context, by For[ActAs]) (i access.Impersonation, err error) {
	defer fault.Wrap(&err, "staff.Act(%d)", by.staff)
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := v.runningOf(tx, by.session)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fault.New(fault.Conflict, "no-impersonation", "You do not look as anybody now.")
		}
		if i = list[0]; i.Acts() {
			return nil
		}
		if _, err := db.Exec(tx, "UPDATE impersonations SET acting_at = $2 WHERE id = $1 AND ended_at IS NULL", i.ID, tx.Now); err != nil {
			return err
		}
		err = audit.Write(tx, by.Actor(), audit.Record{Event: "impersonation.acting", Account: i.AccountID, Object: "impersonation", ObjectID: int64(i.ID), Subject: i.UserID})
		if err != nil {
			return err
		}
		i.ActingAt = db.Some(tx.Now)
		return v.mail(tx, i)
	})
	return i, err
}

// End ends what this session looks at, and says where it began. Where there
// is nothing any more, that is no fault.
func (v *Impersonations) End(ctx context.Context, by For[ViewAs]) (origin string, err error) {
	defer fault.Wrap(&err, "staff.End(%d)", by.staff)
	err = v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := access.Impersonations(tx, running+" AND v.staff_session_id = $2", by.session)
		if err != nil || len(list) == 0 {
			return err
		}
		origin = list[0].Origin
		return finish(tx, by.Actor(), list[0], "ended")
	})
	return origin, err
}

// EndOther ends what another session looks at.
func (v *Impersonations) EndOther(ctx context.Context, by For[ManageStaff], number id.Impersonation) (err error) {
	defer fault.Wrap(&err, "staff.EndOther(%d)", number)
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := access.Impersonations(tx, "v.id = $2", number)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fault.Missing()
		}
		return finish(tx, by.Actor(), list[0], "ended")
	})
}

// finish writes down that an impersonation is over, once.
func finish(tx *db.Tx, by audit.Actor, i access.Impersonation, why string) error {
	n, err := db.Exec(tx, "UPDATE impersonations SET ended_at = $2, ended_why = $3 WHERE id = $1 AND ended_at IS NULL", i.ID, tx.Now, why)
	if err != nil || n == 0 {
		return err
	}
	return audit.Write(tx, by, audit.Record{
		Event: "impersonation.ended", Account: i.AccountID, Object: "impersonation", ObjectID: int64(i.ID), Subject: i.UserID, After: map[string]string{"why": why},
	})
}

// Running lists who looks as whom now: all of it for those who manage staff,
// and an operator's own for the others.
func (v *Impersonations) Running(ctx context.Context, by For[SeeLooks]) (list []access.Impersonation, err error) {
	defer fault.Wrap(&err, "staff.Running")
	_, all := Also[ManageStaff](by)
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		found, err := access.Impersonations(tx, running+" AND (v.staff_id = $2 OR $3) ORDER BY v.id DESC", by.staff, all)
		for _, i := range found {
			if v.over(i, tx.Now) == "" {
				list = append(list, i)
			}
		}
		return err
	})
	return list, err
}

// IsOwn reports whether an impersonation belongs to the operator's session.
func (i Identity) IsOwn(v access.Impersonation) bool { return v.SessionID == i.session }

// Identify finds out as whom an operator makes a request, from the token of
// an impersonation. Where that is over, or never was, it is nobody, and why
// says so.
func (v *Impersonations) Identify(ctx context.Context, token string, r auth.Request) (who auth.Identity, i access.Impersonation, why string, err error) {
	defer fault.Wrap(&err, "staff.Impersonations.Identify")
	who, i, now, err := v.ofToken(ctx, token, r)
	if err == nil && i.ID == 0 {
		return auth.Identity{}, i, "unknown", nil
	}
	if err == nil {
		err = v.settings.Seen(ctx, i.Version)
	}
	if err != nil {
		return auth.Identity{}, i, "", err
	}
	why = v.over(i, now)
	if why == "" {
		_, err = access.Check[access.Enter](ctx, v.memberships, access.Person(who), i.AccountID)
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
			why, err = "access", nil
		}
	}
	if err != nil {
		return auth.Identity{}, i, "", err
	}
	if why != "" {
		return auth.Identity{}, i, why, v.noteOver(ctx, i, why)
	}
	return who, i, "", v.seen(ctx, i, now)
}

// ofToken reads an impersonation by its token, and whom it makes of the
// operator; none where there is none.
func (v *Impersonations) ofToken(ctx context.Context, token string, r auth.Request) (who auth.Identity, i access.Impersonation, now time.Time, err error) {
	err = v.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		now = tx.Now
		list, err := access.Impersonations(tx, "v.token_hash = $2", auth.HashToken(token))
		if err != nil || len(list) == 0 {
			return err
		}
		i = list[0]
		u, err := user.ByID(tx, i.UserID)
		who = auth.Impersonated(u, auth.Impersonator{Number: i.ID, Staff: i.StaffID, Name: i.StaffName, Account: i.AccountID}, r)
		return err
	})
	return who, i, now, err
}

// noteOver writes down that an impersonation ended by itself, where that is
// new.
func (v *Impersonations) noteOver(ctx context.Context, i access.Impersonation, why string) error {
	if i.ID == 0 || i.EndedAt.Valid {
		return nil
	}
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error { return finish(tx, system, i, why) })
}

// seen notes that the operator is there: her session does not stand idle
// while she looks.
func (v *Impersonations) seen(ctx context.Context, i access.Impersonation, now time.Time) error {
	if now.Sub(i.SeenAt) < seenEvery {
		return nil
	}
	return v.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE staff_sessions SET seen_at = $2 WHERE id = $1 AND ended_at IS NULL AND seen_at < $2", i.SessionID, tx.Now)
		return err
	})
}

// NoteForbidden records that an operator was refused what nobody may do for
// somebody else. That it cannot be recorded changes nothing about the refusal.
func (v *Impersonations) NoteForbidden(ctx context.Context, who auth.Identity) {
	by, _ := who.Impersonator()
	_ = v.db.Write(ctx, db.InAccount(by.Account, 0), func(tx *db.Tx) error {
		wait, err := deniedLimit.Take(tx, "staff.denied:"+id.String(by.Staff))
		if err != nil || wait > 0 {
			return err
		}
		return audit.Write(tx, who.Actor(), audit.Record{Event: "impersonation.forbidden", Account: by.Account, Object: "impersonation", ObjectID: int64(by.Number), Denied: true})
	})
}

// Sweep writes down which impersonations have ended by themselves.
func (v *Impersonations) Sweep(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "staff.Impersonations.Sweep")
	return v.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := access.Impersonations(tx, running)
		if err != nil {
			return err
		}
		for _, i := range list {
			if why := v.over(i, tx.Now); why != "" {
				if err := finish(tx, system, i, why); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// mail tells the user, where the installation does so.
func (v *Impersonations) mail(tx *db.Tx, i access.Impersonation) error {
	if !v.settings.Current().TellImpersonation {
		return nil
	}
	u, err := user.ByID(tx, i.UserID)
	if err != nil || u.Address.IsNowhere() {
		return err
	}
	names := []any{"person", plain.Defang(i.StaffName), "brand", v.settings.Brand(), "account", plain.Defang(i.AccountName), "time", i.ExpiresAt}
	subject := locale.T("{person} of {brand} looks at {account} as you see it", names...)
	line := locale.T("{person} of {brand} looks at {account} as you see it, until {time} at the latest. Nothing can be changed in this way.", names...)
	if i.Acts() {
		subject = locale.T("{person} of {brand} acts in {account} for you", names...)
		line = locale.T("{person} of {brand} acts in {account} for you, until {time} at the latest. What is done in this way stands in your activity and in the account's, with the name of who did it.", names...)
	}
	_, err = v.outbox.Send(tx, mail.Message{
		Kind: "impersonation", Class: mail.Urgent, To: u.Address, User: u.ID, About: i.AccountID, Language: u.Language,
		Subject: subject,
		Lines:   []locale.Text{locale.T("Hello {name},", "name", plain.Defang(u.Name)), line},
		Facts: []mail.Fact{
			{Label: locale.T("Account"), Value: locale.T("{account}, number {number}", "account", plain.Defang(i.AccountName), "number", id.String(i.AccountID))},
			{Label: locale.T("Reason"), Value: locale.AsIs(plain.Defang(i.Reason))},
		},
		Action:  mail.Action{Label: locale.T("See your activity"), URL: v.baseURL + "/me/activity"},
		Closing: []locale.Text{locale.T("You did not expect this? Write to {brand}. The owners of an account decide whether staff may look at it in this way: under People, in the sign-in rules.", "brand", v.settings.Brand())},
	})
	return err
}

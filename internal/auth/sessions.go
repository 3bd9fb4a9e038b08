package auth

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// How long a session lives where nobody has set other times: at most
// SessionLife whatever happens in it, and at most SessionIdle after its last
// request.
const (
	SessionLife = setting.SessionLife
	SessionIdle = setting.SessionIdle
)

// seenEvery bounds how often a session's last use is written down.
const seenEvery = 5 * time.Minute

// Identify finds out who made a request, from the token of her session. No
// token, an unknown one and one that has ended are the same: nobody.
func (a *Auth) Identify(ctx context.Context, token string, r Request) (i Identity, err error) {
	if token == "" {
		return Identity{request: r}, nil
	}
	defer fault.Wrap(&err, "auth.Identify")
	type row struct {
		SessionID   id.Session
		UserID      id.User
		Name        string
		Address     mail.Address
		VerifiedAt  db.Null[time.Time]
		Language    string
		LastAccount db.Null[id.Account]
		Several     bool
		ProvedAt    time.Time
		CreatedAt   time.Time
		SeenAt      time.Time
		Way         string
		WayTimes    string
		SecondAt    db.Null[time.Time]
		ExpiresAt   time.Time
		Terms       int64
		Version     int64
	}
	var s row
	var now time.Time
	err = a.db.Peek(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		now = tx.Now
		s, err = db.One[row](tx, `
			SELECT s.id AS session_id, u.id AS user_id, u.name, u.address, u.verified_at, u.language, u.last_account, u.several, s.proved_at, s.created_at, s.seen_at, s.way, s.way_times, s.second_at,
				s.expires_at, u.terms_version AS terms, `+setting.VersionSQL+` AS version
			FROM sessions s JOIN users u ON u.id = s.user_id
			WHERE s.token_hash = $1 AND s.ended_at IS NULL AND s.created_at <= $2 AND u.status = 'active'`,
			HashToken(token), tx.Now)
		return err
	})
	if errors.Is(err, db.ErrNone) {
		return Identity{request: r}, nil
	}
	if err != nil {
		return Identity{}, err
	}
	if err := a.settings.Seen(ctx, s.Version); err != nil {
		return Identity{}, err
	}
	if rules := a.settings.Current(); !s.ExpiresAt.After(now) || now.Sub(s.SeenAt) >= rules.SessionIdle || now.Sub(s.CreatedAt) >= rules.SessionLife {
		return Identity{request: r}, a.expire(ctx, s.SessionID)
	}
	if now.Sub(s.SeenAt) >= seenEvery {
		err = a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
			_, err := db.Exec(tx, "UPDATE sessions SET seen_at = $2, network = $3 WHERE id = $1 AND ended_at IS NULL AND seen_at < $2", s.SessionID, tx.Now, r.Network)
			return err
		})
		if err != nil {
			return Identity{}, err
		}
	}
	proof := OpenSession{Session: Session{CreatedAt: s.CreatedAt, Way: s.Way, SecondAt: s.SecondAt}, ProvedAt: s.ProvedAt, WayTimes: s.WayTimes}.Proof()
	return Identity{
		session: s.SessionID, user: s.UserID, name: s.Name, address: s.Address, verified: s.VerifiedAt.Valid,
		language: s.Language, provedAt: s.ProvedAt, lastUsed: s.LastAccount.V, several: s.Several, terms: s.Terms, request: r, proof: proof,
	}, nil
}

// expire ends a session that has got too old, so that it stays ended also
// where the clock is set back.
func (a *Auth) expire(ctx context.Context, s id.Session) error {
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", s, tx.Now)
		return err
	})
}

// endSessions ends every session of a user but the one to keep; 0 keeps none.
func endSessions(tx *db.Tx, u id.User, keep id.Session) (int64, error) {
	return db.Exec(tx, "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL", u, keep, tx.Now)
}

// SignOut ends the session of the request.
func (a *Auth) SignOut(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "auth.SignOut(%d)", i.user)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", i.session, tx.Now)
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "user.signed_out", Object: "session", ObjectID: int64(i.session)})
	})
}

// A Session is a signed-in browser as its person sees it.
type Session struct {
	ID        id.Session
	CreatedAt time.Time
	SeenAt    time.Time
	Agent     string
	Network   string
	Way       string
	SecondAt  db.Null[time.Time]
}

// isOpen is the SQL of "this session opens something now" for a user ($1) at a
// time ($2), by the settings in force: last used after $3, begun after $4.
const isOpen = "user_id = $1 AND ended_at IS NULL AND created_at <= $2 AND expires_at > $2 AND seen_at > $3 AND created_at > $4"

// Sessions lists where a person is signed in, the last used first.
func (a *Auth) Sessions(ctx context.Context, i Identity) (list []Session, err error) {
	defer fault.Wrap(&err, "auth.Sessions(%d)", i.user)
	rules := a.settings.Current()
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = db.All[Session](tx, `
			SELECT id, created_at, seen_at, agent, network, way, second_at FROM sessions
			WHERE `+isOpen+` ORDER BY seen_at DESC, id DESC LIMIT 100`,
			i.user, tx.Now, tx.Now.Add(-rules.SessionIdle), tx.Now.Add(-rules.SessionLife))
		return err
	})
	return list, err
}

// EndSession ends one of the person's own sessions.
func (a *Auth) EndSession(ctx context.Context, i Identity, s id.Session) (err error) {
	defer fault.Wrap(&err, "auth.EndSession(%d)", s)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL", s, i.user, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "session.ended", Object: "session", ObjectID: int64(s)})
	})
}

// EndOtherSessions signs the person out everywhere but here.
func (a *Auth) EndOtherSessions(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "auth.EndOtherSessions(%d)", i.user)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := endSessions(tx, i.user, i.session)
		if err != nil {
			return err
		}
		if err := endUnderway(tx, i.user); err != nil {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "session.others_ended", Object: "user", ObjectID: int64(i.user), After: map[string]int64{"ended": n}})
	})
}

// EndAll signs a user out everywhere, for operators.
func EndAll(tx *db.Tx, u id.User, by audit.Actor) error {
	n, err := endSessions(tx, u, 0)
	if err != nil {
		return err
	}
	if err := endUnderway(tx, u); err != nil {
		return err
	}
	return audit.Write(tx, by, audit.Record{Event: "user.sessions_ended", Object: "user", ObjectID: int64(u), Subject: u, After: map[string]int64{"ended": n}})
}

// UseAccount notes which account the person used last.
func (a *Auth) UseAccount(ctx context.Context, i Identity, account id.Account) (err error) {
	if i.lastUsed == account {
		return nil
	}
	defer fault.Wrap(&err, "auth.UseAccount(%d)", account)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE users SET last_account = $2 WHERE id = $1", i.user, account)
		return err
	})
}

// Me reads the person's own record.
func (a *Auth) Me(ctx context.Context, i Identity) (u user.User, err error) {
	defer fault.Wrap(&err, "auth.Me(%d)", i.user)
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		u, err = user.ByID(tx, i.user)
		return err
	})
	return u, err
}

// Rename changes the person's own name and language.
func (a *Auth) Rename(ctx context.Context, i Identity, name, language string) (err error) {
	defer fault.Wrap(&err, "auth.Rename(%d)", i.user)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := user.Rename(tx, i.user, name, language); err != nil {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "user.renamed", Object: "user", ObjectID: int64(i.user)})
	})
}

// AcceptTerms notes that the person has accepted the terms, in the version
// that she was shown.
func (a *Auth) AcceptTerms(ctx context.Context, i Identity, version int64) (err error) {
	defer fault.Wrap(&err, "auth.AcceptTerms(%d)", i.user)
	if version, err = a.settings.Current().MustAccept(version); err != nil {
		return err
	}
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return setting.Accept(tx, i.user, version, i.Actor())
	})
}

// HideSeveral puts away what somebody is told who may have further logins.
func (a *Auth) HideSeveral(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "auth.HideSeveral(%d)", i.user)
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE users SET several = FALSE WHERE id = $1 AND several", i.user)
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "user.hint_hidden", Object: "user", ObjectID: int64(i.user)})
	})
}

// Log is what the person did and what was done to her.
func (a *Auth) Log(i Identity) audit.View {
	return audit.View{
		Reader: i.Actor(), Own: audit.Filter{Of: i.user},
		Read: func(ctx context.Context, fn func(tx *db.Tx) error) error {
			return a.db.Read(ctx, db.AsUser(i.user), fn)
		},
		Write: func(ctx context.Context, fn func(tx *db.Tx) error) error {
			return a.db.Write(ctx, db.AsUser(i.user), fn)
		},
	}
}

// keep is how long what has ended is kept, for looking into what happened.
const keep = 90 * 24 * time.Hour

// Sweep deletes what has ended long ago: counters, links and sessions. Each
// kind goes by itself, so that one that cannot go keeps no other.
func (a *Auth) Sweep(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "auth.Sweep")
	err = a.db.Write(ctx, db.Wide, func(tx *db.Tx) error { return mail.EraseGoodbyes(tx, tx.Now.Add(-goodbyeLife)) })
	for _, s := range sweeps {
		err = errors.Join(err, a.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
			_, err := db.Exec(tx, s.statement, tx.Now.Add(-s.after))
			return err
		}))
	}
	return err
}

// sweeps are what is deleted, in this order, and how long after its end.
var sweeps = []struct {
	statement string
	after     time.Duration
}{
	{"DELETE FROM throttles WHERE ends_at < $1", 0},
	{"DELETE FROM user_links WHERE expires_at < $1", keep},
	{"DELETE FROM sessions WHERE expires_at < $1 OR ended_at < $1", keep},
	{"DELETE FROM devices WHERE ended_at < $1", keep},
	{"DELETE FROM address_changes WHERE expires_at < $1 AND (undo_until IS NULL OR undo_until < $1)", keep},
	{"DELETE FROM factor_resets WHERE closed_at < $1", keep},
	{"DELETE FROM recovery_codes WHERE used_at < $1", keep},
	{"DELETE FROM ceremonies WHERE expires_at < $1", 0},
	{"DELETE FROM pending_signins WHERE expires_at < $1", 0},
	{"DELETE FROM alarms WHERE expires_at < $1", 0},
	// What an operator has looked at as somebody else stays, without the session.
	// One that nobody has written down as over yet keeps its session until then.
	{"UPDATE impersonations SET staff_session_id = NULL WHERE ended_at IS NOT NULL AND staff_session_id IN (SELECT id FROM staff_sessions WHERE expires_at < $1)", keep},
	{"DELETE FROM staff_sessions WHERE expires_at < $1 AND NOT EXISTS (SELECT 1 FROM impersonations v WHERE v.staff_session_id = staff_sessions.id)", keep},
	{"DELETE FROM staff_links WHERE expires_at < $1", keep},
	{"DELETE FROM staff_recovery_codes WHERE used_at < $1", keep},
}

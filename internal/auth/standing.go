package auth

import (
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// An OpenSession is a session that is open now, with what it has shown: for
// operators, who see where a person is signed in and hold it against what an
// account asks for.
type OpenSession struct {
	Session
	ProvedAt time.Time
	WayTimes string
}

// Proof is what the session has shown.
func (s OpenSession) Proof() Proof {
	p := Proof{Ways: ParseWays(s.Way), Times: parseTimes(s.WayTimes), SecondAt: s.SecondAt, At: s.ProvedAt}
	if p.At.Before(s.CreatedAt) {
		p.At = s.CreatedAt
	}
	return p
}

// SessionsOf lists where a user is signed in, the last used first, by the
// rules of how long a session lives.
func SessionsOf(tx *db.Tx, u id.User, rules *setting.Values) ([]OpenSession, error) {
	return db.All[OpenSession](tx, `
		SELECT id, created_at, seen_at, agent, network, way, second_at, proved_at, way_times FROM sessions
		WHERE `+isOpen+` ORDER BY seen_at DESC, id DESC LIMIT 100`,
		u, tx.Now, tx.Now.Add(-rules.SessionIdle), tx.Now.Add(-rules.SessionLife))
}

// BestProof is what a user's session would have shown if she signed in now in
// every way that she has. What an account asks for beyond that, she cannot
// show at all.
func BestProof(tx *db.Tx, u id.User) (p Proof, err error) {
	password, err := db.One[bool](tx, "SELECT password <> '' FROM users WHERE id = $1", u)
	if err != nil {
		return p, err
	}
	if password {
		p.Ways = append(p.Ways, ByPassword)
	}
	second := false
	f, err := factorsOf(tx, u)
	if err != nil {
		return p, err
	}
	if f.Passkeys > 0 {
		p.Ways = append(p.Ways, ByPasskey)
	}
	type linked struct {
		ProviderID   id.Provider
		SecondFactor bool
	}
	links, err := db.All[linked](tx, "SELECT i.provider_id, p.second_factor FROM identities i JOIN providers p ON p.id = i.provider_id WHERE i.user_id = $1 AND p.status = 'active'", u)
	for _, l := range links {
		p.Ways = append(p.Ways, ByProvider(l.ProviderID))
		second = second || l.SecondFactor
	}
	p.At, p.Times = tx.Now, map[Way]time.Time{}
	for _, w := range p.Ways {
		p.Times[w] = tx.Now
	}
	if f.Any() || second {
		p.SecondAt = db.Some(tx.Now)
	}
	return p, err
}

// EndOne ends one session of a user's, for operators.
func EndOne(tx *db.Tx, u id.User, s id.Session, by audit.Actor) error {
	n, err := db.Exec(tx, "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL", s, u, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.Missing()
	}
	return audit.Write(tx, by, audit.Record{Event: "session.ended", Object: "session", ObjectID: int64(s), Subject: u})
}

// TellSuspended mails a user that operators keep her from signing in, or do so
// no more.
func (a *Auth) TellSuspended(tx *db.Tx, u user.User, suspended bool) error {
	brand := a.settings.Brand()
	m := mail.Message{
		Kind: "login-restored", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language, Subject: locale.T("You can sign in to {brand} again", "brand", brand),
		Lines:  []locale.Text{locale.T("{brand} support has restored your login. You can sign in again as before.", "brand", brand)},
		Action: mail.Action{Label: locale.T("Sign in"), URL: a.baseURL + "/signin"},
	}
	if suspended {
		m = mail.Message{
			Kind: "login-suspended", Class: mail.Urgent, To: u.Address, User: u.ID, Language: u.Language, Subject: locale.T("Your login at {brand} is suspended", "brand", brand),
			Lines: []locale.Text{
				locale.T("{brand} support has suspended your login. You are signed out everywhere, and cannot sign in until it is restored.", "brand", brand),
				locale.T("Your accounts and what you may do in them stay as they are."),
			},
			Closing: []locale.Text{locale.T("If you think that this is a mistake, write to {brand} support.", "brand", brand)},
		}
	}
	return a.send(tx, u.ID, m)
}

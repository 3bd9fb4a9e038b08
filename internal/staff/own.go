package staff

import (
	"context"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
	"clientele/internal/setting"
)

// A Session is a signed-in browser, as its operator sees it.
type Session struct {
	ID        id.Session
	CreatedAt time.Time
	SeenAt    time.Time
	Agent     string
	Network   string
	This      bool
}

// isOpen is the SQL of "this session x signs its operator in now", at a time
// ($1), by the settings in force: last used after $2, begun after $3.
const isOpen = "x.second_at IS NOT NULL AND x.ended_at IS NULL AND x.expires_at > $1 AND x.seen_at > $2 AND x.created_at > $3"

// openSince are the parameters of isOpen.
func openSince(tx *db.Tx, rules *setting.Values) (now, seen, began any) {
	return tx.Now, tx.Now.Add(-rules.StaffSessionIdle), tx.Now.Add(-rules.StaffSessionLife)
}

// Mine is what signs an operator in, on one page.
type Mine struct {
	auth.Held
	Sessions []Session
}

// Mine reads what signs the operator in, and where she is.
func (s *Staff) Mine(ctx context.Context, i Identity) (o Mine, err error) {
	defer fault.Wrap(&err, "staff.Mine(%d)", i.staff)
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		if o.Held, err = auth.HeldBy(tx, auth.Operator(i.staff)); err != nil {
			return err
		}
		now, seen, began := openSince(tx, s.settings.Current())
		o.Sessions, err = db.All[Session](tx, `
			SELECT x.id, x.created_at, x.seen_at, x.agent, x.network, x.id = $5 AS this FROM staff_sessions x
			WHERE x.staff_id = $4 AND `+isOpen+` ORDER BY x.seen_at DESC, x.id DESC LIMIT 100`, now, seen, began, i.staff, i.session)
		return err
	})
	return o, err
}

// mayAdd refuses a new factor to whoever has only shown a password, where
// there is one already: that one is to be shown first.
func mayAdd(tx *db.Tx, i Identity) error {
	if err := keep(tx, i.staff); err != nil || !i.half {
		return err
	}
	f, err := auth.FactorsOf(tx, auth.Operator(i.staff))
	if err == nil && f.Any() {
		err = fault.New(fault.Conflict, "second-step", "You have a second factor already. Show it first.")
	}
	return err
}

// BeginApp makes the seed of a new authenticator app.
func (s *Staff) BeginApp(ctx context.Context, i Identity) (token string, err error) {
	defer fault.Wrap(&err, "staff.BeginApp(%d)", i.staff)
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := mayAdd(tx, i); err != nil {
			return err
		}
		token, err = s.auth.BeginApp(tx, auth.Operator(i.staff), i.session)
		return err
	})
	return token, err
}

// NewSeed reads the seed that waits for its first code.
func (s *Staff) NewSeed(ctx context.Context, i Identity, token string) (auth.Seed, error) {
	return s.auth.AppSeed(ctx, auth.Operator(i.staff), i.session, token, i.address.String()+" (staff)")
}

// Added is what a new factor brings: the session goes on under a new token,
// and with the first one come recovery codes, shown this once.
type Added struct {
	Session string
	Codes   []string
}

// AddApp adds the app whose seed waits, once a code shows that it has it.
func (s *Staff) AddApp(ctx context.Context, i Identity, token, name, code string) (a Added, err error) {
	defer fault.Wrap(&err, "staff.AddApp(%d)", i.staff)
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := mayAdd(tx, i); err != nil {
			return err
		}
		if _, err := s.auth.KeepApp(tx, auth.Operator(i.staff), i.session, token, name, code); err != nil {
			return err
		}
		a, err = s.added(tx, i, "the authenticator app “"+plain.Defang(name)+"”")
		return err
	})
	return a, err
}

// BeginKey opens the prompt that adds a passkey.
func (s *Staff) BeginKey(ctx context.Context, i Identity) (c auth.Challenge, err error) {
	defer fault.Wrap(&err, "staff.BeginKey(%d)", i.staff)
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := mayAdd(tx, i); err != nil {
			return err
		}
		c, err = s.auth.BeginKey(tx, auth.Operator(i.staff), i.session)
		return err
	})
	return c, err
}

// AddKey adds the passkey that the prompt has made.
func (s *Staff) AddKey(ctx context.Context, i Identity, token, name, response string) (a Added, err error) {
	defer fault.Wrap(&err, "staff.AddKey(%d)", i.staff)
	err = s.auth.MakeKey(ctx, auth.Operator(i.staff), i.session, token, name, response, func(tx *db.Tx, _ id.Passkey, called string) error {
		a, err = s.added(tx, i, "the passkey “"+plain.Defang(called)+"”")
		return err
	})
	return a, err
}

// added does what every new factor brings. Whoever had none is signed in by
// it.
func (s *Staff) added(tx *db.Tx, i Identity, what string) (a Added, err error) {
	f, err := auth.FactorsOf(tx, auth.Operator(i.staff))
	if err != nil {
		return a, err
	}
	first := f.Apps+f.Passkeys == 1
	if i.half && !first {
		return a, errHalf // two set one up at once: the other was quicker
	}
	if first || f.Codes == 0 {
		if a.Codes, err = auth.MakeCodes(tx, auth.Operator(i.staff)); err != nil {
			return a, err
		}
	}
	a.Session, err = s.change(tx, i, "staff.factor_added", "A way to sign in was added", "To your staff login at "+s.settings.Brand()+" was added "+what+".")
	if err != nil || !i.half {
		return a, err
	}
	a.Session, err = enter(tx, i)
	return a, err
}

// change is changed within the operator's own session, which goes on under a
// new token; the record is written and she is told. It is no fresh proof of
// her.
func (s *Staff) change(tx *db.Tx, i Identity, event, subject, line string) (token string, err error) {
	if err := changed(tx, i.staff, i.session); err != nil {
		return "", err
	}
	if token, err = rotate(tx, i, i.provedAt); err != nil {
		return "", err
	}
	if err := audit.Write(tx, i.Actor(), record(event, i.staff)); err != nil {
		return "", err
	}
	return token, s.auth.TellOperator(tx, i.staff, "sign-in-changed", subject, line+" You have been signed out everywhere else.", i.request)
}

// errLast keeps an operator from taking her last factor away.
var errLast = fault.New(fault.Conflict, "last-factor", "This is your only second factor, and the staff area does not open without one. Add another one first.")

// RemoveApp takes one of the operator's apps away, save for her last factor.
func (s *Staff) RemoveApp(ctx context.Context, i Identity, number id.Authenticator) (token string, err error) {
	defer fault.Wrap(&err, "staff.RemoveApp(%d, %d)", i.staff, number)
	return s.remove(ctx, i, func(tx *db.Tx) (string, error) {
		name, err := auth.DropApp(tx, auth.Operator(i.staff), number)
		return "the authenticator app “" + plain.Defang(name) + "”", err
	})
}

// RemoveKey takes one of the operator's passkeys away, save for her last
// factor.
func (s *Staff) RemoveKey(ctx context.Context, i Identity, number id.Passkey) (token string, err error) {
	defer fault.Wrap(&err, "staff.RemoveKey(%d, %d)", i.staff, number)
	return s.remove(ctx, i, func(tx *db.Tx) (string, error) {
		name, err := auth.DropKey(tx, auth.Operator(i.staff), number)
		return "the passkey “" + plain.Defang(name) + "”", err
	})
}

func (s *Staff) remove(ctx context.Context, i Identity, drop func(*db.Tx) (string, error)) (token string, err error) {
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := keep(tx, i.staff); err != nil {
			return err
		}
		what, err := drop(tx)
		if err != nil {
			return err
		}
		f, err := auth.FactorsOf(tx, auth.Operator(i.staff))
		if err != nil {
			return err
		}
		if !f.Any() {
			return errLast
		}
		token, err = s.change(tx, i, "staff.factor_removed", "A way to sign in was removed", "From your staff login at "+s.settings.Brand()+" was removed "+what+".")
		return err
	})
	return token, err
}

// NewCodes gives the operator new recovery codes, shown this once.
func (s *Staff) NewCodes(ctx context.Context, i Identity) (codes []string, err error) {
	defer fault.Wrap(&err, "staff.NewCodes(%d)", i.staff)
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if codes, err = auth.MakeCodes(tx, auth.Operator(i.staff)); err != nil {
			return err
		}
		if err := audit.Write(tx, i.Actor(), record("staff.recovery_codes_made", i.staff)); err != nil {
			return err
		}
		return s.auth.TellOperator(tx, i.staff, "recovery-codes-made", "New recovery codes were made",
			"New recovery codes were made for your staff login at "+s.settings.Brand()+". The old ones work no more.", i.request)
	})
	return codes, err
}

// ChangePassword sets a new password in place of the old one.
func (s *Staff) ChangePassword(ctx context.Context, i Identity, old, password string) (token string, err error) {
	defer fault.Wrap(&err, "staff.ChangePassword(%d)", i.staff)
	was, err := s.ownPassword(ctx, i, "old", old)
	if err != nil {
		return "", err
	}
	hash, err := s.newPassword(ctx, password, i.address.String(), i.name)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := hold(tx, i.staff, was); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE staff SET password = $2 WHERE id = $1", i.staff, hash); err != nil {
			return err
		}
		if err := perPerson.Forgive(tx, "staff.confirm:"+id.String(i.staff)); err != nil {
			return err
		}
		token, err = s.change(tx, i, "staff.password_changed", "Your password was changed", "The password of your staff login at "+s.settings.Brand()+" was changed.")
		return err
	})
	return token, err
}

// newPassword checks and hashes a password that somebody has chosen.
func (s *Staff) newPassword(ctx context.Context, password string, own ...string) (string, error) {
	var f fault.Form
	f.Take("password", s.hasher.Check(password, own...))
	if err := f.Err(); err != nil {
		return "", err
	}
	return s.hasher.Hash(ctx, password)
}

// EndSession ends one of the operator's own sessions.
func (s *Staff) EndSession(ctx context.Context, i Identity, number id.Session) (err error) {
	defer fault.Wrap(&err, "staff.EndSession(%d, %d)", i.staff, number)
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE staff_sessions SET ended_at = $3 WHERE id = $1 AND staff_id = $2 AND ended_at IS NULL", number, i.staff, tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.Missing()
		}
		return audit.Write(tx, i.Actor(), record("staff.session_ended", i.staff))
	})
}

// EndOthers signs the operator out everywhere but here.
func (s *Staff) EndOthers(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "staff.EndOthers(%d)", i.staff)
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := changed(tx, i.staff, i.session); err != nil {
			return err
		}
		return audit.Write(tx, i.Actor(), record("staff.sessions_ended", i.staff))
	})
}

package staff

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/password"
	"clientele/internal/plain"
	"clientele/internal/setting"
)

// Staff keeps the operators and their sessions.
type Staff struct {
	db       *db.DB
	hasher   *password.Hasher
	auth     *auth.Auth
	settings *setting.Settings
	outbox   *mail.Outbox
	baseURL  string
	lines    []Line
}

// New makes Staff. Links in mail are built from the base URL alone.
func New(d *db.DB, a *auth.Auth, set *setting.Settings, o *mail.Outbox, baseURL string) *Staff {
	return &Staff{db: d, hasher: a.Hasher(), auth: a, settings: set, outbox: o, baseURL: strings.TrimRight(baseURL, "/"), lines: slices.Clone(lines)}
}

// How long an operator's session lives: at most SessionLife whatever happens
// in it, and at most SessionIdle after its last request. Settings can make it
// shorter, and never longer.
const (
	SessionLife = setting.StaffSessionLife
	SessionIdle = setting.StaffSessionIdle
)

// seenEvery bounds how often a session's last use is written down.
const seenEvery = time.Minute

// Add makes an operator. role is the key of one of access.StaffRoles.
func (s *Staff) Add(ctx context.Context, address mail.Address, name, role, password string) (number id.Staff, err error) {
	defer fault.Wrap(&err, "staff.Add")
	if _, ok := access.StaffRoleByKey(role); !ok {
		return 0, fault.Field("role", "There is no such role. Use administrator, support, billing or readonly.")
	}
	var f fault.Form
	name, err = plain.Name(name)
	f.Take("name", err)
	f.Take("password", s.hasher.Check(password, address.String(), name))
	if err := f.Err(); err != nil {
		return 0, err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return 0, err
	}
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if err := lock(tx); err != nil {
			return err
		}
		number, err = Create(tx, address, name, role, hash)
		return err
	})
	return number, err
}

// lock has what is changed of operators and their roles happen one after the
// other, on every node, until the transaction ends: who may change whom
// depends on what everybody may at that moment.
func lock(tx *db.Tx) error {
	n, err := db.Exec(tx, "UPDATE installation SET key_check = key_check WHERE id = 1")
	if err == nil && n != 1 {
		err = errors.New("staff: the database has not been opened by a server yet")
	}
	return err
}

// Create makes an operator with the hash of a password that was checked.
func Create(tx *db.Tx, address mail.Address, name, role, hash string) (id.Staff, error) {
	number, err := db.One[id.Staff](tx, "INSERT INTO staff (address, name, role, password, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id",
		address, name, role, hash, tx.Now)
	if db.Exists(err) {
		return 0, fault.Field("address", "There is a staff member with this address already.")
	}
	if err != nil {
		return 0, err
	}
	by := audit.Actor{Kind: audit.System, Via: audit.ViaSystem}
	return number, audit.Write(tx, by, audit.Record{Event: "staff.added", Object: "staff", ObjectID: int64(number), After: map[string]string{"role": role}})
}

// Any reports whether there is an operator at all.
func (s *Staff) Any(ctx context.Context) (any bool, err error) {
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.One[int64](tx, "SELECT COUNT(*) FROM staff")
		any = n > 0
		return err
	})
	return any, err
}

var wrong = fault.New(fault.Invalid, "sign-in", "The address or the password is not right.")

// SignIn takes an operator's password, the first step of her sign-in. The
// session that it starts is good for the second one, or, where she has no
// second factor yet, for setting one up, and for nothing else.
func (s *Staff) SignIn(ctx context.Context, c auth.Credential, r auth.Request) (token string, err error) {
	defer fault.Wrap(&err, "staff.SignIn")
	found, err := s.before(ctx, c, r)
	if err != nil {
		return "", err
	}
	verify := s.hasher.Verify
	if found.known {
		verify = s.hasher.VerifyKnown
	}
	ok, err := verify(ctx, found.Password, c.Password)
	if err != nil {
		return "", err
	}
	who, hash := found.ID, found.Password
	if !ok || who == 0 {
		return "", s.noteFailure(ctx, who, r)
	}
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE staff SET credentials = credentials WHERE id = $1 AND password = $2 AND status = 'active'", who, hash)
		if err != nil {
			return err
		}
		if n == 0 {
			return wrong
		}
		if err := found.forgive(tx, c, r); err != nil {
			return err
		}
		if token, err = halfway(tx, who, r); err != nil {
			return err
		}
		return audit.Write(tx, acting(who, r), record("staff.password_shown", who))
	})
	return token, err
}

// acting is an operator acting for herself, in the staff area.
func acting(who id.Staff, r auth.Request) audit.Actor {
	return audit.Actor{Kind: audit.Staff, ID: int64(who), Via: audit.ViaStaff, Request: r.ID, Network: r.Network}
}

// record is a record about an operator.
func record(event string, about id.Staff) audit.Record {
	return audit.Record{Event: event, Object: "staff", ObjectID: int64(about)}
}

// own counts an attempt at one's own password within a session, where no
// stranger counts, and reads the hash.
func (s *Staff) own(ctx context.Context, i Identity) (hash string, err error) {
	var wait time.Duration
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if wait, err = perPerson.Take(tx, "staff.confirm:"+id.String(i.staff)); err != nil {
			return err
		}
		hash, err = db.One[string](tx, "SELECT password FROM staff WHERE id = $1 AND status = 'active'", i.staff)
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("confirm", "Too many attempts. Wait a while and try again.", wait)
	}
	return hash, err
}

func (s *Staff) noteFailure(ctx context.Context, who id.Staff, r auth.Request) error {
	if who == 0 {
		return wrong
	}
	err := s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		return audit.Write(tx, r.Visitor(), audit.Record{Event: "staff.signed_in", Object: "staff", ObjectID: int64(who), Denied: true})
	})
	if err != nil {
		return err
	}
	return wrong
}

// Identify finds out which operator made a request, from the token of her
// session; nobody where it opens none.
func (s *Staff) Identify(ctx context.Context, token string, r auth.Request) (i Identity, err error) {
	if token == "" {
		return Identity{request: r}, nil
	}
	defer fault.Wrap(&err, "staff.Identify")
	type row struct {
		StaffID   id.Staff
		SessionID id.Session
		Name      string
		Address   mail.Address
		access.StaffHolding
		RoleName  string
		ProvedAt  time.Time
		SeenAt    time.Time
		CreatedAt time.Time
		ExpiresAt time.Time
		Version   int64
		Half      bool
	}
	var found row
	var now time.Time
	err = s.db.Peek(ctx, db.Nothing, func(tx *db.Tx) (err error) {
		now = tx.Now
		found, err = db.One[row](tx, `
			SELECT s.id AS staff_id, x.id AS session_id, s.name, s.address, `+access.StaffHoldingSQL+`, COALESCE((SELECT r.name FROM staff_roles r WHERE r.id = s.role_id), '') AS role_name, x.proved_at, x.seen_at, x.created_at,
				x.expires_at, x.second_at IS NULL AS half, `+setting.VersionSQL+` AS version
			FROM staff_sessions x JOIN staff s ON s.id = x.staff_id
			WHERE x.token_hash = $1 AND x.ended_at IS NULL AND x.created_at <= $2 AND s.status = 'active' AND (x.second_at IS NOT NULL OR x.agent = $3)`,
			auth.HashToken(token), tx.Now, r.Agent)
		return err
	})
	if errors.Is(err, db.ErrNone) {
		return Identity{request: r}, nil
	}
	if err != nil {
		return Identity{}, err
	}
	if err := s.settings.Seen(ctx, found.Version); err != nil {
		return Identity{}, err
	}
	if rules := s.settings.Current(); !found.ExpiresAt.After(now) || now.Sub(found.SeenAt) >= rules.StaffSessionIdle || now.Sub(found.CreatedAt) >= rules.StaffSessionLife {
		return Identity{request: r}, s.expire(ctx, found.SessionID)
	}
	if now.Sub(found.SeenAt) >= seenEvery {
		err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
			_, err := db.Exec(tx, "UPDATE staff_sessions SET seen_at = $2, network = $3 WHERE id = $1 AND ended_at IS NULL AND seen_at < $2", found.SessionID, tx.Now, r.Network)
			return err
		})
	}
	return Identity{
		staff: found.StaffID, session: found.SessionID, name: found.Name, address: found.Address,
		role: roleName(found.Role, found.RoleName), may: found.Set(), provedAt: found.ProvedAt, half: found.Half, request: r,
	}, err
}

// roleName is what a role is called: a built-in one, or one of the
// installation's own.
func roleName(builtIn, own string) string {
	if r, ok := access.StaffRoleByKey(builtIn); ok {
		return r.Label
	}
	return own
}

// expire ends a session that has got too old, so that it stays ended also
// where the clock is set back.
func (s *Staff) expire(ctx context.Context, session id.Session) error {
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE staff_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", session, tx.Now)
		return err
	})
}

// deniedLimit bounds how many refusals of one operator are recorded.
var deniedLimit = auth.Limit{Hits: 30, Per: time.Minute}

// NoteDenied records that an operator was refused what her role does not
// allow, on an account where there is one of that number. That it cannot be
// recorded changes nothing about the refusal.
func (s *Staff) NoteDenied(ctx context.Context, i Identity, account id.Account) {
	_ = s.db.Write(ctx, db.InAccount(account, 0), func(tx *db.Tx) error {
		wait, err := deniedLimit.Take(tx, "staff.denied:"+id.String(i.staff))
		if err != nil || wait > 0 {
			return err
		}
		there, err := db.One[bool](tx, "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1)", account)
		if err != nil {
			return err
		}
		if !there {
			account = 0
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "staff.permission", Account: account, Object: "staff", ObjectID: int64(i.staff), Denied: true})
	})
}

// SignOut ends the session of the request.
func (s *Staff) SignOut(ctx context.Context, i Identity) (err error) {
	defer fault.Wrap(&err, "staff.SignOut(%d)", i.staff)
	return s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		n, err := db.Exec(tx, "UPDATE staff_sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", i.session, tx.Now)
		if err != nil || n == 0 {
			return err
		}
		return audit.Write(tx, i.Actor(), audit.Record{Event: "staff.signed_out", Object: "staff", ObjectID: int64(i.staff)})
	})
}

// Confirm shows the password once more within a session, with a code for the
// second factor, which goes on under a new token.
func (s *Staff) Confirm(ctx context.Context, i Identity, password, code string) (token string, err error) {
	defer fault.Wrap(&err, "staff.Confirm(%d)", i.staff)
	hash, err := s.ownPassword(ctx, i, "password", password)
	if err != nil {
		return "", err
	}
	var refused error
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := hold(tx, i.staff, hash); err != nil {
			return err
		}
		f, err := auth.FactorsOf(tx, auth.Operator(i.staff))
		if err != nil {
			return err
		}
		if f.Any() {
			if refused, err = s.tryCode(tx, i, code); refused != nil || err != nil {
				return err
			}
		}
		token, err = confirmed(tx, i)
		return err
	})
	return token, errors.Join(err, refused)
}

// ownPassword verifies one's own password within a session; what is wrong with
// it stands beside the named field.
func (s *Staff) ownPassword(ctx context.Context, i Identity, field, typed string) (hash string, err error) {
	if hash, err = s.own(ctx, i); err != nil {
		return "", err
	}
	ok, err := s.hasher.Verify(ctx, hash, typed)
	if err == nil && !ok {
		err = fault.Field(field, "The password is not right.")
	}
	return hash, err
}

var errEnded = fault.New(fault.NotSignedIn, "session-ended", "You have been signed out. Sign in again.")

// hold makes sure that a password is still the operator's, and keeps what
// proves her as it is until the transaction ends.
func hold(tx *db.Tx, who id.Staff, hash string) error {
	n, err := db.Exec(tx, "UPDATE staff SET credentials = credentials WHERE id = $1 AND password = $2 AND status = 'active'", who, hash)
	if err == nil && n == 0 {
		err = errEnded
	}
	return err
}

// confirmed notes a fresh proof in a session.
func confirmed(tx *db.Tx, i Identity) (token string, err error) {
	if err := perPerson.Forgive(tx, "staff.confirm:"+id.String(i.staff)); err != nil {
		return "", err
	}
	if token, err = rotate(tx, i, tx.Now); err != nil {
		return "", err
	}
	return token, audit.Write(tx, i.Actor(), record("staff.confirmed", i.staff))
}

// rotate gives a session a new token; proved is when the operator last proved
// who she is.
func rotate(tx *db.Tx, i Identity, proved time.Time) (string, error) {
	token, hash := auth.NewToken()
	n, err := db.Exec(tx, "UPDATE staff_sessions SET token_hash = $2, proved_at = $3, seen_at = $4 WHERE id = $1 AND ended_at IS NULL", i.session, hash, proved, tx.Now)
	if err == nil && n == 0 {
		err = errEnded
	}
	return token, err
}

package auth

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
)

// Factors are the second factors of a person, counted.
type Factors struct {
	Apps     int64
	Passkeys int64
	Codes    int64 // recovery codes that are left; no factor by themselves
}

// Any reports whether the person has a second factor. From the first one on a
// password alone signs her in no more.
func (f Factors) Any() bool { return f.Apps+f.Passkeys > 0 }

// FactorsOf counts somebody's second factors.
func FactorsOf(tx *db.Tx, h Holder) (Factors, error) {
	return db.One[Factors](tx, h.in(`
		SELECT (SELECT COUNT(*) FROM {}authenticators WHERE {who} = $1) AS apps,
			(SELECT COUNT(*) FROM {}passkeys WHERE {who} = $1) AS passkeys,
			(SELECT COUNT(*) FROM {}recovery_codes WHERE {who} = $1 AND used_at IS NULL) AS codes`), h.number)
}

func factorsOf(tx *db.Tx, u id.User) (Factors, error) { return FactorsOf(tx, Person(u)) }

// PendingLife is how long a sign-in waits for its second step.
const PendingLife = 10 * time.Minute

// wrongCodes is how many wrong codes end the sign-ins that wait for one.
const wrongCodes = 6

// The brakes on guessing codes. They count per person, whatever the session;
// a browser that she has used before answers for itself alone. What a day
// allows begins anew where her credentials change: whoever guesses has her
// password, and she is not to wait a day after she has set another one. All of
// a day together has its bound too, for whoever reads her mail.
var (
	perFactor    = Limit{Hits: wrongCodes, Per: 15 * time.Minute}
	perFactorDay = Limit{Hits: 30, Per: 24 * time.Hour}
	perFactorAll = Limit{Hits: 90, Per: 24 * time.Hour}
)

// errHalf is the answer to a second step whose first one counts no more.
var errHalf = fault.New(fault.NotSignedIn, "sign-in-over", "This sign-in took too long or was ended. Sign in again.")

// errCode is the answer to a code that is not right.
var errCode = fault.New(fault.Invalid, "code", "This code is not right. Codes change every 30 seconds and work once: wait for the next one.")

// halfway notes that the first step is done and the second is not. What the
// browser gets is no session: it can finish or drop this sign-in.
func (a *Auth) halfway(tx *db.Tx, u id.User, s Shown, r Request) (token string, err error) {
	token, hash := NewToken()
	_, err = db.Exec(tx, `
		INSERT INTO pending_signins (user_id, token_hash, credentials, way, agent, created_at, expires_at)
		SELECT id, $2, credentials, $3, $4, $5, $6 FROM users WHERE id = $1`, u, hash, joinWays(s.Ways), r.Agent, tx.Now, tx.Now.Add(PendingLife))
	return token, err
}

// A Half is a sign-in that waits for its second step.
type Half struct {
	ID      int64
	User    id.User
	Name    string
	Address mail.Address
	Way     string
	Factors
	credentials int64
}

// Half reads a sign-in that waits for its second step, in the browser that
// did the first.
func (a *Auth) Half(ctx context.Context, token string, r Request) (h Half, err error) {
	defer fault.Wrap(&err, "auth.Half")
	err = a.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		h, err = findHalf(tx, token, r)
		return err
	})
	return h, err
}

func findHalf(tx *db.Tx, token string, r Request) (Half, error) {
	type row struct {
		ID      int64
		User    id.User
		Name    string
		Address mail.Address
		Way     string

		Credentials int64
	}
	p, err := db.One[row](tx, `
		SELECT p.id, u.id AS "user", u.name, u.address, p.way, p.credentials FROM pending_signins p JOIN users u ON u.id = p.user_id
		WHERE p.token_hash = $1 AND p.ended_at IS NULL AND p.created_at <= $2 AND p.expires_at > $2
			AND p.credentials = u.credentials AND u.status = 'active' AND p.agent = $3`, HashToken(token), tx.Now, r.Agent)
	if errors.Is(err, db.ErrNone) {
		return Half{}, errHalf
	}
	if err != nil {
		return Half{}, err
	}
	f, err := factorsOf(tx, p.User)
	return Half{p.ID, p.User, p.Name, p.Address, p.Way, f, p.Credentials}, err
}

// hold makes sure that what proves a person is as it was when it was read, and
// keeps it so until the transaction ends: on PostgreSQL another one may have
// changed it in between, and ended what she had by then.
func hold(tx *db.Tx, u id.User, credentials int64, over error) error {
	n, err := db.Exec(tx, "UPDATE users SET credentials = credentials WHERE id = $1 AND credentials = $2 AND status <> 'deleted'", u, credentials)
	if err == nil && n == 0 {
		err = over
	}
	return err
}

// holdUser keeps a person as she is until the transaction ends.
func holdUser(tx *db.Tx, u id.User) error {
	_, err := db.Exec(tx, "UPDATE users SET credentials = credentials WHERE id = $1", u)
	return err
}

// takeHalf is findHalf for a step that finishes the sign-in.
func takeHalf(tx *db.Tx, token string, r Request) (Half, error) {
	h, err := findHalf(tx, token, r)
	if err != nil {
		return h, err
	}
	return h, hold(tx, h.User, h.credentials, errHalf)
}

// A SecondStep is what somebody does to finish a sign-in.
type SecondStep struct {
	Pending string // the token that ties the browser to the first step
	Code    string // of an app, or a recovery code
	Trust   bool   // do not ask this browser again for a while
	Device  string
}

// FinishWithCode ends a sign-in with a code.
func (a *Auth) FinishWithCode(ctx context.Context, s SecondStep, r Request) (in SignedIn, err error) {
	defer fault.Wrap(&err, "auth.FinishWithCode")
	h, err := a.Half(ctx, s.Pending, r)
	if err != nil {
		return in, err
	}
	var refused error
	err = a.db.Write(ctx, db.AsUser(h.User), func(tx *db.Tx) error {
		if h, err = takeHalf(tx, s.Pending, r); err != nil {
			return err
		}
		var used codeKind
		if used, refused, err = a.tryCode(tx, Person(h.User), s.Code, s.Device, r); refused != nil || err != nil {
			return err
		}
		if err := endHalf(tx, h); err != nil {
			return err
		}
		if used == recoveryCode {
			if err := a.changed(tx, h.User, 0); err != nil {
				return err
			}
		}
		in, err = a.finish(tx, h, ParseWays(h.Way), s, r)
		return err
	})
	return in, errors.Join(err, codeField(refused))
}

// endHalf ends the wait for a second step, once.
func endHalf(tx *db.Tx, h Half) error {
	n, err := db.Exec(tx, "UPDATE pending_signins SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", h.ID, tx.Now)
	if err == nil && n == 0 {
		err = errHalf
	}
	return err
}

// finish turns a sign-in whose second step is done into a session.
func (a *Auth) finish(tx *db.Tx, h Half, ways []Way, s SecondStep, r Request) (in SignedIn, err error) {
	if in, err = a.Enter(tx, h.User, Shown{Ways: ways, Second: true}, s.Device, r); err != nil || !s.Trust {
		return in, err
	}
	_, err = db.Exec(tx, "UPDATE devices SET trusted_until = $3 WHERE user_id = $1 AND token_hash = $2 AND ended_at IS NULL", h.User, HashToken(in.Device), tx.Now.Add(TrustLife))
	return in, err
}

// DropHalf ends a sign-in that waits for its second step.
func (a *Auth) DropHalf(ctx context.Context, token string) (err error) {
	defer fault.Wrap(&err, "auth.DropHalf")
	return a.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		_, err := db.Exec(tx, "UPDATE pending_signins SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL", HashToken(token), tx.Now)
		return err
	})
}

// A codeKind says what a code was.
type codeKind string

const (
	appCode      codeKind = "app"
	recoveryCode codeKind = "recovery"
)

// TryCode counts an operator's attempt and accepts a code of one of her apps,
// or a recovery code. refused is for her; what was counted stays counted.
func (a *Auth) TryCode(tx *db.Tx, s id.Staff, code string, r Request) (recovery bool, refused, err error) {
	used, refused, err := a.tryCode(tx, Operator(s), code, "", r)
	return used == recoveryCode, codeField(refused), err
}

// tryCode counts an attempt and accepts a code of one of the holder's apps,
// or a recovery code. refused is for her; what was counted stays counted.
func (a *Auth) tryCode(tx *db.Tx, h Holder, code, token string, r Request) (used codeKind, refused, err error) {
	d, err := deviceOf(tx, h.User(), token)
	if err != nil {
		return "", nil, err
	}
	brakes, err := codeBrakes(tx, h, d)
	if err != nil {
		return "", nil, err
	}
	for _, b := range brakes {
		wait, err := b.Take(tx, b.key)
		if wait > 0 {
			refused = fault.Wait("code", "Too many wrong codes. Wait a while, then sign in again. A passkey works at once.", wait)
		}
		if err != nil || wait > 0 {
			return "", refused, err // what is refused here is no guess, and counts against nothing longer
		}
	}
	switch used, err = a.acceptCode(tx, h, code, r); {
	case err != nil:
		return "", nil, err
	case used == "":
		return "", errCode, a.wrongCode(tx, h, r)
	}
	for _, b := range brakes {
		err = errors.Join(err, b.Forgive(tx, b.key))
	}
	return used, nil, err
}

// A brake is a limit on one key.
type brake struct {
	Limit
	key string
}

// codeBrakes are the brakes on a holder's codes, the shortest first.
func codeBrakes(tx *db.Tx, h Holder, d device) ([]brake, error) {
	if d.ID != 0 {
		key := "factor.device:" + id.String(d.ID)
		return []brake{{perFactor, key}, {perFactorDay, key + ".day"}}, nil
	}
	version, err := db.One[int64](tx, h.in("SELECT credentials FROM {people} WHERE id = $1"), h.number)
	key := h.key("factor.person:")
	return []brake{{perFactor, key}, {perFactorDay, key + ".day." + strconv.FormatInt(version, 10)}, {perFactorAll, key + ".all"}}, err
}

func (a *Auth) acceptCode(tx *db.Tx, h Holder, code string, r Request) (codeKind, error) {
	ok, err := a.acceptAppCode(tx, h, code)
	if err != nil || ok {
		return appCode, err
	}
	if ok, err = a.acceptRecoveryCode(tx, h, code, r); err != nil || ok {
		return recoveryCode, err
	}
	return "", nil
}

// wrongCode counts a wrong code against every sign-in of the holder that
// waits for one: whoever has typed six needs the password again. She is told,
// since whoever got this far has it.
func (a *Auth) wrongCode(tx *db.Tx, h Holder, r Request) error {
	waiting := "UPDATE pending_signins SET {count} WHERE user_id = $1 AND {open}"
	if h.operator {
		waiting = "UPDATE staff_sessions SET {count} WHERE staff_id = $1 AND second_at IS NULL AND {open}"
	}
	statement := strings.NewReplacer(
		"{count}", "failures = failures + 1, ended_at = CASE WHEN failures + 1 >= $3 THEN $2 ELSE ended_at END",
		"{open}", "ended_at IS NULL RETURNING failures",
	).Replace(waiting)
	type row struct{ Failures int64 }
	all, err := db.All[row](tx, statement, h.number, tx.Now, wrongCodes)
	if err != nil {
		return err
	}
	refused := h.record("user.code_refused", "staff.code_refused")
	refused.Denied = true
	if err := audit.Write(tx, r.Visitor(), refused); err != nil {
		return err
	}
	voided := slices.ContainsFunc(all, func(p row) bool { return p.Failures >= wrongCodes })
	return a.tellOfGuesses(tx, h, voided, r)
}

// Wrong codes are told of when they end a sign-in, and when there are as many
// of them within a day, in however many sign-ins: once a day at most.
var (
	quietGuesses = Limit{Hits: wrongCodes - 1, Per: 24 * time.Hour}
	guessMails   = Limit{Hits: 1, Per: 24 * time.Hour}
)

func (a *Auth) tellOfGuesses(tx *db.Tx, h Holder, voided bool, r Request) error {
	many, err := quietGuesses.Take(tx, h.key("factor.guesses:"))
	if err != nil || !voided && many == 0 {
		return err
	}
	if told, err := guessMails.Take(tx, h.key("factor.told:")); err != nil || told > 0 {
		return err
	}
	return a.inform(tx, h, notice{
		kind: "codes-guessed", subject: locale.T("Somebody has your password"),
		line: locale.T("Somebody has typed your right password at {brand} and then {number} wrong codes. The second factor has kept them out. If it was not you, set a new password.",
			"brand", a.settings.Brand(), "number", strconv.Itoa(wrongCodes)),
	}, r)
}

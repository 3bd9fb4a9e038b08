package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/locale"
)

// Recovery codes have 120 random bits, so a plain hash keeps them (ASVS 6.5.2
// asks for a slow one below 112).
const (
	recoveryCodes     = 10
	recoveryCodeBytes = 15
)

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// MakeCodes replaces a holder's recovery codes; the old ones are void.
func MakeCodes(tx *db.Tx, h Holder) (codes []string, err error) {
	if _, err := db.Exec(tx, h.in("DELETE FROM {}recovery_codes WHERE {who} = $1"), h.number); err != nil {
		return nil, err
	}
	for range recoveryCodes {
		b := make([]byte, recoveryCodeBytes)
		rand.Read(b)
		code := crockford.EncodeToString(b)
		if _, err := db.Exec(tx, h.in("INSERT INTO {}recovery_codes ({who}, code_hash, created_at) VALUES ($1, $2, $3)"), h.number, HashToken(code), tx.Now); err != nil {
			return nil, err
		}
		codes = append(codes, grouped(code, 6, "-"))
	}
	return codes, nil
}

// readable undoes what happens to a code on paper: capitals, spaces, and
// letters that look like digits.
func readable(code string) string {
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(digits(code)))
}

// acceptRecoveryCode uses a code up, and tells her.
func (a *Auth) acceptRecoveryCode(tx *db.Tx, h Holder, code string, r Request) (bool, error) {
	code = readable(code)
	if len(code) != recoveryCodeBytes*8/5 {
		return false, nil
	}
	n, err := db.Exec(tx, h.in("UPDATE {}recovery_codes SET used_at = $3 WHERE {who} = $1 AND code_hash = $2 AND used_at IS NULL"), h.number, HashToken(code), tx.Now)
	if err != nil || n == 0 {
		return false, err
	}
	left, err := FactorsOf(tx, h)
	if err != nil {
		return false, err
	}
	used := h.record("user.recovery_code_used", "staff.recovery_code_used")
	used.After = map[string]int64{"left": left.Codes}
	if err := audit.Write(tx, h.actor(r), used); err != nil {
		return false, err
	}
	return true, a.inform(tx, h, notice{
		kind: "recovery-code-used", subject: locale.T("A recovery code was used"),
		line: locale.T("One of the recovery codes of your login at {brand} was used. You have {number} left; you can make new ones on your security page.",
			"brand", a.settings.Brand(), "number", left.Codes),
	}, r)
}

// NewRecoveryCodes gives the person new recovery codes, shown this once.
func (a *Auth) NewRecoveryCodes(ctx context.Context, i Identity) (codes []string, err error) {
	defer fault.Wrap(&err, "auth.NewRecoveryCodes(%d)", i.user)
	err = a.db.Write(ctx, db.AsUser(i.user), func(tx *db.Tx) error {
		f, err := factorsOf(tx, i.user)
		if err != nil {
			return err
		}
		if !f.Any() {
			return fault.New(fault.Conflict, "no-factor", "Recovery codes stand in for a second factor, and you have none yet. Add an app or a passkey first.")
		}
		if codes, err = MakeCodes(tx, Person(i.user)); err != nil {
			return err
		}
		if err := audit.Write(tx, i.Actor(), audit.Record{Event: "user.recovery_codes_made", Object: "user", ObjectID: int64(i.user)}); err != nil {
			return err
		}
		return a.tell(tx, i.user, notice{
			kind: "recovery-codes-made", subject: locale.T("New recovery codes were made"),
			line: locale.T("New recovery codes were made for your login at {brand}. The old ones work no more.", "brand", a.settings.Brand()),
		}, i.request)
	})
	return codes, err
}

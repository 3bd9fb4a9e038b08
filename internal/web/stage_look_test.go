package web_test

import (
	"maps"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
)

// lookUses are the routes by which staff look at an account as one of its
// people.
var lookUses = map[string]use{
	"POST /staff/users/{user}/impersonate/{account}": {before: "DELETE FROM impersonations", fields: []string{"reason", "She has asked by phone.", "from", "/staff/users/{user}"}},
	"POST /staff/impersonation/act":                  {},
	"POST /staff/impersonation/end":                  {},
	"POST /staff/impersonations/{impersonation}/end": {},
	"POST /a/{account}/people/staff-look":            {fields: []string{"may", "yes"}},
}

func init() { maps.Copy(uses, lookUses) }

// addLook has the administrator look at the account as its owner; token is
// what her browser would hold.
func (s *stage) addLook() {
	token, hash := auth.NewToken()
	s.looking = token
	s.ids["impersonation"] = s.look(s.root, hash)
}

// look has an operator look at the account as its owner, within the newest
// session.
func (s *stage) look(o *apptest.Operator, hash string) (number string) {
	now := s.Clock.Now()
	s.In(func(tx *db.Tx) error {
		n, err := db.One[id.Impersonation](tx, `
			INSERT INTO impersonations (staff_id, staff_session_id, user_id, account_id, token_hash, reason, origin, created_at, expires_at)
			SELECT $1, (SELECT MAX(id) FROM staff_sessions WHERE staff_id = $1), $2, $3, $4, 'She has asked by phone.', '/staff', $5, $6 RETURNING id`,
			o.Staff, s.owner.User, s.account, hash, now, now.Add(time.Hour))
		number = id.String(n)
		return err
	})
	return number
}

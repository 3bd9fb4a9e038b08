package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

// addFactors gives the stage a person with an app and a passkey, who has
// signed in halfway, and what can be under way of a login: links of notices,
// changes of address, and the removal of a lost factor.
func (s *stage) addFactors(t *testing.T) {
	t.Helper()
	s.seed = s.Authenticator(s.keeper)
	s.key = s.Passkey(s.keeper)
	if p := s.key.Register("Laptop"); p.Status != http.StatusSeeOther {
		t.Fatalf("the keeper's passkey: %d: %.300s", p.Status, p.Body)
	}
	s.keeper.Get("/me").Must(http.StatusOK) // and the word about it is read
	for kind, query := range map[string]string{
		"app":     "SELECT id FROM authenticators WHERE user_id = $1",
		"passkey": "SELECT id FROM passkeys WHERE user_id = $1",
		"device":  "SELECT id FROM devices WHERE user_id = $1 AND ended_at IS NULL",
	} {
		found := apptest.Query[int64](s.World, query, s.keeper.User)
		if len(found) != 1 {
			t.Fatalf("the keeper has %d of the kind %s", len(found), kind)
		}
		s.own[kind] = id.String(id.User(found[0]))
	}
	now := s.Clock.Now()
	agent := s.Browser().Request(http.MethodGet, "/", nil).Header.Get("User-Agent")
	s.tokens[web.PendingCookie] = s.token(`INSERT INTO pending_signins (token_hash, user_id, credentials, way, agent, created_at, expires_at)
		SELECT $1, id, credentials, 'password', $3, $4, $5 FROM users WHERE id = $2 RETURNING id`, s.keeper.User, agent, now, now.Add(auth.PendingLife))
	s.tokens[web.AlarmCookie] = s.token("INSERT INTO alarms (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4) RETURNING id",
		s.stranger.User, now, now.Add(auth.AlarmLife))
	s.tokens[web.AddressCookie] = s.token(`INSERT INTO address_changes (token_hash, user_id, session_id, old_address, new_address, credentials, created_at, expires_at, undo_hash)
		SELECT $1, id, 1, address, $3, credentials, $4, $5, $3 FROM users WHERE id = $2 RETURNING id`,
		s.owner.User, "new-"+s.owner.Address, now, now.Add(auth.AddressLinkLife))
	s.tokens[web.UndoCookie] = s.token(`INSERT INTO address_changes (undo_hash, user_id, session_id, old_address, new_address, credentials, created_at, expires_at, token_hash, ended_at, done_at, undo_until)
		SELECT $1, id, 1, $3, address, credentials, $4, $4, $3, $4, $4, $5 FROM users WHERE id = $2 RETURNING id`,
		s.stranger.User, "old-"+s.stranger.Address, now, now.Add(auth.UndoLife))
	s.tokens[web.StopCookie] = s.token(`INSERT INTO factor_resets (stop_hash, user_id, reason, started_by, credentials, created_at, ready_at)
		SELECT $1, id, 'She has lost her phone.', $3, credentials, $4, $5 FROM users WHERE id = $2 RETURNING id`,
		s.keeper.User, s.root.Staff, now, now.Add(auth.ResetDelay))
	s.Exec("DELETE FROM throttles")
}

// factorUses are the routes of second factors, of mailed links, and of what
// is under way of a login. Pages stand here that are somebody else's than the
// guard says, or that need a step before them.
var factorUses = map[string]use{
	"GET /invitation":           {as: "newcomer"},
	"GET /recover/password":     {as: "with " + web.RecoveryCookie},
	"GET /signup/confirm":       {as: "with " + web.SignUpCookie},
	"GET /alarm":                {as: "with " + web.AlarmCookie},
	"POST /alarm":               {as: "with " + web.AlarmCookie},
	"GET /address":              {as: "with " + web.AddressCookie},
	"POST /address":             {as: "with " + web.AddressCookie},
	"GET /address/undo":         {as: "with " + web.UndoCookie},
	"POST /address/undo":        {as: "with " + web.UndoCookie},
	"GET /factor-reset":         {as: "with " + web.StopCookie},
	"POST /factor-reset":        {as: "with " + web.StopCookie},
	"GET /signin/second-factor": {as: "with " + web.PendingCookie},

	"POST /signin/second-factor":               {as: "with " + web.PendingCookie, fields: []string{"code", "{code}"}, begin: types},
	"POST /signin/second-factor/cancel":        {as: "with " + web.PendingCookie},
	"POST /signin/second-factor/passkey/begin": {as: "with " + web.PendingCookie},
	"POST /signin/second-factor/passkey":       {as: "with " + web.PendingCookie, fields: []string{"response", "{response}"}, begin: shows("/signin/second-factor/passkey")},
	"POST /signin/passkey/begin":               {},
	"POST /signin/passkey":                     {fields: []string{"response", "{response}"}, begin: shows("/signin/passkey")},
	"POST /confirm/passkey/begin":              {as: "keeper"},
	"POST /confirm/passkey":                    {as: "keeper", fields: []string{"response", "{response}"}, begin: shows("/confirm/passkey")},

	"GET /me/security/apps/new":                      {begin: scans},
	"POST /me/security/apps/begin":                   {},
	"POST /me/security/apps":                         {fields: []string{"name", "Phone", "code", "{code}"}, begin: scans},
	"GET /me/security/apps/{app}":                    {as: "keeper"},
	"POST /me/security/apps/{app}/remove":            {as: "keeper"},
	"POST /me/security/passkeys/begin":               {},
	"POST /me/security/passkeys":                     {fields: []string{"name", "Laptop", "response", "{response}"}, begin: makes},
	"GET /me/security/passkeys/{passkey}":            {as: "keeper"},
	"POST /me/security/passkeys/{passkey}/rename":    {as: "keeper", fields: []string{"name", "Old laptop"}},
	"POST /me/security/passkeys/{passkey}/remove":    {as: "keeper"},
	"GET /me/security/codes":                         {as: "keeper"},
	"POST /me/security/codes":                        {as: "keeper"},
	"POST /me/security/devices/{device}/forget":      {as: "keeper"},
	"POST /me/address":                               {fields: []string{"address", "{newcomer}"}},
	"POST /me/delete":                                {as: "stranger", fields: []string{"sure", "yes"}},
	"POST /a/{account}/people/policy":                {fields: []string{"ways", "password", "ways", "passkey", "grace_days", "7", "session_hours", "8"}},
	"POST /staff/users/{user}/factor-reset":          {fields: []string{"reason", "She has called from the number that we know."}, begin: loses},
	"POST /staff/users/{user}/factor-reset/approve":  {begin: isReset("NULL")},
	"POST /staff/users/{user}/factor-reset/withdraw": {begin: isReset("NULL")},
	"POST /staff/users/{user}/factor-reset/complete": {begin: isReset("{other}")},
}

func init() { maps.Copy(uses, factorUses) }

// types reads the code that the keeper's app shows.
func types(s *stage, _ *apptest.Browser) { s.word("code", s.Code(s.seed)) }

// scans sets up an app, up to the code that shows that it has the seed.
func scans(s *stage, b *apptest.Browser) {
	s.word("code", s.Code(apptest.SeedOn(b.Post("/me/security/apps/begin", url.Values{}).Must(http.StatusOK))))
}

// makes has a new device make a passkey, which is not sent yet.
func makes(s *stage, b *apptest.Browser) {
	s.word("response", s.Passkey(s.owner).Made(b.PostOnly("/me/security/passkeys/begin", url.Values{})))
}

// shows has the keeper's device answer a challenge, and does not send it.
func shows(path string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		s.word("response", s.key.Shown(b.PostOnly(path+"/begin", url.Values{})))
	}
}

// loses gives the user of staff's paths a second factor, to be lost.
func loses(s *stage, _ *apptest.Browser) {
	s.Exec("INSERT INTO authenticators (user_id, name, sealed, last_step, created_at) VALUES ($1, 'Phone', '', 0, $2)", s.mate.User, s.Clock.Now())
}

// isReset has another operator begin the removal of that factor, and puts who
// has agreed to it. Its time has passed.
func isReset(approved string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		if s.Count("factor_resets WHERE user_id = $1 AND state = 'open'", s.mate.User) > 0 {
			return
		}
		loses(s, b)
		other := s.Operator("Otto Other", "otto-"+s.mate.Address, "administrator")
		s.word("other", id.String(other.Staff))
		third := s.Operator("Tina Third", "tina-"+s.mate.Address, "administrator")
		_, hash := auth.NewToken()
		s.Exec(s.words.Replace(`INSERT INTO factor_resets (user_id, reason, started_by, approved_by, stop_hash, credentials, created_at, ready_at)
			SELECT id, 'She has lost her phone.', $2, `+approved+`, $3, credentials, $4, $4 FROM users WHERE id = $1`), s.mate.User, third.Staff, hash, s.Clock.Now().Add(-time.Hour))
	}
}

// recorded counts what a route is to record. Where it only begins a step,
// that is nothing at all.
func recorded(w *apptest.World, r web.Route) int64 {
	if r.Begins {
		return w.Count("audit_records")
	}
	return w.Count("audit_records WHERE event = $1 AND outcome = 'done'", r.Audits)
}

// records is how often a route records its event when it is used once.
func records(r web.Route) int64 {
	if r.Begins {
		return 0
	}
	return 1
}

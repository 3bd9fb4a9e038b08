package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/web"
)

// crewSeed is the seed of the app of the stage's operator.
const crewSeed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

const staffCookie = "__Secure-clientele-staff"

// addStaff gives the stage an operator with an app, a passkey and a second
// session, another one to be managed, a role of the installation's own, and
// somebody who may join.
func (s *stage) addStaff() {
	now := s.Clock.Now()
	s.crew = s.Operator("Cleo Crew", "crew-"+s.root.Address, "support")
	s.In(func(tx *db.Tx) error {
		n, err := db.One[id.Authenticator](tx, "INSERT INTO staff_authenticators (staff_id, name, sealed, last_step, created_at, used_at) VALUES ($1, 'Phone', '', 0, $2, $2) RETURNING id", s.crew.Staff, now)
		if err != nil {
			return err
		}
		s.ids["app"] = id.String(n)
		_, err = db.Exec(tx, "UPDATE staff_authenticators SET sealed = $2 WHERE id = $1", n, s.Key.Seal("staff_authenticators/seed/"+s.ids["app"], []byte(crewSeed)))
		return err
	})
	key, _ := auth.NewToken()
	s.ids["passkey"] = s.insert(`INSERT INTO staff_passkeys (staff_id, credential, handle, name, record, created_at) VALUES ($1, $2, $2, 'Laptop', '{"id":"AQID"}', $3) RETURNING id`, s.crew.Staff, key, now)
	_, hash := auth.NewToken()
	s.ids["session"] = s.insert("INSERT INTO staff_sessions (staff_id, token_hash, created_at, seen_at, proved_at, second_at, expires_at) VALUES ($1, $2, $3, $3, $3, $3, $4) RETURNING id", s.crew.Staff, hash, now, now.Add(time.Hour))
	s.ids["operator"] = s.insert("INSERT INTO staff (address, name, role, password, created_at) VALUES ($1, 'Olga Other', 'support', 'a hash', $2) RETURNING id", "olga-"+s.root.Address, now)
	s.ids["role"] = s.insert("INSERT INTO staff_roles (name, permissions, created_at) VALUES ($1, 1, $2) RETURNING id", "Role of "+s.root.Address, now)
	joiner := s.insert("INSERT INTO staff (address, name, role, password, created_at) VALUES ($1, 'Jo Joiner', 'support', '', $2) RETURNING id", "jo-"+s.root.Address, now)
	s.tokens[web.WelcomeCookie] = s.token("INSERT INTO staff_links (token_hash, staff_id, created_at, expires_at) VALUES ($1, "+joiner+", $2, $3) RETURNING id", now, now.Add(time.Hour))
	for name, who := range map[string]string{"half": id.String(s.crew.Staff), "bare": joiner} {
		s.tokens[name] = s.token("INSERT INTO staff_sessions (token_hash, staff_id, created_at, seen_at, proved_at, expires_at, agent) VALUES ($1, "+who+", $2, $2, $2, $3, $4) RETURNING id",
			now, now.Add(auth.PendingLife), s.Browser().Request(http.MethodGet, "/", nil).Header.Get("User-Agent"))
	}
}

// staffUses are the routes of operators' own sign-in, and of those who manage
// operators.
var staffUses = map[string]use{
	"POST /staff/signin/passkey/begin":             {},
	"POST /staff/signin/passkey":                   {fields: []string{"response", "{response}"}, begin: crewShows("/staff/signin/passkey")},
	"GET /staff/signin/second-step":                {as: "half"},
	"POST /staff/signin/second-step":               {as: "half", fields: []string{"code", "{code}"}, begin: crewTypes},
	"POST /staff/signin/second-step/passkey/begin": {as: "half", begin: crewRegisters},
	"POST /staff/signin/second-step/passkey":       {as: "half", fields: []string{"response", "{response}"}, begin: crewShows("/staff/signin/second-step/passkey")},
	"POST /staff/signin/cancel":                    {as: "half"},
	"POST /staff/signin/set-up/app/begin":          {as: "bare"},
	"GET /staff/signin/set-up/app":                 {as: "bare", begin: crewScans("/staff/signin/set-up")},
	"POST /staff/signin/set-up/app":                {as: "bare", fields: []string{"name", "Phone", "code", "{code}"}, begin: crewScans("/staff/signin/set-up")},
	"GET /staff/signin/set-up/passkey":             {as: "bare"},
	"POST /staff/signin/set-up/passkey/begin":      {as: "bare"},
	"POST /staff/signin/set-up/passkey":            {as: "bare", fields: []string{"name", "Laptop", "response", "{response}"}, begin: crewMakes("/staff/signin/set-up/passkey")},
	"GET /staff/welcome":                           {as: "with " + web.WelcomeCookie},
	"POST /staff/welcome":                          {as: "with " + web.WelcomeCookie, fields: []string{"name", "Jo Joiner", "password", "four green bicycles"}},

	"POST /staff/confirm/passkey/begin":        {as: "crew", begin: crewRegisters},
	"POST /staff/confirm/passkey":              {as: "crew", fields: []string{"response", "{response}"}, begin: crewShows("/staff/confirm/passkey")},
	"GET /staff/me":                            {as: "crew"},
	"POST /staff/me/password":                  {as: "crew", fields: []string{"old", apptest.Password, "password", "four green bicycles"}},
	"POST /staff/me/app/begin":                 {as: "crew"},
	"GET /staff/me/app":                        {as: "crew", begin: crewScans("/staff/me")},
	"POST /staff/me/app":                       {as: "crew", fields: []string{"name", "Tablet", "code", "{code}"}, begin: crewScans("/staff/me")},
	"POST /staff/me/apps/{app}/remove":         {as: "crew"},
	"GET /staff/me/passkey":                    {as: "crew"},
	"POST /staff/me/passkey/begin":             {as: "crew"},
	"POST /staff/me/passkey":                   {as: "crew", fields: []string{"name", "Key", "response", "{response}"}, begin: crewMakes("/staff/me/passkey")},
	"POST /staff/me/passkeys/{passkey}/remove": {as: "crew"},
	"POST /staff/me/codes":                     {as: "crew"},
	"POST /staff/me/sessions/{session}/end":    {as: "crew"},
	"POST /staff/me/sessions/end-others":       {as: "crew"},
	"POST /staff/people":                       {fields: []string{"name", "Nia New", "address", "{newcomer}", "role", "support"}},
	"POST /staff/people/{operator}/role":       {fields: []string{"role", "billing"}},
	"POST /staff/people/{operator}/suspend":    {},
	"POST /staff/people/{operator}/restore":    {before: "UPDATE staff SET status = 'suspended' WHERE id = {operator}"},
	"POST /staff/people/{operator}/reset":      {},
	"POST /staff/people/{operator}/sign-out":   {},
	"POST /staff/people/{operator}/resend":     {before: "UPDATE staff SET password = '' WHERE id = {operator}"},
	"POST /staff/people/{operator}/withdraw":   {before: "UPDATE staff SET password = '' WHERE id = {operator}"},
	"POST /staff/roles":                        {fields: []string{"name", "Night shift of {root}", "permissions", "accounts.view"}},
	"POST /staff/roles/{role}":                 {fields: []string{"name", "Night shift of {root}", "permissions", "mail.view"}},
	"POST /staff/roles/{role}/remove":          {},
}

func init() { maps.Copy(uses, staffUses) }

// crewTypes reads the code that the operator's app shows.
func crewTypes(s *stage, _ *apptest.Browser) { s.word("code", s.Code(crewSeed)) }

// crewScans sets up an app in a browser, up to the code that shows it.
func crewScans(base string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		s.word("code", s.Code(apptest.SeedOn(b.Post(base+"/app/begin", url.Values{}).Must(http.StatusOK))))
	}
}

// crewMakes has a new device make a passkey, which is not sent yet.
func crewMakes(path string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		s.word("response", s.StaffPasskey(s.crew).Made(b.PostOnly(path+"/begin", url.Values{})))
	}
}

// crewKey registers a device of the operator.
func (s *stage) crewKey() *apptest.Passkey {
	s.Exec("DELETE FROM staff_passkeys WHERE staff_id = $1", s.crew.Staff) // the one of the stage is none that a device has
	k := s.StaffPasskey(s.crew)
	k.Register("Laptop")
	s.Exec("UPDATE staff_sessions SET ended_at = NULL WHERE staff_id = $1", s.crew.Staff) // what was under way goes on
	return k
}

func crewRegisters(s *stage, _ *apptest.Browser) { s.crewKey() }

// crewShows has the operator's device answer a challenge, and does not send
// it.
func crewShows(path string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		s.word("response", s.crewKey().Shown(b.PostOnly(path+"/begin", url.Values{})))
	}
}

// halfway is a browser in which an operator's password was shown: one who has
// a second factor, or one who has none.
func (s *stage) halfway(which string) *apptest.Browser {
	b := s.Browser()
	b.SetCookie(&http.Cookie{Name: staffCookie, Value: s.tokens[which], Path: "/staff", Secure: true})
	return b
}

// TestT153_TheStageHasAnOperatorOfEachKind keeps the samples honest.
func TestT153_TheStageHasAnOperatorOfEachKind(t *testing.T) {
	t.Parallel()
	s := newStage(t, apptest.New(t, db.SQLite, kept))
	s.halfway("half").Get("/staff/signin/second-step").Must(http.StatusOK, "Second step")
	s.halfway("bare").Get("/staff/signin/second-step").Must(http.StatusOK, "Set up a second factor")
	s.crew.Get("/staff/me").Must(http.StatusOK, "Phone", "Laptop")
}

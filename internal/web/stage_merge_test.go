package web_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

// addMerges gives the stage a login that was brought into the owner's lately.
func (s *stage) addMerges() {
	now := s.Clock.Now()
	gone := s.Person("Gwen Gone", "gwen-"+s.owner.Address)
	s.Exec("UPDATE users SET status = 'suspended', merged_into = $2 WHERE id = $1", gone.User, s.owner.User)
	s.Exec("DELETE FROM sessions WHERE user_id = $1", gone.User)
	s.twin = s.Person("Tess Twin", "twin-"+s.owner.Address)
	s.word("twin", s.twin.Address)
	s.word("twin number", id.String(s.twin.User))
	s.own["merge"] = s.insert(`INSERT INTO merges (keep_id, other_id, state, created_at, expires_at, done_at, undo_until)
		VALUES ($1, $2, 'done', $3, $3, $3, $4) RETURNING id`, s.owner.User, gone.User, now, now.Add(24*time.Hour))
	s.tokens[web.MergeCookie] = s.token(`INSERT INTO merges (keep_hash, keep_id, other_id, state, started_by, reason, created_at, expires_at)
		VALUES ($1, $2, $3, 'asked', $4, 'They are one.', $5, $6) RETURNING id`, s.stranger.User, s.mate.User, s.root.Staff, now, now.Add(24*time.Hour))
}

// asksToMerge has staff ask the owner to bring another login into hers, and
// gives the browser the link that was sent to the owner.
func asksToMerge(s *stage, b *apptest.Browser) {
	if s.Count("merges WHERE state = 'asked' AND keep_id = $1", s.owner.User) == 0 {
		now := s.Clock.Now()
		s.tokens["asked"] = s.token(`INSERT INTO merges (keep_hash, keep_id, other_id, state, started_by, reason, created_at, expires_at)
			VALUES ($1, $2, $3, 'asked', $4, 'They are one.', $5, $6) RETURNING id`, s.owner.User, s.twin.User, s.root.Staff, now, now.Add(24*time.Hour))
	}
	s.holding(b, web.MergeCookie, s.tokens["asked"])
}

// asksUser has staff ask it of the user in staff's paths.
func asksUser(s *stage, _ *apptest.Browser) {
	if s.Count("merges WHERE state = 'asked' AND keep_id = $1", s.mate.User) > 0 {
		return
	}
	now := s.Clock.Now()
	_, hash := auth.NewToken()
	s.Exec(`INSERT INTO merges (keep_hash, keep_id, other_id, state, started_by, reason, created_at, expires_at)
		VALUES ($1, $2, $3, 'asked', $4, 'They are one.', $5, $6)`, hash, s.mate.User, s.keeper.User, s.root.Staff, now, now.Add(24*time.Hour))
}

// showsAnother has the owner show another login, or the keeper's as far
// as its second step.
func showsAnother(address func(*stage) string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		page := b.Post("/me/merge", url.Values{"address": {address(s)}, "password": {apptest.Password}})
		if plan := page.Find(`input[name="plan"]`); plan.Length() > 0 {
			s.word("plan", plan.AttrOr("value", ""))
		}
		s.word("code", s.Code(s.seed))
	}
}

func theTwin(s *stage) string { return s.twin.Address }

func theKeeper(s *stage) string { return s.keeper.Address }

// showsAnotherKey is showsAnother up to the answer of the keeper's device.
func showsAnotherKey(path string) func(*stage, *apptest.Browser) {
	return func(s *stage, b *apptest.Browser) {
		if strings.Contains(path, "second") {
			showsAnother(theKeeper)(s, b)
		}
		shows(path)(s, b)
	}
}

// agreesToMerge reads what would happen.
func agreesToMerge(s *stage, b *apptest.Browser) {
	asksToMerge(s, b)
	s.word("plan", b.Get("/together/confirm").Must(http.StatusOK).Find(`input[name="plan"]`).AttrOr("value", ""))
}

var mergeUses = map[string]use{
	"POST /me/merge":                             {fields: []string{"address", "{twin}", "password", apptest.Password}},
	"POST /me/merge/passkey/begin":               {},
	"POST /me/merge/passkey":                     {fields: []string{"response", "{response}"}, begin: showsAnotherKey("/me/merge/passkey")},
	"POST /me/merge/with/{provider}":             {},
	"GET /me/merge/second-factor":                {begin: showsAnother(theKeeper)},
	"POST /me/merge/second-factor":               {fields: []string{"code", "{code}"}, begin: showsAnother(theKeeper)},
	"POST /me/merge/second-factor/passkey/begin": {begin: showsAnother(theKeeper)},
	"POST /me/merge/second-factor/passkey":       {fields: []string{"response", "{response}"}, begin: showsAnotherKey("/me/merge/second-factor/passkey")},
	"GET /me/merge/confirm":                      {begin: showsAnother(theTwin)},
	"POST /me/merge/confirm":                     {fields: []string{"plan", "{plan}"}, begin: showsAnother(theTwin)},
	"POST /me/merges/{merge}/undo":               {},
	"GET /together":                              {as: "with " + web.MergeCookie},
	"POST /together":                             {as: "with " + web.MergeCookie},
	"GET /together/confirm":                      {begin: asksToMerge},
	"POST /together/confirm":                     {fields: []string{"plan", "{plan}"}, begin: agreesToMerge},
	"POST /staff/users/{user}/merge":             {fields: []string{"other", "{twin number}", "reason", "She has called and named both addresses."}, before: "UPDATE merges SET state = 'stopped' WHERE state = 'asked'"},
	"POST /staff/users/{user}/merge/withdraw":    {begin: asksUser},
}

func init() { maps.Copy(uses, mergeUses) }

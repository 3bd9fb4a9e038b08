package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/web"
)

// careful lists the routes that ask for a fresh proof.
func careful(w *apptest.World) (out []web.Route) {
	for _, r := range w.Mux.Routes() {
		if r.StepUp {
			out = append(out, r)
		}
	}
	return out
}

// TestT104_WhatMattersAsksForAFreshProof names what must ask for the password
// once more: what owners alone may do, on both sides, and what takes the log
// along.
func TestT104_WhatMattersAsksForAFreshProof(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for _, r := range w.Mux.Routes() {
			matters := r.Needs == "Own" || strings.HasSuffix(r.Pattern, "/owner") || strings.HasSuffix(r.Pattern, "/owner/end") || strings.HasSuffix(r.Pattern, "/take") || strings.HasSuffix(r.Pattern, "/reopen")
			matters = matters || r.Audits == "log.exported" || strings.HasSuffix(r.Pattern, "/export")
			if matters && !r.StepUp {
				t.Errorf("%s does not ask for a fresh proof", name(r))
			}
		}
		if len(careful(w)) < 8 {
			t.Errorf("%d routes ask for a fresh proof", len(careful(w)))
		}
	}, kept)
}

// TestT104_AFreshProofLastsTenMinutesInOneSession uses every route that asks
// for a fresh proof: with an old one, with one of another session, after
// confirming, at its last moment, and after it.
func TestT104_AFreshProofLastsTenMinutesInOneSession(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for w, r := range each(t, w, careful(w)) {
			s := newStage(t, w)
			s.ready(t, r)
			b := s.browser(t, r)
			confirm, cookie := "/confirm", "__Host-clientele-session"
			if r.Guard == "staff" {
				confirm, cookie = "/staff/confirm", "__Secure-clientele-staff"
			}
			fresh := func(b *apptest.Browser) { b.PostOnly(confirm, s.proof(t, r)) }
			refused := func(when string, b *apptest.Browser) {
				t.Helper()
				before := stateOf(w)
				page := b.Once(asJSON(s.request(t, r, b)))
				if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "/problems/step-up-required") {
					t.Errorf("%s, %s: %d %.200s", name(r), when, page.Status, page.Body)
				}
				if page := b.Once(s.request(t, r, b)); page.Status != http.StatusForbidden || page.Find("main form input[type=password]").Length() != 1 {
					t.Errorf("%s, %s: %d, and no field for the password", name(r), when, page.Status)
				}
				w.Exec("DELETE FROM throttles")
				before["throttles"] = ""
				if tables := before.differs(stateOf(w)); len(tables) > 0 {
					t.Errorf("%s, %s: changed %v", name(r), when, tables)
				}
			}
			w.Clock.Move(auth.Fresh + time.Microsecond)
			b.Get("/me") // the visit is noted already
			if r.Guard == "staff" {
				b.Get("/staff").Must(200)
			}
			refused("with an old proof", b)

			// Another session of the same person is fresh: it proves nothing here.
			aged := w.Browser()
			aged.SetCookie(&http.Cookie{Name: cookie, Value: s.elder(t, r, b.Cookie(cookie)), Path: "/", Secure: true})
			fresh(b)
			refused("with a proof of another session", aged)
			b.PostOnly(confirm, url.Values{"password": {"not the password"}})

			w.Clock.Move(auth.Fresh)
			s.ready(t, r) // a challenge lasts no longer than the proof
			if r.Unsafe() {
				events := recorded(w, r)
				if page := b.Once(s.request(t, r, b)); page.Status >= 400 || recorded(w, r) != events+records(r) {
					t.Errorf("%s, at the last moment: %d", name(r), page.Status)
				}
				continue
			}
			if page := b.Once(s.request(t, r, b)); page.Status != http.StatusOK {
				t.Errorf("%s, at the last moment: %d", name(r), page.Status)
			}
			w.Clock.Move(time.Microsecond)
			refused("a moment too late", b)
		}
	}, kept)
}

// proof is what whoever uses the route confirms with: the password, and a code
// where she has a second factor.
func (s *stage) proof(t *testing.T, r web.Route) url.Values {
	t.Helper()
	form := url.Values{"password": {apptest.Password}}
	switch useOf(t, r).as {
	case "keeper":
		form.Set("code", s.Code(s.seed))
	case "crew":
		form.Set("code", s.Code(crewSeed))
	}
	return form
}

// elder makes a second session of whoever uses the route, whose proof is old.
func (s *stage) elder(t *testing.T, r web.Route, like string) (token string) {
	t.Helper()
	token, hash := auth.NewToken()
	table, who := "sessions", "user_id"
	if r.Guard == "staff" {
		table, who = "staff_sessions", "staff_id"
	}
	now := s.Clock.Now()
	s.Exec("INSERT INTO "+table+" ("+who+", token_hash, created_at, seen_at, proved_at, second_at, expires_at) SELECT "+who+", $1, $2, $3, $2, second_at, $4 FROM "+table+" WHERE token_hash = $5 AND ended_at IS NULL",
		hash, now.Add(-time.Hour), now, now.Add(time.Hour), auth.HashToken(like))
	return token
}

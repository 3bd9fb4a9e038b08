package backoffice_test

import (
	"net/http"
	"net/url"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// TestT111_TermsAreTheCustomersOwn: published terms are not asked of an
// operator who looks or acts as somebody, and nobody accepts them for her.
func TestT111_TermsAreTheCustomersOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.look(s.sam, s.alice.User, s.harbour)
		s.root.Get("/staff/settings/terms").Must(200).Submit("/staff/settings/terms", url.Values{"body": {"# Be kind"}}).Must(200, "Saved")
		for _, path := range []string{s.front, s.front + "/people", "/me/accounts"} {
			s.sam.Get(path).Must(200, "you are looking as Alice Example")
		}
		s.sam.PostOnly("/staff/impersonation/act", nil).Must(http.StatusSeeOther)
		form := s.settings(s.sam.Browser)
		form.Set("company", "Harbour Ltd")
		s.sam.Post(s.front+"/settings", form).Must(200, "Saved.")
		s.sam.PostOnly("/terms/accept", url.Values{"terms": {"1"}}).Must(403, "Only the person can do this.")
		if w.Count("users WHERE terms_version > 0") != 0 || w.Count("audit_records WHERE event = 'terms.accepted'") != 0 {
			t.Error("somebody has accepted the terms for her")
		}
		s.alice.Get(s.front).Must(403, "Read them and accept them to go on")
	})
}

// TestALookHasTheBrand fetches the accent and the logo while looking, with a
// browser that has neither: they come, and nothing is written down as refused.
func TestALookHasTheBrand(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		s.root.Get("/staff/settings/brand").Must(200).Submit("/staff/settings/brand", url.Values{"accent": {"#ffcc00"}}).Must(200, "Saved")
		s.look(s.sam, s.alice.User, s.harbour)
		style := s.sam.Get(s.front).Must(200).Find(`link[href^="/brand/"]`).AttrOr("href", "")
		s.sam.Get(style).Must(200)
		s.sam.Get("/brand/" + id.String(s.harbour) + ".png").Must(404)
		if n := w.Count("audit_records WHERE event = 'impersonation.forbidden'"); n != 0 {
			t.Errorf("%d refusals are recorded", n)
		}
	})
}

// TestT113_WhoManagesStaffSeesWhoLooks: a role that manages staff, and looks as
// nobody itself, finds who does and ends it; it still looks as nobody.
func TestT113_WhoManagesStaffSeesWhoLooks(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newShoulder(w)
		lead := w.Operator("Lea Lead", "lea@northbeam.example", "readonly")
		lead.Get("/staff/impersonations").Must(403)
		s.root.Post("/staff/roles", url.Values{"name": {"Lead"}, "permissions": {"staff.manage"}}).Must(200, "The role is added")
		w.Exec("UPDATE staff SET role = '', role_id = (SELECT id FROM staff_roles) WHERE id = $1", lead.Staff)
		s.act()
		if lead.Get("/staff").Must(200).Find(`nav a[href="/staff/impersonations"]`).Length() != 1 {
			t.Error("the menu does not lead there")
		}
		page := lead.Get("/staff/impersonations").Must(200, "Sam Porter", "Alice Example")
		page.Submit("/staff/impersonations/"+id.String(apptest.Query[id.Impersonation](w, "SELECT id FROM impersonations")[0])+"/end", nil).Must(200, "It is over.", "Nobody looks as anybody")
		s.sam.Get(s.front).Must(403, "You no longer look as somebody else.")
		s.ask(lead, s.alice.User, s.harbour).Must(403)
	})
}

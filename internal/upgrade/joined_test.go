package upgrade_test

import (
	"net/http"
	"net/url"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// A login that its person has brought into another one is that one for every
// later run: nothing of it comes back, and what it gets there goes to her.
func TestT140_NoRunRevivesALoginThatWasBroughtIntoAnother(t *testing.T) {
	for _, shape := range []string{"7.10", "8.13"} {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				for n, who := range []string{"ada", "cleo"} {
					s.there.Add("tblclients", "id", n+1, "firstname", who, "lastname", "Ames", "email", who+"@example.com", "password", bcrypted(who+"'s own password"), "status", "Active")
				}
				s.there.Add("tblclients", "id", 3, "firstname", "Dora", "lastname", "Dun", "email", "dora@example.com", "password", bcrypted("dora's own password"), "status", "Active")
				if s.there.HasUsers() {
					for n, who := range []string{"ada", "cleo", "dora"} {
						s.there.Add("tblusers", "id", n+1, "first_name", who, "last_name", "Ames", "email", who+"@example.com", "password", bcrypted(who+"'s own password"), "email_verified_at", "2020-01-01 00:00:00")
						s.there.Add("tblusers_clients", "id", n+1, "auth_user_id", n+1, "client_id", n+1, "owner", 1)
					}
				}
				s.bring()
				s.Exec("UPDATE users SET verified_at = created_at")
				ada := s.enters("ada@example.com", "ada's own password")
				ada.Get("/me/merge").Submit("/me/merge", url.Values{"address": {"cleo@example.com"}, "password": {"cleo's own password"}}).
					Must(http.StatusOK, "What moves").Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now")
				cleo := apptest.Query[id.User](s.World, "SELECT id FROM users WHERE address = 'cleo@example.com'")[0]
				again := func(when string) {
					t.Helper()
					s.bring(merge)
					s.refused("cleo@example.com", "cleo's own password")
					if n := s.Count("users WHERE address = 'cleo@example.com' AND status = 'active'"); n != 0 {
						t.Errorf("%s: the closed login is back", when)
					}
					if n := s.Count("memberships WHERE user_id = $1 AND status <> 'ended'", cleo); n != 0 {
						t.Errorf("%s: the closed login has %d accounts", when, n)
					}
					if n := s.Count("memberships m JOIN users u ON u.id = m.user_id WHERE u.address = 'ada@example.com' AND m.owner AND m.status = 'active'"); n != 2 {
						t.Errorf("%s: she owns %d accounts", when, n)
					}
				}
				again("at once")
				if s.there.HasUsers() {
					s.there.Exec("UPDATE tblusers SET password = '" + bcrypted("cleo's new password") + "', first_name = 'Cleopatra' WHERE id = 2")
					s.there.Add("tblusers_clients", "id", 9, "auth_user_id", 2, "client_id", 3, "permissions", "contacts")
				} else {
					s.there.Exec("UPDATE tblclients SET password = '" + bcrypted("cleo's new password") + "', firstname = 'Cleopatra' WHERE id = 2")
				}
				again("changed there")
				s.refused("cleo@example.com", "cleo's new password")
				if s.there.HasUsers() {
					if n := s.Count("memberships m JOIN users u ON u.id = m.user_id WHERE u.address = 'ada@example.com' AND NOT m.owner AND m.status = 'active'"); n != 1 {
						t.Error("what the other login got there is not hers")
					}
				}
				s.Exec("UPDATE merges SET undo_until = done_at")
				if err := s.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				again("after it is final")
			})
		})
	}
}

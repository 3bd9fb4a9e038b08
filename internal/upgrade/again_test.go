package upgrade_test

import (
	"net/http"
	"testing"

	"clientele/internal/apptest"
)

// Somebody who has deleted her login here stays gone, whatever later runs
// find there, and nothing that is remembered tells of her.
func TestT146_NoRunBringsADeletedPersonBack(t *testing.T) {
	for _, shape := range []string{"7.10", "8.13"} {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				s.there.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted("ada's own password"), "status", "Active")
				s.there.Add("tblclients", "id", 2, "firstname", "Cleo", "lastname", "Cob", "email", "cleo@example.com", "password", bcrypted("cleo's own password"), "status", "Active")
				if s.there.HasUsers() {
					s.there.Add("tblusers", "id", 1, "first_name", "Ada", "last_name", "Ames", "email", "ada@example.com", "password", bcrypted("ada's own password"))
					s.there.Add("tblusers", "id", 5, "first_name", "Ben", "last_name", "Bow", "email", "ben@example.com", "password", bcrypted("ben's own password"))
					s.there.Add("tblusers_clients", "id", 1, "auth_user_id", 1, "client_id", 1, "owner", 1)
					s.there.Add("tblusers_clients", "id", 2, "auth_user_id", 5, "client_id", 1, "permissions", "contacts")
				} else {
					s.there.Add("tblcontacts", "id", 5, "userid", 1, "firstname", "Ben", "lastname", "Bow", "email", "ben@example.com", "subaccount", 1, "password", bcrypted("ben's own password"), "permissions", "contacts")
				}
				s.bring()
				ben := s.enters("ben@example.com", "ben's own password")
				if page := ben.PostOnly("/me/delete", form("sure", "yes")); page.Status != http.StatusOK {
					t.Fatalf("deleting the login: %d", page.Status)
				}
				if s.there.HasUsers() {
					s.there.Exec("UPDATE tblusers SET first_name = 'Benjamin' WHERE id = 5")
					s.there.Add("tblusers_clients", "id", 3, "auth_user_id", 5, "client_id", 2, "permissions", "contacts")
				} else {
					s.there.Exec("UPDATE tblcontacts SET firstname = 'Benjamin' WHERE id = 5")
				}
				s.bring(merge)
				s.refused("ben@example.com", "ben's own password")
				if n := s.Count("users WHERE address = 'ben@example.com'"); n != 0 {
					t.Error("he is back")
				}
				if n := s.Count("memberships m JOIN users u ON u.id = m.user_id WHERE u.status = 'deleted' AND m.status <> 'ended'"); n != 0 {
					t.Errorf("a deleted login has %d accounts", n)
				}
				if told := apptest.Query[int64](s.World, "SELECT r.written FROM import_rows r JOIN users u ON u.id = r.target_id WHERE u.status = 'deleted' AND r.mark = 'own'"); len(told) != 1 || told[0] != 0 {
					t.Errorf("what is remembered of him: %v", told)
				}
			})
		})
	}
}

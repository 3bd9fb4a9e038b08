package upgrade_test

import (
	"net/http"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/upgrade"
)

// An invitation gives what its sender may still give. One from somebody who
// owned the account once would come in and give nothing: it stays behind, and
// the report says so; the one of an owner gives what it offers.
func TestT014_AnInvitationOfAFormerOwnerStaysBehind(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.there.Add("tblusers", "id", 7, "first_name", "Ben", "last_name", "Bow", "email", "ben@example.com", "password", bcrypted(theirs))
		s.there.Add("tblusers_clients", "id", 70, "auth_user_id", 7, "client_id", 1, "permissions", "tickets,orders")
		for n, by := range map[int]int{1: 7, 2: 1, 3: 8} {
			s.there.Add("tbluser_invites", "id", n, "email", []string{"", "kim@example.com", "lou@example.com", "max@example.com"}[n], "client_id", 1, "invited_by", by, "permissions", "contacts", "created_at", "2026-03-01 00:00:00")
		}
		dry := s.bring(dryRun)
		out := s.bring()
		same(t, dry, out)
		for _, n := range []int64{1, 3} {
			out.must(t, "tbluser_invites", n, "does not own the account any more")
		}
		if n := s.Count("invitations"); n != 1 {
			t.Errorf("%d invitations have come in", n)
		}
		if _, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, upgrade.WelcomeInvitations, false); err != nil {
			t.Fatal(err)
		}
		lou := s.Person("Lou", "lou@example.com")
		number := apptest.Query[int64](s.World, "SELECT id FROM invitations")[0]
		lou.Get("/me/invitations").Submit("/me/invitations/"+id.String(id.Invitation(number))+"/accept", nil).Must(http.StatusOK)
		if set, _, member := s.held("lou@example.com", 1); !member || set != whmcsSet("contacts") {
			t.Errorf("she holds %v", set)
		}
	})
}

package upgrade_test

import (
	"fmt"
	"testing"
)

// subAccount is somebody of client 1, before 8.0 and since, and how she goes
// there.
func (s *stage) subAccount(number int, address string) (gone string) {
	if s.there.HasUsers() {
		s.there.Add("tblusers", "id", number, "first_name", "Ben", "last_name", "Bow", "email", address, "password", bcrypted(theirs))
		s.there.Add("tblusers_clients", "id", number, "auth_user_id", number, "client_id", 1, "permissions", "tickets")
		return fmt.Sprintf("DELETE FROM tblusers WHERE id = %d; DELETE FROM tblusers_clients WHERE id = %[1]d", number)
	}
	s.there.Add("tblcontacts", "id", number, "userid", 1, "firstname", "Ben", "lastname", "Bow", "email", address, "subaccount", 1, "password", bcrypted(theirs), "permissions", "tickets")
	return fmt.Sprintf("DELETE FROM tblcontacts WHERE id = %d", number)
}

// TestT142_ALoginThatStaysIsNotCalledDeleted has clients go there whose
// accounts were changed here and stay.
func TestT142_ALoginThatStaysIsNotCalledDeleted(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.login(2, "ben@example.com", bcrypted(theirs))
		s.bring()
		s.Exec("UPDATE accounts SET city = 'Here' WHERE id = 1")
		s.there.Exec("DELETE FROM tblclients WHERE id = 1")
		for range 2 {
			out := s.bothWays(t)
			out.must(t, "tblclients", 1, "the login stays")
			if out.says(t, "tblclients", 1, "is deleted") || out.counts("Logins") != "0 0 1 1 0" {
				t.Errorf("it says that she is deleted: %s\n%s", out.counts("Logins"), out.csv)
			}
		}
		s.enters("ada@example.com", hers).Get(accountPath(1)).Must(200)
		s.Exec("DELETE FROM sessions")
		s.Exec("UPDATE accounts SET status = 'closed' WHERE id = 1")
		s.bothWays(t).must(t, "tblclients", 1, "the login is deleted")
		s.refused("ada@example.com", hers)
	})
}

// TestT142_ADryRunKnowsWhatStaysHere has access that was changed here go there
// with its login, and in a client that is closed there.
func TestT142_ADryRunKnowsWhatStaysHere(t *testing.T) {
	eachShape(t, func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		gone := s.subAccount(7, "ben@example.com")
		s.bring()
		s.Exec("UPDATE memberships SET permissions = $1 WHERE NOT owner", whmcsSet("tickets", "orders"))
		s.there.Exec(gone)
		out := s.bothWays(t)
		out.must(t, map[bool]string{true: "tblusers", false: "tblcontacts"}[s.there.HasUsers()], 7, "the login stays")
		s.enters("ben@example.com", theirs).Get(accountPath(1)).Must(200)
	})
}

// TestALoginWithoutItsAddressIsToldOf has a row go there and come back under
// another number, while somebody is signed in.
func TestALoginWithoutItsAddressIsToldOf(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		gone := s.subAccount(5, "ben@example.com")
		s.bring()
		s.enters("ben@example.com", theirs)
		s.there.Exec(gone)
		s.subAccount(9, "ben@example.com")
		s.bothWays(t).must(t, "tblcontacts", 5, "without its address")
	})
}

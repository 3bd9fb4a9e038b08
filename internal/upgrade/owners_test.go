package upgrade_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"clientele/internal/upgrade"
)

// twoMembers are ada, who owns client 1, and ben, who is user 7 and may see its
// tickets.
func twoMembers(s *stage) {
	s.login(1, "ada@example.com", bcrypted(hers))
	s.there.Add("tblusers", "id", 7, "first_name", "Ben", "last_name", "Bow", "email", "ben@example.com", "password", bcrypted(theirs))
	s.there.Add("tblusers_clients", "id", 70, "auth_user_id", 7, "client_id", 1, "permissions", "tickets")
}

// TestT048_NoRunLeavesAnAccountWithoutAnOwner has the ownership go to somebody
// there who cannot get it here, for what was done here meanwhile.
func TestT048_NoRunLeavesAnAccountWithoutAnOwner(t *testing.T) {
	handOver := "UPDATE tblusers_clients SET owner = 0, permissions = 'tickets' WHERE id = 1; UPDATE tblusers_clients SET owner = 1 WHERE id = 70"
	for name, c := range map[string]struct {
		here  func(s *stage)
		there string
	}{
		"she may do something else": {func(s *stage) {
			s.Exec("UPDATE memberships SET permissions = $1 WHERE user_id = 7", whmcsSet("tickets", "orders"))
		}, handOver},
		"access that ends": {func(s *stage) {
			s.Exec("UPDATE memberships SET ends_at = $1 WHERE user_id = 7", s.Clock.Now().Add(30*24*time.Hour))
		}, handOver},
		"a role of the account's own": {func(s *stage) {
			s.Exec("INSERT INTO roles (id, account_id, name, permissions, created_at) VALUES (1, 1, 'Desk', 1, $1)", s.Clock.Now())
			s.Exec("UPDATE memberships SET role_id = 1 WHERE user_id = 7")
		}, handOver},
		"suspended": {func(s *stage) { s.Exec("UPDATE memberships SET status = 'suspended' WHERE user_id = 7") }, handOver},
		"the place given to a member": {func(s *stage) {
			s.Exec("UPDATE memberships SET permissions = $1 WHERE user_id = 7", whmcsSet("tickets", "orders"))
		}, "DELETE FROM tblusers_clients WHERE id = 70; UPDATE tblusers_clients SET auth_user_id = 7 WHERE id = 1"},
		"the place given to a login that is deleted here": {func(s *stage) {
			ben := s.enters("ben@example.com", theirs)
			ben.PostOnly("/me/delete", form("sure", "yes"))
		}, "DELETE FROM tblusers_clients WHERE id = 70; UPDATE tblusers_clients SET auth_user_id = 7 WHERE id = 1"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, "8.13", func(t *testing.T, s *stage) {
				twoMembers(s)
				s.bring()
				c.here(s)
				s.there.Exec(c.there)
				out := s.bothWays(t)
				if _, owner, _ := s.held("ada@example.com", 1); !owner {
					t.Error("she does not own it any more")
				}
				if !out.says(t, "tblusers_clients", 1, "is its only owner here") && !out.says(t, "tblclients", 1, "is the only owner here") {
					t.Errorf("the report does not tell of her: %s", out.csv)
				}
				s.enters("ada@example.com", hers).Get(accountPath(1)).Must(200)
				again := s.bothWays(t)
				for _, c := range again.head.Rows {
					if c.New+c.Changed+c.Gone > 0 {
						t.Errorf("a run after it does something: %+v", c)
					}
				}
				s.Exec("INSERT INTO users (id, address, name, status, created_at) VALUES (99, 'kim@example.com', 'Kim', 'active', $1)", s.Clock.Now())
				s.Exec("INSERT INTO memberships (account_id, user_id, owner, starts_at, seen_at, created_at) VALUES (1, 99, TRUE, $1, $1, $1)", s.Clock.Now())
				s.bothWays(t)
				if _, owner, _ := s.held("ada@example.com", 1); owner {
					t.Error("there is another owner, and she is one still")
				}
			})
		})
	}
}

// TestT048_AnOwnershipThatIsHandedOverIsNeverNobodys has two owners change
// places, with so many rows between them that a run reads one long before the
// other, and cuts it off there.
func TestT048_AnOwnershipThatIsHandedOverIsNeverNobodys(t *testing.T) {
	for name, change := range map[string]string{
		"flags":  "UPDATE tblusers_clients SET owner = 1 - owner WHERE id IN (1, 9000)",
		"places": "UPDATE tblusers_clients SET auth_user_id = 8 - auth_user_id WHERE id IN (1, 9000)",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, "8.13", func(t *testing.T, s *stage) {
				twoMembers(s)
				s.there.Exec("UPDATE tblusers_clients SET id = 9000 WHERE id = 70")
				s.there.Exec(`INSERT INTO tblclients (id, firstname, lastname, email, status) SELECT seq + 1000, 'Old', seq, CONCAT('c', seq, '@example.com'), 'Active' FROM seq_1_to_1100;
					INSERT INTO tblusers_clients (id, auth_user_id, client_id, owner, permissions) SELECT seq + 1000, 7, seq + 1000, 1, '' FROM seq_1_to_1100`)
				s.bring()
				s.there.Exec(change)
				s.cutAfter(t, 1)
				out := s.bothWays(t)
				if out.counts("Access") == "none" {
					t.Error("no access was read")
				}
				if _, owner, _ := s.held("ben@example.com", 1); !owner {
					t.Error("he does not own it")
				}
				if set, owner, member := s.held("ada@example.com", 1); owner || !member || (name == "places" && set != whmcsSet("tickets")) {
					t.Errorf("she owns it: %v, is a member: %v, and may %v", owner, member, set)
				}
			})
		})
	}
}

// cutAfter runs an upgrade that is cut off after a few steps of access.
func (s *stage) cutAfter(t *testing.T, steps int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	err := within(ctx, t, s, upgrade.Options{Progress: func(_, _ int64, what string) {
		if what == "Access" {
			if n++; n > steps {
				cancel()
			}
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the run was not cut off: %v", err)
	}
	if list := unowned(s.World); len(list) > 0 {
		t.Errorf("cut off, it leaves nobody to own the accounts %v", list)
	}
}

// TestT048_AStandInOwnsWhatSomebodyOwnsThereWhoDeletedHerLogin has her get a
// client there after she has gone here: she stays gone.
func TestT048_AStandInOwnsWhatSomebodyOwnsThereWhoDeletedHerLogin(t *testing.T) {
	eachShape(t, func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.bring()
		ada := s.enters("ada@example.com", hers)
		s.Exec("UPDATE accounts SET status = 'closed', closed_at = $1", s.Clock.Now())
		ada.PostOnly("/me/delete", form("sure", "yes"))
		s.there.Add("tblclients", "id", 2, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted(hers), "status", "Active")
		if s.there.HasUsers() {
			s.there.Add("tblusers_clients", "id", 2, "auth_user_id", 1, "client_id", 2, "owner", 1)
		}
		s.bothWays(t).must(t, "tblclients", 2, "a stand-in owns the account")
		s.refused("ada@example.com", hers)
		if out := s.bothWays(t); out.counts("Logins")[:1] != "0" || s.Count("users WHERE status = 'active'") != 1 {
			t.Errorf("another run makes another: %s", out.counts("Logins"))
		}
	})
}

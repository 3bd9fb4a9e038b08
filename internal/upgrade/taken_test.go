package upgrade_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/upgrade"
)

// twoUsers are two people of 8.0 and later, each the owner of the client of her
// number: 5 is mal and 7 is vic.
func twoUsers(s *stage, victim string) {
	for number, who := range map[int][2]string{5: {"Mal", "mal@evil.example"}, 7: {"Vic", victim}} {
		s.there.Add("tblclients", "id", number, "firstname", who[0], "lastname", "Ory", "email", who[1], "status", "Active")
		s.there.Add("tblusers", "id", number, "first_name", who[0], "last_name", "Ory", "email", who[1], "password", bcrypted(map[int]string{5: theirs, 7: hers}[number]))
		s.there.Add("tblusers_clients", "id", number, "auth_user_id", number, "client_id", number, "owner", 1)
	}
}

// opens tells what an account's settings answer.
func opens(b *apptest.Browser, account int) int {
	return b.Get(fmt.Sprintf("/a/%d/settings", account)).Status
}

// Whoever gives himself somebody's address there, in another spelling, gets
// nothing of hers, whichever of the two has set a password here.
func TestT140_NobodyTakesAnAccountByTakingAnAddress(t *testing.T) {
	for _, who := range []string{"mal@evil.example", "vic@xn--mller-kva.example"} {
		t.Run(who, func(t *testing.T) {
			each(t, "8.13", func(t *testing.T, s *stage) {
				twoUsers(s, "vic@xn--mller-kva.example")
				s.bring()
				s.recovers(who, fresh)
				s.there.Exec("UPDATE tblusers SET email = 'vic@müller.example' WHERE id = 5")
				s.bring()
				mal := theirs
				if who == "mal@evil.example" {
					mal = fresh
				}
				for _, address := range []string{"mal@evil.example", "vic@xn--mller-kva.example"} {
					b := s.Browser()
					if page := signIn(b, address, mal); page.Status == http.StatusSeeOther {
						if status := opens(b, 7); status != http.StatusNotFound {
							t.Errorf("with his password mal opens her account as %s: %d", address, status)
						}
					}
				}
				if who != "mal@evil.example" {
					if b := s.enters(who, fresh); opens(b, 7) != http.StatusOK {
						t.Error("she is shut out of her own account")
					}
				}
			})
		})
	}
}

// A Sub-Account that has set a password here stays in, when a new client there
// takes her address.
func TestT140_ANewClientShutsNobodyOut(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.there.Add("tblclients", "id", 1, "firstname", "Ben", "lastname", "Bow", "email", "ben@example.com", "password", bcrypted("ben's own password"), "status", "Active")
		s.there.Add("tblcontacts", "id", 1, "userid", 1, "firstname", "Vic", "lastname", "Ory", "email", "vic@xn--mller-kva.example", "subaccount", 1, "password", bcrypted(hers), "permissions", "profile,contacts")
		s.bring()
		s.recovers("vic@xn--mller-kva.example", fresh)
		s.there.Add("tblclients", "id", 99, "firstname", "Mal", "lastname", "Ory", "email", "vic@müller.example", "password", bcrypted(theirs), "status", "Active")
		s.bring()
		if b := s.enters("vic@xn--mller-kva.example", fresh); opens(b, 1) != http.StatusOK || opens(b, 99) != http.StatusNotFound {
			t.Error("she does not have what she had, and that alone")
		}
		s.refused("client-99@whmcs.invalid", theirs)
	})
}

// A row whose number was given to another person there is another person here:
// the first keeps her login and nothing of the second.
func TestT140_ANumberThatIsUsedAgainIsSomebodyElse(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		twoUsers(s, "vic@example.com")
		s.bring()
		s.recovers("mal@evil.example", fresh)
		s.there.Exec("DELETE FROM tblusers WHERE id = 5; DELETE FROM tblusers_clients WHERE id = 5")
		s.there.Add("tblclients", "id", 8, "firstname", "Nina", "lastname", "New", "email", "nina@new.example", "status", "Active")
		s.there.Add("tblusers", "id", 5, "first_name", "Nina", "last_name", "New", "email", "nina@new.example", "password", bcrypted(hers))
		s.there.Add("tblusers_clients", "id", 30, "auth_user_id", 5, "client_id", 8, "owner", 1)
		s.bring()
		if b := s.enters("nina@new.example", hers); opens(b, 8) != http.StatusOK {
			t.Error("she does not open her own account")
		}
		s.refused("nina@new.example", fresh)
		if b := s.enters("mal@evil.example", fresh); opens(b, 8) != http.StatusNotFound {
			t.Error("who had her number before opens her account")
		}
	})
}

// Of two records that shared an address, the password of neither comes back
// once she has set one here, also where one of them goes.
func TestT140_ASharedPasswordDoesNotComeBack(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.there.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted(hers), "status", "Active")
		s.there.Add("tblclients", "id", 2, "firstname", "Ada", "lastname", "Two", "email", "ada@example.com", "password", bcrypted(theirs), "status", "Active")
		s.bring()
		s.recovers("ada@example.com", fresh)
		s.there.Exec("DELETE FROM tblclients WHERE id = 1")
		s.bring()
		s.refused("ada@example.com", theirs)
		if b := s.enters("ada@example.com", fresh); opens(b, 2) != http.StatusOK {
			t.Error("she has lost the account of the other record")
		}
	})
}

// A stand-in signs in with nothing, also where its client had a password, or
// has written a stand-in's address as his own.
func TestT082_AStandInNeverSignsIn(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.Person("Ada", "ada@example.com")
		s.there.Add("tblclients", "id", 42, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted(hers), "status", "Active")
		s.there.Add("tblclients", "id", 43, "firstname", "Mal", "lastname", "Ory", "email", "client-44@whmcs.invalid", "password", bcrypted(hers), "status", "Active")
		s.there.Add("tblclients", "id", 44, "firstname", "No", "lastname", "Address", "email", "none", "password", bcrypted(hers), "status", "Active")
		s.bring(merge)
		if n := s.Count("users WHERE address LIKE '%.invalid' AND password <> ''"); n != 0 {
			t.Errorf("%d stand-ins have a password", n)
		}
		for _, number := range []string{"42", "43", "44"} {
			s.refused("client-"+number+"@whmcs.invalid", hers)
		}
		s.Exec("UPDATE users SET password = $1 WHERE address LIKE '%.invalid'", bcrypted(hers))
		s.refused("client-44@whmcs.invalid", hers)
	})
}

// A source that has lost most of its clients is an older dump rather, or an
// empty one: nothing is closed before somebody says that it is right.
func TestAnOlderDumpClosesNothing(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		for i := 1; i <= 30; i++ {
			s.there.Add("tblclients", "id", i, "firstname", "Ada", "lastname", fmt.Sprint("Number ", i), "email", fmt.Sprintf("ada%d@example.com", i), "password", bcrypted(hers), "status", "Active")
		}
		s.bring()
		before := dump(s.World)
		s.there.Exec("DELETE FROM tblclients WHERE id > 12")
		for _, o := range []upgrade.Options{{DryRun: true}, {}} {
			if out := try(t, s.World, live(t, s.there.DSN()), o); out.err == nil || !strings.Contains(out.err.Error(), "18 of the 30 clients") {
				t.Errorf("it goes on: %v", out.err)
			}
		}
		if !equal(t, before, dump(s.World)) {
			t.Error("something was written")
		}
		s.bring(func(o *upgrade.Options) { o.Gone = true })
		if n := s.Count("accounts WHERE status = 'closed'"); n != 18 {
			t.Errorf("%d accounts are closed, want the 18 that have gone", n)
		}
		s.there.Exec("DELETE FROM tblclients")
		if out := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{Gone: true}); out.err == nil || !strings.Contains(out.err.Error(), "no client") {
			t.Errorf("an empty source goes through: %v", out.err)
		}
	})
}

package upgrade_test

import (
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/upgrade"
	"clientele/internal/whmcstest"
)

const (
	hers   = "seven red trams"     // the password of one record
	theirs = "nine yellow ferries" // the password of another with the same address
	fresh  = "four green bicycles" // set by mail
)

// people71 has one address as client of account 1, contact of 2, Sub-Account of
// 3, spelled three times.
func people71(s *stage) {
	s.there.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted(hers), "status", "Active")
	s.there.Add("tblclients", "id", 2, "uuid", "one", "firstname", "Ben", "lastname", "Bow", "email", "ben@example.com", "password", bcrypted("ben's own password"), "status", "Active")
	s.there.Add("tblclients", "id", 3, "firstname", "Cleo", "lastname", "Cob", "email", "cleo@example.com", "password", bcrypted("cleo's own password"), "status", "Active")
	s.there.Add("tblcontacts", "id", 1, "userid", 2, "firstname", "Ada", "lastname", "at Ben's", "email", " ADA@example.com", "subaccount", 0, "password", bcrypted(theirs), "permissions", "profile,contacts", "domainemails", 1)
	s.there.Add("tblcontacts", "id", 2, "userid", 3, "firstname", "Ada", "lastname", "at Cleo's", "email", "Ada@Example.COM\t", "subaccount", 1, "password", bcrypted(theirs), "permissions", "contacts,tickets")
}

// people8 has the same as users: two of them share an address, spelled twice.
func people8(s *stage) {
	for n, who := range []string{"ada", "ben", "cleo"} {
		s.there.Add("tblclients", "id", n+1, "firstname", who, "lastname", "Client", "email", who+"@example.com", "status", "Active")
		s.there.Add("tblusers", "id", n+11, "first_name", who, "last_name", "User", "email", who+"@example.com", "password", bcrypted(hers))
		s.there.Add("tblusers_clients", "id", n+1, "auth_user_id", n+11, "client_id", n+1, "owner", 1)
	}
	s.there.Add("tblcontacts", "id", 1, "userid", 2, "firstname", "Ada", "lastname", "at Ben's", "email", " ADA@example.com", "subaccount", 1, "password", bcrypted(theirs), "permissions", "profile,contacts", "domainemails", 1)
	s.there.Add("tblusers", "id", 20, "first_name", "Ada", "last_name", "at Cleo's", "email", "Ada@Example.COM\t", "password", bcrypted(theirs))
	s.there.Add("tblusers_clients", "id", 9, "auth_user_id", 20, "client_id", 3, "permissions", "contacts,tickets")
}

var shapes = map[string]func(*stage){"7.10": people71, "8.13": people8}

// TestT140_AnImportNeverMergesPeople has one address with the owner of A, with
// a contact of B, and with somebody at C. What each row there gave is what it
// gives here, and no old password opens the other's part.
func TestT140_AnImportNeverMergesPeople(t *testing.T) {
	for shape, fill := range shapes {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				fill(s)
				out := s.bring()
				want := whmcsSet("contacts", "tickets")
				if _, owner, _ := s.held("ada@example.com", 1); !owner {
					t.Error("she does not own her own account")
				}
				if _, _, member := s.held("ada@example.com", 2); member || s.Count("contacts WHERE account_id = 2 AND address = 'ada@example.com'") != 1 {
					t.Error("being a contact gives access, or the contact is not there")
				}
				if set, owner, _ := s.held("ada@example.com", 3); set != want || owner {
					t.Errorf("at C she holds %v", set)
				}
				if n := s.Count("users WHERE address = 'ada@example.com'"); n != 1 || s.Count("users WHERE address = 'ada@example.com' AND password <> ''") != 0 {
					t.Errorf("%d logins have the address, or a password was kept", n)
				}
				for _, password := range []string{hers, theirs, "", " "} {
					s.refused("ada@example.com", password)
				}
				for table, row := range map[string]int64{"tblcontacts": 2, "tblclients": 1} {
					if s.there.HasUsers() {
						table, row = "tblusers", map[int64]int64{2: 20, 1: 11}[row]
					}
					out.must(t, table, row, "shares its address with others")
				}
				s.nobodyMailed()
				b := s.recovers("ada@example.com", fresh)
				s.reaches(b, 1, access.Everything, true)
				s.reaches(b, 3, want, false)
				s.shutOut(b, 2)
				for _, password := range []string{hers, theirs} {
					s.refused("ada@example.com", password)
				}
			})
		})
	}
}

// TestT140_ALoginHereIsAskedAndNeverJoined brings people into an installation
// where one of them has a login already. It is hers, and nobody proves there
// that it is.
func TestT140_ALoginHereIsAskedAndNeverJoined(t *testing.T) {
	for shape, fill := range shapes {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) { askedNotJoined(t, s, fill) })
		})
	}
}

func askedNotJoined(t *testing.T, s *stage, fill func(*stage)) {
	ada := s.Person("Ada Here", "ada@example.com")
	own := s.Account(ada, "Her account here")
	fill(s)
	s.there.Exec("DELETE FROM tblclients WHERE id = 1") // the number is taken, and that is another test
	s.there.Add("tblclients", "id", 40, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", bcrypted(hers), "status", "Active")
	if s.there.HasUsers() {
		s.there.Exec("UPDATE tblusers_clients SET client_id = 40 WHERE client_id = 1")
	}
	before := apptest.Query[string](s.World, "SELECT password || name || credentials FROM users WHERE id = $1", ada.User)[0]
	out := s.bring(merge)
	for _, account := range []int64{2, 3, 40} {
		if _, _, member := s.held("ada@example.com", account); member {
			t.Errorf("she is a member of %d without having been asked", account)
		}
		s.shutOut(ada.Browser, account)
	}
	want := whmcsSet("contacts", "tickets")
	if set, sends, ok := s.offered("ada@example.com", 3); set != want || sends != 0 || !ok {
		t.Errorf("C offers %v, sent %d times", set, sends)
	}
	if set, sends, ok := s.offered("ada@example.com", 40); set != access.Everything || sends != 0 || !ok {
		t.Errorf("her own account offers %v, sent %d times", set, sends)
	}
	if _, _, ok := s.offered("ada@example.com", 2); ok {
		t.Error("being a contact is an invitation")
	}
	standIns := apptest.Query[string](s.World, "SELECT u.address || ' ' || u.password FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = 40 AND m.owner AND m.status = 'active'")
	if len(standIns) != 1 || !strings.HasSuffix(standIns[0], ".invalid ") {
		t.Errorf("account 40 is owned by %q", standIns)
	}
	if after := apptest.Query[string](s.World, "SELECT password || name || credentials FROM users WHERE id = $1", ada.User)[0]; after != before {
		t.Error("her login here was changed")
	}
	for _, password := range []string{hers, theirs} {
		s.refused("ada@example.com", password)
	}
	table, row := "tblclients", int64(40)
	if s.there.HasUsers() {
		table, row = "tblusers", 11
	}
	out.must(t, table, row, "the account's owner has a login here already")
	s.nobodyMailed()
	accepts(t, s, ada, want)
	if !s.Member(own, ada) {
		t.Error("she has lost her own account")
	}
}

// accepts has the invitations sent, and her accept the one to C.
func accepts(t *testing.T, s *stage, ada *apptest.Person, want access.Set) {
	done, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, "", false)
	if err != nil || done.Invitations != 2 || done.Later != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	s.Quiet()
	if n := s.Mail.To("ada@example.com"); n != 2 || len(s.Mail.All()) != 2 {
		t.Errorf("she got %d mails of %d", n, len(s.Mail.All()))
	}
	s.shutOut(ada.Browser, 3)
	number := apptest.Query[int64](s.World, "SELECT id FROM invitations WHERE account_id = 3")[0]
	ada.Get("/me/invitations").Submit("/me/invitations/"+id.String(id.Invitation(number))+"/accept", nil).Must(200)
	s.reaches(ada.Browser, 3, want, false)
	s.shutOut(ada.Browser, 40)
}

// TestT140_AnInstallationInUseIsRefused runs without --merge where people are.
func TestT140_AnInstallationInUseIsRefused(t *testing.T) {
	for shape, fill := range shapes {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				s.Account(s.Person("Ada Here", "ada@example.com"), "Her account here")
				fill(s)
				before := dump(s.World)
				for _, dry := range []bool{true, false} {
					out := try(t, s.World, live(t, s.there.DSN()), upgrade.Options{DryRun: dry})
					if out.err == nil || !strings.Contains(out.err.Error(), "in use") || !strings.Contains(out.err.Error(), "--merge") {
						t.Errorf("dry %v: %v", dry, out.err)
					}
				}
				if !equal(t, before, dump(s.World)) {
					t.Error("something was written")
				}
			})
		})
	}
}

// TestT140_TheSameAddressAtOneClient has a client and her Sub-Account of one
// address, and a user with two rows of access: what they gave together is what
// the one login has.
func TestT140_TheSameAddressAtOneClient(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		people71(s)
		s.there.Add("tblcontacts", "id", 3, "userid", 1, "firstname", "Ada", "lastname", "again", "email", "ADA@EXAMPLE.com", "subaccount", 1, "password", bcrypted(theirs), "permissions", "orders")
		s.there.Add("tblcontacts", "id", 4, "userid", 3, "firstname", "Ada", "lastname", "twice", "email", "ada@example.com", "subaccount", 1, "password", bcrypted(theirs), "permissions", "orders")
		out := s.bring()
		if _, owner, _ := s.held("ada@example.com", 1); !owner || s.Count("memberships WHERE account_id = 1") != 1 {
			t.Error("the owner is not the one member of her account")
		}
		if set, _, _ := s.held("ada@example.com", 3); set != whmcsSet("contacts", "tickets", "orders") {
			t.Errorf("at C she holds %v", set)
		}
		out.must(t, "tblcontacts", 4, "gives a login access that another row gives it too")
	})
}

// TestT140_OneLoginIsAskedByEachDatabase brings two databases into one
// installation: what came in first is not joined by what comes second.
func TestT140_OneLoginIsAskedByEachDatabase(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		people71(s)
		s.bring()
		other := &stage{s.World, t, newOther(s)}
		out := try(t, s.World, live(t, other.there.DSN()), upgrade.Options{Name: "second", Merge: true})
		if out.err != nil {
			t.Fatal(out.err)
		}
		number := apptest.Query[int64](s.World, "SELECT target_id FROM import_rows r JOIN imports i ON i.id = r.import_id WHERE i.name = 'second' AND r.kind = 'client'")[0]
		if number == 2 {
			t.Fatal("the second database has taken a number that was taken")
		}
		if _, _, member := s.held("ben@example.com", number); member {
			t.Error("he is a member of the second database's account")
		}
		if set, sends, ok := s.offered("ben@example.com", number); set != access.Everything || sends != 0 || !ok {
			t.Errorf("he is offered %v", set)
		}
		out.must(t, "tblclients", 2, "has another number here")
		s.enters("ben@example.com", "ben's own password")
		s.refused("ben@example.com", "another password there")
		if again := try(t, s.World, live(t, other.there.DSN()), upgrade.Options{}); again.err == nil || !strings.Contains(again.err.Error(), "another database") {
			t.Errorf("the second database under the name of the first: %v", again.err)
		}
	})
}

// newOther is a second database: its client 2 has the address of the first's.
func newOther(s *stage) *whmcstest.Database {
	d := whmcstest.NewDatabase(s.t, "7.10")
	d.Add("tblclients", "id", 2, "uuid", "another", "firstname", "Ben", "lastname", "Other", "email", "BEN@example.com", "password", bcrypted("another password there"), "status", "Active")
	return d
}

package upgrade_test

import (
	"fmt"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/upgrade"
)

// TestAClientWithoutAnAddressIsOwnedByAStandIn has nobody who could sign in:
// the account is there for staff, and no mail goes out.
func TestAClientWithoutAnAddressIsOwnedByAStandIn(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, ownerless) })
	}
}

func ownerless(t *testing.T, s *stage) {
	d := s.there
	raws := []string{"", "nobody", "two@example.com, three@example.com", "a b@example.com"}
	for n, raw := range raws {
		d.Add("tblclients", "id", n+1, "firstname", "No", "lastname", fmt.Sprint("Address ", n), "email", raw, "password", carried("a"), "status", "Active")
		if d.HasUsers() {
			d.Add("tblusers", "id", n+1, "first_name", "No", "last_name", fmt.Sprint("Address ", n), "email", raw, "password", carried("a"))
			d.Add("tblusers_clients", "id", n+1, "auth_user_id", n+1, "client_id", n+1, "owner", 1)
			d.Add("tblusers_clients", "id", 100+n, "auth_user_id", n+1, "client_id", 9, "permissions", "tickets")
		}
	}
	if d.HasUsers() {
		d.Add("tblclients", "id", 9, "firstname", "Nobody", "lastname", "Owns", "email", "bills@example.com", "status", "Active")
		d.Add("tblusers", "id", 50, "first_name", "No", "last_name", "Way in", "email", "", "password", carried("a"))
		d.Add("tblusers_clients", "id", 50, "auth_user_id", 50, "client_id", 1, "permissions", "tickets")
	} else {
		d.Add("tblcontacts", "id", 50, "userid", 1, "firstname", "No", "lastname", "Way in", "email", "no address", "subaccount", 1, "password", carried("a"), "permissions", "tickets")
	}
	out := s.bring()
	grace := s.Operator("Grace", "grace@northbeam.example", "administrator")
	for n := range raws {
		number := int64(n + 1)
		out.must(t, s.loginTable(), number, "has no usable e-mail address")
		grace.Get(fmt.Sprintf("/staff/accounts/%d/users", number)).Must(200, "No address known")
		grace.Get(fmt.Sprintf("/staff/accounts/%d", number)).Must(200)
	}
	bad := s.Count("users WHERE address LIKE '%.invalid' AND (password <> '' OR verified_at IS NOT NULL)")
	members := s.Count("memberships m JOIN users u ON u.id = m.user_id WHERE u.address LIKE '%.invalid' AND NOT m.owner")
	if bad > 0 || members > 0 || s.Count("memberships") != s.Count("accounts") {
		t.Errorf("%d stand-ins could sign in, %d do more than own, and there are %d memberships", bad, members, s.Count("memberships"))
	}
	if d.HasUsers() {
		out.must(t, "tblclients", 9, "has no owner there")
		out.must(t, "tblusers", 50, "it was left out")
		out.must(t, "tblusers_clients", 50, "it was left out")
	} else {
		out.must(t, "tblcontacts", 50, "only the contact was brought in")
	}
	for _, address := range apptest.Query[string](s.World, "SELECT address FROM users WHERE address LIKE '%.invalid'") {
		s.refused(address, "")
		s.Browser().Post("/recover", form("address", address)).Must(200)
	}
	if _, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, "", false); err != nil {
		t.Fatal(err)
	}
	s.Quiet()
	if n := s.Count("mails WHERE state IN ('queued', 'sent')"); n > 0 || len(s.Mail.All()) > 0 {
		t.Errorf("%d mails went out", n)
	}
	same(t, s.bring(), s.bring(dryRun))
}

// TestAccessThatIsWrittenTwice has rows that say one thing twice or fall apart.
func TestAccessThatIsWrittenTwice(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		d := s.there
		d.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "status", "Active")
		d.Add("tblclients", "id", 2, "firstname", "Ben", "lastname", "Bow", "email", "ben@example.com", "status", "Active")
		for n, who := range []string{"ada", "ben", "cleo"} {
			d.Add("tblusers", "id", n+1, "first_name", who, "last_name", "User", "email", who+"@example.com", "password", carried("a"))
		}
		d.Add("tblusers_clients", "id", 1, "auth_user_id", 1, "client_id", 1, "owner", 1)
		d.Add("tblusers_clients", "id", 2, "auth_user_id", 2, "client_id", 2, "owner", 1)
		d.Add("tblusers_clients", "id", 3, "auth_user_id", 2, "client_id", 2, "owner", 0, "permissions", "tickets")
		d.Add("tblusers_clients", "id", 4, "auth_user_id", 3, "client_id", 1, "permissions", "tickets")
		d.Add("tblusers_clients", "id", 5, "auth_user_id", 3, "client_id", 1, "permissions", "orders")
		d.Add("tblusers_clients", "id", 6, "auth_user_id", 3, "client_id", 1, "permissions", "orders")
		d.Add("tbluser_invites", "id", 1, "email", "dan@example.com", "client_id", 1, "permissions", "tickets", "created_at", "2026-03-01 00:00:00")
		d.Add("tbluser_invites", "id", 2, "email", " DAN@example.com", "client_id", 1, "permissions", "orders", "created_at", "2026-03-01 00:00:00")
		d.Add("tbluser_invites", "id", 3, "email", "no address", "client_id", 1, "permissions", "orders", "created_at", "2026-03-01 00:00:00")
		d.Add("tbluser_invites", "id", 4, "email", "old@example.com", "client_id", 1, "permissions", "orders", "created_at", "2020-03-01 00:00:00")
		out := s.bring()
		if set, _, _ := s.held("cleo@example.com", 1); set != whmcsSet("tickets", "orders") {
			t.Errorf("three rows give %v", set)
		}
		if _, owner, _ := s.held("ben@example.com", 2); !owner {
			t.Error("the second row takes the ownership away")
		}
		for _, row := range []int64{3, 5, 6} {
			out.must(t, "tblusers_clients", row, "both became one")
		}
		if set, sends, ok := s.offered("dan@example.com", 1); set != whmcsSet("tickets") || sends != 0 || !ok {
			t.Errorf("the first of two invitations offers %v", set)
		}
		out.must(t, "tbluser_invites", 2, "is invited to the account already")
		out.must(t, "tbluser_invites", 3, "an address that cannot be used")
		out.must(t, "tbluser_invites", 4, "had expired")
		if second := s.bring(); second.csv != out.csv {
			t.Error("the second run reports otherwise")
		}
	})
}

// TestT140_AnInvitationAcceptedThereMeanwhileIsAskedHere has an invitation
// that waits, and is accepted there by one who has a login here already.
func TestT140_AnInvitationAcceptedThereMeanwhileIsAskedHere(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		s.Person("Dan Here", "dan@example.com")
		d := s.there
		d.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "status", "Active")
		d.Add("tblusers", "id", 10, "first_name", "Ada", "last_name", "Ames", "email", "ada@example.com", "password", carried("a"))
		d.Add("tblusers_clients", "id", 1, "auth_user_id", 10, "client_id", 1, "owner", 1)
		d.Add("tbluser_invites", "id", 1, "email", "dan@example.com", "client_id", 1, "permissions", "tickets", "created_at", "2026-03-01 00:00:00")
		s.bring(merge)
		d.Exec("UPDATE tbluser_invites SET accepted_at = '2026-03-01 10:00:00'")
		d.Add("tblusers", "id", 11, "first_name", "Dan", "last_name", "There", "email", "dan@example.com", "password", carried("b"))
		d.Add("tblusers_clients", "id", 2, "auth_user_id", 11, "client_id", 1, "permissions", "tickets")
		for range 2 {
			s.bring(merge)
			if set, sends, ok := s.offered("dan@example.com", 1); set != whmcsSet("tickets") || sends != 0 || !ok {
				t.Errorf("he is offered %v (there: %v)", set, ok)
			}
		}
	})
}

// TestLinkedSignInsComeInWhereTheyCan has links with providers that are known
// here and not.
func TestLinkedSignInsComeInWhereTheyCan(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, linked) })
	}
}

func linked(t *testing.T, s *stage) {
	d := s.there
	for n := 1; n <= 3; n++ {
		s.login(n, fmt.Sprintf("linked%d@example.com", n), carried("a"))
	}
	whose := "client_id"
	if d.HasUsers() {
		whose = "user_id"
	}
	for n, l := range []struct {
		provider, subject string
		whose             int
	}{{"google_signin", "118", 1}, {"google_signin", "118", 2}, {"facebook_signin", "118", 3}, {"google_signin", "", 3}, {"google_signin", "119", 999}, {"twitter_oauth", "1", 3}} {
		d.Add("tblauthn_account_links", "id", n+1, "provider", l.provider, "remote_user_id", l.subject, whose, l.whose, "metadata", "{}")
	}
	out := s.bring()
	out.must(t, "tblauthn_account_links", 1, "whose provider is not set up here")
	out.must(t, "tblauthn_account_links", 3, "cannot be used here")
	if s.Count("identities") != 0 {
		t.Error("a sign-in was linked without a provider")
	}
	s.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", s.Clock.Now())
	dry := s.bring(dryRun)
	out = s.bring()
	same(t, dry, out)
	for row, words := range map[int64]string{2: "linked to another login here", 3: "cannot be used here", 4: "cannot be used here", 5: "somebody who cannot sign in", 6: "cannot be used here"} {
		out.must(t, "tblauthn_account_links", row, words)
	}
	if got := apptest.Query[string](s.World, "SELECT u.address || ' ' || i.subject FROM identities i JOIN users u ON u.id = i.user_id"); len(got) != 1 || got[0] != "linked1@example.com 118" {
		t.Errorf("these are linked: %q", got)
	}
}

// TestVeryLargeNumbersAreKept has the largest numbers that WHMCS's columns
// hold.
func TestVeryLargeNumbersAreKept(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, large) })
	}
}

func large(t *testing.T, s *stage) {
	const most = 2147483647
	d := s.there
	s.login(most, "large@example.com", bcrypted("seven red trams"))
	s.login(most-1, "larger@example.com", carried("a"))
	d.Add("tblcontacts", "id", most, "userid", most, "firstname", "Con", "lastname", "Tact", "email", "con@example.com", "subaccount", 1, "password", bcrypted("nine yellow ferries"), "permissions", "contacts")
	d.Add("tblcustomfields", "id", most, "type", "client", "fieldname", "Birthday", "fieldtype", "text")
	d.Add("tblcustomfields", "id", 1, "type", "client", "fieldname", "Birthplace", "fieldtype", "text")
	for n, v := range [][2]int{{most, most}, {1, most}, {most, most - 1}} {
		d.Add("tblcustomfieldsvalues", "id", most-n, "fieldid", v[0], "relid", v[1], "value", fmt.Sprint("value ", n))
	}
	d.Add("tblnotes", "id", most, "userid", most, "note", "called", "created", "2020-01-02 03:04:05")
	dry := s.bring(dryRun)
	out := s.bring()
	same(t, dry, out)
	if n := s.Count("account_values"); n != 3 || s.Count("account_notes") != 1 || s.Count("contacts WHERE id = 2147483647") != 1 {
		t.Errorf("%d values", n)
	}
	s.reaches(s.enters("large@example.com", "seven red trams"), most, access.Everything, true)
	if !s.there.HasUsers() {
		s.reaches(s.enters("con@example.com", "nine yellow ferries"), most, whmcsSet("contacts"), false)
	}
	second := s.bring()
	for _, c := range second.head.Rows {
		if c.New+c.Changed+c.Kept+c.Gone > 0 {
			t.Errorf("the second run counts %+v", c)
		}
	}
	d.Exec("DELETE FROM tblcustomfieldsvalues; DELETE FROM tblnotes")
	s.bring()
	if n := s.Count("account_values") + s.Count("account_notes"); n != 0 {
		t.Errorf("%d values and notes stay, and their rows have gone", n)
	}
	if p := s.Person("Newcomer", "new@example.com"); p.User <= most {
		t.Errorf("a newcomer is user %d", p.User)
	}
}

package upgrade_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/whmcstest"
)

// subsetOf is SQL that writes the subset of the 13 keys whose number is n.
func subsetOf(n string) string {
	parts := make([]string, len(whmcstest.Keys))
	for i, key := range whmcstest.Keys {
		parts[i] = fmt.Sprintf("IF(%s >> %d & 1, '%s', NULL)", n, i, key)
	}
	return "CONCAT_WS(',', " + strings.Join(parts, ", ") + ")"
}

// unknownKeys are lists with keys that nobody knows, and what they grant.
var unknownKeys = map[string]access.Set{
	"launchmissiles": 0, "PROFILE": 0, "*": 0, "all": 0, "1": 0, "people.manage": 0, "profile;contacts": 0, "manage products": 0,
	" profile , launchmissiles,,contacts": whmcsSet("profile", "contacts"), "tickets,tickets,Tickets": whmcsSet("tickets"),
	"owner,full": 0, "'; DROP TABLE users; --": 0, "profile\x00": 0,
}

// checkSubsets holds every membership against the subset that its row gave.
func checkSubsets(s *stage, kind string) {
	s.t.Helper()
	type row struct {
		SourceID    int64
		Owner       bool
		Role        string
		Permissions access.Set
	}
	rows := apptest.Query[row](s.World, `SELECT r.source_id, m.owner, m.role, m.permissions FROM import_rows r JOIN memberships m ON m.id = r.target_id
		WHERE r.kind = $1 AND r.source_id <= $2 AND m.status = 'active'`, kind, whmcstest.Subsets)
	if len(rows) != whmcstest.Subsets {
		s.t.Fatalf("%d of %d rows gave a membership", len(rows), whmcstest.Subsets)
	}
	wrong := 0
	for _, r := range rows {
		keys := whmcstest.Subset(int(r.SourceID - 1))
		want := whmcsSet(strings.Split(keys, ",")...)
		role, _ := access.RoleByKey(r.Role)
		if (r.Permissions|role.Set != want || r.Owner) && wrong < 5 {
			wrong++
			s.t.Errorf("%q became %v (role %q, owner %v), want %v", keys, r.Permissions, r.Role, r.Owner, want)
		}
	}
}

// subsets71 writes a Sub-Account for each subset, under eight clients.
func subsets71(s *stage) {
	s.there.Exec(`INSERT INTO tblclients (id, firstname, lastname, email, password, currency, status)
		SELECT seq, 'Owner', seq, CONCAT('owner', seq, '@example.com'), '` + carried("a") + `', 1, 'Active' FROM seq_1_to_8`)
	s.there.Exec(`INSERT INTO tblcontacts (id, userid, firstname, lastname, email, subaccount, password, permissions)
		SELECT seq + 1, 1 + seq % 8, 'Sub', seq, CONCAT('sub', seq, '@example.com'), 1, '` + carried("b") + `', ` + subsetOf("seq") + ` FROM seq_0_to_8191`)
}

// TestT141_EverySubsetOfASubAccountIsExact has one Sub-Account for each of the
// 8192 subsets of WHMCS's keys.
func TestT141_EverySubsetOfASubAccountIsExact(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		s.there.Add("tblcurrencies", "id", 1, "code", "EUR", "default", 1)
		subsets71(s)
		out := s.bring()
		checkSubsets(s, "contact.member")
		if strings.Contains(out.csv, "permission") {
			t.Errorf("a known key is reported: %.2000s", out.csv)
		}
		if n := s.Count("memberships WHERE owner"); n != 8 {
			t.Errorf("%d owners", n)
		}
	})
}

// TestT141_EverySubsetOfAUserIsExact has one row of access for each subset.
func TestT141_EverySubsetOfAUserIsExact(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		s.there.Add("tblcurrencies", "id", 1, "code", "EUR", "default", 1)
		s.there.Exec("INSERT INTO tblclients (id, firstname, lastname, email, currency, status) SELECT seq, 'Client', seq, CONCAT('c', seq, '@example.com'), 1, 'Active' FROM seq_1_to_92")
		s.there.Exec("INSERT INTO tblusers (id, first_name, last_name, email, password) SELECT seq, 'User', seq, CONCAT('u', seq, '@example.com'), '" + carried("a") + "' FROM seq_1_to_92")
		s.there.Exec("INSERT INTO tblusers_clients (id, auth_user_id, client_id, owner, permissions) SELECT seq + 1, 1 + seq DIV 91, 1 + seq % 91, 0, " + subsetOf("seq") + " FROM seq_0_to_8191")
		// The owner's row says less than all, and owns all the same.
		s.there.Exec("INSERT INTO tblusers_clients (id, auth_user_id, client_id, owner, permissions) SELECT 10000 + seq, 92, seq, 1, 'tickets' FROM seq_1_to_92")
		s.bring()
		checkSubsets(s, "link")
		if n := s.Count("memberships WHERE owner AND user_id = 92"); n != 92 || s.Count("memberships WHERE owner") != 92 {
			t.Errorf("user 92 owns %d accounts", n)
		}
	})
}

// TestT141_AnUnknownKeyGrantsNothing has keys that nobody knows, in Sub-Accounts
// and in access.
func TestT141_AnUnknownKeyGrantsNothing(t *testing.T) {
	for shape, table := range map[string]string{"7.10": "tblcontacts", "8.13": "tblusers_clients"} {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				s.there.Add("tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", carried("a"), "status", "Active")
				var lists []string
				for list := range unknownKeys {
					lists = append(lists, list)
					n := len(lists)
					address := fmt.Sprintf("sub%d@example.com", n)
					if s.there.HasUsers() {
						s.there.Add("tblusers", "id", n, "first_name", "Sub", "last_name", "One", "email", address, "password", carried("b"))
						s.there.Add("tblusers_clients", "id", n, "auth_user_id", n, "client_id", 1, "permissions", list)
					} else {
						s.there.Add("tblcontacts", "id", n, "userid", 1, "firstname", "Sub", "lastname", "One", "email", address, "subaccount", 1, "password", carried("b"), "permissions", list)
					}
				}
				out := s.bring()
				for i, list := range lists {
					got, owner, member := s.held(fmt.Sprintf("sub%d@example.com", i+1), 1)
					if got != unknownKeys[list] || owner || !member {
						t.Errorf("%q gave %v (owner %v, member %v)", list, got, owner, member)
					}
					out.must(t, table, int64(i+1), "permissions has a permission that is not known")
				}
			})
		})
	}
}

// TestT141_TheFrontDoorOpensWhatTheKeysSay signs in with the old password, and
// opens what there is.
func TestT141_TheFrontDoorOpensWhatTheKeysSay(t *testing.T) {
	for _, shape := range []string{"7.10", "8.13"} {
		t.Run(shape, func(t *testing.T) { each(t, shape, frontDoor) })
	}
}

func frontDoor(t *testing.T, s *stage) {
	const old = "seven red trams"
	hash := bcrypted(old)
	lists := []string{"", "contacts", "profile", "emails,invoices", "profile,contacts,emails", strings.Join(whmcstest.Keys, ",")}
	s.there.Add("tblclients", "id", 7, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", hash, "status", "Active")
	s.there.Add("tblclients", "id", 8, "firstname", "Ben", "lastname", "Bow", "email", "ben@example.com", "password", hash, "status", "Active")
	if s.there.HasUsers() {
		s.there.Add("tblusers", "id", 90, "first_name", "Ada", "last_name", "Ames", "email", "ada@example.com", "password", hash)
		s.there.Add("tblusers_clients", "id", 90, "auth_user_id", 90, "client_id", 7, "owner", 1)
	}
	for i, list := range lists {
		address := fmt.Sprintf("sub%d@example.com", i)
		if s.there.HasUsers() {
			s.there.Add("tblusers", "id", i+1, "first_name", "Sub", "last_name", "One", "email", address, "password", hash)
			s.there.Add("tblusers_clients", "id", i+1, "auth_user_id", i+1, "client_id", 7, "permissions", list)
		} else {
			s.there.Add("tblcontacts", "id", i+1, "userid", 7, "firstname", "Sub", "lastname", "One", "email", address, "subaccount", 1, "password", hash, "permissions", list)
		}
	}
	s.bring()
	for i, list := range lists {
		s.Exec("DELETE FROM throttles")
		b := s.enters(fmt.Sprintf("sub%d@example.com", i), old)
		s.reaches(b, 7, whmcsSet(strings.Split(list, ",")...), false)
		s.shutOut(b, 8)
	}
	s.Exec("DELETE FROM throttles")
	owner := s.enters("ada@example.com", old)
	s.reaches(owner, 7, access.Everything, true)
	s.shutOut(owner, 8)
}

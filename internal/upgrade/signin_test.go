package upgrade_test

import (
	"slices"
	"testing"

	"clientele/internal/apptest"
)

// A linked sign-in that goes from one person to another there does so here in
// one run, be it by its own row or by another one; and it signs in one alone.
func TestT142_ALinkedSignInMovesInOneRun(t *testing.T) {
	for name, move := range map[string]string{
		"in its row":     "UPDATE tblauthn_account_links SET user_id = 2 WHERE id = 1",
		"by another row": "DELETE FROM tblauthn_account_links; INSERT INTO tblauthn_account_links (id, provider, remote_user_id, user_id, metadata) VALUES (2, 'google_signin', '118', 2, '')",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, "8.13", func(t *testing.T, s *stage) {
				s.login(1, "ada@example.com", bcrypted(hers))
				s.login(2, "ben@example.com", bcrypted(theirs))
				google(s)
				s.there.Exec("UPDATE tblauthn_account_links SET user_id = 1")
				s.bring()
				s.there.Exec(move)
				dry := s.bring(dryRun)
				out := s.bring()
				same(t, dry, out)
				if out.says(t, "tblauthn_account_links", 2, "linked to another login here") {
					t.Error("it is left out")
				}
				if list := apptest.Query[string](s.World, "SELECT user_id || ' ' || subject FROM identities"); !slices.Equal(list, []string{"2 118"}) {
					t.Errorf("sign-ins are %q", list)
				}
				if again := s.bring(); again.counts("Linked sign-ins") != "0 0 1 0 0" {
					t.Errorf("the run after it counts %s", again.counts("Linked sign-ins"))
				}
			})
		})
	}
}

// A linked sign-in of somebody here is not taken from her: neither by a row
// that says the same beside her own, nor where she linked it here.
func TestT140_ALinkedSignInIsTakenFromNobody(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.login(2, "ben@example.com", bcrypted(theirs))
		google(s)
		s.there.Exec("UPDATE tblauthn_account_links SET user_id = 1")
		s.bring()
		s.there.Add("tblauthn_account_links", "id", 2, "provider", "google_signin", "remote_user_id", "118", "user_id", 2)
		s.there.Add("tblauthn_account_links", "id", 3, "provider", "google_signin", "remote_user_id", "119", "user_id", 2)
		s.Exec("INSERT INTO identities (user_id, provider_id, issuer, subject, created_at) VALUES (1, 1, 'https://accounts.google.com', '119', $1)", s.Clock.Now())
		dry := s.bring(dryRun)
		out := s.bring()
		same(t, dry, out)
		for _, n := range []int64{2, 3} {
			out.must(t, "tblauthn_account_links", n, "linked to another login here")
		}
		if list := apptest.Query[string](s.World, "SELECT user_id || ' ' || subject FROM identities ORDER BY id"); !slices.Equal(list, []string{"1 118", "1 119"}) {
			t.Errorf("sign-ins are %q", list)
		}
	})
}

// A login that is its person's own since she set a password here is not given
// the sign-in of another by a row that changes hands there.
func TestT140_ALinkedSignInDoesNotMoveIntoALoginOfHerOwn(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		s.login(1, "ada@example.com", bcrypted(hers))
		s.login(2, "ben@example.com", bcrypted(theirs))
		google(s)
		s.there.Exec("UPDATE tblauthn_account_links SET user_id = 1")
		s.bring()
		s.recovers("ben@example.com", fresh)
		s.there.Exec("UPDATE tblauthn_account_links SET user_id = 2")
		dry := s.bring(dryRun, merge)
		out := s.bring(merge)
		same(t, dry, out)
		if n := s.Count("identities WHERE user_id = 2"); n != 0 {
			t.Error("it signs in to his login")
		}
	})
}

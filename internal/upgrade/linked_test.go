package upgrade_test

import (
	"slices"
	"testing"

	"clientele/internal/apptest"
)

// TestT140_ASignInLinkedThereLaterOpensNoLoginThatIsHerOwn has somebody who
// knows her password there link his own account at a provider, after she has
// set another here.
func TestT140_ASignInLinkedThereLaterOpensNoLoginThatIsHerOwn(t *testing.T) {
	eachShape(t, func(t *testing.T, s *stage) {
		s.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", s.Clock.Now())
		link := func(number int, subject string, who int) {
			whose := map[bool]string{true: "user_id", false: "client_id"}[s.there.HasUsers()]
			s.there.Add("tblauthn_account_links", "id", number, "provider", "google_signin", "remote_user_id", subject, whose, who, "metadata", "{}")
		}
		linked := func() []string {
			return apptest.Query[string](s.World, "SELECT u.address || ' ' || i.subject FROM identities i JOIN users u ON u.id = i.user_id ORDER BY 1")
		}
		s.login(1, "ada@example.com", bcrypted(hers))
		s.login(2, "ben@example.com", bcrypted(theirs))
		s.login(3, "cleo@example.com", bcrypted(theirs))
		link(1, "118", 1)
		s.bring()
		s.Exec("UPDATE users SET credentials = credentials + 1 WHERE address = 'ada@example.com'") // a second factor, say
		s.recovers("ben@example.com", fresh)
		link(2, "666", 1)
		link(3, "667", 2)
		link(4, "119", 3)
		want := []string{"ada@example.com 118", "cleo@example.com 119"}
		for range 2 {
			out := s.bothWays(t)
			out.must(t, "tblauthn_account_links", 2, "its person's own")
			out.must(t, "tblauthn_account_links", 3, "its person's own")
			if got := linked(); !slices.Equal(got, want) {
				t.Errorf("these are linked: %q", got)
			}
		}
		s.there.Exec("UPDATE tblauthn_account_links SET remote_user_id = '668' WHERE id = 1")
		s.bothWays(t).must(t, "tblauthn_account_links", 1, "its person's own")
		if got := linked(); !slices.Equal(got, want) {
			t.Errorf("these are linked after one was changed there: %q", got)
		}
	})
}

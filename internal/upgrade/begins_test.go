package upgrade_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestAccessBeginsAtOnce has rows that were made in time to come, by the clock
// there or by mistake.
func TestAccessBeginsAtOnce(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				for n, ahead := range []time.Duration{5 * time.Hour, 80 * 365 * 24 * time.Hour} {
					at := s.Clock.Now().Add(ahead).Format(time.DateTime)
					address := fmt.Sprintf("ahead%d@example.com", n+1)
					s.login(n+1, address, bcrypted(hers))
					s.there.Exec(fmt.Sprintf("UPDATE tblclients SET created_at = '%s', lastlogin = '%[1]s' WHERE id = %d", at, n+1))
					if s.there.HasUsers() {
						s.there.Exec(fmt.Sprintf("UPDATE tblusers SET created_at = '%s' WHERE id = %d; UPDATE tblusers_clients SET created_at = '%[1]s' WHERE id = %[2]d", at, n+1))
					}
				}
				s.bring()
				if n := s.Count("memberships WHERE seen_at > $1", s.Clock.Now().Add(time.Minute)); n > 0 {
					t.Errorf("%d were here in time to come", n)
				}
				for n := range 2 {
					b := s.enters(fmt.Sprintf("ahead%d@example.com", n+1), hers)
					if page := b.Get(accountPath(int64(n + 1))); page.Status != http.StatusOK {
						t.Errorf("her account answers %d", page.Status)
					}
				}
				s.Exec("UPDATE memberships SET starts_at = $1", s.Clock.Now().Add(time.Hour)) // as an early release did
				s.bring()
				s.enters("ahead1@example.com", hers).Get(accountPath(1)).Must(200)
			})
		})
	}
}

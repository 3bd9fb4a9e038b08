package portal_test

import (
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
)

// TestTheOpenAccountStandsInTheSwitcher holds also for somebody who has been in
// more accounts lately than the switcher lists, and for one who comes through a
// partner.
func TestTheOpenAccountStandsInTheSwitcher(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		ada, nora := w.Person("Ada Lindqvist", "ada@lindqvist.example"), w.Person("Nora Baker", "nora@bakery.example")
		first := w.Account(ada, "Lindqvist Design")
		for range 12 {
			w.Account(ada, "Shop")
		}
		bakery := w.Account(nora, "Harbour Bakery")
		w.Exec("INSERT INTO partner_links (account_id, partner_id, permissions, status, starts_at, created_at) VALUES ($1, $2, $3, 'active', $4, $4)",
			bakery, first, access.Everything, w.Clock.Now())
		for a, role := range map[string]string{accountPath(first): "Owner", accountPath(bakery): "Through Lindqvist Design"} {
			page := ada.Get(a).Must(200)
			if got := page.Find(".chip-facts").Text(); !strings.Contains(got, role) {
				t.Errorf("the head of %s says %q, not %q", a, got, role)
			}
			if page.Find(`[data-switch-list] a[aria-current][href="`+a+`"]`).Length() != 1 {
				t.Errorf("%s does not stand in the switcher while it is open", a)
			}
		}
	})
}

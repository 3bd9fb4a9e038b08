package browsertest

import (
	"strings"
	"testing"
)

// TestLookAlbum takes the pictures of staff who look over a customer's
// shoulder.
func TestLookAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.looks()
}

// looks are the pages on which staff look, and act, as somebody else.
func (a *album) looks() {
	bakery := a.account("Harbour Bakery")
	users := strings.Replace(bakery, "/a/", "/staff/accounts/", 1) + "/users"
	b := a.enter("/staff/signin", "sam@clientele.example")
	a.shoot(b.open("/staff/impersonations"), "look-none")
	a.shoot(b.open(users), "look-users")
	a.shoot(b.press("Look as Nora Baker"), "look-begin")
	a.shoot(b.careless().write("Why do you look?", "short").press("Look as Nora Baker"), "look-begin-wrong")
	a.shoot(b.write("Why do you look?", "She asked on the phone why Ben sees no invoices.").press("Look as Nora Baker"), "look-overview")
	a.shoot(b.open(bakery+"/people"), "look-people")
	a.shoot(b.open("/me"), "look-forbidden")
	a.shoot(b.open("/me/accounts"), "look-accounts")
	a.shoot(b.open("/no/such/page"), "look-404")
	a.shoot(b.open(bakery+"/settings").press("Act as"), "look-acting")
	a.shoot(b.open("/staff/impersonations"), "look-running")
	a.shoot(a.enter("/signin", "nora@harbourbakery.example").open(bakery+"/activity"), "look-activity")
	a.shoot(a.enter("/signin", "nora@harbourbakery.example").open("/me/activity"), "look-activity-me")
	a.shoot(b.open(bakery).press("End"), "look-ended")
}

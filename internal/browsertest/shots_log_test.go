package browsertest

import (
	"strings"
	"testing"
)

// TestLogAlbum takes the pictures of the log alone.
func TestLogAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.log()
}

// log is the log from all of its sides.
func (a *album) log() {
	b := a.enter("/staff/signin", "sam@clientele.example")
	a.shoot(b.open("/staff/activity"), "staff-activity")
	a.shoot(b.open("/staff/activity?person=nora&group=people"), "staff-activity-found")
	a.shoot(b.open("/staff/activity?from=yesterday&person=nobody"), "staff-activity-wrong")
	account := a.account("Harbour Bakery")
	b.open(strings.Replace(account, "/a/", "/staff/accounts/", 1) + "/activity?group=people")
	a.shoot(b.click("Details of record", "Ben Okafor"), "staff-activity-details")
	b = a.enter("/signin", "nora@harbourbakery.example")
	a.shoot(b.open(account+"/activity"), "activity-searched")
	a.shoot(b.open("/me/activity?outcome=denied"), "me-activity-none")
}

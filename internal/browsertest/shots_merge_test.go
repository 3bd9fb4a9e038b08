package browsertest

import (
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/id"
)

// TestMergeAlbum takes the pictures of bringing one's logins together.
func TestMergeAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.merges()
}

// merges has Dana bring in the login of Ben, as if they were one.
func (a *album) merges() {
	a.t.Helper()
	const other = "ben@harbourbakery.example"
	b := a.enter("/signin", "dana@fieldandform.example")
	a.shoot(b.open("/me/merge"), "merge-start")
	b.write("Mail address of the other login", other).write("Its password", "not his password").press("Go on")
	a.shoot(b, "merge-wrong")
	b.write("Its password", cli.DemoPassword).press("Go on")
	a.shoot(b, "merge-plan")
	b.press("Bring it in").at("/me/accounts")
	a.shoot(b, "merge-done")
	a.shoot(b.open("/me/merge"), "merge-lately")
	a.shoot(b.press("Take it out"), "merge-undo")
	a.shoot(b.open("/me/activity"), "merge-activity")
	staff := a.enter("/staff/signin", "sam@clientele.example")
	ben, dana := a.userAt(other), a.userAt("dana@fieldandform.example")
	a.shoot(staff.open("/staff/users/"+ben), "merge-staff-closed")
	b.open("/me/merge").press("Take it out").press("Take it out").at("/me/accounts")
	staff.open("/staff/users/" + dana).click("Ask the user to bring two logins together")
	staff.write("Number of the other user", "999").write("Why are these one person's?", "She has called and named both.").press("Ask the user")
	a.shoot(staff, "merge-staff-wrong")
	staff.write("Number of the other user", ben).press("Ask the user")
	a.shoot(staff, "merge-staff-asked")
	link := a.Mail.Next(a.t, "dana@fieldandform.example", "together?").Link(a.t)
	a.shoot(a.visitor().open(link), "merge-asked")
	a.shoot(b.open(a.Mail.Next(a.t, other, "together?").Link(a.t)), "merge-asked-other")
	b.open(link)
	a.shoot(b.open("/together/confirm"), "merge-asked-plan")
}

func (a *album) userAt(address string) string {
	a.t.Helper()
	return id.String(apptest.Query[id.User](a.World, "SELECT id FROM users WHERE address = $1", address)[0])
}

package browsertest

import (
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/id"
)

// TestRealmAlbum takes pictures of how operators sign in and manage each
// other. It is a tool, too.
func TestRealmAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	b := a.visitor().open("/staff/signin").write("Mail address", "sam@clientele.example").write("Password", cli.DemoPassword).press("Sign in")
	a.shoot(b, "realm-set-up")
	b.press("A passkey")
	a.shoot(b, "realm-set-up-passkey")
	b.press("Cancel").press("Set up an authenticator app").click("I cannot scan it")
	a.shoot(b, "realm-set-up-app")
	a.seed = strings.ToUpper(strings.ReplaceAll(b.names("main .mono")[0], " ", ""))
	a.shoot(b.careless().write("Code", "000000").press("Add the app"), "realm-set-up-app-wrong")
	b.write("Code", a.Code(a.seed)).press("Add the app")
	a.shoot(b, "realm-codes")
	b.press("I have kept them")
	a.shoot(b.open("/staff/me"), "realm-me")
	a.shoot(b.open("/staff/people/new"), "realm-people-new")
	a.shoot(b.careless().write("Mail address", "nobody").press("Send the link"), "realm-people-wrong")
	b.open("/staff/people/new").write("Name", "Pat Hollis").write("Mail address", "pat@clientele.example").tick("Support").press("Send the link")
	a.shoot(b, "realm-invited")
	a.Operator("Robin Okafor", "robin@clientele.example", "billing")
	a.shoot(b.open("/staff/roles"), "realm-roles-none")
	a.shoot(b.open("/staff/roles/new"), "realm-role-new")
	b.write("Name", "Night shift").tick("Help people").tick("Read mail").press("Add the role")
	a.shoot(b, "realm-role")
	a.shoot(b.open("/staff/roles"), "realm-roles")
	a.shoot(b.open("/staff/people"), "realm-people")
	a.shoot(b.press("Robin Okafor"), "realm-operator")
	a.shoot(b.click("Lost second factor: reset the sign-in …"), "realm-operator-reset")
	a.shoot(b.open("/staff/people/"+id.String(apptest.Query[id.Staff](a.World, "SELECT id FROM staff WHERE name = 'Sam Porter'")[0])), "realm-operator-self")
	a.shoot(b.open("/staff/confirm"), "realm-confirm")
	second := a.visitor().open("/staff/signin").write("Mail address", "sam@clientele.example").write("Password", cli.DemoPassword).press("Sign in")
	a.shoot(second, "realm-second-step")

	a.site = newSite(t, "sqlite")
	link, err := a.Staff.FirstLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := a.visitor().open("/staff/signin")
	a.shoot(first, "realm-nobody")
	a.shoot(first.open(strings.TrimPrefix(link, a.base)), "realm-welcome")
	a.shoot(first.careless().press("Go on to the second factor"), "realm-welcome-wrong")
}

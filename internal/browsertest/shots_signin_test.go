package browsertest

import (
	"strings"
	"time"

	"clientele/internal/cli"
)

// signIns are the pages of passkeys, apps and codes, and of what the notices
// about them lead to.
func (a *album) signIns() {
	bakery := a.account("Harbour Bakery")
	a.shoot(a.visitor().open("/signin"), "door-signin")
	b := a.enter("/signin", "nora@harbourbakery.example")
	key := b.withAuthenticator()
	a.shoot(b.open("/me/security/passkeys/new"), "passkey-new")
	b.write("What do you call it?", "Counter laptop").press("Make a passkey")
	a.shoot(b, "recovery-codes")
	key.present(false)
	a.shoot(b.open("/me/security").press("Add an authenticator app"), "app-new")
	b.click("I cannot scan it")
	seed := strings.ToUpper(strings.ReplaceAll(b.names("p.mono")[0], " ", ""))
	a.shoot(b.write("Code", "000000").press("Add the app"), "app-wrong")
	b.write("Code", a.Code(seed)).press("Add the app")
	a.shoot(b, "me-security")
	a.shoot(b.press("Change", "Counter laptop"), "passkey")
	a.shoot(b.open("/me/security/apps/1"), "app")
	a.shoot(b.open("/me/security/codes"), "recovery-codes-new")
	a.shoot(b.open("/me/address"), "address")
	b.write("New mail address", "nora.baker@example.com").press("Mail a link")
	a.shoot(b, "me-after-address")
	link := a.Mail.Next(a.t, "nora.baker@example.com", "Confirm your new").Link(a.t)
	a.shoot(b.open(link), "address-confirm")
	a.shoot(b.press("Use this address"), "address-done")
	a.shoot(a.visitor().open(a.Mail.Next(a.t, "nora@harbourbakery.example", "address was changed").Link(a.t)), "address-undo")
	a.shoot(b.open(bakery+"/people/policy"), "policy")
	b.tick("Everybody needs a second factor").pick("Required", "at once")
	a.shoot(b, "policy-ticked")
	b.press("Set the rules")
	a.shoot(b, "policy-set")
	a.shoot(b.open("/me/delete"), "delete-last-owner")
	a.lostFactor()
	a.Clock.Move(time.Minute)
	b.open("/me").click("Choose an account").press("Sign out")
	a.shoot(b.write("Mail address", "nora.baker@example.com").write("Password", cli.DemoPassword).press("Sign in"), "second-step")
	a.shoot(b.write("Code", "123456").press("Sign in"), "second-step-wrong")
	a.shoot(b.open(a.Mail.Next(a.t, "nora.baker@example.com", "address was changed").Link(a.t)), "alarm")
	a.shoot(b.press("It was not me"), "alarm-raised")

	ben := a.enter("/signin", "ben@harbourbakery.example")
	a.shoot(ben.open("/me/accounts"), "me-accounts-locked")
	a.shoot(ben.click("Choose an account"), "switcher-locked")
	a.shoot(ben.open(bakery), "gate-second")
	a.shoot(ben.open("/me/security"), "me-security-none")
	a.shoot(ben.open("/me/delete"), "delete")
	a.Clock.Move(11 * time.Minute)
	a.shoot(ben.open("/me/delete"), "confirm")
}

// lostFactor are the pages on which operators remove a factor that is lost.
func (a *album) lostFactor() {
	b := a.enter("/staff/signin", "sam@clientele.example")
	b.open("/staff/users").press("Nora Baker").click("Begin to remove it …")
	a.shoot(b.careless().write("How did you make sure", "yes").press("Begin"), "staff-factor-wrong")
	b.write("How did you make sure", "She called from her number and named her last invoice.").press("Begin")
	a.shoot(b, "staff-factor-begun")
	a.shoot(b.open("/staff"), "staff-factor-dashboard")
	a.shoot(a.visitor().open(a.Mail.Next(a.t, "nora.baker@example.com", "going to be removed").Link(a.t)), "factor-stop")
}

package browsertest

import (
	"testing"

	"clientele/internal/apptest"
)

// TestTheCoreWorksWithoutScripts lives the core of the story in browsers that
// run no script: what scripts would open, tick and exchange is there anyway.
func TestTheCoreWorksWithoutScripts(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		owner := s.visitor().withoutScripts()
		owner.open("/").press("Sign up").sees("Account name")
		owner.write("Your name", "Nora Baker").write("Mail address", nora).write("Password", apptest.Password)
		owner.write("Account name", "Harbour Bakery").press("Sign up").sees("Look into your mail")
		owner.open(s.Mail.Next(t, nora, "Confirm your address").Link(t)).press("Yes, this is my address").sees("Harbour Bakery", "Owner")
		bakery := owner.path()

		owner.press("People").press("Invite somebody", "Who may enter").write("Mail address", ben)
		owner.tick("Choose permissions").tick("Manage people").press("Send the invitation").is(200).sees(ben, "2 permissions")
		guest := s.visitor().withoutScripts()
		guest.open(s.Mail.Next(t, ben, "invites you").Link(t)).sees("See people, manage people")
		guest.write("Your name", "Ben Okafor").write("Choose a password", "sourdough at five").press("Make my login and join").at(bakery).sees("You are in")

		guest.click("Harbour Bakery").press("Open an account", "Switch account").write("Account name", "Ben's Bikes").press("Open the account").sees("You are its owner")
		guest.click("Ben's Bikes").press("Harbour Bakery", "Switch account").at(bakery)
		guest.press("People").sees("Nora Baker", "Ben Okafor")

		owner.open(bakery+"/people").press("Change", "Ben Okafor").tick("Billing").press("Save").sees("It holds from the next click on")
		guest.press("People").is(403).sees("You may not do this in Harbour Bakery")
		owner.press("Change", "Ben Okafor").click("Remove Ben Okafor").press("Remove from Harbour Bakery").misses("Ben Okafor")
		guest.open(bakery).is(404)

		guest.open("/me/accounts").sees("Ben's Bikes").write("Find an account by name or number", "nothing").press("Search").sees("Nothing found")
		guest.click("Choose an account").press("Sign out").at("/signin")

		s.Operator("Sam Porter", "sam@northbeam.example", "administrator")
		staff := s.visitor().withoutScripts()
		staff.open("/staff").write("Mail address", "sam@northbeam.example").write("Password", apptest.Password).press("Sign in")
		s.setUpApp(staff)
		staff.sees("Dashboard")
		staff.press("Accounts", "Dashboard").write("Name, address or number", "bikes").press("Search").sees("Ben's Bikes").misses("Harbour Bakery")
	})
}

package browsertest

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
)

// menu is what the account's menu leads to.
func (b *tab) menu() []string { return b.names("#nav a") }

func (y *story) worksInMany(t *testing.T) {
	b := y.dana.open(y.firm)
	b.click("Field & Form").sees("Switch account", "Harbour Bakery", "3 permissions")
	list := strings.Join(b.names("[data-switch-list] a"), " / ")
	if !strings.Contains(list, "Field & Form") || !strings.Contains(list, "Owner") || strings.Contains(list, "Yoga") {
		t.Errorf("the switcher lists %s", list)
	}
	b.press("Harbour Bakery", "Switch account").at(y.bakery)
	if got := strings.Join(b.menu(), " "); got != "Overview Contacts" {
		t.Errorf("in the bakery her menu is %q", got)
	}
	for _, page := range b.menu() {
		b.press(page, "Overview").is(200)
	}
	for _, closed := range []string{"/people", "/emails", "/activity", "/settings"} {
		b.open(y.bakery+closed).is(403).sees("You may not do this in Harbour Bakery", "You have: See services, manage services, contacts", "Nora Baker")
	}
	y.twoTabs(t)
}

// twoTabs writes into the forms of two accounts side by side, and sends the
// one that was opened first last.
func (y *story) twoTabs(t *testing.T) {
	left := y.dana.open(y.bakery + "/contacts")
	right := left.another()
	left.press("Add a contact").write("Name", "Night shift").write("Mail address", "night@harbourbakery.example")
	right.open(y.firm+"/contacts").press("Add a contact").write("Name", "Bookkeeper").write("Mail address", "books@fieldandform.example")
	right.press("Save").at(y.firm+"/contacts").sees("Field & Form", "Bookkeeper").misses("Night shift")
	left.press("Save").at(y.bakery+"/contacts").sees("Harbour Bakery", "Night shift").misses("Bookkeeper")
	right.press("Contacts", "Overview").at(y.firm + "/contacts").sees("Field & Form").misses("Night shift")
}

func (y *story) accessChanges(t *testing.T) {
	y.dana.open(y.bakery + "/contacts").sees("Night shift")
	y.nora.open(y.bakery+"/people").press("Change", "Dana Field").sees("Dana Field", "It holds from the next click on")
	if !y.nora.ticked("Choose permissions") || !y.nora.ticked("Contacts") || y.nora.ticked("See invoices") {
		t.Error("the form does not begin with what she has")
	}
	y.nora.tick("Support").press("Save").at(y.bakery + "/people").sees("It holds from the next click on")

	y.dana.press("Add a contact").is(403).sees("You may not do this in Harbour Bakery", "ask an owner: Nora Baker")
	y.dana.open(y.bakery).sees("Nothing to open yet", "You may here: See services").misses("Contacts")

	y.nora.press("Change", "Dana Field").click("Remove Dana Field").sees("loses access to Harbour Bakery at once")
	y.nora.press("Remove from Harbour Bakery").at(y.bakery + "/people").sees("The access ended at once").misses("Dana Field")
	y.dana.press("Overview").is(404).sees("There is no such page").misses("Harbour", "Bakery")
	gone := y.dana.text()
	if never := y.dana.open("/a/4611686018427387904").is(404).text(); gone != never {
		t.Errorf("an account that she was removed from reads %q, one that never was %q", gone, never)
	}
	y.dana.press("Go to the start page").at(y.firm).sees("Field & Form", "Owner").misses("Harbour Bakery")
	if text := y.Mail.Next(t, dana, "Your access to Harbour Bakery has ended").Text(); !strings.Contains(text, "Your login and your other accounts are not touched") {
		t.Errorf("the mail says %s", text)
	}

	y.ben.open(y.bakery).press("Leave this account").sees("Leave Harbour Bakery", "You will lose access").press("Leave Harbour Bakery")
	y.ben.at("/me/accounts").sees("You have left Harbour Bakery", "No accounts yet")
	y.ben.open(y.bakery).is(404)
}

// sendTo has Nora invite an address, and gives back the mailed link.
func (y *story) sendTo(t *testing.T, address, role string) string {
	t.Helper()
	y.nora.open(y.bakery+"/people").press("Invite somebody", "Who may enter").write("Mail address", address).tick(role).press("Send the invitation").is(200)
	return y.Mail.Next(t, address, "invites you to Harbour Bakery").Link(t)
}

func (y *story) invitationsChange(t *testing.T) {
	y.nextDay()
	first := y.sendTo(t, ben, "Technical")
	y.nora.sees(ben, "Technical").click("Actions for " + ben).press("Change what it offers").sees("Invitation to " + ben)
	y.nora.tick("Billing").write("Access ends on", "").keys("06302026").press("Save").sees("The invitation now offers what you chose", "Billing")
	y.ben.open(first).sees("Billing: Orders", "Access ends", "30 June 2026")

	y.nora.click("Actions for " + ben).press("Send again").sees("The old link no longer works")
	second := y.Mail.Next(t, ben, "invites you to Harbour Bakery").Link(t)
	if first == second {
		t.Fatal("the link is the same")
	}
	y.ben.open(first).is(410).sees("This link no longer works", "Ask the person who invited you")
	y.ben.open(second).is(200).sees("You are signed in as Ben Okafor")

	y.nora.click("Actions for "+ben).press("Withdraw").sees("Its link no longer works", "No open invitations")
	y.ben.press("Join Harbour Bakery").is(410).sees("This link no longer works")
	y.ben.open("/me/accounts").sees("No accounts yet")

	third := y.sendTo(t, ben, "Billing")
	y.ben.open(third).click("No, thank you").sees("The people there see that you declined").press("Decline").is(200).sees("Declined", "Nothing was joined")
	y.nora.open(y.bakery + "/people").sees("Declined").misses("Ben Okafor")
}

// nextDay lets a mailbox take invitations again, which is three a day, and
// signs in again whose session has run out.
func (y *story) nextDay() {
	y.t.Helper()
	y.Clock.Move(25 * time.Hour)
	for _, who := range []struct {
		*tab
		address, password string
	}{{y.nora, nora, apptest.Password}, {y.yuki, yuki, apptest.Password}, {y.ben, ben, "sourdough at five"}} {
		if who.open("/signin").path() == "/signin" {
			who.write("Mail address", who.address).write("Password", who.password).press("Sign in").is(200)
		}
	}
}

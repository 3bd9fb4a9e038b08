package browsertest

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
)

func (y *story) staffSteers(t *testing.T) {
	y.nextDay()
	sam := y.Operator("Sam Porter", "sam@northbeam.example", "administrator")
	b := y.visitor().open("/staff").is(401).sees("Staff sign-in")
	b.write("Mail address", sam.Address).write("Password", apptest.Password).press("Sign in")
	y.setUpApp(b)
	b.at("/staff").sees("Dashboard", "3 accounts", "4 users")

	number := strings.TrimPrefix(y.bakery, "/a/")
	for word, finds := range map[string]string{"arbour bak": "Harbour Bakery", "ayd": "", "tillwater.ex": "Yuki Tan", number: "Harbour Bakery", "ield": "Dana Field"} {
		b.keys("/").write("Search everywhere", word).keys("\r")
		b.waits("to find "+word, func() bool { return strings.HasPrefix(b.path(), "/staff/search?q=") })
		if finds == "" {
			b.sees("Nothing found", word)
		} else {
			b.sees(finds)
		}
		b.open("/staff")
	}
	b.press("Accounts", "Dashboard").write("Name, address or number", "bakery")
	b.waits("for the list to be narrowed", func() bool { return !strings.Contains(b.text(), "Still Water Yoga") })
	b.press("Harbour Bakery").sees("Standing")
	b.press("Users", "Summary").sees("Nora Baker", "Owner", "Invitations", ben, "Declined")

	b.press("Invite somebody").sees("Invite somebody to Harbour Bakery").write("Mail address", ben).tick("Billing").press("Send invitation")
	b.at("/staff"+strings.Replace(y.bakery, "/a/", "/accounts/", 1)+"/users").sees(ben, "Billing", "in 7 days")
	y.Mail.Next(t, nora, "support invited somebody to your account")
	y.ben.open(y.Mail.Next(t, ben, "support invites you to Harbour Bakery").Link(t)).press("Join Harbour Bakery").sees("You are in")

	b.press("Attach a user").write("Mail address", yuki).tick("Technical").press("Attach user")
	b.sees("Yuki Tan has access to Harbour Bakery now", "Technical")
	if text := y.Mail.Next(t, yuki, "You now have access to Harbour Bakery").Text(); !strings.Contains(text, "support gave you access") {
		t.Errorf("the mail says %s", text)
	}
	y.yuki.open("/me/accounts").sees("Still Water Yoga", "Harbour Bakery", "Technical")

	b.press("Change Yuki Tan").tick("Read only").press("Save access").sees("Members", "Read only")
	y.yuki.open(y.bakery + "/people").is(200).sees("Nora Baker")

	b.press("Change Ben Okafor").tick("Full access").press("Save access").sees("Members", "Full access")
	b.press("Change Ben Okafor").sees("Owners share ownership with Ben Okafor, or hand it over").press("The owners are gone?").sees("Lost owners", "Owners now", "Nora Baker")
	b.press("Users", "Summary")

	b.press("Yuki Tan", "Members").sees("Every account that this user can enter now, and why", "Still Water Yoga", "Owner", "Harbour Bakery", "Member: Read only")
	b.press("Harbour Bakery").press("Users", "Summary").press("Change Yuki Tan").click("Remove from Harbour Bakery …").sees("will lose access to Harbour Bakery at once")
	b.press("Remove Yuki Tan").sees("Yuki Tan no longer has access to Harbour Bakery").misses(yuki)
	y.yuki.open(y.bakery).is(404)
	y.Mail.Next(t, yuki, "Your access to Harbour Bakery has ended")
}

func (y *story) ownershipMoves(t *testing.T) {
	// The last owner cannot leave, and nobody can remove or narrow her.
	y.nora.open(y.bakery).press("Leave this account").press("Leave Harbour Bakery").is(409).sees("This is the only owner. Make another person an owner first.")
	y.ben.open(y.bakery+"/people").press("Nora Baker", nora).sees("Owner").misses("Change access", "Remove Nora Baker")

	y.Clock.Move(11 * time.Minute)
	y.nora.open(y.bakery+"/people").press("Change", "Ben Okafor").press("Make an owner").is(403).sees("Confirm that it is you")
	y.nora.write("Password", "not this one").press("Go on").is(422)
	if got := y.nora.trouble("Password"); got == "" {
		t.Error("nothing stands beside the password")
	}
	y.nora.write("Password", apptest.Password).press("Go on").sees("Make Ben Okafor an owner", "Both of you will be owners")
	y.nora.press("Offer ownership").sees("The offer is on its way", "Ownership is offered to Ben Okafor")

	y.ben.open(y.Mail.Next(t, ben, "Will you be an owner of Harbour Bakery?").Link(t)).sees("Nora Baker offers you the ownership")
	y.ben.press("Become an owner").is(403).sees("Confirm that it is you").write("Password", "sourdough at five").press("Go on")
	y.ben.at(y.bakery).press("Become an owner").at(y.bakery).sees("You are an owner of this account now", "Owner")
	y.nora.open(y.bakery + "/people").press("Ben Okafor").sees("Ownership")

	// She hands over what is hers: Ben stays an owner alone, and cannot leave.
	y.nora.open(y.bakery+"/people").press("Nora Baker", nora).press("End the ownership").sees("You will no longer be an owner").press("End the ownership")
	y.nora.at(y.bakery+"/people").sees("The ownership has ended. Full access remains.", "Full access")
	y.ben.open(y.bakery + "/leave").press("Leave Harbour Bakery").is(409).sees("This is the only owner")

	// Ben hands it over to her: with her taking it, he is none any more.
	y.ben.open(y.bakery+"/people").press("Change", "Nora Baker").press("Make an owner").tick("Hand it over").press("Offer ownership").sees("Ownership is offered to Nora Baker")
	y.nora.open(y.bakery).press("Become an owner").sees("You are an owner of this account now")
	y.nora.open(y.bakery+"/people").press("Change", "Ben Okafor").sees("Full access")
	y.nora.click("Remove Ben Okafor").press("Remove from Harbour Bakery").sees("The access ended at once").misses("Ben Okafor")
}

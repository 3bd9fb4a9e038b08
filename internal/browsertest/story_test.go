package browsertest

import (
	"strings"
	"testing"

	"clientele/internal/apptest"
)

// The people of the story: a web designer, her two customers, and somebody
// who helps one of them.
const (
	dana = "dana@fieldandform.example"
	nora = "nora@harbourbakery.example"
	yuki = "yuki@stillwater.example"
	ben  = "ben@harbourbakery.example"
)

// A story is the product's main job, lived from the first page to the last.
type story struct {
	*site
	dana, nora, yuki, ben *tab
	firm, bakery, yoga    string // the accounts' paths
}

// TestTheStory lives the eight steps, one after another on one installation.
func TestTheStory(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		y := &story{site: s}
		for _, step := range []struct {
			name string
			live func(t *testing.T)
		}{
			{"1 a visitor signs up, with an account or without", y.signUps},
			{"2 two customers have accounts and owners of their own", y.accountsAreApart},
			{"3 an owner invites with single permissions", y.invites},
			{"4 the invited joins, with a login or without", y.joins},
			{"5 one login works in many accounts", y.worksInMany},
			{"6 access is narrowed, removed, and given up", y.accessChanges},
			{"6 an invitation is changed, sent again, withdrawn, declined", y.invitationsChange},
			{"7 staff find, see and steer", y.staffSteers},
			{"8 ownership is shared and handed over", y.ownershipMoves},
		} {
			if !t.Run(step.name, func(t *testing.T) { y.t = t; step.live(t) }) {
				break
			}
		}
		y.t = t
	})
}

// signUp fills in the form and follows the mailed link in the same browser.
func (y *story) signUp(b *tab, name, address, account string) {
	b.t.Helper()
	b.open("/").at("/signin").press("Sign up")
	b.write("Your name", name).write("Mail address", address).write("Password", apptest.Password)
	if account == "" {
		b.tick("Only a login").misses("Account name")
	} else {
		b.write("Account name", account).pick("Country", "Germany")
	}
	b.press("Sign up").is(200).sees("Look into your mail", address)
	b.open(y.Mail.Next(b.t, address, "Confirm your address").Link(b.t))
	b.at("/signup/confirm").sees("Is " + address + " your address, " + name + "?").press("Yes, this is my address").is(200)
}

func (y *story) signUps(t *testing.T) {
	y.dana, y.nora, y.yuki = y.visitor(), y.visitor(), y.visitor()

	y.dana.open("/signup").write("Your name", "Dana Field").write("Mail address", dana).write("Password", "short")
	y.dana.press("Sign up").is(422)
	for field, want := range map[string]string{"Password": "at least 12 characters", "Account name": "Enter a name."} {
		if got := y.dana.trouble(field); !strings.Contains(got, want) {
			t.Errorf("beside %s stands %q, want %q", field, got, want)
		}
	}
	if y.dana.value("Your name") != "Dana Field" || y.dana.value("Mail address") != dana || y.dana.value("Password") != "" {
		t.Error("what was typed is lost, or the password came back")
	}
	y.signUp(y.dana, "Dana Field", dana, "Field & Form")
	y.dana.sees("Your login and your account", "Field & Form", "Owner", "People", "Settings")
	y.firm = y.dana.path()

	// In another browser than the one that signed up, the link alone is no proof
	// of who chose the password.
	y.nora.open("/signup").write("Your name", "Nora Baker").write("Mail address", nora).write("Password", apptest.Password)
	y.nora.write("Account name", "Harbour Bakery").press("Sign up").sees("Look into your mail")
	if n := y.Count("users WHERE address = $1", nora); n != 0 {
		t.Error("there is a user before the address is proven")
	}
	phone := y.visitor()
	phone.open(y.Mail.Next(t, nora, "Confirm your address").Link(t)).sees("another browser")
	phone.write("Password", apptest.Password).press("Yes, this is my address").sees("Harbour Bakery", "Owner")
	y.bakery = phone.path()
	y.nora.open("/signin").write("Mail address", nora).write("Password", apptest.Password).press("Sign in").at(y.bakery)

	y.signUp(y.yuki, "Yuki Tan", yuki, "")
	y.yuki.at("/me/accounts").sees("Your login is ready", "No accounts yet")
	y.yuki.click("Choose an account").press("Open an account", "You are in no account yet")
	y.yuki.write("Account name", "Still Water Yoga").pick("Country", "Portugal").press("Open the account")
	y.yuki.sees("You are its owner", "Still Water Yoga", "Owner")
	y.yoga = y.yuki.path()
	if n := y.Count("users WHERE address = $1", yuki); n != 1 {
		t.Errorf("Yuki is %d users", n)
	}
}

func (y *story) accountsAreApart(t *testing.T) {
	for _, own := range []struct {
		b             *tab
		account, name string
	}{{y.dana, y.firm, "Field & Form"}, {y.nora, y.bakery, "Harbour Bakery"}, {y.yuki, y.yoga, "Still Water Yoga"}} {
		own.b.open("/me/accounts").sees("Your accounts", own.name)
		if rows := own.b.names("#accounts tbody tr"); len(rows) != 1 {
			t.Errorf("%s lists %q", own.name, rows)
		}
		own.b.open(own.account).press("People").sees("Who may enter "+own.name, "Owner", "(you)")
		for _, other := range []string{y.firm, y.bakery, y.yoga} {
			if other != own.account {
				own.b.open(other).is(404).sees("There is no such page").misses("Bakery", "Form", "Yoga")
			}
		}
	}
}

func (y *story) invites(t *testing.T) {
	b := y.nora.open(y.bakery).press("People").press("Invite somebody", "Who may enter").sees("Nothing happens before")
	b.misses("Manage services").write("Mail address", dana).tick("Choose permissions").sees("Manage services",
		"Change service passwords and settings, and run actions on services. Includes: see services.")
	b.tick("Manage services").sees("Also ticked: See services")
	if !b.ticked("See services") {
		t.Error("what a permission needs is not ticked")
	}
	b.tick("See services").sees("Also cleared: Manage services")
	if b.ticked("Manage services") {
		t.Error("a permission stays ticked without what it needs")
	}
	b.tick("Manage services").tick("Contacts").press("Send the invitation").is(200)
	b.at(y.bakery+"/people").sees("The invitation to "+dana+" is on its way", "3 permissions", "in 7 days")

	b.press("Invite somebody", "Who may enter").write("Mail address", dana).tick("Billing").press("Send the invitation").is(409)
	b.sees("This address has an open invitation already")
	if b.value("Mail address") != dana {
		t.Error("the typed address is lost")
	}
}

func (y *story) joins(t *testing.T) {
	mail := y.Mail.Next(t, dana, "Nora Baker invites you to Harbour Bakery")
	for part, text := range map[string]string{"text": mail.Text(), "HTML": mail.Envelope.HTML} {
		for _, want := range []string{"Harbour Bakery", "Nora Baker", "See services, manage services, contacts", "9 March 2026", "If you do not know Nora Baker, do nothing"} {
			if !strings.Contains(text, want) {
				t.Errorf("the mail's %s part does not say %q:\n%s", part, want, text)
			}
		}
	}
	y.dana = y.visitor()
	b := y.dana.open(mail.Link(t)).at("/invitation").sees("Join Harbour Bakery", "Nora Baker invites you", "See services, manage services, contacts", "in 7 days")
	b.misses(dana)
	b.press("Sign in and join").at("/signin?next=/invitation").sees("You come right back to it")
	b.write("Mail address", dana).write("Password", apptest.Password).press("Sign in")
	b.at("/invitation").sees("You are signed in as Dana Field").press("Join Harbour Bakery")
	b.at(y.bakery).sees("You are in", "Harbour Bakery", "3 permissions")

	y.nora.open(y.bakery+"/people").press("Invite somebody", "Who may enter").write("Mail address", ben).tick("Billing").press("Send the invitation")
	y.ben = y.visitor()
	b = y.ben.open(y.Mail.Next(t, ben, "Nora Baker invites you").Link(t)).sees("Join Harbour Bakery", "Billing: Orders, invoices, payments and quotes.")
	b.write("Your name", "Ben Okafor").write("Choose a password", "bread").press("Make my login and join").is(422)
	if got := b.trouble("Choose a password"); !strings.Contains(got, "at least 12 characters") || b.value("Your name") != "Ben Okafor" {
		t.Errorf("after a short password the page says %q, and his name is %q", got, b.value("Your name"))
	}
	b.write("Choose a password", "sourdough at five").press("Make my login and join").at(y.bakery).sees("You are in", "Harbour Bakery", "Billing")
	y.nora.open(y.bakery+"/people").sees("Ben Okafor", "Dana Field", "3 permissions", "No open invitations")
}

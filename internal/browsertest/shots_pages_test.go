package browsertest

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/cli"
	"clientele/internal/config"
)

// careless has the browser send forms that it can see are wrong.
func (b *tab) careless() *tab {
	b.t.Helper()
	eval[any](b, `() => { for (const f of document.forms) f.noValidate = true; }`)
	return b
}

// doors are the pages of visitors.
func (a *album) doors() {
	b := a.visitor().open("/signin")
	a.shoot(b, "door-signin")
	a.shoot(b.write("Mail address", "nora@harbourbakery.example").write("Password", "wrong").press("Sign in"), "door-signin-wrong")
	a.shoot(b.open("/signup"), "door-signup")
	a.shoot(b.tick("Only a login"), "door-signup-login")
	a.shoot(b.open("/signup").careless().write("Your name", "www.example.com").write("Mail address", "two@example.com, three@example.com").write("Password", "short").press("Sign up"), "door-signup-wrong")
	b.open("/signup").write("Your name", "Mia Okoye").write("Mail address", "mia@example.com").write("Password", "three blue bicycles").write("Account name", "Kite & Anchor").press("Sign up")
	a.shoot(b, "door-signup-sent")
	link := a.Mail.Next(a.t, "mia@example.com", "Confirm").Link(a.t)
	a.shoot(b.open(link), "door-confirm")
	a.shoot(a.visitor().open(link), "door-confirm-elsewhere")
	b.press("Yes, this is my address")
	a.shoot(b, "account-new-owner")
	a.shoot(b.open(link), "door-link-gone")
	b = a.visitor()
	a.shoot(b.open("/recover"), "door-recover")
	a.shoot(b.write("Mail address", "ben@harbourbakery.example").press("Mail me a link"), "door-recover-sent")
	a.shoot(b.open(a.Mail.Next(a.t, "ben@harbourbakery.example", "password").Link(a.t)), "door-new-password")
	a.shoot(b.write("New password", "short").press("Set the password"), "door-new-password-wrong")
	a.shoot(b.open("/no/such/page"), "door-404")
	a.shoot(b.open("/me"), "door-401")
}

// customers are the pages of somebody who is invited, and her own.
func (a *album) customers() {
	bakery, yoga := a.account("Harbour Bakery"), a.account("Still Water Yoga")
	a.invite(a.enter("/signin", "nora@harbourbakery.example"), "dana@fieldandform.example", "Technical", "")
	link := a.Mail.Next(a.t, "dana@fieldandform.example", "invites you").Link(a.t)
	b := a.visitor().open(link)
	a.shoot(b, "invitation-visitor")
	a.shoot(b.write("Your name", "Dana Field").write("Choose a password", "short").press("Make my login and join"), "invitation-wrong")
	a.shoot(b.write("Your name", "Dana Field").write("Choose a password", cli.DemoPassword).press("Make my login and join"), "invitation-has-login")
	a.shoot(b.open("/invitation").press("Sign in and join"), "invitation-signin")
	a.shoot(a.enter("/signin", "yuki@stillwater.example").open(link), "invitation-somebody-else")
	b = a.enter("/signin", "dana@fieldandform.example")
	a.shoot(b.open("/me/invitations"), "me-invitations")
	a.shoot(b.open(link), "invitation-accept")
	a.shoot(b.click("No, thank you"), "invitation-decline")
	a.shoot(b.press("Join Harbour Bakery"), "account-technical")
	a.shoot(b.click("Harbour Bakery"), "switcher")
	a.shoot(b.open(bakery+"/people"), "account-403")
	a.shoot(b.open(bakery+"/leave"), "account-leave")
	a.shoot(b.open(yoga+"/people"), "people-reader")
	a.shoot(b.open("/a/999"), "account-404")
	for path, name := range map[string]string{"/me": "me", "/me/accounts": "me-accounts", "/me/accounts/new": "me-account-new", "/me/security": "me-password", "/me/sessions": "me-sessions", "/me/activity": "me-activity"} {
		a.shoot(b.open(path), name)
	}
	a.shoot(b.open("/me/accounts?q=nothing"), "me-accounts-none")
	a.shoot(b.open("/me/accounts/new").careless().write("Account name", "see www.example.com").write("Mail address of the account", "nobody").press("Open the account"), "me-account-wrong")
	a.shoot(b.open("/me/security").write("Current password", "x").write("New password", "short").press("Change the password"), "me-password-wrong")
	a.shoot(b.open("/me").write("Name", "x\u202ey").press("Save"), "me-wrong")
	a.shoot(b.open("/me/invitations"), "me-invitations-none")
}

// owners are the pages of an account's owner.
func (a *album) owners() {
	bakery := a.account("Harbour Bakery")
	b := a.enter("/signin", "nora@harbourbakery.example")
	a.shoot(b.open(bakery), "account-overview")
	invite := bakery + "/people/invitations/new"
	a.shoot(b.open(invite), "invite")
	a.shoot(b.tick("Choose permissions").tick("Manage services").tick("Pay invoices"), "invite-single")
	a.shoot(b.open(invite).careless().write("Mail address", "nobody").write("Access ends on", "").keys("01012020").press("Send the invitation"), "invite-wrong")
	a.shoot(b.open(invite).write("Mail address", "nora@harbourbakery.example").tick("Choose permissions").press("Send the invitation"), "invite-nothing")
	for address, role := range map[string]string{"kim@example.com": "Billing", "night.shift.bookkeeping@long-domain-name.example": "Support", "lee@example.com": "Mail only"} {
		b.open(invite).write("Mail address", address).tick(role).press("Send the invitation").is(200)
	}
	a.visitor().open(a.Mail.Next(a.t, "lee@example.com", "invites").Link(a.t)).click("No, thank you").press("Decline")
	a.Mail.Refuse("gone@example.com")
	b.open(invite).write("Mail address", "gone@example.com").tick("Support").press("Send the invitation").is(200)
	a.Quiet()
	a.Mail.Down(true)
	b.open(invite).write("Mail address", "later@example.com").tick("Read only").press("Send the invitation").is(200)
	b.waits("for the mail to be tried", func() bool { return strings.Contains(b.open(bakery+"/people").text(), "delayed") })
	a.shoot(b, "people")
	a.shoot(b.click("Actions for kim@example.com"), "people-menu")
	a.shoot(b.press("Change what it offers"), "invitation-edit")
	a.Mail.Down(false)
	a.shoot(b.open(bakery+"/people").press("Dana Field", "dana@"), "member")
	a.shoot(b.click("Remove Dana Field"), "member-remove")
	a.shoot(b.open(bakery+"/people").press("Nora Baker", "nora@"), "member-self")
	a.shoot(b.press("End the ownership"), "ownership-end")
	a.shoot(b.press("End the ownership"), "ownership-last")
	a.shoot(b.open(bakery+"/leave").press("Leave Harbour Bakery"), "leave-last")
	a.Clock.Move(11 * time.Minute)
	a.shoot(b.open(bakery+"/people").press("Dana Field", "dana@").press("Make an owner"), "step-up")
	a.shoot(b.write("Password", "wrong").press("Go on"), "step-up-wrong")
	a.shoot(b.write("Password", cli.DemoPassword).press("Go on"), "ownership")
	a.shoot(b.press("Offer ownership"), "people-offer")
	a.shoot(a.enter("/signin", "dana@fieldandform.example").open(bakery), "account-offer")
	a.contactsAndLogs(b, bakery)
	a.closing(b, bakery)
}

func (a *album) contactsAndLogs(b *tab, bakery string) {
	a.shoot(b.open(bakery+"/contacts"), "contacts-none")
	a.shoot(b.press("Add a contact"), "contact-new")
	a.shoot(b.careless().write("Name", "Books").write("Mail address", "books").press("Save"), "contact-wrong")
	b.write("Name", "Quay Street Books").write("Mail address", "accounts@quaystreetbooks.example").tick("Invoices").write("Phone", "+353 91 555 010").press("Save")
	a.shoot(b, "contacts")
	a.shoot(b.press("Quay Street Books").click("Remove this contact"), "contact")
	a.shoot(b.open(bakery+"/emails"), "emails")
	a.shoot(b.open(bakery+"/activity"), "activity")
	a.shoot(b.open(bakery+"/settings"), "settings")
	other := b.another().open(bakery+"/settings").write("City", "Salthill").press("Save")
	a.shoot(other, "settings-saved")
	a.shoot(b.write("City", "Galway City").press("Save"), "settings-meanwhile")
}

func (a *album) closing(b *tab, bakery string) {
	a.shoot(b.open(bakery+"/close"), "close")
	a.shoot(b.write("Type the account's number to confirm", "7").press("Close Harbour Bakery"), "close-wrong")
	shut := b.another().open("/me/accounts/new").write("Account name", "Old Mill Ceramics").press("Open the account")
	path := shut.path()
	shut.open(path+"/close").write("Type the account's number to confirm", strings.TrimPrefix(path, "/a/")).press("Close Old Mill Ceramics")
	a.shoot(shut, "closed")
	a.shoot(shut.open(path+"/people"), "closed-people")
	a.shoot(shut.open(path+"/settings"), "closed-settings")
	a.shoot(shut.open(path+"/contacts"), "closed-contacts")
	a.shoot(shut.open("/me/accounts"), "me-accounts-closed")
}

// staff are the pages of operators.
func (a *album) staff() {
	b := a.visitor().open("/staff/signin")
	a.shoot(b, "staff-signin")
	a.shoot(b.write("Mail address", "sam@clientele.example").write("Password", "wrong").press("Sign in"), "staff-signin-wrong")
	b = a.enter("/staff/signin", "sam@clientele.example")
	a.shoot(b, "staff-dashboard")
	account := strings.Replace(a.account("Harbour Bakery"), "/a/", "/staff/accounts/", 1)
	closed := strings.Replace(a.account("Old Mill Ceramics"), "/a/", "/staff/accounts/", 1)
	for path, name := range map[string]string{
		"/staff/search?q=er": "search", "/staff/search?q=zzz": "search-none", "/staff/search": "search-empty", "/staff/accounts": "accounts", "/staff/users": "users", "/staff/mails": "mails",
		"/staff/mails?state=failed": "mails-failed", "/staff/accounts/999": "404", account: "account", account + "/users": "account-users", account + "/users/invite": "invite", account + "/users/attach": "attach",
		account + "/contacts": "account-contacts", account + "/emails": "account-emails", account + "/activity": "account-activity", account + "/details": "account-details",
		closed: "closed", closed + "/users": "closed-users",
	} {
		a.shoot(b.open(path), "staff-"+name)
	}
	a.shoot(b.open(account+"/users/attach").write("Mail address", "nobody@example.com").press("Attach user"), "staff-attach-wrong")
	a.shoot(b.open(account+"/users").press("Change Dana Field"), "staff-member")
	a.shoot(b.open(account+"/users").press("Change the invitation to kim@example.com"), "staff-invitation")
	a.shoot(b.open("/staff/mails").press("Nora Baker invites you to Harbour Bakery", "kim@"), "staff-mail")
	a.shoot(b.open("/staff/users").press("Dana Field"), "staff-user")
	b.open(account + "/users").press("Change Nora Baker").click("End the ownership …")
	a.Clock.Move(11 * time.Minute)
	a.shoot(b.press("End the ownership of Nora Baker"), "staff-step-up")
}

// kept are the pages of an installation that has just been started, without a
// mail server.
func (a *album) kept(t *testing.T) {
	k := &album{site: demoSite(t, func(c *config.Config) { c.SMTPURL, c.SignUp = "", "invitation" }), folder: a.folder, axe: a.axe}
	b := k.enter("/signin", "nora@harbourbakery.example")
	b.open(k.account("Harbour Bakery") + "/people")
	k.shoot(b, "kept-people-first")
	b.press("Invite somebody", "Who may enter").write("Mail address", "dana@fieldandform.example").tick("Technical").press("Send the invitation")
	k.shoot(b, "kept-people")
	v := k.visitor()
	k.shoot(v.open("/signup"), "kept-signup-closed")
	k.shoot(v.open("/recover").write("Mail address", "dana@fieldandform.example").press("Mail me a link"), "kept-sent")
	s := k.enter("/staff/signin", "sam@clientele.example")
	k.shoot(s, "kept-staff-dashboard")
	k.shoot(s.open("/staff/mails"), "kept-staff-mails")
	k.shoot(s.press("Nora Baker invites you to Harbour Bakery"), "kept-staff-mail")
}

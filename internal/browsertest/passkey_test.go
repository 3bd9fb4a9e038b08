package browsertest

import (
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// A touchID is the authenticator that a tab's browser has built in.
type touchID struct {
	b  *tab
	id webauthn.AuthenticatorID
}

// withAuthenticator gives the tab an authenticator like those of telephones
// and laptops: it keeps passkeys and knows its person.
func (b *tab) withAuthenticator() touchID {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, webauthn.Enable, webauthn.EnableParams{})
	b.must(err)
	made, err := chromedp.Call(b.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	b.must(err)
	return touchID{b, made.AuthenticatorID}
}

// present says whether somebody touches the authenticator when it asks.
func (a touchID) present(yes bool) {
	a.b.t.Helper()
	_, err := chromedp.Call(a.b.ctx, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: yes})
	a.b.must(err)
}

// verified says whether the authenticator recognises its person.
func (a touchID) verified(yes bool) {
	a.b.t.Helper()
	_, err := chromedp.Call(a.b.ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: yes})
	a.b.must(err)
}

// withoutOffers makes the browser one that offers no passkeys by itself, from
// the next page on.
func (b *tab) withoutOffers() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: "PublicKeyCredential.isConditionalMediationAvailable = async () => false",
	})
	b.must(err)
}

func (a touchID) keys() int {
	a.b.t.Helper()
	got, err := chromedp.Call(a.b.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id})
	a.b.must(err)
	return len(got.Credentials)
}

func (b *tab) signOut() *tab {
	b.t.Helper()
	return b.open("/me").click("Choose an account").press("Sign out").at("/signin")
}

// TestPasskeysInABrowser lives with a passkey: it is made, it signs in by the
// browser's own offer, by the button, as the second step and for a fresh
// proof, and it is taken away.
func TestPasskeysInABrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		nora := s.Person("Nora Baker", "nora@harbourbakery.example")
		b := s.as(nora)
		key := b.withAuthenticator()

		b.open("/me/security").press("Add a passkey").at("/me/security/passkeys/new")
		key.verified(false)
		b.write("What do you call it?", "Nora's laptop").click("Make a passkey")
		b.waits("for the browser to say no", func() bool { return strings.Contains(b.text(), "Nothing was chosen") })
		key.verified(true)
		b.press("Make a passkey").is(200).sees("Your recovery codes", "Everywhere else you have been signed out")
		if n := key.keys(); n != 1 {
			t.Fatalf("the authenticator keeps %d passkeys", n)
		}
		b.press("I have kept them").sees("Nora's laptop", "10 left")
		b.press("Add a passkey").click("Make a passkey")
		b.waits("for the browser to know it", func() bool { return strings.Contains(b.text(), "has a passkey for your login already") })

		// The browser offers it in the address field; touching it signs in.
		key.present(false)
		b.signOut()
		key.present(true) // before the browser asks: it does not look again
		b.open("/signin")
		b.waits("for the browser's own offer", func() bool { return b.path() == "/me/accounts" })
		b.at("/me/accounts").sees("Your accounts")

		// The button does the same, in a browser that does not offer.
		b.withoutOffers()
		key.present(false)
		b.signOut()
		key.present(true)
		b.press("Sign in with a passkey").at("/me/accounts")

		// A password alone is half the way.
		b.signOut().write("Mail address", "nora@harbourbakery.example").write("Password", apptest.Password).press("Sign in")
		b.at("/signin/second-factor").sees("Second step")
		b.open("/me").is(401)
		b.open("/signin/second-factor")
		b.press("Use a passkey").at("/me/accounts")

		// A fresh proof.
		s.Clock.Move(11 * time.Minute)
		b.open("/me/security").press("Change", "Nora's laptop").sees("Confirm that it is you")
		b.press("Use a passkey").sees("Remove it")
		b.write("Name", "Kitchen laptop").press("Save").sees("Kitchen laptop")
		b.press("Change", "Kitchen laptop").press("Remove the passkey").at("/me/security").sees("The passkey is removed").misses("Kitchen laptop")
		b.signOut().write("Mail address", "nora@harbourbakery.example").write("Password", apptest.Password).press("Sign in").at("/me/accounts")
	})
}

// TestTheSecondStepInABrowser lives with an app: with scripts off, since
// nothing of it needs them.
func TestTheSecondStepInABrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		nora := s.Person("Nora Baker", "nora@harbourbakery.example")
		b := s.as(nora).withoutScripts()
		b.open("/me/security").press("Add an authenticator app").at("/me/security/apps/new").click("I cannot scan it")
		seed := strings.ToUpper(strings.ReplaceAll(b.names("p.mono")[0], " ", ""))
		b.write("Code", "000000").press("Add the app").is(422).sees("This code is not right")
		b.write("Code", s.Code(seed)).press("Add the app").is(200).sees("Your recovery codes")
		codes := b.names(".codes li")
		if len(codes) != 10 {
			t.Fatalf("%d recovery codes: %q", len(codes), codes)
		}
		b.press("I have kept them").sees("Authenticator app", "10 left")

		enter := func() *tab {
			b.signOut()
			return b.write("Mail address", nora.Address).write("Password", apptest.Password).press("Sign in")
		}
		s.Clock.Move(31 * time.Second)
		enter().at("/signin/second-factor").write("Code", "123456").press("Sign in").is(422).sees("This code is not right")
		b.write("Code", s.Code(seed)).tick("Do not ask in this browser").press("Sign in").at("/me/accounts")
		enter().at("/me/accounts")
		b.open("/me/security").sees("Not asked until").press("Forget").sees("Forgotten")
		enter().at("/signin/second-factor").write("Code", codes[0]).press("Sign in").at("/me/accounts")
		b.open("/me/security").sees("9 left")
		enter().write("Code", codes[0]).press("Sign in").is(422)
	})
}

// TestAnAccountsSignInRulesInABrowser has an owner ask for a second factor:
// who has none sees a padlock, sets one up, and is in.
func TestAnAccountsSignInRulesInABrowser(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		nora, ben := s.Person("Nora Baker", "nora@harbourbakery.example"), s.Person("Ben Ode", "ben@harbourbakery.example")
		bakery := s.Account(nora, "Harbour Bakery")
		s.Account(ben, "Ben's own")
		s.Join(bakery, ben, apptest.Keys("people.view"))
		owner := s.as(nora)
		key := owner.withAuthenticator()
		owner.open("/me/security").press("Add a passkey").press("Make a passkey")
		key.present(true)
		owner.open("/a/1/people").press("Sign-in rules").sees("One person has no second factor", "Ben Ode")
		owner.tick("Everybody needs a second factor").pick("Required", "at once").press("Set the rules").sees("The rules are set")
		s.Mail.Next(t, ben.Address, "second factor")

		b := s.as(ben)
		b.open("/me/accounts").sees("Asks for a second factor", "Ben's own")
		b.open("/a/1").is(403).sees("A second factor, please", "You have none yet").misses("Overview")
		b.press("Set up a second factor").press("Add an authenticator app").click("I cannot scan it")
		seed := strings.ToUpper(strings.ReplaceAll(b.names("p.mono")[0], " ", ""))
		b.write("Code", s.Code(seed)).press("Add the app")
		b.open("/a/1").is(200).sees("Harbour Bakery")
		b.open("/me/accounts").misses("Asks for a second factor")
	})
}

package browsertest

import (
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

// TestSigningInThroughAProvider leaves for a provider and comes back, with
// scripts and without: no policy of a page stands in the way, and the cookies
// come back with her.
func TestSigningInThroughAProvider(t *testing.T) {
	onOne(t, func(t *testing.T, s *site) {
		s.Clock.Move(time.Since(s.Clock.Now()).Truncate(time.Second))
		issuer := apptest.NewIssuer(t, s.base)
		root := s.asStaff(s.Operator("Root", "root@crew.example", "administrator"))
		root.open("/staff/providers").press("Add a provider")
		root.write("Name", "Acme").write("Issuer", issuer.URL).write("Client ID", "web").write("Client secret", "secret").press("Add the provider")
		root.sees("The provider is added, and off", s.base+"/signin/with/1/callback").press("Switch it on").sees("It is on")

		alice := s.Person("Alice", "alice@crowd.example")
		b := s.as(alice)
		b.open("/me/security").press("Link Acme")
		signInThere(b, issuer).sees("The sign-in is linked", "test-user@zitadel.ch")

		for name, c := range map[string]*tab{"with scripts": s.visitor(), "without scripts": s.visitor().withoutScripts()} {
			c.open("/signin?next=/me").press("Continue with Acme")
			signInThere(c, issuer).sees("Alice").at("/me")
			if n := s.Count("sessions WHERE way = $1", "provider:"+id.String(id.Provider(1))); n == 0 {
				t.Errorf("%s: no session came through the provider", name)
			}
		}
	})
}

// signInThere waits for the provider's page, which no form of ours led to
// directly, and signs in on it.
func signInThere(b *tab, issuer *apptest.Issuer) *tab {
	b.t.Helper()
	b.waits("for the provider's page", func() bool {
		return eval[string](b, `() => location.origin + document.title`) == issuer.URL+"Sign in there"
	})
	return b.write("Username", "test-user@127.0.0.1").write("Password", apptest.IssuerPassword).press("Sign in there")
}

// TestAlbumOfProviders takes pictures of the pages of providers. It is a tool,
// like TestAlbum.
func TestAlbumOfProviders(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = newSite(t, db.SQLite)
	a.Clock.Move(time.Since(a.Clock.Now()).Truncate(time.Second))
	issuer := apptest.NewIssuer(t, a.base)
	op := a.Operator("Root", "root@crew.example", "administrator")
	root := a.asStaff(op)
	a.shoot(root.open("/staff/providers"), "providers-none")
	root.press("Add a provider")
	root.write("Name", "Google").write("Issuer", "http://127.0.0.1:1").write("Client ID", "web").write("Client secret", "secret")
	a.shoot(root.press("Add the provider"), "provider-wrong")
	root.write("Issuer", issuer.URL).write("Client secret", "secret").press("Add the provider")
	a.shoot(root, "provider-off")
	root.press("Switch it on").open("/staff/providers/new").write("Name", "Harbour Works").write("Issuer", issuer.URL).write("Client ID", "other").press("Add the provider").press("Switch it on")
	root.click("Remove it …")
	a.shoot(root, "provider-on")
	alice := a.as(a.Person("Alice Baker", "alice@crowd.example"))
	alice.open("/me/security").press("Link Google")
	signInThere(alice, issuer).sees("The sign-in is linked")
	a.shoot(alice, "security-linked")
	alice.press("Unlink Google")
	a.shoot(alice, "security-unlink")
	a.shoot(root.open("/staff/providers"), "providers")
	a.shoot(a.visitor().open("/signin"), "signin-providers")
	stranger := a.visitor().open("/signin").press("Continue with Google")
	stranger.waits("for the provider's page", func() bool { return eval[string](stranger, `() => document.title`) == "Sign in there" })
	stranger.write("Username", "test-user2").write("Password", apptest.IssuerPassword).press("Sign in there")
	a.shoot(stranger, "not-linked")
	a.Clock.Move(11 * time.Minute)
	a.shoot(alice.open("/me/address"), "confirm-provider")
}

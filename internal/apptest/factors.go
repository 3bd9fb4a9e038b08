package apptest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/pquerna/otp/totp"
)

// codeStep is how long an app shows one code.
const codeStep = 30 * time.Second

// Authenticator adds an app that makes one-time codes to a person, in her
// browser, which needs a fresh proof of her. The code that shows it is the one
// before the clock's, so that Code gives one that was not used, right away.
func (w *World) Authenticator(p *Person) (seed string) {
	w.t.Helper()
	page := p.Post("/me/security/apps/begin", url.Values{}).Must(http.StatusOK)
	seed = SeedOn(page)
	page.Submit("/me/security/apps", url.Values{"code": {w.codeAt(seed, w.Clock.Now().Add(-codeStep))}, "name": {"Phone"}}).Must(http.StatusOK)
	return seed
}

// SeedOn reads the seed off the page that sets up an app.
func SeedOn(page *Page) (seed string) {
	return strings.ToUpper(strings.ReplaceAll(page.Find("main .mono").First().Text(), " ", ""))
}

// Code is what an app with the seed shows now, by the world's clock. A code
// is accepted once, and none before it is after: move the clock by 30 seconds
// to get the next.
func (w *World) Code(seed string) string {
	w.t.Helper()
	return w.codeAt(seed, w.Clock.Now())
}

func (w *World) codeAt(seed string, at time.Time) string {
	w.t.Helper()
	code, err := totp.GenerateCode(seed, at)
	if err != nil {
		w.t.Fatalf("no code of the seed %q: %v", seed, err)
	}
	return code
}

// A Passkey is a device of a person that can hold a passkey. What it says of
// itself can be changed before it answers: its counter, and whether somebody
// was there and was verified.
type Passkey struct {
	Site       virtualwebauthn.RelyingParty // what the browser says where it is
	Device     virtualwebauthn.Authenticator
	Credential virtualwebauthn.Credential
	person     *Person
	world      *World
}

// Passkey makes a device for a person. It is not registered yet.
func (w *World) Passkey(p *Person) *Passkey {
	return &Passkey{
		Site:       virtualwebauthn.RelyingParty{ID: strings.TrimPrefix(BaseURL, "https://"), Name: w.settings.Brand, Origin: BaseURL},
		Device:     virtualwebauthn.NewAuthenticator(),
		Credential: credential(),
		person:     p, world: w,
	}
}

// fullKey is how long a public key is with both of its numbers at full length.
const fullKey = 77

// credential makes a new key. The library leaves out the zero that a number
// begins with now and then, which no real device does and nothing accepts.
func credential() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == fullKey {
			return c
		}
	}
}

// Made is the device's answer to a challenge that adds a passkey.
func (k *Passkey) Made(challenge *Page) string {
	k.world.t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(challenge.Body)
	if err != nil {
		k.world.t.Fatalf("%s is no challenge: %d %v: %.300s", challenge.URL.Path, challenge.Status, err, challenge.Body)
	}
	k.Device.Options.UserHandle = []byte(options.UserID)
	return virtualwebauthn.CreateAttestationResponse(k.Site, k.Device, k.Credential, *options)
}

// Shown is the device's answer to a challenge that asks for the passkey.
func (k *Passkey) Shown(challenge *Page) string {
	k.world.t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(challenge.Body)
	if err != nil {
		k.world.t.Fatalf("%s is no challenge: %d %v: %.300s", challenge.URL.Path, challenge.Status, err, challenge.Body)
	}
	return virtualwebauthn.CreateAssertionResponse(k.Site, k.Device, k.Credential, *options)
}

// Register adds the passkey to its person, in her browser, which needs a
// fresh proof of her. It does not follow where the answer leads.
func (k *Passkey) Register(name string) *Page {
	k.world.t.Helper()
	response := k.Made(k.person.PostOnly("/me/security/passkeys/begin", url.Values{}))
	return k.person.PostOnly("/me/security/passkeys", url.Values{"name": {name}, "response": {response}})
}

// SignIn signs in with the passkey alone, in any browser. It does not follow
// where the answer leads.
func (k *Passkey) SignIn(b *Browser) *Page {
	k.world.t.Helper()
	return k.show(b, "/signin/passkey", nil)
}

// Finish ends a sign-in that waits for its second step in a browser.
func (k *Passkey) Finish(b *Browser, fields url.Values) *Page {
	k.world.t.Helper()
	return k.show(b, "/signin/second-factor/passkey", fields)
}

// Confirm gives the fresh proof within a session.
func (k *Passkey) Confirm(b *Browser) *Page {
	k.world.t.Helper()
	return k.show(b, "/confirm/passkey", nil)
}

func (k *Passkey) show(b *Browser, path string, fields url.Values) *Page {
	k.world.t.Helper()
	form := url.Values{"response": {k.Shown(b.PostOnly(path+"/begin", url.Values{}))}}
	for name, v := range fields {
		form[name] = v
	}
	return b.PostOnly(path, form)
}

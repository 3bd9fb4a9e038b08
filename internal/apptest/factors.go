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

// StaffAppAtSignIn sets up the first second factor of an operator who has
// shown her password in a browser.
func (w *World) StaffAppAtSignIn(b *Browser) (seed string) {
	w.t.Helper()
	page := b.Post("/staff/signin/set-up/app/begin", url.Values{}).Must(http.StatusOK)
	seed = SeedOn(page)
	page.Submit("/staff/signin/set-up/app", url.Values{"code": {w.codeAt(seed, w.Clock.Now().Add(-codeStep))}, "name": {"Phone"}}).Must(http.StatusOK)
	return seed
}

// StaffApp adds an app that makes one-time codes to an operator, as
// Authenticator does to a person.
func (w *World) StaffApp(o *Operator) (seed string) {
	w.t.Helper()
	page := o.Post("/staff/me/app/begin", url.Values{}).Must(http.StatusOK)
	seed = SeedOn(page)
	page.Submit("/staff/me/app", url.Values{"code": {w.codeAt(seed, w.Clock.Now().Add(-codeStep))}, "name": {"Phone"}}).Must(http.StatusOK)
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
	holder     *Browser
	door       door
	world      *World
}

// A door has the addresses at which passkeys are added and shown.
type door struct{ add, signIn, finish, confirm string }

var (
	peoplesDoor = door{"/me/security/passkeys", "/signin/passkey", "/signin/second-factor/passkey", "/confirm/passkey"}
	staffsDoor  = door{"/staff/me/passkey", "/staff/signin/passkey", "/staff/signin/second-step/passkey", "/staff/confirm/passkey"}
)

// Passkey makes a device for a person. It is not registered yet.
func (w *World) Passkey(p *Person) *Passkey { return w.device(p.Browser, peoplesDoor) }

// StaffPasskey is Passkey for an operator.
func (w *World) StaffPasskey(o *Operator) *Passkey { return w.device(o.Browser, staffsDoor) }

func (w *World) device(holder *Browser, at door) *Passkey {
	return &Passkey{
		Site:       virtualwebauthn.RelyingParty{ID: strings.TrimPrefix(BaseURL, "https://"), Name: w.settings.Brand, Origin: BaseURL},
		Device:     virtualwebauthn.NewAuthenticator(),
		Credential: credential(),
		holder:     holder, door: at, world: w,
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
	response := k.Made(k.holder.PostOnly(k.door.add+"/begin", url.Values{}))
	return k.holder.PostOnly(k.door.add, url.Values{"name": {name}, "response": {response}})
}

// SignIn signs in with the passkey alone, in any browser. It does not follow
// where the answer leads.
func (k *Passkey) SignIn(b *Browser) *Page {
	k.world.t.Helper()
	return k.show(b, k.door.signIn, nil)
}

// Finish ends a sign-in that waits for its second step in a browser.
func (k *Passkey) Finish(b *Browser, fields url.Values) *Page {
	k.world.t.Helper()
	return k.show(b, k.door.finish, fields)
}

// Confirm gives the fresh proof within a session.
func (k *Passkey) Confirm(b *Browser) *Page {
	k.world.t.Helper()
	return k.show(b, k.door.confirm, nil)
}

func (k *Passkey) show(b *Browser, path string, fields url.Values) *Page {
	k.world.t.Helper()
	form := url.Values{"response": {k.Shown(b.PostOnly(path+"/begin", url.Values{}))}}
	for name, v := range fields {
		form[name] = v
	}
	return b.PostOnly(path, form)
}

// ShowAt shows the passkey at an address that asks for one, in any browser.
func (k *Passkey) ShowAt(b *Browser, path string) *Page {
	k.world.t.Helper()
	return k.show(b, path, nil)
}

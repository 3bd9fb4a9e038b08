package auth_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"

	"github.com/descope/virtualwebauthn"
)

const ceremonyCookie = "__Host-clientele-ceremony"

// The flags of an authenticator's data.
const (
	present   = 1 << 0
	verified  = 1 << 2
	mayBackUp = 1 << 3
	attested  = 1 << 6
)

// A statement is what a browser and an authenticator say together. It begins
// as the truth, is altered, and is signed as altered: a refusal is never that
// of a broken signature alone.
type statement struct {
	client    map[string]any
	site      string
	flags     byte
	counter   uint32
	kind      string
	id, raw   []byte
	inside    []byte // the credential's number within the attested data
	public    []byte // the public key
	handle    []byte
	key       *virtualwebauthn.Key
	tamper    bool // change the signature
	extraTail []byte
}

// truth is what a device says that keeps to the rules.
func truth(k *apptest.Passkey, ceremony, challenge string) *statement {
	return &statement{
		client: map[string]any{"type": ceremony, "challenge": challenge, "origin": apptest.BaseURL, "crossOrigin": false},
		site:   k.Site.ID, flags: present | verified, counter: k.Credential.Counter, kind: "public-key",
		id: k.Credential.ID, raw: k.Credential.ID, inside: k.Credential.ID, public: k.Credential.Key.AttestationData(),
		handle: k.Device.Options.UserHandle, key: k.Credential.Key,
	}
}

func unpadded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// data is the authenticator's data, without what only a new key has.
func (s *statement) data(more byte) []byte {
	site := sha256.Sum256([]byte(s.site))
	return binary.BigEndian.AppendUint32(append(site[:], s.flags|more), s.counter)
}

func (s *statement) envelope(response map[string]string) string {
	client, _ := json.Marshal(s.client)
	response["clientDataJSON"] = unpadded(client)
	out, _ := json.Marshal(map[string]any{"type": s.kind, "id": unpadded(s.id), "rawId": unpadded(s.raw), "response": response})
	return string(out)
}

// made is the answer that adds a passkey, without attestation.
func (s *statement) made() string {
	data := s.data(attested)
	data = append(data, make([]byte, 16)...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(s.inside)))
	data = append(append(append(data, s.inside...), s.public...), s.extraTail...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(data)>>8), byte(len(data)))
	return s.envelope(map[string]string{"attestationObject": unpadded(append(object, data...))})
}

// shown is the answer that shows a passkey.
func (s *statement) shown() string {
	data := append(s.data(0), s.extraTail...)
	client, _ := json.Marshal(s.client)
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(bytes.Clone(data), hash[:]...))
	signature, err := s.key.Sign(digest[:])
	if err != nil {
		panic(err)
	}
	if s.tamper {
		signature[len(signature)-1] ^= 1
	}
	response := map[string]string{"authenticatorData": unpadded(data), "signature": unpadded(signature)}
	if s.handle != nil {
		response["userHandle"] = unpadded(s.handle)
	}
	return s.envelope(response)
}

// lies are what both kinds of answer can be altered by.
var lies = map[string]func(*statement){
	"another site":                     func(s *statement) { s.client["origin"] = "https://evil.example" },
	"the site without TLS":             func(s *statement) { s.client["origin"] = "http://clientele.test" },
	"a subdomain":                      func(s *statement) { s.client["origin"] = "https://shop.clientele.test" },
	"the name within another":          func(s *statement) { s.client["origin"] = "https://clientele.test.evil.example" },
	"the name as a user name":          func(s *statement) { s.client["origin"] = "https://clientele.test@evil.example" },
	"another port":                     func(s *statement) { s.client["origin"] = "https://clientele.test:8443" },
	"no origin":                        func(s *statement) { delete(s.client, "origin") },
	"a null origin":                    func(s *statement) { s.client["origin"] = "null" },
	"an app":                           func(s *statement) { s.client["origin"] = "android:apk-key-hash:clientele.test" },
	"a frame of another site":          func(s *statement) { s.client["crossOrigin"] = true },
	"a frame that names who holds it":  func(s *statement) { s.client["crossOrigin"], s.client["topOrigin"] = true, "https://evil.example" },
	"a frame that names us":            func(s *statement) { s.client["crossOrigin"], s.client["topOrigin"] = true, apptest.BaseURL },
	"a frame that says it is none":     func(s *statement) { s.client["topOrigin"] = "https://evil.example" },
	"a key of another site":            func(s *statement) { s.site = "evil.example" },
	"a key of a subdomain":             func(s *statement) { s.site = "shop.clientele.test" },
	"a key of the origin":              func(s *statement) { s.site = apptest.BaseURL },
	"nobody was there":                 func(s *statement) { s.flags &^= present },
	"nobody was verified":              func(s *statement) { s.flags &^= verified },
	"the other ceremony":               func(s *statement) { s.client["type"] = swapped[s.client["type"].(string)] },
	"no ceremony":                      func(s *statement) { delete(s.client, "type") },
	"another challenge":                func(s *statement) { s.client["challenge"] = unpadded(make([]byte, 32)) },
	"no challenge":                     func(s *statement) { s.client["challenge"] = "" },
	"half of the challenge":            func(s *statement) { s.client["challenge"] = s.client["challenge"].(string)[:20] },
	"two numbers":                      func(s *statement) { s.raw = append(bytes.Clone(s.raw), 1) },
	"no number":                        func(s *statement) { s.id, s.raw = nil, nil },
	"another kind of credential":       func(s *statement) { s.kind = "password" },
	"no kind of credential":            func(s *statement) { s.kind = "" },
	"backed up, and cannot be":         func(s *statement) { s.flags |= 1 << 4 },
	"data after the end":               func(s *statement) { s.extraTail = []byte("more") },
	"an extension that is not there":   func(s *statement) { s.flags |= 1 << 7 },
	"a token binding that is nonsense": func(s *statement) { s.client["tokenBinding"] = map[string]string{"status": "x"} },
}

var swapped = map[string]string{"webauthn.get": "webauthn.create", "webauthn.create": "webauthn.get"}

// A rite is one of the ceremonies at which a passkey is made or shown.
type rite struct {
	name, begin, end string
	browser          *apptest.Browser
}

// begins opens the prompt, and returns the challenge.
func (r rite) begins(t *testing.T) string {
	t.Helper()
	var options struct{ Challenge string }
	page := r.browser.PostOnly(r.begin, form())
	if err := json.Unmarshal([]byte(page.Body), &options); err != nil || page.Status != 200 || len(options.Challenge) < 22 {
		t.Fatalf("%s: %d %v: %.300s", r.begin, page.Status, err, page.Body)
	}
	return options.Challenge
}

// says answers.
func (r rite) says(response string) *apptest.Page {
	return r.browser.PostOnly(r.end, form("response", response, "name", "A key"))
}

// A ritual is alice with a passkey, and every ceremony at which it is shown.
type ritual struct {
	*apptest.World
	alice *apptest.Person
	key   *apptest.Passkey
}

func newRitual(t *testing.T, w *apptest.World) *ritual {
	t.Helper()
	r := &ritual{World: w, alice: w.Person("Alice", "alice@crowd.example")}
	r.key = w.Passkey(r.alice)
	if page := r.key.Register("Laptop"); page.Status != 200 && page.Status != http.StatusSeeOther {
		t.Fatalf("%d: %.300s", page.Status, page.Body)
	}
	return r
}

// rites are the three ceremonies that ask for a passkey, each in a browser
// that may use it.
func (r *ritual) rites(t *testing.T) []rite {
	t.Helper()
	half := r.Browser()
	if page := signIn(half, r.alice.Address, apptest.Password); page.Location != "/signin/second-factor" {
		t.Fatalf("the password alone leads to %q", page.Location)
	}
	return []rite{
		{"signing in", "/signin/passkey/begin", "/signin/passkey", r.Browser()},
		{"the second step", "/signin/second-factor/passkey/begin", "/signin/second-factor/passkey", half},
		{"confirming", "/confirm/passkey/begin", "/confirm/passkey", r.alice.Browser},
	}
}

func (r *ritual) adding() rite {
	return rite{"adding", "/me/security/passkeys/begin", "/me/security/passkeys", r.alice.Browser}
}

// kept is all that a ceremony could have left behind.
func (r *ritual) kept() string {
	parts := apptest.Query[string](r.World, "SELECT CAST(id AS TEXT) || record || CAST(COALESCE(used_at, created_at) AS TEXT) || CAST(COALESCE(cloned_at, created_at) AS TEXT) FROM passkeys ORDER BY id")
	parts = append(parts, apptest.Query[string](r.World, "SELECT token_hash || way || CAST(proved_at AS TEXT) || CAST(COALESCE(second_at, created_at) AS TEXT) || CAST(COALESCE(ended_at, created_at) AS TEXT) FROM sessions ORDER BY id")...)
	parts = append(parts, apptest.Query[string](r.World, "SELECT CAST(credentials AS TEXT) || password || CAST(id AS TEXT) FROM users ORDER BY id")...)
	return strings.Join(append(parts, fmt.Sprint(r.Count("recovery_codes"), r.Count("mails"), r.Count("devices"))), "\n")
}

// refused fails unless an answer was turned away and has left nothing behind.
func (r *ritual) refused(t *testing.T, what, before string, page *apptest.Page) {
	t.Helper()
	if page.Status < 400 || page.Status >= 500 {
		t.Errorf("%s: %d, to %q", what, page.Status, page.Location)
	}
	if r.kept() != before {
		t.Errorf("%s: something was stored", what)
	}
}

// TestT102_APasskeyIsShownRightOrNotAtAll answers every challenge that asks
// for a passkey with each lie, and then with the truth.
func TestT102_APasskeyIsShownRightOrNotAtAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		bob := w.Person("Bob", "bob@crowd.example")
		theirs := w.Passkey(bob)
		theirs.Register("Phone")
		stranger := w.Passkey(r.alice)
		all := maps.Clone(lies)
		all["a broken signature"] = func(s *statement) { s.tamper = true }
		all["another key's signature"] = func(s *statement) { s.key = stranger.Credential.Key }
		all["an unknown key"] = func(s *statement) {
			s.id, s.raw, s.key = stranger.Credential.ID, stranger.Credential.ID, stranger.Credential.Key
		}
		all["somebody else's handle"] = func(s *statement) { s.handle = theirs.Device.Options.UserHandle }
		all["nobody's handle"] = func(s *statement) { s.handle = []byte("nobody") }
		all["somebody else's key with her handle"] = func(s *statement) {
			s.id, s.raw, s.key = theirs.Credential.ID, theirs.Credential.ID, theirs.Credential.Key
		}
		all["a key that can be backed up, and could not"] = func(s *statement) { s.flags |= mayBackUp }
		for _, rite := range r.rites(t) {
			for _, what := range slices.Sorted(maps.Keys(all)) {
				s := truth(r.key, "webauthn.get", rite.begins(t))
				all[what](s)
				before := r.kept()
				r.refused(t, rite.name+", "+what, before, rite.says(s.shown()))
			}
			s := truth(r.key, "webauthn.get", rite.begins(t))
			if page := rite.says(s.shown()); page.Status != http.StatusSeeOther {
				t.Errorf("%s, the truth: %d", rite.name, page.Status)
			}
			rite.browser.Get("/me").Must(200, "Alice")
		}
	}, kept)
}

// TestT102_SomebodyElsesPasskeyIsNotHers shows a passkey that is registered,
// to somebody else: as it is, and without a word of whose it is.
func TestT102_SomebodyElsesPasskeyIsNotHers(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		mallory := w.Person("Mallory", "mallory@crowd.example")
		theirs := w.Passkey(mallory)
		theirs.Register("Phone")
		for _, rite := range r.rites(t) {
			for what, handle := range map[string][]byte{"no handle": nil, "an empty one": {}, "her own": theirs.Device.Options.UserHandle} {
				if rite.name == "signing in" && what == "her own" {
					continue // that is Mallory, signing in as herself
				}
				s := truth(theirs, "webauthn.get", rite.begins(t))
				s.handle = handle
				r.refused(t, rite.name+" with Mallory's key, "+what, r.kept(), rite.says(s.shown()))
			}
		}
		signing := r.rites(t)[0]
		for what, handle := range map[string][]byte{"no handle": nil, "an empty one": {}} {
			s := truth(r.key, "webauthn.get", signing.begins(t))
			s.handle = handle
			r.refused(t, "signing in with her own key, "+what, r.kept(), signing.says(s.shown()))
		}
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", r.alice.User)
		s := truth(r.key, "webauthn.get", signing.begins(t))
		r.refused(t, "signing in while suspended", r.kept(), signing.says(s.shown()))
	}, kept)
}

// TestT102_APasskeyIsMadeRightOrNotAtAll answers the challenge that adds one
// with each lie, and then with the truth.
func TestT102_APasskeyIsMadeRightOrNotAtAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		mallory := w.Person("Mallory", "mallory@crowd.example")
		theirs := w.Passkey(mallory)
		theirs.Register("Phone")
		all := maps.Clone(lies)
		all["an algorithm that was not offered"] = func(s *statement) { s.public = bytes.Replace(s.public, []byte{3, 0x26}, []byte{3, 0x38, 0x2e}, 1) }
		all["no key"] = func(s *statement) { s.public = nil }
		all["half of a key"] = func(s *statement) { s.public = s.public[:len(s.public)/2] }
		all["another number outside than inside"] = func(s *statement) { s.inside = []byte("sixteen bytes of") }
		all["a number that is too long"] = func(s *statement) { s.id = bytes.Repeat([]byte("x"), 1024); s.raw, s.inside = s.id, s.id }
		all["the key that she has already"] = func(s *statement) {
			s.id, s.raw, s.inside = r.key.Credential.ID, r.key.Credential.ID, r.key.Credential.ID
		}
		all["the number of Mallory's key"] = func(s *statement) {
			s.id, s.raw, s.inside = theirs.Credential.ID, theirs.Credential.ID, theirs.Credential.ID
		}
		adding := r.adding()
		fresh := w.Passkey(r.alice)
		for _, what := range slices.Sorted(maps.Keys(all)) {
			s := truth(fresh, "webauthn.create", adding.begins(t))
			all[what](s)
			before := r.kept()
			r.refused(t, "adding, "+what, before, adding.says(s.made()))
		}
		if page := adding.says(truth(fresh, "webauthn.create", adding.begins(t)).made()); page.Status != http.StatusSeeOther || w.Count("passkeys WHERE user_id = $1", r.alice.User) != 2 {
			t.Errorf("the truth: %d", page.Status)
		}
	}, kept)
}

// TestT102_ThePromptSaysWhatIsAskedFor reads the challenges themselves.
func TestT102_ThePromptSaysWhatIsAskedFor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		own := unpadded(r.key.Credential.ID)
		seen := map[string]bool{}
		for _, rite := range append(r.rites(t), r.adding()) {
			page := rite.browser.PostOnly(rite.begin, form())
			var o struct {
				Challenge, RPID, UserVerification string
				AllowCredentials                  []struct{ ID string }
				ExcludeCredentials                []struct{ ID string }
				RP                                struct{ ID string }
				User                              struct{ ID, Name string }
				AuthenticatorSelection            struct{ ResidentKey, UserVerification string }
			}
			if err := json.Unmarshal([]byte(page.Body), &o); err != nil {
				t.Fatal(err)
			}
			if raw, err := base64.RawURLEncoding.DecodeString(o.Challenge); err != nil || len(raw) < 16 || seen[o.Challenge] {
				t.Errorf("%s: the challenge %q", rite.name, o.Challenge)
			}
			seen[o.Challenge] = true
			switch {
			case rite.name == "adding":
				if len(o.ExcludeCredentials) != 1 || o.ExcludeCredentials[0].ID != own || o.RP.ID != "clientele.test" || o.AuthenticatorSelection.UserVerification != "required" || o.AuthenticatorSelection.ResidentKey != "required" {
					t.Errorf("%s: %s", rite.name, page.Body)
				}
				if handle, _ := base64.RawURLEncoding.DecodeString(o.User.ID); len(handle) != 32 || bytes.Contains(handle, []byte(r.alice.Address)) {
					t.Errorf("the handle tells something: %q", handle)
				}
			case rite.name == "signing in":
				if len(o.AllowCredentials) != 0 || o.UserVerification != "required" || strings.Contains(page.Body, own) {
					t.Errorf("%s: %s", rite.name, page.Body)
				}
			case len(o.AllowCredentials) != 1 || o.AllowCredentials[0].ID != own || o.UserVerification != "required" || o.RPID != "clientele.test":
				t.Errorf("%s: %s", rite.name, page.Body)
			}
		}
	}, kept)
}

// TestT102_AChallengeIsAnsweredOnce answers challenges again, too late, in
// another browser and in another session.
func TestT102_AChallengeIsAnsweredOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		for _, rite := range r.rites(t) {
			response := truth(r.key, "webauthn.get", rite.begins(t)).shown()
			cookie := rite.browser.Cookie(ceremonyCookie)
			other := w.Browser()
			w.SignIn(&apptest.Person{Browser: other, User: r.alice.User})
			other.SetCookie(&http.Cookie{Name: ceremonyCookie, Value: cookie, Path: "/", Secure: true})
			if rite.name != "signing in" {
				elsewhere := rite
				elsewhere.browser = other
				r.refused(t, rite.name+" in another session", r.kept(), elsewhere.says(response))
			}
			if page := rite.says(response); page.Status != http.StatusSeeOther {
				t.Errorf("%s: %d", rite.name, page.Status)
			}
			rite.browser.SetCookie(&http.Cookie{Name: ceremonyCookie, Value: cookie, Path: "/", Secure: true})
			r.refused(t, rite.name+", once more", r.kept(), rite.says(response))

			// A wrong answer uses the challenge up as well.
			s := truth(r.key, "webauthn.get", r.again(t, rite).begins(t))
			right := s.shown()
			s.tamper = true
			rite.says(s.shown())
			r.refused(t, rite.name+", right after wrong", r.kept(), rite.says(right))
		}
	}, kept)
}

// again brings a browser back to where a ceremony begins.
func (r *ritual) again(t *testing.T, to rite) rite {
	t.Helper()
	if to.name == "the second step" {
		to.browser.PostOnly("/signout", form())
		signIn(to.browser, r.alice.Address, apptest.Password)
	}
	return to
}

// TestT102_AChallengeGetsTooOld answers at the last moment, and at the first
// that is too late.
func TestT102_AChallengeGetsTooOld(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		b := w.Browser()
		signing := rite{"signing in", "/signin/passkey/begin", "/signin/passkey", b}
		for late, want := range map[time.Duration]int{-time.Microsecond: http.StatusSeeOther, 0: http.StatusGone, time.Hour: http.StatusGone, -auth.CeremonyLife - time.Second: http.StatusGone} {
			response := truth(r.key, "webauthn.get", signing.begins(t)).shown()
			w.Clock.Move(auth.CeremonyLife + late)
			if page := signing.says(response); page.Status != want {
				t.Errorf("%v after its end: %d, want %d", late, page.Status, want)
			}
		}
		stranger := rite{"signing in", "", "/signin/passkey", w.Browser()}
		r.refused(t, "without a challenge", r.kept(), stranger.says(truth(r.key, "webauthn.get", signing.begins(t)).shown()))
	}, kept)
}

// TestT102_AChallengeIsForOneCeremony answers at each ceremony the challenge
// of each other.
func TestT102_AChallengeIsForOneCeremony(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		all := append(r.rites(t), r.adding())
		fresh := w.Passkey(r.alice)
		for _, from := range all {
			for _, to := range all {
				if from.name == to.name {
					continue
				}
				challenge := from.begins(t)
				to.browser.SetCookie(&http.Cookie{Name: ceremonyCookie, Value: from.browser.Cookie(ceremonyCookie), Path: "/", Secure: true})
				response := truth(r.key, "webauthn.get", challenge).shown()
				if to.name == "adding" {
					response = truth(fresh, "webauthn.create", challenge).made()
				}
				r.refused(t, to.name+" with the challenge of "+from.name, r.kept(), to.says(response))
			}
		}
	}, kept)
}

// TestT102_OneAnswerWins sends one right answer ten times at once.
func TestT102_OneAnswerWins(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		fresh := w.Passkey(r.alice)
		for _, rite := range append(r.rites(t), r.adding()) {
			challenge := rite.begins(t)
			response := truth(r.key, "webauthn.get", challenge).shown()
			if rite.name == "adding" {
				response = truth(fresh, "webauthn.create", challenge).made()
			}
			var in atomic.Int64
			keys, sessions := w.Count("passkeys"), w.Count("sessions")
			apptest.Race(10, func(int) {
				if rite.says(response).Status < 400 {
					in.Add(1)
				}
			})
			made := w.Count("passkeys") - keys + w.Count("sessions") - sessions
			if in.Load() != 1 || made > 1 {
				t.Errorf("%s: %d got through, %d were made", rite.name, in.Load(), made)
			}
		}
	}, kept)
}

// TestT102_ACountThatGoesBackIsTold shows a passkey whose counter stands
// still or goes back: it is refused and marked, and she is told. The genuine
// one, which has counted on, works.
func TestT102_ACountThatGoesBackIsTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		r.key.Credential.Counter = 7
		if page := r.key.SignIn(w.Browser()); page.Status != http.StatusSeeOther {
			t.Fatalf("%d", page.Status)
		}
		for _, rite := range r.rites(t) {
			for _, count := range []uint32{7, 6, 0} {
				w.Exec("UPDATE passkeys SET cloned_at = NULL")
				sessions := w.Count("sessions")
				s := truth(r.key, "webauthn.get", rite.begins(t))
				s.counter = count
				if page := rite.says(s.shown()); page.Status != http.StatusUnprocessableEntity || w.Count("sessions") != sessions {
					t.Errorf("%s at %d: %d", rite.name, count, page.Status)
				}
				if w.Count("passkeys WHERE cloned_at IS NOT NULL AND user_id = $1", r.alice.User) != 1 {
					t.Errorf("%s at %d: it is not marked", rite.name, count)
				}
				w.Mail.Next(t, r.alice.Address, "One of your passkeys may have been copied")
			}
		}
		if n := w.Count("audit_records WHERE event = 'user.passkey_refused' AND outcome = 'denied' AND subject_id = $1", r.alice.User); n != 9 {
			t.Errorf("%d records of refusals", n)
		}
		r.alice.Get("/me/security").Must(200, "Laptop")
		r.key.Credential.Counter = 8
		if page := r.key.SignIn(w.Browser()); page.Status != http.StatusSeeOther {
			t.Errorf("the genuine one: %d", page.Status)
		}
	})
}

// nonsense are answers that are none.
func nonsense(right string) []string {
	deep := strings.Repeat("[", 9000)
	out := []string{
		"", " ", "{}", "null", "[]", "0", `"x"`, "\x00", deep, `{"id":` + deep, `{"type":"public-key","id":"AAAA","rawId":"AAAA"}`,
		`{"type":"public-key","id":"AAAA","rawId":"AAAA","response":{}}`, `{"type":"public-key","id":"AAAA","rawId":"AAAA","response":null}`,
		right[:len(right)/2], right + "{}", right + right, strings.Replace(right, `"id"`, `"iD","id"`, 1), strings.ReplaceAll(right, "A", "*"),
	}
	for _, object := range []string{
		"", "\xa0", "\xbf", "\xff", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\x5b\x7f\xff\xff\xff\xff\xff\xff\xff", strings.Repeat("\x81", 9000), strings.Repeat("\xa1\x60", 4000),
		"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59\xff\xff", "\xa3\x63fmt\x66packed\x67attStmt\xa0\x68authData\x40", "\xa3\x63fmt\x63tpm\x67attStmt\xa0\x68authData\x58\x25" + strings.Repeat("\x00", 37),
	} {
		var whole map[string]any
		_ = json.Unmarshal([]byte(right), &whole)
		response := whole["response"].(map[string]any)
		for _, field := range slices.Sorted(maps.Keys(response)) {
			kept := response[field]
			response[field] = unpadded([]byte(object))
			text, _ := json.Marshal(whole)
			out = append(out, string(text))
			response[field] = kept
		}
	}
	return out
}

// TestT102_NonsenseIsRefused sends answers that cannot be read, and one that
// is as long as a body may not be.
func TestT102_NonsenseIsRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		fresh := w.Passkey(r.alice)
		for _, rite := range append(r.rites(t)[:1], r.adding()) {
			answer := func() string { return truth(r.key, "webauthn.get", rite.begins(t)).shown() }
			if rite.name == "adding" {
				answer = func() string { return truth(fresh, "webauthn.create", rite.begins(t)).made() }
			}
			for n, text := range nonsense(answer()) {
				r.refused(t, fmt.Sprintf("%s, nonsense %d %.60q", rite.name, n, text), r.kept(), rite.says(text))
			}
			long := r.kept()
			page := rite.browser.PostOnly(rite.end, url.Values{"response": {answer()}, "name": {strings.Repeat("x", 64<<10)}})
			r.refused(t, rite.name+" with a body of 64 kB", long, page)
		}
	}, kept)
}

// TestT102_AKeyThatIsNoneBreaksNothing adds a passkey whose public key is no
// point of its curve, which nothing can sign for, and signs in with it.
func TestT102_AKeyThatIsNoneBreaksNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		adding, broken := r.adding(), w.Passkey(r.alice)
		s := truth(broken, "webauthn.create", adding.begins(t))
		s.public = append(bytes.Clone(s.public[:len(s.public)-32]), make([]byte, 32)...)
		if page := adding.says(s.made()); page.Status >= 500 {
			t.Errorf("adding it: %d", page.Status)
		}
		broken.Device.Options.UserHandle = r.key.Device.Options.UserHandle
		for _, rite := range r.rites(t) {
			r.refused(t, rite.name, r.kept(), rite.says(truth(broken, "webauthn.get", rite.begins(t)).shown()))
		}
	}, kept)
}

// TestT102_ARemovedPasskeyOpensNothing removes a passkey, and shows it.
func TestT102_ARemovedPasskeyOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := newRitual(t, w)
		mallory := w.Person("Mallory", "mallory@crowd.example")
		number := apptest.Query[id.Passkey](w, "SELECT id FROM passkeys")[0]
		path := "/me/security/passkeys/" + id.String(number)
		for _, what := range []string{"/remove", "/rename"} {
			if page := mallory.PostOnly(path+what, form("name", "Mine")); page.Status != http.StatusNotFound {
				t.Errorf("Mallory: %s: %d", what, page.Status)
			}
		}
		mallory.Get(path).Must(404)
		signing := rite{"signing in", "/signin/passkey/begin", "/signin/passkey", w.Browser()}
		response := truth(r.key, "webauthn.get", signing.begins(t)).shown()
		r.alice.Post(path+"/remove", form()).Must(200, "The passkey is removed")
		r.refused(t, "signing in with it", r.kept(), signing.says(response))
		if page := signIn(w.Browser(), r.alice.Address, apptest.Password); page.Status != http.StatusSeeOther || page.Location == "/signin/second-factor" {
			t.Errorf("the password: %d, to %q", page.Status, page.Location)
		}
	}, kept)
}

package sso_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"

	jose "github.com/go-jose/go-jose/v4"
)

// A crowd is two providers, a and b, and people with logins there.
type crowd struct {
	*apptest.World
	a, b           *fake
	atA, atB       string // the providers' numbers here
	root           *apptest.Operator
	alice, mallory *apptest.Person // known to a as alice and mallory
}

func newCrowd(t *testing.T, w *apptest.World) *crowd {
	c := &crowd{World: w, a: newFake(t, w, false), b: newFake(t, w, true)}
	c.root = w.Operator("Root", "root@crew.example", "administrator")
	c.atA, c.atB = id.String(w.Provider(c.root, "Acme", c.a.URL, false)), id.String(w.Provider(c.root, "Best", c.b.URL, false))
	c.alice, c.mallory = w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
	c.link(t, c.alice, "alice").Must(http.StatusOK, "The sign-in is linked")
	c.link(t, c.mallory, "mallory").Must(http.StatusOK, "The sign-in is linked")
	return c
}

// link links a login at a to a person.
func (c *crowd) link(t *testing.T, p *apptest.Person, subject string) *apptest.Page {
	t.Helper()
	c.a.lie(func(f *fake) { f.claims = map[string]any{"sub": subject} })
	defer c.a.honest()
	return p.Get(back(c.atA, c.a.code(p.Post("/me/security/providers/"+c.atA+"/link", form()))))
}

func back(number string, q url.Values) string {
	return "/signin/with/" + number + "/callback?" + q.Encode()
}

// signIn goes to a and comes back.
func (c *crowd) signIn(b *apptest.Browser) *apptest.Page {
	return b.Get(back(c.atA, c.a.code(b.Post("/signin/with/"+c.atA, form("next", "/me")))))
}

// inAs tells who is signed in.
func inAs(b *apptest.Browser) string {
	page := b.Get("/me")
	for _, name := range []string{"Alice", "Mallory", "Victim"} {
		if page.Status == http.StatusOK && page.Says(name) {
			return name
		}
	}
	return ""
}

// A lie is what does not fit about an answer.
type lie struct {
	name   string
	change func(c *crowd, q url.Values)
	status int // 403 where it is 0
}

func claim(pairs ...any) func(*crowd, url.Values) {
	return func(c *crowd, _ url.Values) {
		c.a.claims = map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			c.a.claims[pairs[i].(string)] = pairs[i+1]
		}
	}
}

func signed(how func(f *fake, claims map[string]any) string) func(*crowd, url.Values) {
	return func(c *crowd, _ url.Values) {
		c.a.sign = func(claims map[string]any) string { return how(c.a, claims) }
	}
}

func query(name, value string) func(*crowd, url.Values) {
	return func(_ *crowd, q url.Values) { q.Set(name, value) }
}

func publicPEM(f *fake) []byte {
	der, _ := x509.MarshalPKIXPublicKey(&f.keys["a"].PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

var lies = []lie{
	{name: "another state", change: query("state", strings.Repeat("x", 43))},
	{name: "no state", change: query("state", "")},
	{name: "no code", change: query("code", ""), status: http.StatusOK},
	{name: "a code of nobody", change: query("code", "stolen")},
	{name: "another issuer in the answer", change: func(c *crowd, q url.Values) { q.Set("iss", c.b.URL) }},
	{name: "PKCE: the code was asked for by another", change: func(c *crowd, q url.Values) { c.a.codes[q.Get("code")].Set("code_challenge", "x") }},
	{name: "another nonce", change: claim("nonce", "x")},
	{name: "no nonce", change: claim("nonce", nil)},
	{name: "the issuer of another", change: func(c *crowd, _ url.Values) { c.a.claims = map[string]any{"iss": c.b.URL} }},
	{name: "the issuer with a slash", change: func(c *crowd, _ url.Values) { c.a.claims = map[string]any{"iss": c.a.URL + "/"} }},
	{name: "no issuer", change: claim("iss", nil)},
	{name: "made for another", change: claim("aud", "other")},
	{name: "made for several, and for nobody first", change: claim("aud", []string{"web", "other"})},
	{name: "made for several, and for another first", change: claim("aud", []string{"web", "other"}, "azp", "other")},
	{name: "authorised for another", change: claim("azp", "other")},
	{name: "authorised for a number", change: claim("azp", 1)},
	{name: "expired", change: claim("exp", 1)},
	{name: "without an end", change: claim("exp", nil)},
	{name: "not yet", change: claim("nbf", 99999999999)},
	{name: "no subject", change: claim("sub", nil)},
	{name: "an empty subject", change: claim("sub", "")},
	{name: "a subject that is a number", change: claim("sub", 7)},
	{name: "a subject that is too long", change: claim("sub", strings.Repeat("a", 256))},
	{name: "alg none", change: signed(func(_ *fake, c map[string]any) string { return unsigned("none", "", c) })},
	{name: "alg None", change: signed(func(_ *fake, c map[string]any) string { return unsigned("None", "", c) })},
	{name: "no signature", change: signed(func(_ *fake, c map[string]any) string { return unsigned("RS256", "", c) })},
	{name: "HS256 with the public key", change: signed(func(f *fake, c map[string]any) string { return sign(jose.HS256, publicPEM(f), "a", nil, c) })},
	{name: "HS256 with the client secret", change: signed(func(_ *fake, c map[string]any) string {
		return sign(jose.HS256, []byte("secret-secret-secret-secret-secret"), "a", nil, c)
	})},
	{name: "an algorithm that it does not announce", change: signed(func(f *fake, c map[string]any) string { return sign(jose.PS256, f.keys["a"], "a", nil, c) })},
	{name: "an unknown kid", change: signed(func(_ *fake, c map[string]any) string { return sign(jose.RS256, anyKey(), "z", nil, c) })},
	{name: "its kid, another's key", change: signed(func(_ *fake, c map[string]any) string { return sign(jose.RS256, anyKey(), "a", nil, c) })},
	{name: "no kid, another's key", change: signed(func(_ *fake, c map[string]any) string { return sign(jose.RS256, anyKey(), "", nil, c) })},
	{name: "jwk: brings its own key", change: signed(func(_ *fake, c map[string]any) string {
		return sign(jose.RS256, anyKey(), "", map[string]any{"jwk": jose.JSONWebKey{Key: &anyKey().PublicKey}}, c)
	})},
	{name: "jku: says where its key is", change: signed(func(f *fake, c map[string]any) string {
		return sign(jose.RS256, anyKey(), "z", map[string]any{"jku": f.URL + "/evil-keys"}, c)
	})},
	{name: "x5u: says where its certificate is", change: signed(func(f *fake, c map[string]any) string {
		return sign(jose.RS256, anyKey(), "z", map[string]any{"x5u": f.URL + "/evil-certificate"}, c)
	})},
	{name: "no token", change: signed(func(*fake, map[string]any) string { return "" })},
	{name: "half a token", change: signed(func(f *fake, c map[string]any) string {
		return strings.Join(strings.Split(sign(jose.RS256, f.keys["a"], "a", nil, c), ".")[:2], ".")
	})},
	{name: "another's code", change: func(c *crowd, _ url.Values) {
		c.a.answer = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusUnauthorized); return true }
	}},
	{name: "a token endpoint that is broken", change: func(c *crowd, _ url.Values) {
		c.a.answer = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true }
	}, status: http.StatusServiceUnavailable},
	{name: "a token endpoint that forwards", change: func(c *crowd, _ url.Values) {
		c.a.answer = func(w http.ResponseWriter) bool {
			w.Header().Set("Location", c.a.URL+"/evil-token")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}
	}, status: http.StatusServiceUnavailable},
	{name: "a token endpoint without an end", change: func(c *crowd, _ url.Values) {
		c.a.answer = func(w http.ResponseWriter) bool {
			_, _ = w.Write([]byte(`{"id_token":"` + strings.Repeat("x", 2<<20)))
			return true
		}
	}, status: http.StatusServiceUnavailable},
}

// TestT106_AnAnswerThatDoesNotFitSignsNobodyIn tells every lie that a
// provider, or somebody between, can tell. In between the truth works.
func TestT106_AnAnswerThatDoesNotFitSignsNobodyIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		c.Unwell()
		for _, l := range lies {
			b := w.Browser()
			q := c.a.code(b.Post("/signin/with/"+c.atA, form("next", "/me")))
			c.a.lie(func(*fake) { l.change(c, q) })
			want := l.status
			if want == 0 {
				want = http.StatusForbidden
			}
			if page := b.Get(back(c.atA, q)); page.Status != want {
				t.Errorf("%s: %d, want %d", l.name, page.Status, want)
			}
			c.a.honest()
			if who := inAs(b); who != "" {
				t.Errorf("%s signs %s in", l.name, who)
			}
			calls := c.a.calls
			if page := b.Get(back(c.atA, q)); page.Status != http.StatusGone || c.a.calls != calls {
				t.Errorf("%s: a second try answers %d, after %d more calls", l.name, page.Status, c.a.calls-calls)
			}
		}
		if len(c.a.hits) > 0 {
			t.Errorf("it was led to ask for %v", c.a.hits)
		}
		b := w.Browser()
		c.signIn(b).Must(http.StatusOK, "Alice")
		if s := w.Logs.String(); !strings.Contains(s, "another nonce") || strings.Contains(s, "secret-secret") {
			t.Error("the log does not say why an answer was refused")
		}
		w.Quiet()
	})
}

// TestT106_AnAnswerCountsOnceAndInItsBrowser replays answers, and carries them
// from one browser to another.
func TestT106_AnAnswerCountsOnceAndInItsBrowser(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		b := w.Browser()
		q := c.a.code(b.Post("/signin/with/"+c.atA, form("next", "/me")))
		other := w.Browser()
		other.Get(back(c.atA, q)).Must(http.StatusGone)
		mine := c.a.code(other.Post("/signin/with/"+c.atA, form()))
		other.Get(back(c.atA, q)).Must(http.StatusForbidden) // a state of another browser
		other.Get(back(c.atA, mine)).Must(http.StatusGone)
		b.Get(back(c.atA, q)).Must(http.StatusOK, "Alice")
		calls := c.a.calls
		b.Get(back(c.atA, q)).Must(http.StatusGone)
		if c.a.calls != calls {
			t.Error("a code was sent twice")
		}

		late := w.Browser()
		q = c.a.code(late.Post("/signin/with/"+c.atA, form()))
		w.Clock.Move(10 * time.Minute)
		late.Get(back(c.atA, q)).Must(http.StatusGone)

		b = w.Browser()
		q = c.a.code(b.Post("/signin/with/"+c.atA, form("next", "/me")))
		b.Get(back(c.atA, url.Values{"error": {"access_denied"}, "state": q["state"]})).Must(http.StatusOK, "You have not been signed in at Acme", "Continue with Acme")
		b = w.Browser()
		b.Post("/signin/with/"+c.atA, form())
		b.Get(back(c.atA, url.Values{"error": {"access_denied"}, "state": {"x"}})).Must(http.StatusForbidden)

		// Keys: a new one counts at once, a withdrawn one no more.
		c.a.lie(func(f *fake) {
			f.keys["b"] = newKey()
			f.sign = func(claims map[string]any) string { return sign(jose.RS256, f.keys["b"], "b", nil, claims) }
		})
		c.signIn(w.Browser()).Must(http.StatusOK, "Alice")
		gone := c.a.keys["b"]
		c.a.lie(func(f *fake) {
			delete(f.keys, "b")
			f.sign = func(claims map[string]any) string { return sign(jose.RS256, gone, "b", nil, claims) }
		})
		c.signIn(w.Browser()).Must(http.StatusForbidden)
	})
}

// TestT076_AnAnswerCountsForTheProviderThatWasAsked mixes two providers up.
func TestT076_AnAnswerCountsForTheProviderThatWasAsked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		b := w.Browser()
		q := c.a.code(b.Post("/signin/with/"+c.atA, form()))
		b.Get(back(c.atB, q)).Must(http.StatusForbidden)
		if c.b.calls != 0 || c.a.calls != 2 {
			t.Errorf("the code of one was sent to %d and %d", c.a.calls, c.b.calls)
		}
		for name, iss := range map[string][]string{"none": nil, "another's": {c.a.URL}} {
			q = c.b.code(b.Post("/signin/with/"+c.atB, form()))
			q["iss"] = iss
			if page := b.Get(back(c.atB, q)); page.Status != http.StatusForbidden || c.b.calls != 0 {
				t.Errorf("a provider that names itself, with the issuer %s: %d", name, page.Status)
			}
		}
		// T-074: the same subject at another issuer is somebody else.
		b.Get(back(c.atB, c.b.code(b.Post("/signin/with/"+c.atB, form())))).Must(http.StatusForbidden, "This login at Best is not linked to anybody here")
		c.root.Post("/staff/providers/"+c.atB+"/switch", form("to", "off")).Must(http.StatusOK, "It is off")
		b.Post("/signin/with/"+c.atB, form()).Must(http.StatusNotFound)
		q = c.a.code(b.Post("/signin/with/"+c.atA, form()))
		c.root.Post("/staff/providers/"+c.atA+"/switch", form("to", "off")).Must(http.StatusOK)
		if page := b.Get(back(c.atA, q)); page.Status != http.StatusNotFound || inAs(b) != "" {
			t.Errorf("a provider that was switched off meanwhile: %d", page.Status)
		}
	})
}

// TestT074_NoAddressSelectsAnybody has a provider say of one subject that it
// has the address of another, and vouch for it in every way.
func TestT074_NoAddressSelectsAnybody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		for _, verified := range []any{true, false, "true", "false", nil, 1, []string{"true"}} {
			for subject, address := range map[string]string{"mallory": c.alice.Address, "alice": c.mallory.Address, "nobody": c.alice.Address} {
				c.a.lie(func(f *fake) {
					f.claims = map[string]any{"sub": subject, "email": address, "email_verified": verified, "preferred_username": address}
				})
				b := w.Browser()
				c.signIn(b)
				want := map[string]string{"mallory": "Mallory", "alice": "Alice"}[subject]
				if who := inAs(b); who != want {
					t.Errorf("subject %s with the address %s, verified %v, is %q", subject, address, verified, who)
				}
			}
		}
		if n := w.Count("users"); n != 2 {
			t.Errorf("there are %d users", n)
		}
	})
}

// TestT070_AProviderMergesNobody has the owner of an address come through a
// provider, after somebody else has made a login with that address.
func TestT070_AProviderMergesNobody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		squatter := w.Person("Victim", "victim@crowd.example") // made by somebody else
		w.Exec("UPDATE users SET verified_at = NULL WHERE id = $1", squatter.User)
		c.a.lie(func(f *fake) {
			f.claims = map[string]any{"sub": "the-victim", "email": squatter.Address, "email_verified": true}
		})
		b := w.Browser()
		c.signIn(b).Must(http.StatusForbidden, "not linked to anybody here")
		if who := inAs(b); who != "" || w.Count("identities WHERE user_id = $1", squatter.User) != 0 {
			t.Errorf("the two logins were merged: %q", who)
		}
	})
}

// TestT072_WhatAnIntruderLinkedGoes has somebody in Alice's session link a
// login of his own. The mail about it takes it back, and after a recovery it
// stands on the page that she is led to.
func TestT072_WhatAnIntruderLinkedGoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		w.Mail.Next(t, c.alice.Address, "A sign-in was linked")
		w.Clock.Move(auth.AlarmLife + time.Minute)
		w.SignIn(c.alice)
		c.link(t, c.alice, "intruder").Must(http.StatusOK, "The sign-in is linked")
		mail := w.Mail.Next(t, c.alice.Address, "A sign-in was linked")
		w.Browser().Post("/recover", form("address", c.alice.Address))
		her := w.Browser()
		her.Get(w.Mail.Next(t, c.alice.Address, "Set a new password").Link(t)).Submit("/recover/password", form("password", "four green bicycles")).
			Must(http.StatusOK, "remove what you do not know", "Linked sign-ins")
		if n := her.Get("/me/security").Find(`a[href^="/me/security/identities/"]`).Length(); n != 2 {
			t.Errorf("%d linked sign-ins are shown after recovery", n)
		}
		her = w.Browser()
		her.Get(mail.Link(t)).Submit("/alarm", nil).Must(http.StatusOK)
		c.a.lie(func(f *fake) { f.claims = map[string]any{"sub": "intruder"} })
		c.signIn(w.Browser()).Must(http.StatusForbidden, "not linked to anybody here")
		c.a.honest()
		b := w.Browser()
		c.signIn(b).Must(http.StatusOK, "Alice") // linked long before
	})
}

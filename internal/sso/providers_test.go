package sso_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

func numberOf(a id.Account) string { return id.String(a) }

// TestOnlyAdministratorsKeepProviders opens the pages as everybody else.
func TestOnlyAdministratorsKeepProviders(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		typed := form("name", "Evil", "issuer", c.a.URL, "client_id", "evil")
		for _, role := range []string{"support", "readonly"} {
			o := w.Operator(role, role+"@crew.example", role)
			o.Get("/staff/providers").Must(http.StatusForbidden)
			o.Post("/staff/providers", typed).Must(http.StatusForbidden)
			o.Post("/staff/providers/"+c.atA+"/remove", form()).Must(http.StatusForbidden)
			if o.Get("/staff").Says("Sign-in providers") {
				t.Errorf("%s has the page in the menu", role)
			}
		}
		c.alice.Get("/staff/providers").Must(http.StatusNotFound)
		w.Clock.Move(11 * time.Minute)
		c.root.Post("/staff/providers", typed).Must(http.StatusForbidden, "Confirm that it is you")
		c.root.Get("/staff/providers").Must(http.StatusOK, "Acme", "Best")
		if n := w.Count("providers"); n != 2 {
			t.Errorf("there are %d providers", n)
		}
	})
}

// TestAProviderIsAskedBeforeItIsKept types what does not work, and reads what
// stands beside the fields.
func TestAProviderIsAskedBeforeItIsKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		page := func(body string, status int) string {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			}))
			t.Cleanup(s.Close)
			return s.URL
		}
		around := httptest.NewServer(nil)
		t.Cleanup(around.Close)
		around.Config.Handler = http.RedirectHandler(around.URL, http.StatusFound)
		closed, _ := net.Listen("tcp", "127.0.0.1:0")
		closed.Close()
		for issuer, want := range map[string]string{
			"":                                    "begins with https://",
			"acme":                                "begins with https://",
			"http://acme.example":                 "begins with https://",
			"https://":                            "begins with https://",
			"https://me:secret@acme.example":      "begins with https://",
			"https://acme.example/?tenant=1":      "begins with https://",
			"https://acme.example/#x":             "begins with https://",
			"ftp://acme.example":                  "begins with https://",
			"http://127.0.0.1.evil.example":       "begins with https://",
			"http://" + closed.Addr().String():    "cannot be reached",
			page("", 404):                         "no configuration of OpenID Connect",
			page("<html>", 200):                   "no configuration of OpenID Connect",
			page("null", 200):                     "calls itself",
			page(`{"issuer":"https://x.y"}`, 200): "calls itself https://x.y",
			page(strings.Repeat(" ", 2<<20), 200): "too long",
			around.URL:                            "cannot be reached",
		} {
			p := c.root.Post("/staff/providers", form("name", "New", "issuer", issuer, "client_id", "x", "secret", "topsecret")).Must(http.StatusUnprocessableEntity)
			if got := p.FieldError("issuer"); !strings.Contains(got, want) {
				t.Errorf("beside %q stands %q, want %q", issuer, got, want)
			}
			if strings.Contains(p.Body, "topsecret") {
				t.Error("the secret is shown again")
			}
		}
		for what, metadata := range map[string]map[string]any{
			"lacks an address":                    {"token_endpoint": nil},
			"not encrypted":                       {"authorization_endpoint": "http://acme.example/auth"},
			"signs in no way that can be checked": {"id_token_signing_alg_values_supported": []string{"HS256", "none"}},
		} {
			f := newFake(t, w, false)
			f.metadata = metadata
			p := c.root.Post("/staff/providers", form("name", "New", "issuer", f.URL, "client_id", "x"))
			if got := p.FieldError("issuer"); !strings.Contains(got, what) {
				t.Errorf("beside it stands %q, want %q", got, what)
			}
		}
		again := c.root.Post("/staff/providers", form("name", "New", "issuer", c.a.URL+"/.well-known/openid-configuration", "client_id", "web"))
		if got := again.FieldError("client_id"); !strings.Contains(got, "here already") {
			t.Errorf("a provider that there is already: %q", got)
		}
		for _, field := range []string{"name", "client_id"} {
			typed := form("name", "New", "issuer", c.a.URL, "client_id", "x")
			typed.Set(field, "")
			if p := c.root.Post("/staff/providers", typed); p.Status != http.StatusUnprocessableEntity || p.FieldError(field) == "" {
				t.Errorf("without %s: %d", field, p.Status)
			}
		}
	})
}

// TestT147_TheClientSecretIsSealed looks for it where a copy of the database,
// or a page, would show it, and goes on with the old one where none is typed.
func TestT147_TheClientSecretIsSealed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		path := "/staff/providers/" + c.atA
		change := func(secret string) {
			t.Helper()
			c.root.Post(path, form("name", "Acme", "issuer", c.a.URL, "client_id", "web", "secret", secret)).Must(http.StatusOK, "Saved")
		}
		change("top-secret-words")
		if c.Count("providers WHERE sealed LIKE '%top-secret%'")+c.Count("audit_records WHERE after LIKE '%top-secret%'") > 0 ||
			strings.Contains(c.root.Get(path).Body, "top-secret") {
			t.Error("the secret can be read")
		}
		c.signIn(w.Browser()).Must(http.StatusForbidden)
		change("secret")
		change("")
		c.signIn(w.Browser()).Must(http.StatusOK, "Alice")
		before := apptest.Query[string](w, "SELECT sealed FROM providers ORDER BY id")
		w.Exec("UPDATE providers SET sealed = $1 WHERE id = 2", before[0])
		c.b.lie(func(f *fake) { f.names = false })
		w.Unwell()
		b := w.Browser()
		if page := b.Get(back(c.atB, c.b.code(b.Post("/signin/with/"+c.atB, form())))); page.Status != http.StatusInternalServerError && page.Status != http.StatusForbidden {
			t.Errorf("a secret that was moved to another provider opens: %d", page.Status)
		}
	})
}

// TestAProviderThatIsInUse changes, switches off and removes one that people
// and accounts depend on.
func TestAProviderThatIsInUse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		only, both := w.Account(c.alice, "Only & Co"), w.Account(c.mallory, "Both & Co")
		w.Exec("UPDATE accounts SET ways = $1 WHERE id = $2", "provider:"+c.atA, only)
		w.Exec("UPDATE accounts SET ways = $1 WHERE id = $2", "password,provider:"+c.atA, both)
		path := "/staff/providers/" + c.atA
		c.root.Get(path).Must(http.StatusOK, "2 people have linked a login there, and the sign-in rules of 2 accounts name it",
			"It cannot be removed: 1 account allows nothing else", "/signin/with/"+c.atA+"/callback")
		p := c.root.Post(path, form("name", "Acme", "issuer", c.b.URL, "client_id", "other"))
		if got := p.FieldError("issuer"); !strings.Contains(got, "2 people are linked at "+c.a.URL) {
			t.Errorf("another issuer: %q", got)
		}
		c.root.Post(path, form("name", "Acme", "issuer", c.b.URL, "client_id", "web")).Must(http.StatusUnprocessableEntity)
		c.root.Post(path+"/remove", form()).Must(http.StatusConflict, "1 account allows nothing but Acme")
		c.root.Post(path+"/switch", form("to", "off")).Must(http.StatusConflict, "1 account allows nothing but Acme")

		w.Exec("UPDATE accounts SET ways = '' WHERE id = $1", only)
		b := w.Browser()
		c.signIn(b).Must(http.StatusOK, "Alice")
		c.root.Post(path+"/switch", form("to", "off")).Must(http.StatusOK, "It is off")
		if w.Browser().Get("/signin").Says("Continue with Acme") {
			t.Error("the sign-in page offers a provider that is off")
		}
		b.Get("/me").Must(http.StatusOK)
		c.alice.Get("/me/security").Must(http.StatusOK, "Switched off")
		c.root.Post(path+"/remove", form()).Must(http.StatusOK, "The provider is removed")
		b.Get("/me").Must(http.StatusUnauthorized)
		c.alice.Get("/me").Must(http.StatusOK) // she came in with her password
		if n := w.Count("identities") + w.Count("providers WHERE id = "+c.atA); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if got := apptest.Query[string](w, "SELECT ways FROM accounts WHERE id = $1", both)[0]; got != "password" {
			t.Errorf("the account allows %q", got)
		}
		c.root.Get(path).Must(http.StatusNotFound)
	})
}

// TestT147_ASecretGoesNowhereElse points a provider somewhere else: the secret
// that is kept does not go along.
func TestT147_ASecretGoesNowhereElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		w.Exec("DELETE FROM identities")
		moved := form("name", "Acme", "issuer", c.b.URL, "client_id", "moved")
		if got := c.root.Post("/staff/providers/"+c.atA, moved).FieldError("secret"); !strings.Contains(got, "new issuer") {
			t.Errorf("beside the secret: %q", got)
		}
		if got := apptest.Query[string](w, "SELECT issuer FROM providers WHERE id = "+c.atA)[0]; got != c.a.URL {
			t.Errorf("the provider is at %s", got)
		}
		moved.Set("secret", "another secret")
		c.root.Post("/staff/providers/"+c.atA, moved).Must(http.StatusOK)
	})
}

// TestAProviderThatIsAway sends people elsewhere instead of breaking.
func TestAProviderThatIsAway(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		c := newCrowd(t, w)
		w.Unwell()
		away := newFake(t, w, false)
		number := id.String(w.Provider(c.root, "Away", away.URL, false))
		w.Clock.Move(11 * time.Minute) // what it said of itself is asked for again
		away.lie(func(f *fake) { f.metadata = map[string]any{"issuer": "https://other.example"} })
		w.Browser().Get("/signin").Must(http.StatusOK, "Continue with Away")
		w.Browser().Post("/signin/with/"+number, form()).Must(http.StatusServiceUnavailable, "Away does not answer right now")
		if !strings.Contains(w.Logs.String(), "https://other.example") {
			t.Error("the log does not say why")
		}
	})
}

package apptest

import (
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"clientele/internal/id"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// An Issuer is a provider of OpenID Connect on this machine, written by
// others. It has two logins, test-user@127.0.0.1 and test-user2, and one
// client, "web" with the secret "secret".
type Issuer struct {
	URL string
	t   testing.TB
}

// IssuerPassword is the password of both logins.
const IssuerPassword = "verysecure"

// NewIssuer starts a provider, which ends with the test. It sends people back
// to the first few providers of the product at base.
func NewIssuer(t testing.TB, base string) *Issuer {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	var back []string
	for _, n := range []string{"1", "2", "3", "4"} {
		back = append(back, base+"/signin/with/"+n+"/callback")
	}
	client := storage.WebClient("web", "secret", back...)
	kept := storage.NewStorageWithClients(storage.NewUserStore(server.URL), map[string]*storage.Client{"web": client})
	provider, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("test")), CodeMethodS256: true}, kept, op.StaticIssuer(server.URL),
		op.WithAllowInsecure(), op.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.HandleFunc("GET /login/username", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `<!DOCTYPE html><title>Sign in there</title><form method="post">
			<label>Username <input name="username" autocomplete="username"></label><label>Password <input name="password" type="password" autocomplete="current-password"></label><button>Sign in there</button></form>`)
	})
	mux.Handle("POST /login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.FormValue("authRequestID")
		if err := kept.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), request); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		http.Redirect(w, r, op.AuthCallbackURL(provider)(r.Context(), request), http.StatusFound)
	}))
	handler = mux
	return &Issuer{URL: server.URL, t: t}
}

// Visit goes where a page of the product sends the browser, signs in there,
// and gives the address that it sends the browser back to.
func (i *Issuer) Visit(p *Page, username string) (back string) {
	i.t.Helper()
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(req.URL.String(), i.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	res, err := client.Get(p.Leaves())
	if err != nil {
		i.t.Fatal(err)
	}
	res.Body.Close()
	res, err = client.PostForm(res.Request.URL.String(), url.Values{"username": {username}, "password": {IssuerPassword}})
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if back = res.Header.Get("Location"); back == "" {
		i.t.Fatalf("the provider answers %d: %s", res.StatusCode, body)
	}
	return back
}

// Leaves is the address of another site that the page sends the browser to.
func (p *Page) Leaves() string {
	p.browser.t.Helper()
	address, ok := strings.CutPrefix(p.Header.Get("Refresh"), "0; url=")
	if link := p.Find("main a").First().AttrOr("href", ""); !ok || link != address {
		p.browser.t.Fatalf("%s sends the browser to %q, and its link leads to %q: %s", p.URL.Path, address, link, excerpt(p))
	}
	return address
}

// Provider adds a provider of people, and switches it on, as an operator does
// it.
func (w *World) Provider(by *Operator, name, issuer string, second bool) id.Provider {
	w.t.Helper()
	form := url.Values{"name": {name}, "issuer": {issuer}, "client_id": {"web"}, "secret": {"secret"}}
	if second {
		form.Set("second_factor", "yes")
	}
	page := by.Post("/staff/providers", form).Must(http.StatusOK, name)
	path := page.URL.Path
	by.Post(path+"/switch", url.Values{"to": {"on"}}).Must(http.StatusOK, "It is on")
	number, err := id.Parse[id.Provider](path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		w.t.Fatal(err)
	}
	return number
}

package sso_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"clientele/internal/apptest"

	jose "github.com/go-jose/go-jose/v4"
)

// A fake is a provider that lies as it is told to.
type fake struct {
	URL   string
	t     *testing.T
	w     *apptest.World
	names bool // it names itself in its answers (RFC 9207)

	mu       sync.Mutex
	keys     map[string]*rsa.PrivateKey // that it publishes
	codes    map[string]url.Values      // what was asked for each code
	calls    int                        // of the token endpoint
	hits     []string                   // paths that nothing should ask for
	claims   map[string]any             // over the honest ones; nil takes one away
	sign     func(claims map[string]any) string
	answer   func(http.ResponseWriter) bool // in place of an honest token endpoint
	metadata map[string]any                 // over the honest one
}

var anyKey = sync.OnceValue(func() *rsa.PrivateKey { return newKey() })

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newFake(t *testing.T, w *apptest.World, names bool) *fake {
	f := &fake{t: t, w: w, names: names, keys: map[string]*rsa.PrivateKey{"a": newKey()}, codes: map[string]url.Values{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	f.honest()
	return f
}

// honest takes all lies back.
func (f *fake) honest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims, f.answer = nil, nil
	f.sign = func(c map[string]any) string { return sign(jose.RS256, f.keys["a"], "a", nil, c) }
}

// lie changes what it does.
func (f *fake) lie(change func(f *fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		m := map[string]any{
			"issuer": f.URL, "authorization_endpoint": f.URL + "/auth", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}, "authorization_response_iss_parameter_supported": f.names,
		}
		maps.Copy(m, f.metadata)
		_ = json.NewEncoder(w).Encode(m)
	case "/keys":
		set := jose.JSONWebKeySet{}
		for kid, key := range f.keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid, Use: "sig", Algorithm: "RS256"})
		}
		_ = json.NewEncoder(w).Encode(set)
	case "/token":
		f.token(w, r)
	default:
		f.hits = append(f.hits, r.URL.Path)
		http.NotFound(w, r)
	}
}

func (f *fake) token(w http.ResponseWriter, r *http.Request) {
	f.calls++
	w.Header().Set("Content-Type", "application/json")
	if f.answer != nil && f.answer(w) {
		return
	}
	asked, ok := f.codes[r.FormValue("code")]
	delete(f.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	name, secret, _ := r.BasicAuth()
	if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) ||
		name != "web" || secret != "secret" || r.FormValue("redirect_uri") != asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	now := f.w.Clock.Now().Unix()
	claims := map[string]any{"iss": f.URL, "aud": "web", "sub": "alice", "nonce": asked.Get("nonce"), "iat": now, "exp": now + 300, "auth_time": now}
	for name, value := range f.claims {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": f.sign(claims)})
}

// code signs somebody in there, and gives the query with which she comes back.
func (f *fake) code(page *apptest.Page) url.Values {
	f.t.Helper()
	u, err := url.Parse(page.Leaves())
	if err != nil {
		f.t.Fatal(err)
	}
	code := rand.Text()
	f.lie(func(f *fake) { f.codes[code] = u.Query() })
	q := url.Values{"code": {code}, "state": {u.Query().Get("state")}}
	if f.names {
		q.Set("iss", f.URL)
	}
	return q
}

// sign makes a token; header is what else stands in its header.
func sign(alg jose.SignatureAlgorithm, key any, kid string, header map[string]any, claims map[string]any) string {
	o := &jose.SignerOptions{}
	for name, value := range header {
		o.WithHeader(jose.HeaderKey(name), value)
	}
	if kid != "" {
		o.WithHeader("kid", kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(claims)
	signed, err := s.Sign(body)
	if err != nil {
		panic(err)
	}
	text, _ := signed.CompactSerialize()
	return text
}

// unsigned is a token with the algorithm "none", as it is written.
func unsigned(alg, signature string, claims map[string]any) string {
	b64 := base64.RawURLEncoding
	body, _ := json.Marshal(claims)
	return b64.EncodeToString([]byte(`{"alg":"`+alg+`","kid":"a"}`)) + "." + b64.EncodeToString(body) + "." + signature
}

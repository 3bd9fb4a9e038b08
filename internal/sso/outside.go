package sso

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// The bounds on what a provider may make us wait for, and read.
const (
	patience     = 10 * time.Second
	mostBytes    = 1 << 20
	mostForwards = 3
)

// keepFor is how long a provider's configuration is not asked for again. Its
// keys are asked for at every sign-in: one that it has withdrawn is out at
// once.
const keepFor = 10 * time.Minute

// An outside is the way to the providers.
type outside struct {
	http *http.Client
	now  func() time.Time

	mu    sync.Mutex
	known map[string]known // by issuer
}

type known struct {
	metadata
	at time.Time
}

func newOutside(now func() time.Time) *outside {
	return &outside{now: now, known: map[string]known{}, http: &http.Client{
		Timeout: patience, CheckRedirect: forward,
		// No proxy of the environment: what is asked here is answered by the provider.
		Transport: bounded{&http.Transport{
			DialContext:         (&net.Dialer{Timeout: patience / 2}).DialContext,
			TLSHandshakeTimeout: patience / 2, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
			MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10,
		}},
	}}
}

// bounded asks nobody but over TLS, and reads no more than mostBytes.
type bounded struct{ inner http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if !isSafe(req.URL) {
		return nil, errors.New("the address " + req.URL.Host + " is not encrypted")
	}
	res, err := b.inner.RoundTrip(req)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, mostBytes)
	}
	return res, err
}

// forward follows a few forwardings of what only reads. A code and the client
// secret go to the address that the configuration names, and nowhere else.
func forward(req *http.Request, via []*http.Request) error {
	if len(via) > mostForwards {
		return errors.New("it forwards too often")
	}
	if via[0].Method != http.MethodGet {
		return errors.New("it forwards what it should answer itself")
	}
	return nil
}

// context makes the libraries ask through our client.
func (o *outside) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, o.http)
}

// A metadata is what a provider says of itself (OpenID Connect Discovery 1.0,
// section 3, and RFC 9207, section 3).
type metadata struct {
	oidc.ProviderConfig
	TokenAuth []string `json:"token_endpoint_auth_methods_supported"`
	NamesSelf bool     `json:"authorization_response_iss_parameter_supported"`
}

// configuration answers from memory where it was asked lately.
func (o *outside) configuration(ctx context.Context, issuer string) (metadata, error) {
	o.mu.Lock()
	k, ok := o.known[issuer]
	o.mu.Unlock()
	if age := o.now().Sub(k.at); ok && age >= 0 && age < keepFor {
		return k.metadata, nil
	}
	return o.discover(ctx, issuer)
}

// A puzzle is what is wrong with a provider's configuration, in words for the
// operator who types its address.
type puzzle struct {
	text  string
	cause error
}

func (p *puzzle) Error() string { return fmt.Sprintf("%s (%v)", p.text, p.cause) }
func (p *puzzle) Unwrap() error { return p.cause }

// discover asks a provider for its configuration. One that calls itself with
// a final slash, or without, is taken at its word. Its errors are puzzles.
func (o *outside) discover(ctx context.Context, issuer string) (m metadata, err error) {
	body, err := o.read(ctx, strings.TrimSuffix(issuer, "/")+wellKnown)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, &puzzle{"What answers there is no configuration of OpenID Connect.", err}
	}
	if err := m.check(issuer); err != nil {
		return m, err
	}
	o.mu.Lock()
	o.known[m.IssuerURL] = known{m, o.now()}
	o.mu.Unlock()
	return m, nil
}

func (o *outside) read(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, &puzzle{errIssuer.Fields["issuer"], err}
	}
	req.Header.Set("Accept", "application/json")
	res, err := o.http.Do(req)
	if err != nil {
		return nil, &puzzle{whyNot(err), err}
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &puzzle{"There is no configuration of OpenID Connect at this address. Copy it from the provider's pages once more.", errors.New(res.Status)}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, &puzzle{"What answers there is too long, or was cut off.", err}
	}
	return body, nil
}

// whyNot says in words why a server could not be asked.
func whyNot(err error) string {
	var dns *net.DNSError
	var certificate x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "There is no server by this name."
	case errors.As(err, &certificate), errors.As(err, &host), errors.As(err, &invalid):
		return "The server has no valid certificate for this name."
	case errors.As(err, &timeout) && timeout.Timeout():
		return "The server did not answer within ten seconds."
	}
	return "The server cannot be reached from here. Check the address, and that this machine may reach it."
}

// algorithms are the signatures that are believed: those that only the
// provider can make. HS256 and its like are made with the client secret, and
// "none" by everybody.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
}

// check makes sure that the configuration is the issuer's, and whole.
func (m *metadata) check(issuer string) error {
	if strings.TrimSuffix(m.IssuerURL, "/") != strings.TrimSuffix(issuer, "/") {
		return &puzzle{"The provider there calls itself " + quote(m.IssuerURL) + ". Type that address.", errors.New("another issuer")}
	}
	for _, address := range []string{m.AuthURL, m.TokenURL, m.JWKSURL} {
		if u, err := url.Parse(address); err != nil || !isSafe(u) {
			return &puzzle{"Its configuration lacks an address, or has one that is not encrypted.", errors.New(quote(address))}
		}
	}
	if m.Algorithms == nil {
		m.Algorithms = []string{oidc.RS256} // what every provider has (Core 1.0, section 15.1)
	}
	m.Algorithms = slices.DeleteFunc(m.Algorithms, func(a string) bool { return !slices.Contains(algorithms, a) })
	if len(m.Algorithms) == 0 {
		return &puzzle{"It signs in no way that can be checked here. Have it sign with RS256.", errors.New("no algorithm")}
	}
	return nil
}

// quote bounds what is shown of somebody else's words.
func quote(s string) string {
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// authStyle is how the provider wants the client secret, of the two ways that
// are common. It is chosen beforehand: trying both would send a code twice.
func (m metadata) authStyle(secret string) oauth2.AuthStyle {
	post := slices.Contains(m.TokenAuth, "client_secret_post") && !slices.Contains(m.TokenAuth, "client_secret_basic")
	if secret == "" || post {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

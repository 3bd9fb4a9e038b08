// Package sso lets people sign in through others, by OpenID Connect: the
// operators keep the providers, and a person links her login at one of them
// to her login here. A person is known to a provider by issuer and subject,
// never by her mail address: an address is what somebody else says of her.
//
// The flow is the authorization code flow of OpenID Connect Core 1.0, section
// 3.1, with PKCE (RFC 7636, S256), a state, a nonce, and the issuer in the
// answer (RFC 9207) where the provider sends it.
package sso

import (
	"log/slog"
	"net/url"
	"strings"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/seal"
	"clientele/internal/setting"
)

// Providers keeps the providers, and lets people in through them.
type Providers struct {
	db       *db.DB
	auth     *auth.Auth
	key      seal.Key
	baseURL  string
	settings *setting.Settings
	log      *slog.Logger
	outside  *outside
}

// Options are what signing in through others needs to know of the
// installation.
type Options struct {
	Key      seal.Key
	Base     *url.URL // where providers send people back to
	Settings *setting.Settings
	Log      *slog.Logger // tells operators why an answer was refused
}

// New makes Providers.
func New(d *db.DB, a *auth.Auth, o Options) *Providers {
	return &Providers{
		db: d, auth: a, key: o.Key, baseURL: strings.TrimRight(o.Base.String(), "/"), settings: o.Settings, log: o.Log,
		outside: newOutside(d.Now),
	}
}

// RedirectURI is the one address that is registered at a provider: it sends
// people back there, whatever they left for.
func (p *Providers) RedirectURI(number id.Provider) string {
	return p.baseURL + "/signin/with/" + id.String(number) + "/callback"
}

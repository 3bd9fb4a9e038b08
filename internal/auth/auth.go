package auth

import (
	"net/url"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/password"
	"clientele/internal/seal"
	"clientele/internal/setting"

	"github.com/go-webauthn/webauthn/webauthn"
)

// Auth signs people in and keeps their sessions.
type Auth struct {
	db       *db.DB
	hasher   *password.Hasher
	outbox   *mail.Outbox
	key      seal.Key
	baseURL  string
	settings *setting.Settings
	place    func(address string) string
	passkeys *webauthn.WebAuthn // nil where the base URL has no host name
	locked   []func(tx *db.Tx, u id.User, by audit.Actor) error
}

// Options are what sign-in needs to know of the installation.
type Options struct {
	Key      seal.Key
	Settings *setting.Settings
	Base     *url.URL                    // links in mail are built from it alone, and passkeys are bound to its host
	Place    func(address string) string // where a network address is, in words; may be nil
}

// New makes Auth.
func New(d *db.DB, h *password.Hasher, o *mail.Outbox, s Options) *Auth {
	place := s.Place
	if place == nil {
		place = func(string) string { return "" }
	}
	return &Auth{
		db: d, hasher: h, outbox: o, key: s.Key, baseURL: strings.TrimRight(s.Base.String(), "/"), settings: s.Settings,
		place: place, passkeys: relyingParty(s.Base),
	}
}

// Hasher is the one pool that passwords are hashed in.
func (a *Auth) Hasher() *password.Hasher { return a.hasher }

// Place is where a network address is, in words, as far as that is known.
func (a *Auth) Place(address string) string { return a.place(address) }

// WhenLocked has fn run in the transaction that takes a login back from whoever
// has got into it, before anything else of it is.
func (a *Auth) WhenLocked(fn func(tx *db.Tx, u id.User, by audit.Actor) error) {
	a.locked = append(a.locked, fn)
}

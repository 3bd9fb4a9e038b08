package sso

import (
	"net"
	"net/url"
	"strings"
	"time"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A Provider is somebody else through whom people sign in.
type Provider struct {
	ID           id.Provider
	Name         string
	Issuer       string // as it calls itself, to the letter
	ClientID     string // what it calls us
	SecondFactor bool   // it asks for a second factor itself, and its word counts as one
	Status       string // "active" or "off"
	CreatedAt    time.Time
}

// Active reports whether people can sign in through it now.
func (p Provider) Active() bool { return p.Status == active }

// Way is the way to sign in that it is.
func (p Provider) Way() auth.Way { return auth.ByProvider(p.ID) }

// shown is what somebody has shown who comes back from it.
func (p Provider) shown() auth.Shown {
	return auth.Shown{Ways: []auth.Way{p.Way()}, Second: p.SecondFactor}
}

const active = "active"

// columns reads a Provider from the table providers, named p.
const columns = "p.id, p.name, p.issuer, p.client_id, p.second_factor, p.status, p.created_at"

// A client is a Provider with what we show it to prove who we are.
type client struct {
	Provider
	Sealed string
}

// find reads a provider; it answers Missing where there is none.
func find(tx *db.Tx, number id.Provider) (c client, err error) {
	list, err := db.All[client](tx, "SELECT "+columns+", p.sealed FROM providers p WHERE p.id = $1", number)
	if err != nil {
		return c, err
	}
	if len(list) == 0 {
		return c, fault.Missing()
	}
	return list[0], nil
}

// findActive is find for those that people can sign in through.
func findActive(tx *db.Tx, number id.Provider) (client, error) {
	c, err := find(tx, number)
	if err == nil && !c.Active() {
		err = fault.Missing()
	}
	return c, err
}

func secretPlace(number id.Provider) string { return "providers/secret/" + id.String(number) }

// secret opens the client secret; empty where the provider gave us none.
func (p *Providers) secret(c client) (string, error) {
	if c.Sealed == "" {
		return "", nil
	}
	secret, err := p.key.Open(secretPlace(c.ID), c.Sealed)
	return string(secret), err
}

// A Typed is a provider as an operator types it.
type Typed struct {
	Name         string
	Issuer       string // or the address of its configuration
	ClientID     string
	Secret       string // empty: none, or the one that there is
	SecondFactor bool
}

// The most characters of what a provider hands out.
const (
	clientIDLength = 300
	secretLength   = 1000
)

// read checks what needs no question to the provider.
func (t Typed) read() (Typed, error) {
	var f fault.Form
	var err error
	t.Name, err = plain.Name(t.Name)
	f.Take("name", err)
	t.ClientID, err = plain.Line(t.ClientID, clientIDLength)
	if !f.Take("client_id", err) && t.ClientID == "" {
		f.Add("client_id", "Copy the client ID that the provider shows for this application.")
	}
	t.Secret, err = plain.Line(t.Secret, secretLength)
	f.Take("secret", err)
	t.Issuer, err = parseIssuer(t.Issuer)
	f.Take("issuer", err)
	return t, f.Err()
}

// wellKnown is where a provider keeps its configuration (OpenID Connect
// Discovery 1.0, section 4).
const wellKnown = "/.well-known/openid-configuration"

var errIssuer = fault.Field("issuer", "Type an address that begins with https://, like https://accounts.google.com.")

// parseIssuer reads an issuer, or the address of its configuration.
func parseIssuer(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimSpace(s), wellKnown)
	u, err := url.Parse(s)
	if err != nil || len(s) > clientIDLength || !isSafe(u) || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return "", errIssuer
	}
	return s, nil
}

// isSafe reports whether an address may be asked: over TLS, or on this very
// machine, where a provider is tried out.
func isSafe(u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Opaque != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

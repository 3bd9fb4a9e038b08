package sso

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A Purpose is what somebody leaves for a provider for.
type Purpose string

// The purposes. Each has a kind of ceremony of its own, so that an answer to
// one is none to another.
const (
	SignIn  Purpose = "signin"
	Link    Purpose = "link"
	Confirm Purpose = "confirm"
	Another Purpose = "another" // to show a login of hers other than the one that she is signed in with
)

func (u Purpose) kind() string { return "provider-" + string(u) }

// An attempt is what a provider's answer is held against.
type attempt struct {
	Provider id.Provider
	State    string
	Nonce    string
	Verifier string // of PKCE (RFC 7636)
	Next     string
	Begun    time.Time
}

// A Leave is somebody who is about to leave for a provider.
type Leave struct {
	Provider id.Provider
	Purpose  Purpose
	Me       auth.Identity // nobody for a sign-in
	Next     string        // where she goes on afterwards
}

// A Departure is where she goes, and what ties her browser to it.
type Departure struct {
	Name  string // of the provider
	URL   string
	Token string // for a cookie
}

// Begin sends somebody to a provider. It answers Missing for a provider that
// is not there or off, and Busy for one that does not answer.
func (p *Providers) Begin(ctx context.Context, l Leave) (d Departure, err error) {
	defer fault.Wrap(&err, "sso.Begin(%d)", l.Provider)
	var c client
	err = p.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		if c, err = findActive(tx, l.Provider); err != nil || l.Purpose != Confirm {
			return err
		}
		return confirms(tx, c.Provider, l.Me)
	})
	if err != nil {
		return d, err
	}
	m, err := p.outside.configuration(ctx, c.Issuer)
	if err != nil {
		return d, away(c.Name, err)
	}
	a := attempt{Provider: c.ID, Next: l.Next, Verifier: oauth2.GenerateVerifier()}
	a.State, _ = auth.NewToken()
	a.Nonce, _ = auth.NewToken()
	err = p.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		a.Begun = tx.Now
		d.Token, err = p.auth.Keep(tx, ceremony(l.Purpose, l.Me, a))
		return err
	})
	d.Name, d.Token = c.Name, string(l.Purpose)+"."+d.Token
	d.URL = p.oauth(c, m, "").AuthCodeURL(a.State, a.options(l.Purpose)...)
	return d, err
}

// ceremony is the step that an answer ends. One within a session belongs to
// that session alone.
func ceremony(u Purpose, me auth.Identity, state any) auth.Ceremony {
	c := auth.Ceremony{Kind: u.kind(), State: state}
	if u != SignIn {
		c.Holder, c.Session = auth.Person(me.User()), me.Session()
	}
	return c
}

// options are what is asked of the provider. Somebody who confirms who she is,
// or shows another login, signs in there anew (Core 1.0, section 3.1.2.1).
func (a attempt) options(u Purpose) []oauth2.AuthCodeOption {
	out := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	if u == Confirm || u == Another {
		out = append(out, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return out
}

func (p *Providers) oauth(c client, m metadata, secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: c.ClientID, ClientSecret: secret, RedirectURL: p.RedirectURI(c.ID), Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthURL, TokenURL: m.TokenURL, AuthStyle: m.authStyle(secret)},
	}
}

// An Answer is what comes back from a provider, in the browser that it came
// to.
type Answer struct {
	Provider id.Provider // in whose path it came
	Token    string      // of the departure, from the browser's cookie
	State    string
	Code     string
	Problem  string // the code of an error
	Issuer   string // who says it is (RFC 9207)

	Me      auth.Identity
	Device  string
	Request auth.Request
}

// An Arrival is what became of it. With an error its purpose is set where the
// answer belongs to something that was begun in this browser.
type Arrival struct {
	Purpose Purpose
	Next    string
	auth.SignedIn

	// Shown is what ties the browser to another login that was shown; Half says
	// that its second factor is due.
	Shown string
	Half  bool
}

// Finish takes a provider's answer, once. It answers Gone where nothing was
// begun, Denied for an answer that does not belong to what was, Conflict where
// she can begin anew, Busy where the provider does not answer, and NotLinked
// where it is right and nobody here is known by it.
func (p *Providers) Finish(ctx context.Context, w Answer) (in Arrival, err error) {
	defer fault.Wrap(&err, "sso.Finish(%d)", w.Provider)
	purpose, token, _ := strings.Cut(w.Token, ".")
	in.Purpose = Purpose(purpose)
	a, c, err := p.take(ctx, in.Purpose, token, w)
	if err != nil {
		in.Purpose = ""
		return in, err
	}
	in.Next = a.Next
	who, err := p.ask(ctx, in.Purpose, c, a, w)
	if err != nil {
		return in, err
	}
	err = p.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if c, err = findActive(tx, c.ID); err != nil {
			return err
		}
		return p.arrive(tx, &in, c.Provider, who, a, w)
	})
	return in, err
}

// take uses the attempt up, before anything is done with the answer: a second
// answer finds nothing.
func (p *Providers) take(ctx context.Context, u Purpose, token string, w Answer) (a attempt, c client, err error) {
	if u != SignIn && !w.Me.SignedIn() {
		u = SignIn // which finds nothing of what belongs to a session
	}
	err = p.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		cer := ceremony(u, w.Me, &a)
		if err := p.auth.Take(tx, token, &cer); err != nil {
			return err
		}
		c, err = findActive(tx, a.Provider)
		if fault.Is(err, fault.NotFound) {
			c, err = client{}, nil // used up all the same
		}
		return err
	})
	if err == nil && c.ID == 0 {
		err = fault.Missing()
	}
	return a, c, err
}

// ask checks the answer, and asks the provider who it is.
func (p *Providers) ask(ctx context.Context, u Purpose, c client, a attempt, w Answer) (who person, err error) {
	if subtle.ConstantTimeCompare([]byte(a.State), []byte(w.State)) != 1 {
		return who, p.refused(c, w, errors.New("another state"))
	}
	if a.Provider != w.Provider {
		return who, p.refused(c, w, errors.New("it came back as if from another provider"))
	}
	m, err := p.outside.configuration(ctx, c.Issuer)
	if err != nil {
		return who, away(c.Name, err)
	}
	if w.Issuer != m.IssuerURL && (w.Issuer != "" || m.NamesSelf) {
		return who, p.refused(c, w, errors.New("the answer names the issuer "+quote(w.Issuer)))
	}
	if w.Problem != "" || w.Code == "" {
		p.log.Info("a provider signed nobody in", "provider", c.ID, "request", w.Request.ID, "error", quote(w.Problem))
		return who, fault.New(fault.Conflict, "provider-cancelled", "You have not been signed in at "+c.Name+". Try again, or go on in another way.")
	}
	token, err := p.redeem(ctx, c, m, a, w)
	if err != nil {
		return who, err
	}
	raw, _ := token.Extra("id_token").(string)
	if who, err = verify(p.outside.context(ctx), m, c.ClientID, p.outside.now, raw); err == nil && subtle.ConstantTimeCompare([]byte(who.nonce), []byte(a.Nonce)) != 1 {
		err = errors.New("another nonce")
	}
	if err != nil {
		return who, p.refused(c, w, err)
	}
	if u == Link && who.label == "" {
		who.label = called(p.outside.context(ctx), m, token, who.subject)
	}
	return who, nil
}

// redeem exchanges the code for the provider's tokens.
func (p *Providers) redeem(ctx context.Context, c client, m metadata, a attempt, w Answer) (*oauth2.Token, error) {
	secret, err := p.secret(c)
	if err != nil {
		return nil, err
	}
	token, err := p.oauth(c, m, secret).Exchange(p.outside.context(ctx), w.Code, oauth2.VerifierOption(a.Verifier))
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response.StatusCode < http.StatusInternalServerError {
		return nil, p.refused(c, w, errors.New("its token endpoint says "+quote(said.ErrorCode)+" "+quote(said.ErrorDescription)))
	}
	if err != nil {
		return nil, away(c.Name, err)
	}
	return token, nil
}

// refused is the one answer to whatever does not fit, since who made it knows
// why; operators find that in the log.
func (p *Providers) refused(c client, w Answer, why error) error {
	p.log.Warn("the answer of a provider was refused", "provider", c.ID, "request", w.Request.ID, "why", quote(why.Error()))
	return fault.New(fault.Denied, "provider-answer", "The answer of "+c.Name+" was refused, since it does not fit what was begun here. Nothing was changed. Start again; if it happens again, tell our support.")
}

// away says that a provider does not answer.
func away(name string, err error) error {
	return errors.Join(&fault.Error{
		Code: fault.Busy, Reason: "provider-unavailable", Retry: time.Minute,
		Text: name + " does not answer right now. Try again in a moment, or go on in another way.",
	}, err)
}

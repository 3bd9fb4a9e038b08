package sso

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele/internal/plain"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A person is who a provider says it is.
type person struct {
	issuer  string
	subject string
	label   string // what it calls her: for her own eyes, and compared with nothing
	nonce   string
	at      time.Time // when she signed in there; zero where it does not say
}

// subjectLength is the longest subject (Core 1.0, section 2).
const subjectLength = 255

// verify reads an ID token (Core 1.0, section 3.1.3.7): signed by the issuer
// with a key that it publishes now and an algorithm that it announces, for us,
// and not too old. Keys that the token brings along, or points to, are not
// looked at.
func verify(ctx context.Context, m metadata, clientID string, now func() time.Time, raw string) (who person, err error) {
	verifier := oidc.NewVerifier(m.IssuerURL, oidc.NewRemoteKeySet(ctx, m.JWKSURL), &oidc.Config{
		ClientID: clientID, SupportedSigningAlgs: m.Algorithms, Now: now,
	})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return who, err
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return who, err
	}
	if err := authorised(claims, token.Audience, clientID); err != nil {
		return who, err
	}
	if token.Subject == "" || len(token.Subject) > subjectLength {
		return who, errors.New("no subject, or one that is too long")
	}
	who = person{issuer: m.IssuerURL, subject: token.Subject, nonce: token.Nonce, label: label(claims)}
	if at, ok := claims["auth_time"].(float64); ok && at > 0 {
		who.at = time.Unix(int64(at), 0)
	}
	return who, nil
}

// authorised makes sure that a token was made for us, also where it may be
// shown to others.
func authorised(claims map[string]any, audience []string, clientID string) error {
	azp, has := claims["azp"]
	if has && azp != clientID || !has && len(audience) > 1 {
		return fmt.Errorf("the token was made for %s", quote(fmt.Sprint(azp)))
	}
	return nil
}

// label is what the provider calls her. Whether it has checked the address
// makes no difference, since nothing hangs on it.
func label(claims map[string]any) string {
	for _, name := range []string{"email", "preferred_username", "name"} {
		said, _ := claims[name].(string)
		if text, err := plain.Line(said, plain.NameLength); err == nil && text != "" {
			return text
		}
	}
	return ""
}

// called asks the provider what it calls somebody, where the ID token does not
// say. An answer about somebody else counts as none (Core 1.0, section 5.3.2).
func called(ctx context.Context, m metadata, token *oauth2.Token, subject string) string {
	info, err := m.NewProvider(ctx).UserInfo(ctx, oauth2.StaticTokenSource(token))
	var claims map[string]any
	if err != nil || info.Subject != subject || info.Claims(&claims) != nil {
		return ""
	}
	return label(claims)
}

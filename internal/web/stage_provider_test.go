package web_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"clientele/internal/id"
)

const wellKnown = "/.well-known/openid-configuration"

// issuers is a server that is a provider at each of its paths, as far as
// sending people there goes. It signs nobody in: that is proven elsewhere.
var issuers = sync.OnceValue(func() string {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issuer := "http://" + r.Host + strings.TrimSuffix(r.URL.Path, wellKnown)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})).URL
})

// addProvider adds a provider to which the owner's login is linked.
func (s *stage) addProvider() {
	issuer, now := issuers()+"/"+s.ids["account"], s.Clock.Now()
	number := s.insert("INSERT INTO providers (name, issuer, client_id, created_at) VALUES ('Stage ID', $1, 'stage', $2) RETURNING id", issuer, now)
	s.ids["provider"], s.own["provider"] = number, number
	s.own["identity"] = s.insert("INSERT INTO identities (user_id, provider_id, issuer, subject, label, created_at) VALUES ($1, "+number+", $2, $3, 'Olive', $4) RETURNING id",
		s.owner.User, issuer, "olive"+id.String(s.owner.User), now)
	s.word("issuer", issuer)
}

// providerUses are the routes of providers.
var providerUses = map[string]use{
	"POST /signin/with/{provider}":                   {},
	"POST /confirm/with/{provider}":                  {},
	"POST /me/security/providers/{provider}/link":    {},
	"POST /me/security/identities/{identity}/unlink": {},
	"POST /staff/providers":                          {fields: []string{"name", "Other ID", "issuer", "{issuer}", "client_id", "other", "secret", "a secret of theirs"}},
	"POST /staff/providers/{provider}":               {fields: []string{"name", "Another ID", "issuer", "{issuer}", "client_id", "another"}},
	"POST /staff/providers/{provider}/switch":        {fields: []string{"to", "off"}},
	"POST /staff/providers/{provider}/remove":        {},
}

func init() { maps.Copy(uses, providerUses) }

package plain

import (
	"net/url"
	"strings"
)

// URL is the address of a database or a mail server as logs and messages show
// it: without its password, wherever in it that stands.
func URL(raw string) string {
	scheme, _, whole := strings.Cut(raw, "://")
	u, err := url.Parse(raw)
	switch {
	case err != nil && whole:
		return scheme + "://…"
	case !whole && (err != nil || strings.ContainsAny(raw, "@=")):
		return "…"
	}
	q, secret := u.Query(), false
	for key := range q {
		if strings.Contains(strings.ToLower(key), "password") {
			q.Set(key, "xxxxx")
			secret = true
		}
	}
	if secret {
		u.RawQuery = q.Encode()
	}
	return u.Redacted()
}

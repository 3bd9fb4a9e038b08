package web

import (
	"net/url"
	"regexp"
	"strings"
)

// ours is a path of this server and nothing that some browser reads as
// another's.
var ours = regexp.MustCompile(`^/[A-Za-z0-9_~-][A-Za-z0-9/_~.-]*(\?[A-Za-z0-9/_~.=&%+@-]*)?$`)

// SafeNext is next where it is a path of this server, and otherwise the
// fallback.
func SafeNext(next, fallback string) string {
	path, _, _ := strings.Cut(next, "?")
	decoded, err := url.PathUnescape(next)
	if err != nil || len(next) > 1024 || !ours.MatchString(next) || strings.Contains(path, "//") ||
		strings.Contains(path, "/.") || strings.ContainsAny(decoded, "\\\r\n\x00") {
		return fallback
	}
	return next
}

// Next is where the form wants to go afterwards.
func (r *Request) Next(fallback string) string { return SafeNext(r.Value("next"), fallback) }

// Here is the request's own address, for coming back to it.
func (r *Request) Here() string { return SafeNext(r.URL.RequestURI(), "/") }

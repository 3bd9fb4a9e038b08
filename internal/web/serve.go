package web

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/ui"
)

// recorder remembers the status for the log line.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP answers a request: it names it, sets what every answer carries,
// refuses what comes from elsewhere, and hands it to its route.
func (m *Mux) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	began := time.Duration(m.db.Now().UnixNano())
	rec := &recorder{ResponseWriter: w}
	r := &Request{Request: req, mux: m, w: rec, info: m.info(req)}
	m.headers(rec.Header(), r.info.ID)
	defer func() {
		m.Log.LogAttrs(req.Context(), slog.LevelInfo, "request",
			slog.String("id", r.info.ID), slog.String("method", cut(req.Method, 10)), slog.String("path", redact(req.URL.Path)),
			slog.Int("status", rec.status), slog.Duration("took", time.Duration(m.db.Now().UnixNano())-began), slog.String("network", r.info.Network))
	}()
	defer func() {
		if p := recover(); p != nil {
			m.Log.Error("panic", "id", r.info.ID, "path", redact(req.URL.Path), "panic", p, "stack", string(debug.Stack()))
			r.fail(errors.New("panic"))
		}
	}()
	switch {
	case !m.isOurs(req):
		r.plain(http.StatusMisdirectedRequest, "This server answers at "+m.BaseURL.String()+" only.")
	case strings.HasPrefix(req.URL.Path, "/assets/"):
		ui.Handler().ServeHTTP(rec, req)
	default:
		m.route(r, rec, req)
	}
}

// route hands the request to the mux, whose own answers (no such page, wrong
// method) get our words.
func (m *Mux) route(r *Request, rec *recorder, req *http.Request) {
	if _, pattern := m.mux.Handler(req); pattern == "" {
		probe := &recorder{ResponseWriter: discard{http.Header{}}}
		m.mux.ServeHTTP(probe, req)
		if probe.status == http.StatusMethodNotAllowed {
			rec.Header().Set("Allow", probe.Header().Get("Allow"))
			r.plain(http.StatusMethodNotAllowed, "This address does not take "+cut(req.Method, 10)+" requests.")
			return
		}
		r.fail(fault.Missing())
		return
	}
	m.mux.ServeHTTP(rec, req.WithContext(withInfo(req.Context(), r.info)))
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// serve runs one route: who is it, does it come from our own pages, is it
// well formed, and then the guard and the page.
func (m *Mux) serve(w http.ResponseWriter, req *http.Request, route Route, h func(*Request) error) {
	r := &Request{Request: req, mux: m, w: w.(*recorder), route: route, info: infoOf(req.Context())}
	if err := r.prepare(); err != nil {
		r.fail(err)
		return
	}
	if err := h(r); err != nil {
		r.fail(err)
	}
}

func (r *Request) prepare() (err error) {
	if r.route.Unsafe() && !r.fromOurPages() {
		return fault.New(fault.Denied, "cross-site", "This request did not come from a page of this server, so it was refused. Open the page here and try again.")
	}
	looks, err := r.identifyLook()
	if err != nil {
		return err
	}
	if !looks {
		if r.me, err = r.mux.auth.Identify(r.Context(), r.cookie(sessionCookie), r.info); err != nil {
			return err
		}
	}
	if strings.HasPrefix(r.route.Pattern, "/staff") {
		if r.operator, err = r.mux.staff.Identify(r.Context(), r.cookie(staffCookie), r.info); err != nil {
			return err
		}
	}
	if !r.route.Alone && !r.me.SignedIn() && !r.operator.SignedIn() {
		// A session brings the version of the settings along; nobody else does.
		if err := r.mux.Settings.Refresh(r.Context()); err != nil {
			return err
		}
	}
	if err := r.readForm(); err != nil {
		return err
	}
	return r.limit()
}

// fromOurPages tells whether a form was sent by a page of this server. A
// browser says so in Sec-Fetch-Site; one that does not must name us in
// Origin. A request that says neither is refused.
func (r *Request) fromOurPages() bool {
	origin := r.Header.Get("Origin")
	self := r.mux.BaseURL.Scheme + "://" + r.mux.BaseURL.Host
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return origin == "" || origin == "null" || origin == self
	case "":
		return origin == self
	}
	return false
}

// The limits on forms: what one network sends without signing in, and what
// one person sends.
var (
	visitorLimit = auth.Limit{Hits: 300, Per: 10 * time.Minute}
	personLimit  = auth.Limit{Hits: 600, Per: 10 * time.Minute}
)

func (r *Request) limit() error {
	limit, key := personLimit, ""
	switch {
	case r.route.Rate == "":
		return nil
	case r.route.Rate == "visitor":
		limit, key = visitorLimit, "visitor:"+auth.Network(r.info.Network)
	case r.operator.SignedIn():
		key = "operator:" + id.String(r.operator.Staff())
	case r.look != nil:
		key = "operator:" + id.String(r.look.StaffID)
	case r.me.SignedIn():
		key = "person:" + id.String(r.me.User())
	default:
		return nil
	}
	var wait time.Duration
	err := r.mux.db.Write(r.Context(), db.Nothing, func(tx *db.Tx) (err error) {
		wait, err = limit.Take(tx, key)
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("requests", "Too many requests. Wait a few minutes and try again.", wait)
	}
	return err
}

// headers are on every answer.
func (m *Mux) headers(h http.Header, request string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie")
	h.Set("X-Request-Id", request)
	if m.secure() {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

// NoReferrer keeps the page's address from every other site; for pages that a
// mailed link leads to.
func (r *Request) NoReferrer() { r.w.Header().Set("Referrer-Policy", "no-referrer") }

// info names the request and notes where it came from.
func (m *Mux) info(req *http.Request) auth.Request {
	b := make([]byte, 10)
	rand.Read(b)
	return auth.Request{
		ID:      strings.ToLower(base32.StdEncoding.EncodeToString(b)),
		Network: m.peer(req), Agent: printable(cut(req.UserAgent(), 300)),
	}
}

// peer is the address that the request came from: the socket's, or, behind
// proxies that we trust, the last one in X-Forwarded-For that is not theirs.
func (m *Mux) peer(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = req.RemoteAddr
	}
	if !m.trusts(host) {
		return host
	}
	hops := strings.Split(strings.Join(req.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if a, err := netip.ParseAddr(hop); err != nil || !a.IsValid() {
			return host
		}
		if host = hop; !m.trusts(hop) {
			return hop
		}
	}
	return host
}

func (m *Mux) trusts(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(m.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// isOurs refuses a Host that is not the configured one: links are built from
// the configured one alone, and no page is served under another name. Probes
// of load balancers come as they like.
func (m *Mux) isOurs(req *http.Request) bool {
	return strings.EqualFold(req.Host, m.BaseURL.Host) || req.URL.Path == "/healthz" || req.URL.Path == "/readyz" || req.URL.Path == "/metrics"
}

// redact hides the tokens that stand in the paths of mailed links, WHMCS's
// among them, however the path is spelled.
func redact(p string) string {
	clean := strings.TrimPrefix(strings.ToLower(path.Clean("/"+p)), "/index.php")
	for _, prefix := range []string{"/i/", "/recover/", "/signup/", "/alarm/", "/address/undo/", "/address/", "/factor-reset/", "/owner-recovery/", "/together/", "/staff/welcome/", "/password/reset/", "/invite/"} {
		if strings.HasPrefix(clean, prefix) {
			return prefix + "[redacted]"
		}
	}
	return printable(cut(p, 300))
}

func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(s, "")
}

// printable leaves out what a terminal obeys instead of showing it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

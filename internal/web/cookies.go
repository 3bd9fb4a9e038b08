package web

import (
	"net/http"
	"strings"
	"time"

	"clientele/internal/staff"
	"clientele/internal/ui"
)

// The cookies, each by the name that it has over TLS. Without TLS, on a
// laptop, browsers refuse the prefixes; the names go without them.
const (
	sessionCookie = "__Host-clientele-session"
	deviceCookie  = "__Host-clientele-device"
	flashCookie   = "__Host-clientele-flash"
	staffCookie   = "__Secure-clientele-staff"
	knownCookie   = "__Secure-clientele-staff-known"
	lookCookie    = "__Host-clientele-look" // an operator's, who looks as somebody else
)

// The cookies that hold a mailed token between its link and its form.
const (
	InvitationCookie = "__Host-clientele-invitation"
	RecoveryCookie   = "__Host-clientele-recovery"
	SignUpCookie     = "__Host-clientele-signup"
	BrowserCookie    = "__Host-clientele-browser" // the browser that signed up
	AlarmCookie      = "__Host-clientele-alarm"
	AddressCookie    = "__Host-clientele-address"
	UndoCookie       = "__Host-clientele-undo"
	StopCookie       = "__Host-clientele-stop"
	OwnerStopCookie  = "__Host-clientele-owner-stop"
	WelcomeCookie    = "__Host-clientele-welcome" // a link that an operator joins by
	MergeCookie      = "__Host-clientele-merge"   // a link that asks to bring two logins together
	AnotherCookie    = "__Host-clientele-another" // another login of hers that somebody has shown
)

// The cookies of a sign-in that is under way: one ties the browser to its
// first step, one to the challenge that waits for its answer.
const (
	PendingCookie  = "__Host-clientele-second-step"
	CeremonyCookie = "__Host-clientele-ceremony"
	// ProviderCookie is for who has left for a provider. An open sign-in page
	// that offers passkeys takes the other one for itself.
	ProviderCookie = "__Host-clientele-provider"
)

func (m *Mux) secure() bool { return m.BaseURL.Scheme == "https" }

func (m *Mux) cookieName(name string) string {
	if m.secure() {
		return name
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, "__Host-"), "__Secure-")
}

func (r *Request) cookie(name string) string {
	c, err := r.Request.Cookie(r.mux.cookieName(name))
	if err != nil || len(c.Value) > 4096 {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie that scripts cannot read and other sites do not
// send. A zero life lasts as long as the browser is open; below zero the
// cookie goes.
func (r *Request) setCookie(name, value, path string, life time.Duration, same http.SameSite) {
	http.SetCookie(r.w, &http.Cookie{
		Name: r.mux.cookieName(name), Value: value, Path: path, MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: r.mux.secure(), SameSite: same,
	})
}

// TokenLife is how long a mailed token is kept in the browser between its
// link and its form.
const TokenLife = 30 * time.Minute

// KeepToken keeps a mailed token for the form that uses it, out of the
// address bar, the history and every Referer.
func (r *Request) KeepToken(cookie, token string) {
	r.setCookie(cookie, token, "/", TokenLife, http.SameSiteLaxMode)
}

// Token is the mailed token that KeepToken has kept.
func (r *Request) Token(cookie string) string { return r.cookie(cookie) }

// KeepLonger keeps a token for a day.
func (r *Request) KeepLonger(cookie, token string) {
	r.setCookie(cookie, token, "/", 24*time.Hour, http.SameSiteLaxMode)
}

// DropToken forgets a mailed token.
func (r *Request) DropToken(cookie string) {
	r.setCookie(cookie, "", "/", -time.Second, http.SameSiteLaxMode)
}

// StartSession gives the browser its session, and the token by which it is
// known again; an empty device leaves that as it is.
func (r *Request) StartSession(session, device string) {
	r.setCookie(sessionCookie, session, "/", r.mux.Settings.Current().SessionLife, http.SameSiteLaxMode)
	if device != "" {
		r.setCookie(deviceCookie, device, "/", 365*24*time.Hour, http.SameSiteLaxMode)
	}
}

// Device is the token by which the browser is known.
func (r *Request) Device() string { return r.cookie(deviceCookie) }

// EndSession takes the session from the browser, with all that it has kept of
// our pages.
func (r *Request) EndSession() {
	r.setCookie(sessionCookie, "", "/", -time.Second, http.SameSiteLaxMode)
	r.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// StartStaffSession gives the browser a session of the staff area.
func (r *Request) StartStaffSession(session string) {
	r.setCookie(staffCookie, session, "/staff", 0, http.SameSiteStrictMode)
}

// KnowOperator has the browser known again as one that an operator has signed
// in with; an empty mark leaves that as it is.
func (r *Request) KnowOperator(mark string) {
	if mark != "" {
		r.setCookie(knownCookie, r.mux.Key.Seal("staff-known", []byte(mark)), "/staff", 365*24*time.Hour, http.SameSiteStrictMode)
	}
}

// KnownOperator is the mark by which the browser is known; empty where it is
// not.
func (r *Request) KnownOperator() string {
	mark, err := r.mux.Key.Open("staff-known", r.cookie(knownCookie))
	if err != nil {
		return ""
	}
	return string(mark)
}

// StartLook gives the browser the token by which an operator looks as
// somebody else. Outside the staff area it comes before every session.
func (r *Request) StartLook(token string) {
	r.setCookie(lookCookie, token, "/", staff.ImpersonationLife, http.SameSiteStrictMode)
}

// EndLook takes it away, with all that the browser has kept of the pages.
func (r *Request) EndLook() {
	r.setCookie(lookCookie, "", "/", -time.Second, http.SameSiteStrictMode)
	r.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// EndStaffSession takes it away.
func (r *Request) EndStaffSession() {
	r.EndLook()
	r.setCookie(staffCookie, "", "/staff", -time.Second, http.SameSiteStrictMode)
	r.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// Say has the next page say what has happened.
func (r *Request) Say(kind ui.Kind, text string) {
	r.setCookie(flashCookie, r.mux.Key.Seal("flash", []byte(string(kind)+"\x00"+text)), "/", time.Minute, http.SameSiteLaxMode)
}

// Flash is what the page before had to say, once.
func (r *Request) Flash() *ui.Flash {
	box := r.cookie(flashCookie)
	if box == "" {
		return nil
	}
	r.setCookie(flashCookie, "", "/", -time.Second, http.SameSiteLaxMode)
	text, err := r.mux.Key.Open("flash", box)
	if err != nil {
		return nil
	}
	kind, said, _ := strings.Cut(string(text), "\x00")
	return &ui.Flash{Kind: ui.Kind(kind), Text: said}
}

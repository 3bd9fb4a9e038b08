// Package web is the way in: routes with their guards, forms, cookies, and
// what becomes of a fault. A route is mounted with one of four words, Public,
// SignedIn, Account or Staff, and in no other way.
package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/seal"
	"clientele/internal/setting"
	"clientele/internal/staff"

	"github.com/a-h/templ"
)

// Options are what the doors need to know of the installation.
type Options struct {
	BaseURL        *url.URL       // where visitors find this server; every link is built from it
	TrustedProxies []netip.Prefix // whose word on a visitor's address is believed
	Settings       *setting.Settings
	Log            *slog.Logger
	Key            seal.Key
	Wall           func() time.Time // the wall clock, by which connections end
}

// A Mux holds the routes.
type Mux struct {
	Options
	db          *db.DB
	auth        *auth.Auth
	memberships *access.Memberships
	staff       *staff.Staff
	looks       *staff.Impersonations
	mux         *http.ServeMux
	routes      []Route

	// SignInPage and StaffSignInPage show the sign-in form to somebody who
	// asked for a page without being signed in; next leads back to it.
	SignInPage      func(r *Request, next string) templ.Component
	StaffSignInPage func(r *Request, next string) templ.Component
	// ConfirmPage asks for a fresh proof, or for what an account's gate misses;
	// e says which.
	ConfirmPage      func(r *Request, e *fault.Error, next string) (templ.Component, error)
	StaffConfirmPage func(r *Request, e *fault.Error, next string) (templ.Component, error)
	// TermsPage asks for the terms to be accepted.
	TermsPage func(r *Request, next string) templ.Component
}

// NewMux makes a mux without routes.
func NewMux(o Options, d *db.DB, a *auth.Auth, m *access.Memberships, s *staff.Staff, v *staff.Impersonations) *Mux {
	return &Mux{Options: o, db: d, auth: a, memberships: m, staff: s, looks: v, mux: http.NewServeMux()}
}

// A Route is one way in, as testdata/routes.txt prints it.
type Route struct {
	Method  string
	Pattern string
	Guard   string   // "public", "signed in", "account" or "staff"
	Needs   string   // the permission, as its type is called
	StepUp  bool     // asks for a credential shown within the last ten minutes
	Audits  string   // the event that it records; empty where it changes nothing
	Rate    string   // what bounds it: "visitor" counts by network, "person" by who is signed in
	Alone   bool     // asks nothing of the database
	Begins  bool     // only opens a step, which another route ends: nothing of anybody's changes
	ByStaff bool     // may be used by an operator who looks as somebody else, or acts as them
	Repeats []string // the form fields that may stand several times
	Upload  string   // the form field that is a file
	Free    bool     // open also to who has not accepted the terms
}

// Unsafe reports whether the route may change something.
func (r Route) Unsafe() bool { return r.Method != http.MethodGet }

// Routes lists the routes by pattern.
func (m *Mux) Routes() []Route {
	out := slices.Clone(m.routes)
	slices.SortFunc(out, func(a, b Route) int {
		return strings.Compare(a.Pattern+" "+a.Method, b.Pattern+" "+b.Method)
	})
	return out
}

// String is the route's line in testdata/routes.txt.
func (r Route) String() string {
	guard := r.Guard
	if r.Needs != "" {
		guard += " " + r.Needs
	}
	dash := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	step := ""
	if r.StepUp {
		step = "step-up"
	}
	return strings.TrimRight(fmt.Sprintf("%-6s %-52s %-32s %-8s %-28s %-7s %s", r.Method, r.Pattern, guard, dash(step), dash(r.Audits), dash(r.Rate), r.byStaff()), " ")
}

// byStaff is what the route lets an operator do who looks as somebody else.
func (r Route) byStaff() string {
	switch {
	case !r.ByStaff:
		return ""
	case r.Unsafe():
		return "staff may act"
	}
	return "staff may look"
}

// An Option says more of a route.
type Option func(*Route)

// StepUp asks for a credential shown within the last ten minutes.
func StepUp(r *Route) { r.StepUp = true }

// ByStaff opens the route to an operator who looks as one of an account's
// people; a form only once she acts. Without it the route is shut to her, so
// nothing new is done in somebody else's name by oversight. It never stands
// at what belongs to the person, nor at tokens, invitations, ownership,
// partners, payment methods, consent, exports, deleting and other accounts.
func ByStaff(r *Route) { r.ByStaff = true }

// Begins says that the route only opens a step that another one ends, like a
// challenge that waits for its answer: there is nothing to record yet.
func Begins(r *Route) { r.Begins = true }

// Alone says that the route is answered also where there is no database: by
// settings that may be old.
func Alone(r *Route) { r.Alone = true }

// Audits names the event that the route records.
func Audits(event string) Option { return func(r *Route) { r.Audits = event } }

// Repeats names the form fields that may stand several times, like boxes to
// tick. Every other field stands once or is refused.
func Repeats(fields ...string) Option { return func(r *Route) { r.Repeats = fields } }

// Uploads names the form field that is a file.
func Uploads(field string) Option { return func(r *Route) { r.Upload = field } }

// BeforeTerms opens the route also to who has not accepted the terms yet.
func BeforeTerms(r *Route) { r.Free = true }

// Public mounts a route that everybody may use.
func Public(m *Mux, pattern string, h func(*Request) error, opts ...Option) {
	m.mount(pattern, Route{Guard: "public"}, opts, h)
}

// SignedIn mounts a route for everybody who is signed in, on what is hers.
func SignedIn(m *Mux, pattern string, h func(*Request) error, opts ...Option) {
	m.mount(pattern, Route{Guard: "signed in"}, opts, func(r *Request) error {
		if err := r.mustBeSignedIn(); err != nil {
			return err
		}
		return h(r)
	})
}

// Account mounts a route on an account, for those who hold P there. The
// account is the one in the path and comes from nowhere else.
func Account[P access.Permission](m *Mux, pattern string, h func(*Request, access.For[P]) error, opts ...Option) {
	if !strings.Contains(pattern, "/a/{account}") {
		panic("web: an account's route names it in its path: " + pattern)
	}
	m.mount(pattern, Route{Guard: "account", Needs: reflect.TypeFor[P]().Name()}, opts, func(r *Request) error {
		if !r.me.SignedIn() {
			return errSignIn
		}
		number, err := id.Parse[id.Account](r.PathValue("account"))
		if err != nil {
			return fault.Missing()
		}
		if err := r.mustHaveAccepted(); err != nil {
			return err
		}
		by, err := access.Check[P](r.Context(), m.memberships, access.Person(r.me), number)
		if err != nil {
			return err
		}
		r.w.Header().Set("X-Account", id.String(number))
		if err := r.mustMatch(number); err != nil {
			return err
		}
		if err := r.mustBeFresh(); err != nil {
			return err
		}
		if err := m.noteVisit(r, by.Account(), by.Visited); err != nil {
			return err
		}
		return h(r, by)
	})
}

// Staff mounts a route of the staff area, for operators who may do P.
func Staff[P staff.Permission](m *Mux, pattern string, h func(*Request, staff.For[P]) error, opts ...Option) {
	if !strings.Contains(pattern, " /staff") {
		panic("web: the staff area is below /staff: " + pattern)
	}
	m.mount(pattern, Route{Guard: "staff", Needs: reflect.TypeFor[P]().Name()}, opts, func(r *Request) error {
		if !r.operator.SignedIn() {
			return r.notStaff()
		}
		by, err := staff.Check[P](r.operator)
		if err != nil {
			number, _ := id.Parse[id.Account](r.PathValue("account"))
			m.staff.NoteDenied(r.Context(), r.operator, number)
			return err
		}
		if r.PathValue("account") != "" {
			number, err := id.Parse[id.Account](r.PathValue("account"))
			if err != nil {
				return fault.Missing()
			}
			if err := r.mustMatch(number); err != nil {
				return err
			}
		}
		if err := r.mustBeFresh(); err != nil {
			return err
		}
		return h(r, by)
	})
}

// mount is the only place that touches the bare mux.
func (m *Mux) mount(pattern string, route Route, opts []Option, h func(*Request) error) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || (method != http.MethodGet && method != http.MethodPost) {
		panic("web: a route is \"GET /path\" or \"POST /path\": " + pattern)
	}
	route.Method, route.Pattern = method, path
	for _, o := range opts {
		o(&route)
	}
	if route.Unsafe() {
		route.Rate = "person"
		if route.Guard == "public" {
			route.Rate = "visitor"
		}
	}
	m.routes = append(m.routes, route)
	exact := pattern
	if strings.HasSuffix(path, "/") {
		exact += "{$}"
	}
	m.mux.HandleFunc(exact, func(w http.ResponseWriter, req *http.Request) {
		m.serve(w, req, route, h)
	})
}

func (m *Mux) noteVisit(r *Request, account id.Account, visited func(ctx ctx) error) error {
	if r.Method != http.MethodGet || r.look != nil {
		return nil
	}
	if err := visited(r.Context()); err != nil {
		return err
	}
	return m.auth.UseAccount(r.Context(), r.me, account)
}

package web

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"

	"github.com/a-h/templ"
)

type ctx = context.Context

// A Request is one request, with who made it.
type Request struct {
	*http.Request
	mux      *Mux
	w        *recorder
	route    Route
	info     auth.Request
	me       auth.Identity
	operator staff.Identity
	look     *access.Impersonation // as whom an operator looks, outside the staff area
	asked    bool                  // whether that has been found out
	form     url.Values
	file     []byte
}

// MaxBody is the longest form that is read, in bytes.
const MaxBody = 64 << 10

// Me is the signed-in person; nobody on public pages of visitors.
func (r *Request) Me() auth.Identity { return r.me }

// Operator is the signed-in operator, in the staff area.
func (r *Request) Operator() staff.Identity { return r.operator }

// Info is what sign-in notes of the request.
func (r *Request) Info() auth.Request { return r.info }

// Now is the time by the database's clock.
func (r *Request) Now() time.Time { return r.mux.db.Now() }

// Brand is what the installation calls itself.
func (r *Request) Brand() string { return r.mux.Settings.Brand() }

// Look is the brand as pages show it.
func (r *Request) Look() ui.Brand {
	v := r.mux.Settings.Current()
	return ui.Brand{Name: v.Brand, Logo: v.LogoPath(), Style: v.Accent.StylePath(), Support: v.Support.String(), Terms: v.Terms.Asked()}
}

// File is what was uploaded; empty where there was nothing.
func (r *Request) File() []byte { return r.file }

// MinPassword is how many characters a new password needs.
func (r *Request) MinPassword() int { return r.mux.auth.Hasher().MinLength() }

// BaseURL is where visitors find this server, without a final slash.
func (r *Request) BaseURL() string { return strings.TrimRight(r.mux.Options.BaseURL.String(), "/") }

// Value is a form field, or on a GET a field of the query; empty where it is
// missing.
func (r *Request) Value(name string) string { return r.form.Get(name) }

// Values are a form field that may stand several times.
func (r *Request) Values(name string) []string { return r.form[name] }

// Ticked reports whether a box was ticked.
func (r *Request) Ticked(name string) bool { return r.form.Get(name) != "" }

// Partial reports whether htmx asked, for a part of the page.
func (r *Request) Partial() bool { return r.Header.Get("HX-Request") == "true" }

// PathID reads a number from the path.
func PathID[N id.Number](r *Request, name string) (N, error) {
	n, err := id.Parse[N](r.PathValue(name))
	if err != nil {
		return 0, fault.Missing()
	}
	return n, nil
}

// Number reads a whole number from a form; 0 where there is none.
func Number(r *Request, name string) int64 {
	n, _ := strconv.ParseInt(r.Value(name), 10, 64)
	return n
}

// After reads the number behind which a list goes on; 0 from the beginning.
func After[N id.Number](r *Request, name string) N {
	n, _ := id.Parse[N](r.Value(name))
	return n
}

// readForm reads the body once, strictly: one content type, one size, and
// every field once unless the route says otherwise.
func (r *Request) readForm() error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fault.New(fault.BadRequest, "query", "The address of this page is damaged.")
	}
	if r.route.Unsafe() {
		if values, err = r.readBody(); err != nil {
			return err
		}
	}
	for name, all := range values {
		if len(all) > 1 && !slices.Contains(r.route.Repeats, name) {
			return fault.New(fault.Invalid, "duplicate-field", "The form was sent with a field twice. Reload the page and try again.")
		}
		if slices.ContainsFunc(append([]string{name}, all...), isUnreadable) {
			return fault.New(fault.Invalid, "encoding", "The form was sent in an unreadable encoding. Reload the page and try again.")
		}
	}
	r.form = values
	return nil
}

// isUnreadable tells what is no text: PostgreSQL keeps no zero byte, and
// nothing else is done with one.
func isUnreadable(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }

func (r *Request) readBody() (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/form-data" && r.route.Upload != "" {
		return r.readUpload()
	}
	if err != nil || kind != "application/x-www-form-urlencoded" {
		if r.ContentLength == 0 {
			return url.Values{}, nil
		}
		return nil, fault.New(fault.BadRequest, "content-type", "This address takes forms only (application/x-www-form-urlencoded).")
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, MaxBody))
	if err != nil {
		return nil, fault.New(fault.BadRequest, "body", "What was sent is too long or was cut off. At most 64 kB are read.")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.BadRequest, "body", "The form is damaged. Reload the page and try again.")
	}
	return values, nil
}

var errSignIn = fault.New(fault.NotSignedIn, "sign-in", "Sign in to go on.")

func (r *Request) mustBeSignedIn() error {
	if !r.me.SignedIn() {
		return errSignIn
	}
	if err := r.mustHaveAccepted(); err != nil {
		return err
	}
	return r.mustBeFresh()
}

// mustHaveAccepted asks for the terms to be accepted before anything else. An
// operator who looks as somebody is not asked: nobody accepts them for her.
func (r *Request) mustHaveAccepted() error {
	if r.route.Free || r.look != nil || !r.mux.Settings.Current().Terms.Binds(r.me.Terms()) {
		return nil
	}
	return errTerms
}

var errTerms = fault.New(fault.StepUp, "terms", "Accept the terms to go on.")

// notStaff keeps the staff area out of sight of customers: whoever is signed
// in as one, and has no trace of a staff session, finds nothing here.
func (r *Request) notStaff() error {
	if r.me.SignedIn() && r.cookie(staffCookie) == "" {
		return fault.Missing()
	}
	return errSignIn
}

// mustMatch refuses a form that was made for another account than the one in
// the path: a stale tab must not act on the wrong one.
func (r *Request) mustMatch(account id.Account) error {
	if r.route.Unsafe() && r.form.Get("account") != id.String(account) {
		return fault.New(fault.Conflict, "account-mismatch", "This form belongs to another account than the address of the page. Nothing was changed. Go back, reload the page, and try again.")
	}
	return nil
}

func (r *Request) mustBeFresh() error {
	if !r.route.StepUp {
		return nil
	}
	if r.look != nil {
		return errOnlyHerself
	}
	if r.route.Guard == "staff" && r.operator.FreshAt(r.Now()) || r.route.Guard != "staff" && r.me.FreshAt(r.Now()) {
		return nil
	}
	return fault.New(fault.StepUp, "", "This step is important enough to ask who you are once more.")
}

// Render answers with a page or a part of one.
func (r *Request) Render(status int, c templ.Component) error {
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	r.w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	return c.Render(r.withBanner(r.Context()), r.w)
}

// RenderAgain shows a form once more, with what is wrong with it; without a
// cause it shows it for the first time. A program is told what is wrong alone.
func (r *Request) RenderAgain(cause error, c templ.Component) error {
	if cause == nil {
		return r.Render(http.StatusOK, c)
	}
	if e, ok := fault.Of(cause); ok {
		r.retryAfter(e)
		if r.WantsJSON() {
			r.problem(Status(cause), e)
			return nil
		}
	}
	return r.Render(Status(cause), c)
}

// retryAfter tells programs when to try again.
func (r *Request) retryAfter(e *fault.Error) {
	if e.Retry > 0 {
		r.w.Header().Set("Retry-After", strconv.Itoa(int((e.Retry+time.Second-1)/time.Second)))
	}
}

// Asset answers with a file whose address changes with what stands in it, so
// that browsers keep it for ever.
func (r *Request) Asset(kind string, body []byte) error {
	h := r.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Del("Vary")
	r.w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = r.w.Write(body)
	}
	return nil
}

// JSON answers a script of ours.
func (r *Request) JSON(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.w.Header().Set("Content-Type", "application/json")
	r.w.WriteHeader(status)
	_, _ = r.w.Write(body)
	return nil
}

// Leave answers a form with a page that sends the browser to another site.
// A redirect would not do: our pages let forms go to ourselves alone, and
// browsers hold the redirects of a form to that, down to the last one.
func (r *Request) Leave(address string, c templ.Component) error {
	r.NoReferrer()
	r.w.Header().Set("Refresh", "0; url="+address)
	return r.Render(http.StatusOK, c)
}

// Redirect sends the browser to another page of ours.
func (r *Request) Redirect(path string) error {
	http.Redirect(r.w, r.Request, path, http.StatusSeeOther)
	return nil
}

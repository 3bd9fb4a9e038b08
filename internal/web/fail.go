package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"clientele/internal/auth"
	"clientele/internal/fault"

	"github.com/a-h/templ"
)

type infoKey struct{}

func withInfo(c context.Context, i auth.Request) context.Context {
	return context.WithValue(c, infoKey{}, i)
}

func infoOf(c context.Context) auth.Request {
	i, _ := c.Value(infoKey{}).(auth.Request)
	return i
}

// statuses are what each kind of fault is over HTTP.
var statuses = map[fault.Code]int{
	fault.NotFound: http.StatusNotFound, fault.NotSignedIn: http.StatusUnauthorized, fault.Denied: http.StatusForbidden,
	fault.StepUp: http.StatusForbidden, fault.Invalid: http.StatusUnprocessableEntity, fault.Conflict: http.StatusConflict,
	fault.Gone: http.StatusGone, fault.TooMany: http.StatusTooManyRequests, fault.Busy: http.StatusServiceUnavailable,
	fault.BadRequest: http.StatusBadRequest,
}

// Status is what a fault is over HTTP.
func Status(err error) int {
	if e, ok := fault.Of(err); ok {
		return statuses[e.Code]
	}
	return http.StatusInternalServerError
}

// fail is the one place where an error becomes an answer. A fault is shown in
// its own words; anything else is logged in full and shown as nothing but a
// number to ask about.
func (r *Request) fail(err error) {
	if r.w.status != 0 {
		r.mux.Log.Error("after the answer had begun", "id", r.info.ID, "error", err)
		return
	}
	e, ok := fault.Of(err)
	if !ok {
		if r.Context().Err() == nil {
			r.mux.Log.Error("internal error", "id", r.info.ID, "route", r.route.Pattern, "error", err)
		}
		e = &fault.Error{Code: "internal", Text: "Something went wrong on our side. Nothing was changed. If it happens again, tell us this number: " + r.info.ID}
	} else if e.Code == fault.Busy {
		r.mux.Log.Error("unavailable", "id", r.info.ID, "route", r.route.Pattern, "error", err)
	}
	status, known := statuses[e.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	r.retryAfter(e)
	if r.WantsJSON() {
		r.problem(status, e)
		return
	}
	r.failPage(status, e)
}

func (r *Request) failPage(status int, e *fault.Error) {
	isStaff := strings.HasPrefix(r.route.Pattern, "/staff")
	signIn, confirm := r.mux.SignInPage, r.mux.ConfirmPage
	if isStaff {
		signIn, confirm = r.mux.StaffSignInPage, r.mux.StaffConfirmPage
	}
	next := "/"
	if r.Method == http.MethodGet {
		next = r.Here()
	}
	var err error
	switch {
	case r.look != nil:
		err = r.Render(status, failure(r, e))
	case e.Code == fault.NotSignedIn && signIn != nil:
		err = r.Render(status, signIn(r, next))
	case errors.Is(e, errTerms) && r.mux.TermsPage != nil:
		err = r.Render(status, r.mux.TermsPage(r, next))
	case e.Code == fault.StepUp && confirm != nil:
		if r.Method != http.MethodGet {
			next = r.Next(home(r))
		}
		var page templ.Component
		if page, err = confirm(r, e, next); err == nil {
			err = r.Render(status, page)
		}
	default:
		err = r.Render(status, failure(r, e))
	}
	if err != nil {
		r.mux.Log.Error("the error page cannot be shown", "id", r.info.ID, "error", err)
	}
}

func headline(c fault.Code) string {
	switch c {
	case fault.NotFound:
		return "There is no such page"
	case fault.Denied, fault.StepUp:
		return "You may not do this"
	case fault.NotSignedIn:
		return "Sign in to go on"
	case fault.Gone:
		return "This link no longer works"
	case fault.Conflict:
		return "This cannot be done now"
	case fault.TooMany, fault.Busy:
		return "Please wait a moment"
	case fault.Invalid, fault.BadRequest:
		return "This cannot be read"
	}
	return "Something went wrong"
}

// sentence is what the page says. What does not exist and what may not be
// known about read the same.
func sentence(e *fault.Error) string {
	if e.Code == fault.NotFound {
		return "The address may be mistyped, or what stood here is gone."
	}
	text := e.Text
	for _, field := range e.Fields {
		if !strings.Contains(text, field) {
			text = strings.TrimSpace(text + " " + field)
		}
	}
	return text
}

// WantsJSON reports whether a program asks, and not a browser.
func (r *Request) WantsJSON() bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

// problem answers in the form of RFC 9457.
func (r *Request) problem(status int, e *fault.Error) {
	kind := string(e.Code)
	if e.Reason != "" {
		kind = e.Reason
	}
	if e.Code == fault.StepUp {
		kind = strings.TrimPrefix(e.Reason+"-step-up-required", "-")
	}
	body := map[string]any{
		"type": r.BaseURL() + "/problems/" + kind, "title": headline(e.Code), "status": status, "request": r.info.ID,
	}
	if e.Code != fault.NotFound && e.Text != "" {
		body["detail"] = e.Text
	}
	if len(e.Fields) > 0 {
		body["errors"] = e.Fields
	}
	r.w.Header().Set("Content-Type", "application/problem+json")
	r.w.WriteHeader(status)
	_ = json.NewEncoder(r.w).Encode(body)
}

// plain answers with one line.
func (r *Request) plain(status int, text string) {
	r.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	r.w.WriteHeader(status)
	_, _ = r.w.Write([]byte(text + "\n"))
}

// Plain answers with one line of text, for probes.
func (r *Request) Plain(status int, text string) error {
	r.plain(status, text)
	return nil
}

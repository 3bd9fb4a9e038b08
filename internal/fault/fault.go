// Package fault says what went wrong in words a caller can act on.
//
// An error of this package is a code, a sentence for a person and, for bad
// input, a sentence for each field. Everything else is an internal error: it
// is logged in full and shown as nothing but "something went wrong".
package fault

import (
	"errors"
	"fmt"
	"time"
)

// A Code is what kind of thing went wrong. The web layer turns it into a
// status; no other layer knows of statuses.
type Code string

// The codes, each with the status that the doors give it.
const (
	NotFound    Code = "not-found"        // 404: no such thing, or not for this caller to know about
	NotSignedIn Code = "not-signed-in"    // 401
	Denied      Code = "denied"           // 403: a member without the permission
	StepUp      Code = "step-up-required" // 403: allowed after a fresh sign-in
	Invalid     Code = "invalid"          // 422: input to mend
	Conflict    Code = "conflict"         // 409: the state does not allow it now
	Gone        Code = "gone"             // 410: a link that is used, replaced, withdrawn or too old
	TooMany     Code = "too-many"         // 429: try again later
	Busy        Code = "busy"             // 503: overloaded, try again soon
	BadRequest  Code = "bad-request"      // 400: not a request that this server reads
)

// An Error is a fault that a person can understand and mend.
type Error struct {
	Code   Code
	Reason string            // stable key within the code, for programs: "last-owner"
	Text   string            // a sentence for the person
	Fields map[string]string // for Invalid: a sentence beside each field
	Retry  time.Duration     // for TooMany and Busy: when to try again
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Reason != "" {
		s += " (" + e.Reason + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	for name, text := range e.Fields {
		s += fmt.Sprintf("; %s: %s", name, text)
	}
	return s
}

// New makes a fault with a stable reason and a sentence for the person.
func New(code Code, reason, text string) *Error {
	return &Error{Code: code, Reason: reason, Text: text}
}

// Missing is the one answer for what does not exist and for what the caller
// may not know about. It carries nothing that could tell the two apart.
func Missing() *Error { return &Error{Code: NotFound} }

// Field is bad input in one field.
func Field(name, text string) *Error {
	return &Error{Code: Invalid, Reason: "invalid", Fields: map[string]string{name: text}}
}

// Wait is a limit that was reached, and when to try again.
func Wait(reason, text string, retry time.Duration) *Error {
	return &Error{Code: TooMany, Reason: reason, Text: text, Retry: retry}
}

// Of finds the fault in err's chain.
func Of(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Is reports whether err is a fault with the given code.
func Is(err error, code Code) bool {
	e, ok := Of(err)
	return ok && e.Code == code
}

// Wrap adds what was being done to the error that err points to, once for
// each exported function, so that a log line reads like a stack with its
// arguments:
//
//	defer fault.Wrap(&err, "invite.Send(%d)", account)
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(format+": %w", append(args, *err)...)
	}
}

// A Form collects what is wrong with the fields of one input.
type Form struct{ fields map[string]string }

// Add notes a sentence beside a field; the first one for a field stays.
func (f *Form) Add(name, text string) {
	if f.fields == nil {
		f.fields = map[string]string{}
	}
	if _, ok := f.fields[name]; !ok {
		f.fields[name] = text
	}
}

// Take notes err beside a field when it is bad input of that field, and
// reports whether there was an error at all.
func (f *Form) Take(name string, err error) bool {
	if err == nil {
		return false
	}
	text := err.Error()
	if e, ok := Of(err); ok {
		text = e.Text
		if t, ok := e.Fields[name]; ok {
			text = t
		}
	}
	f.Add(name, text)
	return true
}

// Err is the collected fault, or nil.
func (f *Form) Err() error {
	if len(f.fields) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Reason: "invalid", Fields: f.fields}
}

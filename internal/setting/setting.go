// Package setting is what operators set for the whole installation while it
// runs: the brand, who may sign up, the mail server, the rules of passwords
// and sessions, the terms.
//
// A setting that is given with the start, as a flag, in the environment or in
// the settings file, stands and is changed there; every other one is in the
// database, or has its default. Rooms ask Settings.Current, which looks into
// memory. It is as new as the request or the job that asks: each begins by
// comparing one number with the database, and a request with a session gets
// that number along with the session.
package setting

import (
	"time"

	"clientele/internal/locale"
	"clientele/internal/mail"
)

// How long things live where nobody has said otherwise.
const (
	InvitationLife   = 7 * 24 * time.Hour
	SessionIdle      = 7 * 24 * time.Hour
	SessionLife      = 30 * 24 * time.Hour
	StaffSessionIdle = 30 * time.Minute
	StaffSessionLife = 12 * time.Hour
)

// Values are all settings at one moment.
type Values struct {
	Version int64

	Brand   string       // what the installation calls itself
	Accent  Colour       // of buttons and links; zero for the product's own
	Logo    string       // checksum of the logo; empty where there is none
	Support mail.Address // whom people ask; may be zero

	OpenSignUp     bool          // visitors may sign up without being invited
	InvitationLife time.Duration // how long the link of a new invitation works

	PasswordLength   int // characters that a new password has at least
	SessionIdle      time.Duration
	SessionLife      time.Duration
	StaffSessionIdle time.Duration
	StaffSessionLife time.Duration

	// TellImpersonation has people told by mail when an operator looks or acts
	// as them.
	TellImpersonation bool

	// Languages are those beyond English in which mail is written to whoever has
	// chosen one.
	Languages locale.Allowed

	Terms Terms

	server mail.Server
	sender mail.Sender // nil: mail is kept
	texts  map[string]string
}

// allow has mail be written in a language, or not.
func (v *Values) allow(key string, on bool) {
	if v.Languages == nil {
		v.Languages = locale.Allowed{}
	}
	v.Languages[key] = on
}

// Sends reports whether there is a mail server.
func (v *Values) Sends() bool { return v.sender != nil }

// Server is the mail server in words, without its password.
func (v *Values) Server() string { return v.server.String() }

// Text is a setting as its field shows it.
func (v *Values) Text(key string) string { return v.texts[key] }

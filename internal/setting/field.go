package setting

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/fault"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// A Section is the settings that one form changes.
type Section string

// The sections, in the order in which the page shows them.
const (
	Brand        Section = "brand"
	Registration Section = "registration"
	Mail         Section = "mail"
	Security     Section = "security"
	Notices      Section = "notices"
	Languages    Section = "languages"
)

// A Field is one setting as people read and type it.
type Field struct {
	Key     string // in the database and in forms
	Label   string
	Hint    string
	Section Section
	Default string
	Setting string   // the variable that gives it with the start, if one can
	Options []Option // what there is to choose from; free text where empty
	Tick    bool     // yes or no
	Secret  bool     // never shown, and sealed
	Empty   string   // what it means that there is nothing
	read    func(v *Values, typed string) (text string, err error)
}

// An Option is one choice.
type Option struct{ Value, Label string }

// Named is the text of a field in words, for pages, for the log and for
// comparing.
func (f Field) Named(text string) string {
	for _, o := range f.Options {
		if o.Value == text {
			return o.Label
		}
	}
	switch {
	case f.Secret && text != "":
		return "(kept secret)"
	case f.Tick && text == "":
		return "no"
	}
	return text
}

// Of lists a section's fields.
func Of(s Section) (list []Field) {
	for _, f := range fields {
		if f.Section == s {
			list = append(list, f)
		}
	}
	return list
}

// doors say who may sign up.
var doors = []Option{{"open", "Everybody"}, {"invitation", "Only who was invited"}}

// The securities of a mail server.
var securities = []Option{
	{"starttls", "STARTTLS, always: nothing is sent without it"},
	{"tls", "TLS from the first byte"},
	{"offered", "STARTTLS where the server offers it"},
	{"none", "Not encrypted: only for a server on this machine"},
}

// fields are all settings that have a text. Their order is the page's.
var fields = slices.Concat(always, languages())

// languages are the boxes that allow the languages beyond English.
func languages() (list []Field) {
	for _, l := range locale.Tongues() {
		list = append(list, Field{
			Key: "language_" + l.Key, Label: "Write mail in " + l.Name + " to those who have chosen it", Section: Languages, Tick: true,
			read: tick(func(v *Values, on bool) { v.allow(l.Key, on) }),
			Hint: "People choose it for their login, and accounts for theirs. Without the tick they keep what they have chosen, and their mail comes in English. It is the language of mail: pages are English.",
		})
	}
	return list
}

// always are the settings that every installation has, whatever languages
// there are.
var always = []Field{
	{
		Key: "brand", Label: "Name", Section: Brand, Default: "Clientele", Setting: "CLIENTELE_BRAND", read: readBrand,
		Hint: "What your company calls itself towards customers: on every page and in every mail. Nobody may have it as a password.",
	},
	{
		Key: "accent", Empty: "the built-in one", Label: "Accent colour", Section: Brand, read: readAccent,
		Hint: "Six digits, like #0b6e4f, or empty for the built-in one. It is made darker on light pages and lighter on dark ones as far as it must be to be read.",
	},
	{
		Key: "support", Label: "Support address", Section: Brand, read: readSupport,
		Hint: "Whom people ask. It stands below every page and every mail, on pages that say that something went wrong, and answers to mail go to it.",
	},
	{
		Key: "signup", Label: "Who may sign up", Section: Registration, Default: "open", Setting: "CLIENTELE_SIGNUP",
		Options: doors, read: choice(doors, func(v *Values, s string) { v.OpenSignUp = s == "open" }),
		Hint: "By invitation only, a sign-up that waits for its mail to be answered is refused too.",
	},
	{
		Key: "invitation_life", Label: "An invitation works for", Section: Registration, Default: "7 days",
		read: life(func(v *Values, d time.Duration) { v.InvitationLife = d }, time.Hour, 30*24*time.Hour),
		Hint: "From 1 hour to 30 days, like “36 hours”. Invitations that are on their way keep their day until they are sent again.",
	},
	{
		Key: "mail_host", Label: "Server", Section: Mail, read: readHost,
		Hint: "Its name, like mail.example.com. Left empty, no mail is sent: it is kept, and shown in the mail log.",
	},
	{
		Key: "mail_security", Label: "Encryption", Section: Mail, Default: "starttls", Options: securities,
		read: choice(securities, func(v *Values, s string) { v.server.Security = mail.Security(s) }),
	},
	{
		Key: "mail_port", Empty: "the usual one", Label: "Port", Section: Mail, read: readPort,
		Hint: "Left empty, the usual one: 465 for TLS from the first byte, otherwise 587.",
	},
	{
		Key: "mail_user", Label: "User name", Section: Mail, read: readUser,
		Hint: "Left empty, the server is not signed in to.",
	},
	{
		Key: "mail_password", Label: "Password", Section: Mail, Secret: true, read: readSecret,
		Hint: "It is sealed and never shown again. Left empty, the one that is kept stays; with another server, encryption, port or user name, type it anew.",
	},
	{
		Key: "mail_from", Empty: "no-reply at this server's name", Label: "Sender", Section: Mail, Setting: "CLIENTELE_MAIL_FROM", read: readFrom,
		Hint: "The address that mail comes from. Left empty, no-reply at the name of this server. The name beside it is your brand's.",
	},
	{
		Key: "password_length", Label: "A new password has at least", Section: Security, Default: "12", Setting: "CLIENTELE_PASSWORD_LENGTH", read: readLength,
		Hint: "Characters, from 8 to 64. Passwords that are set stay valid. Common and leaked ones are refused at any length.",
	},
	{
		Key: "session_idle", Label: "A customer is signed out after doing nothing for", Section: Security, Default: "7 days",
		read: life(func(v *Values, d time.Duration) { v.SessionIdle = d }, 15*time.Minute, 30*24*time.Hour),
		Hint: "From 15 minutes to 30 days. It is asked of everybody who is signed in, from the next click on.",
	},
	{
		Key: "session_life", Label: "A customer is signed out in any case after", Section: Security, Default: "30 days",
		read: life(func(v *Values, d time.Duration) { v.SessionLife = d }, time.Hour, 90*24*time.Hour),
		Hint: "From 1 hour to 90 days. A shorter time holds at once; a longer one from the next sign-in on.",
	},
	{
		Key: "staff_idle", Label: "Staff are signed out after doing nothing for", Section: Security, Default: "30 minutes",
		read: life(func(v *Values, d time.Duration) { v.StaffSessionIdle = d }, 5*time.Minute, StaffSessionIdle),
		Hint: "From 5 to 30 minutes.",
	},
	{
		Key: "staff_life", Label: "Staff are signed out in any case after", Section: Security, Default: "12 hours",
		read: life(func(v *Values, d time.Duration) { v.StaffSessionLife = d }, time.Hour, StaffSessionLife),
		Hint: "From 1 to 12 hours.",
	},
	{
		Key: "tell_impersonation", Label: "Tell people by mail when staff look as them", Section: Notices, Tick: true,
		read: tick(func(v *Values, on bool) { v.TellImpersonation = on }),
		Hint: "The person as whom somebody looks gets a mail that says who it is, where and why. It stands in her activity, and in the account's, in any case.",
	},
}

func readBrand(v *Values, typed string) (string, error) {
	name, err := plain.Line(typed, plain.NameLength)
	if err == nil && name == "" {
		err = fault.Field("brand", "Give the name of your company, in one line.")
	}
	v.Brand = name
	return name, err
}

func readAccent(v *Values, typed string) (text string, err error) {
	v.Accent, err = ParseColour(typed)
	return v.Accent.String(), err
}

func readSupport(v *Values, typed string) (text string, err error) {
	if typed = strings.TrimSpace(typed); typed != "" {
		v.Support, err = mail.ParseAddress(typed)
	} else {
		v.Support = mail.Address{}
	}
	return v.Support.String(), err
}

// choice reads one of the options.
func choice(options []Option, set func(*Values, string)) func(*Values, string) (string, error) {
	return func(v *Values, typed string) (string, error) {
		if !slices.ContainsFunc(options, func(o Option) bool { return o.Value == typed }) {
			return "", fault.New(fault.Invalid, "choice", "Choose one from the list.")
		}
		set(v, typed)
		return typed, nil
	}
}

// tick reads a box.
func tick(set func(*Values, bool)) func(*Values, string) (string, error) {
	return func(v *Values, typed string) (string, error) {
		set(v, typed != "")
		if typed != "" {
			return "yes", nil
		}
		return "", nil
	}
}

// life reads a time within its bounds.
func life(set func(*Values, time.Duration), least, most time.Duration) func(*Values, string) (string, error) {
	return func(v *Values, typed string) (string, error) {
		d, err := ParseSpan(typed)
		if err == nil && (d < least || d > most) {
			err = fault.New(fault.Invalid, "span", "Give a time from "+Span(least)+" to "+Span(most)+".")
		}
		set(v, d)
		return Span(d), err
	}
}

func readLength(v *Values, typed string) (string, error) {
	n, err := strconv.Atoi(strings.TrimSpace(typed))
	if err != nil || n < 8 || n > 64 {
		return typed, fault.Field("password_length", "Give a number from 8 to 64.")
	}
	v.PasswordLength = n
	return strconv.Itoa(n), nil
}

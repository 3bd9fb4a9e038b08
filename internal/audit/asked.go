package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// Asked is a filter as somebody has typed it.
type Asked struct {
	By      string // a Kind
	Person  string // a part of a name or an address, or a number
	Group   string // a Group's key
	Object  string // an Object's key
	Number  string // of the object
	From    string // a day
	To      string // a day, which is included
	Outcome string // "done" or "denied"
}

// Any reports whether anything was asked for at all.
func (a Asked) Any() bool { return a != Asked{} }

// A Choice is something to choose, by its key and in words.
type Choice struct{ Key, Label string }

// Outcomes, Kinds and Objects are what can be chosen among.
var (
	Outcomes = []Choice{{"done", "Done"}, {"denied", "Refused"}}
	Kinds    = []Choice{{string(User), "A user"}, {string(Staff), "Staff"}, {string(System), "The system"}, {string(Visitor), "Somebody not signed in"}}
	Objects  = []Choice{
		{"account", "An account"},
		{"authenticator", "An authenticator app"},
		{"backup", "A backup"},
		{"contact", "A contact"},
		{"device", "A browser"},
		{"factor_reset", "A lost second factor"},
		{"field", "A custom field"},
		{"group", "A group of accounts"},
		{"identity", "A linked sign-in"},
		{"impersonation", "A look as somebody else"},
		{"invitation", "An invitation"},
		{"job", "A job"},
		{"log", "The log"},
		{"mail", "Mail"},
		{"membership", "A membership"},
		{"merge", "Bringing logins together"},
		{"note", "A note"},
		{"offer", "An offer of ownership"},
		{"owner_recovery", "A recovery of lost owners"},
		{"passkey", "A passkey"},
		{"provider", "A sign-in provider"},
		{"session", "A session"},
		{"settings", "The settings"},
		{"signup", "A sign-up"},
		{"staff", "A staff member"},
		{"staff_role", "A role of staff"},
		{"user", "A user"},
	}
)

// A Group is the events of one matter.
type Group struct {
	Choice
	prefixes []string // of events, up to the dot
}

// Groups are the matters that can be chosen. The last has all that is in no
// other.
var Groups = []Group{
	{Choice{"signin", "Signing in"}, []string{"user.signed_in", "user.signed_out", "user.code_refused", "user.passkey_refused", "session", "device", "staff.signed_in", "staff.signed_out", "staff.confirmed"}},
	{Choice{"login", "Logins and their security"}, []string{"user", "signup", "factor", "identity", "factor_reset", "merge"}},
	{Choice{"account", "Accounts and contacts"}, []string{"account", "contact", "note"}},
	{Choice{"people", "People and their access"}, []string{"member", "invitation", "ownership", "owner_recovery"}},
	{Choice{"impersonation", "Staff in somebody's place"}, []string{"impersonation", "account.staff_look_changed"}},
	{Choice{"settings", "Settings and the system"}, []string{"settings", "system", "group", "field", "provider", "staff.role_added", "staff.role_changed", "staff.role_removed"}},
	{Choice{"refused", "Permissions that were missing"}, []string{"access", "staff.permission"}},
	{Choice{"other", "Everything else"}, nil},
}

// groupOf names the group of an event: the one that names it, or what it
// begins with.
func groupOf(event string) string {
	begins, _, _ := strings.Cut(event, ".")
	for _, name := range []string{event, begins} {
		for _, g := range Groups {
			if slices.Contains(g.prefixes, name) {
				return g.Key
			}
		}
	}
	return "other"
}

// eventsOf are the events of a group.
func eventsOf(group string) (list []string) {
	seen := map[string]bool{}
	for key := range sayings {
		event, _, _ := strings.Cut(key, " ")
		if !seen[event] && groupOf(event) == group {
			list = append(list, event)
		}
		seen[event] = true
	}
	slices.Sort(list)
	return list
}

// People are whom a word may mean.
type People struct {
	Users []id.User
	Staff []id.Staff
}

// mostPeople bounds how many people one word may mean.
const mostPeople = 10

// filter reads what was typed, within the bounds of the view.
func (v View) filter(tx *db.Tx, a Asked) (Filter, error) {
	var f fault.Form
	out := v.Own
	out.By, out.Object, out.Outcome = Kind(a.By), a.Object, a.Outcome
	chosen(&f, "by", a.By, Kinds)
	chosen(&f, "object", a.Object, Objects)
	chosen(&f, "outcome", a.Outcome, Outcomes)
	if a.Group != "" {
		if out.Events = eventsOf(a.Group); len(out.Events) == 0 {
			f.Add("group", "Choose one of the list.")
		}
	}
	if number := strings.TrimPrefix(strings.TrimSpace(a.Number), "#"); number != "" {
		n, err := strconv.ParseInt(number, 10, 64)
		if out.ObjectID = n; err != nil || n < 1 {
			f.Add("number", "A number has digits only, like 1042.")
		}
	}
	out.From = day(&f, "from", a.From)
	if out.To = day(&f, "to", a.To); !out.To.IsZero() {
		if out.To = out.To.AddDate(0, 0, 1); !out.To.After(out.From) {
			f.Add("to", "The last day is before the first. Exchange the two.")
		}
	}
	if a.Person != "" && v.Find != nil {
		people, err := v.Find(tx, strings.TrimSpace(a.Person))
		if err != nil {
			return out, err
		}
		if out.Users, out.Staff = people.Users, people.Staff; len(out.Users)+len(out.Staff) == 0 {
			f.Add("person", "Nobody fits. Type a part of the name or the address, or the number.")
		} else if len(out.Users)+len(out.Staff) > mostPeople {
			f.Add("person", fmt.Sprintf("More than %d people fit. Type more of the name or the address.", mostPeople))
		}
	}
	if out.Of != 0 {
		former, err := formers(tx, out.Of)
		if err != nil {
			return out, err
		}
		out.Former = former
	}
	return out, f.Err()
}

func chosen(f *fault.Form, field, value string, among []Choice) {
	if value != "" && !slices.ContainsFunc(among, func(c Choice) bool { return c.Key == value }) {
		f.Add(field, "Choose one of the list.")
	}
}

// day reads a day as browsers send it, and as people write it here.
func day(f *fault.Form, field, s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}
	}
	for _, form := range []string{time.DateOnly, "2 January 2006", "2 Jan 2006"} {
		if t, err := time.Parse(form, s); err == nil && t.Year() >= 1970 && t.Year() < 3000 {
			return t
		}
	}
	f.Add(field, "This is no day of the calendar. Type it like 2027-01-31 or 31 January 2027.")
	return time.Time{}
}

// words are what a record of an export keeps of a filter.
func (a Asked) words() map[string]string {
	out := map[string]string{"by": a.By, "person": "", "group": a.Group, "object": a.Object, "number": a.Number, "from": a.From, "to": a.To, "outcome": a.Outcome}
	if a.Person != "" {
		out["person"] = "chosen" // records have no names of people
	}
	maps.DeleteFunc(out, func(_, value string) bool { return value == "" })
	return out
}

package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// details are what stands behind an event's phrase: what it was before, and
// what it is after.
var details = map[string]func(Entry) string{
	"account.changed":            changedFields,
	"account.status_changed":     func(e Entry) string { return ": " + values(e.Before)["status"] + " → " + values(e.After)["status"] },
	"contact.added":              func(e Entry) string { return addressOf(e.After) + mailOf(e.After) },
	"contact.changed":            changedContact,
	"contact.removed":            func(e Entry) string { return addressOf(e.Before) },
	"note.changed":               changedNote,
	"account.staff_look_changed": func(e Entry) string { return ": " + values(e.After)["staff_may_look"] },
	"impersonation.started":      func(e Entry) string { return ": “" + values(e.After)["reason"] + "”" },
	"impersonation.ended":        func(e Entry) string { return endings[values(e.After)["why"]] },
	"member.joined":              joined,
	"member.changed":             changedPower,
	"identity.linked":            func(e Entry) string { return ": " + values(e.After)["provider"] },
	"identity.unlinked":          func(e Entry) string { return ": " + values(e.After)["provider"] },
	"provider.added":             func(e Entry) string { return ": " + values(e.After)["name"] },
	"provider.changed":           func(e Entry) string { return ": " + values(e.After)["name"] },
	"provider.switched":          func(e Entry) string { return ": " + values(e.After)["name"] + " is " + values(e.After)["status"] },
	"provider.removed":           func(e Entry) string { return ": " + values(e.Before)["name"] },
	"invitation.sent":            func(e Entry) string { return ": " + powerOf(e.After).String() },
	"invitation.imported":        func(e Entry) string { return ": " + powerOf(e.After).String() },
	"invitation.changed":         func(e Entry) string { return ": " + powerOf(e.After).String() },
	"account.sorted":             changedFields,
	"settings.changed":           changedSettings,
	"settings.mail_tested":       func(e Entry) string { return ": " + values(e.After)["outcome"] },
	"terms.accepted":             func(e Entry) string { return ", version " + values(e.After)["version"] },
	"member.merged":              func(e Entry) string { return ": " + powerOf(e.After).String() },
	"invitation.declined": func(e Entry) string {
		return ifSo(e.After, "blocked", " and wants no more from this account")
	},
	"ownership.offered": func(e Entry) string {
		return ifSo(e.After, "hand_over", ", to hand it over")
	},
}

// endings say why a look at an account as one of its people was over.
var endings = map[string]string{
	"expired": ": its time had run out",
	"session": ": the staff session was over",
	"staff":   ": the staff member may no longer sign in",
	"role":    ": the role no longer allowed it",
	"user":    ": the user can no longer sign in",
	"refused": ": the account does not allow it",
	"access":  ": the user no longer had access",
}

// ifSo is the text where a value of the record is true.
func ifSo(from, name, text string) string {
	m := map[string]bool{}
	if json.Unmarshal([]byte(from), &m) != nil || !m[name] {
		return ""
	}
	return text
}

// values reads the texts of a record; none where it has others.
func values(from string) map[string]string {
	m := map[string]string{}
	_ = json.Unmarshal([]byte(from), &m)
	return m
}

// fieldNames are the fields of an account whose names say too little.
var fieldNames = map[string]string{
	"line1": "street", "line2": "second address line", "mail": "kinds of mail", "tax_number": "tax number",
}

// changedSettings says which settings changed, and where they stand.
func changedSettings(e Entry) string {
	before, after := values(e.Before), values(e.After)
	out := []string{}
	for name, value := range after {
		if name != "section" {
			out = append(out, strings.ReplaceAll(name, "_", " ")+" "+quoted(before[name])+" → "+quoted(value))
		}
	}
	slices.Sort(out)
	return " (" + after["section"] + "): " + strings.Join(out, ", ")
}

// changedFields says which details of an account changed, in a stable order.
func changedFields(e Entry) string {
	before, after := values(e.Before), values(e.After)
	var out []string
	for name, value := range after {
		label := cmp.Or(fieldNames[name], name)
		out = append(out, label+" "+quoted(before[name])+" → "+quoted(value))
	}
	if len(out) == 0 {
		return ""
	}
	slices.Sort(out)
	return ": " + strings.Join(out, ", ")
}

func quoted(s string) string {
	if s == "" {
		return "(empty)"
	}
	return "“" + s + "”"
}

// changedContact says what changed of a contact. Records of former releases
// have the kinds of mail alone.
func changedContact(e Entry) string {
	if kindsOf(e.After) != nil {
		return mailOf(e.After)
	}
	return changedFields(e)
}

func changedNote(e Entry) string {
	before, after := values(e.Before), values(e.After)
	var out []string
	if after["text"] != "" {
		out = append(out, "what it says")
	}
	if after["sticky"] != "" {
		out = append(out, "sticky "+quoted(before["sticky"])+" → "+quoted(after["sticky"]))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, ", ")
}

// addressOf is a contact's address, where a record has it.
func addressOf(from string) string {
	if address := values(from)["address"]; address != "" {
		return " with the address " + address
	}
	return ""
}

func kindsOf(from string) []string {
	var m struct{ Mail []string }
	_ = json.Unmarshal([]byte(from), &m)
	return m.Mail
}

func mailOf(from string) string {
	kinds := kindsOf(from)
	if len(kinds) == 0 {
		return ", who receives no mail"
	}
	return ", who receives mail about: " + strings.Join(kinds, ", ")
}

// A power is what somebody may do, as a record keeps it.
type power struct {
	Owner       bool
	Role        any // a built-in role's key, or the number of an own one
	Permissions []string
	Ends        *time.Time
}

func powerOf(from string) (p power) {
	_ = json.Unmarshal([]byte(from), &p)
	return p
}

// roleNames are the built-in roles' names in the log.
var roleNames = map[string]string{
	"full": "Full access", "billing": "Billing", "technical": "Technical",
	"support": "Support", "readonly": "Read only", "mail": "Mail only",
}

func (p power) role() string {
	switch r := p.Role.(type) {
	case string:
		return roleNames[r]
	case float64:
		return "one of the account's own roles"
	}
	return ""
}

// joined says as what somebody came in.
func joined(e Entry) string {
	p := powerOf(e.After)
	if p.Owner {
		return " as an owner"
	}
	return ": " + p.String()
}

func (p power) String() string {
	if p.Owner {
		return "Owner"
	}
	text := p.role()
	if text == "" {
		text = "may " + listed(p.Permissions)
	}
	return text + p.until()
}

func (p power) until() string {
	if p.Ends == nil {
		return ""
	}
	return ", until " + p.Ends.UTC().Format("2 January 2006")
}

// changedPower says how a member's power changed: by the roles' names where
// both have one, else by what was given and taken.
func changedPower(e Entry) string {
	before, after := powerOf(e.Before), powerOf(e.After)
	from, to := before.role(), after.role()
	if from != "" && to != "" && from != to {
		return ": " + from + " → " + to + after.until()
	}
	var out []string
	if given := without(after.Permissions, before.Permissions); len(given) > 0 {
		out = append(out, "may now "+listed(given))
	}
	if taken := without(before.Permissions, after.Permissions); len(taken) > 0 {
		out = append(out, "may no longer "+listed(taken))
	}
	if before.until() != after.until() {
		out = append(out, "access "+endOf(after))
	}
	if len(out) == 0 {
		return ""
	}
	return ": " + strings.Join(out, "; ")
}

func endOf(p power) string {
	if p.Ends == nil {
		return "without an end"
	}
	return p.until()[2:]
}

func without(all, these []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(key string) bool { return slices.Contains(these, key) })
}

// most bounds how many permissions are written out.
const most = 5

// listed says permissions in words.
func listed(keys []string) string {
	if len(keys) == 0 {
		return "only receive notifications"
	}
	var out []string
	for _, key := range keys[:min(len(keys), most)] {
		out = append(out, inWords(key))
	}
	text := strings.Join(out, ", ")
	if more := len(keys) - len(out); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

var (
	verbs = map[string]string{"view": "see", "signin": "sign in to", "reply": "answer"}
	nouns = map[string]string{"profile": "the account's details", "emails": "mail", "affiliates": "the affiliate page", "developer": "API tokens and webhooks"}
)

// inWords says a permission's key: "services.view" is "see services".
func inWords(key string) string {
	noun, verb, _ := strings.Cut(key, ".")
	if v, ok := verbs[verb]; ok {
		verb = v
	}
	if n, ok := nouns[noun]; ok {
		noun = n
	}
	return verb + " " + strings.ReplaceAll(noun, "_", " ")
}

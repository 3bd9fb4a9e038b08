package setting

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
)

// A Form is a section as somebody typed it, and as it was when the form was
// shown.
type Form struct {
	Typed map[string]string
	Was   map[string]string
}

// Shown is a section's texts as a form shows them, to be held against later.
func (s *Settings) Shown(section Section) map[string]string {
	out := map[string]string{}
	for _, f := range Of(section) {
		out[f.Key] = s.Current().Text(f.Key)
	}
	return out
}

// lockRow takes the row, so that changes happen one after another.
const lockRow = "UPDATE settings SET version = version WHERE id = 1 RETURNING version, body, sealed"

// Change changes one section. Where somebody else has changed it since the
// form was shown, nothing is changed and the fault says what is different.
func (s *Settings) Change(tx *db.Tx, section Section, form Form, by audit.Actor) error {
	r, err := read(tx, lockRow)
	if err != nil {
		return err
	}
	v, err := s.valuesOf(tx, r)
	if err != nil {
		return err
	}
	if err := s.compare(v, section, form.Was); err != nil {
		return err
	}
	before, after := map[string]string{}, map[string]string{}
	var bad fault.Form
	for _, f := range Of(section) {
		if _, given := s.GivenBy(f.Key); given {
			continue
		}
		typed, had := form.Typed[f.Key], v.Text(f.Key)
		if f.Secret {
			if staysBehind(r, form, after) {
				bad.Take(f.Key, errAnew)
			}
			typed = s.takeSecret(&r, typed, had, form.Typed["mail_user"])
		}
		text, err := f.read(v, typed)
		if !bad.Take(f.Key, err) && text != had {
			before[f.Key], after[f.Key], r.texts[f.Key] = f.Named(had), f.Named(text), text
		}
	}
	if err := bad.Err(); err != nil {
		return err
	}
	if err := v.together(); err != nil {
		return err
	}
	if len(after) == 0 {
		return nil
	}
	return r.write(tx, by, string(section), before, after)
}

var errAnew = fault.New(fault.Invalid, "password-anew", "The password that is kept is for the server as it was. Type the one for this server, or leave the user name empty.")

// staysBehind tells that a password is kept which would go to another server,
// in another way or with another name than whoever set it meant: who changes
// these need not know it, and could have it sent to a server of their own.
func staysBehind(r row, form Form, changed map[string]string) bool {
	if r.Sealed == "" || form.Typed["mail_password"] != "" || strings.TrimSpace(form.Typed["mail_user"]) == "" {
		return false
	}
	return slices.ContainsFunc([]string{"mail_host", "mail_security", "mail_port", "mail_user"}, func(key string) bool {
		_, moved := changed[key]
		return moved
	})
}

// takeSecret seals a password that was typed, and gives back the mark that
// stands for it: which change it came with. Without a user name none is kept.
func (s *Settings) takeSecret(r *row, typed, had, user string) (mark string) {
	switch {
	case strings.TrimSpace(user) == "":
		r.Sealed = ""
		return ""
	case typed == "":
		return had
	}
	r.Sealed = s.key.Seal(passwordPlace, []byte(typed))
	return strconv.FormatInt(r.Version+1, 10)
}

// compare tells what somebody else has changed since the form was shown.
func (s *Settings) compare(v *Values, section Section, was map[string]string) error {
	var changed []string
	for _, f := range Of(section) {
		if _, given := s.GivenBy(f.Key); given {
			continue
		}
		if now := v.Text(f.Key); now != was[f.Key] {
			if f.Secret {
				changed = append(changed, f.Label+" was set anew")
				continue
			}
			changed = append(changed, f.Label+" was “"+f.Named(was[f.Key])+"” and is “"+f.Named(now)+"”")
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return fault.New(fault.Conflict, "changed-meanwhile", "Somebody else has changed these settings since you opened the page: "+strings.Join(changed, "; ")+". Nothing of yours was saved. What you typed stands below: look at it again, and save it if it should go before theirs.")
}

// write stores the row and records the change.
func (r row) write(tx *db.Tx, by audit.Actor, what string, before, after map[string]string) error {
	body, err := json.Marshal(r.texts)
	if err != nil {
		return err
	}
	if _, err := db.Exec(tx, "UPDATE settings SET version = version + 1, body = $1, sealed = $2, changed_at = $3 WHERE id = 1", string(body), r.Sealed, tx.Now); err != nil {
		return err
	}
	before, after = maps.Clone(before), maps.Clone(after)
	before["section"], after["section"] = what, what
	return audit.Write(tx, by, audit.Record{Event: "settings.changed", Object: "settings", Before: before, After: after})
}

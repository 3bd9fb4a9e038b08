package audit

import (
	"cmp"
	"strconv"
	"strings"
)

// Actor names who acted.
func (e Entry) Actor() string {
	switch e.ActorKind {
	case Staff:
		if e.BehalfID.Valid {
			return cmp.Or(e.ActorName, "Number "+strconv.FormatInt(e.ActorID.V, 10)) + " (staff) as " + e.Behalf()
		}
		return "Staff: " + cmp.Or(e.ActorName, "number "+strconv.FormatInt(e.ActorID.V, 10))
	case System:
		if e.Via == ViaImport {
			return "The upgrade"
		}
		return "System"
	case Visitor:
		return "Somebody not signed in"
	}
	name := cmp.Or(e.ActorName, "User "+strconv.FormatInt(e.ActorID.V, 10))
	if e.Via == ViaPartner {
		name += ", through account " + strconv.FormatInt(e.ViaID.V, 10)
	}
	return name
}

// Behalf names the user as whom an operator acted; empty where it was nobody.
func (e Entry) Behalf() string {
	if !e.BehalfID.Valid {
		return ""
	}
	return cmp.Or(e.BehalfName, "user "+strconv.FormatInt(e.BehalfID.V, 10))
}

// Subject names the user whom it is about; empty where that is the actor.
func (e Entry) Subject() string {
	if !e.SubjectID.Valid || e.isSelf() {
		return ""
	}
	return cmp.Or(e.SubjectName, "user "+strconv.FormatInt(e.SubjectID.V, 10))
}

func (e Entry) isSelf() bool {
	return e.ActorKind == User && e.ActorID.V == e.SubjectID.V
}

// Words says what was done, as the rest of a sentence that begins with the
// actor: "removed Nora Baker from the account".
func (e Entry) Words() string {
	said, ok := e.saying()
	if !ok {
		return "did " + strconv.Quote(e.Event)
	}
	said = strings.ReplaceAll(said, "{subject}", cmp.Or(e.Subject(), "the user"))
	if e.Outcome == "denied" {
		return said
	}
	if detail, ok := details[e.Event]; ok {
		said += detail(e)
	}
	return said
}

// saying finds the phrase that fits best: a refusal's, the one of somebody
// acting on herself, the one of a kind of actor, or the event's own.
func (e Entry) saying() (string, bool) {
	if e.Outcome == "denied" {
		if s, ok := refusals[e.Event]; ok {
			return s, true
		}
		s, ok := sayings[e.Event]
		return "was refused: " + s, ok
	}
	if s, ok := sayings[e.Event+" self"]; ok && e.isSelf() {
		return s, true
	}
	if s, ok := sayings[e.Event+" "+string(e.ActorKind)]; ok {
		return s, true
	}
	s, ok := sayings[e.Event]
	return s, ok
}

// sayings are what each event is in words. Where another phrase fits one kind
// of actor, or somebody acting on herself, it stands under the event and that
// word.
var sayings = map[string]string{
	"signup.requested":           "asked to sign up",
	"user.signed_up":             "signed up",
	"user.imported":              "brought {subject} in from the former system",
	"user.updated":               "took over what has changed of {subject} in the former system",
	"user.hint_hidden":           "put a hint away",
	"user.signed_in":             "signed in",
	"user.signed_out":            "signed out",
	"user.renamed":               "changed the name or language of the login",
	"user.recovery_sent":         "asked for a link to set a new password for {subject}",
	"user.recovery_sent self":    "asked for a link to set a new password",
	"user.recovery_sent staff":   "mailed {subject} a link to set a new password",
	"user.password_changed":      "changed the password of {subject}",
	"user.password_changed self": "set a new password",
	"user.code_refused":          "typed a code for {subject}",
	"user.passkey_refused":       "showed a passkey of {subject}",
	"user.recovery_code_used":    "used a recovery code",
	"user.recovery_codes_made":   "made new recovery codes",
	"user.alarm_raised":          "said “this was not me”: everybody was signed out",
	"user.address_asked":         "asked for a new mail address",
	"user.address_changed":       "changed the login's mail address",
	"user.address_restored":      "took a change of the mail address back",
	"user.deleted":               "deleted the login",
	"user.sessions_ended":        "signed {subject} out everywhere",
	"user.suspended":             "suspended the login of {subject}",
	"user.restored":              "restored the login of {subject}",
	"session.ended staff":        "ended a session of {subject}",
	"owner_recovery.started":     "said that the owners are gone, and that the account needs a new one",
	"owner_recovery.approved":    "agreed that the account gets a new owner",
	"owner_recovery.withdrawn":   "gave up making a new owner",
	"owner_recovery.stopped":     "stopped the making of a new owner",
	"owner_recovery.done":        "gave the account a new owner, as its owners were gone",
	"note.added":                 "wrote a note for staff",
	"note.changed":               "changed a note for staff",
	"note.removed":               "removed a note for staff",
	"account.sorted":             "changed the account's group or further details",
	"group.added":                "made a group of accounts",
	"group.changed":              "changed a group of accounts",
	"group.removed":              "removed a group of accounts",
	"field.added":                "made a field of accounts",
	"field.changed":              "changed a field of accounts",
	"field.removed":              "removed a field of accounts",
	"factor.added":               "added a way to sign in",
	"factor.removed":             "removed a way to sign in",
	"factor.renamed":             "renamed a passkey",
	"device.forgotten":           "forgot a browser",
	"identity.linked":            "linked a sign-in",
	"identity.unlinked":          "unlinked a sign-in",
	"provider.added":             "added a sign-in provider",
	"provider.changed":           "changed a sign-in provider",
	"provider.switched":          "switched a sign-in provider on or off",
	"provider.removed":           "removed a sign-in provider",
	"factor_reset.started":       "began to remove the second factor of {subject}",
	"factor_reset.approved":      "agreed to remove the second factor of {subject}",
	"factor_reset.withdrawn":     "gave up removing the second factor of {subject}",
	"factor_reset.done":          "removed the second factor of {subject}",
	"factor_reset.stopped":       "stopped the removal of the second factor",
	"merge.proven":               "showed that {subject} is another login of the same person",
	"merge.started":              "asked {subject} whether two logins are to be brought together",
	"merge.confirmed":            "agreed to bring two logins together",
	"merge.stopped":              "stopped that two logins are brought together",
	"merge.withdrawn":            "gave up bringing two logins together",
	"user.merged":                "brought the login {subject} into this one",
	"user.unmerged":              "took the login {subject} out of this one again",
	"user.released":              "took the login out of that of {subject} again",
	"member.merged":              "took over the access of {subject}, another login of the same person",
	"member.unmerged":            "gave {subject} the access back that was taken over",
	"member.unmerged self":       "took the access back that another login had taken over",
	"account.policy_changed":     "changed the account's sign-in rules",
	"session.confirmed":          "confirmed who it is",
	"session.ended":              "ended a session",
	"session.others_ended":       "signed out everywhere else",
	"account.imported":           "brought the account in from the former system",
	"account.opened":             "opened the account",
	"account.changed":            "changed the account's details",
	"account.closed":             "closed the account",
	"account.reopened":           "opened the account again",
	"account.status_changed":     "changed the account's status",
	"contact.added":              "added a contact",
	"contact.changed":            "changed a contact",
	"contact.removed":            "removed a contact",
	"member.joined":              "gave {subject} access",
	"member.joined self":         "joined the account",
	"member.changed":             "changed what {subject} may do",
	"member.removed":             "removed {subject} from the account",
	"member.left":                "left the account",
	"ownership.offered":          "offered ownership to {subject}",
	"ownership.declined":         "declined the offered ownership",
	"ownership.withdrawn":        "took an offer of ownership back",
	"ownership.given":            "made {subject} an owner",
	"ownership.given self":       "became an owner",
	"ownership.ended":            "ended the ownership of {subject}",
	"ownership.ended self":       "stepped back as an owner",
	"invitation.imported":        "brought an invitation in from the former system",
	"invitation.sent":            "sent an invitation",
	"invitation.resent":          "sent an invitation again, under a new link",
	"invitation.changed":         "changed what an invitation offers",
	"invitation.withdrawn":       "withdrew an invitation",
	"invitation.accepted":        "accepted an invitation",
	"invitation.declined":        "declined an invitation",
	"access.permission":          "asked for something that takes another permission",
	"access.only-owners":         "asked for something that only owners may do",
	"access.grant-exceeds-own":   "asked to give more than one holds",
	"access.own-membership":      "asked to change one's own access",
	"access.target-owner":        "asked to change an owner's access",
	"access.target-exceeds-own":  "asked to change somebody who may do more",
	"access.email-unverified":    "asked for something that takes a confirmed mail address",
	"access.staff-only":          "asked for something that only staff may do",
	"staff.permission":           "asked for something that takes another role",
	"staff.added":                "added a staff member",
	"staff.signed_in":            "signed in to the staff area",
	"staff.signed_out":           "signed out of the staff area",
	"log.exported":               "exported activity",
	"impersonation.started":      "began to look at the account as {subject}",
	"impersonation.acting":       "began to act in the account as {subject}",
	"impersonation.ended":        "stopped looking at the account as {subject}",
	"impersonation.forbidden":    "asked for something that nobody may do for somebody else",
	"account.staff_look_changed": "said whether staff may look at the account as one of its people",
	"access.only-looking":        "asked to change something while only looking",
	"staff.opened_mail":          "opened a kept message with its link",
	"staff.sent_mail":            "had a message sent that was held",
	"system.jobs_retried":        "had failed jobs tried again",
	"system.backup_asked":        "asked for a backup",
	"system.restored":            "restored a backup: everybody was signed out",
	"staff.retried_mail":         "had all waiting mail tried again",
	"staff.invited":              "added a staff member",
	"staff.link_sent":            "mailed a staff member a new link to join",
	"staff.withdrawn":            "withdrew the invitation of a staff member",
	"staff.joined":               "set the password of her staff login",
	"staff.role_given":           "gave a staff member another role",
	"staff.suspended":            "suspended a staff member",
	"staff.restored":             "restored a staff member",
	"staff.reset":                "reset the sign-in of a staff member",
	"staff.role_added":           "added a role of staff",
	"staff.role_changed":         "changed a role of staff",
	"staff.role_removed":         "removed a role of staff",
	"staff.password_shown":       "showed her password at the staff sign-in",
	"staff.code_refused":         "typed a code for a staff member",
	"staff.passkey_refused":      "showed a passkey of a staff member",
	"staff.factor_added":         "added a way to sign in to the staff area",
	"staff.factor_removed":       "removed a way to sign in to the staff area",
	"staff.recovery_code_used":   "used a recovery code in the staff area",
	"staff.recovery_codes_made":  "made new recovery codes for the staff area",
	"staff.password_changed":     "changed the password of her staff login",
	"staff.session_ended":        "ended a session of her own in the staff area",
	"staff.sessions_ended":       "signed out of the staff area everywhere else",
	"staff.signed_out_all":       "signed a staff member out everywhere",
	"staff.confirmed":            "confirmed who she is in the staff area",
	"settings.changed":           "changed the settings",
	"settings.mail_tested":       "sent a test mail",
	"terms.accepted":             "accepted the terms",
}

// refusals are what an event is that was tried in vain.
var refusals = map[string]string{
	"user.signed_in":            "tried to sign in as {subject} with a wrong password",
	"user.code_refused":         "typed a wrong code for {subject}",
	"user.passkey_refused":      "showed a passkey of {subject} that may be a copy",
	"staff.signed_in":           "tried to sign in to the staff area with a wrong password",
	"access.permission":         "was refused something that takes another permission",
	"access.only-owners":        "was refused something that only owners may do",
	"access.grant-exceeds-own":  "was refused giving more than one holds",
	"access.own-membership":     "was refused changing one's own access",
	"access.target-owner":       "was refused changing an owner's access",
	"access.target-exceeds-own": "was refused changing somebody who may do more",
	"access.email-unverified":   "was refused something that takes a confirmed mail address",
	"access.staff-only":         "was refused something that only staff may do",
	"staff.permission":          "was refused something that takes another role",
	"access.only-looking":       "was refused changing something while only looking",
	"impersonation.started":     "was refused looking at the account as {subject}",
	"impersonation.forbidden":   "was refused something that nobody may do for somebody else",
	"staff.code_refused":        "typed a wrong code for a staff member",
	"staff.passkey_refused":     "showed a passkey of a staff member that may be a copy",
}

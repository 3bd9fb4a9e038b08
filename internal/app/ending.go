package app

import (
	"fmt"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
)

// An open thing is what a table has that lets somebody in, or do something,
// until it is ended. What was open in a backup may have been ended since, so a
// restore ends it all. A room that hands out something new has a line here; a
// test looks for tables with tokens that have none.
type open struct {
	table, what string // what, as the report counts it
	set, where  string // $1 is now
}

var opens = []open{
	{"sessions", "sessions", "ended_at = $1", "ended_at IS NULL"},
	{"devices", "browsers that were known", "ended_at = $1", "ended_at IS NULL"},
	{"user_links", "mailed links", "ended_at = $1", "ended_at IS NULL"},
	{"signups", "sign-ups", "ended_at = $1", "ended_at IS NULL"},
	{"pending_signins", "half sign-ins", "ended_at = $1", "ended_at IS NULL"},
	{"ceremonies", "steps in browsers", "ended_at = $1", "ended_at IS NULL"},
	// All but those of logins that were brought into others: they open nothing,
	// and are the one way out for whoever has not done that.
	{"alarms", "“this was not me” links", "ended_at = $1", "ended_at IS NULL AND user_id NOT IN (SELECT other_id FROM merges WHERE state = 'done')"},
	{"address_changes", "changes of addresses", "ended_at = $1", "ended_at IS NULL"},
	{"address_changes", "ways back to an old address", "undo_until = done_at", "done_at IS NOT NULL AND undone_at IS NULL AND undo_until > done_at"},
	{"factor_resets", "removals of lost factors", "state = 'withdrawn', closed_at = $1", "state = 'open'"},
	{"merges", "questions whether two logins are one person's", "state = 'withdrawn', closed_at = $1, keep_hash = NULL, other_hash = NULL", "state = 'asked'"},
	{"staff_sessions", "operators' sessions", "ended_at = $1", "ended_at IS NULL"},
	{"staff_links", "links for operators", "ended_at = $1", "ended_at IS NULL"},
	{"impersonations", "looks over a shoulder", "ended_at = $1, ended_why = 'session'", "ended_at IS NULL"},
	{"owner_recoveries", "recoveries of owners", "state = 'withdrawn', closed_at = $1", "state = 'open'"},
	// They stand on the People page, and can be sent again under a new link.
	{"invitations", "links of invitations", "expires_at = created_at", "state = 'pending'"},
	{"ownership_offers", "offers of ownership", "state = 'withdrawn', closed_at = $1", "state = 'open'"},
	{"partner_links", "partner links that waited", "status = 'ended', ended_at = $1", "status = 'pending'"},
	{"mails", "messages that waited to be sent", "state = 'failed', problem = '" + heldMail + "'", "state = 'queued'"},
}

// heldMail is why a message that waited in a backup is not sent by itself.
const heldMail = "It waited when the backup was made that was restored, and may have been sent since. Its links no longer work."

// lasts are the tables with tokens or secrets that a restore leaves as they
// are, and why.
var lasts = map[string]string{
	"recovery_codes":       "ended in carry.go, since there it is known which were used",
	"staff_recovery_codes": "ended in carry.go, like those of people",
	"owner_recovery_links": "they only stop a recovery, and those that were open are withdrawn",
}

// An ending is the end of a restore.
type ending struct {
	app     *App
	restore Restore
	out     *Restored
	at      time.Time // the moment that the backup shows
	since   bool      // it is known what was taken away since
}

func (e *ending) did(n int64, format string) {
	if n > 0 {
		e.out.Did = append(e.out.Did, fmt.Sprintf(format, n))
	}
}

// finish ends what is open, takes over what was taken away since, and writes
// it down.
func (e *ending) finish(tx *db.Tx) error {
	for _, o := range opens {
		var now []any
		if strings.Contains(o.set, "$1") {
			now = append(now, tx.Now)
		}
		n, err := db.Exec(tx, "UPDATE "+o.table+" SET "+o.set+" WHERE "+o.where, now...)
		if err != nil {
			return err
		}
		e.did(n, "%d "+o.what+" ended.")
	}
	if err := e.fromElsewhere(tx); err != nil {
		return err
	}
	if err := e.carry(tx); err != nil {
		return err
	}
	if err := e.look(tx); err != nil {
		return err
	}
	return audit.Write(tx, bySystem, audit.Record{Event: "system.restored", Object: "backup", After: map[string]any{"backup_of": e.at}})
}

// look lists what the database cannot tell of itself.
func (e *ending) look(tx *db.Tx) error {
	add := func(format string, args ...any) { e.out.Look = append(e.out.Look, fmt.Sprintf(format, args...)) }
	if e.restore.Path != "" {
		add("What happened after %s is gone: accounts, people and access from then on, the log and the mails of that time.", e.at.Format(time.RFC1123))
	}
	if !e.since {
		add("Members who were removed, operators and people who were suspended, and passwords and factors that were changed since then are as they were before. If the database from after that is still there, restore again with --since and its address; else go through the accounts and people concerned.")
	}
	if e.restore.BringBack {
		add("Access that was taken away since then is back, as you asked with --bring-back.")
	}
	held, err := db.One[int64](tx, "SELECT COUNT(*) FROM mails WHERE state = 'failed' AND problem = $1", heldMail)
	if err != nil {
		return err
	}
	if held > 0 {
		add("%d messages that waited in the backup are held. They stand in the staff area's mail log under Failed: send those that nobody has had.", held)
	}
	orphans, err := db.All[id.Account](tx, `SELECT a.id FROM accounts a WHERE a.status <> 'closed' AND EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = a.id)
		AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = a.id AND m.owner AND m.status = 'active') ORDER BY a.id LIMIT 50`)
	if err != nil {
		return err
	}
	for _, a := range orphans {
		add("Account %s has no owner now: give it one in the staff area.", id.String(a))
	}
	return nil
}

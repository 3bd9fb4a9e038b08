// Package audit is the append-only record of who did what to which account.
// A record is written in the transaction of the change itself, so that there
// is never the one without the other; the database refuses to change it.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clientele/internal/db"
	"clientele/internal/id"
)

// Kind is what kind of actor it was.
type Kind string

// The kinds of actors.
const (
	User    Kind = "user"
	Staff   Kind = "staff"
	System  Kind = "system"
	Visitor Kind = "visitor" // not signed in
)

// Via is how an actor came to act.
type Via string

// The ways to act.
const (
	ViaSelf    Via = "self"       // on one's own person
	ViaMember  Via = "membership" // through one's own membership
	ViaPartner Via = "partner"    // through a partner link; ViaID is the partner's account
	ViaStaff   Via = "staff"
	ViaBehalf  Via = "impersonation" // an operator as one of an account's people; ViaID is the impersonation
	ViaSystem  Via = "system"
	ViaImport  Via = "import" // the upgrade from another system; ViaID is the import
)

// An Actor is who acts, and in which request.
type Actor struct {
	Kind    Kind
	ID      int64
	Via     Via
	ViaID   int64
	Behalf  id.User // the user as whom an operator acts
	Request string  // the request's id
	Network string  // the address that it came from
}

// A Record is one thing that was done, or refused.
type Record struct {
	Event    string // like "member.removed"; see testdata/routes.txt
	Account  id.Account
	Object   string // what kind of thing: "membership", "invitation"
	ObjectID int64
	Subject  id.User // the user whom it is about, where that is not the actor
	Before   any     // what changed, as JSON; numbers and keys, no names of people
	After    any
	Denied   bool
}

// Write adds a record. It is put into the chain at the end of the
// transaction, and cannot be read before that.
func Write(tx *db.Tx, by Actor, r Record) error {
	return WriteAll(tx, by, []Record{r})
}

// WriteAll adds many records of one actor.
func WriteAll(tx *db.Tx, by Actor, records []Record) error {
	list := make([]waiting, len(records))
	for i, r := range records {
		made, err := rowOf(tx.Now, by, r)
		if err != nil {
			return fmt.Errorf("audit.Write(%s): %w", r.Event, err)
		}
		list[i] = waiting{made, tx.Scope()}
	}
	if len(list) == 0 {
		return nil
	}
	return db.Before(tx, chain, list...)
}

// A row is a record as the table has it.
type row struct {
	link
	At         time.Time
	Event      string
	Outcome    string
	ActorKind  string
	ActorID    db.Null[int64]
	Via        string
	ViaID      db.Null[int64]
	BehalfID   db.Null[int64]
	AccountID  db.Null[int64]
	ObjectKind string
	ObjectID   db.Null[int64]
	SubjectID  db.Null[int64]
	Before     string
	After      string
	Request    string
	Network    string
}

var table = db.Table[row]{Name: "audit_records"}

func rowOf(now time.Time, by Actor, r Record) (row, error) {
	before, err1 := text(r.Before)
	after, err2 := text(r.After)
	outcome := "done"
	if r.Denied {
		outcome = "denied"
	}
	return row{
		At: now, Event: r.Event, Outcome: outcome, ActorKind: string(by.Kind), ActorID: db.SomeUnlessZero(by.ID),
		Via: string(by.Via), ViaID: db.SomeUnlessZero(by.ViaID), BehalfID: db.SomeUnlessZero(int64(by.Behalf)), AccountID: db.SomeUnlessZero(int64(r.Account)),
		ObjectKind: r.Object, ObjectID: db.SomeUnlessZero(r.ObjectID), SubjectID: db.SomeUnlessZero(int64(r.Subject)),
		Before: before, After: after, Request: by.Request, Network: by.Network,
	}, errors.Join(err1, err2)
}

func text(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("audit: a value cannot be written down: %w", err)
	}
	return string(b), nil
}

// An Entry is a record as it is read, with the names that stand behind its
// numbers today.
type Entry struct {
	ID          int64
	At          time.Time
	Event       string
	Outcome     string
	ActorKind   Kind
	ActorID     db.Null[int64]
	ActorName   string
	Via         Via
	ViaID       db.Null[int64]
	BehalfID    db.Null[int64]
	BehalfName  string
	AccountID   db.Null[int64]
	ObjectKind  string
	ObjectID    db.Null[int64]
	SubjectID   db.Null[int64]
	SubjectName string
	Before      string
	After       string
	Request     string
	Network     string
}

// columns reads an entry with its names. Whoever is no longer there is shown
// by number.
const columns = `
	SELECT r.id, r.at, r.event, r.outcome, r.actor_kind, r.actor_id,
		COALESCE(CASE r.actor_kind WHEN 'user' THEN u.name WHEN 'staff' THEN s.name END, '') AS actor_name,
		r.via, r.via_id, r.behalf_id, COALESCE(b.name, '') AS behalf_name, r.account_id, r.object_kind, r.object_id, r.subject_id, COALESCE(x.name, '') AS subject_name,
		r.before, r.after, r.request, r.network
	FROM audit_records r
	LEFT JOIN users u ON r.actor_kind = 'user' AND u.id = r.actor_id
	LEFT JOIN staff s ON r.actor_kind = 'staff' AND s.id = r.actor_id
	LEFT JOIN users b ON b.id = r.behalf_id
	LEFT JOIN users x ON x.id = r.subject_id`

// PageSize is how many entries one page of a log shows.
const PageSize = 50

// OfUser reads what a person did and what was done to her, in all accounts,
// with this login and those that became part of it, from before the given entry
// on; 0 begins at the newest.
func OfUser(tx *db.Tx, user id.User, before int64) ([]Entry, error) {
	former, err := formers(tx, user)
	if err != nil {
		return nil, err
	}
	return Filter{Of: user, Former: former}.newest(tx, before, PageSize+1)
}

package auth

import (
	"strconv"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
)

// A Holder is whose factors they are: a person's or an operator's. Both are
// kept and checked by the same code, in tables of their own, so that what is
// one's can never be the other's, whatever numbers and addresses they have.
// Without a number it is anybody at that door, who will tell who it is.
type Holder struct {
	operator bool
	number   int64
}

// Person is a user as the holder of her factors.
func Person(u id.User) Holder { return Holder{number: int64(u)} }

// Operator is a staff member as the holder of her factors.
func Operator(s id.Staff) Holder { return Holder{operator: true, number: int64(s)} }

// Staff is which operator it is; 0 where it is none.
func (h Holder) Staff() id.Staff {
	if !h.operator {
		return 0
	}
	return id.Staff(h.number)
}

// User is which person it is; 0 where it is none.
func (h Holder) User() id.User {
	if h.operator {
		return 0
	}
	return id.User(h.number)
}

var (
	forPeople    = strings.NewReplacer("{}", "", "{who}", "user_id", "{people}", "users", "{door}", "")
	forOperators = strings.NewReplacer("{}", "staff_", "{who}", "staff_id", "{people}", "staff", "{door}", " (staff)")
)

// in says a statement, or a name, of the holder's door: {} stands before the
// names of tables, {who} is the column that names her, {people} is where she
// herself stands.
func (h Holder) in(text string) string {
	if h.operator {
		return forOperators.Replace(text)
	}
	return forPeople.Replace(text)
}

// key is what counters of the holder are called.
func (h Holder) key(word string) string { return h.in("{}") + word + strconv.FormatInt(h.number, 10) }

// scope is whose rows are touched on her behalf.
func (h Holder) scope() db.Scope {
	if h.operator {
		return db.Wide
	}
	return db.AsUser(h.User())
}

// record is a record about the holder herself, by what the event is called at
// either door.
func (h Holder) record(person, operator string) audit.Record {
	if h.operator {
		return audit.Record{Event: operator, Object: "staff", ObjectID: h.number}
	}
	return audit.Record{Event: person, Object: "user", ObjectID: h.number, Subject: h.User()}
}

// actor is the holder acting for herself.
func (h Holder) actor(r Request) audit.Actor {
	by := audit.Actor{Kind: audit.User, ID: h.number, Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
	if h.operator {
		by.Kind, by.Via = audit.Staff, audit.ViaStaff
	}
	return by
}

// inform mails the holder what happened to her way in. A person can take her
// login back by the link in it; an operator asks another one.
func (a *Auth) inform(tx *db.Tx, h Holder, n notice, r Request) error {
	if !h.operator {
		return a.tell(tx, h.User(), n, r)
	}
	return a.TellOperator(tx, h.Staff(), n.kind, n.subject.In(locale.Words{}), n.line.In(locale.Words{}), r)
}

// TellOperator mails an operator what happened to her way in.
func (a *Auth) TellOperator(tx *db.Tx, s id.Staff, kind, subject, line string, r Request) error {
	to, err := db.One[mail.Address](tx, "SELECT address FROM staff WHERE id = $1", s)
	if err != nil {
		return err
	}
	return a.send(tx, 0, mail.Message{
		Kind: "staff-" + kind, Class: mail.Urgent, To: to, Subject: locale.AsIs(subject), Lines: []locale.Text{locale.AsIs(line)}, Facts: a.facts(tx.Now, r),
		Closing: []locale.Text{locale.AsIs("If it was not you, tell another operator at once: she can sign you out everywhere and have you set up your sign-in anew.")},
	})
}

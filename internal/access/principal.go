package access

import (
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/id"
)

// A Principal is who asks: a signed-in person, or an operator of the
// installation. Its zero value is nobody and is let in nowhere.
type Principal struct {
	user    id.User
	staff   id.Staff
	session id.Session
	request auth.Request
	shown   auth.Proof
	behind  auth.Impersonator // the operator who looks as the user
}

// Person is a signed-in person as a principal, or the operator who looks as
// her.
func Person(i auth.Identity) Principal {
	behind, _ := i.Impersonator()
	return Principal{user: i.User(), session: i.Session(), request: i.Request(), shown: i.Proof(), behind: behind}
}

// isOperator reports whether it is an operator who asks, as herself or as
// somebody else.
func (p Principal) isOperator() bool { return p.staff != 0 || p.behind.Number != 0 }

// Operator is a signed-in operator as a principal. The check itself makes
// sure, in the database, that the session is one of hers and still open.
func Operator(s id.Staff, session id.Session, r auth.Request) Principal {
	return Principal{staff: s, session: session, request: r}
}

// actor is who acts, once it is known through what.
func (p Principal) actor(via audit.Via, viaID int64) audit.Actor {
	a := audit.Actor{Kind: audit.User, ID: int64(p.user), Via: via, ViaID: viaID, Request: p.request.ID, Network: p.request.Network}
	if p.staff != 0 {
		a.Kind, a.ID, a.Via, a.ViaID = audit.Staff, int64(p.staff), audit.ViaStaff, 0
	}
	if p.behind.Number != 0 {
		a.Kind, a.ID, a.Via, a.ViaID, a.Behalf = audit.Staff, int64(p.behind.Staff), audit.ViaBehalf, int64(p.behind.Number), p.user
	}
	return a
}

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
}

// Person is a signed-in person as a principal.
func Person(i auth.Identity) Principal {
	return Principal{user: i.User(), session: i.Session(), request: i.Request(), shown: i.Proof()}
}

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
	return a
}

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

// A StaffRole is what an operator may do on every account.
type StaffRole struct {
	Key    string
	Label  string
	Allows string
	set    Set
	owner  bool // may do what owners may: make owners, close and reopen
}

// StaffRoles lists the roles of operators, the widest first.
var StaffRoles = []StaffRole{
	{"administrator", "Administrator", "May do everything, make owners, and close and reopen accounts.", Everything, true},
	{"support", "Support", "Helps people: invites, attaches, changes and removes them, and changes account details.", Everything, false},
	{"readonly", "Read only", "Sees everything and changes nothing.", mustRole("readonly"), false},
}

func mustRole(key string) Set {
	r, ok := RoleByKey(key)
	if !ok {
		panic("access: no built-in role " + key)
	}
	return r.Set
}

// StaffRoleByKey finds a role of operators.
func StaffRoleByKey(key string) (StaffRole, bool) {
	for _, r := range StaffRoles {
		if r.Key == key {
			return r, true
		}
	}
	return StaffRole{}, false
}

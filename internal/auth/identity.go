package auth

import (
	"time"

	"clientele/internal/audit"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/user"
)

// A Request is what sign-in notes of a request: its id, where it came from
// and what browser it was.
type Request struct {
	ID      string
	Network string
	Agent   string
}

// Visitor is the actor of a request that nobody has signed.
func (r Request) Visitor() audit.Actor {
	return audit.Actor{Kind: audit.Visitor, Via: audit.ViaSelf, Request: r.ID, Network: r.Network}
}

// An Identity is a signed-in person in one request. Only Identify makes one;
// the zero value is nobody.
type Identity struct {
	session  id.Session
	user     id.User
	name     string
	address  mail.Address
	verified bool
	language string
	provedAt time.Time
	lastUsed id.Account
	several  bool
	terms    int64
	proof    Proof
	request  Request
	behind   Impersonator
}

// An Impersonator is the operator who looks at one account as somebody else.
type Impersonator struct {
	Number  id.Impersonation
	Staff   id.Staff
	Name    string
	Account id.Account
}

// Impersonated is the identity of a user as whom an operator looks at one
// account. It has no session and has shown nothing, so whatever asks for a
// proof of hers stays shut; and access makes sure of the impersonation anew,
// whenever something is asked for. Without an operator it is nobody.
func Impersonated(u user.User, by Impersonator, r Request) Identity {
	if by.Number == 0 || by.Staff == 0 || by.Account == 0 {
		return Identity{request: r}
	}
	return Identity{user: u.ID, name: u.Name, address: u.Address, verified: u.VerifiedAt.Valid, language: u.Language, lastUsed: by.Account, request: r, behind: by}
}

// Impersonator is the operator who looks as her; ok is false where it is
// herself.
func (i Identity) Impersonator() (by Impersonator, ok bool) { return i.behind, i.behind.Number != 0 }

// Fresh is how long a shown credential counts for what asks for a fresh one.
const Fresh = 10 * time.Minute

// Terms is the version of the terms that she has accepted; 0 is none.
func (i Identity) Terms() int64 { return i.terms }

// Session is the number of the session that the request came in.
func (i Identity) Session() id.Session { return i.session }

// User is who it is.
func (i Identity) User() id.User { return i.user }

// Name is what she is called.
func (i Identity) Name() string { return i.name }

// Address is her mail address, and Verified whether she has proven it.
func (i Identity) Address() mail.Address { return i.address }

// Verified reports whether she has proven that the address is hers.
func (i Identity) Verified() bool { return i.verified }

// Language is the language that she reads.
func (i Identity) Language() string { return i.language }

// LastAccount is the account that she used last: a preference for the first
// redirect after sign-in and nothing more.
func (i Identity) LastAccount() id.Account { return i.lastUsed }

// Several reports whether she came in from another system where she may have
// had more logins than this one, and has not said yet that she knows.
func (i Identity) Several() bool { return i.several }

// Proof is what her session has shown.
func (i Identity) Proof() Proof { return i.proof }

// Request is the request that she made.
func (i Identity) Request() Request { return i.request }

// SignedIn reports whether there is a person at all.
func (i Identity) SignedIn() bool { return i.user != 0 }

// FreshAt reports whether a credential was shown in this session within the
// last ten minutes.
func (i Identity) FreshAt(now time.Time) bool {
	return i.SignedIn() && !now.Before(i.provedAt) && now.Sub(i.provedAt) <= Fresh
}

// Actor is the person acting for herself, or the operator acting as her.
func (i Identity) Actor() audit.Actor {
	if by, ok := i.Impersonator(); ok {
		return audit.Actor{Kind: audit.Staff, ID: int64(by.Staff), Via: audit.ViaBehalf, ViaID: int64(by.Number), Behalf: i.user, Request: i.request.ID, Network: i.request.Network}
	}
	return audit.Actor{Kind: audit.User, ID: int64(i.user), Via: audit.ViaSelf, Request: i.request.ID, Network: i.request.Network}
}

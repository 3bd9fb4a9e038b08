// Package staff is the operators of the installation: a realm of its own,
// with its own sign-in, sessions and permissions. An operator is no user and
// a user is no operator, even with the same address.
package staff

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
)

// A Permission is one thing that an operator may do, as a type. The list is
// closed: what each allows stands in access.StaffPermissions.
type Permission interface {
	// in reports whether who may do what is in the set may do it.
	in(may access.StaffSet) bool
}

// The permissions of operators. What one may do within an account is decided
// by access, from the same set.
type (
	// Look finds accounts and users and sees them.
	Look struct{}
	// Help changes people's access, mails them links and suspends them.
	Help struct{}
	// ManageAccounts changes accounts' details, status, groups, fields and notes.
	ManageAccounts struct{}
	// Own does for accounts what only their owners may.
	Own struct{}
	// Recover leads the recovery of lost second factors and lost owners.
	Recover struct{}
	// ViewAs sees the client area as a customer sees it.
	ViewAs struct{}
	// ActAs acts in the client area for a customer.
	ActAs struct{}
	// SeeLooks sees who looks as whom now: who looks sees herself, and who
	// manages staff sees everybody.
	SeeLooks struct{}
	// ReadMail reads the mail log.
	ReadMail struct{}
	// OpenMail reads kept mail with its link, too, which opens what its
	// recipient may open.
	OpenMail struct{}
	// ReadLog reads and exports the audit log of all accounts.
	ReadLog struct{}
	// ManageStaff adds and removes operators, and their roles.
	ManageStaff struct{}
	// Configure changes how the installation works for everybody.
	Configure struct{}
	// SeeSystem sees jobs, health and backups.
	SeeSystem struct{}
	// ManageSystem has jobs tried again and makes backups.
	ManageSystem struct{}
)

func (Look) in(may access.StaffSet) bool           { return may.Has(access.StaffLook) }
func (Help) in(may access.StaffSet) bool           { return may.Has(access.StaffHelp) }
func (ManageAccounts) in(may access.StaffSet) bool { return may.Has(access.StaffManageAccounts) }
func (Own) in(may access.StaffSet) bool            { return may.Has(access.StaffOwn) }
func (Recover) in(may access.StaffSet) bool        { return may.Has(access.StaffRecover) }
func (ViewAs) in(may access.StaffSet) bool         { return may.Has(access.StaffViewAs) }
func (ActAs) in(may access.StaffSet) bool          { return may.Has(access.StaffActAs) }
func (ReadMail) in(may access.StaffSet) bool       { return may.Has(access.StaffReadMail) }
func (ReadLog) in(may access.StaffSet) bool        { return may.Has(access.StaffReadLog) }
func (ManageStaff) in(may access.StaffSet) bool    { return may.Has(access.StaffManageStaff) }
func (Configure) in(may access.StaffSet) bool      { return may.Has(access.StaffConfigure) }
func (SeeSystem) in(may access.StaffSet) bool      { return may.Has(access.StaffSeeSystem) }
func (ManageSystem) in(may access.StaffSet) bool   { return may.Has(access.StaffManageSystem) }

func (OpenMail) in(may access.StaffSet) bool {
	return may.Has(access.StaffReadMail) && (may.Has(access.StaffHelp) || may.Has(access.StaffManageStaff))
}

func (SeeLooks) in(may access.StaffSet) bool {
	return may.Has(access.StaffViewAs) || may.Has(access.StaffManageStaff)
}

// An Identity is a signed-in operator in one request. Only Identify makes
// one; the zero value is nobody.
type Identity struct {
	staff    id.Staff
	session  id.Session
	name     string
	address  mail.Address
	role     string // what her role is called
	may      access.StaffSet
	provedAt time.Time
	half     bool // her password was shown, and no second factor yet
	request  auth.Request
}

// SignedIn reports whether there is an operator at all.
func (i Identity) SignedIn() bool { return i.staff != 0 && !i.half }

// Halfway reports whether somebody has shown an operator's password and not
// her second factor: she may show it, or set up her first one, and nothing
// else.
func (i Identity) Halfway() bool { return i.half }

// Staff is who it is.
func (i Identity) Staff() id.Staff { return i.staff }

// Name is what the operator is called.
func (i Identity) Name() string { return i.name }

// Address is the operator's mail address.
func (i Identity) Address() mail.Address { return i.address }

// RoleLabel is what the operator's role is called.
func (i Identity) RoleLabel() string { return i.role }

// May is what the operator may do.
func (i Identity) May() access.StaffSet { return i.may }

// FreshAt reports whether a credential was shown in this session within the
// last ten minutes.
func (i Identity) FreshAt(now time.Time) bool {
	return i.SignedIn() && !now.Before(i.provedAt) && now.Sub(i.provedAt) <= auth.Fresh
}

// Actor is the operator acting, on no account.
func (i Identity) Actor() audit.Actor {
	return audit.Actor{Kind: audit.Staff, ID: int64(i.staff), Via: audit.ViaStaff, Request: i.request.ID, Network: i.request.Network}
}

// For is the proof that an operator may do P. Only Check makes one; the zero
// value opens nothing.
type For[P Permission] struct {
	_ P
	Identity
}

// Principal is the operator as access knows her, to act on an account.
func (f For[P]) Principal() access.Principal {
	return access.Operator(f.staff, f.session, f.request)
}

// Check makes the proof that the signed-in operator may do P.
func Check[P Permission](i Identity) (For[P], error) {
	var p P
	if !i.SignedIn() {
		return For[P]{}, fault.New(fault.NotSignedIn, "staff", "Sign in as staff.")
	}
	if !p.in(i.may) {
		return For[P]{}, fault.New(fault.Denied, "staff-permission", "Your role, "+i.RoleLabel()+", does not allow this. Ask an administrator.")
	}
	return For[P]{Identity: i}, nil
}

// Also makes the proof of another permission where the operator has it.
func Also[Q, P Permission](f For[P]) (For[Q], bool) {
	q, err := Check[Q](f.Identity)
	return q, err == nil
}

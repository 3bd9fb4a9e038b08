package access

import (
	"strings"

	"clientele/internal/db"
)

// A StaffBit is the place of one permission of operators in a StaffSet.
// Places are frozen: testdata's permissions.txt holds them, and none is ever
// used again.
type StaffBit uint8

// The permissions of operators. What each allows stands in the list
// StaffPermissions; package staff has them as types.
const (
	StaffLook           StaffBit = 0
	StaffHelp           StaffBit = 1
	StaffManageAccounts StaffBit = 2
	StaffOwn            StaffBit = 3
	StaffRecover        StaffBit = 4
	StaffViewAs         StaffBit = 5
	StaffActAs          StaffBit = 6
	StaffReadMail       StaffBit = 7
	StaffReadLog        StaffBit = 8
	StaffManageStaff    StaffBit = 9
	StaffConfigure      StaffBit = 10
	StaffSeeSystem      StaffBit = 11
	StaffManageSystem   StaffBit = 12
)

// A StaffSet is a set of permissions of operators, as the database keeps it.
type StaffSet int64

// staffSet is the set of the given permissions.
func staffSet(bits ...StaffBit) (s StaffSet) {
	for _, b := range bits {
		s |= 1 << b
	}
	return s
}

// Has reports whether the permission is in the set.
func (s StaffSet) Has(b StaffBit) bool { return s&(1<<b) != 0 }

// Within reports whether all of the set is in the other one.
func (s StaffSet) Within(other StaffSet) bool { return s&^other == 0 }

// Known is the set without the bits that this release does not know: they
// grant nothing.
func (s StaffSet) Known() StaffSet { return s & everyStaffPermission }

// Closed adds what the permissions in the set cannot be used without.
func (s StaffSet) Closed() StaffSet {
	for _, i := range StaffPermissions {
		if s.Has(i.Bit) {
			s |= i.needs
		}
	}
	return s
}

// Keys lists the keys of the permissions in the set, in the order of
// StaffPermissions.
func (s StaffSet) Keys() []string {
	out := []string{}
	for _, i := range StaffPermissions {
		if s.Has(i.Bit) {
			out = append(out, i.Key)
		}
	}
	return out
}

// Labels says what the permissions in the set are called, in a row.
func (s StaffSet) Labels() string {
	var out []string
	for _, i := range StaffPermissions {
		if s.Has(i.Bit) && len(out) > 0 {
			out = append(out, strings.ToLower(i.Label[:1])+i.Label[1:])
		} else if s.Has(i.Bit) {
			out = append(out, i.Label)
		}
	}
	return strings.Join(out, ", ")
}

// ParseStaffSet reads permissions by their keys, with what they cannot be used
// without; unknown keys are reported.
func ParseStaffSet(keys []string) (s StaffSet, unknown []string) {
	for _, key := range keys {
		i, ok := staffPermissionByKey(key)
		if !ok {
			unknown = append(unknown, key)
			continue
		}
		s |= 1 << i.Bit
	}
	return s.Closed(), unknown
}

// A StaffInfo says what a permission of operators is.
type StaffInfo struct {
	Key    string // stable, in forms and in the log
	Label  string
	Allows string // a sentence: what may be done with it
	Area   string // under which heading it stands
	Bit    StaffBit
	needs  StaffSet // what it cannot be used without
	on     Set      // what it gives on every account
}

// StaffPermissions lists what operators may be allowed, in the order in which
// people choose it. The list is closed.
var StaffPermissions = []StaffInfo{
	{"accounts.view", "See accounts and people", "Find accounts and people, and read what stands on their pages.", "Customers", StaffLook, 0, mustRole("readonly")},
	{"accounts.manage", "Change accounts", "Change accounts' details and status, their groups, fields and notes.", "Customers", StaffManageAccounts, staffSet(StaffLook), set(profileManage, contactsManage)},
	{"people.manage", "Help people", "Invite, attach, change and remove people, mail them links, end their sessions, suspend them.", "Customers", StaffHelp, staffSet(StaffLook), Everything},
	{"accounts.own", "Act for owners", "Make and unmake owners, and reopen closed accounts.", "Customers", StaffOwn, staffSet(StaffLook, StaffHelp), 0},
	{"people.recover", "Recover access", "Start, agree to and finish the recovery of lost second factors and lost owners.", "Customers", StaffRecover, staffSet(StaffLook, StaffHelp), 0},
	{"people.view_as", "Look as a customer", "See the client area as a customer sees it, for a stated reason.", "Customers", StaffViewAs, staffSet(StaffLook), 0},
	{"people.act_as", "Act as a customer", "Do in the client area what a customer asked for, for a stated reason.", "Customers", StaffActAs, staffSet(StaffLook, StaffViewAs), 0},
	{"mail.view", "Read mail", "Read the mail that was sent, to anybody, and have it tried again.", "Installation", StaffReadMail, staffSet(StaffLook), 0},
	{"log.view", "Read the whole log", "Read who did what in all accounts, and export it.", "Installation", StaffReadLog, staffSet(StaffLook), 0},
	{"system.view", "See the system", "See jobs, health, versions and backups.", "Installation", StaffSeeSystem, staffSet(StaffLook), 0},
	{"system.manage", "Run the system", "Have jobs tried again, and make backups.", "Installation", StaffManageSystem, staffSet(StaffLook, StaffSeeSystem), 0},
	{"settings.manage", "Settings", "Change how the installation works and looks, and through whom people sign in. Who can change the mail server can read all mail that is sent from then on, with the links in it.", "Installation", StaffConfigure, staffSet(StaffLook), 0},
	{"staff.manage", "Manage staff", "Add and remove operators, and say what each may do, up to what this operator may do.", "Installation", StaffManageStaff, staffSet(StaffLook), 0},
}

// Needs is what the permission cannot be used without.
func (i StaffInfo) Needs() StaffSet { return i.needs }

// Set is the permission alone.
func (i StaffInfo) Set() StaffSet { return 1 << i.Bit }

var everyStaffPermission = func() (s StaffSet) {
	for _, i := range StaffPermissions {
		s |= 1 << i.Bit
	}
	return s
}()

func staffPermissionByKey(key string) (StaffInfo, bool) {
	for _, i := range StaffPermissions {
		if i.Key == key {
			return i, true
		}
	}
	return StaffInfo{}, false
}

// onAccounts is what the set gives on every account, and whether it lets its
// holder do what only owners may.
func (s StaffSet) onAccounts() (gives Set, owner bool) {
	for _, i := range StaffPermissions {
		if s.Has(i.Bit) {
			gives |= i.on
		}
	}
	return gives, s.Has(StaffOwn)
}

// A StaffRole is a named set of permissions of operators that every
// installation has.
type StaffRole struct {
	Key    string
	Label  string
	Allows string
	Set    StaffSet
}

// StaffRoles lists the built-in roles of operators, the widest first.
var StaffRoles = []StaffRole{
	{"administrator", "Administrator", "May do everything.", everyStaffPermission},
	{"support", "Support", "Helps people and accounts, and looks over a customer's shoulder.", staffSet(StaffLook, StaffHelp, StaffManageAccounts, StaffRecover, StaffViewAs, StaffActAs, StaffReadMail)},
	{"billing", "Billing", "Keeps accounts' details in order, and reads what was mailed.", staffSet(StaffLook, StaffManageAccounts, StaffViewAs, StaffReadMail)},
	{"readonly", "Read only", "Sees accounts, people, the log and the system, and changes nothing.", staffSet(StaffLook, StaffReadLog, StaffSeeSystem)},
}

// mustRole is the set of a built-in role of accounts.
func mustRole(key string) Set {
	r, ok := RoleByKey(key)
	if !ok {
		panic("access: no built-in role " + key)
	}
	return r.Set
}

// StaffRoleByKey finds a built-in role of operators.
func StaffRoleByKey(key string) (StaffRole, bool) {
	for _, r := range StaffRoles {
		if r.Key == key {
			return r, true
		}
	}
	return StaffRole{}, false
}

// StaffHolding is what an operator holds: by a built-in role, or by one of the
// installation's own. Own is empty for a built-in role, and whoever has neither
// holds nothing.
type StaffHolding struct {
	Role string
	Own  db.Null[StaffSet]
}

// StaffHoldingSQL reads a StaffHolding for a row s of staff.
const StaffHoldingSQL = "s.role, (SELECT r.permissions FROM staff_roles r WHERE r.id = s.role_id) AS own"

// Set is what the operator may do.
func (h StaffHolding) Set() StaffSet {
	if h.Own.Valid {
		return h.Own.V.Closed().Known()
	}
	r, _ := StaffRoleByKey(h.Role)
	return r.Set
}

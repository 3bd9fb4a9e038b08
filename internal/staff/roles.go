package staff

import (
	"context"
	"errors"
	"strings"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A Role is what an operator is given: a built-in role, or one of the
// installation's own. Exactly one of the two is set.
type Role struct {
	BuiltIn string
	Own     id.StaffRole
}

// Key is the role as forms send it and records keep it.
func (r Role) Key() string {
	if r.Own != 0 {
		return "role-" + id.String(r.Own)
	}
	return r.BuiltIn
}

var errNoRole = fault.Field("role", "Choose one of the roles.")

// ParseRole reads the choice of a role: a built-in role's key, or "role-" and
// the number of an own one.
func ParseRole(choice string) (Role, error) {
	if _, ok := access.StaffRoleByKey(choice); ok {
		return Role{BuiltIn: choice}, nil
	}
	if number, ok := strings.CutPrefix(choice, "role-"); ok {
		if n, err := id.Parse[id.StaffRole](number); err == nil {
			return Role{Own: n}, nil
		}
	}
	return Role{}, errNoRole
}

// within refuses a role that is not there, and one that allows more than its
// giver may.
func (r Role) within(tx *db.Tx, may access.StaffSet) error {
	given, ok := access.StaffRoleByKey(r.BuiltIn)
	if !ok {
		own, err := ownRole(tx, r.Own)
		if fault.Is(err, fault.NotFound) {
			return fault.Field("role", "This role is no longer there. Choose another.")
		}
		if err != nil {
			return err
		}
		given.Set = own.Set()
	}
	if !given.Set.Within(may) {
		return errExceeds
	}
	return nil
}

// An OwnRole is a role that the installation has made for its operators.
type OwnRole struct {
	ID          id.StaffRole
	Name        string
	Permissions access.StaffSet
	Holders     int64
}

// Set is what the role allows.
func (r OwnRole) Set() access.StaffSet { return r.Permissions.Closed().Known() }

const ownRoleSQL = "SELECT r.id, r.name, r.permissions, (SELECT COUNT(*) FROM staff s WHERE s.role_id = r.id) AS holders FROM staff_roles r"

func ownRole(tx *db.Tx, number id.StaffRole) (OwnRole, error) {
	r, err := db.One[OwnRole](tx, ownRoleSQL+" WHERE r.id = $1", number)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing()
	}
	return r, err
}

// OwnRoles lists the installation's own roles of operators.
func (s *Staff) OwnRoles(ctx context.Context, by For[ManageStaff]) (list []OwnRole, err error) {
	defer fault.Wrap(&err, "staff.OwnRoles")
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = db.All[OwnRole](tx, ownRoleSQL+" ORDER BY r.name")
		return err
	})
	return list, err
}

// OwnRole reads one of the installation's own roles.
func (s *Staff) OwnRole(ctx context.Context, by For[ManageStaff], number id.StaffRole) (r OwnRole, err error) {
	defer fault.Wrap(&err, "staff.OwnRole(%d)", number)
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		r, err = ownRole(tx, number)
		return err
	})
	return r, err
}

// A RoleForm is a role as it is typed.
type RoleForm struct {
	Name        string
	Permissions []string
	Seen        string // the stamp of the role that stood before her eyes
}

// read checks what is typed of a role.
func (f RoleForm) read() (name string, set access.StaffSet, err error) {
	var bad fault.Form
	name, err = plain.Name(f.Name)
	if !bad.Take("name", err) && isBuiltIn(name) {
		bad.Add("name", "There is a built-in role of this name. Choose another.")
	}
	set, unknown := access.ParseStaffSet(f.Permissions)
	switch {
	case len(unknown) > 0:
		bad.Add("permissions", "There is no such permission. Reload the page and try again.")
	case set == 0:
		bad.Add("permissions", "Choose at least one permission.")
	}
	return name, set, bad.Err()
}

func isBuiltIn(name string) bool {
	for _, r := range access.StaffRoles {
		if strings.EqualFold(r.Label, name) {
			return true
		}
	}
	return false
}

// exceeds is errExceeds for single permissions.
var exceeds = fault.New(fault.Denied, "grant-exceeds-own", "You cannot put into a role what you may not do yourself.")

var errRoleName = fault.Field("name", "There is a role of this name already. Choose another.")

// AddRole makes a role of the installation's own, within what its maker may
// do herself.
func (s *Staff) AddRole(ctx context.Context, by For[ManageStaff], f RoleForm) (number id.StaffRole, err error) {
	defer fault.Wrap(&err, "staff.AddRole")
	name, set, err := f.read()
	if err != nil {
		return 0, err
	}
	err = s.manage(ctx, by, func(tx *db.Tx, may access.StaffSet) error {
		if !set.Within(may) {
			return exceeds
		}
		number, err = db.One[id.StaffRole](tx, "INSERT INTO staff_roles (name, permissions, created_at) VALUES ($1, $2, $3) RETURNING id", name, set, tx.Now)
		if db.Exists(err) {
			return errRoleName
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.role_added", Object: "staff_role", ObjectID: int64(number), After: set.Keys()})
	})
	return number, err
}

// Stamp tells one state of a role from another.
func (r OwnRole) Stamp() string {
	return auth.HashToken(r.Name + "\x00" + strings.Join(r.Set().Keys(), " "))[:16]
}

// ChangeRole changes one of the installation's own roles, for everybody who
// has it with her next request. Where somebody else has changed it since the
// form was opened, the operator is told instead of overwriting it. Nobody changes the role that she has herself,
// nor one that allows more than she may do.
func (s *Staff) ChangeRole(ctx context.Context, by For[ManageStaff], number id.StaffRole, f RoleForm) (err error) {
	defer fault.Wrap(&err, "staff.ChangeRole(%d)", number)
	name, set, err := f.read()
	if err != nil {
		return err
	}
	return s.manageRole(ctx, by, number, func(tx *db.Tx, may access.StaffSet, was OwnRole) error {
		if f.Seen != "" && f.Seen != was.Stamp() {
			return fault.New(fault.Conflict, "changed-meanwhile", "Somebody else changed this role while you were editing. Look at it again and repeat your change.")
		}
		if !set.Within(may) {
			return exceeds
		}
		_, err := db.Exec(tx, "UPDATE staff_roles SET name = $2, permissions = $3 WHERE id = $1", number, name, set)
		if db.Exists(err) {
			return errRoleName
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.role_changed", Object: "staff_role", ObjectID: int64(number), Before: was.Set().Keys(), After: set.Keys()})
	})
}

// RemoveRole removes a role that nobody has.
func (s *Staff) RemoveRole(ctx context.Context, by For[ManageStaff], number id.StaffRole) (err error) {
	defer fault.Wrap(&err, "staff.RemoveRole(%d)", number)
	return s.manageRole(ctx, by, number, func(tx *db.Tx, _ access.StaffSet, was OwnRole) error {
		holders, err := db.All[string](tx, "SELECT name FROM staff WHERE role_id = $1 ORDER BY name, id LIMIT 10", number)
		if err != nil {
			return err
		}
		if len(holders) > 0 {
			return fault.New(fault.Conflict, "role-in-use", "This role is in use, so it was not removed. Give another one first to: "+strings.Join(holders, ", ")+".")
		}
		if _, err := db.Exec(tx, "DELETE FROM staff_roles WHERE id = $1", number); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.role_removed", Object: "staff_role", ObjectID: int64(number), Before: was.Set().Keys()})
	})
}

// manageRole is manage for what is done to one of the installation's roles.
func (s *Staff) manageRole(ctx context.Context, by For[ManageStaff], number id.StaffRole, fn func(tx *db.Tx, may access.StaffSet, was OwnRole) error) error {
	return s.manage(ctx, by, func(tx *db.Tx, may access.StaffSet) error {
		was, err := ownRole(tx, number)
		if err != nil {
			return err
		}
		me, err := s.operator(tx, by.staff)
		switch {
		case err != nil:
			return err
		case me.RoleID.V == number:
			return fault.New(fault.Denied, "own-staff", "This is your own role, and nobody changes what she may do herself. Ask another operator who manages staff.")
		case !was.Set().Within(may):
			return fault.New(fault.Denied, "target-exceeds-own", "This role allows something that you may not do yourself, so you cannot change it.")
		}
		return fn(tx, may, was)
	})
}

package backoffice

import (
	"net/http"

	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountRoles mounts the pages of the roles that operators can have.
func (b *Backoffice) mountRoles(m *web.Mux) {
	web.Staff(m, "GET /staff/roles", b.roles)
	web.Staff(m, "GET /staff/roles/new", b.newRole)
	web.Staff(m, "POST /staff/roles", b.addRole, web.StepUp, web.Audits("staff.role_added"), web.Repeats("permissions"))
	web.Staff(m, "GET /staff/roles/{role}", b.role)
	web.Staff(m, "POST /staff/roles/{role}", b.changeRole, web.StepUp, web.Audits("staff.role_changed"), web.Repeats("permissions"))
	web.Staff(m, "POST /staff/roles/{role}/remove", b.removeRole, web.StepUp, web.Audits("staff.role_removed"))
}

func rolePath(n id.StaffRole) string { return "/staff/roles/" + id.String(n) }

func (b *Backoffice) roles(r *web.Request, by staff.For[staff.ManageStaff]) error {
	own, err := b.Staff.OwnRoles(r.Context(), by)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, rolesPage(page(r, "Staff roles"), own))
}

// A roleForm is a role of operators as it was typed.
type roleForm struct {
	staff.OwnRole
	Choice    web.StaffChoice
	Name      string
	Seen      string // the state of the role that is changed
	Meanwhile bool   // somebody else has changed it at the same time
	Errors    map[string]string
	Above     string
}

func typedRole(r *web.Request) staff.RoleForm {
	return staff.RoleForm{Name: r.Value("name"), Permissions: r.Values("permissions"), Seen: r.Value("seen")}
}

func (f roleForm) wrong(typed staff.RoleForm, cause error) roleForm {
	f.Name, f.Choice.Keys = typed.Name, typed.Permissions
	f.Errors, f.Above = problems(cause)
	f.Choice.Error = f.Errors["permissions"]
	if f.Meanwhile = isMeanwhile(cause); f.Meanwhile {
		f.Above = meanwhileText
	} else {
		f.Seen = typed.Seen
	}
	return f
}

func (b *Backoffice) newRole(r *web.Request, by staff.For[staff.ManageStaff]) error {
	return b.showNewRole(r, by, nil)
}

func (b *Backoffice) showNewRole(r *web.Request, by staff.For[staff.ManageStaff], cause error) error {
	f := roleForm{Choice: web.StaffChoice{Held: by.May()}}
	if cause != nil {
		f = f.wrong(typedRole(r), cause)
	}
	return r.RenderAgain(cause, newRolePage(page(r, "Add a role"), f))
}

func (b *Backoffice) addRole(r *web.Request, by staff.For[staff.ManageStaff]) error {
	number, err := b.Staff.AddRole(r.Context(), by, typedRole(r))
	if web.Mendable(err) {
		return b.showNewRole(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The role is added. Give it to somebody under People.")
	return r.Redirect(rolePath(number))
}

func (b *Backoffice) role(r *web.Request, by staff.For[staff.ManageStaff]) error {
	return b.showRole(r, by, nil, false)
}

// showRole shows a role, with what was wrong with what was typed of it.
func (b *Backoffice) showRole(r *web.Request, by staff.For[staff.ManageStaff], cause error, typed bool) error {
	number, err := web.PathID[id.StaffRole](r, "role")
	if err != nil {
		return err
	}
	f := roleForm{}
	if f.OwnRole, err = b.Staff.OwnRole(r.Context(), by, number); err != nil {
		return err
	}
	f.Seen = f.OwnRole.Stamp()
	f.Name, f.Choice = f.OwnRole.Name, web.StaffChoice{Keys: f.Set().Keys(), Held: by.May()}
	switch {
	case typed:
		f = f.wrong(typedRole(r), cause)
	case cause != nil:
		_, f.Above = problems(cause)
	}
	return r.RenderAgain(cause, rolePage(page(r, f.OwnRole.Name+" · Staff roles"), f))
}

func (b *Backoffice) changeRole(r *web.Request, by staff.For[staff.ManageStaff]) error {
	number, err := web.PathID[id.StaffRole](r, "role")
	if err != nil {
		return err
	}
	err = b.Staff.ChangeRole(r.Context(), by, number, typedRole(r))
	if web.Mendable(err) {
		return b.showRole(r, by, err, true)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The role is changed, for everybody who has it.")
	return r.Redirect("/staff/roles")
}

func (b *Backoffice) removeRole(r *web.Request, by staff.For[staff.ManageStaff]) error {
	number, err := web.PathID[id.StaffRole](r, "role")
	if err != nil {
		return err
	}
	err = b.Staff.RemoveRole(r.Context(), by, number)
	if web.Mendable(err) {
		return b.showRole(r, by, err, false)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The role is removed.")
	return r.Redirect("/staff/roles")
}

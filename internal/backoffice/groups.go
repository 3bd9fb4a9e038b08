package backoffice

import (
	"net/http"

	"clientele/internal/account"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountGroups mounts what the operator sorts accounts by, and the fields that
// are added to them.
func (b *Backoffice) mountGroups(m *web.Mux) {
	web.Staff(m, "GET /staff/groups", b.groups)
	web.Staff(m, "POST /staff/groups", b.addGroup, web.Audits("group.added"))
	web.Staff(m, "POST /staff/groups/{group}", b.changeGroup, web.Audits("group.changed"))
	web.Staff(m, "POST /staff/groups/{group}/remove", b.removeGroup, web.Audits("group.removed"))
	web.Staff(m, "GET /staff/fields", b.fields)
	web.Staff(m, "GET /staff/fields/new", b.newField)
	web.Staff(m, "POST /staff/fields", b.addField, web.Audits("field.added"))
	web.Staff(m, "GET /staff/fields/{field}", b.field)
	web.Staff(m, "POST /staff/fields/{field}", b.changeField, web.Audits("field.changed"))
	web.Staff(m, "POST /staff/fields/{field}/up", b.moveField, web.Audits("field.changed"))
	web.Staff(m, "POST /staff/fields/{field}/remove", b.removeField, web.Audits("field.removed"))
}

// A groupForm is a group as somebody typed it.
type groupForm struct {
	Number       id.Group // 0: a new one
	Name, Colour string
	Errors       map[string]string
	Above        string
}

func (b *Backoffice) groups(r *web.Request, by staff.For[staff.Configure]) error {
	return b.showGroups(r, by, groupForm{}, nil)
}

func (b *Backoffice) showGroups(r *web.Request, by staff.For[staff.Configure], f groupForm, cause error) error {
	look, _ := staff.Also[staff.Look](by)
	list, err := b.Staff.Groups(r.Context(), look)
	if err != nil {
		return err
	}
	f.Errors, f.Above = problems(cause)
	return r.RenderAgain(cause, groupsPage(page(r, "Account groups"), list, f))
}

func (b *Backoffice) saveGroup(r *web.Request, by staff.For[staff.Configure], number id.Group) error {
	f := groupForm{Number: number, Name: r.Value("name"), Colour: r.Value("colour")}
	g, err := staff.ParseGroup(f.Name, f.Colour)
	if err == nil {
		g.ID = number
		err = b.Staff.SaveGroup(r.Context(), by, g)
	}
	if web.Mendable(err) {
		return b.showGroups(r, by, f, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The group "+g.Name+" is saved.")
	return r.Redirect("/staff/groups")
}

func (b *Backoffice) addGroup(r *web.Request, by staff.For[staff.Configure]) error {
	return b.saveGroup(r, by, 0)
}

func (b *Backoffice) changeGroup(r *web.Request, by staff.For[staff.Configure]) error {
	number, err := web.PathID[id.Group](r, "group")
	if err != nil {
		return err
	}
	return b.saveGroup(r, by, number)
}

func (b *Backoffice) removeGroup(r *web.Request, by staff.For[staff.Configure]) error {
	number, err := web.PathID[id.Group](r, "group")
	if err != nil {
		return err
	}
	if err := b.Staff.RemoveGroup(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "The group is removed. Its accounts are in none now.")
	return r.Redirect("/staff/groups")
}

// A fieldForm is a field as somebody typed it.
type fieldForm struct {
	account.TypedField
	Number   id.Field // 0: a new one
	Accounts int64    // how many have something in it
	Errors   map[string]string
	Above    string
}

// path is where the form goes.
func (f fieldForm) path() string {
	if f.Number == 0 {
		return "/staff/fields"
	}
	return "/staff/fields/" + id.String(f.Number)
}

func (f fieldForm) title() string {
	if f.Number == 0 {
		return "New field"
	}
	return f.Name
}

func (b *Backoffice) fields(r *web.Request, by staff.For[staff.Configure]) error {
	look, _ := staff.Also[staff.Look](by)
	list, err := b.Staff.Fields(r.Context(), look)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, fieldsPage(page(r, "Account fields"), list))
}

// theField finds the field in the path.
func (b *Backoffice) theField(r *web.Request, by staff.For[staff.Configure]) (f staff.FieldUse, err error) {
	number, err := web.PathID[id.Field](r, "field")
	if err != nil {
		return f, err
	}
	return b.Staff.Field(r.Context(), by, number)
}

func showField(r *web.Request, f fieldForm, cause error) error {
	f.Errors, f.Above = problems(cause)
	return r.RenderAgain(cause, fieldPage(page(r, f.title()), f))
}

func (b *Backoffice) newField(r *web.Request, _ staff.For[staff.Configure]) error {
	return showField(r, fieldForm{TypedField: account.TypedField{Kind: "text"}}, nil)
}

func (b *Backoffice) field(r *web.Request, by staff.For[staff.Configure]) error {
	d, err := b.theField(r, by)
	if err != nil {
		return err
	}
	return showField(r, fieldForm{TypedField: account.TypedField{
		Name: d.Name, Kind: d.Kind, Description: d.Description, Options: d.Options, Pattern: d.Pattern, StaffOnly: d.StaffOnly, Required: d.Required,
	}, Number: d.ID, Accounts: d.Accounts}, nil)
}

func (b *Backoffice) saveField(r *web.Request, by staff.For[staff.Configure], f fieldForm) error {
	f.TypedField = account.TypedField{
		Name: r.Value("name"), Kind: r.Value("kind"), Description: r.Value("description"), Options: r.Value("options"), Pattern: r.Value("pattern"),
		StaffOnly: r.Ticked("staff_only"), Required: r.Ticked("required"),
	}
	d, err := f.Parse()
	if err == nil {
		d.ID = f.Number
		err = b.Staff.SaveField(r.Context(), by, d)
	}
	if web.Mendable(err) {
		return showField(r, f, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The field "+d.Name+" is saved.")
	return r.Redirect("/staff/fields")
}

func (b *Backoffice) addField(r *web.Request, by staff.For[staff.Configure]) error {
	return b.saveField(r, by, fieldForm{})
}

func (b *Backoffice) changeField(r *web.Request, by staff.For[staff.Configure]) error {
	d, err := b.theField(r, by)
	if err != nil {
		return err
	}
	return b.saveField(r, by, fieldForm{Number: d.ID, Accounts: d.Accounts})
}

func (b *Backoffice) moveField(r *web.Request, by staff.For[staff.Configure]) error {
	d, err := b.theField(r, by)
	if err != nil {
		return err
	}
	if err := b.Staff.MoveField(r.Context(), by, d.ID); err != nil {
		return err
	}
	r.Say(ui.Good, "The field "+d.Name+" stands further up now.")
	return r.Redirect("/staff/fields")
}

func (b *Backoffice) removeField(r *web.Request, by staff.For[staff.Configure]) error {
	d, err := b.theField(r, by)
	if err != nil {
		return err
	}
	if err := b.Staff.RemoveField(r.Context(), by, d.ID); err != nil {
		return err
	}
	r.Say(ui.Good, "The field "+d.Name+" is removed, with what "+count(d.Accounts, "account", "accounts")+" had in it.")
	return r.Redirect("/staff/fields")
}

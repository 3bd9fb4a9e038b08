package backoffice

import (
	"context"
	"net/http"

	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountStaff mounts the pages of the operators themselves.
func (b *Backoffice) mountStaff(m *web.Mux) {
	web.Staff(m, "GET /staff/people", b.operators)
	web.Staff(m, "GET /staff/people/new", b.newOperator)
	web.Staff(m, "POST /staff/people", b.addOperator, web.StepUp, web.Audits("staff.invited"))
	web.Staff(m, "GET /staff/people/{operator}", b.operator)
	web.Staff(m, "POST /staff/people/{operator}/role", b.setOperatorRole, web.StepUp, web.Audits("staff.role_given"))
	for _, s := range steps {
		web.Staff(m, "POST /staff/people/{operator}/"+s.path, b.doStep(s), web.StepUp, web.Audits(s.event))
	}
}

// A step is what is done to one operator with one click.
type step struct {
	path, event, said string
	gone              bool // she stands in the list no more
	do                func(*staff.Staff, context.Context, staff.For[staff.ManageStaff], id.Staff) error
}

var steps = []step{
	{path: "suspend", event: "staff.suspended", said: "The operator is suspended, and signed out everywhere.", do: (*staff.Staff).Suspend},
	{path: "restore", event: "staff.restored", said: "The operator may sign in again.", do: (*staff.Staff).Restore},
	{path: "reset", event: "staff.reset", said: "The sign-in is reset. A link to set it up anew is on its way to the operator.", do: (*staff.Staff).Reset},
	{path: "sign-out", event: "staff.signed_out_all", said: "The operator is signed out everywhere.", do: (*staff.Staff).SignOutEverywhere},
	{path: "resend", event: "staff.link_sent", said: "A new link is on its way. The old one works no more.", do: (*staff.Staff).Resend},
	{path: "withdraw", event: "staff.withdrawn", said: "The invitation is withdrawn. Its link works no more.", gone: true, do: (*staff.Staff).Withdraw},
}

func (b *Backoffice) doStep(s step) func(*web.Request, staff.For[staff.ManageStaff]) error {
	return func(r *web.Request, by staff.For[staff.ManageStaff]) error {
		who, err := web.PathID[id.Staff](r, "operator")
		if err != nil {
			return err
		}
		if err := s.do(b.Staff, r.Context(), by, who); err != nil {
			return err
		}
		r.Say(ui.Good, s.said)
		if s.gone {
			return r.Redirect("/staff/people")
		}
		return r.Redirect(operatorPath(who))
	}
}

func operatorPath(s id.Staff) string { return "/staff/people/" + id.String(s) }

// staffTabs are the two sides of who runs the installation.
func staffTabs(current string) []ui.NavItem {
	return []ui.NavItem{
		{Label: "People", Href: "/staff/people", Current: current == "People"},
		{Label: "Roles", Href: "/staff/roles", Current: current == "Roles"},
	}
}

func (b *Backoffice) operators(r *web.Request, by staff.For[staff.ManageStaff]) error {
	list, err := b.Staff.People(r.Context(), by)
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, operatorsPage(page(r, "Staff"), list, by.Staff(), r.Now()))
}

// An operatorForm is an operator's page, or the form that adds one, as it was
// typed.
type operatorForm struct {
	staff.Operator
	Me        bool // it is her own page
	MayChange bool
	Typed     typedOperator
	Own       []staff.OwnRole
	May       staff.For[staff.ManageStaff]
	Errors    map[string]string
	Above     string
	Kept      bool // mail does not leave this installation
}

type typedOperator struct{ Name, Address, Role string }

func (b *Backoffice) newOperator(r *web.Request, by staff.For[staff.ManageStaff]) error {
	return b.showNewOperator(r, by, nil)
}

func (b *Backoffice) showNewOperator(r *web.Request, by staff.For[staff.ManageStaff], cause error) (err error) {
	f := operatorForm{May: by, Kept: !b.Outbox.Sends(), Typed: typedOperator{r.Value("name"), r.Value("address"), r.Value("role")}}
	if cause != nil {
		f.Errors, f.Above = problems(cause)
	}
	if f.Own, err = b.Staff.OwnRoles(r.Context(), by); err != nil {
		return err
	}
	return r.RenderAgain(cause, newOperatorPage(page(r, "Add an operator"), f))
}

func (b *Backoffice) addOperator(r *web.Request, by staff.For[staff.ManageStaff]) error {
	address, badAddress := readAddress(r)
	role, badRole := staff.ParseRole(r.Value("role"))
	err := web.Join(badAddress, badRole)
	var number id.Staff
	if err == nil {
		number, err = b.Staff.Invite(r.Context(), by, staff.Hire{Name: r.Value("name"), Address: address, Role: role})
	}
	if web.Mendable(err) {
		return b.showNewOperator(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "A link is on its way to "+address.Shown()+".")
	return r.Redirect(operatorPath(number))
}

func (b *Backoffice) operator(r *web.Request, by staff.For[staff.ManageStaff]) error {
	return b.showOperator(r, by, nil)
}

func (b *Backoffice) showOperator(r *web.Request, by staff.For[staff.ManageStaff], cause error) error {
	who, err := web.PathID[id.Staff](r, "operator")
	if err != nil {
		return err
	}
	f := operatorForm{May: by, Me: who == by.Staff(), Kept: !b.Outbox.Sends()}
	if f.Operator, err = b.Staff.Operator(r.Context(), by, who); err != nil {
		return err
	}
	f.MayChange, f.Typed.Role = by.MayChange(f.Operator), f.Chosen().Key()
	if cause != nil {
		f.Errors, f.Above = problems(cause)
		f.Typed.Role = r.Value("role")
	}
	if f.Own, err = b.Staff.OwnRoles(r.Context(), by); err != nil {
		return err
	}
	return r.RenderAgain(cause, operatorPage(page(r, f.Name+" · Staff"), f, r.Now()))
}

func (b *Backoffice) setOperatorRole(r *web.Request, by staff.For[staff.ManageStaff]) error {
	who, err := web.PathID[id.Staff](r, "operator")
	if err != nil {
		return err
	}
	role, err := staff.ParseRole(r.Value("role"))
	if err == nil {
		err = b.Staff.SetRole(r.Context(), by, who, role)
	}
	if web.Mendable(err) {
		return b.showOperator(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The role is changed. It holds at once.")
	return r.Redirect(operatorPath(who))
}

// state is how an operator stands, in a word and a colour.
func state(o staff.Operator) (ui.Kind, string) {
	switch {
	case o.Suspended():
		return ui.Bad, "Suspended"
	case !o.Joined && o.SignedInAt.Valid:
		return ui.Warn, "Reset"
	case !o.Joined:
		return ui.Info, "Invited"
	case !o.Factors().Any():
		return ui.Warn, "No second factor yet"
	}
	return ui.Good, "Active"
}

// factorWords says which second factors there are.
func factorWords(o staff.Operator) string {
	f := o.Factors()
	switch {
	case !f.Any():
		return "None"
	case f.Apps == 0:
		return count(f.Passkeys, "passkey", "passkeys")
	case f.Passkeys == 0:
		return count(f.Apps, "app", "apps")
	}
	return count(f.Passkeys, "passkey", "passkeys") + ", " + count(f.Apps, "app", "apps")
}

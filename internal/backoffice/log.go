package backoffice

import (
	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountLog mounts the log: the whole of it, an account's and a user's.
func (b *Backoffice) mountLog(m *web.Mux) {
	web.Staff(m, "GET /staff/activity", b.readLog)
	web.Staff(m, "POST /staff/activity/export", b.exportLog, web.StepUp, web.Audits("log.exported"))
	web.Staff(m, "GET /staff/accounts/{account}/activity", b.activity)
	web.Staff(m, "POST /staff/accounts/{account}/activity/export", b.exportActivity, web.StepUp, web.Audits("log.exported"))
	web.Staff(m, "GET /staff/users/{user}/activity", b.userActivity)
	web.Staff(m, "POST /staff/users/{user}/activity/export", b.exportUserActivity, web.StepUp, web.Audits("log.exported"))
}

// adapt leads from the log to the accounts and users that it names, and offers
// what the operator may take along.
func adapt(r *web.Request, a *web.Activity) {
	a.AccountPath, a.UserPath = accountPath, userPath
	_, err := staff.Check[staff.ReadLog](r.Operator())
	a.Exports = err == nil
}

func (b *Backoffice) readLog(r *web.Request, by staff.For[staff.ReadLog]) error {
	a, err := web.ReadActivity(r, b.Staff.Log(by, b.Log))
	if err != nil {
		return err
	}
	adapt(r, &a)
	return r.RenderAgain(a.Cause, logPage(page(r, "Activity"), a))
}

func (b *Backoffice) exportLog(r *web.Request, by staff.For[staff.ReadLog]) error {
	return web.ExportActivity(r, b.Staff.Log(by, b.Log))
}

func (b *Backoffice) activity(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.ViewActivity](b, r, by)
	if err != nil {
		return err
	}
	a, err := web.ReadActivity(r, b.Accounts.Log(acc))
	if err != nil {
		return err
	}
	adapt(r, &a)
	a.Account = id.String(acc.Account())
	return r.RenderAgain(a.Cause, activityPage(newSheet(r, acc, "Activity", "Activity"), a))
}

func (b *Backoffice) exportActivity(r *web.Request, by staff.For[staff.ReadLog]) error {
	acc, err := open[access.ViewActivity](b, r, by)
	if err != nil {
		return err
	}
	return web.ExportActivity(r, b.Accounts.Log(acc))
}

// userLog is the log of the user in the path.
func (b *Backoffice) userLog(r *web.Request, by staff.For[staff.Look]) (u id.User, v audit.View, name string, err error) {
	if u, err = web.PathID[id.User](r, "user"); err != nil {
		return u, v, "", err
	}
	v, name, err = b.Staff.LogOf(r.Context(), by, b.Log, u)
	return u, v, name, err
}

func (b *Backoffice) userActivity(r *web.Request, by staff.For[staff.Look]) error {
	u, v, name, err := b.userLog(r, by)
	if err != nil {
		return err
	}
	a, err := web.ReadActivity(r, v)
	if err != nil {
		return err
	}
	adapt(r, &a)
	return r.RenderAgain(a.Cause, userActivityPage(page(r, "Activity · "+name), name, userPath(u), a))
}

func (b *Backoffice) exportUserActivity(r *web.Request, by staff.For[staff.ReadLog]) error {
	look, ok := staff.Also[staff.Look](by)
	if !ok {
		return fault.Missing()
	}
	_, v, _, err := b.userLog(r, look)
	if err != nil {
		return err
	}
	return web.ExportActivity(r, v)
}

// backTo leads from a user's activity to her page.
func backTo(name, path string) []ui.NavItem {
	return []ui.NavItem{{Label: name, Href: path}, {Label: "Activity", Href: path + "/activity", Current: true}}
}

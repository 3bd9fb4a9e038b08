package backoffice

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountImpersonations mounts how an operator looks at an account as one of its
// people, acts there, and ends it.
func (b *Backoffice) mountImpersonations(m *web.Mux) {
	const begin = "/staff/users/{user}/impersonate/{account}"
	web.Staff(m, "GET "+begin, b.look, web.StepUp)
	web.Staff(m, "POST "+begin, b.startLook, web.StepUp, web.Audits("impersonation.started"))
	web.Staff(m, "GET /staff/impersonations", b.looksNow)
	web.Staff(m, "POST /staff/impersonation/act", b.actLook, web.StepUp, web.Audits("impersonation.acting"))
	web.Staff(m, "POST /staff/impersonation/end", b.endLook, web.Audits("impersonation.ended"))
	web.Staff(m, "POST /staff/impersonations/{impersonation}/end", b.endOtherLook, web.Audits("impersonation.ended"))
}

// lookPath is where one begins to look as a user, from a page to come back to.
func lookPath(u id.User, account, from string) string {
	return userPath(u) + "/impersonate/" + account + "?" + url.Values{"from": {from}}.Encode()
}

// A lookView is the page on which one begins to look as somebody.
type lookView struct {
	staff.Subject
	User    id.User
	Number  id.Account
	From    string
	Reason  string
	Problem string
	Above   string
}

func (b *Backoffice) look(r *web.Request, by staff.For[staff.ViewAs]) error {
	return b.showLook(r, by, nil)
}

func (b *Backoffice) showLook(r *web.Request, by staff.For[staff.ViewAs], cause error) error {
	u, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	a, err := web.PathID[id.Account](r, "account")
	if err != nil {
		return err
	}
	subject, err := b.Looks.Subject(r.Context(), by, u, a)
	if err != nil {
		return err
	}
	fields, above := web.FieldErrors(cause)
	v := lookView{Subject: subject, User: u, Number: a, From: within(r.Value("from")), Reason: r.Value("reason"), Problem: fields["reason"], Above: above}
	return r.RenderAgain(cause, lookPage(page(r, "Look as "+subject.User.Name), v))
}

func (b *Backoffice) startLook(r *web.Request, by staff.For[staff.ViewAs]) error {
	u, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	a, err := web.PathID[id.Account](r, "account")
	if err != nil {
		return err
	}
	token, err := b.Looks.Start(r.Context(), by, u, a, r.Value("reason"), within(r.Value("from")))
	if web.Mendable(err) {
		return b.showLook(r, by, err)
	}
	if err != nil {
		return err
	}
	r.StartLook(token)
	return r.Redirect("/a/" + id.String(a))
}

// A looksView lists who looks as whom.
type looksView struct {
	Own    *access.Impersonation // this session's
	Others []access.Impersonation
	MayAct bool
	MayEnd bool // what others look at
	Now    time.Time
}

func (b *Backoffice) looksNow(r *web.Request, by staff.For[staff.SeeLooks]) error {
	list, err := b.Looks.Running(r.Context(), by)
	if err != nil {
		return err
	}
	v := looksView{Now: r.Now()}
	_, v.MayAct = staff.Also[staff.ActAs](by)
	_, v.MayEnd = staff.Also[staff.ManageStaff](by)
	for _, i := range list {
		if by.IsOwn(i) {
			v.Own = &i
			continue
		}
		v.Others = append(v.Others, i)
	}
	return r.Render(http.StatusOK, looksPage(page(r, "Impersonations"), v))
}

// actLook is the second step: from now on changes are made.
func (b *Backoffice) actLook(r *web.Request, by staff.For[staff.ActAs]) error {
	i, err := b.Looks.Act(r.Context(), by)
	if err != nil {
		return err
	}
	front := "/a/" + id.String(i.AccountID)
	back := web.SafeNext(r.Value("back"), front)
	if back != front && !strings.HasPrefix(back, front+"/") {
		back = front
	}
	return r.Redirect(back)
}

func (b *Backoffice) endLook(r *web.Request, by staff.For[staff.ViewAs]) error {
	origin, err := b.Looks.End(r.Context(), by)
	if err != nil {
		return err
	}
	r.EndLook()
	r.Say(ui.Good, "You no longer look as somebody else.")
	return r.Redirect(within(origin))
}

func (b *Backoffice) endOtherLook(r *web.Request, by staff.For[staff.ManageStaff]) error {
	number, err := web.PathID[id.Impersonation](r, "impersonation")
	if err != nil {
		return err
	}
	if err := b.Looks.EndOther(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "It is over. The operator is shut out with the next click.")
	return r.Redirect("/staff/impersonations")
}

// mode says what an impersonation may do.
func mode(i access.Impersonation) string {
	if i.Acts() {
		return "Acts"
	}
	return "Looks"
}

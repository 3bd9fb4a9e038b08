package backoffice

import (
	"context"
	"net/http"

	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountFactors mounts the removal of a lost second factor, step by step.
func (b *Backoffice) mountFactors(m *web.Mux) {
	const base = "POST /staff/users/{user}/factor-reset"
	web.Staff(m, base, b.startReset, web.StepUp, web.Audits("factor_reset.started"))
	web.Staff(m, base+"/approve", b.resetStep(b.Staff.ApproveFactorReset, "You have agreed. The factor can be removed when the time has passed."), web.StepUp, web.Audits("factor_reset.approved"))
	web.Staff(m, base+"/withdraw", b.resetStep(b.Staff.WithdrawFactorReset, "Given up. The second factor stays."), web.StepUp, web.Audits("factor_reset.withdrawn"))
	web.Staff(m, base+"/complete", b.resetStep(b.Staff.CompleteFactorReset, "The second factor is removed, and the user was told."), web.StepUp, web.Audits("factor_reset.done"))
}

func (b *Backoffice) startReset(r *web.Request, by staff.For[staff.Recover]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	err = b.Staff.StartFactorReset(r.Context(), by, number, r.Value("reason"))
	if web.Mendable(err) {
		fields, above := web.FieldErrors(err)
		look, _ := staff.Also[staff.Look](by)
		return b.showUser(r, look, number, err, func(v *userView) {
			v.Reset.form = resetForm{Reason: r.Value("reason"), Problem: fields["reason"] + above}
		})
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Begun. The user was told and can stop it; now somebody else has to agree.")
	return r.Redirect(userPath(number))
}

// A resetForm is the form that begins a removal, as it was typed.
type resetForm struct{ Reason, Problem string }

func (b *Backoffice) resetStep(do func(context.Context, staff.For[staff.Recover], id.User) error, said string) func(*web.Request, staff.For[staff.Recover]) error {
	return func(r *web.Request, by staff.For[staff.Recover]) error {
		number, err := web.PathID[id.User](r, "user")
		if err != nil {
			return err
		}
		if err := do(r.Context(), by, number); err != nil {
			return err
		}
		r.Say(ui.Good, said)
		return r.Redirect(userPath(number))
	}
}

// showUser shows a user's page, with what is wrong with a form on it, which
// typed fills in.
func (b *Backoffice) showUser(r *web.Request, by staff.For[staff.Look], number id.User, cause error, typed func(*userView)) error {
	v, err := b.viewUser(r, by, number)
	if err != nil {
		return err
	}
	if cause == nil {
		return r.Render(http.StatusOK, userPage(page(r, v.Name), v, r.Now()))
	}
	typed(&v)
	return r.RenderAgain(cause, userPage(page(r, v.Name), v, r.Now()))
}

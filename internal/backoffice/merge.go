package backoffice

import (
	"clientele/internal/id"
	"clientele/internal/merge"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountMerge mounts asking a person to bring two logins together. Only she does
// it.
func (b *Backoffice) mountMerge(m *web.Mux) {
	web.Staff(m, "POST /staff/users/{user}/merge", b.askMerge, web.StepUp, web.Audits("merge.started"))
	web.Staff(m, "POST /staff/users/{user}/merge/withdraw", b.withdrawMerge, web.StepUp, web.Audits("merge.withdrawn"))
}

// A mergeView is what is under way for a user's logins, with its form as it
// was typed.
type mergeView struct {
	merge.View
	Other, Reason               string
	OtherProblem, ReasonProblem string
}

func (v mergeView) typed() bool { return v.OtherProblem != "" || v.ReasonProblem != "" }

func (b *Backoffice) askMerge(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	other, _ := id.Parse[id.User](r.Value("other")) // 0 is nobody's
	err = b.Merges.Ask(r.Context(), by, number, other, r.Value("reason"))
	if web.Mendable(err) {
		fields, above := web.FieldErrors(err)
		look, _ := staff.Also[staff.Look](by)
		return b.showUser(r, look, number, err, func(v *userView) {
			v.Merge.Other, v.Merge.Reason = r.Value("other"), r.Value("reason")
			v.Merge.OtherProblem, v.Merge.ReasonProblem = fields["other"]+above, fields["reason"]
		})
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Both addresses have a mail. Nothing happens before the person has agreed with both logins.")
	return r.Redirect(userPath(number))
}

func (b *Backoffice) withdrawMerge(r *web.Request, by staff.For[staff.Help]) error {
	number, err := web.PathID[id.User](r, "user")
	if err != nil {
		return err
	}
	if err := b.Merges.Withdraw(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "Withdrawn. The links in the mails open nothing any more.")
	return r.Redirect(userPath(number))
}

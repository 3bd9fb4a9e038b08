package portal

import (
	"strconv"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/locale"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountPolicy mounts the page on which owners set what their account asks of
// everybody who enters it.
func (p *Portal) mountPolicy(m *web.Mux) {
	web.Account(m, "GET /a/{account}/people/policy", p.policy, web.StepUp)
	web.Account(m, "POST /a/{account}/people/policy", p.setPolicy, web.StepUp, web.Audits("account.policy_changed"), web.Repeats("ways"))
	web.Account(m, "POST /a/{account}/people/staff-look", p.setStaffLook, web.StepUp, web.Audits("account.staff_look_changed"))
}

// A policyForm is the policy's page with what was typed on it.
type policyForm struct {
	access.PolicyPage
	Ways   []string
	Second bool
	Grace  string
	Day    string // from when on a second factor is required, while that lies ahead
	Hours  string
	Errors map[string]string
	Above  string
}

func (p *Portal) policy(r *web.Request, by access.For[access.Own]) error {
	return p.showPolicy(r, by, nil)
}

func (p *Portal) showPolicy(r *web.Request, by access.For[access.Own], cause error) error {
	found, err := p.Memberships.Policy(r.Context(), by)
	if err != nil {
		return err
	}
	f := policyForm{PolicyPage: found, Second: found.SecondFrom.Valid, Hours: strconv.FormatInt(found.SessionHours, 10), Grace: "7"}
	if found.SecondFrom.Valid && found.SecondFrom.V.After(r.Now()) {
		f.Day, f.Grace = locale.Exact(found.SecondFrom.V), strconv.Itoa(access.AsSet)
	}
	for _, w := range found.Providers {
		if found.Allows(w.Way) {
			f.Ways = append(f.Ways, string(w.Way))
		}
	}
	if cause != nil {
		f.Ways, f.Second, f.Grace, f.Hours = r.Values("ways"), r.Ticked("second"), r.Value("grace_days"), r.Value("session_hours")
		f.Errors, f.Above = web.FieldErrors(cause)
	}
	page, err := accountPage(p, r, by, "Sign-in rules")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, policyPage(page, by.Account(), f, r.Now()))
}

func (p *Portal) setPolicy(r *web.Request, by access.For[access.Own]) error {
	typed, err := readPolicy(r)
	if err == nil {
		err = p.Memberships.SetPolicy(r.Context(), by, r.Me(), typed)
	}
	if web.Mendable(err) {
		return p.showPolicy(r, by, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The rules are set. They hold from the next click of everybody.")
	return r.Redirect(accountPath(by.Account()) + "/people/policy")
}

func readPolicy(r *web.Request) (out access.Policy, err error) {
	var f fault.Form
	for _, w := range r.Values("ways") {
		out.Ways = append(out.Ways, auth.Way(w))
	}
	out.Second = r.Ticked("second")
	if out.GraceDays, err = strconv.ParseInt(r.Value("grace_days"), 10, 64); err != nil {
		f.Add("grace_days", "Choose one of the periods in the list.")
	}
	if out.SessionHours, err = strconv.ParseInt(r.Value("session_hours"), 10, 64); err != nil {
		f.Add("session_hours", "Choose one of the lengths in the list.")
	}
	return out, f.Err()
}

func (p *Portal) setStaffLook(r *web.Request, by access.For[access.Own]) error {
	may := r.Ticked("may")
	if err := p.Memberships.SetStaffLook(r.Context(), by, may); err != nil {
		return err
	}
	if may {
		r.Say(ui.Good, "Staff may look at "+by.AccountName()+" as one of its people. Each time stands in the activity.")
	} else {
		r.Say(ui.Good, "Nobody of the staff looks at "+by.AccountName()+" as one of its people any more.")
	}
	return r.Redirect(accountPath(by.Account()) + "/people/policy")
}

package backoffice

import (
	"context"

	"clientele/internal/access"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountOwners mounts the way to a new owner where the owners are gone, step by
// step.
func (b *Backoffice) mountOwners(m *web.Mux) {
	const base = "/staff/accounts/{account}/owners"
	web.Staff(m, "GET "+base, b.lostOwners)
	web.Staff(m, "POST "+base, b.startOwners, web.StepUp, web.Audits("owner_recovery.started"))
	web.Staff(m, "POST "+base+"/approve", b.ownerStep(b.Owners.Agree, "You have agreed. It can be finished when the time has passed."), web.StepUp, web.Audits("owner_recovery.approved"))
	web.Staff(m, "POST "+base+"/withdraw", b.ownerStep(b.Owners.Withdraw, "Given up. Nobody becomes an owner."), web.StepUp, web.Audits("owner_recovery.withdrawn"))
	web.Staff(m, "POST "+base+"/complete", b.ownerStep(b.Owners.Complete, "Done. Everybody was told by mail."), web.StepUp, web.Audits("owner_recovery.done"))
}

// An ownersView is how the way to a new owner stands, with its form.
type ownersView struct {
	staff.OwnerRecovery
	Owners   []access.Member
	Others   []access.Member // who could become an owner
	Operator id.Staff
	Member   string // as it was chosen
	Typed    string // the address, as it was typed
	Why      string
	Errors   map[string]string
	Above    string
}

func (b *Backoffice) lostOwners(r *web.Request, by staff.For[staff.Recover]) error {
	return b.showOwners(r, by, ownersView{}, nil)
}

func (b *Backoffice) showOwners(r *web.Request, by staff.For[staff.Recover], v ownersView, cause error) error {
	acc, err := open[access.ViewPeople](b, r, by)
	if err != nil {
		return err
	}
	look, _ := staff.Also[staff.Look](by)
	if v.OwnerRecovery, err = b.Owners.Recovery(r.Context(), look, acc.Account()); err != nil {
		return err
	}
	members, err := b.Memberships.List(r.Context(), acc)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Owner {
			v.Owners = append(v.Owners, m)
		} else if m.Runs(r.Now()) && !m.EndsAt.Valid {
			v.Others = append(v.Others, m)
		}
	}
	v.Operator = by.Staff()
	v.Errors, v.Above = problems(cause)
	return r.RenderAgain(cause, ownersPage(newSheet(r, acc, "Lost owners", "Summary"), v))
}

func (b *Backoffice) startOwners(r *web.Request, by staff.For[staff.Recover]) error {
	number, err := web.PathID[id.Account](r, "account")
	if err != nil {
		return err
	}
	v := ownersView{Member: r.Value("member"), Typed: r.Value("address"), Why: r.Value("reason")}
	n := staff.NewOwner{Member: web.After[id.Membership](r, "member"), Reason: v.Why}
	var f fault.Form
	if n.Member == 0 && v.Typed != "" {
		n.Address, err = mail.ParseAddress(v.Typed)
		f.Take("address", err)
	}
	if err = f.Err(); err == nil {
		err = b.Owners.Start(r.Context(), by, number, n)
	}
	if web.Mendable(err) {
		return b.showOwners(r, by, v, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "Begun. Everybody in the account was told and its owners can stop it; now somebody else has to agree.")
	return r.Redirect(accountPath(number) + "/owners")
}

func (b *Backoffice) ownerStep(do func(context.Context, staff.For[staff.Recover], id.Account) error, said string) func(*web.Request, staff.For[staff.Recover]) error {
	return func(r *web.Request, by staff.For[staff.Recover]) error {
		number, err := web.PathID[id.Account](r, "account")
		if err != nil {
			return err
		}
		if err := do(r.Context(), by, number); err != nil {
			return err
		}
		r.Say(ui.Good, said)
		return r.Redirect(accountPath(number) + "/owners")
	}
}

// members are the choice of who becomes an owner.
func (v ownersView) members() ui.SelectProps {
	s := ui.SelectProps{Name: "member", Label: "The new owner", Value: v.Member, Error: v.Errors["member"], Options: []ui.Option{{Label: "Nobody of the account: the address below"}}}
	for _, m := range v.Others {
		s.Options = append(s.Options, ui.Option{Value: id.String(m.ID), Label: m.Name + " (" + m.Address.Shown() + ")"})
	}
	return s
}

package backoffice

import (
	"clientele/internal/access"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// A memberView is a member's page: who it is, what may be done, and the form.
type memberView struct {
	access.Member
	Choice    web.RoleChoice
	Above     string
	MayChange bool
	MayOwn    bool // the operator makes and unmakes owners
	Ownerless bool // only a stand-in owns the account
}

// path is the member's address below the account's.
func (v memberView) path() string { return "/users/" + id.String(v.ID) }

// target finds the member in the path, for an operator who manages people.
func (b *Backoffice) target(r *web.Request, by staff.For[staff.Help]) (acc access.For[access.ManagePeople], m access.Member, err error) {
	if acc, err = open[access.ManagePeople](b, r, by); err != nil {
		return acc, m, err
	}
	number, err := web.PathID[id.Membership](r, "member")
	if err != nil {
		return acc, m, err
	}
	view, _ := access.Also[access.ViewPeople](acc)
	m, err = b.Memberships.Get(r.Context(), view, number)
	return acc, m, err
}

// showMember shows the member's page; once more with what was chosen where
// there is a cause for it.
func (b *Backoffice) showMember(r *web.Request, acc access.For[access.ManagePeople], m access.Member, c web.RoleChoice, cause error) error {
	fields, above := problems(cause)
	c, err := complete(r, acc, c, fields)
	if err != nil {
		return err
	}
	_, own := access.Also[access.Own](acc)
	view, _ := access.Also[access.ViewPeople](acc)
	members, err := b.Memberships.List(r.Context(), view)
	if err != nil {
		return err
	}
	v := memberView{Member: m, Choice: c, Above: above, MayChange: !acc.Closed() && acc.MayTouch(m) == nil, MayOwn: !acc.Closed() && own, Ownerless: access.Ownerless(members)}
	return r.RenderAgain(cause, memberPage(newSheet(r, acc, m.Name, "Users"), v))
}

func (b *Backoffice) member(r *web.Request, by staff.For[staff.Help]) error {
	acc, m, err := b.target(r, by)
	if err != nil {
		return err
	}
	return b.showMember(r, acc, m, chosen(m.Given(), m.EndsAt), nil)
}

func (b *Backoffice) changeMember(r *web.Request, by staff.For[staff.Help]) error {
	acc, m, err := b.target(r, by)
	if err != nil {
		return err
	}
	role, ends, choice, err := r.ReadRole()
	if err == nil {
		err = b.Memberships.Change(r.Context(), acc, m.ID, role, ends)
	}
	if web.Mendable(err) {
		return b.showMember(r, acc, m, choice, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "What "+m.Name+" may do in "+acc.AccountName()+" is changed. It holds from the next click on.")
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

// act does something to the member in the path; where it is refused, her page
// says why.
func (b *Backoffice) act(r *web.Request, by staff.For[staff.Help], do func(acc access.For[access.ManagePeople], m access.Member) (said string, err error)) error {
	acc, m, err := b.target(r, by)
	if err != nil {
		return err
	}
	said, err := do(acc, m)
	if web.Mendable(err) {
		return b.showMember(r, acc, m, chosen(m.Given(), m.EndsAt), err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, said)
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

func (b *Backoffice) removeMember(r *web.Request, by staff.For[staff.Help]) error {
	return b.act(r, by, func(acc access.For[access.ManagePeople], m access.Member) (string, error) {
		return m.Name + " no longer has access to " + acc.AccountName() + ", and was told by mail.", b.Memberships.Remove(r.Context(), acc, m.ID)
	})
}

func (b *Backoffice) makeOwner(r *web.Request, by staff.For[staff.Own]) error {
	help, _ := staff.Also[staff.Help](by)
	return b.act(r, help, func(acc access.For[access.ManagePeople], m access.Member) (string, error) {
		own, err := open[access.Own](b, r, by)
		if err != nil {
			return "", err
		}
		return m.Name + " is an owner of " + acc.AccountName() + " now. All owners were told by mail.", b.Memberships.MakeOwner(r.Context(), own, m.ID)
	})
}

func (b *Backoffice) endOwnership(r *web.Request, by staff.For[staff.Own]) error {
	help, _ := staff.Also[staff.Help](by)
	return b.act(r, help, func(acc access.For[access.ManagePeople], m access.Member) (string, error) {
		own, err := open[access.Own](b, r, by)
		if err != nil {
			return "", err
		}
		return m.Name + " is no longer an owner of " + acc.AccountName() + " and keeps full access. All owners were told by mail.", b.Memberships.EndOwnership(r.Context(), own, m.ID)
	})
}

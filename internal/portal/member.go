package portal

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/id"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// A memberView is what a member's page shows.
type memberView struct {
	account id.Account
	name    string // the account's
	member  access.Member
	self    bool
	touch   bool // the holder may change and remove the member
	owner   bool // the holder is an owner
	closed  bool
	choice  web.RoleChoice
	above   string
	r       *web.Request
}

func (p *Portal) member(r *web.Request, by access.For[access.ViewPeople]) error {
	m, err := p.findMember(r, by)
	if err != nil {
		return err
	}
	c := web.ChoiceOf(m.Given())
	if m.EndsAt.Valid {
		c.Ends = m.EndsAt.V.Format("2006-01-02")
	}
	return p.showMember(r, nil, by, m, c, nil, "")
}

func (p *Portal) findMember(r *web.Request, by access.For[access.ViewPeople]) (m access.Member, err error) {
	number, err := web.PathID[id.Membership](r, "member")
	if err != nil {
		return m, err
	}
	return p.Memberships.Get(r.Context(), by, number)
}

func (p *Portal) showMember(r *web.Request, cause error, by access.For[access.ViewPeople], m access.Member, c web.RoleChoice, errs map[string]string, above string) (err error) {
	v := memberView{account: by.Account(), name: by.AccountName(), member: m, self: m.ID == by.Membership(), owner: by.Owner(), closed: by.Closed(), above: above, r: r}
	manage, ok := access.Also[access.ManagePeople](by)
	if v.touch = ok && !v.closed && by.MayTouch(m) == nil; v.touch && !m.Owner {
		if v.choice, err = choice(r, manage, c, errs); err != nil {
			return err
		}
	}
	page, err := accountPage(p, r, by, m.Name)
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, memberPage(page, v))
}

func (p *Portal) changeMember(r *web.Request, by access.For[access.ManagePeople]) error {
	view, _ := access.Also[access.ViewPeople](by)
	m, err := p.findMember(r, view)
	if err != nil {
		return err
	}
	role, ends, c, err := r.ReadRole()
	if err == nil {
		err = p.Memberships.Change(r.Context(), by, m.ID, role, ends)
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.showMember(r, err, view, m, c, fields, above)
		})
	}
	r.Say(ui.Good, "Saved. It holds from the next click on.")
	return r.Redirect(peoplePath(by.Account()))
}

func (p *Portal) removeMember(r *web.Request, by access.For[access.ManagePeople]) error {
	number, err := web.PathID[id.Membership](r, "member")
	if err != nil {
		return err
	}
	if err := p.Memberships.Remove(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "Removed. The access ended at once, and a mail says so.")
	return r.Redirect(peoplePath(by.Account()))
}

func (p *Portal) ownership(r *web.Request, by access.For[access.Own]) error {
	return p.showOwnership(r, nil, by)
}

// showOwnership shows the step that makes a member an owner or ends it; once
// more, where there is a cause, with the reason why it cannot be done.
func (p *Portal) showOwnership(r *web.Request, cause error, by access.For[access.Own]) error {
	view, _ := access.Also[access.ViewPeople](by)
	m, err := p.findMember(r, view)
	if err != nil {
		return err
	}
	page, err := accountPage(p, r, by, "Ownership")
	if err != nil {
		return err
	}
	_, above := web.FieldErrors(cause)
	return r.RenderAgain(cause, ownershipPage(page, by.Account(), by.AccountName(), m, m.ID == by.Membership(), above))
}

func (p *Portal) offerOwnership(r *web.Request, by access.For[access.Own]) error {
	number, err := web.PathID[id.Membership](r, "member")
	if err != nil {
		return err
	}
	err = p.Memberships.OfferOwnership(r.Context(), by, number, r.Value("kind") == "hand-over")
	if err != nil {
		return mendable(err, func(map[string]string, string) error { return p.showOwnership(r, err, by) })
	}
	r.Say(ui.Good, "The offer is on its way by mail. It can be taken within three days; until then nothing changes.")
	return r.Redirect(peoplePath(by.Account()))
}

func (p *Portal) endOwnership(r *web.Request, by access.For[access.Own]) error {
	number, err := web.PathID[id.Membership](r, "member")
	if err != nil {
		return err
	}
	if err := p.Memberships.EndOwnership(r.Context(), by, number); err != nil {
		return mendable(err, func(map[string]string, string) error { return p.showOwnership(r, err, by) })
	}
	r.Say(ui.Good, "The ownership has ended. Full access remains.")
	return r.Redirect(peoplePath(by.Account()))
}

func (p *Portal) takeOwnership(r *web.Request, by access.For[access.Enter]) error {
	number, err := web.PathID[id.Offer](r, "offer")
	if err != nil {
		return err
	}
	if err := p.Memberships.TakeOwnership(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "You are an owner of this account now.")
	return r.Redirect(accountPath(by.Account()))
}

func (p *Portal) declineOwnership(r *web.Request, by access.For[access.Enter]) error {
	number, err := web.PathID[id.Offer](r, "offer")
	if err != nil {
		return err
	}
	if err := p.Memberships.DeclineOwnership(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "The offer has ended. Nothing else changed.")
	return r.Redirect(accountPath(by.Account()))
}

func (p *Portal) leavePage(r *web.Request, by access.For[access.Depart]) error {
	page, err := accountPage(p, r, by, "Leave")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, leavePage(page, by.Account(), by.AccountName(), by.Membership() != 0, ""))
}

func (p *Portal) leave(r *web.Request, by access.For[access.Depart]) error {
	err := p.Memberships.Leave(r.Context(), by)
	if err != nil {
		return mendable(err, func(_ map[string]string, above string) error {
			page, e := accountPage(p, r, by, "Leave")
			if e != nil {
				return e
			}
			return r.RenderAgain(err, leavePage(page, by.Account(), by.AccountName(), by.Membership() != 0, above))
		})
	}
	r.Say(ui.Good, "You have left "+by.AccountName()+". Your login and your other accounts are as they were.")
	return r.Redirect("/me/accounts")
}

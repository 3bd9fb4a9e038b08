package portal

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountPeople mounts who has access to an account, and how that changes.
func (p *Portal) mountPeople(m *web.Mux) {
	const people = "/a/{account}/people"
	boxes := web.Repeats("permissions")
	web.Account(m, "GET "+people, p.people, web.ByStaff)
	web.Account(m, "GET "+people+"/invitations/new", p.newInvitation)
	web.Account(m, "POST "+people+"/invitations", p.sendInvitation, web.Audits("invitation.sent"), boxes)
	web.Account(m, "GET "+people+"/invitations/{invitation}", p.editInvitation, web.ByStaff)
	web.Account(m, "POST "+people+"/invitations/{invitation}", p.changeInvitation, web.Audits("invitation.changed"), boxes)
	web.Account(m, "POST "+people+"/invitations/{invitation}/resend", p.resendInvitation, web.Audits("invitation.resent"))
	web.Account(m, "POST "+people+"/invitations/{invitation}/withdraw", p.withdrawInvitation, web.Audits("invitation.withdrawn"))
	web.Account(m, "GET "+people+"/members/{member}", p.member, web.ByStaff)
	web.Account(m, "POST "+people+"/members/{member}", p.changeMember, web.Audits("member.changed"), boxes, web.ByStaff)
	web.Account(m, "POST "+people+"/members/{member}/remove", p.removeMember, web.Audits("member.removed"), web.ByStaff)
	web.Account(m, "GET "+people+"/members/{member}/ownership", p.ownership, web.StepUp)
	web.Account(m, "POST "+people+"/members/{member}/ownership", p.offerOwnership, web.StepUp, web.Audits("ownership.offered"))
	web.Account(m, "POST "+people+"/members/{member}/ownership/end", p.endOwnership, web.StepUp, web.Audits("ownership.ended"))
	web.Account(m, "POST "+people+"/offers/{offer}/take", p.takeOwnership, web.StepUp, web.Audits("ownership.given"))
	web.Account(m, "POST "+people+"/offers/{offer}/decline", p.declineOwnership, web.Audits("ownership.declined"))
	web.Account(m, "GET /a/{account}/leave", p.leavePage)
	web.Account(m, "POST /a/{account}/leave", p.leave, web.Audits("member.left"))
}

// A peopleView is what the People page shows.
type peopleView struct {
	by          access.For[access.ViewPeople]
	members     []access.Member
	invitations []invite.Invitation
	offers      []access.Offer
	manage      bool
	kept        bool // mail does not leave this installation
	r           *web.Request
}

func (p *Portal) people(r *web.Request, by access.For[access.ViewPeople]) error {
	v := peopleView{by: by, kept: !p.Outbox.Sends(), r: r}
	_, v.manage = access.Also[access.ManagePeople](by)
	v.manage = v.manage && !by.Closed()
	var err error
	if v.members, err = p.Memberships.List(r.Context(), by); err != nil {
		return err
	}
	if v.invitations, err = p.Invites.List(r.Context(), by); err != nil {
		return err
	}
	if enter, ok := access.Also[access.Enter](by); ok && by.Owner() && !by.Closed() {
		if v.offers, err = p.Memberships.Offers(r.Context(), enter); err != nil {
			return err
		}
	}
	page, err := accountPage(p, r, by, "People")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, peoplePage(page, v))
}

// mayTouch reports whether the page offers to change a member.
func (v peopleView) mayTouch(m access.Member) bool { return v.manage && v.by.MayTouch(m) == nil }

func peoplePath(a id.Account) string { return accountPath(a) + "/people" }

// An inviteForm is an invitation as it was typed.
type inviteForm struct {
	Address string
	Choice  web.RoleChoice
	Above   string
}

// choice completes the choice of a role with what there is to choose from.
func choice(r *web.Request, by access.For[access.ManagePeople], c web.RoleChoice, errs map[string]string) (web.RoleChoice, error) {
	c.Held, c.Errors = by.Held(), errs
	err := by.Read(r.Context(), func(tx *db.Tx) (err error) {
		c.Own, err = access.OwnRoles(tx, by)
		return err
	})
	return c, err
}

func (p *Portal) newInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	return p.showInvite(r, nil, by, inviteForm{}, nil)
}

func (p *Portal) showInvite(r *web.Request, cause error, by access.For[access.ManagePeople], f inviteForm, errs map[string]string) (err error) {
	if f.Choice, err = choice(r, by, f.Choice, errs); err != nil {
		return err
	}
	page, err := accountPage(p, r, by, "Invite somebody")
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, invitePage(page, by.Account(), f))
}

func (p *Portal) sendInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	address, badAddress := mail.ParseAddress(r.Value("address"))
	role, ends, c, badRole := r.ReadRole()
	err := web.Join(web.InField("address", badAddress), badRole)
	if err == nil {
		_, err = p.Invites.Send(r.Context(), by, invite.New{Address: address, Role: role, Ends: ends})
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.showInvite(r, err, by, inviteForm{Address: r.Value("address"), Choice: c, Above: above}, fields)
		})
	}
	r.Say(ui.Good, p.onItsWay(address))
	return r.Redirect(peoplePath(by.Account()))
}

// onItsWay is said of an invitation that was sent.
func (p *Portal) onItsWay(to mail.Address) string {
	if !p.Outbox.Sends() {
		return "The invitation to " + to.String() + " is made. Mail is not sent from here yet: its link is in the staff area's mail log."
	}
	return "The invitation to " + to.String() + " is on its way."
}

func (p *Portal) editInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	i, err := p.findInvitation(r, by)
	if err != nil {
		return err
	}
	c := web.ChoiceOf(i.Given())
	if i.AccessEndsAt.Valid {
		c.Ends = i.AccessEndsAt.V.Format("2006-01-02")
	}
	return p.showInvitation(r, nil, by, i, c, nil, "")
}

func (p *Portal) findInvitation(r *web.Request, by access.For[access.ManagePeople]) (i invite.Invitation, err error) {
	number, err := web.PathID[id.Invitation](r, "invitation")
	if err != nil {
		return i, err
	}
	view, _ := access.Also[access.ViewPeople](by)
	return p.Invites.Get(r.Context(), view, number)
}

func (p *Portal) showInvitation(r *web.Request, cause error, by access.For[access.ManagePeople], i invite.Invitation, c web.RoleChoice, errs map[string]string, above string) error {
	c, err := choice(r, by, c, errs)
	if err != nil {
		return err
	}
	page, err := accountPage(p, r, by, "Invitation to "+i.Address.String())
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, editInvitationPage(page, by.Account(), i, c, above, r.Now()))
}

func (p *Portal) changeInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	i, err := p.findInvitation(r, by)
	if err != nil {
		return err
	}
	role, ends, c, err := r.ReadRole()
	if err == nil {
		err = p.Invites.Change(r.Context(), by, i.ID, role, ends)
	}
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			return p.showInvitation(r, err, by, i, c, fields, above)
		})
	}
	r.Say(ui.Good, "The invitation now offers what you chose."+sameLink(i))
	return r.Redirect(peoplePath(by.Account()))
}

// sameLink says that the link that was mailed still works.
func sameLink(i invite.Invitation) string {
	if i.Unsent() {
		return ""
	}
	return " Its link stays the same."
}

func (p *Portal) resendInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	before, err := p.findInvitation(r, by)
	if err != nil {
		return err
	}
	if err := p.Invites.Resend(r.Context(), by, before.ID); err != nil {
		return err
	}
	if before.Unsent() {
		r.Say(ui.Good, p.onItsWay(before.Address))
	} else {
		r.Say(ui.Good, "Sent again with a new link. The old link no longer works.")
	}
	return r.Redirect(peoplePath(by.Account()))
}

func (p *Portal) withdrawInvitation(r *web.Request, by access.For[access.ManagePeople]) error {
	number, err := web.PathID[id.Invitation](r, "invitation")
	if err != nil {
		return err
	}
	if err := p.Invites.Withdraw(r.Context(), by, number); err != nil {
		return err
	}
	r.Say(ui.Good, "Withdrawn. Its link no longer works.")
	return r.Redirect(peoplePath(by.Account()))
}

package backoffice

import (
	"context"

	"clientele/internal/access"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountInvitations mounts the ways to bring somebody into an account.
func (b *Backoffice) mountInvitations(m *web.Mux) {
	web.Staff(m, "GET /staff/accounts/{account}/users/invite", b.invite)
	web.Staff(m, "POST /staff/accounts/{account}/users/invite", b.sendInvitation, web.Audits("invitation.sent"), web.Repeats("permissions"))
	web.Staff(m, "GET /staff/accounts/{account}/invitations/{invitation}", b.invitation)
	web.Staff(m, "POST /staff/accounts/{account}/invitations/{invitation}", b.changeInvitation, web.Audits("invitation.changed"), web.Repeats("permissions"))
	web.Staff(m, "POST /staff/accounts/{account}/invitations/{invitation}/resend", b.resendInvitation, web.Audits("invitation.resent"))
	web.Staff(m, "POST /staff/accounts/{account}/invitations/{invitation}/withdraw", b.withdrawInvitation, web.Audits("invitation.withdrawn"))
}

// A newcomer is the form by which somebody is brought in, as it was typed.
type newcomer struct {
	Address string
	Choice  web.RoleChoice
	Errors  map[string]string
	Above   string
}

// typedNewcomer completes the form with what there is to choose from.
func typedNewcomer(r *web.Request, acc access.For[access.ManagePeople], c web.RoleChoice, cause error) (f newcomer, err error) {
	f.Address = r.Value("address")
	f.Errors, f.Above = problems(cause)
	f.Choice, err = complete(r, acc, c, f.Errors)
	return f, err
}

func (b *Backoffice) invite(r *web.Request, by staff.For[staff.Help]) error {
	acc, err := open[access.ManagePeople](b, r, by)
	if err != nil {
		return err
	}
	return showInvite(r, acc, web.RoleChoice{}, nil)
}

func showInvite(r *web.Request, acc access.For[access.ManagePeople], c web.RoleChoice, cause error) error {
	f, err := typedNewcomer(r, acc, c, cause)
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, invitePage(newSheet(r, acc, "Invite somebody", "Users"), f))
}

func (b *Backoffice) sendInvitation(r *web.Request, by staff.For[staff.Help]) error {
	acc, err := open[access.ManagePeople](b, r, by)
	if err != nil {
		return err
	}
	address, badAddress := readAddress(r)
	role, ends, choice, err := r.ReadRole()
	if err = web.Join(badAddress, err); err == nil {
		_, err = b.Invites.Send(r.Context(), acc, invite.New{Address: address, Role: role, Ends: ends})
	}
	if web.Mendable(err) {
		return showInvite(r, acc, choice, besideAddress(err))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, address.String()+" is invited to "+acc.AccountName()+". The owners are told by mail.")
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

// besideAddress has a refusal that is about the address stand beside it.
func besideAddress(cause error) error {
	e, _ := fault.Of(cause)
	var text string
	switch e.Reason {
	case "already-invited":
		text = "This address has an open invitation already. Send it again or change it on the Users tab."
	case "already-member":
		text = "This person is a member of the account already. Change the access on the Users tab."
	default:
		return cause
	}
	return &fault.Error{Code: e.Code, Reason: e.Reason, Fields: map[string]string{"address": text}}
}

// An invitationView is an invitation's page.
type invitationView struct {
	invitationRow
	Choice web.RoleChoice
	Above  string
}

// path is the invitation's address below the account's.
func (v invitationView) path() string { return "/invitations/" + id.String(v.ID) }

// sent finds the invitation in the path, for an operator who manages people.
func (b *Backoffice) sent(r *web.Request, by staff.For[staff.Help]) (acc access.For[access.ManagePeople], i invite.Invitation, err error) {
	if acc, err = open[access.ManagePeople](b, r, by); err != nil {
		return acc, i, err
	}
	number, err := web.PathID[id.Invitation](r, "invitation")
	if err != nil {
		return acc, i, err
	}
	view, _ := access.Also[access.ViewPeople](acc)
	i, err = b.Invites.Get(r.Context(), view, number)
	return acc, i, err
}

func (b *Backoffice) showInvitation(r *web.Request, acc access.For[access.ManagePeople], i invite.Invitation, c web.RoleChoice, cause error) error {
	fields, above := problems(cause)
	if text := fields["address"]; text != "" {
		above = text
	}
	c, err := complete(r, acc, c, fields)
	if err != nil {
		return err
	}
	pending := i.State == invite.Pending
	v := invitationView{
		invitationRow: invitationRow{i, pending && !acc.Closed(), pending && !i.ExpiresAt.After(r.Now())},
		Choice:        c, Above: above,
	}
	return r.RenderAgain(cause, invitationPage(newSheet(r, acc, "Invitation to "+i.Address.String(), "Users"), v))
}

func (b *Backoffice) invitation(r *web.Request, by staff.For[staff.Help]) error {
	acc, i, err := b.sent(r, by)
	if err != nil {
		return err
	}
	return b.showInvitation(r, acc, i, chosen(i.Given(), i.AccessEndsAt), nil)
}

func (b *Backoffice) changeInvitation(r *web.Request, by staff.For[staff.Help]) error {
	acc, i, err := b.sent(r, by)
	if err != nil {
		return err
	}
	role, ends, choice, err := r.ReadRole()
	if err == nil {
		err = b.Invites.Change(r.Context(), acc, i.ID, role, ends)
	}
	if web.Mendable(err) {
		return b.showInvitation(r, acc, i, choice, err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, "The invitation to "+i.Address.String()+" is changed. Its link stays as it is.")
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

func (b *Backoffice) resendInvitation(r *web.Request, by staff.For[staff.Help]) error {
	return b.settle(r, by, b.Invites.Resend, func(i invite.Invitation) string {
		if i.Unsent() {
			return "The invitation to " + i.Address.String() + " is sent."
		}
		return "The invitation to " + i.Address.String() + " is sent again. The earlier link no longer works."
	})
}

func (b *Backoffice) withdrawInvitation(r *web.Request, by staff.For[staff.Help]) error {
	return b.settle(r, by, b.Invites.Withdraw, func(i invite.Invitation) string {
		return "The invitation to " + i.Address.String() + " is withdrawn. Its link no longer works."
	})
}

// settle does something to the invitation in the path; where it is refused,
// the invitation's page says why.
func (b *Backoffice) settle(r *web.Request, by staff.For[staff.Help], do func(context.Context, access.For[access.ManagePeople], id.Invitation) error, said func(before invite.Invitation) string) error {
	acc, i, err := b.sent(r, by)
	if err != nil {
		return err
	}
	err = do(r.Context(), acc, i.ID)
	if web.Mendable(err) {
		return b.showInvitation(r, acc, i, chosen(i.Given(), i.AccessEndsAt), err)
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, said(i))
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

package portal

import (
	"net/http"

	"clientele/internal/access"
	"clientele/internal/auth"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountInvitation mounts what a mailed invitation leads to.
func (p *Portal) mountInvitation(m *web.Mux) {
	web.Public(m, "GET /i/{token}", keepToken(web.InvitationCookie, "/invitation"))
	web.Public(m, "GET /invitation", p.invitation)
	web.SignedIn(m, "POST /invitation/accept", p.acceptInvitation, web.Audits("invitation.accepted"))
	web.Public(m, "POST /invitation/join", p.joinByInvitation, web.Audits("invitation.accepted"))
	web.Public(m, "POST /invitation/decline", p.declineInvitation, web.Audits("invitation.declined"))
	web.SignedIn(m, "GET /me/invitations", p.myInvitations)
	web.SignedIn(m, "POST /me/invitations/{invitation}/accept", p.acceptMine, web.Audits("invitation.accepted"))
	web.SignedIn(m, "POST /me/invitations/{invitation}/decline", p.declineMine, web.Audits("invitation.declined"))
}

// A newcomerForm is the form of somebody who makes a login on the way in.
type newcomerForm struct {
	Name   string
	Errors map[string]string
	Above  string
}

func (p *Portal) invitation(r *web.Request) error {
	r.NoReferrer()
	o, err := p.Invites.Open(r.Context(), r.Token(web.InvitationCookie))
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, p.invitationPage(r, o, newcomerForm{}))
}

func (p *Portal) acceptInvitation(r *web.Request) error {
	r.NoReferrer()
	a, err := p.Invites.Accept(r.Context(), r.Me(), r.Token(web.InvitationCookie))
	if e, ok := fault.Of(err); ok && e.Reason == "invite-address-mismatch" && !r.WantsJSON() {
		o, gone := p.Invites.Open(r.Context(), r.Token(web.InvitationCookie))
		if gone != nil {
			return gone
		}
		return r.RenderAgain(err, p.invitationPage(r, o, newcomerForm{}))
	}
	if err != nil {
		return err
	}
	return p.welcome(r, a)
}

// welcome leads into the account that was just joined.
func (p *Portal) welcome(r *web.Request, a id.Account) error {
	r.DropToken(web.InvitationCookie)
	r.Say(ui.Good, "You are in. This account is in your list of accounts from now on.")
	return r.Redirect(accountPath(a))
}

func (p *Portal) joinByInvitation(r *web.Request) error {
	r.NoReferrer()
	token := r.Token(web.InvitationCookie)
	a, in, err := p.Invites.Join(r.Context(), token, invite.Newcomer{Name: r.Value("name"), Password: r.Value("password"), Terms: termsTicked(r)}, r.Info())
	if err != nil {
		return mendable(err, func(fields map[string]string, above string) error {
			o, gone := p.Invites.Open(r.Context(), token)
			if gone != nil {
				return gone
			}
			return r.RenderAgain(err, p.invitationPage(r, o, newcomerForm{Name: r.Value("name"), Errors: fields, Above: above}))
		})
	}
	r.StartSession(in.Session, in.Device)
	return p.welcome(r, a)
}

func (p *Portal) declineInvitation(r *web.Request) error {
	r.NoReferrer()
	by := r.Info().Visitor()
	if r.Me().SignedIn() {
		by = r.Me().Actor()
	}
	if err := p.Invites.Decline(r.Context(), r.Token(web.InvitationCookie), r.Ticked("block"), by); err != nil {
		return err
	}
	r.DropToken(web.InvitationCookie)
	return r.Render(http.StatusOK, declinedPage(barePage(r, "Invitation declined"), r.Ticked("block")))
}

func (p *Portal) myInvitations(r *web.Request) error {
	list, err := p.Invites.Mine(r.Context(), r.Me())
	if err != nil {
		return err
	}
	page, err := p.mePage(r, "Your invitations")
	if err != nil {
		return err
	}
	return r.Render(http.StatusOK, myInvitationsPage(page, list, r))
}

func (p *Portal) acceptMine(r *web.Request) error {
	number, err := web.PathID[id.Invitation](r, "invitation")
	if err != nil {
		return err
	}
	a, err := p.Invites.AcceptMine(r.Context(), r.Me(), number)
	if err != nil {
		return err
	}
	return p.welcome(r, a)
}

func (p *Portal) declineMine(r *web.Request) error {
	number, err := web.PathID[id.Invitation](r, "invitation")
	if err != nil {
		return err
	}
	if err := p.Invites.DeclineMine(r.Context(), r.Me(), number, r.Ticked("block")); err != nil {
		return err
	}
	r.Say(ui.Good, "Declined. Nothing was joined.")
	return r.Redirect("/me/invitations")
}

// offered says in words what an invitation lets somebody do.
func offered(o invite.Opened) string {
	if b, ok := access.RoleByKey(o.Gives.BuiltIn); ok {
		return b.Label + ": " + b.Allows
	}
	return o.Offered.Labels()
}

// inviter is who invites, as the mail says it.
func inviter(o invite.Opened, brand string) string {
	if o.InviterName == "" {
		return brand + " support"
	}
	return o.InviterName
}

// fits reports whether the signed-in person is the one who was invited.
func fits(me auth.Identity, o invite.Opened) bool { return me.Address() == o.Address }

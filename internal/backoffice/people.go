package backoffice

import (
	"net/http"
	"time"

	"clientele/internal/access"
	"clientele/internal/invite"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/web"
)

// mountPeople mounts an account's Users tab and its members.
func (b *Backoffice) mountPeople(m *web.Mux) {
	web.Staff(m, "GET /staff/accounts/{account}/users", b.people)
	web.Staff(m, "GET /staff/accounts/{account}/users/attach", b.attach)
	web.Staff(m, "POST /staff/accounts/{account}/users/attach", b.doAttach, web.Audits("member.joined"), web.Repeats("permissions"))
	web.Staff(m, "GET /staff/accounts/{account}/users/{member}", b.member)
	web.Staff(m, "POST /staff/accounts/{account}/users/{member}", b.changeMember, web.Audits("member.changed"), web.Repeats("permissions"))
	web.Staff(m, "POST /staff/accounts/{account}/users/{member}/remove", b.removeMember, web.Audits("member.removed"))
	web.Staff(m, "POST /staff/accounts/{account}/users/{member}/owner", b.makeOwner, web.Audits("ownership.given"), web.StepUp)
	web.Staff(m, "POST /staff/accounts/{account}/users/{member}/owner/end", b.endOwnership, web.Audits("ownership.ended"), web.StepUp)
}

// A peopleView is an account's Users tab.
type peopleView struct {
	Members     []memberRow
	Invitations []invitationRow
	MayInvite   bool
	MayLook     bool // as one of the members
}

// A memberRow is a member in the list.
type memberRow struct {
	access.Member
	MayChange bool
}

// An invitationRow is an invitation in the list.
type invitationRow struct {
	invite.Invitation
	MayChange bool
	Expired   bool
}

func (b *Backoffice) people(r *web.Request, by staff.For[staff.Look]) error {
	acc, err := open[access.ViewPeople](b, r, by)
	if err != nil {
		return err
	}
	members, err := b.Memberships.List(r.Context(), acc)
	if err != nil {
		return err
	}
	invitations, err := b.Invites.List(r.Context(), acc)
	if err != nil {
		return err
	}
	manage, ok := access.Also[access.ManagePeople](acc)
	_, look := staff.Also[staff.ViewAs](by)
	v := peopleView{MayInvite: ok && !acc.Closed(), MayLook: look}
	for _, m := range members {
		v.Members = append(v.Members, memberRow{m, v.MayInvite && manage.MayTouch(m) == nil})
	}
	for _, i := range invitations {
		pending := i.State == invite.Pending
		v.Invitations = append(v.Invitations, invitationRow{i, v.MayInvite && pending, pending && !i.ExpiresAt.After(r.Now())})
	}
	return r.Render(http.StatusOK, peoplePage(newSheet(r, acc, "Users", "Users"), v))
}

// mayOf says in words what somebody may do in an account.
func mayOf(m access.Member) string {
	if m.Owner {
		return "Everything, and what only owners may."
	}
	if b, ok := access.RoleByKey(m.Role); ok {
		return b.Allows
	}
	return m.Permissions.Labels()
}

// trouble is why a membership gives no access now; empty where it does.
func trouble(m access.Member, now time.Time) string {
	switch {
	case m.Status == "suspended":
		return "Suspended"
	case m.EndsAt.Valid && !m.EndsAt.V.After(now):
		return "Access has ended"
	case m.StartsAt.After(now):
		return "Not begun yet"
	}
	return ""
}

// mailNews says how the mail of an invitation fares. One that was mailed to
// nobody, because its reader has blocked the account, looks sent.
func mailNews(i invite.Invitation) (ui.Kind, string) {
	if i.Unsent() {
		return ui.Warn, "Not sent yet"
	}
	if i.MailState == "" {
		return ui.Good, "Sent"
	}
	return mailState(i.MailState, i.MailProblem)
}

// sending is what the button says that sends an invitation.
func sending(i invite.Invitation) string {
	if i.Unsent() {
		return "Send"
	}
	return "Send again"
}

// inviter is who sent an invitation.
func inviter(i invite.Invitation) string {
	if i.InviterName == "" && i.Unsent() {
		return "somebody of the former system"
	}
	if i.InviterName == "" {
		return "staff"
	}
	return i.InviterName
}

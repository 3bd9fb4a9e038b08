// Package backoffice is the staff area: how operators find accounts and
// people, see what stands and help. Each page's code and its template lie
// side by side.
package backoffice

import (
	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"
	"clientele/internal/merge"
	"clientele/internal/setting"
	"clientele/internal/sso"
	"clientele/internal/staff"
	"clientele/internal/system"
	"clientele/internal/web"
)

// Rooms are what the staff area shows and steers.
type Rooms struct {
	Staff       *staff.Staff
	Looks       *staff.Impersonations
	Owners      *staff.Owners
	Memberships *access.Memberships
	Accounts    *account.Accounts
	Invites     *invite.Invites
	Providers   *sso.Providers
	Merges      *merge.Merges
	Outbox      *mail.Outbox
	Log         *audit.Log
	Settings    *setting.Settings
	System      *system.System
}

// Backoffice is the staff area.
type Backoffice struct{ Rooms }

// New makes the staff area.
func New(r Rooms) *Backoffice { return &Backoffice{r} }

// Mount mounts the pages.
func (b *Backoffice) Mount(m *web.Mux) {
	b.mountSignIn(m)
	b.mountSecondStep(m)
	b.mountOwn(m)
	b.mountStaff(m)
	b.mountRoles(m)
	b.mountDesk(m)
	b.mountAccount(m)
	b.mountContacts(m)
	b.mountNotes(m)
	b.mountOwners(m)
	b.mountGroups(m)
	b.mountPeople(m)
	b.mountInvitations(m)
	b.mountUser(m)
	b.mountImpersonations(m)
	b.mountMails(m)
	b.mountLog(m)
	b.mountProviders(m)
	b.mountSettings(m)
	b.mountSystem(m)
}

// open lets the operator into the account in the path, as somebody who may do
// P there.
func open[P access.Permission, S staff.Permission](b *Backoffice, r *web.Request, by staff.For[S]) (access.For[P], error) {
	number, err := web.PathID[id.Account](r, "account")
	if err != nil {
		return access.For[P]{}, err
	}
	return access.Check[P](r.Context(), b.Memberships, by.Principal(), number)
}

func accountPath(a id.Account) string { return "/staff/accounts/" + id.String(a) }

func userPath(u id.User) string { return "/staff/users/" + id.String(u) }

func mailPath(m id.Mail) string { return "/staff/mails/" + id.String(m) }

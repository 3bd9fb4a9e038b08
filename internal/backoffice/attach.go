package backoffice

import (
	"context"

	"clientele/internal/access"
	"clientele/internal/mail"
	"clientele/internal/staff"
	"clientele/internal/ui"
	"clientele/internal/user"
	"clientele/internal/web"
)

func (b *Backoffice) attach(r *web.Request, by staff.For[staff.Help]) error {
	acc, err := open[access.ManagePeople](b, r, by)
	if err != nil {
		return err
	}
	return showAttach(r, acc, web.RoleChoice{}, nil)
}

func showAttach(r *web.Request, acc access.For[access.ManagePeople], c web.RoleChoice, cause error) error {
	f, err := typedNewcomer(r, acc, c, cause)
	if err != nil {
		return err
	}
	return r.RenderAgain(cause, attachPage(newSheet(r, acc, "Attach a user", "Users"), f))
}

func (b *Backoffice) doAttach(r *web.Request, by staff.For[staff.Help]) error {
	acc, err := open[access.ManagePeople](b, r, by)
	if err != nil {
		return err
	}
	address, badAddress := readAddress(r)
	role, ends, choice, err := r.ReadRole()
	var person user.User
	if err = web.Join(badAddress, err); err == nil {
		person, err = b.attachAt(r.Context(), by, acc, address, access.Join{Role: role, Ends: ends})
	}
	if web.Mendable(err) {
		return showAttach(r, acc, choice, besideAddress(err))
	}
	if err != nil {
		return err
	}
	r.Say(ui.Good, person.Name+" has access to "+acc.AccountName()+" now, and was told by mail.")
	return r.Redirect(accountPath(acc.Account()) + "/users")
}

// attachAt finds the user at an address and makes her a member.
func (b *Backoffice) attachAt(ctx context.Context, by staff.For[staff.Help], acc access.For[access.ManagePeople], address mail.Address, j access.Join) (user.User, error) {
	person, err := b.Staff.UserAt(ctx, by, address)
	if err != nil {
		return person, err
	}
	return person, b.Memberships.Attach(ctx, acc, person.ID, j.Role, j.Ends)
}

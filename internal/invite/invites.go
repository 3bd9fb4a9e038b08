package invite

import (
	"context"
	"errors"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// Invites keeps the invitations.
type Invites struct {
	db       *db.DB
	auth     *auth.Auth
	outbox   *mail.Outbox
	baseURL  string
	settings *setting.Settings
}

// NewInvites makes Invites. Links in mail are built from baseURL alone.
func NewInvites(d *db.DB, a *auth.Auth, m *access.Memberships, o *mail.Outbox, baseURL string, s *setting.Settings) *Invites {
	v := &Invites{db: d, auth: a, outbox: o, baseURL: baseURL, settings: s}
	m.WhenEnded(withdrawOf)
	m.WhenErased(forget)
	return v
}

// withdrawOf withdraws what somebody has invited whom others removed. Who
// leaves by herself leaves her invitations standing: they were within what
// the account let her do.
func withdrawOf(tx *db.Tx, by audit.Actor, account id.Account, u id.User, removed bool) error {
	if !removed {
		return nil
	}
	list, err := db.All[id.Invitation](tx, `
		UPDATE invitations SET state = 'withdrawn', closed_at = $3
		WHERE account_id = $1 AND invited_by_user = $2 AND state = 'pending' RETURNING id`, account, u, tx.Now)
	if err != nil {
		return err
	}
	for _, number := range list {
		if err := recordWithdrawn(tx, by, account, number); err != nil {
			return err
		}
	}
	return nil
}

func recordWithdrawn(tx *db.Tx, by audit.Actor, account id.Account, number id.Invitation) error {
	return audit.Write(tx, by, audit.Record{Event: "invitation.withdrawn", Account: account, Object: "invitation", ObjectID: int64(number)})
}

// The limits on inviting. A mailbox gets at most three invitations a day from
// all accounts together; nobody fills one.
var (
	perRecipient = auth.Limit{Hits: 3, Per: 24 * time.Hour, Rolling: true}
	perDomain    = auth.Limit{Hits: 200, Per: 24 * time.Hour}
	perInviter   = auth.Limit{Hits: 50, Per: time.Hour}
	perAccount   = auth.Limit{Hits: 100, Per: 24 * time.Hour}
	perInstall   = auth.Limit{Hits: 5000, Per: time.Hour}
)

// Send invites an address to the account. Whether the address has a login
// makes no difference to what happens here.
func (v *Invites) Send(ctx context.Context, by access.For[access.ManagePeople], n New) (number id.Invitation, err error) {
	defer fault.Wrap(&err, "invite.Send(%d)", by.Account())
	err = by.Write(ctx, func(tx *db.Tx, by access.For[access.ManagePeople]) error {
		if err := v.mayInvite(tx, by, n); err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE invitations SET state = 'expired', closed_at = $3 WHERE account_id = $1 AND address = $2 AND state = 'pending' AND expires_at <= $3", by.Account(), n.Address, tx.Now); err != nil {
			return err
		}
		muted, err := blocked(tx, by.Account(), n.Address)
		if err != nil {
			return err
		}
		token, hash := auth.NewToken()
		number, err = db.One[id.Invitation](tx, `
			INSERT INTO invitations (account_id, address, token_hash, role, role_id, permissions, access_ends_at,
				invited_by_user, invited_by_staff, muted, created_at, sent_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) RETURNING id`,
			by.Account(), n.Address, hash, n.Role.BuiltIn, n.Role.OwnRoleColumn(), n.Role.Single, n.Ends,
			db.SomeUnlessZero(by.User()), db.SomeUnlessZero(by.Staff()), muted, tx.Now, tx.Now.Add(v.settings.Current().InvitationLife))
		if db.Exists(err) {
			return fault.New(fault.Conflict, "already-invited", "This address has an open invitation already. Send it again, change it or withdraw it on the People page.")
		}
		if err != nil {
			return err
		}
		if err := v.mail(tx, by.Account(), number, token); err != nil {
			return err
		}
		if by.Staff() != 0 {
			if err := access.TellOwners(tx, by, locale.T("{brand} support invited somebody to your account", "brand", v.settings.Brand()),
				locale.T("{brand} support invited {address} to your account. You can withdraw the invitation on the People page.", "brand", v.settings.Brand(), "address", n.Address.String())); err != nil {
				return err
			}
		}
		return v.record(tx, by, "invitation.sent", number, n)
	})
	return number, err
}

func (v *Invites) record(tx *db.Tx, by access.For[access.ManagePeople], event string, number id.Invitation, n New) error {
	want, err := n.Role.Permissions(tx, by.Account())
	if err != nil {
		return err
	}
	after := map[string]any{"permissions": want.Keys(), "role": n.Role.BuiltIn}
	if n.Ends.Valid {
		after["ends"] = n.Ends.V
	}
	return audit.Write(tx, by.Actor(), audit.Record{Event: event, Account: by.Account(), Object: "invitation", ObjectID: int64(number), After: after})
}

// mayInvite refuses what cannot be invited, and counts the attempt against
// the limits.
func (v *Invites) mayInvite(tx *db.Tx, by access.For[access.ManagePeople], n New) error {
	if err := checkOffer(tx, by, n); err != nil {
		return err
	}
	if by.User() != 0 {
		me, err := user.ByID(tx, by.User())
		if err != nil {
			return err
		}
		if me.Address == n.Address {
			return fault.Field("address", "This is your own address. You are in this account already.")
		}
	}
	members, err := db.One[int64](tx, `
		SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.status <> 'ended' AND u.status <> 'deleted' AND u.address = $2 AND (m.ends_at IS NULL OR m.ends_at > $3)`, by.Account(), n.Address, tx.Now)
	if err != nil {
		return err
	}
	if members > 0 {
		return fault.Field("address", "This person is in the account already. Change the access in the list of people instead.")
	}
	return limits(tx, by, n.Address)
}

// checkOffer makes sure that the offered role exists, that the inviter holds
// all of it, and that its end lies ahead.
func checkOffer(tx *db.Tx, by access.For[access.ManagePeople], n New) error {
	if n.Role.IsZero() {
		return fault.Field("role", "Choose one of the roles, or single permissions.")
	}
	if n.Ends.Valid && !n.Ends.V.After(tx.Now) {
		return fault.Field("ends", "Choose a day in the future.")
	}
	want, err := n.Role.Permissions(tx, by.Account())
	if err != nil {
		return err
	}
	return by.MayGrant(want)
}

// limits counts one mail against every limit on inviting. A refusal undoes
// the transaction, and with it the count.
func limits(tx *db.Tx, by access.For[access.ManagePeople], to mail.Address) error {
	actor := by.Actor()
	for _, l := range []struct {
		limit auth.Limit
		key   string
		text  string
	}{
		{perRecipient, "invite.to:" + to.String(), "This address has received several invitations today. It can be invited again tomorrow."},
		{perInviter, "invite.by:" + string(actor.Kind) + id.String(id.User(actor.ID)), "You have sent many invitations. Wait an hour before you send more."},
		{perAccount, "invite.account:" + id.String(by.Account()), "This account has sent many invitations today. Send more tomorrow."},
		{perDomain, "invite.domain:" + to.Domain(), "This domain has received very many invitations today. Send more tomorrow."},
		{perInstall, "invite.install", "Very many invitations are being sent right now. Try again in an hour."},
	} {
		wait, err := l.limit.Take(tx, l.key)
		if err != nil {
			return err
		}
		if wait > 0 {
			e := fault.Wait("invitations", l.text, wait)
			e.Fields = map[string]string{"address": l.text}
			return e
		}
	}
	return nil
}

func blocked(tx *db.Tx, account id.Account, a mail.Address) (bool, error) {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM invitation_blocks WHERE account_id = $1 AND address = $2", account, a)
	return n > 0, err
}

// List reads the account's open invitations, and what became of the ones of
// the last month.
func (v *Invites) List(ctx context.Context, by access.For[access.ViewPeople]) (list []Invitation, err error) {
	defer fault.Wrap(&err, "invite.List(%d)", by.Account())
	err = by.Peek(ctx, func(tx *db.Tx) error {
		list, err = db.All[Invitation](tx, columns+`
			WHERE i.account_id = $1 AND (i.state = 'pending' OR i.state = 'declined' AND i.closed_at > $2) ORDER BY i.id DESC LIMIT 500`,
			by.Account(), tx.Now.Add(-30*24*time.Hour))
		return err
	})
	return list, err
}

// Get reads one invitation of the account.
func (v *Invites) Get(ctx context.Context, by access.For[access.ViewPeople], number id.Invitation) (i Invitation, err error) {
	defer fault.Wrap(&err, "invite.Get(%d, %d)", by.Account(), number)
	err = by.Read(ctx, func(tx *db.Tx) error {
		i, err = find(tx, by.Account(), number)
		return err
	})
	return i, err
}

func find(tx *db.Tx, account id.Account, number id.Invitation) (Invitation, error) {
	i, err := db.One[Invitation](tx, columns+" WHERE i.account_id = $1 AND i.id = $2", account, number)
	if errors.Is(err, db.ErrNone) {
		return i, fault.Missing()
	}
	return i, err
}

// findOpen finds an invitation that can still be acted on by the account.
func findOpen(tx *db.Tx, by access.For[access.ManagePeople], number id.Invitation) (Invitation, error) {
	i, err := find(tx, by.Account(), number)
	if err == nil && i.State != Pending {
		return i, fault.New(fault.Conflict, "not-pending", "This invitation is no longer open: it was "+string(i.State)+".")
	}
	return i, err
}

// mayTouch reports whether the holder may change, send again or withdraw an
// invitation: it must not offer more than he holds.
func mayTouch(tx *db.Tx, by access.For[access.ManagePeople], i Invitation) error {
	if i.Owner && !by.Owner() && by.Staff() == 0 {
		return errOwner
	}
	offered, err := i.Given().Permissions(tx, by.Account())
	if err != nil {
		return err
	}
	return by.MayGrant(offered)
}

// Resend mails the invitation again under a new link; the old one is dead,
// and the time to answer begins anew. One that came in from another system and
// was never sent is sent by whoever does it, where nobody is known who
// invited.
func (v *Invites) Resend(ctx context.Context, by access.For[access.ManagePeople], number id.Invitation) (err error) {
	defer fault.Wrap(&err, "invite.Resend(%d, %d)", by.Account(), number)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManagePeople]) error {
		i, err := findOpen(tx, by, number)
		if err != nil {
			return err
		}
		if err := mayTouch(tx, by, i); err != nil {
			return err
		}
		if err := limits(tx, by, i.Address); err != nil {
			return err
		}
		token, hash := auth.NewToken()
		_, err = db.Exec(tx, `
			UPDATE invitations SET token_hash = $3, sent_at = $4, expires_at = $5, sends = sends + 1,
				invited_by_user = CASE WHEN $6 THEN $7 ELSE invited_by_user END, invited_by_staff = CASE WHEN $6 THEN $8 ELSE invited_by_staff END
			WHERE account_id = $1 AND id = $2 AND state = 'pending'`,
			by.Account(), number, hash, tx.Now, tx.Now.Add(v.settings.Current().InvitationLife), i.Unsent() && !i.InviterID.Valid && !i.StaffID.Valid,
			db.SomeUnlessZero(by.User()), db.SomeUnlessZero(by.Staff()))
		if err != nil {
			return err
		}
		if err := v.mail(tx, by.Account(), number, token); err != nil {
			return err
		}
		if i.Unsent() {
			return v.record(tx, by, "invitation.sent", number, New{Role: i.Given(), Ends: i.AccessEndsAt})
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "invitation.resent", Account: by.Account(), Object: "invitation", ObjectID: int64(number)})
	})
}

// Change changes what an open invitation offers. Its link stays as it is: the
// link names the invitation, and what it offers is read when it is accepted.
func (v *Invites) Change(ctx context.Context, by access.For[access.ManagePeople], number id.Invitation, role access.Role, ends db.Null[time.Time]) (err error) {
	defer fault.Wrap(&err, "invite.Change(%d, %d)", by.Account(), number)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManagePeople]) error {
		i, err := findOpen(tx, by, number)
		if err != nil {
			return err
		}
		if err := mayTouch(tx, by, i); err != nil {
			return err
		}
		if i.Owner {
			return errOwner
		}
		n := New{Address: i.Address, Role: role, Ends: ends}
		if err := checkOffer(tx, by, n); err != nil {
			return err
		}
		_, err = db.Exec(tx, `
			UPDATE invitations SET role = $3, role_id = $4, permissions = $5, access_ends_at = $6, invited_by_user = $7, invited_by_staff = $8
			WHERE account_id = $1 AND id = $2 AND state = 'pending'`,
			by.Account(), number, role.BuiltIn, role.OwnRoleColumn(), role.Single, ends, db.SomeUnlessZero(by.User()), db.SomeUnlessZero(by.Staff()))
		if err != nil {
			return err
		}
		return v.record(tx, by, "invitation.changed", number, n)
	})
}

// Withdraw takes an open invitation back, at once and for good.
func (v *Invites) Withdraw(ctx context.Context, by access.For[access.ManagePeople], number id.Invitation) (err error) {
	defer fault.Wrap(&err, "invite.Withdraw(%d, %d)", by.Account(), number)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManagePeople]) error {
		i, err := findOpen(tx, by, number)
		if err != nil {
			return err
		}
		if err := mayTouch(tx, by, i); err != nil {
			return err
		}
		if err := closeAs(tx, by.Account(), number, Withdrawn); err != nil {
			return err
		}
		return recordWithdrawn(tx, by.Actor(), by.Account(), number)
	})
}

// closeAs ends a pending invitation; one that has ended meanwhile is gone.
func closeAs(tx *db.Tx, account id.Account, number id.Invitation, s State) error {
	n, err := db.Exec(tx, "UPDATE invitations SET state = $3, closed_at = $4 WHERE account_id = $1 AND id = $2 AND state = 'pending' AND (expires_at > $4 OR $3 = 'withdrawn')", account, number, string(s), tx.Now)
	if err == nil && n == 0 && s != Withdrawn {
		return errGone
	}
	return err
}

// forget takes a person who deletes herself out of the invitations that she
// has had, and lifts her blocks: whoever has the address after her
// inherits neither. An invitation that is open stays bound to the address.
func forget(tx *db.Tx, person user.User, _ audit.Actor) error {
	_, err := db.Exec(tx, "UPDATE invitations SET address = $2 WHERE accepted_by = $1 OR (address = $3 AND state <> 'pending')", person.ID, user.Pseudonym(person.ID), person.Address)
	if err != nil {
		return err
	}
	_, err = db.Exec(tx, "DELETE FROM invitation_blocks WHERE address = $1", person.Address)
	return err
}

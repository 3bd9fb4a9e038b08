package access

import (
	"context"
	"errors"
	"slices"
	"time"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/user"
)

// OfferLife is how long an offered ownership can be taken.
const OfferLife = 72 * time.Hour

// An Offer is ownership offered to a member, until she takes it.
type Offer struct {
	ID        id.Offer
	FromID    id.Membership
	FromName  string
	ToID      id.Membership
	ToName    string
	HandOver  bool // whoever offers it stops being an owner
	CreatedAt time.Time
	ExpiresAt time.Time
}

// errLastOwner keeps an account from being nobody's.
var errLastOwner = fault.New(fault.Conflict, "last-owner", "This is the only owner. Make another person an owner first.")

// errMayNotOwn is the answer where somebody would become an owner whose
// access may end by itself.
var errMayNotOwn = fault.New(fault.Conflict, "not-active", "Only somebody with access without an end can become an owner. Remove the end first.")

// fit makes sure that a member can be an owner: one whose access has no end,
// who can sign in, and whose address is proven.
func fit(tx *db.Tx, m Member) error {
	if !m.Runs(tx.Now) || m.EndsAt.Valid {
		return errMayNotOwn
	}
	u, err := user.ByID(tx, m.UserID)
	switch {
	case err != nil:
		return err
	case u.Status != user.Active:
		return fault.New(fault.Conflict, "not-active", m.Name+" cannot sign in, so "+m.Name+" cannot become an owner.")
	case !u.VerifiedAt.Valid:
		return fault.New(fault.Conflict, "email-unverified", "The mail address of "+m.Name+" is not confirmed yet, so "+m.Name+" cannot become an owner. A link to set a new password confirms it.")
	}
	return nil
}

// notLastOwner makes sure that the account has an owner besides this one: one
// who has access now, is not suspended, and has proven her address.
func notLastOwner(tx *db.Tx, account id.Account, member id.Membership) error {
	n, err := db.One[int64](tx, `
		SELECT COUNT(*) FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.id <> $2 AND m.owner AND u.status = 'active' AND u.verified_at IS NOT NULL AND `+live,
		account, member, tx.Now)
	if err == nil && n == 0 {
		return errLastOwner
	}
	return err
}

// OfferOwnership offers ownership to a member, to share it or to hand it
// over. Nothing changes until she takes it; all owners are told.
func (m *Memberships) OfferOwnership(ctx context.Context, by For[Own], member id.Membership, handOver bool) (err error) {
	defer fault.Wrap(&err, "access.OfferOwnership(%d, %d)", by.account, member)
	return by.Write(ctx, func(tx *db.Tx, by For[Own]) error {
		if by.membership == 0 {
			return fault.New(fault.Conflict, "staff", "Only an owner can offer ownership.")
		}
		target, err := find(tx, by.account, member)
		if err != nil {
			return err
		}
		switch {
		case member == by.membership || target.Owner:
			return fault.New(fault.Conflict, "owner", target.Name+" is an owner already.")
		case !target.Runs(tx.Now) || target.EndsAt.Valid:
			return errMayNotOwn
		}
		to, err := user.ByID(tx, target.UserID)
		if err != nil {
			return err
		}
		from, err := user.ByID(tx, by.User())
		if err != nil {
			return err
		}
		if _, err := db.Exec(tx, "UPDATE ownership_offers SET state = 'withdrawn', closed_at = $3 WHERE account_id = $1 AND to_id = $2 AND state = 'open'", by.account, member, tx.Now); err != nil {
			return err
		}
		offer, err := db.One[id.Offer](tx, `
			INSERT INTO ownership_offers (account_id, from_id, to_id, hand_over, from_credentials, to_credentials, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
			by.account, by.membership, member, handOver, from.Credentials, to.Credentials, tx.Now, tx.Now.Add(OfferLife))
		if err != nil {
			return err
		}
		if err := audit.Write(tx, by.by, audit.Record{Event: "ownership.offered", Account: by.account, Object: "offer", ObjectID: int64(offer), Subject: target.UserID, After: map[string]bool{"hand_over": handOver}}); err != nil {
			return err
		}
		if _, err := m.outbox.Send(tx, m.offerMail(by.account, by.name, from, to, handOver, tx.Now.Add(OfferLife))); err != nil {
			return err
		}
		return m.tellOwners(tx, by.proof, locale.T("Ownership of {account} was offered to somebody", "account", plainName(by.name)),
			locale.T("{person} offered ownership of {account} to {other} ({address}).",
				"person", plainName(from.Name), "account", plainName(by.name), "other", plainName(to.Name), "address", to.Address.String()))
	})
}

// Offers lists the open offers of an account that the holder may know of: all
// of them for an owner, her own for anybody else.
func (m *Memberships) Offers(ctx context.Context, by For[Enter]) (list []Offer, err error) {
	defer fault.Wrap(&err, "access.Offers(%d)", by.account)
	err = by.Peek(ctx, func(tx *db.Tx) error {
		list, err = db.All[Offer](tx, offersQuery+` AND (o.to_id = $3 OR $4) ORDER BY o.id`, by.account, tx.Now, by.membership, by.owner)
		return err
	})
	return list, err
}

const offersQuery = `
	SELECT o.id, o.from_id, fu.name AS from_name, o.to_id, tu.name AS to_name, o.hand_over, o.created_at, o.expires_at
	FROM ownership_offers o
	JOIN memberships f ON f.account_id = o.account_id AND f.id = o.from_id JOIN users fu ON fu.id = f.user_id
	JOIN memberships t ON t.account_id = o.account_id AND t.id = o.to_id JOIN users tu ON tu.id = t.user_id
	WHERE o.account_id = $1 AND o.state = 'open' AND o.expires_at > $2
		AND o.from_credentials = fu.credentials AND o.to_credentials = tu.credentials AND f.owner AND f.status = 'active'`

// errOffer is the answer to an offer that cannot be taken any more.
var errOffer = fault.New(fault.Gone, "offer", "This offer has been withdrawn, used, or is too old. Ask for a new one.")

// TakeOwnership accepts an offer that was made to the holder.
func (m *Memberships) TakeOwnership(ctx context.Context, by For[Enter], offer id.Offer) (err error) {
	defer fault.Wrap(&err, "access.TakeOwnership(%d, %d)", by.account, offer)
	return by.Write(ctx, func(tx *db.Tx, by For[Enter]) error {
		o, err := db.One[Offer](tx, offersQuery+" AND o.id = $3 AND o.to_id = $4", by.account, tx.Now, offer, by.membership)
		if errors.Is(err, db.ErrNone) {
			return m.goneOrMissing(tx, by, offer, false)
		}
		if err != nil {
			return err
		}
		me, err := user.ByID(tx, by.User())
		if err != nil {
			return err
		}
		if !me.VerifiedAt.Valid {
			return fault.New(fault.Denied, "email-unverified", "Confirm your mail address first.")
		}
		if err := closeOffer(tx, by.account, offer, "accepted"); err != nil {
			return err
		}
		if err := m.setOwner(tx, by.proof, by.membership, true); err != nil {
			return err
		}
		if o.HandOver {
			if err := m.setOwner(tx, by.proof, o.FromID, false); err != nil {
				return err
			}
		}
		text := locale.T("{person} is an owner of {account} now.", "person", plainName(o.ToName), "account", plainName(by.name))
		if o.HandOver {
			text = locale.Sentences(text, locale.T("{person} is no longer an owner and keeps full access.", "person", plainName(o.FromName)))
		}
		return m.tellOwners(tx, by.proof, newOwner(by.name), text)
	})
}

// newOwner is the subject of what owners are told of a new one.
func newOwner(account string) locale.Text {
	return locale.T("{account} has a new owner", "account", plainName(account))
}

// goneOrMissing tells apart, for those who may know of it, an offer that is
// over from one that there never was: the member whom it was made to, and with
// any everybody.
func (m *Memberships) goneOrMissing(tx *db.Tx, by For[Enter], offer id.Offer, any bool) error {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM ownership_offers WHERE account_id = $1 AND id = $2 AND (to_id = $3 OR $4)", by.account, offer, by.membership, any)
	if err == nil && n == 0 {
		return fault.Missing()
	}
	return errors.Join(err, errOffer)
}

// DeclineOwnership ends an offer: the one whom it was made to, or an owner.
func (m *Memberships) DeclineOwnership(ctx context.Context, by For[Enter], offer id.Offer) (err error) {
	defer fault.Wrap(&err, "access.DeclineOwnership(%d, %d)", by.account, offer)
	return by.Write(ctx, func(tx *db.Tx, by For[Enter]) error {
		o, err := db.One[Offer](tx, offersQuery+" AND o.id = $3 AND (o.to_id = $4 OR $5)", by.account, tx.Now, offer, by.membership, by.owner)
		if errors.Is(err, db.ErrNone) {
			return m.goneOrMissing(tx, by, offer, by.owner)
		}
		if err != nil {
			return err
		}
		state := "withdrawn"
		if o.ToID == by.membership {
			state = "declined"
		}
		if err := closeOffer(tx, by.account, offer, state); err != nil {
			return err
		}
		return audit.Write(tx, by.by, audit.Record{Event: "ownership." + state, Account: by.account, Object: "offer", ObjectID: int64(offer)})
	})
}

func closeOffer(tx *db.Tx, account id.Account, offer id.Offer, state string) error {
	_, err := db.Exec(tx, "UPDATE ownership_offers SET state = $3, closed_at = $4 WHERE account_id = $1 AND id = $2 AND state = 'open'", account, offer, state, tx.Now)
	return err
}

// withdrawOffers ends every open offer from or to a membership.
func withdrawOffers(tx *db.Tx, account id.Account, member id.Membership) error {
	_, err := db.Exec(tx, "UPDATE ownership_offers SET state = 'withdrawn', closed_at = $3 WHERE account_id = $1 AND (from_id = $2 OR to_id = $2) AND state = 'open'", account, member, tx.Now)
	return err
}

// EndOwnership makes an owner, oneself included, a member with full access.
func (m *Memberships) EndOwnership(ctx context.Context, by For[Own], member id.Membership) (err error) {
	defer fault.Wrap(&err, "access.EndOwnership(%d, %d)", by.account, member)
	return by.Write(ctx, func(tx *db.Tx, by For[Own]) error {
		target, err := find(tx, by.account, member)
		if err != nil {
			return err
		}
		if !target.Owner {
			return fault.New(fault.Conflict, "not-owner", target.Name+" is no owner.")
		}
		if err := m.setOwner(tx, by.proof, member, false); err != nil {
			return err
		}
		if err := m.tellOwners(tx, by.proof, locale.T("An owner of {account} stepped back", "account", plainName(by.name)),
			locale.T("{person} is no longer an owner of {account} and keeps full access.", "person", plainName(target.Name), "account", plainName(by.name))); err != nil {
			return err
		}
		if target.ID == by.membership {
			return nil
		}
		_, err = m.outbox.Send(tx, m.noLongerOwnerMail(by.account, by.name, target))
		return err
	})
}

// errHasOwners is the answer to an operator who would make an owner where the
// account has some of its own.
var errHasOwners = fault.New(fault.Conflict, "has-owners", "This account has owners, and nobody becomes one without them: they share or hand over ownership under People. Where no owner can act any more, two operators make a new one, under “The owners are gone?” on the account's summary.")

// MakeOwner makes a member an owner at once, by an operator, where nobody but a
// stand-in owns the account: one that came from another system without anybody
// who could own it. All owners are told.
func (m *Memberships) MakeOwner(ctx context.Context, by For[Own], member id.Membership) (err error) {
	defer fault.Wrap(&err, "access.MakeOwner(%d, %d)", by.account, member)
	return by.Write(ctx, func(tx *db.Tx, by For[Own]) error {
		if by.Staff() == 0 {
			return fault.New(fault.Denied, "staff-only", "Ownership is offered, and taken by the one whom it is offered to.")
		}
		target, err := find(tx, by.account, member)
		if err != nil {
			return err
		}
		owners, err := db.All[Member](tx, membersQuery+" AND m.owner", by.account)
		switch {
		case err != nil:
			return err
		case target.Owner:
			return fault.New(fault.Conflict, "owner", target.Name+" is an owner already.")
		case !Ownerless(owners):
			return errHasOwners
		}
		if err := m.setOwner(tx, by.proof, member, true); err != nil {
			return err
		}
		return m.tellOwners(tx, by.proof, newOwner(by.name),
			locale.T("{brand} support made {person} an owner of {account}.", "brand", m.settings.Brand(), "person", plainName(target.Name), "account", plainName(by.name)))
	})
}

// Ownerless reports whether no person is among the owners of an account, only
// stand-ins.
func Ownerless(members []Member) bool {
	return !slices.ContainsFunc(members, func(m Member) bool { return m.Owner && !m.Address.IsNowhere() })
}

// setOwner sets or clears the owner flag. Whoever stops being an owner keeps
// full access.
func (m *Memberships) setOwner(tx *db.Tx, by proof, member id.Membership, owner bool) error {
	target, err := find(tx, by.account, member)
	if err != nil {
		return err
	}
	if owner {
		if err := fit(tx, target); err != nil {
			return err
		}
	} else {
		if err := notLastOwner(tx, by.account, member); err != nil {
			return err
		}
	}
	_, err = db.Exec(tx, `
		UPDATE memberships SET owner = $3, role = $4, role_id = NULL, permissions = 0 WHERE account_id = $1 AND id = $2 AND status <> 'ended'`,
		by.account, member, owner, "full")
	if err != nil {
		return err
	}
	if err := withdrawOffers(tx, by.account, member); err != nil {
		return err
	}
	event := "ownership.ended"
	if owner {
		event = "ownership.given"
	}
	return audit.Write(tx, by.by, audit.Record{
		Event: event, Account: by.account, Object: "membership", ObjectID: int64(member), Subject: target.UserID,
		Before: map[string]bool{"owner": target.Owner}, After: map[string]bool{"owner": owner},
	})
}

// MayBecomeOwner makes sure that a member can be made an owner.
func MayBecomeOwner(tx *db.Tx, account id.Account, member id.Membership) error {
	target, err := find(tx, account, member)
	switch {
	case err != nil:
		return err
	case target.Owner:
		return fault.New(fault.Conflict, "owner", target.Name+" is an owner already.")
	}
	return fit(tx, target)
}

// Install makes a member an owner where the owners are gone. It asks no
// questions: its caller has asked them, behind the account's lock.
func (m *Memberships) Install(tx *db.Tx, by audit.Actor, account id.Account, member id.Membership) error {
	return m.setOwner(tx, proof{m: m, account: account, by: by}, member, true)
}

package upgrade

import (
	"context"
	"errors"
	"fmt"

	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/sso"
	"clientele/internal/whmcs"
)

// What the report says of what has gone there.
const (
	goneThere   = "has gone there since it was brought in, and was changed here: what is here was kept"
	clientGone  = "has gone there since it was brought in: the account is closed"
	loginGone   = "has gone there since it was brought in: the login is deleted"
	loginStays  = "has gone there since it was brought in, and was used or changed here: the login stays, without the access that it had there"
	loginHolds  = "has gone there since it was brought in, and has access here that was kept: the login stays with it"
	loginMoved  = "has gone there since it was brought in, and was used or changed here, while its address belongs to another there: the login stays, without its address and without the access that it had there"
	accessGone  = "has gone there since it was brought in: the access has ended"
	contactGone = "has gone there since it was brought in: the contact is removed"
	offerGone   = "has gone there since it was brought in: the invitation is withdrawn"
	signInGone  = "has gone there since it was brought in: it signs in here no more"
	valueGone   = "has gone there since it was brought in: the value is removed"
	noteGone    = "has gone there since it was brought in: the note is removed"
	fieldGone   = "has gone there since it was brought in: the field stays, and nobody has to fill it in. Remove it here, if what stands in it is not needed"
	groupGone   = "has gone there since it was brought in: the group stays. Remove it here, if nobody needs it"
)

// sweep takes back what has gone there since the last run, unless somebody has
// changed it here. What is missing in a part of a dump has not gone.
func (r *run) sweep(ctx context.Context) error {
	if !r.again || r.Partial {
		return nil
	}
	if err := r.mostAreThere(ctx); err != nil {
		return err
	}
	for _, s := range []struct {
		kind, what string
		take       func(*batch, known) error
	}{
		{clientOffers, "Invitations", (*batch).withdraw},
		{contactOffers, "Invitations", (*batch).withdraw},
		{linkOffers, "Invitations", (*batch).withdraw},
		{invites, "Invitations", (*batch).withdraw},
		{identities, "Linked sign-ins", (*batch).unlink},
		{contactMember, "Access", (*batch).endAccess},
		{links, "Access", (*batch).endAccess},
		{clientOwners, "Access", (*batch).endAccess},
		{leaving, "Access", nil},
		{contacts, "Contacts", (*batch).removeContact},
		{values, "Field values", (*batch).removeValue},
		{clientNotes, "Notes", (*batch).removeNote},
		{staffNotes, "Notes", (*batch).removeNote},
		{fields, "Fields", (*batch).freeField},
		{groups, "Groups", (*batch).leaveGroup},
		{clients, "Accounts", (*batch).closeAccount},
		{contactLogins, "Logins", (*batch).removeLogin},
		{clientLogins, "Logins", (*batch).removeLogin},
		{users, "Logins", (*batch).removeLogin},
		{retired, "", (*batch).retire},
	} {
		if !r.hasTable(s.kind) {
			continue // it was not read, so nothing of it has gone
		}
		sweep := func() error { return r.sweepKind(ctx, s.kind, s.take) }
		if s.kind == leaving {
			sweep = func() error { return r.sweepOwners(ctx) }
		}
		if err := sweep(); err != nil {
			return err
		}
	}
	return nil
}

// mostAreThere refuses to take anything back where most logins, or most of the
// access, have gone at once: that is rather a dump that was cut off where
// nothing tells.
func (r *run) mostAreThere(ctx context.Context) error {
	for _, s := range []struct{ kind, what string }{{contactLogins, "Sub-Accounts"}, {users, "users"}, {links, "rows of access"}} {
		if r.Gone || !r.hasTable(s.kind) {
			continue
		}
		before, gone, err := r.countGone(ctx, s.kind)
		if err != nil {
			return err
		}
		if gone > fewGone && gone > before/5 {
			return fmt.Errorf("%d of the %d %s that were brought in before are not there any more: was the dump cut off? What is there was brought in, and nothing was taken back. If it is right, add --gone, and they are taken back", gone, before, s.what)
		}
	}
	return nil
}

// countGone counts what is remembered of one kind, and what of it this run has
// not seen.
func (r *run) countGone(ctx context.Context, kind string) (before, gone int, err error) {
	err = r.DB.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err := db.All[int64](tx, "SELECT source_id FROM import_rows WHERE import_id = $1 AND kind = $2", r.number, kind)
		before, gone = len(list), 0
		for _, source := range list {
			if !r.seen[kind].has(source) {
				gone++
			}
		}
		return err
	})
	return before, gone, err
}

// hasTable reports whether the table is there that rows of a kind stand in.
func (r *run) hasTable(kind string) bool {
	table := map[string]string{
		contacts: "tblcontacts", contactLogins: "tblcontacts", contactMember: "tblcontacts", contactOffers: "tblcontacts", users: "tblusers",
		links: "tblusers_clients", linkOffers: "tblusers_clients", invites: "tbluser_invites", identities: "tblauthn_account_links",
		values: "tblcustomfieldsvalues", staffNotes: "tblnotes", fields: "tblcustomfields", groups: "tblclientgroups",
	}[kind]
	if kind == values && !whmcs.HasTable(r.src, "tblcustomfields") {
		return false
	}
	return table == "" || whmcs.HasTable(r.src, table)
}

// sweepKind goes through all that is remembered of one kind, and takes back
// what this run has not seen.
func (r *run) sweepKind(ctx context.Context, kind string, take func(*batch, known) error) error {
	for after := int64(-1 << 62); ; {
		var part []known
		err := r.step(ctx, func(b *batch) (err error) {
			part, err = db.All[known](b.tx, "SELECT "+knownColumns+" FROM import_rows WHERE import_id = $1 AND kind = $2 AND source_id > $3 ORDER BY source_id LIMIT $4", r.number, kind, after, perStep)
			for _, k := range part {
				if err == nil && !r.seen[kind].has(k.SourceID) && !b.hasGivenUp(kind, k.SourceID) {
					err = take(b, k)
				}
			}
			return err
		})
		if err != nil || len(part) < perStep {
			return err
		}
		after = part[len(part)-1].SourceID
	}
}

// row reads what a row has become, and whether nobody has changed it here.
func row[T any](b *batch, t db.Table[T], k known) (now T, there, untouched bool, err error) {
	list, err := t.Find(b.tx, []int64{k.TargetID})
	if err != nil || len(list) == 0 {
		return now, false, false, err
	}
	return list[0], true, db.Fingerprint(list[0]) == k.Written, nil
}

// gone counts what was taken back, or kept.
func (b *batch) gone(what, table string, k known, untouched bool, reason, who string) {
	if !untouched {
		b.count(what, Counted{Kept: 1})
		b.say(NeedsPerson, table, k.SourceID, goneThere, who)
		return
	}
	b.count(what, Counted{Gone: 1})
	b.say(Changed, table, k.SourceID, reason, who)
}

func (b *batch) withdraw(k known) error {
	now, there, untouched, err := row(b, invite.ForImport(b.by()), k)
	if err != nil {
		return err
	}
	if there && now.State == invite.Pending {
		b.gone("Invitations", invitesTable(k.Kind), k, untouched, offerGone, now.Address.String())
		if untouched && !b.DryRun {
			if err := b.Invites.WithdrawImported(b.tx, b.by(), now.AccountID, now.ID); err != nil {
				return err
			}
		}
	}
	return b.forget(k.Kind, k.SourceID)
}

func (b *batch) unlink(k known) error {
	now, there, untouched, err := row(b, sso.ForImport(b.by()), k)
	if err != nil {
		return err
	}
	if there {
		b.gone("Linked sign-ins", "tblauthn_account_links", k, untouched, signInGone, now.Issuer)
		if untouched && !b.DryRun {
			if err := sso.ForImport(b.by()).Delete(b.tx, k.TargetID); err != nil {
				return err
			}
			b.log(now.Unlinked())
			b.lost = append(b.lost, now.UserID)
		}
	}
	return b.forget(k.Kind, k.SourceID)
}

func placesTable(kind string) string {
	return map[string]string{clientOwners: "tblclients", contactMember: "tblcontacts", links: "tblusers_clients"}[kind]
}

func (b *batch) endAccess(k known) error {
	now, there, untouched, err := row(b, b.by().Memberships(), k)
	if err != nil {
		return err
	}
	if !there || now.Status == "ended" {
		return b.forget(k.Kind, k.SourceID)
	}
	if now.Owner {
		client, others, err := b.owners(now)
		if err != nil || client == 0 {
			return err // she stays the owner of an account that is closed
		}
		if !others {
			b.say(NeedsPerson, placesTable(k.Kind), k.SourceID, lastOwner, memberOf(now))
			return nil
		}
	}
	b.gone("Access", placesTable(k.Kind), k, untouched, accessGone, memberOf(now))
	if untouched {
		return b.end(now, k)
	}
	b.marks[ours(now.ID)] = true
	return b.forget(k.Kind, k.SourceID)
}

// ours marks a membership that is nobody's there any more and stays here, and
// closing and opening an account that a run has closed or opened again, or
// would have.
func ours(m id.Membership) string { return "ours " + id.String(m) }
func closing(a id.Account) string { return "closing " + id.String(a) }
func opening(a id.Account) string { return "opening " + id.String(a) }

func (b *batch) removeContact(k known) error {
	now, there, untouched, err := row(b, b.tables().Contacts, k)
	if err != nil {
		return err
	}
	if there {
		b.gone("Contacts", "tblcontacts", k, untouched, contactGone, describe(now.Name, now.Address.String()))
		if untouched && !b.DryRun {
			if err := b.tables().Contacts.Delete(b.tx, k.TargetID); err != nil {
				return err
			}
			b.log(now.Removed())
		}
	}
	return b.forget(k.Kind, k.SourceID)
}

func (b *batch) removeValue(k known) error {
	who := fmt.Sprintf("field %d, client %d", k.SourceID/perField, k.SourceID%perField)
	return remove(b, b.tables().Values, gone{"Field values", "tblcustomfieldsvalues", 0, valueGone, who}, k, account.Value.Set)
}

func (b *batch) removeNote(k known) error {
	table := map[string]string{clientNotes: "tblclients", staffNotes: "tblnotes"}[k.Kind]
	return remove(b, b.tables().Notes, gone{"Notes", table, k.SourceID, noteGone, ""}, k, account.Note.Written)
}

// gone is what is said of a row that is removed.
type gone struct {
	what, table string
	id          int64 // the row's there; 0 where it is known by something else
	reason, who string
}

func remove[T any](b *batch, t db.Table[T], g gone, k known, removed func(T) record) error {
	now, there, untouched, err := row(b, t, k)
	if err != nil {
		return err
	}
	if there {
		shown := k
		shown.SourceID = g.id
		b.gone(g.what, g.table, shown, untouched, g.reason, g.who)
		if untouched && !b.DryRun {
			if err := t.Delete(b.tx, k.TargetID); err != nil {
				return err
			}
			b.log(removed(now))
		}
	}
	return b.forget(k.Kind, k.SourceID)
}

// away marks fields and groups that have gone there and stay here: they are
// told of once, and are the same if they come back.
const away = "away"

// freeField lets a field that has gone there be empty: nobody asks for it any
// more. The field itself stays, with what accounts have in it.
func (b *batch) freeField(k known) error {
	return stay(b, b.tables().Fields, gone{"Fields", "tblcustomfields", k.SourceID, fieldGone, ""}, k, func(f *account.Field) string {
		f.Required = false
		return f.Name
	})
}

func (b *batch) leaveGroup(k known) error {
	return stay(b, b.tables().Groups, gone{"Groups", "tblclientgroups", k.SourceID, groupGone, ""}, k, func(g *account.Group) string { return g.Name })
}

// stay leaves a row that has gone there, as change makes it, and tells of it
// once.
func stay[T any](b *batch, t db.Table[T], g gone, k known, change func(*T) (name string)) error {
	now, there, untouched, err := row(b, t, k)
	switch {
	case err != nil:
		return err
	case !there:
		return b.forget(k.Kind, k.SourceID)
	case k.Mark == away:
		return nil
	}
	is := now
	name := change(&is)
	if k.Mark = away; !untouched {
		b.gone(g.what, g.table, k, false, "", name)
		return b.remember(k)
	}
	b.count(g.what, Counted{Gone: 1})
	b.say(NeedsPerson, g.table, g.id, g.reason, name)
	k.Written = db.Fingerprint(is)
	if b.DryRun {
		return nil
	}
	return errors.Join(t.Update(b.tx, is), b.remember(k))
}

// back notes that rows which were away are there again.
func (b *batch) back(kind string, sources []int64) error {
	were, err := b.before(kind, sources)
	for _, k := range were {
		if k.Mark == away && err == nil {
			k.Mark = ""
			err = b.remember(k)
		}
	}
	return err
}

// closeAccount closes the account of a client who has gone. It is remembered,
// since its number is taken for good.
func (b *batch) closeAccount(k known) error {
	now, there, untouched, err := row(b, b.tables().Accounts, k)
	if err != nil || !there || now.Status == "closed" {
		return err
	}
	b.gone("Accounts", "tblclients", k, untouched, clientGone, now.Name)
	if !untouched {
		return nil
	}
	if b.marks[closing(now.ID)] = true; b.DryRun {
		return nil
	}
	was := now
	now.Status, now.ClosedAt = "closed", db.Some(b.tx.Now)
	if err := b.tables().Accounts.Update(b.tx, now); err != nil {
		return err
	}
	b.log(now.Changed(was))
	k.Written = db.Fingerprint(now)
	return b.remember(k)
}

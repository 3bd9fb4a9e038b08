package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/mail"
	"clientele/internal/whmcs"
)

// What the report says of access.
const (
	samePlace   = "gives a login access that another row gives it too: both became one"
	memberHere  = "gives access to somebody who was let in here meanwhile: what is here was kept"
	orphanLink  = "gives access to a client, or to a user, that is not there: it was left out"
	erasedHere  = "gives access to somebody who has deleted her login here: it was left out"
	noLogin     = "gives access to a user who cannot sign in: it was left out"
	sameInvite  = "invites an address that is invited to the account already: it was left out"
	badInvite   = "invites an address that cannot be used: it was left out"
	oldInvite   = "had expired: it waits under People, to be sent again or withdrawn"
	orphanAsked = "invites to a client that is not there: it was left out"
)

// A place is what a row there gives a login in an account.
type place struct {
	source  int64
	client  int64
	account int64
	login   key
	fate    fate
	owner   bool
	grants  access.Set
	last    time.Time
	made    time.Time
	table   string
}

// bringPlaces brings in memberships, and invitations for those who cannot be
// let in without their consent.
func (b *batch) bringPlaces(kind, offers string, list []place) error {
	var members []wanted[access.Imported]
	var asked []wanted[invite.Imported]
	for _, p := range list {
		if !b.combined(kind, &p) {
			continue
		}
		switch p.fate.how {
		case own, joined, standIn, staying:
			members = append(members, b.wantedMember(p))
		}
		if (p.fate.how == elsewhere || p.fate.how == standIn) && !p.fate.address.IsZero() {
			asked = append(asked, wantedOffer(p, b.tx.Now))
		}
	}
	if err := b.bringMembers(kind, list, members); err != nil {
		return err
	}
	return b.bringInvitations(offers, asked)
}

// combined puts together what several rows give one login in one account. The
// first of them stands for all.
func (b *batch) combined(kind string, p *place) bool {
	c := b.survey.joints[joint{b.survey.lead(p.login), p.client}]
	if c == nil {
		return true
	}
	if c.first != (key{kind, p.source}) {
		b.say(Changed, p.table, p.source, samePlace, p.fate.who)
		return false
	}
	p.owner, p.grants = c.owner, c.grants
	return true
}

func (b *batch) wantedMember(p place) wanted[access.Imported] {
	made := b.past(p.made)
	row := access.Imported{
		AccountID: id.Account(p.account), UserID: id.User(p.fate.user), Owner: p.owner, Role: roleFor(p), Status: "active",
		StartsAt: made, SeenAt: b.past(cmp.Or(p.last, made)), CreatedAt: made,
	}
	if !p.owner {
		row.Permissions = p.grants
	}
	return wanted[access.Imported]{source: p.source, client: p.client, row: row, who: p.fate.who}
}

// past is a time that has come, or now: clocks of the other system may be ahead
// of ours, it writes its own local time, and access that begins later is none
// yet.
func (b *batch) past(at time.Time) time.Time {
	if at.IsZero() || at.After(b.tx.Now) {
		return b.tx.Now
	}
	return at
}

// roleFor is the built-in role that says the same, for nothing and for all.
func roleFor(p place) string {
	switch {
	case p.owner:
		return "full"
	case p.grants == 0:
		return "mail"
	}
	return ""
}

func wantedOffer(p place, now time.Time) wanted[invite.Imported] {
	row := invite.Imported{AccountID: id.Account(p.account), Address: p.fate.address, State: invite.Pending, Role: roleFor(p)}
	if !p.owner {
		row.Permissions = p.grants
	}
	return wanted[invite.Imported]{source: p.source, client: p.client, row: row.Unsent(now), who: p.fate.who}
}

// bringInvitations brings in invitations that nobody has been sent yet.
func (b *batch) bringInvitations(kind string, want []wanted[invite.Imported]) error {
	if len(want) == 0 {
		return nil
	}
	open, err := b.openInvitations(want)
	if err != nil {
		return err
	}
	sources := make([]int64, len(want))
	for i, w := range want {
		sources[i] = w.source
	}
	were, err := b.before(kind, sources)
	if err != nil {
		return err
	}
	s := shelf[invite.Imported]{
		kind: kind, what: "Invitations", source: invitesTable(kind), table: invite.ForImport(b.by()), added: invite.Imported.Record, adopted: map[int64]known{},
	}
	var rest []wanted[invite.Imported]
	for _, w := range want {
		_, ok := were[w.source]
		again := b.marked(fmt.Sprintf("invitation %d %s", w.client, w.row.Address))
		if there := open[asking{w.row.AccountID, w.row.Address}]; there != 0 && !ok && !again {
			if ok, err = adopt(b, s, askedKinds, w.source, there); err != nil {
				return err
			}
			again = !ok
		}
		if again {
			b.say(Skipped, s.source, w.source, sameInvite, w.row.Address.String())
			continue
		}
		rest = append(rest, w)
	}
	return bring(b, s, rest)
}

type asking struct {
	AccountID id.Account
	Address   mail.Address
}

func (b *batch) openInvitations(want []wanted[invite.Imported]) (map[asking]int64, error) {
	var accounts []id.Account
	for _, w := range want {
		accounts = append(accounts, w.row.AccountID)
	}
	type invited struct {
		ID int64
		asking
	}
	list, err := db.In[invited](b.tx, "SELECT id, account_id, address FROM invitations WHERE state = 'pending' AND account_id", accounts)
	out := map[asking]int64{}
	for _, i := range list {
		out[i.asking] = i.ID
	}
	return out, err
}

func invitesTable(kind string) string {
	return map[string]string{clientOffers: "tblclients", contactOffers: "tblcontacts", linkOffers: "tblusers_clients", invites: "tbluser_invites"}[kind]
}

// bringContacts brings in contacts, and before 8.0 the Sub-Accounts among them
// as people who sign in too.
func (r *run) bringContacts(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).Contacts, func(part []whmcs.Contact) error {
		r.progress(len(part), "Contacts")
		list := r.subAccounts(part)
		stored, err := r.stored(ctx, contactLogins, list)
		if err != nil {
			return err
		}
		return r.step(ctx, func(b *batch) error {
			accounts, err := b.accountsOf(part)
			if err != nil {
				return err
			}
			if err := b.bringContactRows(part, accounts); err != nil {
				return err
			}
			fates, err := b.settle(contactLogins, list, stored)
			if err != nil {
				return err
			}
			var places []place
			for _, c := range part {
				if f, ok := fates[key{contactLogins, c.ID}]; ok {
					places = append(places, place{
						source: c.ID, client: c.ClientID, account: accounts[c.ClientID], login: key{contactLogins, c.ID}, fate: f, grants: c.Permissions,
						made: c.Created, table: "tblcontacts",
					})
				}
			}
			return b.bringPlaces(contactMember, contactOffers, places)
		})
	})
}

// subAccounts are the contacts that sign in.
func (r *run) subAccounts(part []whmcs.Contact) (list []login) {
	for _, c := range part {
		if !r.version.Users && c.SignsIn() && r.survey.clients.has(c.ClientID) {
			list = append(list, login{
				key: key{contactLogins, c.ID}, table: "tblcontacts", name: strings.TrimSpace(c.FirstName + " " + c.LastName), raw: c.Email,
				hash: c.Password, created: c.Created,
			}.parsed())
		}
	}
	return list
}

func (b *batch) accountsOf(part []whmcs.Contact) (map[int64]int64, error) {
	var sources []int64
	for _, c := range part {
		if !slices.Contains(sources, c.ClientID) {
			sources = append(sources, c.ClientID)
		}
	}
	return b.became(clients, sources)
}

func (b *batch) bringContactRows(part []whmcs.Contact, accounts map[int64]int64) error {
	var want []wanted[account.ImportedContact]
	for _, c := range part {
		if !b.survey.clients.has(c.ClientID) {
			b.say(Skipped, "tblcontacts", c.ID, orphan, fmt.Sprintf("%s: client %d", describe(c.FirstName+" "+c.LastName, c.Email), c.ClientID))
			continue
		}
		l := login{name: strings.TrimSpace(c.FirstName + " " + c.LastName), raw: c.Email}.parsed()
		local, _, _ := strings.Cut(c.Email, "@")
		row := account.ImportedContact{
			AccountID: id.Account(accounts[c.ClientID]), Name: account.NameFor("Contact "+fmt.Sprint(c.ID), l.name, c.Company, local),
			Company: c.Company, Address: l.address, Phone: c.Phone, MailKinds: kinds(c.Mail), Line1: c.Address1, Line2: c.Address2, City: c.City, Region: c.State,
			Postcode: c.Postcode, Country: b.country("tblcontacts", c.ID, c.Country), TaxNumber: c.TaxID, CreatedAt: b.past(c.Created),
		}
		if row.Name != l.name {
			b.say(Changed, "tblcontacts", c.ID, renamed, l.name+" → "+row.Name)
		}
		if l.address.IsZero() {
			b.say(NeedsPerson, "tblcontacts", c.ID, contactMail, row.Name+": "+cmp.Or(c.Email, none))
		}
		want = append(want, wanted[account.ImportedContact]{source: c.ID, number: c.ID, row: row.Searchable(), who: l.who})
	}
	return bring(b, shelf[account.ImportedContact]{
		kind: contacts, what: "Contacts", source: "tblcontacts", table: b.tables().Contacts, added: account.ImportedContact.Added,
		changed: func(was, is account.ImportedContact) record { return is.Changed(was) },
	}, want)
}

// bringLinks brings in who has access to what, since 8.0.
func (r *run) bringLinks(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).UserClients, func(part []whmcs.UserClient) error {
		r.progress(len(part), "Access")
		return r.step(ctx, func(b *batch) error {
			var clientIDs, userIDs []int64
			for _, c := range part {
				clientIDs, userIDs = append(clientIDs, c.ClientID), append(userIDs, c.UserID)
			}
			accounts, err := b.became(clients, clientIDs)
			if err != nil {
				return err
			}
			people, err := b.became(users, userIDs)
			if err != nil {
				return err
			}
			var places []place
			for _, c := range part {
				if p, ok := b.link(c, accounts, people); ok {
					places = append(places, p)
				}
			}
			return b.bringPlaces(links, linkOffers, places)
		})
	})
}

// link is the place that a row gives, if it gives one.
func (b *batch) link(c whmcs.UserClient, accounts, people map[int64]int64) (place, bool) {
	who := fmt.Sprintf("user %d, client %d", c.UserID, c.ClientID)
	if !b.survey.users.has(c.UserID) || !b.survey.clients.has(c.ClientID) {
		b.say(Skipped, "tblusers_clients", c.ID, orphanLink, who)
		return place{}, false
	}
	k := key{users, c.UserID}
	f, special := b.fates[k]
	if !special {
		f = fate{how: own, user: people[c.UserID]}
	}
	if f.how == own || f.how == joined {
		f.who = who // the same in every run: only a run that changes a login has more to say of it
	}
	if f.how == nobody {
		b.say(Skipped, "tblusers_clients", c.ID, noLogin, who)
		return place{}, false
	}
	if f.how == standIn && !c.Owner {
		f.how = elsewhere // the stand-in owns, and does nothing else
	}
	return place{
		source: c.ID, client: c.ClientID, account: accounts[c.ClientID], login: k, fate: f, owner: c.Owner, grants: c.Permissions,
		last: c.LastLogin, made: c.Created, table: "tblusers_clients",
	}, true
}

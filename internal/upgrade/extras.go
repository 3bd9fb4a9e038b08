package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/plain"
	"clientele/internal/sso"
	"clientele/internal/whmcs"
)

// What the report says of the rest.
const (
	missingTable   = "is not there, or cannot be read: nothing of it was brought in. What came of it before stays as it is"
	orphanValue    = "belongs to a client or a field that is not there: it was left out"
	secondValue    = "gives a client a second value in one field: the first was kept, and this was left out"
	strangeInviter = "was sent by somebody who does not own the account any more: it was left out. Invite the address again, if it should be in"
	orphanNote     = "is about a client that is not there: it was left out"
	noProvider     = "links a sign-in whose provider is not set up here: add it under Staff, Sign-in providers, and run the upgrade again"
	noSuchWay      = "links a sign-in with a provider that cannot be used here: she signs in with her password"
	sharedLink     = "links a sign-in to a login that several became: it was dropped with their passwords, and can be linked again"
	orphanSignIn   = "links a sign-in to somebody who cannot sign in: it was left out"
	linkedHere     = "links a sign-in that is linked to another login here: it was left out"
	linkedLater    = "links a sign-in to a login that has been its person's own since something was changed on it here: it was left out, since whoever uses the account there would get in. Its person can link it here"
)

// sayMissing tells of whole tables that the source does not have.
func (r *run) sayMissing(context.Context) error {
	for _, table := range whmcs.Missing(r.src, r.version) {
		if err := r.report.Add(Line{Kind: NeedsPerson, Table: table, Reason: missingTable}); err != nil {
			return err
		}
	}
	return nil
}

// asHere finds what rows that came in before have here in a column, for want
// of the table there that says it. The query answers id and value.
func (b *batch) asHere(table, kind, query string, sources []int64) (map[int64]string, error) {
	out := map[int64]string{}
	if !b.again || whmcs.HasTable(b.src, table) {
		return out, nil
	}
	targets, err := b.became(kind, sources)
	if err != nil {
		return nil, err
	}
	type row struct {
		ID    int64
		Value string
	}
	list, err := db.In[row](b.tx, query, slices.Collect(maps.Values(targets)))
	here := map[int64]string{}
	for _, r := range list {
		here[r.ID] = r.Value
	}
	for source, target := range targets {
		out[source] = here[target]
	}
	return out, err
}

// bringGroups brings in the groups of accounts.
func (r *run) bringGroups(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).Groups, func(part []whmcs.Group) error {
		return r.step(ctx, func(b *batch) error {
			want, sources := make([]wanted[account.Group], len(part)), make([]int64, len(part))
			for i, g := range part {
				sources[i] = g.ID
				want[i] = wanted[account.Group]{source: g.ID, row: account.Group{Name: cmp.Or(g.Name, fmt.Sprint("Group ", g.ID)), Colour: g.Colour, CreatedAt: b.tx.Now}, who: g.Name}
			}
			if err := b.back(groups, sources); err != nil {
				return err
			}
			return bring(b, shelf[account.Group]{kind: groups, what: "Groups", source: "tblclientgroups", table: b.tables().Groups}, want)
		})
	})
}

// perField is how many clients there can be for each field: what a client has
// in a field is known by both, since its own number there may change.
const perField = 1 << 36

// bringValues brings in what accounts have in those fields.
func (r *run) bringValues(ctx context.Context) error {
	if !whmcs.HasTable(r.src, "tblcustomfields") {
		return nil // nothing tells which of them are clients'
	}
	others := numbers{}
	for f, err := range whmcs.NewReader(r.src, func(whmcs.Note) {}).CustomFields(ctx) {
		if err != nil {
			return err
		}
		if f.Type != "client" {
			others.add(f.ID)
		}
	}
	had := numbers{}
	return ahead(ctx, r, (*whmcs.Reader).CustomFieldValues, func(part []whmcs.CustomFieldValue) error {
		r.progress(len(part), "Fields")
		var mine, second []whmcs.CustomFieldValue
		for _, v := range part {
			source := v.FieldID*perField + v.RelatedID
			switch {
			case v.Value == "" || others.has(v.FieldID):
			case had.has(source):
				second = append(second, v)
			default:
				had.add(source)
				mine = append(mine, v)
			}
		}
		return r.step(ctx, func(b *batch) error {
			for _, v := range second {
				b.say(Skipped, "tblcustomfieldsvalues", v.ID, secondValue, fmt.Sprintf("field %d, client %d", v.FieldID, v.RelatedID))
			}
			return b.bringValues(mine)
		})
	})
}

func (b *batch) bringValues(part []whmcs.CustomFieldValue) error {
	var clientIDs, fieldIDs []int64
	for _, v := range part {
		clientIDs, fieldIDs = append(clientIDs, v.RelatedID), append(fieldIDs, v.FieldID)
	}
	accounts, err := b.became(clients, clientIDs)
	if err != nil {
		return err
	}
	those, err := b.became(fields, fieldIDs)
	if err != nil {
		return err
	}
	var want []wanted[account.Value]
	for _, v := range part {
		if !b.survey.clients.has(v.RelatedID) || !b.seen[fields].has(v.FieldID) {
			b.say(Skipped, "tblcustomfieldsvalues", v.ID, orphanValue, fmt.Sprintf("field %d, client %d", v.FieldID, v.RelatedID))
			continue
		}
		want = append(want, wanted[account.Value]{
			source: v.FieldID*perField + v.RelatedID, at: v.ID, row: account.Value{AccountID: id.Account(accounts[v.RelatedID]), FieldID: id.Field(those[v.FieldID]), Value: v.Value},
		})
	}
	return bring(b, shelf[account.Value]{
		kind: values, what: "Field values", source: "tblcustomfieldsvalues", table: b.tables().Values,
		added: account.Value.Set, changed: func(_, is account.Value) record { return is.Set() },
	}, want)
}

// bringNotes brings in what staff have noted down.
func (r *run) bringNotes(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).StaffNotes, func(part []whmcs.StaffNote) error {
		r.progress(len(part), "Notes")
		return r.step(ctx, func(b *batch) error {
			var clientIDs, noteIDs []int64
			for _, n := range part {
				clientIDs, noteIDs = append(clientIDs, n.ClientID), append(noteIDs, n.ID)
			}
			accounts, err := b.became(clients, clientIDs)
			if err != nil {
				return err
			}
			authors, err := b.asHere("tbladmins", staffNotes, "SELECT id, author AS value FROM account_notes WHERE id", noteIDs)
			if err != nil {
				return err
			}
			var want []wanted[account.Note]
			for _, n := range part {
				if !r.survey.clients.has(n.ClientID) {
					b.say(Skipped, "tblnotes", n.ID, orphanNote, fmt.Sprintf("client %d", n.ClientID))
					continue
				}
				made := cmp.Or(n.Created, n.Modified, time.Unix(0, 0).UTC())
				want = append(want, wanted[account.Note]{source: n.ID, row: account.Note{
					AccountID: id.Account(accounts[n.ClientID]), Text: n.Text, Sticky: n.Sticky, Author: cmp.Or(r.admins[n.AdminID], authors[n.ID]), CreatedAt: made, ChangedAt: cmp.Or(n.Modified, made),
				}})
			}
			return bring(b, b.notes(staffNotes, "tblnotes"), want)
		})
	})
}

// notes is where notes stand.
func (b *batch) notes(kind, source string) shelf[account.Note] {
	return shelf[account.Note]{
		kind: kind, what: "Notes", source: source, table: b.tables().Notes,
		added: account.Note.Written, changed: func(_, is account.Note) record { return is.Written() },
	}
}

// inviteLife is how long WHMCS's invitations can be accepted.
const inviteLife = 7 * 24 * time.Hour

// bringInvites brings in the invitations that wait for an answer, as new ones
// that were not sent.
func (r *run) bringInvites(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).Invites, func(part []whmcs.Invite) error {
		r.progress(len(part), "Invitations")
		return r.step(ctx, func(b *batch) error {
			var clientIDs, userIDs []int64
			for _, i := range part {
				clientIDs, userIDs = append(clientIDs, i.ClientID), append(userIDs, i.InvitedBy)
			}
			accounts, err := b.became(clients, clientIDs)
			if err != nil {
				return err
			}
			people, err := b.became(users, userIDs)
			if err != nil {
				return err
			}
			var want []wanted[invite.Imported]
			for _, i := range part {
				if !i.Pending() {
					continue
				}
				if w, ok := b.wantedInvite(i, accounts[i.ClientID], people[i.InvitedBy]); ok {
					want = append(want, w)
				}
			}
			return b.bringInvitations(invites, want)
		})
	})
}

func (b *batch) wantedInvite(i whmcs.Invite, at, by int64) (w wanted[invite.Imported], ok bool) {
	address := addressOf(i.Email)
	switch {
	case !b.survey.clients.has(i.ClientID):
		b.say(Skipped, "tbluser_invites", i.ID, orphanAsked, fmt.Sprintf("%s: client %d", i.Email, i.ClientID))
		return w, false
	case address.IsZero():
		b.say(Skipped, "tbluser_invites", i.ID, badInvite, i.Email)
		return w, false
	}
	row := invite.Imported{AccountID: id.Account(at), Address: address, State: invite.Pending, Permissions: i.Permissions, Role: roleFor(place{grants: i.Permissions})}
	if !i.InvitedByAdmin && i.InvitedBy != 0 {
		if !b.survey.owns(i.InvitedBy, i.ClientID) { // nobody else may invite there, so it would give nothing here
			b.say(NeedsPerson, "tbluser_invites", i.ID, strangeInviter, i.Email)
			return w, false
		}
		row.InvitedByUser = db.SomeUnlessZero(id.User(by)) // what it offers is cut to what she may give
	}
	row = row.Unsent(b.tx.Now)
	if sent := cmp.Or(i.Updated, i.Created); !sent.IsZero() && sent.Add(inviteLife).Before(b.tx.Now) {
		row.ExpiresAt = sent.Add(inviteLife)
		b.say(Changed, "tbluser_invites", i.ID, oldInvite, i.Email)
	}
	return wanted[invite.Imported]{source: i.ID, client: i.ClientID, row: row, who: i.Email}, true
}

// longestSubject is as long as OpenID Connect Core 1.0 lets a subject be.
const longestSubject = 255

// issuers are the providers that can be signed in through here, by what WHMCS
// calls them.
var issuers = map[string]string{"google_signin": "https://accounts.google.com"}

// bringIdentities brings in the sign-ins that people have linked.
func (r *run) bringIdentities(ctx context.Context) error {
	there, err := r.signIns(ctx)
	if err != nil {
		return err
	}
	return ahead(ctx, r, (*whmcs.Reader).LinkedSignIns, func(part []whmcs.LinkedSignIn) error {
		r.progress(len(part), "Linked sign-ins")
		return r.step(ctx, func(b *batch) error {
			var want []wanted[sso.Imported]
			for _, l := range part {
				w, why, err := b.wantedIdentity(l, there)
				if err != nil {
					return err
				}
				if why == "" {
					want = append(want, w)
					continue
				}
				kind := Skipped
				if why == noProvider || why == linkedLater {
					kind = NeedsPerson
				}
				b.say(kind, "tblauthn_account_links", l.ID, why, l.Provider)
			}
			s := shelf[sso.Imported]{kind: identities, what: "Linked sign-ins", source: "tblauthn_account_links", table: sso.ForImport(b.by()), added: sso.Imported.Linked}
			s.changed = func(was, is sso.Imported) record {
				b.log(was.Unlinked())
				b.lost = append(b.lost, was.UserID)
				return is.Linked()
			}
			return bring(b, s, want)
		})
	})
}

// whose is the login that a linked sign-in belongs to.
func (b *batch) whose(l whmcs.LinkedSignIn) key {
	switch {
	case b.version.Users:
		return key{users, l.UserID}
	case l.ContactID != 0:
		return key{contactLogins, l.ContactID}
	}
	return key{clientLogins, l.ClientID}
}

// wantedIdentity is a linked sign-in as it should be here, or why there is
// none.
func (b *batch) wantedIdentity(l whmcs.LinkedSignIn, there numbers) (w wanted[sso.Imported], why string, err error) {
	issuer, k := issuers[l.Provider], b.whose(l)
	if subject, err := plain.Line(l.Subject, longestSubject); issuer == "" || err != nil || subject == "" || subject != l.Subject {
		return w, noSuchWay, nil
	}
	provider, err := sso.ByIssuer(b.tx, issuer)
	if err != nil {
		return w, "", err
	}
	f, special := b.fates[k]
	if f.merged {
		b.see(identities, l.ID) // it is closed with the login that it signed in to, and has not gone there
	}
	switch {
	case provider.ID == 0:
		return w, noProvider, nil
	case !b.seen[k.kind].has(k.id) || special && (f.merged || f.how != staying && f.how != own):
		return w, orphanSignIn, nil
	case b.survey.shares(k):
		return w, sharedLink, nil
	}
	people, err := b.became(k.kind, []int64{k.id})
	if err != nil {
		return w, "", err
	}
	if special {
		people[k.id] = f.user
	}
	held, err := b.holdsSignIn(provider.Issuer, l, people[k.id], there)
	if err != nil {
		return w, "", err
	}
	if held || b.marked("identity "+l.Provider+" "+l.Subject) {
		return w, linkedHere, nil
	}
	w = wanted[sso.Imported]{source: l.ID, row: sso.Imported{
		UserID: id.User(people[k.id]), ProviderID: provider.ID, Issuer: provider.Issuer, Subject: l.Subject, CreatedAt: cmp.Or(l.Created, b.tx.Now),
	}}
	if special && f.how == staying {
		why, err = b.linkedBefore(w)
	}
	return w, why, err
}

// linkedBefore says why a linked sign-in does not come in to a login that is
// its person's own. Whoever else knows the password that it had there can link
// whatever he likes there, so that nothing gets in but what came in before. One
// that was linked before stays, also where it is another there now.
func (b *batch) linkedBefore(w wanted[sso.Imported]) (why string, err error) {
	were, err := b.before(identities, []int64{w.source})
	if err != nil {
		return "", err
	}
	was, ok := were[w.source]
	if ok && was.Written == db.Fingerprint(w.row) {
		return "", nil
	}
	now, there, _, err := row(b, sso.ForImport(b.by()), was)
	if there && now.UserID == w.row.UserID {
		b.see(identities, w.source)
	}
	return linkedLater, err
}

// signIns are the numbers of all linked sign-ins there. Only a later run asks.
func (r *run) signIns(ctx context.Context) (numbers, error) {
	there := numbers{}
	if !r.again {
		return there, nil
	}
	for l, err := range whmcs.NewReader(r.src, func(whmcs.Note) {}).LinkedSignIns(ctx) {
		if err != nil {
			return nil, err
		}
		there.add(l.ID)
	}
	return there, nil
}

// holdsSignIn reports whether somebody else signs in with what the row links,
// and is to go on. Who had it from this very row, or from one that has gone
// there since, loses it by this step.
func (b *batch) holdsSignIn(issuer string, l whmcs.LinkedSignIn, u int64, there numbers) (bool, error) {
	holders, err := db.All[sso.Imported](b.tx, "SELECT id, user_id, provider_id, issuer, subject FROM identities WHERE issuer = $1 AND subject = $2", issuer, l.Subject)
	if err != nil || len(holders) == 0 || int64(holders[0].UserID) == u {
		return false, err
	}
	came, err := db.All[known](b.tx, "SELECT "+knownColumns+" FROM import_rows WHERE import_id = $1 AND kind = $2 AND target_id = $3", b.run.number, identities, holders[0].ID)
	switch {
	case err != nil || len(came) == 0 || came[0].Written != db.Fingerprint(holders[0]) || b.Partial:
		return true, err
	case came[0].SourceID == l.ID:
		return b.fates[b.whose(l)].how == staying, nil // a login that is somebody's own is given none of another's
	case there.has(came[0].SourceID):
		return true, nil
	}
	b.marks[gaveUp(identities, came[0].SourceID)] = true // the sweep finds it no more
	return false, b.unlink(came[0])
}

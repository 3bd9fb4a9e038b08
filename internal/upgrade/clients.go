package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/whmcs"
)

// What the report says of accounts.
const (
	otherNumber    = "has another number here, since its own is taken"
	unknownStatus  = "has a status that is not known: the account is inactive"
	unknownMoney   = "has a currency that is not known: another was taken. Choose the right one in the account's settings"
	unknownCountry = "has a country that is not known: it was left out"
	forcedDomain   = "had nobody who gets mail about domains, which registries demand: the account gets it"
	noOwner        = "has no owner there: a stand-in owns the account. Invite its owner under Users, and make her the owner when she has joined"
	orphan         = "belongs to a client that is not there: it was left out"
	badAddress     = "has an e-mail address that cannot be used: the account gets no mail until it has another"
	contactMail    = "has an e-mail address that cannot be used: the contact was kept, and gets no mail"
)

// readCurrencies reads what the currencies are called.
func (r *run) readCurrencies(ctx context.Context) error {
	r.currencies, r.usual = map[int64]string{}, locale.DefaultCurrency
	return ahead(ctx, r, (*whmcs.Reader).Currencies, func(list []whmcs.Currency) error {
		for _, c := range list {
			code := strings.ToUpper(c.Code)
			if !locale.IsCurrency(code) {
				continue
			}
			if r.currencies[c.ID] = code; c.Default {
				r.usual = code
			}
		}
		return nil
	})
}

// readAdmins reads the names of the staff there, who wrote the notes.
func (r *run) readAdmins(ctx context.Context) error {
	r.admins = map[int64]string{}
	return ahead(ctx, r, (*whmcs.Reader).Admins, func(list []whmcs.Admin) error {
		for _, a := range list {
			r.admins[a.ID] = a.Name
		}
		return nil
	})
}

// tables are the tables of accounts.
func (b *batch) tables() account.Imports { return account.ForImport(b.by()) }

// bringClients brings in the accounts, and before 8.0 their owners with them.
func (r *run) bringClients(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).Clients, func(part []whmcs.Client) error {
		r.progress(len(part), "Accounts")
		list, err := r.owners(ctx, part)
		if err != nil {
			return err
		}
		stored, err := r.stored(ctx, clientLogins, list)
		if err != nil {
			return err
		}
		return r.step(ctx, func(b *batch) error {
			fates, err := b.settle(clientLogins, list, stored)
			if err != nil {
				return err
			}
			accounts, err := b.bringAccounts(part)
			if err != nil {
				return err
			}
			if err := b.bringOwners(part, accounts, fates); err != nil {
				return err
			}
			return b.bringClientNotes(part, accounts)
		})
	})
}

// owners are the logins that clients are: all of them before 8.0, and since
// then stand-ins for those that have no owner. A part of a dump does not tell
// whether one that came in before has none.
func (r *run) owners(ctx context.Context, part []whmcs.Client) (list []login, err error) {
	var were map[int64]known
	if r.Partial && r.again && r.version.Users {
		err = r.DB.Read(ctx, db.Wide, func(tx *db.Tx) error {
			were, err = r.known(tx, clients, sourcesOf(part))
			return err
		})
	}
	for _, c := range part {
		if _, before := were[c.ID]; before || r.version.Users && r.survey.owned.has(c.ID) {
			continue
		}
		list = append(list, r.owner(c).parsed())
	}
	return list, err
}

func sourcesOf(part []whmcs.Client) (list []int64) {
	for _, c := range part {
		list = append(list, c.ID)
	}
	return list
}

// owner is a client as the login that it was before 8.0; since then it stands
// for an owner whom nobody knows.
func (r *run) owner(c whmcs.Client) login {
	l := login{
		key: key{clientLogins, c.ID}, table: "tblclients", name: strings.TrimSpace(c.FirstName + " " + c.LastName), raw: c.Email, language: c.Language,
		hash: c.Password, factor: c.SecondFactor, owns: true, created: c.Created, last: c.LastLogin,
	}
	if c.Verified {
		l.verified = cmp.Or(c.LastLogin, c.Created, time.Unix(0, 0).UTC())
	}
	if r.version.Users {
		l.raw, l.hash, l.factor, l.unknown = "", "", "", true
	}
	return l
}

// bringAccounts brings in accounts, and answers their numbers here.
func (b *batch) bringAccounts(part []whmcs.Client) (map[int64]int64, error) {
	inGroups, err := b.references(groups, part, func(c whmcs.Client) int64 { return c.Group })
	if err != nil {
		return nil, err
	}
	spent, err := b.asHere("tblcurrencies", clients, "SELECT id, currency AS value FROM accounts WHERE id", sourcesOf(part))
	if err != nil {
		return nil, err
	}
	want := make([]wanted[account.Imported], len(part))
	for i, c := range part {
		row := b.wantedAccount(c, spent[c.ID])
		row.GroupID = db.SomeUnlessZero(id.Group(inGroups[c.Group]))
		want[i] = wanted[account.Imported]{source: c.ID, number: c.ID, row: row.Searchable(), known: known{Mark: c.UUID}, who: row.Name}
	}
	s := shelf[account.Imported]{
		kind: clients, what: "Accounts", source: "tblclients", table: b.tables().Accounts, added: account.Imported.Opened,
		changed: func(was, is account.Imported) record { return is.Changed(was) },
		due:     b.opensOrCloses,
	}
	if err := bring(b, s, want); err != nil {
		return nil, err
	}
	numbers := map[int64]int64{}
	for _, w := range want {
		numbers[w.source] = w.placed
		if b.DryRun && w.fresh && w.row.Status != "closed" {
			b.run.opened.add(w.source)
		}
		if w.placed != 0 && w.placed != w.source {
			b.say(Changed, "tblclients", w.source, otherNumber, fmt.Sprintf("%s: client %d is account %d", w.who, w.source, w.placed))
		}
	}
	return numbers, nil
}

// opensOrCloses takes down that an account is closed or opened again.
func (b *batch) opensOrCloses(w *wanted[account.Imported], was account.Imported) bool {
	if w.row.Status == "closed" && was.Status != "closed" {
		b.marks[closing(was.ID)] = true
	}
	if w.row.Status != "closed" && was.Status == "closed" {
		b.marks[opening(was.ID)] = true
	}
	return true
}

// references finds what rows of one kind that these refer to have become.
func (b *batch) references(kind string, part []whmcs.Client, of func(whmcs.Client) int64) (map[int64]int64, error) {
	var sources []int64
	for _, c := range part {
		if n := of(c); n != 0 && !slices.Contains(sources, n) {
			sources = append(sources, n)
		}
	}
	return b.became(kind, sources)
}

// became finds what rows of one kind have become here.
func (b *batch) became(kind string, sources []int64) (map[int64]int64, error) {
	were, err := b.known(b.tx, kind, sources)
	out := map[int64]int64{}
	for source, k := range were {
		out[source] = k.TargetID
	}
	return out, err
}

var statuses = map[string]string{"active": "active", "inactive": "inactive", "closed": "closed"}

// wantedAccount is a client as it should be here. Its currency is the one that
// is given where nothing tells which it is there.
func (b *batch) wantedAccount(c whmcs.Client, spent string) account.Imported {
	l := login{raw: c.Email, name: strings.TrimSpace(c.FirstName + " " + c.LastName)}.parsed()
	local, _, _ := strings.Cut(c.Email, "@")
	first := cmp.Or(c.Company, l.name)
	row := account.Imported{
		Details: account.Details{
			Name: account.NameFor("Client "+fmt.Sprint(c.ID), c.Company, l.name, local), Company: c.Company, Address: l.address, MailKinds: kinds(c.Mail),
			Line1: c.Address1, Line2: c.Address2, City: c.City, Region: c.State, Postcode: c.Postcode, Phone: c.Phone, TaxNumber: c.TaxID,
			Country: b.country("tblclients", c.ID, c.Country), Currency: cmp.Or(b.currencies[c.Currency], spent), Language: b.language(c.Language, "tblclients", c.ID),
		},
		Status: statuses[strings.ToLower(c.Status)], Offers: c.Marketing,
		ImportID: db.SomeUnlessZero(b.run.number), CreatedAt: b.past(c.Created),
	}
	if row.Name != first {
		b.say(Changed, "tblclients", c.ID, renamed, first+" → "+row.Name)
	}
	if row.Currency == "" {
		row.Currency = b.usual
		b.say(NeedsPerson, "tblclients", c.ID, unknownMoney, fmt.Sprintf("%s: currency %d; %s was taken", row.Name, c.Currency, b.usual))
	}
	if row.Status == "" {
		row.Status = "inactive"
		b.say(NeedsPerson, "tblclients", c.ID, unknownStatus, row.Name+": "+c.Status)
	}
	if row.Status == "closed" {
		row.ClosedAt = db.Some(cmp.Or(c.Updated, c.Created, time.Unix(0, 0).UTC()))
	}
	if row.MailKinds&account.DomainMail == 0 && !b.survey.domain.has(c.ID) {
		row.MailKinds |= account.DomainMail
		b.say(Changed, "tblclients", c.ID, forcedDomain, row.Name)
	}
	if l.address.IsZero() && b.version.Users {
		b.say(NeedsPerson, "tblclients", c.ID, badAddress, row.Name+": "+cmp.Or(c.Email, none))
	}
	return row
}

func (b *batch) country(table string, number int64, code string) string {
	up := strings.ToUpper(code)
	if code == "" || locale.IsCountry(up) {
		return up
	}
	b.say(Changed, table, number, unknownCountry, code)
	return ""
}

// kinds are the kinds of mail that somebody gets, in the order of
// account.AllKinds.
func kinds(p whmcs.Preferences) (k account.Kinds) {
	for i, on := range []bool{p.General, p.Invoice, p.Support, p.Product, p.Domain, p.Affiliate} {
		if on {
			k |= account.AllKinds[i].Set
		}
	}
	return k
}

// bringOwners gives accounts their owners.
func (b *batch) bringOwners(part []whmcs.Client, accounts map[int64]int64, fates map[key]fate) error {
	var list []place
	for _, c := range part {
		f, ok := fates[key{clientLogins, c.ID}]
		if ok {
			list = append(list, place{
				source: c.ID, client: c.ID, account: accounts[c.ID], login: key{clientLogins, c.ID}, fate: f, owner: true,
				last: c.LastLogin, made: c.Created, table: "tblclients",
			})
		}
	}
	return b.bringPlaces(clientOwners, clientOffers, list)
}

// bringClientNotes brings in what staff have noted down with the client.
func (b *batch) bringClientNotes(part []whmcs.Client, accounts map[int64]int64) error {
	var want []wanted[account.Note]
	for _, c := range part {
		if c.Notes == "" {
			continue
		}
		at := cmp.Or(c.Updated, c.Created, time.Unix(0, 0).UTC())
		want = append(want, wanted[account.Note]{source: c.ID, row: account.Note{
			AccountID: id.Account(accounts[c.ID]), Text: c.Notes, Sticky: true, CreatedAt: cmp.Or(c.Created, at), ChangedAt: at,
		}})
	}
	return bring(b, b.notes(clientNotes, "tblclients"), want)
}

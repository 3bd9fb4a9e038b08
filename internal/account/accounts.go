package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/setting"
)

// openLimit bounds how many accounts one person opens.
var openLimit = auth.Limit{Hits: 20, Per: 24 * time.Hour}

// Accounts keeps the accounts.
type Accounts struct {
	db       *db.DB
	auth     *auth.Auth
	outbox   *mail.Outbox
	baseURL  string
	settings *setting.Settings
}

// New makes Accounts. Links in mail are built from baseURL alone.
func New(d *db.DB, a *auth.Auth, o *mail.Outbox, baseURL string, s *setting.Settings) *Accounts {
	return &Accounts{db: d, auth: a, outbox: o, baseURL: baseURL, settings: s}
}

// Get reads the account that the proof is for.
func Get[P access.Permission](ctx context.Context, by access.For[P]) (a Account, err error) {
	defer fault.Wrap(&err, "account.Get(%d)", by.Account())
	err = by.Peek(ctx, func(tx *db.Tx) error {
		a, err = byID(tx, by.Account())
		return err
	})
	return a, err
}

// Open opens a further account for somebody who has a login; she is its
// owner. Her address must be proven. typed is what she has typed into the
// fields that every account has to fill in.
func (as *Accounts) Open(ctx context.Context, i auth.Identity, d Details, typed map[string]string) (a id.Account, err error) {
	defer fault.Wrap(&err, "account.Open(%d)", i.User())
	if !i.Verified() {
		return 0, fault.New(fault.Denied, "email-unverified", "Confirm your mail address first: ask for a new password, and follow the link in the mail.")
	}
	var wait time.Duration
	err = as.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if wait, err = openLimit.Take(tx, "account.open:"+id.String(i.User())); err != nil || wait > 0 {
			return err
		}
		list, err := requiredFields(tx)
		if err != nil {
			return err
		}
		values, err := TypedAnswers{Texts: typed}.read(list, false)
		if err != nil {
			return err
		}
		if a, err = open(tx, i.Actor(), i.User(), d); err != nil {
			return err
		}
		return saveValues(tx, i.Actor(), a, list, values)
	})
	if err == nil && wait > 0 {
		err = fault.Wait("open", "You have opened many accounts today. Try again tomorrow.", wait)
	}
	return a, err
}

// OpenFor opens an account for a user within a transaction of the caller's,
// who holds staff's permission.
func OpenFor(tx *db.Tx, by audit.Actor, owner id.User, d Details) (id.Account, error) {
	return open(tx, by, owner, d)
}

func open(tx *db.Tx, by audit.Actor, owner id.User, d Details) (id.Account, error) {
	a, err := db.One[id.Account](tx, `
		INSERT INTO accounts (name, company, address, mail_kinds, line1, line2, city, region, postcode, country, phone, tax_number, currency, language, search, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id`,
		d.Name, d.Company, d.Address, d.MailKinds|DomainMail, d.Line1, d.Line2, d.City, d.Region, d.Postcode, d.Country,
		d.Phone, d.TaxNumber, d.Currency, d.Language, d.search(), tx.Now)
	if err != nil {
		return 0, err
	}
	if err := audit.Write(tx, by, audit.Record{Event: "account.opened", Account: a, Object: "account", ObjectID: int64(a)}); err != nil {
		return 0, err
	}
	_, err = access.Add(tx, by, a, access.Join{User: owner, Owner: true, Role: access.Role{BuiltIn: "full"}})
	return a, err
}

// Change changes an account's details. seen is the version of them that the
// person had before her eyes; if somebody else has changed them since, she is
// told instead of overwriting it.
func (as *Accounts) Change(ctx context.Context, by access.For[access.ManageProfile], d Details, seen string) (err error) {
	defer fault.Wrap(&err, "account.Change(%d)", by.Account())
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		old, err := byID(tx, by.Account())
		if err != nil {
			return err
		}
		if seen != "" && seen != old.Stamp() {
			return errMeanwhile
		}
		if d.MailKinds&DomainMail == 0 {
			if err := otherDomainRecipient(tx, by.Account(), 0); err != nil {
				return asField(err, "kinds")
			}
		}
		_, err = db.Exec(tx, `
			UPDATE accounts SET name = $2, company = $3, address = $4, mail_kinds = $5, line1 = $6, line2 = $7, city = $8, region = $9,
				postcode = $10, country = $11, phone = $12, tax_number = $13, currency = $14, language = $15, search = $16
			WHERE id = $1`,
			by.Account(), d.Name, d.Company, d.Address, d.MailKinds, d.Line1, d.Line2, d.City, d.Region,
			d.Postcode, d.Country, d.Phone, d.TaxNumber, d.Currency, d.Language, d.search())
		if err != nil {
			return err
		}
		before, after := changes(old.Details, d)
		return audit.Write(tx, by.Actor(), audit.Record{Event: "account.changed", Account: by.Account(), Object: "account", ObjectID: int64(by.Account()), Before: before, After: after})
	})
}

// Stamp tells one state of the details from another.
func (d Details) Stamp() string {
	return auth.HashToken(strings.Join(d.values(), "\x00"))[:16]
}

// values lists the details in the order of detailNames.
func (d Details) values() []string {
	return []string{
		d.Name, d.Company, d.Address.String(), strings.Join(d.MailKinds.Keys(), " "), d.Line1, d.Line2, d.City, d.Region,
		d.Postcode, d.Country, d.Phone, d.TaxNumber, d.Currency, d.Language,
	}
}

var detailNames = []string{"name", "company", "address", "mail", "line1", "line2", "city", "region", "postcode", "country", "phone", "tax_number", "currency", "language"}

// changes is what differs between two states of the details.
func changes(a, b Details) (before, after map[string]string) {
	return differing(detailNames, a.values(), b.values())
}

// differing is what differs between two states of what has these names.
func differing(names, was, is []string) (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for n, name := range names {
		if was[n] != is[n] {
			before[name], after[name] = was[n], is[n]
		}
	}
	return before, after
}

// Close closes the account: it can be read, and nothing can be changed in it.
// The route asks for a fresh proof; the proof is an owner's.
func (as *Accounts) Close(ctx context.Context, by access.For[access.Own]) (err error) {
	defer fault.Wrap(&err, "account.Close(%d)", by.Account())
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.Own]) error {
		if _, err := db.Exec(tx, "UPDATE accounts SET status = 'closed', closed_at = $2 WHERE id = $1", by.Account(), tx.Now); err != nil {
			return err
		}
		err := audit.Write(tx, by.Actor(), audit.Record{
			Event: "account.closed", Account: by.Account(), Object: "account", ObjectID: int64(by.Account()),
			Before: map[string]string{"status": by.Status()}, After: map[string]string{"status": "closed"},
		})
		if err != nil {
			return err
		}
		name := plain.Defang(by.AccountName())
		subject := locale.T("{account} was closed", "account", name)
		text := locale.T("The account {account} was closed. It can still be read. If this was a mistake, {brand} support can open it again.", "account", name, "brand", as.settings.Brand())
		if err := as.tell(tx, by.Account(), AllKinds[0], subject, text); err != nil {
			return err
		}
		return access.TellOwners(tx, by, subject, text)
	})
}

// tell mails the account itself: its own address and its contacts, those who
// receive the kind of mail. Owners are told in person and not here.
func (as *Accounts) tell(tx *db.Tx, account id.Account, kind Kind, subject, text locale.Text) error {
	to, err := Recipients(tx, account, kind)
	if err != nil {
		return err
	}
	owners, err := db.All[mail.Address](tx, "SELECT u.address FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 AND m.owner AND m.status <> 'ended'", account)
	if err != nil {
		return err
	}
	language, err := db.One[string](tx, "SELECT language FROM accounts WHERE id = $1", account)
	if err != nil {
		return err
	}
	for _, a := range to {
		if slices.Contains(owners, a) {
			continue
		}
		_, err := as.outbox.Send(tx, mail.Message{
			Kind: "account-" + kind.Key, Class: mail.Urgent, To: a, Account: account, Language: language, Subject: subject, Lines: []locale.Text{text},
			Action:  mail.Action{Label: locale.T("Open the account"), URL: as.baseURL + "/a/" + id.String(account)},
			Closing: []locale.Text{locale.T("You receive this because the account sends its {kind} mail to you.", "kind", locale.Label(strings.ToLower(kind.Label)))},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Reopen opens a closed account again, by an operator.
func (as *Accounts) Reopen(ctx context.Context, by access.For[access.Own]) (err error) {
	defer fault.Wrap(&err, "account.Reopen(%d)", by.Account())
	return by.WriteClosed(ctx, func(tx *db.Tx, by access.For[access.Own]) error {
		if by.Staff() == 0 {
			return fault.New(fault.Denied, "staff-only", "Only the operator can open a closed account again.")
		}
		return as.setStatus(tx, by, "active")
	})
}

// SetActive marks an open account as active or inactive, by an operator.
func (as *Accounts) SetActive(ctx context.Context, by access.For[access.ManageProfile], active bool) (err error) {
	defer fault.Wrap(&err, "account.SetActive(%d, %t)", by.Account(), active)
	return by.Write(ctx, func(tx *db.Tx, by access.For[access.ManageProfile]) error {
		if by.Staff() == 0 {
			return fault.New(fault.Denied, "staff-only", "Only the operator can change this.")
		}
		return as.setStatus(tx, by, map[bool]string{true: "active", false: "inactive"}[active])
	})
}

// A holder is any proof of this package's use.
type holder interface {
	Account() id.Account
	Status() string
	Staff() id.Staff
	Actor() audit.Actor
}

func (as *Accounts) setStatus(tx *db.Tx, by holder, status string) error {
	if by.Status() == status {
		return fault.New(fault.Conflict, "status", "The account is "+status+" already.")
	}
	if _, err := db.Exec(tx, "UPDATE accounts SET status = $2, closed_at = NULL WHERE id = $1", by.Account(), status); err != nil {
		return err
	}
	event := "account.status_changed"
	if by.Status() == "closed" {
		event = "account.reopened"
	}
	return audit.Write(tx, by.Actor(), audit.Record{
		Event: event, Account: by.Account(), Object: "account", ObjectID: int64(by.Account()),
		Before: map[string]string{"status": by.Status()}, After: map[string]string{"status": status},
	})
}

// Emails reads the mail that went to the account itself, newest first, and not
// what was mailed to one of its people in person. Staff read that too.
func (as *Accounts) Emails(ctx context.Context, by access.For[access.ViewEmails], before id.Mail) (list []mail.LogEntry, err error) {
	defer fault.Wrap(&err, "account.Emails(%d)", by.Account())
	err = by.Peek(ctx, func(tx *db.Tx) error {
		if by.Staff() != 0 {
			list, err = as.outbox.About(tx, by.Account(), before)
		} else {
			list, err = as.outbox.OfAccount(tx, by.Account(), before)
		}
		return err
	})
	return list, err
}

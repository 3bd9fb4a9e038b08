package staff

import (
	"context"
	"errors"
	"slices"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// OwnerDelay is how long an account waits for a new owner where its owners are
// gone: time for those who are not gone to stop it.
const OwnerDelay = 72 * time.Hour

// Owners gives accounts new owners whose owners are gone: two operators say
// so, time passes, and everybody whom it concerns is told and can stop it.
type Owners struct {
	db          *db.DB
	memberships *access.Memberships
	invites     *invite.Invites
	outbox      *mail.Outbox
	baseURL     string
	settings    *setting.Settings
}

// NewOwners makes Owners. Links in mail are built from baseURL alone.
func NewOwners(d *db.DB, m *access.Memberships, v *invite.Invites, o *mail.Outbox, baseURL string, set *setting.Settings) *Owners {
	m.WhenErased(forgetAddress)
	return &Owners{db: d, memberships: m, invites: v, outbox: o, baseURL: baseURL, settings: set}
}

// forgetAddress takes a person who deletes herself out of what is over.
func forgetAddress(tx *db.Tx, person user.User, _ audit.Actor) error {
	_, err := db.Exec(tx, "UPDATE owner_recoveries SET address = $2 WHERE address = $1 AND state <> 'open'", person.Address, user.Pseudonym(person.ID))
	return err
}

// An OwnerRecovery is an account's getting a new owner, under way.
type OwnerRecovery struct {
	ID           id.OwnerRecovery
	AccountID    id.Account
	Account      string // its name
	MembershipID db.Null[id.Membership]
	MemberName   string       // of the member who becomes an owner
	Address      mail.Address // or who is invited as one
	auth.TwoWords
}

// Who is the new owner, in words.
func (r OwnerRecovery) Who() string {
	if r.MembershipID.Valid {
		return r.MemberName
	}
	return r.Address.String()
}

const recoveryColumns = `
	SELECT r.id, r.account_id, a.name AS account, r.membership_id, COALESCE(u.name, '') AS member_name, r.address, ` + auth.TwoWordsColumns + `
	FROM owner_recoveries r JOIN accounts a ON a.id = r.account_id JOIN staff s ON s.id = r.started_by LEFT JOIN staff p ON p.id = r.approved_by
	LEFT JOIN memberships m ON m.account_id = r.account_id AND m.id = r.membership_id LEFT JOIN users u ON u.id = m.user_id
	WHERE r.state = 'open'`

var errNoRecovery = fault.New(fault.Conflict, "no-recovery", "Nothing is under way for this account any more. Reload the page.")

// Recovery reads what is under way for an account; the zero value where
// nothing is.
func (o *Owners) Recovery(ctx context.Context, by For[Look], a id.Account) (r OwnerRecovery, err error) {
	defer fault.Wrap(&err, "staff.Recovery(%d)", a)
	err = o.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		r, err = openRecovery(tx, a)
		return err
	})
	return r, err
}

func openRecovery(tx *db.Tx, a id.Account) (OwnerRecovery, error) {
	r, err := db.One[OwnerRecovery](tx, recoveryColumns+" AND r.account_id = $1", a)
	if errors.Is(err, db.ErrNone) {
		return OwnerRecovery{}, nil
	}
	return r, err
}

// A NewOwner is who is to own an account: a member of it, or an address.
type NewOwner struct {
	Member  id.Membership
	Address mail.Address
	Reason  string
}

// Start begins it: another operator has to agree, and time passes.
func (o *Owners) Start(ctx context.Context, by For[Recover], a id.Account, n NewOwner) (err error) {
	defer fault.Wrap(&err, "staff.Owners.Start(%d)", a)
	n.Reason, err = auth.ParseReason(n.Reason, "Say in a sentence why no owner can act any more, and how you made sure that this person may own the account. Both operators and the log see it.")
	if err != nil {
		return err
	}
	return o.write(ctx, a, func(tx *db.Tx, name string) error {
		if err := n.resolve(tx, a); err != nil {
			return err
		}
		number, err := db.One[id.OwnerRecovery](tx, `
			INSERT INTO owner_recoveries (account_id, membership_id, address, reason, started_by, created_at, ready_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			a, db.SomeUnlessZero(n.Member), n.Address, n.Reason, by.Staff(), tx.Now, tx.Now.Add(OwnerDelay))
		if db.Exists(err) {
			return fault.New(fault.Conflict, "recovery-open", "This is under way for the account already.")
		}
		if err != nil {
			return err
		}
		r, err := openRecovery(tx, a)
		if err != nil {
			return err
		}
		if err := o.record(tx, by.Actor(), r, "started", map[string]string{"reason": n.Reason, "member": id.String(n.Member), "recovery": id.String(number)}); err != nil {
			return err
		}
		return o.tell(tx, r, locale.T("A new owner is being made for {account}", "account", plain.Defang(name)),
			locale.T("{brand} support was told that no owner of {account} can act any more. After {time} {person} can be made an owner, if a second person at {brand} agrees.", o.names(r)...))
	})
}

// resolve makes sure that the new owner can be one. An address that belongs to
// a member stands for her.
func (n *NewOwner) resolve(tx *db.Tx, a id.Account) error {
	if n.Member == 0 && !n.Address.IsZero() {
		found, err := db.All[id.Membership](tx, `
			SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 AND m.status <> 'ended' AND u.address = $2`, a, n.Address)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			n.Member, n.Address = found[0], mail.Address{}
		}
	}
	if n.Member == 0 {
		if n.Address.IsZero() {
			return fault.Field("address", "Choose a member, or type the address of somebody to invite.")
		}
		return nil
	}
	n.Address = mail.Address{}
	return fieldOf(access.MayBecomeOwner(tx, a, n.Member), "member")
}

// fieldOf has a refusal stand beside a field.
func fieldOf(err error, field string) error {
	if e, ok := fault.Of(err); ok {
		return fault.Field(field, e.Text)
	}
	return err
}

// asConflict is a refusal beside a field where there is no form.
func asConflict(err error) error {
	if e, ok := fault.Of(err); ok {
		for _, text := range e.Fields {
			return fault.New(fault.Conflict, "may-not-own", text+" Give this up, and begin again with somebody else.")
		}
	}
	return err
}

// Agree is the second operator's word.
func (o *Owners) Agree(ctx context.Context, by For[Recover], a id.Account) (err error) {
	defer fault.Wrap(&err, "staff.Owners.Agree(%d)", a)
	return o.step(ctx, a, func(tx *db.Tx, r OwnerRecovery) error {
		if err := r.MayAgree(by.Staff()); err != nil {
			return err
		}
		n, err := db.Exec(tx, "UPDATE owner_recoveries SET approved_by = $2, approved_at = $3 WHERE id = $1 AND state = 'open' AND approved_by IS NULL", r.ID, by.Staff(), tx.Now)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoRecovery
		}
		if err := o.record(tx, by.Actor(), r, "approved", nil); err != nil {
			return err
		}
		return o.tell(tx, r, locale.T("A second person agrees to a new owner of {account}", o.names(r)...),
			locale.T("A second person at {brand} has agreed that {person} becomes an owner of {account}. That can be done after {time}.", o.names(r)...))
	})
}

// Withdraw gives it up.
func (o *Owners) Withdraw(ctx context.Context, by For[Recover], a id.Account) (err error) {
	defer fault.Wrap(&err, "staff.Owners.Withdraw(%d)", a)
	return o.step(ctx, a, func(tx *db.Tx, r OwnerRecovery) error {
		return o.end(tx, by.Actor(), r, "withdrawn", locale.T("Nobody becomes an owner of {account}: {brand} support has given it up.", o.names(r)...))
	})
}

// Complete makes the new owner, once both have said so and the time has
// passed. Those who were owners stay: they may come back, and a new owner can
// end their ownership.
func (o *Owners) Complete(ctx context.Context, by For[Recover], a id.Account) (err error) {
	defer fault.Wrap(&err, "staff.Owners.Complete(%d)", a)
	return o.step(ctx, a, func(tx *db.Tx, r OwnerRecovery) error {
		if err := r.MayComplete(tx.Now); err != nil {
			return err
		}
		n := NewOwner{Member: r.MembershipID.V, Address: r.Address}
		if err := n.resolve(tx, a); err != nil {
			return asConflict(err)
		}
		if n.Member == 0 {
			if err := o.invites.AsOwner(tx, by.Actor(), by.Staff(), a, n.Address); err != nil {
				return err
			}
			return o.end(tx, by.Actor(), r, "done", locale.T("{person} was invited to {account} as an owner. Those who were owners before still are.", o.names(r)...))
		}
		if err := o.memberships.Install(tx, by.Actor(), a, n.Member); err != nil {
			return err
		}
		return o.end(tx, by.Actor(), r, "done", locale.T("{person} is an owner of {account} now. Those who were owners before still are.", o.names(r)...))
	})
}

// names are what sentences about it name.
func (o *Owners) names(r OwnerRecovery) []any {
	return []any{"account", plain.Defang(r.Account), "brand", o.settings.Brand(), "person", plain.Defang(r.Who()), "time", r.ReadyAt}
}

// end closes what is under way, and tells everybody how it ended.
func (o *Owners) end(tx *db.Tx, by audit.Actor, r OwnerRecovery, state string, said locale.Text) error {
	n, err := db.Exec(tx, "UPDATE owner_recoveries SET state = $2, closed_at = $3 WHERE id = $1 AND state = 'open'", r.ID, state, tx.Now)
	if err == nil && n == 0 {
		err = errNoRecovery
	}
	if err != nil {
		return err
	}
	if err := o.record(tx, by, r, state, nil); err != nil {
		return err
	}
	return o.mailAll(tx, r, locale.T("About a new owner of {account}", o.names(r)...), said, false)
}

func (o *Owners) record(tx *db.Tx, by audit.Actor, r OwnerRecovery, step string, after any) error {
	return audit.Write(tx, by, audit.Record{Event: "owner_recovery." + step, Account: r.AccountID, Object: "owner_recovery", ObjectID: int64(r.ID), After: after})
}

// write runs fn behind the account's lock.
func (o *Owners) write(ctx context.Context, a id.Account, fn func(tx *db.Tx, name string) error) error {
	return o.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := access.Lock(tx, a); err != nil {
			return err
		}
		type row struct{ Name, Status string }
		acc, err := db.One[row](tx, "SELECT name, status FROM accounts WHERE id = $1", a)
		if err != nil {
			return err
		}
		if acc.Status == "closed" {
			return fault.New(fault.Conflict, "account-closed", "This account is closed. Open it again first.")
		}
		return fn(tx, acc.Name)
	})
}

// step is write on what is under way.
func (o *Owners) step(ctx context.Context, a id.Account, fn func(tx *db.Tx, r OwnerRecovery) error) error {
	return o.write(ctx, a, func(tx *db.Tx, _ string) error {
		r, err := openRecovery(tx, a)
		if err == nil && r.ID == 0 {
			err = errNoRecovery
		}
		if err != nil {
			return err
		}
		return fn(tx, r)
	})
}

// A concerned is somebody who hears of every step.
type concerned struct {
	UserID   db.Null[id.User]
	Address  mail.Address
	Owner    bool
	Language string
}

// tell mails everybody whom it concerns, with a link that stops it for those
// who may: the owners, and whoever reads the account's own mail.
func (o *Owners) tell(tx *db.Tx, r OwnerRecovery, subject, text locale.Text) error {
	return o.mailAll(tx, r, subject, text, true)
}

func (o *Owners) mailAll(tx *db.Tx, r OwnerRecovery, subject, text locale.Text, stops bool) error {
	list, err := db.All[concerned](tx, `
		SELECT m.user_id, u.address, m.owner, u.language FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.status <> 'ended' AND u.status <> 'deleted' ORDER BY m.id`, r.AccountID)
	if err != nil {
		return err
	}
	own, err := db.One[concerned](tx, "SELECT address, TRUE AS owner, language FROM accounts WHERE id = $1", r.AccountID)
	if err != nil {
		return err
	}
	if !own.Address.IsZero() && !slices.ContainsFunc(list, func(c concerned) bool { return c.Owner && c.Address == own.Address }) {
		list = append(list, own)
	}
	for _, c := range list {
		m := mail.Message{
			Kind: "owner-recovery", Class: mail.Urgent, To: c.Address, About: r.AccountID, User: c.UserID.V, Language: c.Language, Subject: subject,
			Lines: []locale.Text{text}, Closing: []locale.Text{locale.T("You receive this because you have access to the account.")},
		}
		if !c.UserID.Valid {
			m.Account, m.Closing = r.AccountID, []locale.Text{locale.T("You receive this because the account's own mail comes to this address.")}
		}
		if stops && c.Owner {
			if m.Action.URL, err = o.stopLink(tx, r, c); err != nil {
				return err
			}
			m.Action.Label = locale.T("Stop this: an owner can act")
		}
		if _, err := o.outbox.Send(tx, m); err != nil {
			return err
		}
	}
	return nil
}

func (o *Owners) stopLink(tx *db.Tx, r OwnerRecovery, c concerned) (string, error) {
	token, hash := auth.NewToken()
	_, err := db.Exec(tx, "INSERT INTO owner_recovery_links (account_id, recovery_id, user_id, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
		r.AccountID, r.ID, c.UserID, hash, tx.Now)
	return o.baseURL + "/owner-recovery/" + token, err
}

var errStopped = fault.New(fault.Gone, "owner-recovery", "This link has been used, or what it stops is over already. If somebody became an owner and should not be one, tell the operator at once.")

// A stop is what a mailed link stops, and who holds it.
type stop struct {
	AccountID id.Account
	UserID    db.Null[id.User]
}

// findStop reads what a link stops. An owner's link is hers as long as she is
// one.
func findStop(tx *db.Tx, token string) (stop, error) {
	s, err := db.One[stop](tx, `
		SELECT l.account_id, l.user_id FROM owner_recovery_links l JOIN owner_recoveries r ON r.account_id = l.account_id AND r.id = l.recovery_id
		WHERE l.token_hash = $1 AND r.state = 'open' AND (l.user_id IS NULL OR EXISTS (
			SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
			WHERE m.account_id = l.account_id AND m.user_id = l.user_id AND m.owner AND m.status <> 'ended' AND u.status = '`+string(user.Active)+`'))`, auth.HashToken(token))
	if errors.Is(err, db.ErrNone) {
		return s, errStopped
	}
	return s, err
}

// OpenStop finds what a mailed link stops, and stops nothing.
func (o *Owners) OpenStop(ctx context.Context, token string) (r OwnerRecovery, err error) {
	defer fault.Wrap(&err, "staff.Owners.OpenStop")
	err = o.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		s, err := findStop(tx, token)
		if err != nil {
			return err
		}
		r, err = openRecovery(tx, s.AccountID)
		return err
	})
	return r, err
}

// Stop ends it, by an owner or by whoever reads the account's own mail.
func (o *Owners) Stop(ctx context.Context, token string, req auth.Request) (err error) {
	defer fault.Wrap(&err, "staff.Owners.Stop")
	return o.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		s, err := findStop(tx, token)
		if err != nil {
			return err
		}
		if err := access.Lock(tx, s.AccountID); err != nil {
			return err
		}
		r, err := openRecovery(tx, s.AccountID)
		if err != nil {
			return err
		}
		if r.ID == 0 {
			return errStopped
		}
		by, said := req.Visitor(), locale.T("Nobody becomes an owner of {account}: whoever reads the account's own mail has stopped it.", o.names(r)...)
		if s.UserID.Valid {
			by = audit.Actor{Kind: audit.User, ID: int64(s.UserID.V), Via: audit.ViaSelf, Request: req.ID, Network: req.Network}
			said = locale.T("Nobody becomes an owner of {account}: an owner has stopped it.", o.names(r)...)
		}
		err = o.end(tx, by, r, "stopped", said)
		if errors.Is(err, errNoRecovery) {
			return errStopped
		}
		return err
	})
}

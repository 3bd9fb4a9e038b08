package staff

import (
	"context"
	"errors"
	"strings"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// PageSize is how many rows a list of the desk shows at once.
const PageSize = 50

// Accounts reads accounts by number from behind the given one on, those that
// fit or all, and whether there are more.
func (s *Staff) Accounts(ctx context.Context, by For[Look], n plain.Needle, to account.Narrow, after id.Account) (list []account.Account, more bool, err error) {
	defer fault.Wrap(&err, "staff.Accounts")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = account.List(tx, n, to, after, PageSize+1)
		return err
	})
	more = len(list) > PageSize
	return list[:min(len(list), PageSize)], more, err
}

// Users is Accounts for users.
func (s *Staff) Users(ctx context.Context, by For[Look], n plain.Needle, after id.User) (list []user.User, more bool, err error) {
	defer fault.Wrap(&err, "staff.Users")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = user.List(tx, n, after, PageSize+1)
		return err
	})
	more = len(list) > PageSize
	return list[:min(len(list), PageSize)], more, err
}

// A Person is a user as the desk sees her: every account that she can reach,
// and through what.
type Person struct {
	user.User
	Reach    []access.Reached
	MoreThan bool // she reaches more accounts than are listed
	Factors  auth.Factors
	Reset    auth.FactorReset // the removal of a lost second factor; number 0 where none is under way
	Activity []audit.Entry
	Standing
	LastOwnerOf []access.Reached // open accounts that have no other owner who can act
}

// Person reads a user's page.
func (s *Staff) Person(ctx context.Context, by For[Look], u id.User) (p Person, err error) {
	defer fault.Wrap(&err, "staff.Person(%d)", u)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		p.User, err = user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		if p.Reach, err = access.ReachOf(tx, u, access.Page{Limit: PageSize}); err != nil {
			return err
		}
		if p.MoreThan = len(p.Reach) > PageSize; p.MoreThan {
			p.Reach = p.Reach[:PageSize]
		}
		if p.Standing, err = standing(tx, s.settings.Current(), u); err != nil {
			return err
		}
		if p.LastOwnerOf, err = access.SoleOwnedBy(tx, u); err != nil {
			return err
		}
		if p.Factors, err = auth.FactorsOf(tx, auth.Person(u)); err != nil {
			return err
		}
		if p.Reset, err = auth.OpenReset(tx, u); err != nil {
			return err
		}
		p.Activity, err = audit.OfUser(tx, u, 0)
		return err
	})
	return p, err
}

// Reach reads a further part of the accounts that a user can reach, and one
// more, so that the caller can tell whether there are more.
func (s *Staff) Reach(ctx context.Context, by For[Look], u id.User, p access.Page) (list []access.Reached, err error) {
	defer fault.Wrap(&err, "staff.Reach(%d)", u)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = access.ReachOf(tx, u, p)
		return err
	})
	return list, err
}

// Activity reads what a user did, and what was done to her, from before the
// given entry on.
func (s *Staff) Activity(ctx context.Context, by For[Look], u id.User, before int64) (list []audit.Entry, err error) {
	defer fault.Wrap(&err, "staff.Activity(%d)", u)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = audit.OfUser(tx, u, before)
		return err
	})
	return list, err
}

// UserAt finds the user who has an address, to attach her to an account.
func (s *Staff) UserAt(ctx context.Context, by For[Help], a mail.Address) (u user.User, err error) {
	defer fault.Wrap(&err, "staff.UserAt")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		u, err = user.ByAddress(tx, a)
		if errors.Is(err, db.ErrNone) {
			return fault.Field("address", "Nobody has a login with this address. Invite it instead.")
		}
		return err
	})
	return u, err
}

// MailPasswordLink mails a user a link to set a new password. The operator
// never sees it.
func (s *Staff) MailPasswordLink(ctx context.Context, by For[Help], u id.User) (err error) {
	defer fault.Wrap(&err, "staff.MailPasswordLink(%d)", u)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		person, err := user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		return s.auth.MailPasswordLink(tx, person, by.Actor())
	})
}

// Outline is what the dashboard counts.
type Outline struct {
	Accounts    int64
	Users       int64
	Invitations int64 // open
}

// Outline reads the dashboard.
func (s *Staff) Outline(ctx context.Context, by For[Look]) (o Outline, err error) {
	defer fault.Wrap(&err, "staff.Outline")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		o, err = db.One[Outline](tx, `
			SELECT (SELECT COUNT(*) FROM accounts WHERE status <> 'closed') AS accounts,
				(SELECT COUNT(*) FROM users WHERE status <> 'deleted') AS users,
				(SELECT COUNT(*) FROM invitations WHERE state = 'pending' AND expires_at > $1) AS invitations`, tx.Now)
		return err
	})
	return o, err
}

// Mails reads the log of all mail, newest first.
func (s *Staff) Mails(ctx context.Context, by For[ReadMail], o *mail.Outbox, state, word string, before id.Mail) (list []mail.LogEntry, err error) {
	defer fault.Wrap(&err, "staff.Mails")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = o.Log(tx, state, word, before)
		return err
	})
	return list, err
}

// Mail reads one message of the log.
func (s *Staff) Mail(ctx context.Context, by For[ReadMail], o *mail.Outbox, number id.Mail) (m mail.LogEntry, err error) {
	defer fault.Wrap(&err, "staff.Mail(%d)", number)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		m, err = o.Read(tx, number)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		return err
	})
	return m, err
}

// MayOpen reports whether an operator may read a kept message with its link,
// which opens what its recipient may open: a customer's for whoever helps
// people, an operator's for whoever manages operators.
func (f For[P]) MayOpen(m mail.LogEntry) bool {
	if strings.HasPrefix(m.Kind, "staff-") {
		return f.may.Has(access.StaffManageStaff)
	}
	return f.may.Has(access.StaffHelp)
}

// OpenMail reads a kept message with its link, and notes that it was read.
func (s *Staff) OpenMail(ctx context.Context, by For[OpenMail], o *mail.Outbox, number id.Mail) (m mail.LogEntry, err error) {
	defer fault.Wrap(&err, "staff.OpenMail(%d)", number)
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		m, err = o.Read(tx, number)
		switch {
		case errors.Is(err, db.ErrNone):
			return fault.Missing()
		case err != nil:
			return err
		case !m.Kept():
			return fault.New(fault.Conflict, "mail-not-kept", "This message was sent, or waits to be. Its link is for the recipient alone.")
		case !by.MayOpen(m):
			return fault.New(fault.Denied, "mail-opens-more", "The link of this message opens more than your role allows.")
		}
		if m.TextBody, err = o.Original(tx, number); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.opened_mail", Object: "mail", ObjectID: int64(number), Subject: m.UserID.V})
	})
	return m, err
}

// SendMail has a message sent that was held back.
func (s *Staff) SendMail(ctx context.Context, by For[ReadMail], o *mail.Outbox, number id.Mail) (err error) {
	defer fault.Wrap(&err, "staff.SendMail(%d)", number)
	return s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if _, err := o.Read(tx, number); errors.Is(err, db.ErrNone) {
			return fault.Missing()
		} else if err != nil {
			return err
		}
		err := o.SendAfterAll(tx, number)
		if errors.Is(err, db.ErrNone) {
			return fault.New(fault.Conflict, "mail-not-held", "This message is not held back: it was sent meanwhile, or its original is no longer kept. Write to the recipient anew.")
		}
		if err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.sent_mail", Object: "mail", ObjectID: int64(number)})
	})
}

// RetryMail has every message that waits for its next try tried now, and tells
// how many.
func (s *Staff) RetryMail(ctx context.Context, by For[ReadMail], o *mail.Outbox) (n int64, err error) {
	defer fault.Wrap(&err, "staff.RetryMail")
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		if n, err = o.Retry(tx); err != nil {
			return err
		}
		return audit.Write(tx, by.Actor(), audit.Record{Event: "staff.retried_mail", Object: "mail", After: map[string]any{"messages": n}})
	})
	return n, err
}

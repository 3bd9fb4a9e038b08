package sso

import (
	"context"
	"errors"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/plain"
)

// A Linked is a login at a provider that is linked to a login here.
type Linked struct {
	ID           id.Identity
	Provider     id.Provider
	Name         string // of the provider
	Label        string // what it called her when it was linked
	Active       bool   // it can be used now
	SecondFactor bool   // it counts as a second factor
	CreatedAt    time.Time
	UsedAt       db.Null[time.Time]
}

// Active lists the providers that people can sign in through now.
func (p *Providers) Active(ctx context.Context) (list []Provider, err error) {
	defer fault.Wrap(&err, "sso.Active")
	err = p.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = db.All[Provider](tx, "SELECT "+columns+" FROM providers p WHERE p.status = 'active' ORDER BY p.name, p.id")
		return err
	})
	return list, err
}

// Linked lists what is linked to the person's login.
func (p *Providers) Linked(ctx context.Context, me auth.Identity) (list []Linked, err error) {
	defer fault.Wrap(&err, "sso.Linked(%d)", me.User())
	err = p.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = linked(tx, me.User())
		return err
	})
	return list, err
}

func linked(tx *db.Tx, u id.User) ([]Linked, error) {
	return db.All[Linked](tx, `
		SELECT i.id, p.id AS provider, p.name, i.label, p.status = 'active' AS active, p.second_factor, i.created_at, i.used_at
		FROM identities i JOIN providers p ON p.id = i.provider_id WHERE i.user_id = $1 ORDER BY p.name, i.id`, u)
}

// Confirming lists the providers through which a person can confirm who she
// is. Where she has a second factor of her own, only those count that ask for
// one too.
func (p *Providers) Confirming(ctx context.Context, me auth.Identity, own bool) (list []Provider, err error) {
	defer fault.Wrap(&err, "sso.Confirming(%d)", me.User())
	err = p.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		list, err = db.All[Provider](tx, "SELECT "+columns+` FROM providers p
			WHERE p.status = 'active' AND (p.second_factor OR $2 = 0) AND EXISTS (SELECT 1 FROM identities i WHERE i.provider_id = p.id AND i.user_id = $1)
			ORDER BY p.name, p.id`, me.User(), number(own))
		return err
	})
	return list, err
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// confirms makes sure that a person can confirm who she is through a provider.
// Whether it is enough is decided when she comes back.
func confirms(tx *db.Tx, c Provider, me auth.Identity) error {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM identities WHERE user_id = $1 AND provider_id = $2", me.User(), c.ID)
	if err == nil && n == 0 {
		err = fault.Missing()
	}
	return err
}

// NotLinked is the reason of the answer to somebody whom a provider knows and
// nobody here does.
const NotLinked = "not-linked"

// arrive does what she left for.
func (p *Providers) arrive(tx *db.Tx, in *Arrival, c Provider, who person, a attempt, w Answer) (err error) {
	switch in.Purpose {
	case SignIn:
		in.SignedIn, err = p.enter(tx, c, who, w)
	case Link:
		in.SignedIn, err = p.link(tx, c, who, w.Me)
	case Confirm:
		in.Session, err = p.confirm(tx, c, who, a, w.Me)
	case Another:
		in.Shown, in.Half, err = p.another(tx, c, who, a, w)
	default:
		err = fault.Missing()
	}
	return err
}

// A holder is whom an identity belongs to here.
type holder struct {
	ID   id.Identity
	User id.User
}

// holderOf finds whom a provider speaks of, by issuer and subject alone. The
// zero value is nobody; somebody who may not sign in is nobody too.
func holderOf(tx *db.Tx, who person) (holder, error) {
	h, err := db.One[holder](tx, `
		SELECT i.id, i.user_id AS "user" FROM identities i JOIN users u ON u.id = i.user_id
		WHERE i.issuer = $1 AND i.subject = $2 AND u.status = 'active'`, who.issuer, who.subject)
	if errors.Is(err, db.ErrNone) {
		return holder{}, nil
	}
	return h, err
}

// used notes that an identity was used now.
func (h holder) used(tx *db.Tx) error {
	_, err := db.Exec(tx, "UPDATE identities SET used_at = $2 WHERE id = $1", h.ID, tx.Now)
	return err
}

// enter lets a person in whom the provider knows.
func (p *Providers) enter(tx *db.Tx, c Provider, who person, w Answer) (in auth.SignedIn, err error) {
	h, err := holderOf(tx, who)
	if err != nil {
		return in, err
	}
	if h.ID == 0 {
		return in, fault.New(fault.Denied, NotLinked, "This login at "+c.Name+" is not linked to anybody here. Sign in in another way, then link it on your security page.")
	}
	if err := h.used(tx); err != nil {
		return in, err
	}
	err = tx.Within(db.AsUser(h.User), func() error {
		shown := c.shown()
		shown.Stale = who.at.IsZero() || tx.Now.Sub(who.at) > leeway || who.at.Sub(tx.Now) > leeway
		in, err = p.auth.Enter(tx, h.User, shown, w.Device, w.Request)
		return err
	})
	return in, err
}

// link ties a login at a provider to the login of the person, in a session
// that has shown who she is lately.
func (p *Providers) link(tx *db.Tx, c Provider, who person, me auth.Identity) (in auth.SignedIn, err error) {
	if !me.FreshAt(tx.Now) {
		return in, fault.New(fault.Conflict, "not-fresh", "That took longer than your password counts here, so nothing was linked. Link it again.")
	}
	number, err := db.One[id.Identity](tx, `
		INSERT INTO identities (user_id, provider_id, issuer, subject, label, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (issuer, subject) DO NOTHING RETURNING id`, me.User(), c.ID, who.issuer, who.subject, who.label, tx.Now)
	if errors.Is(err, db.ErrNone) {
		return in, p.taken(tx, c, who, me)
	}
	if err != nil {
		return in, err
	}
	return p.changed(tx, me, "identity.linked", number, c, locale.T("A sign-in was linked to your login at {brand}", "brand", p.settings.Brand()),
		locale.T("A login at {provider} was linked to your login at {brand}: it signs you in from now on.", "provider", c.Name+inBrackets(who.label), "brand", p.settings.Brand()))
}

// inBrackets is the name that a provider gives a login, in brackets.
func inBrackets(label string) string {
	if label == "" {
		return ""
	}
	return " (" + plain.Defang(label) + ")"
}

// taken says that a login at a provider is linked already.
func (p *Providers) taken(tx *db.Tx, c Provider, who person, me auth.Identity) error {
	h, err := holderOf(tx, who)
	if err != nil {
		return err
	}
	if h.User == me.User() {
		return fault.New(fault.Conflict, "linked-already", "This login at "+c.Name+" is linked to yours already.")
	}
	return fault.New(fault.Conflict, "linked-to-another", "This login at "+c.Name+" is linked to somebody else's login here. Nothing was changed. Sign in with it to see whose it is, and unlink it there.")
}

// changed does what every change of what signs a person in brings.
func (p *Providers) changed(tx *db.Tx, me auth.Identity, event string, number id.Identity, c Provider, subject, line locale.Text) (in auth.SignedIn, err error) {
	record := audit.Record{Event: event, Object: "identity", ObjectID: int64(number), After: map[string]string{"provider": c.Name}}
	err = tx.Within(db.AsUser(me.User()), func() error {
		in, err = p.auth.Change(tx, me, record, subject, line)
		return err
	})
	return in, err
}

// leeway is how far a provider's clock may be from ours.
const leeway = time.Minute

// confirm notes that the person has signed in anew at a provider that knows
// her (Core 1.0, sections 3.1.2.1 and 3.1.3.7: where max_age was asked for,
// auth_time must be there).
func (p *Providers) confirm(tx *db.Tx, c Provider, who person, a attempt, me auth.Identity) (token string, err error) {
	h, err := holderOf(tx, who)
	if err != nil {
		return "", err
	}
	if h.ID == 0 || h.User != me.User() {
		return "", fault.New(fault.Conflict, "another-identity", "This is another login at "+c.Name+" than the one that is linked to yours.")
	}
	if err := anew(c, who, a); err != nil {
		return "", err
	}
	if err := h.used(tx); err != nil {
		return "", err
	}
	err = tx.Within(db.AsUser(me.User()), func() error {
		token, err = p.auth.ConfirmThrough(tx, me, c.shown())
		return err
	})
	return token, err
}

// anew makes sure that a provider has asked her to sign in since she left.
func anew(c Provider, who person, a attempt) error {
	if who.at.Before(a.Begun.Add(-leeway)) {
		return fault.New(fault.Conflict, "not-anew", c.Name+" did not ask you to sign in anew, so this confirms nothing. Confirm who you are in another way.")
	}
	return nil
}

// another shows, within a session, another login here that the provider knows.
func (p *Providers) another(tx *db.Tx, c Provider, who person, a attempt, w Answer) (shown string, half bool, err error) {
	h, err := holderOf(tx, who)
	if err != nil {
		return "", false, err
	}
	if h.ID == 0 {
		return "", false, fault.New(fault.Conflict, "another-identity", "This login at "+c.Name+" is not linked to anybody here.")
	}
	if err := anew(c, who, a); err != nil {
		return "", false, err
	}
	if err := h.used(tx); err != nil {
		return "", false, err
	}
	shown, half, err = p.auth.Another(tx, w.Me, h.User, c.shown(), w.Device)
	if fault.Is(err, fault.Invalid) {
		err = fault.New(fault.Conflict, "itself", "This is the login that you are signed in with.")
	}
	return shown, half, err
}

// Unlink takes one of the person's own linked sign-ins away.
func (p *Providers) Unlink(ctx context.Context, me auth.Identity, number id.Identity) (in auth.SignedIn, err error) {
	defer fault.Wrap(&err, "sso.Unlink(%d)", number)
	err = p.db.Write(ctx, db.AsUser(me.User()), func(tx *db.Tx) error {
		type row struct {
			ProviderID id.Provider
			Label      string
		}
		gone, err := db.One[row](tx, "DELETE FROM identities WHERE id = $1 AND user_id = $2 RETURNING provider_id, label", number, me.User())
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		if err != nil {
			return err
		}
		c, err := find(tx, gone.ProviderID)
		if err != nil {
			return err
		}
		in, err = p.changed(tx, me, "identity.unlinked", number, c.Provider, locale.T("A sign-in was unlinked from your login at {brand}", "brand", p.settings.Brand()),
			locale.T("The login at {provider} was unlinked from your login at {brand}: it signs you in no more.", "provider", c.Name+inBrackets(gone.Label), "brand", p.settings.Brand()))
		return err
	})
	return in, err
}

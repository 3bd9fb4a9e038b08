package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// Memberships keeps who has access to what, and makes the proofs.
type Memberships struct {
	db       *db.DB
	outbox   *mail.Outbox
	baseURL  string
	settings *setting.Settings
	erased   []func(tx *db.Tx, person user.User, by audit.Actor) error
	ended    []func(tx *db.Tx, by audit.Actor, account id.Account, u id.User, removed bool) error
}

// New makes Memberships. Links in mail are built from baseURL alone.
func New(d *db.DB, o *mail.Outbox, baseURL string, s *setting.Settings) *Memberships {
	return &Memberships{db: d, outbox: o, baseURL: baseURL, settings: s}
}

// WhenEnded has fn run in the transaction that ends a membership, for what
// hangs on one elsewhere. removed tells whether somebody else ended it.
func (m *Memberships) WhenEnded(fn func(tx *db.Tx, by audit.Actor, account id.Account, u id.User, removed bool) error) {
	m.ended = append(m.ended, fn)
}

// live is the SQL of "this membership gives access now", for a row m and the
// time in parameter $3. It stands here once and is used wherever access is
// read, so that a membership which has ended, is suspended, has run out or
// has not begun gives nothing anywhere. Its terms have names, so that a
// diagnosis asks each of them by itself.
const (
	live     = standing + " AND " + begun + " AND " + running
	standing = "m.status = 'active'"
	begun    = "m.starts_at <= $3"
	running  = "(m.ends_at IS NULL OR m.ends_at > $3)"
)

// linkLive is the same of a partner link l, and partnerOpen of the partner p
// itself.
const (
	linkLive     = linkStanding + " AND " + linkBegun + " AND " + linkRunning
	linkStanding = "l.status = 'active'"
	linkBegun    = "l.starts_at <= $3"
	linkRunning  = "(l.ends_at IS NULL OR l.ends_at > $3)"
	partnerOpen  = "p.status <> 'closed'"
)

// sources reads what else a person ($2) may do on an account ($1) at a time
// ($3): through grants on single objects, and through partner links of
// accounts that she is a member of. Links do not chain.
var sources = fmt.Sprintf(`
	SELECT 0 AS via_id, g.permissions, g.kind, g.object_id
	FROM memberships m JOIN grants g ON g.account_id = m.account_id AND g.membership_id = m.id
	WHERE m.account_id = $1 AND m.user_id = $2 AND %[2]s
		AND g.ended_at IS NULL AND g.starts_at <= $3 AND (g.ends_at IS NULL OR g.ends_at > $3)
	UNION ALL
	SELECT l.partner_id, %[1]s, '', 0
	FROM partner_links l JOIN memberships m ON m.account_id = l.partner_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	JOIN accounts p ON p.id = l.partner_id AND %[3]s
	WHERE l.account_id = $1 AND m.user_id = $2 AND %[2]s AND %[1]s <> 0 AND %[4]s`, partnerSet, live, partnerOpen, linkLive)

// partnerSet is the SQL of what somebody may do through a partner link l, for
// the row m of her membership at the partner and r of its own role: what the
// link carries and she may do for the partner. Where that is nothing, the
// link does not let her in.
var partnerSet = fmt.Sprintf("(l.permissions & CASE WHEN m.owner THEN %[1]d ELSE %[1]d & %[2]s END)", Everything, roleSet)

// direct reads what nearly every check needs and nothing more: the account,
// the person's own membership, and whether there is anything else to look at.
var direct = fmt.Sprintf(`
	SELECT a.name, a.status, %s, COALESCE(m.id, 0) AS membership_id, COALESCE(m.owner, FALSE) AS owner, COALESCE(%s, 0) AS permissions, m.seen_at,
		EXISTS (SELECT 1 FROM partner_links l WHERE l.account_id = $1 AND l.status = 'active') AS partners,
		EXISTS (SELECT 1 FROM grants g WHERE g.account_id = $1 AND g.membership_id = m.id AND g.ended_at IS NULL) AS grants
	FROM accounts a
	LEFT JOIN memberships m ON m.account_id = a.id AND m.user_id = $2 AND m.status <> 'ended' AND %s
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	WHERE a.id = $1`, gateColumns, roleSet, live)

type own struct {
	Gate
	Name         string
	Status       string
	MembershipID id.Membership
	Owner        bool
	Permissions  Set
	SeenAt       db.Null[time.Time]
	Partners     bool
	Grants       bool
}

type source struct {
	ViaID       int64
	Permissions Set
	Kind        string
	ObjectID    int64
}

// Check makes the proof that the principal may do P on the account, or says
// why not: NotFound for an account that she cannot enter, exactly as for one
// that does not exist; Denied, in words, for a member without the permission.
func Check[P Permission](ctx context.Context, m *Memberships, by Principal, account id.Account) (f For[P], err error) {
	err = m.db.Peek(ctx, db.InAccount(account, by.user), func(tx *db.Tx) error {
		f, err = checkIn[P](tx, m, by, account)
		return err
	})
	if err == nil || fault.Is(err, fault.NotFound) {
		return f, err
	}
	if fault.Is(err, fault.Denied) {
		m.noteDenied(ctx, by, account, err)
	}
	return For[P]{}, fmt.Errorf("access.Check(%d): %w", account, err)
}

// checkIn is Check within a transaction that has the account's scope.
func checkIn[P Permission](tx *db.Tx, m *Memberships, by Principal, account id.Account) (For[P], error) {
	var p P
	held, err := check(tx, m, by, account, p.requires())
	if err != nil {
		return For[P]{}, err
	}
	return For[P]{proof: held}, nil
}

// check is the rule itself.
func check(tx *db.Tx, m *Memberships, by Principal, account id.Account, need requirement) (proof, error) {
	held, err := holding(tx, m, by, account)
	if err != nil {
		return proof{}, err
	}
	if err := held.pass(need, tx.Now); err != nil && !need.ungated {
		return proof{}, err
	} else if err != nil {
		held.outside = true
	}
	switch {
	case need.owner && !held.owner:
		return proof{}, denied(tx, held, "only-owners", "Only owners of "+held.name+" may do this.")
	case need.any == 0 || held.all&need.any != 0 || held.owner:
		return held, nil
	}
	held.objects = slices.DeleteFunc(held.objects, func(o Object) bool { return o.set&need.any == 0 })
	if len(held.objects) > 0 {
		held.onlyObjects = true
		return held, nil
	}
	return proof{}, denied(tx, held, "permission", "You may not do this in "+held.name+". It takes: "+need.any.Labels()+".")
}

// holding reads what the principal holds on the account. An operator who
// looks as somebody holds what both hold, and only on the one account.
func holding(tx *db.Tx, m *Memberships, by Principal, account id.Account) (proof, error) {
	p := proof{m: m, principal: by, account: account}
	switch {
	case by.staff != 0:
		return p.asStaff(tx)
	case by.behind.Number == 0:
		return p.asUser(tx)
	case by.behind.Account != account:
		return p, errElsewhere
	}
	p, err := p.asUser(tx)
	if err != nil {
		return p, err
	}
	return p.narrowed(tx)
}

// asUser reads what a user holds: as a member, through grants on single
// objects, and through partners.
func (p proof) asUser(tx *db.Tx) (proof, error) {
	by, account := p.principal, p.account
	if by.user == 0 {
		return p, fault.Missing()
	}
	mine, err := db.One[own](tx, direct, account, by.user, tx.Now)
	if errors.Is(err, db.ErrNone) || err == nil && mine.MembershipID == 0 && !mine.Partners {
		return p, fault.Missing()
	}
	if err != nil {
		return p, err
	}
	p.name, p.status, p.gate = mine.Name, mine.Status, mine.Gate
	if mine.MembershipID != 0 {
		p.membership, p.seenAt, p.owner, p.all = mine.MembershipID, mine.SeenAt.V, mine.Owner, mine.Permissions.Known()
		p.by = by.actor(audit.ViaMember, int64(mine.MembershipID))
	}
	if mine.Owner {
		p.all = Everything
	}
	if mine.Partners || mine.Grants {
		return p.addSources(tx)
	}
	return p, nil
}

// addSources adds what is held through grants on single objects and through
// partner links.
func (p proof) addSources(tx *db.Tx) (proof, error) {
	var rows []source
	err := tx.Within(db.Wide, func() (err error) {
		rows, err = db.All[source](tx, sources, p.account, p.principal.user, tx.Now)
		return err
	})
	if err != nil {
		return p, err
	}
	if len(rows) == 0 && p.membership == 0 {
		return p, fault.Missing()
	}
	for _, r := range rows {
		if r.Kind != "" {
			p.objects = append(p.objects, Object{Kind: r.Kind, ID: r.ObjectID, set: r.Permissions & onObject[r.Kind]})
			continue
		}
		p.all |= r.Permissions.Known()
		if p.membership == 0 {
			p.by = p.principal.actor(audit.ViaPartner, r.ViaID)
		}
	}
	return p, nil
}

// StillGives cuts what a user has offered to others down to what she may give
// now: as much of it as she holds, and nothing where she does not manage
// people any more or is suspended. What somebody offered who then left by
// herself stands: she held it when she offered it, in the account's name. The
// transaction has a scope that sees the account.
func StillGives(tx *db.Tx, account id.Account, u id.User, offered Set) (Set, error) {
	type row struct{ Status, EndedWhy string }
	who, err := db.One[row](tx, `
		SELECT u.status, COALESCE((SELECT m.ended_why FROM memberships m WHERE m.account_id = $1 AND m.user_id = u.id ORDER BY m.id DESC LIMIT 1), '') AS ended_why
		FROM users u WHERE u.id = $2`, account, u)
	if err != nil || who.EndedWhy == "left" {
		return offered, err
	}
	p, err := holding(tx, nil, Principal{user: u}, account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return 0, err
	}
	if err != nil || who.Status != string(user.Active) || !p.all.Has(one(peopleManage).any) {
		return 0, nil
	}
	return offered & p.all, nil
}

// asStaff reads what an operator holds: by her own session and role, as they
// are now.
func (p proof) asStaff(tx *db.Tx) (proof, error) {
	type row struct {
		StaffHolding
		Name, Status string
	}
	r, err := db.One[row](tx, `
		SELECT a.name, a.status, `+StaffHoldingSQL+` FROM accounts a, staff s JOIN staff_sessions x ON x.staff_id = s.id
		WHERE a.id = $1 AND s.id = $2 AND x.id = $3 AND s.status = 'active' AND x.ended_at IS NULL AND x.expires_at > $4`,
		p.account, p.principal.staff, p.principal.session, tx.Now)
	if errors.Is(err, db.ErrNone) {
		return p, fault.Missing()
	}
	if err != nil {
		return p, err
	}
	held := r.Set()
	if held == 0 {
		return p, fault.Missing()
	}
	p.name, p.status = r.Name, r.Status
	p.all, p.owner = held.onAccounts()
	p.by = p.principal.actor(audit.ViaStaff, 0)
	return p, nil
}

// denied says what the member has and whom to ask.
func denied(tx *db.Tx, held proof, reason, text string) error {
	switch {
	case held.principal.staff != 0:
		return fault.New(fault.Denied, reason, "Your role does not allow this.")
	case held.principal.behind.Number != 0:
		return fault.New(fault.Denied, reason, "This takes what the person may do here and what your own role allows, both. What only owners may, nobody does for them.")
	}
	names, err := ownerNames(tx, held.account)
	if err != nil {
		return err
	}
	text += " You have: " + held.all.Labels() + "."
	if len(names) > 0 {
		text += " To get more, ask an owner: " + strings.Join(names, ", ") + "."
	}
	return fault.New(fault.Denied, reason, text)
}

func ownerNames(tx *db.Tx, account id.Account) ([]string, error) {
	return db.All[string](tx, `
		SELECT u.name FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.account_id = $1 AND m.owner AND u.status = 'active' AND `+strings.ReplaceAll(live, "$3", "$2")+` ORDER BY m.id LIMIT 3`, account, tx.Now)
}

// deniedLimit bounds how many refusals of one principal are recorded.
var deniedLimit = auth.Limit{Hits: 30, Per: time.Minute}

// noteDenied records a refusal. That it cannot be recorded changes nothing
// about the refusal.
func (m *Memberships) noteDenied(ctx context.Context, by Principal, account id.Account, cause error) {
	e, _ := fault.Of(cause)
	_ = m.db.Write(ctx, db.InAccount(account, by.user), func(tx *db.Tx) error {
		actor := by.actor("", 0)
		wait, err := deniedLimit.Take(tx, fmt.Sprintf("denied:%s:%d", actor.Kind, actor.ID))
		if err != nil || wait > 0 {
			return err
		}
		held, err := holding(tx, m, by, account)
		if err != nil {
			return err
		}
		return audit.Write(tx, held.by, audit.Record{Event: "access." + e.Reason, Account: account, Object: "account", ObjectID: int64(account), Denied: true})
	})
}

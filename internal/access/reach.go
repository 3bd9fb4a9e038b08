package access

import (
	"context"
	"strings"
	"time"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
)

// A Reached is an account that a person can enter, and through what.
type Reached struct {
	ID       id.Account
	Name     string
	Status   string
	Owner    bool
	Role     string
	RoleID   db.Null[id.Role]
	RoleName string
	Single   Set
	Partner  string // the partner's name, where it is through a partner link
	EndsAt   db.Null[time.Time]
	SeenAt   db.Null[time.Time]
	Gate
}

// Label names what the person is there.
func (r Reached) Label() string {
	switch {
	case r.Owner:
		return "Owner"
	case r.Partner != "":
		return "Through " + r.Partner
	}
	return Role{BuiltIn: r.Role, Own: r.RoleID.V, Single: r.Single}.Label(r.RoleName)
}

// A Page is which part of a long list is asked for.
type Page struct {
	Word      string     // any part of a name or a number; empty finds all
	AfterName string     // the last entry of the page before
	AfterID   id.Account // 0: from the beginning
	Limit     int
}

// reached reads the accounts that a person ($1) can enter now ($3), by name.
// The page is cut out of narrow rows, which an index covers; what else there
// is to know of each account is read for that page alone.
func reached(ways, where string) string {
	return `
	SELECT a.id, a.name, a.status, COALESCE(m.owner, FALSE) AS owner, COALESCE(m.role, '') AS role, m.role_id, COALESCE(r.name, '') AS role_name,
		COALESCE(m.permissions, 0) AS single, COALESCE(p.name, '') AS partner, COALESCE(m.ends_at, y.ends_at) AS ends_at, m.seen_at, ` + gateColumns + `
	FROM (
		SELECT a.id, a.name, x.member_id, x.partner_id, x.ends_at
		FROM (` + ways + `) x JOIN accounts a ON a.id = x.account_id` + where + `
		ORDER BY a.name, a.id LIMIT $2
	) y JOIN accounts a ON a.id = y.id
	LEFT JOIN memberships m ON m.account_id = y.id AND m.id = y.member_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	LEFT JOIN accounts p ON p.id = y.partner_id
	ORDER BY a.name, a.id`
}

// The ways into an account: one's own membership, and a partner's link. An
// account that she reaches in both is listed as her own.
var (
	ownWay     = `SELECT m.account_id, m.id AS member_id, CAST(NULL AS BIGINT) AS partner_id, CAST(NULL AS TIMESTAMP) AS ends_at FROM memberships m WHERE m.user_id = $1 AND ` + live
	partnerWay = `
		SELECT l.account_id, CAST(NULL AS BIGINT), MIN(l.partner_id), MIN(l.ends_at)
		FROM partner_links l JOIN memberships m ON m.account_id = l.partner_id
		LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
		JOIN accounts p ON p.id = l.partner_id AND ` + partnerOpen + `
		WHERE m.user_id = $1 AND ` + live + ` AND ` + partnerSet + ` <> 0 AND ` + linkLive + `
			AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = l.account_id AND m.user_id = $1 AND ` + live + `)
		GROUP BY l.account_id`
	// anyPartner spares installations without partner links the search for
	// them, which takes a look at each of the person's accounts.
	anyPartner = "SELECT COUNT(*) FROM (SELECT 1 FROM partner_links WHERE status = 'active' LIMIT 1) x"
)

// A reachQuery is the list in its three forms; each is planned for itself.
type reachQuery struct{ all, from, search, only string }

func newReachQuery(ways string) reachQuery {
	return reachQuery{
		all:    reached(ways, ""),
		from:   reached(ways, " WHERE (a.name, a.id) > ($4, $5)"),
		search: reached(ways, ` WHERE (a.name, a.id) > ($4, $5) AND (a.search LIKE $6 ESCAPE '\' OR a.id = $7)`),
		only:   reached(ways, " WHERE a.id = $4"),
	}
}

var (
	reachOwn  = newReachQuery(ownWay)
	reachBoth = newReachQuery(ownWay + " UNION ALL " + partnerWay)
)

// Reach lists the accounts that the person can enter. It reads one more than
// asked for, so that the caller can tell whether there are more.
func (m *Memberships) Reach(ctx context.Context, i auth.Identity, p Page) (list []Reached, err error) {
	defer fault.Wrap(&err, "access.Reach(%d)", i.User())
	if by, ok := i.Impersonator(); ok {
		return m.reachOnly(ctx, i.User(), by.Account)
	}
	err = m.db.Peek(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = ReachOf(tx, i.User(), p)
		return err
	})
	return list, err
}

// reachOnly is the list of an operator who looks as somebody: one account.
func (m *Memberships) reachOnly(ctx context.Context, u id.User, account id.Account) (list []Reached, err error) {
	err = m.db.Peek(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = db.All[Reached](tx, reachBoth.only, u, 1, tx.Now, account)
		return err
	})
	return list, err
}

// recent reads the accounts that a person ($1) has been in last and can enter
// now ($3), through her own memberships.
var recent = `
	SELECT a.id, a.name, a.status, m.owner, m.role, m.role_id, COALESCE(r.name, '') AS role_name, m.permissions AS single, '' AS partner, m.ends_at, m.seen_at, ` + gateColumns + `
	FROM memberships m JOIN accounts a ON a.id = m.account_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	WHERE m.user_id = $1 AND m.status <> 'ended' AND ` + live + `
	ORDER BY m.seen_at DESC, m.id DESC LIMIT $2`

// Recent lists the accounts that the person used last, for the switcher. It
// reads one more than asked for, so that the caller can tell whether there
// are more.
func (m *Memberships) Recent(ctx context.Context, i auth.Identity, limit int) (list []Reached, err error) {
	defer fault.Wrap(&err, "access.Recent(%d)", i.User())
	if by, ok := i.Impersonator(); ok {
		return m.reachOnly(ctx, i.User(), by.Account)
	}
	err = m.db.Peek(ctx, db.Wide, func(tx *db.Tx) error {
		list, err = db.All[Reached](tx, recent, i.User(), limit+1, tx.Now)
		return err
	})
	return list, err
}

// ReachOf is Reach for operators, who hold staff's permission to see people.
func ReachOf(tx *db.Tx, u id.User, p Page) ([]Reached, error) {
	query := reachOwn
	partners, err := db.One[int64](tx, anyPartner)
	if err != nil {
		return nil, err
	}
	if partners > 0 {
		query = reachBoth
	}
	word := strings.TrimPrefix(strings.TrimSpace(p.Word), "#")
	if word == "" && p.AfterID == 0 {
		return db.All[Reached](tx, query.all, u, p.Limit+1, tx.Now)
	}
	if word == "" {
		return db.All[Reached](tx, query.from, u, p.Limit+1, tx.Now, p.AfterName, p.AfterID)
	}
	number, _ := id.Parse[id.Account](word)
	return db.All[Reached](tx, query.search, u, p.Limit+1, tx.Now, p.AfterName, p.AfterID, plain.Like(word), number)
}

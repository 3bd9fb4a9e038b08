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
// An account that she reaches in two ways is listed with the stronger one.
var reached = `
	SELECT a.id, a.name, a.status, x.owner, x.role, x.role_id, x.role_name, x.single, x.partner, x.ends_at, x.seen_at
	FROM (
		SELECT m.account_id, m.owner, m.role, m.role_id, COALESCE(r.name, '') AS role_name, m.permissions AS single, '' AS partner, m.ends_at, m.seen_at
		FROM memberships m LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
		WHERE m.user_id = $1 AND ` + live + `
	UNION ALL
		SELECT l.account_id, FALSE, '', NULL, '', 0, MIN(p.name), MIN(l.ends_at), NULL
		FROM partner_links l JOIN memberships m ON m.account_id = l.partner_id
		JOIN accounts p ON p.id = l.partner_id AND p.status <> 'closed'
		WHERE m.user_id = $1 AND ` + live + ` AND l.status = 'active' AND l.starts_at <= $3 AND (l.ends_at IS NULL OR l.ends_at > $3)
			AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = l.account_id AND m.user_id = $1 AND ` + live + `)
		GROUP BY l.account_id
	) x JOIN accounts a ON a.id = x.account_id
	WHERE (a.search LIKE $2 ESCAPE '\' OR a.id = $4)
		AND ((a.name, a.id) > ($5, $6) OR $6 = 0)
	ORDER BY a.name, a.id LIMIT $7`

// Reach lists the accounts that the person can enter. It reads one more than
// asked for, so that the caller can tell whether there are more.
func (m *Memberships) Reach(ctx context.Context, i auth.Identity, p Page) (list []Reached, err error) {
	defer fault.Wrap(&err, "access.Reach(%d)", i.User())
	err = m.db.Read(ctx, db.AsUser(i.User()), func(tx *db.Tx) error {
		list, err = ReachOf(tx, i.User(), p)
		return err
	})
	return list, err
}

// recent reads the accounts that a person ($1) has been in last and can enter
// now ($3), through her own memberships.
var recent = `
	SELECT a.id, a.name, a.status, m.owner, m.role, m.role_id, COALESCE(r.name, '') AS role_name, m.permissions AS single, '' AS partner, m.ends_at, m.seen_at
	FROM memberships m JOIN accounts a ON a.id = m.account_id
	LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
	WHERE m.user_id = $1 AND m.status <> 'ended' AND ` + live + `
	ORDER BY m.seen_at DESC, m.id DESC LIMIT $2`

// Recent lists the accounts that the person used last, for the switcher. It
// reads one more than asked for, so that the caller can tell whether there
// are more.
func (m *Memberships) Recent(ctx context.Context, i auth.Identity, limit int) (list []Reached, err error) {
	defer fault.Wrap(&err, "access.Recent(%d)", i.User())
	err = m.db.Read(ctx, db.AsUser(i.User()), func(tx *db.Tx) error {
		list, err = db.All[Reached](tx, recent, i.User(), limit+1, tx.Now)
		return err
	})
	return list, err
}

// ReachOf is Reach for operators, who hold staff's permission to see people.
func ReachOf(tx *db.Tx, u id.User, p Page) ([]Reached, error) {
	number, _ := id.Parse[id.Account](strings.TrimPrefix(strings.TrimSpace(p.Word), "#"))
	return db.All[Reached](tx, reached, u, plain.Like(strings.TrimPrefix(p.Word, "#")), tx.Now, number, p.AfterName, p.AfterID, p.Limit+1)
}

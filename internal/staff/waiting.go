package staff

import (
	"context"
	"strconv"
	"time"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// A Line is one kind of thing that may wait for somebody: what it is called,
// who hears of it, and where to see it. Each room adds its own.
type Line struct {
	One, Many string // what stands behind the number: "message was refused for good"
	Text      string // what to do about it
	Href      string // the list of them
	Urgent    bool
	May       access.StaffBit // whom it is shown to
	Count     func(tx *db.Tx, by id.Staff) (int64, error)
}

// A Waiting is a line with something on it.
type Waiting struct {
	Line
	N int64
}

// Attend adds lines to what is looked after every day.
func (s *Staff) Attend(lines ...Line) { s.lines = append(s.lines, lines...) }

// Waits reads what waits for somebody now, of what the operator may see.
func (s *Staff) Waits(ctx context.Context, by For[Look]) (list []Waiting, err error) {
	defer fault.Wrap(&err, "staff.Waits")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		list = nil
		for _, l := range s.lines {
			if !by.May().Has(l.May) {
				continue
			}
			n, err := l.Count(tx, by.Staff())
			if err != nil {
				return err
			}
			if n > 0 {
				list = append(list, Waiting{l, n})
			}
		}
		return nil
	})
	return list, err
}

// How far the lists look.
const (
	newFor     = 7 * 24 * time.Hour  // an account is new
	failedFor  = 7 * 24 * time.Hour  // somebody may still want to do something about mail that failed
	unanswered = 3 * 24 * time.Hour  // an invitation should have been answered
	soon       = 14 * 24 * time.Hour // access is about to end
)

// A Waiter is a row of a list of what waits.
type Waiter struct {
	AccountID   db.Null[id.Account]
	AccountName db.Null[string]
	UserID      db.Null[id.User]
	UserName    db.Null[string]
	What        string
	At          time.Time
}

// A List is a page of what waits.
type List struct {
	Key   string
	Title string
	Text  string
	Empty string // what its being empty means
	When  string // what the time of a row is
	query string
	args  func(tx *db.Tx, by id.Staff) []any
}

// Lists are the pages of what waits, by their keys.
var Lists = map[string]List{
	"accounts": {
		Key: "accounts", Title: "New accounts", Text: "Opened within the last seven days.", Empty: "No account was opened within the last seven days.", When: "Opened",
		query: `SELECT a.id AS account_id, a.name AS account_name, CAST(NULL AS BIGINT) AS user_id, CAST(NULL AS TEXT) AS user_name, a.company AS what, a.created_at AS at
			FROM accounts a WHERE a.status <> 'closed' AND a.created_at > $1 AND a.import_id IS NULL`,
		args: func(tx *db.Tx, _ id.Staff) []any { return []any{tx.Now.Add(-newFor)} },
	},
	"invitations": {
		Key: "invitations", Title: "Invitations without an answer", Text: "Sent more than three days ago, and still open.", Empty: "Every invitation that is older than three days has been answered or has run out.", When: "Sent",
		query: `SELECT a.id AS account_id, a.name AS account_name, CAST(NULL AS BIGINT) AS user_id, CAST(NULL AS TEXT) AS user_name, i.address AS what, i.sent_at AS at
			FROM invitations i JOIN accounts a ON a.id = i.account_id
			WHERE i.state = 'pending' AND i.sent_at <= $1 AND i.expires_at > $2 AND a.status <> 'closed'`,
		args: func(tx *db.Tx, _ id.Staff) []any { return []any{tx.Now.Add(-unanswered), tx.Now} },
	},
	"access": {
		Key: "access", Title: "Access that ends soon", Text: "Memberships, access to single things and partner links that end within fourteen days.", Empty: "No access ends within fourteen days.", When: "Ends",
		query: `SELECT a.id AS account_id, a.name AS account_name, u.id AS user_id, u.name AS user_name, 'Membership' AS what, m.ends_at AS at
			FROM memberships m JOIN accounts a ON a.id = m.account_id JOIN users u ON u.id = m.user_id
			WHERE m.status = 'active' AND m.ends_at > $1 AND m.ends_at <= $2 AND a.status <> 'closed' AND u.status <> 'deleted'
			UNION ALL
			SELECT a.id, a.name, u.id, u.name, 'Access to ' || g.kind || ' ' || CAST(g.object_id AS TEXT), g.ends_at
			FROM grants g JOIN memberships m ON m.account_id = g.account_id AND m.id = g.membership_id
				JOIN accounts a ON a.id = g.account_id JOIN users u ON u.id = m.user_id
			WHERE g.ended_at IS NULL AND g.ends_at > $1 AND g.ends_at <= $2 AND m.status = 'active' AND (m.ends_at IS NULL OR m.ends_at > $1)
				AND a.status <> 'closed' AND u.status <> 'deleted'
			UNION ALL
			SELECT a.id, a.name, NULL, NULL, 'Partner link to ' || p.name, l.ends_at
			FROM partner_links l JOIN accounts a ON a.id = l.account_id JOIN accounts p ON p.id = l.partner_id
			WHERE l.status = 'active' AND l.ends_at > $1 AND l.ends_at <= $2 AND a.status <> 'closed'`,
		args: func(tx *db.Tx, _ id.Staff) []any { return []any{tx.Now, tx.Now.Add(soon)} },
	},
	"suspended": {
		Key: "suspended", Title: "Suspended people", Text: "They cannot sign in until somebody restores them.", Empty: "Nobody is suspended.", When: "Since",
		query: `SELECT CAST(NULL AS BIGINT) AS account_id, CAST(NULL AS TEXT) AS account_name, u.id AS user_id, u.name AS user_name, u.suspended_why AS what, COALESCE(u.suspended_at, u.created_at) AS at
			FROM users u WHERE u.status = 'suspended' AND u.merged_into IS NULL`,
		args: func(*db.Tx, id.Staff) []any { return nil },
	},
	"recoveries": {
		Key: "recoveries", Title: "Recoveries", Text: "Lost second factors and lost owners. Each takes two operators, and three days in which it can be stopped.", Empty: "No recovery is under way.", When: "Possible from",
		query: recoveries(""),
		args:  func(*db.Tx, id.Staff) []any { return nil },
	},
}

// recoveries reads what is under way: removals of lost second factors, and
// new owners.
func recoveries(where string) string {
	return `
		SELECT CAST(NULL AS BIGINT) AS account_id, CAST(NULL AS TEXT) AS account_name, u.id AS user_id, u.name AS user_name,
			'Lost second factor: ' || CASE WHEN r.approved_by IS NULL THEN 'somebody else than ' || s.name || ' has to agree' ELSE 'agreed on' END AS what, r.ready_at AS at
		FROM factor_resets r JOIN users u ON u.id = r.user_id JOIN staff s ON s.id = r.started_by
		WHERE r.state = 'open' AND r.credentials = u.credentials AND u.status <> 'deleted'` + where + `
		UNION ALL
		SELECT a.id, a.name, NULL, NULL, 'Lost owners: ' || CASE WHEN r.approved_by IS NULL THEN 'somebody else than ' || s.name || ' has to agree' ELSE 'agreed on' END, r.ready_at
		FROM owner_recoveries r JOIN accounts a ON a.id = r.account_id JOIN staff s ON s.id = r.started_by
		WHERE r.state = 'open'` + where
}

// mine are recoveries that an operator ($2) can take a step in now ($1).
const mine = " AND (r.approved_by IS NULL AND r.started_by <> $2 OR r.approved_by IS NOT NULL AND r.ready_at <= $1)"

// listed bounds how much of a list is shown.
const listed = 200

// List reads what waits, the earliest first, and how much that is in all: of a
// long list only the beginning is read.
func (s *Staff) List(ctx context.Context, by For[Look], l List) (rows []Waiter, all int64, err error) {
	defer fault.Wrap(&err, "staff.List(%s)", l.Key)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		rows, err = db.All[Waiter](tx, "SELECT x.account_id, x.account_name, x.user_id, x.user_name, x.what, x.at FROM ("+l.query+") x ORDER BY x.at LIMIT "+strconv.Itoa(listed), l.args(tx, by.Staff())...)
		if all = int64(len(rows)); err != nil || all < listed {
			return err
		}
		all, err = counts(l.Key)(tx, by.Staff())
		return err
	})
	return rows, all, err
}

// counts is the Count of a list.
func counts(key string) func(tx *db.Tx, by id.Staff) (int64, error) {
	return func(tx *db.Tx, by id.Staff) (int64, error) {
		l := Lists[key]
		return db.One[int64](tx, "SELECT COUNT(*) FROM ("+l.query+") x", l.args(tx, by)...)
	}
}

// countOf is the Count of a plain query.
func countOf(query string) func(tx *db.Tx, by id.Staff) (int64, error) {
	return func(tx *db.Tx, _ id.Staff) (int64, error) { return db.One[int64](tx, query) }
}

// lately is the Count of a query about mail that failed ($1: since when).
func lately(query string) func(tx *db.Tx, by id.Staff) (int64, error) {
	return func(tx *db.Tx, _ id.Staff) (int64, error) { return db.One[int64](tx, query, tx.Now.Add(-failedFor)) }
}

// What failed has lost its original; what a restore holds still has it. How long
// that waits is told by the restore's own record.
const (
	failedMail = "SELECT COUNT(*) FROM mails WHERE state = 'failed' AND sealed = '' AND COALESCE(tried_at, created_at) > $1"
	heldMail   = "SELECT COUNT(*) FROM mails WHERE state = 'failed' AND sealed <> '' AND EXISTS (SELECT 1 FROM audit_records WHERE event = 'system.restored' AND at > $1)"
)

// lines are what this room, and the rooms below it, have to look after.
var lines = []Line{
	{
		One: "recovery waits for you", Many: "recoveries wait for you", Text: "Somebody is locked out. Agree, or finish it.", Href: "/staff/waiting/recoveries", Urgent: true, May: access.StaffRecover,
		Count: func(tx *db.Tx, by id.Staff) (int64, error) {
			return db.One[int64](tx, "SELECT COUNT(*) FROM ("+recoveries(mine)+") x", tx.Now, by)
		},
	},
	{One: "message failed within the last seven days", Many: "messages failed within the last seven days", Text: "They were refused for good, as when an address does not exist, or tried in vain for too long.", Href: "/staff/mails?state=failed", Urgent: true, May: access.StaffReadMail, Count: lately(failedMail)},
	{One: "message is held since a backup was restored", Many: "messages are held since a backup was restored", Text: "They waited when it was made, and may have been sent since. Send those that nobody has had. This line goes away seven days after the restore.", Href: "/staff/mails?state=failed", Urgent: true, May: access.StaffReadMail, Count: lately(heldMail)},
	{One: "message waits after a try that failed", Many: "messages wait after a try that failed", Text: "They are tried again by themselves, at growing intervals.", Href: "/staff/mails?state=queued", Urgent: true, May: access.StaffReadMail, Count: countOf("SELECT COUNT(*) FROM mails WHERE state = 'queued' AND problem <> ''")},
	{One: "recovery is under way", Many: "recoveries are under way", Text: "Lost second factors and lost owners.", Href: "/staff/waiting/recoveries", May: access.StaffLook, Count: counts("recoveries")},
	{One: "access ends soon", Many: "accesses end soon", Text: "Memberships, access to single things and partner links, within fourteen days.", Href: "/staff/waiting/access", May: access.StaffLook, Count: counts("access")},
	{One: "invitation has no answer", Many: "invitations have no answer", Text: "Sent more than three days ago.", Href: "/staff/waiting/invitations", May: access.StaffLook, Count: counts("invitations")},
	{One: "new account", Many: "new accounts", Text: "Opened within the last seven days.", Href: "/staff/waiting/accounts", May: access.StaffLook, Count: counts("accounts")},
	{One: "person is suspended", Many: "people are suspended", Text: "They cannot sign in until somebody restores them.", Href: "/staff/waiting/suspended", May: access.StaffLook, Count: counts("suspended")},
}

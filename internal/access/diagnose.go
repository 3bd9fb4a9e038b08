package access

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
	"clientele/internal/setting"
	"clientele/internal/user"
)

// A Cause names a condition of access, so that pages can say where it is
// mended.
type Cause string

// The conditions.
const (
	CauseLogin      Cause = "login"      // the user is active
	CauseMember     Cause = "member"     // there is a membership, and it is not suspended
	CauseBegun      Cause = "begun"      // it has begun
	CauseEnded      Cause = "ended"      // it has not run out
	CauseLink       Cause = "link"       // the partner's link stands
	CausePartner    Cause = "partner"    // the partner's account is open
	CauseCarries    Cause = "carries"    // what the link carries, and what she may do there
	CauseGate       Cause = "gate"       // what the account asks of everybody
	CausePermission Cause = "permission" // what she wants to do
)

// A Condition is one thing that access takes, and how it stands.
type Condition struct {
	Cause Cause
	Holds bool
	Text  string     // how it stands
	Mend  string     // what to do about it; empty where it holds
	Other id.Account // the partner's account, where it is to be mended there
}

// A Route is one way into an account, all of whose conditions must hold.
type Route struct {
	Title      string
	Conditions []Condition
}

// Open reports whether all conditions hold.
func (r Route) Open() bool {
	for _, c := range r.Conditions {
		if !c.Holds {
			return false
		}
	}
	return true
}

// A Browser is one of her sessions, and what the account asks of it that it
// has not shown.
type Browser struct {
	auth.OpenSession
	Gate Condition
}

// A Diagnosis says why a person can do something on an account, or not: each
// condition of the rule by itself. It is read from the same terms as the check
// is made of.
type Diagnosis struct {
	Account  id.Account
	Name     string
	Status   string
	Login    Condition
	Routes   []Route   // one that is open suffices
	Gate     Condition // what she could show if she signed in now in every way that she has
	Browsers []Browser
	Wanted   Condition
	Owner    bool
	Held     Set
}

// Inside reports whether she has access at all, whatever the account asks of
// her session.
func (d Diagnosis) Inside() bool {
	for _, r := range d.Routes {
		if r.Open() {
			return d.Login.Holds
		}
	}
	return false
}

// Lets reports whether what she wants to do is let happen in one of her
// sessions.
func (d Diagnosis) Lets(b Browser) bool {
	return d.Inside() && b.Gate.Holds && d.Wanted.Holds
}

// Diagnose explains what a user's access to an account comes to. want is the
// key of a permission; empty asks for no more than being let in. The caller
// holds staff's permission, and the transaction sees everything.
func Diagnose(tx *db.Tx, rules *setting.Values, person user.User, account id.Account, want string) (d Diagnosis, err error) {
	type row struct {
		Name, Status string
		Gate
	}
	a, err := db.One[row](tx, "SELECT a.name, a.status, "+gateColumns+" FROM accounts a WHERE a.id = $1", account)
	if errors.Is(err, db.ErrNone) {
		return d, fault.Missing()
	}
	if err != nil {
		return d, err
	}
	d = Diagnosis{Account: account, Name: a.Name, Status: a.Status}
	if d.Login, err = loginCondition(tx, person); err != nil {
		return d, err
	}
	own, err := ownRoute(tx, account, person.ID)
	if err != nil {
		return d, err
	}
	partners, err := partnerRoutes(tx, account, person.ID)
	if err != nil {
		return d, err
	}
	d.Routes = append([]Route{own}, partners...)
	if err := d.hold(tx, person.ID, want); err != nil {
		return d, err
	}
	return d, d.gates(tx, rules, person.ID, a.Gate)
}

// hold reads what she may do, as the check does.
func (d *Diagnosis) hold(tx *db.Tx, u id.User, want string) error {
	held, err := holding(tx, nil, Principal{user: u}, d.Account)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	d.Held, d.Owner = held.all, held.owner
	d.Wanted = Condition{Cause: CausePermission, Holds: true, Text: "Being let in takes no permission."}
	info, ok := PermissionByKey(want)
	if !ok {
		return nil
	}
	d.Wanted.Text = "Their access has the permission “" + info.Label + "”."
	if held.owner || held.all&info.Set() != 0 {
		return nil
	}
	for _, o := range held.objects {
		if o.set&info.Set() != 0 {
			d.Wanted.Text = "Their access has the permission “" + info.Label + "” on single objects, and not on all of them."
			return nil
		}
	}
	d.Wanted.Holds, d.Wanted.Text = false, "Their access has not the permission “"+info.Label+"”."
	d.Wanted.Mend = "Give them a role that has it, or the permission itself."
	return nil
}

// gates holds the account's gate against what each session has shown, and
// against what she could show.
func (d *Diagnosis) gates(tx *db.Tx, rules *setting.Values, u id.User, g Gate) error {
	names, err := wayNames(tx, g)
	if err != nil {
		return err
	}
	best, err := auth.BestProof(tx, u)
	if err != nil {
		return err
	}
	d.Gate = gateCondition(g, g.Asks(best, tx.Now), names, true)
	sessions, err := auth.SessionsOf(tx, u, rules)
	for _, s := range sessions {
		d.Browsers = append(d.Browsers, Browser{s, gateCondition(g, g.Asks(s.Proof(), tx.Now), names, false)})
	}
	return err
}

func loginCondition(tx *db.Tx, u user.User) (Condition, error) {
	c := Condition{Cause: CauseLogin, Holds: u.Status == user.Active, Text: "The login is active."}
	if c.Holds {
		return c, nil
	}
	merged, err := db.One[int64](tx, "SELECT COUNT(*) FROM users WHERE id = $1 AND merged_into IS NOT NULL", u.ID)
	c.Text, c.Mend = "The login is suspended: nobody can sign in with it.", "Restore the login, if the reason is gone."
	if merged > 0 {
		c.Text, c.Mend = "The login is part of another one, which this person signs in with.", "See what the other one can open."
	}
	return c, err
}

// terms are the terms of the rule for one row, each by itself.
type terms struct{ Standing, Begun, Running bool }

const memberTerms = standing + " AS standing, " + begun + " AS begun, " + running + " AS running"

// ownRoute is her own membership: the one that counts, or else the last one.
func ownRoute(tx *db.Tx, account id.Account, u id.User) (Route, error) {
	type row struct {
		terms
		Status   string
		EndedWhy string
		EndedAt  db.Null[time.Time]
		StartsAt time.Time
		EndsAt   db.Null[time.Time]
	}
	r := Route{Title: "As a member"}
	m, err := db.One[row](tx, "SELECT "+memberTerms+`, m.status, m.ended_why, m.ended_at, m.starts_at, m.ends_at FROM memberships m
		WHERE m.account_id = $1 AND m.user_id = $2 ORDER BY CASE WHEN m.status <> 'ended' THEN 0 ELSE 1 END, m.id DESC LIMIT 1`, account, u, tx.Now)
	if errors.Is(err, db.ErrNone) {
		r.Conditions = []Condition{{Cause: CauseMember, Text: "This person is no member of the account and never was.", Mend: "Invite them, or attach them."}}
		return r, nil
	}
	if err != nil {
		return r, err
	}
	member := Condition{Cause: CauseMember, Holds: m.Standing, Text: "This person is a member."}
	switch {
	case m.Status == "ended":
		member.Text, member.Mend = "Their membership "+endedWords(m.EndedWhy)+" on "+locale.Exact(m.EndedAt.V)+". It is over for good.", "Invite them anew, or attach them."
	case !m.Standing:
		member.Text, member.Mend = "Their membership is suspended.", "Remove them, and attach them anew."
	}
	r.Conditions = []Condition{member}
	if m.Status != "ended" {
		r.Conditions = append(r.Conditions, times(m.terms, "Their access", m.StartsAt, m.EndsAt, "Move the end of their access.")...)
	}
	return r, nil
}

func endedWords(why string) string {
	switch why {
	case "left":
		return "was ended by herself"
	case "removed":
		return "was taken away"
	}
	return "ran out"
}

// times are the conditions of a beginning and an end.
func times(t terms, what string, starts time.Time, ends db.Null[time.Time], mend string) (out []Condition) {
	begun := Condition{Cause: CauseBegun, Holds: t.Begun, Text: what + " began on " + locale.Exact(starts) + "."}
	if !t.Begun {
		begun.Text, begun.Mend = what+" begins on "+locale.Exact(starts)+".", "Wait until then, or give access that begins at once."
	}
	end := Condition{Cause: CauseEnded, Holds: t.Running, Text: what + " has no end."}
	switch {
	case !t.Running:
		end.Text, end.Mend = what+" ran out on "+locale.Exact(ends.V)+".", mend
	case ends.Valid:
		end.Text = what + " runs until " + locale.Exact(ends.V) + "."
	}
	return []Condition{begun, end}
}

// partnerRoutes are the partner links that could carry her.
func partnerRoutes(tx *db.Tx, account id.Account, u id.User) (out []Route, err error) {
	type row struct {
		terms
		LinkStanding, LinkBegun, LinkRunning bool
		PartnerOpen, Carries                 bool
		PartnerID                            id.Account
		PartnerName                          string
		StartsAt, LinkStarts                 time.Time
		EndsAt, LinkEnds                     db.Null[time.Time]
	}
	list, err := db.All[row](tx, fmt.Sprintf(`
		SELECT %s, %s AS link_standing, %s AS link_begun, %s AS link_running, %s AS partner_open, %s <> 0 AS carries,
			l.partner_id, p.name AS partner_name, m.starts_at, m.ends_at, l.starts_at AS link_starts, l.ends_at AS link_ends
		FROM partner_links l JOIN memberships m ON m.account_id = l.partner_id AND m.status <> 'ended'
		LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id
		JOIN accounts p ON p.id = l.partner_id
		WHERE l.account_id = $1 AND m.user_id = $2 AND l.status <> 'ended' ORDER BY l.id LIMIT 20`,
		memberTerms, linkStanding, linkBegun, linkRunning, partnerOpen, partnerSet), account, u, tx.Now)
	for _, l := range list {
		r := Route{Title: "Through the partner " + l.PartnerName}
		link := Condition{Cause: CauseLink, Holds: l.LinkStanding, Text: "The account lets " + l.PartnerName + " act on it."}
		if !l.LinkStanding {
			link.Text, link.Mend = "The link to "+l.PartnerName+" waits to be agreed on.", "An owner of the account agrees to it."
		}
		open := Condition{Cause: CausePartner, Holds: l.PartnerOpen, Text: l.PartnerName + " is open.", Other: l.PartnerID}
		if !l.PartnerOpen {
			open.Text, open.Mend = l.PartnerName+" is closed.", "Open it again."
		}
		there := Condition{Cause: CauseMember, Holds: l.Standing, Text: "This person is a member of " + l.PartnerName + ".", Other: l.PartnerID}
		if !l.Standing {
			there.Text, there.Mend = "Their membership in "+l.PartnerName+" is suspended.", "Remove them there, and attach them anew."
		}
		carries := Condition{Cause: CauseCarries, Holds: l.Carries, Text: "The link carries something that they may do for " + l.PartnerName + ".", Other: l.PartnerID}
		if !l.Carries {
			carries.Text, carries.Mend = "Nothing of what the link carries is among what they may do for "+l.PartnerName+".", "Give them more in "+l.PartnerName+", or have the account let the partner do more."
		}
		r.Conditions = append([]Condition{link}, times(terms{l.LinkStanding, l.LinkBegun, l.LinkRunning}, "The link", l.LinkStarts, l.LinkEnds, "An owner of the account makes the link anew.")...)
		r.Conditions = append(r.Conditions, open, there)
		r.Conditions = append(r.Conditions, times(l.terms, "Their access to "+l.PartnerName, l.StartsAt, l.EndsAt, "Move the end of their access there.")...)
		out = append(out, Route{r.Title, append(r.Conditions, carries)})
	}
	return out, err
}

// wayNames are the ways that a gate allows, in words.
func wayNames(tx *db.Tx, g Gate) (string, error) {
	all, err := AllWays(tx)
	var out []string
	for _, c := range all {
		if g.Allows(c.Way) {
			out = append(out, c.Name)
		}
	}
	return strings.Join(out, ", "), err
}

// gateCondition says what a gate asks for. best is about all that she could
// show, rather than about what one session has shown.
func gateCondition(g Gate, missing, ways string, best bool) Condition {
	c := Condition{Cause: CauseGate, Holds: missing == ""}
	switch {
	case missing == NeedsWay && best:
		c.Text, c.Mend = "The account allows only these ways to sign in: "+ways+". This person has none of them.", "They add one on their security page, or an owner allows more ways."
	case missing == NeedsWay:
		c.Text, c.Mend = "The account allows only these ways to sign in: "+ways+". This session came in another one.", "They sign in in one of them."
	case missing == NeedsSecond && best:
		c.Text, c.Mend = "The account asks for a second factor, and this person has none.", "They set one up on their security page, or an owner takes the rule back."
	case missing == NeedsSecond:
		c.Text, c.Mend = "The account asks for a second factor, and this session has not shown one lately.", "They confirm with it when they open the account."
	case missing == NeedsFresh:
		c.Text, c.Mend = "The account asks for a proof at least every "+hours(g.SessionHours)+", and this session's is older.", "They confirm who they are when they open the account."
	case g == (Gate{}):
		c.Text = "The account asks for nothing beside access."
	case best:
		c.Text = "This person can show what the account asks for."
	default:
		c.Text = "This session has shown what the account asks for."
	}
	return c
}

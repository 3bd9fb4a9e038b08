package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/db"
	"clientele/internal/id"
)

// Oracles checks what holds in every world, whatever the test was about:
// every open account has an owner, no secret has come to rest in the database
// or the log, no answer and no mail held what belongs to another account,
// every change has its one record and nobody gave more than he held, and
// every answer was a whole one. It runs by itself when a world ends.
func (w *World) Oracles() {
	w.t.Helper()
	found, err := w.oracles()
	if err != nil && strings.Contains(err.Error(), "closed") {
		return // the test has taken the database away
	}
	if err != nil {
		w.t.Errorf("the oracles cannot look: %v", err)
	}
	for _, f := range found[:min(len(found), 10)] {
		w.t.Error(f)
	}
}

// Unwell tells the world that this test breaks the machine on purpose, so
// that answers like 500 are no surprise.
func (w *World) Unwell() {
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	w.seen.unwell = true
}

func (w *World) oracles() (found []string, err error) {
	found = w.seen.complaints()
	err = w.DB.Read(context.Background(), db.Wide, func(tx *db.Tx) error {
		for _, look := range []func(*World, *db.Tx) ([]string, error){
			(*World).ownerless, (*World).spilled, (*World).strayCanaries, (*World).unrecorded, (*World).overgranted,
		} {
			more, err := look(w, tx)
			if err != nil {
				return err
			}
			found = append(found, more...)
		}
		return nil
	})
	return found, err
}

// ownerless is O1: every open account has an owner who is active and who has
// proven her address. Whoever came in with her account from a system that asked
// for no proof may still owe it.
func (w *World) ownerless(tx *db.Tx) (found []string, err error) {
	list, err := db.All[id.Account](tx, `
		SELECT a.id FROM accounts a WHERE a.status <> 'closed' AND NOT EXISTS (
			SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
			WHERE m.account_id = a.id AND m.owner AND m.status = 'active' AND m.ends_at IS NULL AND u.status = 'active' AND (u.verified_at IS NOT NULL OR a.import_id IS NOT NULL))`)
	for _, a := range list {
		found = append(found, fmt.Sprintf("O1: account %d is open and has no active, confirmed owner", a))
	}
	return found, err
}

// spilled is O2 and O3: neither the database nor the log holds a token or a
// password that was seen in a mail, a form or a cookie.
func (w *World) spilled(tx *db.Tx) (found []string, err error) {
	for _, m := range w.Mail.All() {
		for _, link := range mailedToken.FindAllStringSubmatch(m.Envelope.Text, -1) {
			w.seen.secret(link[1], "the mail "+m.Subject())
		}
	}
	query, err := dumpQuery(tx, w.Engine)
	if err != nil {
		return nil, err
	}
	rows, err := db.All[string](tx, query)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		found = append(found, w.seen.secretsIn(row, "O2: the database holds")...)
	}
	return append(found, w.seen.secretsIn(w.Logs.String(), "O3: the log holds")...), nil
}

var (
	mailedToken = regexp.MustCompile(`/(?:i|recover|signup|alarm|address|address/undo|factor-reset|owner-recovery|together|staff/welcome)/([A-Za-z0-9_-]{40,})`)
	tokenLike   = regexp.MustCompile(`[A-Za-z0-9_-]{43,}`)
	dumpQueries sync.Map // db.Engine to string: the schema is the same in every world
)

// tokenLength is the length of every token as it is written.
const tokenLength = 43

// dumpQuery reads every column of every table as text, a row at a time.
func dumpQuery(tx *db.Tx, e db.Engine) (string, error) {
	if q, ok := dumpQueries.Load(e); ok {
		return q.(string), nil
	}
	tables := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	if e == db.Postgres {
		tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
	}
	names, err := db.All[string](tx, tables)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, table := range names {
		row := "t::text"
		if e == db.SQLite {
			columns, err := db.All[string](tx, "SELECT name FROM pragma_table_info($1)", table)
			if err != nil {
				return "", err
			}
			row = `CONCAT_WS('|', "` + strings.Join(columns, `", "`) + `")`
		}
		parts = append(parts, "SELECT '"+table+": ' || "+row+" FROM "+table+" t")
	}
	query := strings.Join(parts, " UNION ALL ")
	dumpQueries.Store(e, query)
	return query, nil
}

// strayCanaries is O4 for mails: what was mailed about one account holds
// nothing of another's.
func (w *World) strayCanaries(tx *db.Tx) (found []string, err error) {
	type mailed struct {
		AccountID db.Null[id.Account]
		Text      string
	}
	list, err := db.All[mailed](tx, "SELECT COALESCE(account_id, about_id) AS account_id, subject || text_body || html_body AS text FROM mails")
	for _, m := range list {
		found = append(found, w.seen.canariesIn(m.Text, m.AccountID.V, fmt.Sprintf("O4: a mail about account %d", m.AccountID.V))...)
	}
	return found, err
}

// unrecorded is O5: what happened to an invitation stands in the audit log
// exactly once, and every record says who acted and in which request.
func (w *World) unrecorded(tx *db.Tx) (found []string, err error) {
	type count struct {
		Event    string
		ObjectID int64
		N        int64
	}
	wrong, err := db.All[count](tx, `
		SELECT 'invitation.' || i.state AS event, i.id AS object_id, COUNT(r.id) AS n
		FROM invitations i LEFT JOIN audit_records r ON r.outcome = 'done' AND r.object_kind = 'invitation' AND r.object_id = i.id AND r.event = 'invitation.' || i.state
		WHERE i.state IN ('accepted', 'declined', 'withdrawn') GROUP BY i.state, i.id HAVING COUNT(r.id) <> 1
	UNION ALL
		SELECT event, object_id, COUNT(*) FROM audit_records
		WHERE outcome = 'done' AND event IN ('account.opened', 'invitation.sent', 'member.joined', 'member.removed', 'member.left', 'user.signed_up')
		GROUP BY event, object_id HAVING COUNT(*) > 1`)
	if err != nil {
		return nil, err
	}
	for _, c := range wrong {
		found = append(found, fmt.Sprintf("O5: %d records of %s on %d", c.N, c.Event, c.ObjectID))
	}
	vague, err := db.All[string](tx, `
		SELECT DISTINCT event FROM audit_records
		WHERE via = '' OR actor_kind IN ('user', 'staff') AND (actor_id IS NULL OR request = '' OR network = '')`)
	for _, event := range vague {
		found = append(found, "O5: a record of "+event+" does not say who acted, or in which request")
	}
	return found, err
}

// A holding is what a membership gives, as the audit log tells it.
type holding struct {
	set   access.Set
	owner bool
}

func (h holding) has(s access.Set) bool { return h.owner || h.set.Has(s) }

// A giving is one record of the audit log by which power changes.
type giving struct {
	Event    string
	Kind     string // of the actor
	Via      string
	ViaID    db.Null[int64]
	ObjectID int64
	After    string
}

func (g giving) power() (h holding) {
	var after struct {
		Owner       bool
		Permissions []string
	}
	_ = json.Unmarshal([]byte(g.After), &after)
	h.set, _ = access.ParseSet(after.Permissions)
	h.owner = after.Owner
	return h
}

// overgranted is O6: the audit log is lived through once more, and whoever
// gave something held it at that moment. A membership that the log does not
// explain was made by the test itself and is passed over.
func (w *World) overgranted(tx *db.Tx) (found []string, err error) {
	log, err := db.All[giving](tx, `
		SELECT event, actor_kind AS kind, via, via_id, object_id, after FROM audit_records
		WHERE outcome = 'done' AND object_id IS NOT NULL AND (event LIKE 'member.%' OR event LIKE 'ownership.%' OR event LIKE 'invitation.%') ORDER BY id`)
	if err != nil {
		return nil, err
	}
	strange, err := unexplained(tx, log)
	if err != nil {
		return nil, err
	}
	members, offers := map[int64]holding{}, map[int64]holding{}
	for _, g := range log {
		giver, known := members[g.ViaID.V]
		gives := g.Event == "member.changed" || g.Event == "invitation.sent" || g.Event == "invitation.changed"
		if gives && g.Kind == "user" && g.Via == "membership" && known && !strange[g.ViaID.V] && (!giver.has(g.power().set) || g.power().owner) {
			found = append(found, fmt.Sprintf("O6: %s on %d gave %v, and the giver held %v", g.Event, g.ObjectID, g.power().set, giver.set))
		}
		live(members, g)
		if strings.HasPrefix(g.Event, "invitation.") && gives {
			offers[g.ObjectID] = g.power()
		}
	}
	joined, err := beyondOffers(tx, log, offers)
	return append(found, joined...), err
}

// live takes one record of the log into account.
func live(members map[int64]holding, g giving) {
	switch g.Event {
	case "member.joined", "member.changed":
		members[g.ObjectID] = g.power()
	case "member.removed", "member.left":
		delete(members, g.ObjectID)
	case "ownership.given":
		members[g.ObjectID] = holding{set: access.Everything, owner: true}
	case "ownership.ended":
		if g.After != "" {
			members[g.ObjectID] = holding{set: access.Everything}
		}
	}
}

// unexplained are the memberships that stand otherwise than the log says.
func unexplained(tx *db.Tx, log []giving) (map[int64]bool, error) {
	members := map[int64]holding{}
	for _, g := range log {
		live(members, g)
	}
	type row struct {
		ID          int64
		Owner       bool
		Role        string
		Permissions access.Set
	}
	rows, err := db.All[row](tx, `
		SELECT m.id, m.owner, m.role, m.permissions | COALESCE(r.permissions, 0) AS permissions
		FROM memberships m LEFT JOIN roles r ON r.account_id = m.account_id AND r.id = m.role_id WHERE m.status = 'active'`)
	out := map[int64]bool{}
	for _, r := range rows {
		b, _ := access.RoleByKey(r.Role)
		told, known := members[r.ID]
		out[r.ID] = !known || told.owner != r.Owner || !r.Owner && told.set != r.Permissions|b.Set
	}
	return out, err
}

// beyondOffers finds who joined with more than her invitation offered.
func beyondOffers(tx *db.Tx, log []giving, offers map[int64]holding) (found []string, err error) {
	type row struct{ ID, MembershipID int64 }
	accepted, err := db.All[row](tx, "SELECT id, membership_id FROM invitations WHERE state = 'accepted' AND membership_id IS NOT NULL")
	joined := map[int64]holding{}
	for _, g := range log {
		if g.Event == "member.joined" {
			joined[g.ObjectID] = g.power()
		}
	}
	for _, i := range accepted {
		if offer, known := offers[i.ID]; known && (joined[i.MembershipID].owner && !offer.owner || !offer.set.Has(joined[i.MembershipID].set)) {
			found = append(found, fmt.Sprintf("O6: invitation %d offered %v and gave %v", i.ID, offer.set, joined[i.MembershipID].set))
		}
	}
	return found, err
}

// A witness sees every answer that the browsers of a world get, and remembers
// the secrets that go by.
type witness struct {
	mu       sync.Mutex
	secrets  map[string]string // each by where it was seen
	words    []string          // passwords that were typed
	canaries map[string]id.Account
	https    bool
	unwell   bool
	bad      []string
}

func newWitness() *witness {
	return &witness{secrets: map[string]string{}, words: []string{Password}, canaries: map[string]id.Account{}}
}

// saw takes one exchange to the record. The answer's body stays readable.
func (s *witness) saw(req *http.Request, res *http.Response) error {
	if s == nil {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	form := formOf(req)
	for _, c := range res.Cookies() {
		if strings.HasSuffix(c.Name, "-session") || strings.HasSuffix(c.Name, "-device") || strings.HasSuffix(c.Name, "-staff") || strings.HasSuffix(c.Name, "-browser") || strings.HasSuffix(c.Name, "-second-step") || strings.HasSuffix(c.Name, "-ceremony") {
			s.secret(c.Value, "the cookie "+c.Name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range []string{form.Get("password"), form.Get("old")} {
		if len(word) >= 12 && !slices.Contains(s.words, word) {
			s.words = append(s.words, word)
		}
	}
	for _, complaint := range append(s.wholeAnswer(req, res), s.ownCanaries(req, res, body)...) {
		s.bad = append(s.bad, fmt.Sprintf("%s (%s %s answers %d)", complaint, req.Method, req.URL.Path, res.StatusCode))
	}
	return nil
}

// formOf is the form that the request sends, if it sends one.
func formOf(req *http.Request) url.Values {
	if req.GetBody == nil || !strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(body, 1<<20))
	form, _ := url.ParseQuery(string(text))
	return form
}

// everywhere are the headers that every answer carries.
var everywhere = map[string]string{
	"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	"Referrer-Policy": "", "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "", "X-Request-Id": "",
}

// tokenPages are where a mailed link leads: not even their address is told.
var tokenPages = regexp.MustCompile(`^/(i/|invitation$|recover/|signup/|alarm(/|$)|address(/|$)|factor-reset(/|$)|owner-recovery(/|$)|together(/|$))`)

// wholeAnswer is O8 and O9: no answer is a breakdown, and all carry the
// headers, and cookies that scripts and other sites cannot get at.
func (s *witness) wholeAnswer(req *http.Request, res *http.Response) (bad []string) {
	asked := res.StatusCode == http.StatusServiceUnavailable && (res.Header.Get("Retry-After") != "" || req.URL.Path == "/readyz")
	if res.StatusCode >= 500 && !asked && !s.unwell {
		bad = append(bad, "O8: a breakdown")
	}
	for name, part := range everywhere {
		if v := res.Header.Get(name); v == "" || !strings.Contains(v, part) {
			bad = append(bad, fmt.Sprintf("O9: %s is %q", name, v))
		}
	}
	if v := res.Header.Get("Cache-Control"); v != "no-store" && !strings.HasPrefix(req.URL.Path, "/assets/") && !strings.HasPrefix(req.URL.Path, "/brand/") {
		bad = append(bad, fmt.Sprintf("O9: Cache-Control is %q", v))
	}
	if v := res.Header.Get("Strict-Transport-Security"); s.https && !strings.Contains(v, "includeSubDomains") {
		bad = append(bad, fmt.Sprintf("O9: Strict-Transport-Security is %q", v))
	}
	if v := res.Header.Get("Referrer-Policy"); req.Method == http.MethodGet && res.StatusCode < 400 && tokenPages.MatchString(req.URL.Path) && v != "no-referrer" {
		bad = append(bad, fmt.Sprintf("O9: Referrer-Policy of a token's page is %q", v))
	}
	for _, c := range res.Cookies() {
		if !c.HttpOnly || c.Secure != s.https || c.SameSite != http.SameSiteLaxMode && c.SameSite != http.SameSiteStrictMode {
			bad = append(bad, "O9: the cookie "+c.Name+" is within reach")
		}
	}
	return bad
}

// ownCanaries is O4 for pages: a page shows what belongs to its own account
// and to no other. Operators see them all.
func (s *witness) ownCanaries(req *http.Request, res *http.Response, body []byte) []string {
	if strings.HasPrefix(req.URL.Path, "/staff") {
		return nil
	}
	own, _ := id.Parse[id.Account](res.Header.Get("X-Account"))
	return s.canariesInLocked(string(body), own, fmt.Sprintf("O4: a page of account %d", own))
}

var canaryLike = regexp.MustCompile(`canary-[0-9]+`)

// canary is a text that occurs in one account alone.
func (s *witness) canary() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := fmt.Sprintf("canary-%d", 1000+len(s.canaries))
	s.canaries[c] = 0
	return c
}

// caged fills the account's details with its canary, in every text that no
// search looks into.
func (s *witness) caged(d account.Details, canary string) account.Details {
	d.Line1, d.Line2, d.Region, d.Postcode, d.Phone, d.TaxNumber = canary, canary, canary, canary, canary, canary
	return d
}

func (s *witness) belongs(canary string, a id.Account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canaries[canary] = a
}

func (s *witness) canariesIn(text string, own id.Account, where string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.canariesInLocked(text, own, where)
}

func (s *witness) canariesInLocked(text string, own id.Account, where string) (found []string) {
	if !strings.Contains(text, "canary-") {
		return nil
	}
	for _, c := range canaryLike.FindAllString(text, -1) {
		if a, ours := s.canaries[c]; ours && a != own {
			return []string{fmt.Sprintf("%s holds what belongs to account %d", where, a)}
		}
	}
	return nil
}

// secret remembers a token that must not come to rest anywhere.
func (s *witness) secret(token, where string) {
	if s == nil || len(token) != tokenLength {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[token] = where
}

func (s *witness) secretsIn(text, what string) (found []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, word := range s.words {
		if at := strings.Index(text, word); at >= 0 {
			found = append(found, fmt.Sprintf("%s a password that was typed: …%s", what, around(text, at)))
		}
	}
	for _, run := range tokenLike.FindAllStringIndex(text, -1) {
		for at := run[0]; at+tokenLength <= run[1]; at++ {
			if where, ok := s.secrets[text[at:at+tokenLength]]; ok {
				found = append(found, fmt.Sprintf("%s a token from %s: …%s", what, where, around(text, at)))
			}
		}
	}
	return found
}

// around is enough of a text to see where a secret lies in it.
func around(text string, at int) string {
	return text[max(0, at-80):at] + "[secret]"
}

func (s *witness) complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.bad)
	return slices.Compact(slices.Clone(s.bad))
}

package web_test

import (
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/web"
)

// A stage is an account with one of everything that a path can name, and the
// people around it, each with a browser.
type stage struct {
	*apptest.World
	account  id.Account
	owner    *apptest.Person   // of the account
	mate     *apptest.Person   // a member with full access, to whom ownership is offered
	stranger *apptest.Person   // a user without any account
	keeper   *apptest.Person   // a user with an authenticator app and a passkey
	seed     string            // of the keeper's app
	key      *apptest.Passkey  // the keeper's
	twin     *apptest.Person   // another login of the owner's
	root     *apptest.Operator // an administrator
	crew     *apptest.Operator // an operator with an authenticator app and a passkey
	ids      map[string]string // what stands in the paths of accounts and of staff
	own      map[string]string // what stands in the paths below /me, as the owner
	tokens   map[string]string // the mailed tokens, by the cookie that keeps each
	pairs    []string          // what stands in forms for {owner} and the like, by turns
	looking  string            // the token by which the administrator looks as the mate
	words    *strings.Replacer
	begun    map[string]*apptest.Browser // where a step was begun, by the route that ends it
}

// newStage sets a stage. Every placeholder of a route's path has its sample
// here.
func newStage(t *testing.T, w *apptest.World) *stage {
	t.Helper()
	n := w.Count("users")
	at := func(who string) string { return fmt.Sprintf("%s%d@stage.example", who, n) }
	s := &stage{World: w, tokens: map[string]string{}, begun: map[string]*apptest.Browser{}}
	s.forgetTerms()
	s.owner, s.mate, s.stranger = w.Person("Olive Owner", at("owner")), w.Person("Mate Member", at("mate")), w.Person("Stan Stranger", at("stranger"))
	s.keeper = w.Person("Kay Keeper", at("keeper"))
	s.root = w.Operator("Robin Root", at("root"), "administrator")
	s.account = w.Account(s.owner, "Stage & Co")
	other := w.Account(s.mate, "Other & Co")
	member := w.JoinAs(s.account, access.Join{User: s.mate.User, Role: access.Role{BuiltIn: "full"}})
	s.ids = map[string]string{
		"account":    id.String(s.account),
		"member":     id.String(member),
		"invitation": s.invite(s.account, at("nina")),
		"contact":    s.insert("INSERT INTO contacts (account_id, name, address, mail_kinds, created_at) VALUES ($1, 'Cora Contact', $2, 1, $3) RETURNING id", s.account, at("cora"), w.Clock.Now()),
		"offer": s.insert(`INSERT INTO ownership_offers (account_id, from_id, to_id, hand_over, from_credentials, to_credentials, created_at, expires_at)
			VALUES ($1, $2, $3, FALSE, 1, 1, $4, $5) RETURNING id`, s.account, w.Membership(s.account, s.owner), member, w.Clock.Now(), w.Clock.Now().Add(time.Hour)),
		"user": id.String(s.mate.User),
		"mail": s.insert(`INSERT INTO mails (account_id, user_id, kind, class, recipient, subject, text_body, html_body, state, created_at)
			VALUES ($1, $2, 'test', 'bulk', $3, 'A subject', 'A text', 'A text', 'sent', $4) RETURNING id`, s.account, s.owner.User, s.owner.Address, w.Clock.Now()),
		"token":   "a-token-of-nobody",
		"below":   "a-token-of-nobody",
		"page":    "a-page-of-nobody",
		"section": "brand",
		"file":    "a-file-of-nobody",
	}
	s.tokens["newcomer"] = s.tokens[web.InvitationCookie]
	s.own = map[string]string{"invitation": s.invite(other, s.owner.Address), "session": s.secondSession(s.owner)}
	s.tokens[web.RecoveryCookie] = s.token(`INSERT INTO user_links (user_id, purpose, address, token_hash, credentials, created_at, expires_at)
		VALUES ($2, 'password', $3, $1, 1, $4, $5) RETURNING id`, s.owner.User, s.owner.Address, w.Clock.Now(), w.Clock.Now().Add(auth.LinkLife))
	s.tokens[web.SignUpCookie] = s.token(`INSERT INTO signups (address, name, password, language, token_hash, browser_hash, created_at, expires_at)
		VALUES ($2, 'Sid Signer', '', 'en', $1, '', $3, $4) RETURNING id`, at("sid"), w.Clock.Now(), w.Clock.Now().Add(time.Hour))
	s.addProvider()
	s.addFactors(t)
	s.addFormer()
	s.addLook()
	s.addDesk()
	s.addStaff()
	s.addMerges()
	s.word("keeper", id.String(s.keeper.User))
	s.pairs = append(s.pairs, "{owner}", s.owner.Address, "{mate}", s.mate.Address, "{stranger}", s.stranger.Address, "{root}", s.root.Address, "{newcomer}", at("newcomer"))
	for name, value := range s.ids {
		s.pairs = append(s.pairs, "{"+name+"}", value)
	}
	s.words = strings.NewReplacer(s.pairs...)
	return s
}

// addFormer gives the account what accounts have that came in from another
// system: a group, a field of each kind, and notes.
func (s *stage) addFormer() {
	now := s.Clock.Now()
	group := s.insert("INSERT INTO account_groups (name, colour, created_at) VALUES ('A group', '#336699', $1) RETURNING id", now)
	s.Exec("UPDATE accounts SET group_id = "+group+" WHERE id = $1", s.account)
	for _, kind := range []string{"text", "lines", "link", "choice", "tick", "secret"} {
		field := s.insert("INSERT INTO account_fields (name, kind, created_at) VALUES ('A field', $1, $2) RETURNING id", kind, now)
		s.Exec("INSERT INTO account_values (account_id, field_id, value) VALUES ($1, "+field+", 'A value')", s.account)
	}
	s.Exec("INSERT INTO account_notes (account_id, text, author, created_at, changed_at) VALUES ($1, 'A note', 'An author', $2, $2)", s.account, now)
}

// word says what stands for a name in forms from now on.
func (s *stage) word(name, value string) {
	s.pairs = append([]string{"{" + name + "}", value}, s.pairs...)
	s.words = strings.NewReplacer(s.pairs...)
}

func (s *stage) insert(statement string, args ...any) (number string) {
	s.In(func(tx *db.Tx) error {
		n, err := db.One[int64](tx, statement, args...)
		number = id.String(id.Mail(n))
		return err
	})
	return number
}

// token inserts a row whose first argument is the hash of a new token.
func (s *stage) token(statement string, args ...any) (token string) {
	token, hash := auth.NewToken()
	s.insert(statement, append([]any{hash}, args...)...)
	return token
}

// invite makes an open invitation and keeps its token.
func (s *stage) invite(a id.Account, address string) (number string) {
	token, hash := auth.NewToken()
	s.tokens[web.InvitationCookie] = token
	now := s.Clock.Now()
	return s.insert(`INSERT INTO invitations (account_id, address, token_hash, role, created_at, sent_at, expires_at)
		VALUES ($1, $2, $3, 'support', $4, $4, $5) RETURNING id`, a, address, hash, now, now.Add(24*time.Hour))
}

func (s *stage) secondSession(p *apptest.Person) (number string) {
	s.In(func(tx *db.Tx) error {
		token, err := auth.StartSession(tx, p.User, auth.Request{ID: "fixture", Network: "192.0.2.1"})
		if err != nil {
			return err
		}
		n, err := db.One[id.Session](tx, "SELECT id FROM sessions WHERE token_hash = $1", auth.HashToken(token))
		number = id.String(n)
		return err
	})
	return number
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)(?:\.\.\.)?\}`)

// path fills in a route's path with the samples of the stage.
func (s *stage) path(t *testing.T, r web.Route) string {
	t.Helper()
	return fill(t, r, s.samples(r))
}

// samples are the numbers that fit a route's path.
func (s *stage) samples(r web.Route) map[string]string {
	if strings.HasPrefix(r.Pattern, "/me/") {
		return s.own
	}
	if strings.HasPrefix(r.Pattern, "/staff/me/") { // what is an operator's own has numbers like everything else
		out := map[string]string{}
		for _, place := range placeholders(r) {
			out[place] = s.ids[place]
		}
		return out
	}
	return s.ids
}

func fill(t *testing.T, r web.Route, samples map[string]string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(r.Pattern, func(p string) string {
		value, ok := samples[strings.Trim(p, "{.}")]
		if !ok {
			t.Fatalf("%s %s: the placeholder %s has no sample. Give it one in newStage, in internal/web/stage_test.go.", r.Method, r.Pattern, p)
		}
		return value
	})
}

// placeholders lists the names of a path's placeholders.
func placeholders(r web.Route) (names []string) {
	for _, m := range placeholder.FindAllStringSubmatch(r.Pattern, -1) {
		names = append(names, m[1])
	}
	return names
}

func name(r web.Route) string { return r.Method + " " + r.Pattern }

// A use is how a route is used rightly.
type use struct {
	as     string                         // whose browser, where it is not the one that the guard asks for
	fields []string                       // names and values by turns; {owner} and the like are filled in
	before string                         // a statement that brings the stage into the state that it takes
	begin  func(*stage, *apptest.Browser) // begins the step that the route ends, in the browser that uses it
}

var person = []string{"name", "Pat Person", "language", "en"}

var details = []string{"name", "Details Ltd", "address", "details@stage.example", "currency", "EUR", "language", "en", "kinds", "domain"}

const second = "UPDATE memberships SET owner = TRUE WHERE id = {member}"

// uses has every route that changes something. A new one stands here, or in
// factorUses or providerUses, with what its form sends, or the tests say that
// it is missing.
var uses = map[string]use{
	"POST /signin":                              {fields: []string{"address", "{owner}", "password", apptest.Password}},
	"POST /signout":                             {as: "owner"},
	"POST /confirm":                             {fields: []string{"password", apptest.Password}},
	"POST /recover":                             {fields: []string{"address", "{owner}"}},
	"POST /recover/password":                    {as: "with " + web.RecoveryCookie, fields: []string{"password", "four green bicycles"}},
	"POST /signup":                              {fields: []string{"name", "Nia New", "address", "{newcomer}", "password", "four green bicycles", "kind", "login"}},
	"POST /signup/confirm":                      {as: "with " + web.SignUpCookie, fields: []string{"password", "four green bicycles"}},
	"POST /invitation/accept":                   {as: "invited"},
	"POST /invitation/join":                     {as: "newcomer", fields: []string{"name", "Nina New", "password", "four green bicycles"}},
	"POST /invitation/decline":                  {as: "newcomer"},
	"POST /me":                                  {fields: person},
	"POST /terms/accept":                        {begin: askForTerms, fields: []string{"terms", "1"}},
	"POST /staff/settings/{section}":            {fields: []string{"support", "help@stage.example", "accent", "#0b6e4f", "was_accent", "", "was_support", ""}},
	"POST /staff/settings/brand/logo":           {fields: []string{"logo", logo}},
	"POST /staff/settings/brand/logo/remove":    {before: "UPDATE settings SET version = version + 1, body = '{\"logo\":\"00\"}'"},
	"POST /staff/settings/mail/test":            {},
	"POST /staff/settings/terms":                {fields: []string{"was", "0", "body", "Be kind."}},
	"POST /me/accounts/several":                 {before: "UPDATE users SET several = TRUE"},
	"POST /me/accounts/new":                     {fields: details[:6]},
	"POST /me/security":                         {fields: []string{"old", apptest.Password, "password", "four green bicycles"}},
	"POST /me/sessions/{session}/end":           {},
	"POST /me/sessions/end-others":              {},
	"POST /me/invitations/{invitation}/accept":  {},
	"POST /me/invitations/{invitation}/decline": {},

	"POST /a/{account}/settings":                                       {fields: details},
	"POST /a/{account}/close":                                          {fields: []string{"number", "{account}"}},
	"POST /a/{account}/contacts":                                       {fields: []string{"name", "Carl", "address", "carl@stage.example", "kinds", "invoice"}},
	"POST /a/{account}/contacts/{contact}":                             {fields: []string{"name", "Carl", "address", "carl@stage.example", "kinds", "invoice"}},
	"POST /a/{account}/contacts/{contact}/remove":                      {},
	"POST /a/{account}/people/invitations":                             {fields: []string{"address", "{newcomer}", "role", "support"}},
	"POST /a/{account}/people/invitations/{invitation}":                {fields: []string{"role", "billing"}},
	"POST /a/{account}/people/invitations/{invitation}/resend":         {},
	"POST /a/{account}/people/invitations/{invitation}/withdraw":       {},
	"POST /a/{account}/people/members/{member}":                        {fields: []string{"role", "billing"}},
	"POST /a/{account}/people/members/{member}/remove":                 {},
	"POST /a/{account}/people/members/{member}/ownership":              {fields: []string{"kind", "share"}},
	"POST /a/{account}/people/members/{member}/ownership/end":          {before: second},
	"POST /a/{account}/people/offers/{offer}/take":                     {as: "mate"},
	"POST /a/{account}/people/offers/{offer}/decline":                  {as: "mate"},
	"POST /a/{account}/leave":                                          {as: "mate"},
	"POST /staff/signin":                                               {fields: []string{"address", "{root}", "password", apptest.Password}},
	"POST /staff/signout":                                              {},
	"POST /staff/confirm":                                              {fields: []string{"password", apptest.Password}},
	"POST /me/activity/export":                                         {fields: []string{"format", "csv"}},
	"POST /a/{account}/activity/export":                                {fields: []string{"format", "ndjson"}},
	"POST /staff/activity/export":                                      {fields: []string{"format", "ndjson"}},
	"POST /staff/accounts/{account}/activity/export":                   {fields: []string{"format", "csv"}},
	"POST /staff/users/{user}/activity/export":                         {fields: []string{"format", "csv"}},
	"POST /staff/mails/retry":                                          {},
	"POST /staff/mails/{mail}/open":                                    {before: "UPDATE mails SET state = 'kept' WHERE id = {mail}"},
	"POST /staff/mails/{mail}/send":                                    {before: "UPDATE mails SET state = 'failed', sealed = 'x' WHERE id = {mail}"},
	"POST /staff/system/jobs/retry":                                    {fields: []string{"kind", "mail.deliver"}},
	"POST /staff/system/backups":                                       {},
	"POST /staff/users/{user}/password-link":                           {},
	"POST /staff/users/{user}/sessions/end":                            {},
	"POST /staff/accounts/{account}/status":                            {fields: []string{"status", "inactive"}},
	"POST /staff/accounts/{account}/reopen":                            {before: "UPDATE accounts SET status = 'closed' WHERE id = {account}"},
	"POST /staff/accounts/{account}/details":                           {fields: details},
	"POST /staff/accounts/{account}/users/attach":                      {fields: []string{"address", "{stranger}", "role", "support"}},
	"POST /staff/accounts/{account}/users/invite":                      {fields: []string{"address", "{newcomer}", "role", "support"}},
	"POST /staff/accounts/{account}/users/{member}":                    {fields: []string{"role", "billing"}},
	"POST /staff/accounts/{account}/users/{member}/remove":             {},
	"POST /staff/accounts/{account}/users/{member}/owner":              {before: standIn},
	"POST /staff/accounts/{account}/users/{member}/owner/end":          {before: second},
	"POST /staff/accounts/{account}/invitations/{invitation}":          {fields: []string{"role", "billing"}},
	"POST /staff/accounts/{account}/invitations/{invitation}/resend":   {},
	"POST /staff/accounts/{account}/invitations/{invitation}/withdraw": {},
}

// standIn has nobody but a stand-in own the account.
const standIn = "UPDATE users SET address = 'client-' || CAST(id AS TEXT) || '@whmcs.invalid' WHERE id IN (SELECT user_id FROM memberships WHERE account_id = {account} AND owner)"

func useOf(t *testing.T, r web.Route) use {
	t.Helper()
	u, ok := uses[name(r)]
	if !ok && r.Unsafe() {
		t.Fatalf("%s is new here: say in uses, in internal/web/stage_test.go, who uses it and what its form sends.", name(r))
	}
	return u
}

// form is what the route's form sends, for the account of the stage.
func (s *stage) form(t *testing.T, r web.Route) url.Values {
	t.Helper()
	v := url.Values{}
	if slices.Contains(placeholders(r), "account") {
		v.Set("account", s.ids["account"])
	}
	fields := useOf(t, r).fields
	for i := 0; i < len(fields); i += 2 {
		v.Add(fields[i], s.words.Replace(fields[i+1]))
	}
	return v
}

// ready brings the stage into the state that the route takes.
func (s *stage) ready(t *testing.T, r web.Route) {
	t.Helper()
	s.forgetTerms()
	u := useOf(t, r)
	if u.before != "" {
		s.Exec(s.words.Replace(u.before))
	}
	if u.begin != nil {
		b := s.cast(t, r)
		u.begin(s, b)
		s.begun[name(r)] = b
		s.Exec("DELETE FROM throttles")
	}
}

// browser is the one in which the route is used rightly. It has been on the
// account's pages before, so that the visit is noted already.
func (s *stage) browser(t *testing.T, r web.Route) *apptest.Browser {
	t.Helper()
	b := s.cast(t, r)
	if r.Guard == "account" {
		b.Get("/a/" + s.ids["account"]).Must(http.StatusOK)
	}
	return b
}

func (s *stage) cast(t *testing.T, r web.Route) *apptest.Browser {
	t.Helper()
	if b := s.begun[name(r)]; b != nil {
		return b
	}
	switch as := useOf(t, r).as; {
	case as == "owner":
		return s.owner.Browser
	case as == "mate":
		return s.mate.Browser
	case as == "stranger":
		return s.stranger.Browser
	case as == "keeper":
		return s.keeper.Browser
	case as == "half" || as == "bare":
		return s.halfway(as)
	case as == "crew":
		return s.crew.Browser
	case as == "newcomer":
		return s.holding(s.Browser(), web.InvitationCookie, s.tokens["newcomer"])
	case as == "invited":
		return s.holding(s.owner.Browser, web.InvitationCookie, s.tokens[web.InvitationCookie])
	case strings.HasPrefix(as, "with "):
		cookie := strings.TrimPrefix(as, "with ")
		return s.holding(s.Browser(), cookie, s.tokens[cookie])
	case r.Guard == "public":
		return s.Browser()
	case r.Guard == "staff":
		return s.root.Browser
	}
	return s.owner.Browser
}

func (s *stage) holding(b *apptest.Browser, cookie, token string) *apptest.Browser {
	b.SetCookie(&http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true})
	return b
}

// request is the route used rightly by a browser.
func (s *stage) request(t *testing.T, r web.Route, b *apptest.Browser) *http.Request {
	t.Helper()
	if r.Unsafe() {
		return b.Request(r.Method, s.path(t, r), s.form(t, r))
	}
	return b.Request(r.Method, s.path(t, r), nil)
}

// unsafe lists the routes that change something.
func unsafe(w *apptest.World) (out []web.Route) {
	for _, r := range w.Mux.Routes() {
		if r.Unsafe() {
			out = append(out, r)
		}
	}
	return out
}

// each goes through routes, a few in one world each: what has been staged for
// many makes it slow to see what has changed.
func each(t *testing.T, w *apptest.World, routes []web.Route) iter.Seq2[*apptest.World, web.Route] {
	return func(yield func(*apptest.World, web.Route) bool) {
		for n, r := range routes {
			if n > 0 && n%12 == 0 {
				w.End()
				w = apptest.New(t, w.Engine, kept)
			}
			if !yield(w, r) {
				return
			}
		}
	}
}

// guarded lists the routes behind one guard.
func guarded(w *apptest.World, guard string) (out []web.Route) {
	for _, r := range w.Mux.Routes() {
		if r.Guard == guard {
			out = append(out, r)
		}
	}
	return out
}

// kept keeps mail in its log, so that nothing happens between requests.
func kept(c *config.Config) { c.SMTPURL = "" }

// A state is what every table holds, but for those of the job library, and
// for what follows from the log's records or is signed by the clock.
type state map[string]string

// stateOf reads it when no mail is on its way any more.
func stateOf(w *apptest.World) state {
	w.Quiet()
	type table struct{ Name, Content string }
	out := state{}
	for _, t := range apptest.Query[table](w, stateQuery(w)) {
		out[t.Name] = t.Content
	}
	return out
}

// stateQuery reads all rows of all tables as text.
func stateQuery(w *apptest.World) string {
	type column struct{ Name, Columns string }
	list := "SELECT table_name AS name, '' AS columns FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
	row := "SELECT '%[1]s' AS name, COALESCE(string_agg(x::text, chr(10) ORDER BY x::text), '') AS content FROM %[1]s x"
	if w.Engine == db.SQLite {
		list = `SELECT m.name, group_concat('quote("' || c.name || '")', ' || ''|'' || ') AS columns
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' GROUP BY m.name`
		row = "SELECT '%[1]s' AS name, COALESCE(group_concat(x, char(10)), '') AS content FROM (SELECT %[2]s AS x FROM %[1]s ORDER BY 1)"
	}
	var parts []string
	for _, t := range apptest.Query[column](w, list) {
		if !strings.HasPrefix(t.Name, "river_") && !strings.HasPrefix(t.Name, "goose_") && (t.Name == "audit_records" || !strings.HasPrefix(t.Name, "audit_")) {
			parts = append(parts, strings.ReplaceAll(strings.ReplaceAll(row, "%[1]s", t.Name), "%[2]s", t.Columns))
		}
	}
	return strings.Join(parts, " UNION ALL ")
}

// differs names the tables in which two states differ.
func (s state) differs(other state) (tables []string) {
	for name, content := range s {
		if other[name] != content {
			tables = append(tables, name)
		}
	}
	slices.Sort(tables)
	return tables
}

package web_test

import (
	"maps"

	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/staff"
	"clientele/internal/web"
)

// addDesk gives the stage what staff keep beside accounts, and a new owner who
// is being made for one whose owners are gone.
func (s *stage) addDesk() {
	now := s.Clock.Now()
	// Their numbers are far from those of anything else, so that none of them is
	// taken for something of the account's.
	n := s.Count("accounts")
	if s.Count("account_fields") > 50 { // there are a hundred at most: those of stages that are over go
		s.Exec("DELETE FROM account_values WHERE account_id <> $1", s.account)
		s.Exec("DELETE FROM account_fields WHERE id NOT IN (SELECT field_id FROM account_values)")
	}
	s.ids["group"] = s.insert("INSERT INTO account_groups (id, name, created_at) VALUES ($1, 'A far group', $2) RETURNING id", 700_000+1000*n, now)
	s.ids["field"] = s.insert("INSERT INTO account_fields (id, name, kind, position, created_at) VALUES ($1, 'A far field', 'text', 99, $2) RETURNING id", 800_000+1000*n, now)
	s.ids["note"] = s.insert("INSERT INTO account_notes (id, account_id, text, created_at, changed_at) VALUES ($1, $2, 'A far note', $3, $3) RETURNING id", 900_000+1000*n, s.account, now)
	s.ids["list"] = "accounts"
	s.ids["login"] = s.secondSession(s.mate)
	lost := s.Account(s.keeper, "Lost & Co")
	recovery := s.insert(`INSERT INTO owner_recoveries (account_id, address, reason, started_by, created_at, ready_at)
		VALUES ($1, 'heir@stage.example', 'The owners are gone.', $2, $3, $4) RETURNING id`, lost, s.root.Staff, now, now.Add(staff.OwnerDelay))
	s.tokens[web.OwnerStopCookie] = s.token("INSERT INTO owner_recovery_links (token_hash, account_id, recovery_id, created_at) VALUES ($1, $2, "+recovery+", $3) RETURNING id", lost, now)
}

// isRecovery puts an owner's recovery under way, in the hands of another
// operator or ready to be done.
func isRecovery(approved string) func(*stage, *apptest.Browser) {
	return func(s *stage, _ *apptest.Browser) {
		if s.Count("owner_recoveries WHERE account_id = $1 AND state = 'open'", s.account) > 0 {
			return
		}
		other := s.insert("INSERT INTO staff (address, name, role, password, created_at) VALUES ($1, 'Other', 'support', '', $2) RETURNING id", "other-"+s.root.Address, s.Clock.Now())
		third := id.String(s.root.Staff)
		if approved == "" {
			third = "NULL"
		}
		s.insert(`INSERT INTO owner_recoveries (account_id, membership_id, reason, started_by, approved_by, created_at, ready_at)
			VALUES ($1, `+s.ids["member"]+`, 'The owners are gone.', `+other+`, `+third+`, $2, $2) RETURNING id`, s.account, s.Clock.Now())
	}
}

// ownsNothing has the user own nothing that is open.
const ownsNothing = "UPDATE accounts SET status = 'closed', closed_at = created_at WHERE id IN (SELECT account_id FROM memberships WHERE user_id = {user} AND owner)"

// closesAll closes what the user owns, as it must be before a login is suspended.
func closesAll(s *stage, _ *apptest.Browser) { s.Exec(s.words.Replace(ownsNothing)) }

const suspendedUser = "UPDATE users SET status = 'suspended', suspended_at = created_at WHERE id = {user}"

// deskUses are the routes of what staff keep beside accounts, and do about
// logins and lost owners.
var deskUses = map[string]use{
	"GET /owner-recovery":  {as: "with " + web.OwnerStopCookie},
	"POST /owner-recovery": {as: "with " + web.OwnerStopCookie},

	"POST /a/{account}/settings/further":                       {},
	"POST /staff/accounts/{account}/further":                   {},
	"POST /staff/accounts/{account}/contacts":                  {fields: []string{"name", "Carl", "address", "carl@stage.example", "kinds", "invoice"}},
	"POST /staff/accounts/{account}/contacts/{contact}":        {fields: []string{"name", "Carl", "address", "carl@stage.example", "kinds", "invoice"}},
	"POST /staff/accounts/{account}/contacts/{contact}/remove": {},
	"POST /staff/accounts/{account}/notes":                     {fields: []string{"text", "A note"}},
	"POST /staff/accounts/{account}/notes/{note}":              {fields: []string{"text", "Another note"}},
	"POST /staff/accounts/{account}/notes/{note}/remove":       {},
	"POST /staff/accounts/{account}/owners":                    {fields: []string{"member", "{member}", "reason", "The owners are gone for good."}},
	"POST /staff/accounts/{account}/owners/approve":            {begin: isRecovery("")},
	"POST /staff/accounts/{account}/owners/withdraw":           {begin: isRecovery("")},
	"POST /staff/accounts/{account}/owners/complete":           {begin: isRecovery("root")},
	"POST /staff/groups":                                       {fields: []string{"name", "Resellers"}},
	"POST /staff/groups/{group}":                               {fields: []string{"name", "Partners"}},
	"POST /staff/groups/{group}/remove":                        {},
	"POST /staff/fields":                                       {fields: []string{"name", "Order number", "kind", "text"}},
	"POST /staff/fields/{field}":                               {fields: []string{"name", "Job number", "kind", "text"}},
	"POST /staff/fields/{field}/up":                            {},
	"POST /staff/fields/{field}/remove":                        {},
	"POST /staff/users/{user}/suspend":                         {before: ownsNothing, fields: []string{"reason", "Somebody else reads her mail."}},
	"POST /staff/users/{user}/restore":                         {before: suspendedUser, begin: closesAll},
	"POST /staff/users/{user}/sessions/{login}/end":            {},
}

func init() { maps.Copy(uses, deskUses) }

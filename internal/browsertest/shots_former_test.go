package browsertest

import (
	"strings"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
	"clientele/internal/invite"
	"clientele/internal/user"
)

// cameIn makes the yoga studio, and its owner, look as they would had they
// come in from another system.
func (a *album) cameIn() (yoga id.Account) {
	now := a.Clock.Now()
	yoga = apptest.Query[id.Account](a.World, "SELECT id FROM accounts WHERE name = 'Still Water Yoga'")[0]
	a.Exec("UPDATE users SET several = TRUE, language = 'pt-BR' WHERE address = 'yuki@stillwater.example'")
	a.Exec("INSERT INTO imports (id, name, version, runner, began_at) VALUES (1, 'whmcs', '8.13', '', $1)", now)
	a.Exec("INSERT INTO import_rows (import_id, kind, source_id, target_id) VALUES (1, 'client', 4242, $1)", yoga)
	a.Exec("INSERT INTO account_groups (id, name, colour, created_at) VALUES (1, 'Resellers', '#c0ffee', $1)", now)
	a.Exec("UPDATE accounts SET import_id = 1, group_id = 1, offers = TRUE, language = 'de', address = '', currency = 'BDT' WHERE id = $1", yoga)
	for n, f := range [][4]string{
		{"Shop", "link", "https://a-rather-long-name-of-a-shop.stillwater.example/with/a/path?and=more", "FALSE"},
		{"Reseller", "tick", "on", "FALSE"},
		{"Support PIN", "secret", "4711 0815", "FALSE"},
		{"Opening hours", "lines", "Mon–Fri 8–18\nSat 9–12", "FALSE"},
		{"Heard of us through", "choice", "", "TRUE"},
	} {
		a.Exec("INSERT INTO account_fields (id, name, kind, staff_only, position, created_at) VALUES ($1, $2, $3, "+f[3]+", $1, $4)", n+1, f[0], f[1], now)
		a.Exec("INSERT INTO account_values (account_id, field_id, value) VALUES ($1, $2, $3)", yoga, n+1, f[2])
	}
	const note = "INSERT INTO account_notes (account_id, text, author, sticky, created_at, changed_at) VALUES ($1, $2, $3, $4, $5, $6)"
	a.Exec(note, yoga, "Always pays by transfer.\nNever dun before the 10th.", "Sam Porter", true, now.AddDate(-1, 0, 0), now.AddDate(0, -2, 0))
	a.Exec(note, yoga, "Asked about a larger plan: "+strings.Repeat("long", 40), "", false, now.AddDate(0, 0, -9), now.AddDate(0, 0, -9))
	a.Exec("INSERT INTO contacts (account_id, name, address, mail_kinds, created_at) VALUES ($1, 'Quay Street Books', '', 2, $2)", yoga, now)
	i := invite.Imported{}.Unsent(now)
	a.Exec(`INSERT INTO invitations (account_id, address, token_hash, role, sends, created_at, sent_at, expires_at)
		VALUES ($1, 'bookkeeping@long-domain-name.example', $2, 'billing', 0, $3, $3, $4)`, yoga, i.TokenHash, now, i.ExpiresAt)
	ghost := a.Person("Client 42", "ghost@stillwater.example")
	a.JoinAs(yoga, access.Join{User: ghost.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
	a.Exec("UPDATE users SET address = $2, verified_at = NULL, password = '' WHERE id = $1", ghost.User, user.StandIn("client-42", "whmcs"))
	a.Clock.Move(time.Hour)
	return yoga
}

// former are the pages on which one sees what an account brought.
func (a *album) former() {
	a.t.Helper()
	yoga := a.cameIn()
	base := "/a/" + id.String(yoga)
	b := a.enter("/signin", "yuki@stillwater.example")
	for path, name := range map[string]string{
		"/me": "me", "/me/accounts": "me-accounts", base: "account", base + "/people": "people", base + "/settings": "settings", base + "/contacts": "contacts",
		base + "/contacts/new": "contact-new",
	} {
		a.shoot(b.open(path), "former-"+name)
	}
	b.open(base+"/contacts").press("Quay Street Books").write("Mail address", "books@quay.example").write("Street", "1 Quay Street").write("City", "Galway").press("Save")
	a.shoot(b.open(base+"/contacts").press("Quay Street Books"), "former-contact")
	s := a.enter("/staff/signin", "sam@clientele.example")
	base = "/staff/accounts/" + id.String(yoga)
	for path, name := range map[string]string{base: "account", base + "/users": "account-users", base + "/contacts": "account-contacts", base + "/details": "account-details", base + "/activity": "account-activity"} {
		a.shoot(s.open(path), "former-staff-"+name)
	}
	a.shoot(s.open(base+"/users").press("Client 42"), "former-staff-user")
	a.shoot(s.open(base+"/users").press("Change the invitation to bookkeeping@"), "former-staff-invitation")
	a.shoot(s.open(base).click("Show"), "former-staff-secret")
	a.shoot(b.open("/a/"+id.String(yoga)+"/people").press("Send to bookkeeping@"), "former-people-sent")
}

package upgrade_test

import (
	"fmt"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/upgrade"
	"clientele/internal/whmcstest"
)

// TestT143_AnAddressIsProvenOnlyWhereItWasProvenThere has people who have
// answered a mail and people who have not.
func TestT143_AnAddressIsProvenOnlyWhereItWasProvenThere(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, proven) })
	}
}

func proven(t *testing.T, s *stage) {
	const old = "seven red trams"
	d := s.there
	for n, who := range []string{"proven", "claimed", "zero"} {
		address := who + "@example.com"
		pairs := []any{"id", n + 1, "firstname", who, "lastname", "Client", "email", address, "password", bcrypted(old), "status", "Active"}
		if !d.HasUsers() {
			d.Add("tblclients", append(pairs, "email_verified", map[string]int{"proven": 1}[who])...)
			continue
		}
		// What the client's row says is nothing to the user's.
		d.Add("tblclients", append(pairs, "email_verified", 1)...)
		at := map[string]any{"proven": "2021-02-03 04:05:06", "claimed": nil, "zero": "0000-00-00 00:00:00"}[who]
		d.Add("tblusers", "id", n+1, "first_name", who, "last_name", "User", "email", address, "password", bcrypted(old), "email_verified_at", at)
		d.Add("tblusers_clients", "id", n+1, "auth_user_id", n+1, "client_id", n+1, "owner", 1)
	}
	if !d.HasUsers() { // a Sub-Account's address was typed by the client
		d.Add("tblcontacts", "id", 1, "userid", 1, "firstname", "Sub", "lastname", "One", "email", "sub@example.com", "subaccount", 1, "password", bcrypted(old))
	}
	s.bring()
	got := strings.Join(apptest.Query[string](s.World, "SELECT address FROM users WHERE verified_at IS NOT NULL ORDER BY address"), " ")
	if got != "proven@example.com" {
		t.Errorf("these are proven: %q", got)
	}
	s.enters("proven@example.com", old).Get("/me").Must(200, "Confirmed")
	if s.enters("claimed@example.com", old).Get("/me").Must(200).Says("Confirmed") {
		t.Error("a claimed address is shown as confirmed")
	}
}

// canary is a text that must not come out anywhere.
const canary = "kanarienvogel"

// secretColumns are those that let somebody in, by table.
var secretColumns = map[string]string{
	"tblclients":             "authdata pwresetkey securityqans securityqid cardnum cardlastfour bankacct bankcode bankname host ip billingcid cardtype startdate expdate issuenumber banktype gatewayid",
	"tblcontacts":            "pwresetkey",
	"tblusers":               "second_factor_config remember_token reset_token security_question_answer email_verification_token last_ip last_hostname",
	"tbluser_invites":        "token",
	"tblauthn_account_links": "metadata",
	"tbladmins":              "uuid username password passwordhash authmodule authdata email signature notes password_reset_key password_reset_data homewidgets supportdepts hidden_widgets template",
	"tbluser_validation":     "token status",
	"tblconfiguration":       "setting value",
	"tblactivitylog":         "description user ipaddr",
	"tblpaymethods":          "description gateway_name payment_id",
}

// poison writes the canary into every column of a row that nobody may read.
func poison(d *whmcstest.Database, table string, pairs ...any) {
	if !d.Has(table) {
		return
	}
	for n, column := range strings.Fields(secretColumns[table]) {
		if strings.HasSuffix(column, "id") && column != "uuid" && column != "gatewayid" {
			continue // a number
		}
		pairs = append(pairs, column, fmt.Sprintf("%s-%s-%d", canary, table, n))
	}
	d.Add(table, pairs...)
}

// poisoned writes one row of each table, with secrets of every kind.
func poisoned(s *stage, hash string) {
	d := s.there
	poison(d, "tblclients", "id", 1, "firstname", "Ada", "lastname", "Ames", "email", "ada@example.com", "password", hash, "authmodule", "totp", "status", "Active", "pwresetexpiry", "2036-01-01 00:00:00")
	poison(d, "tblcontacts", "id", 1, "userid", 1, "firstname", "Sub", "lastname", "One", "email", "sub@example.com", "subaccount", 1, "password", hash, "permissions", "tickets")
	poison(d, "tblauthn_account_links", "id", 1, "provider", "google_signin", "remote_user_id", "118", "client_id", 1)
	poison(d, "tbladmins", "id", 1, "firstname", "Grace", "lastname", "Hopper", "roleid", 1, "disabled", 0)
	poison(d, "tblconfiguration", "id", 1)
	poison(d, "tblactivitylog", "id", 1)
	poison(d, "tblnotes", "id", 1, "userid", 1, "adminid", 1, "note", "called twice")
	poison(d, "tbluser_validation", "id", 1, "requestor_id", 1)
	poison(d, "tblusers", "id", 1, "first_name", "Ada", "last_name", "Ames", "email", "ada@example.com", "password", hash, "second_factor", "totp", "reset_token_expiry", "2036-01-01 00:00:00")
	poison(d, "tbluser_invites", "id", 1, "email", "new@example.com", "client_id", 1, "invited_by", 1, "permissions", "tickets", "created_at", "2026-03-01 00:00:00")
	if d.HasUsers() {
		d.Add("tblusers_clients", "id", 1, "auth_user_id", 1, "client_id", 1, "owner", 1)
	}
}

// TestT143_WhatLetsSomebodyInStaysBehind fills every token, answer and seed of
// the other system with a text, and looks for it everywhere.
func TestT143_WhatLetsSomebodyInStaysBehind(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				poisoned(s, bcrypted("seven red trams"))
				s.Exec("INSERT INTO providers (id, name, issuer, client_id, created_at) VALUES (1, 'Google', 'https://accounts.google.com', 'x', $1)", s.Clock.Now())
				out := s.bring()
				for _, row := range dump(s.World) {
					if strings.Contains(row, canary) {
						t.Errorf("it is in %.300s", row)
					}
				}
				for name, text := range map[string]string{"the report": out.csv, "the log": s.Logs.String()} {
					if strings.Contains(text, canary) {
						t.Errorf("it is in %s", name)
					}
				}
				links := s.Count("identities WHERE subject = '118'")
				if s.there.HasUsers() != (links == 0) { // since 8.0 the link names a user, and this one names none
					t.Errorf("%d linked sign-ins", links)
				}
				oldLinksOpenNothing(s)
			})
		})
	}
}

// oldLinksOpenNothing follows links of the other system.
func oldLinksOpenNothing(s *stage) {
	s.t.Helper()
	for _, table := range []string{"tblclients", "tblusers", "tbluser_invites"} {
		for n := range strings.Fields(secretColumns[table]) {
			token := fmt.Sprintf("%s-%s-%d", canary, table, n)
			for _, path := range []string{"/recover/", "/i/", "/invite/", "/password/reset/redeem/", "/signup/", "/address/"} {
				page := s.Browser().Get(path + token)
				if page.Find(`form[action="/recover/password"], form[action="/invitation/join"], form[action="/invitation/accept"]`).Length() > 0 {
					s.t.Errorf("%s%s leads to a form", path, token)
				}
			}
		}
	}
}

// TestT143_StaffThereAreNobodyHere has the other system's staff.
func TestT143_StaffThereAreNobodyHere(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				poisoned(s, carried("a"))
				s.there.Add("tbladmins", "id", 2, "username", "root", "roleid", 1, "firstname", "Root", "lastname", "Admin", "email", "root@example.com", "password", "5f4dcc3b5aa765d61d8327deb882cf99", "passwordhash", bcrypted("seven red trams"))
				s.bring()
				if n := s.Count("staff"); n != 0 || s.Count("staff_sessions") != 0 {
					t.Errorf("%d staff have come in", n)
				}
				if s.Count("users WHERE address LIKE '%root%' OR name LIKE '%Hopper%'") != 0 {
					t.Error("one of the staff is a user")
				}
				if author := apptest.Query[string](s.World, "SELECT author FROM account_notes"); len(author) != 1 || author[0] != "Grace Hopper" {
					t.Errorf("the note is by %q", author)
				}
				s.refused("root@example.com", "seven red trams")
				if page := s.Browser().PostOnly("/staff/signin", form("address", "root@example.com", "password", "seven red trams")); page.Status < 400 {
					t.Errorf("the staff door answers %d", page.Status)
				}
			})
		})
	}
}

// TestT143_ASecondFactorIsToldOf has people with second factors there: they
// sign in with their password, stand in the report, and hear of it when the
// operator says so.
func TestT143_ASecondFactorIsToldOf(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				poisoned(s, bcrypted("seven red trams"))
				out := s.bring()
				table := map[bool]string{true: "tblusers", false: "tblclients"}[s.there.HasUsers()]
				out.must(t, table, 1, "had a second factor, which cannot be carried over")
				if n := s.Count("authenticators") + s.Count("passkeys") + s.Count("recovery_codes") + s.Count("users WHERE second_since IS NOT NULL"); n != 0 {
					t.Errorf("%d second factors have come in", n)
				}
				s.enters("ada@example.com", "seven red trams").Get("/me/security").Must(200)
				s.nobodyMailed()
				if _, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, upgrade.WelcomeFactors, false); err != nil {
					t.Fatal(err)
				}
				s.Mail.Next(t, "ada@example.com", "Set up your second factor")
			})
		})
	}
}

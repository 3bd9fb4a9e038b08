package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// later are the columns by which a database that went on tells what it has
// taken away. They are put beside the restored tables as old_TABLE.
var later = []struct{ table, columns string }{
	{"installation", "id, created_at"},
	{"users", "id, created_at, status, suspended_at, suspended_why, merged_into, password, credentials, address, verified_at"},
	{"passkeys", "id, created_at"},
	{"authenticators", "id, created_at"},
	{"identities", "id, created_at"},
	{"recovery_codes", "id, created_at, used_at"},
	{"roles", "id, created_at, permissions"},
	{"memberships", "id, created_at, account_id, user_id, owner, role, role_id, permissions, status, ends_at, ended_at, ended_why"},
	{"grants", "id, created_at, ended_at"},
	{"partner_links", "id, created_at, status, ended_at, permissions"},
	{"accounts", "id, created_at, status, closed_at, staff_may_look, ways, second_from, session_hours"},
	{"merges", "id, created_at, keep_id, other_id, state"},
	{"invitation_blocks", "account_id, address, created_at"},
	{"staff_roles", "id, created_at, permissions"},
	{"staff", "id, created_at, status, password, role, role_id"},
	{"staff_passkeys", "id, created_at"},
	{"staff_authenticators", "id, created_at"},
	{"staff_recovery_codes", "id, created_at, used_at"},
	{"providers", "id, created_at, status, second_factor"},
}

// remember puts the state of the database that is about to go aside.
func (e *ending) remember(tx *db.Tx) error {
	for _, l := range later {
		if _, err := db.Exec(tx, "CREATE TEMPORARY TABLE old_"+l.table+" AS SELECT "+l.columns+" FROM "+l.table); err != nil {
			return err
		}
	}
	e.since = true
	return nil
}

// fromElsewhere reads the state of the database that --since names.
func (e *ending) fromElsewhere(tx *db.Tx) error {
	if e.restore.Since == "" {
		return nil
	}
	if e.since {
		return errors.New("--since is for a database other than the one that is replaced, from which what was taken away is taken over anyhow: leave it out")
	}
	if err := isThere(e.restore.Since); err != nil {
		return fmt.Errorf("the database of --since, %s, is not there", plain.URL(e.restore.Since))
	}
	old, err := db.Open(tx.Context(), e.restore.Since, db.Options{AllowBypass: true})
	if err != nil {
		return err
	}
	defer old.Close()
	here, err := db.Relations(tx)
	if err != nil {
		return err
	}
	e.since = true
	return old.Snapshot(tx.Context(), func(from *db.Tx) error {
		for _, l := range later {
			if _, err := db.Exec(tx, "CREATE TEMPORARY TABLE old_"+l.table+" AS SELECT "+l.columns+" FROM "+l.table+" WHERE 1 = 0"); err != nil {
				return err
			}
			if err := copyRows(from, tx, narrow(here, l.table, l.columns)); err != nil {
				return fmt.Errorf("the database of --since: %w", err)
			}
		}
		return nil
	})
}

// narrow is a table with some of its columns.
func narrow(all []db.Relation, table, columns string) db.Relation {
	i := slices.IndexFunc(all, func(r db.Relation) bool { return r.Name == table })
	out := db.Relation{Name: table}
	for _, name := range strings.Split(columns, ", ") {
		j := slices.IndexFunc(all[i].Columns, func(c db.Column) bool { return c.Name == name })
		out.Columns = append(out.Columns, all[i].Columns[j])
	}
	return out
}

func copyRows(from, to *db.Tx, r db.Relation) error {
	beside := db.Relation{Name: "old_" + r.Name, Columns: r.Columns}
	var waiting [][]any
	err := r.Each(from, func(row []any) (err error) {
		if waiting = append(waiting, slices.Clone(row)); len(waiting) == 500 {
			err, waiting = beside.Add(to, waiting), nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return beside.Add(to, waiting)
}

// same joins a restored row with its later self. Numbers alone would not do:
// after an earlier restore they were handed out a second time.
func same(table string) string {
	return " FROM old_" + table + " o WHERE o.id = " + table + ".id AND o.created_at = " + table + ".created_at AND "
}

// gone finds restored rows that were deleted later.
func gone(table string) string {
	return " WHERE NOT EXISTS (SELECT 1 FROM old_" + table + " o WHERE o.id = " + table + ".id AND o.created_at = " + table + ".created_at)"
}

// lost finds what people proved themselves with and have removed later. Whoever
// is deleted there and not here keeps it until somebody has looked.
func lost(table string) string {
	return gone(table) + " AND NOT EXISTS (SELECT 1 FROM old_users o WHERE o.id = " + table + ".user_id AND o.status = 'deleted')"
}

// used finds restored codes that were used, or replaced, later.
func used(table string) string {
	return " WHERE used_at IS NULL AND NOT EXISTS (SELECT 1 FROM old_" + table + " o WHERE o.id = " + table + ".id AND o.created_at = " + table + ".created_at AND o.used_at IS NULL)"
}

// A taking is something that was taken away after the backup, and is taken
// away again.
type taking struct {
	what, statement string
	access          bool // of people's access, which --bring-back leaves
}

// takings stand in the order in which they are done. Nothing in them gives
// anybody anything: where the later state is wider in one thing and narrower in
// another, it is what last stood.
var takings = []taking{
	{"people are suspended again", "UPDATE users SET status = 'suspended', suspended_at = o.suspended_at, suspended_why = o.suspended_why" + same("users") + "o.status = 'suspended' AND o.merged_into IS NULL AND users.status = 'active'", true},
	{"passwords are the later ones", "UPDATE users SET password = o.password, credentials = o.credentials" + same("users") + "o.status <> 'deleted' AND users.status <> 'deleted' AND o.password <> users.password", false},
	{"passkeys that were removed are removed again", "DELETE FROM passkeys" + lost("passkeys"), false},
	{"authenticator apps that were removed are removed again", "DELETE FROM authenticators" + lost("authenticators"), false},
	{"sign-ins through providers that were unlinked are unlinked again", "DELETE FROM identities" + lost("identities"), false},
	{"recovery codes that were used or replaced are void", "DELETE FROM recovery_codes" + used("recovery_codes"), false},
	{"people have no second factor any more", "UPDATE users SET second_since = NULL WHERE second_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = users.id) AND NOT EXISTS (SELECT 1 FROM authenticators p WHERE p.user_id = users.id)", false},
	{"roles allow only what both allowed", "UPDATE roles SET permissions = roles.permissions & o.permissions" + same("roles") + "o.permissions <> roles.permissions", true},
	{"memberships ended are ended again", "UPDATE memberships SET status = 'ended', owner = FALSE, ended_at = o.ended_at, ended_why = o.ended_why" + same("memberships") + "o.status = 'ended' AND memberships.status <> 'ended' AND NOT (" + succeeded("") + ")", true},
	{"memberships are suspended again", "UPDATE memberships SET status = 'suspended'" + same("memberships") + "o.status = 'suspended' AND memberships.status = 'active'", true},
	{"members are owners no longer", "UPDATE memberships SET owner = FALSE" + same("memberships") + "memberships.owner AND NOT o.owner AND NOT (" + succeeded(" AND w.owner") + ")", true},
	{"memberships have the later permissions", `UPDATE memberships SET role = o.role, role_id = CASE WHEN EXISTS (SELECT 1 FROM roles r WHERE r.account_id = memberships.account_id AND r.id = o.role_id) THEN o.role_id END,
		permissions = o.permissions, ends_at = o.ends_at` + same("memberships") + `memberships.status <> 'ended' AND NOT memberships.owner AND o.user_id = memberships.user_id
		AND (o.role <> memberships.role OR o.permissions <> memberships.permissions OR COALESCE(o.role_id, 0) <> COALESCE(memberships.role_id, 0)
			OR o.ends_at IS NOT NULL AND (memberships.ends_at IS NULL OR memberships.ends_at > o.ends_at))`, true},
	{"grants ended are ended again", "UPDATE grants SET ended_at = o.ended_at" + same("grants") + "o.ended_at IS NOT NULL AND grants.ended_at IS NULL", true},
	{"partner links ended are ended again", "UPDATE partner_links SET status = 'ended', ended_at = o.ended_at" + same("partner_links") + "o.status = 'ended' AND partner_links.status <> 'ended'", true},
	{"partner links allow only what both allowed", "UPDATE partner_links SET permissions = partner_links.permissions & o.permissions" + same("partner_links") + "o.permissions <> partner_links.permissions", true},
	{"accounts are closed again", "UPDATE accounts SET status = 'closed', closed_at = o.closed_at" + same("accounts") + "o.status = 'closed' AND accounts.status <> 'closed'", true},
	{"accounts let operators look at them as one of their people no more", "UPDATE accounts SET staff_may_look = FALSE" + same("accounts") + "accounts.staff_may_look AND NOT o.staff_may_look", false},
	{"accounts ask for a second factor as they did last", "UPDATE accounts SET second_from = o.second_from" + same("accounts") + "o.second_from IS NOT NULL AND (accounts.second_from IS NULL OR accounts.second_from > o.second_from)", false},
	{"accounts ask for a proof as often as they did last", "UPDATE accounts SET session_hours = o.session_hours" + same("accounts") + "o.session_hours > 0 AND (accounts.session_hours = 0 OR accounts.session_hours > o.session_hours)", false},
	{"addresses want no invitations from an account again", `INSERT INTO invitation_blocks (account_id, address, created_at)
		SELECT b.account_id, b.address, b.created_at FROM old_invitation_blocks b JOIN accounts a ON a.id = b.account_id JOIN old_accounts o ON o.id = a.id AND o.created_at = a.created_at
		WHERE TRUE ON CONFLICT (account_id, address) DO NOTHING`, false},
	{"operators are suspended again", "UPDATE staff SET status = 'suspended'" + same("staff") + "o.status = 'suspended' AND staff.status <> 'suspended'", false},
	{"passkeys of operators that were removed are removed again", "DELETE FROM staff_passkeys" + gone("staff_passkeys"), false},
	{"authenticator apps of operators that were removed are removed again", "DELETE FROM staff_authenticators" + gone("staff_authenticators"), false},
	{"recovery codes of operators that were used or replaced are void", "DELETE FROM staff_recovery_codes" + used("staff_recovery_codes"), false},
	{"operators' passwords are the later ones", "UPDATE staff SET password = o.password" + same("staff") + "o.password <> staff.password", false},
	{"operators' roles allow only what both allowed", "UPDATE staff_roles SET permissions = staff_roles.permissions & o.permissions" + same("staff_roles") + "o.permissions <> staff_roles.permissions", false},
	{"operators have the later role", `UPDATE staff SET role = o.role, role_id = CASE WHEN EXISTS (SELECT 1 FROM staff_roles r WHERE r.id = o.role_id) THEN o.role_id END` +
		same("staff") + "(o.role <> staff.role OR COALESCE(o.role_id, 0) <> COALESCE(staff.role_id, 0))", false},
	{"sign-in providers are off", "UPDATE providers SET status = 'off' WHERE status <> 'off' AND NOT EXISTS (SELECT 1 FROM old_providers o WHERE o.id = providers.id AND o.created_at = providers.created_at AND o.status <> 'off')", false},
	{"sign-in providers no longer stand for a second factor", "UPDATE providers SET second_factor = FALSE" + same("providers") + "providers.second_factor AND NOT o.second_factor", false},
}

// carry takes away again what was taken away after the backup.
func (e *ending) carry(tx *db.Tx) error {
	erased, err := e.app.tombs.find(tx)
	if err != nil {
		return err
	}
	if !e.since {
		// Which were used since is not known, and a code is good for once.
		n, err := db.Exec(tx, "DELETE FROM recovery_codes WHERE used_at IS NULL")
		if err != nil {
			return err
		}
		e.did(n, "%d recovery codes are void, since some may have been used: people make new ones on their security page.")
		if n, err = db.Exec(tx, "DELETE FROM staff_recovery_codes WHERE used_at IS NULL"); err != nil {
			return err
		}
		e.did(n, "%d recovery codes of operators are void, for the same reason.")
		return e.erase(tx, erased)
	}
	if err := e.sameInstallation(tx); err != nil {
		return err
	}
	if err := e.unmerge(tx); err != nil {
		return err
	}
	deleted, err := db.All[id.User](tx, "SELECT u.id FROM users u JOIN old_users o ON o.id = u.id AND o.created_at = u.created_at WHERE o.status = 'deleted' AND u.status <> 'deleted' ORDER BY u.id")
	if err != nil {
		return err
	}
	if deleted, err = e.rejoin(tx, deleted); err != nil {
		return err
	}
	if err := e.erase(tx, append(erased, deleted...)); err != nil {
		return err
	}
	if err := e.readdress(tx); err != nil {
		return err
	}
	if err := e.takeAway(tx); err != nil {
		return err
	}
	if err := e.ways(tx); err != nil {
		return err
	}
	if err := e.apart(tx); err != nil {
		return err
	}
	for _, l := range later {
		if _, err := db.Exec(tx, "DROP TABLE old_"+l.table); err != nil {
			return err
		}
	}
	return nil
}

func (e *ending) takeAway(tx *db.Tx) error {
	for _, t := range takings {
		if t.access && e.restore.BringBack {
			continue
		}
		n, err := db.Exec(tx, t.statement)
		if err != nil {
			return err
		}
		e.did(n, "%d "+t.what+".")
	}
	return nil
}

// sameInstallation refuses the database of somebody else: numbers there mean
// others.
func (e *ending) sameInstallation(tx *db.Tx) error {
	n, err := db.One[int64](tx, "SELECT COUNT(*) FROM installation i JOIN old_installation o ON o.id = i.id AND o.created_at <> i.created_at")
	if err == nil && n > 0 {
		err = errors.New("the database that went on after the backup is another installation's, which says nothing of this one: leave --since out, or restore into an empty database")
	}
	return err
}

// erase deletes people again who have deleted their logins. Some go with
// others, of whom they were a part.
func (e *ending) erase(tx *db.Tx, list []id.User) error {
	slices.Sort(list)
	list = slices.Compact(list)
	for _, u := range list {
		there, err := db.One[bool](tx, "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND status <> 'deleted')", u)
		if err == nil && there {
			err = e.app.Memberships.EraseAgain(tx, u, bySystem)
		}
		if err != nil {
			return err
		}
	}
	e.did(int64(len(list)), "%d people who had deleted their logins are deleted again.")
	return nil
}

// readdress gives people the addresses that they have had last: the one before
// may be in other hands.
func (e *ending) readdress(tx *db.Tx) error {
	type moved struct {
		ID       id.User
		Address  mail.Address
		Verified bool
	}
	list, err := db.All[moved](tx, `SELECT u.id, o.address, o.verified_at IS NOT NULL AS verified FROM users u JOIN old_users o ON o.id = u.id AND o.created_at = u.created_at
		WHERE o.status <> 'deleted' AND u.status <> 'deleted' AND o.address <> u.address ORDER BY u.id`)
	if err != nil {
		return err
	}
	for _, m := range list {
		err := user.Readdress(tx, m.ID, m.Address, m.Verified)
		if f, ok := fault.Of(err); ok && f.Code == fault.Conflict {
			e.out.Look = append(e.out.Look, fmt.Sprintf("User %s has had another address since, which is somebody else's in the backup: ask her.", id.String(m.ID)))
			continue
		}
		if err != nil {
			return err
		}
	}
	e.did(int64(len(list)), "%d people have the addresses that they took since.")
	return nil
}

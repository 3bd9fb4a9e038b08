package access

import (
	"slices"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
)

// A WayUse tells how many accounts allow a way to sign in by name.
type WayUse struct {
	Named int64 // among others
	Alone int64 // and nothing else
}

// UseOfWay counts the accounts whose rules name a way, of all accounts.
func UseOfWay(tx *db.Tx, w auth.Way) (WayUse, error) {
	return db.One[WayUse](tx, `
		SELECT (SELECT COUNT(*) FROM accounts WHERE ',' || ways || ',' LIKE $1) AS named, (SELECT COUNT(*) FROM accounts WHERE ways = $2) AS alone`,
		"%,"+string(w)+",%", string(w))
}

// ForgetWay takes a way that is no more out of the rules of every account that
// names it. It answers Conflict where one allows nothing else: rules without a
// way would allow every way.
func ForgetWay(tx *db.Tx, by audit.Actor, w auth.Way) error {
	like := "%," + string(w) + ",%"
	if _, err := db.Exec(tx, "UPDATE accounts SET ways = ways WHERE ',' || ways || ',' LIKE $1", like); err != nil {
		return err // and until the end nobody else changes them
	}
	type row struct {
		ID   id.Account
		Name string
		Gate
	}
	list, err := db.All[row](tx, "SELECT a.id, a.name, "+gateColumns+" FROM accounts a WHERE ',' || a.ways || ',' LIKE $1", like)
	if err != nil {
		return err
	}
	for _, a := range list {
		after := a.Gate
		after.Ways = strings.Join(slices.DeleteFunc(strings.Split(a.Ways, ","), func(s string) bool { return s == string(w) }), ",")
		if after.Ways == "" {
			return fault.New(fault.Conflict, "only-way", a.Name+" allows nothing else to sign in with, and would be shut. Its owners must allow another way first, under People.")
		}
		if _, err := db.Exec(tx, "UPDATE accounts SET ways = $2 WHERE id = $1", a.ID, after.Ways); err != nil {
			return err
		}
		err := audit.Write(tx, by, audit.Record{
			Event: "account.policy_changed", Account: a.ID, Object: "account", ObjectID: int64(a.ID), Before: a.words(), After: after.words(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

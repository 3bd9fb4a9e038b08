package app

import (
	"fmt"
	"slices"
	"strings"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/id"
)

// ways has accounts allow the ways to sign in that they allowed last, where
// those are not more than the backup's. One that is not in the backup, such as
// a provider that came later, would let nobody in.
func (e *ending) ways(tx *db.Tx) error {
	type row struct {
		ID          id.Account
		Ways, Later string
	}
	list, err := db.All[row](tx, `SELECT a.id, a.ways, o.ways AS later FROM accounts a JOIN old_accounts o ON o.id = a.id AND o.created_at = a.created_at
		WHERE o.ways <> '' AND o.ways <> a.ways ORDER BY a.id`)
	if err != nil {
		return err
	}
	providers, err := db.All[id.Provider](tx, "SELECT p.id FROM providers p JOIN old_providers o ON o.id = p.id AND o.created_at = p.created_at")
	if err != nil {
		return err
	}
	there := []auth.Way{auth.ByPassword, auth.ByPasskey}
	for _, p := range providers {
		there = append(there, auth.ByProvider(p))
	}
	changed := int64(0)
	for _, a := range list {
		ways, ok := stricter(auth.ParseWays(a.Ways), auth.ParseWays(a.Later), there)
		if !ok {
			e.out.Look = append(e.out.Look, fmt.Sprintf("Account %s allowed only ways to sign in that are not in the backup, and allows those of the backup now.", id.String(a.ID)))
		}
		if ways == nil {
			continue
		}
		if _, err := db.Exec(tx, "UPDATE accounts SET ways = $2 WHERE id = $1", a.ID, joined(ways)); err != nil {
			return err
		}
		changed++
	}
	e.did(changed, "%d accounts allow the ways to sign in that they allowed last.")
	return nil
}

// stricter is what an account allows from now on; nil where that is what it
// allows. It is not ok where nothing is left of what it allowed last.
func stricter(ways, later, there []auth.Way) (_ []auth.Way, ok bool) {
	later = slices.DeleteFunc(later, func(w auth.Way) bool { return !slices.Contains(there, w) })
	wider := len(ways) > 0 && !slices.ContainsFunc(ways, func(w auth.Way) bool { return !slices.Contains(later, w) })
	if len(later) == 0 || wider {
		return nil, len(later) > 0
	}
	return later, true
}

func joined(ways []auth.Way) string {
	list := make([]string, len(ways))
	for i, w := range ways {
		list[i] = string(w)
	}
	return strings.Join(list, ",")
}

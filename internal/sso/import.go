package sso

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/id"
)

// An Imported is a linked sign-in that comes in from another system.
type Imported struct {
	ID         int64
	UserID     id.User
	ProviderID id.Provider
	Issuer     string
	Subject    string
	Label      string    `db:"once"`
	CreatedAt  time.Time `db:"once"`
}

// ForImport hands the table to the holder of an import's proof.
func ForImport(access.Import) db.Table[Imported] { return db.Table[Imported]{Name: "identities"} }

// ByIssuer finds the provider that calls itself so, among those that people
// can sign in through; none is the zero Provider.
func ByIssuer(tx *db.Tx, issuer string) (Provider, error) {
	list, err := db.All[Provider](tx, "SELECT "+columns+" FROM providers p WHERE p.issuer = $1 AND p.status = 'active' ORDER BY p.id LIMIT 1", issuer)
	if err != nil || len(list) == 0 {
		return Provider{}, err
	}
	return list[0], nil
}

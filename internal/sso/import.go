package sso

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
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

// Linked is the record of its coming in, and Unlinked of its going.
func (i Imported) Linked() audit.Record {
	return audit.Record{Event: "identity.linked", Object: "identity", ObjectID: i.ID, Subject: i.UserID, After: map[string]string{"provider": i.Issuer}}
}

// Unlinked is the record of its going.
func (i Imported) Unlinked() audit.Record {
	return audit.Record{Event: "identity.unlinked", Object: "identity", ObjectID: i.ID, Subject: i.UserID, After: map[string]string{"provider": i.Issuer}}
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

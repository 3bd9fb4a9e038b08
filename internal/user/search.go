package user

import (
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/plain"
)

var index = db.Index{Table: "users", Text: "search", Only: "t.status <> 'deleted'", Numbered: true}

// Find finds the users who fit best, but for deleted ones. The caller holds
// staff's permission.
func Find(tx *db.Tx, n plain.Needle, limit int) ([]User, error) {
	numbers, err := index.Best(tx, n, limit)
	return found(tx, numbers, err)
}

// List reads users by number from behind the given one on: those who fit, or
// all where nobody is looked for. The caller holds staff's permission.
func List(tx *db.Tx, n plain.Needle, after id.User, limit int) ([]User, error) {
	if n.IsZero() {
		return db.All[User](tx, "SELECT "+Columns+" FROM users u WHERE u.id > $1 AND u.status <> 'deleted' ORDER BY u.id LIMIT $2", after, limit)
	}
	numbers, err := index.Page(tx, n, int64(after), limit)
	return found(tx, numbers, err)
}

func found(tx *db.Tx, numbers []int64, err error) ([]User, error) {
	if err != nil {
		return nil, err
	}
	return db.InOrder(tx, "SELECT "+Columns+" FROM users u WHERE u.id", numbers, func(u User) int64 { return int64(u.ID) })
}

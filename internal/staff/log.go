package staff

import (
	"context"
	"errors"
	"strings"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// Log is the whole log.
func (s *Staff) Log(by For[ReadLog], log *audit.Log) audit.View {
	v := log.Everything(by.Actor())
	v.Find = find
	return v
}

// LogOf is what one user did, and what was done to her.
func (s *Staff) LogOf(ctx context.Context, by For[Look], log *audit.Log, u id.User) (v audit.View, name string, err error) {
	defer fault.Wrap(&err, "staff.LogOf(%d)", u)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		person, err := user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		name = person.Name
		return err
	})
	v = log.Everything(by.Actor())
	v.Own.Of, v.Sign, v.Find = u, nil, find
	return v, name, err
}

// find says whom a word may mean: users, and operators.
func find(tx *db.Tx, word string) (p audit.People, err error) {
	const few = 20
	var users []user.User
	if n, bad := plain.ParseNeedle(word); bad == nil {
		if users, err = user.Find(tx, n, few); err != nil {
			return p, err
		}
	}
	for _, u := range users {
		p.Users = append(p.Users, u.ID)
	}
	p.Staff, err = operators(tx, plain.Fold(word))
	return p, err
}

// operators are those whose name or address holds a folded word. They are few,
// so that no table keeps them folded.
func operators(tx *db.Tx, word string) (found []id.Staff, err error) {
	type operator struct {
		ID            id.Staff
		Name, Address string
	}
	all, err := db.All[operator](tx, "SELECT id, name, address FROM staff ORDER BY id")
	for _, o := range all {
		if word != "" && strings.Contains(plain.Fold(o.Name, o.Address), word) {
			found = append(found, o.ID)
		}
	}
	return found, err
}

package staff

import (
	"context"
	"errors"

	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// Log is the whole log. log signs where it ends, so that an export of all of
// it can be verified from end to end.
func (s *Staff) Log(by For[ReadLog], log *audit.Log) audit.View {
	v := s.view(by.Identity)
	v.Sign = log.Sign
	return v
}

// LogOf is what one user did, and what was done to her.
func (s *Staff) LogOf(ctx context.Context, by For[Look], u id.User) (v audit.View, name string, err error) {
	defer fault.Wrap(&err, "staff.LogOf(%d)", u)
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		person, err := user.ByID(tx, u)
		if errors.Is(err, db.ErrNone) {
			return fault.Missing()
		}
		name = person.Name
		return err
	})
	v = s.view(by.Identity)
	v.Own.Of = u
	return v, name, err
}

func (s *Staff) view(by Identity) audit.View {
	return audit.View{
		Reader: by.Actor(), Full: true, Find: find,
		Read:  func(ctx context.Context, fn func(tx *db.Tx) error) error { return s.db.Read(ctx, db.Wide, fn) },
		Write: func(ctx context.Context, fn func(tx *db.Tx) error) error { return s.db.Write(ctx, db.Wide, fn) },
	}
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
	p.Staff, err = db.All[id.Staff](tx, `SELECT id FROM staff WHERE LOWER(name) LIKE $1 ESCAPE '\' OR LOWER(address) LIKE $1 ESCAPE '\' ORDER BY id LIMIT 20`, plain.Like(word))
	return p, err
}

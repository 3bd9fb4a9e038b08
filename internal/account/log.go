package account

import (
	"context"
	"strings"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// Log is the account's log, for those who may see it.
func (as *Accounts) Log(by access.For[access.ViewActivity]) audit.View {
	return audit.View{
		Reader: by.Actor(), Own: audit.Filter{Account: by.Account()}, Full: by.Staff() != 0, Read: by.Read,
		Write: func(ctx context.Context, fn func(tx *db.Tx) error) error {
			return by.WriteClosed(ctx, func(tx *db.Tx, _ access.For[access.ViewActivity]) error { return fn(tx) })
		},
		Find: func(tx *db.Tx, word string) (audit.People, error) { return inLog(tx, by, word) },
	}
}

// A named is somebody whom an account's log names.
type named struct {
	ID      int64
	Name    string
	Address mail.Address
	Known   bool // her address is no secret here
}

// inLog says whom a word may mean in an account's log: whoever acted in it, as
// whom, and whom it was done to. That are members, and also people of partners,
// operators, and those who are gone. The log shows their names and not their
// addresses, so nobody but members is found by hers, save by staff.
func inLog(tx *db.Tx, by access.For[access.ViewActivity], word string) (p audit.People, err error) {
	users, err := db.All[named](tx, `
		SELECT u.id, u.name, u.address, EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = $1 AND m.user_id = u.id AND m.status <> 'ended') AS known
		FROM users u WHERE u.id IN (
			SELECT actor_id FROM audit_records WHERE account_id = $1 AND actor_kind = 'user'
			UNION SELECT subject_id FROM audit_records WHERE account_id = $1
			UNION SELECT behalf_id FROM audit_records WHERE account_id = $1
			UNION SELECT user_id FROM memberships WHERE account_id = $1 AND status <> 'ended')
		ORDER BY u.id`, by.Account())
	if err != nil {
		return p, err
	}
	operators, err := db.All[named](tx, `
		SELECT id, name, address, $2 <> 0 AS known FROM staff
		WHERE id IN (SELECT actor_id FROM audit_records WHERE account_id = $1 AND actor_kind = 'staff') ORDER BY id`, by.Account(), by.Staff())
	if err != nil {
		return p, err
	}
	number := strings.TrimPrefix(word, "#")
	for _, u := range users {
		u.Known = u.Known || by.Staff() != 0
		if u.fits(word) || id.String(id.User(u.ID)) == number {
			p.Users = append(p.Users, id.User(u.ID))
		}
	}
	for _, o := range operators {
		if o.fits(word) {
			p.Staff = append(p.Staff, id.Staff(o.ID))
		}
	}
	return p, nil
}

func (n named) fits(word string) bool {
	word = plain.Fold(word)
	if word == "" {
		return false
	}
	return strings.Contains(plain.Fold(n.Name), word) || n.Known && strings.Contains(plain.Fold(n.Name, n.Address.String()), word)
}

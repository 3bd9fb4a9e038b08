package staff

import (
	"context"
	"errors"
	"time"

	"clientele/internal/access"
	"clientele/internal/audit"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// How long a link works by which an operator sets her password: one that was
// printed where the server runs or sent after a reset, and one that asks
// somebody to join.
const (
	LinkLife = 24 * time.Hour
	JoinLife = 7 * 24 * time.Hour
)

// errLink is the answer to a link that opens nothing.
var errLink = fault.New(fault.Gone, "staff-link", "This link was used, is too old, or was replaced by a newer one. Ask whoever gave it to you for another.")

// link makes a link for an operator, or for the first one where there is no
// number. The ones before it are void.
func (s *Staff) link(tx *db.Tx, who id.Staff, life time.Duration) (address string, err error) {
	if _, err := db.Exec(tx, "UPDATE staff_links SET ended_at = $2 WHERE COALESCE(staff_id, 0) = $1 AND ended_at IS NULL", who, tx.Now); err != nil {
		return "", err
	}
	token, hash := auth.NewToken()
	_, err = db.Exec(tx, "INSERT INTO staff_links (staff_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		db.SomeUnlessZero(who), hash, tx.Now, tx.Now.Add(life))
	return s.baseURL + "/staff/welcome/" + token, err
}

// FirstLink makes the link by which the first operator adds herself; nothing
// where there is an operator already.
func (s *Staff) FirstLink(ctx context.Context) (link string, err error) {
	defer fault.Wrap(&err, "staff.FirstLink")
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		link = ""
		if err := lock(tx); err != nil {
			return err
		}
		if any, err := anybody(tx); any || err != nil {
			return err
		}
		link, err = s.link(tx, 0, LinkLife)
		return err
	})
	return link, err
}

func anybody(tx *db.Tx) (bool, error) {
	return db.One[bool](tx, "SELECT EXISTS (SELECT 1 FROM staff)")
}

// A Welcome is what a link is for: somebody's own password, or, without a
// number, the first operator.
type Welcome struct {
	Staff   id.Staff
	Name    string
	Address mail.Address
	Before  bool // she has been here before: her sign-in was reset
	link    int64
}

// First reports whether the link makes the first operator.
func (w Welcome) First() bool { return w.Staff == 0 }

// OpenLink finds what a link is for, and changes nothing.
func (s *Staff) OpenLink(ctx context.Context, token string) (w Welcome, err error) {
	defer fault.Wrap(&err, "staff.OpenLink")
	if err := auth.ForgetOld(ctx, s.db, "staff_links", token); err != nil {
		return w, err
	}
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		w, err = findLink(tx, token)
		return err
	})
	return w, err
}

func findLink(tx *db.Tx, token string) (w Welcome, err error) {
	type row struct {
		ID      int64
		StaffID db.Null[id.Staff]
		Name    db.Null[string]
		Address db.Null[mail.Address]
		Before  bool
	}
	found, err := db.One[row](tx, `
		SELECT l.id, l.staff_id, s.name, s.address, s.signed_in_at IS NOT NULL AS before FROM staff_links l LEFT JOIN staff s ON s.id = l.staff_id
		WHERE l.token_hash = $1 AND l.ended_at IS NULL AND l.created_at <= $2 AND l.expires_at > $2
			AND (l.staff_id IS NULL AND NOT EXISTS (SELECT 1 FROM staff) OR s.status = 'active' AND s.password = '')`, auth.HashToken(token), tx.Now)
	if errors.Is(err, db.ErrNone) {
		return w, errLink
	}
	return Welcome{found.StaffID.V, found.Name.V, found.Address.V, found.Before, found.ID}, err
}

// A Newcomer is what somebody types who follows a link. Her address is asked
// for where she is the first.
type Newcomer struct{ Name, Address, Password string }

// Join takes a link: the first operator adds herself, an added one sets her
// password. The session that it starts is good for setting up a second factor
// and for nothing else.
func (s *Staff) Join(ctx context.Context, token string, n Newcomer, r auth.Request) (session string, err error) {
	defer fault.Wrap(&err, "staff.Join")
	w, err := s.OpenLink(ctx, token)
	if err != nil {
		return "", err
	}
	var f fault.Form
	w.Name, err = plain.Name(n.Name)
	f.Take("name", err)
	if w.First() {
		w.Address, err = mail.ParseAddress(n.Address)
		f.Take("address", err)
	}
	f.Take("password", s.hasher.Check(n.Password, w.Address.String(), w.Name))
	if err := f.Err(); err != nil {
		return "", err
	}
	hash, err := s.hasher.Hash(ctx, n.Password)
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		session, err = join(tx, token, w, hash, r)
		return err
	})
	return session, err
}

func join(tx *db.Tx, token string, w Welcome, hash string, r auth.Request) (session string, err error) {
	if err := lock(tx); err != nil {
		return "", err
	}
	if _, err := findLink(tx, token); err != nil {
		return "", err
	}
	if w.First() {
		if w.Staff, err = Create(tx, w.Address, w.Name, access.StaffRoles[0].Key, hash); err != nil {
			return "", err
		}
	} else if _, err := db.Exec(tx, "UPDATE staff SET name = $2, password = $3 WHERE id = $1", w.Staff, w.Name, hash); err != nil {
		return "", err
	}
	if err := changed(tx, w.Staff, 0); err != nil {
		return "", err
	}
	if _, err := db.Exec(tx, "UPDATE staff_links SET ended_at = $2 WHERE id = $1", w.link, tx.Now); err != nil {
		return "", err
	}
	if session, err = halfway(tx, w.Staff, r); err != nil {
		return "", err
	}
	return session, audit.Write(tx, acting(w.Staff, r), record("staff.joined", w.Staff))
}

// ResetAtServer takes away what proves an operator, by whoever runs the
// server, and returns the link by which she sets it anew.
func (s *Staff) ResetAtServer(ctx context.Context, address mail.Address) (link string, err error) {
	defer fault.Wrap(&err, "staff.ResetAtServer")
	err = s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := lock(tx); err != nil {
			return err
		}
		who, err := db.One[id.Staff](tx, "SELECT id FROM staff WHERE address = $1 AND status = 'active'", address)
		if errors.Is(err, db.ErrNone) {
			return fault.Field("address", "There is no operator with this address who may sign in.")
		}
		if err != nil {
			return err
		}
		if err := forget(tx, who); err != nil {
			return err
		}
		if link, err = s.link(tx, who, LinkLife); err != nil {
			return err
		}
		if err := audit.Write(tx, audit.Actor{Kind: audit.System, Via: audit.ViaSystem}, record("staff.reset", who)); err != nil {
			return err
		}
		return s.auth.TellOperator(tx, who, "reset", "Your sign-in was reset",
			"Your staff login at "+s.settings.Brand()+" was reset where the server runs: its password and second factors work no more.", auth.Request{})
	})
	return link, err
}

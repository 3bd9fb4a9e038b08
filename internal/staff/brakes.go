package staff

import (
	"context"
	"errors"
	"strconv"
	"time"

	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
)

// The brakes on guessing an operator's password, as auth has them for people.
var (
	perPerson  = auth.Limit{Hits: 10, Per: 15 * time.Minute}
	perNetwork = auth.Limit{Hits: 30, Per: 15 * time.Minute}
)

// A candidate is whom an attempt to sign in is about.
type candidate struct {
	ID          id.Staff
	Password    string
	Credentials int64
	known       bool // the browser is one that she has signed in with
}

// before counts the attempt, and reads whom it is about. In a browser that she
// has signed in with, the attempts have a count of their own, so that nothing
// that strangers do keeps her out of it.
func (s *Staff) before(ctx context.Context, c auth.Credential, r auth.Request) (found candidate, err error) {
	var wait time.Duration
	address, bad := mail.ParseAddress(c.Address)
	err = s.db.Write(ctx, db.Nothing, func(tx *db.Tx) error {
		network, err := perNetwork.Take(tx, "staff.network:"+auth.Network(r.Network))
		if wait = network; err != nil || bad != nil {
			return err
		}
		found, err = db.One[candidate](tx, "SELECT id, password, credentials FROM staff WHERE address = $1 AND status = 'active'", address)
		if err != nil && !errors.Is(err, db.ErrNone) {
			return err
		}
		found.known = found.ID != 0 && c.Device == markOf(found.ID, found.Credentials)
		if found.known {
			network = 0
		}
		own, err := perPerson.Take(tx, attemptKey(address, c.Device, found.known))
		wait = max(network, own)
		return err
	})
	if err == nil && wait > 0 {
		err = fault.Wait("sign-in", "Too many attempts to sign in. Wait a while and try again.", wait)
	}
	return found, err
}

func attemptKey(address mail.Address, mark string, known bool) string {
	if known {
		return "staff.known:" + mark
	}
	return "staff.person:" + address.String()
}

// forgive takes back what before has counted, for an attempt that turned out
// well.
func (found candidate) forgive(tx *db.Tx, c auth.Credential, r auth.Request) error {
	address, err := mail.ParseAddress(c.Address)
	if err != nil {
		return err
	}
	return errors.Join(perPerson.Forgive(tx, attemptKey(address, c.Device, found.known)), perNetwork.Forgive(tx, "staff.network:"+auth.Network(r.Network)))
}

// markOf marks a browser as one that an operator has signed in with, until
// what proves her changes.
func markOf(who id.Staff, credentials int64) string {
	return id.String(who) + "." + strconv.FormatInt(credentials, 10)
}

// MarkOf is the mark for the browser that holds a session, by its token; empty
// where that does not open the staff area.
func (s *Staff) MarkOf(ctx context.Context, token string) (mark string, err error) {
	defer fault.Wrap(&err, "staff.MarkOf")
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		found, err := db.One[candidate](tx, `
			SELECT s.id, s.password, s.credentials FROM staff_sessions x JOIN staff s ON s.id = x.staff_id
			WHERE x.token_hash = $1 AND x.second_at IS NOT NULL AND x.ended_at IS NULL`, auth.HashToken(token))
		if err == nil {
			mark = markOf(found.ID, found.Credentials)
		}
		if errors.Is(err, db.ErrNone) {
			err = nil
		}
		return err
	})
	return mark, err
}

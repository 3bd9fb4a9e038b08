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
	"clientele/internal/locale"
	"clientele/internal/mail"
	"clientele/internal/plain"
)

// An Operator is a member of the staff, as those see her who manage it.
type Operator struct {
	ID      id.Staff
	Name    string
	Address mail.Address
	Status  string // "active" or "suspended"
	Joined  bool   // she has set a password
	access.StaffHolding
	RoleID     db.Null[id.StaffRole]
	RoleName   string
	CreatedAt  time.Time
	SignedInAt db.Null[time.Time]
	Apps       int64
	Passkeys   int64
	LinkUntil  db.Null[time.Time] // until when the link works that was mailed to her
	Sessions   int64
}

// RoleLabel is what her role is called.
func (o Operator) RoleLabel() string { return roleName(o.Role, o.RoleName) }

// Chosen is the role that she has.
func (o Operator) Chosen() Role { return Role{o.Role, o.RoleID.V} }

// Suspended reports whether she may not sign in.
func (o Operator) Suspended() bool { return o.Status == "suspended" }

const operatorSQL = `
	SELECT s.id, s.name, s.address, s.status, s.password <> '' AS joined, ` + access.StaffHoldingSQL + `, s.role_id,
		COALESCE((SELECT r.name FROM staff_roles r WHERE r.id = s.role_id), '') AS role_name, s.created_at, s.signed_in_at,
		(SELECT COUNT(*) FROM staff_authenticators a WHERE a.staff_id = s.id) AS apps,
		(SELECT COUNT(*) FROM staff_passkeys p WHERE p.staff_id = s.id) AS passkeys,
		(SELECT MAX(l.expires_at) FROM staff_links l WHERE l.staff_id = s.id AND l.ended_at IS NULL) AS link_until,
		(SELECT COUNT(*) FROM staff_sessions x WHERE x.staff_id = s.id AND ` + isOpen + `) AS sessions
	FROM staff s`

// People lists the operators.
func (s *Staff) People(ctx context.Context, by For[ManageStaff]) (list []Operator, err error) {
	defer fault.Wrap(&err, "staff.People")
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		now, seen, began := openSince(tx, s.settings.Current())
		list, err = db.All[Operator](tx, operatorSQL+" ORDER BY s.status, s.name, s.id", now, seen, began)
		return err
	})
	return list, err
}

// Operator reads one operator.
func (s *Staff) Operator(ctx context.Context, by For[ManageStaff], who id.Staff) (o Operator, err error) {
	defer fault.Wrap(&err, "staff.Operator(%d)", who)
	err = s.db.Read(ctx, db.Nothing, func(tx *db.Tx) error {
		o, err = s.operator(tx, who)
		return err
	})
	return o, err
}

func (s *Staff) operator(tx *db.Tx, who id.Staff) (Operator, error) {
	now, seen, began := openSince(tx, s.settings.Current())
	o, err := db.One[Operator](tx, operatorSQL+" WHERE s.id = $4", now, seen, began, who)
	if errors.Is(err, db.ErrNone) {
		err = fault.Missing()
	}
	return o, err
}

// MayChange reports whether an operator may change another one: never herself,
// nor anybody who may do something that she may not.
func (f For[P]) MayChange(o Operator) bool { return o.ID != f.staff && o.Set().Within(f.may) }

var (
	errSelf    = fault.New(fault.Denied, "own-staff", "Nobody changes her own role or status. Ask another operator who manages staff.")
	errMore    = fault.New(fault.Denied, "target-exceeds-own", "This operator may do something that you may not, so you cannot change her. Ask somebody who may do as much.")
	errExceeds = fault.New(fault.Denied, "grant-exceeds-own", "This role allows something that you may not do yourself. Choose another one.")
)

// manage runs fn for somebody who manages operators, in a transaction in which
// nobody else changes any: what she may is read again, since another one may
// have taken it from her just now. She remains one who manages them, whatever
// fn does to others, so that there is always one left.
func (s *Staff) manage(ctx context.Context, by For[ManageStaff], fn func(tx *db.Tx, may access.StaffSet) error) error {
	err := s.db.Write(ctx, db.Wide, func(tx *db.Tx) error {
		if err := lock(tx); err != nil {
			return err
		}
		me, err := s.operator(tx, by.staff)
		if err != nil {
			return err
		}
		if me.Suspended() || !me.Joined {
			return errEnded
		}
		if !me.Set().Has(access.StaffManageStaff) {
			return fault.New(fault.Denied, "staff-permission", "Your role has just been changed, and does not allow this any more.")
		}
		return fn(tx, me.Set())
	})
	if fault.Is(err, fault.Denied) {
		s.NoteDenied(ctx, by.Identity, 0)
	}
	return err
}

// manageOne is manage for what is done to one other operator.
func (s *Staff) manageOne(ctx context.Context, by For[ManageStaff], who id.Staff, event string, fn func(tx *db.Tx, may access.StaffSet, o Operator) error) error {
	return s.manage(ctx, by, func(tx *db.Tx, may access.StaffSet) error {
		o, err := s.operator(tx, who)
		switch {
		case err != nil:
			return err
		case who == by.staff:
			return errSelf
		case !o.Set().Within(may):
			return errMore
		}
		if err := fn(tx, may, o); err != nil {
			return err
		}
		r := record(event, who)
		if now, err := s.operator(tx, who); err == nil && now.Chosen() != o.Chosen() {
			r.Before, r.After = map[string]string{"role": o.Chosen().Key()}, map[string]string{"role": now.Chosen().Key()}
		}
		return audit.Write(tx, by.Actor(), r)
	})
}

// A Hire is somebody whom another operator adds.
type Hire struct {
	Name    string
	Address mail.Address
	Role    Role
}

// Invite adds an operator, and mails her a link by which she sets her password
// and her second factor. Nobody else ever knows either.
func (s *Staff) Invite(ctx context.Context, by For[ManageStaff], n Hire) (number id.Staff, err error) {
	defer fault.Wrap(&err, "staff.Invite")
	var f fault.Form
	n.Name, err = plain.Name(n.Name)
	f.Take("name", err)
	if err := f.Err(); err != nil {
		return 0, err
	}
	err = s.manage(ctx, by, func(tx *db.Tx, may access.StaffSet) error {
		if err := n.Role.within(tx, may); err != nil {
			return err
		}
		number, err = db.One[id.Staff](tx, "INSERT INTO staff (address, name, role, role_id, password, created_at) VALUES ($1, $2, $3, $4, '', $5) RETURNING id",
			n.Address, n.Name, n.Role.BuiltIn, db.SomeUnlessZero(n.Role.Own), tx.Now)
		if db.Exists(err) {
			return fault.Field("address", "There is a staff member with this address already.")
		}
		if err != nil {
			return err
		}
		r := record("staff.invited", number)
		r.After = map[string]string{"role": n.Role.Key()}
		if err := audit.Write(tx, by.Actor(), r); err != nil {
			return err
		}
		return s.mailLink(tx, by, number, n.Address, false)
	})
	return number, err
}

// mailLink mails an operator the link by which she sets her password.
func (s *Staff) mailLink(tx *db.Tx, by For[ManageStaff], who id.Staff, to mail.Address, before bool) error {
	m := mail.Message{
		Kind: "staff-invitation", Class: mail.Urgent, To: to, Subject: locale.AsIs("Join the staff of " + s.settings.Brand()),
		Lines:   []locale.Text{locale.AsIs(plain.Defang(by.name) + " has made you a member of the staff of " + s.settings.Brand() + ".")},
		Closing: []locale.Text{locale.AsIs("You choose your password there, and set up a second factor. The link works once, for 7 days."), locale.AsIs("If you do not expect this, ignore it.")},
	}
	life := JoinLife
	if before {
		life = LinkLife
		m.Kind, m.Subject = "staff-reset", locale.AsIs("Set up your staff sign-in anew")
		m.Lines = []locale.Text{locale.AsIs(plain.Defang(by.name) + " has reset your staff login at " + s.settings.Brand() + ": its password and second factors work no more, and you are signed out everywhere.")}
		m.Closing = []locale.Text{locale.AsIs("The link works once, for 24 hours."), locale.AsIs("If you have not asked for this, tell another operator at once.")}
	}
	link, err := s.link(tx, who, life)
	if err != nil {
		return err
	}
	m.Action = mail.Action{Label: locale.AsIs("Set up your sign-in"), URL: link}
	_, err = s.outbox.Send(tx, m)
	return err
}

var errJoined = fault.New(fault.Conflict, "staff-joined", "This operator has set up her sign-in. Reset it instead, where she has lost it.")

// Resend mails an operator who has no password a new link; the old one is
// void.
func (s *Staff) Resend(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.Resend(%d)", who)
	return s.manageOne(ctx, by, who, "staff.link_sent", func(tx *db.Tx, _ access.StaffSet, o Operator) error {
		if o.Joined || o.Suspended() {
			return errJoined
		}
		return s.mailLink(tx, by, who, o.Address, o.SignedInAt.Valid)
	})
}

// Withdraw takes somebody away who was added and has never signed in, though
// perhaps set a password: what is left of half a sign-in goes too.
func (s *Staff) Withdraw(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.Withdraw(%d)", who)
	return s.manageOne(ctx, by, who, "staff.withdrawn", func(tx *db.Tx, _ access.StaffSet, o Operator) error {
		if o.Joined || o.SignedInAt.Valid {
			return fault.New(fault.Conflict, "staff-joined", "This operator has been here, and stands in the log. Suspend her instead.")
		}
		for _, table := range []string{"staff_links", "ceremonies", "staff_sessions"} {
			if _, err := db.Exec(tx, "DELETE FROM "+table+" WHERE staff_id = $1", who); err != nil {
				return err
			}
		}
		_, err := db.Exec(tx, "DELETE FROM staff WHERE id = $1", who)
		return err
	})
}

// SetRole gives an operator another role. What she may do changes with her
// next request.
func (s *Staff) SetRole(ctx context.Context, by For[ManageStaff], who id.Staff, role Role) (err error) {
	defer fault.Wrap(&err, "staff.SetRole(%d)", who)
	return s.manageOne(ctx, by, who, "staff.role_given", func(tx *db.Tx, may access.StaffSet, _ Operator) error {
		if err := role.within(tx, may); err != nil {
			return err
		}
		_, err := db.Exec(tx, "UPDATE staff SET role = $2, role_id = $3 WHERE id = $1", who, role.BuiltIn, db.SomeUnlessZero(role.Own))
		return err
	})
}

// Suspend keeps an operator out: her sessions end at once, and come back by
// nothing.
func (s *Staff) Suspend(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.Suspend(%d)", who)
	return s.manageOne(ctx, by, who, "staff.suspended", func(tx *db.Tx, _ access.StaffSet, _ Operator) error {
		if _, err := db.Exec(tx, "UPDATE staff SET status = 'suspended' WHERE id = $1", who); err != nil {
			return err
		}
		return changed(tx, who, 0)
	})
}

// Restore lets a suspended operator sign in again.
func (s *Staff) Restore(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.Restore(%d)", who)
	return s.manageOne(ctx, by, who, "staff.restored", func(tx *db.Tx, _ access.StaffSet, _ Operator) error {
		_, err := db.Exec(tx, "UPDATE staff SET status = 'active' WHERE id = $1", who)
		return err
	})
}

// SignOutEverywhere ends every session of another operator.
func (s *Staff) SignOutEverywhere(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.SignOutEverywhere(%d)", who)
	return s.manageOne(ctx, by, who, "staff.signed_out_all", func(tx *db.Tx, _ access.StaffSet, o Operator) error {
		if !o.Joined {
			return nil // she has no sessions, and the link that waits for her stays
		}
		return changed(tx, who, 0)
	})
}

// Reset is for an operator who has lost what proves her: her password and
// factors work no more, and a link to set them anew is mailed to her. The
// password goes too, since whoever has it may be whom she lost it to.
func (s *Staff) Reset(ctx context.Context, by For[ManageStaff], who id.Staff) (err error) {
	defer fault.Wrap(&err, "staff.Reset(%d)", who)
	return s.manageOne(ctx, by, who, "staff.reset", func(tx *db.Tx, _ access.StaffSet, o Operator) error {
		if !o.Joined || o.Suspended() {
			return fault.New(fault.Conflict, "staff-not-joined", "There is nothing to reset: this operator cannot sign in as it is.")
		}
		if err := forget(tx, who); err != nil {
			return err
		}
		return s.mailLink(tx, by, who, o.Address, true)
	})
}

// forget takes away all that proves an operator.
func forget(tx *db.Tx, who id.Staff) error {
	if err := changed(tx, who, 0); err != nil {
		return err
	}
	for _, statement := range []string{
		"UPDATE staff SET password = '' WHERE id = $1",
		"DELETE FROM staff_passkeys WHERE staff_id = $1",
		"DELETE FROM staff_authenticators WHERE staff_id = $1",
		"DELETE FROM staff_recovery_codes WHERE staff_id = $1",
	} {
		if _, err := db.Exec(tx, statement, who); err != nil {
			return err
		}
	}
	return nil
}

// Factors are her second factors, counted.
func (o Operator) Factors() auth.Factors { return auth.Factors{Apps: o.Apps, Passkeys: o.Passkeys} }

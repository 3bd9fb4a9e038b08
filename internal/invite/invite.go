// Package invite brings people in: an account asks an address to join, the
// address's owner says yes or no, and nothing happens before she does.
package invite

import (
	"time"

	"clientele/internal/access"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/setting"
)

// A State is where an invitation stands.
type State string

// The states. All but pending are final.
const (
	Pending   State = "pending"
	Accepted  State = "accepted"
	Declined  State = "declined"
	Withdrawn State = "withdrawn"
	Expired   State = "expired"
)

// Life is how long the mailed link works where nobody has set another time.
const Life = setting.InvitationLife

// An Invitation is an account's open question to an address.
type Invitation struct {
	ID           id.Invitation
	AccountID    id.Account
	AccountName  string
	Language     string // of the account
	Address      mail.Address
	State        State
	Role         string
	RoleID       db.Null[id.Role]
	RoleName     string
	Permissions  access.Set // single ones
	Owner        bool       // whoever accepts it owns the account
	AccessEndsAt db.Null[time.Time]
	InviterID    db.Null[id.User]
	InviterName  string // empty for staff
	StaffID      db.Null[id.Staff]
	Sends        int64
	CreatedAt    time.Time
	SentAt       time.Time
	ExpiresAt    time.Time
	MailState    string // "queued", "sent", "failed", "kept", or empty
	MailProblem  string
}

// Given is the role that the invitation offers.
func (i Invitation) Given() access.Role {
	return access.Role{BuiltIn: i.Role, Own: i.RoleID.V, Single: i.Permissions}
}

// Label names the role that the invitation offers.
func (i Invitation) Label() string {
	if i.Owner {
		return "Owner"
	}
	return i.Given().Label(i.RoleName)
}

const columns = `
	SELECT i.id, i.account_id, a.name AS account_name, a.language, i.address, i.state, i.role, i.role_id, COALESCE(r.name, '') AS role_name,
		i.permissions, i.owner, i.access_ends_at, i.invited_by_user AS inviter_id, COALESCE(u.name, '') AS inviter_name, i.invited_by_staff AS staff_id,
		i.sends, i.created_at, i.sent_at, i.expires_at,
		COALESCE(l.state, '') AS mail_state, COALESCE(l.problem, '') AS mail_problem
	FROM invitations i JOIN accounts a ON a.id = i.account_id
	LEFT JOIN users u ON u.id = i.invited_by_user
	LEFT JOIN roles r ON r.account_id = i.account_id AND r.id = i.role_id
	LEFT JOIN mails l ON l.id = i.mail_id`

// A New is an invitation as an owner makes it.
type New struct {
	Address mail.Address
	Role    access.Role
	Ends    db.Null[time.Time] // the end of the access that it offers
}

// errGone is the answer to every link that opens nothing any more, whatever
// the reason.
var errGone = fault.New(fault.Gone, "invitation", "This invitation has been used, withdrawn or replaced by a newer one, or is too old. Ask the person who invited you for a new one.")

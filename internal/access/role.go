package access

import (
	"fmt"
	"strings"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/locale"
)

// A BuiltIn is a role that every account has.
type BuiltIn struct {
	Key    string // stable, in the database, in forms and in the API
	Label  string
	Allows string // a sentence
	Set    Set
}

// BuiltIns lists the built-in roles, the widest first.
var BuiltIns = []BuiltIn{
	{"full", "Full access", "May do everything in the account, except what only owners may.", Everything},
	{"billing", "Billing", "Orders, invoices, payments and quotes.", set(profileManage, invoicesView, invoicesPay, paymentMethodsManage, quotesView, quotesAccept, ordersPlace, emailsView)},
	{"technical", "Technical", "Services, domains and support.", set(servicesView, servicesManage, servicesSignin, domainsView, domainsManage, ticketsView, ticketsReply)},
	{"support", "Support", "Opens and answers support tickets, and sees what they are about.", set(servicesView, domainsView, ticketsView, ticketsReply)},
	{"readonly", "Read only", "Sees everything that there is to see, and changes nothing.", set(servicesView, domainsView, invoicesView, quotesView, ticketsView, emailsView, peopleView, activityView)},
	{"mail", "Mail only", "Sees nothing, and only receives notifications.", 0},
}

// Text says in mail what the role is called, and what it allows.
func (b BuiltIn) Text() locale.Text {
	return locale.T("{role}: {allows}", "role", locale.Label(b.Label), "allows", locale.Label(b.Allows))
}

// RoleByKey finds a built-in role.
func RoleByKey(key string) (BuiltIn, bool) {
	for _, r := range BuiltIns {
		if r.Key == key {
			return r, true
		}
	}
	return BuiltIn{}, false
}

// A Role is what somebody is given: a built-in role, one of the account's
// own, or single permissions. Exactly one of the three is set; the zero value
// is none, and is refused.
type Role struct {
	BuiltIn string
	Own     id.Role
	Single  Set
}

// IsZero reports whether nothing has been chosen.
func (r Role) IsZero() bool { return r == Role{} }

// ParseRole reads the choice of a role as a form sends it: a built-in role's
// key, "role-" and the number of an own one, or "choose" with single
// permissions. What the permissions need is added to them.
func ParseRole(choice string, keys []string) (Role, error) {
	if _, ok := RoleByKey(choice); ok {
		return Role{BuiltIn: choice}, nil
	}
	if number, ok := strings.CutPrefix(choice, "role-"); ok {
		if n, err := id.Parse[id.Role](number); err == nil {
			return Role{Own: n}, nil
		}
	}
	if choice != "choose" {
		return Role{}, fault.Field("role", "Choose one of the roles, or single permissions.")
	}
	s, err := ParseSet(keys)
	if err != nil {
		f := fault.Form{}
		f.Take("permissions", err)
		return Role{}, f.Err()
	}
	if s == 0 {
		return Role{}, fault.Field("permissions", "Choose at least one permission, or the role Mail only.")
	}
	return Role{Single: s.Closed()}, nil
}

// An OwnRole is a role that an account has made for itself.
type OwnRole struct {
	ID          id.Role
	Name        string
	Permissions Set
}

// OwnRoles lists the account's own roles.
func OwnRoles[P Permission](tx *db.Tx, by For[P]) ([]OwnRole, error) {
	return db.All[OwnRole](tx, "SELECT id, name, permissions FROM roles WHERE account_id = $1 ORDER BY name", by.Account())
}

// Permissions is the set that the role amounts to in an account.
func (r Role) Permissions(tx *db.Tx, account id.Account) (Set, error) {
	switch {
	case r.BuiltIn != "":
		b, ok := RoleByKey(r.BuiltIn)
		if !ok {
			return 0, fault.Field("role", "Choose one of the roles, or single permissions.")
		}
		return b.Set, nil
	case r.Own != 0:
		s, err := db.One[Set](tx, "SELECT permissions FROM roles WHERE account_id = $1 AND id = $2", account, r.Own)
		if err != nil {
			return 0, fault.Field("role", "This role is no longer there. Choose another.")
		}
		return s.Known(), nil
	}
	return r.Single.Known(), nil
}

// Label is what the role is called; name is the own role's, if it is one.
func (r Role) Label(name string) string {
	if b, ok := RoleByKey(r.BuiltIn); ok {
		return b.Label
	}
	if r.Own != 0 {
		return name
	}
	if n := r.Single.Count(); n != 1 {
		return fmt.Sprintf("%d permissions", n)
	}
	return "1 permission"
}

// OwnRoleColumn is the value of a role_id column.
func (r Role) OwnRoleColumn() db.Null[id.Role] { return db.SomeUnlessZero(r.Own) }

// roleSet is the SQL of what a role and single permissions amount to, for a
// row m with the columns role and permissions, and r of its own role.
var roleSet = func() string {
	var b strings.Builder
	b.WriteString("(m.permissions | COALESCE(r.permissions, 0) | CASE m.role")
	for _, role := range BuiltIns {
		fmt.Fprintf(&b, " WHEN '%s' THEN %d", role.Key, role.Set)
	}
	b.WriteString(" ELSE 0 END)")
	return b.String()
}()

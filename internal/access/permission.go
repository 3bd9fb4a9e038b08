// Package access decides who may do what on which account, and makes the
// proofs of it. It is the only package that can make one.
//
//	may(u, a, r) = ( M(u,a) ∪ R(u,a,r) ∪ ⋃ₚ ( L(p,a,r) ∩ M(u,p) ) ) ∩ gates(a)
//
// M is the membership's permission set (all of them for an owner), R its
// grants on one object, L a partner link's set, and M(u,p) what the user may
// do for the partner. There are no deny rules: adding never takes away, and
// removing never gives. Nothing is cached: every request reads its rows, so
// whatever is taken away is gone with the next one.
package access

// A Permission is one thing that may be done on an account, as a type: a
// function that takes a For[ViewServices] cannot be called with anything
// else. The list is closed.
type Permission interface{ requires() requirement }

// A requirement is what somebody must hold: one of any, or ownership, or, if
// both are empty, only to be let into the account at all.
type requirement struct {
	any     Set
	owner   bool
	ungated bool // whatever the account's gate asks for
}

// The permissions. What each allows stands in the list All.
type (
	ManageProfile        struct{}
	ManageContacts       struct{}
	ViewServices         struct{}
	ManageServices       struct{}
	SignInToServices     struct{}
	ViewDomains          struct{}
	ManageDomains        struct{}
	ViewInvoices         struct{}
	PayInvoices          struct{}
	ManagePaymentMethods struct{}
	ViewQuotes           struct{}
	AcceptQuotes         struct{}
	ViewTickets          struct{}
	ReplyTickets         struct{}
	ManageAffiliates     struct{}
	ViewEmails           struct{}
	PlaceOrders          struct{}
	ViewPeople           struct{}
	ManagePeople         struct{}
	ViewActivity         struct{}
	ManageDeveloper      struct{}
)

// Enter is being let into the account, whatever one may do there.
type Enter struct{}

// Depart is leaving the account, from which no gate keeps anybody.
type Depart struct{}

// Own is being an owner, which is no permission and is in no set: only owners
// make and unmake owners and close the account.
type Own struct{}

func (ManageProfile) requires() requirement        { return one(profileManage) }
func (ManageContacts) requires() requirement       { return one(contactsManage) }
func (ViewServices) requires() requirement         { return one(servicesView) }
func (ManageServices) requires() requirement       { return one(servicesManage) }
func (SignInToServices) requires() requirement     { return one(servicesSignin) }
func (ViewDomains) requires() requirement          { return one(domainsView) }
func (ManageDomains) requires() requirement        { return one(domainsManage) }
func (ViewInvoices) requires() requirement         { return one(invoicesView) }
func (PayInvoices) requires() requirement          { return one(invoicesPay) }
func (ManagePaymentMethods) requires() requirement { return one(paymentMethodsManage) }
func (ViewQuotes) requires() requirement           { return one(quotesView) }
func (AcceptQuotes) requires() requirement         { return one(quotesAccept) }
func (ViewTickets) requires() requirement          { return one(ticketsView) }
func (ReplyTickets) requires() requirement         { return one(ticketsReply) }
func (ManageAffiliates) requires() requirement     { return one(affiliatesManage) }
func (ViewEmails) requires() requirement           { return one(emailsView) }
func (PlaceOrders) requires() requirement          { return one(ordersPlace) }
func (ViewPeople) requires() requirement           { return one(peopleView) }
func (ManagePeople) requires() requirement         { return one(peopleManage) }
func (ViewActivity) requires() requirement         { return one(activityView) }
func (ManageDeveloper) requires() requirement      { return one(developerManage) }
func (Enter) requires() requirement                { return requirement{} }
func (Depart) requires() requirement               { return requirement{ungated: true} }
func (Own) requires() requirement                  { return requirement{owner: true} }

func one(b bit) requirement { return requirement{any: Set(1) << b} }

// A bit is a permission's place in a Set. Places are frozen: testdata's
// permissions.txt holds them, and none is ever used again.
type bit uint8

const (
	profileManage        bit = 0
	contactsManage       bit = 1
	servicesView         bit = 2
	servicesManage       bit = 3
	servicesSignin       bit = 4
	domainsView          bit = 5
	domainsManage        bit = 6
	invoicesView         bit = 7
	invoicesPay          bit = 8
	paymentMethodsManage bit = 9
	quotesView           bit = 10
	quotesAccept         bit = 11
	ticketsView          bit = 12
	ticketsReply         bit = 13
	affiliatesManage     bit = 14
	emailsView           bit = 15
	ordersPlace          bit = 16
	peopleView           bit = 17
	peopleManage         bit = 18
	activityView         bit = 19
	developerManage      bit = 20
)

// An Info says what a permission is, to people and to other systems.
type Info struct {
	Key    string // stable, in forms and in the API
	Label  string
	Allows string // a sentence: what may be done with it
	Area   string // under which heading it stands
	WHMCS  string // the key of the WHMCS-compatible API; empty: none
	needs  Set    // what it cannot be used without
	bit    bit
}

// Needs is what the permission cannot be used without; whoever is given it
// is given these too.
func (i Info) Needs() Set { return i.needs }

// Set is the set of this permission alone.
func (i Info) Set() Set { return Set(1) << i.bit }

// All lists the permissions in the order in which people choose them.
var All = []Info{
	{"services.view", "See services", "See the account's services and their details.", "Services", "products", 0, servicesView},
	{"services.manage", "Manage services", "Change service passwords and settings, and run actions on services.", "Services", "manageproducts", set(servicesView), servicesManage},
	{"services.signin", "Sign in to services", "Open a service's own control panel with one click.", "Services", "productsso", set(servicesView), servicesSignin},
	{"domains.view", "See domains", "See the account's domains.", "Domains", "domains", 0, domainsView},
	{"domains.manage", "Manage domains", "Change nameservers, domain contacts, the transfer lock and automatic renewal.", "Domains", "managedomains", set(domainsView), domainsManage},
	{"orders.place", "Place orders", "Order, upgrade and cancel in the account's name.", "Billing", "orders", 0, ordersPlace},
	{"invoices.view", "See invoices", "See invoices, payments and credit.", "Billing", "invoices", 0, invoicesView},
	{"invoices.pay", "Pay invoices", "Pay invoices and add credit.", "Billing", "invoices", set(invoicesView), invoicesPay},
	{"payment_methods.manage", "Manage payment methods", "Add and remove saved payment methods.", "Billing", "", set(invoicesView), paymentMethodsManage},
	{"quotes.view", "See quotes", "See quotes made for the account.", "Billing", "quotes", 0, quotesView},
	{"quotes.accept", "Accept quotes", "Accept quotes in the account's name.", "Billing", "quotes", set(quotesView), quotesAccept},
	{"affiliates.manage", "Affiliate programme", "See and use the affiliate page.", "Billing", "affiliates", 0, affiliatesManage},
	{"tickets.view", "See tickets", "Read the account's support tickets.", "Support", "tickets", 0, ticketsView},
	{"tickets.reply", "Open and answer tickets", "Open, answer and close support tickets.", "Support", "tickets", set(ticketsView), ticketsReply},
	{"profile.manage", "Account details", "See and change the account's name, address, tax number and language.", "Account", "profile", 0, profileManage},
	{"contacts.manage", "Contacts", "See and change who receives the account's mail.", "Account", "contacts", 0, contactsManage},
	{"emails.view", "See mail", "Read the mail that was sent to the account.", "Account", "emails", 0, emailsView},
	{"people.view", "See people", "See who has access to the account, and what each may do.", "People", "", 0, peopleView},
	{"people.manage", "Manage people", "Invite, change and remove people, up to what this person may do.", "People", "", set(peopleView), peopleManage},
	{"activity.view", "See activity", "Read who did what in the account.", "People", "", 0, activityView},
	{"developer.manage", "Developer access", "Make API tokens and webhooks for the account.", "Account", "", 0, developerManage},
}

// onObject is what can be given on one object of each kind. Everything else is
// the account's, and no grant on one of its objects opens it.
var onObject = map[string]Set{
	"service":    set(servicesView, servicesManage, servicesSignin),
	"domain":     set(domainsView, domainsManage),
	"department": set(ticketsView, ticketsReply),
}

func set(bits ...bit) Set {
	var s Set
	for _, b := range bits {
		s |= Set(1) << b
	}
	return s
}

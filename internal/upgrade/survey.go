package upgrade

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"strings"

	"clientele/internal/access"
	"clientele/internal/mail"
	"clientele/internal/plain"
	"clientele/internal/whmcs"
)

// A key names a row of the other system, and what of it is meant: a client is
// an account, and was a login before 8.0.
type key struct {
	kind string
	id   int64
}

// The kinds of what comes in. They are kept in the database.
const (
	clients       = "client"
	clientLogins  = "client.login"
	clientOwners  = "client.owner"
	clientNotes   = "client.note"
	clientOffers  = "client.offer"
	contacts      = "contact"
	contactLogins = "contact.login"
	contactMember = "contact.member"
	contactOffers = "contact.offer"
	users         = "user"
	links         = "link"
	linkOffers    = "link.offer"
	invites       = "invite"
	identities    = "identity"
	groups        = "group"
	fields        = "field"
	values        = "value"
	staffNotes    = "note"
	retired       = "retired" // a user who was joined to another: her number here
)

// A survey is a first look at everybody in the other system: what one row
// cannot tell of itself. It keeps 8 bytes of each login and link, a bit of
// each number, and more only of those that share something.
type survey struct {
	clients, users     numbers
	owned              numbers // clients that have an owner, since 8.0
	owners             numbers // users who own a client, since 8.0
	domain             numbers // clients with a contact that gets mail about domains
	maxClient, maxUser int64
	shared             map[string]*group // by address: where several logins have it
	alike              map[string]*group // by name, or mailbox, of what may be one person
	leads              map[key]key       // the first of the logins that share an address, by each of them
	joints             map[joint]*combined
	owning             []uint64 // the places in accounts that own them, since 8.0, in order
	seed               maphash.Seed
}

// A group is logins that have something in common.
type group struct {
	members []key
	names   []string // of the first few
	many    int
	factor  bool // one of them had a second factor
}

// A joint is a login's place in an account, where several rows give it one.
type joint struct {
	lead   key
	client int64
}

// combined is what several rows give one login in one account.
type combined struct {
	first  key
	owner  bool
	grants access.Set
	rows   int
}

func newSurvey() *survey {
	return &survey{
		clients: numbers{}, users: numbers{}, owned: numbers{}, owners: numbers{}, domain: numbers{},
		shared: map[string]*group{}, alike: map[string]*group{}, leads: map[key]key{}, joints: map[joint]*combined{}, seed: maphash.MakeSeed(),
	}
}

// A seen login is one that the survey looks at.
type seen struct {
	key    key
	client int64 // of a client's own login and of a contact's
	owner  bool
	row    whmcs.Login
}

// A watched source tells how far the reading of each table is. The survey goes
// through some more than once, so it cannot tell how far it is as a whole.
type watched struct {
	whmcs.Source
	tell func(done, total int64, what string)
}

// perTell is how many rows are read between two tellings: fewer are read before
// anybody looks.
const perTell = 10_000

func (w watched) Rows(ctx context.Context, table string) iter.Seq2[whmcs.Row, error] {
	if w.tell == nil {
		return w.Source.Rows(ctx, table)
	}
	return func(yield func(whmcs.Row, error) bool) {
		total, done := int64(0), int64(0)
		for _, t := range w.Tables() {
			if t.Name == table {
				total = t.Rows
			}
		}
		for row, err := range w.Source.Rows(ctx, table) {
			if done++; done%perTell == 0 {
				w.tell(done, max(done, total), "Looking through "+table)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// look goes through all logins once, and a second time where some of them
// share an address or a name.
func (s *survey) look(ctx context.Context, src whmcs.Source, v whmcs.Version) error {
	r := whmcs.NewReader(src, func(whmcs.Note) {})
	for p, err := range r.Pairs(ctx) {
		if err != nil {
			return err
		}
		if p.Owner {
			s.owners.add(p.UserID)
		}
	}
	sharing, alike, err := s.first(ctx, r, v)
	if err != nil {
		return err
	}
	if len(sharing) > 0 || len(alike) > 0 {
		for l, err := range everybody(ctx, r, v, s) {
			if err != nil {
				return err
			}
			s.group(l, sharing, alike)
		}
		s.settle()
	}
	if v.Users {
		return s.places(ctx, r)
	}
	return s.sameClient(ctx, r)
}

// first finds the addresses that several logins have, and the names and
// mailboxes that a login has which owns nothing, and another too.
func (s *survey) first(ctx context.Context, r *whmcs.Reader, v whmcs.Version) (sharing, alike map[uint64]bool, err error) {
	var addresses, owning, others []uint64
	for l, err := range everybody(ctx, r, v, s) {
		if err != nil {
			return nil, nil, err
		}
		if l.key.kind == users {
			s.users.add(l.key.id)
			s.maxUser = max(s.maxUser, l.key.id)
		}
		list := &others
		if l.owner {
			list = &owning
		}
		for _, common := range likenesses(l.row) {
			*list = append(*list, s.hash(common))
		}
		if a := addressOf(l.row.Email); !a.IsZero() {
			addresses = append(addresses, s.hash(a.String()))
		}
	}
	alike = twice(others)
	for _, h := range owning {
		if _, found := slices.BinarySearch(others, h); found {
			alike[h] = true
		}
	}
	return twice(addresses), alike, nil
}

// loginTables are where those who sign in stand.
var loginTables = map[string]string{clientLogins: "tblclients", contactLogins: "tblcontacts", users: "tblusers"}

// likenesses are what two logins of one person may have in common.
func likenesses(l whmcs.Login) (list []string) {
	if a := addressOf(l.Email); !a.IsZero() {
		list = append(list, mailbox(a))
	}
	if name := plain.Fold(l.Name); strings.Contains(name, " ") { // a first and a last one
		list = append(list, "name "+name)
	}
	return list
}

func (s *survey) hash(text string) uint64 { return maphash.String(s.seed, text) }

// mailbox is an address without a +tag.
func mailbox(a mail.Address) string {
	local, _, _ := strings.Cut(a.Local(), "+")
	return "mailbox " + local + "@" + a.Domain()
}

// sameMailbox reports whether other logins have the same mailbox: their mail is
// read by whoever reads hers.
func (s *survey) sameMailbox(a mail.Address) bool { return s.alike[mailbox(a)] != nil }

// everybody yields all who sign in: users since 8.0; before, clients and their
// Sub-Accounts.
func everybody(ctx context.Context, r *whmcs.Reader, v whmcs.Version, s *survey) iter.Seq2[seen, error] {
	return func(yield func(seen, error) bool) {
		for l, err := range r.ClientLogins(ctx) {
			if err == nil {
				s.clients.add(l.ID)
				s.maxClient = max(s.maxClient, l.ID)
			}
			if (err != nil || !v.Users) && !yield(seen{key{clientLogins, l.ID}, l.ID, true, l}, err) {
				return
			}
		}
		for l, err := range r.ContactLogins(ctx) {
			if l.Domain {
				s.domain.add(l.ClientID)
			}
			if (err != nil || !v.Users && l.SignsIn && s.clients.has(l.ClientID)) && !yield(seen{key{contactLogins, l.ID}, l.ClientID, false, l}, err) {
				return
			}
		}
		for l, err := range r.UserLogins(ctx) {
			if !yield(seen{key{users, l.ID}, 0, s.owners.has(l.ID), l}, err) {
				return
			}
		}
	}
}

// group takes down a login that has something in common with another.
func (s *survey) group(l seen, sharing, alike map[uint64]bool) {
	who := fmt.Sprintf("%s %d %s", loginTables[l.key.kind], l.key.id, describe(l.row.Name, l.row.Email))
	if a := addressOf(l.row.Email); !a.IsZero() && sharing[s.hash(a.String())] {
		put(s.shared, a.String(), l.key, who)
		s.shared[a.String()].factor = s.shared[a.String()].factor || l.row.Factor != ""
	}
	for _, common := range likenesses(l.row) {
		if alike[s.hash(common)] {
			put(s.alike, common, l.key, who)
		}
	}
}

// fewNames is how many of a group are named.
const fewNames = 6

func put(groups map[string]*group, common string, k key, who string) {
	g := groups[common]
	if g == nil {
		g = &group{}
		groups[common] = g
	}
	g.many++
	g.members = append(g.members, k)
	if len(g.names) < fewNames {
		g.names = append(g.names, who)
	}
}

// settle names the first of each group that shares an address, and forgets
// those of one, which only looked alike.
func (s *survey) settle() {
	for address, g := range s.shared {
		if g.many < 2 {
			delete(s.shared, address)
			continue
		}
		for _, k := range g.members {
			s.leads[k] = g.members[0]
		}
	}
	for common, g := range s.alike {
		if g.many < 2 || g.many > tooMany {
			delete(s.alike, common)
		}
	}
}

// tooMany is from how many logins on a common name says nothing.
const tooMany = 20

// lead is the login that stands for one: its own, or the first of those with
// its address.
func (s *survey) lead(k key) key {
	if first, ok := s.leads[k]; ok {
		return first
	}
	return k
}

// shares reports whether a login has its address in common with others.
func (s *survey) shares(k key) bool {
	_, ok := s.leads[k]
	return ok
}

// places goes through who has access to what since 8.0: which clients have an
// owner, and where several rows give one login a place in an account.
func (s *survey) places(ctx context.Context, r *whmcs.Reader) error {
	s.owners = numbers{}
	var all []uint64
	look := func(p whmcs.Pair) {
		at := s.place(s.at(p))
		if p.Owner {
			s.owned.add(p.ClientID)
			s.owners.add(p.UserID)
			s.owning = append(s.owning, at)
		}
		all = append(all, at)
	}
	if err := s.pairs(ctx, r, look); err != nil {
		return err
	}
	doubled := twice(all)
	slices.Sort(s.owning)
	if len(doubled) == 0 {
		return nil
	}
	err := s.pairs(ctx, r, func(p whmcs.Pair) {
		if doubled[s.place(s.at(p))] {
			s.combine(s.at(p), key{links, p.ID}, p.Owner, p.Grants)
		}
	})
	s.forgetSingles()
	return err
}

// owns reports whether a user owns a client there.
func (s *survey) owns(user, client int64) bool {
	_, found := slices.BinarySearch(s.owning, s.place(joint{s.lead(key{users, user}), client}))
	return found
}

func (s *survey) at(p whmcs.Pair) joint { return joint{s.lead(key{users, p.UserID}), p.ClientID} }

// pairs yields the rows whose user and client are there.
func (s *survey) pairs(ctx context.Context, r *whmcs.Reader, do func(whmcs.Pair)) error {
	for p, err := range r.Pairs(ctx) {
		if err != nil {
			return err
		}
		if s.users.has(p.UserID) && s.clients.has(p.ClientID) {
			do(p)
		}
	}
	return nil
}

func (s *survey) place(at joint) uint64 {
	return s.hash(fmt.Sprintf("%s %d %d", at.lead.kind, at.lead.id, at.client))
}

// combine adds what one more row gives.
func (s *survey) combine(at joint, row key, owner bool, grants access.Set) {
	c := s.joints[at]
	if c == nil {
		c = &combined{first: row}
		s.joints[at] = c
	}
	c.rows++
	c.owner = c.owner || owner
	c.grants |= grants
}

// sameClient finds, before 8.0, the logins with one address that belong to one
// client.
func (s *survey) sameClient(ctx context.Context, r *whmcs.Reader) error {
	if len(s.leads) == 0 {
		return nil
	}
	grouped := map[key]bool{}
	for member := range s.leads {
		grouped[member] = true
	}
	for k := range grouped {
		if k.kind == clientLogins {
			s.combine(joint{s.lead(k), k.id}, key{clientOwners, k.id}, true, 0)
		}
	}
	for l, err := range r.ContactLogins(ctx) {
		if err != nil {
			return err
		}
		if k := (key{contactLogins, l.ID}); grouped[k] {
			s.combine(joint{s.lead(k), l.ClientID}, key{contactMember, l.ID}, false, l.Grants)
		}
	}
	s.forgetSingles()
	return nil
}

func (s *survey) forgetSingles() {
	for at, c := range s.joints {
		if c.rows < 2 {
			delete(s.joints, at)
		}
	}
}

// describe names somebody in the report.
func describe(name, address string) string {
	switch {
	case name == "":
		return address
	case address == "":
		return name
	}
	return name + " <" + address + ">"
}

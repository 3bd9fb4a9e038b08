package upgrade

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/password"
	"clientele/internal/whmcs"
)

// A fate is what becomes of a login.
type fate struct {
	how     string
	user    int64 // the number here; 0 where there is none, or a dry run would make it
	address mail.Address
	who     string
	merged  bool // it is part of the login named by user, into which its person has brought it
	begins  bool // it begins anew, since the login that it was here is somebody's own now
}

// What may become of a login.
const (
	own       = "own"       // it is a login here
	joined    = "joined"    // it is the login of another with the same address
	standIn   = "stand-in"  // it owns an account, and nobody knows who it is
	staying   = "staying"   // it is a login here that was changed here, and stays as it is
	elsewhere = "elsewhere" // its address belongs to a login here that came otherwise
	nobody    = ""          // it cannot sign in
)

// A login is somebody who signs in there.
type login struct {
	key      key
	table    string
	name     string
	raw      string // the address as it is written there
	language string
	hash     string
	factor   string
	owns     bool
	unknown  bool // stands for the owner of a client who has none
	verified time.Time
	created  time.Time
	last     time.Time
	address  mail.Address // zero where what is written is none
	who      string
}

func (l login) parsed() login {
	l.address = addressOf(l.raw)
	l.who = describe(l.name, l.raw)
	return l
}

// addressOf reads an address; one that stands for nobody is none.
func addressOf(raw string) mail.Address {
	a, err := mail.ParseAddress(raw)
	if err != nil || a.IsNowhere() {
		return mail.Address{}
	}
	return a
}

// none stands for an address that is not there.
const none = "no address"

// What the report says of logins.
const (
	noAddress     = "has no usable e-mail address: nobody can sign in to the account. Invite its owner under Users, and make her the owner when she has joined"
	noSignIn      = "has no usable e-mail address, so it cannot sign in: only the contact was brought in"
	noUserAddress = "has no usable e-mail address, so it cannot sign in: it was left out"
	sharedLogin   = "shares its address with others: they became one login, without a password. `clientele import whmcs welcome` mails her how to set one"
	takenAddress  = "has an address that belongs to a login here already. Nobody is joined without her consent: an invitation to it waits, and `clientele import whmcs welcome` sends it"
	partedLogin   = "has another address there, and its login was changed here: a new login has its access now, and the one here keeps what it was given here"
	ownerByInvite = "the account's owner has a login here already. A stand-in owns the account until she has accepted her invitation: make her the owner then, under Users"
	deadHash      = "has no password that can be carried over: `clientele import whmcs welcome` mails her how to set one"
	lostFactor    = "had a second factor, which cannot be carried over: she signs in with her password alone until she sets one up. `clientele import whmcs welcome` tells her"
	keptPassword  = "has another password there, and has changed hers here since: hers here was kept"
	mayBeOne      = "may be one person with several logins. They stay apart until she joins them: signed in to the one she keeps, she brings the others in; her page of accounts leads there"
	unknownLang   = "has a language that is not known: English is used"
	unknownGrant  = "has a permission that is not known, which grants nothing"
	renamed       = "has a name that cannot be used: another was taken"
)

// settle finds out what becomes of logins, and brings them in.
func (b *batch) settle(kind string, list []login, stored map[key]string) (map[key]fate, error) {
	sources, addresses := make([]int64, len(list)), make([]mail.Address, 0, len(list))
	for i, l := range list {
		sources[i] = l.key.id
		b.see(kind, l.key.id)
		if !l.address.IsZero() {
			addresses = append(addresses, l.address)
		}
	}
	were, err := b.before(kind, sources)
	if err != nil {
		return nil, err
	}
	holders, err := b.holders(addresses)
	if err != nil {
		return nil, err
	}
	targets, err := b.targets(were)
	if err != nil {
		return nil, err
	}
	fates := map[key]fate{}
	var mine, follow []login
	for _, l := range list {
		was := were[l.key.id]
		f, err := b.judge(l, was, holders[l.address], targets[was.TargetID], fates)
		if err != nil {
			return nil, err
		}
		fates[l.key] = f
		if f.how != own && f.how != joined {
			b.special[l.key] = f
		}
		switch f.how {
		case own, standIn:
			mine = append(mine, l)
		case joined:
			follow = append(follow, l)
		case nobody, elsewhere:
			if err := b.loseLogin(were[l.key.id]); err != nil {
				return nil, err
			}
		}
		b.mention(l, f, was)
	}
	if err := b.bringLogins(kind, mine, fates, were, stored); err != nil {
		return nil, err
	}
	return fates, b.follow(kind, follow, fates, were)
}

// A holder is the login here that has an address.
type holder struct {
	ID          int64
	Address     mail.Address
	ImportID    db.Null[id.Import]
	Credentials int64
}

func (b *batch) holders(addresses []mail.Address) (map[mail.Address]holder, error) {
	out := map[mail.Address]holder{}
	list, err := db.In[holder](b.tx, "SELECT id, address, import_id, credentials FROM users WHERE status <> 'deleted' AND address", addresses)
	for _, h := range list {
		out[h.Address] = h
	}
	return out, err
}

// targets are the logins that these rows were before.
func (b *batch) targets(were map[int64]known) (map[int64]holder, error) {
	numbers := make([]int64, 0, len(were))
	for _, k := range were {
		numbers = append(numbers, k.TargetID)
	}
	list, err := db.In[holder](b.tx, "SELECT id, address, import_id, credentials FROM users WHERE status <> 'deleted' AND id", numbers)
	out := map[int64]holder{}
	for _, h := range list {
		out[h.ID] = h
	}
	return out, err
}

// judge says what becomes of one login. h has its address here, and mine is
// the login that it was.
//
// A login that was changed here, by a password, a factor or an address, is its
// person's own from then on. It stays as it is while the other system says the
// same of it; where that gives its row another address, the row is somebody
// else as far as can be told, and begins anew. One that its person has brought
// into another login of hers is that one from then on, whatever is said of it.
func (b *batch) judge(l login, was known, h, mine holder, fates map[key]fate) (f fate, err error) {
	f = fate{how: own, address: l.address, who: l.who}
	if was.MergedFrom != 0 && mine.ID != 0 {
		f.how, f.user, f.merged = staying, mine.ID, true
		return f, nil
	}
	if was.Mark == own && mine.ID != 0 && mine.Credentials != was.Credentials {
		moved := was.Address != b.print(l.address.String()) && !b.forgot
		if l.address.IsZero() || !moved || mine.Address == l.address {
			f.how, f.user = staying, mine.ID
			return f, nil
		}
		f.begins = true
	}
	if l.address.IsZero() {
		return f.outside(l, nobody), nil
	}
	if hers := was.Mark == own && h.ID == was.TargetID && !f.begins; h.ID != 0 && !hers {
		stranger, err := b.stranger(h)
		switch {
		case err != nil:
			return f, err
		case stranger && was.Mark == joined && h.ID == was.TargetID:
			f.how, f.user = joined, h.ID // she has set a password by mail: it is hers
			return f, nil
		case stranger:
			return f.outside(l, elsewhere), nil
		}
	}
	if lead := b.survey.lead(l.key); lead != l.key {
		first, ok := fates[lead]
		if !ok {
			first = b.fates[lead]
		}
		if f.how = joined; first.how == staying && !(was.Mark == joined && was.TargetID == first.user) {
			return f.outside(l, elsewhere), nil // the first has another address here
		}
	}
	return f, nil
}

// outside is the fate of a login that is none here: a stand-in has what it
// owns.
func (f fate) outside(l login, how string) fate {
	if f.how = how; l.owns {
		f.how = standIn
	}
	return f
}

// stranger reports whether a login came otherwise than by this import, or was
// changed here since. Any other makes room for whom the other system has given
// its address.
func (b *batch) stranger(h holder) (bool, error) {
	if b.Partial || !h.ImportID.Valid || h.ImportID.V != b.run.number {
		return true, nil // a part does not tell whether she still has the address
	}
	n, err := db.One[int64](b.tx, "SELECT COUNT(*) FROM import_rows WHERE import_id = $1 AND kind IN "+holderKinds+" AND target_id = $2 AND credentials = $3", b.run.number, h.ID, h.Credentials)
	return n == 0, err
}

// mention says in the report what is special about a login.
func (b *batch) mention(l login, f fate, was known) {
	shared := b.survey.shared[l.address.String()]
	switch {
	case f.how == nobody && l.key.kind == contactLogins:
		b.say(NeedsPerson, l.table, l.key.id, noSignIn, l.who)
	case f.how == nobody:
		b.say(Skipped, l.table, l.key.id, noUserAddress, l.who)
	case l.unknown:
		b.say(NeedsPerson, l.table, l.key.id, noOwner, l.who)
	case f.how == standIn && l.address.IsZero():
		b.say(NeedsPerson, l.table, l.key.id, noAddress, l.who)
	case f.how == standIn:
		b.say(NeedsPerson, l.table, l.key.id, ownerByInvite, l.who)
	case f.how == elsewhere:
		b.say(NeedsPerson, l.table, l.key.id, takenAddress, l.who)
	case f.how == staying:
		b.count("Logins", Counted{Same: 1})
		if !f.merged && was.Secret != b.print(b.usable(l)) {
			b.say(NeedsPerson, l.table, l.key.id, keptPassword, l.who)
		}
	default:
		if f.begins && f.how == own {
			b.say(NeedsPerson, l.table, l.key.id, partedLogin, l.who)
		}
		b.examine(l)
	}
	if shared != nil {
		return
	}
	for _, common := range likenesses(whmcs.Login{Name: l.name, Email: l.raw}) {
		if g := b.survey.alike[common]; g != nil {
			b.say(NeedsPerson, l.table, l.key.id, mayBeOne, g.list())
			return
		}
	}
}

// list names those of a group.
func (g *group) list() string {
	text := strings.Join(g.names, ", ")
	if more := g.many - len(g.names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// examine tells of what a login cannot bring along.
func (b *batch) examine(l login) {
	if shared := b.survey.shared[l.address.String()]; shared != nil {
		b.say(NeedsPerson, l.table, l.key.id, sharedLogin, shared.list())
	} else if _, err := password.Inspect(l.hash); err != nil {
		b.say(NeedsPerson, l.table, l.key.id, deadHash, l.who+": "+words(err))
	}
	if l.factor != "" {
		b.say(NeedsPerson, l.table, l.key.id, lostFactor, l.who+": "+l.factor)
	}
}

func words(err error) string {
	if e, ok := fault.Of(err); ok {
		return e.Text
	}
	return err.Error()
}

// usable is the hash that comes in: none where it is no hash, or where several
// logins became one, since each of their passwords would open all of them.
func (r *run) usable(l login) string {
	if l.address.IsZero() || r.survey.shared[l.address.String()] != nil {
		return ""
	}
	if _, err := password.Inspect(l.hash); err != nil {
		return ""
	}
	return strings.Trim(l.hash, " \t\r\n")
}

// needs is what the person is to be told: of a login that several became, what
// any of them has lost.
func (b *batch) needs(l login, f fate) string {
	var list []string
	if f.how == own && b.usable(l) == "" {
		list = append(list, "password")
	}
	shared := b.survey.shared[l.address.String()]
	if f.how == own && (l.factor != "" || shared != nil && shared.factor) {
		list = append(list, "factor")
	}
	return strings.Join(list, " ")
}

// bringUsers brings in the users of 8.0 and later.
func (r *run) bringUsers(ctx context.Context) error {
	return ahead(ctx, r, (*whmcs.Reader).Users, func(part []whmcs.User) error {
		r.progress(len(part), "Users")
		list := make([]login, len(part))
		for i, u := range part {
			list[i] = login{
				key: key{users, u.ID}, table: "tblusers", name: strings.TrimSpace(u.FirstName + " " + u.LastName), raw: u.Email, language: u.Language,
				hash: u.Password, factor: u.SecondFactor, owns: r.survey.owners.has(u.ID),
				verified: u.Verified, created: u.Created, last: u.LastLogin,
			}.parsed()
		}
		stored, err := r.stored(ctx, users, list)
		if err != nil {
			return err
		}
		return r.step(ctx, func(b *batch) error {
			_, err := b.settle(users, list, stored)
			return err
		})
	})
}

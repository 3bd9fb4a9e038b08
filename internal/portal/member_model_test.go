package portal_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/id"
	"clientele/internal/invite"

	"pgregory.net/rapid"
)

// A memberModel is what should be true of who may do what, in the fewest
// words: no SQL, no pages, no mail. The product is driven beside it and must
// give the same answers.
type memberModel struct {
	now         time.Time
	members     map[memberKey]*modelMember // each person's last membership
	invitations map[memberKey]*modelInvitation
	offers      map[memberKey]*modelOffer // the last to each person
	all         []*modelOffer
}

// A memberKey is a person in an account.
type memberKey struct{ account, person int }

type modelMember struct {
	owner bool
	set   access.Set
	ends  time.Time // zero: without an end
	why   string    // how it has ended; empty: it has not
}

type modelInvitation struct {
	open    bool
	offers  access.Set
	by      int
	expires time.Time
}

type modelOffer struct {
	open     bool
	from, to *modelMember
	handOver bool
	expires  time.Time
}

// live is somebody's membership where it gives access now.
func (m *memberModel) live(account, person int) *modelMember {
	one := m.there(account, person)
	if one == nil || !one.ends.IsZero() && !one.ends.After(m.now) {
		return nil
	}
	return one
}

// there is somebody's membership that has not been ended, though its time may
// have run out.
func (m *memberModel) there(account, person int) *modelMember {
	if one := m.members[memberKey{account, person}]; one != nil && one.why == "" {
		return one
	}
	return nil
}

func (one *modelMember) held() access.Set {
	if one.owner {
		return access.Everything
	}
	return one.set
}

// guard is the answer at the door: who is not in finds nothing, and who is in
// needs the permission. 0 lets pass.
func (m *memberModel) guard(account, person int, need access.Set, owner bool) int {
	one := m.live(account, person)
	switch {
	case one == nil:
		return 404
	case owner && !one.owner, !one.held().Has(need):
		return 403
	}
	return 0
}

// touch is the answer to who changes somebody.
func (m *memberModel) touch(account, actor, target int) int {
	by, one := m.live(account, actor), m.there(account, target)
	switch {
	case one == nil:
		return 404
	case actor == target, one.owner && !by.owner, !by.held().Has(one.held()):
		return 403
	case one.owner:
		return 409
	}
	return 0
}

// owners counts the owners in force besides one.
func (m *memberModel) owners(account int, but *modelMember) (n int) {
	for key, one := range m.members {
		if key.account == account && one.why == "" && one.owner && one != but {
			n++
		}
	}
	return n
}

// end ends a membership, with what hangs on it.
func (m *memberModel) end(account, person int, why string) {
	one := m.there(account, person)
	one.why, one.owner = why, false
	m.dropOffers(one)
	for key, i := range m.invitations {
		if why == "removed" && key.account == account && i.by == person {
			i.open = false
		}
	}
}

func (m *memberModel) dropOffers(of *modelMember) {
	for _, o := range m.all {
		if o.from == of || o.to == of {
			o.open = false
		}
	}
}

// gives is what an invitation comes to when it is accepted.
func (m *memberModel) gives(account int, i *modelInvitation) access.Set {
	if last := m.members[memberKey{account, i.by}]; last != nil && last.why == "left" {
		return i.offers
	}
	by := m.live(account, i.by)
	if by == nil || !by.held().Has(apptest.Keys("people.manage")) {
		return 0
	}
	return i.offers & by.held()
}

// A modelStep is one thing that somebody does.
type modelStep struct {
	what                   string
	actor, target, account int
	choice                 memberChoice
	ends                   time.Time
	handOver               bool
}

// do says what the answer should be, and does it where it is yes.
func (m *memberModel) do(s modelStep) int {
	manage := apptest.Keys("people.manage")
	key := memberKey{s.account, s.target}
	switch s.what {
	case "invite":
		return m.invite(s, key, m.guard(s.account, s.actor, manage, false))
	case "accept":
		return m.accept(s, key)
	case "decline":
		i := m.invitations[key]
		if i == nil {
			return 404
		}
		if !i.open || !i.expires.After(m.now) {
			return 410
		}
		i.open = false
	case "withdraw":
		i := m.invitations[key]
		switch no := m.guard(s.account, s.actor, manage, false); {
		case no != 0:
			return no
		case i == nil:
			return 404
		case !i.open:
			return 409
		case !m.live(s.account, s.actor).held().Has(i.offers):
			return 403
		}
		i.open = false
	case "change":
		if no := m.guard(s.account, s.actor, manage, false); no != 0 {
			return no
		}
		if no := m.touch(s.account, s.actor, s.target); no != 0 {
			return no
		}
		if !m.live(s.account, s.actor).held().Has(s.choice.set) {
			return 403
		}
		one := m.there(s.account, s.target)
		one.set, one.ends = s.choice.set, s.ends
	case "remove":
		if no := m.guard(s.account, s.actor, manage, false); no != 0 {
			return no
		}
		if no := m.touch(s.account, s.actor, s.target); no != 0 {
			return no
		}
		m.end(s.account, s.target, "removed")
	case "leave":
		one := m.live(s.account, s.actor)
		switch {
		case one == nil:
			return 404
		case one.owner && m.owners(s.account, one) == 0:
			return 409
		}
		m.end(s.account, s.actor, "left")
	default:
		return m.own(s, key)
	}
	return 303
}

func (m *memberModel) invite(s modelStep, key memberKey, no int) int {
	i := m.invitations[key]
	switch {
	case no != 0:
		return no
	case !m.live(s.account, s.actor).held().Has(s.choice.set):
		return 403
	case s.actor == s.target, m.live(s.account, s.target) != nil:
		return 422
	case i != nil && i.open && i.expires.After(m.now):
		return 409
	}
	m.invitations[key] = &modelInvitation{open: true, offers: s.choice.set, by: s.actor, expires: m.now.Add(invite.Life)}
	return 303
}

func (m *memberModel) accept(s modelStep, key memberKey) int {
	i := m.invitations[key]
	switch {
	case i == nil:
		return 404
	case !i.open || !i.expires.After(m.now):
		return 410
	case m.live(s.account, s.target) != nil:
		return 409
	}
	set := m.gives(s.account, i)
	i.open = false
	m.members[key] = &modelMember{set: set}
	return 303
}

// own is what concerns ownership.
func (m *memberModel) own(s modelStep, key memberKey) int {
	one, o := m.there(s.account, s.target), m.offers[key]
	if s.what == "offer" || s.what == "end ownership" {
		if no := m.guard(s.account, s.actor, 0, true); no != 0 {
			return no
		}
		if one == nil {
			return 404
		}
	}
	me := m.live(s.account, s.actor)
	switch s.what {
	case "offer":
		if one.owner || !one.ends.IsZero() {
			return 409
		}
		for _, other := range m.all {
			if other.to == one {
				other.open = false
			}
		}
		m.offers[key] = &modelOffer{open: true, from: me, to: one, handOver: s.handOver, expires: m.now.Add(access.OfferLife)}
		m.all = append(m.all, m.offers[key])
	case "end ownership":
		if !one.owner || m.owners(s.account, one) == 0 {
			return 409
		}
		one.owner, one.set = false, access.Everything
		m.dropOffers(one)
	case "take", "refuse":
		may := o != nil && me != nil && (o.to == me || s.what == "refuse" && me.owner)
		switch {
		case me == nil || !may:
			return 404
		case !o.open || !o.expires.After(m.now) || !o.from.owner:
			return 410
		case s.what == "refuse":
			o.open = false
			return 303
		case !me.ends.IsZero():
			return 409
		}
		me.owner = true
		m.dropOffers(me)
		if o.handOver {
			o.from.owner, o.from.set = false, access.Everything
			m.dropOffers(o.from)
		}
	}
	return 303
}

// A memberRun is the product beside the model.
type memberRun struct {
	*apptest.World
	model    *memberModel
	people   []*apptest.Person
	accounts []id.Account
	t        *rapid.T

	steps, done int // how many there were, and how many did something
}

// number is the last row of a person in an account, or one that never was.
func (r *memberRun) number(table, person string, s modelStep) string {
	found := apptest.Query[int64](r.World, "SELECT COALESCE(MAX(id), 987654321) FROM "+table+" WHERE account_id = $1 AND "+person, r.accounts[s.account], r.people[s.target].User)
	return id.String(id.Mail(found[0]))
}

// drive does a step in the product.
func (r *memberRun) drive(s modelStep) int {
	people := accountPath(r.accounts[s.account]) + "/people"
	member := func() string { return people + "/members/" + r.number("memberships", "user_id = $2", s) }
	invitation := func() string {
		return "/invitations/" + r.number("invitations", "address = (SELECT address FROM users WHERE id = $2)", s)
	}
	offer := func() string {
		return people + "/offers/" + r.number("ownership_offers", "to_id IN (SELECT id FROM memberships WHERE user_id = $2)", s)
	}
	values := url.Values{"account": {id.String(r.accounts[s.account])}}
	choose := func() {
		for name, v := range s.choice.form {
			values[name] = v
		}
	}
	who, where := r.people[s.actor], ""
	switch s.what {
	case "invite":
		r.Exec("DELETE FROM throttles")
		choose()
		values.Set("address", r.people[s.target].Address)
		where = people + "/invitations"
	case "accept", "decline":
		who, where = r.people[s.target], "/me"+invitation()+"/"+s.what
	case "withdraw":
		where = people + invitation() + "/withdraw"
	case "change":
		choose()
		if !s.ends.IsZero() {
			values.Set("ends", s.ends.Format(time.DateOnly))
		}
		where = member()
	case "remove":
		where = member() + "/remove"
	case "leave":
		where = accountPath(r.accounts[s.account]) + "/leave"
	case "offer":
		if s.handOver {
			values.Set("kind", "hand-over")
		}
		where = member() + "/ownership"
	case "end ownership":
		where = member() + "/ownership/end"
	case "take":
		where = offer() + "/take"
	case "refuse":
		where = offer() + "/decline"
	}
	return who.PostOnly(where, values).Status
}

// memberSteps are drawn the more often the earlier they stand.
var memberSteps = []string{"take", "change", "end ownership", "accept", "remove", "refuse", "leave", "withdraw", "offer", "invite", "decline", "wait"}

// modelChoices are few, so that they meet.
var modelChoices = func() []memberChoice {
	out := []memberChoice{{form("role", "full"), access.Everything}, {form("role", "mail"), 0}}
	for _, keys := range [][]string{{"services.view"}, {"people.view", "people.manage"}, {"people.view", "people.manage", "services.view"}} {
		f := form("role", "choose")
		f["permissions"] = keys
		out = append(out, memberChoice{f, apptest.Keys(keys...)})
	}
	return out
}()

// draw draws a step: mostly of people who can do it, else none would get far.
func (r *memberRun) draw() modelStep {
	draw := func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(r.t, name) }
	s := modelStep{
		what: rapid.SampledFrom(memberSteps).Draw(r.t, "what"), account: draw("account", len(r.accounts)),
		choice: modelChoices[draw("choice", len(modelChoices))], handOver: rapid.Bool().Draw(r.t, "hand over"),
	}
	somebody := func(name string, fits func(person int) bool) int {
		var list []int
		for person := range r.people {
			if fits(person) {
				list = append(list, person)
			}
		}
		if wild := draw("wild", 5) == 0; wild || len(list) == 0 {
			return draw(name, len(r.people))
		}
		return list[draw(name, len(list))]
	}
	if wild := draw("wild", 5) == 0; !wild {
		s.what = r.model.possible(s)
	}
	s.actor = somebody("actor", func(n int) bool {
		one := r.model.live(s.account, n)
		return one != nil && (one.owner || s.what != "offer" && s.what != "end ownership" && one.held().Has(apptest.Keys("people.manage")))
	})
	s.target = somebody("target", func(n int) bool {
		key := memberKey{s.account, n}
		i, o := r.model.invitations[key], r.model.offers[key]
		switch s.what {
		case "invite":
			return r.model.live(s.account, n) == nil
		case "accept", "decline", "withdraw":
			return i != nil && i.open
		case "take", "refuse":
			return o != nil && o.open
		case "offer":
			one := r.model.there(s.account, n)
			return one != nil && !one.owner
		}
		return r.model.there(s.account, n) != nil && n != s.actor
	})
	if draw("ends", 4) == 0 {
		s.ends = r.model.now.Add(48 * time.Hour).Truncate(24 * time.Hour)
	}
	if s.what == "take" || s.what == "accept" {
		s.actor = s.target
	}
	return s
}

// possible is what is drawn, or what must come before it.
func (m *memberModel) possible(s modelStep) string {
	invited, offered := false, false
	for key, i := range m.invitations {
		invited = invited || key.account == s.account && i.open
	}
	for key, o := range m.offers {
		offered = offered || key.account == s.account && o.open
	}
	switch s.what {
	case "accept", "decline", "withdraw":
		if !invited {
			return "invite"
		}
	case "take", "refuse", "end ownership":
		if !offered && m.owners(s.account, nil) == 1 {
			return "offer"
		}
	}
	return s.what
}

// step does one step in both, and compares everything that can be seen.
func (r *memberRun) step(s modelStep) {
	if s.what == "wait" {
		d := time.Duration(1+s.actor) * 25 * time.Hour
		r.Clock.Move(d)
		r.model.now = r.model.now.Add(d)
		for _, p := range r.people {
			r.SignIn(p)
		}
		r.compare(s)
		return
	}
	recorded := func() int64 {
		return r.Count("audit_records WHERE outcome = 'done' AND account_id = $1", r.accounts[s.account])
	}
	before := recorded()
	want, got := r.model.do(s), r.drive(s)
	if got != want {
		r.t.Fatalf("%+v is answered %d, want %d", s, got, want)
	}
	r.steps++
	if got == 303 {
		r.done++
	}
	if done := recorded() - before; (done > 0) != (got == 303) {
		r.t.Fatalf("%+v is answered %d and leaves %d records", s, got, done)
	}
	r.compare(s)
}

// compare asks the product who may do what, and looks at one person's pages.
func (r *memberRun) compare(s modelStep) {
	ctx := context.Background()
	for person, p := range r.people {
		i, err := r.Auth.Identify(ctx, p.Cookie("__Host-clientele-session"), auth.Request{ID: "look", Network: "192.0.2.8"})
		if err != nil || !i.SignedIn() {
			r.t.Fatalf("%s is not signed in: %v", p.Name, err)
		}
		for account, a := range r.accounts {
			f, err := access.Check[access.Enter](ctx, r.Memberships, access.Person(i), a)
			want := r.model.live(account, person)
			switch {
			case err != nil && !fault.Is(err, fault.NotFound):
				r.t.Fatal(err)
			case (err == nil) != (want != nil):
				r.t.Fatalf("after %+v person %d is in account %d: %t", s, person, account, err == nil)
			case want != nil && (f.Held() != want.held() || f.Owner() != want.owner):
				r.t.Fatalf("after %+v person %d holds %v in account %d (owner: %t), want %v (owner: %t)", s, person, f.Held(), account, f.Owner(), want.held(), want.owner)
			}
		}
	}
	for account := range r.accounts {
		if r.model.owners(account, nil) == 0 {
			r.t.Fatalf("after %+v nobody owns account %d", s, account)
		}
	}
	p := r.people[s.target]
	page := p.Get("/me/accounts")
	for account, a := range r.accounts {
		want := 200
		if no := r.model.guard(account, s.target, apptest.Keys("people.view"), false); no != 0 {
			want = no
		}
		if got := p.GetOnly(accountPath(a) + "/people").Status; got != want {
			r.t.Fatalf("after %+v the people of account %d are answered %d to person %d, want %d", s, account, got, s.target, want)
		}
		if listed := page.Find("main a[href='"+accountPath(a)+"']").Length() > 0; listed != (want != 404) {
			r.t.Fatalf("after %+v account %d is listed to person %d: %t", s, account, s.target, listed)
		}
	}
}

// start begins a run: four people; the first account has two owners and
// somebody who manages its people, the second an owner and one who gets mail.
func (r *memberRun) start(run int) {
	r.model = &memberModel{now: r.Clock.Now(), members: map[memberKey]*modelMember{}, invitations: map[memberKey]*modelInvitation{}, offers: map[memberKey]*modelOffer{}}
	for n := range 4 {
		r.people = append(r.people, r.Person(fmt.Sprintf("Person %d of %d", n, run), fmt.Sprintf("p%d.%d@x.example", n, run)))
	}
	for n := range 2 {
		r.accounts = append(r.accounts, r.Account(r.people[n], fmt.Sprintf("Account %d of %d", n, run)))
		r.model.members[memberKey{n, n}] = &modelMember{owner: true, set: access.Everything}
	}
	manages := apptest.Keys("people.view", "people.manage", "services.view")
	for _, one := range []struct {
		account, person int
		as              modelMember
	}{{0, 2, modelMember{set: manages}}, {0, 3, modelMember{owner: true, set: access.Everything}}, {1, 2, modelMember{}}} {
		r.JoinAs(r.accounts[one.account], access.Join{User: r.people[one.person].User, Owner: one.as.owner, Role: access.Role{Single: one.as.set}})
		r.model.members[memberKey{one.account, one.person}] = &one.as
	}
}

// TestT152_TheProductAgreesWithTheModel lets random people do random things,
// in the product and in the model, and compares every answer.
func TestT152_TheProductAgreesWithTheModel(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		// Rapid counts its runs by a flag for the whole process; these are
		// fewer. A run that failed is repeated as often as it takes to find the
		// shortest one that fails.
		runs, most, failing := 0, map[db.Engine]int{db.SQLite: 25, db.Postgres: 6}[w.Engine], false
		steps, done := 0, 0
		rapid.Check(t, func(rt *rapid.T) {
			if runs == most && !failing {
				return
			}
			runs++
			whole := false
			defer func() { failing = failing || !whole }()
			r := &memberRun{World: w, t: rt}
			r.start(runs)
			for range 20 {
				r.step(r.draw())
			}
			whole = true
			steps, done = steps+r.steps, done+r.done
		})
		if done*10 < steps {
			t.Errorf("of %d steps only %d did something", steps, done)
		}
	})
}

package portal_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/invite"

	"pgregory.net/rapid"
)

// Withdrawing is immediate and final; a new invitation has a new link.
func TestT008_AWithdrawnInvitationStaysDead(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		sent := s.invite("nina@x.example")
		sent.follow(nina.Browser).Must(200)
		s.alice.PostOnly(sent.path+"/withdraw", s.own()).Must(303)
		row := s.row(sent.number)
		inviteAccept(nina.Browser).Must(410)
		nina.PostOnly("/me/invitations/"+id.String(sent.number)+"/accept", form()).Must(410)
		for _, action := range []string{"/resend", "/withdraw", ""} {
			s.alice.PostOnly(sent.path+action, s.own("role", "full")).Must(409, "no longer open")
		}
		if p := s.alice.Get(accountPath(s.a) + "/people"); p.Says("nina@x.example") {
			t.Error("it is still listed")
		}
		again := s.invite("nina@x.example")
		if again.token() == sent.token() || again.number == sent.number {
			t.Error("the new invitation is the old one")
		}
		sent.follow(nina.Browser).Must(410)
		inviteAccept(nina.Browser).Must(410)
		if s.row(sent.number) != row {
			t.Errorf("the withdrawn invitation was %s and is %s", row, s.row(sent.number))
		}
		again.follow(nina.Browser).Must(200)
		inviteAccept(nina.Browser).Must(303)
	})
}

// One address has one open invitation to an account, and it has one link: the
// newest.
func TestT010_SendingAgainReplacesTheLink(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		sent := s.invite("nina@x.example", "role", "billing")
		s.later(5*24*time.Hour, s.alice, nina)
		again := s.resent("nina@x.example")
		if again.number != sent.number || again.token() == sent.token() || s.Count("invitations") != 1 {
			t.Error("sending again does not replace the link of the same invitation")
		}
		if n := s.Count("invitations WHERE role = 'billing' AND expires_at = $1 AND sends = 2", s.Clock.Now().Add(invite.Life)); n != 1 {
			t.Error("the role is another, or the time to answer does not begin anew")
		}
		sent.follow(nina.Browser).Must(410)
		inviteAccept(nina.Browser).Must(410)
		s.later(3*24*time.Hour, nina) // past the first link's end
		again.follow(nina.Browser).Must(200)
		inviteAccept(nina.Browser).Must(303)
		if b, _ := access.RoleByKey("billing"); s.holds("nina@x.example") != b.Set {
			t.Errorf("she holds %v", s.holds("nina@x.example"))
		}
	})
}

func TestT010_OneOpenInvitationPerAddressWhoeverIsQuicker(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		olga := s.Person("Olga Brandt", "olga@acorn.example")
		s.JoinAs(s.a, access.Join{User: olga.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
		spellings := []string{"otto@x.example", "Otto@X.example", "OTTO@x.EXAMPLE", " otto@x.example "}
		statuses := make([]int, 20)
		apptest.Race(len(statuses), func(i int) {
			statuses[i] = s.send([]*apptest.Person{s.alice, olga}[i%2], spellings[i%len(spellings)]).Status
		})
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[303] != 1 || count[409] != 19 {
			t.Errorf("the answers are %v, want one 303 and 19 times 409", count)
		}
		s.Quiet()
		if s.Count("invitations") != 1 || s.Mail.To("otto@x.example") != 1 {
			t.Errorf("%d invitations, %d mails", s.Count("invitations"), s.Mail.To("otto@x.example"))
		}
		err := s.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
			_, err := db.Exec(tx, "INSERT INTO invitations (account_id, address, token_hash, created_at, sent_at, expires_at) SELECT account_id, address, 'x', created_at, sent_at, expires_at FROM invitations")
			return err
		})
		if !db.Exists(err) {
			t.Errorf("the database takes a second open invitation: %v", err)
		}
		// Once it has run out it stands in nobody's way.
		s.later(invite.Life, s.alice)
		s.invite("otto@x.example")
		if n := s.Count("invitations WHERE state = 'pending'"); n != 1 {
			t.Errorf("%d are open", n)
		}
	})
}

// Accepting, withdrawing, changing, removing the one who invited and closing
// the account at the same time end as some order of them would have.
func TestT012_WhatHappensAtOnceEndsAsSomeOrderWould(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		billing, _ := access.RoleByKey("billing")
		for round := range 16 {
			number := id.String(id.User(round + 1))
			address := "nina" + number + "@x.example"
			nina, bob := s.Person("Nina Ek", address), s.Person("Bob Castle", "bob"+number+"@acorn.example")
			m := s.JoinAs(s.a, access.Join{User: bob.User, Role: access.Role{BuiltIn: "full"}})
			sent := s.inviteBy(bob, address, "role", "choose", "permissions", "services.view")
			sent.follow(nina.Browser).Must(200)
			member := accountPath(s.a) + "/people/members/" + id.String(m)
			var accepted, changed, withdrawn, removed, closed int
			acts := []func(){
				func() { accepted = inviteAccept(nina.Browser).Status },
				func() { changed = s.alice.PostOnly(sent.path, s.own("role", "billing")).Status },
				func() { withdrawn = s.alice.PostOnly(sent.path+"/withdraw", s.own()).Status },
				func() { removed = s.alice.PostOnly(member+"/remove", s.own()).Status },
				func() {
					closed = s.alice.PostOnly(accountPath(s.a)+"/close", s.own("number", id.String(s.a))).Status
				},
			}
			switch {
			case round < 8:
				acts = acts[:3] // nobody is removed
			case round < 12:
				acts = []func(){acts[0], acts[3]}
			case round < 15:
				acts = acts[:4]
			}
			apptest.Race(len(acts), func(i int) { acts[i]() })
			state := s.state(sent.number)
			what := fmt.Sprintf("round %d: accept %d, change %d, withdraw %d, remove %d, close %d: %s", round, accepted, changed, withdrawn, removed, closed, state)
			in := s.members(address) == 1
			if in != (state == "accepted") || in != (accepted == 303) || (withdrawn == 303) && in {
				t.Error(what)
			}
			if accepted != 303 && accepted != 410 && accepted != 409 || removed == 303 && state == "pending" && changed != 303 {
				t.Error(what)
			}
			want := apptest.Keys("services.view")
			if changed == 303 {
				want = billing.Set
			}
			if in && s.holds(address) != want {
				t.Errorf("%s, and she holds %v", what, s.holds(address))
			}
		}
	})
}

// Nobody offers what he does not hold: neither as a single permission nor in
// a role of whichever kind, neither anew nor by changing what is open, and
// ownership is nobody's to offer.
func TestT013_InviterCannotGrantMoreThanHeHolds(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		bob := s.bob()
		base := apptest.Keys("people.manage", "people.view")
		s.Exec("UPDATE memberships SET permissions = $2 WHERE user_id = $1", bob.User, access.Everything)
		open := s.inviteBy(bob, "open@x.example", "role", "mail")
		row := s.row(open.number)
		for n, p := range access.All {
			s.Exec("UPDATE memberships SET permissions = $2 WHERE user_id = $1", bob.User, access.Everything&^p.Set()|base)
			s.Exec("INSERT INTO roles (id, account_id, name, permissions, created_at) VALUES ($1, $2, $3, $4, $5)", n+1, s.a, "Only "+p.Key, p.Set(), s.Clock.Now())
			offers := [][]string{{"role", "choose", "permissions", p.Key}, {"role", "role-" + id.String(id.Role(n+1))}}
			for _, b := range access.BuiltIns {
				if b.Set.Has(p.Set()) {
					offers = append(offers, []string{"role", b.Key})
				}
			}
			if base.Has(p.Set()) {
				continue // without it he would not get as far as this
			}
			for _, offer := range offers {
				for _, path := range []string{s.path(), open.path} {
					if status, kind := inviteProblem(t, bob.Browser, path, s.form("more@x.example", offer...)); status != 403 || kind != "grant-exceeds-own" {
						t.Errorf("bob lacks %s and offers %v at %s: %d %s", p.Key, offer, path, status, kind)
					}
				}
			}
		}
		s.Exec("UPDATE memberships SET permissions = $2 WHERE user_id = $1", bob.User, access.Everything)
		for _, by := range []*apptest.Person{bob, s.alice} {
			for _, role := range []string{"owner", "Owner", "admin"} {
				s.send(by, "more@x.example", "role", role).Must(422)
			}
			s.send(by, "own"+id.String(by.User)+"@x.example", "role", "readonly", "owner", "1").Must(303)
		}
		if s.row(open.number) != row || s.Count("invitations WHERE address = 'more@x.example'") != 0 || s.Count("mails WHERE recipient = 'more@x.example'") != 0 {
			t.Error("a refused offer left something behind")
		}
		s.send(bob, "all@x.example", "role", "full").Must(303)
	})
}

// Whatever somebody holds and whatever he offers: it is taken exactly where
// the offer, with all that it needs, is within what he holds.
func TestT013_AnOfferIsTakenExactlyWhereItIsHeld(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		bob := s.bob()
		base := apptest.Keys("people.manage", "people.view")
		turn := 0
		rapid.Check(t, func(rt *rapid.T) {
			held := access.Set(rapid.Int64Range(0, int64(access.Everything)).Draw(rt, "held"))&access.Everything | base
			wish := access.Set(rapid.Int64Range(1, int64(access.Everything)).Draw(rt, "wish")) & access.Everything
			if rapid.Bool().Draw(rt, "near") { // most random wishes are out of reach
				wish = wish&held | access.Set(1)<<rapid.IntRange(0, 20).Draw(rt, "bit")
			}
			s.Exec("UPDATE memberships SET permissions = $2 WHERE user_id = $1", bob.User, held)
			s.limitless()
			turn++
			fill := s.form(fmt.Sprintf("p%d@x.example", turn), "role", "choose")
			fill["permissions"] = wish.Keys()
			before := s.Count("invitations")
			status := bob.PostOnly(s.path(), fill).Status
			allowed := held.Has(wish.Closed())
			if allowed != (status == 303) || !allowed && status != 403 || allowed != (s.Count("invitations") == before+1) {
				rt.Fatalf("holding %v, offering %v: %d", held, wish, status)
			}
			if allowed && s.Count("invitations WHERE address = $1 AND permissions = $2", fmt.Sprintf("p%d@x.example", turn), wish.Closed()) != 1 {
				rt.Fatalf("offering %v was stored otherwise", wish)
			}
		})
		s.Exec("UPDATE memberships SET permissions = $2 WHERE user_id = $1", bob.User, access.Everything) // what no record tells, so that the oracles pass over him
	})
}

// A role is one of the list, spelled as the list spells it, or is refused.
func TestT016_UnknownOrCompositeRolesAreRefused(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		open := s.invite("open@x.example")
		before, row := s.traces(), s.row(open.number)
		for _, role := range []string{
			"nope", "", " ", "admin,member", `["admin"]`, "ADMIN ", "FULL", "full ", " full", "Full", "full\x00", "full\n", "\x00", "0", "-1", "role-", "role-0",
			"role--1", "role-1", "role-99999999999999999999", "role-1 ", "ROLE-1", "owner", "*", "null", "full;billing", strings.Repeat("a", 10_000), "ｆull", "fu\u200bll",
		} {
			for _, path := range []string{s.path(), open.path} {
				p := s.alice.PostOnly(path, s.form("more@x.example", "role", role))
				if p.Status != 422 || p.FieldError("role") == "" && !strings.Contains(role, "\x00") {
					t.Errorf("the role %.20q at %s: %d, %q", role, path, p.Status, p.FieldError("role"))
				}
			}
		}
		for _, keys := range [][]string{{}, {""}, {"*"}, {"all"}, {"owner"}, {"services.view,invoices.pay"}, {"SERVICES.VIEW"}, {"services.view "}, {"services.view", "nope"}, {"products"}, {"1"}, {"services.view\n"}} {
			fill := s.form("more@x.example", "role", "choose")
			fill["permissions"] = keys
			for _, path := range []string{s.path(), open.path} {
				if p := s.alice.PostOnly(path, fill); p.Status != 422 || strings.TrimSpace(p.Find("#single-permissions [class*=error], #single-permissions [role=alert]").Text()) == "" {
					t.Errorf("the permissions %q at %s: %d", keys, path, p.Status)
				}
			}
		}
		for name, values := range map[string][]string{"role": {"full", "readonly"}, "account": {id.String(s.a), "2"}, "ends": {"2027-01-01", ""}} {
			fill := s.form("more@x.example", "role", "readonly")
			fill[name] = values
			s.alice.PostOnly(s.path(), fill).Must(422)
		}
		for _, ends := range []string{"tomorrow", "2026-02-30", "2026-03-01", "2026-03-02", "1969-12-31", "99999-01-01", "2027-01-01T00:00:00Z", "2027-01-01 "} {
			if p := s.send(s.alice, "more@x.example", "role", "readonly", "ends", ends); p.Status != 422 || p.FieldError("ends") == "" {
				t.Errorf("the end %q: %d, %q", ends, p.Status, p.FieldError("ends"))
			}
		}
		s.untouched(before, "unknown roles")
		if s.row(open.number) != row {
			t.Error("an unknown role changed an open invitation")
		}
	})
}

// An invitation is its own account's: under another account's address it does
// not exist.
func TestT017_AnotherAccountsInvitationDoesNotExist(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		mallory, m := s.mallory()
		sent := s.invite("nina@x.example")
		s.alice.Get(sent.path).Must(200, "nina@x.example")
		before, row := s.traces(), s.row(sent.number)
		for _, action := range []string{"", "/resend", "/withdraw"} {
			foreign := invitePath(m) + "/" + id.String(sent.number) + action
			missing := invitePath(m) + "/" + id.String(sent.number+4711) + action
			fill := form("account", id.String(m), "role", "full")
			a, b := mallory.PostOnly(foreign, fill), mallory.PostOnly(missing, fill)
			if a.Status != 404 || b.Status != 404 || a.Body != b.Body {
				t.Errorf("%s answers %d, and %s %d", foreign, a.Status, missing, b.Status)
			}
			if action == "" {
				a, b = mallory.GetOnly(foreign), mallory.GetOnly(missing)
				if a.Status != 404 || a.Body != b.Body {
					t.Errorf("GET %s answers %d", foreign, a.Status)
				}
			}
			// In alice's own account mallory finds nothing at all, with either account in the form.
			for _, account := range []id.Account{s.a, m} {
				mallory.PostOnly(sent.path+action, form("account", id.String(account), "role", "full")).Must(404)
			}
			// And a form that was made for the other account is not taken for this one.
			s.alice.PostOnly(sent.path+action, form("account", id.String(m), "role", "full")).Must(409)
			s.alice.PostOnly(sent.path+action, form("role", "full")).Must(409)
		}
		mallory.PostOnly("/me/invitations/"+id.String(sent.number)+"/accept", form()).Must(404)
		mallory.PostOnly("/me/invitations/"+id.String(sent.number)+"/decline", form()).Must(404)
		s.untouched(before, "another account's invitation")
		if s.row(sent.number) != row {
			t.Errorf("the invitation was %s and is %s", row, s.row(sent.number))
		}
	})
}

// Another account's role is none of this one's, and the database itself
// refuses to mix the two.
func TestT018_AnotherAccountsRoleCannotBeOffered(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		_, m := s.mallory()
		s.Exec("INSERT INTO roles (id, account_id, name, permissions, created_at) VALUES (1, $1, 'Theirs', $2, $4), (2, $3, 'Ours', $2, $4)", m, apptest.Keys("services.view"), s.a, s.Clock.Now())
		sent := s.invite("nina@x.example", "role", "role-2")
		if p := s.send(s.alice, "more@x.example", "role", "role-1"); p.Status != 422 || p.FieldError("role") == "" {
			t.Errorf("offering another account's role answers %d, %q", p.Status, p.FieldError("role"))
		}
		s.alice.PostOnly(sent.path, s.own("role", "role-1")).Must(422)
		if p := s.alice.Get(s.path() + "/new"); p.Says("Theirs") || !p.Says("Ours") {
			t.Error("the wrong roles are offered")
		}
		for _, forgery := range []string{
			"UPDATE invitations SET role_id = 1", "DELETE FROM roles WHERE id = 2",
			"UPDATE invitations SET membership_id = (SELECT MIN(id) FROM memberships WHERE account_id = " + id.String(m) + ")",
		} {
			err := s.DB.Write(context.Background(), db.Wide, func(tx *db.Tx) error {
				_, err := db.Exec(tx, forgery)
				return err
			})
			if !errors.Is(err, db.ErrReference) {
				t.Errorf("%s: %v", forgery, err)
			}
		}
		nina := s.nina()
		sent.follow(nina.Browser).Must(200)
		inviteAccept(nina.Browser).Must(303)
		if s.holds("nina@x.example") != apptest.Keys("services.view") {
			t.Errorf("she holds %v", s.holds("nina@x.example"))
		}
	})
}

// Somebody who is invited is in nothing before she says yes, and is nobody to
// those who have asked her.
func TestT019_NobodyIsAddedWithoutHerConsent(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		cassidy := s.Person("Cassidy Lund", "cassidy@x.example")
		own := s.Account(cassidy, "Lund Design")
		sent := s.invite("cassidy@x.example")
		s.Quiet()
		if p := cassidy.Get("/me/accounts").Must(200, "Lund Design"); p.Says("Acorn Paper") {
			t.Error("an account that only asks is in her list")
		}
		if p := cassidy.Get(accountPath(own)); p.Says("Acorn Paper") {
			t.Error("an account that only asks is in the switcher")
		}
		cassidy.Get(accountPath(s.a)).Must(404)
		for _, path := range []string{"/people", "/people/invitations/" + id.String(sent.number), "/activity", "/emails", "/contacts"} {
			if p := s.alice.Get(accountPath(s.a) + path).Must(200); p.Says("Cassidy") || p.Says("Lund") {
				t.Errorf("%s says who has the address", path)
			}
		}
		asked := cassidy.Get("/me/invitations").Must(200, "Acorn Paper", "Alice Moreau", "Read only", "No, thank you", "Block this account")
		for _, action := range []string{"accept", "decline"} {
			if asked.Find(`form[action="/me/invitations/`+id.String(sent.number)+"/"+action+`"]`).Length() != 1 {
				t.Errorf("there is no way to %s", action)
			}
		}
		cassidy.PostOnly("/me/invitations/"+id.String(sent.number)+"/accept", form()).Must(303)
		cassidy.Get("/me/accounts").Must(200, "Acorn Paper")
		s.alice.Get(accountPath(s.a)+"/people").Must(200, "Cassidy Lund")
	})
}

// A closed account asks nobody and lets nobody in; once it is open again, so
// is what is not too old.
func TestT029_AClosedAccountLetsNobodyIn(t *testing.T) {
	inviteEach(t, func(t *testing.T, s *inviteStage) {
		nina := s.nina()
		known, unknown, old := s.invite("nina@x.example"), s.invite("fran@x.example"), s.invite("old@x.example")
		fran, late := s.Browser(), s.Browser()
		known.follow(nina.Browser).Must(200)
		unknown.follow(fran).Must(200)
		old.follow(late).Must(200)
		s.alice.PostOnly(accountPath(s.a)+"/close", s.own("number", id.String(s.a))).Must(303)
		before, row := s.traces(), s.row(known.number)
		s.send(s.alice, "more@x.example").Must(409, "closed")
		for _, action := range []string{"", "/resend", "/withdraw"} {
			s.alice.PostOnly(known.path+action, s.own("role", "full")).Must(409, "closed")
		}
		inviteAccept(nina.Browser).Must(409, "is closed")
		nina.PostOnly("/me/invitations/"+id.String(known.number)+"/accept", form()).Must(409)
		inviteJoin(fran, "Fran Fresh").Must(409)
		if p := nina.Get("/me/invitations").Must(200); p.Says("Acorn Paper") {
			t.Error("a closed account still asks")
		}
		s.untouched(before, "a closed account")
		if s.row(known.number) != row || s.Count("mails WHERE recipient = 'more@x.example'") != 0 {
			t.Error("a closed account's invitations changed")
		}
		s.Exec("UPDATE invitations SET expires_at = $2 WHERE id = $1", old.number, s.Clock.Now())
		root := s.Operator("Robin Root", "root@northbeam.example", "administrator")
		root.PostOnly("/staff/accounts/"+id.String(s.a)+"/reopen", s.own()).Must(303)
		inviteAccept(nina.Browser).Must(303)
		inviteJoin(fran, "Fran Fresh").Must(303)
		inviteJoin(late, "Lars Late").Must(410)
	})
}

package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// A pair is one person with two logins: the one that she keeps, in an account
// of its own, and the other, which owns a bakery and works in a shop.
type pair struct {
	*apptest.World
	t            *testing.T
	keep, other  *apptest.Person
	boss         *apptest.Person // owns the shop
	bakery, shop id.Account
	home         id.Account
}

func newPair(t *testing.T, w *apptest.World) *pair {
	t.Helper()
	p := &pair{World: w, t: t}
	p.keep, p.other, p.boss = w.Person("Anna Berg", "anna@new.example"), w.Person("A. Berg", "anna@old.example"), w.Person("Bo Boss", "bo@shop.example")
	p.home, p.bakery, p.shop = w.Account(p.keep, "Home"), w.Account(p.other, "Harbour Bakery"), w.Account(p.boss, "Shop")
	w.JoinAs(p.shop, access.Join{User: p.other.User, Role: access.Role{BuiltIn: "billing"}})
	return p
}

func showsOther(address, password string) url.Values {
	return url.Values{"address": {address}, "password": {password}}
}

// shown is the page that says what moves, after she has shown the other login.
func (p *pair) shown() *apptest.Page {
	p.t.Helper()
	return p.keep.Get("/me/merge").Must(http.StatusOK).Submit("/me/merge", showsOther(p.other.Address, apptest.Password)).Must(http.StatusOK, "What moves")
}

// merged has her bring it in.
func (p *pair) merged() *apptest.Page {
	p.t.Helper()
	return p.shown().Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now what the other one did")
}

// leave makes room for another pair in the same world.
func (p *pair) leave() {
	p.Exec("UPDATE users SET address = 'gone-' || CAST(id AS TEXT) || '@gone.example' WHERE status <> 'deleted'")
	p.Exec("UPDATE users SET status = 'active', verified_at = created_at WHERE merged_into IS NULL AND status <> 'deleted'")
	p.Exec("DELETE FROM throttles")
	p.Exec("DELETE FROM address_changes")
}

func (p *pair) number() string {
	p.t.Helper()
	return id.String(apptest.Query[id.Merge](p.World, "SELECT id FROM merges ORDER BY id DESC LIMIT 1")[0])
}

func (p *pair) in(b *apptest.Browser, a id.Account) bool {
	p.t.Helper()
	return b.Get("/a/"+id.String(a)).Status == http.StatusOK
}

// signsIn reports whether a login can sign in with its password, in a new
// browser, and returns what the page says.
func (p *pair) signsIn(address string) (bool, *apptest.Page) {
	page := p.Browser().Get("/signin").Submit("/signin", showsOther(address, apptest.Password))
	return page.URL.Path != "/signin", page
}

// She signs in to the one, shows the other, sees what moves, and has one login
// for everything; the other signs nobody in any more.
func TestAMergeMovesEverythingToTheLoginThatSheKeeps(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		w.Exec("UPDATE users SET several = TRUE WHERE id = $1", p.keep.User)
		if link := p.keep.Get("/me/accounts").Must(http.StatusOK, "Did you use more than one login").Find(`a[href="/me/merge"]`); link.Length() == 0 {
			t.Error("the notice does not lead there")
		}
		p.shown().Must(http.StatusOK, "Harbour Bakery", "Owner", "Shop", "Billing", "anna@old.example becomes part of anna@new.example")
		if p.in(p.keep.Browser, p.bakery) {
			t.Fatal("it has moved before she has confirmed it")
		}
		p.merged()
		for name, a := range map[string]id.Account{"her own": p.home, "the bakery": p.bakery, "the shop": p.shop} {
			if !p.in(p.keep.Browser, a) {
				t.Errorf("she is not in %s", name)
			}
		}
		if page := p.other.Get("/me"); page.URL.Path == "/me" && page.Status == http.StatusOK {
			t.Error("the closed login's session goes on")
		}
		ok, closed := p.signsIn(p.other.Address)
		_, unknown := p.signsIn("nobody@old.example")
		if ok || closed.Find(".error-summary, [role=alert]").Text() != unknown.Find(".error-summary, [role=alert]").Text() {
			t.Errorf("the closed login at the door: %v", ok)
		}
		if mail := w.Mail.Next(t, p.other.Address, "part of another one"); !strings.Contains(mail.Text(), "This was not me") || !strings.Contains(mail.Text(), "anna@new") {
			t.Errorf("the mail to the other address: %s", mail.Text())
		}
		w.Mail.Next(t, p.keep.Address, "part of yours now")
		p.keep.Get("/me/activity").Must(http.StatusOK, "brought the login A. Berg into this one", "A. Berg signed in")
		p.boss.Get("/a/"+id.String(p.shop)+"/activity").Must(http.StatusOK, "Anna Berg took over the access of A. Berg, another login of the same person")
		w.Browser().Get("/recover").Submit("/recover", url.Values{"address": {p.other.Address}}).Must(http.StatusOK)
		if mail := w.Mail.Next(t, p.other.Address, "is part of another one"); strings.Contains(mail.Text(), "/recover/") {
			t.Error("a password can be set for the closed login")
		}
	})
}

// Showing the other login takes all that signs in there, in any browser.
func TestT090_AMergeAsksForTheSecondFactorOfTheOtherLogin(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		seed := w.Authenticator(p.other)
		half := p.keep.Get("/me/merge").Submit("/me/merge", showsOther(p.other.Address, apptest.Password)).Must(http.StatusOK, "Its second factor")
		if page := p.keep.Get("/me/merge/confirm"); page.Status != http.StatusGone {
			t.Fatalf("half shown, what moves answers %d", page.Status)
		}
		if page := p.keep.PostOnly("/me/merge/confirm", url.Values{}); page.Status != http.StatusGone {
			t.Fatalf("half shown, it is confirmed: %d", page.Status)
		}
		if half = half.Submit("/me/merge/second-factor", url.Values{"code": {"000000"}}); half.Status != http.StatusUnprocessableEntity || half.FieldError("code") == "" {
			t.Fatalf("a wrong code: %d %q", half.Status, half.FieldError("code"))
		}
		plan := half.Submit("/me/merge/second-factor", url.Values{"code": {w.Code(seed)}}).Must(http.StatusOK, "What moves", "a password alone would open then")
		if plan.Find(`form[action="/me/merge/confirm"]`).Length() > 0 {
			t.Error("a login without a second factor may open what one guards")
		}
		form := url.Values{"plan": {"whatever"}}
		p.keep.PostOnly("/me/merge/confirm", form)
		if p.in(p.keep.Browser, p.bakery) {
			t.Fatal("a password alone opens what a second factor guards")
		}
		w.Authenticator(p.keep)
		w.Clock.Move(time.Minute)
		p.keep.Get("/me/merge").Submit("/me/merge", showsOther(p.other.Address, apptest.Password)).
			Submit("/me/merge/second-factor", url.Values{"code": {w.Code(seed)}}).Must(http.StatusOK, "What moves").
			Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now")
		if !p.in(p.keep.Browser, p.bakery) {
			t.Error("she is not in the bakery")
		}
		if n := w.Count("authenticators WHERE user_id = $1", p.keep.User); n != 1 {
			t.Error("the factor has moved")
		}
	})
}

// A passkey of the other login shows both of its factors.
func TestAMergeTakesAPasskeyOfTheOtherLogin(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		key := w.Passkey(p.other)
		key.Register("Laptop")
		w.Authenticator(p.keep)
		if page := key.ShowAt(p.keep.Browser, "/me/merge/passkey"); page.Location != "/me/merge/confirm" {
			t.Fatalf("a passkey: %d %q", page.Status, page.Location)
		}
		p.keep.Get("/me/merge/confirm").Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now")
	})
}

// The half-done merge belongs to one session, and to the credentials of both;
// ten minutes later it is over.
func TestT099_AMergeIsBoundToItsSessionAndToBothLogins(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for name, spoil := range map[string]func(p *pair){
			"another session": func(p *pair) {
				token := p.keep.Cookie("__Host-clientele-another")
				w.SignIn(p.keep)
				p.keep.SetCookie(&http.Cookie{Name: "__Host-clientele-another", Value: token, Path: "/", Secure: true})
			},
			"no cookie": func(p *pair) {
				p.keep.SetCookie(&http.Cookie{Name: "__Host-clientele-another", Value: "x", Path: "/", Secure: true})
			},
			"the other's new password": func(p *pair) { w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", p.other.User) },
			"her own new password":     func(p *pair) { w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", p.keep.User) },
			"the other is suspended":   func(p *pair) { w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.other.User) },
			"ten minutes": func(p *pair) {
				w.Clock.Move(10*time.Minute + time.Second)
				p.keep.Get("/confirm").Submit("/confirm", url.Values{"password": {apptest.Password}})
			},
		} {
			p := newPair(t, w)
			page := p.shown()
			spoil(p)
			if after := page.Submit("/me/merge/confirm", nil); after.Status != http.StatusGone {
				t.Errorf("%s: %d", name, after.Status)
			}
			if w.Count("merges WHERE keep_id = $1", p.keep.User) != 0 || w.Count("users WHERE id = $1 AND merged_into IS NULL", p.other.User) != 1 {
				t.Errorf("%s: it is done", name)
			}
			p.leave()
		}
	})
}

// Failing tells nothing of who has a login, and counts as at the door.
func TestT087_ShowingAnotherLoginTellsNothingAndIsBraked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		said := func(address, password string) string {
			page := p.keep.Get("/me/merge").Submit("/me/merge", showsOther(address, password)).Must(http.StatusUnprocessableEntity)
			return page.Find("main [role=alert], main .error-summary").Text()
		}
		wrong, nobody := said(p.other.Address, "not her password"), said("nobody@old.example", "not her password")
		if wrong == "" || wrong != nobody {
			t.Errorf("a wrong password says %q, nobody %q", wrong, nobody)
		}
		for range 14 {
			p.keep.Post("/me/merge", showsOther(p.other.Address, "not her password"))
		}
		if page := p.keep.Post("/me/merge", showsOther(p.other.Address, apptest.Password)); page.Status != http.StatusTooManyRequests {
			t.Errorf("the sixteenth attempt: %d", page.Status)
		}
		if ok, _ := p.signsIn(p.other.Address); ok {
			t.Error("the door does not count them")
		}
	})
}

// T-070: an address that nobody has proven brings nothing in, nor one that its
// former mailbox can still take back.
func TestT070_AMergeTakesTwoProvenAddresses(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for name, set := range map[string]string{
			"the other is unproven": "UPDATE users SET verified_at = NULL WHERE id = $1",
			"its address is new":    "INSERT INTO address_changes (user_id, session_id, old_address, new_address, token_hash, credentials, created_at, expires_at, ended_at, done_at, undo_hash, undo_until) SELECT id, 1, 'was@old.example', address, 'a', 1, created_at, created_at, created_at, created_at, 'b', $2 FROM users WHERE id = $1",
		} {
			p := newPair(t, w)
			args := []any{p.other.User}
			if strings.Contains(set, "$2") {
				args = append(args, w.Clock.Now().Add(time.Hour))
			}
			w.Exec(set, args...)
			page := p.shown().Must(http.StatusOK, "This cannot be done yet")
			if page.Find(`form[action="/me/merge/confirm"]`).Length() != 0 {
				t.Errorf("%s: it can be confirmed", name)
			}
			if page := p.keep.PostOnly("/me/merge/confirm", url.Values{}); page.Status != http.StatusConflict {
				t.Errorf("%s: %d", name, page.Status)
			}
			if p.in(p.keep.Browser, p.bakery) {
				t.Errorf("%s: it has moved", name)
			}
			p.leave()
		}
	})
}

// What she confirms is what she was shown.
func TestAMergeDoesWhatWasShown(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		page := p.shown()
		w.Exec("UPDATE memberships SET role = 'full' WHERE account_id = $1 AND user_id = $2", p.shop, p.other.User)
		again := page.Submit("/me/merge/confirm", nil).Must(http.StatusConflict, "What moves has just changed", "Full access")
		again.Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now")
		if twice := again.Submit("/me/merge/confirm", nil); twice.Status != http.StatusGone {
			t.Errorf("confirmed twice: %d", twice.Status)
		}
	})
}

// For seven days she can take the other login out again: both have what they
// had, and the other its old password.
func TestAMergeCanBeUndoneForSevenDays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		w.JoinAs(p.shop, access.Join{User: p.keep.User, Role: access.Role{BuiltIn: "support"}})
		before := apptest.Query[string](w, powers)
		p.merged()
		page := p.keep.Get("/me/merges/"+p.number()).Must(http.StatusOK, "Take it out again", "anna@old.example")
		page.Submit("/me/merges/"+p.number()+"/undo", nil).Must(http.StatusOK, "The login is on its own again")
		if after := apptest.Query[string](w, powers); strings.Join(after, "\n") != strings.Join(before, "\n") {
			t.Errorf("afterwards:\n%s\nbefore:\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
		}
		if ok, _ := p.signsIn(p.other.Address); !ok {
			t.Error("the other login does not sign in")
		}
		if p.in(p.keep.Browser, p.bakery) || !p.in(p.keep.Browser, p.shop) {
			t.Error("she has not what she had before")
		}
		if page := p.keep.Get("/me/activity"); page.Says("A. Berg signed in") {
			t.Error("she still reads the other's history")
		}
		w.Mail.Next(t, p.other.Address, "on its own again")
		if page := p.keep.PostOnly("/me/merges/"+p.number()+"/undo", url.Values{}); page.Status != http.StatusGone {
			t.Errorf("undone twice: %d", page.Status)
		}
		if page := p.boss.PostOnly("/me/merges/"+p.number()+"/undo", url.Values{}); page.Status != http.StatusNotFound {
			t.Errorf("undone by a stranger: %d", page.Status)
		}
	})
}

const powers = `SELECT CAST(account_id AS TEXT) || ' ' || CAST(user_id AS TEXT) || ' ' || CAST(owner AS TEXT) || ' ' || role || ' ' || CAST(permissions AS TEXT) || ' ' || status
	FROM memberships WHERE status <> 'ended' ORDER BY account_id, user_id`

// Whoever has the other's mailbox takes it back, locked, out of the login of
// whoever had only its password.
func TestT108_TheMailToTheOtherAddressUndoesAMerge(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		p.merged()
		page := w.Browser().Get(w.Mail.Next(t, p.other.Address, "part of another one").Link(t)).Must(http.StatusOK, "This was not you?")
		page.Submit("/alarm", nil).Must(http.StatusOK, "Everybody is locked out")
		if p.in(p.keep.Browser, p.bakery) || p.in(p.keep.Browser, p.shop) || !p.in(p.keep.Browser, p.home) {
			t.Error("the other login has not what it took")
		}
		if ok, _ := p.signsIn(p.other.Address); ok {
			t.Error("the old password still works")
		}
		link := w.Mail.Next(t, p.other.Address, "Set a new password").Link(t)
		b := w.Browser()
		b.Get(link).Submit("/recover/password", url.Values{"password": {"four green bicycles"}}).Must(http.StatusOK)
		if !p.in(b, p.bakery) || !p.in(b, p.shop) {
			t.Error("she is not back in her accounts")
		}
	})
}

// What an account's owners have changed since stays changed.
func TestAnUndoneMergeRevivesNothingThatWasTaken(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for name, c := range map[string]struct {
			also   bool   // she was a member of the shop with both
			change string // of the membership that is left
			keep   bool   // is in the shop afterwards
			other  bool
		}{
			"removed":                {change: "status = 'ended', ended_why = 'removed', ended_at = starts_at"},
			"removed from both":      {also: true, change: "status = 'ended', ended_why = 'removed', ended_at = starts_at"},
			"narrowed":               {change: "role = 'support'", other: true},
			"narrowed to the first":  {also: true, change: "role = 'support', permissions = 0", keep: true},
			"widened":                {change: "role = 'full'", other: true},
			"suspended":              {change: "status = 'suspended'"},
			"suspended in the stead": {also: true, change: "status = 'suspended'"},
		} {
			p := newPair(t, w)
			if c.also {
				w.JoinAs(p.shop, access.Join{User: p.keep.User, Role: access.Role{BuiltIn: "support"}})
			}
			had := access.Set(0)
			if b, ok := access.RoleByKey("billing"); ok {
				had = b.Set
			}
			p.merged()
			w.Exec("UPDATE memberships SET "+c.change+" WHERE account_id = $1 AND user_id = $2 AND status <> 'ended'", p.shop, p.keep.User)
			p.keep.PostOnly("/me/merges/"+p.number()+"/undo", url.Values{}).Must(http.StatusSeeOther)
			w.SignIn(p.other)
			if in := p.in(p.keep.Browser, p.shop); in != c.keep {
				t.Errorf("%s: the kept login in the shop: %v", name, in)
			}
			if in := p.in(p.other.Browser, p.shop); in != c.other {
				t.Errorf("%s: the other login in the shop: %v", name, in)
			}
			if !p.in(p.other.Browser, p.bakery) {
				t.Errorf("%s: the bakery is not the other's again", name)
			}
			type row struct {
				Role        string
				Permissions access.Set
			}
			for _, r := range apptest.Query[row](w, "SELECT role, permissions FROM memberships WHERE account_id = $1 AND user_id = $2 AND status = 'active'", p.shop, p.other.User) {
				b, _ := access.RoleByKey(r.Role)
				if !had.Has(b.Set | r.Permissions) {
					t.Errorf("%s: the other login may do more than before: %+v", name, r)
				}
			}
			p.leave()
		}
	})
}

// After seven days it is final: the other login is deleted with what proved it,
// its address is free, and its history is hers for good.
func TestT146_AMergeIsFinalAfterSevenDays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		p.merged()
		number := p.number()
		if page := w.Browser().Get("/signup").Submit("/signup", url.Values{"name": {"Eve"}, "address": {p.other.Address}, "password": {"four green bicycles"}, "kind": {"login"}}); page.Status != http.StatusOK || w.Count("signups WHERE address = $1", p.other.Address) > 1 {
			t.Errorf("signing up: %d", page.Status)
		}
		w.Clock.Move(7*24*time.Hour - time.Minute)
		if err := w.Sweep(t.Context()); err != nil || w.Count("users WHERE id = $1 AND status = 'suspended'", p.other.User) != 1 {
			t.Fatalf("a minute too early: %v", err)
		}
		w.Clock.Move(2 * time.Minute)
		w.SignIn(p.keep)
		if page := p.keep.PostOnly("/me/merges/"+number+"/undo", url.Values{}); page.Status != http.StatusGone {
			t.Errorf("undone after seven days: %d", page.Status)
		}
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.Count("users WHERE address = $1", p.other.Address) != 0 || w.Count("users WHERE id = $1 AND status = 'deleted' AND password = ''", p.other.User) != 1 || w.Count("merge_parts") != 0 {
			t.Error("the other login is not deleted")
		}
		p.keep.Get("/me/activity").Must(http.StatusOK, "User "+id.String(p.other.User)+", now user "+id.String(p.keep.User)+" signed in")
		if !p.in(p.keep.Browser, p.bakery) {
			t.Error("she is not in the bakery")
		}
	})
}

// Whoever deletes the login that she keeps deletes the other with it.
func TestT146_DeletingTheKeptLoginDeletesWhatWasBroughtIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		p.merged()
		w.Exec("UPDATE accounts SET status = 'closed' WHERE id IN ($1, $2)", p.home, p.bakery)
		p.keep.Post("/me/delete", url.Values{"sure": {"yes"}}).Must(http.StatusOK, "Your login is deleted")
		if n := w.Count("users WHERE status = 'deleted' AND id IN ($1, $2)", p.keep.User, p.other.User); n != 2 {
			t.Errorf("%d are deleted", n)
		}
		w.Quiet()
		if n := w.Count("users WHERE name LIKE '%Berg%' OR address LIKE '%anna%'"); n != 0 {
			t.Error("a name is left")
		}
	})
}

// A login that became part of hers for good does not keep her.
func TestT146_WhoeverHasBroughtALoginInForGoodCanGo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		p.merged()
		w.Clock.Move(7 * 24 * time.Hour)
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Exec("UPDATE accounts SET status = 'closed' WHERE id IN ($1, $2)", p.home, p.bakery)
		w.SignIn(p.keep)
		p.keep.Post("/me/delete", url.Values{"sure": {"yes"}}).Must(http.StatusOK, "Your login is deleted")
		if n := w.Count("users WHERE status = 'deleted' AND id IN ($1, $2)", p.keep.User, p.other.User); n != 2 {
			t.Errorf("%d are deleted", n)
		}
	})
}

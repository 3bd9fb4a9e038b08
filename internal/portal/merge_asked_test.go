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

// asked has staff ask for it, on the page of the login that stays.
func (p *pair) asked(op *apptest.Operator) {
	p.t.Helper()
	path := "/staff/users/" + id.String(p.keep.User)
	op.Get(path).Must(http.StatusOK, "Several logins of one person").Submit(path+"/merge", url.Values{
		"other": {id.String(p.other.User)}, "reason": {"She has called and named both addresses."},
	}).Must(http.StatusOK, "Both addresses have a mail")
}

// agrees follows the mail to a login, signed in to it.
func (p *pair) agrees(who *apptest.Person, words string) {
	p.t.Helper()
	link := p.Mail.Next(p.t, who.Address, "together?").Link(p.t)
	page := who.Get(link).Must(http.StatusOK, "Bring two logins together?")
	if page.Find(`a[href="/together/confirm"]`).Length() == 0 {
		p.t.Fatal("the link does not lead on")
	}
	who.Get("/together/confirm").Must(http.StatusOK, "Yes, these are both mine").Submit("/together/confirm", nil).Must(http.StatusOK, words)
}

// Staff can only ask: nothing happens before she has agreed, signed in to each
// of the two logins.
func TestAMergeAskedByStaffTakesThePersonOnBothSides(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for _, first := range []string{"the kept login", "the other login"} {
			p := newPair(t, w)
			op := w.Operator("Sue Support", "sue-"+first[4:5]+"@staff.example", "support")
			p.asked(op)
			sides := []*apptest.Person{p.keep, p.other}
			if first == "the other login" {
				sides = []*apptest.Person{p.other, p.keep}
			}
			p.agrees(sides[0], "You have agreed with this login")
			if p.in(p.keep.Browser, p.bakery) {
				t.Fatal("one side was enough")
			}
			op.Get("/staff/users/"+id.String(p.other.User)).Must(http.StatusOK, "Agreed", "Not yet", "She has called")
			p.agrees(sides[1], "Done")
			w.SignIn(p.keep)
			if !p.in(p.keep.Browser, p.bakery) || !p.in(p.keep.Browser, p.shop) {
				t.Error("she is not in her accounts")
			}
			page := op.Get("/staff/users/"+id.String(p.other.User)).Must(http.StatusOK, "This login is part of another one", "Suspended")
			if page.Find(`form[action$="/restore"]`).Length() > 0 {
				t.Error("staff are offered to restore what is part of another login")
			}
			op.Get("/staff/users/"+id.String(p.other.User)+"/access?account="+id.String(p.bakery)).Must(http.StatusOK, "which this person signs in with")
			op.PostOnly("/staff/users/"+id.String(p.other.User)+"/restore", url.Values{}).Must(http.StatusConflict, "part of another one, so it cannot be restored")
			w.Mail.Next(t, p.other.Address, "part of another one")
			w.Mail.Next(t, p.keep.Address, "part of yours now")
			p.leave()
		}
	})
}

// Operators can be wrong about whose a login is: until both have agreed, each
// side reads of its own accounts only. Who would give hers away reads to whom.
func TestT103_ALoginThatStaffNamesTellsNothingBeforeItAgrees(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		op := w.Operator("Sue Support", "sue@staff.example", "support")
		p.asked(op)
		mine, theirs := w.Mail.Next(t, p.keep.Address, "together?").Link(t), w.Mail.Next(t, p.other.Address, "together?").Link(t)
		p.keep.Get(mine)
		w.JoinAs(p.shop, access.Join{User: p.keep.User, Role: access.Role{BuiltIn: "support"}})
		half := p.keep.Get("/together/confirm").Must(http.StatusOK, "a•••@old.example")
		if text := half.Find("main").Text(); strings.Contains(text, "Harbour Bakery") || strings.Contains(text, "Shop") || half.Says(p.other.Address) {
			t.Errorf("the login that stays is told of the other one: %s", text)
		}
		p.other.Get(theirs)
		half = p.other.Get("/together/confirm").Must(http.StatusOK, "Harbour Bakery", "Shop", "Agree only if "+p.keep.Address+" is your own login")
		if half.Says("Home") {
			t.Error("the login that is brought in is told of the accounts of the other one")
		}
		half.Submit("/together/confirm", nil).Must(http.StatusOK, "You have agreed with this login")
		p.keep.Get("/together/confirm").Must(http.StatusOK, "What moves", "Harbour Bakery", p.other.Address)
		p.keep.Get("/me/activity").Must(http.StatusOK)
		if activity := p.keep.Get("/me/activity"); activity.Says("She has called") || strings.Contains(activity.Body, "She has called") {
			t.Error("she reads what operators have said to each other")
		}
	})
}

// What the other login has joined since it agreed was not agreed to: it has to
// agree once more.
func TestAMergeMovesOnlyWhatWasAgreedTo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		op := w.Operator("Sue Support", "sue@staff.example", "support")
		p.asked(op)
		mine, theirs := w.Mail.Next(t, p.keep.Address, "together?").Link(t), w.Mail.Next(t, p.other.Address, "together?").Link(t)
		agrees := func(who *apptest.Person, link string) *apptest.Page {
			who.Get(link)
			return who.Get("/together/confirm").Submit("/together/confirm", nil)
		}
		agrees(p.other, theirs).Must(http.StatusOK, "You have agreed with this login")
		vault := w.Account(p.boss, "Vault")
		w.JoinAs(vault, access.Join{User: p.other.User, Role: access.Role{BuiltIn: "full"}})
		agrees(p.keep, mine).Must(http.StatusOK, "You have agreed with this login")
		if p.in(p.keep.Browser, p.bakery) || p.in(p.keep.Browser, vault) {
			t.Fatal("what was joined since has moved")
		}
		agrees(p.other, theirs).Must(http.StatusOK, "Done")
		w.SignIn(p.keep)
		if !p.in(p.keep.Browser, p.bakery) || !p.in(p.keep.Browser, vault) {
			t.Error("what was agreed to has not moved")
		}
	})
}

// The links alone do nothing but stop it: T-095, a mailbox proves a mailbox.
func TestT095_TheLinkOfAMergeAloneBringsNothingTogether(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		op := w.Operator("Sue Support", "sue@staff.example", "support")
		p.asked(op)
		mine, theirs := w.Mail.Next(t, p.keep.Address, "together?").Link(t), w.Mail.Next(t, p.other.Address, "together?").Link(t)
		thief := w.Browser()
		for _, link := range []string{mine, theirs} {
			if page := thief.Get(link).Must(http.StatusOK); page.Says(p.keep.Address) && page.Says(p.other.Address) {
				t.Error("the link tells of the other login")
			}
			if page := thief.PostOnly("/together/confirm", url.Values{}); page.Status != http.StatusUnauthorized {
				t.Errorf("agreed to by nobody: %d", page.Status)
			}
		}
		p.keep.Get(theirs)
		if page := p.keep.PostOnly("/together/confirm", url.Values{}); page.Status != http.StatusForbidden {
			t.Errorf("the other's link in the kept login's session: %d", page.Status)
		}
		w.Clock.Move(11 * time.Minute)
		p.other.Get(theirs)
		if page := p.other.PostOnly("/together/confirm", url.Values{}); page.Status != http.StatusForbidden {
			t.Errorf("without a fresh proof: %d", page.Status)
		}
		thief.Get(mine).Submit("/together", nil).Must(http.StatusOK, "Stopped")
		if page := p.other.Get(theirs); page.Status != http.StatusGone {
			t.Errorf("the other link, after it was stopped: %d", page.Status)
		}
		if w.Count("merges WHERE state = 'stopped'") != 1 || p.in(p.keep.Browser, p.bakery) {
			t.Error("it was not stopped")
		}
	})
}

// What staff have asked for ends: withdrawn, after seven days, with a change
// of what proves a login that has agreed, and with either login.
func TestAMergeAskedByStaffEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for name, c := range map[string]struct {
			end  func(p *pair, op *apptest.Operator)
			want int
		}{
			"withdrawn": {func(p *pair, op *apptest.Operator) {
				op.Get("/staff/users/"+id.String(p.other.User)).Submit("/staff/users/"+id.String(p.other.User)+"/merge/withdraw", nil).Must(http.StatusOK, "Withdrawn")
			}, http.StatusGone},
			"seven days": {func(p *pair, _ *apptest.Operator) {
				w.Clock.Move(7*24*time.Hour + time.Second)
				w.SignIn(p.other)
			}, http.StatusGone},
			"a new password": {func(p *pair, _ *apptest.Operator) {
				w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", p.keep.User)
			}, http.StatusConflict},
			"suspended": {func(p *pair, _ *apptest.Operator) {
				w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.keep.User)
			}, http.StatusConflict},
		} {
			p := newPair(t, w)
			op := w.Operator("Sue Support", "sue-"+id.String(p.keep.User)+"@staff.example", "support")
			p.asked(op)
			p.agrees(p.keep, "You have agreed")
			p.other.Get(w.Mail.Next(t, p.other.Address, "together?").Link(t)).Must(http.StatusOK)
			page := p.other.Get("/together/confirm")
			c.end(p, op)
			form := url.Values{"plan": {page.Find(`input[name="plan"]`).AttrOr("value", "")}}
			if after := p.other.PostOnly("/together/confirm", form); after.Status != c.want {
				t.Errorf("%s: %d", name, after.Status)
			}
			if w.Count("users WHERE id = $1 AND merged_into IS NOT NULL", p.other.User) != 0 {
				t.Errorf("%s: it was done", name)
			}
			w.Exec("UPDATE merges SET state = 'stopped' WHERE state = 'asked'")
			p.leave()
		}
	})
}

// Staff cannot do it alone, nor ask it of whom it cannot be asked.
func TestAMergeIsRefusedToStaffWithoutAReasonOrAPerson(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := newPair(t, w)
		op := w.Operator("Sue Support", "sue@staff.example", "support")
		path := "/staff/users/" + id.String(p.keep.User)
		ask := func(other, reason string) *apptest.Page {
			return op.Get(path).Submit(path+"/merge", url.Values{"other": {other}, "reason": {reason}})
		}
		number := id.String(p.other.User)
		if page := ask(number, "short").Must(http.StatusUnprocessableEntity, "Say in a sentence why these are one person"); page.Find(`form[action="`+path+`/merge"] [name="reason"][aria-invalid]`).Length() == 0 {
			t.Error("no reason is asked for")
		}
		for name, other := range map[string]string{"nobody": "999999", "words": "anna", "herself": id.String(p.keep.User)} {
			if page := ask(other, "She has called and named both.").Must(http.StatusUnprocessableEntity); page.FieldError("other") == "" {
				t.Errorf("%s: nothing is said", name)
			}
		}
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.other.User)
		ask(number, "She has called and named both.").Must(http.StatusUnprocessableEntity, "cannot sign in")
		w.Exec("UPDATE users SET status = 'active' WHERE id = $1", p.other.User)
		ask(number, "She has called and named both.").Must(http.StatusOK, "Both addresses have a mail")
		if page := op.PostOnly(path+"/merge", url.Values{"other": {number}, "reason": {"She has called and named both."}}); page.Status != http.StatusUnprocessableEntity {
			t.Errorf("asked twice: %d", page.Status)
		}
		reader := w.Operator("Ray Reader", "ray@staff.example", "readonly")
		if page := reader.PostOnly(path+"/merge/withdraw", url.Values{}); page.Status != http.StatusForbidden {
			t.Errorf("withdrawn by a reader: %d", page.Status)
		}
	})
}

// Whatever comes at the same time, it is done once, or not at all, and every
// account keeps its owner.
func TestAMergeInARace(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		t.Run("the same twice", func(t *testing.T) {
			p := newPair(t, w)
			p.t = t
			form := url.Values{"plan": {p.shown().Find(`input[name="plan"]`).AttrOr("value", "")}}
			answers := make([]int, 6)
			apptest.Race(6, func(n int) { answers[n] = p.keep.PostOnly("/me/merge/confirm", form).Status })
			if w.Count("merges WHERE keep_id = $1 AND state = 'done'", p.keep.User) != 1 {
				t.Errorf("it was done %v", answers)
			}
			p.leave()
		})
		t.Run("crosswise", func(t *testing.T) {
			p := newPair(t, w)
			p.t = t
			q := &pair{World: w, t: t, keep: p.other, other: p.keep}
			mine := url.Values{"plan": {p.shown().Find(`input[name="plan"]`).AttrOr("value", "")}}
			theirs := url.Values{"plan": {q.shown().Find(`input[name="plan"]`).AttrOr("value", "")}}
			apptest.Race(2, func(n int) {
				if n == 0 {
					p.keep.PostOnly("/me/merge/confirm", mine)
				} else {
					p.other.PostOnly("/me/merge/confirm", theirs)
				}
			})
			if n := w.Count("users WHERE id IN ($1, $2) AND status = 'active' AND merged_into IS NULL", p.keep.User, p.other.User); n != 1 {
				t.Errorf("%d of the two are left", n)
			}
			p.leave()
		})
		t.Run("an owner removes her", func(t *testing.T) {
			p := newPair(t, w)
			p.t = t
			member := id.String(w.Membership(p.shop, p.other))
			form := url.Values{"plan": {p.shown().Find(`input[name="plan"]`).AttrOr("value", "")}}
			var removed int
			apptest.Race(2, func(n int) {
				if n == 0 {
					p.keep.PostOnly("/me/merge/confirm", form)
				} else {
					removed = p.boss.PostOnly("/a/"+id.String(p.shop)+"/people/members/"+member+"/remove", url.Values{"account": {id.String(p.shop)}}).Status
				}
			})
			if n := w.Count("memberships WHERE account_id = $1 AND status <> 'ended' AND user_id <> $2", p.shop, p.boss.User); removed != http.StatusSeeOther || n != 0 {
				t.Errorf("removing answers %d, and %d memberships are left", removed, n)
			}
			p.leave()
		})
		t.Run("she deletes the other", func(t *testing.T) {
			p := newPair(t, w)
			p.t = t
			w.JoinAs(p.bakery, access.Join{User: p.boss.User, Owner: true, Role: access.Role{BuiltIn: "full"}})
			form := url.Values{"plan": {p.shown().Find(`input[name="plan"]`).AttrOr("value", "")}}
			apptest.Race(2, func(n int) {
				if n == 0 {
					p.keep.PostOnly("/me/merge/confirm", form)
				} else {
					p.other.PostOnly("/me/delete", url.Values{"sure": {"yes"}})
				}
			})
			merged := w.Count("merges WHERE keep_id = $1 AND state = 'done'", p.keep.User) == 1
			deleted := w.Count("users WHERE id = $1 AND status = 'deleted'", p.other.User) == 1
			if merged == deleted || w.Count("memberships WHERE user_id = $1 AND status <> 'ended'", p.other.User) != 0 || p.in(p.keep.Browser, p.bakery) != merged {
				t.Errorf("merged: %v, deleted: %v", merged, deleted)
			}
		})
	})
}

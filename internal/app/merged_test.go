package app_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"
)

// A twosome is two logins in a town: Ben's, which owns a bakery of its own,
// and Nora's, in whose shop Ben works too.
type twosome struct {
	*apptest.World
	t                  *testing.T
	keep, other, boss  *apptest.Person
	bakery, shop, both id.Account
	file               string
}

func newTwosome(t *testing.T, w *apptest.World) *twosome {
	s := &twosome{World: w, t: t, file: filepath.Join(t.TempDir(), "town.zip")}
	s.keep, s.other, s.boss = w.Person("Anna Berg", "anna@new.example"), w.Person("A. Berg", "anna@old.example"), w.Person("Bo Boss", "bo@shop.example")
	s.bakery, s.shop, s.both = w.Account(s.other, "Harbour Bakery"), w.Account(s.boss, "Shop"), w.Account(s.boss, "Mill")
	w.JoinAs(s.shop, access.Join{User: s.other.User, Role: access.Role{BuiltIn: "billing"}})
	w.JoinAs(s.both, access.Join{User: s.other.User, Role: access.Role{BuiltIn: "full"}})
	w.JoinAs(s.both, access.Join{User: s.keep.User, Role: access.Role{BuiltIn: "readonly"}})
	return s
}

// merge has somebody who holds both bring the one into the other.
func (s *twosome) merge() {
	s.t.Helper()
	s.keep.Get("/me/merge").Must(http.StatusOK).
		Submit("/me/merge", url.Values{"address": {s.other.Address}, "password": {apptest.Password}}).Must(http.StatusOK, "What moves").
		Submit("/me/merge/confirm", nil).Must(http.StatusOK, "This login opens now what the other one did")
}

func (s *twosome) backup() {
	s.t.Helper()
	mustRun(s.t, s.World, "is whole", "backup", s.file)
}

// restored puts the backup back, over the database or beside it, and returns
// the town as it is then.
func (s *twosome) restored(replace bool, says string, more ...string) *twosome {
	s.t.Helper()
	there := *s
	if replace {
		s.Offline(func() {
			mustRun(s.t, s.World, says, append([]string{"restore", "--replace", "--yes", s.file}, more...)...)
		})
	} else {
		empty := apptest.EmptyDatabase(s.t, s.Engine)
		mustRun(s.t, s.World, says, append([]string{"restore", s.file, "--since", s.Config.DatabaseURL, "--database-url", empty}, more...)...)
		there.World = apptest.At(s.t, s.Engine, empty, s.Config.KeyFile)
		there.Clock.Move(s.Clock.Now().Sub(there.Clock.Now()))
	}
	return &there
}

// later lets the time pass in which a merge can be undone.
func (s *twosome) later() {
	s.t.Helper()
	s.Clock.Move(8 * 24 * time.Hour)
	if err := s.App.Sweep(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *twosome) has(p *apptest.Person, list ...id.Account) {
	s.t.Helper()
	for _, a := range []id.Account{s.bakery, s.shop, s.both} {
		want := false
		for _, in := range list {
			want = want || in == a
		}
		if is := s.Member(a, p); is != want {
			s.t.Errorf("%s in account %d: %t, want %t", p.Name, a, is, want)
		}
	}
}

func (s *twosome) signsIn(address, password string) bool {
	return s.Browser().PostOnly("/signin", url.Values{"address": {address}, "password": {password}}).Status == http.StatusSeeOther
}

// each runs a test with both ways of knowing what came later.
func eachTwosome(t *testing.T, test func(t *testing.T, s *twosome, replace bool)) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for name, replace := range map[string]bool{"since": false, "replace": true} {
			t.Run(name, func(t *testing.T) { test(t, newTwosome(t, apptest.New(t, w.Engine)), replace) })
		}
	})
}

// TestT148_AMergeThatWasTakenBackStaysTakenBack has somebody with the other's
// password bring the login into one of theirs; its person undoes that after the
// backup.
func TestT148_AMergeThatWasTakenBackStaysTakenBack(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.merge()
		s.has(s.keep, s.bakery, s.shop, s.both)
		s.backup()
		alarm := s.Mail.Next(t, s.other.Address, "part of another one").Link(t)
		s.Browser().Get(alarm).Must(http.StatusOK).Submit("/alarm", nil).Must(http.StatusOK, "Everybody is locked out")
		link := s.Mail.Next(t, s.other.Address, "Set a new password").Link(t)
		s.Browser().Get(link).Submit("/recover/password", url.Values{"password": {"four green bicycles"}}).Must(http.StatusOK)
		s.has(s.other, s.bakery, s.shop, s.both)

		there := s.restored(replace, "1 logins that were taken out of others are on their own again")
		there.later()
		there.has(s.other, s.bakery, s.shop, s.both)
		there.has(s.keep, s.both)
		if there.Count("memberships WHERE user_id = $1 AND account_id = $2 AND owner AND status = 'active'", s.other.User, s.bakery) != 1 {
			t.Error("the bakery is not its owner's")
		}
		if there.Count("users WHERE id = $1 AND status = 'active' AND merged_into IS NULL", s.other.User) != 1 || there.Count("formers") != 0 {
			t.Error("the login is part of the other one still")
		}
		if there.signsIn(s.other.Address, apptest.Password) || !there.signsIn(s.other.Address, "four green bicycles") {
			t.Error("the password is not the one that was set last")
		}
	})
}

// TestT148_AMergeInABackupCanBeTakenBack restores before its person has seen the mail.
func TestT148_AMergeInABackupCanBeTakenBack(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTwosome(t, w)
		s.merge()
		s.backup()
		alarm := s.Mail.Next(t, s.other.Address, "part of another one").Link(t)
		s.restored(true, "Everybody signs in again")
		s.Browser().Get(alarm).Must(http.StatusOK).Submit("/alarm", nil).Must(http.StatusOK, "Everybody is locked out")
		s.has(s.other, s.bakery, s.shop, s.both)
		s.has(s.keep, s.both)
	})
}

// TestT148_AMergeThatBecameFinalKeepsWhatItGave restores a backup from before
// it, with and without what was taken since.
func TestT148_AMergeThatBecameFinalKeepsWhatItGave(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.backup()
		s.merge()
		s.later()
		s.SignIn(s.boss)
		s.boss.PostOnly("/a/"+id.String(s.shop)+"/people/members/"+id.String(s.Membership(s.shop, s.keep))+"/remove", url.Values{"account": {id.String(s.shop)}}).Must(http.StatusSeeOther)

		there := s.restored(replace, "1 logins that had become part of others are part of them again")
		there.has(s.keep, s.bakery, s.both)
		there.has(s.other)
		if there.Count("memberships WHERE user_id = $1 AND account_id = $2 AND owner AND status = 'active'", s.keep.User, s.bakery) != 1 {
			t.Error("the bakery has lost its owner")
		}
		if there.Count("memberships WHERE user_id = $1 AND account_id = $2 AND role = 'full' AND status = 'active'", s.keep.User, s.both) != 1 {
			t.Error("in the mill it is not the stronger of the two that stays")
		}
		if there.Count("users WHERE id = $1 AND status = 'deleted' AND password = ''", s.other.User) != 1 || there.Count("formers WHERE user_id = $1 AND former_id = $2", s.keep.User, s.other.User) != 1 {
			t.Error("the other login is not part of the one that stays")
		}
		if there.signsIn(s.other.Address, apptest.Password) {
			t.Error("the other login signs in")
		}
		there.later()
	})
}

// TestT148_AMergeThatBecameFinalAfterTheBackupIsFinal restores a backup in
// which it could still be undone; and one whose person has gone since.
func TestT148_AMergeThatBecameFinalAfterTheBackupIsFinal(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.merge()
		s.backup()
		s.later()
		there := s.restored(replace, "Everybody signs in again")
		there.has(s.keep, s.bakery, s.shop, s.both)
		there.later()
		if there.Count("merges WHERE state = 'final'") != 1 || there.Count("users WHERE id = $1 AND status = 'deleted'", s.other.User) != 1 {
			t.Error("it is not final")
		}
	})
}

// TestT148_WhoeverGoesTakesAlongWhatSheBroughtIn deletes both logins in the
// days in which the merge could still be undone: by the list beside the key
// alone, and by the database.
func TestT148_WhoeverGoesTakesAlongWhatSheBroughtIn(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.merge()
		s.Exec("UPDATE accounts SET status = 'closed' WHERE id = $1", s.bakery)
		s.backup()
		s.keep.PostOnly("/me/delete", url.Values{"sure": {"yes"}}).Must(http.StatusOK)
		list := []*twosome{s.restored(replace, "people who had deleted their logins are deleted again")}
		if !replace {
			alone := *s
			empty := apptest.EmptyDatabase(t, s.Engine)
			mustRun(t, s.World, "people who had deleted their logins are deleted again", "restore", s.file, "--database-url", empty)
			alone.World = apptest.At(t, s.Engine, empty, s.Config.KeyFile)
			list = append(list, &alone)
		}
		for _, there := range list {
			if there.Count("users WHERE id IN ($1, $2) AND status <> 'deleted'", s.keep.User, s.other.User) != 0 {
				t.Error("somebody who has gone is there")
			}
			there.later()
		}
	})
}

// TestT148_AMergeThatCouldStillBeUndoneIsUndone restores a backup from before
// it: nobody could take it back any more, so each login is its own.
func TestT148_AMergeThatCouldStillBeUndoneIsUndone(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.backup()
		s.merge()
		there := s.restored(replace, "is a login of its own again")
		there.has(s.keep, s.both)
		there.has(s.other, s.bakery, s.shop, s.both)
		if there.Count("memberships WHERE user_id = $1 AND account_id = $2 AND role = 'readonly'", s.keep.User, s.both) != 1 || !there.signsIn(s.other.Address, apptest.Password) {
			t.Error("they are not as they were")
		}
	})
}

// TestT148_ALoginWhoseHeirIsNotInTheBackupWaits restores a backup in which the
// login that stays is not there yet.
func TestT148_ALoginWhoseHeirIsNotInTheBackupWaits(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTwosome(t, w)
		s.backup()
		s.keep = w.Person("Anna Later", "anna@later.example")
		s.merge()
		s.later()
		said := s.restored(true, "who is not in the backup, and is suspended")
		said.has(s.other, s.bakery, s.shop, s.both)
		if said.signsIn(s.other.Address, apptest.Password) || said.Count("users WHERE id = $1 AND status = 'suspended' AND suspended_why LIKE '%had become part of user%'", s.other.User) != 1 {
			t.Error("the login does not wait for an operator")
		}
		// No account stays without an owner: the operator settles whose login it is.
		said.Exec("UPDATE users SET status = 'active', suspended_at = NULL WHERE id = $1", s.other.User)
	})
}

// TestT148_WhatOwnersAndTheInvitedRefuseStaysRefused restores over what was
// tightened, and leaves what was stricter before.
func TestT148_WhatOwnersAndTheInvitedRefuseStaysRefused(t *testing.T) {
	eachTwosome(t, func(t *testing.T, s *twosome, replace bool) {
		s.Exec("UPDATE accounts SET ways = 'passkey', session_hours = 4, staff_may_look = FALSE WHERE id = $1", s.both)
		s.Exec("UPDATE accounts SET ways = 'password,passkey' WHERE id = $1", s.shop)
		s.backup()
		s.Exec("UPDATE accounts SET ways = 'password', session_hours = 8, second_from = created_at, staff_may_look = FALSE WHERE id = $1", s.bakery)
		s.Exec("UPDATE accounts SET ways = 'provider:99' WHERE id = $1", s.shop)
		s.Exec("UPDATE accounts SET ways = 'password,passkey', session_hours = 8, staff_may_look = TRUE WHERE id = $1", s.both)
		s.Exec("INSERT INTO invitation_blocks (account_id, address, created_at) SELECT id, 'tired@else.example', created_at FROM accounts WHERE id = $1", s.shop)
		there := s.restored(replace, "allowed only ways to sign in that are not in the backup", "--bring-back")
		for what, n := range map[string]int64{
			"what was tightened":               there.Count("accounts WHERE id = $1 AND ways = 'password' AND session_hours = 8 AND second_from = created_at AND NOT staff_may_look", s.bakery),
			"what was stricter in the backup":  there.Count("accounts WHERE id = $1 AND ways = 'passkey' AND session_hours = 4 AND second_from IS NULL AND NOT staff_may_look", s.both),
			"what nobody could fulfil":         there.Count("accounts WHERE id = $1 AND ways = 'password,passkey' AND staff_may_look", s.shop),
			"who wants no invitations from it": there.Count("invitation_blocks WHERE account_id = $1 AND address = 'tired@else.example'", s.shop),
		} {
			if n != 1 {
				t.Errorf("%s is not so", what)
			}
		}
	})
}

// TestT148_ATakingSaysWhatItDoes keeps the report readable.
func TestT148_ATakingSaysWhatItDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		s := newTwosome(t, w)
		s.backup()
		s.Exec("UPDATE accounts SET staff_may_look = FALSE")
		s.Offline(func() {
			said := mustRun(t, w, "3 accounts let operators look at them as one of their people no more.", "restore", "--replace", "--yes", s.file)
			if strings.Contains(said, "%!") {
				t.Error(said)
			}
		})
	})
}

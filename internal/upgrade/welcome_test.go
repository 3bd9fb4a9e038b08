package upgrade_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/upgrade"
)

// guests are people with and without something to do.
func guests(s *stage) {
	d := s.there
	factor, hash := "authmodule", carried("a")
	if d.HasUsers() {
		factor = "second_factor"
	}
	for i, who := range []struct{ address, hash, factor string }{
		{"fine@example.com", hash, ""},
		{"dead@example.com", "no hash at all", ""},
		{"factor@example.com", hash, "totp"},
		{"both@example.com", "", "yubico"},
		{"shared@example.com", hash, ""},
		{"Shared@example.com", hash, ""},
		{"", hash, "totp"},
	} {
		n := i + 1
		if !d.HasUsers() {
			d.Add("tblclients", "id", n, "firstname", "Guest", "lastname", fmt.Sprint("No ", n), "email", who.address, "password", who.hash, factor, who.factor, "status", "Active")
			continue
		}
		d.Add("tblclients", "id", n, "firstname", "Guest", "lastname", fmt.Sprint("No ", n), "email", fmt.Sprintf("bills%d@example.com", n), "status", "Active")
		d.Add("tblusers", "id", n, "first_name", "Guest", "last_name", fmt.Sprint("No ", n), "email", who.address, "password", who.hash, factor, who.factor)
		d.Add("tblusers_clients", "id", n, "auth_user_id", n, "client_id", n, "owner", 1)
	}
	if d.HasUsers() {
		for n := 1; n <= 5; n++ {
			d.Add("tbluser_invites", "id", n, "email", "new@example.com", "client_id", n, "permissions", "tickets", "created_at", "2026-03-01 00:00:00")
		}
		d.Add("tbluser_invites", "id", 6, "email", "expired@example.com", "client_id", 1, "created_at", "2020-01-01 00:00:00")
		d.Add("tbluser_invites", "id", 7, "email", "withdrawn@example.com", "client_id", 1, "deleted_at", "2026-03-01 00:00:00")
		d.Add("tbluser_invites", "id", 8, "email", "accepted@example.com", "client_id", 1, "accepted_at", "2026-03-01 00:00:00")
	}
}

// arrived lists who was mailed what.
func arrived(s *stage) (list []string) {
	s.t.Helper()
	s.Quiet()
	for _, m := range s.Mail.All() {
		list = append(list, m.To+": "+m.Subject())
	}
	slices.Sort(list)
	return list
}

// TestT142_WelcomeMailsWhomItMustAndOnce mails only who has something to do,
// each once, however often it is run.
func TestT142_WelcomeMailsWhomItMustAndOnce(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) { each(t, shape, welcomed) })
	}
}

func welcomed(t *testing.T, s *stage) {
	guests(s)
	u := upgradeOf(s.World)
	if _, err := u.Welcome(t.Context(), upgrade.DefaultName, "", false); err == nil {
		t.Error("there is somebody to welcome before the upgrade")
	}
	s.bring()
	s.bring()
	s.nobodyMailed()
	invited := int64(0)
	if s.there.HasUsers() {
		invited = 5
	}
	dry, err := u.Welcome(t.Context(), upgrade.DefaultName, "", true)
	if err != nil || dry != (upgrade.Welcome{Passwords: 3, Factors: 2, Invitations: invited}) {
		t.Errorf("the dry run counts %+v, %v", dry, err)
	}
	s.nobodyMailed()
	cutOff(t, s, u)
	for range 2 {
		if _, err := u.Welcome(t.Context(), upgrade.DefaultName, "", false); err != nil {
			t.Fatal(err)
		}
		s.bring()
	}
	want := []string{
		"both@example.com: Set a new password for Northbeam Hosting", "both@example.com: Set up your second factor at Northbeam Hosting again", "dead@example.com: Set a new password for Northbeam Hosting",
		"factor@example.com: Set up your second factor at Northbeam Hosting again", "shared@example.com: Set a new password for Northbeam Hosting",
	}
	if got := invitations(arrived(s)); !slices.Equal(got.others, want) || int64(got.invited) != min(invited, 3) {
		t.Errorf("these were mailed: %q and %d invitations", got.others, got.invited)
	}
	s.Clock.Move(25 * time.Hour)
	if done, err := u.Welcome(t.Context(), upgrade.DefaultName, "", false); err != nil || done.Invitations != max(invited-3, 0) || done.Passwords+done.Factors+done.Later > 0 {
		t.Errorf("the day after, %+v, %v", done, err)
	}
	if got := invitations(arrived(s)); !slices.Equal(got.others, want) || int64(got.invited) != invited {
		t.Errorf("in the end these were mailed: %q and %d invitations", got.others, got.invited)
	}
}

type mailed struct {
	others  []string
	invited int
}

func invitations(list []string) (m mailed) {
	for _, one := range list {
		if one[:len("new@example.com")] == "new@example.com" {
			m.invited++
			continue
		}
		m.others = append(m.others, one)
	}
	return m
}

// cutOff lets the database refuse the second mail: what stands in the same
// step is not mailed either, and goes out with the next run.
func cutOff(t *testing.T, s *stage, u *upgrade.Upgrade) {
	if s.Engine == db.SQLite {
		s.Exec("CREATE TRIGGER denied BEFORE INSERT ON mails WHEN (SELECT COUNT(*) FROM mails) > 1 BEGIN SELECT RAISE(ABORT, 'denied'); END")
	} else {
		s.Exec("CREATE FUNCTION denied() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF (SELECT COUNT(*) FROM mails) > 1 THEN RAISE EXCEPTION ''denied''; END IF; RETURN NEW; END'")
		s.Exec("CREATE TRIGGER denied BEFORE INSERT ON mails FOR EACH ROW EXECUTE FUNCTION denied()")
	}
	if _, err := u.Welcome(t.Context(), upgrade.DefaultName, "", false); err == nil {
		t.Error("no mail was refused")
	}
	allow(s, "mails")
}

// TestT142_WelcomeMailsWhatIsAskedFor takes one kind at a time.
func TestT142_WelcomeMailsWhatIsAskedFor(t *testing.T) {
	each(t, "8.13", func(t *testing.T, s *stage) {
		guests(s)
		s.bring()
		u := upgradeOf(s.World)
		for _, step := range []struct {
			only string
			want upgrade.Welcome
		}{
			{upgrade.WelcomeFactors, upgrade.Welcome{Factors: 2}},
			{upgrade.WelcomeFactors, upgrade.Welcome{}},
			{upgrade.WelcomePasswords, upgrade.Welcome{Passwords: 3}},
			{upgrade.WelcomeInvitations, upgrade.Welcome{Invitations: 3, Later: 2}},
			{"", upgrade.Welcome{Later: 2}},
		} {
			if got, err := u.Welcome(t.Context(), upgrade.DefaultName, step.only, false); err != nil || got != step.want {
				t.Errorf("%q mails %+v, want %+v: %v", step.only, got, step.want, err)
			}
		}
		if n := len(arrived(s)); n != 8 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestT142_WhoHasActedIsNotTold has them do by themselves what they would be
// asked for.
func TestT142_WhoHasActedIsNotTold(t *testing.T) {
	each(t, "7.10", func(t *testing.T, s *stage) {
		guests(s)
		s.bring()
		s.recovers("dead@example.com", fresh)
		s.recovers("shared@example.com", "nine yellow ferries")
		got, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, "", false)
		if err != nil || got != (upgrade.Welcome{Passwords: 1, Factors: 2}) {
			t.Errorf("%+v, %v", got, err)
		}
		if n := s.Count("users WHERE address LIKE '%.invalid'"); n != 1 {
			t.Errorf("%d stand-ins", n)
		}
		for _, m := range apptest.Query[string](s.World, "SELECT recipient FROM mails") {
			if len(m) > 8 && m[len(m)-8:] == ".invalid" {
				t.Errorf("a mail goes to %s", m)
			}
		}
	})
}

// TestWhoCameWithGermanIsWelcomedInGerman brings in somebody who had German
// there, and allows it here.
func TestWhoCameWithGermanIsWelcomedInGerman(t *testing.T) {
	for _, shape := range both {
		t.Run(shape, func(t *testing.T) {
			each(t, shape, func(t *testing.T, s *stage) {
				for n, who := range []struct{ address, language string }{{"anna@example.com", "german"}, {"bea@example.com", "french"}} {
					s.there.Add("tblclients", "id", n+1, "firstname", "Guest", "lastname", "One", "email", who.address, "password", "none", "language", who.language, "status", "Active")
					if s.there.HasUsers() {
						s.there.Add("tblusers", "id", n+1, "first_name", "Guest", "last_name", "One", "email", who.address, "password", "none", "language", who.language)
						s.there.Add("tblusers_clients", "id", n+1, "auth_user_id", n+1, "client_id", n+1, "owner", 1)
					}
				}
				s.bring()
				root := s.Operator("Robin Root", "root@northbeam.example", "administrator")
				root.Get("/staff/settings/languages").Must(200).Submit("/staff/settings/languages", url.Values{"language_de": {"yes"}}).Must(200, "Saved")
				if _, err := upgradeOf(s.World).Welcome(t.Context(), upgrade.DefaultName, "", false); err != nil {
					t.Fatal(err)
				}
				m := s.Mail.Next(t, "anna@example.com", "Setzen Sie ein neues Passwort für Northbeam Hosting")
				s.Browser().Get(m.Link(t)).Must(200)
				s.Mail.Next(t, "bea@example.com", "Set a new password for Northbeam Hosting")
			})
		})
	}
}

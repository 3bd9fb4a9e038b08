package setting_test

import (
	"bytes"
	"image"
	"image/png"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/config"
	"clientele/internal/id"
)

// free leaves to the staff area what can be set there.
func free(c *config.Config) { c.Brand, c.SignUp = "", "" }

func kept(c *config.Config) { free(c); c.SMTPURL = "" }

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// set changes a section through its page: what the form shows, and what is
// typed over it.
func set(t *testing.T, b *apptest.Browser, section string, pairs ...string) *apptest.Page {
	t.Helper()
	return b.Get("/staff/settings/"+section).Must(200).Submit("/staff/settings/"+section, form(pairs...))
}

// has looks into what the page is written in.
func has(t *testing.T, p *apptest.Page, parts ...string) *apptest.Page {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(p.Body, part) {
			t.Errorf("%s is missing", part)
		}
	}
	return p
}

func root(w *apptest.World) *apptest.Operator {
	return w.Operator("Robin Root", "root@crowd.example", "administrator")
}

// TestAChangeIsObeyedByEveryNode changes settings on one node and looks at the
// next answer and the next mail of the other.
func TestAChangeIsObeyedByEveryNode(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin, r := w.Twin(), root(w)
		visitor := w.Browser().On(twin)
		has(t, visitor.Get("/signup").Must(200), "<title>Sign up · Clientele</title>")
		set(t, r.Browser, "brand", "brand", "Harbour Hosting", "support", "help@harbour.example", "accent", "#ffcc00").Must(200, "Saved")
		has(t, visitor.Get("/signup").Must(200, "help@harbour.example"), "<title>Sign up · Harbour Hosting</title>", `href="/brand/ffcc00.`)
		visitor.Post("/signup", form("name", "Nia New", "address", "nia@crowd.example", "password", "HARBOUR hosting", "kind", "login")).Must(422, "mostly your name, your address or Harbour Hosting")
		set(t, r.Browser, "security", "password_length", "20").Must(200, "Saved")
		visitor.Post("/signup", form("name", "Nia New", "address", "nia@crowd.example", "password", "four green bicycl", "kind", "login")).Must(422, "at least 20 characters")
		visitor.Post("/signup", form("name", "Nia New", "address", "nia@crowd.example", "password", "four green bicycles of ours", "kind", "login")).Must(200, "Look into your mail")
		m := w.Mail.Next(t, "nia@crowd.example", "Confirm your address for Harbour Hosting")
		if got := m.Envelope.GetHeader("Reply-To"); !strings.Contains(got, "help@harbour.example") {
			t.Errorf("Reply-To is %q", got)
		}
		if got := m.Envelope.GetHeader("From"); !strings.Contains(got, "Harbour Hosting") || !strings.Contains(m.Envelope.Text, "Write to help@harbour.example") {
			t.Errorf("From is %q, in:\n%s", got, m.Envelope.Text)
		}
		set(t, r.Browser, "registration", "signup", "invitation").Must(200, "Saved")
		visitor.Get("/signup").Must(403, "by invitation")
		visitor.Get(m.Link(t)).Must(403, "by invitation")
		if w.Count("audit_records WHERE event = 'settings.changed' AND actor_kind = 'staff'") != 3 {
			t.Error("the log does not have each change")
		}
	}, free)
}

// TestAnInvitationLivesAsLongAsItIsSet sets the life and invites.
func TestAnInvitationLivesAsLongAsItIsSet(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r, alice := root(w), w.Person("Alice", "alice@crowd.example")
		a := id.String(w.Account(alice, "Acorn"))
		set(t, r.Browser, "registration", "invitation_life", "90 minutes").Must(200, "Saved")
		alice.Post("/a/"+a+"/people/invitations", form("account", a, "address", "nina@crowd.example", "role", "support")).Must(200)
		link := w.Mail.Next(t, "nina@crowd.example", "invites").Link(t)
		w.Clock.Move(90*time.Minute - time.Second)
		w.Browser().Get(link).Must(200)
		w.Clock.Move(time.Second)
		w.Browser().Get(link).Must(410)
	}, free)
}

// TestSessionsEndAsItIsSet shortens the times of sessions that are open.
func TestSessionsEndAsItIsSet(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin, r, alice := w.Twin(), root(w), w.Person("Alice", "alice@crowd.example")
		set(t, r.Browser, "security", "session_idle", "20 minutes", "session_life", "2 hours", "staff_idle", "5 minutes").Must(200, "Saved")
		there := alice.On(twin)
		w.Clock.Move(20*time.Minute - time.Second)
		there.Get("/me").Must(200)
		w.Clock.Move(20 * time.Minute)
		there.Get("/me").Must(401)
		r.Get("/staff").Must(401)
		w.SignIn(alice)
		for range 7 {
			w.Clock.Move(15 * time.Minute)
			alice.Get("/me").Must(200)
		}
		w.Clock.Move(15 * time.Minute)
		alice.Get("/me").Must(401)
	}, kept)
}

// TestWhatIsGivenWithTheStartStands types over a setting that the environment
// gives.
func TestWhatIsGivenWithTheStartStands(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := root(w)
		r.Get("/staff/settings").Must(200, "Northbeam Hosting", "CLIENTELE_BRAND", "CLIENTELE_SIGNUP", "CLIENTELE_SMTP_URL")
		r.Post("/staff/settings/brand", form("brand", "Other", "was_brand", "Northbeam Hosting", "accent", "", "was_accent", "", "support", "", "was_support", "")).Must(200)
		r.Get("/staff").Must(200, "Northbeam Hosting")
	})
}

// TestWhatIsWrongStandsBesideItsField types what cannot be.
func TestWhatIsWrongStandsBesideItsField(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := root(w)
		before := w.Count("audit_records")
		has(t, set(t, r.Browser, "brand", "brand", "", "accent", "blue", "support", "help at us").Must(422, "Give the name of your company", "six digits"), `value="blue"`, `value="help at us"`)
		set(t, r.Browser, "registration", "invitation_life", "31 days").Must(422, "from 1 hour to 30 days")
		set(t, r.Browser, "security", "password_length", "7", "session_idle", "40 days", "staff_life", "13 hours").Must(422, "from 8 to 64", "from 15 minutes to 30 days", "from 1 hour to 12 hours")
		set(t, r.Browser, "security", "session_idle", "2 days", "session_life", "1 day").Must(422, "Give at most 1 day")
		set(t, r.Browser, "mail", "mail_host", "https://mail.example.com", "mail_port", "0", "mail_from", "nobody").Must(422, "without a port", "from 1 to 65535")
		set(t, r.Browser, "mail", "mail_host", "mail.example.com", "mail_security", "none", "mail_user", "ann").Must(422, "for everybody to read")
		r.Get("/staff/settings/brand").Must(200).Submit("/staff/settings/brand/logo", form("logo", "<svg/>")).Must(422)
		r.Get("/staff/settings/nothing").Must(404)
		if n := w.Count("audit_records WHERE event = 'settings.changed'"); n != 0 || w.Count("settings WHERE version = 1") != 1 {
			t.Errorf("%d changes, of %d records before", n, before)
		}
	}, kept)
}

// TestTheSecondOfTwoIsToldWhatChanged has two operators save the same form.
func TestTheSecondOfTwoIsToldWhatChanged(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r, other := root(w), w.Operator("Olga Other", "olga@crowd.example", "administrator")
		mine := r.Get("/staff/settings/brand").Must(200)
		set(t, other.Browser, "brand", "brand", "Theirs", "support", "help@theirs.example").Must(200, "Saved")
		page := has(t, mine.Submit("/staff/settings/brand", form("brand", "Mine")).Must(409, "was “Clientele” and is “Theirs”", "help@theirs.example"), `value="Mine"`)
		if n := w.Count("settings WHERE version = 2"); n != 1 {
			t.Error("something was saved")
		}
		page.Submit("/staff/settings/brand", form()).Must(200, "Saved")
		has(t, r.Get("/staff").Must(200), "<title>Dashboard · Mine</title>")
	}, kept)
}

// TestTheMailServerIsTried sets a mail server, tries it, breaks it and tries
// again; the next mail goes through it without a restart.
func TestTheMailServerIsTried(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin, r := w.Twin(), root(w)
		r.Get("/staff/settings/mail").Must(200, "Mail is not sent")
		u, err := url.Parse(w.Mail.URL())
		if err != nil {
			t.Fatal(err)
		}
		set(t, r.Browser, "mail", "mail_host", u.Hostname(), "mail_port", u.Port(), "mail_security", "none").Must(200, "Saved")
		r.Get("/staff/settings/mail").Submit("/staff/settings/mail/test", form()).Must(200, "took a message to root@crowd.example")
		w.Mail.Next(t, "root@crowd.example", "Mail from Clientele arrives")
		alice := w.Person("Alice", "alice@crowd.example")
		w.Browser().On(twin).Post("/recover", form("address", alice.Address)).Must(200)
		w.Mail.Next(t, alice.Address, "Set a new password")

		w.Mail.Refuse("root@crowd.example")
		r.Post("/staff/settings/mail/test", nil).Must(200, "does not take the message", "no such mailbox")
		set(t, r.Browser, "mail", "mail_port", "1").Must(200, "Saved")
		r.Post("/staff/settings/mail/test", nil).Must(200, "Nothing listens there")
		set(t, r.Browser, "mail", "mail_security", "tls", "mail_port", u.Port()).Must(200, "Saved")
		r.Post("/staff/settings/mail/test", nil).Must(200, "does not speak TLS from the first byte")
		set(t, r.Browser, "mail", "mail_security", "starttls").Must(200, "Saved")
		r.Post("/staff/settings/mail/test", nil).Must(200, "does not offer STARTTLS")
	}, kept)
}

// TestTheMailServersPasswordIsSealed looks for the password wherever it could
// be, and keeps it where the field is left empty.
func TestTheMailServersPasswordIsSealed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := root(w)
		const secret = "a-s3cret-of-the-server"
		set(t, r.Browser, "mail", "mail_host", "mail.example.com", "mail_user", "ann", "mail_password", secret).Must(200, "Saved")
		sealed := apptest.Query[string](w, "SELECT sealed FROM settings")[0]
		if sealed == "" {
			t.Fatal("nothing is sealed")
		}
		set(t, r.Browser, "mail", "mail_from", "post@example.com").Must(200, "Saved")
		if apptest.Query[string](w, "SELECT sealed FROM settings")[0] != sealed {
			t.Error("the password went with a change of something else")
		}
		all := strings.Join(apptest.Query[string](w, "SELECT body || sealed FROM settings UNION ALL SELECT before || after FROM audit_records"), "\n") + r.Get("/staff/settings/mail").Body + r.Get("/staff/settings").Body + w.Logs.String()
		if strings.Contains(all, secret) {
			t.Error("the password can be read")
		}
		set(t, r.Browser, "mail", "mail_user", "").Must(200, "Saved")
		if apptest.Query[string](w, "SELECT sealed FROM settings")[0] != "" {
			t.Error("the password stays without a user")
		}
	}, kept)
}

// TestThePasswordIsNotSentToAnotherServer: whoever may change the mail server
// does not know its password, and cannot have it sent to a server of their own.
// What was typed stays on the page.
func TestThePasswordIsNotSentToAnotherServer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := root(w)
		set(t, r.Browser, "mail", "mail_host", "mail.example.com", "mail_user", "ann", "mail_password", "a-s3cret-of-the-server").Must(200, "Saved")
		before := apptest.Query[string](w, "SELECT body || sealed FROM settings")[0]
		for key, value := range map[string]string{"mail_host": "127.0.0.1", "mail_port": "2525", "mail_security": "offered", "mail_user": "bob"} {
			p := set(t, r.Browser, "mail", key, value).Must(422)
			if p.FieldError("mail_password") == "" {
				t.Errorf("with another %s, the password is not asked for", key)
			}
			if typed := apptest.FormValues(p.Find(`form[action="/staff/settings/mail"]`)); typed.Get(key) != value || typed.Get("mail_user") == "" {
				t.Errorf("what was typed is lost: %v", typed)
			}
		}
		if apptest.Query[string](w, "SELECT body || sealed FROM settings")[0] != before {
			t.Error("something was saved")
		}
		set(t, r.Browser, "mail", "mail_host", "MAIL.example.com ").Must(200, "Saved") // the same one
		set(t, r.Browser, "mail", "mail_host", "other.example.com", "mail_password", "another").Must(200, "Saved")
		set(t, r.Browser, "mail", "mail_host", "third.example.com", "mail_user", "").Must(200, "Saved")
		set(t, r.Browser, "mail", "mail_host", "fourth.example.com").Must(200, "Saved")
		if apptest.Query[string](w, "SELECT sealed FROM settings")[0] != "" {
			t.Error("the password stays without a user")
		}
	}, kept)
}

// TestTheLogoIsServedAsAPicture uploads one and fetches it on another node.
func TestTheLogoIsServedAsAPicture(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin, r := w.Twin(), root(w)
		var file bytes.Buffer
		if err := png.Encode(&file, image.NewNRGBA(image.Rect(0, 0, 40, 20))); err != nil {
			t.Fatal(err)
		}
		r.Get("/staff/settings/brand").Must(200).Submit("/staff/settings/brand/logo", form("logo", file.String())).Must(200, "The logo is set")
		there := w.Browser().On(twin)
		page := has(t, there.Get("/signin").Must(200), `class="brand-logo"`)
		_, rest, _ := strings.Cut(page.Body, `class="brand-logo" src="`)
		path, _, _ := strings.Cut(rest, `"`)
		got := there.Get(path).Must(200)
		if h := got.Header; h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Cache-Control"), "immutable") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%v", h)
		}
		if _, err := png.Decode(strings.NewReader(got.Body)); err != nil {
			t.Error(err)
		}
		r.Get("/staff/settings/brand").Submit("/staff/settings/brand/logo/remove", form()).Must(200, "removed")
		there.Get(path).Must(404)
	}, kept)
}

// TestTermsComeBeforeEverything publishes terms: who signs up, who joins and
// who is there already accept them, and nobody gets past them.
func TestTermsComeBeforeEverything(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin, r, alice := w.Twin(), root(w), w.Person("Alice", "alice@crowd.example")
		account := w.Account(alice, "Acorn")
		a := "/a/" + id.String(account)
		there := alice.On(twin)
		w.Browser().Get("/terms").Must(404)
		set(t, r.Browser, "terms", "body", "# Be kind\n\nTo *everybody*.").Must(200, "Saved")
		w.Browser().Get("/terms").Must(200, "Be kind", "everybody")

		for _, path := range []string{"/me", "/me/security", "/me/delete", a, a + "/people"} {
			there.Get(path).Must(403, "accept them to go on", "Be kind")
		}
		there.PostOnly("/me", form("name", "Alicia", "language", "en"))
		if w.Count("users WHERE name = 'Alicia'") != 0 {
			t.Error("a form gets past the terms")
		}
		page := there.Get("/me").Must(403)
		page.Submit("/terms/accept", form()).Must(422, "Accept the terms to go on")
		page.Submit("/terms/accept", form("terms", "7")).Must(422, "have changed")
		page.Submit("/terms/accept", form("terms", "1")).Must(200, "Alice", "accepted")
		alice.Get("/me/activity").Must(200, "accepted the terms, version 1")
		r.Get("/staff/users/"+id.String(alice.User)).Must(200, "version 1, accepted")

		visitor := w.Browser()
		typed := form("name", "Nia New", "address", "nia@crowd.example", "password", "four green bicycles", "kind", "login")
		visitor.Post("/signup", typed).Must(422, "Accept the terms to go on")
		typed.Set("terms", "1")
		visitor.Post("/signup", typed).Must(200, "Look into your mail")
		visitor.Get(w.Mail.Next(t, "nia@crowd.example", "Confirm").Link(t)).Must(200).Submit("/signup/confirm", form()).Must(200, "Welcome")
		alice.Post(a+"/people/invitations", form("account", id.String(account), "address", "nina@crowd.example", "role", "support")).Must(200)
		joining := w.Browser()
		page = joining.Get(w.Mail.Next(t, "nina@crowd.example", "invites").Link(t)).Must(200, "accept them")
		page.Submit("/invitation/join", form("name", "Nina", "password", "four green bicycles")).Must(422, "Accept the terms to go on")
		page.Submit("/invitation/join", form("name", "Nina", "password", "four green bicycles", "terms", "1")).Must(200, "You are in")

		// Mending words asks nobody again; a new version asks everybody.
		set(t, r.Browser, "terms", "body", "# Be kind\n\nTo *all*.", "correct", "yes").Must(200, "Saved")
		alice.Get("/me").Must(200)
		set(t, r.Browser, "terms", "body", "# Be very kind").Must(200, "Saved")
		for _, b := range []*apptest.Browser{alice.Browser, visitor, joining} {
			b.Get("/me").Must(403, "They have changed")
		}
		alice.PostOnly("/signout", nil)
		set(t, r.Browser, "terms", "body", "").Must(200, "Saved")
		visitor.Get("/me").Must(200)
		if n := w.Count("audit_records WHERE event = 'terms.accepted'"); n != 3 {
			t.Errorf("%d acceptances in the log", n)
		}
	}, free)
}

// TestTwoPublishTerms lets nobody publish over what he has not seen.
func TestTwoPublishTerms(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		r := root(w)
		mine := r.Get("/staff/settings/terms").Must(200)
		set(t, r.Browser, "terms", "link", "https://harbour.example/terms").Must(200, "Saved")
		mine.Submit("/staff/settings/terms", form("body", "Mine")).Must(409, "version 1")
		set(t, r.Browser, "terms", "body", "Both", "link", "https://harbour.example").Must(422, "not both")
		set(t, r.Browser, "terms", "link", "javascript:alert(1)").Must(422, "beginning with https://")
	}, kept)
}

// TestOnlyWhoMayConfigureSeesSettings lets another role try.
func TestOnlyWhoMayConfigureSeesSettings(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		w.Person("Alice", "alice@crowd.example").Get("/staff/settings").Must(404)
		s := w.Operator("Sam Support", "sam@crowd.example", "support")
		s.Get("/staff/settings").Must(403)
		s.Post("/staff/settings/brand", form("brand", "Mine")).Must(403)
		if w.Count("settings WHERE version = 1") != 1 {
			t.Error("it was changed")
		}
	}, kept)
}

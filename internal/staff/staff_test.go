package staff_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/config"
	"clientele/internal/id"
	"clientele/internal/staff"

	"pgregory.net/rapid"
)

// kept is an installation without a mail server.
func kept(c *config.Config) { c.SMTPURL = "" }

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// password brings a browser halfway in.
func password(w *apptest.World, o *apptest.Operator) *apptest.Browser {
	b := w.Browser()
	b.PostOnly("/staff/signin", form("address", o.Address, "password", apptest.Password))
	return b
}

func code(b *apptest.Browser, typed string) int {
	return b.PostOnly("/staff/signin/second-step", form("code", typed)).Status
}

func opens(b *apptest.Browser) bool { return b.GetOnly("/staff").Status == http.StatusOK }

// path is a page of an operator.
func path(o *apptest.Operator, step string) string {
	return "/staff/people/" + id.String(o.Staff) + step
}

// TestT114_APasswordAloneOpensNothing shows an operator's password and asks
// for every page of the staff area.
func TestT114_APasswordAloneOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		for _, factor := range []bool{false, true} {
			o := w.Operator("Olga", "olga"+map[bool]string{true: "2"}[factor]+"@crew.example", "administrator")
			if factor {
				w.StaffApp(o)
			}
			b := password(w, o)
			for _, r := range w.Mux.Routes() {
				if r.Guard != "staff" {
					continue
				}
				fill := strings.NewReplacer("{operator}", "1", "{account}", "1", "{user}", "1", "{mail}", "1", "{role}", "1")
				if p := b.Once(b.Request(r.Method, fill.Replace(r.Pattern), nil)); p.Status != http.StatusUnauthorized {
					t.Errorf("%s %s: %d", r.Method, r.Pattern, p.Status)
				}
			}
			if p := b.PostOnly("/staff/signin/set-up/app/begin", nil); factor == (p.Status == http.StatusSeeOther) {
				t.Errorf("with a factor: %t; setting one up: %d", factor, p.Status)
			}
		}
	}, kept)
}

// TestT114_NoFactorOfOneDoorOpensTheOther has one person be a customer and an
// operator: an answer that was asked for at one door is refused at the other,
// and so are the codes of its apps.
func TestT114_NoFactorOfOneDoorOpensTheOther(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, o := w.Person("Sam", "sam@crew.example"), w.Operator("Sam", "sam@crew.example", "administrator")
		hers, its := w.Passkey(p), w.StaffPasskey(o)
		for _, k := range []*apptest.Passkey{hers, its} {
			if page := k.Register("Laptop"); page.Status >= 400 {
				t.Fatalf("registering: %d", page.Status)
			}
		}
		seed, staffSeed := w.Authenticator(p), w.StaffApp(o)
		if string(hers.Device.Options.UserHandle) == string(its.Device.Options.UserHandle) {
			t.Error("one handle stands for both")
		}
		cross := func(k *apptest.Passkey, from, to string) {
			t.Helper()
			b := w.Browser()
			answer := k.Shown(b.PostOnly(from+"/begin", nil))
			if page := b.PostOnly(to, form("response", answer)); page.Status < 400 {
				t.Errorf("asked for at %s, answered at %s: %d", from, to, page.Status)
			}
		}
		cross(hers, "/signin/passkey", "/staff/signin/passkey")
		cross(its, "/staff/signin/passkey", "/signin/passkey")
		cross(hers, "/staff/signin/passkey", "/staff/signin/passkey")
		cross(its, "/signin/passkey", "/signin/passkey")
		if got := code(password(w, o), w.Code(seed)); got != http.StatusUnprocessableEntity {
			t.Errorf("the customer's code at the staff's door: %d", got)
		}
		b := w.Browser()
		b.PostOnly("/signin", form("address", p.Address, "password", apptest.Password))
		if got := b.PostOnly("/signin/second-factor", form("code", w.Code(staffSeed))).Status; got != http.StatusUnprocessableEntity {
			t.Errorf("the operator's code at the customers' door: %d", got)
		}
		if got := code(password(w, o), w.Code(staffSeed)); got != http.StatusSeeOther {
			t.Errorf("her own code: %d", got)
		}
		if page := its.SignIn(w.Browser()); page.Status != http.StatusSeeOther || page.Location != "/staff" {
			t.Errorf("her own passkey: %d %s", page.Status, page.Location)
		}
		if page := its.Finish(password(w, o), nil); page.Status != http.StatusSeeOther {
			t.Errorf("her passkey as the second step: %d", page.Status)
		}
		if page := its.Confirm(o.Browser); page.Status != http.StatusSeeOther {
			t.Errorf("her passkey as a fresh proof: %d", page.Status)
		}
	}, kept)
}

// TestT090_AnOperatorsCodeWorksOnceAndGuessingIsBounded uses a code twice,
// an old one, a recovery code twice, and then guesses.
func TestT090_AnOperatorsCodeWorksOnceAndGuessingIsBounded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		o := w.Operator("Olga", "olga@crew.example", "administrator")
		page := o.Post("/staff/me/app/begin", nil).Must(200)
		seed := apptest.SeedOn(page)
		page = page.Submit("/staff/me/app", form("code", w.Code(seed))).Must(200, "they are not shown again")
		recovery := page.Find("ol.codes li").First().Text()
		if got := code(password(w, o), w.Code(seed)); got != http.StatusUnprocessableEntity {
			t.Errorf("the code that set the app up: %d", got)
		}
		w.Clock.Move(30 * time.Second)
		in := password(w, o)
		before := in.Cookie("__Secure-clientele-staff")
		if got := code(in, w.Code(seed)); got != http.StatusSeeOther || !opens(in) {
			t.Errorf("a new code: %d", got)
		}
		if in.Cookie("__Secure-clientele-staff") == before {
			t.Error("the session has the token that it had before the second step")
		}
		if got := code(password(w, o), w.Code(seed)); got != http.StatusUnprocessableEntity {
			t.Errorf("the same code again: %d", got)
		}
		if got := code(password(w, o), recovery); got != http.StatusSeeOther {
			t.Errorf("a recovery code: %d", got)
		}
		if opens(in) {
			t.Error("a recovery code has left another session open")
		}
		if got := code(password(w, o), recovery); got != http.StatusUnprocessableEntity {
			t.Errorf("the recovery code again: %d", got)
		}
		w.Exec("DELETE FROM throttles")
		guess := password(w, o)
		for range 6 {
			code(guess, "000000")
		}
		w.Clock.Move(time.Minute)
		if got := code(guess, w.Code(seed)); got != http.StatusUnauthorized {
			t.Errorf("the right code after six wrong ones: %d", got)
		}
		if got := code(password(w, o), w.Code(seed)); got != http.StatusTooManyRequests {
			t.Errorf("guessing goes on: %d", got)
		}
		if w.Count("mails WHERE kind = 'staff-codes-guessed'") != 1 || w.Count("mails WHERE kind = 'staff-recovery-code-used'") != 1 {
			t.Error("she was not told of the guesses and of the recovery code once each")
		}
	}, kept)
}

// TestT086_NoStrangerKeepsAnOperatorOut guesses an operator's password from
// very many networks, and from her own: in the browser that she has signed in
// with she still comes in, elsewhere after a quarter of an hour. What marks the
// browser opens nothing, has brakes of its own, and counts no more once what
// proves her has changed.
func TestT086_NoStrangerKeepsAnOperatorOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		o, other := w.Operator("Olga", "olga@crew.example", "administrator"), w.Operator("Otto", "otto@crew.example", "support")
		w.StaffApp(o)
		w.StaffApp(other)
		try := func(b *apptest.Browser, password string) int {
			return b.PostOnly("/staff/signin", form("address", o.Address, "password", password)).Status
		}
		flood := func(b *apptest.Browser) (let int) {
			defer w.Auth.Hasher().Fill()()
			for n := range 60 {
				if b.Network = fmt.Sprintf("203.0.113.%d", n+1); try(b, "wrong wrong wrong") != http.StatusTooManyRequests {
					let++
				}
			}
			return let
		}
		if let := flood(w.Browser()); let > 10 {
			t.Errorf("%d of 60 guesses were let through", let)
		}
		if got := try(w.Browser(), apptest.Password); got != http.StatusTooManyRequests {
			t.Errorf("in a strange browser: %d", got)
		}
		if got := try(other.Browser, apptest.Password); got != http.StatusTooManyRequests {
			t.Errorf("in another operator's browser: %d", got)
		}
		if got := try(o.Browser, apptest.Password); got != http.StatusSeeOther {
			t.Errorf("in her own browser: %d", got)
		}
		thief := w.Browser()
		thief.SetCookie(&http.Cookie{Name: known, Value: o.Cookie(known), Path: "/staff", Secure: true})
		if opens(thief) {
			t.Error("the mark opens the staff area")
		}
		if let := flood(thief); let > 10 {
			t.Errorf("%d of 60 guesses with her mark were let through", let)
		}
		w.Clock.Move(15 * time.Minute)
		if got := try(w.Browser(), apptest.Password); got != http.StatusSeeOther {
			t.Errorf("after a quarter of an hour: %d", got)
		}
		flood(w.Browser())
		w.Exec("UPDATE staff SET credentials = credentials + 1 WHERE id = $1", o.Staff)
		if got := try(o.Browser, apptest.Password); got != http.StatusTooManyRequests {
			t.Errorf("after a change of what proves her, her browser is still known: %d", got)
		}
	}, kept)
}

const known = "__Secure-clientele-staff-known"

// TestT101_AnOperatorsSessionEndsToTheSecond holds both ends of a session
// that came in by a second factor.
func TestT101_AnOperatorsSessionEndsToTheSecond(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		o := w.Operator("Olga", "olga@crew.example", "administrator")
		key := w.StaffPasskey(o)
		key.Register("Laptop")
		idle, busy, half := w.Browser(), w.Browser(), password(w, o)
		key.SignIn(idle)
		key.SignIn(busy)
		w.Clock.Move(auth.PendingLife)
		if p := half.GetOnly("/staff/signin/second-step"); p.Status != http.StatusUnauthorized {
			t.Errorf("half a sign-in after its time: %d", p.Status)
		}
		w.Clock.Move(staff.SessionIdle - auth.PendingLife - time.Second)
		if !opens(busy) {
			t.Error("a session ended too early")
		}
		w.Clock.Move(time.Second)
		if opens(idle) {
			t.Error("an idle session outlives its time")
		}
		for passed := staff.SessionIdle; passed < staff.SessionLife-time.Second; {
			step := min(20*time.Minute, staff.SessionLife-time.Second-passed)
			w.Clock.Move(step)
			passed += step
			if !opens(busy) {
				t.Fatalf("ended %s after it began", passed)
			}
		}
		w.Clock.Move(time.Second)
		if opens(busy) {
			t.Error("a busy session outlives twelve hours")
		}
		w.Clock.Move(-time.Hour)
		if opens(busy) || opens(idle) {
			t.Error("a clock that is set back revives a session")
		}
	}, kept)
}

// join follows a link and sets a password.
func join(b *apptest.Browser, link string, fields url.Values) *apptest.Page {
	b.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200)
	return b.PostOnly("/staff/welcome", fields)
}

// TestT006_TheFirstLinkIsUsedUpByJoiningAlone has scanners and previews open
// the link of the first operator, before she follows it.
func TestT006_TheFirstLinkIsUsedUpByJoiningAlone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		old, err := w.Staff.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		link, err := w.Staff.FirstLink(t.Context())
		if err != nil || link == old {
			t.Fatalf("a second start: %v", err)
		}
		first := form("name", "Robin Root", "address", "robin@crew.example", "password", apptest.Password)
		if p := w.Browser().GetOnly(strings.TrimPrefix(old, apptest.BaseURL)); p.Status != http.StatusSeeOther {
			t.Fatalf("the old link: %d", p.Status)
		}
		b := w.Browser()
		b.Get(strings.TrimPrefix(old, apptest.BaseURL)).Must(http.StatusGone)
		for range 20 {
			w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200, "You are the first here")
		}
		b.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200).Submit("/staff/welcome", form("name", "", "address", "x", "password", "short")).Must(422)
		p := b.Get("/staff/welcome").Must(200).Submit("/staff/welcome", first).Must(200, "Set up a second factor")
		p = p.Submit("/staff/signin/set-up/app/begin", nil).Must(200)
		p.Submit("/staff/signin/set-up/app", form("code", w.Code(apptest.SeedOn(p)))).Must(200, "they are not shown again")
		b.Get("/staff/people").Must(200, "Robin Root", "Administrator")
		w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(http.StatusGone)
		if again, err := w.Staff.FirstLink(t.Context()); again != "" || err != nil {
			t.Errorf("a link for a second first operator: %q %v", again, err)
		}
	}, kept)
}

// TestT011_TheFirstOperatorIsMadeOnceUnderARace follows the link in several
// browsers at once, on two nodes, while another start prints a new one.
func TestT011_TheFirstOperatorIsMadeOnceUnderARace(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin := w.Twin()
		link, err := w.Staff.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		var lock sync.Mutex
		joined := 0
		var browsers []*apptest.Browser
		for n := range 8 {
			b := w.Browser()
			if n%2 == 1 {
				b = twin.Browser()
			}
			b.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200)
			browsers = append(browsers, b)
		}
		for n, b := range browsers {
			wait.Go(func() {
				p := b.PostOnly("/staff/welcome", form("name", "Robin", "address", "robin"+string(rune('a'+n))+"@crew.example", "password", apptest.Password))
				lock.Lock()
				defer lock.Unlock()
				if p.Status == http.StatusSeeOther {
					joined++
				}
			})
		}
		wait.Wait()
		if joined != 1 || w.Count("staff") != 1 || w.Count("audit_records WHERE event = 'staff.joined'") != 1 {
			t.Errorf("%d have joined, %d operators, %d records", joined, w.Count("staff"), w.Count("audit_records WHERE event = 'staff.joined'"))
		}
	}, kept)
}

// TestT011_TheCommandLineIsNoSecondFirst adds an operator where the server
// runs, while others follow the first one's link: it is refused from then on.
func TestT011_TheCommandLineIsNoSecondFirst(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		link, err := w.Staff.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var browsers []*apptest.Browser
		for range 4 {
			b := w.Browser()
			b.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200)
			browsers = append(browsers, b)
		}
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := w.Staff.Add(t.Context(), apptest.Address("cli@crew.example"), "Cleo", "administrator", apptest.Password); err != nil {
				t.Errorf("the command line: %v", err)
			}
		})
		for n, b := range browsers {
			wait.Go(func() {
				b.PostOnly("/staff/welcome", form("name", "Robin", "address", "robin"+string(rune('a'+n))+"@crew.example", "password", apptest.Password))
			})
		}
		wait.Wait()
		if n := w.Count("staff"); n > 2 || n != 1+w.Count("audit_records WHERE event = 'staff.joined'") {
			t.Errorf("%d operators", n)
		}
		w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(http.StatusGone)
	}, kept)
}

// TestT115_NoRequestNamesItsOwnRole has a reader, and somebody who has only
// shown a password, claim in fields and headers to be more.
func TestT115_NoRequestNamesItsOwnRole(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		o := w.Operator("Olga", "olga@crew.example", "readonly")
		w.StaffApp(o)
		half := password(w, o)
		words := []string{"role", "role_id", "staff", "staff_id", "operator", "realm", "permissions", "may", "status", "half", "second_at", "second", "proved_at", "admin", "user_id", "next", "token", "session", "x-role", "X-Staff", "X-Realm", "Authorization", "X-Forwarded-User", "Cookie2"}
		values := []string{"administrator", "role-1", "1", "true", "staff", "staff.manage", "8191", "active", "2026-01-01", "/staff/people"}
		paths := []string{"/staff/confirm", "/staff/me/password", "/staff/me/sessions/end-others", "/staff/signin/second-step", "/staff/signin/set-up/app", "/staff/welcome", "/staff/signin", "/staff/people", "/staff/roles", path(o, "/role"), path(o, "/restore")}
		rapid.Check(t, func(t *rapid.T) {
			b := rapid.SampledFrom([]*apptest.Browser{o.Browser, half}).Draw(t, "who")
			fields := rapid.MapOf(rapid.SampledFrom(words), rapid.SampledFrom(values)).Draw(t, "fields")
			all := url.Values{}
			for k, v := range fields {
				all.Set(k, v)
			}
			req := b.Request(http.MethodPost, rapid.SampledFrom(paths).Draw(t, "path"), all)
			look := b.Request(http.MethodGet, "/staff/people?"+all.Encode(), nil)
			for k, v := range fields {
				req.Header.Set(k, v)
				look.Header.Set(k, v)
			}
			b.Once(req)
			if p := b.Once(look); p.Status < 400 {
				t.Errorf("she sees who runs the installation: %d", p.Status)
			}
			w.Exec("DELETE FROM throttles")
			if w.Count("staff WHERE role = 'readonly' AND role_id IS NULL AND status = 'active'") != 1 || w.Count("staff") != 1 || w.Count("staff_roles") != 0 || w.Count("staff_sessions WHERE second_at IS NOT NULL") != 1 {
				t.Fatal("a request has named its own role")
			}
		})
	}, kept)
}

// TestALinkLivesADay holds the ends of the links.
func TestALinkLivesADay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		link, err := w.Staff.FirstLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Move(staff.LinkLife - time.Second)
		w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200)
		w.Clock.Move(time.Second)
		w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(http.StatusGone)
		w.Clock.Move(-time.Hour)
		w.Browser().Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(http.StatusGone)
	}, kept)
}

// TestAnOperatorWhoWasResetBeforeHerFirstSignInIsWithdrawn has somebody set a
// password and begin with a passkey, and come no further.
func TestAnOperatorWhoWasResetBeforeHerFirstSignInIsWithdrawn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Root", "root@crew.example", "administrator")
		root.PostOnly("/staff/people", form("name", "Nia New", "address", "nia@crew.example", "role", "support")).Must(http.StatusSeeOther)
		nia := &apptest.Operator{Browser: w.Browser(), Address: "nia@crew.example", Staff: apptest.Query[id.Staff](w, "SELECT id FROM staff WHERE name = 'Nia New'")[0]}
		link := w.Mail.Next(t, nia.Address, "Join the staff").Link(t)
		nia.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200).Submit("/staff/welcome", form("name", "Nia New", "password", apptest.Password)).Must(200, "Set up a second factor")
		nia.PostOnly("/staff/signin/set-up/app/begin", nil).Must(http.StatusSeeOther)
		if w.Count("staff_sessions WHERE staff_id = $1", nia.Staff) != 1 || w.Count("ceremonies WHERE staff_id = $1", nia.Staff) != 1 {
			t.Fatal("there is nothing that could be in the way")
		}
		root.Post(path(nia, "/withdraw"), nil).Must(http.StatusConflict)
		root.Post(path(nia, "/reset"), nil).Must(200, "The sign-in is reset")
		root.Post(path(nia, "/withdraw"), nil).Must(200, "The invitation is withdrawn")
		if w.Count("staff WHERE id = $1", nia.Staff) != 0 {
			t.Error("she is an operator still")
		}
	})
}

// TestOperatorsAreAddedByMail walks the way of an operator: added, joined by
// her link, reset, suspended and restored.
func TestOperatorsAreAddedByMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Root", "root@crew.example", "administrator")
		root.Get("/staff/people/new").Must(200).Submit("/staff/people", form("name", "Nia New", "address", "nia@crew.example", "role", "support")).Must(200, "A link is on its way", "Invited")
		nia := &apptest.Operator{Browser: w.Browser(), Address: "nia@crew.example", Staff: apptest.Query[id.Staff](w, "SELECT id FROM staff WHERE name = 'Nia New'")[0]}
		first := w.Mail.Next(t, nia.Address, "Join the staff").Link(t)
		root.Post(path(nia, "/resend"), nil).Must(200, "A new link is on its way")
		second := w.Mail.Next(t, nia.Address, "Join the staff").Link(t)
		w.Browser().Get(strings.TrimPrefix(first, apptest.BaseURL)).Must(http.StatusGone)
		if p := password(w, nia); opens(p) {
			t.Error("she gets in without a password")
		}
		nia.Get(strings.TrimPrefix(second, apptest.BaseURL)).Must(200).Submit("/staff/welcome", form("name", "Nia New", "password", apptest.Password)).Must(200, "Set up a second factor")
		seed := w.StaffAppAtSignIn(nia.Browser)
		if !opens(nia.Browser) {
			t.Fatal("she does not get in")
		}
		root.Post(path(nia, "/withdraw"), nil).Must(http.StatusConflict)

		root.Post(path(nia, "/reset"), nil).Must(200, "The sign-in is reset")
		if opens(nia.Browser) || code(password(w, nia), w.Code(seed)) < 400 {
			t.Error("what was reset still opens")
		}
		link := w.Mail.Next(t, nia.Address, "Set up your staff sign-in anew").Link(t)
		nia.Get(strings.TrimPrefix(link, apptest.BaseURL)).Must(200).Submit("/staff/welcome", form("name", "Nia New", "password", apptest.Password)).Must(200, "Set up a second factor")
		w.StaffAppAtSignIn(nia.Browser)

		root.Post(path(nia, "/suspend"), nil).Must(200, "Suspended")
		if opens(nia.Browser) || opens(password(w, nia)) {
			t.Error("a suspended operator gets in")
		}
		root.Post(path(nia, "/restore"), nil).Must(200, "Active")
		if opens(nia.Browser) {
			t.Error("a session has come back")
		}
		if w.Count("audit_records WHERE object_id = $1 AND object_kind = 'staff' AND event IN ('staff.invited', 'staff.link_sent', 'staff.reset', 'staff.suspended', 'staff.restored')", nia.Staff) != 5 {
			t.Error("not all of it is recorded")
		}
	})
}

// TestTheSecondToChangeARoleIsToldWhatTheFirstHasSaved takes a permission out of
// a role while somebody else renames it: it does not come back unseen.
func TestTheSecondToChangeARoleIsToldWhatTheFirstHasSaved(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root, other := w.Operator("Root", "root@crew.example", "administrator"), w.Operator("Other", "other@crew.example", "administrator")
		root.Post("/staff/roles", form("name", "Night shift", "permissions", "people.manage", "permissions", "mail.view")).Must(200, "The role is added")
		path := "/staff/roles/" + id.String(apptest.Query[id.StaffRole](w, "SELECT id FROM staff_roles")[0])
		saved := func() string {
			return apptest.Query[string](w, "SELECT name || ' ' || CAST(permissions AS TEXT) FROM staff_roles")[0]
		}
		first, second := root.Get(path), other.Get(path)
		first.Submit(path, form("permissions", "mail.view")).Must(200, "The role is changed")
		was := saved()
		p := second.Submit(path, form("name", "")).Must(422)
		p = p.Submit(path, form("name", "Nights")).Must(409, "Somebody else changed this", "Saved meanwhile", "Night shift may:")
		if saved() != was {
			t.Errorf("what was saved first is overwritten: %s", saved())
		}
		p.Submit(path, nil).Must(200, "The role is changed")
		if !strings.HasPrefix(saved(), "Nights") {
			t.Errorf("a decision is not kept: %s", saved())
		}
	})
}

// TestOnlyWithinOnesOwnPower has operators reach for more than they hold.
func TestOnlyWithinOnesOwnPower(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		root := w.Operator("Root", "root@crew.example", "administrator")
		root.Post("/staff/roles", form("name", "Lead", "permissions", "staff.manage", "permissions", "people.manage")).Must(200, "The role is added")
		lead := w.Operator("Lead", "lead@crew.example", "")
		other := w.Operator("Other", "other@crew.example", "readonly")
		w.Exec("UPDATE staff SET role_id = (SELECT id FROM staff_roles) WHERE id = $1", lead.Staff)
		own := apptest.Query[id.StaffRole](w, "SELECT id FROM staff_roles")[0]
		for what, try := range map[string]struct {
			path string
			form url.Values
		}{
			"gives more than she holds":          {path(other, "/role"), form("role", "administrator")},
			"adds one who may do more":           {"/staff/people", form("name", "Mal", "address", "mal@crew.example", "role", "administrator")},
			"makes a role that allows more":      {"/staff/roles", form("name", "Wide", "permissions", "settings.manage")},
			"widens her own role":                {"/staff/roles/" + id.String(own), form("name", "Lead", "permissions", "staff.manage", "permissions", "settings.manage")},
			"narrows her own role":               {"/staff/roles/" + id.String(own), form("name", "Lead", "permissions", "staff.manage")},
			"changes her own role":               {path(lead, "/role"), form("role", "readonly")},
			"suspends herself":                   {path(lead, "/suspend"), nil},
			"resets herself":                     {path(lead, "/reset"), nil},
			"suspends one who may do more":       {path(root, "/suspend"), nil},
			"resets one who may do more":         {path(root, "/reset"), nil},
			"signs out one who may do more":      {path(root, "/sign-out"), nil},
			"demotes one who may do more":        {path(root, "/role"), form("role", "readonly")},
			"gives what only a reader may (log)": {path(other, "/role"), form("role", "readonly")},
		} {
			if p := lead.PostOnly(try.path, try.form); p.Status != http.StatusForbidden {
				t.Errorf("she %s: %d", what, p.Status)
			}
		}
		if w.Count("audit_records WHERE event = 'staff.permission' AND outcome = 'denied'") == 0 {
			t.Error("no refusal is recorded")
		}
		root.Post("/staff/roles/"+id.String(own)+"/remove", nil).Must(http.StatusConflict, "Lead")
		root.Post(path(lead, "/role"), form("role", "support")).Must(200, "The role is changed")
		root.Post("/staff/roles/"+id.String(own)+"/remove", nil).Must(200, "The role is removed")
		root.PostOnly(path(other, "/role"), form("role", "role-"+id.String(own))).Must(422)
		lead.Get("/staff/people").Must(http.StatusForbidden)
	}, kept)
}

// TestSomebodyAlwaysManagesStaff lets operators do to each other, at once and
// on two nodes, whatever they may: there is always one left who can manage
// them, and nobody holds more than somebody gave who held it.
func TestSomebodyAlwaysManagesStaff(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		twin := w.Twin()
		var crew []*apptest.Operator
		for n := range 4 {
			crew = append(crew, w.Operator("Op", "op"+string(rune('a'+n))+"@crew.example", "administrator"))
		}
		steps := []string{"/suspend", "/reset", "/role", "/restore"}
		rapid.Check(t, func(t *rapid.T) {
			w.Exec("UPDATE staff SET status = 'active', role = 'administrator', password = 'a hash'")
			for _, o := range crew {
				w.SignInOperator(o)
			}
			w.Exec("DELETE FROM throttles")
			var wait sync.WaitGroup
			for n, o := range crew {
				whom := rapid.SampledFrom(crew).Draw(t, "whom")
				step := rapid.SampledFrom(steps).Draw(t, "step")
				b := o.Browser
				if n%2 == 1 {
					b = twin.Browser()
					b.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: o.Cookie("__Secure-clientele-staff"), Path: "/staff", Secure: true})
				}
				wait.Go(func() { b.PostOnly(path(whom, step), form("role", "readonly")) })
			}
			wait.Wait()
			left := 0
			for _, o := range apptest.Query[access.StaffHolding](w, "SELECT "+access.StaffHoldingSQL+" FROM staff s WHERE s.status = 'active' AND s.password <> ''") {
				if o.Set().Has(access.StaffManageStaff) {
					left++
				}
			}
			if left == 0 {
				t.Fatal("nobody is left who manages staff")
			}
		})
	}, kept)
}

// TestResetAtTheServer is for an operator who has lost everything.
func TestResetAtTheServer(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		o := w.Operator("Olga", "olga@crew.example", "administrator")
		seed := w.StaffApp(o)
		if _, err := w.Staff.ResetAtServer(t.Context(), apptest.Address("nobody@crew.example")); err == nil {
			t.Error("a stranger is reset")
		}
		link, err := w.Staff.ResetAtServer(t.Context(), apptest.Address(o.Address))
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Move(time.Minute)
		if opens(o.Browser) || code(password(w, o), w.Code(seed)) < 400 {
			t.Error("what was reset still opens")
		}
		if p := join(o.Browser, link, form("name", "Olga", "password", apptest.Password)); p.Status != http.StatusSeeOther {
			t.Errorf("the link: %d", p.Status)
		}
		w.StaffAppAtSignIn(o.Browser)
		if !opens(o.Browser) {
			t.Error("she does not get in")
		}
	}, kept)
}

package auth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/web"

	"github.com/pquerna/otp/totp"
)

// half does the first step of a sign-in in a new browser.
func half(t *testing.T, w *apptest.World, p *apptest.Person) *apptest.Browser {
	t.Helper()
	b := w.Browser()
	firstStep(t, b, p.Address, apptest.Password)
	return b
}

// firstStep signs in with a password, and is asked for the second step.
func firstStep(t *testing.T, b *apptest.Browser, address, password string) {
	t.Helper()
	if page := signIn(b, address, password); page.Status != http.StatusSeeOther || !strings.HasPrefix(page.Location, "/signin/second-factor") || b.Cookie(web.PendingCookie) == "" {
		t.Fatalf("the first step: %d to %q", page.Status, page.Location)
	}
}

// finish types a code for the second step.
func finish(b *apptest.Browser, code string) int {
	return b.PostOnly("/signin/second-factor", form("code", code)).Status
}

// known is a browser in which the person has signed in with both steps, and
// moves the clock to the next code.
func known(t *testing.T, w *apptest.World, p *apptest.Person, seed string) *apptest.Browser {
	t.Helper()
	b := half(t, w, p)
	if got := finish(b, w.Code(seed)); got != http.StatusSeeOther {
		t.Fatalf("the second step: %d", got)
	}
	w.Clock.Move(30 * time.Second)
	return b
}

// codeAt is what an app with the seed shows at some time.
func codeAt(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(seed, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrongCode is six digits that no step near the clock has.
func wrongCode(t *testing.T, w *apptest.World, seed string) string {
	t.Helper()
	var near []string
	for step := time.Duration(-3); step <= 3; step++ {
		near = append(near, codeAt(t, seed, w.Clock.Now().Add(step*30*time.Second)))
	}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444", "555555", "666666", "777777"} {
		if !slices.Contains(near, code) {
			return code
		}
	}
	return "888888"
}

// guessCodes types n wrong codes and counts how many were weighed at all.
func guessCodes(t *testing.T, w *apptest.World, b *apptest.Browser, seed string, n int) (weighed int) {
	t.Helper()
	before := weighedCodes(w)
	for range n {
		if got := finish(b, wrongCode(t, w, seed)); got < 400 {
			t.Errorf("a wrong code answers %d", got)
		}
	}
	return int(weighedCodes(w) - before)
}

// weighedCodes counts the wrong codes that were held against a seed.
func weighedCodes(w *apptest.World) int64 {
	return w.Count("audit_records WHERE event = 'user.code_refused'")
}

// problem asks as a program does, and tells what it is answered.
func problem(b *apptest.Browser, method, path string, fields url.Values) (status int, kind string) {
	req := b.Request(method, path, fields)
	req.Header.Set("Accept", "application/json")
	page := b.Once(req)
	if found := regexp.MustCompile(`"type":"[^"]*/problems/([^"]*)"`).FindStringSubmatch(page.Body); found != nil {
		kind = found[1]
	}
	return page.Status, kind
}

// TestT087_SixWrongCodesEndTheSignIn types six wrong codes: the right one
// comes too late, the password is needed again, and no code counts before the
// window is over, to the second.
func TestT087_SixWrongCodesEndTheSignIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		b := half(t, w, p)
		if n := guessCodes(t, w, b, seed, 6); n != 6 {
			t.Errorf("%d of six wrong codes were weighed", n)
		}
		if got, kind := problem(b, http.MethodPost, "/signin/second-factor", form("code", w.Code(seed))); got != http.StatusUnauthorized || kind != "sign-in-over" {
			t.Errorf("the right code after six wrong ones: %d %s", got, kind)
		}
		b.Get("/me").Must(401)
		b.Get("/signin/second-factor").Must(401)
		late := func(want int, when string) {
			t.Helper()
			b := half(t, w, p)
			page := b.PostOnly("/signin/second-factor", form("code", w.Code(seed)))
			if page.Status != want || want == http.StatusTooManyRequests && page.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d", when, page.Status)
			}
		}
		late(http.StatusTooManyRequests, "with the password again, at once")
		w.Clock.Move(15*time.Minute - time.Second)
		late(http.StatusTooManyRequests, "a second too early")
		w.Clock.Move(time.Second)
		late(http.StatusSeeOther, "after the window")
	}, kept)
}

// TestT087_OneCountForAllSessions guesses in several half sign-ins, from
// several networks, and in a stolen session, by turns and all at once.
func TestT087_OneCountForAllSessions(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		thief := again(w, p.Cookie(session)) // without her browser's own cookie
		wrong := func(b *apptest.Browser) int {
			return b.PostOnly("/confirm", form("password", apptest.Password, "code", wrongCode(t, w, seed))).Status
		}
		halves := []*apptest.Browser{half(t, w, p), half(t, w, p), half(t, w, p)}
		for i, b := range halves {
			b.Network = "198.51.100." + string(rune('1'+i))
		}
		total := guessCodes(t, w, halves[0], seed, 2) + guessCodes(t, w, halves[1], seed, 2)
		if wrong(thief) != http.StatusUnprocessableEntity || total != 4 {
			t.Errorf("the first five: %d at the door", total)
		}
		if n := guessCodes(t, w, halves[2], seed, 4); n != 1 {
			t.Errorf("%d guesses after five were weighed, want one", n)
		}
		for i, b := range halves {
			if got := finish(b, w.Code(seed)); got != http.StatusUnauthorized {
				t.Errorf("half sign-in %d goes on: %d", i, got)
			}
		}
		if got := thief.PostOnly("/confirm", form("password", apptest.Password, "code", w.Code(seed))).Status; got != http.StatusTooManyRequests {
			t.Errorf("the stolen session: %d", got)
		}
		w.Clock.Move(15 * time.Minute)
		halves = []*apptest.Browser{half(t, w, p), half(t, w, p), half(t, w, p), half(t, w, p)}
		before, code := weighedCodes(w), wrongCode(t, w, seed)
		apptest.Race(20, func(i int) { finish(halves[i%4], code) })
		if n := weighedCodes(w) - before; n != 6 {
			t.Errorf("%d of 20 guesses at once were weighed", n)
		}
	}, kept)
}

// TestT087_WhoHasThePasswordKeepsNobodyOut exhausts all guesses, again and
// again: she goes on in the browser that she knows, also where her own half
// sign-in was ended by them.
func TestT087_WhoHasThePasswordKeepsNobodyOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		own := known(t, w, p, seed)
		mallory := half(t, w, p)
		firstStep(t, own, p.Address, apptest.Password)
		guessCodes(t, w, mallory, seed, 6)
		if got := finish(own, w.Code(seed)); got != http.StatusUnauthorized {
			t.Errorf("her own half sign-in: %d", got)
		}
		mallory = half(t, w, p)
		firstStep(t, own, p.Address, apptest.Password)
		if n := guessCodes(t, w, mallory, seed, 40); n != 0 {
			t.Errorf("%d guesses after the sixth were weighed", n)
		}
		if got := finish(own, w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("in the browser that she knows: %d", got)
		}
		// What was refused was no guess: it uses up nothing of the day.
		w.Clock.Move(15 * time.Minute)
		if got := finish(half(t, w, p), w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("in another browser, after a quarter of an hour: %d", got)
		}
	}, kept)
}

// aDayOfGuesses guesses in every quarter of an hour of a day, and counts what
// was weighed; between is run after each quarter.
func aDayOfGuesses(t *testing.T, w *apptest.World, p *apptest.Person, seed string, between func(quarter int)) (weighed int) {
	t.Helper()
	for quarter := range 95 {
		n := guessCodes(t, w, half(t, w, p), seed, 6)
		weighed += n
		between(quarter)
		w.Clock.Move(15 * time.Minute)
		if n == 0 && quarter > 17 {
			w.Clock.Move(time.Duration(94-quarter) * 15 * time.Minute)
			break
		}
	}
	return weighed
}

// TestT087_ADayHasItsBound guesses all day with the right password: 30 codes
// are weighed. Setting another password shuts the guesser out and lets her in
// at once; even one who reads her mail, and sets passwords as he likes, has
// no more than 90.
func TestT087_ADayHasItsBound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		if n := aDayOfGuesses(t, w, p, seed, func(int) {}); n != 30 {
			t.Errorf("%d codes were weighed in a day, want 30", n)
		}
		page := half(t, w, p).PostOnly("/signin/second-factor", form("code", w.Code(seed)))
		if page.Status != http.StatusTooManyRequests {
			t.Errorf("at the end of the day: %d", page.Status)
		}
		reset := w.Browser()
		reset.Get(link(t, w, p.Address)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Second step")
		if got := finish(reset, w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("with a new password: %d", got)
		}
		w.Clock.Move(24 * time.Hour)
		w.Exec("UPDATE users SET password = (SELECT password FROM users WHERE id = $1) WHERE id = $2", w.Person("Bob", "bob@crowd.example").User, p.User)
		if n := aDayOfGuesses(t, w, p, seed, func(quarter int) {
			if quarter%5 == 4 {
				w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", p.User)
			}
		}); n != 90 {
			t.Errorf("%d codes were weighed in a day of new passwords, want 90", n)
		}
		w.Clock.Move(time.Hour)
		if got := finish(half(t, w, p), w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("the next day: %d", got)
		}
	})
}

// TestT087_SheIsToldHoweverItIsSpread guesses five codes and starts again,
// which ends no sign-in: the sixth of the day is told of, and once.
func TestT087_SheIsToldHoweverItIsSpread(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		told := func() int64 { return w.Count("mails WHERE kind = 'codes-guessed'") }
		guessCodes(t, w, half(t, w, p), seed, 5)
		if told() != 0 {
			t.Error("five wrong codes are told of")
		}
		for range 3 {
			w.Clock.Move(15 * time.Minute)
			guessCodes(t, w, half(t, w, p), seed, 5)
			if told() != 1 {
				t.Errorf("told %d times", told())
			}
		}
	}, kept)
}

// TestT088_ACodeCountsOnce signs in with a code and comes again with it, with
// the one before, at the other door, and with the clock set back.
func TestT088_ACodeCountsOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		now := w.Clock.Now()
		early := codeAt(t, seed, now.Add(30*time.Second)) // her phone is ahead
		if got := finish(half(t, w, p), early); got != http.StatusSeeOther {
			t.Fatalf("the first use: %d", got)
		}
		confirm := func(code string) int {
			return p.PostOnly("/confirm", form("password", apptest.Password, "code", code)).Status
		}
		for what, code := range map[string]string{"the same": early, "the one before it": codeAt(t, seed, now), "two before": codeAt(t, seed, now.Add(-30*time.Second))} {
			if got := finish(half(t, w, p), code); got != http.StatusUnprocessableEntity {
				t.Errorf("%s, at the door: %d", what, got)
			}
			if got := confirm(code); got != http.StatusUnprocessableEntity {
				t.Errorf("%s, to confirm: %d", what, got)
			}
		}
		w.Exec("DELETE FROM throttles")
		w.Clock.Move(-20 * time.Second)
		if got := finish(half(t, w, p), early); got != http.StatusUnprocessableEntity {
			t.Errorf("with the clock set back a little: %d", got)
		}
		w.Clock.Move(-time.Hour)
		if got := finish(half(t, w, p), w.Code(seed)); got != http.StatusUnprocessableEntity {
			t.Errorf("a code of an hour ago, with the clock set back: %d", got)
		}
		w.Clock.Move(time.Hour + 20*time.Second + 60*time.Second)
		used := w.Code(seed)
		if got := confirm(used); got != http.StatusSeeOther {
			t.Errorf("a new code, to confirm: %d", got)
		}
		if got := finish(half(t, w, p), used); got != http.StatusUnprocessableEntity {
			t.Errorf("a code that confirmed, at the door: %d", got)
		}
	}, kept)
}

// TestT088_ACodeCountsOnceAlsoAtOnce sends one code twenty times in parallel,
// at both doors.
func TestT088_ACodeCountsOnceAlsoAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		halves := []*apptest.Browser{half(t, w, p), half(t, w, p), half(t, w, p), half(t, w, p)}
		sessions := w.Count("sessions")
		var in atomic.Int64
		code := w.Code(seed)
		apptest.Race(20, func(i int) {
			got := 0
			if i%5 == 4 {
				got = again(w, p.Cookie(session)).PostOnly("/confirm", form("password", apptest.Password, "code", code)).Status
			} else {
				got = finish(halves[i%4], code)
			}
			if got == http.StatusSeeOther {
				in.Add(1)
			}
		})
		if n := in.Load(); n != 1 || w.Count("sessions") > sessions+1 {
			t.Errorf("one code was accepted %d times, %d sessions more", n, w.Count("sessions")-sessions)
		}
	}, kept)
}

// TestT090_AHalfSignInOpensNothing comes with the cookie of a half sign-in,
// under every name that a cookie has here, to every route that needs more.
func TestT090_AHalfSignInOpensNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		w.Account(p, "Acorn")
		bare, dressed := half(t, w, p), half(t, w, p)
		token := dressed.Cookie(web.PendingCookie)
		for _, name := range []string{session, device, web.CeremonyCookie, web.RecoveryCookie} {
			dressed.SetCookie(&http.Cookie{Name: name, Value: token, Path: "/", Secure: true})
		}
		dressed.SetCookie(&http.Cookie{Name: "__Secure-clientele-staff", Value: token, Path: "/staff", Secure: true})
		tried := 0
		for _, r := range w.Mux.Routes() {
			if r.Guard == "public" {
				continue
			}
			tried++
			path := regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(r.Pattern, "1")
			var fields url.Values
			if r.Unsafe() {
				fields = form("account", "1", "password", apptest.Password, "code", w.Code(seed))
			}
			for what, b := range map[string]*apptest.Browser{"bare": bare, "under every name": dressed} {
				if got := b.Once(b.Request(r.Method, path, fields)).Status; got != http.StatusUnauthorized {
					t.Errorf("%s %s, %s: %d", r.Method, r.Pattern, what, got)
				}
			}
			if got, kind := problem(bare, r.Method, path, fields); got != http.StatusUnauthorized || kind == "" {
				t.Errorf("%s %s, to a program: %d %q", r.Method, r.Pattern, got, kind)
			}
		}
		if tried < 50 {
			t.Errorf("only %d routes need a sign-in", tried)
		}
		if got := finish(bare, w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("and it can be finished after all: %d", got)
		}
	}, kept)
}

// TestT090_AHalfSignInThatIsOver tries to finish sign-ins whose first step
// counts no more.
func TestT090_AHalfSignInThatIsOver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		key := w.Passkey(p)
		key.Register("Laptop")
		for what, over := range map[string]func(b *apptest.Browser){
			"cancelled":        func(b *apptest.Browser) { b.PostOnly("/signin/second-factor/cancel", form()) },
			"in another agent": func(b *apptest.Browser) { b.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0") },
			"too old":          func(*apptest.Browser) { w.Clock.Move(auth.PendingLife) },
			"from the future":  func(*apptest.Browser) { w.Clock.Move(-time.Second) },
			"suspended":        func(*apptest.Browser) { w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", p.User) },
			"changed":          func(*apptest.Browser) { w.Exec("UPDATE users SET credentials = credentials + 1 WHERE id = $1", p.User) },
			"used":             func(b *apptest.Browser) { key.Finish(b, nil) },
		} {
			b := half(t, w, p)
			token := b.Cookie(web.PendingCookie)
			over(b)
			b.SetCookie(&http.Cookie{Name: web.PendingCookie, Value: token, Path: "/", Secure: true})
			sessions := w.Count("sessions")
			if got, kind := problem(b, http.MethodPost, "/signin/second-factor", form("code", w.Code(seed))); got != http.StatusUnauthorized || kind != "sign-in-over" {
				t.Errorf("%s: %d %s", what, got, kind)
			}
			if got, _ := problem(b, http.MethodPost, "/signin/second-factor/passkey/begin", form()); got != http.StatusUnauthorized {
				t.Errorf("%s: a passkey is asked for: %d", what, got)
			}
			if w.Count("sessions") != sessions {
				t.Errorf("%s: a session was started", what)
			}
			w.Exec("UPDATE users SET status = 'active' WHERE id = $1", p.User)
			w.Clock.Move(time.Minute)
		}
		b := half(t, w, p)
		w.Clock.Move(auth.PendingLife - time.Second)
		if got := finish(b, w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("at the last second: %d", got)
		}
	}, kept)
}

// TestT090_APasswordChangeMeetsASecondStep has both happen at once, many
// times: no session outlives the change.
func TestT090_APasswordChangeMeetsASecondStep(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		passwords := []string{apptest.Password, another}
		for round := range 8 {
			old, next := passwords[round%2], passwords[(round+1)%2]
			b := w.Browser()
			firstStep(t, b, p.Address, old)
			code, changed := w.Code(seed), 0
			apptest.Race(2, func(i int) {
				if i == 0 {
					for range round * 4 { // the change takes a while: meet it at different moments
						b.GetOnly("/signin/second-factor")
					}
					finish(b, code)
				} else {
					changed = p.PostOnly("/me/security", form("old", old, "password", next)).Status
				}
			})
			if changed != http.StatusSeeOther {
				t.Fatalf("round %d: the change: %d", round, changed)
			}
			if got := b.GetOnly("/me").Status; got != http.StatusUnauthorized {
				t.Errorf("round %d: the session outlives the change: %d", round, got)
			}
			w.Clock.Move(time.Minute)
			w.Exec("DELETE FROM throttles")
		}
	}, kept)
}

// TestT090_OnesFirstStepTakesNobodyElsesSecond mixes the steps of two people.
func TestT090_OnesFirstStepTakesNobodyElsesSecond(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, mallory := w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
		seeds := map[*apptest.Person]string{alice: w.Authenticator(alice), mallory: w.Authenticator(mallory)}
		hers, his := w.Passkey(alice), w.Passkey(mallory)
		hers.Register("Hers")
		his.Register("His")
		codes := newCodes(t, mallory)
		b := half(t, w, alice)
		refused := func(what string, got int) {
			t.Helper()
			if got != http.StatusUnprocessableEntity && got != http.StatusGone && got != http.StatusUnauthorized {
				t.Errorf("%s: %d", what, got)
			}
			b.Get("/me").Must(401)
		}
		refused("his code", finish(b, w.Code(seeds[mallory])))
		refused("his recovery code", finish(b, codes[0]))
		refused("his passkey, on her challenge", his.Finish(b, nil).Status)
		own := half(t, w, mallory)
		response := his.Shown(own.PostOnly("/signin/second-factor/passkey/begin", form()))
		b.SetCookie(&http.Cookie{Name: web.CeremonyCookie, Value: own.Cookie(web.CeremonyCookie), Path: "/", Secure: true})
		refused("his challenge and passkey", b.PostOnly("/signin/second-factor/passkey", form("response", response)).Status)

		// A challenge of another kind is no challenge for the second step.
		for what, path := range map[string]string{"to sign in": "/signin/passkey/begin", "to confirm": "/confirm/passkey/begin"} {
			from := b
			if what == "to confirm" {
				from = alice.Browser
			}
			response := hers.Shown(from.PostOnly(path, form()))
			b.SetCookie(&http.Cookie{Name: web.CeremonyCookie, Value: from.Cookie(web.CeremonyCookie), Path: "/", Secure: true})
			refused("her passkey on a challenge "+what, b.PostOnly("/signin/second-factor/passkey", form("response", response)).Status)
		}
		response = hers.Shown(b.PostOnly("/signin/second-factor/passkey/begin", form()))
		refused("the challenge of the second step, to sign in", b.PostOnly("/signin/passkey", form("response", response)).Status)
		if got := hers.Finish(b, nil).Status; got != http.StatusSeeOther {
			t.Errorf("her own: %d", got)
		}
		b.Get("/me").Must(200, "Alice")
		if got, kind := problem(w.Browser(), http.MethodPost, "/signin/second-factor/passkey/begin", form()); got != http.StatusUnauthorized || kind != "sign-in-over" {
			t.Errorf("a challenge without a first step: %d %s", got, kind)
		}
	}, kept)
}

// TestT090_APlantedFirstStepIsNobodysButItsOwn puts the attacker's half
// sign-in into the victim's browser, and has another site send the form.
func TestT090_APlantedFirstStepIsNobodysButItsOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, mallory := w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
		seed, his := w.Authenticator(alice), w.Authenticator(mallory)
		planted := half(t, w, mallory).Cookie(web.PendingCookie)
		victim := half(t, w, alice)
		victim.SetCookie(&http.Cookie{Name: web.PendingCookie, Value: planted, Path: "/", Secure: true})
		victim.Get("/signin/second-factor").Must(200, "Mallory") // the page names whose sign-in it is
		if got := finish(victim, w.Code(seed)); got != http.StatusUnprocessableEntity {
			t.Errorf("her code on his first step: %d", got)
		}
		victim.Get("/me").Must(401)
		for _, path := range []string{"/signin", "/signin/second-factor", "/signin/passkey", "/signin/passkey/begin", "/signin/second-factor/cancel", "/alarm", "/address"} {
			for _, site := range []string{"cross-site", "same-site", ""} {
				req := victim.Request(http.MethodPost, path, form("address", mallory.Address, "password", apptest.Password, "code", w.Code(his)))
				req.Header.Set("Origin", "https://evil.example")
				if req.Header.Set("Sec-Fetch-Site", site); site == "" {
					req.Header.Del("Sec-Fetch-Site")
				}
				if got := victim.Once(req).Status; got != http.StatusForbidden {
					t.Errorf("%s from %q: %d", path, site, got)
				}
			}
		}
		victim.Get("/me").Must(401)
	}, kept)
}

// TestT090_NextLeadsNowhereElse hands addresses of other servers through both
// steps.
func TestT090_NextLeadsNowhereElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		key := w.Passkey(p)
		key.Register("Laptop")
		b := w.Browser()
		for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "/%5cevil.example", "/a//evil.example", "javascript:alert(1)", "/me\r\nLocation: https://evil.example", "/..//evil.example", "\t//evil.example"} {
			page := b.PostOnly("/signin", form("address", p.Address, "password", apptest.Password, "next", next))
			if page.Location != "/signin/second-factor" {
				t.Errorf("%q leads to %q after the first step", next, page.Location)
			}
			shown := b.Get("/signin/second-factor?next=" + url.QueryEscape(next))
			if value := shown.Find(`form[action="/signin/second-factor"] input[name=next]`).AttrOr("value", "/"); value != "/" {
				t.Errorf("%q stands in the form: %q", next, value)
			}
			page = key.Finish(b, form("next", next))
			if page.Status != http.StatusSeeOther || page.Location != "/" {
				t.Errorf("%q leads to %d %q after the second step", next, page.Status, page.Location)
			}
			b.PostOnly("/signout", form())
		}
		page := b.PostOnly("/signin", form("address", p.Address, "password", apptest.Password, "next", "/me/sessions"))
		if page.Location != "/signin/second-factor?next=%2Fme%2Fsessions" {
			t.Errorf("a page of ours: %q", page.Location)
		}
		if page = b.PostOnly("/signin/second-factor", form("code", w.Code(seed), "next", "/me/sessions")); page.Location != "/me/sessions" {
			t.Errorf("a page of ours: %q", page.Location)
		}
	}, kept)
}

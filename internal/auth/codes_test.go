package auth_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
	"clientele/internal/web"
)

var recoveryCode = regexp.MustCompile(`\b[0-9a-z]{6}-[0-9a-z]{6}-[0-9a-z]{6}-[0-9a-z]{6}\b`)

// newCodes makes recovery codes, in a browser that is signed in and fresh.
func newCodes(t *testing.T, p *apptest.Person) []string {
	t.Helper()
	codes := recoveryCode.FindAllString(p.Post("/me/security/codes", form()).Must(200).Body, -1)
	if len(codes) != 10 {
		t.Fatalf("the page shows %d codes: %v", len(codes), codes)
	}
	return codes
}

// TestT089_ARecoveryCodeCountsOnce uses codes up, types them as people do,
// and tells her of each.
func TestT089_ARecoveryCodeCountsOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		codes := newCodes(t, p)
		w.Mail.Next(t, p.Address, "New recovery codes")
		for i, typed := range []string{
			codes[0], strings.ToUpper(codes[1]), strings.ReplaceAll(codes[2], "-", " "), "  " + strings.ReplaceAll(codes[3], "-", "") + " ",
			strings.NewReplacer("0", "o", "1", "l").Replace(codes[4]), strings.NewReplacer("0", "O", "1", "I").Replace(strings.ToUpper(codes[5])),
		} {
			if got := finish(half(t, w, p), typed); got != http.StatusSeeOther {
				t.Errorf("code %d, typed %q for %q: %d", i, typed, codes[i], got)
			}
			if i < 2 {
				w.Mail.Next(t, p.Address, "A recovery code was used").Link(t)
			}
			for _, same := range []string{typed, codes[i]} {
				if got := finish(half(t, w, p), same); got != http.StatusUnprocessableEntity {
					t.Errorf("code %d again: %d", i, got)
				}
			}
			w.Exec("DELETE FROM throttles")
		}
		if n := w.Count("recovery_codes WHERE user_id = $1 AND used_at IS NULL", p.User); n != 4 {
			t.Errorf("%d codes are left", n)
		}
		for _, nothing := range []string{"", " ", "-", "000000", strings.Repeat("0", 24), codes[9][:26], codes[9] + "0", codes[9] + "\x00"} {
			if got := finish(half(t, w, p), nothing); got == http.StatusSeeOther {
				t.Errorf("%q signs in", nothing)
			}
			w.Exec("DELETE FROM throttles")
		}
	})
}

// TestT089_TwentyAtOnceAreOne races with one code, in several sign-ins.
func TestT089_TwentyAtOnceAreOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		codes := newCodes(t, p)
		halves := []*apptest.Browser{half(t, w, p), half(t, w, p), half(t, w, p), half(t, w, p)}
		var in atomic.Int64
		apptest.Race(20, func(i int) {
			if finish(halves[i%4], codes[0]) == http.StatusSeeOther {
				in.Add(1)
			}
		})
		if n := in.Load(); n != 1 || w.Count("sessions WHERE user_id = $1 AND ended_at IS NULL", p.User) != 1 {
			t.Errorf("one code was accepted %d times", n)
		}
		if n := w.Count("recovery_codes WHERE user_id = $1 AND used_at IS NULL", p.User); n != 9 {
			t.Errorf("%d codes are left", n)
		}
	}, kept)
}

// TestT089_CodesThatAreNobodysHere tries another's codes, old ones, and wrong
// ones, which count like every other guess.
func TestT089_CodesThatAreNobodysHere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, mallory := w.Person("Alice", "alice@crowd.example"), w.Person("Mallory", "mallory@crowd.example")
		seed := w.Authenticator(alice)
		w.Authenticator(mallory)
		old, his := newCodes(t, alice), newCodes(t, mallory)
		fresh := newCodes(t, alice)
		for what, code := range map[string]string{"another's": his[0], "an old one": old[0], "another old one": old[9]} {
			if got := finish(half(t, w, alice), code); got != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", what, got)
			}
		}
		if w.Count("recovery_codes WHERE user_id = $1 AND used_at IS NULL", mallory.User) != 10 {
			t.Error("his code was used up")
		}
		b := half(t, w, alice)
		for _, code := range his[1:4] {
			finish(b, code)
		}
		if got := finish(half(t, w, alice), fresh[0]); got != http.StatusTooManyRequests {
			t.Errorf("a right one after six wrong ones: %d", got)
		}
		w.Clock.Move(15 * time.Minute)
		if got := finish(half(t, w, alice), fresh[0]); got != http.StatusSeeOther {
			t.Errorf("after the window: %d", got)
		}
		if n := w.Count("sessions WHERE user_id = $1 AND ended_at IS NULL", alice.User); n != 1 {
			t.Errorf("%d sessions live on after a recovery code", n)
		}
		if got := finish(half(t, w, alice), w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("her app goes on: %d", got)
		}
	}, kept)
}

// TestT089_CodesNeedAFactor makes none without a factor, and takes them away
// with the last one.
func TestT089_CodesNeedAFactor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		if got, kind := problem(p.Browser, http.MethodPost, "/me/security/codes", form()); got != http.StatusConflict || kind != "no-factor" {
			t.Errorf("without a factor: %d %s", got, kind)
		}
		w.Authenticator(p)
		app := apptest.Query[id.Authenticator](w, "SELECT id FROM authenticators WHERE user_id = $1", p.User)[0]
		p.Post("/me/security/apps/"+id.String(app)+"/remove", form()).Must(200, "The app is removed")
		if n := w.Count("recovery_codes"); n != 0 {
			t.Errorf("%d codes outlive the factor", n)
		}
		if page := signIn(w.Browser(), p.Address, apptest.Password); page.Location != "/" {
			t.Errorf("without a factor a password is enough: %q", page.Location)
		}
	}, kept)
}

// atRest are the columns that are to hold nothing in clear.
var atRest = []string{
	"authenticators.sealed", "recovery_codes.code_hash", "ceremonies.sealed", "ceremonies.token_hash", "pending_signins.token_hash",
	"sessions.token_hash", "devices.token_hash", "alarms.token_hash", "address_changes.token_hash", "address_changes.undo_hash", "user_links.token_hash",
	"passkeys.record", "mails.text_body", "mails.html_body", "mails.subject", "audit_records.after", "throttles.name",
}

// TestO2_SeedsCodesAndTokensAreNotKept looks for what signs in, in the
// database and in the log.
func TestO2_SeedsCodesAndTokensAreNotKept(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		codes := newCodes(t, p)
		open := apptest.SeedOn(p.Post("/me/security/apps/begin", form()).Must(200)) // one that waits for its first code
		p.PostOnly("/me/address", form("address", "alice2@crowd.example"))
		b := half(t, w, p)
		used := codes[9]
		finish(b, used)
		b = half(t, w, p)
		secrets := map[string]string{
			"the seed": seed, "the seed that waits": open, "the pending sign-in": b.Cookie(web.PendingCookie), "the ceremony": p.Cookie(web.CeremonyCookie),
			"the device": p.Cookie(device), "the session": p.Cookie(session),
		}
		for i, code := range codes {
			secrets["recovery code "+string(rune('0'+i))] = strings.ReplaceAll(code, "-", "")
			if n := w.Count("recovery_codes WHERE code_hash = $1", auth.HashToken(strings.ReplaceAll(code, "-", ""))); n != 1 {
				t.Errorf("code %d is known %d times by its hash", i, n)
			}
		}
		var all strings.Builder
		for _, place := range atRest {
			table, column, _ := strings.Cut(place, ".")
			rows := apptest.Query[string](w, "SELECT "+column+" FROM "+table+" WHERE "+column+" IS NOT NULL")
			all.WriteString(strings.ToLower(strings.ReplaceAll(strings.Join(rows, "\n"), "-", "")))
		}
		for what, secret := range secrets {
			plain := strings.ToLower(strings.ReplaceAll(secret, "-", ""))
			if len(plain) < 20 {
				t.Errorf("%s is %q", what, secret)
			}
			if strings.Contains(all.String(), plain) || strings.Contains(strings.ToLower(w.Logs.String()), strings.ToLower(secret)) {
				t.Errorf("%s is kept in clear", what)
			}
		}
	}, kept)
}

// TestT090_APasskeyPromptTellsNothing asks for the prompt and answers it with
// keys that are nobody's, removed, and of somebody suspended: the answers are
// the same, whoever has a login here.
func TestT090_APasskeyPromptTellsNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p, gone, away := w.Person("Alice", "alice@crowd.example"), w.Person("Gone", "gone@crowd.example"), w.Person("Away", "away@crowd.example")
		challenge := regexp.MustCompile(`"challenge":"[^"]*"`)
		prompt := func(address string) string {
			return challenge.ReplaceAllString(w.Browser().PostOnly("/signin/passkey/begin", form("address", address)).Body, "")
		}
		before := prompt("nobody@crowd.example")
		keys := map[string]*apptest.Passkey{"removed": w.Passkey(gone), "of somebody suspended": w.Passkey(away)}
		for _, key := range keys {
			key.Register("A key")
		}
		stray := w.Passkey(p)
		stray.Device.Options.UserHandle = []byte("nobody at all")
		keys["nobody's"] = stray
		w.Exec("DELETE FROM passkeys WHERE user_id = $1", gone.User)
		w.Exec("UPDATE users SET status = 'suspended' WHERE id = $1", away.User)
		if after := prompt(away.Address); after != before || strings.Contains(after, "allowCredentials") {
			t.Errorf("the prompt is %s for one who has a passkey, and %s", after, before)
		}
		said := map[string]bool{}
		for what, key := range keys {
			page := key.SignIn(w.Browser())
			if page.Status != http.StatusUnprocessableEntity {
				t.Errorf("a key that is %s: %d", what, page.Status)
			}
			said[strings.Join(strings.Fields(page.Find("main").Text()), " ")] = true
		}
		if len(said) != 1 {
			t.Errorf("the answers differ: %v", said)
		}
	}, kept)
}

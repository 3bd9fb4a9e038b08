package auth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/auth"
	"clientele/internal/id"
)

// factorReset is the path of a step that removes a lost second factor.
func factorReset(p *apptest.Person, step string) string {
	return "/staff/users/" + id.String(p.User) + "/factor-reset" + step
}

const reason = "She called from her number and named her last invoice."

// TestT092_ANewPasswordDoesNotReplaceTheSecondFactor sets a password by mail
// and is asked for the second step as ever.
func TestT092_ANewPasswordDoesNotReplaceTheSecondFactor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		seed := w.Authenticator(p)
		known := trusted(t, w, p, seed)
		for _, b := range []*apptest.Browser{w.Browser(), known} {
			what := "in a strange browser"
			if b == known {
				what = "in the trusted one"
			}
			b.Get(link(t, w, p.Address)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Second step")
			if got := b.GetOnly("/me").Status; got != http.StatusUnauthorized {
				t.Errorf("%s: %d", what, got)
			}
			if got := finish(b, wrongCode(t, w, seed)); got != http.StatusUnprocessableEntity {
				t.Errorf("%s, a wrong code: %d", what, got)
			}
			if !asked(t, b, p, another) {
				t.Errorf("%s, signing in anew: not asked", what)
			}
			w.Exec("DELETE FROM throttles")
		}
		if w.Count("authenticators") != 1 || w.Count("sessions WHERE ended_at IS NULL") != 0 {
			t.Error("the reset has taken the factor, or given a session")
		}
		if got := finish(known, w.Code(seed)); got != http.StatusSeeOther {
			t.Errorf("with the code: %d", got)
		}
	})
}

// TestT092_OperatorsRemoveALostFactorTogetherAndLate walks the procedure: no
// one alone, no one twice, not a second before its time, and everything is
// mailed and recorded.
func TestT092_OperatorsRemoveALostFactorTogetherAndLate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Passkey(p).Register("Laptop")
		seed := w.Authenticator(p)
		one, two := w.Operator("One", "one@op.example", "support"), w.Operator("Two", "two@op.example", "administrator")
		step := func(o *apptest.Operator, step string, want int, kind string) {
			t.Helper()
			o.Post("/staff/confirm", form("password", apptest.Password))
			if got, k := problem(o.Browser, http.MethodPost, factorReset(p, step), form("reason", reason)); got != want || k != kind {
				t.Errorf("%s by %s: %d %s, want %d %s", step, o.Name, got, k, want, kind)
			}
		}
		for _, early := range []string{"/approve", "/withdraw", "/complete"} {
			step(one, early, http.StatusConflict, "no-reset")
		}
		for _, short := range []string{"", "lost it"} {
			if got := one.PostOnly(factorReset(p, ""), form("reason", short)).Status; got != http.StatusUnprocessableEntity {
				t.Errorf("the reason %q: %d", short, got)
			}
		}
		step(one, "", http.StatusSeeOther, "")
		w.Mail.Next(t, p.Address, "Your second factor is going to be removed")
		step(two, "", http.StatusConflict, "reset-open")
		step(one, "/approve", http.StatusForbidden, "two-persons")
		step(two, "/complete", http.StatusConflict, "two-persons")
		step(two, "/approve", http.StatusSeeOther, "")
		w.Mail.Next(t, p.Address, "About your second factor")
		step(two, "/approve", http.StatusConflict, "no-reset")
		w.Clock.Move(auth.ResetDelay - time.Second)
		w.SignInOperator(one)
		w.SignInOperator(two)
		step(one, "/complete", http.StatusConflict, "too-early")
		if !asked(t, w.Browser(), p, apptest.Password) {
			t.Error("the factor is gone before its time")
		}
		w.Clock.Move(time.Second)
		step(two, "/complete", http.StatusSeeOther, "")
		w.Mail.Next(t, p.Address, "About your second factor").Link(t)
		if w.Count("passkeys")+w.Count("authenticators")+w.Count("recovery_codes") != 0 {
			t.Error("a factor is left")
		}
		b := w.Browser()
		if page := signIn(b, p.Address, apptest.Password); page.Location != "/" {
			t.Errorf("with the password alone: %q", page.Location)
		}
		if got := finish(b, w.Code(seed)); got != http.StatusUnauthorized {
			t.Errorf("the old code: %d", got)
		}
		step(two, "/complete", http.StatusConflict, "no-reset")
		for _, event := range []string{"started", "approved", "done"} {
			if n := w.Count("audit_records WHERE event = $1 AND outcome = 'done' AND subject_id = $2", "factor_reset."+event, p.User); n != 1 {
				t.Errorf("%d records of %s", n, event)
			}
		}
	})
}

// begun is a removal that both operators have agreed on.
func begun(t *testing.T, w *apptest.World, p *apptest.Person, one, two *apptest.Operator) (stop string) {
	t.Helper()
	one.Post(factorReset(p, ""), form("reason", reason)).Must(200, "Begun")
	two.Post(factorReset(p, "/approve"), form()).Must(200)
	return w.Mail.Next(t, p.Address, "Your second factor is going to be removed").Link(t)
}

// TestT092_SheStopsIt follows the link that stops a removal: looking stops
// nothing, the button does, once; and so does every change of what proves her.
func TestT092_SheStopsIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		one, two := w.Operator("One", "one@op.example", "support"), w.Operator("Two", "two@op.example", "support")
		open := func() int64 {
			return w.Count("factor_resets r JOIN users u ON u.id = r.user_id AND u.credentials = r.credentials WHERE r.state = 'open'")
		}
		stop := begun(t, w, p, one, two)
		for range 3 {
			w.Browser().Get(stop).Must(200, "Keep your second factor?")
		}
		if open() != 1 {
			t.Error("looking at the link has stopped it")
		}
		b := w.Browser()
		b.Get(stop).Must(200).Submit("/factor-reset", nil).Must(200, "Your second factor stays")
		w.Browser().Get(stop).Must(410)
		b.Get("/me").Must(401)
		if open() != 0 || w.Count("audit_records WHERE event = 'factor_reset.stopped'") != 1 {
			t.Error("it goes on, or nobody will know")
		}

		stop = begun(t, w, p, one, two)
		p.Post("/me/security", form("old", apptest.Password, "password", another)).Must(200)
		w.Browser().Get(stop).Must(410)
		w.Clock.Move(auth.ResetDelay)
		w.SignInOperator(two)
		if got, kind := problem(two.Browser, http.MethodPost, factorReset(p, "/complete"), form()); got != http.StatusConflict || kind != "no-reset" {
			t.Errorf("after she has set a password: %d %s", got, kind)
		}
		w.SignInOperator(one)
		stop = begun(t, w, p, one, two) // what has ended does not keep a new one out
		one.Post(factorReset(p, "/withdraw"), form()).Must(200, "Given up")
		w.Browser().Get(stop).Must(410)
		if w.Count("authenticators") != 1 {
			t.Error("the factor is gone")
		}
	})
}

// TestT092_ARemovalHappensOnce lets both operators do each step at once, and
// one who may only read try each.
func TestT092_ARemovalHappensOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		w.Authenticator(p)
		operators := []*apptest.Operator{w.Operator("One", "one@op.example", "support"), w.Operator("Two", "two@op.example", "support"), w.Operator("Three", "three@op.example", "support")}
		reader := w.Operator("Reader", "reader@op.example", "readonly")
		for _, step := range []string{"", "/approve", "/withdraw", "/complete"} {
			if got := reader.PostOnly(factorReset(p, step), form("reason", reason)).Status; got != http.StatusForbidden {
				t.Errorf("%q by one who may only read: %d", step, got)
			}
			if step == "/withdraw" {
				continue
			}
			var done atomic.Int64
			apptest.Race(12, func(i int) {
				if operators[i%3].PostOnly(factorReset(p, step), form("reason", reason)).Status == http.StatusSeeOther {
					done.Add(1)
				}
			})
			if n := done.Load(); n != 1 {
				t.Errorf("%q was done %d times", step, n)
			}
			if step == "/approve" {
				w.Clock.Move(auth.ResetDelay)
				w.SignInOperator(operators[0])
				w.SignInOperator(operators[1])
				w.SignInOperator(operators[2])
				w.SignInOperator(reader)
			}
		}
		if w.Count("factor_resets WHERE approved_by = started_by") != 0 || w.Count("audit_records WHERE event = 'factor_reset.done' AND outcome = 'done'") != 1 {
			t.Error("one has agreed with herself, or it was done twice")
		}
		other := w.Person("Bob", "bob@crowd.example")
		if got, kind := problem(operators[0].Browser, http.MethodPost, factorReset(other, ""), form("reason", reason)); got != http.StatusConflict || kind != "no-factor" {
			t.Errorf("somebody without a factor: %d %s", got, kind)
		}
	}, kept)
}

// TestT103_NobodyEnrolsSomebodyElse uses every route that changes something as
// the owner of an account, and as an administrator, on another person: with
// every field by which a password, an app, a passkey or an address could be
// set. Nothing of hers changes.
func TestT103_NobodyEnrolsSomebodyElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, victim := w.Person("Alice", "alice@crowd.example"), w.Person("Vera", "vera@crowd.example")
		a := w.Account(alice, "Acorn")
		member := w.Join(a, victim, apptest.Keys("people.view"))
		seed := w.Authenticator(alice)
		w.Passkey(alice).Register("Laptop")
		root := w.Operator("Root", "root@op.example", "administrator")
		const proofs = `SELECT u.password || '|' || u.address || '|' || u.credentials || '|' || (SELECT COUNT(*) FROM authenticators WHERE user_id = u.id) || '|'
			|| (SELECT COUNT(*) FROM passkeys WHERE user_id = u.id) || '|' || (SELECT COUNT(*) FROM recovery_codes WHERE user_id = u.id) || '|'
			|| (SELECT COUNT(*) FROM address_changes WHERE user_id = u.id) || '|' || (SELECT COUNT(*) FROM identities WHERE user_id = u.id) FROM users u WHERE u.id = $1`
		before := apptest.Query[string](w, proofs, victim.User)[0]
		numbers := map[string]string{"account": id.String(a), "member": id.String(member), "user": id.String(victim.User)}
		hole := regexp.MustCompile(`\{[a-z_]+\}`)
		tried := 0
		for _, r := range w.Mux.Routes() {
			if !r.Unsafe() || r.Pattern == "/signout" || r.Pattern == "/staff/signout" || r.Pattern == "/me/delete" {
				continue
			}
			tried++
			path := hole.ReplaceAllStringFunc(r.Pattern, func(name string) string {
				if n := numbers[strings.Trim(name, "{}")]; n != "" {
					return n
				}
				return id.String(victim.User)
			})
			for _, b := range []*apptest.Browser{alice.Browser, root.Browser} {
				b.PostOnly(path, onBehalf(victim, id.String(a), w.Code(seed)))
				b.PostOnly(path+"?user="+id.String(victim.User)+"&user_id="+id.String(victim.User)+"&address="+victim.Address, form("account", id.String(a)))
			}
			if after := apptest.Query[string](w, proofs, victim.User)[0]; after != before {
				t.Errorf("%s %s has changed %s to %s", r.Method, r.Pattern, before, after)
				before = after
			}
			w.SignIn(alice)
			w.Exec("DELETE FROM throttles")
			w.Exec("UPDATE users SET status = 'active', password = (SELECT password FROM users WHERE id = $1) WHERE id = $2", victim.User, alice.User)
		}
		if tried < 60 {
			t.Errorf("only %d routes were tried", tried)
		}
		// Those that enrol name nobody: they are about whoever is signed in.
		for _, r := range w.Mux.Routes() {
			enrols := strings.HasPrefix(r.Audits, "factor.") || r.Audits == "user.password_changed" || r.Audits == "user.recovery_codes_made" || r.Audits == "user.address_asked"
			if enrols && (r.Guard == "account" || r.Guard == "staff" || strings.Contains(r.Pattern, "{user}") || strings.Contains(r.Pattern, "{member}")) {
				t.Errorf("%s %s enrols somebody", r.Method, r.Pattern)
			}
		}
	}, kept)
}

// onBehalf is every field by which something of a victim's could be meant.
func onBehalf(victim *apptest.Person, account, code string) url.Values {
	n := id.String(victim.User)
	return form("account", account, "user", n, "user_id", n, "member", n, "address", victim.Address, "email", victim.Address, "name", victim.Name,
		"password", "six white bicycles", "old", apptest.Password, "code", code, "response", "{}", "reason", reason, "sealed", "x", "seed", "JBSWY3DPEHPK3PXP")
}

// TestT093_ALinkSetsOnePassword uses one mailed link many times at once.
func TestT093_ALinkSetsOnePassword(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		path := link(t, w, p.Address)
		statuses := make([]int, 8)
		var set atomic.Int64
		apptest.Race(len(statuses), func(i int) {
			b := w.Browser()
			b.GetOnly(path)
			statuses[i] = b.PostOnly("/recover/password", form("password", another)).Status
			if statuses[i] == http.StatusSeeOther {
				set.Add(1)
			}
		})
		if set.Load() != 1 || w.Count("sessions WHERE ended_at IS NULL") != 1 || w.Count("mails WHERE kind = 'password-changed'") != 1 {
			t.Errorf("one link has set %d passwords: %v", set.Load(), statuses)
		}
	})
}

package auth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/config"
)

// guess tries to sign in from a network, as fast as the line of hashes is
// full: attempts are counted before.
func guess(w *apptest.World, network, address string, headers ...string) int {
	b := w.Browser()
	b.Network = network
	req := b.Request(http.MethodPost, "/signin", form("address", address, "password", another))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return b.Once(req).Status
}

// refusals counts how many of n guesses are refused as too many.
func refusals(n int, try func(i int) int) (refused int) {
	for i := range n {
		if try(i) == http.StatusTooManyRequests {
			refused++
		}
	}
	return refused
}

// TestT085_NoHeaderMovesAGuesserToAnotherNetwork guesses with every header by
// which a proxy would name the visitor: without a proxy that is trusted, the
// socket's address counts.
func TestT085_NoHeaderMovesAGuesserToAnotherNetwork(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		defer w.Auth.Hasher().Fill()()
		headers := []string{"X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "Forwarded", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP"}
		refused := refusals(100, func(i int) int {
			address := fmt.Sprintf("203.0.113.%d", i)
			if header := headers[i%len(headers)]; header == "Forwarded" {
				return guess(w, "192.0.2.7", fmt.Sprintf("p%d@crowd.example", i), header, "for="+address)
			} else {
				return guess(w, "192.0.2.7", fmt.Sprintf("p%d@crowd.example", i), header, address)
			}
		})
		if refused < 30 || refused > 60 {
			t.Errorf("%d of 100 guesses from one network are refused", refused)
		}
		if got := guess(w, "192.0.2.8", "p@crowd.example"); got == http.StatusTooManyRequests {
			t.Error("another network is held up")
		}
	}, kept)
}

// TestT085_TheNetworkThatIsRecordedIsTheSockets looks at what is noted of a
// sign-in that names other addresses.
func TestT085_TheNetworkThatIsRecordedIsTheSockets(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		guess(w, "192.0.2.7", p.Address, "X-Forwarded-For", "203.0.113.9")
		networks := apptest.Query[string](w, "SELECT network FROM audit_records WHERE event = 'user.signed_in' AND outcome = 'denied'")
		if len(networks) != 1 || networks[0] != "192.0.2.7" {
			t.Errorf("recorded: %v", networks)
		}
		if strings.Contains(w.Logs.String(), "203.0.113.9") {
			t.Error("the log believes the header")
		}
	}, kept)
}

// TestT085_BehindATrustedProxyTheLastForeignHopCounts reads the chain that
// proxies append to from its end.
func TestT085_BehindATrustedProxyTheLastForeignHopCounts(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, c := range []struct{ socket, chain, want string }{
			{"10.0.0.5", "203.0.113.9", "203.0.113.9"},
			{"10.0.0.5", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
			{"10.0.0.5", "198.51.100.1, 203.0.113.9, 10.0.0.6", "203.0.113.9"},
			{"10.0.0.5", "203.0.113.9,10.0.0.6,10.0.0.7", "203.0.113.9"},
			{"10.0.0.5", "2001:db8::7, 10.0.0.6", "2001:db8::7"},
			{"10.0.0.5", "", "10.0.0.5"},
			{"10.0.0.5", "nonsense", "10.0.0.5"},
			{"10.0.0.5", "203.0.113.9, nonsense", "10.0.0.5"},
			{"10.0.0.5", "10.0.0.6, 10.0.0.7", "10.0.0.6"},
			{"192.0.2.7", "203.0.113.9", "192.0.2.7"},
			{"fd00::5", "203.0.113.9", "203.0.113.9"},
		} {
			before := w.Count("audit_records")
			if c.chain == "" {
				guess(w, c.socket, p.Address)
			} else {
				guess(w, c.socket, p.Address, "X-Forwarded-For", c.chain)
			}
			got := apptest.Query[string](w, "SELECT network FROM audit_records WHERE id > $1", before)
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("from %s through %q: recorded %v, want %s", c.socket, c.chain, got, c.want)
			}
			w.Exec("DELETE FROM throttles")
		}
		defer w.Auth.Hasher().Fill()()
		refused := refusals(100, func(i int) int {
			return guess(w, "10.0.0.5", fmt.Sprintf("p%d@crowd.example", i), "X-Forwarded-For", fmt.Sprintf("203.0.113.%d, 198.51.100.1", i))
		})
		if refused < 30 {
			t.Errorf("%d of 100 guesses through the proxy, with other names before one's own, are refused", refused)
		}
	}, kept, func(c *config.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "fd00::/8"} })
}

// TestT085_AnIPv6SubscriberIsOneNetwork guesses from addresses of one /64,
// and of many.
func TestT085_AnIPv6SubscriberIsOneNetwork(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		defer w.Auth.Hasher().Fill()()
		if refused := refusals(80, func(i int) int {
			return guess(w, fmt.Sprintf("2001:db8:0:1::%x", i+1), fmt.Sprintf("p%d@crowd.example", i))
		}); refused < 15 {
			t.Errorf("%d of 80 guesses from one /64 are refused", refused)
		}
		if refused := refusals(80, func(i int) int {
			return guess(w, fmt.Sprintf("2001:db8:0:%x::1", i+2), fmt.Sprintf("q%d@crowd.example", i))
		}); refused > 0 {
			t.Errorf("%d of 80 guesses from as many networks are refused", refused)
		}
		if got := guess(w, "::ffff:192.0.2.77", "r@crowd.example"); got == http.StatusTooManyRequests {
			t.Error("a mapped IPv4 address counts as one with others")
		}
	}, kept)
}

// TestT086_ManyGuessersAreSlowedTogetherAndSheIsNot guesses one person's
// password from very many networks: they get few tries in a quarter of an
// hour, while she signs in on the browser that she knows, and everywhere else
// after the quarter at the latest.
func TestT086_ManyGuessersAreSlowedTogetherAndSheIsNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice, bob := w.Person("Alice", "alice@crowd.example"), w.Person("Bob", "bob@crowd.example")
		if signIn(alice.Browser, alice.Address, apptest.Password).Status != http.StatusSeeOther || signIn(bob.Browser, bob.Address, apptest.Password).Status != http.StatusSeeOther {
			t.Fatal("nobody gets in")
		}
		attack := func(n int) (let int) {
			defer w.Auth.Hasher().Fill()()
			return n - refusals(n, func(i int) int { return guess(w, fmt.Sprintf("198.51.%d.%d", 100+i/200, 1+i%200), alice.Address) })
		}
		for quarter := range 4 {
			if let := attack(300); let < 10 || let > 20 {
				t.Errorf("quarter %d: %d of 300 guesses were let through", quarter, let)
			}
			if p := signIn(alice.Browser, alice.Address, apptest.Password); p.Status != http.StatusSeeOther {
				t.Errorf("quarter %d: on her own browser: %d", quarter, p.Status)
			}
			if p := signIn(w.Browser(), alice.Address, apptest.Password); p.Status != http.StatusTooManyRequests || p.Header.Get("Retry-After") == "" {
				t.Errorf("quarter %d: on a strange browser: %d", quarter, p.Status)
			}
			if p := signIn(bob.Browser, alice.Address, apptest.Password); p.Status != http.StatusTooManyRequests {
				t.Errorf("quarter %d: another's known browser opens her door: %d", quarter, p.Status)
			}
			w.Clock.Move(15*time.Minute - time.Second)
			if p := signIn(w.Browser(), alice.Address, apptest.Password); p.Status != http.StatusTooManyRequests {
				t.Errorf("quarter %d: a second too early: %d", quarter, p.Status)
			}
			w.Clock.Move(time.Second)
			if p := signIn(w.Browser(), alice.Address, apptest.Password); p.Status != http.StatusSeeOther {
				t.Errorf("quarter %d: she is locked out for longer: %d", quarter, p.Status)
			}
			w.Exec("DELETE FROM throttles WHERE hits < 5")
		}
	}, kept)
}

// TestT086_AKnownBrowserGivesNoFreeGuesses holds her browser's cookie and
// guesses: the cookie signs nobody in, and is slowed by itself.
func TestT086_AKnownBrowserGivesNoFreeGuesses(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice", "alice@crowd.example")
		signIn(alice.Browser, alice.Address, apptest.Password)
		device := alice.Cookie("__Host-clientele-device")
		thief := w.Browser()
		thief.SetCookie(&http.Cookie{Name: "__Host-clientele-device", Value: device, Path: "/", Secure: true})
		thief.Get("/me").Must(401)
		empty := w.Auth.Hasher().Fill()
		let := 0
		for i := range 60 {
			thief.Network = fmt.Sprintf("203.0.113.%d", i+1)
			if signIn(thief, alice.Address, another).Status != http.StatusTooManyRequests {
				let++
			}
		}
		empty()
		if device == "" || let < 10 || let > 20 {
			t.Errorf("%d of 60 guesses were let through", let)
		}
		if p := signIn(w.Browser(), alice.Address, apptest.Password); p.Status != http.StatusSeeOther {
			t.Errorf("the guesses with her cookie hold up others: %d", p.Status)
		}
	}, kept)
}

// TestT086_ConfirmingIsNoWayToGuess guesses within a session, as whoever
// finds a computer unlocked.
func TestT086_ConfirmingIsNoWayToGuess(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		alice := w.Person("Alice", "alice@crowd.example")
		root := w.Operator("Root", "root@crowd.example", "administrator")
		defer w.Auth.Hasher().Fill()()
		for what, try := range map[string]func(i int) int{
			"confirming": func(int) int { return alice.PostOnly("/confirm", form("password", another)).Status },
			"changing": func(int) int {
				return alice.PostOnly("/me/security", form("old", another, "password", "six white bicycles")).Status
			},
			"as staff": func(int) int { return root.PostOnly("/staff/confirm", form("password", another)).Status },
			"at the staff's door": func(i int) int {
				b := w.Browser()
				b.Network = fmt.Sprintf("203.0.113.%d", i+1)
				return b.PostOnly("/staff/signin", form("address", root.Address, "password", another)).Status
			},
		} {
			if refused := refusals(40, try); refused < 20 {
				t.Errorf("%s: %d of 40 guesses are refused", what, refused)
			}
		}
	}, kept)
}

package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele/internal/apptest"
)

// TestT082_WhoHasNoPasswordSetsOneByMail signs in to logins whose hash is
// degenerate, in vain, and gets in by the mailed link.
func TestT082_WhoHasNoPasswordSetsOneByMail(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		for _, hash := range []string{"", apptest.Password, "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
			w.Exec("UPDATE users SET password = $1 WHERE id = $2", hash, p.User)
			for _, password := range []string{"", apptest.Password, hash} {
				if got := signIn(w.Browser(), p.Address, password); got.Status != http.StatusUnprocessableEntity {
					t.Errorf("the hash %q opens with %q: %d", hash, password, got.Status)
				}
			}
		}
		b := w.Browser()
		b.Post("/recover", form("address", p.Address)).Must(200)
		b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200).Submit("/recover/password", form("password", another)).Must(200, "Your new password is set")
		if got := signIn(w.Browser(), p.Address, another); got.Status != http.StatusSeeOther {
			t.Errorf("the new password: %d", got.Status)
		}
	})
}

// TestT083_NoPasswordIsChangedOnItsWayIn sends one through the form, with
// everything in it that a form could lose.
func TestT083_NoPasswordIsChangedOnItsWayIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice", "alice@crowd.example")
		const password = "  Ünï <b>&amp;</b> %41 + \t 🚲  "
		p.Post("/me/security", form("old", apptest.Password, "password", password)).Must(200, "Your password is changed")
		if got := signIn(w.Browser(), p.Address, password); got.Status != http.StatusSeeOther {
			t.Errorf("as it was typed: %d", got.Status)
		}
		for _, typed := range []string{strings.TrimSpace(password), strings.ReplaceAll(password, "%41", "A"), strings.ReplaceAll(password, "+", " "), strings.ToLower(password)} {
			if got := signIn(w.Browser(), p.Address, typed); got.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", typed, got.Status)
			}
		}
		page := p.Get("/me/security")
		for _, field := range page.Find("input[type=password]").EachIter() {
			if _, blocked := field.Attr("onpaste"); blocked || field.AttrOr("maxlength", "256") < "256" {
				t.Errorf("the field %s keeps passwords out", field.AttrOr("name", ""))
			}
		}
	}, kept)
}

// TestT084_EveryFormThatSetsAPasswordRefusesBadOnes tries the same bad ones
// in each place where a password is chosen.
func TestT084_EveryFormThatSetsAPasswordRefusesBadOnes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		p := w.Person("Alice Example", "alice@crowd.example")
		b := w.Browser()
		b.Post("/recover", form("address", p.Address)).Must(200)
		recovery := b.Get(w.Mail.Next(t, p.Address, "Set a new password").Link(t)).Must(200)
		for password, reason := range map[string]string{"password1234": "guessers try", "short": "at least 12", "Northbeam-Hosting": "mostly your name", "alice-example": "mostly your name"} {
			recovery.Submit("/recover/password", form("password", password)).Must(422, reason)
			p.Post("/me/security", form("old", apptest.Password, "password", password)).Must(422, reason)
			w.Browser().Post("/signup", form("name", "Alice Example", "address", "new@crowd.example", "password", password, "kind", "account", "account_name", "Some Account", "currency", "EUR")).Must(422, reason)
		}
		w.Browser().Post("/signup", form("name", "Nia", "address", "new@crowd.example", "password", "harbour-bakery", "kind", "account", "account_name", "Harbour Bakery", "currency", "EUR")).Must(422, "mostly your name")
		if got := signIn(w.Browser(), p.Address, apptest.Password); got.Status != http.StatusSeeOther {
			t.Errorf("the old password: %d", got.Status)
		}
	})
}

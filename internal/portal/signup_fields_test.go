package portal_test

import (
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"
)

// TestSigningUpFillsInWhatEveryAccountHasTo asks in the form, keeps what was
// typed until the address is confirmed, and writes it into the new account, as
// far as it is still asked. A login without an account is asked nothing.
func TestSigningUpFillsInWhatEveryAccountHasTo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		field := func(name, kind, options, staffOnly string, required bool) string {
			w.Exec("INSERT INTO account_fields (name, kind, options, staff_only, required, created_at) VALUES ($1, $2, $3, "+staffOnly+", $4, $5)", name, kind, options, required, w.Clock.Now())
			return "field-" + id.String(id.Field(apptest.Query[int64](w, "SELECT MAX(id) FROM account_fields")[0]))
		}
		heard := field("Where did you hear of us?", "choice", "A friend\nA search", "FALSE", true)
		reference := field("Your reference", "text", "", "FALSE", true)
		size := field("Shoe size", "text", "", "FALSE", true)
		field("Risk", "text", "", "TRUE", true)
		field("Remarks", "lines", "", "FALSE", false)

		b := w.Browser()
		page := b.Get("/signup").Must(200, "Where did you hear of us?", "Your reference")
		if page.Says("Risk") || page.Says("Remarks") {
			t.Error("the form asks what staff fill in, or what nobody has to")
		}
		fill := form("name", "Nora Baker", "address", "nora@bakery.example", "password", apptest.Password, "kind", "account", "account_name", "Harbour Bakery", reference, "PO <b>7</b>", size, "44", heard, "An advertisement")
		again := page.Submit("/signup", fill).Must(422, "Choose one of the list.")
		if v := again.Find(`input[name="`+reference+`"]`).AttrOr("value", ""); v != "PO <b>7</b>" {
			t.Errorf("the other field is kept as %q", v)
		}
		fill.Del(heard)
		again.Submit("/signup", fill).Must(422, "This is needed.")
		fill.Set(heard, "A friend")
		again.Submit("/signup", fill).Must(200, "Look into your mail")
		w.Exec("DELETE FROM account_fields WHERE name = 'Shoe size'")
		b.Get(w.Mail.Next(t, "nora@bakery.example", "Confirm your address").Link(t)).Submit("/signup/confirm", nil).Must(200, "Harbour Bakery")
		a := b.Get("/").Must(200).URL.Path
		settings := b.Get(a+"/settings").Must(200, "Where did you hear of us?")
		if v := settings.Find(`input[name="`+reference+`"]`).AttrOr("value", ""); v != "PO <b>7</b>" {
			t.Errorf("the account has %q", v)
		}
		if v := settings.Find(`select[name="` + heard + `"] option[selected]`).Text(); v != "A friend" {
			t.Errorf("the account has %q", v)
		}

		signUp(t, w, w.Browser(), "Dana Field", "dana@field.example", "").Must(200, "Your accounts")
	})
}

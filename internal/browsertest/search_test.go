package browsertest

import (
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestTheBoxIsUsedWithTheKeyboardAlone finds somebody by half her address from
// any page, without a pointer.
func TestTheBoxIsUsedWithTheKeyboardAlone(t *testing.T) {
	s := newSite(t, db.SQLite)
	nora := s.Person("Nora Baker", "nora@bakery.example")
	bakery := s.Account(nora, "Harbour Bakery")
	sam := s.Operator("Sam Porter", "sam@northbeam.example", "administrator")
	b := s.asStaff(sam).open("/staff/accounts")
	state := func() string {
		return eval[string](b, `() => {
			const i = document.querySelector("[role=combobox]"), at = document.getElementById(i.getAttribute("aria-activedescendant") || "");
			return [document.activeElement === i, i.getAttribute("aria-expanded"), at ? at.querySelector(".hit-name").textContent.trim() : ""].join(" ");
		}`)
	}
	is := func(want string) {
		t.Helper()
		b.waits("the box to be "+want, func() bool { return state() == want })
	}
	b.keys("/")
	is("true false ")
	eval[any](b, `() => { document.activeElement.value = ""; }`) // the test's hand writes the stroke, too
	b.keys("a@bak")
	is("true true ")
	b.keys(kb.ArrowDown)
	is("true true Harbour Bakery")
	b.keys(kb.ArrowDown)
	is("true true Nora Baker")
	b.keys(kb.ArrowDown)
	is("true true ")
	b.keys(kb.ArrowUp)
	is("true true Nora Baker")
	b.keys(kb.Escape)
	is("true false ")
	b.keys(kb.ArrowDown)
	is("true true Harbour Bakery")
	b.follow(func() { b.keys(kb.Enter) }, "the account")
	b.at("/staff/accounts/" + id.String(bakery))
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))))
	is("true false ")
	b.keys("nora")
	is("true true ")
	b.follow(func() { b.keys(kb.Enter) }, "the page of results")
	b.sees("Search", "Nora Baker", apptest.Address(nora.Address).String())
}

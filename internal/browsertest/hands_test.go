package browsertest

import (
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/id"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// focused is what the keyboard is at.
func (b *tab) focused() string {
	b.t.Helper()
	return eval[string](b, `() => {
		const e = document.activeElement, copy = e.cloneNode(true);
		copy.querySelectorAll("[aria-hidden]").forEach((hidden) => hidden.remove());
		const words = [...(e.labels || [])].map((l) => l.textContent).join("") || e.getAttribute("aria-label") || copy.textContent;
		return words.replace(/\s+/g, " ").trim();
	}`)
}

// reach presses the tab key until it comes to something by that name, and makes
// sure that one can see where one is.
func (b *tab) reach(name string) *tab {
	b.t.Helper()
	for range 60 {
		b.keys(kb.Tab)
		if got := b.focused(); got == name {
			if width := eval[string](b, `() => getComputedStyle(document.activeElement).outlineStyle`); width == "none" {
				b.t.Errorf("%s: one cannot see that the keyboard is at %q", b.path(), name)
			}
			return b
		}
	}
	b.t.Fatalf("%s: the tab key does not come to %q", b.path(), name)
	return b
}

// enters presses a key that leads to a page.
func (b *tab) enters(key string) *tab {
	b.t.Helper()
	b.follow(func() { b.keys(key) }, "the key")
	return b
}

// TestTheKeyboardIsEnough invites somebody without touching the mouse.
func TestTheKeyboardIsEnough(t *testing.T) {
	onOne(t, func(t *testing.T, s *site) {
		owner := s.Person("Nora Baker", nora)
		s.Account(owner, "Field & Form")
		bakery := "/a/" + id.String(s.Account(owner, "Harbour Bakery"))
		b := s.visitor().open("/signin")
		b.waits("for the first field to take the keyboard", func() bool { return b.focused() == "Mail address" })
		b.keys(nora + kb.Tab + apptest.Password).enters(kb.Enter).at("/me/accounts")

		b.keys(kb.Tab)
		if got := b.focused(); got != "Skip to content" {
			t.Errorf("the first thing on a page is %q", got)
		}
		b.must(chromedp.Do(b.ctx, chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl))))
		b.sees("Switch account").keys("bak" + kb.ArrowDown)
		if got := b.focused(); !strings.HasPrefix(got, "Harbour Bakery") {
			t.Fatalf("after typing a part of its name the keyboard is at %q", got)
		}
		b.enters(kb.Enter).at(bakery)
		b.reach("People").enters(kb.Enter).at(bakery + "/people").reach("Invite somebody").enters(kb.Enter)
		if got := b.focused(); got != "Mail address" {
			t.Fatalf("on the form the keyboard is at %q", got)
		}
		b.keys(dana).reach("Full access").keys(kb.ArrowDown + kb.ArrowDown).reach("Send the invitation").enters(kb.Enter)
		b.at(bakery+"/people").sees(dana, "Technical")
		b.reach("Actions for " + dana).keys(kb.Enter).reach("Withdraw").enters(kb.Enter).sees("Its link no longer works")
		b.reach("Harbour Bakery " + strings.TrimPrefix(bakery, "/a/") + " Owner Switch account").keys(kb.Enter).sees("Sign out").keys(kb.Escape)
		b.waits("for the switcher to close", func() bool { return !strings.Contains(b.text(), "Sign out") })
	})
}

// TestEveryPageFitsAPhone opens every kind of page in a window of 360 pixels,
// with names as long as they may be.
func TestEveryPageFitsAPhone(t *testing.T) {
	onOne(t, func(t *testing.T, s *site) {
		long := strings.Repeat("Donaudampfschifffahrt", 5)[:100]
		owner, guest := s.Person(long, strings.Repeat("n", 60)+"@"+strings.Repeat("long-domain.", 10)+"example"), s.Person("Ben Okafor", ben)
		account := s.Account(owner, long)
		s.JoinAs(account, access.Join{User: guest.User, Role: access.Role{BuiltIn: "readonly"}})
		base := "/a/" + id.String(account)
		b := s.as(owner)
		b.open(base+"/contacts/new").write("Name", long).write("Mail address", owner.Address).write("Phone", long).press("Save")
		b.open(base+"/people/invitations/new").write("Mail address", dana).tick("Technical").press("Send the invitation").is(200)
		link := s.Mail.Next(t, dana, "invites you").Link(t)
		starts := []string{base, base + "/people/invitations/new", base + "/close", base + "/leave", "/me", "/me/accounts/new"}
		staff := []string{"/staff", "/staff/search?q=" + long[:20], "/staff/mails"}
		for _, who := range []struct {
			b      *tab
			starts []string
		}{{b, starts}, {s.as(guest), []string{base, base + "/settings"}}, {s.visitor(), []string{link, "/signup", "/recover"}}, {s.asStaff(s.Operator(long, "sam@northbeam.example", "administrator")), staff}} {
			who.b.window(360, true, "light")
			who.b.crawl(who.starts, who.b.fits)
		}
	})
}

// fits makes sure that nothing is wider than the window.
func (b *tab) fits() {
	b.t.Helper()
	wide := eval[[]string](b, `() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
		.filter(e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120)).slice(0, 3)`)
	if len(wide) > 0 {
		b.t.Errorf("%s is wider than a phone: %q", b.path(), wide)
	}
}

package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/id"

	"github.com/PuerkitoBio/goquery"
)

// form makes a form's values.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func accountPath(a id.Account) string { return "/a/" + id.String(a) }

// signUp goes the way of a visitor, from the form to her first page.
func signUp(t *testing.T, w *apptest.World, b *apptest.Browser, name, address, account string) *apptest.Page {
	t.Helper()
	page := b.Get("/signup").Must(200, "Sign up")
	fill := form("name", name, "address", address, "password", apptest.Password, "kind", "account", "account_name", account)
	if account == "" {
		fill.Set("kind", "login")
	}
	page.Submit("/signup", fill).Must(200, "Look into your mail")
	link := w.Mail.Next(t, address, "Confirm your address").Link(t)
	return b.Get(link).Must(200, "Confirm your address").Submit("/signup/confirm", nil).Must(200)
}

// TestTheStory is the product's main job: somebody signs up, an owner invites
// her, and with one login she works in both accounts.
func TestTheStory(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		dana, nora := w.Browser(), w.Browser()
		home := signUp(t, w, dana, "Dana Field", "dana@fieldandform.example", "Field & Form")
		home.Must(200, "Field & Form", "Your login and your account")
		signUp(t, w, nora, "Nora Baker", "nora@harbourbakery.example", "Harbour Bakery").Must(200, "Harbour Bakery")

		bakery := nora.Get("/").Must(200).URL.Path
		invite := nora.Get(bakery+"/people/invitations/new").Must(200, "Invite somebody")
		sent := invite.Submit(bakery+"/people/invitations", form("address", "dana@fieldandform.example", "role", "choose", "permissions", "services.manage"))
		sent.Must(200, "The invitation to dana@fieldandform.example is on its way")

		mail := w.Mail.Next(t, "dana@fieldandform.example", "Nora Baker invites you to Harbour Bakery")
		for _, want := range []string{"Harbour Bakery", "Nora Baker", "See services, manage services", "9 March 2026"} {
			if !strings.Contains(mail.Text(), want) {
				t.Errorf("the mail does not say %q:\n%s", want, mail.Text())
			}
		}
		page := dana.Get(mail.Link(t)).Must(200, "Join Harbour Bakery", "You are signed in as Dana Field")
		page.Submit("/invitation/accept", nil).Must(200, "You are in", "Harbour Bakery")

		list := dana.Get("/me/accounts").Must(200, "Field & Form", "Owner", "Harbour Bakery", "2 permissions")
		if list.Says("Still Water") {
			t.Error("the list has an account that she cannot enter")
		}
		dana.Get(bakery+"/people").Must(403, "You may not do this in Harbour Bakery", "You have: See services, manage services", "Nora Baker")

		people := nora.Get(bakery+"/people").Must(200, "Dana Field", "dana@fieldandform.example")
		href := people.Find(`a[href*="/people/members/"]`).FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Text(), "Dana") }).AttrOr("href", "")
		member := nora.Get(href).Must(200, "Change access")
		member.Submit(href, form("role", "readonly")).Must(200, "Saved")
		dana.Get(bakery+"/people").Must(200, "Nora Baker")

		nora.Get(href).Submit(href+"/remove", nil).Must(200, "Removed")
		dana.Get(bakery + "/people").Must(404)
		dana.Get(bakery).Must(404, "There is no such page")
		dana.Get("/me/accounts").Must(200, "Field & Form")
		w.Mail.Next(t, "dana@fieldandform.example", "Your access to Harbour Bakery has ended")
	})
}

// TestANewcomerMakesHerLoginOnTheWay takes somebody without a login from the
// mail into the account with a name and a password.
func TestANewcomerMakesHerLoginOnTheWay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		owner := w.Person("Nora Baker", "nora@bakery.example")
		a := w.Account(owner, "Harbour Bakery")
		owner.Get(accountPath(a)+"/people/invitations/new").Submit(accountPath(a)+"/people/invitations", form("address", "ben@bakery.example", "role", "billing")).Must(200)
		ben := w.Browser()
		page := ben.Get(w.Mail.Next(t, "ben@bakery.example", "invites").Link(t)).Must(200, "I am new here", "I have a login here")
		page.Submit("/invitation/join", form("name", "", "password", "short")).Must(422, "Enter a name.", "at least 12 characters")
		page.Submit("/invitation/join", form("name", "Ben Okafor", "password", apptest.Password)).Must(200, "You are in", "Harbour Bakery")
		ben.Get("/me").Must(200, "Ben Okafor", "ben@bakery.example", "Confirmed")
	})
}

package browsertest

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"clientele/internal/account"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/upgrade"
	"clientele/internal/whmcs"
	"clientele/internal/whmcstest"

	"golang.org/x/crypto/bcrypt"
)

// The passwords that people had in the other system, by how it kept them.
const (
	noraThere = "Sourdough at 5"
	benThere  = "bens books"
	danaThere = "forms & fields"
	yukiThere = "still water"
)

// A move is a hosting company's evening: its WHMCS comes in, and its people
// come back the next morning.
type move struct {
	*site
	album *album // where pictures are asked for
	there *whmcstest.Database
}

// newMove is a site with nothing in it, beside an empty WHMCS of a shape.
func newMove(s *site, shape string) *move {
	m := &move{site: s, there: whmcstest.NewDatabase(s.t, shape)}
	if os.Getenv("CLIENTELE_SHOTS") != "" && s.Engine == db.SQLite {
		m.album = &album{site: s, folder: os.Getenv("CLIENTELE_SHOTS")}
	}
	return m
}

// shoot takes pictures of a page, where somebody wants to look at them.
func (m *move) shoot(b *tab, name string) {
	if m.album != nil {
		m.t.Helper()
		m.album.shoot(b, "upgrade-"+name)
	}
}

func (m *move) upgrade() *upgrade.Upgrade {
	return &upgrade.Upgrade{DB: m.DB, Auth: m.Auth, Memberships: m.Memberships, Invites: m.Invites, Outbox: m.Outbox, Key: m.Key, BaseURL: "https://my.example.com", Brand: "Northbeam Hosting"}
}

// bring brings the WHMCS in, and makes sure that nobody hears of it.
func (m *move) bring() {
	m.t.Helper()
	src, err := whmcs.OpenLive(m.t.Context(), m.there.DSN())
	if err != nil {
		m.t.Fatal(err)
	}
	defer src.Close()
	report, err := upgrade.NewReport(m.t.TempDir())
	if err != nil {
		m.t.Fatal(err)
	}
	defer report.Close()
	if _, err := m.upgrade().Run(m.t.Context(), src, upgrade.Options{}, report); err != nil {
		m.t.Fatal(err)
	}
	if n := m.Count("mails"); n != 0 {
		m.t.Errorf("the upgrade has mailed %d times", n)
	}
}

// signIn signs somebody in at the page that a tab shows.
func (b *tab) signIn(address, password string) *tab {
	b.t.Helper()
	return b.write("Mail address", address).write("Password", password).press("Sign in")
}

// better is a password as WHMCS keeps it since 7.0.
func better(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), 5)
	if err != nil {
		t.Fatal(err)
	}
	return "$2y" + strings.TrimPrefix(string(hash), "$2a")
}

// worse is a password as WHMCS kept it long ago.
func worse(password string) string {
	const salt = "x7Qp2"
	sum := md5.Sum([]byte(salt + password))
	return hex.EncodeToString(sum[:]) + ":" + salt
}

// client adds a client, whom 7.10 knows by a password of her own.
func (m *move) client(number int, name, company, address, hash string) {
	m.t.Helper()
	first, last, _ := strings.Cut(name, " ")
	m.there.Add("tblclients", "id", number, "uuid", fmt.Sprint("uuid-", number), "firstname", first, "lastname", last, "companyname", company, "email", address,
		"password", hash, "email_verified", 1, "currency", 1, "country", "IE", "city", "Galway", "language", "english", "status", "Active", "datecreated", "2015-04-01", "lastlogin", "2026-02-20 08:09:10")
}

// contact adds a contact; one with a hash is a Sub-Account.
func (m *move) contact(client int, name, address, hash, permissions, kind string) {
	m.t.Helper()
	first, last, _ := strings.Cut(name, " ")
	sub := 0
	if hash != "" {
		sub = 1
	}
	m.there.Add("tblcontacts", "userid", client, "firstname", first, "lastname", last, "email", address, "subaccount", sub, "password", hash, "permissions", permissions,
		kind, 1, "created_at", "2019-06-07 08:09:10")
}

// TestTheUpgradeStory has people who had their logins in WHMCS 7.10 come back.
func TestTheUpgradeStory(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		m := newMove(s, "7.10")
		m.there.Add("tblcurrencies", "code", "EUR", "default", 1)
		m.client(42, "Nora Baker", "Harbour Bakery", nora, better(t, noraThere))
		m.client(43, "Yuki Tan", "Still Water Yoga", yuki, worse(yukiThere))
		m.client(44, "Dana Field", "Field & Form", dana, better(t, danaThere))
		m.contact(42, "Ben Okafor", ben, worse(benThere), "invoices,tickets,contacts", "supportemails")
		m.contact(42, "Bookkeeping", "books@harbourbakery.example", "", "", "invoiceemails")
		m.contact(42, "Office", "office@harbourbakery.example", "", "", "generalemails")
		m.contact(42, "Dana Field", "dana+bakery@fieldandform.example", worse(danaThere), "products,manageproducts", "productemails")
		m.contact(43, "Dana Field", "dana+yoga@fieldandform.example", worse(danaThere), "domains", "domainemails")
		m.bring()
		for _, step := range []struct {
			name string
			live func(t *testing.T)
		}{
			{"an owner comes back", m.ownerReturns},
			{"a Sub-Account has exactly its pages", m.subAccountReturns},
			{"a contact gets mail and never signs in", m.contactStays},
			{"somebody with several logins makes one of them", m.severalLogins},
			{"the last of the bakery", m.closes},
		} {
			if !t.Run(step.name, func(t *testing.T) { m.t = t; step.live(t) }) {
				break
			}
		}
		m.t = t
	})
}

// ownerReturns has Nora use an old bookmark, signed out and then signed in.
func (m *move) ownerReturns(t *testing.T) {
	b := m.visitor().open("/clientarea.php?action=details")
	m.shoot(b, "bookmark-signed-out")
	b.signIn(nora, noraThere).is(200).at("/a/42/settings").sees("What the account says of itself")
	if b.value("Company") != "Harbour Bakery" || b.value("City") != "Galway" {
		t.Errorf("the settings say %q in %q", b.value("Company"), b.value("City"))
	}
	m.shoot(b, "owner-settings")
	b.open("/clientarea.php").at("/a/42").sees("Harbour Bakery", "Owner", "Account #42")
	m.shoot(b, "owner-account")
	b.open("/index.php?rp=/account/users").at("/a/42/people").sees("Who may enter Harbour Bakery", "Nora Baker", "Owner", "Ben Okafor", "Dana Field").misses("Bookkeeping", "Office")
	m.shoot(b, "owner-people")
	b.open("/index.php/account/contacts").at("/a/42/contacts").sees("Bookkeeping", "books@harbourbakery.example", "Ben Okafor")
	m.shoot(b, "owner-contacts")
	b.open("/me/accounts").sees("Harbour Bakery").misses("Did you use more than one login", "Yoga", "Form")
	b.open("/a/43").is(404)
	other := m.visitor().open("/index.php?rp=/account/users").signIn(nora, noraThere).at("/a/42/people")
	other.open("/logout.php").at("/a/42")
	m.visitor().open("/login.php").at("/signin").signIn(nora, noraThere+"!").sees("The address or the password is not right")
}

// subAccountReturns has Ben do what he could do there, and nothing else.
func (m *move) subAccountReturns(t *testing.T) {
	b := m.visitor().open("/signin").signIn(ben, benThere).at("/a/42").sees("Harbour Bakery")
	m.shoot(b, "sub-account")
	if got := strings.Join(b.menu(), " "); got != "Overview Contacts" {
		t.Errorf("his menu is %q", got)
	}
	b.press("Contacts", "Overview").is(200).sees("Bookkeeping")
	for _, closed := range []string{"/people", "/settings", "/emails", "/activity"} {
		b.open("/a/42"+closed).is(403).sees("You may not do this in Harbour Bakery", "You have: See invoices, pay invoices, see tickets, open and answer tickets, contacts", "Nora Baker")
	}
	m.shoot(b, "sub-account-refused")
	b.open("/clientarea.php?action=details").is(403).at("/a/42/settings")
	for _, other := range []string{"/a/43", "/a/44/people"} {
		b.open(other).is(404).sees("There is no such page").misses("Yoga", "Form")
	}
	b.open("/me/accounts").sees("Harbour Bakery", "Did you use more than one login here before?")
}

// contactStays has somebody try the address of a contact at every door.
func (m *move) contactStays(t *testing.T) {
	const books = "books@harbourbakery.example"
	for _, password := range []string{noraThere, benThere, "password"} {
		m.visitor().open("/signin").signIn(books, password).at("/signin").sees("The address or the password is not right")
	}
	m.visitor().open("/recover").write("Mail address", books).press("Mail me a link").is(200)
	m.Quiet()
	if n := m.Mail.To(books); n != 0 {
		t.Errorf("the contact got %d mails of recovery", n)
	}
	if n := m.Count("users WHERE address = $1", books); n != 0 {
		t.Errorf("the contact is %d users", n)
	}
	m.In(func(tx *db.Tx) error {
		for _, kind := range account.AllKinds {
			to, err := account.Recipients(tx, id.Account(42), kind)
			if err != nil {
				return err
			}
			if got := slices.Contains(to, apptest.Address(books)); got != (kind.Key == "invoice") {
				t.Errorf("mail about %s goes to %v", kind.Key, to)
			}
		}
		return nil
	})
}

// severalLogins has Dana do what her page of accounts says, until the login
// that she keeps opens everything that her three opened.
func (m *move) severalLogins(t *testing.T) {
	const kept = "dana+yoga@fieldandform.example"
	b := m.visitor().open("/signin").signIn(kept, danaThere).at("/a/43")
	b.open("/me/accounts").sees("Did you use more than one login here before?", "Bring the other one in: you sign in to it here once", kept).misses("Bakery", "Form")
	m.shoot(b, "several-notice")

	owner := m.visitor().open("/signin").signIn(dana, danaThere).at("/a/44").press("People")
	owner.press("Invite somebody", "Who may enter").write("Mail address", kept).tick("Full access").press("Send the invitation").is(200)

	sub := m.visitor().open("/signin").signIn("dana+bakery@fieldandform.example", danaThere).at("/a/42")
	sub.open("/a/42/people").is(403).sees("ask an owner: Nora Baker")
	asked := m.visitor().open("/signin").signIn(nora, noraThere).press("People")
	asked.press("Invite somebody", "Who may enter").write("Mail address", kept).tick("Choose permissions").tick("Manage services").press("Send the invitation").is(200)
	m.Mail.Next(t, kept, "invites you to Harbour Bakery")

	// WHMCS 7 asked no Sub-Account to prove its address, so the mailed link does.
	b.open("/me/accounts").press("Invitations", "Did you use more").at("/me/invitations").sees("Confirm your address first").misses("Bakery", "Form")
	m.shoot(b, "several-unproven")
	b.open(m.Mail.Next(t, kept, "invites you to Field & Form").Link(t)).sees("You are signed in as Dana Field").press("Join Field & Form").at("/a/44").sees("You are in")
	b.open("/me/invitations").sees("Harbour Bakery", "See services, manage services")
	m.shoot(b, "several-invitations")
	b.open("/me/invitations").press("Join Harbour Bakery").at("/a/42").sees("You are in")
	b.open("/me/accounts").sees("Field & Form", "Harbour Bakery", "Still Water Yoga", "Full access")
	m.shoot(b, "several-joined")
	b.press("Do not show this again").at("/me/accounts").misses("Did you use more than one login")
	for path, name := range map[string]string{"/a/42": "Harbour Bakery", "/a/43": "Still Water Yoga", "/a/44": "Field & Form"} {
		b.open(path).is(200).sees(name)
	}
	if n := m.Count("users u JOIN memberships m ON m.user_id = u.id WHERE u.address = $1 AND m.status = 'active'", kept); n != 3 {
		t.Errorf("the login that she keeps opens %d accounts", n)
	}
}

// closes has Nora close the account: whoever gets its general mail is told.
func (m *move) closes(t *testing.T) {
	b := m.visitor().open("/signin").signIn(nora, noraThere).open("/a/42/settings").press("Close this account")
	b.write("Type the account's number to confirm", "42").press("Close Harbour Bakery").sees("is closed")
	m.Mail.Next(t, "office@harbourbakery.example", "Harbour Bakery was closed")
	m.Quiet()
	for _, address := range []mail.Address{apptest.Address("books@harbourbakery.example"), apptest.Address(ben)} {
		if n := m.Mail.To(address.String()); n != 0 {
			t.Errorf("%s got %d mails", address, n)
		}
	}
}

// TestTheUpgradeStoryOfUsers has people come back who were users of WHMCS 8.13,
// and those whom they had invited.
func TestTheUpgradeStoryOfUsers(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		m := newMove(s, "8.13")
		m.there.Add("tblcurrencies", "code", "EUR", "default", 1)
		m.client(42, "Nora Baker", "Harbour Bakery", nora, "")
		m.client(43, "Yuki Tan", "Still Water Yoga", yuki, "")
		m.there.Add("tblusers", "id", 7, "first_name", "Nora", "last_name", "Baker", "email", nora, "password", better(t, noraThere), "email_verified_at", "2021-02-03 04:05:06")
		m.there.Add("tblusers", "id", 9, "first_name", "Yuki", "last_name", "Tan", "email", yuki, "password", better(t, yukiThere), "email_verified_at", "2021-02-03 04:05:06")
		m.there.Add("tblusers_clients", "auth_user_id", 7, "client_id", 42, "owner", 1)
		m.there.Add("tblusers_clients", "auth_user_id", 9, "client_id", 43, "owner", 1)
		m.there.Add("tblusers_clients", "auth_user_id", 7, "client_id", 43, "owner", 0, "permissions", "products")
		for _, address := range []string{"kim@harbourbakery.example", "mo@harbourbakery.example"} {
			m.there.Add("tbluser_invites", "email", address, "client_id", 42, "invited_by", 7, "permissions", "contacts,tickets", "created_at", "2026-02-28 10:00:00")
		}
		m.bring()
		m.usersReturn(t)
		m.welcomes(t)
	})
}

func (m *move) usersReturn(t *testing.T) {
	b := m.visitor().open("/clientarea.php?action=contacts").signIn(nora, noraThere).is(200)
	b.open("/me/accounts").sees("Harbour Bakery", "Owner", "Still Water Yoga")
	m.shoot(b, "users-accounts")
	b.open("/a/43").is(200).sees("You may here: See services")
	if got := strings.Join(b.menu(), " "); got != "Overview" {
		t.Errorf("her menu in the yoga studio is %q", got)
	}
	b.open("/a/43/people").is(403).sees("You have: See services.", "Yuki Tan")
	b.open("/a/42/people").sees("kim@harbourbakery.example", "mo@harbourbakery.example", "Not sent yet", "Has no link yet", "invited by Nora Baker")
	m.shoot(b, "users-people")
	b.press("Send to kim@harbourbakery.example").sees("kim@harbourbakery.example")
	m.shoot(b, "users-people-sent")
	m.Mail.Next(t, "kim@harbourbakery.example", "Nora Baker invites you to Harbour Bakery")
}

// welcomes has the operator mail whoever waits, and Mo say yes.
func (m *move) welcomes(t *testing.T) {
	w, err := m.upgrade().Welcome(t.Context(), upgrade.DefaultName, "", false)
	if err != nil || w != (upgrade.Welcome{Invitations: 1}) {
		t.Fatalf("the welcome is %+v, %v", w, err)
	}
	b := m.visitor().open(m.Mail.Next(t, "mo@harbourbakery.example", "invites you to Harbour Bakery").Link(t)).sees("Join Harbour Bakery", "See tickets, open and answer tickets, contacts")
	m.shoot(b, "users-invitation")
	b.write("Your name", "Mo Salt").write("Choose a password", apptest.Password).press("Make my login and join").at("/a/42").sees("You are in", "Harbour Bakery")
	if got := strings.Join(b.menu(), " "); got != "Overview Contacts" {
		t.Errorf("Mo's menu is %q", got)
	}
	m.Quiet()
	if n := m.Mail.To(nora); n > 1 {
		t.Errorf("Nora got %d mails", n)
	}
}

package cli

import (
	"fmt"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/audit"
	"clientele/internal/db"
	"clientele/internal/id"
	"clientele/internal/mail"
	"clientele/internal/staff"
	"clientele/internal/user"
)

// DemoPassword is the password of everybody in the demo.
const DemoPassword = "try it out today"

type demoCommand struct {
	IfEmpty bool `name:"if-empty" help:"Do nothing, and succeed, where there are data already."`
}

// A demoPerson is somebody of the story.
type demoPerson struct{ name, address string }

// The story: a web designer with one login, her own account, and two
// customers' accounts.
var (
	dana  = demoPerson{"Dana Field", "dana@fieldandform.example"}
	nora  = demoPerson{"Nora Baker", "nora@harbourbakery.example"}
	ben   = demoPerson{"Ben Okafor", "ben@harbourbakery.example"}
	yuki  = demoPerson{"Yuki Tan", "yuki@stillwater.example"}
	story = []demoPerson{dana, nora, ben, yuki}
	clerk = demoPerson{"Sam Porter", "sam@clientele.example"}
)

// Run fills an empty database, all of it or nothing.
func (c demoCommand) Run(sh *shell) error {
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	hash, err := a.Auth.Hasher().Hash(sh.ctx, DemoPassword)
	if err != nil {
		return err
	}
	loaded := false
	err = a.DB.Write(sh.ctx, db.Wide, func(tx *db.Tx) error {
		n, err := db.One[int64](tx, "SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM accounts) + (SELECT COUNT(*) FROM staff)")
		if err != nil || n > 0 && c.IfEmpty {
			return err
		}
		if n > 0 {
			return fmt.Errorf("the database has data already, and the demo is for an empty one: choose another with CLIENTELE_DATABASE_URL")
		}
		loaded = true
		return tell(tx, hash)
	})
	if err != nil || !loaded {
		return err
	}
	fmt.Fprintf(sh.out, "The demo is loaded. Everybody's password is: %s\n\n", DemoPassword)
	for _, p := range story {
		fmt.Fprintf(sh.out, "  %-12s %s\n", p.name, p.address)
	}
	fmt.Fprintf(sh.out, "  %-12s %s (staff, at %s/staff/signin; the first sign-in sets up a passkey or an app)\n\n", clerk.name, clerk.address, sh.settings.Base)
	return nil
}

// tell writes the story into the database.
func tell(tx *db.Tx, hash string) error {
	people := map[demoPerson]id.User{}
	for _, p := range story {
		address, err := mail.ParseAddress(p.address)
		if err != nil {
			return err
		}
		if people[p], err = user.Create(tx, user.New{Address: address, Verified: true, Name: p.name, Language: "en", Password: hash}); err != nil {
			return err
		}
	}
	_, err := demoAccount(tx, people[dana], dana, account.Details{Name: "Field & Form", Company: "Field & Form Web Design", Line1: "Gartenstrasse 4", City: "Bremen", Postcode: "28195", Country: "DE"})
	if err != nil {
		return err
	}
	bakery, err := demoAccount(tx, people[nora], nora, account.Details{Name: "Harbour Bakery", Company: "Harbour Bakery Ltd", Line1: "12 Quay Street", City: "Galway", Postcode: "H91 X2Y3", Country: "IE", TaxNumber: "IE1234567T"})
	if err != nil {
		return err
	}
	yoga, err := demoAccount(tx, people[yuki], yuki, account.Details{Name: "Still Water Yoga", City: "Lisbon", Country: "PT"})
	if err != nil {
		return err
	}
	for _, j := range []struct {
		account id.Account
		person  demoPerson
		role    string
	}{{bakery, ben, "billing"}, {yoga, dana, "readonly"}} {
		u := people[j.person]
		if _, err := access.Add(tx, acting(u), j.account, access.Join{User: u, Role: access.Role{BuiltIn: j.role}}); err != nil {
			return err
		}
	}
	address, err := mail.ParseAddress(clerk.address)
	if err != nil {
		return err
	}
	_, err = staff.Create(tx, address, clerk.name, "administrator", hash)
	return err
}

// acting is a person of the story doing something.
func acting(u id.User) audit.Actor {
	return audit.Actor{Kind: audit.User, ID: int64(u), Via: audit.ViaSelf, Request: "demo", Network: "127.0.0.1"}
}

func demoAccount(tx *db.Tx, owner id.User, p demoPerson, d account.Details) (id.Account, error) {
	address, err := mail.ParseAddress(p.address)
	if err != nil {
		return 0, err
	}
	d.Address, d.MailKinds, d.Currency, d.Language = address, account.Everything, "EUR", "en"
	return account.OpenFor(tx, acting(owner), owner, d)
}

package browsertest

import (
	"os"
	"testing"
	"time"

	"clientele/internal/access"
	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/id"
)

// A support case: Dana, who is a member of the bakery's account, writes that
// she cannot open it any more.
type support struct {
	*site
	album  *album // takes pictures where a folder is named
	nora   *apptest.Person
	danaIs *apptest.Person
	sam    *tab
	dana   *tab
	bakery string
}

// TestASupportCase is one, from the mail to what the customer reads of it.
func TestASupportCase(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		c := &support{site: s, nora: s.Person("Nora Baker", nora), danaIs: s.Person("Dana Field", dana)}
		if folder := os.Getenv("CLIENTELE_SHOTS"); folder != "" {
			c.album = &album{site: s, folder: shotsFolder(t)}
		}
		account := s.Account(c.nora, "Harbour Bakery")
		c.bakery = "/a/" + id.String(account)
		s.JoinAs(account, access.Join{User: c.danaIs.User, Role: access.Role{BuiltIn: "technical"}, Ends: db.Some(s.Clock.Now().Add(time.Hour))})
		s.Clock.Move(2 * time.Hour)
		s.SignIn(c.danaIs)
		c.dana, c.sam = s.as(c.danaIs), s.asStaff(s.Operator("Sam Porter", "sam@northbeam.example", "support"))
		for _, step := range []struct {
			name string
			run  func(*testing.T)
		}{
			{"she is found by half her address", c.found},
			{"it is seen why she cannot open the account", c.explained},
			{"it is mended", c.mended},
			{"it is looked at as she sees it", c.looked},
			{"she reads the whole of it", c.read},
		} {
			if !t.Run(step.name, func(t *testing.T) {
				s.t, c.sam.t, c.dana.t = t, t, t
				step.run(t)
			}) {
				break
			}
		}
	})
}

// shoot takes pictures of what a tab shows, where pictures are asked for.
func (c *support) shoot(b *tab, name string) {
	if c.album != nil {
		c.album.shoot(b, "support-"+string(c.Engine)+"-"+name)
	}
}

func (c *support) found(t *testing.T) {
	c.dana.open(c.bakery).is(404).misses("Harbour")
	c.sam.open("/staff").sees("Dashboard")
	c.sam.write("Search everywhere", "fieldandf")
	c.sam.waits("for what was found", func() bool { return len(c.sam.names("[role=option]")) > 0 })
	c.shoot(c.sam, "found")
	c.sam.press("Dana Field").sees("Dana Field", dana, "Ran out")
	c.shoot(c.sam, "user")
}

func (c *support) explained(t *testing.T) {
	c.sam.press("Why?").sees("Why can this person not open an account?", "Does not hold", "ran out")
	c.shoot(c.sam, "why")
}

func (c *support) mended(t *testing.T) {
	c.sam.press("The account's users").sees("Dana Field", "Access has ended")
	c.shoot(c.sam, "users")
	c.sam.press("Change Dana Field").write("Access ends on", "").keys("06302026").press("Save").sees("Dana Field").misses("Access has ended")
	c.dana.open(c.bakery).is(200).sees("Harbour Bakery").misses("Contacts")
}

func (c *support) looked(t *testing.T) {
	c.sam.press("Look as Dana Field").sees("Nothing can be changed")
	c.shoot(c.sam, "look")
	c.sam.write("Why do you look?", "She wrote that the account does not open.").press("Look as Dana Field")
	c.sam.at(c.bakery).sees("Sam Porter, you are", "Dana Field", "Harbour Bakery").misses("Contacts")
	c.shoot(c.sam, "looking")
	c.sam.open(c.bakery + "/contacts").is(403).sees("Sam Porter, you are")
	c.sam.open("/me/security").is(403).sees("Sam Porter, you are")
	c.sam.open(c.bakery).press("End looking").sees("Users", "Dana Field")
	c.sam.open(c.bakery).misses("Sam Porter, you are", "Harbour Bakery")
}

func (c *support) read(t *testing.T) {
	c.dana.open("/me/activity").sees("Sam Porter", "began to look at the account as", "She wrote that the account does not open.", "changed what Dana Field may do")
	c.shoot(c.dana, "read")
	c.as(c.nora).open(c.bakery+"/activity").sees("Sam Porter", "began to look at the account as Dana Field")
}

package browsertest

import (
	"testing"
	"time"

	"clientele/internal/config"
	"clientele/internal/db"
)

// TestAlbumOfSettings photographs what operators set, and pages with an accent
// that fits neither scheme.
func TestAlbumOfSettings(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = newSite(t, db.SQLite, func(c *config.Config) { c.Brand, c.SignUp, c.SMTPURL = "", "", "" })
	a.Clock.Move(time.Since(a.Clock.Now()).Truncate(time.Second))
	root := a.asStaff(a.Operator("Root", "root@crew.example", "administrator"))
	a.shoot(root.open("/staff/settings"), "settings")
	root.open("/staff/settings/brand").write("Name", "Harbour Hosting").write("Accent colour", "yellowish").write("Support address", "help@harbour.example")
	a.shoot(root.press("Save"), "settings-brand-wrong")
	root.write("Accent colour", "#ffe600").press("Save")
	a.shoot(root, "settings-brand-yellow")
	root.open("/staff/settings/mail").write("Server", "mail.invalid").press("Save").press("Send a test message")
	a.shoot(root, "settings-mail-broken")
	root.open("/staff/settings/terms").write("Text", "# Terms\n\nBe **kind**.\n\n- Pay in time.\n- Send no spam.").press("Save")
	a.shoot(root, "settings-terms")
	alice := a.Person("Alice", "alice@crew.example")
	visitor := a.as(alice)
	a.shoot(visitor.open("/me"), "terms-asked")
	visitor.press("Sign out")
	a.shoot(visitor.open("/signup"), "signup-terms")
}

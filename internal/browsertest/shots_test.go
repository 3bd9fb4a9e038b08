package browsertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele/internal/apptest"
	"clientele/internal/cli"
	"clientele/internal/config"
	"clientele/internal/db"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// An album is a folder of pictures of pages. With CLIENTELE_AXE, the path of
// axe-core's script, every page is also asked what it makes hard to use.
type album struct {
	*site
	folder, axe string
	seed        string // of the app of the demo's operator
}

// TestAlbum takes pictures of every page of the demo's story, on a phone and
// on a desk, light and dark, into the folder that CLIENTELE_SHOTS names. It is
// a tool, for looking at what was changed:
//
//	CLIENTELE_SHOTS=/tmp/pages go test ./internal/browsertest -run Album
func TestAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	if path := os.Getenv("CLIENTELE_AXE"); path != "" {
		script, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a.axe = string(script)
	}
	a.doors()
	a.customers()
	a.owners()
	a.staff()
	a.system()
	a.former()
	a.kept(t)
}

// TestFormerAlbum takes those of accounts that came in from another system.
func TestFormerAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.former()
}

// TestSystemAlbum takes those of the installation itself.
func TestSystemAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.system()
}

// TestSignInAlbum takes those of signing in alone.
func TestSignInAlbum(t *testing.T) {
	a := &album{folder: shotsFolder(t)}
	a.site = demoSite(t)
	a.signIns()
}

// shotsFolder is where pictures go; without one none are taken.
func shotsFolder(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("CLIENTELE_SHOTS")
	if folder == "" {
		t.Skip("a tool: CLIENTELE_SHOTS names no folder to put pictures into")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// demoSite is a site with the demo, three days after it was loaded.
func demoSite(t *testing.T, settings ...apptest.Setting) *site {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo.db")
	var said bytes.Buffer
	if code := cli.Run([]string{"demo", "--database-url", "sqlite://" + path}, "test", strings.NewReader(""), &said, &said); code != 0 {
		t.Fatalf("the demo does not load: %s", said.String())
	}
	settings = append(settings, func(c *config.Config) {
		c.DatabaseURL, c.Brand, c.SecretKeyFile = "sqlite://"+path, "Northbeam Hosting", filepath.Join(filepath.Dir(path), "secret.key")
	})
	s := newSite(t, db.SQLite, settings...)
	s.Clock.Move(time.Since(s.Clock.Now()) + 72*time.Hour)
	return s
}

// views are the windows in which every page is looked at.
var views = []struct {
	width  int64
	scheme string
}{{360, "light"}, {360, "dark"}, {1280, "light"}, {1280, "dark"}}

// shoot takes the pictures of the page that a tab shows.
func (a *album) shoot(b *tab, name string) {
	a.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0)))
	for _, v := range views {
		b.window(v.width, v.width < 500, v.scheme)
		if wide := eval[int](b, `() => document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			a.t.Errorf("%s is %d pixels wider than a window of %d", name, wide, v.width)
		}
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		b.must(err)
		b.must(os.WriteFile(filepath.Join(a.folder, fmt.Sprintf("%s-%d-%s.png", name, v.width, v.scheme)), picture, 0o644))
		a.ask(b, fmt.Sprintf("%s at %d, %s", name, v.width, v.scheme))
	}
	b.window(1280, false, "light")
}

// window gives the tab a size, a sort of pointer and a colour scheme.
func (b *tab) window(width int64, phone bool, scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1, Mobile: phone})
	b.must(err)
	_, err = chromedp.Call(b.ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: phone})
	b.must(err)
	_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	b.must(err)
}

// ask has axe look at the page.
func (a *album) ask(b *tab, what string) {
	if a.axe == "" {
		return
	}
	a.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](a.axe+";0")))
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
		v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ") + " {" + n.failureSummary + "}").join(" | ")))`, chromedp.EvalAwaitPromise))
	b.must(err)
	for _, f := range found {
		a.t.Errorf("axe on %s: %s", what, f)
	}
}

// enter signs somebody of the demo in.
func (a *album) enter(door, address string) *tab {
	a.t.Helper()
	b := a.visitor().open(door).write("Mail address", address).write("Password", cli.DemoPassword).press("Sign in")
	b.window(1280, false, "light")
	if door != "/staff/signin" {
		return b
	}
	if a.seed == "" {
		a.seed = a.setUpApp(b)
		return b
	}
	a.Clock.Move(30 * time.Second)
	return b.write("Code", a.Code(a.seed)).press("Sign in")
}

// account is the path of one of the demo's accounts.
func (a *album) account(name string) string {
	return fmt.Sprintf("/a/%d", apptest.Query[int64](a.World, "SELECT id FROM accounts WHERE name = $1", name)[0])
}

// invite has the bakery's owner invite somebody.
func (a *album) invite(b *tab, address, role, ends string) {
	a.t.Helper()
	b.open(a.account("Harbour Bakery")+"/people/invitations/new").write("Mail address", address).tick(role)
	if ends != "" {
		b.write("Access ends on", "").keys(ends)
	}
	b.press("Send the invitation").is(200)
}

// TestReadmePicture takes the picture that the README shows, into docs: the
// People page of the bakery, two days after the designer was invited. It is a
// tool, too.
func TestReadmePicture(t *testing.T) {
	shotsFolder(t)
	a := &album{site: demoSite(t)}
	bakery := a.account("Harbour Bakery")
	nora := a.enter("/signin", "nora@harbourbakery.example")
	a.invite(nora, "dana@fieldandform.example", "Technical", a.Clock.Now().AddDate(0, 3, 0).Format("01022006"))
	dana := a.enter("/signin", "dana@fieldandform.example")
	dana.open(a.Mail.Next(t, "dana@fieldandform.example", "invites").Link(t)).press("Join Harbour Bakery")
	a.Clock.Move(20 * time.Hour)
	a.enter("/signin", "ben@harbourbakery.example").open(bakery)
	a.invite(nora, "accounts@quaystreetbooks.example", "Billing", "")
	a.Clock.Move(25 * time.Hour)
	dana.open(bakery)
	a.Clock.Move(3 * time.Hour)
	nora.open(bakery)
	nora.open(bakery + "/people")
	nora.must(chromedp.Do(nora.ctx, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, 0)))
	_, err := chromedp.Call(nora.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 760, DeviceScaleFactor: 2})
	nora.must(err)
	picture, err := chromedp.Run(nora.ctx, chromedp.CaptureScreenshot())
	nora.must(err)
	nora.must(os.WriteFile(filepath.Join("..", "..", "docs", "screenshot.png"), picture, 0o644))
}

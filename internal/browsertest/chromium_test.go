package browsertest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"

	"clientele/internal/whmcstest"

	"github.com/chromedp/chromedp"
)

// The names under which Chromium is installed. The headless shell comes first:
// it is the same browser without windows, and takes half the time.
var browserNames = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// A chromium is the one browser of this test binary. Everybody in the tests
// has a profile of her own in it.
type chromium struct {
	ctx  context.Context
	stop func()
	err  error
}

// The browser starts with the first test that needs it.
var startChromium = sync.OnceValue(func() (c chromium) {
	path := ""
	for _, name := range browserNames {
		if path, c.err = exec.LookPath(name); c.err == nil {
			break
		}
	}
	if c.err != nil {
		return c
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("host-resolver-rules", "MAP localhost 127.0.0.1"), chromedp.Flag("lang", "en-US"), chromedp.Flag("window-size", "1280,900"))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	c.ctx, c.stop = ctx, func() { stop(); stopAllocator() }
	c.err = chromedp.Do(ctx)
	return c
})

// browser is the running Chromium. A machine without one fails the test: what
// a browser does with a page is not known from anything else.
func browser(t testing.TB) context.Context {
	t.Helper()
	c := startChromium()
	if c.err != nil {
		t.Fatalf("Chromium does not start: %v. The browser tests need it; tools/setup-tests installs it, and so does `make test`.", c.err)
	}
	return c.ctx
}

func TestMain(m *testing.M) {
	code := m.Run()
	if c := startChromium(); c.stop != nil {
		c.stop()
	}
	whmcstest.Stop()
	os.Exit(code)
}

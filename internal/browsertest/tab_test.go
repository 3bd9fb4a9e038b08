package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a tab waits for what must come.
const patience = 40 * time.Second

// A tab is one tab of somebody's browser, and the hand and the eye before it.
type tab struct {
	*site
	ctx context.Context

	mu       sync.Mutex
	changed  *sync.Cond
	loads    int   // how many pages have come so far
	status   int64 // of the page that is shown
	problems []string
	excused  func(problem string) bool
}

func (s *site) newTab(ctx context.Context) *tab {
	s.t.Helper()
	b := &tab{site: s, ctx: ctx}
	b.changed = sync.NewCond(&b.mu)
	b.must(chromedp.Do(ctx))
	b.must(chromedp.Listen(ctx, b.note))
	s.life.Cleanup(func() { b.checkProblems() })
	return b
}

// another opens a second tab in the same browser, with the same cookies.
func (b *tab) another() *tab {
	b.t.Helper()
	id := chromedp.FromContext(b.ctx).BrowserContextID
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithExistingBrowserContext(id))
	b.life.Cleanup(cancel)
	return b.newTab(ctx)
}

// note listens to the browser.
func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.status = e.Response.Status
		}
	case *page.EventLoadEventFired:
		b.loads++
		b.changed.Broadcast()
	}
	if p := problemIn(event); p != "" {
		b.problems = append(b.problems, p)
	}
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// open types an address and waits for the page.
func (b *tab) open(path string) *tab {
	b.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = b.base + path
	}
	b.follow(func() {
		b.t.Helper()
		_, err := chromedp.Call(b.ctx, page.Navigate, page.NavigateParams{URL: address})
		b.must(err)
	}, "opening "+path)
	return b
}

// follow does something that leads to a page, and waits until it is there.
func (b *tab) follow(do func(), what string) {
	b.t.Helper()
	b.mu.Lock()
	before := b.loads
	b.mu.Unlock()
	do()
	late := time.AfterFunc(patience, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changed.Broadcast()
	})
	defer late.Stop()
	began := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.loads == before {
		if time.Since(began) >= patience {
			b.t.Fatalf("%s leads to no page", what)
		}
		b.changed.Wait()
	}
}

// eval asks the page something. A page that goes while it is asked has its
// follower asked, as eyes do; no script here does anything twice.
func eval[T any](b *tab, script string, args ...any) T {
	b.t.Helper()
	encoded := make([]string, len(args))
	for i, a := range args {
		text, err := json.Marshal(a)
		b.must(err)
		encoded[i] = string(text)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	question := chromedp.Evaluate[T]("(" + script + ")(" + strings.Join(encoded, ",") + ")")
	out, err := chromedp.Run(ctx, question)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "Inspected target navigated") {
		out, err = chromedp.Run(ctx, question)
	}
	if err != nil {
		b.t.Fatalf("asking the page: %v", err)
	}
	return out
}

// text is all that the page shows, save the choices in its lists.
func (b *tab) text() string {
	b.t.Helper()
	return strings.Join(strings.Fields(eval[string](b, `() => [...document.querySelectorAll("select")]
		.reduce((text, list) => text.replace(list.innerText, ""), document.body ? document.body.innerText : "")`)), " ")
}

// path is the address that the browser shows.
func (b *tab) path() string {
	b.t.Helper()
	return eval[string](b, `() => location.pathname + location.search`)
}

// sees waits until the page shows all the words.
func (b *tab) sees(words ...string) *tab {
	b.t.Helper()
	b.waits(fmt.Sprintf("to see %q", words), func() bool {
		text := b.text()
		for _, w := range words {
			if !strings.Contains(text, w) {
				return false
			}
		}
		return true
	})
	return b
}

// misses makes sure that the page shows none of the words.
func (b *tab) misses(words ...string) *tab {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if strings.Contains(text, w) {
			b.t.Fatalf("%s shows %q: %s", b.path(), w, text)
		}
	}
	return b
}

// is makes sure of the page's status.
func (b *tab) is(status int64) *tab {
	b.t.Helper()
	b.mu.Lock()
	got := b.status
	b.mu.Unlock()
	if got != status {
		b.t.Fatalf("%s answers %d, want %d: %s", b.path(), got, status, b.text())
	}
	return b
}

// at makes sure of the page's address.
func (b *tab) at(path string) *tab {
	b.t.Helper()
	if got := b.path(); got != path {
		b.t.Fatalf("the browser is at %s, want %s: %s", got, path, b.text())
	}
	return b
}

// waits looks again and again until something is so.
func (b *tab) waits(what string, so func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.Millisecond; !so(); tick = min(2*tick, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: waited in vain %s; it shows: %s", b.path(), what, b.text())
		}
		<-time.After(tick)
	}
}

// press presses a link or a button and waits for the page that follows.
func (b *tab) press(name string, within ...string) *tab {
	b.t.Helper()
	b.follow(func() { b.t.Helper(); b.click(name, within...) }, "pressing "+name)
	return b
}

// click clicks on what opens or ticks something on the page itself.
func (b *tab) click(name string, within ...string) *tab {
	b.t.Helper()
	b.touch(b.find("press", name, within...))
	return b
}

// tick clicks on a box or on one of several choices.
func (b *tab) tick(label string, within ...string) *tab {
	b.t.Helper()
	b.touch(b.find("tick", label, within...))
	return b
}

// write clicks into a field and types, in the place of what stands there.
func (b *tab) write(label, text string, within ...string) *tab {
	b.t.Helper()
	b.touch(b.find("field", label, within...))
	eval[any](b, `() => { seen.select(); }`)
	if text == "" {
		b.keys(kb.Delete)
		return b
	}
	_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text})
	b.must(err)
	return b
}

// keys presses keys, one after another.
func (b *tab) keys(keys string) *tab {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
	return b
}

// pick chooses from a list: the field takes the keyboard, and the first
// letters of the choice find it.
func (b *tab) pick(label, choice string) *tab {
	b.t.Helper()
	b.find("field", label)
	eval[any](b, `() => { seen.focus(); }`)
	b.keys(choice)
	if got := eval[string](b, `() => seen.selectedOptions[0].text`); got != choice {
		b.t.Fatalf("typing %q into %q chooses %q", choice, label, got)
	}
	return b
}

// value is what stands in a field.
func (b *tab) value(label string) string {
	b.t.Helper()
	b.find("field", label)
	return eval[string](b, `() => seen.value`)
}

// ticked tells whether a box is ticked.
func (b *tab) ticked(label string) bool {
	b.t.Helper()
	b.find("tick", label)
	return eval[bool](b, `() => seen.control.checked`)
}

// trouble is the sentence that stands beside a field.
func (b *tab) trouble(label string) string {
	b.t.Helper()
	b.find("field", label)
	return eval[string](b, `() => (seen.getAttribute("aria-describedby") || "").split(" ")
		.map(id => document.getElementById(id)).filter(e => e && e.classList.contains("error")).map(e => e.innerText.trim()).join(" ")`)
}

// names lists the words of all links in a part of the page.
func (b *tab) names(selector string) []string {
	b.t.Helper()
	return eval[[]string](b, `(selector) => [...document.querySelectorAll(selector)].map(e => e.innerText.trim().replace(/\s+/g, " "))`, selector)
}

// without switches scripts off, from the next page on.
func (b *tab) withoutScripts() *tab {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	return b
}

package browsertest

import (
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// A found is where something stands on the page, or why the hand cannot get
// at it.
type found struct {
	X, Y   float64
	Names  []string // what fits
	All    []string // what there is
	Hidden string   // what lies over it
}

// finder finds what somebody would click on: a link or button by its words, a
// field or a box by its label, in the smallest part of the page that also
// shows the words of within. It scrolls there, and tells what lies over it.
const finder = `(kind, name, within) => {
	const squeeze = (s) => s.replace(/\s+/g, " ").trim();
	const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
	const words = (e) => {
		if (e.nodeType === Node.TEXT_NODE) return e.data;
		if (e.nodeType !== Node.ELEMENT_NODE || e.getAttribute("aria-hidden") === "true") return "";
		const own = [...e.childNodes].map(words).join("");
		return getComputedStyle(e).display.startsWith("inline") ? own : " " + own + " ";
	};
	const labels = (e) => e.getAttribute("aria-label") || [...(e.labels || [])].map(words).join(" ").replace(/\boptional\b/, "");
	const kinds = {
		press: ["a[href], button, summary", (e) => e.getAttribute("aria-label") || words(e)],
		field: ["input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea", labels],
		tick: ["input:is([type=checkbox], [type=radio]):not([disabled])", labels],
	};
	const [selector, naming] = kinds[kind];
	const parts = (e) => { const out = []; for (let p = e; p; p = p.parentElement) out.push(p); return out; };
	const all = [...document.querySelectorAll(selector)].filter(shown).map((e) => ({e, name: squeeze(naming(e))}));
	let fit = all.filter((c) => c.name === name);
	if (!fit.length) fit = all.filter((c) => c.name.startsWith(name));
	if (within && fit.length) {
		const depth = (c) => parts(c.e).findIndex((p) => squeeze(p.innerText || "").includes(within));
		const near = Math.min(...fit.map(depth).filter((d) => d >= 0));
		fit = fit.filter((c) => depth(c) === near);
	}
	const same = new Set(fit.map((c) => c.e.href || c.e));
	if (same.size === 1) fit = fit.slice(0, 1);
	const out = {X: 0, Y: 0, Names: fit.map((c) => c.name), All: all.map((c) => c.name), Hidden: ""};
	if (fit.length !== 1) return out;
	window.seen = kind === "tick" ? fit[0].e.labels[0] : fit[0].e;
	seen.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
	const box = seen.getClientRects()[0];
	out.X = box.x + box.width / 2;
	out.Y = box.y + box.height / 2;
	const top = document.elementFromPoint(out.X, out.Y);
	if (!top || !(seen.contains(top) || top.contains(seen))) out.Hidden = top ? top.outerHTML.slice(0, 120) : "the edge of the window";
	return out;
}`

// find finds one thing, or fails with what there is.
func (b *tab) find(kind, name string, within ...string) found {
	b.t.Helper()
	var f found
	b.waits("for "+name, func() bool {
		f = eval[found](b, finder, kind, name, strings.Join(within, " "))
		return len(f.Names) > 0
	})
	switch {
	case len(f.Names) > 1:
		b.t.Fatalf("%s: %q fits %d things: %q", b.path(), name, len(f.Names), f.Names)
	case f.Hidden != "":
		b.t.Fatalf("%s: %q lies below %s", b.path(), name, f.Hidden)
	}
	return f
}

// touch moves the mouse there and clicks.
func (b *tab) touch(f found) {
	b.t.Helper()
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		p := input.DispatchMouseEventParams{Type: kind, X: f.X, Y: f.Y}
		if kind != input.DispatchMouseEventTypeMouseMoved {
			p.Button, p.ClickCount = input.MouseButtonLeft, 1
		}
		_, err := chromedp.Call(b.ctx, input.DispatchMouseEvent, p)
		b.must(err)
	}
}

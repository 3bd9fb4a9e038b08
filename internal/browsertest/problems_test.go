package browsertest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// expected is what the browser logs where all is well: a page of ours answers
// with a 4xx, or has the browser forget what it kept of somebody who leaves.
var expected = regexp.MustCompile(`^network error: Failed to load resource: the server responded with a status of 4\d\d|^other info: Clear-Site-Data header on`)

// problemIn reads from an event what no page of ours may cause: a violation of
// the content security policy, a script that fails, a dialog, a file that is
// missing. What the console says at all is a problem, as we write nothing there.
func problemIn(event any) string {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		said := fmt.Sprintf("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		if expected.MatchString(said) && !strings.Contains(e.Entry.URL, "/assets/") {
			return ""
		}
		return said
	case *runtime.EventExceptionThrown:
		said := e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			said += " " + thrown.Description
		}
		return "a script failed: " + said
	case *runtime.EventConsoleAPICalled:
		return fmt.Sprintf("the console says (%s) %v", e.Type, e.Args)
	case *page.EventJavascriptDialogOpening:
		return "a dialog opened: " + e.Message
	}
	return ""
}

// checkProblems fails for everything that the browser has complained of.
func (b *tab) checkProblems() {
	b.t.Helper()
	for _, p := range b.takeProblems() {
		if b.excused == nil || !b.excused(p) {
			b.t.Errorf("the browser complains: %s", p)
		}
	}
}

// takeProblems empties the list.
func (b *tab) takeProblems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.problems
	b.problems = nil
	return p
}

package upgrade

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func newTestReport(t testing.TB, lines ...Line) *Report {
	t.Helper()
	r, err := NewReport(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Add(lines...); err != nil {
		t.Fatal(err)
	}
	return r
}

// written is what one of the report's formats writes.
func written(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func asHTML(t testing.TB, r *Report, h Head) string {
	t.Helper()
	return written(t, func(w io.Writer) error { return r.WriteHTML(w, h) })
}

func asText(t testing.TB, r *Report, h Head) string {
	t.Helper()
	return written(t, func(w io.Writer) error { return r.WriteText(w, h) })
}

// story is a small upgrade.
var (
	storyHead = Head{Source: "WHMCS 7.8 to 7.10", Rows: []Counted{
		{What: "Users", New: 1204, Changed: 3, Same: 9800},
		{What: "Accounts", New: 980, Changed: 1, Same: 9000, Kept: 2, Gone: 1},
		{What: "Contacts", Same: 120},
	}}
	story = []Line{
		{NeedsPerson, "tblclients", 12, "email", "Two clients have the same address.", "ada@example.com: Ada Lovelace (12) and Augusta King (318). Give one of them another address in WHMCS, or let them share the account."},
		{Skipped, "tblcontacts", 7, "", "The client of this contact is gone.", "Charles Babbage <charles@example.com>"},
		{NeedsPerson, "tbladmins", 3, "", "This person had all permissions and now has none.", "Grace Hopper, grace"},
		{NeedsPerson, "tblclients", 318, "email", "Two clients have the same address.", "ada@example.com: Augusta King (318) and Ada Lovelace (12)"},
		{Changed, "tblclients", 44, "companyname", "The name had characters that cannot be seen.", "Zoë’s Café B.V."},
		{Skipped, "tblclients", 45, "", "The row has no address.", ""},
		{Skipped, "tblclients", 46, "", "The row has no address.", "株式会社 例"},
	}
)

func TestGoldenReport(t *testing.T) {
	t.Parallel()
	r := newTestReport(t, story...)
	for name, got := range map[string]string{
		"report.html": strings.ReplaceAll(asHTML(t, r, storyHead), "><", ">\n<"), // for the diff
		"report.txt":  asText(t, r, storyHead),
		"report.csv":  written(t, r.WriteCSV),
		"empty.txt":   asText(t, newTestReport(t), Head{Source: "WHMCS 8.13", Rows: []Counted{{What: "Users", Same: 12}}}),
	} {
		golden := filepath.Join("testdata", name)
		if os.Getenv("CLIENTELE_UPDATE_GOLDENS") != "" {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("the report differs from %s; if that is meant, CLIENTELE_UPDATE_GOLDENS=1 writes it anew:\n%s", golden, got)
		}
	}
}

func TestReportCountsItsLines(t *testing.T) {
	t.Parallel()
	r := newTestReport(t, story...)
	for kind, want := range map[Kind]int64{NeedsPerson: 3, Skipped: 3, Changed: 1, "other": 0} {
		if got := r.Count(kind); got != want {
			t.Errorf("%d lines of kind %q, want %d", got, kind, want)
		}
	}
	if err := r.Add(Line{Kind: "other"}); err == nil {
		t.Error("a line of an unknown kind was added")
	}
}

// TestReportGoesOnAfterItWasWritten writes twice, with a line in between.
func TestReportGoesOnAfterItWasWritten(t *testing.T) {
	t.Parallel()
	r := newTestReport(t, story[:3]...)
	_, _ = asHTML(t, r, storyHead), written(t, r.WriteCSV)
	if err := r.Add(story[3:]...); err != nil {
		t.Fatal(err)
	}
	whole := newTestReport(t, story...)
	if asHTML(t, r, storyHead) != asHTML(t, whole, storyHead) || written(t, r.WriteCSV) != written(t, whole.WriteCSV) {
		t.Error("the same lines gave another report")
	}
}

func TestReportLeavesNoScratchFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := NewReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := r.WriteCSV(io.Discard); err == nil {
		t.Error("a closed report could be written")
	}
	if _, err := NewReport(filepath.Join(dir, "none")); err == nil {
		t.Error("a report in a folder that is not there")
	}
}

// TestReportGroupsManyReasonsUnderOne adds more reasons than a page can have
// headings. The later ones say theirs on every line.
func TestReportGroupsManyReasonsUnderOne(t *testing.T) {
	t.Parallel()
	r := newTestReport(t)
	for i := range 3 * mostReasons {
		l := Line{NeedsPerson, "tblclients", int64(i), "", fmt.Sprintf("Reason %d.", i), "who"}
		if err := r.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	page, text := asHTML(t, r, Head{}), asText(t, r, Head{})
	if n := strings.Count(page, "<h3>"); n != mostReasons+1 {
		t.Errorf("%d headings, want %d", n, mostReasons+1)
	}
	for _, want := range []string{"Other reasons", "Reason 200.", "Reason 599."} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if !strings.Contains(text, "tblclients 200: Reason 200.: who") || !strings.HasSuffix(text[:strings.Index(text, "Nothing is skipped")], "and 390 more\n\n") {
		t.Errorf("the text ends %q", text[len(text)-500:])
	}
	if got := readReport(t, written(t, r.WriteCSV)); len(got) != 3*mostReasons || got[599].Reason != "Reason 599." {
		t.Errorf("%d lines in the CSV", len(got))
	}
}

// TestReportShowsTheFirstOfManyLines has two reasons by turns, both with more
// lines than the page shows.
func TestReportShowsTheFirstOfManyLines(t *testing.T) {
	t.Parallel()
	r := newTestReport(t)
	for i := range 2 * (mostShown + 1) {
		l := Line{Skipped, "tblclients", int64(i), "", fmt.Sprintf("Reason %d.", i%2), fmt.Sprintf("who-%d-", i)}
		if err := r.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	page := asHTML(t, r, Head{})
	if !strings.Contains(page, "Here are the first 2,000 of 2,001. The CSV file has them all.") {
		t.Error("the page does not say that it leaves something out")
	}
	if n := strings.Count(page, "who-"); n != 2*mostShown || !strings.Contains(page, "who-3999-") || strings.Contains(page, "who-4000-") {
		t.Errorf("%d lines on the page", n)
	}
}

// TestReportKeepsItsLinesOnDisk adds many times the memory that it may take.
func TestReportKeepsItsLinesOnDisk(t *testing.T) {
	before := heap()
	r := newTestReport(t)
	for i := range 200_000 {
		l := Line{Changed, "tblclients", int64(i), "notes", fmt.Sprintf("Reason %d.", i%50), strings.Repeat("x", 400)}
		if err := r.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	if r.spool.size < 80<<20 {
		t.Fatalf("the spool has %d bytes only", r.spool.size)
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the report takes %d bytes of memory", grown)
	}
	for _, err := range []error{r.WriteCSV(io.Discard), r.WriteHTML(io.Discard, Head{}), r.WriteText(io.Discard, Head{})} {
		if err != nil {
			t.Error(err)
		}
	}
	runtime.KeepAlive(r)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// hostile are details that harm somebody in one format or another.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</td></tr></table><style>*{display:none}</style>`,
	`=cmd|' /C calc'!A0`, "\t=1+1", "  @SUM(A1)", "＝1+1", "a;=1+1", "a\n\"\"-1", "\r+1", "'=1", "'t Hooft",
	"\x1b[2J\x1b]0;owned\x07red", "a\u009b31mb", "evil\u202egnp.exe", "\u2066x\u2069", "a\r\nb\nc\u2028d", "nul\x00", "zero\u200bwidth\u3164\U000e0041",
	"\xff\xfe", "z" + strings.Repeat("\u0301", 5000), strings.Repeat("株", 400), strings.Repeat("long ", 4000), "",
}

// hostileReport has a hostile text in every place for one.
func hostileReport(t *testing.T) *Report {
	var lines []Line
	for i, s := range hostile {
		lines = append(lines, Line{NeedsPerson, "tblclients", int64(-i - 1), "email", "A reason.", s}, Line{Skipped, s, 1, s, s, s})
	}
	return newTestReport(t, lines...)
}

func TestT119_ReportIsAPageWithoutScripts(t *testing.T) {
	t.Parallel()
	page := asHTML(t, hostileReport(t), Head{Source: hostile[0], Rows: []Counted{{What: hostile[1]}}})
	low := strings.ToLower(page)
	for _, bad := range []string{"<script", "<img", "onerror=\"", "http:", "https:", "src=\"", "url(", "@import", "\x1b", "\u009b", "\u202e", "\u2066", "\u200b", "\u2028", "\x00", "\r"} {
		if strings.Contains(low, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	if n := strings.Count(page, "<style"); n != 1 {
		t.Errorf("%d styles, want the page's own", n)
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline';`) {
		t.Error("no policy forbids what is not the page's own")
	}
	for line := range strings.Lines(page) {
		if len(line) > 1<<20 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

package ui_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"clientele/internal/ui"
)

// part renders one component into a document of its own.
func part(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	return document(t, render(t, c))
}

// wants fails for every selector that finds nothing.
func wants(t *testing.T, doc *goquery.Document, selectors ...string) {
	t.Helper()
	for _, s := range selectors {
		if doc.Find(s).Length() == 0 {
			html, _ := doc.Find("body").Html()
			t.Errorf("no %s in %s", s, html)
		}
	}
}

func TestFieldTiesItsErrorAndKeepsWhatWasTyped(t *testing.T) {
	doc := part(t, ui.Field(ui.FieldProps{
		Name: "address", Label: "Address", Type: "email", Value: `"><script>`,
		Hint: "One.", Error: "Two.", Required: true, MaxLength: 80,
	}))
	wants(t, doc,
		`label[for="f-address"]`,
		`input#f-address[name=address][type=email][required][maxlength="80"][aria-invalid=true]`,
		`[aria-describedby="f-address-error f-address-hint"]`,
		"p.error#f-address-error", "p.hint#f-address-hint",
	)
	if got := doc.Find("input").AttrOr("value", ""); got != `"><script>` {
		t.Errorf("value %q", got)
	}
	if doc.Find("script, .optional").Length() > 0 {
		t.Error("unescaped, or optional")
	}
}

func TestFieldNeverRepeatsAPassword(t *testing.T) {
	doc := part(t, ui.Field(ui.FieldProps{Name: "p", Label: "P", Type: "password", Value: "secret"}))
	if v := doc.Find("input").AttrOr("value", ""); v != "" {
		t.Errorf("value %q", v)
	}
}

func TestFieldOfSeveralLinesIsATextarea(t *testing.T) {
	doc := part(t, ui.Field(ui.FieldProps{Name: "note", Label: "Note", Rows: 4, Value: "a\nb"}))
	wants(t, doc, `textarea[rows="4"][name=note]`, ".optional")
	if got := doc.Find("textarea").Text(); got != "a\nb" {
		t.Errorf("text %q", got)
	}
}

func TestFormCarriesItsAccount(t *testing.T) {
	wants(t, part(t, ui.Form(ui.FormProps{Action: "/a/7/people", Account: "7", Next: "/me"})),
		`form[method=post][action="/a/7/people"]`,
		`input[type=hidden][name=account][value="7"]`,
		`input[type=hidden][name=next][value="/me"]`)
	if part(t, ui.Form(ui.FormProps{Action: "/"})).Find("input").Length() > 0 {
		t.Error("empty fields are sent")
	}
}

func TestALinkIsNeverAScript(t *testing.T) {
	for _, c := range []templ.Component{
		ui.LinkButton("x", "javascript:alert(1)"),
		ui.PersonCell("x", "x@example.com", "javascript:alert(1)"),
		ui.Tabs([]ui.NavItem{{Label: "x", Href: "javascript:alert(1)"}}),
		ui.Form(ui.FormProps{Action: "javascript:alert(1)"}),
	} {
		if html := render(t, c); strings.Contains(html, "alert") {
			t.Errorf("script in %s", html)
		}
	}
}

func TestChoices(t *testing.T) {
	wants(t, part(t, ui.Check(ui.CheckProps{Name: "p", Value: "a.b", Label: "L", Hint: "H", Checked: true, Needs: "a.a"})),
		`input[type=checkbox][name=p][value="a.b"][checked][data-needs="a.a"]`, ".hint")
	wants(t, part(t, ui.Radio(ui.CheckProps{Name: "r", Value: "x", Label: "L", Disabled: true, Reveals: "more"})),
		`input[type=radio][disabled][data-reveals=more]`)
	doc := part(t, ui.Select(ui.SelectProps{Name: "c", Label: "C", Value: "EUR", Error: "No.", Options: []ui.Option{{"USD", "Dollar"}, {"EUR", "Euro"}}}))
	wants(t, doc, `select[name=c][aria-invalid]`, `option[value=EUR][selected]`)
	wants(t, part(t, ui.Fieldset("Role", "", "Choose one.")), "fieldset > legend", `fieldset[aria-describedby] .error`)
}

func TestSearchWorksWithAndWithoutScripts(t *testing.T) {
	doc := part(t, ui.Search("/staff/accounts", "q", "har", "Find", "#rows"))
	wants(t, doc, `form[method=get][action="/staff/accounts"]`, `input[type=search][name=q][value=har]`, "button[type=submit]",
		`form[hx-get="/staff/accounts"][hx-target="#rows"][hx-select="#rows"]`)
	if part(t, ui.Search("/x", "q", "", "Find", "")).Find("[hx-get]").Length() > 0 {
		t.Error("htmx without a target")
	}
}

func TestWhatHasNothingToSayIsAbsent(t *testing.T) {
	for name, c := range map[string]templ.Component{
		"ErrorSummary": ui.ErrorSummary(""), "Pager": ui.Pager("", ""), "Icon": ui.Icon("unknown"),
	} {
		if html := strings.TrimSpace(render(t, c)); html != "" {
			t.Errorf("%s: %s", name, html)
		}
	}
	wants(t, part(t, ui.ErrorSummary("No.")), "[role=alert]")
	wants(t, part(t, ui.Pager("", "/n")), "a[rel=next]")
}

func TestTimeSaysTheExactOneOnHover(t *testing.T) {
	now := time.Date(2026, 3, 14, 10, 30, 0, 0, time.FixedZone("", 3600))
	doc := part(t, ui.Time(now.Add(-72*time.Hour), now))
	wants(t, doc, `time[datetime="2026-03-11T09:30:00Z"][title="11 March 2026, 09:30 UTC"]`)
	if got := doc.Find("time").Text(); got != "3 days ago" {
		t.Errorf("text %q", got)
	}
	if got := strings.TrimSpace(part(t, ui.Time(time.Time{}, now)).Text()); got != "never" {
		t.Errorf("zero time: %q", got)
	}
}

func TestEveryPromisedIconIsDrawn(t *testing.T) {
	for name := range strings.FieldsSeq("people mail settings activity contacts home lock search switch plus check warn info out shield list bell") {
		wants(t, part(t, ui.Icon(name)), "svg[aria-hidden=true] > *")
	}
}

package ui_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"clientele/internal/ui/gallery"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func document(t *testing.T, html string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(html))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestGallery writes the pages to $UI_GALLERY, to be looked at, where it is set.
func TestGallery(t *testing.T) {
	for name, page := range gallery.Pages() {
		t.Run(name, func(t *testing.T) {
			html := render(t, page)
			if dir := os.Getenv("UI_GALLERY"); dir != "" {
				writeGallery(t, dir, name, html)
			}
			checkPage(t, document(t, html))
		})
	}
}

func writeGallery(t *testing.T, dir, name, html string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkPage holds what is true of every page.
func checkPage(t *testing.T, doc *goquery.Document) {
	t.Helper()
	if n := doc.Find("h1").Length(); n != 1 {
		t.Errorf("%d h1, want one", n)
	}
	for _, want := range []string{"html[lang]", "title", "meta[name=viewport]", "main#main", `a.skip[href="#main"]`} {
		if doc.Find(want).Length() != 1 {
			t.Errorf("no %s", want)
		}
	}
	for _, banned := range []string{"[style]", "style", "script:not([src])", "[onclick]", "a:not([href])", "[hx-on]"} {
		doc.Find(banned).Each(func(_ int, s *goquery.Selection) {
			t.Errorf("%s is not allowed: %s", banned, outer(s))
		})
	}
	checkIDs(t, doc)
	checkLabels(t, doc)
	checkForms(t, doc)
}

// checkIDs wants every id once, and every reference to one to lead somewhere.
func checkIDs(t *testing.T, doc *goquery.Document) {
	t.Helper()
	ids := map[string]int{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { ids[s.AttrOr("id", "")]++ })
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q stands %d times", id, n)
		}
	}
	for _, ref := range []string{"for", "aria-describedby", "popovertarget", "data-reveals"} {
		doc.Find("[" + ref + "]").Each(func(_ int, s *goquery.Selection) {
			for id := range strings.FieldsSeq(s.AttrOr(ref, "")) {
				if ids[id] == 0 {
					t.Errorf("%s=%q leads nowhere", ref, id)
				}
			}
		})
	}
}

// checkLabels wants every input to have a name for screen readers.
func checkLabels(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		labelled := id != "" && doc.Find(`label[for="`+id+`"]`).Length() == 1
		if !labelled && s.AttrOr("aria-label", "") == "" {
			t.Errorf("no label: %s", outer(s))
		}
	})
	doc.Find("button, summary, a").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
			t.Errorf("says nothing: %s", outer(s))
		}
	})
}

// checkForms wants forms that work without scripts.
func checkForms(t *testing.T, doc *goquery.Document) {
	t.Helper()
	doc.Find("form").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("action", "") == "" || s.AttrOr("method", "") == "" {
			t.Errorf("form without action or method: %s", outer(s))
		}
		posts := s.AttrOr("method", "") == "post"
		if posts && s.Find("button[type=submit]").Length() == 0 {
			t.Errorf("form without a button: %s", outer(s))
		}
	})
	doc.Find("button:not([type])").Each(func(_ int, s *goquery.Selection) {
		t.Errorf("button without a type: %s", outer(s))
	})
}

func outer(s *goquery.Selection) string {
	html, _ := goquery.OuterHtml(s)
	return html[:min(len(html), 160)]
}

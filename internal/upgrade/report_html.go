package upgrade

import (
	"context"
	"io"
	"strconv"
	"strings"
)

// pageWidth is as much of a text as the page shows. The CSV has it whole.
const pageWidth = 500

// WriteHTML writes the report as one page that needs nothing else: no script,
// no other file, no network.
func (r *Report) WriteHTML(w io.Writer, h Head) error {
	return reportPage(r, h).Render(context.Background(), w)
}

// anchor is the address of a section on the page.
func (s *reportSection) anchor() string { return strings.ReplaceAll(string(s.Kind), " ", "-") }

// anchorOf is the address of one of its reasons.
func (s *reportSection) anchorOf(i int) string { return s.anchor() + "-" + strconv.Itoa(i+1) }

// hidden says what a page leaves out of a group, or nothing.
func (g *reasonGroup) hidden() string {
	if g.count <= mostShown {
		return ""
	}
	return "Here are the first " + thousands(mostShown) + " of " + thousands(g.count) + ". The CSV file has them all."
}

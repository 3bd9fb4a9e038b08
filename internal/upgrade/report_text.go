package upgrade

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

const (
	textWidth  = 100 // columns of a terminal
	mostNamed  = 10  // lines of one reason on a terminal
	countWidth = 9
)

// sectionWords are what stands above the lines of a kind, and in their place.
var sectionWords = map[Kind]struct{ Title, Says, None string }{
	NeedsPerson: {"Needs a person", "Somebody has to look at these and decide.", "Nothing needs a person."},
	Skipped:     {"Skipped", "These stay behind in the other system.", "Nothing is skipped."},
	Changed:     {"Changed", "These come over, but not quite as they were.", "Nothing is changed on its way."},
}

// countedWords are the columns of a table of Counted, and what they mean. What
// Counted calls changed is updated here: changed is a kind of line.
var countedWords = []struct{ Title, Says string }{
	{"New", "not here before"},
	{"Updated", "changed there, and brought up to date"},
	{"Same", "already here as it is there"},
	{"Kept", "changed in both places, and left as it is here"},
	{"Gone", "no longer in the other system"},
}

const quietRows = "No row is new, updated or gone."

// WriteText writes the report for a terminal: the numbers, the reasons, and the
// first of the rows that need a person.
func (r *Report) WriteText(w io.Writer, h Head) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "Upgrade report: %s\n\n", printable(h.Source, textWidth))
	writeCounted(out, h)
	for _, s := range r.sections {
		if err := r.writeSection(out, s); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeCounted writes the table of numbers.
func writeCounted(out io.Writer, h Head) {
	if len(h.Rows) > 0 {
		first := whatWidth(h.Rows)
		fmt.Fprint(out, padTo("", first))
		for _, c := range countedWords {
			fmt.Fprintf(out, "  %*s", countWidth, strings.ToLower(c.Title))
		}
		fmt.Fprintln(out)
		for _, c := range h.Rows {
			fmt.Fprint(out, padTo(printable(c.What, first), first))
			for _, n := range c.numbers() {
				fmt.Fprintf(out, "  %*s", countWidth, thousands(n))
			}
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out)
	}
	if h.isQuiet() {
		fmt.Fprintf(out, "%s\n\n", quietRows)
	}
}

// whatWidth is as wide as the longest name, within reason.
func whatWidth(rows []Counted) int {
	widest := 0
	for _, c := range rows {
		widest = max(widest, displayWidth(printable(c.What, 30)))
	}
	return widest
}

// writeSection writes the reasons of one kind.
func (r *Report) writeSection(out io.Writer, s *reportSection) error {
	words := sectionWords[s.Kind]
	if s.count == 0 {
		_, err := fmt.Fprintln(out, words.None)
		return err
	}
	fmt.Fprintf(out, "%s: %s\n", words.Title, thousands(s.count))
	for _, g := range s.groups() {
		indent := strings.Repeat(" ", countWidth+2)
		fmt.Fprintf(out, "%*s  %s\n", countWidth, thousands(g.count), strings.Join(wrap(g.title(), textWidth-len(indent)), "\n"+indent))
		if s.Kind == NeedsPerson {
			if err := r.writeNamed(out, g); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}

// writeNamed writes the first rows of a reason.
func (r *Report) writeNamed(out io.Writer, g *reasonGroup) error {
	indent := strings.Repeat(" ", countWidth+4)
	left := g.count
	for line, err := range r.lines(g) {
		if err != nil {
			return err
		}
		if g.count-left == mostNamed {
			break
		}
		left--
		fmt.Fprintf(out, "%s%s\n", indent, printable(line.sentence(g.mixed), textWidth-len(indent)))
	}
	if left > 0 {
		fmt.Fprintf(out, "%sand %s more\n", indent, thousands(left))
	}
	return nil
}

// sentence is a line on a terminal: the row, its column, the reason where the
// heading does not say it, and who or what.
func (l Line) sentence(withReason bool) string {
	s := l.where()
	if l.Column != "" {
		s += ", " + l.Column
	}
	if withReason && l.Reason != "" {
		s += ": " + l.Reason
	}
	if l.Detail != "" {
		s += ": " + l.Detail
	}
	return s
}

// mostTitle is as long as a reason is shown.
const mostTitle = 600

// wrap breaks a reason into lines of so many columns, so that the advice at its
// end is read too.
func wrap(s string, most int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(printable(s, mostTitle)) {
		word = printable(word, most)
		if line != "" && displayWidth(line)+1+displayWidth(word) > most {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// printable is any text as one line of so many columns that does nothing but
// show letters. What would move a cursor, turn the writing around or hide shows
// as a sign that something was there.
func printable(s string, most int) string {
	var b strings.Builder
	fits, used, marks := 0, 0, 0
	for r := range oneSpaced(s) {
		r = shownRune(r)
		if marks++; runeWidth(r) > 0 {
			marks = 0
		}
		if marks > mostMarks {
			continue
		}
		if used += runeWidth(r); used > most {
			return strings.TrimRight(b.String()[:fits], " ") + "…"
		}
		b.WriteRune(r)
		if used < most {
			fits = b.Len()
		}
	}
	return b.String()
}

// mostMarks are the accents that one letter may carry, so that it does not grow
// over the lines around it.
const mostMarks = 6

// oneSpaced gives the characters of a text, with one space where there is room
// between words, or a line break.
func oneSpaced(s string) iter.Seq[rune] {
	return func(yield func(rune) bool) {
		last := ' '
		for _, r := range strings.TrimSpace(s) {
			if unicode.IsSpace(r) {
				r = ' '
			}
			if (r != ' ' || last != ' ') && !yield(r) {
				return
			}
			last = r
		}
	}
}

// shownRune is the sign that stands for a character. The joiners that Indic scripts
// and emoji need stand for themselves.
func shownRune(r rune) rune {
	switch {
	case isPlain(r), r == '\u200c', r == '\u200d':
		return r
	case !unicode.IsGraphic(r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return utf8.RuneError
	}
	return r
}

// displayWidth is what a text takes on a terminal.
func displayWidth(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// isPlain is true of almost all text, and quick.
func isPlain(r rune) bool { return r >= ' ' && r <= '~' }

func runeWidth(r rune) int {
	switch {
	case isPlain(r):
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// padTo fills a text up with spaces.
func padTo(s string, to int) string { return s + strings.Repeat(" ", max(0, to-displayWidth(s))) }

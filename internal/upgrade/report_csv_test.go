package upgrade

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/plain"

	"pgregory.net/rapid"
)

// readReport reads a CSV as a program would, and takes the guards away.
func readReport(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string,
) (lines []Line) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], []string{"kind", "table", "id", "column", "reason", "detail"}) {
		t.Fatalf("the CSV does not begin with its header: %q", rows)
	}
	for _, row := range rows[1:] {
		for i := range row {
			row[i] = plain.BareCell(row[i])
		}
		n, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil {
			t.Fatalf("%v", err)
		}
		lines = append(lines, Line{Kind(row[0]), row[1], n, row[3], row[4], row[5]})
	}
	return lines
}

// awkward draws texts of what formulas, CSV and spreadsheets make much of.
var awkward = rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("a=+-@＝−'\",;|\t\r\n \u00a0\u200b\ufeff\x00\\."))), rapid.SampledFrom(hostile))

var anyLine = rapid.Custom(func(t *rapid.T) Line {
	return Line{
		Kind:  rapid.SampledFrom([]Kind{NeedsPerson, Skipped, Changed}).Draw(t, "kind"),
		Table: awkward.Draw(t, "table"), ID: rapid.Int64().Draw(t, "id"), Column: awkward.Draw(t, "column"),
		Reason: awkward.Draw(t, "reason"), Detail: awkward.Draw(t, "detail"),
	}
})

// TestT121_ReportReadAgainIsTheSame holds for any lines, in UTF-8 and with the
// line breaks of CSV.
func TestT121_ReportReadAgainIsTheSame(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(anyLine, 0, 20).Draw(t, "lines")
		r, err := NewReport(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := r.Add(want...); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := r.WriteCSV(&b); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			want[i] = want[i].tidied()
		}
		if got := readReport(t, b.String()); !slices.Equal(got, want) {
			t.Fatalf("read %#v, want %#v", got, want)
		}
		noFormula(t, b.String())
	})
}

// noFormula reads a CSV as spreadsheets do: with commas and quotes, and with
// semicolons and without minding the quotes.
func noFormula(t interface{ Fatalf(string, ...any) }, text string) {
	rows, _ := csv.NewReader(strings.NewReader(text)).ReadAll()
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "\t\r") || strings.IndexAny(strings.TrimSpace(cell), "=+-@＝＋－＠") == 0 {
				t.Fatalf("the cell %q can be read as a formula", cell)
			}
		}
	}
	for _, cell := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(";\t\r\n", r) }) {
		if strings.IndexAny(strings.Trim(cell, "\" "), "=+-@＝＋－＠") == 0 {
			t.Fatalf("between semicolons, %q can be read as a formula", cell)
		}
	}
}

func TestT121_CellsAreGuarded(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                     "",
		"Ada":                  "Ada",
		"ada@example.com":      "ada@example.com",
		"'t Hooft":             "'t Hooft",
		"a - b, +31 20 123":    "a - b, +31 20 123",
		"a; b":                 "a; b",
		"one\ntwo":             "one\ntwo",
		"=1+1":                 "'=1+1",
		"+31 20 123":           "'+31 20 123",
		"-":                    "'-",
		"@SUM(A1)":             "'@SUM(A1)",
		"  =1":                 "'  =1",
		"\u00a0\u200b\ufeff=1": "'\u00a0\u200b\ufeff=1",
		"＝1":                   "'＝1",
		"＋1":                   "'＋1",
		"－1":                   "'－1",
		"＠1":                   "'＠1",
		"\tx":                  "'\tx",
		" \rx":                 "' \rx",
		"\t=x":                 "'\t'=x",
		"'=1":                  "''=1",
		"\"=1":                 "'\"=1",
		"a;=1":                 "a;'=1",
		"a; -1;b":              "a;' -1;b",
		"a\n=1":                "a\n'=1",
		";=1":                  ";'=1",
		"=cmd|' /C calc'!A0":   "'=cmd|' /C calc'!A0",
	} {
		if got := plain.GuardCell(cell); got != want {
			t.Errorf("plain.GuardCell(%q) = %q, want %q", cell, got, want)
		}
		if got := plain.BareCell(want); got != cell {
			t.Errorf("plain.BareCell(%q) = %q, want %q", want, got, cell)
		}
	}
}

func TestT121_HostileReportHasNoFormulas(t *testing.T) {
	t.Parallel()
	text := written(t, hostileReport(t).WriteCSV)
	noFormula(t, text)
	if strings.HasPrefix(text, "\ufeff") {
		t.Error("the CSV begins with a byte order mark")
	}
	if got := readReport(t, text); len(got) != 2*len(hostile) || got[0].Detail != hostile[0] {
		t.Errorf("%d lines", len(got))
	}
}

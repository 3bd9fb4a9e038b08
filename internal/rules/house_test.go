package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestHouse holds every rule against the sources as they stand.
func TestHouse(t *testing.T) {
	all := sources(t)
	if len(all) < 2 {
		t.Fatalf("found %d Go files: looking in the wrong place?", len(all))
	}
	for name, rule := range map[string]func([]source) []string{
		"a package imports only what stands before it in the plan": floors,
		"every package says what it is for":                        packageComments,
		"no file is too long to read":                              fileLengths,
		"only the foundation speaks SQL":                           sqlOnlyBelow,
		"time comes from the transaction":                          noClock,
		"functions stay small":                                     functionLengths,
	} {
		t.Run(name, func(t *testing.T) { report(t, rule(all)) })
	}
	t.Run("nothing names one machine or a registry", func(t *testing.T) {
		all := texts(t)
		if len(all) < 2 {
			t.Fatalf("found %d texts: looking in the wrong place?", len(all))
		}
		report(t, machinePaths(all))
	})
}

func report(t *testing.T, bad []string) {
	t.Helper()
	for _, b := range bad {
		t.Error(b)
	}
}

// packageComments complains of packages without a comment above their name.
func packageComments(all []source) (bad []string) {
	byDir := map[string][]source{}
	for _, s := range all {
		byDir[path.Dir(s.path)] = append(byDir[path.Dir(s.path)], s)
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		if !slices.ContainsFunc(byDir[dir], hasPackageComment) {
			bad = append(bad, dir+": no file has a package comment that begins as go doc expects (Package name …)")
		}
	}
	return bad
}

// hasPackageComment is strict about the first words, since a licence or a build
// tag above the package clause is no comment on the package.
func hasPackageComment(s source) bool {
	name := s.file.Name.Name
	doc := s.file.Doc.Text()
	if name == "main" {
		return strings.HasPrefix(doc, "Command ")
	}
	return strings.HasPrefix(doc, "Package "+name+" ")
}

const mostLines = 700

// fileLengths complains of files that somebody wrote by hand and let grow.
func fileLengths(all []source) (bad []string) {
	for _, s := range all {
		lines := bytes.Count(s.text, []byte("\n"))
		if lines > mostLines && !s.isGenerated() {
			bad = append(bad, fmt.Sprintf("%s has %d lines; a file of more than %d holds two things that can part", s.path, lines, mostLines))
		}
	}
	return bad
}

// sqlOnlyBelow complains of packages that open the database past package db.
// The job library takes a *sql.Tx, so that package job must name it; and the
// upgrade reads a database that is not ours.
func sqlOnlyBelow(all []source) (bad []string) {
	for _, s := range all {
		allowed := slices.Contains([]string{"db", "job", "whmcs"}, place(path.Dir(s.path)))
		if !allowed && !s.isTest() && slices.Contains(s.imports(), "database/sql") {
			bad = append(bad, s.path+" imports database/sql; package db has one handle for both engines")
		}
	}
	return bad
}

// noClock complains of time.Now outside the places that hand the time out. The
// name alone is enough: passing the function on is reading the clock later.
func noClock(all []source) (bad []string) {
	for _, s := range all {
		allowed := slices.Contains([]string{"db", "app", "cli"}, place(path.Dir(s.path)))
		clock := s.importName("time")
		if allowed || s.isTest() || clock == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if ok && sel.Sel.Name == "Now" && isPackage(sel.X, clock) {
				bad = append(bad, fmt.Sprintf("%s:%d reads the clock; the time comes from the transaction (tx.Now)", s.path, s.line(sel.Pos())))
			}
			return true
		})
	}
	return bad
}

// importName gives the name under which a file knows a package of the standard
// library, or nothing.
func (s source) importName(of string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value == `"`+of+`"` && spec.Name != nil {
			return spec.Name.Name
		} else if spec.Path.Value == `"`+of+`"` {
			return path.Base(of)
		}
	}
	return ""
}

// isPackage tells a package's name from a variable that shadows it: the parser
// resolves variables, not packages.
func isPackage(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name && id.Obj == nil //nolint:staticcheck // the parser's own resolution is enough here
}

const (
	mostMedian = 12
	mostP90    = 45
)

type function struct {
	where string
	lines int
}

// functionLengths complains when functions as a whole grow: one long function
// is a choice, a long median is a habit.
func functionLengths(all []source) (bad []string) {
	funcs := functions(all)
	if len(funcs) == 0 {
		return nil
	}
	slices.SortFunc(funcs, func(a, b function) int { return cmp.Compare(a.lines, b.lines) })
	median, p90 := funcs[(len(funcs)-1)/2].lines, funcs[(len(funcs)*9+9)/10-1].lines
	if median <= mostMedian && p90 <= mostP90 {
		return nil
	}
	bad = append(bad, fmt.Sprintf("%d functions: median %d lines (at most %d), p90 %d (at most %d); the longest:", len(funcs), median, mostMedian, p90, mostP90))
	for _, f := range slices.Backward(funcs[max(0, len(funcs)-5):]) {
		bad = append(bad, fmt.Sprintf("%s, %d lines", f.where, f.lines))
	}
	return bad
}

// functions measures every function written by hand outside tests, from the
// word func to the closing brace.
func functions(all []source) (funcs []function) {
	for _, s := range all {
		if s.isTest() || s.isGenerated() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				from, to := s.line(f.Pos()), s.line(f.End())
				funcs = append(funcs, function{fmt.Sprintf("%s:%d %s", s.path, from, f.Name.Name), to - from + 1})
			}
		}
	}
	return funcs
}

// machine matches what is true on one machine only. It is put together from
// halves, so that this file does not match itself.
var machine = regexp.MustCompile(`(?:^|[^\w.~}-])/(?:wo` + `rk|ro` + `ot)/|proxy\.gol` + `ang\.org|registry\.npm` + `js\.org|deb\.deb` + `ian\.org`)

// machinePaths complains of text that names a folder of one machine, or a
// registry that another machine may not reach.
func machinePaths(all []text) (bad []string) {
	for _, f := range all {
		for i, line := range bytes.Split(f.body, []byte("\n")) {
			if found := machine.Find(line); found != nil {
				bad = append(bad, fmt.Sprintf("%s:%d names %q, which is true on one machine only", f.path, i+1, bytes.TrimSpace(found)))
			}
		}
	}
	return bad
}

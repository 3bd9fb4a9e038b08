package rules

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/access"
	"clientele/internal/account"
	"clientele/internal/geo"
	"clientele/internal/locale"
)

// gap is a place in a sentence.
var gap = regexp.MustCompile(`\{[^}]*\}`)

func gaps(sentence string) []string {
	return slices.Compact(slices.Sorted(slices.Values(gap.FindAllString(sentence, -1))))
}

// said finds every sentence that goes through locale.T, and complains of those
// that cannot be found in a catalogue or have places that nothing fills.
func said(all []source) (sentences, bad []string) {
	for _, s := range all {
		if s.isTest() || !slices.Contains(s.ownImports(), "internal/locale") {
			continue
		}
		complain := func(at token.Pos, what string) {
			bad = append(bad, fmt.Sprintf("%s:%d %s", s.path, s.line(at), what))
		}
		called := map[ast.Node]bool{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isT(call.Fun) {
				called[call.Fun] = true
				sentence, ok := constant(call.Args[0])
				if !ok {
					complain(call.Pos(), "gives locale.T a sentence that is no constant; open places in it instead")
					return true
				}
				sentences = append(sentences, sentence)
				if what := unfilled(s.file, call, gaps(sentence)); what != "" {
					complain(call.Pos(), what)
				}
			} else if e, ok := n.(ast.Expr); ok && isT(e) && !called[n] {
				complain(n.Pos(), "hands locale.T on; call it where the sentence is")
			}
			return true
		})
	}
	return sentences, bad
}

func isT(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "T" && isPackage(sel.X, "locale")
}

func constant(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// unfilled says what is wrong with the values of a sentence. A list of them
// that several sentences share may have more than one of them needs.
func unfilled(file *ast.File, call *ast.CallExpr, want []string) string {
	got := placeNames(call.Args[1:])
	if call.Ellipsis.IsValid() {
		got = shared(file)
		want = slices.DeleteFunc(slices.Clone(want), func(g string) bool { return slices.Contains(got, g) })
		got = nil
	}
	if !slices.Equal(got, want) {
		return fmt.Sprintf("has the places %v and fills %v", want, got)
	}
	return ""
}

// placeNames are the names in a list of names and values.
func placeNames(list []ast.Expr) (out []string) {
	for n := 0; n < len(list); n += 2 {
		name, ok := constant(list[n])
		if !ok || n+1 == len(list) {
			name = "?"
		}
		out = append(out, "{"+name+"}")
	}
	slices.Sort(out)
	return out
}

// shared are the names in a file's lists of values, which are []any.
func shared(file *ast.File) (out []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		if list, ok := n.(*ast.CompositeLit); ok {
			if of, ok := list.Type.(*ast.ArrayType); ok && fmt.Sprint(of.Elt) == "any" {
				out = append(out, placeNames(list.Elts)...)
			}
		}
		return true
	})
	return out
}

// labels are the words in tables that mail says too, through locale.Label.
func labels() (out []string) {
	for _, p := range access.All {
		out = append(out, p.Label)
	}
	for _, r := range access.BuiltIns {
		out = append(out, r.Label, r.Allows)
	}
	for _, k := range account.AllKinds {
		out = append(out, strings.ToLower(k.Label))
	}
	var nowhere *geo.Places
	return append(out, nowhere.Of("127.0.0.1"), nowhere.Of("10.0.0.1"))
}

// untranslated holds a language's sentences against what is said.
func untranslated(sentences []string, in map[string]string) (bad []string) {
	for _, english := range slices.Compact(slices.Sorted(slices.Values(sentences))) {
		own, ok := in[english]
		switch {
		case !ok || strings.TrimSpace(own) == "":
			bad = append(bad, fmt.Sprintf("there is no sentence for %q", english))
		case !slices.Equal(gaps(own), gaps(english)):
			bad = append(bad, fmt.Sprintf("%q has not the places of %q", own, english))
		}
	}
	for _, english := range slices.Sorted(maps.Keys(in)) {
		if !slices.Contains(sentences, english) {
			bad = append(bad, fmt.Sprintf("nobody says %q", english))
		}
	}
	return bad
}

// TestMailIsWholeInEveryLanguage holds every language's sentences against what
// mail says.
func TestMailIsWholeInEveryLanguage(t *testing.T) {
	sentences, bad := said(sources(t))
	report(t, bad)
	if len(sentences) < 100 || len(locale.Tongues()) == 0 {
		t.Fatalf("%d sentences and %d languages: looking in the wrong place?", len(sentences), len(locale.Tongues()))
	}
	for _, l := range locale.Tongues() {
		t.Run(l.Key, func(t *testing.T) { report(t, untranslated(append(sentences, labels()...), l.Sentences)) })
	}
}

func TestSaid(t *testing.T) {
	file := func(body string) []string {
		return []string{"internal/auth/a.go", "package auth\nimport \"clientele/internal/locale\"\n" + body}
	}
	run(t, func(all []source) []string { _, bad := said(all); return bad }, []broken{
		{"a sentence", file(`var a = locale.T("Sign in")`), nil},
		{"a place that is filled", file(`var a = locale.T("Hello {name}", "name", "x")`), nil},
		{"one that is not", file(`var a = locale.T("Hello {name}", "nam", "x")`), []string{"has the places [{name}] and fills [{nam}]"}},
		{"one name without a value", file(`var a = locale.T("Hello {name}", "name")`), []string{"fills [{?}]"}},
		{"a shared list", file(`var l = []any{"name", "x", "more", "y"}; var a = locale.T("Hello {name}", l...)`), nil},
		{"a shared list without it", file(`var l = []any{"more", "y"}; var a = locale.T("Hello {name}", l...)`), []string{"has the places [{name}]"}},
		{"no constant", file(`var a = locale.T("Hello " + name)`), []string{"no constant"}},
		{"handed on", file(`var say = locale.T`), []string{"hands locale.T on"}},
	})
	expect(t, untranslated([]string{"a", "b {x}", "c"}, map[string]string{"a": "A", "b {x}": "B {y}", "d": "D"}), []string{"has not the places", `no sentence for "c"`, `nobody says "d"`})
}

package cli_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ofTheReport finds the comments above the sentences that a report groups its
// lines by.
var ofTheReport = regexp.MustCompile(`^(What the report says|Why a row stays|What happens to values)`)

// sentences are those that a report of the upgrade groups its lines by.
func sentences(t *testing.T, folder string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST && ofTheReport.MatchString(g.Doc.Text()) {
				list = append(list, texts(t, g)...)
			}
		}
	}
	return list
}

func texts(t *testing.T, of *ast.GenDecl) (list []string) {
	ast.Inspect(of, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, text)
		}
		return true
	})
	return list
}

// TestThePageKnowsTheReport looks for every sentence of the report on the page
// that says what to do about it. A permission that is not known has one of its
// own there.
func TestThePageKnowsTheReport(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "upgrade.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Join(strings.Fields(string(text)), " ")
	list := append(sentences(t, filepath.Join("..", "upgrade")), sentences(t, filepath.Join("..", "whmcs"))...)
	if len(list) < 40 {
		t.Fatalf("there are %d sentences: looking in the wrong place?", len(list))
	}
	for _, s := range list {
		if !strings.HasPrefix(s, "unknown permission") && !strings.Contains(page, s) {
			t.Errorf("docs/upgrade.md does not say what to do about %q", s)
		}
	}
}

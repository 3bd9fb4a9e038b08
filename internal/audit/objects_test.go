package audit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"clientele/internal/audit"
)

// A source is the parsed code of one package.
type source []*ast.File

// sources parses every package of the house, without tests.
func sources(t *testing.T) (all map[string]source) {
	t.Helper()
	files, err := filepath.Glob("../*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	all = map[string]source{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Dir(file)] = append(all[filepath.Dir(file)], f)
	}
	return all
}

// isRecord reports whether something is the type of records.
func isRecord(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name == "Record"
	case *ast.Ident:
		return e.Name == "Record"
	}
	return false
}

// objects lists what the records of a package say that something was done to.
func (s source) objects(t *testing.T) (out []string) {
	for _, f := range s {
		for _, d := range f.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CompositeLit:
					out = append(out, s.ofRecords(t, d, n)...)
				case *ast.AssignStmt:
					for i, left := range n.Lhs {
						if l, ok := left.(*ast.SelectorExpr); ok && l.Sel.Name == "Object" && len(n.Rhs) == len(n.Lhs) {
							out = append(out, s.texts(t, d, n.Rhs[i])...)
						}
					}
				}
				return true
			})
		}
	}
	return out
}

// ofRecords reads the objects of one record, or of a list of them.
func (s source) ofRecords(t *testing.T, in ast.Decl, c *ast.CompositeLit) (out []string) {
	all := []*ast.CompositeLit{}
	if isRecord(c.Type) {
		all = append(all, c)
	}
	if list, ok := c.Type.(*ast.ArrayType); ok && isRecord(list.Elt) {
		for _, e := range c.Elts {
			if one, ok := e.(*ast.CompositeLit); ok {
				all = append(all, one)
			}
		}
	}
	for _, record := range all {
		for _, e := range record.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Object" {
					out = append(out, s.texts(t, in, pair.Value)...)
				}
			}
		}
	}
	return out
}

// texts are what an expression may be: a text, or a parameter of the function
// that it stands in, which is given one wherever that is called.
func (s source) texts(t *testing.T, in ast.Decl, e ast.Expr) (out []string) {
	if l, ok := e.(*ast.BasicLit); ok {
		text, _ := strconv.Unquote(l.Value)
		return []string{text}
	}
	name, ok := e.(*ast.Ident)
	f, inside := in.(*ast.FuncDecl)
	if !ok || !inside {
		return nil // no object of a record
	}
	place := slices.Index(parameters(f), name.Name)
	if place < 0 {
		t.Errorf("%s writes %s: where does it come from?", f.Name.Name, name.Name)
		return nil
	}
	for _, file := range s {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && called(call) == f.Name.Name && len(call.Args) > place {
				out = append(out, s.texts(t, in, call.Args[place])...)
			}
			return true
		})
	}
	return out
}

func parameters(f *ast.FuncDecl) (names []string) {
	for _, p := range f.Type.Params.List {
		for _, n := range p.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// TestEveryObjectHasWords finds what the sources write as the object of a
// record: it can be filtered by, and the details name it in words.
func TestEveryObjectHasWords(t *testing.T) {
	written := map[string]string{}
	for where, s := range sources(t) {
		for _, object := range s.objects(t) {
			written[object] = where
		}
	}
	if len(written) < 20 {
		t.Fatalf("found %d kinds of objects: looking in the wrong place?", len(written))
	}
	for object, where := range written {
		if !slices.ContainsFunc(audit.Objects, func(c audit.Choice) bool { return c.Key == object }) {
			t.Errorf("%s writes records about %q, which has no words", where, object)
		}
	}
	for _, c := range audit.Objects {
		if written[c.Key] == "" {
			t.Errorf("nothing is ever done to %q", c.Key)
		}
	}
}

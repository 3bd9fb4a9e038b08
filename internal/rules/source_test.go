package rules

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file, its path written from the root of the repository.
type source struct {
	path string
	text []byte
	file *ast.File
	fset *token.FileSet
}

func parse(name string, text []byte) (source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments)
	return source{name, text, file, fset}, err
}

// isTest is true for test files, and for everything in the packages that exist
// for tests.
func (s source) isTest() bool {
	return strings.HasSuffix(s.path, "_test.go") || slices.Contains(testOnly, place(path.Dir(s.path)))
}

// isGenerated is true for files that a program wrote.
func (s source) isGenerated() bool { return ast.IsGenerated(s.file) }

func (s source) imports() (paths []string) {
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

// ownImports lists the folders of this module that the file imports.
func (s source) ownImports() (dirs []string) {
	for _, p := range s.imports() {
		if dir, ok := strings.CutPrefix(p, module+"/"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

// root finds the repository from the folder that go test starts in.
func root(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module "+module+"\n") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod of module " + module + " above this folder")
		}
	}
}

// skipped are folders that hold no source, whatever lies in them.
var skipped = []string{".git", ".cache", "bin", "data", "node_modules"}

// walk calls visit with every file below root, except those of nested modules
// when goOnly is set. Files that vanish on the way are no fault: somebody works.
func walk(t *testing.T, root string, goOnly bool, visit func(name string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir():
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			if name != "." && (slices.Contains(skipped, name) || goOnly && err == nil) {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular() || goOnly && filepath.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		if err == nil {
			visit(filepath.ToSlash(name), text)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sources parses every Go file of the module.
func sources(t *testing.T) (all []source) {
	walk(t, root(t), true, func(name string, text []byte) {
		s, err := parse(name, text)
		if err != nil {
			t.Error(err)
			return
		}
		all = append(all, s)
	})
	return all
}

// text is one file that people may read, of whatever kind.
type text struct {
	path string
	body []byte
}

// texts reads what git keeps or would keep; without git, every file there is.
func texts(t *testing.T) (all []text) {
	top := root(t)
	kept := map[string]bool{}
	list, err := exec.Command("git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	for name := range strings.SplitSeq(string(list), "\x00") {
		kept[name] = true
	}
	walk(t, top, false, func(name string, body []byte) {
		if isText(body) && (err != nil || kept[name]) {
			all = append(all, text{name, body})
		}
	})
	return all
}

// isText does as git does: a file with a zero byte near its start is not text.
func isText(body []byte) bool { return !bytes.ContainsRune(body[:min(len(body), 8000)], 0) }

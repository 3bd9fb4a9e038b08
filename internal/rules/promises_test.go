package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promises is the page that names the test of each promise.
const promises = "docs/security.md"

// named finds the tests that a page names, by name or by how they begin.
var named = regexp.MustCompile("`(Test[A-Za-z0-9_]+)(\\*?)`")

// defined finds the tests of the sources.
var defined = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)

// unkept complains of promises whose test is not there.
func unkept(page text, tests []string) (bad []string) {
	for _, m := range named.FindAllStringSubmatch(string(page.body), -1) {
		is := func(test string) bool { return test == m[1] || m[2] == "*" && strings.HasPrefix(test, m[1]) }
		if !slices.ContainsFunc(tests, is) {
			bad = append(bad, fmt.Sprintf("%s names %s%s, and there is no such test", page.path, m[1], m[2]))
		}
	}
	return bad
}

// TestPromisesAreKept looks for every test that the security page names.
func TestPromisesAreKept(t *testing.T) {
	var page text
	var tests []string
	for _, f := range texts(t) {
		if f.path == promises {
			page = f
		}
		if strings.HasSuffix(f.path, "_test.go") {
			for _, m := range defined.FindAllSubmatch(f.body, -1) {
				tests = append(tests, string(m[1]))
			}
		}
	}
	if len(page.body) == 0 || len(tests) < 2 {
		t.Fatalf("%s has %d bytes, and there are %d tests: looking in the wrong place?", promises, len(page.body), len(tests))
	}
	report(t, unkept(page, tests))
}

func TestUnkeptPromises(t *testing.T) {
	tests := []string{"TestT001_A", "TestB"}
	expect(t, unkept(text{"p.md", []byte("`TestT001_*` and `TestB`, not Test of something")}, tests), nil)
	expect(t, unkept(text{"p.md", []byte("`TestT002_*`, `TestT001_`, `TestBe`")}, tests), []string{"TestT002_*", "TestT001_,", "TestBe,"})
}

package ui_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"clientele/internal/ui"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	ui.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestAssetsCarryTheirChecksumAndAreKept(t *testing.T) {
	for name, kind := range map[string]string{
		"app.css":          "text/css; charset=utf-8",
		"app.js":           "text/javascript; charset=utf-8",
		"htmx.min.js":      "text/javascript; charset=utf-8",
		"favicon.svg":      "image/svg+xml",
		"htmx.LICENSE.txt": "text/plain; charset=utf-8",
	} {
		url := ui.Asset(name)
		if !regexp.MustCompile(`^/assets/[\w.]+\.[0-9a-f]{8}\.\w+$`).MatchString(url) {
			t.Errorf("Asset(%q) = %q", name, url)
		}
		w := get(t, url)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %d %s", url, w.Code, w.Header().Get("Content-Type"))
		}
		if c := w.Header().Get("Cache-Control"); !strings.Contains(c, "immutable") {
			t.Errorf("%s: Cache-Control %q", url, c)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", url)
		}
	}
}

func TestOtherAssetsAreNotFound(t *testing.T) {
	for _, path := range []string{"/assets/", "/assets/app.css", "/assets/app.00000000.css", "/assets/../ui.go", "/"} {
		if w := get(t, path); w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%s: %d, %q", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

func TestAWrongAssetNamePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	ui.Asset("none.css")
}

// TestNothingNeedsAWeakerPolicy reads what the browser would refuse.
func TestNothingNeedsAWeakerPolicy(t *testing.T) {
	for file, banned := range map[string][]string{
		"assets/app.css": {"http:", "https:", "@font-face", "url("},
		"assets/app.js":  {"eval(", "new Function", "innerHTML", ".style", "setAttribute(\"style"},
	} {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range banned {
			if strings.Contains(string(body), b) {
				t.Errorf("%s has %s", file, b)
			}
		}
	}
}

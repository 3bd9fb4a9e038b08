package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:generate go run ./gen

//go:embed assets
var assetFiles embed.FS

// assetRoot is where Handler expects to be mounted.
const assetRoot = "/assets/"

// asset is one embedded file under the address that carries its checksum.
type asset struct {
	url  string
	body []byte
}

// assets holds every embedded file, by its plain name; addresses finds the
// plain name of an address.
var assets, addresses = loadAssets()

func loadAssets() (map[string]asset, map[string]string) {
	byName, byURL := map[string]asset{}, map[string]string{}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		panic("ui: embedded assets: " + err.Error())
	}
	for _, e := range entries {
		body, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("ui: embedded assets: " + err.Error())
		}
		url := assetRoot + hashed(e.Name(), body)
		byName[e.Name()], byURL[url] = asset{url, body}, e.Name()
	}
	return byName, byURL
}

// hashed puts the checksum of body before the extension of name.
func hashed(name string, body []byte) string {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
}

// Asset gives the address of an embedded file. It carries a checksum of the
// content, so it may be kept for ever. It panics when there is no such file:
// names are literals, and a wrong one must not reach a browser.
func Asset(name string) string {
	a, ok := assets[name]
	if !ok {
		panic("ui: no asset " + name)
	}
	return a.url
}

// Handler serves the embedded files under /assets/.
func Handler() http.Handler {
	return http.HandlerFunc(serveAsset)
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name, ok := addresses[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(assets[name].body))
}

// contentType does not ask the operating system, whose answers differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	}
	return "text/plain; charset=utf-8"
}

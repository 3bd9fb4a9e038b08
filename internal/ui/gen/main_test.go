package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheEmbeddedStyleSheetIsFresh(t *testing.T) {
	want, err := bundle("../css/app.css")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("assets/app.css is older than css/*.css; run go generate ./internal/ui")
	}
}

package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestABoxOpensOnlyInItsPlaceAndWithItsKey(t *testing.T) {
	key, _ := NewKey(bytes.Repeat([]byte{1}, 32))
	other, _ := NewKey(bytes.Repeat([]byte{2}, 32))
	box := key.Seal("mails/body/1", []byte("a link"))
	if plain, err := key.Open("mails/body/1", box); err != nil || string(plain) != "a link" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	if strings.Contains(box, "link") {
		t.Fatal("the box shows its content")
	}
	for name, open := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return key.Open("mails/body/2", box) },
		"another key":   func() ([]byte, error) { return other.Open("mails/body/1", box) },
		"altered":       func() ([]byte, error) { return key.Open("mails/body/1", box[:len(box)-2]+"AA") },
		"empty":         func() ([]byte, error) { return key.Open("mails/body/1", "") },
		"short":         func() ([]byte, error) { return key.Open("mails/body/1", key.ID()+".AAAA") },
	} {
		if _, err := open(); err == nil {
			t.Errorf("%s: the box opened", name)
		}
	}
}

func TestTheKeyFileIsMadeOnceAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "secret.key")
	first, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadKey(path)
	if err != nil || second.ID() != first.ID() {
		t.Fatalf("second start made another key: %v", err)
	}
	info, _ := os.Stat(path)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode().Perm())
	}
	os.WriteFile(path, []byte("short"), 0o600)
	if _, err := LoadKey(path); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged key: %v", err)
	}
}

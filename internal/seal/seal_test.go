package seal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// newFile is a key in a file of its own.
func newFile(t *testing.T) (Key, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret.key")
	k, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func mustOpen(t *testing.T, k Key, box string) {
	t.Helper()
	if plain, err := k.Open("mails/body/1", box); err != nil || string(plain) != "a link" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
}

func TestARunningNodeLearnsOfARotatedKey(t *testing.T) {
	running, path := newFile(t)
	first := running.ID()
	old := running.Seal("mails/body/1", []byte("a link"))
	command, err := ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Rotate(); err != nil {
		t.Fatal(err)
	}
	if command.ID() == first || len(command.IDs()) != 2 || command.IDs()[1] != first {
		t.Fatalf("the keys are %v, the first was %s", command.IDs(), first)
	}
	box := command.Seal("mails/body/1", []byte("a link"))
	if BoxID(box) != command.ID() || BoxID(old) != first {
		t.Fatal("a box does not name its key")
	}
	mustOpen(t, command, old)
	mustOpen(t, running, box)
	if running.ID() != command.ID() {
		t.Error("the running node does not seal with the new key")
	}
	anew, err := running.Reseal("mails/body/1", old)
	if err != nil || BoxID(anew) != command.ID() {
		t.Fatalf("Reseal = %s, %v", anew, err)
	}
	mustOpen(t, command, anew)
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode().Perm())
	}
}

func TestANodeThatOnlySealsUsesTheNewKeyToo(t *testing.T) {
	running, path := newFile(t)
	command, _ := ReadKey(path)
	if err := errors.Join(command.Rotate(), command.Prune(command.IDs())); err != nil {
		t.Fatal(err)
	}
	box := running.Seal("mails/body/1", []byte("a link"))
	if BoxID(box) != command.ID() {
		t.Fatal("the key that was dropped seals")
	}
	mustOpen(t, command, box)
}

func TestPruneDropsWhatItIsToldButTheKeyThatSeals(t *testing.T) {
	k, path := newFile(t)
	old := k.Seal("mails/body/1", []byte("a link"))
	if err := errors.Join(k.Rotate(), k.Rotate()); err != nil {
		t.Fatal(err)
	}
	first, second, third := k.IDs()[2], k.IDs()[1], k.ID()
	if err := k.Prune([]string{first}); err != nil || !slices.Equal(k.IDs(), []string{third, second}) {
		t.Fatalf("what is left is %v, %v", k.IDs(), err)
	}
	if err := k.Prune([]string{third, second}); err != nil || !slices.Equal(k.IDs(), []string{third}) {
		t.Fatalf("what is left is %v, %v", k.IDs(), err)
	}
	again, err := ReadKey(path)
	if err != nil || !slices.Equal(again.IDs(), []string{third}) {
		t.Fatalf("what is in the file is %v, %v", again.IDs(), err)
	}
	if _, err := again.Open("mails/body/1", old); !errors.Is(err, ErrOpen) {
		t.Fatalf("a key that was dropped opens: %v", err)
	}
	if _, err := again.Reseal("mails/body/1", old); !errors.Is(err, ErrOpen) {
		t.Fatalf("a key that was dropped opens: %v", err)
	}
}

func TestTwoRotationsAtOnceLoseNoKey(t *testing.T) {
	k, path := newFile(t)
	failed := make(chan error)
	const at = 8
	for range at {
		go func() {
			other, err := ReadKey(path)
			failed <- errors.Join(err, other.Rotate())
		}()
	}
	for range at {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	again, err := ReadKey(path)
	if err != nil || len(again.IDs()) != at+1 || again.IDs()[at] != k.ID() {
		t.Fatalf("the keys are %v, %v", again.IDs(), err)
	}
}

func TestAnotherFileInItsPlaceChangesNothingForARunningNode(t *testing.T) {
	running, path := newFile(t)
	stranger, other := newFile(t)
	right, _ := os.ReadFile(path)
	wrong, _ := os.ReadFile(other)
	for name, text := range map[string][]byte{"another's": wrong, "damaged": []byte("short"), "empty": nil} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		box := running.Seal("mails/body/1", []byte("a link"))
		if BoxID(box) != running.ID() || running.ID() == stranger.ID() {
			t.Errorf("%s: it seals with %s", name, BoxID(box))
		}
		mustOpen(t, running, box)
	}
	os.Remove(path)
	running.Seal("mails/body/1", []byte("a link"))
	os.WriteFile(path, right, 0o600)
	command, err := ReadKey(path)
	if err != nil || command.Rotate() != nil {
		t.Fatal(err)
	}
	mustOpen(t, running, command.Seal("mails/body/1", []byte("a link")))
}

func TestTheFileMaySayMore(t *testing.T) {
	k, path := newFile(t)
	text, _ := os.ReadFile(path)
	os.WriteFile(path, []byte("# the key of the shop\n\n  "+string(text)+"\r\n"), 0o600)
	if again, err := ReadKey(path); err != nil || again.ID() != k.ID() {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "only words": "# nothing\n", "half a line": string(text[:20]), "a short line more": string(text) + "AAAA\n",
	} {
		os.WriteFile(path, []byte(text), 0o600)
		if _, err := ReadKey(path); err == nil || !strings.Contains(err.Error(), "put it back from your backup") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsOfTheFileSayWhatToDo(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadKey(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	k, err := NewKey(bytes.Repeat([]byte{1}, 32))
	if err != nil || k.Rotate() == nil || k.Prune(nil) == nil {
		t.Error("a key without a file was rotated")
	}
	os.WriteFile(filepath.Join(folder, "plain"), nil, 0o600)
	if _, err := LoadKey(filepath.Join(folder, "plain", "key")); err == nil || !strings.Contains(err.Error(), "CLIENTELE_SECRET_KEY_FILE") {
		t.Errorf("a folder that is none: %v", err)
	}
	if _, err := NewKey([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
}

func TestALinkToTheFileStaysALink(t *testing.T) {
	k, path := newFile(t)
	link := filepath.Join(t.TempDir(), "secret.key")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	linked, err := ReadKey(link)
	if err != nil || linked.Rotate() != nil {
		t.Fatal(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link became a file")
	}
	mustOpen(t, k, linked.Seal("mails/body/1", []byte("a link")))
}

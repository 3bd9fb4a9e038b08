package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/chacha20poly1305"
)

// retiredMark begins the line that names a key which was dropped from the
// file. It lets a running node that missed the rotation know the file again.
const retiredMark = "# retired "

// ReadKey reads the key file: one key in each line, in base64, of which the
// first seals. Its error wraps fs.ErrNotExist where there is no file.
func ReadKey(path string) (Key, error) {
	seen, err := os.Stat(path)
	if err != nil {
		return Key{}, notRead(path, err)
	}
	h, err := readFile(path)
	if err != nil {
		return Key{}, err
	}
	return Key{ring: &ring{path: path, held: h, seen: seen}}, nil
}

// LoadKey reads the key file, and makes it where there is none. The file is
// readable by its owner alone; whoever has it and the database can read what
// is sealed.
func LoadKey(path string) (Key, error) {
	k, err := ReadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := makeFile(path); err != nil {
		return Key{}, err
	}
	return ReadKey(path)
}

// Rotate makes a new key and puts it first into the file, in one step: from
// now on it seals, and those before it still open. The file keeps its owner.
func (k Key) Rotate() error {
	return k.change(func(h held) held {
		h.keys = slices.Insert(slices.Clone(h.keys), 0, freshKey())
		return h
	})
}

// Prune drops the named keys from the file and leaves their names, except the
// one that seals. The caller has made sure that nothing needs them.
func (k Key) Prune(names []string) error {
	return k.change(func(h held) held {
		left := held{keys: h.keys[:1:1], retired: h.retired}
		for _, one := range h.keys[1:] {
			if slices.Contains(names, one.id) {
				left.retired = append(left.retired, one.id)
			} else {
				left.keys = append(left.keys, one)
			}
		}
		return left
	})
}

// change writes the file anew. Of two that change it at once, the second
// waits, and changes what the first has left.
func (k Key) change(to func(held) held) error {
	path, err := filepath.EvalSymlinks(k.ring.path)
	if err != nil {
		return notRead(k.ring.path, err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return notWritten(path, err)
	}
	defer folder.Close()
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX); err != nil {
		return notWritten(path, err)
	}
	before, err := readFile(path)
	if err != nil {
		return err
	}
	if err := replace(path, to(before)); err != nil {
		return notWritten(path, err)
	}
	k.ring.refresh("")
	return folder.Sync()
}

// replace puts a new file in the place of the old one, with its owner.
func replace(path string, h held) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := writeBeside(path, h)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		if err := os.Chown(tmp, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return os.Rename(tmp, path)
}

// makeFile writes a new key under its final name in one step, so that a crash
// leaves no half file and two starts at once agree on one key.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return notWritten(path, err)
	}
	tmp, err := writeBeside(path, held{keys: []single{freshKey()}})
	if err != nil {
		return notWritten(path, err)
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, os.ErrExist) {
		return notWritten(path, err)
	}
	return nil
}

// writeBeside writes what a key file holds into a file of another name in the
// same folder, safely on the disk and readable by its owner alone.
func writeBeside(path string, h held) (name string, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-key-*")
	if err != nil {
		return "", err
	}
	_, err = tmp.WriteString(h.text())
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		os.Remove(tmp.Name())
		return "", err
	}
	return tmp.Name(), nil
}

func freshKey() single {
	secret := make([]byte, chacha20poly1305.KeySize)
	rand.Read(secret)
	one, err := newSingle(secret)
	if err != nil {
		panic(err) // it is as long as it must be
	}
	return one
}

// text is the file's text.
func (h held) text() string {
	var b strings.Builder
	for _, one := range h.keys {
		b.WriteString(base64.StdEncoding.EncodeToString(one.secret) + "\n")
	}
	for _, name := range h.retired {
		b.WriteString(retiredMark + name + "\n")
	}
	return b.String()
}

func readFile(path string) (h held, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return held{}, notRead(path, err)
	}
	for line := range strings.Lines(string(text)) {
		if err := h.add(strings.TrimSpace(line)); err != nil {
			return held{}, damaged(path)
		}
	}
	if len(h.keys) == 0 {
		return held{}, damaged(path)
	}
	return h, nil
}

// add takes one line of the file.
func (h *held) add(line string) error {
	if name, ok := strings.CutPrefix(line, retiredMark); ok {
		h.retired = append(h.retired, name)
		return nil
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	secret, err := base64.StdEncoding.DecodeString(line)
	if err != nil {
		return err
	}
	one, err := newSingle(secret)
	if err != nil {
		return err
	}
	h.keys = append(h.keys, one)
	return nil
}

func damaged(path string) error {
	return fmt.Errorf("the secret key file %s is damaged: put it back from your backup", path)
}

func notRead(path string, err error) error {
	return fmt.Errorf("the secret key file %s cannot be read: %w; make it yours, or name another in CLIENTELE_SECRET_KEY_FILE", path, reason(err))
}

func notWritten(path string, err error) error {
	return fmt.Errorf("the secret key file %s cannot be written: %w; make its folder writable, or name another in CLIENTELE_SECRET_KEY_FILE", path, reason(err))
}

// reason is what the operating system says, without the name that our own
// sentence has already.
func reason(err error) error {
	var p *os.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &l):
		return l.Err
	}
	return err
}

package seal

import (
	"os"
	"slices"
	"sync"
)

// held is what a key file holds: its keys, first the one that seals, and the
// names of those that it held once.
type held struct {
	keys    []single
	retired []string
}

// knows reports whether a key is in the file, or was.
func (h held) knows(name string) bool {
	_, ok := h.find(name)
	return ok || slices.Contains(h.retired, name)
}

func (h held) find(name string) (single, bool) {
	i := slices.IndexFunc(h.keys, func(one single) bool { return one.id == name })
	if i < 0 {
		return single{}, false
	}
	return h.keys[i], true
}

// A ring is the keys in memory, and the file that they came from.
type ring struct {
	path string // empty: there is no file
	mu   sync.RWMutex
	held held
	seen os.FileInfo // the file when it was last looked into
}

func (r *ring) all() []single {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held.keys
}

func (r *ring) current() single { return r.all()[0] }

// find answers a key by its name, and looks into a file that has changed for
// one that is not in memory.
func (r *ring) find(name string) (single, bool) {
	r.mu.RLock()
	one, ok := r.held.find(name)
	r.mu.RUnlock()
	if ok {
		return one, true
	}
	r.refresh(name)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.held.find(name)
}

// refresh reads the file again where it has changed since. It is taken for
// the same ring if it knows the key that seals now, or has the wanted one:
// another file that was put there by mistake changes nothing, and neither
// does one that cannot be read.
func (r *ring) refresh(wanted string) {
	info, err := r.look()
	if err != nil || info == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if same(r.seen, info) {
		return
	}
	fresh, err := readFile(r.path)
	if err != nil {
		return
	}
	_, has := fresh.find(wanted)
	if has || fresh.knows(r.held.keys[0].id) {
		r.held = fresh
	}
	r.seen = info
}

// look answers the file as it is now, and nil where it has not changed or
// there is none.
func (r *ring) look() (os.FileInfo, error) {
	if r.path == "" {
		return nil, nil
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if same(r.seen, info) {
		return nil, nil
	}
	return info, nil
}

// same reports whether a file is unchanged: every change of ours makes a file
// of its own.
func same(before, now os.FileInfo) bool {
	return before != nil && os.SameFile(before, now) && before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size()
}

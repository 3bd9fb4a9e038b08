package staff

import (
	"context"

	"clientele/internal/db"
	"clientele/internal/fault"
	"clientele/internal/plain"
)

// A Source finds one kind of thing. Every room whose things staff look for
// registers one with the staff area.
type Source struct {
	Heading string // what the kind is called: "Accounts"
	List    string // the page that lists all that fit, or nothing
	opens   func(Identity) bool
	find    func(tx *db.Tx, n plain.Needle, limit int) ([]Hit, error)
}

// A Hit is one thing that a search has found, as its lists show it.
type Hit struct {
	Name   string
	Number string // of the thing, where people know it by one
	Detail []string
	Status string // where it is not the usual one
	Path   string // its page
}

// NewSource makes a source for operators who may do P: a heading, the page
// that lists all that fit, how things are found, best first, and how one of
// them is shown.
func NewSource[P Permission, T any](heading, list string, find func(*db.Tx, plain.Needle, int) ([]T, error), show func(T) Hit) Source {
	return Source{
		Heading: heading, List: list,
		opens: func(i Identity) bool { _, err := Check[P](i); return err == nil },
		find: func(tx *db.Tx, n plain.Needle, limit int) (hits []Hit, err error) {
			found, err := find(tx, n, limit)
			for _, one := range found {
				hits = append(hits, show(one))
			}
			return hits, err
		},
	}
}

// A Group is what one source has found.
type Group struct {
	Source
	Hits []Hit
	More bool // there are more than these
}

// Search asks every source that the operator may use, for so many of the best
// hits each. A source that has found nothing is left out.
func (s *Staff) Search(ctx context.Context, by For[Look], sources []Source, n plain.Needle, limit int) (groups []Group, err error) {
	defer fault.Wrap(&err, "staff.Search")
	err = s.db.Read(ctx, db.Wide, func(tx *db.Tx) error {
		groups = nil
		for _, source := range sources {
			if !source.opens(by.Identity) {
				continue
			}
			hits, err := source.find(tx, n, limit+1)
			if err != nil {
				return err
			}
			if len(hits) > 0 {
				groups = append(groups, Group{source, hits[:min(len(hits), limit)], len(hits) > limit})
			}
		}
		return nil
	})
	return groups, err
}

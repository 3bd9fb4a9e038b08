package upgrade

import (
	"context"
	"iter"
	"slices"

	"clientele/internal/whmcs"
)

// numbers is a set of the numbers of rows. Tables number their rows one after
// another, so a bit for each takes little room.
type numbers map[int64]*[64]uint64

const perBlock = 64 * 64

func (n numbers) add(number int64) {
	block := n[number/perBlock]
	if block == nil {
		block = new([64]uint64)
		n[number/perBlock] = block
	}
	at := uint64(number) % perBlock
	block[at/64] |= 1 << (at % 64)
}

func (n numbers) has(number int64) bool {
	block := n[number/perBlock]
	at := uint64(number) % perBlock
	return block != nil && block[at/64]>>(at%64)&1 == 1
}

// each goes through the numbers, in no order.
func (n numbers) each() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for block, bits := range n {
			for at := range int64(perBlock) {
				if bits[at/64]>>(at%64)&1 == 1 && !yield(block*perBlock+at) {
					return
				}
			}
		}
	}
}

// twice finds the values that stand in a list more than once.
func twice(list []uint64) map[uint64]bool {
	slices.Sort(list)
	found := map[uint64]bool{}
	for i := 1; i < len(list); i++ {
		if list[i] == list[i-1] {
			found[list[i]] = true
		}
	}
	return found
}

// batches hands out rows so many at a time, or fewer where taken tells that
// they have very long texts.
func batches[T any](rows iter.Seq2[T, error], taken func() int64, do func([]T) error) error {
	part, before := make([]T, 0, perStep), int64(0)
	for row, err := range rows {
		if err != nil {
			return err
		}
		if part = append(part, row); len(part) == perStep || taken()-before > mostTaken {
			if err := do(part); err != nil {
				return err
			}
			part, before = part[:0], taken()
		}
	}
	if len(part) == 0 {
		return nil
	}
	return do(part)
}

// A part is rows that were read ahead, with what was said of them.
type part[T any] struct {
	rows  []T
	notes []whmcs.Note
	err   error
}

// ahead hands out rows so many at a time, and reads the next while one part is
// worked on. What the reader says of rows is heard with them, so that reports
// are the same however fast either goes.
func ahead[T any](ctx context.Context, r *run, rows func(*whmcs.Reader, context.Context) iter.Seq2[T, error], do func([]T) error) error {
	ctx, stop := context.WithCancel(ctx)
	parts := make(chan part[T], 1)
	go func() {
		defer close(parts)
		var notes []whmcs.Note
		reader := whmcs.NewReader(r.src, func(n whmcs.Note) { notes = append(notes, n) })
		err := batches(rows(reader, ctx), reader.Taken, func(list []T) error {
			select {
			case parts <- part[T]{rows: slices.Clone(list), notes: notes}:
				notes = nil
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			parts <- part[T]{err: err, notes: notes}
		}
	}()
	defer func() {
		stop()
		for range parts { // until the source is free for the next
		}
	}()
	for p := range parts {
		if err := r.cleaned(p.notes); err != nil {
			return err
		}
		if p.err != nil {
			return p.err
		}
		if err := do(p.rows); err != nil {
			return err
		}
	}
	return nil
}

// perStep is how many rows are brought in by one transaction, unless they have
// more bytes of text than mostTaken.
const (
	perStep   = 500
	mostTaken = 4 << 20
)

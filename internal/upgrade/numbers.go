package upgrade

import (
	"iter"
	"slices"
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

// batches hands out rows so many at a time.
func batches[T any](rows iter.Seq2[T, error], do func([]T) error) error {
	part := make([]T, 0, perStep)
	for row, err := range rows {
		if err != nil {
			return err
		}
		if part = append(part, row); len(part) == perStep {
			if err := do(part); err != nil {
				return err
			}
			part = part[:0]
		}
	}
	if len(part) == 0 {
		return nil
	}
	return do(part)
}

// perStep is how many rows are brought in by one transaction.
const perStep = 500

package db

import "errors"

// A closing is what a transaction does at its very end, before it commits.
type closing interface{ run(tx *Tx) error }

// A basket is what a transaction has gathered of one kind.
type basket[T any] struct {
	items []T
	do    func(*Tx, []T) error
}

func (b *basket[T]) run(tx *Tx) error { return b.do(tx, b.items) }

// Before gathers items over a writing transaction, and has fn see to all of
// one type at once, just before the commit: the place for what holds a lock
// that many wait for. Where fn fails, nothing of the transaction is kept.
func Before[T any](tx *Tx, fn func(*Tx, []T) error, items ...T) error {
	if tx.tx == nil {
		return errors.New("db: a reading transaction writes nothing at its end either")
	}
	for _, c := range tx.before {
		if b, ok := c.(*basket[T]); ok {
			b.items = append(b.items, items...)
			return nil
		}
	}
	tx.before = append(tx.before, &basket[T]{items, fn})
	return nil
}

// close runs what waits for the end of the transaction.
func (tx *Tx) close() error {
	for _, c := range tx.before {
		if err := c.run(tx); err != nil {
			return err
		}
	}
	return nil
}

// Scope is whose rows the transaction may touch at this moment.
func (tx *Tx) Scope() Scope { return tx.scope }

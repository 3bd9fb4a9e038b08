package password

import (
	"context"
	"time"

	"clientele/internal/fault"
)

// linePerSlot is how many wait for each processor at the most: about a second
// and a half of hashing.
const linePerSlot = 64

type knownKey struct{}

// Known marks what is asked in this context as coming from somebody in a
// browser that she has signed in with before. A quarter of the line is kept
// for such people, so that a flood of strangers keeps none of them out.
func Known(ctx context.Context) context.Context {
	return context.WithValue(ctx, knownKey{}, true)
}

// VerifyKnown is Verify for somebody in a browser that she has signed in with
// before.
func (h *Hasher) VerifyKnown(ctx context.Context, hash, password string) (bool, error) {
	return h.Verify(Known(ctx), hash, password)
}

// enter waits for a free processor, but not in an endless line: where that is
// full, it is a fault.Busy.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	unqueue, ok := h.queue(ctx.Value(knownKey{}) != nil)
	if !ok {
		return nil, &fault.Error{Code: fault.Busy, Reason: "signins", Text: "Very many people are signing in right now. Please try again in a moment.", Retry: 2 * time.Second}
	}
	defer unqueue()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// queue takes a place in the line, and a stranger one in the crowd too.
func (h *Hasher) queue(known bool) (unqueue func(), ok bool) {
	if !known {
		if !take(h.crowd) {
			return nil, false
		}
	}
	if !take(h.waiting) {
		if !known {
			<-h.crowd
		}
		return nil, false
	}
	return func() {
		<-h.waiting
		if !known {
			<-h.crowd
		}
	}, true
}

// take takes a place if one is free.
func take(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// Fill takes every place in the line until empty is called: whoever wants to
// hash or verify a password is asked to come again. It is there to try out
// what a page says then.
func (h *Hasher) Fill() (empty func()) {
	crowd := h.Crowd()
	rest := fill(h.waiting)
	return func() { rest(); crowd() }
}

// Crowd takes every place that strangers may have, as a flood of them does,
// until empty is called. Only the known get in.
func (h *Hasher) Crowd() (empty func()) {
	line := make([]func(), 0, cap(h.crowd))
	for {
		unqueue, ok := h.queue(false)
		if !ok {
			break
		}
		line = append(line, unqueue)
	}
	return func() {
		for _, unqueue := range line {
			unqueue()
		}
	}
}

// fill takes the places that are left.
func fill(places chan struct{}) (empty func()) {
	n := 0
	for take(places) {
		n++
	}
	return func() {
		for range n {
			<-places
		}
	}
}

package password_test

import (
	"context"
	"testing"

	"clientele/internal/fault"
	"clientele/internal/password"
)

// TestT079_AFloodOfStrangersKeepsNobodyOutWhoIsKnown fills the part of the
// line that strangers may have, then all of it.
func TestT079_AFloodOfStrangersKeepsNobodyOutWhoIsKnown(t *testing.T) {
	t.Parallel()
	h, ctx := password.New(password.Rules{}), context.Background()
	ask := map[string]func(context.Context) error{
		"Hash":   func(ctx context.Context) error { _, err := h.Hash(ctx, phrase); return err },
		"Verify": func(ctx context.Context) error { _, err := h.Verify(ctx, "", phrase); return err },
		"Import": func(ctx context.Context) error { _, err := h.Import(ctx, md5Hash); return err },
	}
	empty := h.Crowd()
	for what, do := range ask {
		if e, ok := fault.Of(do(ctx)); !ok || e.Code != fault.Busy || e.Retry <= 0 {
			t.Errorf("%s for a stranger: %v", what, e)
		}
		if err := do(password.Known(ctx)); err != nil {
			t.Errorf("%s for somebody known: %v", what, err)
		}
	}
	if _, err := h.VerifyKnown(ctx, "", phrase); err != nil {
		t.Errorf("VerifyKnown: %v", err)
	}
	empty()
	empty = h.Fill()
	for what, do := range ask {
		if !fault.Is(do(ctx), fault.Busy) || !fault.Is(do(password.Known(ctx)), fault.Busy) {
			t.Errorf("%s waits in a line that is full", what)
		}
	}
	empty()
	if ok, err := h.Verify(ctx, "", phrase); ok || err != nil {
		t.Errorf("the line stays full: %v", err)
	}
}

// TestT079_WhoLeavesGivesHerPlaceUp takes all processors, and has those who
// wait for one give up.
func TestT079_WhoLeavesGivesHerPlaceUp(t *testing.T) {
	t.Parallel()
	h := password.New(password.Rules{})
	free := h.Work()
	gone, leave := context.WithCancel(context.Background())
	leave()
	for range 1000 {
		if _, err := h.Hash(gone, phrase); err == nil || fault.Is(err, fault.Busy) {
			t.Fatalf("who left keeps her place: %v", err)
		}
	}
	free()
	if _, err := h.Hash(context.Background(), phrase); err != nil {
		t.Error(err)
	}
}

package ui

import (
	"context"
	"strconv"
	"strings"
)

type idsKey struct{}

// withIDs starts the counting of element ids of one page.
func withIDs(ctx context.Context) context.Context {
	return context.WithValue(ctx, idsKey{}, map[string]int{})
}

// uniqueID makes an id of the parts that no other element of the page has, so
// that two forms with the same fields do not answer to one another's labels.
func uniqueID(ctx context.Context, parts ...string) string {
	id := "f-" + strings.Join(parts, "-")
	seen, ok := ctx.Value(idsKey{}).(map[string]int)
	if !ok {
		return id
	}
	seen[id]++
	if n := seen[id]; n > 1 {
		return id + "-" + strconv.Itoa(n)
	}
	return id
}

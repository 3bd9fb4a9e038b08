package upgrade

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"clientele/internal/whmcs"
)

// many is a table of so many empty rows.
type many int64

func (m many) Tables() []whmcs.Table { return []whmcs.Table{{Name: "tblclients", Rows: int64(m)}} }

func (m many) Rows(_ context.Context, table string) iter.Seq2[whmcs.Row, error] {
	return func(yield func(whmcs.Row, error) bool) {
		for n := range int64(m) {
			if table != "tblclients" || !yield(whmcs.Row{ID: n + 1}, nil) {
				return
			}
		}
	}
}

func (m many) Close() error { return nil }

// The first look at everybody, which reads everything before anything comes
// in, tells how far it is.
func TestTheFirstLookTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	var told []string
	tell := func(done, total int64, what string) { told = append(told, fmt.Sprint(what, " ", done, " of ", total)) }
	if err := newSurvey().look(t.Context(), watched{many(25_000), tell}, whmcs.Version{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Looking through tblclients 10000 of 25000", "Looking through tblclients 20000 of 25000"}; !slices.Equal(told[:min(2, len(told))], want) {
		t.Errorf("told %q", told)
	}
}

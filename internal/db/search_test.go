package db_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele/internal/apptest"
	"clientele/internal/db"
	"clientele/internal/plain"

	"pgregory.net/rapid"
)

// TestSearchFindsWhatAScanFinds has texts come, change and go, and compares
// what the index finds with what a look at every text finds.
func TestSearchFindsWhatAScanFinds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, w *apptest.World) {
		index := db.Index{Table: "users", Text: "search", Only: "t.status <> 'deleted'", Numbered: true}
		letters := rapid.StringOfN(rapid.SampledFrom([]rune(`aab1 2É_%\"'@.-ß日`)), 0, 14, -1)
		rapid.Check(t, func(r *rapid.T) {
			w.Exec("DELETE FROM users")
			texts := map[int64]string{}
			for n := range rapid.IntRange(1, 12).Draw(r, "rows") {
				id := int64(n + 1)
				texts[id] = plain.Fold(letters.Draw(r, "text"))
				w.Exec("INSERT INTO users (id, address, name, search, created_at) VALUES ($1, $2, 'x', $3, $4)", id, fmt.Sprint(id, "@x.example"), texts[id], w.Clock.Now())
				switch rapid.IntRange(0, 4).Draw(r, "fate") {
				case 0:
					texts[id] = plain.Fold(letters.Draw(r, "later"))
					w.Exec("UPDATE users SET search = $2 WHERE id = $1", id, texts[id])
				case 1:
					delete(texts, id)
					w.Exec("DELETE FROM users WHERE id = $1", id)
				case 2:
					delete(texts, id)
					w.Exec("UPDATE users SET status = 'deleted', search = '' WHERE id = $1", id)
				}
			}
			index.Near = rapid.IntRange(0, 5).Draw(r, "near")
			typed := letters.Draw(r, "needle")
			n, err := plain.ParseNeedle(typed)
			if err != nil {
				return
			}
			var want []int64
			for id, text := range texts {
				if fits(n, id, text) {
					want = append(want, id)
				} else if n.Inside() && strings.Contains(text, plain.Fold(typed)) {
					r.Fatalf("%q is in %q and is not looked for", typed, text)
				}
			}
			slices.Sort(want)
			var page, best []int64
			w.In(func(tx *db.Tx) error {
				if page, err = index.Page(tx, n, 0, 50); err == nil {
					best, err = index.Best(tx, n, 50)
				}
				return err
			})
			if !slices.Equal(page, want) {
				r.Fatalf("%q finds %v, a scan %v, in %v", typed, page, want, texts)
			}
			for i := 1; i < len(best); i++ {
				if a, b := rank(n, best[i-1], texts), rank(n, best[i], texts); a > b || a == b && best[i-1] > best[i] {
					r.Fatalf("%q finds %v in the wrong order, in %v", typed, best, texts)
				}
			}
			if slices.Sort(best); !slices.Equal(best, want) {
				r.Fatalf("%q finds %v at best, a scan %v", typed, best, want)
			}
		})
	})
}

// begins reports whether words of the text begin with the parts.
func begins(n plain.Needle, text string) bool {
	return !slices.ContainsFunc(n.Parts(), func(part string) bool { return !strings.Contains(" "+text, " "+part) })
}

func fits(n plain.Needle, id int64, text string) bool {
	if number, ok := n.Number(); ok && strings.HasPrefix(fmt.Sprint(id), fmt.Sprint(number)) {
		return true
	}
	if !n.Inside() {
		return len(n.Parts()[0]) > 1 && begins(n, text) // a digit alone is a number
	}
	return !slices.ContainsFunc(n.Parts(), func(part string) bool { return !strings.Contains(text, part) })
}

func rank(n plain.Needle, id int64, texts map[int64]string) int {
	number, ok := n.Number()
	switch {
	case ok && number == id:
		return 0
	case ok && strings.HasPrefix(fmt.Sprint(id), fmt.Sprint(number)):
		return 1
	case begins(n, texts[id]):
		return 2
	}
	return 3
}

// TestT146_TheIndexForgets looks into the insides of the index: what was taken
// out of a row is out of them at once.
func TestT146_TheIndexForgets(t *testing.T) {
	t.Parallel()
	w := apptest.New(t, db.SQLite)
	w.Exec("INSERT INTO users (id, address, name, search, created_at) VALUES (1, 'x@x.example', 'x', 'zephyr', $1)", w.Clock.Now())
	held := func() int64 {
		return w.Count("search_users_data WHERE instr(CAST(block AS BLOB), CAST('zep' AS BLOB)) > 0 OR instr(CAST(block AS BLOB), CAST('hyr' AS BLOB)) > 0")
	}
	if held() == 0 {
		t.Fatal("the index never held her: looking in the wrong place?")
	}
	w.Exec("UPDATE users SET search = '' WHERE id = 1")
	if n := held(); n != 0 {
		t.Errorf("%d blocks hold her name", n)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"clientele/internal/account"
	"clientele/internal/app"
	"clientele/internal/db"
	"clientele/internal/invite"
	"clientele/internal/plain"
	"clientele/internal/user"
)

// fewest is the size with which a search among many is compared.
const fewest = 1000

// A seeking is one way in which staff look for somebody.
type seeking struct {
	name string
	word func(n int) string // for the person of that number
}

// seekings are measured one after another, each among few and among many.
var seekings = []seeking{
	{"a number", func(n int) string { return fmt.Sprint(n) }},
	{"a whole address", addressOf},
	{"half an address", func(n int) string { return addressOf(n)[3:14] }},
	{"a name", nameOf},
	{"half a name", func(n int) string { return nameOf(n)[2:9] }},
	{"a company", companyOf},
	{"a frequent domain", func(int) string { return "freemail.example" }},
	{"what nobody has", func(n int) string { return fmt.Sprint("qqxz", n) }},
	{"two letters", func(n int) string { return strings.ToLower(nameOf(n)[:2]) }},
}

// benchSearch fills the database twice, and looks for people after each time.
// It measures the queries of one search in the staff area, from all sources.
func benchSearch(ctx context.Context, a *app.App, many int, out io.Writer) error {
	began := time.Now()
	few, err := searchAmong(ctx, a, 0, fewest)
	if err != nil {
		return err
	}
	all, err := searchAmong(ctx, a, fewest, many)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, filled and measured in %s: the median (and the 99th of 100) of one search among so many accounts and as many users\n\n", a.DB.Engine(), time.Since(began).Round(time.Second))
	fmt.Fprintf(out, "%-20s %22d %22d %8s\n", "looked for", fewest, many, "ratio")
	for i, s := range append(slices.Clone(seekings), seeking{name: "all of them"}) {
		fmt.Fprintf(out, "%-20s %22s %22s %8.2f\n", s.name, few[i], all[i], float64(all[i].p50)/float64(few[i].p50))
	}
	fmt.Fprintln(out, "\n(goal: at most 2 for all of them)")
	return nil
}

// A spread is how long searches took.
type spread struct{ p50, p99 time.Duration }

func (s spread) String() string {
	return fmt.Sprintf("%s (%s)", s.p50.Round(time.Microsecond), s.p99.Round(time.Microsecond))
}

func spreadOf(took []time.Duration) spread {
	slices.Sort(took)
	return spread{took[len(took)/2], took[len(took)*99/100]}
}

// searchAmong adds accounts and users up to so many, and measures.
func searchAmong(ctx context.Context, a *app.App, from, to int) (out []spread, err error) {
	for at := from; at < to; at += 5000 {
		if err := fillNames(ctx, a, at, min(at+5000, to)); err != nil {
			return nil, err
		}
	}
	if err := a.DB.Analyze(ctx, "accounts", "users", "search_accounts", "search_users"); err != nil {
		return nil, err
	}
	var every []time.Duration
	for _, s := range seekings {
		var took []time.Duration
		for range 120 {
			word := s.word(1 + rand.IntN(to))
			began := time.Now()
			if err := searchOnce(ctx, a, word); err != nil {
				return nil, fmt.Errorf("%s, %q: %w", s.name, word, err)
			}
			took = append(took, time.Since(began))
		}
		took = took[20:] // the first ones warm up
		every, out = append(every, took...), append(out, spreadOf(took))
	}
	return append(out, spreadOf(every)), nil
}

// searchOnce does what the box in the bar has done with each letter.
func searchOnce(ctx context.Context, a *app.App, word string) error {
	const limit = 7
	n, err := plain.ParseNeedle(word)
	if err != nil {
		return err
	}
	return a.DB.Read(ctx, db.Wide, func(tx *db.Tx) error {
		_, err := account.Find(tx, n, limit)
		_, err2 := user.Find(tx, n, limit)
		_, err3 := account.FindContacts(tx, n, limit)
		_, err4 := invite.Find(tx, n, limit)
		return errors.Join(err, err2, err3, err4)
	})
}

// An accountRow and a userRow are what the search sees of them.
type (
	accountRow struct {
		ID                                             int64
		Name, Company, Address, City, Currency, Search string
		CreatedAt                                      time.Time
	}
	userRow struct {
		ID                    int64
		Name, Address, Search string
		CreatedAt             time.Time
	}
)

// fillNames adds the accounts and users behind number from, up to number to.
func fillNames(ctx context.Context, a *app.App, from, to int) error {
	return a.DB.Write(ctx, db.Wide, func(tx *db.Tx) error {
		var accounts []accountRow
		var users []userRow
		for n := from + 1; n <= to; n++ {
			name, company, address := nameOf(n), companyOf(n), addressOf(n)
			accounts = append(accounts, accountRow{int64(n), name, company, address, "Bath", "EUR", plain.Fold(name, company, address, "Bath"), tx.Now})
			users = append(users, userRow{int64(n), name, address, plain.Fold(name, address), tx.Now})
		}
		if err := (db.Table[accountRow]{Name: "accounts"}).Insert(tx, accounts); err != nil {
			return err
		}
		return db.Table[userRow]{Name: "users"}.Insert(tx, users)
	})
}

// Names are made of syllables, so that their pieces are as frequent as those
// of real ones, and each number has the same ones in every run.
var syllables = strings.Fields("ka lo mi ber sten ran del vic tor an ja na mar ti ne el sa be ro bert wil li am hen rik son ton ley ford ham mer stein bach hof ling lund qvist berg man ner sch wei zer fra ncis co per al va rez gar cia")

func syllablesOf(n uint64, count int) string {
	var b strings.Builder
	for range count {
		b.WriteString(syllables[n%uint64(len(syllables))])
		n /= uint64(len(syllables))
	}
	text := b.String()
	return strings.ToUpper(text[:1]) + text[1:]
}

// scatter gives neighbouring numbers different names.
func scatter(n int, salt uint64) uint64 { return (uint64(n) + salt) * 0x9e3779b97f4a7c15 >> 8 }

func nameOf(n int) string {
	return syllablesOf(scatter(n, 1)%3000, 2) + " " + syllablesOf(scatter(n, 2), 3)
}

func companyOf(n int) string { return syllablesOf(scatter(n, 3), 3) + " Works Ltd" }

func addressOf(n int) string {
	host := "freemail.example"
	if n%3 != 0 {
		host = strings.ToLower(syllablesOf(scatter(n, 4), 3)) + ".example"
	}
	return strings.ToLower(strings.ReplaceAll(nameOf(n), " ", ".")) + fmt.Sprint(n) + "@" + host
}

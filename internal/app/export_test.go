package app

import (
	"net/http"
	"strings"
)

// Server is the server as it listens, for tests that bring their own wire.
func (a *App) Server() *http.Server { return a.server() }

// SealedTables are the tables that rotation goes by.
func SealedTables() (list []string) {
	for _, c := range sealedColumns {
		list = append(list, c.table)
	}
	return list
}

// Opens are the tables of which a restore ends what is open, and those that it
// leaves, with the reason.
func Opens() (ended []string, left map[string]string) {
	for _, o := range opens {
		ended = append(ended, o.table)
	}
	return ended, lasts
}

// Compared are the columns by which a restore knows what was taken away since,
// those of the same tables that take nothing away, and the tables that it
// leaves, with the reason.
func Compared() (columns, others map[string][]string, left map[string]string) {
	columns, others = map[string][]string{}, map[string][]string{}
	for _, l := range later {
		columns[l.table] = strings.Split(l.columns, ", ")
	}
	for table, list := range beside {
		others[table] = strings.Split(list, ", ")
	}
	return columns, others, asCopied
}

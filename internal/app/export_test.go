package app

import "net/http"

// Server is the server as it listens, for tests that bring their own wire.
func (a *App) Server() *http.Server { return a.server() }

// SealedTables are the tables that rotation goes by.
func SealedTables() (list []string) {
	for _, c := range sealedColumns {
		list = append(list, c.table)
	}
	return list
}

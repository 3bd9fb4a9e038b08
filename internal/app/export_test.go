package app

import "net/http"

// Server is the server as it listens, for tests that bring their own wire.
func (a *App) Server() *http.Server { return a.server() }

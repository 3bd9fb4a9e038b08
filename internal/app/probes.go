package app

import (
	"context"
	"net/http"
	"time"

	"clientele/internal/web"
)

// mountProbes mounts what load balancers and monitors ask.
func (a *App) mountProbes() {
	web.Public(a.Mux, "GET /healthz", func(r *web.Request) error {
		return r.Plain(http.StatusOK, "ok")
	}, web.Alone)
	web.Public(a.Mux, "GET /readyz", func(r *web.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := a.DB.Ping(ctx); err != nil {
			return r.Plain(http.StatusServiceUnavailable, "the database does not answer")
		}
		return r.Plain(http.StatusOK, "ready")
	}, web.Alone)
}

package app

import (
	"context"
	"errors"
	"time"

	"clientele/internal/job"
)

// sweepArgs is the job that deletes what nobody needs any more.
type sweepArgs struct{}

// Kind names the job in the queue.
func (sweepArgs) Kind() string { return "sweep" }

// Words says what it does.
func (sweepArgs) Words() string { return "Delete what nobody needs any more" }

// mountSweep has it done every hour.
func (a *App) mountSweep() {
	job.Register(a.Jobs, func(ctx context.Context, _ sweepArgs) error { return a.Sweep(ctx) })
	a.Jobs.Every(time.Hour, sweepArgs{})
}

// Sweep deletes counters, links, sessions and sign-ups that ended long ago,
// deletes logins that became part of another one, and writes down which looks as
// somebody else are over.
func (a *App) Sweep(ctx context.Context) error {
	return errors.Join(a.Auth.Sweep(ctx), a.Accounts.Sweep(ctx), a.Looks.Sweep(ctx), a.Merges.Sweep(ctx))
}

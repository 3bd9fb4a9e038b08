package app

import (
	"context"
	"time"

	"clientele/internal/job"
)

// checkpointArgs is the job that signs where the log has come to.
type checkpointArgs struct{}

// Kind names the job in the queue.
func (checkpointArgs) Kind() string { return "audit-checkpoint" }

// Words says what it does.
func (checkpointArgs) Words() string { return "Sign where the log has come to" }

// mountCheckpoints has it done every hour.
func (a *App) mountCheckpoints() {
	job.Register(a.Jobs, func(ctx context.Context, _ checkpointArgs) error { return a.Checkpoint(ctx) })
	a.Jobs.Every(time.Hour, checkpointArgs{})
}

// Checkpoint signs where the log has come to, and names it in the server's
// own log: whoever keeps that elsewhere can tell a log that was cut off with
// all of its checkpoints.
func (a *App) Checkpoint(ctx context.Context) error {
	c, err := a.Audit.Sign(ctx)
	if err == nil {
		a.Log.Info("audit checkpoint", "name", c.Name())
	}
	return err
}

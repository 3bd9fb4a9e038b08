package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"clientele/internal/app"
)

// A measure is one line of the table.
type measure struct {
	name string
	goal string
	cpu  bool // compare processor time per operation instead of throughput
	// parallel is how many do it at once.
	parallel int
	ours     func(ctx context.Context, a *app.App, d *dataset) (op, error)
	bare     func(ctx context.Context, a *app.App, d *dataset) (op, error)
}

// An op is one operation; n counts the operations of one worker.
type op func(worker, n int) error

const rounds = 3

func (m measure) run(ctx context.Context, a *app.App, d *dataset, each time.Duration, out io.Writer) error {
	ours, err := m.ours(ctx, a, d)
	if err != nil {
		return err
	}
	bare, err := m.bare(ctx, a, d)
	if err != nil {
		return err
	}
	var x, y []float64
	for range rounds {
		r, err := m.rate(ours, each)
		if err != nil {
			return fmt.Errorf("ours: %w", err)
		}
		x = append(x, r)
		if r, err = m.rate(bare, each); err != nil {
			return fmt.Errorf("bare: %w", err)
		}
		y = append(y, r)
	}
	slices.Sort(x)
	slices.Sort(y)
	o, b := x[rounds/2], y[rounds/2]
	ratio, unit := o/b, ""
	if m.cpu {
		ratio, unit = b/o, " (CPU)"
	}
	fmt.Fprintf(out, "%-44s %12.0f %12.0f %8.2f   %s\n", m.name+unit, o, b, ratio, m.goal)
	return nil
}

// rate is operations per second, or per second of processor time.
func (m measure) rate(do op, each time.Duration) (float64, error) {
	runtime.GC()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	stop := time.Now().Add(each)
	began, cpu := time.Now(), processorTime()
	var group sync.WaitGroup
	for worker := range m.parallel {
		group.Go(func() {
			for n := 0; time.Now().Before(stop) && failed.Load() == nil; n++ {
				if err := do(worker, n); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	took := time.Since(began)
	if m.cpu {
		took = processorTime() - cpu
	}
	return float64(done.Load()) / took.Seconds(), nil
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

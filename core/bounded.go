package core

import (
	"context"
	"errors"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// lateGrace is how long after a deadline a call may still answer by itself, which
// says more than that nobody knows.
const lateGrace = 50 * time.Millisecond

// bounded runs f, an engine call that finishes what it has sent whatever becomes
// of ctx, and returns when ctx's deadline passes at the latest, with the error that
// late makes of ctx, while f goes on by itself. A caller that is cancelled gets the
// true outcome. The caller is admitted to the store, so that group is alive.
func bounded[T any](ctx context.Context, group *spawn.Group, late func(context.Context) *fault.Error,
	f func() (T, error),
) (T, error) {
	if _, ok := ctx.Deadline(); !ok {
		return f()
	}
	type outcome struct {
		value T
		err   error
	}
	grace := lateGrace
	if ctx.Err() != nil {
		grace = 0
	}
	answer := make(chan outcome, 1)
	group.Go(func() {
		value, err := f()
		answer <- outcome{value, err}
	})
	select {
	case o := <-answer:
		return o.value, o.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		select {
		case o := <-answer:
			return o.value, o.err
		case <-time.After(grace):
			var none T
			return none, late(ctx)
		}
	}
	o := <-answer
	return o.value, o.err
}

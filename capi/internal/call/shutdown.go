package call

import (
	"context"
	"time"

	"github.com/pgqrs/pgqrs/capi/internal/cerr"
	"github.com/pgqrs/pgqrs/capi/internal/guard"
)

// Shutdown ends the library for good: no new calls, every store closed, what is
// left answered with CLOSED. It waits at most for timeout (negative: as long as
// it takes) and answers TIMEOUT when something is still running then. A second
// shutdown waits for the first.
func (l *Library) Shutdown(timeout time.Duration) cerr.Status {
	ctx := context.Background()
	if timeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if l.calls.close() {
		guard.Go(func() { l.end(ctx) })
	}
	select {
	case <-l.down:
	case <-guard.Poisoned():
		return cerr.Poisoned
	case <-ctx.Done():
		return l.timeUp()
	}
	return cerr.OK
}

// timeUp tells what still runs to stop, and does not wait for it.
func (l *Library) timeUp() cerr.Status {
	select {
	case <-l.down: // at the last moment, or long ago
		return cerr.OK
	default:
	}
	l.stop(errClosed)
	l.endQueues(cerr.Closed)
	return cerr.Timeout
}

func (l *Library) end(ctx context.Context) {
	_ = l.closeAll(ctx) // Timeout: the caller finds out by itself
	l.stop(errClosed)   // what no store knows about, and what waits in spite of its store
	l.calls.wait(context.Background())
	l.endQueues(cerr.Closed)
	close(l.down)
}

package sqlite

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/pgqrs/pgqrs/core/fault"
)

// foreignPoll is how often a listener looks for commits of programs that do not
// announce them.
const foreignPoll = 500 * time.Millisecond

// waker carries announcements: through a file that every process watches, or, for
// a store in memory, from call to call.
type waker struct {
	at   location
	file *os.File // nil for a store in memory

	// mu guards listeners.
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

func newWaker(at location) *waker {
	return &waker{at: at, listeners: map[chan struct{}]struct{}{}}
}

// open opens the wake file, creating it with the database's mode.
func (w *waker) open(mode os.FileMode) (err error) {
	w.file, err = openBeside(w.at.wakePath(), mode)
	return err
}

// announce wakes every listener of every process. The byte is always the first
// of the file, which so never grows.
func (w *waker) announce() error {
	if w.file != nil {
		_, err := w.file.WriteAt([]byte{1}, 0)
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for heard := range w.listeners {
		ring(heard)
	}
	return nil
}

// subscribe returns a channel that receives after announcements, several of which
// may become one, and a function that ends it.
func (w *waker) subscribe(e *store) (heard chan struct{}, end func(), err error) {
	heard = make(chan struct{}, 1)
	if w.file != nil {
		end, err = watch(e, w.at.wakePath(), heard)
		return heard, end, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listeners[heard] = struct{}{}
	return heard, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.listeners, heard)
	}, nil
}

func (w *waker) close() {
	if w.file != nil {
		w.file.Close()
	}
}

// ring leaves a signal for a listener that has none yet.
func ring(heard chan struct{}) {
	select {
	case heard <- struct{}{}:
	default:
	}
}

// Notify implements engine.Wakeups. Which queues it was about is not told.
func (e *store) Notify(ctx context.Context, queueIDs []int64) error {
	if len(queueIDs) == 0 {
		return nil
	}
	end, err := e.begin()
	if err != nil {
		return err
	}
	defer end()
	if err := e.waker.announce(); err != nil {
		return fault.New(fault.Database, "cannot announce messages through %s: %w", e.at.wakePath(), err)
	}
	return nil
}

// Listen implements engine.Wakeups.
func (e *store) Listen(ctx context.Context, woken func(queueID int64)) error {
	end, err := e.begin()
	if err != nil {
		return err
	}
	defer end()
	heard, stop, err := e.waker.subscribe(e)
	if err != nil {
		return fault.New(fault.Database, "cannot watch %s: %w", e.at.wakePath(), err)
	}
	defer stop()
	poll := time.NewTicker(foreignPoll)
	defer poll.Stop()
	version, err := e.dataVersion(ctx)
	if err != nil {
		return err
	}
	woken(0)
	for {
		select {
		case <-ctx.Done():
			return fault.FromContext(ctx)
		case <-e.closed:
			return errClosed()
		case <-heard:
			woken(0)
		case <-poll.C:
			now, err := e.dataVersion(ctx)
			if err != nil {
				return err
			}
			if now != version {
				version = now
				woken(0)
			}
		}
	}
}

// dataVersion changes whenever another connection than the writer's commits: asked
// of that connection, it does not see the commits of this process.
func (e *store) dataVersion(ctx context.Context) (version int64, err error) {
	if e.at.memory() {
		return 0, ctx.Err()
	}
	err = e.submit(&job{ctx: ctx, bare: true, run: func(t *tx) (err error) {
		version, err = t.integer("data_version")
		return err
	}})
	return version, err
}

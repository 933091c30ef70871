package core

import (
	"context"
	"errors"
	"sync"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// stores is the registry of open stores, the only process-wide state of core:
// stores of equal configuration share one pool, listener and heartbeat.
var stores = registry{open: map[string]*entry{}}

type registry struct {
	// mu guards open, the fields of its entries, and ending.
	mu   sync.Mutex
	open map[string]*entry
	// ending counts backends that were given up and are being closed.
	ending sync.WaitGroup
}

// entry is a store that is open or being opened. Everybody who asks for it while
// it is being opened waits for the one attempt.
type entry struct {
	key     string
	refs    int
	ready   chan struct{} // closed when backend or err is set
	backend *backend
	err     error
}

// acquire returns the backend of a key, opening it at the first call. Each success
// is to be paired with one release.
func (r *registry) acquire(ctx context.Context, key string, open opener) (*backend, error) {
	for {
		b, err := r.try(ctx, key, open)
		if !errors.Is(err, errAttemptCancelled) {
			return b, err
		}
		// Whoever opened it gave up; that must not fail those who still want it.
	}
}

// opener opens the backend of an entry.
type opener func(context.Context) (*backend, error)

var errAttemptCancelled = errors.New("the attempt to open was cancelled")

func (r *registry) try(ctx context.Context, key string, open opener) (*backend, error) {
	r.mu.Lock()
	if e := r.open[key]; e != nil {
		e.refs++
		r.mu.Unlock()
		return r.await(ctx, e)
	}
	e := &entry{key: key, refs: 1, ready: make(chan struct{})}
	r.open[key] = e
	r.mu.Unlock()

	b, err := open(ctx)
	r.mu.Lock()
	if err != nil {
		e.err = err
		if ctx.Err() != nil {
			e.err = errAttemptCancelled
		}
		delete(r.open, key)
	} else {
		e.backend = b
		b.entry = e
	}
	close(e.ready)
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return b, nil
}

// await waits for the attempt of somebody else.
func (r *registry) await(ctx context.Context, e *entry) (*backend, error) {
	select {
	case <-e.ready:
		if e.err != nil {
			return nil, e.err // the entry has left the registry, refs no longer count
		}
		return e.backend, nil
	case <-ctx.Done():
		r.mu.Lock()
		opened := e.backend
		if opened == nil {
			e.refs--
		}
		r.mu.Unlock()
		if opened != nil {
			r.release(opened)
		}
		return nil, fault.FromContext(ctx)
	}
}

// retain takes one more reference of a backend that is held already.
func (r *registry) retain(b *backend) {
	r.mu.Lock()
	b.entry.refs++
	r.mu.Unlock()
}

// release gives a reference back; the last one closes the backend in the
// background and answers true.
func (r *registry) release(b *backend) bool {
	r.mu.Lock()
	b.entry.refs--
	last := b.entry.refs == 0
	if last {
		r.forget(b)
		r.ending.Add(1)
	}
	r.mu.Unlock()
	if last {
		spawn.Go(b.report, func() {
			defer r.ending.Done()
			b.close(context.Background())
		})
	}
	return last
}

// forget takes a backend out of the registry, so that the next open of the same
// configuration opens anew. mu is held.
func (r *registry) forget(b *backend) {
	if r.open[b.entry.key] == b.entry {
		delete(r.open, b.entry.key)
	}
}

// closeAll closes every backend and waits for those being closed, or for ctx.
func (r *registry) closeAll(ctx context.Context) error {
	r.mu.Lock()
	var open []*backend
	for _, e := range r.open {
		if e.backend != nil {
			open = append(open, e.backend)
		}
	}
	for _, b := range open {
		r.forget(b)
	}
	r.mu.Unlock()

	var all sync.WaitGroup
	for _, b := range open {
		all.Add(1)
		spawn.Go(b.report, func() {
			defer all.Done()
			b.close(ctx)
		})
	}
	done := make(chan struct{})
	var report spawn.Report // nobody's, while nothing is open
	if len(open) > 0 {
		report = open[0].report
	}
	spawn.Go(report, func() {
		all.Wait()
		r.ending.Wait()
		close(done)
	})
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fault.FromContext(ctx)
	}
}

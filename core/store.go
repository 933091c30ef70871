package core

import (
	"context"
	"errors"
	"sync"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
)

// Store is an open store: the way to producers, consumers and administration.
// All methods are safe for concurrent use.
type Store struct {
	b *backend

	// mu guards the fields below.
	mu      sync.Mutex
	workers map[*worker]struct{} // opened through this store and not closed
	closed  bool                 // no new workers; Detach or Close was called
	stopped bool                 // Close was called
}

// Config returns the configuration the store runs with. Its DSN may hold a
// password: print it through config.RedactDSN.
func (s *Store) Config() config.Config { return s.b.cfg }

// Embedded reports whether the database is a file or the memory of this process,
// rather than a server.
func (s *Store) Embedded() bool { return s.b.engine.Capabilities().Name == "sqlite" }

// Install creates or upgrades the tables: idempotent, and safe when several
// processes run it at once. Errors: fault.Schema if they are newer than this library;
// fault.Timeout while a transaction that uses what must be altered does not end.
func (s *Store) Install(ctx context.Context) error { return s.call("install", ctx, s.b.engine.Install) }

// Verify returns nil, or fault.Schema whose text names each missing or altered
// object.
func (s *Store) Verify(ctx context.Context) error { return s.call("verify", ctx, s.b.engine.Verify) }

// Uninstall drops the tables and every message in them. Errors: fault.Timeout while a
// transaction that uses the tables does not end.
func (s *Store) Uninstall(ctx context.Context) error {
	return s.call("uninstall", ctx, s.b.engine.Uninstall)
}

// Admin returns the administration of the store. It lives as long as the store.
func (s *Store) Admin() *Admin { return &Admin{s: s} }

// Descriptors returns the open descriptors of an embedded database, which a
// forked child must close at once because their locks would outlive the parent.
// It is empty for a server, and fixed while the store is open.
func (s *Store) Descriptors() []int {
	if d, ok := s.b.engine.(engine.Descriptors); ok {
		return d.Descriptors()
	}
	return nil
}

// Close ends the store and every producer and consumer opened through it:
// accepted calls are answered, held leases released, later calls fail with
// fault.Closed. When ctx ends first, closing goes on in the background. Stores
// of equal configuration opened elsewhere are not affected.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	detached := s.closed
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.closed, s.stopped = true, true
	open := make([]*worker, 0, len(s.workers))
	for w := range s.workers {
		open = append(open, w)
	}
	s.mu.Unlock()

	var errs []error
	for _, w := range open {
		errs = append(errs, w.Close(ctx))
	}
	if !detached && stores.release(s.b) {
		select {
		case <-s.b.closed:
		case <-ctx.Done():
			errs = append(errs, fault.FromContext(ctx))
		}
	}
	return named("close", "", errors.Join(errs...))
}

// Detach gives the store up without ending its producers and consumers: it ends
// with the last of them. It returns at once.
func (s *Store) Detach() {
	s.mu.Lock()
	detached := s.closed
	s.closed = true
	s.mu.Unlock()
	if !detached {
		stores.release(s.b)
	}
}

// call runs one engine call of the store's own.
func (s *Store) call(op string, ctx context.Context, f func(context.Context) error) error {
	done, err := s.begin()
	if err != nil {
		return named(op, "", err)
	}
	defer done()
	return named(op, "", f(ctx))
}

// begin admits a call through this store.
func (s *Store) begin() (func(), error) {
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped {
		return nil, errClosed("store")
	}
	return s.b.begin()
}

// adopt counts a worker as opened through this store.
func (s *Store) adopt(w *worker) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &fault.Error{Kind: fault.Closed, Field: "store", Text: "the store was closed meanwhile; open a new one", Safe: true}
	}
	held, err := s.b.lanes.hold(w.queue.ID)
	if err != nil {
		return err
	}
	w.lanes = held
	stores.retain(s.b)
	s.workers[w] = struct{}{}
	return nil
}

// disown forgets a worker that was closed.
func (s *Store) disown(w *worker) {
	s.mu.Lock()
	delete(s.workers, w)
	s.mu.Unlock()
	s.b.lanes.letGo(w.lanes)
	stores.release(s.b)
}

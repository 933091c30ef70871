package sqlite

import (
	"context"
	"log/slog"
	"sync"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// What one call should carry at most, so that a transaction stays short and
// within the driver's memory.
const (
	maxFlushRows  = 1000
	maxFlushBytes = 8 << 20
)

// store is the engine. Its methods are spread over the files of the package by
// what they are about.
type store struct {
	at     location
	log    *slog.Logger
	writer *writer
	// readers are the idle reader connections; nil for a store in memory.
	readers     chan *conn
	readerCount int
	lock        *fileLock
	waker       *waker
	descriptors []int
	group       spawn.Group

	// mu guards closing, and calls.Add against calls.Wait.
	mu      sync.Mutex
	closing bool
	calls   sync.WaitGroup
	// closed ends Listen; it is closed when closing begins.
	closed chan struct{}
	// retired is closed when closing has ended.
	retired chan struct{}
}

var (
	_ engine.Engine      = (*store)(nil)
	_ engine.Descriptors = (*store)(nil)
)

// Capabilities implements engine.Engine.
func (e *store) Capabilities() engine.Capabilities {
	return engine.Capabilities{
		Name: "sqlite", Push: true, Writers: 1,
		MaxFlushRows: maxFlushRows, MaxFlushBytes: maxFlushBytes,
	}
}

// Ping implements engine.Engine.
func (e *store) Ping(ctx context.Context) error {
	return e.read(ctx, func(c *conn) error {
		_, err := c.integer("ping")
		return err
	})
}

// Descriptors implements engine.Descriptors.
func (e *store) Descriptors() []int { return e.descriptors }

// begin admits a call, or refuses it because the engine is closed. The returned
// function ends it.
func (e *store) begin() (func(), error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, errClosed()
	}
	e.calls.Add(1)
	return e.calls.Done, nil
}

// write runs f in a transaction and returns after its commit. rows is roughly how
// many rows it changes, at least 1, for calls that are short and may share a
// transaction with others; 0 for those that may not. f may run twice.
func (e *store) write(ctx context.Context, rows int, f func(*tx) error) error {
	return e.submit(&job{ctx: ctx, run: f, rows: rows})
}

func (e *store) submit(j *job) error {
	end, err := e.begin()
	if err != nil {
		return err
	}
	defer end()
	return e.writer.do(j)
}

// read runs one statement on a reader connection, which sees every commit that
// was answered before.
func (e *store) read(ctx context.Context, f func(*conn) error) error {
	if e.readers == nil {
		return e.submit(&job{ctx: ctx, bare: true, run: func(t *tx) error { return f(t.conn) }})
	}
	end, err := e.begin()
	if err != nil {
		return err
	}
	defer end()
	var c *conn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return fault.FromContext(ctx)
	}
	defer func() { e.readers <- c }()
	c.raw.SetInterrupt(ctx)
	defer c.raw.SetInterrupt(context.Background())
	return e.translate(ctx, c.protect(func() error { return f(c) }))
}

// Close implements engine.Engine.
func (e *store) Close() {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		<-e.retired
		return
	}
	e.closing = true
	close(e.closed)
	e.mu.Unlock()

	defer close(e.retired)
	e.calls.Wait()
	e.group.Wait()
	conns := []*conn{e.writer.conn}
	for range e.readerCount {
		conns = append(conns, <-e.readers)
	}
	retire(e.at, e.descriptors, conns, e.log)
	e.waker.close()
	e.lock.close()
}

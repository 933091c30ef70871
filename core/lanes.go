package core

import (
	"context"
	"errors"
	"sync"

	"github.com/pgqrs/pgqrs/core/batch"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

// ackFlushers is how many acknowledgement flushes of a kind may be on their way
// at once where the engine has several writers.
const ackFlushers = 2

// lanes are the group commits of a backend: those of each queue (queueLanes), and one
// lane per kind of acknowledgement, because those name messages of any queue.
type lanes struct {
	b       *backend
	archive *batch.Lane[model.Token, bool]
	delete  *batch.Lane[model.Token, bool]
	extend  *batch.Lane[engine.Extension, bool]
	release *batch.Lane[engine.Release, bool]

	// mu guards the fields below.
	mu     sync.Mutex
	queues map[int64]*queueLanes
	past   Activity // of queues that were forgotten
	closed bool
}

func (l *lanes) init(b *backend) {
	l.b = b
	l.queues = map[int64]*queueLanes{}
	l.archive = newAckLane(b, func(ctx context.Context, tokens []model.Token) ([]bool, error) {
		return b.engine.Finish(ctx, engine.FinishArchive, tokens)
	})
	l.delete = newAckLane(b, func(ctx context.Context, tokens []model.Token) ([]bool, error) {
		return b.engine.Finish(ctx, engine.FinishDelete, tokens)
	})
	l.extend = newAckLane(b, b.engine.Extend)
	l.release = newAckLane(b, b.engine.Release)
}

func newAckLane[I any](b *backend, flush func(context.Context, []I) ([]bool, error)) *batch.Lane[I, bool] {
	caps := b.engine.Capabilities()
	return batch.NewLane(batch.Options[I, bool]{
		Flush: flush, MaxRows: caps.MaxFlushRows, Flushers: min(ackFlushers, caps.Writers), Group: &b.group,
	})
}

// Flushes tells how the calls of a kind share transactions: how many rows a flush
// carried, and how long they waited for it.
type Flushes = batch.Stats

// Activity tells of the group commits of a store since it was opened, by kind of
// call; the rows of Claim are calls of Dequeue that asked the database, at least one
// for each. Stores of this process that share a configuration share these too.
type Activity struct {
	Enqueue, Claim, Archive, Delete, Extend, Release Flushes
}

// Activity returns what the store has carried and carries now. It asks no
// database.
func (s *Store) Activity() Activity { return s.b.lanes.activity() }

func (l *lanes) activity() Activity {
	a := Activity{
		Archive: l.archive.Stats(), Delete: l.delete.Stats(), Extend: l.extend.Stats(), Release: l.release.Stats(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.Enqueue, a.Claim = l.past.Enqueue, l.past.Claim
	for _, q := range l.queues {
		a.Enqueue, a.Claim = a.Enqueue.Plus(q.enqueue.Stats()), a.Claim.Plus(q.claims.Stats())
	}
	return a
}

// close flushes everything accepted and refuses the rest.
func (l *lanes) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	closers := []func(context.Context) error{l.archive.Close, l.delete.Close, l.extend.Close, l.release.Close}
	for _, q := range l.queues {
		closers = append(closers, q.enqueue.Close, q.claims.Close)
	}
	l.mu.Unlock()
	var errs []error
	for _, c := range closers {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

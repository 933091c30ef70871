package core

import (
	"context"
	"errors"
	"sync"

	"github.com/pgqrs/pgqrs/core/batch"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

// ackFlushers is how many acknowledgement flushes of a kind may be on their way
// at once where the engine has several writers.
const ackFlushers = 2

// enqueueFlushers is how many enqueue flushes of a queue may be on their way at once,
// in turn, where commits are slow; but a queue takes no more than a quarter of the
// engine's writers for that.
const enqueueFlushers = 4

// claimFlushers is how many claims of a queue may be on their way at once where the
// engine has several writers. More of them would meet at the front of the queue and
// step over each other's messages; what comes meanwhile shares the next one.
const claimFlushers = 2

// maxClaimRows is how many messages claims that share a transaction ask for.
const maxClaimRows = 1000

// enqueueLane carries the messages of one queue and answers with their ids.
type enqueueLane = batch.Lane[model.NewMessage, int64]

// claimLane carries the claims on one queue.
type claimLane = batch.Lane[engine.Claim, engine.Claimed]

// lanes are the group commits of a backend: one lane for the enqueues and one for
// the claims of each queue, because a statement serves one queue and a flood into
// one must not hold up the others; one lane per kind of acknowledgement, because
// those name messages of any queue.
type lanes struct {
	b       *backend
	archive *batch.Lane[model.Token, bool]
	delete  *batch.Lane[model.Token, bool]
	extend  *batch.Lane[engine.Extension, bool]
	release *batch.Lane[engine.Release, bool]

	// mu guards the fields below.
	mu      sync.Mutex
	enqueue map[int64]*enqueueLane
	claims  map[int64]*claimLane
	closed  bool
}

func (l *lanes) init(b *backend) {
	l.b = b
	l.enqueue, l.claims = map[int64]*enqueueLane{}, map[int64]*claimLane{}
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

// of returns the enqueue lane of a queue. Its flushes go in turn, so that the ids of
// one producer ascend in the order of its calls.
func (l *lanes) of(queueID int64) (*enqueueLane, error) {
	return laneOf(l, l.enqueue, queueID, func(caps engine.Capabilities) batch.Options[model.NewMessage, int64] {
		return batch.Options[model.NewMessage, int64]{
			FlushInTurn: func(ctx context.Context, messages []model.NewMessage, sent, placed func()) ([]int64, error) {
				return l.b.engine.EnqueueInTurn(ctx, queueID, messages, sent, placed)
			},
			FlushHeld: func(ctx context.Context, messages []model.NewMessage) ([]int64, error) {
				return l.b.engine.Enqueue(ctx, queueID, messages)
			},
			HeldFor: caps.HeldFor,
			MaxRows: caps.MaxFlushRows, MaxBytes: caps.MaxFlushBytes,
			Bytes:    func(m model.NewMessage) int { return len(m.Payload) + len(m.DedupKey) },
			Flushers: max(1, min(enqueueFlushers, caps.Writers/4)),
		}
	})
}

// claimsOf returns the claim lane of a queue.
func (l *lanes) claimsOf(queueID int64) (*claimLane, error) {
	return laneOf(l, l.claims, queueID, func(caps engine.Capabilities) batch.Options[engine.Claim, engine.Claimed] {
		return batch.Options[engine.Claim, engine.Claimed]{
			Flush: l.b.engine.Claim, MaxRows: maxClaimRows, MaxBytes: maxClaimRows,
			Bytes:    func(c engine.Claim) int { return c.Limit },
			Flushers: min(claimFlushers, caps.Writers),
		}
	})
}

// laneOf returns the lane of a queue, which its first use makes: only that asks for
// the options, because to ask an engine what it can do costs more than a call.
func laneOf[I, R any](
	l *lanes, of map[int64]*batch.Lane[I, R], queueID int64, options func(engine.Capabilities) batch.Options[I, R],
) (*batch.Lane[I, R], error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lane := of[queueID]; lane != nil {
		return lane, nil
	}
	if l.closed {
		return nil, errClosed("store")
	}
	o := options(l.b.engine.Capabilities())
	o.Group = &l.b.group
	lane := batch.NewLane(o)
	of[queueID] = lane
	return lane, nil
}

// claim leases messages, together with what other consumers of the queue ask for
// at the same time. A caller who is cancelled before the claim was sent gets
// nothing; afterwards it is answered truly, also when its deadline has passed, and
// gives back what nobody takes.
func (l *lanes) claim(ctx context.Context, c engine.Claim) (engine.Claimed, error) {
	if !c.At.IsZero() {
		return engine.ClaimOne(ctx, l.b.engine, c)
	}
	lane, err := l.claimsOf(c.QueueID)
	if err != nil {
		return engine.Claimed{}, err
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	answers, err := lane.Do(lasting, []engine.Claim{c})
	switch {
	case err == nil:
		return answers[0], nil
	case fault.Is(err, fault.Cancelled) && ctx.Err() != nil:
		return engine.Claimed{}, fault.FromContext(ctx)
	}
	return engine.Claimed{}, err
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
	for _, lane := range l.enqueue {
		a.Enqueue = a.Enqueue.Plus(lane.Stats())
	}
	for _, lane := range l.claims {
		a.Claim = a.Claim.Plus(lane.Stats())
	}
	return a
}

// close flushes everything accepted and refuses the rest.
func (l *lanes) close(ctx context.Context) error {
	l.mu.Lock()
	l.closed = true
	closers := []func(context.Context) error{l.archive.Close, l.delete.Close, l.extend.Close, l.release.Close}
	for _, lane := range l.enqueue {
		closers = append(closers, lane.Close)
	}
	for _, lane := range l.claims {
		closers = append(closers, lane.Close)
	}
	l.mu.Unlock()
	var errs []error
	for _, c := range closers {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

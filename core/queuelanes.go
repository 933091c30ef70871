package core

import (
	"context"

	"github.com/pgqrs/pgqrs/core/batch"
	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

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

// queueLanes are the group commits of one queue: one lane for the enqueues and one for
// the claims, because a statement serves one queue and a flood into one must not hold up
// the others.
type queueLanes struct {
	enqueue *batch.Lane[model.NewMessage, int64] // answers with the ids
	claims  *batch.Lane[engine.Claim, engine.Claimed]
	workers int // producers and consumers of this process that hold them; guarded by lanes.mu
}

// hold returns the lanes of a queue to one more producer or consumer, which calls letGo
// at its end. The first one makes them.
func (l *lanes) hold(queueID int64) (*queueLanes, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errClosed("store")
	}
	q := l.queues[queueID]
	if q == nil {
		q = newQueueLanes(l.b, queueID)
		l.queues[queueID] = q
	}
	q.workers++
	return q, nil
}

// letGo ends what hold began. The lanes stay until maintenance, for the next one: a
// program may well open a consumer for every message.
func (l *lanes) letGo(q *queueLanes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q.workers--
}

// forgetUnused drops what this process keeps for the queues that it has no producer or
// consumer of: queues that are made for a while would leave it behind for ever.
func (l *lanes) forgetUnused() {
	l.mu.Lock() // nobody begins in a queue meanwhile
	defer l.mu.Unlock()
	for id, q := range l.queues {
		enqueued, claimed := q.enqueue.Stats(), q.claims.Stats()
		// A call may have ended at its deadline while its flush is under way.
		if q.workers > 0 || !enqueued.Idle() || !claimed.Idle() {
			continue
		}
		delete(l.queues, id)
		l.past.Enqueue, l.past.Claim = l.past.Enqueue.Plus(enqueued), l.past.Claim.Plus(claimed)
		l.b.hub.Forget(id)
		l.b.engine.Forget(id)
	}
}

// newQueueLanes returns the lanes of a queue. The flushes of its enqueues go in turn, so
// that the ids of one producer ascend in the order of its calls.
func newQueueLanes(b *backend, queueID int64) *queueLanes {
	caps := b.engine.Capabilities()
	return &queueLanes{
		enqueue: batch.NewLane(batch.Options[model.NewMessage, int64]{
			FlushInTurn: func(ctx context.Context, messages []model.NewMessage, sent, placed func()) ([]int64, error) {
				return b.engine.EnqueueInTurn(ctx, queueID, messages, sent, placed)
			},
			FlushHeld: func(ctx context.Context, messages []model.NewMessage) ([]int64, error) {
				return b.engine.Enqueue(ctx, queueID, messages)
			},
			HeldFor: caps.HeldFor,
			MaxRows: caps.MaxFlushRows, MaxBytes: caps.MaxFlushBytes,
			Bytes:    func(m model.NewMessage) int { return len(m.Payload) + len(m.DedupKey) },
			Flushers: max(1, min(enqueueFlushers, caps.Writers/4)), Group: &b.group,
		}),
		claims: batch.NewLane(batch.Options[engine.Claim, engine.Claimed]{
			Flush: func(ctx context.Context, claims []engine.Claim) ([]engine.Claimed, error) {
				return b.engine.Claim(ctx, claims)
			},
			MaxRows: maxClaimRows, MaxBytes: maxClaimRows,
			Bytes:    func(c engine.Claim) int { return c.Limit },
			Flushers: min(claimFlushers, caps.Writers), Group: &b.group,
		}),
	}
}

// claim leases messages, together with what other consumers of the queue ask for
// at the same time. A caller who is cancelled before the claim was sent gets
// nothing; afterwards it is answered truly, also when its deadline has passed, and
// gives back what nobody takes.
func (q *queueLanes) claim(ctx context.Context, e engine.Engine, c engine.Claim) (engine.Claimed, error) {
	if !c.At.IsZero() {
		return engine.ClaimOne(ctx, e, c)
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	answers, err := q.claims.Do(lasting, []engine.Claim{c})
	switch {
	case err == nil:
		return answers[0], nil
	case fault.Is(err, fault.Cancelled) && ctx.Err() != nil:
		return engine.Claimed{}, fault.FromContext(ctx)
	}
	return engine.Claimed{}, err
}

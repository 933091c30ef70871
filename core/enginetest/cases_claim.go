package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func claimCases() []testCase {
	cases := []testCase{
		{name: "answers every field", run: func(b *bundle) {
			id := b.send(model.NewMessage{Payload: []byte(`{"a": 1}`), Producer: b.producer.ID})[0]
			before := b.message(id)
			m := b.take(1, long)[0]
			require.Equal(b.t, before.EnqueuedAt, m.EnqueuedAt)
			require.Equal(b.t, before.VT, m.PriorVT)
			require.Equal(b.t, b.queue.ID, m.QueueID)
			require.Equal(b.t, b.producer.ID, m.ProducerWorkerID)
			require.Equal(b.t, b.consumer.ID, m.ConsumerWorkerID)
			require.EqualValues(b.t, 1, m.ReadCt)
			require.Equal(b.t, claimedAt(m, long), m.DequeuedAt)
			require.False(b.t, m.DequeuedAt.Before(m.EnqueuedAt))
			require.True(b.t, m.ArchivedAt.IsZero())
			require.Equal(b.t, stored(m), b.message(id), "the claim and a read must agree")
		}},
		{name: "the first lease's instant stays", run: func(b *bundle) {
			first := b.one(brief)
			second := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, first.DequeuedAt, second.DequeuedAt)
			require.Equal(b.t, first.EnqueuedAt, second.EnqueuedAt)
		}},
		{name: "the vt before the claim is told, to undo it", run: func(b *bundle) {
			first := b.one(brief)
			second := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, first.VT, second.PriorVT)
			at := second.DequeuedAt.Add(-time.Hour)
			b.release(engine.Release{Token: token(second), At: at})
			require.Equal(b.t, at, b.take(1, long)[0].PriorVT)
		}},
		{name: "the lease lasts what was asked", run: func(b *bundle) {
			for _, lease := range []time.Duration{time.Millisecond, 1500 * time.Millisecond, 12 * time.Hour} {
				m := b.one(lease)
				require.Equal(b.t, lease, m.VT.Sub(m.DequeuedAt))
				b.archive(token(m)) // so that the next one is first in the queue
			}
		}},
		{name: "never more than the limit", run: func(b *bundle) {
			b.fill(25)
			require.Len(b.t, b.claimAs(b.consumer, 10, long).Messages, 10)
			require.Len(b.t, b.claimAs(b.consumer, 10, long).Messages, 10)
			require.Len(b.t, b.claimAs(b.consumer, 10, long).Messages, 5)
		}},
		{name: "fewer than the limit when there are no more", run: func(b *bundle) {
			b.fill(3)
			require.Len(b.t, b.claimAs(b.consumer, 100_000, long).Messages, 3)
		}},
		{name: "large batches", run: func(b *bundle) {
			sent := b.fill(3000)
			require.Equal(b.t, sent, ids(b.take(3000, long)))
		}},
		{name: "claims are disjoint", run: func(b *bundle) {
			b.fill(40)
			seen := map[int64]bool{}
			for range 4 {
				for _, m := range b.takeAs(b.another(), 10, long) {
					require.False(b.t, seen[m.ID])
					seen[m.ID] = true
				}
			}
			require.Len(b.t, seen, 40)
		}},
		{name: "a polling worker may claim", run: func(b *bundle) {
			b.put(`1`)
			b.set(b.consumer.ID, model.WorkerPolling)
			b.take(1, long)
		}},
		{name: "a resumed worker may claim again", run: func(b *bundle) {
			b.put(`1`)
			b.set(b.consumer.ID, model.WorkerSuspended)
			_, err := b.tryClaim(b.queue.ID, b.consumer.ID)
			b.fails(fault.StateTransition, err)
			b.set(b.consumer.ID, model.WorkerReady)
			b.take(1, long)
		}},
		{name: "unknown worker", run: func(b *bundle) {
			b.put(`1`)
			_, err := b.tryClaim(b.queue.ID, nowhere)
			b.fails(fault.WorkerNotFound, err)
			require.Zero(b.t, b.metrics().Leased)
		}},
		{name: "unknown queue", run: func(b *bundle) {
			_, err := b.tryClaim(nowhere, b.consumer.ID)
			b.fails(fault.QueueNotFound, err)
		}},
		{name: "next due is the next delayed message", run: func(b *bundle) {
			b.send(model.NewMessage{Payload: []byte(`1`), Delay: long}, model.NewMessage{Payload: []byte(`2`), Delay: time.Hour})
			b.due(b.empty(b.consumer), long)
		}},
		{name: "next due is the next lease's end", run: func(b *bundle) {
			b.one(long)
			b.due(b.empty(b.another()), long)
		}},
		{name: "next due comes with a short claim's messages", run: func(b *bundle) {
			b.fill(2)
			b.send(model.NewMessage{Payload: []byte(`1`), Delay: time.Minute})
			short := b.claimAs(b.consumer, 3, long)
			require.Len(b.t, short.Messages, 2)
			b.due(short, time.Minute)
		}},
		{name: "next due is unknown when nothing waits", run: func(b *bundle) {
			require.Negative(b.t, b.empty(b.consumer).NextDue)
		}},
		{name: "next due is unknown when the claim is full", run: func(b *bundle) {
			b.fill(2)
			require.Negative(b.t, b.claimAs(b.consumer, 1, long).NextDue)
		}},
		{name: "next due ignores other queues", run: func(b *bundle) {
			_, err := b.eng.Enqueue(b.ctx, b.newQueue(1).ID, []model.NewMessage{{Payload: []byte(`1`), Delay: time.Second}})
			b.ok(err)
			require.Negative(b.t, b.empty(b.consumer).NextDue)
		}},
	}
	for _, status := range []model.WorkerStatus{model.WorkerSuspended, model.WorkerInterrupted, model.WorkerStopped} {
		cases = append(cases, testCase{name: "a worker that is " + string(status) + " may not claim", run: func(b *bundle) {
			b.put(`1`)
			b.set(b.consumer.ID, status)
			_, err := b.tryClaim(b.queue.ID, b.consumer.ID)
			require.ErrorContains(b.t, b.fails(fault.StateTransition, err), string(status))
			require.EqualValues(b.t, 1, b.metrics().Pending)
			// The answer is the same when there is nothing to claim.
			b.takeAs(b.another(), 1, long)
			_, err = b.tryClaim(b.queue.ID, b.consumer.ID)
			b.fails(fault.StateTransition, err)
		}})
	}
	return cases
}

func (b *bundle) tryClaim(queueID, workerID int64) (engine.Claimed, error) {
	return engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: queueID, WorkerID: workerID, Limit: 10, Lease: long})
}

// due requires NextDue to be at most d, and not less than the case can explain.
func (b *bundle) due(c engine.Claimed, d time.Duration) {
	b.t.Helper()
	require.LessOrEqual(b.t, c.NextDue, d)
	require.Greater(b.t, c.NextDue, max(0, d-caseTimeout))
}

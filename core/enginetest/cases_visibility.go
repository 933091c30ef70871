package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func visibilityCases() []testCase {
	return []testCase{
		{name: "a message can be claimed at once", run: func(b *bundle) {
			id := b.put(`1`)
			require.Equal(b.t, []int64{id}, ids(b.take(1, long)))
		}},
		{name: "an empty queue answers nothing, at once", run: func(b *bundle) {
			b.empty(b.consumer)
		}},
		{name: "a delayed message is invisible before its vt", run: func(b *bundle) {
			b.send(model.NewMessage{Payload: []byte(`1`), Delay: long})
			b.empty(b.consumer)
		}},
		{name: "a delayed message becomes visible by time alone", run: func(b *bundle) {
			id := b.send(model.NewMessage{Payload: []byte(`1`), Delay: brief})[0]
			due := b.message(id).VT
			m := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, id, m.ID)
			require.False(b.t, claimedAt(m, long).Before(due), "claimed at %v, due at %v", claimedAt(m, long), due)
		}},
		{name: "a delayed message does not hide the ones behind it", run: func(b *bundle) {
			messages := numbered(100)
			for i := range messages {
				messages[i].Delay = long
			}
			b.send(messages...)
			id := b.put(`"now"`)
			require.Equal(b.t, []int64{id}, ids(b.claimAs(b.consumer, 10, long).Messages))
		}},
		{name: "a leased message is invisible to everybody", run: func(b *bundle) {
			b.one(long)
			b.empty(b.consumer)
			b.empty(b.another())
		}},
		{name: "an expired lease is redelivered by expiry alone", run: func(b *bundle) {
			first := b.one(brief)
			second := b.await(b.another(), 1, long)[0]
			require.Equal(b.t, first.ID, second.ID)
			require.EqualValues(b.t, 2, second.ReadCt)
			require.False(b.t, claimedAt(second, long).Before(first.VT))
		}},
		{name: "an expired lease is redelivered to its own worker too", run: func(b *bundle) {
			first := b.one(brief)
			second := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, first.ID, second.ID)
			require.EqualValues(b.t, 2, second.ReadCt)
		}},
		{name: "an expired lease is redelivered on another engine", run: func(b *bundle) {
			eng := b.second()
			first := b.one(brief)
			worker := b.another()
			b.eventually("the redelivery", func() bool {
				c, err := engine.ClaimOne(b.ctx, eng, engine.Claim{QueueID: b.queue.ID, WorkerID: worker.ID, Limit: 5, Lease: long})
				b.ok(err)
				return len(c.Messages) == 1 && c.Messages[0].ID == first.ID
			})
		}},
		{name: "the owner of a lease that is gone makes no difference", run: func(b *bundle) {
			worker := b.another()
			m := b.one(brief)
			b.set(b.consumer.ID, model.WorkerStopped)
			require.Equal(b.t, m.ID, b.await(worker, 1, long)[0].ID)
		}},
		{name: "queues do not see each other", run: func(b *bundle) {
			b.fill(3)
			other := b.newQueue(maxReadCt)
			w := b.newWorker(other.ID, "consumer")
			c, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: other.ID, WorkerID: w.ID, Limit: 10, Lease: long})
			b.ok(err)
			require.Empty(b.t, c.Messages)
		}},
		{name: "at looks into the future", run: func(b *bundle) {
			id := b.send(model.NewMessage{Payload: []byte(`1`), Delay: time.Hour})[0]
			m := b.message(id)
			before, err := b.claimAt(m.VT.Add(-time.Microsecond))
			b.ok(err)
			require.Empty(b.t, before.Messages)
			at, err := b.claimAt(m.VT)
			b.ok(err)
			require.Equal(b.t, []int64{id}, ids(at.Messages))
			// The lease runs from the database's clock all the same.
			lease := at.Messages[0].VT.Sub(m.EnqueuedAt)
			require.GreaterOrEqual(b.t, lease, long)
			require.Less(b.t, lease, long+caseTimeout)
		}},
		{name: "at looks into the past", run: func(b *bundle) {
			m := b.message(b.put(`1`))
			c, err := b.claimAt(m.VT.Add(-time.Second))
			b.ok(err)
			require.Empty(b.t, c.Messages)
		}},
		{name: "at beyond a lease takes it over", run: func(b *bundle) {
			old := b.one(time.Minute)
			c, err := b.claimAt(old.VT.Add(time.Second))
			b.ok(err)
			require.Len(b.t, c.Messages, 1)
			require.EqualValues(b.t, 2, c.Messages[0].ReadCt)
			require.Equal(b.t, []bool{false, true}, b.archive(token(old), token(c.Messages[0])))
		}},
	}
}

// claimAt claims up to ten messages with an instant in place of the clock.
func (b *bundle) claimAt(at time.Time) (engine.Claimed, error) {
	return engine.ClaimOne(b.ctx, b.eng, engine.Claim{
		QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 10, Lease: long, At: at,
	})
}

package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func releaseCases() []testCase {
	return []testCase{
		{name: "makes the message visible at once", run: func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m)}))
			require.Equal(b.t, m.ID, b.takeAs(b.another(), 1, long)[0].ID)
		}},
		{name: "keeps the receive count and clears the owner", run: func(b *bundle) {
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			got := b.message(m.ID)
			require.EqualValues(b.t, 1, got.ReadCt)
			require.Zero(b.t, got.ConsumerWorkerID)
			require.True(b.t, got.VT.Before(m.VT))
			require.False(b.t, got.VT.Before(m.DequeuedAt))
			require.EqualValues(b.t, 2, b.take(1, long)[0].ReadCt)
		}},
		{name: "to an instant in the future", run: func(b *bundle) {
			m := b.one(long)
			at := m.DequeuedAt.Add(time.Hour)
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), At: at}))
			require.Equal(b.t, at, b.message(m.ID).VT)
			b.empty(b.consumer)
			require.EqualValues(b.t, 1, b.metrics().Delayed)
		}},
		{name: "to an instant near by, visible from then on", run: func(b *bundle) {
			m := b.one(long)
			at := m.DequeuedAt.Add(2 * brief)
			b.release(engine.Release{Token: token(m), At: at})
			again := b.await(b.consumer, 1, long)[0]
			require.Equal(b.t, m.ID, again.ID)
			require.False(b.t, claimedAt(again, long).Before(at))
		}},
		{name: "to an instant in the past", run: func(b *bundle) {
			m := b.one(long)
			at := m.EnqueuedAt.Add(-time.Hour)
			b.release(engine.Release{Token: token(m), At: at})
			require.Equal(b.t, at, b.message(m.ID).VT)
			b.take(1, long)
		}},
		{name: "each of a list in its own way", run: func(b *bundle) {
			b.fill(3)
			m := b.take(3, long)
			at := m[1].DequeuedAt.Add(time.Hour)
			require.Equal(b.t, trues(3), b.release(
				engine.Release{Token: token(m[2])},
				engine.Release{Token: token(m[1]), At: at},
				engine.Release{Token: token(m[0]), At: m[0].PriorVT, Unread: true}))
			require.Equal(b.t, []int64{m[0].ID, m[2].ID}, ids(b.claimAs(b.another(), 10, long).Messages))
			require.EqualValues(b.t, 1, b.message(m[0].ID).ReadCt)
			require.EqualValues(b.t, 2, b.message(m[2].ID).ReadCt)
			require.Equal(b.t, at, b.message(m[1].ID).VT)
		}},
		{name: "unread undoes the claim", run: func(b *bundle) {
			id := b.put(`1`)
			vt := b.message(id).VT
			m := b.take(1, long)[0]
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), At: m.PriorVT, Unread: true}))
			got := b.message(id)
			require.Zero(b.t, got.ReadCt)
			require.Zero(b.t, got.ConsumerWorkerID)
			require.Equal(b.t, vt, got.VT)
			require.EqualValues(b.t, 1, b.take(1, long)[0].ReadCt)
		}},
		{name: "unread without an instant is visible now", run: func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), Unread: true}))
			require.EqualValues(b.t, 1, b.take(1, long)[0].ReadCt)
		}},
		{name: "unread never uses up a message", run: func(b *bundle) {
			b.limit(1)
			id := b.put(`1`)
			for range 5 {
				m := b.take(1, long)[0]
				require.EqualValues(b.t, 1, m.ReadCt)
				require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), Unread: true}))
				b.notArchived(id)
			}
		}},
		{name: "unread of a later lease goes back by one", run: func(b *bundle) {
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			m = b.take(1, long)[0]
			b.release(engine.Release{Token: token(m), Unread: true})
			require.EqualValues(b.t, 1, b.message(m.ID).ReadCt)
		}},
		{name: "an expired lease can be given back with a delay", run: func(b *bundle) {
			m := b.one(brief)
			b.awaitPending(1)
			at := m.VT.Add(time.Hour)
			require.Equal(b.t, trues(1), b.release(engine.Release{Token: token(m), At: at}))
			b.empty(b.consumer)
			require.Equal(b.t, model.QueueMetrics{QueueID: b.queue.ID, QueueName: b.queue.Name, Delayed: 1}, b.metrics())
		}},
	}
}

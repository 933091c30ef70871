package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func archiveCases() []testCase {
	return []testCase{
		{name: "keeps id, payload and history", run: func(b *bundle) {
			id := b.send(model.NewMessage{Payload: []byte(`{"n": 12345678901234567890}`), Producer: b.producer.ID})[0]
			m := b.take(1, long)[0]
			require.Equal(b.t, trues(1), b.archive(token(m)))
			got := b.archived(id)
			require.Equal(b.t, id, got.ID)
			require.Equal(b.t, m.QueueID, got.QueueID)
			require.Equal(b.t, m.EnqueuedAt, got.EnqueuedAt)
			require.Equal(b.t, m.DequeuedAt, got.DequeuedAt)
			require.Equal(b.t, m.ReadCt, got.ReadCt)
			require.Equal(b.t, b.producer.ID, got.ProducerWorkerID)
			require.Equal(b.t, b.consumer.ID, got.ConsumerWorkerID)
			require.Empty(b.t, got.DeadReason)
			require.False(b.t, got.ArchivedAt.Before(m.DequeuedAt))
			require.Less(b.t, got.ArchivedAt.Sub(m.DequeuedAt), caseTimeout)
			require.Equal(b.t, time.UTC, got.ArchivedAt.Location())
			requireJSON(b.t, m.Payload, got.Payload)
		}},
		{name: "records every lease", run: func(b *bundle) {
			m := b.one(long)
			b.release(engine.Release{Token: token(m)})
			other := b.another()
			m = b.takeAs(other, 1, long)[0]
			b.archive(token(m))
			got := b.archived(m.ID)
			require.EqualValues(b.t, 2, got.ReadCt)
			require.Equal(b.t, other.ID, got.ConsumerWorkerID)
		}},
		{name: "delete leaves nothing", run: func(b *bundle) {
			m := b.one(long)
			require.Equal(b.t, trues(1), b.finish(engine.FinishDelete, token(m)))
			b.notQueued(m.ID)
			b.notArchived(m.ID)
			require.Equal(b.t, model.QueueMetrics{QueueID: b.queue.ID, QueueName: b.queue.Name}, b.metrics())
		}},
		{name: "a message is in one table at a time", run: func(b *bundle) {
			m := b.one(long)
			b.notArchived(m.ID)
			b.archive(token(m))
			b.archived(m.ID)
		}},
		{name: "unknown ids", run: func(b *bundle) {
			b.notQueued(nowhere)
			b.notArchived(nowhere)
			b.fails(fault.MessageNotFound, b.eng.DeleteArchived(b.ctx, nowhere))
		}},
		{name: "delete archived removes one", run: func(b *bundle) {
			b.fill(2)
			m := b.take(2, long)
			b.archive(tokens(m)...)
			b.ok(b.eng.DeleteArchived(b.ctx, m[0].ID))
			b.notArchived(m[0].ID)
			b.archived(m[1].ID)
			b.fails(fault.MessageNotFound, b.eng.DeleteArchived(b.ctx, m[0].ID))
		}},
		{name: "delete archived does not reach the queue", run: func(b *bundle) {
			id := b.put(`1`)
			b.fails(fault.MessageNotFound, b.eng.DeleteArchived(b.ctx, id))
			b.message(id)
		}},
		{name: "prune removes the old, up to a limit", own: true, run: func(b *bundle) {
			b.fill(5)
			b.archive(tokens(b.take(5, long))...)
			prune := func(age time.Duration, limit int) int64 {
				p, err := b.eng.PruneArchive(b.ctx, engine.Filter{}, age, 0, limit)
				b.ok(err)
				return p.Removed
			}
			require.Zero(b.t, prune(time.Hour, 100))
			b.eventually("the archive to be older than a millisecond", func() bool { return prune(time.Millisecond, 2) == 2 })
			require.EqualValues(b.t, 2, prune(0, 2))
			require.EqualValues(b.t, 1, prune(0, 2))
			require.Zero(b.t, prune(0, 2))
			require.Zero(b.t, b.metrics().Archived)
		}},
		{name: "prune walks through the archive", own: true, run: func(b *bundle) {
			b.fill(5)
			m := b.take(5, long)
			b.archive(tokens(m)...)
			waiting := b.put(`"waiting"`)
			step := func(age time.Duration, from int64) engine.Pruned {
				p, err := b.eng.PruneArchive(b.ctx, engine.Filter{}, age, from, 2)
				b.ok(err)
				return p
			}
			require.Equal(b.t, engine.Pruned{Next: m[1].ID + 1, Young: true}, step(time.Hour, 0))
			require.Equal(b.t, engine.Pruned{Next: m[4].ID + 1, Young: true, End: true}, step(time.Hour, m[4].ID))
			b.eventually("the archive to be older than a millisecond", func() bool { return step(time.Millisecond, m[4].ID).Removed == 1 })
			require.Equal(b.t, engine.Pruned{Removed: 2, Next: m[2].ID + 1}, step(0, m[1].ID))
			require.Equal(b.t, engine.Pruned{Removed: 1, Next: m[3].ID + 1, End: true}, step(0, m[3].ID))
			nothing := step(0, nowhere)
			require.True(b.t, nothing.End && nothing.Young && nothing.Removed == 0)
			b.archived(m[0].ID)
			b.message(waiting)
		}},
		{name: "prune passes by what the filter leaves out", own: true, run: func(b *bundle) {
			other := b.newBundleOnQueue(5)
			var gone []int64
			for range 3 {
				b.archive(token(b.one(long)))
				m := other.one(long)
				other.archive(token(m))
				gone = append(gone, m.ID)
			}
			f := engine.Filter{QueueID: other.queue.ID}
			first, err := b.eng.PruneArchive(b.ctx, f, 0, 0, 2)
			b.ok(err)
			require.Equal(b.t, engine.Pruned{Removed: 2, Next: gone[1] + 1}, first)
			last, err := b.eng.PruneArchive(b.ctx, f, 0, first.Next, 2)
			b.ok(err)
			require.Equal(b.t, engine.Pruned{Removed: 1, Next: gone[2] + 1, End: true}, last)
			require.EqualValues(b.t, 3, b.metrics().Archived)
		}},
		{name: "prune takes dead letters of that age too, and no queued message", own: true, run: func(b *bundle) {
			b.limit(1)
			b.exhaust()
			id := b.put(`"waiting"`)
			p, err := b.eng.PruneArchive(b.ctx, engine.Filter{}, 0, 0, 100)
			b.ok(err)
			require.EqualValues(b.t, 1, p.Removed)
			b.message(id)
		}},
	}
}

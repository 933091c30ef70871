package enginetest

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func countCases() []testCase {
	return []testCase{
		{name: "an empty queue", run: func(b *bundle) {
			require.Equal(b.t, model.QueueMetrics{QueueID: b.queue.ID, QueueName: b.queue.Name}, b.metrics())
		}},
		{name: "metrics agree with a ledger", run: func(b *bundle) {
			b.limit(2)
			want := b.ledgerOfAll()
			got := b.metrics()
			require.Equal(b.t, want, got)
			n, err := b.eng.CountMessages(b.ctx, engine.Filter{QueueID: b.queue.ID})
			b.ok(err)
			require.Equal(b.t, n, got.Pending+got.Delayed+got.Leased)
		}},
		{name: "an expired lease is pending", run: func(b *bundle) {
			m := b.one(brief)
			require.EqualValues(b.t, 1, b.metrics().Leased+b.metrics().Pending)
			b.awaitPending(1)
			got := b.metrics()
			require.Zero(b.t, got.Leased)
			require.Equal(b.t, m.VT, got.OldestPending)
		}},
		{name: "oldest pending is the longest waiting one", run: func(b *bundle) {
			at := time.Now().Add(-time.Hour).Truncate(time.Microsecond).UTC()
			b.send(
				model.NewMessage{Payload: []byte(`1`), At: at.Add(time.Minute)},
				model.NewMessage{Payload: []byte(`2`), At: at},
				model.NewMessage{Payload: []byte(`3`), Delay: long})
			require.Equal(b.t, at, b.metrics().OldestPending)
			b.take(1, long)
			require.Equal(b.t, at.Add(time.Minute), b.metrics().OldestPending)
			b.take(1, long)
			require.True(b.t, b.metrics().OldestPending.IsZero())
		}},
		{name: "metrics of all queues", own: true, run: func(b *bundle) {
			first := b.newBundleOnQueue(2)
			second := b.newBundleOnQueue(2)
			second.fill(2)
			want := []model.QueueMetrics{b.metrics(), first.ledgerOfAll(), second.metrics()}
			got, err := b.eng.Metrics(b.ctx, 0)
			b.ok(err)
			slices.SortFunc(got, func(x, y model.QueueMetrics) int { return int(x.QueueID - y.QueueID) })
			require.Equal(b.t, want, got)
			require.EqualValues(b.t, 2, got[2].Pending)
		}},
		{name: "metrics of an unknown queue", run: func(b *bundle) {
			got, err := b.eng.Metrics(b.ctx, nowhere)
			if err != nil {
				b.fails(fault.QueueNotFound, err)
			}
			require.Empty(b.t, got)
		}},
		{name: "stats agree with a ledger", own: true, run: func(b *bundle) {
			c := b.newBundleOnQueue(2)
			want := c.ledgerOfAll()
			b.fill(3)
			b.set(b.producer.ID, model.WorkerStopped)
			b.set(b.consumer.ID, model.WorkerSuspended)
			got, err := b.eng.Stats(b.ctx)
			b.ok(err)
			require.Positive(b.t, got.SchemaVersion)
			got.SchemaVersion = 0
			require.Equal(b.t, model.SystemStats{
				Queues: 2, Workers: 2,
				Pending: want.Pending + 3, Delayed: want.Delayed, Leased: want.Leased,
				Archived: want.Archived, Dead: want.Dead,
			}, got)
		}},
		{name: "stats of an empty store", bare: true, run: func(b *bundle) {
			b.ok(b.eng.Install(b.ctx))
			got, err := b.eng.Stats(b.ctx)
			b.ok(err)
			got.SchemaVersion = 0
			require.Equal(b.t, model.SystemStats{}, got)
			list, err := b.eng.Metrics(b.ctx, 0)
			b.ok(err)
			require.Empty(b.t, list)
		}},
		{name: "two engines count the same", run: func(b *bundle) {
			eng := b.second()
			c := b.newBundleOnQueue(2)
			want := c.ledgerOfAll()
			got, err := eng.Metrics(b.ctx, c.queue.ID)
			b.ok(err)
			require.Equal(b.t, []model.QueueMetrics{want}, got)
		}},
		{name: "a replay and a deletion change the counts", run: func(b *bundle) {
			b.limit(1)
			first, second := b.exhaust(), b.exhaust()
			require.EqualValues(b.t, 2, b.metrics().Dead)
			b.ok(b.eng.ReplayArchived(b.ctx, first))
			b.ok(b.eng.DeleteArchived(b.ctx, second))
			got := b.metrics()
			require.EqualValues(b.t, 1, got.Pending)
			require.Zero(b.t, got.Dead)
		}},
	}
}

// ledgerOfAll brings messages into every state, on a queue whose limit is 2, and
// returns what the metrics must say.
func (b *bundle) ledgerOfAll() model.QueueMetrics {
	b.t.Helper()
	b.fill(10)
	held := b.take(10, long)
	b.archive(tokens(held[:4])...)                                                  // 4 archived
	b.finish(engine.FinishDelete, token(held[4]))                                   // 1 deleted
	b.release(engine.Release{Token: token(held[5])})                                // 1 pending, once more …
	b.release(engine.Release{Token: token(b.take(1, long)[0])})                     // … and dead
	b.release(engine.Release{Token: token(held[6]), At: held[6].VT.Add(time.Hour)}) // 1 delayed
	for range 5 {
		b.send(model.NewMessage{Payload: []byte(`1`), Delay: long}) // 5 delayed
	}
	oldest := b.message(b.fill(2)[0]).VT // 2 pending
	return model.QueueMetrics{
		QueueID: b.queue.ID, QueueName: b.queue.Name,
		Pending: 2, Delayed: 6, Leased: 3, Archived: 4, Dead: 1, OldestPending: oldest,
	}
}

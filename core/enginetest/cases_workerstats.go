package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/model"
)

// workerStats reads the counts of one queue.
func (b *bundle) workerStats(queueID int64, stale time.Duration) model.WorkerStats {
	b.t.Helper()
	list, err := b.eng.WorkerStats(b.ctx, queueID, stale)
	b.ok(err)
	require.Len(b.t, list, 1)
	return list[0]
}

func workerStatsCases() []testCase {
	return []testCase{
		{name: "states and kinds", run: func(b *bundle) {
			for _, status := range allStatuses { // beside the bundle's own two, which are ready
				b.set(b.another().ID, status)
			}
			got := b.workerStats(b.queue.ID, time.Hour)
			require.Equal(b.t, b.worker(b.producer.ID).HeartbeatAt, got.OldestHeartbeat)
			require.Equal(b.t, time.UTC, got.OldestHeartbeat.Location())
			require.True(b.t, got.NewestHeartbeat.After(got.OldestHeartbeat))
			got.OldestHeartbeat, got.NewestHeartbeat = time.Time{}, time.Time{}
			require.Equal(b.t, model.WorkerStats{
				QueueID: b.queue.ID, QueueName: b.queue.Name, Total: 7,
				Ready: 3, Polling: 1, Suspended: 1, Interrupted: 1, Stopped: 1, Producers: 1, Consumers: 6,
			}, got)
		}},
		{name: "a queue without workers", run: func(b *bundle) {
			q := b.newQueue(5)
			require.Equal(b.t, model.WorkerStats{QueueID: q.ID, QueueName: q.Name}, b.workerStats(q.ID, time.Hour))
		}},
		{name: "heartbeats are of workers that are not stopped", run: func(b *bundle) {
			q := b.newQueue(5)
			w := b.newWorker(q.ID, "consumer")
			require.Equal(b.t, w.HeartbeatAt, b.workerStats(q.ID, time.Hour).NewestHeartbeat)
			b.set(w.ID, model.WorkerStopped)
			got := b.workerStats(q.ID, time.Hour)
			require.EqualValues(b.t, 1, got.Stopped)
			require.True(b.t, got.OldestHeartbeat.IsZero() && got.NewestHeartbeat.IsZero())
		}},
		{name: "stale is silent and not stopped", run: func(b *bundle) {
			require.Zero(b.t, b.workerStats(b.queue.ID, time.Hour).Stale)
			b.eventually("the heartbeats to be old", func() bool { return b.workerStats(b.queue.ID, time.Millisecond).Stale == 2 })
			b.set(b.producer.ID, model.WorkerStopped)
			b.eventually("the heartbeat to be old", func() bool { return b.workerStats(b.queue.ID, time.Millisecond).Stale == 1 })
			_, err := b.eng.Heartbeat(b.ctx, []int64{b.consumer.ID})
			b.ok(err)
			require.Zero(b.t, b.workerStats(b.queue.ID, time.Hour).Stale)
		}},
		{name: "every queue by id", own: true, run: func(b *bundle) {
			empty := b.newQueue(5)
			list, err := b.eng.WorkerStats(b.ctx, 0, time.Hour)
			b.ok(err)
			require.Len(b.t, list, 2)
			require.Equal(b.t, b.queue.ID, list[0].QueueID)
			require.EqualValues(b.t, 2, list[0].Total)
			require.Equal(b.t, model.WorkerStats{QueueID: empty.ID, QueueName: empty.Name}, list[1])
		}},
		{name: "an unknown queue", run: func(b *bundle) {
			list, err := b.eng.WorkerStats(b.ctx, nowhere, time.Hour)
			b.ok(err)
			require.Empty(b.t, list)
		}},
	}
}

package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func TestAQueueIsFoundByItsID(t *testing.T) {
	onBoth(t, func(b *bundle) {
		want, err := b.admin.GetQueue(b.ctx, tasks)
		require.NoError(b.t, err)
		got, err := b.admin.GetQueueByID(b.ctx, want.ID)
		require.NoError(b.t, err)
		assert.Equal(b.t, want, got)
		_, err = b.admin.GetQueueByID(b.ctx, 1<<60)
		assert.True(b.t, fault.Is(err, fault.QueueNotFound), "%v", err)
	})
}

func TestWorkersAreCountedAndTheirHealthTold(t *testing.T) {
	onBoth(t, func(b *bundle) {
		b.producer()
		c, stopped := b.consumer(), b.consumer()
		require.NoError(b.t, c.Interrupt(b.ctx))
		require.NoError(b.t, stopped.Shutdown(b.ctx))
		queue := c.Queue()
		_, err := b.admin.CreateQueue(b.ctx, "idle", 0)
		require.NoError(b.t, err)

		stats, err := b.admin.WorkerStats(b.ctx, "")
		require.NoError(b.t, err)
		require.Len(b.t, stats, 2)
		assert.Equal(b.t, "idle", stats[1].QueueName)
		got := stats[0]
		assert.WithinDuration(b.t, time.Now(), got.NewestHeartbeat, time.Minute)
		got.OldestHeartbeat, got.NewestHeartbeat = time.Time{}, time.Time{}
		assert.Equal(b.t, model.WorkerStats{
			QueueID: queue.ID, QueueName: tasks, Total: 3, Ready: 1, Interrupted: 1, Stopped: 1, Producers: 1, Consumers: 2,
		}, got)

		health := func(olderThan time.Duration) model.WorkerHealth {
			list, err := b.admin.WorkerHealth(b.ctx, tasks, olderThan)
			require.NoError(b.t, err)
			require.Len(b.t, list, 1)
			return list[0]
		}
		want := model.WorkerHealth{QueueID: queue.ID, QueueName: tasks, Total: 3, Healthy: 2, Stopped: 1}
		assert.Equal(b.t, want, health(0), "three heartbeat intervals")
		want.Healthy, want.Stale = 0, 2
		require.Eventually(b.t, func() bool { return health(time.Millisecond) == want }, 10*time.Second, 10*time.Millisecond)
		_, err = b.admin.WorkerHealth(b.ctx, "nowhere", 0)
		assert.True(b.t, fault.Is(err, fault.QueueNotFound), "%v", err)
		_, err = b.admin.WorkerStats(b.ctx, "nowhere")
		assert.ErrorContains(b.t, err, "Queue 'nowhere' not found")
	})
}

func TestAMessageIsDeadLetteredByHandAndReplayed(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		id, err := p.Enqueue(b.ctx, "broken")
		require.NoError(b.t, err)
		m := b.take(c, DequeueOptions{Lease: time.Hour})[0]
		assert.True(b.t, fault.Is(b.admin.DeadLetter(b.ctx, id), fault.StateTransition))
		_, err = m.Release(b.ctx)
		require.NoError(b.t, err)
		require.NoError(b.t, b.admin.DeadLetter(b.ctx, id))
		assert.True(b.t, fault.Is(b.admin.DeadLetter(b.ctx, id), fault.MessageNotFound))
		dead, err := b.admin.ListArchived(b.ctx, Filter{DeadOnly: true}, model.Page{})
		require.NoError(b.t, err)
		require.Len(b.t, dead, 1)
		assert.Equal(b.t, "moved by hand", dead[0].DeadReason)
		require.NoError(b.t, b.admin.Replay(b.ctx, id))
		assert.Len(b.t, b.take(c, DequeueOptions{}), 1)
	})
}

func TestMessagesAreFoundByWhatTheyContain(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		_, err := p.EnqueueBatch(b.ctx, []any{map[string]any{"to": "ann", "n": 1}, map[string]any{"to": "bob"}})
		require.NoError(b.t, err)
		found, err := b.admin.ListMessages(b.ctx, Filter{Queue: tasks, Contains: `{"to": "ann"}`}, model.Page{})
		require.NoError(b.t, err)
		require.Len(b.t, found, 1)
		assert.JSONEq(b.t, `{"to": "ann", "n": 1}`, string(found[0].Payload))
		for document, n := range map[string]int64{`{}`: 2, `{"to": "bob"}`: 1, `[]`: 0} {
			got, err := b.admin.CountMessages(b.ctx, Filter{Contains: document})
			require.NoError(b.t, err)
			assert.Equal(b.t, n, got, document)
		}
		for _, wrong := range []string{`{secret`, `{"a": "\u0000"}`, `[1e999999]`, ` `} {
			_, err := b.admin.CountMessages(b.ctx, Filter{Contains: wrong})
			assert.True(b.t, fault.Is(err, fault.InvalidArgument), "%s: %v", wrong, err)
			assert.ErrorContains(b.t, err, "payload")
			assert.NotContains(b.t, err.Error(), "secret")
		}
	})
}

func TestTheArchiveIsPurgedInParts(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		payloads := make([]any, pruneChunk+10)
		_, err := p.EnqueueBatch(b.ctx, payloads)
		require.NoError(b.t, err)
		tokens := make([]model.Token, 0, len(payloads))
		for _, m := range b.take(c, DequeueOptions{Batch: len(payloads), Lease: time.Hour}) {
			tokens = append(tokens, model.Token{ID: m.ID})
		}
		_, err = c.ArchiveMany(b.ctx, tokens)
		require.NoError(b.t, err)

		_, err = b.admin.PurgeArchive(b.ctx, Filter{}, 0)
		assert.True(b.t, fault.Is(err, fault.InvalidArgument), "everything must not go by accident: %v", err)
		_, err = b.admin.PurgeArchive(b.ctx, Filter{Queue: "nowhere"}, 0)
		assert.True(b.t, fault.Is(err, fault.QueueNotFound), "%v", err)
		purge := func(f Filter, olderThan time.Duration) int64 {
			n, err := b.admin.PurgeArchive(b.ctx, f, olderThan)
			require.NoError(b.t, err)
			return n
		}
		assert.Zero(b.t, purge(Filter{}, time.Hour))
		assert.Zero(b.t, purge(Filter{DeadOnly: true}, 0))
		assert.Zero(b.t, purge(Filter{WorkerID: p.ID()}, 0))
		assert.EqualValues(b.t, len(payloads), purge(Filter{Queue: tasks, WorkerID: c.ID()}, 0))
		assert.Zero(b.t, b.metrics().Archived)
	})
}

package postgres

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// openTransaction has enqueued a message in a queue and does not end.
func openTransaction(b *bundle, queue int64) pgx.Tx {
	b.t.Helper()
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(b.t, err)
	_, err = EnqueueTx(b.ctx, tx, b.schema, queue, payloads(1))
	require.NoError(b.t, err)
	return tx
}

// TestPurgingAQueueStopsNobody: it removes what is there, a part after the other, and
// waits for no transaction that has not committed a message.
func TestPurgingAQueueStopsNobody(t *testing.T) {
	b := setup(t)
	other, err := b.store.CreateQueue(b.ctx, "other", 5)
	require.NoError(t, err)
	const n = 2*purgePart + 10
	for range n / 1000 {
		_, err := b.store.Enqueue(b.ctx, b.queue.ID, payloads(1000))
		require.NoError(t, err)
	}
	_, err = b.store.Enqueue(b.ctx, b.queue.ID, payloads(n%1000))
	require.NoError(t, err)
	kept, err := b.store.Enqueue(b.ctx, other.ID, payloads(1))
	require.NoError(t, err)
	held := b.claim(5, time.Minute)
	require.Len(t, held, 5)

	tx := openTransaction(b, b.queue.ID)
	removed, err := b.store.PurgeQueue(b.ctx, b.queue.Name)
	require.NoError(t, err)
	require.EqualValues(t, n, removed)
	done, err := b.store.Finish(b.ctx, engine.FinishArchive, []model.Token{{ID: held[0].ID, Worker: b.consumer.ID}})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, done)
	_, err = b.store.GetMessage(b.ctx, kept[0])
	require.NoError(t, err)
	require.NoError(t, tx.Commit(b.ctx))
	require.Len(t, b.claim(10, time.Minute), 1, "what was committed afterwards stays")
}

// TestPurgingAQueueRemovesWhatIsLeasedMeanwhile: the purge waits for the row, and finds
// another version of it.
func TestPurgingAQueueRemovesWhatIsLeasedMeanwhile(t *testing.T) {
	b := setup(t)
	ids := b.put(payloads(1)...)
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, "update "+b.store.queries.quoted+".pgqrs_messages set vt = now() + interval '1 minute' where id = $1", ids[0])
	require.NoError(t, err)
	removed := make(chan int64, 1)
	spawn.Go(nil, func() {
		n, err := b.store.PurgeQueue(b.ctx, b.queue.Name)
		assert.NoError(t, err)
		removed <- n
	})
	b.awaitBlockedBy(tx)
	require.NoError(t, tx.Commit(b.ctx))
	require.EqualValues(t, 1, <-removed)
	require.Zero(t, b.stored())
}

func TestOfAForgottenQueueNothingIsKept(t *testing.T) {
	b := setup(t)
	b.put(payloads(1)...)
	ride := b.ride(b.store, payloads(1)...)
	<-ride.ended
	require.NoError(t, ride.err)
	require.Len(t, b.claim(2, time.Hour), 2)
	require.Len(t, b.store.hints.queues, 1)
	_, streams := b.store.streams.Load(b.queue.ID)
	require.True(t, streams)
	b.store.Forget(b.queue.ID)
	require.Empty(t, b.store.hints.queues)
	_, streams = b.store.streams.Load(b.queue.ID)
	require.False(t, streams)
}

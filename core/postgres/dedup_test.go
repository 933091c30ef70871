package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// TestDedupKeyInATransaction has one transaction wait for the other, which either
// stores the message or leaves that to it.
func TestDedupKeyInATransaction(t *testing.T) {
	for _, commit := range []bool{false, true} {
		t.Run(fmt.Sprintf("commit %v", commit), func(t *testing.T) {
			b := setup(t)
			keyed := []model.NewMessage{{Payload: []byte(`1`), DedupKey: "k"}}
			tx, err := b.connect().Begin(b.ctx)
			require.NoError(t, err)
			first, err := EnqueueTx(b.ctx, tx, b.schema, b.queue.ID, keyed)
			require.NoError(t, err)
			again, err := EnqueueTx(b.ctx, tx, b.schema, b.queue.ID, keyed)
			require.NoError(t, err)
			require.Equal(t, first, again, "the transaction knows its own key")
			second := make(chan []int64, 1)
			spawn.Go(nil, func() {
				ids, err := b.store.Enqueue(b.ctx, b.queue.ID, keyed)
				for fault.IsHeld(err) {
					ids, err = b.store.Enqueue(b.ctx, b.queue.ID, keyed)
				}
				second <- ids
			})
			b.awaitBlockedBy(tx)
			want := first
			if commit {
				require.NoError(t, tx.Commit(b.ctx))
				require.Equal(t, want, <-second)
			} else {
				require.NoError(t, tx.Rollback(b.ctx))
				want = <-second
				require.NotEqual(t, first, want)
			}
			found := b.claim(10, time.Minute)
			require.Len(t, found, 1)
			require.Equal(t, want[0], found[0].ID)
		})
	}
}

// TestAHeldDedupKeyIsRefusedAfterAWhile: whoever wants it is told so, and nothing else
// changes, not even how long the caller's own transaction waits for locks.
func TestAHeldDedupKeyIsRefusedAfterAWhile(t *testing.T) {
	b := setup(t)
	messages := []model.NewMessage{{Payload: []byte(`1`)}, {Payload: []byte(`2`), DedupKey: "k"}}
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, "set local lock_timeout = '7s'")
	require.NoError(t, err)
	_, err = EnqueueTx(b.ctx, tx, b.schema, b.queue.ID, messages)
	require.NoError(t, err)
	var timeout string
	require.NoError(t, tx.QueryRow(b.ctx, "show lock_timeout").Scan(&timeout))
	require.Equal(t, "7s", timeout)

	refused := func(err error, again bool) {
		t.Helper()
		var e *fault.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, again, e.RetryAfter > 0, "when to ask again")
		require.True(t, fault.Is(err, fault.Timeout), "%v", err)
		require.True(t, fault.IsHeld(err))
		require.True(t, fault.IsRowFault(err))
		require.True(t, fault.SafeToRetry(err))
		require.ErrorContains(t, err, "the same dedup key")
	}
	_, err = b.store.EnqueueInTurn(b.ctx, b.queue.ID, messages, nil, nil)
	refused(err, true)
	_, err = b.store.Enqueue(b.ctx, b.queue.ID, messages)
	refused(err, false)
	require.Empty(t, b.claim(10, time.Minute))
	require.NoError(t, tx.Rollback(b.ctx))
	_, err = b.store.EnqueueInTurn(b.ctx, b.queue.ID, messages, nil, nil)
	require.NoError(t, err)
	require.Len(t, b.claim(10, time.Minute), 2)
}

package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
				if err != nil {
					ids = nil
				}
				second <- ids
			})
			watch := b.connect()
			require.Eventually(t, func() bool {
				var waits bool
				err := watch.QueryRow(b.ctx, "select exists (select 1 from pg_stat_activity where $1::int = any(pg_blocking_pids(pid)))",
					tx.Conn().PgConn().PID()).Scan(&waits)
				return err == nil && waits
			}, 20*time.Second, 5*time.Millisecond)
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

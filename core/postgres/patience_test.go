package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func TestDeletingAQueueStopsNobody(t *testing.T) {
	b := setup(t)
	empty, err := b.store.CreateQueue(b.ctx, "empty", 5)
	require.NoError(t, err)
	stopsNobody(b, func(ctx context.Context) error { return b.store.DeleteQueue(ctx, empty.Name) })
	_, err = b.store.GetQueue(b.ctx, empty.Name)
	requireKind(t, fault.QueueNotFound, err)
}

func TestAnUpgradeStopsNobody(t *testing.T) {
	b := setup(t)
	needsLz4(b) // or the last migration takes no lock
	_, err := b.connect().Exec(b.ctx, b.store.queries.qualify("delete from {schema}.pgqrs_schema_version where version > 4"))
	require.NoError(t, err)
	stopsNobody(b, b.store.Install)
	require.NoError(t, b.store.Verify(b.ctx))
}

func TestAnUninstallStopsNobody(t *testing.T) {
	b := setup(t)
	stopsNobody(b, b.store.Uninstall)
	requireKind(t, fault.Schema, b.store.Verify(b.ctx))
}

// stopsNobody has change wait for a transaction that has written a message: whoever
// comes meanwhile does not wait with it.
func stopsNobody(b *bundle, change func(ctx context.Context) error) {
	b.t.Helper()
	tx := openTransaction(b, b.queue.ID)
	changed := make(chan error, 1)
	spawn.Go(nil, func() { changed <- change(b.ctx) })
	b.awaitBlockedBy(tx)
	for start := time.Now(); time.Since(start) < 3*lockPause; {
		b.put(payloads(1)...)
		found := b.claim(1, time.Minute)
		require.Len(b.t, found, 1)
		done, err := b.store.Finish(b.ctx, engine.FinishArchive, []model.Token{{ID: found[0].ID, Worker: b.consumer.ID}})
		require.NoError(b.t, err)
		require.Equal(b.t, []bool{true}, done)
	}
	require.Empty(b.t, changed)
	require.NoError(b.t, tx.Commit(b.ctx))
	require.NoError(b.t, <-changed)
}

// TestAnUninstallNamesWhatKeepsIt: it does not wait for good, and nothing is half-done.
func TestAnUninstallNamesWhatKeepsIt(t *testing.T) {
	b := setup(t)
	b.store.writeTimeout = 2 * lockPause
	openTransaction(b, b.queue.ID)
	err := b.store.Uninstall(b.ctx)
	require.True(t, fault.IsHeld(err), "%v", err)
	require.ErrorContains(t, err, "end that transaction")
	require.NoError(t, b.store.Verify(b.ctx))
}

package faults

import (
	"context"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core"
)

// TestHeldSnapshot: another connection holds a snapshot, so that nothing deleted
// can be removed, while messages come and go. Dequeues must not become slow with
// the dead rows that pile up.
func TestHeldSnapshot(t *testing.T) {
	s := startServer(t, "autovacuum_naptime=1s")
	store, err := core.Open(t.Context(), s.dsn, core.WithBootstrap())
	require.NoError(t, err)
	t.Cleanup(func() { closeStore(store) })
	_, err = store.Admin().CreateQueue(t.Context(), "tasks", 5)
	require.NoError(t, err)

	holder, err := pgx.Connect(t.Context(), s.dsn)
	require.NoError(t, err)
	defer func() { _ = holder.Close(context.Background()) }()
	tx, err := holder.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "select count(*) from pgqrs_messages")
	require.NoError(t, err)

	seconds := scaled(3, 20)
	if text := os.Getenv("PGQRS_FAULTS_SNAPSHOT_SECONDS"); text != "" {
		seconds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	took := cycle(t, store, time.Duration(seconds)*time.Second)
	part := len(took) / 6
	require.Greater(t, part, 20)
	first, last := median(took[:part]), median(took[len(took)-part:])
	var dead, alive int64
	require.NoError(t, holder.QueryRow(t.Context(), "select n_dead_tup, n_live_tup from pg_stat_user_tables where relname = 'pgqrs_messages'").Scan(&dead, &alive))
	t.Logf("%d s under a held snapshot: %d dequeues, p50 %v in the first sixth, %v in the last, p99 %v; %d dead tuples",
		seconds, len(took), first, last, percentile(took, 99), dead)
	require.Less(t, last, max(2*first, first+2*time.Millisecond))
	require.NoError(t, tx.Rollback(t.Context()))
}

// cycle produces, dequeues and archives for so long, and returns how long each
// dequeue took.
func cycle(t *testing.T, store *core.Store, during time.Duration) []time.Duration {
	t.Helper()
	p, err := store.Producer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	c, err := store.Consumer(t.Context(), "tasks", core.WorkerOptions{})
	require.NoError(t, err)
	payloads := make([]any, 100)
	for i := range payloads {
		payloads[i] = i
	}
	var took []time.Duration
	for ends := time.Now().Add(during); time.Now().Before(ends); {
		_, err := p.EnqueueBatch(t.Context(), payloads)
		require.NoError(t, err)
		for left := len(payloads); left > 0; {
			began := time.Now()
			messages, err := c.Dequeue(t.Context(), core.DequeueOptions{Batch: 20, Lease: time.Hour})
			took = append(took, time.Since(began))
			require.NoError(t, err)
			_, err = c.ArchiveMany(t.Context(), tokensOf(messages))
			require.NoError(t, err)
			left -= len(messages)
		}
	}
	return took
}

func median(of []time.Duration) time.Duration { return percentile(of, 50) }

func percentile(of []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)*p/100].Round(time.Microsecond)
}

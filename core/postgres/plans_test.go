package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// seqscan is a setting that plans are pinned by, on the one connection of a pool.
func (b *bundle) seqscan(s *store) (value string) {
	b.t.Helper()
	require.NoError(b.t, s.pool.QueryRow(b.ctx, "show enable_seqscan").Scan(&value))
	return value
}

// TestPlansArePinnedWhereTheyAreWanted: on a connection of ours the settings stay
// from claim to claim, and nothing else is planned by them.
func TestPlansArePinnedWhereTheyAreWanted(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	b.store = s
	require.Equal(t, "on", b.seqscan(s))
	b.claim(1, time.Second)
	require.Equal(t, "off", b.seqscan(s))
	_, err := s.Enqueue(b.ctx, b.queue.ID, payloads(1))
	require.NoError(t, err)
	require.NoError(t, s.Notify(b.ctx, []int64{b.queue.ID}))
	_, err = s.Heartbeat(b.ctx, []int64{b.consumer.ID})
	require.NoError(t, err)
	require.Equal(t, "off", b.seqscan(s), "an enqueue or a heartbeat between claims changes nothing")

	_, err = s.CountQueues(b.ctx)
	require.NoError(t, err)
	require.Equal(t, "on", b.seqscan(s))
	b.claim(1, time.Second)
	_, err = s.Sweep(b.ctx, b.queue.ID)
	require.NoError(t, err)
	require.Equal(t, "on", b.seqscan(s), "a transaction, too")
}

// TestPlansAfterAFailure: what a failed transaction has set is gone with it.
func TestPlansAfterAFailure(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	b.store = s
	b.claim(1, time.Second)
	require.Error(t, s.write(b.ctx, step{sql: "select 1/0"}))
	require.Equal(t, "off", b.seqscan(s))
	b.claim(1, time.Second)
	_, err := s.CountQueues(b.ctx)
	require.NoError(t, err)
	require.Error(t, s.writeWith(b.ctx, pinned, step{sql: "select 1/0"}))
	require.Equal(t, "on", b.seqscan(s))
	b.claim(1, time.Second)
	require.Equal(t, "off", b.seqscan(s))
}

// TestPlansOfForeignConnections end with each transaction.
func TestPlansOfForeignConnections(t *testing.T) {
	b := setup(t)
	config, err := pgxpool.ParseConfig(b.dsn)
	require.NoError(t, err)
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(b.ctx, config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	opened, err := New(b.ctx, pool, Config{Schema: b.schema})
	require.NoError(t, err)
	s := opened.(*store)
	t.Cleanup(s.Close)
	b.store = s
	b.claim(1, time.Second)
	require.Equal(t, "on", b.seqscan(s))
}

// TestOnlyClaimsCommitAsynchronously: each statement as the engine sends it, in a
// transaction that is looked at before it ends.
func TestOnlyClaimsCommitAsynchronously(t *testing.T) {
	b := setup(t)
	_, err := b.store.Enqueue(b.ctx, b.queue.ID, payloads(2))
	require.NoError(t, err)
	enqueue, _, enqueued := b.store.enqueueQuery(b.queue.ID, payloads(1), 0)
	for name, c := range map[string]struct {
		expected string
		args     []any
	}{
		"Claim":      {"off", []any{b.queue.ID, 1, []int64{b.consumer.ID}, []float64{5}, []int64{1}, time.Unix(0, 0)}},
		"ClaimOne":   {"off", []any{b.queue.ID, 1, b.consumer.ID, 5.0, time.Unix(0, 0)}},
		"ClaimWhole": {"off", []any{b.queue.ID, 1, []int64{b.consumer.ID}, []float64{5}, []int64{1}, nil, []int64{}}},
		"Archive":    {"on", []any{[]int64{1}, []int64{b.consumer.ID}, []int32{0}}},
		enqueue:      {"on", enqueued},
	} {
		tx, err := b.connect().Begin(b.ctx)
		require.NoError(t, err)
		_, err = tx.Exec(b.ctx, b.store.queries.get(name), c.args...)
		require.NoError(t, err, name)
		var setting string
		require.NoError(t, tx.QueryRow(b.ctx, "show synchronous_commit").Scan(&setting))
		require.Equal(t, c.expected, setting, name)
		require.NoError(t, tx.Rollback(b.ctx))
	}
}

// TestPlansAfterAnAnswerThatCannotBeRead: the server has kept the settings of a
// transaction that failed only here.
func TestPlansAfterAnAnswerThatCannotBeRead(t *testing.T) {
	b := setup(t)
	s := b.open(Config{MaxConnections: 1})
	b.store = s
	unreadable := step{sql: "select 1", read: func(pgx.Rows) error { return errors.New("unreadable") }}
	require.Error(t, s.writeWith(b.ctx, pinned, unreadable))
	_, err := s.CountQueues(b.ctx)
	require.NoError(t, err)
	require.Equal(t, "on", b.seqscan(s))
	b.claim(1, time.Second)
	require.Error(t, s.write(b.ctx, unreadable))
	b.claim(1, time.Second)
	require.Equal(t, "off", b.seqscan(s))
}

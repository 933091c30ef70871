package core

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func TestTransactionalEnqueueFollowsTheCallersTransaction(t *testing.T) {
	t.Parallel()
	b := onPostgres(t)
	p, c := b.producer(), b.consumer()
	pool := b.pool()

	tx := b.begin(pool)
	_, err := p.EnqueueTx(b.ctx, tx, "rolled back", EnqueueOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(b.ctx))
	assert.Zero(t, b.metrics().Pending)

	tx = b.begin(pool)
	id, err := p.EnqueueTx(b.ctx, tx, "committed", EnqueueOptions{})
	require.NoError(t, err)
	assert.Empty(t, b.take(c, DequeueOptions{}), "not before the commit")
	got := make(chan []*Message, 1)
	go func() {
		messages, err := c.Dequeue(b.ctx, DequeueOptions{Wait: 30 * time.Second})
		assert.NoError(t, err)
		got <- messages
	}()
	require.NoError(t, tx.Commit(b.ctx))
	messages := <-got
	require.Len(t, messages, 1)
	assert.Equal(t, id, messages[0].ID)
}

func TestTransactionalEnqueueCountsForTheRateLimit(t *testing.T) {
	t.Parallel()
	b := onPostgres(t)
	s := b.open(func(c *config.Config) { c.MaxEnqueuePerSecond, c.MaxEnqueueBurst = 0.001, 2 })
	p, err := s.Producer(b.ctx, tasks, WorkerOptions{})
	require.NoError(t, err)
	tx := b.begin(b.pool())
	_, err = p.EnqueueTx(b.ctx, tx, 1, EnqueueOptions{})
	require.NoError(t, err)
	_, err = p.Enqueue(b.ctx, 2)
	require.NoError(t, err)
	_, err = p.EnqueueTx(b.ctx, tx, 3, EnqueueOptions{})
	assert.True(t, fault.Is(err, fault.RateLimited), "%v", err)
}

func TestTransactionalEnqueueIsRefusedOnSQLite(t *testing.T) {
	t.Parallel()
	b := setup(t, "sqlite::memory:")
	_, err := b.producer().EnqueueTx(b.ctx, nil, 1, EnqueueOptions{})
	assert.True(t, fault.Is(err, fault.Unsupported), "%v", err)
}

func TestAPoolOfTheCallerStaysOpen(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	defer pool.Close()
	s, err := OpenPool(t.Context(), pool)
	require.NoError(t, err)
	again, err := OpenPool(t.Context(), pool)
	require.NoError(t, err)
	assert.Same(t, s.b, again.b)
	require.NoError(t, again.Close(t.Context()))
	require.NoError(t, s.Close(t.Context()))
	assert.NoError(t, pool.Ping(t.Context()))
}

func TestSQLTextIsForTheSchemaOfTheStore(t *testing.T) {
	t.Parallel()
	b := onPostgres(t)
	for _, statement := range []model.SQLStatement{model.SQLEnqueue, model.SQLEnqueueBatch} {
		text, err := b.open(nil).SQLText(statement)
		require.NoError(t, err)
		assert.Contains(t, text.Text, `"`+b.schema+`".pgqrs_enqueue`)
		without, err := SQLText(b.schema, statement)
		require.NoError(t, err)
		assert.Equal(t, without, text)
	}
	for schema, kind := range map[string]fault.Kind{"\xff": fault.Config, "a\x00": fault.Config, "": fault.InvalidArgument} {
		_, err := SQLText(schema, 3)
		assert.True(t, fault.Is(err, kind), "%v", err)
	}
}

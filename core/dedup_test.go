package core

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/config"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/fault"
)

func oneKey(key string) EnqueueOptions { return EnqueueOptions{DedupKeys: []string{key}} }

func TestADedupKeyStoresOnce(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p, c := b.producer(), b.consumer()
		id, err := p.EnqueueWith(b.ctx, "first", oneKey("k"))
		require.NoError(b.t, err)
		again, err := p.EnqueueWith(b.ctx, "again", EnqueueOptions{DedupKeys: []string{"k"}, Delay: time.Hour})
		require.NoError(b.t, err)
		assert.Equal(b.t, id, again)

		documents := [][]byte{[]byte("1"), []byte("2"), []byte("3"), []byte("4"), []byte("5")}
		ids, errs, err := p.EnqueueEach(b.ctx, documents, EnqueueOptions{DedupKeys: []string{"k", "", "new", strings.Repeat("x", 256), "new"}})
		require.NoError(b.t, err)
		assert.True(b.t, fault.Is(errs[3], fault.InvalidArgument), "%v", errs[3])
		assert.ErrorContains(b.t, errs[3], "dedup_key: has 256 bytes")
		require.NoError(b.t, errors.Join(errs[0], errs[1], errs[2], errs[4]))
		assert.Equal(b.t, []int64{id, ids[1], ids[2], 0, ids[2]}, ids)
		assert.EqualValues(b.t, 3, b.metrics().Pending)

		for _, m := range b.take(c, DequeueOptions{Batch: 10}) {
			_, err := m.Archive(b.ctx)
			require.NoError(b.t, err)
		}
		again, err = p.EnqueueWith(b.ctx, "after it was handled", oneKey("k"))
		require.NoError(b.t, err)
		assert.Equal(b.t, id, again)
		assert.Zero(b.t, b.metrics().Pending)
	})
}

func TestBadDedupKeysNameThemselves(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		for _, key := range []string{strings.Repeat("é", 128), "a\x00b", "\xff"} {
			_, err := p.EnqueueWith(b.ctx, 1, oneKey(key))
			assert.True(b.t, fault.Is(err, fault.InvalidArgument), "%v", err)
			assert.ErrorContains(b.t, err, "dedup_key: ")
		}
		_, err := p.EnqueueJSON(b.ctx, [][]byte{[]byte("1"), []byte("2")}, oneKey("k"))
		assert.ErrorContains(b.t, err, "dedup_keys: has 1 entries for 2 messages")
		assert.Zero(b.t, b.metrics().Pending)
	})
}

func TestDedupKeysAreForgottenAfterTheirTime(t *testing.T) {
	onBoth(t, func(b *bundle) {
		p := b.producer()
		id, err := p.EnqueueWith(b.ctx, 1, oneKey("k"))
		require.NoError(b.t, err)
		require.NoError(b.t, b.store.b.maintainOnce())
		again, err := p.EnqueueWith(b.ctx, 1, oneKey("k"))
		require.NoError(b.t, err)
		assert.Equal(b.t, id, again, "a day is not over")

		s := b.open(func(c *config.Config) { c.DedupRetention = time.Second })
		require.Eventually(b.t, func() bool {
			require.NoError(b.t, s.b.maintainOnce())
			again, err = p.EnqueueWith(b.ctx, 1, oneKey("k"))
			require.NoError(b.t, err)
			return again != id
		}, 10*time.Second, 20*time.Millisecond)
	})
}

// TestAnUnknownOutcomeWithADedupKeyIsSafeToRetry: a deadline passes while a
// transaction of somebody else's has the key, which nobody can know to commit.
func TestAnUnknownOutcomeWithADedupKeyIsSafeToRetry(t *testing.T) {
	t.Parallel()
	dsn := testdb.Postgres(t)
	b := setup(t, withParam(t, dsn, "pgqrs_schema", testdb.Schema(t, dsn)))
	p := b.producer()
	pool, err := pgxpool.New(b.ctx, dsn)
	require.NoError(t, err)
	defer pool.Close()
	tx, err := pool.Begin(b.ctx)
	require.NoError(t, err)
	id, err := p.EnqueueTx(b.ctx, tx, 1, oneKey("k"))
	require.NoError(t, err)

	hurried, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
	defer cancel()
	_, err = p.EnqueueWith(hurried, 1, oneKey("k"))
	require.True(t, fault.Is(err, fault.OutcomeUnknown), "%v", err)
	require.True(t, fault.SafeToRetry(err))
	require.ErrorContains(t, err, "with the same dedup key")

	require.NoError(t, tx.Commit(b.ctx))
	again, err := p.EnqueueWith(b.ctx, 1, oneKey("k"))
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.EqualValues(t, 1, b.metrics().Pending)
}

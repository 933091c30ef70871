package core

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/config"
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

// holder is a transaction that has enqueued a dedup key and does not end.
type holder struct {
	*bundle
	producer *Producer
	pool     *pgxpool.Pool
	tx       pgx.Tx
	id       int64 // of its message
}

const heldKey = "held"

func holdKey(t *testing.T) *holder {
	t.Helper()
	t.Parallel()
	h := &holder{bundle: onPostgres(t)}
	h.producer, h.pool = h.bundle.producer(), h.bundle.pool()
	h.tx = h.begin(h.pool)
	var err error
	h.id, err = h.producer.EnqueueTx(h.ctx, h.tx, 1, oneKey(heldKey))
	require.NoError(t, err)
	return h
}

// TestAnUnknownOutcomeWithADedupKeyIsSafeToRetry: a deadline passes while a
// transaction of somebody else's has the key, which nobody can know to commit.
func TestAnUnknownOutcomeWithADedupKeyIsSafeToRetry(t *testing.T) {
	h := holdKey(t)
	hurried, cancel := context.WithTimeout(h.ctx, 100*time.Millisecond)
	defer cancel()
	_, err := h.producer.EnqueueWith(hurried, 1, oneKey(heldKey))
	require.True(t, fault.Is(err, fault.OutcomeUnknown), "%v", err)
	require.True(t, fault.SafeToRetry(err))
	require.ErrorContains(t, err, "with the same dedup key")

	require.NoError(t, h.tx.Commit(h.ctx))
	again, err := h.producer.EnqueueWith(h.ctx, 1, oneKey(heldKey))
	require.NoError(t, err)
	require.Equal(t, h.id, again)
	require.EqualValues(t, 1, h.metrics().Pending)
}

// TestAHeldKeyHoldsUpNobodyElse: what needs the key waits, what does not goes on, also
// where both were called for together. The transaction itself may be waiting for it.
func TestAHeldKeyHoldsUpNobodyElse(t *testing.T) {
	h := holdKey(t)
	const n = 300
	ids, errs := make([]int64, n), make([]error, n)
	var free, held sync.WaitGroup
	for i := range n {
		group, o := &free, EnqueueOptions{}
		switch {
		case i%100 == 7:
			group, o = &held, oneKey(heldKey)
		case i%2 == 1:
			o = oneKey(fmt.Sprint("free ", i))
		}
		group.Go(func() { ids[i], errs[i] = h.producer.EnqueueWith(h.ctx, i, o) })
	}
	free.Wait()
	require.EqualValues(t, n-3, h.metrics().Pending)
	require.NoError(t, h.tx.Commit(h.ctx))
	held.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Equal(t, []int64{h.id, h.id, h.id}, []int64{ids[7], ids[107], ids[207]})
	assert.EqualValues(t, n-3+1, h.metrics().Pending)
}

// TestOfSeveralDocumentsNoneWaitsForAnothersKey: the one that would have to wait is
// refused, and costs no rate limit until it is sent again.
func TestOfSeveralDocumentsNoneWaitsForAnothersKey(t *testing.T) {
	h := holdKey(t)
	s := h.open(func(c *config.Config) { c.MaxEnqueuePerSecond, c.MaxEnqueueBurst = 0.001, 3 })
	p, err := s.Producer(h.ctx, tasks, WorkerOptions{})
	require.NoError(t, err)
	documents := [][]byte{[]byte("1"), []byte("2"), []byte("3")}
	ids, errs, err := p.EnqueueEach(h.ctx, documents, EnqueueOptions{DedupKeys: []string{"free", heldKey, ""}})
	require.NoError(t, err)
	require.NoError(t, errors.Join(errs[0], errs[2]))
	var refused *fault.Error
	require.ErrorAs(t, errs[1], &refused)
	require.Equal(t, fault.Timeout, refused.Kind)
	require.Positive(t, refused.RetryAfter)
	require.ErrorContains(t, errs[1], "the same dedup key")
	assert.Zero(t, ids[1])
	assert.EqualValues(t, 2, h.metrics().Pending)

	answer := make(chan error, 1)
	go func() {
		id, err := p.EnqueueWith(h.ctx, 2, oneKey(heldKey))
		ids[1] = id
		answer <- err
	}()
	require.NoError(t, h.tx.Commit(h.ctx))
	require.NoError(t, <-answer)
	assert.Equal(t, h.id, ids[1])
	_, err = p.Enqueue(h.ctx, 4)
	require.True(t, fault.Is(err, fault.RateLimited), "%v", err)
}

// TestACallWithAHeldKeyCanBeCancelled: nothing of it is stored.
func TestACallWithAHeldKeyCanBeCancelled(t *testing.T) {
	h := holdKey(t)
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := h.producer.EnqueueWith(ctx, 2, oneKey(heldKey))
		answer <- err
	}()
	require.Eventually(t, func() bool {
		var waits bool
		err := h.pool.QueryRow(h.ctx, "select exists (select 1 from pg_stat_activity where $1::int = any(pg_blocking_pids(pid)))",
			h.tx.Conn().PgConn().PID()).Scan(&waits)
		return err == nil && waits
	}, 20*time.Second, time.Millisecond)
	cancel()
	err := <-answer
	require.True(t, fault.Is(err, fault.Cancelled), "%v", err)
	require.NoError(t, h.tx.Rollback(h.ctx))
	var stored int
	require.NoError(t, h.pool.QueryRow(h.ctx, "select count(*) from "+h.table("pgqrs_dedup")).Scan(&stored))
	assert.Zero(t, stored)
}

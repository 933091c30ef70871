package postgres

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/enginetest/testdb"
	"github.com/pgqrs/pgqrs/core/model"
)

func TestHints(t *testing.T) {
	t.Parallel()
	var h hints
	now := time.Now()
	_, ok := h.next(1, now)
	require.False(t, ok, "a queue nobody claimed from")
	h.whole(1, now, now.Add(time.Millisecond))
	h.claimed(1, now)
	from, ok := h.next(1, now.Add(2*time.Millisecond))
	require.True(t, ok)
	require.Equal(t, now.Add(-hintSlack), from)
	h.claimed(1, now.Add(-time.Hour))
	from, _ = h.next(1, now.Add(2*time.Millisecond))
	require.Equal(t, now.Add(-hintSlack), from, "a hint never goes back")
	_, ok = h.next(2, now)
	require.False(t, ok, "hints are per queue")

	late := now.Add(2 * leastWholeWait)
	_, ok = h.next(1, late)
	require.False(t, ok, "a whole claim is due")
	_, ok = h.next(1, late)
	require.True(t, ok, "one claimer does it, the others go on")
	h.whole(1, late, late.Add(time.Second))
	_, ok = h.next(1, late.Add(10*time.Second))
	require.True(t, ok, "an expensive whole claim is rare")
	_, ok = h.next(1, late.Add(40*time.Second))
	require.False(t, ok)
	_, ok = h.next(1, late.Add(41500*time.Millisecond))
	require.True(t, ok, "nor do two claimers pay for it at the same time")
	_, ok = h.next(1, late.Add(43*time.Second))
	require.False(t, ok, "the one who was to do it has failed")
	h.forget(1)
	_, ok = h.next(1, late)
	require.False(t, ok)
}

// TestLateCommitIsFound: a transaction that was slow to commit leaves messages
// far behind the hint, which the very next claim must find.
func TestLateCommitIsFound(t *testing.T) {
	b := setup(t)
	ids, end, err := testdb.EnqueueTx(b.ctx, b.dsn, b.schema, b.queue.ID, [][]byte{[]byte(`"late"`)})
	require.NoError(t, err)
	for deadline := time.Now().Add(3 * hintSlack); time.Now().Before(deadline); {
		b.put(payloads(1)...)
		require.Len(t, b.claim(1, time.Hour), 1)
	}
	require.NoError(t, end(b.ctx, true))
	got := b.claim(1, time.Hour)
	require.Len(t, got, 1)
	require.Equal(t, ids[0], got[0].ID)
}

// TestClaimNeverMissesAnEligibleMessage: whatever became eligible behind the
// hint (released to the past, expired, enqueued for an earlier instant), a claim
// with room for it returns it.
func TestClaimNeverMissesAnEligibleMessage(t *testing.T) {
	b := setup(t)
	eligible := map[int64]bool{}
	release := func(m model.Message, at time.Time) {
		took, err := b.store.Release(b.ctx, []engine.Release{{
			Token: model.Token{ID: m.ID, Worker: b.consumer.ID, ReadCt: m.ReadCt}, At: at, Unread: true,
		}})
		require.NoError(t, err)
		require.Equal(t, []bool{true}, took)
		eligible[m.ID] = true
	}
	for range 300 {
		past := time.Now().Add(-rand.N(time.Hour) - time.Minute)
		fresh := payloads(1 + rand.IntN(5))
		fresh[0].At = past
		for _, id := range b.put(fresh...) {
			eligible[id] = true
		}
		limit := 1 + rand.IntN(8)
		got := b.claim(limit, time.Hour)
		require.Len(t, got, min(limit, len(eligible)))
		for i, m := range got {
			require.True(t, eligible[m.ID])
			delete(eligible, m.ID)
			if i%3 == 0 {
				release(m, past)
			}
		}
	}
	rest := len(eligible)
	require.Len(t, b.claim(rest+10, time.Hour), rest)
}

// TestOrderOfAClaim: by the vt before the claim, across both parts of a claim
// that met the end of what the hint shows.
func TestOrderOfAClaim(t *testing.T) {
	b := setup(t)
	b.put(payloads(2)...)
	b.claim(2, time.Hour)
	now := time.Now()
	at := func(d time.Duration) model.NewMessage {
		return model.NewMessage{Payload: []byte(`1`), At: now.Add(d)}
	}
	ids := b.put(at(-time.Second), at(-time.Hour), at(-time.Second), at(-time.Millisecond))
	got := b.claim(10, time.Hour)
	require.Len(t, got, 4)
	for i, want := range []int64{ids[1], ids[0], ids[2], ids[3]} {
		require.Equal(t, want, got[i].ID)
	}
}

// TestNextDueWhileLocked: an eligible message that somebody has locked may be
// let go at any moment, so a waiter must come back soon.
func TestNextDueWhileLocked(t *testing.T) {
	b := setup(t)
	b.put(payloads(1)...)
	tx, err := b.connect().Begin(b.ctx)
	require.NoError(t, err)
	_, err = tx.Exec(b.ctx, "select 1 from "+b.store.queries.quoted+".pgqrs_messages for update")
	require.NoError(t, err)
	claim := engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 1, Lease: time.Hour}
	claimed, err := engine.ClaimOne(b.ctx, b.store, claim)
	require.NoError(t, err)
	require.Empty(t, claimed.Messages)
	require.Equal(t, lockedRetry, claimed.NextDue)
	require.NoError(t, tx.Rollback(b.ctx))
	require.Len(t, b.claim(1, time.Hour), 1)
}

// aroundHint puts a message that the queue's hint hides and n that it does not.
// The whole queue is not due.
func (b *bundle) aroundHint(n int) (hidden, seen []int64) {
	b.t.Helper()
	b.fill(1) // from now on there is a hint
	hidden, seen = b.put(longAgo()), b.put(payloads(n)...)
	b.wholeIn(time.Hour)
	return hidden, seen
}

// wholeIn sets when a claim is to look at the whole queue.
func (b *bundle) wholeIn(d time.Duration) {
	at := time.Now().Add(d)
	b.store.hints.whole(b.queue.ID, at, at)
}

func longAgo() model.NewMessage {
	return model.NewMessage{Payload: []byte(`1`), At: time.Now().Add(-time.Hour)}
}

// TestClaimWhoseSecondPartFails: what the second part read and did not commit is
// nobody's, the first part's leases are answered, and who got nothing comes again
// soon.
func TestClaimWhoseSecondPartFails(t *testing.T) {
	b := setup(t)
	behind, seen := b.aroundHint(1)
	b.store.queries.texts["ClaimOutlook"] = "select 1/0, $1::bigint, $2::bigint[]"
	claim := engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 1, Lease: time.Hour}
	more := claim
	more.Limit = 2
	answers, err := b.store.Claim(b.ctx, []engine.Claim{claim, more})
	require.NoError(t, err)
	require.Len(t, answers[0].Messages, 1)
	require.Equal(t, seen[0], answers[0].Messages[0].ID)
	require.Empty(t, answers[1].Messages, "the second part was rolled back")
	require.Equal(t, lockedRetry, answers[1].NextDue)
	m, err := b.store.GetMessage(b.ctx, behind[0])
	require.NoError(t, err)
	require.Zero(t, m.ReadCt)
}

// TestSomeWillDo: a claim that is content with some does not look at the whole
// queue once it has found any, until that is due.
func TestSomeWillDo(t *testing.T) {
	b := setup(t)
	hidden, seen := b.aroundHint(2)
	some := engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 10, Lease: time.Hour, Some: true}
	take := func() (ids []int64) {
		claimed, err := engine.ClaimOne(b.ctx, b.store, some)
		require.NoError(t, err)
		for _, m := range claimed.Messages {
			ids = append(ids, m.ID)
		}
		return ids
	}
	require.Equal(t, seen, take())
	seen = b.put(payloads(1)...)
	b.wholeIn(-time.Hour)
	require.Equal(t, append(hidden, seen...), take())
	b.wholeIn(time.Hour)
	b.put(longAgo())
	require.Len(t, take(), 1, "found nothing behind the hint")
}

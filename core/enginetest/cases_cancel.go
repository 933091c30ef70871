package enginetest

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/model"
)

func cancelCases() []testCase {
	cases := []testCase{
		{name: "a cancelled enqueue stores nothing", run: func(b *bundle) {
			_, err := b.eng.Enqueue(cancelled(), b.queue.ID, numbered(3))
			require.True(b.t, fault.SafeToRetry(b.fails(fault.Cancelled, err)))
			require.Zero(b.t, b.metrics().Pending)
		}},
		{name: "a cancelled claim leases nothing", run: func(b *bundle) {
			b.fill(3)
			_, err := engine.ClaimOne(cancelled(), b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 3, Lease: long})
			b.fails(fault.Cancelled, err)
			require.EqualValues(b.t, 3, b.metrics().Pending)
		}},
		{name: "a cancelled acknowledgement changes nothing", run: func(b *bundle) {
			m := b.one(long)
			_, err := b.eng.Finish(cancelled(), engine.FinishArchive, []model.Token{token(m)})
			b.fails(fault.Cancelled, err)
			_, err = b.eng.Finish(cancelled(), engine.FinishDelete, []model.Token{token(m)})
			b.fails(fault.Cancelled, err)
			_, err = b.eng.Extend(cancelled(), []engine.Extension{{Token: token(m), For: time.Hour}})
			b.fails(fault.Cancelled, err)
			_, err = b.eng.Release(cancelled(), []engine.Release{{Token: token(m)}})
			b.fails(fault.Cancelled, err)
			require.Equal(b.t, stored(m), b.message(m.ID))
		}},
		{name: "a deadline that has passed is a timeout", run: func(b *bundle) {
			ctx, cancel := context.WithDeadline(b.ctx, time.Now().Add(-time.Second))
			defer cancel()
			_, err := b.eng.Enqueue(ctx, b.queue.ID, numbered(3))
			require.True(b.t, fault.SafeToRetry(b.fails(fault.Timeout, err)))
			_, err = engine.ClaimOne(ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 3, Lease: long})
			b.fails(fault.Timeout, err)
			require.Zero(b.t, b.metrics().Pending)
		}},
		{name: "an enqueue cancelled half-way tells the truth", run: func(b *bundle) {
			var mu sync.Mutex
			certain, possible := map[int64]bool{}, 0 // what must be there, and how much more may be
			b.none(b.interrupted(func(ctx context.Context) error {
				got, err := b.eng.Enqueue(ctx, b.queue.ID, numbered(20))
				mu.Lock()
				defer mu.Unlock()
				for _, id := range got {
					certain[id] = true
				}
				if fault.Is(err, fault.OutcomeUnknown) {
					possible += 20
				}
				return err
			}))
			n := b.metrics().Pending
			require.GreaterOrEqual(b.t, n, int64(len(certain)))
			require.LessOrEqual(b.t, n, int64(len(certain)+possible))
			require.Zero(b.t, n%20, "half a batch is stored")
			for id := range certain {
				b.message(id)
			}
		}},
		{name: "a claim cancelled half-way strands no lease", run: func(b *bundle) {
			b.fill(2000)
			var mu sync.Mutex
			leased, possible := 0, 0
			b.none(b.interrupted(func(ctx context.Context) error {
				c, err := engine.ClaimOne(ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 5, Lease: long})
				mu.Lock()
				defer mu.Unlock()
				leased += len(c.Messages)
				if fault.Is(err, fault.OutcomeUnknown) {
					possible += 5
				}
				return err
			}))
			n := int(b.metrics().Leased)
			require.GreaterOrEqual(b.t, n, leased)
			require.LessOrEqual(b.t, n, leased+possible, "leases that nobody was told of")
		}},
	}
	cases = append(cases, testCase{name: "every call of a cancelled context is cancelled", run: func(b *bundle) {
		for _, c := range calls() {
			err := c.do(cancelled(), b.eng)
			require.Equal(b.t, fault.Cancelled.String(), fault.KindOf(err).String(), "%s: %v", c.name, err)
		}
	}})
	return cases
}

// cancelled returns a context that has been cancelled.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// interrupted calls f many times from several goroutines, with contexts that
// are cancelled before, during and after the call. What a cancelled call may
// say (cancelled, or outcome unknown) is no error here.
func (b *bundle) interrupted(f func(ctx context.Context) error) []error {
	const callers, rounds, longest = 4, 40, 4 * time.Millisecond
	return together(callers, func(int) error {
		for range rounds {
			ctx, cancel := context.WithCancel(b.ctx)
			timer := time.AfterFunc(rand.N(longest), cancel)
			err := f(ctx)
			timer.Stop()
			cancel()
			if err != nil && !fault.Is(err, fault.Cancelled) && !fault.Is(err, fault.OutcomeUnknown) {
				return err
			}
		}
		return nil
	})
}

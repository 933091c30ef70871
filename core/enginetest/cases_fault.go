package enginetest

import (
	"context"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// faultCases tear the connections of a store while it is at work.
func faultCases() []testCase {
	torn := func(name string, run func(b *bundle)) testCase {
		return testCase{name: name, own: true, run: func(b *bundle) {
			if b.store.Cut == nil {
				b.t.Skipf("%s has no connections to cut", b.store.Name)
			}
			run(b)
		}}
	}
	return []testCase{
		torn("the engine goes on after a cut", func(b *bundle) {
			for range 5 {
				b.store.Cut()
				b.eventually("the engine to go on", func() bool { return b.transient(b.eng.Ping(b.ctx)) == nil })
				b.eventually("a message to be stored", func() bool {
					_, err := b.eng.Enqueue(b.ctx, b.queue.ID, numbered(1))
					return b.transient(err) == nil
				})
			}
			require.GreaterOrEqual(b.t, b.metrics().Pending, int64(5))
		}),
		torn("a cut enqueue says what is certain", func(b *bundle) {
			var mu sync.Mutex
			certain, possible := map[int64]bool{}, 0
			b.whileCut(func() error {
				got, err := b.eng.Enqueue(b.ctx, b.queue.ID, numbered(10))
				mu.Lock()
				defer mu.Unlock()
				for _, id := range got {
					certain[id] = true
				}
				if err != nil && !fault.SafeToRetry(err) {
					possible += 10
				}
				return err
			})
			n := b.metrics().Pending
			require.GreaterOrEqual(b.t, n, int64(len(certain)))
			require.LessOrEqual(b.t, n, int64(len(certain)+possible), "a call that was safe to retry has stored something")
			require.Zero(b.t, n%10, "half a batch is stored")
			for id := range certain {
				b.message(id)
			}
		}),
		torn("a cut claim says what is certain", func(b *bundle) {
			const each, total = 5, 20_000
			for range total / 2000 {
				b.fill(2000)
			}
			var mu sync.Mutex
			leased, possible := 0, 0
			b.whileCut(func() error {
				c, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: each, Lease: long})
				mu.Lock()
				defer mu.Unlock()
				leased += len(c.Messages)
				if err != nil && !fault.SafeToRetry(err) {
					possible += each
				}
				return err
			})
			n := int(b.metrics().Leased)
			require.GreaterOrEqual(b.t, n, leased)
			require.LessOrEqual(b.t, n, leased+possible)
		}),
		torn("a cut acknowledgement says what is certain", func(b *bundle) {
			const total = 2000
			b.fill(total)
			held := tokens(b.take(total, long))
			var mu sync.Mutex
			next, certain, possible := 0, 0, 0
			b.whileCut(func() error {
				mu.Lock()
				if next == total {
					mu.Unlock()
					return nil
				}
				mine := held[next : next+1]
				next++
				mu.Unlock()
				got, err := b.eng.Finish(b.ctx, engine.FinishArchive, mine)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && got[0]:
					certain++
				case err != nil && !fault.SafeToRetry(err):
					possible++
				case err == nil:
					return fault.New(fault.Internal, "a lease that nobody ended was refused")
				}
				return err
			})
			n := int(b.metrics().Archived)
			require.GreaterOrEqual(b.t, n, certain)
			require.LessOrEqual(b.t, n, certain+possible)
		}),
		torn("a listener ends when its connection is lost", func(b *bundle) {
			if !b.eng.Capabilities().Push {
				b.t.Skipf("%s cannot push", b.store.Name)
			}
			hears, ended := make(chan struct{}, 100), make(chan error, 1)
			spawn.Go(nil, func() {
				ended <- b.eng.Listen(b.ctx, func(int64) { hears <- struct{}{} })
			})
			b.within(hears, "the listener to hear")
			b.store.Cut()
			select {
			case err := <-ended:
				require.Error(b.t, b.transient(err))
			case <-time.After(patience):
				b.t.Fatal("the listener did not notice")
			}
			b.eventually("the engine to go on", func() bool { return b.transient(b.eng.Ping(b.ctx)) == nil })
			b.listen(b.eng)
		}),
	}
}

// transient requires err to be nil or of the kind that passes.
func (b *bundle) transient(err error) error {
	b.t.Helper()
	require.True(b.t, err == nil || fault.IsTransient(err), "%v", err)
	return err
}

// whileCut calls f from several goroutines while connections are cut again and
// again, and requires that nothing but transient errors comes back.
func (b *bundle) whileCut(f func() error) {
	b.t.Helper()
	const callers, cuts = 4, 25
	ctx, stop := context.WithCancel(b.ctx)
	errs := together(callers+1, func(i int) error {
		if i == callers {
			defer stop()
			n := 0
			poll(ctx, patience, func() bool {
				b.store.Cut()
				n++
				return n == cuts
			})
			return nil
		}
		for ctx.Err() == nil {
			if err := f(); err != nil && !fault.IsTransient(err) {
				return err
			}
		}
		return nil
	})
	b.none(errs)
	b.eventually("the engine to go on", func() bool { return b.transient(b.eng.Ping(b.ctx)) == nil })
}

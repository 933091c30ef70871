package enginetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

func closeCases() []testCase {
	return []testCase{
		{name: "every call after close is refused", own: true, run: func(b *bundle) {
			b.eng.Close()
			for _, c := range append(calls(), schemaCalls()...) {
				err := c.do(b.ctx, b.eng)
				require.Equal(b.t, fault.Closed.String(), fault.KindOf(err).String(), "%s: %v", c.name, err)
				var f *fault.Error
				require.True(b.t, errors.As(err, &f), "%s: not a *fault.Error: %v", c.name, err)
			}
		}},
		{name: "close twice, and from many", own: true, run: func(b *bundle) {
			b.none(together(8, func(int) error {
				b.eng.Close()
				return nil
			}))
			b.eng.Close()
			b.fails(fault.Closed, b.eng.Ping(b.ctx))
		}},
		{name: "what was stored is there after another open", own: true, run: func(b *bundle) {
			if b.store.Single {
				b.t.Skip("the messages end with the engine")
			}
			sent := b.fill(5)
			held := b.take(2, long)
			b.archive(token(held[0]))
			b.eng.Close()
			b.eng = b.store.Open(b.t)
			require.Equal(b.t, stored(held[1]), b.message(held[1].ID))
			b.archived(sent[0])
			require.Equal(b.t, sent[2:], ids(b.take(3, long)))
			require.Greater(b.t, b.put(`1`), sent[4])
		}},
		{name: "close waits for calls in flight", own: true, run: func(b *bundle) {
			witness := b.second()
			const callers = 8
			var mu sync.Mutex
			var answered []int64
			var group spawn.Group
			errs := make([]error, callers)
			busy := make(chan struct{}, 10_000)
			for i := range callers {
				group.Go(func() {
					for errs[i] == nil {
						var got []int64
						got, errs[i] = b.eng.Enqueue(b.ctx, b.queue.ID, numbered(3))
						mu.Lock()
						answered = append(answered, got...)
						mu.Unlock()
						select {
						case busy <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 2 * callers {
				b.within(busy, "enqueues in flight")
			}
			b.eng.Close()
			group.Wait()
			for _, err := range errs {
				b.fails(fault.Closed, err)
			}
			b.eng = witness
			for _, id := range answered {
				b.message(id)
			}
			require.EqualValues(b.t, len(answered), b.metrics().Pending, "a call that failed stored something")
		}},
		{name: "close ends a listener", own: true, run: func(b *bundle) {
			if !b.eng.Capabilities().Push {
				b.t.Skip("this engine does not push")
			}
			hears, ended := make(chan struct{}, 100), make(chan struct{})
			spawn.Go(nil, func() {
				defer close(ended)
				_ = b.eng.Listen(context.Background(), func(int64) { hears <- struct{}{} })
			})
			b.within(hears, "the listener to hear")
			closed := make(chan struct{})
			spawn.Go(nil, func() {
				defer close(closed)
				b.eng.Close()
			})
			b.within(closed, "close")
			b.within(ended, "the listener to end")
		}},
		{name: "close of one engine leaves the others alone", own: true, run: func(b *bundle) {
			other := b.second()
			b.put(`1`)
			other.Close()
			b.take(1, long)
			b.put(`2`)
		}},
		{name: "close lets a claim in flight lose nothing", own: true, run: func(b *bundle) {
			witness := b.second()
			b.fill(500)
			leased := make([]int, 4)
			started := make(chan struct{}, 1000)
			var group spawn.Group
			for i := range leased {
				group.Go(func() {
					for {
						c, err := engine.ClaimOne(b.ctx, b.eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 3, Lease: long})
						leased[i] += len(c.Messages)
						started <- struct{}{}
						if err != nil || len(c.Messages) == 0 {
							return
						}
					}
				})
			}
			b.within(started, "a claim")
			b.eng.Close()
			group.Wait()
			b.eng = witness
			total := 0
			for _, n := range leased {
				total += n
			}
			require.EqualValues(b.t, total, b.metrics().Leased)
		}},
		{name: "open and close many times", own: true, run: func(b *bundle) {
			for range 5 {
				eng := b.second()
				b.ok(eng.Ping(b.ctx))
				start := time.Now()
				eng.Close()
				require.Less(b.t, time.Since(start), patience)
			}
			b.fill(1)
		}},
	}
}

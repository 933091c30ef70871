package enginetest

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/fault"
	"github.com/pgqrs/pgqrs/core/spawn"
)

// wakeLimit is how late a wake-up may be.
const wakeLimit = time.Second

func wakeupCases() []testCase {
	return []testCase{
		{name: "listen without push is refused at once", run: func(b *bundle) {
			if b.eng.Capabilities().Push {
				b.t.Skip("this engine pushes")
			}
			b.fails(fault.Unsupported, b.eng.Listen(b.ctx, func(int64) {}))
		}},
		{name: "notify nobody", run: func(b *bundle) {
			b.ok(b.eng.Notify(b.ctx, nil))
			b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID, nowhere}))
		}},
		{name: "notify wakes a listener on another engine", own: true, run: func(b *bundle) {
			eng := b.second()
			woken := b.listen(eng)
			b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID}))
			b.wakes(woken, b.queue.ID)
		}},
		{name: "notify wakes a listener on the same engine", own: true, run: func(b *bundle) {
			woken := b.listen(b.eng)
			b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID}))
			b.wakes(woken, b.queue.ID)
		}},
		{name: "every queue of a notification is announced", own: true, run: func(b *bundle) {
			woken := b.listen(b.eng)
			other := b.newQueue(5)
			b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID, other.ID}))
			seen := map[int64]bool{}
			deadline := time.After(wakeLimit)
			for !seen[0] && !(seen[b.queue.ID] && seen[other.ID]) {
				select {
				case id := <-woken:
					seen[id] = true
				case <-deadline:
					b.t.Fatalf("announced: %v", seen)
				}
			}
		}},
		{name: "a woken consumer finds the message", own: true, run: func(b *bundle) {
			eng := b.second()
			woken := b.listen(eng)
			for range 10 {
				for len(woken) > 0 {
					<-woken
				}
				id := b.put(`1`)
				b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID}))
				b.wakes(woken, b.queue.ID)
				c, err := engine.ClaimOne(b.ctx, eng, engine.Claim{QueueID: b.queue.ID, WorkerID: b.consumer.ID, Limit: 5, Lease: long})
				b.ok(err)
				require.Equal(b.t, []int64{id}, ids(c.Messages))
			}
		}},
		{name: "listen ends with its context", own: true, run: func(b *bundle) {
			if !b.eng.Capabilities().Push {
				b.t.Skip("this engine does not push")
			}
			ctx, cancel := context.WithCancel(b.ctx)
			hears, ended := make(chan struct{}, 100), make(chan struct{})
			spawn.Go(nil, func() {
				defer close(ended)
				_ = b.eng.Listen(ctx, func(int64) { hears <- struct{}{} })
			})
			b.within(hears, "the listener to hear")
			cancel()
			b.within(ended, "the listener to end")
			b.put(`1`) // and the engine goes on
			b.take(1, long)
		}},
	}
}

// listen starts a listener that ends with the case, and returns once it hears.
func (b *bundle) listen(eng engine.Engine) <-chan int64 {
	b.t.Helper()
	if !eng.Capabilities().Push {
		b.t.Skip("this engine does not push")
	}
	woken := make(chan int64, 1000)
	ctx, cancel := context.WithCancel(b.ctx)
	var group spawn.Group
	group.Go(func() {
		_ = eng.Listen(ctx, func(id int64) {
			select {
			case woken <- id:
			default:
			}
		})
	})
	b.t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	b.wakes(woken, 0)
	return woken
}

// wakes waits for an announcement of a queue, or of "any queue".
func (b *bundle) wakes(woken <-chan int64, queueID int64) {
	b.t.Helper()
	deadline := time.NewTimer(wakeLimit)
	if queueID == 0 {
		deadline.Reset(patience) // for the first connection there is no promise
	}
	defer deadline.Stop()
	for {
		select {
		case id := <-woken:
			if id == 0 || id == queueID {
				return
			}
		case <-deadline.C:
			b.t.Fatalf("queue %d was not announced in time", queueID)
		}
	}
}

// within waits for a signal, or for a channel to be closed.
func (b *bundle) within(signal <-chan struct{}, what string) {
	b.t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		b.t.Fatalf("waited %v in vain for %s", patience, what)
	}
}

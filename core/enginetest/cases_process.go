package enginetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgqrs/pgqrs/core/engine"
	"github.com/pgqrs/pgqrs/core/model"
)

func processCases() []testCase {
	return []testCase{
		{name: "four processes install at once", bare: true, run: func(b *bundle) {
			var list []*process
			for range 4 {
				list = append(list, b.start(job{Role: "install"}))
			}
			for _, p := range list {
				p.join()
			}
			b.ok(b.eng.Verify(b.ctx))
			b.setup(false)
			b.one(long)
		}},
		{name: "competing consumers lose nothing and take nothing twice", run: func(b *bundle) {
			const total = 1200
			sent := b.fill(total)
			var list []*process
			for range 3 {
				list = append(list, b.start(job{Role: "consume", Queue: b.queue.ID, Total: total, Batch: 5, Lease: long}))
			}
			var done []int64
			for _, p := range list {
				done = append(done, p.join()...)
			}
			require.ElementsMatch(b.t, sent, done)
			require.EqualValues(b.t, total, b.metrics().Archived)
			// Nothing expired, so one lease each was enough.
			b.selects(b.archiveTable(), engine.Filter{QueueID: b.queue.ID, MinReads: 2})
		}},
		{name: "a killed consumer's messages are redelivered", run: func(b *bundle) {
			const total = 1200
			sent := b.fill(total)
			work := job{Role: "consume", Queue: b.queue.ID, Total: total, Batch: 20, Lease: 500 * time.Millisecond}
			victim, survivor := b.start(work), b.start(work)
			done := append(victim.next().IDs, victim.next().IDs...)
			done = append(done, victim.kill()...)
			done = append(done, survivor.join()...)
			seen := map[int64]bool{}
			for _, id := range done {
				require.False(b.t, seen[id], "message %d acknowledged twice", id)
				seen[id] = true
			}
			// What the victim archived with its last breath, it could not tell.
			require.GreaterOrEqual(b.t, len(done), total-work.Batch)
			require.Equal(b.t, model.QueueMetrics{QueueID: b.queue.ID, QueueName: b.queue.Name, Archived: total}, b.metrics())
			for _, id := range sent {
				b.archived(id)
			}
		}},
		{name: "a killed process's leases expire", run: func(b *bundle) {
			sent := b.fill(3)
			p := b.start(job{Role: "hold", Queue: b.queue.ID, Worker: b.consumer.ID, Batch: 3, Lease: time.Second})
			require.Equal(b.t, sent, p.next().IDs)
			p.kill()
			again := b.await(b.another(), 3, long)
			require.ElementsMatch(b.t, sent, ids(again))
		}},
		{name: "what a killed producer was answered is stored", run: func(b *bundle) {
			p := b.start(job{Role: "produce", Queue: b.queue.ID, Total: 1 << 40, Batch: 7})
			var answered []int64
			for range 20 {
				answered = append(answered, p.next().IDs...)
			}
			answered = append(answered, p.kill()...)
			for _, id := range answered {
				b.message(id)
			}
			n := b.metrics().Pending
			require.GreaterOrEqual(b.t, n, int64(len(answered)))
			require.Zero(b.t, n%7, "half a batch is stored")
		}},
		{name: "producers and consumers in processes", run: func(b *bundle) {
			const producers, each = 2, 600
			var making, taking []*process
			for range producers {
				making = append(making, b.start(job{Role: "produce", Queue: b.queue.ID, Total: each, Batch: 6}))
				taking = append(taking, b.start(job{Role: "consume", Queue: b.queue.ID, Total: producers * each, Batch: 10, Lease: long}))
			}
			var sent, done []int64
			for _, p := range making {
				sent = append(sent, p.join()...)
			}
			for _, p := range taking {
				done = append(done, p.join()...)
			}
			require.Len(b.t, sent, producers*each)
			require.ElementsMatch(b.t, sent, done)
		}},
		{name: "a notification wakes another process", own: true, run: func(b *bundle) {
			if !b.eng.Capabilities().Push {
				b.t.Skip("this engine does not push")
			}
			p := b.start(job{Role: "listen"})
			require.Zero(b.t, p.next().Woken, "the first call says that the listener hears")
			start := time.Now()
			b.ok(b.eng.Notify(b.ctx, []int64{b.queue.ID}))
			require.Contains(b.t, []int64{0, b.queue.ID}, p.next().Woken)
			require.Less(b.t, time.Since(start), wakeLimit)
		}},
		{name: "a notification of another process wakes us", own: true, run: func(b *bundle) {
			woken := b.listen(b.eng)
			p := b.start(job{Role: "notify", Queue: b.queue.ID})
			p.join()
			b.wakes(woken, b.queue.ID)
		}},
	}
}
